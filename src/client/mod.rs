//! kfk's client library: a cluster connection, an admin client, a producer and a consumer.
//!
//! Works against any broker that speaks Kafka's protocol: versions are negotiated per connection.

pub mod admin;
mod cluster;
mod conn;
pub mod consumer;
mod error;
pub mod producer;

pub use crate::config::{Acks, ClientConfig, ConsumerConfig, DnsLookup, OffsetReset, PartitionerKind, ProducerConfig};
pub use admin::Admin;
pub use cluster::{BrokerNode, Client, Coordinator, Metadata, PartitionMetadata, TopicMetadata};
pub use consumer::{Consumer, ConsumerRecord, Polled, RebalanceListener, RecordChunk};
pub use error::{Cause, Error, Speaks};
pub use producer::{Delivery, OutgoingRecord, Producer, RecordMetadata};
