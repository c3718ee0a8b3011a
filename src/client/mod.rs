//! kfk's client library: a cluster connection, an admin client, a producer, a consumer and a share consumer.
//!
//! Works against any broker that speaks Kafka's protocol: versions are negotiated per connection.

#![warn(missing_docs)]

pub mod admin;
mod cluster;
mod conn;
pub mod consumer;
mod dial;
mod error;
mod handshake;
mod metadata;
mod nodes;
pub mod probe;
pub mod producer;
mod security;
pub mod share;

pub use crate::config::{Acks, ClientConfig, ConsumerConfig, DnsLookup, OffsetReset, PartitionerKind, ProducerConfig};
pub use admin::Admin;
pub use cluster::{Client, Coordinator};
pub use consumer::{Callback, Consumer, ConsumerRecord, PartitionMarks, Polled, RebalanceListener, RecordChunk};
pub use error::{Cause, Error, Speaks};
pub use metadata::{BrokerNode, Metadata, PartitionMetadata, TopicMetadata};
pub use producer::{Delivery, GroupMetadata, OutgoingRecord, Producer, RecordMetadata};
pub use share::{Acknowledge, ShareConsumer, SharePolled, ShareRecord};
