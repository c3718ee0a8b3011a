//! DescribeConfigs: settings in force with their sources. Version 3 brought types and documentation.

use crate::broker::config_rules::source_id;
use crate::broker::context::Cx;
use crate::broker::logging;
use crate::broker::reply::Reply;
use crate::config::{Entry, Kind, Source, describe_broker, describe_client_metrics, describe_group, describe_topic};
use crate::machine::controller::{ApiError, ClusterState, ConfigResource, Overrides, ResourceKind, topics};
use crate::types::NodeId;
use crate::wire::ErrorCode;
use crate::wire::describe_configs_request::{DescribeConfigsRequest, DescribeConfigsResource};
use crate::wire::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResponse, DescribeConfigsResult, DescribeConfigsSynonym,
};

pub fn handle(cx: Cx, request: DescribeConfigsRequest) -> Reply<DescribeConfigsResponse> {
    let image = cx.broker.image();
    let results = request.resources.iter().map(|resource| {
        let mut result = DescribeConfigsResult {
            resource_type: resource.resource_type,
            resource_name: resource.resource_name.clone(),
            ..Default::default()
        };
        match entries(&cx, &image, resource) {
            Ok(entries) => {
                let asked = |e: &Entry| resource.configuration_keys.as_ref().is_none_or(|keys| keys.is_empty() || keys.contains(&e.name));
                result.configs = entries.into_iter().filter(asked).map(|e| shown(&cx, e, request.include_synonyms)).collect();
            }
            Err(error) => {
                result.error_code = error.code.code();
                result.error_message = error.message.or_else(|| Some(error.code.message().to_string()));
            }
        }
        result
    });
    Reply::now(DescribeConfigsResponse { results: results.collect(), ..Default::default() })
}

fn entries(cx: &Cx, image: &ClusterState, resource: &DescribeConfigsResource) -> Result<Vec<Entry>, ApiError> {
    let (rules, name) = (&cx.broker.rules, resource.resource_name.as_str());
    let kind = ResourceKind::from_id(resource.resource_type);
    let none = Overrides::new();
    let own = |kind| image.config(&ConfigResource::new(kind, name)).map_or(&none, |values| &**values);
    match kind {
        ResourceKind::Topic => {
            topics::check_name(name)?;
            if image.topic(name).is_none() {
                // Without words, as Kafka has it.
                return Err(ApiError::new(ErrorCode::UnknownTopicOrPartition, ""));
            }
            Ok(rules.with_layers(image, |layers| describe_topic(own(kind), layers)))
        }
        ResourceKind::Broker if name.is_empty() => Ok(rules.with_layers(image, |layers| {
            // The defaults of all brokers: only what is set there.
            let all = describe_broker(layers);
            all.into_iter().filter(|e| layers.cluster.contains_key(&e.name)).map(cluster_only).collect()
        })),
        ResourceKind::Broker if name.parse() == Ok(rules.node) => Ok(rules.with_layers(image, describe_broker)),
        ResourceKind::Broker => Err(not_this_broker(rules.node, name)),
        ResourceKind::Group if name.is_empty() => Err(ApiError::new(ErrorCode::InvalidRequest, "Group name must not be empty")),
        ResourceKind::Group => Ok(rules.with_layers(image, |layers| describe_group(own(kind), layers))),
        ResourceKind::ClientMetrics if name.is_empty() => {
            Err(ApiError::new(ErrorCode::InvalidRequest, "Client metrics subscription name must not be empty"))
        }
        ResourceKind::ClientMetrics => Ok(describe_client_metrics(own(kind))),
        ResourceKind::BrokerLogger if name.parse() == Ok(rules.node) => Ok(vec![logger()]),
        ResourceKind::BrokerLogger => Err(not_this_broker(rules.node, name)),
        ResourceKind::Other(id) => Err(ApiError::new(ErrorCode::InvalidRequest, format!("Unsupported resource type: {id}"))),
    }
}

fn not_this_broker(node: NodeId, name: &str) -> ApiError {
    let text = match name.parse::<i32>() {
        Ok(_) => format!("Unexpected broker id, expected {node} or empty string, but received {name}"),
        Err(_) => format!("Broker id must be an integer, but it is: {name}"),
    };
    ApiError::new(ErrorCode::InvalidRequest, text)
}

/// There is one logger.
fn logger() -> Entry {
    Entry {
        name: logging::ROOT.to_string(),
        value: Some(logging::level()),
        source: Source::BrokerLogger,
        read_only: !logging::is_changeable(),
        sensitive: false,
        kind: Some(Kind::String),
        synonyms: Vec::new(),
    }
}

/// An entry as the cluster-wide defaults have it, without what one broker adds.
fn cluster_only(mut entry: Entry) -> Entry {
    entry.synonyms.retain(|s| s.source == Source::DynamicDefaultBroker);
    entry.source = Source::DynamicDefaultBroker;
    entry.value = entry.synonyms.first().and_then(|s| s.value.clone());
    entry
}

fn shown(cx: &Cx, entry: Entry, with_synonyms: bool) -> DescribeConfigsResourceResult {
    let synonyms = entry.synonyms.into_iter().filter(|_| with_synonyms);
    DescribeConfigsResourceResult {
        name: entry.name,
        value: entry.value,
        read_only: entry.read_only,
        config_source: source_id(entry.source),
        is_sensitive: entry.sensitive,
        synonyms: synonyms.map(|s| DescribeConfigsSynonym { name: s.name, value: s.value, source: source_id(s.source) }).collect(),
        config_type: if cx.version >= 3 { entry.kind.map_or(0, |k| k as i8) } else { 0 },
        documentation: None,
    }
}
