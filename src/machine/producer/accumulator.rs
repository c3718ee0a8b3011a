//! Records waiting to be sent, batches in flight, retries: the order of a partition's records is kept through all of it.
//!
//! A partition's batches are in `waiting` from oldest to newest. A batch that failed and may be tried again goes back to the front,
//! and while the front has been tried before nothing else of that partition is sent: so no later batch overtakes it, whatever
//! `max.in.flight` is.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use kfk_wire::ErrorCode;

use super::batch::{Batch, BatchId, Body, Delivered};
use crate::record::{BatchBuilder, BatchOptions, Compression, Header, increment_sequence, record_size_upper_bound};
use crate::types::{MonoMs, NodeId};

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

/// Why a record was not taken; the delivery comes back with it.
#[derive(Debug)]
pub enum AppendError<D> {
    /// `buffer.memory` is used up: wait for a delivery and try again.
    Full(D),
    /// Larger than `max.request.size` or `buffer.memory`. `size` in bytes.
    TooLarge { delivery: D, size: usize },
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
    /// Back in the queue. `refresh`: the leader may have changed, ask for metadata.
    Retrying {
        refresh: bool,
    },
}

struct InFlight<D> {
    queue: usize,
    node: NodeId,
    batch: Batch<D>,
}

struct Queue<D> {
    topic: String,
    partition: i32,
    waiting: VecDeque<Batch<D>>,
    in_flight: usize,
    next_sequence: i32,
    not_before: MonoMs,
}

/// See the file's head. `D` is whatever the caller wants back when a record's fate is known.
pub struct Accumulator<D> {
    options: Options,
    queues: Vec<Queue<D>>,
    index: BTreeMap<String, Vec<Option<usize>>>,
    /// Queues with something waiting.
    active: BTreeSet<usize>,
    in_flight: BTreeMap<BatchId, InFlight<D>>,
    in_flight_of_node: BTreeMap<NodeId, usize>,
    next_id: u64,
    used: usize,
    identity: Option<ProducerIdentity>,
    needs_identity: bool,
    flushing: bool,
}

impl<D> Accumulator<D> {
    pub fn new(options: Options) -> Self {
        Accumulator {
            needs_identity: options.idempotent,
            options,
            queues: Vec::new(),
            index: BTreeMap::new(),
            active: BTreeSet::new(),
            in_flight: BTreeMap::new(),
            in_flight_of_node: BTreeMap::new(),
            next_id: 0,
            used: 0,
            identity: None,
            flushing: false,
        }
    }

    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Bytes of records held, waiting and in flight.
    pub fn used_bytes(&self) -> usize {
        self.used
    }

    /// Nothing waits and nothing is in flight.
    pub fn is_empty(&self) -> bool {
        self.active.is_empty() && self.in_flight.is_empty()
    }

    /// True while an idempotent producer has no identity, or must get a new one; ask for it once nothing is in flight.
    pub fn needs_identity(&self) -> bool {
        self.needs_identity && self.in_flight.is_empty()
    }

    pub fn identity(&self) -> Option<ProducerIdentity> {
        self.identity
    }

    /// A fresh identity: sequences begin at 0 again in every partition.
    pub fn set_identity(&mut self, identity: ProducerIdentity) {
        debug_assert!(self.in_flight.is_empty(), "sequences restart only when nothing is in flight");
        self.identity = Some(identity);
        self.needs_identity = false;
        for queue in &mut self.queues {
            queue.next_sequence = 0;
        }
    }

    /// While on, batches are due at once, without lingering.
    pub fn set_flushing(&mut self, on: bool) {
        self.flushing = on;
    }

