//! A producer's thinking: which partition a record goes to, how records become batches, what is sent when, what a failure means.
//!
//! Pure: time comes in, requests to send and deliveries to announce come out. `client/producer` moves the bytes.

mod accumulator;
mod batch;
mod partitioner;

pub use accumulator::{Accumulator, AppendError, Drain, Options, Outcome, ProducerIdentity, ReadyBatch};
pub use batch::{BatchId, Delivered};
pub use partitioner::{KeyPartitioner, PartitionContext, Partitioner, RoundRobinPartitioner, StickyPartitioner, murmur2, partition_of_key};
