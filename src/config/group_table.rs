//! Every per-group setting of Apache Kafka 4.3.1.
//! A plain table, sorted by name; `key.rs` explains the columns.

use super::key::{Key, Kind, Update, Valid};

#[rustfmt::skip]
pub const GROUP: &[Key] = &[
    Key { name: "consumer.assignment.interval.ms", kind: Kind::Int, default: Some("1000"), valid: Valid::Range { min: 0, max: None }, update: Update::Dynamic, sensitive: false, internal: false, broker: &[] },
    Key { name: "consumer.heartbeat.interval.ms", kind: Kind::Int, default: Some("5000"), valid: Valid::Range { min: 1, max: None }, update: Update::Dynamic, sensitive: false, internal: false, broker: &[] },
    Key { name: "consumer.session.timeout.ms", kind: Kind::Int, default: Some("45000"), valid: Valid::Range { min: 1, max: None }, update: Update::Dynamic, sensitive: false, internal: false, broker: &[] },
    Key { name: "share.assignment.interval.ms", kind: Kind::Int, default: Some("1000"), valid: Valid::Range { min: 0, max: None }, update: Update::Dynamic, sensitive: false, internal: false, broker: &[] },
    Key { name: "share.auto.offset.reset", kind: Kind::String, default: Some("latest"), valid: Valid::OneOf(&["latest", "earliest", "by_duration:PnDTnHnMn.nS"]), update: Update::Dynamic, sensitive: false, internal: false, broker: &[] },
    Key { name: "share.delivery.count.limit", kind: Kind::Int, default: Some("5"), valid: Valid::Range { min: 2, max: None }, update: Update::Dynamic, sensitive: false, internal: false, broker: &[] },
    Key { name: "share.heartbeat.interval.ms", kind: Kind::Int, default: Some("5000"), valid: Valid::Range { min: 1, max: None }, update: Update::Dynamic, sensitive: false, internal: false, broker: &[] },
    Key { name: "share.isolation.level", kind: Kind::String, default: Some("read_uncommitted"), valid: Valid::OneOf(&["read_committed", "read_uncommitted"]), update: Update::Dynamic, sensitive: false, internal: false, broker: &[] },
    Key { name: "share.partition.max.record.locks", kind: Kind::Int, default: Some("2000"), valid: Valid::Range { min: 100, max: None }, update: Update::Dynamic, sensitive: false, internal: false, broker: &[] },
    Key { name: "share.record.lock.duration.ms", kind: Kind::Int, default: Some("30000"), valid: Valid::Range { min: 1000, max: None }, update: Update::Dynamic, sensitive: false, internal: false, broker: &[] },
    Key { name: "share.renew.acknowledge.enable", kind: Kind::Boolean, default: Some("true"), valid: Valid::Any, update: Update::Dynamic, sensitive: false, internal: false, broker: &[] },
    Key { name: "share.session.timeout.ms", kind: Kind::Int, default: Some("45000"), valid: Valid::Range { min: 1, max: None }, update: Update::Dynamic, sensitive: false, internal: false, broker: &[] },
    Key { name: "streams.assignment.interval.ms", kind: Kind::Int, default: Some("1000"), valid: Valid::Range { min: 0, max: None }, update: Update::Dynamic, sensitive: false, internal: false, broker: &[] },
    Key { name: "streams.heartbeat.interval.ms", kind: Kind::Int, default: Some("5000"), valid: Valid::Range { min: 1, max: None }, update: Update::Dynamic, sensitive: false, internal: false, broker: &[] },
    Key { name: "streams.initial.rebalance.delay.ms", kind: Kind::Int, default: Some("3000"), valid: Valid::Range { min: 0, max: None }, update: Update::Dynamic, sensitive: false, internal: false, broker: &[] },
    Key { name: "streams.num.standby.replicas", kind: Kind::Int, default: Some("0"), valid: Valid::Range { min: 0, max: None }, update: Update::Dynamic, sensitive: false, internal: false, broker: &[] },
    Key { name: "streams.session.timeout.ms", kind: Kind::Int, default: Some("45000"), valid: Valid::Range { min: 1, max: None }, update: Update::Dynamic, sensitive: false, internal: false, broker: &[] },
];
