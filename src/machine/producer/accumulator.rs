//! Records waiting to be sent, batches in flight, retries: the order of a partition's records is kept through all of it.
//!
//! A partition's batches are in `waiting` from oldest to newest. A batch that failed and may be tried again goes back to the front,
//! and is not sent before what else is in flight of that partition has been answered. With idempotence the broker refuses batches that
//! arrive before their turn, so nothing overtakes, whatever `max.in.flight` is; without it, as in the Java client, a batch that was in
//! flight beside a failing one may come first, unless `max.in.flight` is 1.
//!
//! An idempotent producer numbers the records of each partition under the identity that the partition has taken on. When a number is
//! lost for good (a batch was given up) that partition alone is `broken`: once nothing of it is in flight it takes on a fresh identity
//! and numbers from 0 again. Other partitions keep theirs, so that a batch of theirs whose answer was lost is still recognised.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::batch::{Batch, BatchId};
use super::options::{AppendError, Appended, Drain, NewRecord, Options, ProducerIdentity, ReadyBatch, TopicIndex};
use crate::record::{BatchOptions, CompressionRatio, HEADER_LEN, increment_sequence};
use crate::types::{MonoMs, NodeId};

/// Room that a batch has from the beginning at most; more comes with more records.
const MAX_CAPACITY: usize = 1 << 20;

pub(super) struct InFlight<D> {
    pub queue: usize,
    pub batch: Batch<D>,
    /// Everything before it was over when it was sent: if it comes out of order, a number is lost.
    pub first: bool,
}

/// The batches of one partition.
pub(super) struct Queue<D> {
    pub topic: usize,
    pub partition: i32,
    pub waiting: VecDeque<Batch<D>>,
    pub in_flight: usize,
    /// Whose numbers `next_sequence` counts.
    pub identity: Option<ProducerIdentity>,
    pub next_sequence: i32,
    /// The broker has stored something under this identity. Before that it takes whatever comes first, also the second batch: so there
    /// is one at a time.
    pub known: bool,
    /// A number was lost: nothing more can be sent under this identity.
    pub broken: bool,
    pub not_before: MonoMs,
    pub ratio: CompressionRatio,
}

struct Topic {
    name: String,
    /// By partition: its place in `queues`.
    queues: Vec<Option<usize>>,
}

/// See the file's head. `D` is whatever the caller wants back when a record's fate is known.
pub struct Accumulator<D> {
    pub(super) options: Options,
    topics: Vec<Topic>,
    by_name: BTreeMap<String, usize>,
    pub(super) queues: Vec<Queue<D>>,
    /// Queues with something waiting.
    pub(super) active: BTreeSet<usize>,
    pub(super) in_flight: BTreeMap<BatchId, InFlight<D>>,
    pub(super) in_flight_of_node: BTreeMap<NodeId, usize>,
    next_id: u64,
    next_number: u64,
    /// Numbers of batches that are not over, with how many parts each was cut into.
    pub(super) unfinished: BTreeMap<u64, u32>,
    pub(super) used: usize,
    pub(super) identity: Option<ProducerIdentity>,
    pub(super) needs_identity: bool,
    flushing: bool,
    /// What fails is not tried again.
    pub(super) giving_up: bool,
    /// A batch that may have been stored was given up.
    pub(super) lost_sequences: bool,
}

