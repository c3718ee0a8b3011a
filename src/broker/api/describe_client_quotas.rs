//! DescribeClientQuotas: the limits of all entities that a filter lets through.

use std::collections::BTreeMap;

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::machine::controller::quotas::{CLIENT_ID, IP, USER};
use crate::machine::controller::{ApiError, ClusterState, QuotaEntity};
use crate::wire::ErrorCode;
use crate::wire::describe_client_quotas_request::DescribeClientQuotasRequest;
use crate::wire::describe_client_quotas_response::{DescribeClientQuotasResponse, EntityData, EntryData, ValueData};

pub fn handle(cx: Cx, request: DescribeClientQuotasRequest) -> Reply<DescribeClientQuotasResponse> {
    Reply::now(match Filter::new(&request) {
        Ok(filter) => DescribeClientQuotasResponse { entries: Some(filter.entries(&cx.broker.image())), ..Default::default() },
        Err(error) => DescribeClientQuotasResponse {
            error_code: error.code.code(),
            error_message: error.message,
            entries: None,
            ..Default::default()
        },
    })
}

/// What a part of an entity must be.
#[derive(Clone, Copy)]
enum Wanted<'a> {
    Named(&'a str),
    Default,
    Any,
}

struct Filter<'a> {
    parts: BTreeMap<&'a str, Wanted<'a>>,
    /// Other parts than these must not be there.
    strict: bool,
}

impl<'a> Filter<'a> {
    fn new(request: &'a DescribeClientQuotasRequest) -> Result<Self, ApiError> {
        let invalid = |text: String| Err(ApiError::new(ErrorCode::InvalidRequest, text));
        let mut parts = BTreeMap::new();
        for component in &request.components {
            let kind = component.entity_type.as_str();
            if kind.is_empty() {
                return invalid("Invalid empty entity type.".into());
            }
            if parts.contains_key(kind) {
                return invalid(format!("Entity type {kind} cannot appear more than once in the filter."));
            }
            if ![USER, CLIENT_ID, IP].contains(&kind) {
                return Err(ApiError::new(ErrorCode::UnsupportedVersion, format!("Unsupported entity type {kind}")));
            }
            let wanted = match (component.match_type, component.match_.as_deref()) {
                (0, Some(name)) => Wanted::Named(name),
                (0, None) => return invalid("Request specified MATCH_TYPE_EXACT, but set match string to null.".into()),
                (1, None) => Wanted::Default,
                (1, Some(_)) => return invalid("Request specified MATCH_TYPE_DEFAULT, but also specified a match string.".into()),
                (2, None) => Wanted::Any,
                (2, Some(_)) => return invalid("Request specified MATCH_TYPE_SPECIFIED, but also specified a match string.".into()),
                (other, _) => return invalid(format!("Unknown match type {other}")),
            };
            parts.insert(kind, wanted);
        }
        if parts.contains_key(IP) && parts.len() > 1 {
            return invalid(
                "Invalid entity filter component combination. IP filter component should not be used with user or clientId filter \
                 component."
                    .into(),
            );
        }
        Ok(Filter { parts, strict: request.strict })
    }

    fn lets_through(&self, entity: &QuotaEntity) -> bool {
        let fits = |(kind, wanted): (&&str, &Wanted<'_>)| {
            let part = entity.iter().find(|(k, _)| k == kind);
            part.is_some_and(|(_, name)| match wanted {
                Wanted::Named(wanted) => name.as_deref() == Some(*wanted),
                Wanted::Default => name.is_none(),
                Wanted::Any => true,
            })
        };
        (!self.strict || entity.len() == self.parts.len()) && self.parts.iter().all(fits)
    }

    fn entries(&self, image: &ClusterState) -> Vec<EntryData> {
        let mut found: BTreeMap<&QuotaEntity, Vec<ValueData>> = BTreeMap::new();
        for (entity, key, value) in image.kept().limits().filter(|(entity, ..)| self.lets_through(entity)) {
            found.entry(entity).or_default().push(ValueData { key: key.to_string(), value });
        }
        let part = |(kind, name): &(String, Option<String>)| EntityData { entity_type: kind.clone(), entity_name: name.clone() };
        found.into_iter().map(|(entity, values)| EntryData { entity: entity.iter().map(part).collect(), values }).collect()
    }
}