    /// Adds a record. `Ok(true)`: a batch became full, something can be sent now.
    #[allow(clippy::too_many_arguments)]
    pub fn append(
        &mut self,
        now: MonoMs,
        topic: &str,
        partition: i32,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header<'_>],
        delivery: D,
    ) -> Result<bool, AppendError<D>> {
        let size = record_size_upper_bound(key, value, headers);
        let alone = size + crate::record::HEADER_LEN;
        if alone > self.options.max_request_size || alone > self.options.buffer_memory {
            return Err(AppendError::TooLarge { delivery, size: alone });
        }
        let at = self.queue_of(topic, partition);
        let fits = matches!(self.queues[at].waiting.back().map(|b| &b.body),
            Some(Body::Open(b)) if b.uncompressed_size() + size <= self.options.batch_size);
        let wanted = if fits { size } else { alone };
        if self.used + wanted > self.options.buffer_memory {
            return Err(AppendError::Full(delivery));
        }
        if !fits {
            let batch = self.open_batch(now, size);
            self.queues[at].waiting.push_back(batch);
            self.active.insert(at);
        }
        self.used += wanted;
        let queue = &mut self.queues[at];
        let waiting = queue.waiting.len();
        let Some(batch) = queue.waiting.back_mut() else { unreachable!("one was opened above") };
        batch.size += wanted;
        batch.deliveries.push(delivery);
        let Body::Open(builder) = &mut batch.body else { unreachable!("the newest batch is open") };
        if let Err(error) = builder.append(timestamp, key, value, headers) {
            unreachable!("{error}: sizes were checked against max.request.size");
        }
        Ok(waiting > 1 || builder.uncompressed_size() >= self.options.batch_size)
    }

    fn open_batch(&self, now: MonoMs, first: usize) -> Batch<D> {
        let options =
            BatchOptions { compression: self.options.compression, transactional: self.options.transactional, ..BatchOptions::default() };
        let capacity = first.max(self.options.batch_size.min(1 << 20));
        Batch {
            body: Body::Open(Box::new(BatchBuilder::with_capacity(options, capacity))),
            deliveries: Vec::new(),
            created: now,
            size: 0,
            attempts: 0,
            sequence: None,
        }
    }

    fn queue_of(&mut self, topic: &str, partition: i32) -> usize {
        let slot = usize::try_from(partition).unwrap_or(0);
        if let Some(Some(at)) = self.index.get(topic).and_then(|p| p.get(slot)) {
            return *at;
        }
        let partitions = self.index.entry(topic.to_string()).or_default();
        if partitions.len() <= slot {
            partitions.resize(slot + 1, None);
        }
        let at = self.queues.len();
        partitions[slot] = Some(at);
        self.queues.push(Queue {
            topic: topic.to_string(),
            partition,
            waiting: VecDeque::new(),
            in_flight: 0,
            next_sequence: 0,
            not_before: MonoMs(0),
        });
        at
    }

    /// Takes what is due, for every node that has room. `leader_of` knows the leaders.
    pub fn drain(&mut self, now: MonoMs, leader_of: impl Fn(&str, i32) -> Option<NodeId>) -> Drain {
        let mut out = Drain::default();
        if self.needs_identity || (self.options.idempotent && self.identity.is_none()) {
            return out;
        }
        let mut by_node: BTreeMap<NodeId, (usize, Vec<ReadyBatch>)> = BTreeMap::new();
        let pressed = self.used * 2 > self.options.buffer_memory;
        for at in self.active.clone() {
            if !self.is_due(now, at, pressed) {
                continue;
            }
            let queue = &self.queues[at];
            let Some(node) = leader_of(&queue.topic, queue.partition) else {
                out.unknown_leaders = true;
                continue;
            };
            let (bytes, batches) = by_node.entry(node).or_default();
            let size = queue.waiting.front().map_or(0, |b| b.size);
            let crowded = self.in_flight_of_node.get(&node).is_some_and(|n| *n >= self.options.max_in_flight_per_node);
            if crowded || (!batches.is_empty() && *bytes + size > self.options.max_request_size) {
                continue;
            }
            *bytes += size;
            if let Some(ready) = self.take(at, node) {
                batches.push(ready);
            }
        }
        for (node, (_, batches)) in by_node {
            if !batches.is_empty() {
                *self.in_flight_of_node.entry(node).or_default() += 1;
                out.requests.push((node, batches));
            }
        }
        out
    }

    fn is_due(&self, now: MonoMs, at: usize, pressed: bool) -> bool {
        let queue = &self.queues[at];
        let Some(front) = queue.waiting.front() else { return false };
        if now < queue.not_before || (front.attempts > 0 && queue.in_flight > 0) {
            return false;
        }
        let full = queue.waiting.len() > 1
            || matches!(&front.body, Body::Open(b) if b.uncompressed_size() >= self.options.batch_size)
            || matches!(&front.body, Body::Sealed(_));
        full || self.flushing || pressed || now.since(front.created) >= self.options.linger_ms
    }

