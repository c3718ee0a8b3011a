//! What a producer is set to do, and what goes in and comes out of its machine.

use bytes::Bytes;
use kfk_wire::ErrorCode;

use super::batch::{BatchId, Delivered};
use crate::record::{Compression, Header, record_size_upper_bound};
use crate::types::NodeId;

/// Who an idempotent producer is, from InitProducerId.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProducerIdentity {
    pub id: i64,
    pub epoch: i16,
}

/// A producer's settings, in milliseconds and bytes.
#[derive(Debug, Clone)]
pub struct Options {
    pub linger_ms: u64,
    pub batch_size: usize,
    pub buffer_memory: usize,
    pub max_in_flight_per_node: usize,
    pub max_request_size: usize,
    pub delivery_timeout_ms: u64,
    pub retries: u32,
    pub retry_backoff_ms: u64,
    pub retry_backoff_max_ms: u64,
    pub compression: Compression,
    pub idempotent: bool,
    pub transactional: bool,
}

impl Options {
    /// The pause after the `attempts`-th failure.
    pub(super) fn backoff_ms(&self, attempts: u32) -> u64 {
        let grown = self.retry_backoff_ms.saturating_mul(1 << attempts.saturating_sub(1).min(16));
        grown.min(self.retry_backoff_max_ms.max(self.retry_backoff_ms))
    }
}

/// A topic's place in the accumulator, given out by `topic`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicIndex(pub(super) usize);

impl TopicIndex {
    /// Counts up from 0 in the order in which topics were first named.
    pub fn number(self) -> usize {
        self.0
    }
}

/// A record to take in; its bytes are copied into a batch.
#[derive(Debug, Clone, Copy)]
pub struct NewRecord<'a> {
    pub timestamp: i64,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: &'a [Header<'a>],
    size: usize,
}

impl<'a> NewRecord<'a> {
    /// `timestamp` in milliseconds since 1970.
    pub fn new(timestamp: i64, key: Option<&'a [u8]>, value: Option<&'a [u8]>, headers: &'a [Header<'a>]) -> Self {
        NewRecord { timestamp, key, value, headers, size: record_size_upper_bound(key, value, headers) }
    }

    /// Bytes it takes in a batch at most.
    pub fn size(&self) -> usize {
        self.size
    }
}

/// Why a record was not taken; the delivery comes back with it.
#[derive(Debug)]
pub enum AppendError<D> {
    /// `buffer.memory` is used up: wait for a delivery and try again.
    Full(D),
    /// Larger than `max.request.size` or `buffer.memory`. `size` in bytes.
    TooLarge { delivery: D, size: usize },
}

/// What taking a record changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It joined others.
    Joined,
    /// It began a batch, which will be due after lingering.
    Began,
    /// A batch is full now: something can be sent.
    Filled,
}

/// One batch to put into a Produce request.
#[derive(Debug)]
pub struct ReadyBatch {
    pub id: BatchId,
    pub topic: String,
    pub partition: i32,
    pub records: Bytes,
}

/// What `drain` found.
#[derive(Debug, Default)]
pub struct Drain {
    /// At most one request a node, at most one batch a partition in it.
    pub requests: Vec<(NodeId, Vec<ReadyBatch>)>,
    /// Some batch is due but its partition has no known leader.
    pub unknown_leaders: bool,
}

/// What came of a batch's answer.
#[derive(Debug)]
pub enum Outcome<D> {
    Delivered(Delivered<D>),
    /// For good. `error` as the broker (or the driver) gave it.
    Failed {
        topic: String,
        partition: i32,
        error: ErrorCode,
        deliveries: Vec<D>,
    },
    /// Waited for longer than the delivery timeout. `last`: why it was not delivered before, if it was tried.
    Expired {
        last: Option<ErrorCode>,
        deliveries: Vec<D>,
    },
    /// Back in the queue. `refresh`: the leader may have changed, ask for metadata.
    Retrying {
        refresh: bool,
    },
}
