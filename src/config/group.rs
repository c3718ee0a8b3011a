//! Rules for the settings of groups and of subscriptions to client metrics, in Kafka's words.

use super::key::{ConfigError, Kind, split_list};
use super::{Values, broker_key, group_key, group_keys};

/// Settings of a subscription to client metrics, sorted by name: type and default.
pub(super) const CLIENT_METRICS: [(&str, Kind, &str); 3] =
    [("interval.ms", Kind::Int, "300000"), ("match", Kind::List, ""), ("metrics", Kind::List, "")];

/// What a client can be told apart by.
const MATCHED: [&str; 6] =
    ["client_instance_id", "client_id", "client_software_name", "client_software_version", "client_source_address", "client_source_port"];

/// Checks the overrides of a group: each value, and the bounds that the broker's own settings (`file`) draw.
pub fn validate_group(overrides: &Values, file: &Values) -> Result<(), ConfigError> {
    for (name, value) in overrides {
        let key = group_key(name).ok_or_else(|| ConfigError::new(format!("Unknown group config name: {name}")))?;
        key.check(value)?;
    }
    let broker = |name: &str| -> Option<i64> { file.get(name).map(String::as_str).or(broker_key(name)?.default)?.parse().ok() };
    for (name, value) in overrides {
        let Some(value) = value.trim().parse::<i64>().ok() else { continue };
        let Some((kind, rest)) = name.split_once('.') else { continue };
        let (least, most) = (format!("group.{kind}.min.{rest}"), format!("group.{kind}.max.{}", rest.trim_start_matches("num.")));
        if broker(&least).is_some_and(|least| value < least) {
            return Err(ConfigError::new(format!("{name} must be greater than or equal to {least}")));
        }
        if broker(&most).is_some_and(|most| value > most) {
            return Err(ConfigError::new(format!("{name} must be less than or equal to {most}")));
        }
    }
    let in_force = |name: &str| overrides.get(name).and_then(|v| v.trim().parse().ok()).or_else(|| broker(&format!("group.{name}")));
    for session in group_keys().iter().map(|k| k.name).filter(|name| name.ends_with(".session.timeout.ms")) {
        let heartbeat = session.replace("session.timeout.ms", "heartbeat.interval.ms");
        let touched = overrides.contains_key(session) || overrides.contains_key(&heartbeat);
        if touched && in_force(session).zip(in_force(&heartbeat)).is_some_and(|(s, h)| s <= h) {
            return Err(ConfigError::new(format!("{session} must be greater than {heartbeat}")));
        }
    }
    Ok(())
}

/// Checks the settings of a subscription to client metrics.
pub fn validate_client_metrics(settings: &Values) -> Result<(), ConfigError> {
    for (name, value) in settings {
        if !CLIENT_METRICS.iter().any(|(known, ..)| known == name) {
            return Err(ConfigError::new(format!("Unknown client metrics configuration: {name}")));
        }
        if name == "interval.ms" && !value.trim().parse().is_ok_and(|ms: i32| (100..=3_600_000).contains(&ms)) {
            let text = format!("Invalid value {value} for interval.ms, interval must be between 100 and 3600000 (1 hour)");
            return Err(ConfigError::new(text));
        }
        if name == "match" {
            let legal =
                |pattern: &str| pattern.split_once('=').is_some_and(|(what, how)| MATCHED.contains(&what.trim()) && !how.is_empty());
            if let Some(bad) = split_list(value).into_iter().find(|pattern| !legal(pattern)) {
                return Err(ConfigError::new(format!("Illegal client matching pattern: {bad}")));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, value: &str) -> Values {
        Values::from([(name.to_string(), value.to_string())])
    }

    #[test]
    fn group_settings_stay_within_the_brokers_bounds() {
        let none = Values::new();
        let refused = |name: &str, value: &str| validate_group(&one(name, value), &none).unwrap_err().to_string();
        let least = "consumer.session.timeout.ms must be greater than or equal to group.consumer.min.session.timeout.ms";
        assert_eq!(refused("consumer.session.timeout.ms", "1"), least);
        let most = "streams.num.standby.replicas must be less than or equal to group.streams.max.standby.replicas";
        assert_eq!(refused("streams.num.standby.replicas", "3"), most);
        assert_eq!(refused("no.such", "3"), "Unknown group config name: no.such");
        validate_group(&one("consumer.session.timeout.ms", "50000"), &none).unwrap();
        let lower = one("group.consumer.min.session.timeout.ms", "10");
        assert!(
            validate_group(&one("consumer.session.timeout.ms", "5000"), &lower)
                .unwrap_err()
                .to_string()
                .contains("greater than consumer.heart")
        );
    }

    #[test]
    fn client_metrics_are_checked() {
        let refused = |name: &str, value: &str| validate_client_metrics(&one(name, value)).unwrap_err().to_string();
        assert_eq!(refused("foo", "1"), "Unknown client metrics configuration: foo");
        assert_eq!(refused("interval.ms", "7"), "Invalid value 7 for interval.ms, interval must be between 100 and 3600000 (1 hour)");
        assert!(refused("match", "client=x").contains("client=x"));
        validate_client_metrics(&one("match", "client_id=a.*,client_source_port=1")).unwrap();
    }
}