    fn take(&mut self, at: usize, node: NodeId) -> Option<ReadyBatch> {
        let queue = &mut self.queues[at];
        let mut batch = queue.waiting.pop_front()?;
        if queue.waiting.is_empty() {
            self.active.remove(&at);
        }
        let identity = self.identity.filter(|_| self.options.idempotent).map(|producer| match batch.sequence {
            Some((same, sequence)) if same == producer => (producer, sequence),
            _ => {
                let sequence = queue.next_sequence;
                queue.next_sequence = increment_sequence(sequence, batch.records());
                (producer, sequence)
            }
        });
        let records = batch.seal(identity).unwrap_or_default();
        queue.in_flight += 1;
        let id = BatchId(self.next_id);
        self.next_id += 1;
        let ready = ReadyBatch { id, topic: queue.topic.clone(), partition: queue.partition, records };
        self.in_flight.insert(id, InFlight { queue: at, node, batch });
        Some(ready)
    }

    /// A request to `node` is over, with whatever result; call once per request, besides `on_result` per batch.
    pub fn request_done(&mut self, node: NodeId) {
        if let Some(n) = self.in_flight_of_node.get_mut(&node) {
            *n = n.saturating_sub(1);
        }
    }

    /// The answer for one batch. `error` None means stored, at `base_offset`. Unknown ids are ignored (`None`).
    pub fn on_result(
        &mut self,
        now: MonoMs,
        id: BatchId,
        error: Option<ErrorCode>,
        base_offset: i64,
        log_append_time: i64,
    ) -> Option<Outcome<D>> {
        let InFlight { queue: at, batch, .. } = self.in_flight.remove(&id)?;
        let queue = &mut self.queues[at];
        queue.in_flight -= 1;
        let Some(error) = error.filter(|e| *e != ErrorCode::DuplicateSequenceNumber) else {
            self.used -= batch.size;
            let topic = queue.topic.clone();
            let partition = queue.partition;
            let deliveries = batch.deliveries;
            return Some(Outcome::Delivered(Delivered { topic, partition, base_offset, log_append_time, deliveries }));
        };
        Some(self.failed(now, at, batch, error))
    }

    fn failed(&mut self, now: MonoMs, at: usize, mut batch: Batch<D>, error: ErrorCode) -> Outcome<D> {
        let lost_identity =
            matches!(error, ErrorCode::OutOfOrderSequenceNumber | ErrorCode::UnknownProducerId | ErrorCode::InvalidProducerEpoch);
        let in_time = now.since(batch.created) < self.options.delivery_timeout_ms && batch.attempts < self.options.retries;
        let again = in_time && (error.is_retriable() || (lost_identity && self.may_renew()));
        batch.attempts += 1;
        let queue = &mut self.queues[at];
        if again {
            // Only the oldest batch in flight can be the cause; later ones fail because it did, and follow it.
            let in_flight = self.in_flight.values().filter(|f| f.queue == at).map(|f| &f.batch);
            let tried = queue.waiting.iter().filter(|w| w.attempts > 0);
            if lost_identity && !in_flight.chain(tried).any(|other| comes_before(other, &batch)) {
                self.needs_identity = true;
            }
            queue.not_before = now.plus(backoff_ms(&self.options, batch.attempts));
            let place = queue.waiting.iter().take_while(|w| w.attempts > 0 && comes_before(w, &batch)).count();
            queue.waiting.insert(place, batch);
            self.active.insert(at);
            return Outcome::Retrying { refresh: !lost_identity };
        }
        // The sequence of a batch given up leaves a hole: everything after it needs a new identity.
        if self.options.idempotent && batch.sequence.is_some() {
            self.needs_identity = self.may_renew();
        }
        self.used -= batch.size;
        let queue = &self.queues[at];
        Outcome::Failed { topic: queue.topic.clone(), partition: queue.partition, error, deliveries: batch.deliveries }
    }

