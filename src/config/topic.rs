//! A topic's settings in force, typed: its own overrides over the broker's layers over Kafka's defaults.

use super::key::{ConfigError, Key, split_list};
use super::{Layers, Values, topic_key};

/// Both false: keep for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CleanupPolicy {
    pub delete: bool,
    pub compact: bool,
}

/// What `compression.type` asks of the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompressionType {
    /// Keep what the producer chose.
    Producer,
    Uncompressed,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

/// Whose clock a record's timestamp is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampType {
    CreateTime,
    LogAppendTime,
}

/// All settings of a topic that kfk honours. Times in milliseconds, sizes in bytes; -1 means no limit where Kafka says so.
#[derive(Debug, Clone, PartialEq)]
pub struct TopicConfig {
    pub cleanup_policy: CleanupPolicy,
    pub compression_type: CompressionType,
    pub compression_gzip_level: i32,
    pub compression_lz4_level: i32,
    pub compression_zstd_level: i32,
    pub delete_retention_ms: i64,
    pub file_delete_delay_ms: i64,
    pub flush_messages: i64,
    pub flush_ms: i64,
    pub index_interval_bytes: i32,
    pub max_compaction_lag_ms: i64,
    pub max_message_bytes: i32,
    pub message_timestamp_after_max_ms: i64,
    pub message_timestamp_before_max_ms: i64,
    pub message_timestamp_type: TimestampType,
    pub min_cleanable_dirty_ratio: f64,
    pub min_compaction_lag_ms: i64,
    pub min_insync_replicas: i32,
    pub preallocate: bool,
    pub retention_bytes: i64,
    pub retention_ms: i64,
    pub segment_bytes: i32,
    pub segment_index_bytes: i32,
    pub segment_jitter_ms: i64,
    pub segment_ms: i64,
    pub unclean_leader_election_enable: bool,
}

impl TopicConfig {
    /// The settings in force for a topic with these overrides. Values were checked when they were set; one that cannot be
    /// read all the same (written by a newer release) counts as not set.
    pub fn effective(overrides: &Values, layers: Layers<'_>) -> TopicConfig {
        let of = Resolver { overrides, layers };
        TopicConfig {
            cleanup_policy: cleanup_policy(&of.text("cleanup.policy")),
            compression_type: compression_type(&of.text("compression.type")),
            compression_gzip_level: of.int("compression.gzip.level"),
            compression_lz4_level: of.int("compression.lz4.level"),
            compression_zstd_level: of.int("compression.zstd.level"),
            delete_retention_ms: of.long("delete.retention.ms"),
            file_delete_delay_ms: of.long("file.delete.delay.ms"),
            flush_messages: of.long("flush.messages"),
            flush_ms: of.long("flush.ms"),
            index_interval_bytes: of.int("index.interval.bytes"),
            max_compaction_lag_ms: of.long("max.compaction.lag.ms"),
            max_message_bytes: of.int("max.message.bytes"),
            message_timestamp_after_max_ms: of.long("message.timestamp.after.max.ms"),
            message_timestamp_before_max_ms: of.long("message.timestamp.before.max.ms"),
            message_timestamp_type: match of.text("message.timestamp.type").as_str() {
                "LogAppendTime" => TimestampType::LogAppendTime,
                _ => TimestampType::CreateTime,
            },
            min_cleanable_dirty_ratio: of.text("min.cleanable.dirty.ratio").parse().unwrap_or(0.5),
            min_compaction_lag_ms: of.long("min.compaction.lag.ms"),
            min_insync_replicas: of.int("min.insync.replicas"),
            preallocate: of.text("preallocate") == "true",
            retention_bytes: of.long("retention.bytes"),
            retention_ms: of.long("retention.ms"),
            segment_bytes: of.internal_segment_bytes().unwrap_or_else(|| of.int("segment.bytes")),
            segment_index_bytes: of.int("segment.index.bytes"),
            segment_jitter_ms: of.long("segment.jitter.ms"),
            segment_ms: of.long("segment.ms"),
            unclean_leader_election_enable: of.text("unclean.leader.election.enable") == "true",
        }
    }
}

struct Resolver<'a> {
    overrides: &'a Values,
    layers: Layers<'a>,
}

