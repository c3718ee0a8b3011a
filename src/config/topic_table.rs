//! Every topic setting of Apache Kafka 4.3.1, with the broker settings that give its default (the first one that is set wins).
//! A plain table, sorted by name; `key.rs` explains the columns.

use super::key::{Key, Kind, Update, Valid};

#[rustfmt::skip]
pub const TOPIC: &[Key] = &[
    Key { name: "cleanup.policy", kind: Kind::List, default: Some("delete"), valid: Valid::OneOf(&["compact", "delete"]), update: Update::Dynamic, sensitive: false, internal: false, broker: &["log.cleanup.policy"] },
    Key { name: "compression.gzip.level", kind: Kind::Int, default: Some("-1"), valid: Valid::GzipLevel, update: Update::Dynamic, sensitive: false, internal: false, broker: &["compression.gzip.level"] },
    Key { name: "compression.lz4.level", kind: Kind::Int, default: Some("9"), valid: Valid::Range { min: 1, max: Some(17) }, update: Update::Dynamic, sensitive: false, internal: false, broker: &["compression.lz4.level"] },
    Key { name: "compression.type", kind: Kind::String, default: Some("producer"), valid: Valid::OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]), update: Update::Dynamic, sensitive: false, internal: false, broker: &["compression.type"] },
    Key { name: "compression.zstd.level", kind: Kind::Int, default: Some("3"), valid: Valid::Range { min: -131072, max: Some(22) }, update: Update::Dynamic, sensitive: false, internal: false, broker: &["compression.zstd.level"] },
    Key { name: "delete.retention.ms", kind: Kind::Long, default: Some("86400000"), valid: Valid::Range { min: 0, max: None }, update: Update::Dynamic, sensitive: false, internal: false, broker: &["log.cleaner.delete.retention.ms"] },
    Key { name: "file.delete.delay.ms", kind: Kind::Long, default: Some("60000"), valid: Valid::Range { min: 0, max: None }, update: Update::Dynamic, sensitive: false, internal: false, broker: &["log.segment.delete.delay.ms"] },
    Key { name: "flush.messages", kind: Kind::Long, default: Some("9223372036854775807"), valid: Valid::Range { min: 1, max: None }, update: Update::Dynamic, sensitive: false, internal: false, broker: &["log.flush.interval.messages"] },
    Key { name: "flush.ms", kind: Kind::Long, default: Some("9223372036854775807"), valid: Valid::Range { min: 0, max: None }, update: Update::Dynamic, sensitive: false, internal: false, broker: &["log.flush.interval.ms", "log.flush.scheduler.interval.ms"] },
    Key { name: "follower.replication.throttled.replicas", kind: Kind::List, default: Some(""), valid: Valid::Any, update: Update::Dynamic, sensitive: false, internal: false, broker: &[] },
    Key { name: "index.interval.bytes", kind: Kind::Int, default: Some("4096"), valid: Valid::Range { min: 0, max: None }, update: Update::Dynamic, sensitive: false, internal: false, broker: &["log.index.interval.bytes"] },
    Key { name: "internal.segment.bytes", kind: Kind::Int, default: None, valid: Valid::Any, update: Update::Dynamic, sensitive: false, internal: true, broker: &[] },
    Key { name: "leader.replication.throttled.replicas", kind: Kind::List, default: Some(""), valid: Valid::Any, update: Update::Dynamic, sensitive: false, internal: false, broker: &[] },
    Key { name: "local.retention.bytes", kind: Kind::Long, default: Some("-2"), valid: Valid::Range { min: -2, max: None }, update: Update::Dynamic, sensitive: false, internal: false, broker: &["log.local.retention.bytes"] },
    Key { name: "local.retention.ms", kind: Kind::Long, default: Some("-2"), valid: Valid::Range { min: -2, max: None }, update: Update::Dynamic, sensitive: false, internal: false, broker: &["log.local.retention.ms"] },
    Key { name: "max.compaction.lag.ms", kind: Kind::Long, default: Some("9223372036854775807"), valid: Valid::Range { min: 1, max: None }, update: Update::Dynamic, sensitive: false, internal: false, broker: &["log.cleaner.max.compaction.lag.ms"] },
    Key { name: "max.message.bytes", kind: Kind::Int, default: Some("1048588"), valid: Valid::Range { min: 0, max: None }, update: Update::Dynamic, sensitive: false, internal: false, broker: &["message.max.bytes"] },
    Key { name: "message.timestamp.after.max.ms", kind: Kind::Long, default: Some("3600000"), valid: Valid::Range { min: 0, max: None }, update: Update::Dynamic, sensitive: false, internal: false, broker: &["log.message.timestamp.after.max.ms"] },
    Key { name: "message.timestamp.before.max.ms", kind: Kind::Long, default: Some("9223372036854775807"), valid: Valid::Range { min: 0, max: None }, update: Update::Dynamic, sensitive: false, internal: false, broker: &["log.message.timestamp.before.max.ms"] },
    Key { name: "message.timestamp.type", kind: Kind::String, default: Some("CreateTime"), valid: Valid::OneOf(&["CreateTime", "LogAppendTime"]), update: Update::Dynamic, sensitive: false, internal: false, broker: &["log.message.timestamp.type"] },
    Key { name: "min.cleanable.dirty.ratio", kind: Kind::Double, default: Some("0.5"), valid: Valid::Real { min: 0.0, max: Some(1.0) }, update: Update::Dynamic, sensitive: false, internal: false, broker: &["log.cleaner.min.cleanable.ratio"] },
    Key { name: "min.compaction.lag.ms", kind: Kind::Long, default: Some("0"), valid: Valid::Range { min: 0, max: None }, update: Update::Dynamic, sensitive: false, internal: false, broker: &["log.cleaner.min.compaction.lag.ms"] },
    Key { name: "min.insync.replicas", kind: Kind::Int, default: Some("1"), valid: Valid::Range { min: 1, max: None }, update: Update::Dynamic, sensitive: false, internal: false, broker: &["min.insync.replicas"] },
    Key { name: "preallocate", kind: Kind::Boolean, default: Some("false"), valid: Valid::Any, update: Update::Dynamic, sensitive: false, internal: false, broker: &["log.preallocate"] },
    Key { name: "remote.log.copy.disable", kind: Kind::Boolean, default: Some("false"), valid: Valid::Any, update: Update::Dynamic, sensitive: false, internal: false, broker: &[] },
    Key { name: "remote.log.delete.on.disable", kind: Kind::Boolean, default: Some("false"), valid: Valid::Any, update: Update::Dynamic, sensitive: false, internal: false, broker: &[] },
    Key { name: "remote.storage.enable", kind: Kind::Boolean, default: Some("false"), valid: Valid::Any, update: Update::Dynamic, sensitive: false, internal: false, broker: &[] },
    Key { name: "retention.bytes", kind: Kind::Long, default: Some("-1"), valid: Valid::Any, update: Update::Dynamic, sensitive: false, internal: false, broker: &["log.retention.bytes"] },
    Key { name: "retention.ms", kind: Kind::Long, default: Some("604800000"), valid: Valid::Range { min: -1, max: None }, update: Update::Dynamic, sensitive: false, internal: false, broker: &["log.retention.ms", "log.retention.minutes", "log.retention.hours"] },
    Key { name: "segment.bytes", kind: Kind::Int, default: Some("1073741824"), valid: Valid::Range { min: 1048576, max: None }, update: Update::Dynamic, sensitive: false, internal: false, broker: &["log.segment.bytes"] },
    Key { name: "segment.index.bytes", kind: Kind::Int, default: Some("10485760"), valid: Valid::Range { min: 4, max: None }, update: Update::Dynamic, sensitive: false, internal: false, broker: &["log.index.size.max.bytes"] },
    Key { name: "segment.jitter.ms", kind: Kind::Long, default: Some("0"), valid: Valid::Range { min: 0, max: None }, update: Update::Dynamic, sensitive: false, internal: false, broker: &["log.roll.jitter.ms", "log.roll.jitter.hours"] },
    Key { name: "segment.ms", kind: Kind::Long, default: Some("604800000"), valid: Valid::Range { min: 1, max: None }, update: Update::Dynamic, sensitive: false, internal: false, broker: &["log.roll.ms", "log.roll.hours"] },
    Key { name: "unclean.leader.election.enable", kind: Kind::Boolean, default: Some("false"), valid: Valid::Any, update: Update::Dynamic, sensitive: false, internal: false, broker: &["unclean.leader.election.enable"] },
];