    /// A transactional producer must not change who it is by itself: the transaction has to be aborted.
    fn may_renew(&self) -> bool {
        self.options.idempotent && !self.options.transactional
    }

    /// Gives up batches that waited longer than the delivery timeout.
    pub fn expire(&mut self, now: MonoMs) -> Vec<Outcome<D>> {
        let mut out = Vec::new();
        for at in self.active.clone() {
            let queue = &mut self.queues[at];
            while queue.waiting.front().is_some_and(|b| now.since(b.created) >= self.options.delivery_timeout_ms) {
                let Some(batch) = queue.waiting.pop_front() else { break };
                self.used -= batch.size;
                if batch.sequence.is_some() && self.options.idempotent && !self.options.transactional {
                    self.needs_identity = true;
                }
                out.push(Outcome::Failed {
                    topic: queue.topic.clone(),
                    partition: queue.partition,
                    error: ErrorCode::RequestTimedOut,
                    deliveries: batch.deliveries,
                });
            }
            if queue.waiting.is_empty() {
                self.active.remove(&at);
            }
        }
        out
    }

    /// Gives up everything that waits, and whatever is in flight is no longer waited for.
    pub fn abandon(&mut self, error: ErrorCode) -> Vec<Outcome<D>> {
        let mut out = Vec::new();
        let in_flight = std::mem::take(&mut self.in_flight).into_values().map(|f| (f.queue, f.batch));
        let mut all: Vec<(usize, Batch<D>)> = in_flight.collect();
        for at in std::mem::take(&mut self.active) {
            all.extend(self.queues[at].waiting.drain(..).map(|b| (at, b)));
        }
        for (at, batch) in all {
            self.used -= batch.size;
            let queue = &mut self.queues[at];
            queue.in_flight = 0;
            let (topic, partition) = (queue.topic.clone(), queue.partition);
            out.push(Outcome::Failed { topic, partition, error, deliveries: batch.deliveries });
        }
        self.in_flight_of_node.clear();
        out
    }

    /// When something becomes due by time alone: lingering, backing off, or given up.
    pub fn next_deadline(&self) -> Option<MonoMs> {
        let due = self.active.iter().filter_map(|at| {
            let queue = &self.queues[*at];
            let front = queue.waiting.front()?;
            let ready = front.created.plus(self.options.linger_ms).max(queue.not_before);
            Some(ready.min(front.created.plus(self.options.delivery_timeout_ms)))
        });
        due.min()
    }

    /// Topics with something waiting or in flight, for metadata refreshes.
    pub fn topics(&self) -> BTreeSet<&str> {
        let waiting = self.active.iter().map(|at| self.queues[*at].topic.as_str());
        waiting.chain(self.in_flight.values().map(|f| self.queues[f.queue].topic.as_str())).collect()
    }

    /// Every invariant; for tests.
    pub fn check(&self) {
        let waiting: usize = self.queues.iter().flat_map(|q| &q.waiting).map(|b| b.size).sum();
        let flying: usize = self.in_flight.values().map(|f| f.batch.size).sum();
        assert_eq!(waiting + flying, self.used, "memory is accounted for");
        for (at, queue) in self.queues.iter().enumerate() {
            assert_eq!(!queue.waiting.is_empty(), self.active.contains(&at), "active queues are those that wait");
            assert_eq!(self.in_flight.values().filter(|f| f.queue == at).count(), queue.in_flight);
        }
        assert!(self.in_flight.values().all(|f| f.node >= 0));
    }
}

fn comes_before<D>(a: &Batch<D>, b: &Batch<D>) -> bool {
    match (a.sequence, b.sequence) {
        // Sequences wrap: compare by distance.
        (Some((p, x)), Some((q, y))) if p == q => x.wrapping_sub(y) < 0,
        _ => a.created < b.created,
    }
}

fn backoff_ms(options: &Options, attempts: u32) -> u64 {
    let grown = options.retry_backoff_ms.saturating_mul(1 << attempts.saturating_sub(1).min(16));
    grown.min(options.retry_backoff_max_ms.max(options.retry_backoff_ms))
}

#[cfg(test)]
#[path = "accumulator_tests.rs"]
mod tests;