impl Resolver<'_> {
    fn text(&self, name: &'static str) -> String {
        let key = topic_key(name).expect("a row of the table");
        let own = self.overrides.get(name).and_then(|v| key.canonical(v).ok());
        own.or_else(|| inherited(key, self.layers)).or(key.default.map(str::to_string)).unwrap_or_default()
    }

    fn long(&self, name: &'static str) -> i64 {
        self.text(name).parse().expect("a checked number")
    }

    fn int(&self, name: &'static str) -> i32 {
        self.text(name).parse().expect("a checked number")
    }

    /// Kafka's own tests use it to get below the minimum of `segment.bytes`; so may ours.
    fn internal_segment_bytes(&self) -> Option<i32> {
        self.overrides.get("internal.segment.bytes")?.parse().ok().filter(|n| *n > 0)
    }
}

/// The value that the broker's settings give a topic that does not set `key` itself, in the topic's own unit.
pub(super) fn inherited(key: &Key, layers: Layers<'_>) -> Option<String> {
    key.broker.iter().find_map(|name| {
        let value = layers.get(name)?;
        let scaled = in_topic_unit(name, value)?;
        key.canonical(&scaled).ok()
    })
}

/// `log.retention.hours` and its like in milliseconds; other values as they are.
fn in_topic_unit(name: &str, value: &str) -> Option<String> {
    let factor = match name.rsplit('.').next() {
        Some("hours") => 3_600_000,
        Some("minutes") => 60_000,
        _ => return Some(value.to_string()),
    };
    let n: i64 = value.trim().parse().ok()?;
    Some(if n < 0 { n } else { n.saturating_mul(factor) }.to_string())
}

fn cleanup_policy(text: &str) -> CleanupPolicy {
    let words = split_list(text);
    CleanupPolicy { delete: words.contains(&"delete"), compact: words.contains(&"compact") }
}

fn compression_type(text: &str) -> CompressionType {
    match text {
        "uncompressed" => CompressionType::Uncompressed,
        "gzip" => CompressionType::Gzip,
        "snappy" => CompressionType::Snappy,
        "lz4" => CompressionType::Lz4,
        "zstd" => CompressionType::Zstd,
        _ => CompressionType::Producer,
    }
}

/// Rules that concern more than one setting.
pub(super) fn check_together(overrides: &Values) -> Result<(), ConfigError> {
    let number = |name: &str| overrides.get(name).and_then(|v| v.trim().parse::<i64>().ok());
    if let (Some(min), Some(max)) = (number("min.compaction.lag.ms"), number("max.compaction.lag.ms"))
        && min > max
    {
        return Err(ConfigError::new(format!(
            "conflict topic config setting min.compaction.lag.ms ({min}) > max.compaction.lag.ms ({max})"
        )));
    }
    if overrides.get("remote.storage.enable").is_some_and(|v| v.trim().eq_ignore_ascii_case("true")) {
        return Err(ConfigError::new(
            "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers<'a>(per_broker: &'a Values, cluster: &'a Values, file: &'a Values) -> Layers<'a> {
        Layers { per_broker, cluster, file }
    }

    fn one(name: &str, value: &str) -> Values {
        Values::from([(name.to_string(), value.to_string())])
    }

    #[test]
    fn g1_a_topic_override_wins_over_broker_layers_over_defaults() {
        let none = Values::new();
        let file = one("log.retention.hours", "1");
        let base = TopicConfig::effective(&none, layers(&none, &none, &none));
        assert_eq!((base.retention_ms, base.segment_bytes, base.max_message_bytes), (604_800_000, 1 << 30, 1_048_588));
        assert_eq!(TopicConfig::effective(&none, layers(&none, &none, &file)).retention_ms, 3_600_000);
        let cluster = one("log.retention.ms", "5000");
        assert_eq!(TopicConfig::effective(&none, layers(&none, &cluster, &file)).retention_ms, 5000);
        let own = one("retention.ms", "7");
        assert_eq!(TopicConfig::effective(&own, layers(&none, &cluster, &file)).retention_ms, 7);
    }

    #[test]
    fn c5_an_empty_cleanup_policy_keeps_for_ever() {
        let none = Values::new();
        let own = one("cleanup.policy", "");
        crate::config::validate_topic(&own).unwrap();
        let config = TopicConfig::effective(&own, layers(&none, &none, &none));
        assert_eq!(config.cleanup_policy, CleanupPolicy { delete: false, compact: false });
    }
}
