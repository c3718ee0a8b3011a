//! Broker settings, other than topics' defaults, that the broker obeys from the moment they change.

use super::key::{ConfigError, split_list};
use super::{Layers, broker_key};

/// What is in force now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DynamicConfig {
    pub max_connections: i32,
    pub max_connections_per_ip: i32,
    /// Host name or address, and the number that holds for it instead.
    pub max_connections_per_ip_overrides: Vec<(String, i32)>,
    /// Connections a second.
    pub max_connection_creation_rate: i32,
    pub producer_id_expiration_ms: i32,
    pub group_consumer_assignment_interval_ms: i32,
    pub group_share_assignment_interval_ms: i32,
}

const OVERRIDES: &str = "max.connections.per.ip.overrides";

impl DynamicConfig {
    /// The settings that this reads.
    pub const NAMES: [&'static str; 7] = [
        "group.consumer.assignment.interval.ms",
        "group.share.assignment.interval.ms",
        "max.connections",
        "max.connections.per.ip",
        OVERRIDES,
        "max.connection.creation.rate",
        "producer.id.expiration.ms",
    ];

    /// Values were checked when they were set; one that cannot be read all the same counts as not set.
    pub fn effective(layers: Layers<'_>) -> DynamicConfig {
        let int = |name: &str| {
            let default = broker_key(name).and_then(|key| key.default).and_then(|d| d.parse().ok()).unwrap_or(i32::MAX);
            layers.get(name).and_then(|v| v.trim().parse().ok()).unwrap_or(default)
        };
        DynamicConfig {
            max_connections: int("max.connections"),
            max_connections_per_ip: int("max.connections.per.ip"),
            max_connections_per_ip_overrides: layers.get(OVERRIDES).and_then(|v| parse_overrides(v).ok()).unwrap_or_default(),
            max_connection_creation_rate: int("max.connection.creation.rate"),
            producer_id_expiration_ms: int("producer.id.expiration.ms"),
            group_consumer_assignment_interval_ms: int("group.consumer.assignment.interval.ms"),
            group_share_assignment_interval_ms: int("group.share.assignment.interval.ms"),
        }
    }
}

/// Checks a value whose form its row in the table does not tell.
pub(super) fn check(name: &str, value: &str) -> Result<(), ConfigError> {
    if name == OVERRIDES { parse_overrides(value).map(drop) } else { Ok(()) }
}

fn parse_overrides(text: &str) -> Result<Vec<(String, i32)>, ConfigError> {
    let one = |entry: &str| {
        let parsed = entry.rsplit_once(':').and_then(|(host, n)| Some((host.trim().to_string(), n.trim().parse().ok()?)));
        parsed.filter(|(host, n)| !host.is_empty() && *n >= 0).ok_or_else(|| {
            ConfigError::new(format!("Invalid value {text} for configuration {OVERRIDES}: expected hostName:count,... and not {entry}"))
        })
    };
    split_list(text).into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Values;

    #[test]
    fn n11_limits_of_single_addresses_are_read_from_a_list() {
        let parsed = parse_overrides("localhost:5, 127.0.0.1:7,::1:9").unwrap();
        assert_eq!(parsed, [("localhost".to_string(), 5), ("127.0.0.1".to_string(), 7), ("::1".to_string(), 9)]);
        for bad in ["localhost", "localhost:x", ":5", "a:-1"] {
            assert!(check(OVERRIDES, bad).unwrap_err().to_string().contains(bad));
        }
    }

    #[test]
    fn g1_the_strongest_layer_wins() {
        let one = |name: &str, value: &str| Values::from([(name.to_string(), value.to_string())]);
        let (own, cluster, file) = (one("max.connections", "1"), one("max.connections", "2"), one("max.connections.per.ip", "3"));
        let config = DynamicConfig::effective(Layers { per_broker: &own, cluster: &cluster, file: &file });
        assert_eq!((config.max_connections, config.max_connections_per_ip, config.producer_id_expiration_ms), (1, 3, 86_400_000));
    }
}