impl<D> Accumulator<D> {
    pub fn new(options: Options) -> Self {
        Accumulator {
            needs_identity: options.idempotent,
            options,
            topics: Vec::new(),
            by_name: BTreeMap::new(),
            queues: Vec::new(),
            active: BTreeSet::new(),
            in_flight: BTreeMap::new(),
            in_flight_of_node: BTreeMap::new(),
            next_id: 0,
            next_number: 0,
            unfinished: BTreeMap::new(),
            used: 0,
            identity: None,
            flushing: false,
            giving_up: false,
            lost_sequences: false,
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
        self.unfinished.is_empty()
    }

    /// True while an idempotent producer has no identity, or some partition must take on a new one.
    pub fn needs_identity(&self) -> bool {
        self.needs_identity
    }

    pub fn identity(&self) -> Option<ProducerIdentity> {
        self.identity
    }

    /// A fresh identity for partitions that have none or lost theirs.
    pub fn set_identity(&mut self, identity: ProducerIdentity) {
        self.identity = Some(identity);
        self.needs_identity = false;
    }

    /// The identity of a transactional producer changes between transactions only: all partitions number from 0 under the new one.
    pub fn change_identity(&mut self, identity: ProducerIdentity) {
        if self.identity == Some(identity) {
            return;
        }
        self.set_identity(identity);
        for queue in &mut self.queues {
            queue.identity = None;
        }
    }

    /// While on, a batch that fails is not tried again: its transaction is over.
    pub fn set_giving_up(&mut self, on: bool) {
        self.giving_up = on;
    }

    /// Whether a batch that may have been stored was given up since this was last asked.
    pub fn take_lost_sequences(&mut self) -> bool {
        std::mem::take(&mut self.lost_sequences)
    }

    /// While on, batches are due at once, without lingering.
    pub fn set_flushing(&mut self, on: bool) {
        self.flushing = on;
    }

    /// A mark that `is_over` compares with: all records taken so far are before it.
    pub fn mark(&self) -> u64 {
        self.next_number
    }

    /// Whether the fate of every record taken before the mark is known.
    pub fn is_over(&self, mark: u64) -> bool {
        self.unfinished.first_key_value().is_none_or(|(number, _)| *number >= mark)
    }

    /// The place of a topic, for `append`; stays the same.
    pub fn topic(&mut self, name: &str) -> TopicIndex {
        if let Some(at) = self.by_name.get(name) {
            return TopicIndex(*at);
        }
        let at = self.topics.len();
        self.topics.push(Topic { name: name.to_string(), queues: Vec::new() });
        self.by_name.insert(name.to_string(), at);
        TopicIndex(at)
    }

    /// Adds a record. `now` is asked only when a batch is begun.
    pub fn append(
        &mut self,
        now: impl FnOnce() -> MonoMs,
        topic: TopicIndex,
        partition: i32,
        record: &NewRecord<'_>,
        delivery: D,
    ) -> Result<Appended, AppendError<D>> {
        let alone = record.size() + HEADER_LEN;
        if alone > self.options.max_request_size || alone > self.options.buffer_memory {
            return Err(AppendError::TooLarge { delivery, size: alone });
        }
        let at = self.queue_of(topic, partition);
        let batch_size = self.options.batch_size;
        let queue = &mut self.queues[at];
        if let Some(batch) = queue.waiting.back_mut().filter(|b| b.attempts == 0 && b.has_room(record.size(), batch_size, queue.ratio)) {
            if self.used + record.size() > self.options.buffer_memory {
                return Err(AppendError::Full(delivery));
            }
            self.used += record.size();
            batch.push(record, record.size(), delivery);
            let full = batch.is_full(batch_size, queue.ratio) && queue.waiting.len() == 1;
            return Ok(if full { Appended::Filled } else { Appended::Joined });
        }
        if self.used + alone > self.options.buffer_memory {
            return Err(AppendError::Full(delivery));
        }
        self.begin(now(), at, record, delivery);
        let queue = &self.queues[at];
        let full = queue.waiting.len() > 1 || queue.waiting.back().is_some_and(|b| b.is_full(batch_size, queue.ratio));
        Ok(if full { Appended::Filled } else { Appended::Began })
    }

    /// Begins a batch with its first record.
    fn begin(&mut self, now: MonoMs, at: usize, record: &NewRecord<'_>, delivery: D) {
        let capacity = record.size().max(self.options.batch_size.min(MAX_CAPACITY));
        let mut batch = Batch::open(self.next_number, now, self.batch_options(), capacity);
        let takes = record.size() + HEADER_LEN;
        batch.push(record, takes, delivery);
        self.unfinished.insert(self.next_number, 1);
        self.next_number += 1;
        self.used += takes;
        self.queues[at].waiting.push_back(batch);
        self.active.insert(at);
    }

    pub(super) fn batch_options(&self) -> BatchOptions {
        BatchOptions { compression: self.options.compression, transactional: self.options.transactional, ..BatchOptions::default() }
    }

    fn queue_of(&mut self, topic: TopicIndex, partition: i32) -> usize {
        let slot = usize::try_from(partition).unwrap_or(0);
        let queues = &mut self.topics[topic.0].queues;
        if let Some(Some(at)) = queues.get(slot) {
            return *at;
        }
        if queues.len() <= slot {
            queues.resize(slot + 1, None);
        }
        let at = self.queues.len();
        queues[slot] = Some(at);
        self.queues.push(Queue {
            topic: topic.0,
            partition,
            waiting: VecDeque::new(),
            in_flight: 0,
            identity: None,
            next_sequence: 0,
            known: false,
            broken: false,
            not_before: MonoMs(0),
            ratio: CompressionRatio::default(),
        });
        at
    }

    /// Takes what is due, for every node that has room. `leader_of` knows the leaders.
    pub fn drain(&mut self, now: MonoMs, leader_of: impl Fn(&str, i32) -> Option<NodeId>) -> Drain {
        self.drain_where(now, |_, _| true, leader_of)
    }

    /// As `drain`, of the partitions alone that records may be sent to now.
    pub fn drain_where(
        &mut self,
        now: MonoMs,
        may_send: impl Fn(&str, i32) -> bool,
        leader_of: impl Fn(&str, i32) -> Option<NodeId>,
    ) -> Drain {
        let mut out = Drain::default();
        let mut by_node: BTreeMap<NodeId, (usize, Vec<ReadyBatch>)> = BTreeMap::new();
        let pressed = self.used * 2 > self.options.buffer_memory;
        let due: Vec<usize> = self.active.iter().copied().filter(|at| self.is_due(now, *at, pressed)).collect();
        for at in due {
            let queue = &self.queues[at];
            if !may_send(&self.topics[queue.topic].name, queue.partition) {
                continue;
            }
            let Some(node) = leader_of(&self.topics[queue.topic].name, queue.partition) else {
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
            batches.extend(self.take(at));
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
        let alone = front.attempts > 0 || (self.options.idempotent && !queue.known);
        if now < queue.not_before || (alone && queue.in_flight > 0) || !self.has_identity(queue) {
            return false;
        }
        let full = queue.waiting.len() > 1 || front.attempts > 0 || front.is_full(self.options.batch_size, queue.ratio);
        full || self.flushing || pressed || now.since(front.created) >= self.options.linger_ms
    }

    /// Whether the partition has, or can take on, an identity to send under.
    fn has_identity(&self, queue: &Queue<D>) -> bool {
        if !self.options.idempotent {
            return true;
        }
        match queue.identity {
            Some(_) if !queue.broken => true,
            own => queue.in_flight == 0 && self.identity.is_some() && self.identity != own,
        }
    }

    fn take(&mut self, at: usize) -> Option<ReadyBatch> {
        let queue = &mut self.queues[at];
        if queue.broken || queue.identity.is_none() {
            queue.identity = self.identity;
            queue.broken = false;
            queue.known = false;
            queue.next_sequence = 0;
        }
        let mut batch = queue.waiting.pop_front()?;
        if queue.waiting.is_empty() {
            self.active.remove(&at);
        }
        let identity = queue.identity.filter(|_| self.options.idempotent).map(|producer| match batch.sequence {
            Some((same, sequence)) if same == producer => (producer, sequence),
            _ => {
                let sequence = queue.next_sequence;
                queue.next_sequence = increment_sequence(sequence, batch.records());
                (producer, sequence)
            }
        });
        let records = batch.seal(identity, &mut queue.ratio).unwrap_or_default();
        let first = queue.in_flight == 0;
        queue.in_flight += 1;
        let id = BatchId(self.next_id);
        self.next_id += 1;
        let ready = ReadyBatch { id, topic: self.topics[queue.topic].name.clone(), partition: queue.partition, records };
        self.in_flight.insert(id, InFlight { queue: at, batch, first });
        Some(ready)
    }

    /// A request to `node` is over, with whatever result; call once per request, besides `on_result` per batch.
    pub fn request_done(&mut self, node: NodeId) {
        if let Some(n) = self.in_flight_of_node.get_mut(&node) {
            *n = n.saturating_sub(1);
        }
    }

    /// When something becomes due by time alone: lingering, backing off, or given up. What is due already waits for something else (an
    /// answer, a leader, an identity) and counts only until it is given up.
    pub fn next_deadline(&self, now: MonoMs) -> Option<MonoMs> {
        let due = self.active.iter().filter_map(|at| {
            let queue = &self.queues[*at];
            let front = queue.waiting.front()?;
            let ready = front.created.plus(self.options.linger_ms).max(queue.not_before);
            let given_up = front.created.plus(self.options.delivery_timeout_ms);
            Some(if ready > now { ready.min(given_up) } else { given_up })
        });
        due.min()
    }

    /// Topics with something waiting or in flight, for metadata refreshes.
    pub fn topics(&self) -> BTreeSet<&str> {
        let busy = self.active.iter().copied().chain(self.in_flight.values().map(|f| f.queue));
        busy.map(|at| self.name_of(at)).collect()
    }

    pub(super) fn name_of(&self, at: usize) -> &str {
        &self.topics[self.queues[at].topic].name
    }

    /// Every invariant; for tests.
    pub fn check(&self) {
        let waiting: usize = self.queues.iter().flat_map(|q| &q.waiting).map(|b| b.size).sum();
        let flying: usize = self.in_flight.values().map(|f| f.batch.size).sum();
        assert_eq!(waiting + flying, self.used, "memory is accounted for");
        for (at, queue) in self.queues.iter().enumerate() {
            assert_eq!(!queue.waiting.is_empty(), self.active.contains(&at), "active queues are those that wait");
            assert_eq!(self.in_flight.values().filter(|f| f.queue == at).count(), queue.in_flight);
            let numbers: Vec<u64> = queue.waiting.iter().map(|b| b.number).collect();
            assert!(numbers.is_sorted(), "a queue is in order: {numbers:?}");
        }
        let mut counted: BTreeMap<u64, u32> = BTreeMap::new();
        for b in self.queues.iter().flat_map(|q| &q.waiting).chain(self.in_flight.values().map(|f| &f.batch)) {
            *counted.entry(b.number).or_default() += 1;
        }
        assert_eq!(counted, self.unfinished, "every batch that is not over is counted");
    }
}

#[cfg(test)]
#[path = "accumulator_tests.rs"]
mod tests;
