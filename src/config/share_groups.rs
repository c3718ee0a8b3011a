//! The settings of share groups (KIP-932) and of the coordinator that keeps their state.

use super::key::ConfigError;
use super::{Values, broker_key};

/// Settings under `group.share.` and `share.coordinator.`, other than those that change while the broker runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareGroupSettings {
    pub session_timeout_ms: i32,
    pub heartbeat_interval_ms: i32,
    pub max_size: i32,
    pub initialize_retry_interval_ms: i32,
    pub record_lock_duration_ms: i32,
    pub delivery_count_limit: i32,
    pub partition_max_record_locks: i32,
    pub max_share_sessions: i32,
    pub state_topic_num_partitions: i32,
    pub state_topic_replication_factor: i32,
    pub state_topic_min_isr: i32,
    pub state_topic_segment_bytes: i32,
    pub state_topic_prune_interval_ms: i32,
    pub updates_per_snapshot: i32,
    pub cold_snapshot_interval_ms: i32,
    pub write_timeout_ms: i32,
}

const PREFIX: &str = "group.share.";

impl ShareGroupSettings {
    /// Every setting that this reads, or checks against another one.
    pub(super) const NAMES: [&'static str; 28] = [
        "group.share.assignment.interval.ms",
        "group.share.delivery.count.limit",
        "group.share.heartbeat.interval.ms",
        "group.share.initialize.retry.interval.ms",
        "group.share.max.assignment.interval.ms",
        "group.share.max.delivery.count.limit",
        "group.share.max.heartbeat.interval.ms",
        "group.share.max.partition.max.record.locks",
        "group.share.max.record.lock.duration.ms",
        "group.share.max.session.timeout.ms",
        "group.share.max.share.sessions",
        "group.share.max.size",
        "group.share.min.assignment.interval.ms",
        "group.share.min.delivery.count.limit",
        "group.share.min.heartbeat.interval.ms",
        "group.share.min.partition.max.record.locks",
        "group.share.min.record.lock.duration.ms",
        "group.share.min.session.timeout.ms",
        "group.share.partition.max.record.locks",
        "group.share.record.lock.duration.ms",
        "group.share.session.timeout.ms",
        "share.coordinator.cold.partition.snapshot.interval.ms",
        "share.coordinator.snapshot.update.records.per.snapshot",
        "share.coordinator.state.topic.min.isr",
        "share.coordinator.state.topic.num.partitions",
        "share.coordinator.state.topic.prune.interval.ms",
        "share.coordinator.state.topic.replication.factor",
        "share.coordinator.state.topic.segment.bytes",
    ];

    /// Values of `file` have been checked one by one.
    pub(super) fn read(file: &Values) -> Result<Self, ConfigError> {
        for timing in [
            "heartbeat.interval.ms",
            "session.timeout.ms",
            "assignment.interval.ms",
            "record.lock.duration.ms",
            "delivery.count.limit",
            "partition.max.record.locks",
        ] {
            check_bounds(file, timing)?;
        }
        let group = |name: &str| int(file, &format!("{PREFIX}{name}"));
        let (heartbeat, session) = (group("heartbeat.interval.ms"), group("session.timeout.ms"));
        if heartbeat >= session {
            return Err(ConfigError::new(format!("{PREFIX}heartbeat.interval.ms must be less than {PREFIX}session.timeout.ms")));
        }
        let coordinator = |name: &str| int(file, &format!("share.coordinator.{name}"));
        Ok(ShareGroupSettings {
            session_timeout_ms: session,
            heartbeat_interval_ms: heartbeat,
            max_size: group("max.size"),
            initialize_retry_interval_ms: group("initialize.retry.interval.ms"),
            record_lock_duration_ms: group("record.lock.duration.ms"),
            delivery_count_limit: group("delivery.count.limit"),
            partition_max_record_locks: group("partition.max.record.locks"),
            max_share_sessions: group("max.share.sessions"),
            state_topic_num_partitions: coordinator("state.topic.num.partitions"),
            state_topic_replication_factor: coordinator("state.topic.replication.factor"),
            state_topic_min_isr: coordinator("state.topic.min.isr"),
            state_topic_segment_bytes: coordinator("state.topic.segment.bytes"),
            state_topic_prune_interval_ms: coordinator("state.topic.prune.interval.ms"),
            updates_per_snapshot: coordinator("snapshot.update.records.per.snapshot"),
            cold_snapshot_interval_ms: coordinator("cold.partition.snapshot.interval.ms"),
            write_timeout_ms: coordinator("write.timeout.ms"),
        })
    }
}

fn int(file: &Values, name: &str) -> i32 {
    let text = file.get(name).map(String::as_str).or_else(|| broker_key(name)?.default).unwrap_or_default();
    text.trim().parse().unwrap_or_default()
}

/// The bounds of a setting are in order, and it lies between them.
fn check_bounds(file: &Values, name: &str) -> Result<(), ConfigError> {
    let of = |prefix: &str| int(file, &format!("{PREFIX}{prefix}{name}"));
    let (value, least, most) = (of(""), of("min."), of("max."));
    let refuse = |name: &str, what: &str, bound: &str| Err(ConfigError::new(format!("{name} must be {what} {bound}")));
    let (full, min, max) = (format!("{PREFIX}{name}"), format!("{PREFIX}min.{name}"), format!("{PREFIX}max.{name}"));
    if most < least {
        refuse(&max, "greater than or equal to", &min)
    } else if value < least {
        refuse(&full, "greater than or equal to", &min)
    } else if value > most {
        refuse(&full, "less than or equal to", &max)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<ShareGroupSettings, String> {
        let file = pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        ShareGroupSettings::read(&file).map_err(|e| e.to_string())
    }

    #[test]
    fn defaults_are_kafkas_and_bounds_hold() {
        let defaults = read(&[]).unwrap();
        assert_eq!((defaults.record_lock_duration_ms, defaults.delivery_count_limit, defaults.max_size), (30_000, 5, 200));
        let refused = read(&[("group.share.record.lock.duration.ms", "1000")]).unwrap_err();
        assert_eq!(refused, "group.share.record.lock.duration.ms must be greater than or equal to group.share.min.record.lock.duration.ms");
        assert!(read(&[("group.share.session.timeout.ms", "70000")]).is_err());
        for name in ShareGroupSettings::NAMES {
            assert!(broker_key(name).is_some(), "{name}");
        }
    }
}
