//! What the controller asks of settings, answered from the tables of `config`.

use crate::config::{self, Layers, Source, Update, Values, describe_topic};
use crate::machine::controller::{ApiError, ClusterState, ConfigResource, ConfigRules, Overrides, ResourceKind};
use crate::types::NodeId;
use crate::wire::ErrorCode;
use crate::wire::create_topics_response::CreatableTopicConfigs;

/// The tables, with what this broker's own file sets.
pub struct Rules {
    pub file: Values,
    pub node: NodeId,
}

impl Rules {
    /// The dynamic settings of this broker and of all brokers, over its file.
    pub fn with_layers<T>(&self, state: &ClusterState, use_layers: impl FnOnce(Layers<'_>) -> T) -> T {
        let none = Overrides::new();
        let of = |resource: &ConfigResource| state.config(resource).map_or(&none, |values| &**values);
        use_layers(Layers {
            per_broker: of(&ConfigResource::broker(self.node)),
            cluster: of(&ConfigResource::cluster_default()),
            file: &self.file,
        })
    }
}

impl ConfigRules for Rules {
    fn validate(&self, resource: &ConfigResource, new: &Overrides, old: &Overrides) -> Result<(), ApiError> {
        let checked = match resource.kind {
            ResourceKind::Topic => config::validate_topic(new),
            ResourceKind::Group => config::validate_group(new, &self.file),
            ResourceKind::ClientMetrics => {
                let refused = |e: config::ConfigError| {
                    let text = e.to_string();
                    // Kafka tells what is wrong with a pattern by another code than everything else.
                    let pattern = text.starts_with("Illegal client matching pattern");
                    ApiError::new(if pattern { ErrorCode::InvalidConfig } else { ErrorCode::InvalidRequest }, text)
                };
                return config::validate_client_metrics(new).map_err(refused);
            }
            ResourceKind::Broker => {
                check_updatable(resource, new, old)?;
                config::validate_broker_dynamic(new, !resource.name.is_empty())
            }
            _ => Ok(()),
        };
        checked.map_err(|e| ApiError::new(ErrorCode::InvalidConfig, e.to_string()))
    }

    fn is_list(&self, kind: ResourceKind, key: &str) -> bool {
        key_of(kind, key).is_some_and(|k| k.kind == config::Kind::List)
    }

    fn default_value(&self, kind: ResourceKind, key: &str) -> Option<String> {
        let own = if kind == ResourceKind::Topic { self.static_topic_value(key) } else { self.file.get(key).cloned() };
        own.or_else(|| key_of(kind, key)?.default.map(str::to_string))
    }

    fn static_topic_value(&self, key: &str) -> Option<String> {
        let none = Values::new();
        let layers = Layers { per_broker: &none, cluster: &none, file: &self.file };
        describe_topic(&none, layers).into_iter().find(|e| e.name == key)?.value
    }

    fn topic_configs(&self, state: &ClusterState, overrides: &Overrides) -> Vec<CreatableTopicConfigs> {
        let entries = self.with_layers(state, |layers| describe_topic(overrides, layers));
        let shown = entries.into_iter().map(|e| CreatableTopicConfigs {
            name: e.name,
            value: e.value,
            read_only: e.read_only,
            config_source: source_id(e.source),
            is_sensitive: e.sensitive,
        });
        shown.collect()
    }
}

/// As DescribeConfigs numbers it.
pub fn source_id(source: Source) -> i8 {
    source as i8
}

fn key_of(kind: ResourceKind, key: &str) -> Option<&'static config::Key> {
    match kind {
        ResourceKind::Topic => config::topic_key(key),
        ResourceKind::Broker => config::broker_key(key),
        ResourceKind::Group => config::group_key(key),
        _ => None,
    }
}

/// Refuses changes of settings that cannot change while the broker runs, or not for all brokers at once.
fn check_updatable(resource: &ConfigResource, new: &Overrides, old: &Overrides) -> Result<(), ApiError> {
    let changed = |key: &&String| new.get(*key) != old.get(*key);
    let names: Vec<&String> = new.keys().chain(old.keys().filter(|k| !new.contains_key(*k))).filter(changed).collect();
    let of = |update: Update| -> Vec<&str> {
        names.iter().filter(|n| config::broker_key(n).is_some_and(|k| k.update == update)).map(|n| n.as_str()).collect()
    };
    let refuse = |what: &str, keys: Vec<&str>| Err(ApiError::new(ErrorCode::InvalidRequest, format!("{what}: [{}]", keys.join(", "))));
    let fixed = of(Update::ReadOnly);
    if !fixed.is_empty() {
        return refuse("Cannot update these configs dynamically", fixed);
    }
    let single = of(Update::PerBroker);
    if resource.name.is_empty() && !single.is_empty() {
        return refuse("Cannot update these configs at default cluster level, broker id must be specified", single);
    }
    Ok(())
}
