//! Quotas: the limits of users, client ids and addresses.

use kfk_wire::alter_client_quotas_request::{AlterClientQuotasRequest, EntityData, EntryData, OpData};
use kfk_wire::describe_client_quotas_request::{ComponentData, DescribeClientQuotasRequest};

use super::Admin;
use crate::client::error::{Error, check};

/// What limits hold for: `user`, `client-id` or `ip`, each with a name, or `None` for all that have no limits of their own.
pub type QuotaEntity = Vec<(String, Option<String>)>;

/// Which names a part of an entity may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuotaMatch {
    /// This one.
    Named(String),
    /// The default entity.
    Default,
    /// Any, the default entity too.
    Any,
}

impl Admin {
    /// The limits of all entities that have exactly these parts, by name.
    pub async fn describe_quotas(&self, parts: &[(&str, QuotaMatch)]) -> Result<Vec<(QuotaEntity, Vec<(String, f64)>)>, Error> {
        let component = |(kind, wanted): &(&str, QuotaMatch)| {
            let (match_type, match_) = match wanted {
                QuotaMatch::Named(name) => (0, Some(name.clone())),
                QuotaMatch::Default => (1, None),
                QuotaMatch::Any => (2, None),
            };
            ComponentData { entity_type: kind.to_string(), match_type, match_ }
        };
        let request = DescribeClientQuotasRequest { components: parts.iter().map(component).collect(), strict: true };
        let answer = self.retrying("describing quotas", || async { self.client.call_any(&request).await }).await?;
        check(answer.error_code, answer.error_message.as_deref())?;
        let entries = answer.entries.unwrap_or_default().into_iter().map(|entry| {
            let entity = entry.entity.into_iter().map(|part| (part.entity_type, part.entity_name)).collect();
            let mut values: Vec<(String, f64)> = entry.values.into_iter().map(|v| (v.key, v.value)).collect();
            values.sort_by(|a, b| a.0.cmp(&b.0));
            (entity, values)
        });
        Ok(entries.collect())
    }

    /// Changes limits of one entity; `None` takes a limit away. All of them or none.
    pub async fn alter_quotas(&self, entity: &QuotaEntity, changes: &[(String, Option<f64>)]) -> Result<(), Error> {
        let part = |(kind, name): &(String, Option<String>)| EntityData { entity_type: kind.clone(), entity_name: name.clone() };
        let op =
            |(key, value): &(String, Option<f64>)| OpData { key: key.clone(), value: value.unwrap_or_default(), remove: value.is_none() };
        let entry = EntryData { entity: entity.iter().map(part).collect(), ops: changes.iter().map(op).collect() };
        let request = AlterClientQuotasRequest { entries: vec![entry], validate_only: false };
        let answer = self.retrying("altering quotas", || async { self.client.call_controller(&request).await }).await?;
        answer.entries.iter().try_for_each(|entry| check(entry.error_code, entry.error_message.as_deref()))
    }
}
