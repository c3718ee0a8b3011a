//! Settings: Kafka's own names, types, defaults and limits as tables, and the typed structs that the broker reads.
//!
//! One row a setting (`*_table.rs`); parsing, validation, DescribeConfigs and the warnings about settings that kfk does not
//! honour yet all come from it. No other room reads a setting by its name.

mod admin_table;
mod broker;
mod broker_dynamic;
mod broker_table;
mod cleaner;
mod client;
mod consumer_groups;
mod consumer_table;
mod describe;
mod environment;
mod group;
mod group_table;
mod jaas;
mod key;
mod listener;
mod own;
mod producer_table;
mod properties;
mod security;
mod share_groups;
mod tls;
mod topic;
mod topic_table;

pub use broker::{BrokerConfig, Warning};
pub use broker_dynamic::DynamicConfig;
pub use cleaner::CleanerConfig;
pub use client::{Acks, ClientConfig, ConsumerConfig, DnsLookup, OffsetReset, PartitionerKind, ProducerConfig};
pub use consumer_groups::ConsumerGroupSettings;
pub use describe::{Entry, Source, Synonym, describe_broker, describe_client_metrics, describe_group, describe_topic};
pub use environment::settings_from_environment;
pub use group::{validate_client_metrics, validate_group};
pub use key::{ConfigError, Key, Kind, Update, Valid};
pub use listener::{Endpoint, parse_endpoints};
pub use own::{DURABILITY, Durability, METRICS_LISTENER};
pub use properties::parse_properties;
pub use security::{Sasl, SaslMechanism, Secret, Security};
pub use share_groups::ShareGroupSettings;
pub use topic::{CleanupPolicy, CompressionType, TimestampType, TopicConfig};

use std::collections::BTreeMap;

/// Values by name, as they were given.
pub type Values = BTreeMap<String, String>;

/// The three places where a broker setting can come from, strongest first.
#[derive(Clone, Copy)]
pub struct Layers<'a> {
    /// Set at run time for this broker.
    pub per_broker: &'a Values,
    /// Set at run time for all brokers.
    pub cluster: &'a Values,
    /// From `server.properties` and the command line.
    pub file: &'a Values,
}

impl<'a> Layers<'a> {
    /// The value in force, unless it is the default.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.all(name).next().map(|(value, _)| value)
    }

    /// Every layer that sets `name`, strongest first.
    pub fn all(&self, name: &str) -> impl Iterator<Item = (&'a str, Source)> + use<'a> {
        let layers =
            [(self.per_broker, Source::DynamicBroker), (self.cluster, Source::DynamicDefaultBroker), (self.file, Source::StaticBroker)];
        let found = layers.map(|(values, source)| values.get(name).map(|v| (v.as_str(), source)));
        found.into_iter().flatten()
    }
}

/// The row of a broker setting.
pub fn broker_key(name: &str) -> Option<&'static Key> {
    find(broker_table::BROKER, name)
}

/// The row of a topic setting.
pub fn topic_key(name: &str) -> Option<&'static Key> {
    find(topic_table::TOPIC, name)
}

/// The row of a group setting.
pub fn group_key(name: &str) -> Option<&'static Key> {
    find(group_table::GROUP, name)
}

/// All topic settings, sorted by name.
pub fn topic_keys() -> &'static [Key] {
    topic_table::TOPIC
}

/// All broker settings, sorted by name.
pub fn broker_keys() -> &'static [Key] {
    broker_table::BROKER
}

/// All per-group settings, sorted by name.
pub fn group_keys() -> &'static [Key] {
    group_table::GROUP
}

fn find(table: &'static [Key], name: &str) -> Option<&'static Key> {
    table.binary_search_by(|k| k.name.cmp(name)).ok().map(|i| &table[i])
}

/// Checks the overrides of a topic as a whole, in Kafka's words.
pub fn validate_topic(overrides: &Values) -> Result<(), ConfigError> {
    for (name, value) in overrides {
        let key = topic_key(name).ok_or_else(|| ConfigError::unknown_topic(name))?;
        key.check(value)?;
    }
    topic::check_together(overrides)
}

/// Checks values that are to be set at run time for one broker (`per_broker`) or for all.
///
/// Names that Kafka does not know are accepted, as Kafka does; read-only ones are refused.
pub fn validate_broker_dynamic(values: &Values, per_broker: bool) -> Result<(), ConfigError> {
    for (name, value) in values {
        let Some(key) = broker_key(name) else { continue };
        match key.update {
            Update::ReadOnly => {
                return Err(ConfigError::new(format!("Cannot update these configs dynamically: Set({name})")));
            }
            Update::PerBroker if !per_broker => {
                let text = format!("Cannot update these configs at default cluster level: Set({name})");
                return Err(ConfigError::new(text));
            }
            _ => key.check(value).and_then(|()| broker_dynamic::check(name, value))?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_and_their_defaults_are_valid() {
        for table in [broker_keys(), topic_keys(), group_keys()] {
            assert!(table.windows(2).all(|w| w[0].name < w[1].name));
            for key in table {
                let lists_may_be_empty = key.default == Some("");
                if let Some(default) = key.default.filter(|_| !lists_may_be_empty) {
                    key.check(default).unwrap_or_else(|e| panic!("{}: {e}", key.name));
                }
                for name in key.broker {
                    assert!(broker_key(name).is_some(), "{name}");
                }
            }
        }
    }

    #[test]
    fn t5_bad_topic_values_are_refused_in_kafkas_words() {
        let check = |name: &str, value: &str| validate_topic(&Values::from([(name.into(), value.into())])).unwrap_err().to_string();
        assert_eq!(check("no.such.config", "1"), "Unknown topic config name: no.such.config");
        assert_eq!(check("retention.ms", "abc"), "Invalid value abc for configuration retention.ms: Not a number of type LONG");
        assert_eq!(check("segment.bytes", "1"), "Invalid value 1 for configuration segment.bytes: Value must be at least 1048576");
        let cleanup = "Invalid value shred for configuration cleanup.policy: String must be one of: compact, delete";
        assert_eq!(check("cleanup.policy", "shred"), cleanup);
    }

    #[test]
    fn g5_read_only_broker_settings_cannot_change_at_run_time() {
        let one = |name: &str, value: &str| Values::from([(name.into(), value.into())]);
        assert!(validate_broker_dynamic(&one("node.id", "2"), true).is_err());
        assert!(validate_broker_dynamic(&one("listeners", "PLAINTEXT://:1"), false).is_err());
        assert!(validate_broker_dynamic(&one("log.cleaner.threads", "2"), false).is_ok());
        assert!(validate_broker_dynamic(&one("log.cleaner.threads", "x"), true).is_err());
    }
}
