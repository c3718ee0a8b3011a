//! A producer's thinking: which partition a record goes to, how records become batches, what is sent when, what a failure means, what a
//! transaction needs.
//!
//! Pure: time comes in, requests to send and deliveries to announce come out. `client/producer` moves the bytes.

mod accumulator;
mod batch;
mod options;
mod partitioner;
mod results;
mod transactions;
mod verdict;

pub use accumulator::Accumulator;
pub use batch::{BatchId, Delivered};
pub use options::{AppendError, Appended, Drain, NewRecord, Options, Outcome, ProducerIdentity, ReadyBatch, TopicIndex};
pub use partitioner::{KeyPartitioner, PartitionContext, Partitioner, RoundRobinPartitioner, StickyPartitioner, murmur2, partition_of_key};
pub use transactions::{Answer, Ask, GroupMetadata, OffsetToCommit, Refusal, Stage, Transactions};
