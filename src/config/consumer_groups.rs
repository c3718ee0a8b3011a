//! The settings of groups whose members the coordinator gives partitions to (KIP-848), and how they bound each other.

use super::Values;
use super::broker_key;
use super::key::{ConfigError, split_list};

/// Settings under `group.consumer.`, other than those that change while the broker runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerGroupSettings {
    pub session_timeout_ms: i32,
    pub heartbeat_interval_ms: i32,
    pub max_size: i32,
    /// Names of server-side assignors, known and without repetition; the first one is the default.
    pub assignors: Vec<String>,
    pub migration_policy: String,
    pub regex_refresh_interval_ms: i32,
}

const PREFIX: &str = "group.consumer.";

/// Name and Java class.
const ASSIGNORS: [(&str, &str); 2] = [
    ("uniform", "org.apache.kafka.coordinator.group.assignor.UniformAssignor"),
    ("range", "org.apache.kafka.coordinator.group.assignor.RangeAssignor"),
];

impl ConsumerGroupSettings {
    /// Every setting that this reads, or checks against another one.
    pub(super) const NAMES: [&'static str; 13] = [
        "group.consumer.assignment.interval.ms",
        "group.consumer.assignors",
        "group.consumer.heartbeat.interval.ms",
        "group.consumer.max.assignment.interval.ms",
        "group.consumer.max.heartbeat.interval.ms",
        "group.consumer.max.session.timeout.ms",
        "group.consumer.max.size",
        "group.consumer.migration.policy",
        "group.consumer.min.assignment.interval.ms",
        "group.consumer.min.heartbeat.interval.ms",
        "group.consumer.min.session.timeout.ms",
        "group.consumer.regex.refresh.interval.ms",
        "group.consumer.session.timeout.ms",
    ];

    /// Values of `file` have been checked one by one.
    pub(super) fn read(file: &Values) -> Result<Self, ConfigError> {
        for timing in ["heartbeat.interval.ms", "session.timeout.ms", "assignment.interval.ms"] {
            check_bounds(file, timing)?;
        }
        let (heartbeat, session) = (int(file, "heartbeat.interval.ms"), int(file, "session.timeout.ms"));
        if heartbeat >= session {
            return Err(ConfigError::new(format!("{PREFIX}heartbeat.interval.ms must be less than {PREFIX}session.timeout.ms")));
        }
        Ok(ConsumerGroupSettings {
            session_timeout_ms: session,
            heartbeat_interval_ms: heartbeat,
            max_size: int(file, "max.size"),
            assignors: assignors(file)?,
            migration_policy: text(file, "migration.policy").to_string(),
            regex_refresh_interval_ms: int(file, "regex.refresh.interval.ms"),
        })
    }
}

fn text<'a>(file: &'a Values, name: &str) -> &'a str {
    let name = format!("{PREFIX}{name}");
    file.get(&name).map(String::as_str).or_else(|| broker_key(&name)?.default).unwrap_or_default()
}

fn int(file: &Values, name: &str) -> i32 {
    text(file, name).trim().parse().unwrap_or_default()
}

/// The bounds of a timing are in order, and it lies between them.
fn check_bounds(file: &Values, timing: &str) -> Result<(), ConfigError> {
    let (least, most) = (format!("min.{timing}"), format!("max.{timing}"));
    let refuse = |name: &str, what: &str, bound: &str| Err(ConfigError::new(format!("{PREFIX}{name} must be {what} {PREFIX}{bound}")));
    let (at_least, at_most) = ("greater than or equal to", "less than or equal to");
    if int(file, &most) < int(file, &least) {
        refuse(&most, at_least, &least)
    } else if int(file, timing) < int(file, &least) {
        refuse(timing, at_least, &least)
    } else if int(file, timing) > int(file, &most) {
        refuse(timing, at_most, &most)
    } else {
        Ok(())
    }
}

/// Assignors come by name or by their class in Kafka; others would have to be loaded as Java classes.
fn assignors(file: &Values) -> Result<Vec<String>, ConfigError> {
    let mut names: Vec<String> = Vec::new();
    for given in split_list(text(file, "assignors")) {
        let known = ASSIGNORS.iter().find(|(name, class)| given == *name || given == *class);
        let Some((name, _)) = known else {
            return Err(ConfigError::new(format!(
                "Invalid value {given} for configuration {PREFIX}assignors: kfk has the assignors uniform and range"
            )));
        };
        if !names.iter().any(|n| n == name) {
            names.push(name.to_string());
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<ConsumerGroupSettings, String> {
        let file = pairs.iter().map(|(name, value)| (format!("{PREFIX}{name}"), value.to_string())).collect();
        ConsumerGroupSettings::read(&file).map_err(|e| e.to_string())
    }

    #[test]
    fn k8_defaults_are_kafkas() {
        let settings = read(&[]).unwrap();
        assert_eq!((settings.session_timeout_ms, settings.heartbeat_interval_ms, settings.max_size), (45_000, 5_000, i32::MAX));
        assert_eq!((settings.migration_policy.as_str(), settings.regex_refresh_interval_ms), ("bidirectional", 600_000));
        assert_eq!(settings.assignors, ["uniform", "range"]);
        for name in ConsumerGroupSettings::NAMES {
            assert!(broker_key(name).is_some(), "{name}");
        }
    }

    #[test]
    fn settings_bound_each_other_as_in_kafka() {
        let refused = |pairs: &[(&str, &str)]| read(pairs).unwrap_err();
        let too_low = "group.consumer.session.timeout.ms must be greater than or equal to group.consumer.min.session.timeout.ms";
        assert_eq!(refused(&[("session.timeout.ms", "6000")]), too_low);
        let crossed = "group.consumer.max.heartbeat.interval.ms must be greater than or equal to group.consumer.min.heartbeat.interval.ms";
        assert_eq!(refused(&[("max.heartbeat.interval.ms", "4000")]), crossed);
        let too_high = "group.consumer.assignment.interval.ms must be less than or equal to group.consumer.max.assignment.interval.ms";
        assert_eq!(refused(&[("assignment.interval.ms", "20000")]), too_high);
        let inverted = [("min.session.timeout.ms", "1"), ("session.timeout.ms", "5000")];
        assert_eq!(refused(&inverted), "group.consumer.heartbeat.interval.ms must be less than group.consumer.session.timeout.ms");
        assert_eq!(read(&[("min.session.timeout.ms", "1"), ("session.timeout.ms", "6000")]).unwrap().session_timeout_ms, 6_000);
    }

    #[test]
    fn assignors_come_by_name_or_by_class() {
        let by_class = "org.apache.kafka.coordinator.group.assignor.RangeAssignor, uniform";
        assert_eq!(read(&[("assignors", by_class)]).unwrap().assignors, ["range", "uniform"]);
        assert!(read(&[("assignors", "my.own.Assignor")]).unwrap_err().contains("my.own.Assignor"));
    }
}
