//! What is known of each assigned partition: where reading goes on, what has arrived, whether it is paused.
//!
//! Pure: answers to lookups and fetches come in, and whatever they were asked for may have changed in the meantime. Every position has a
//! serial number; an answer that bears another one is about a position that is no longer ours and is dropped.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use kfk_wire::{ErrorCode, Uuid};

use super::fetch::{FetchError, Fetched, FetchedRecords, Wanted};
use super::records::{Polled, RecordChunk};
use crate::client::error::Error;
use crate::client::metadata::Metadata;
use crate::config::OffsetReset;
use crate::types::TopicPartition;

/// A partition holds at most this many answers before its broker is asked for more: one being read, one waiting.
const BUFFERED_ANSWERS: usize = 2;

/// Where a partition's reading goes on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Position {
    /// Committed offset, or else the reset policy.
    Unknown,
    /// To be looked up.
    Reset(OffsetReset),
    /// The next record for the user.
    At(i64),
}

/// One partition.
pub(super) struct PartitionState {
    pub position: Position,
    /// Leader epoch of the last record given to the user; -1 before the first. Committed beside the position.
    pub position_epoch: i32,
    serial: u64,
    /// A lookup for the position is under way.
    looking: bool,
    /// The topic that the position belongs to, once known.
    topic_id: Uuid,
    /// The next offset to fetch and the epoch of what is before it; runs ahead of `position` by what is buffered.
    fetch_offset: i64,
    fetch_epoch: i32,
    buffered: VecDeque<RecordChunk>,
    answers_buffered: usize,
    /// A replica that the leader wants to be asked in its place, and until when.
    preferred: Option<(i32, Instant)>,
    not_before: Option<Instant>,
    pub paused: bool,
    pub high_watermark: Option<i64>,
    pub log_start: Option<i64>,
    pub last_stable_offset: Option<i64>,
}

/// What answers are judged by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub reset: OffsetReset,
    /// When a partition that failed may be asked for again.
    pub retry_at: Instant,
    /// How long a preferred replica is asked.
    pub prefer_until: Instant,
}

impl Rules {
    pub fn new(reset: OffsetReset, now: Instant, backoff: Duration, max_age: Duration) -> Rules {
        Rules { reset, retry_at: now + backoff, prefer_until: now + max_age }
    }
}

/// All assigned partitions.
#[derive(Default)]
pub(super) struct Assignment {
    pub partitions: BTreeMap<TopicPartition, PartitionState>,
    /// Where the next poll begins, so that no partition starves.
    turn: usize,
    last_serial: u64,
    /// Brokers with a fetch under way.
    busy: BTreeSet<i32>,
}

/// Where a partition is read, as of the metadata.
struct Source {
    node: i32,
    topic_id: Uuid,
    leader_epoch: i32,
}

/// What to fetch now.
pub(super) struct ToFetch {
    pub by_node: BTreeMap<i32, Vec<Wanted>>,
    /// Some leader is not known.
    pub unknown_leaders: bool,
}

impl Assignment {
    /// Keeps what is known of partitions that stay.
    pub fn replace(&mut self, all: &[TopicPartition]) {
        let mut old = std::mem::take(&mut self.partitions);
        for tp in all {
            let state = old.remove(tp).unwrap_or_else(|| PartitionState::new(self.next_serial()));
            self.partitions.insert(tp.clone(), state);
        }
    }

    pub fn remove(&mut self, gone: &[TopicPartition]) {
        gone.iter().for_each(|tp| drop(self.partitions.remove(tp)));
    }

    fn next_serial(&mut self) -> u64 {
        self.last_serial += 1;
        self.last_serial
    }

    /// Reads on elsewhere. False if the partition is not assigned.
    pub fn seek(&mut self, tp: &TopicPartition, position: Position) -> bool {
        let serial = self.next_serial();
        self.partitions.get_mut(tp).map(|s| s.seek(serial, position)).is_some()
    }

    /// Positions of partitions that have one with their leader epochs, for commits.
    pub fn positions(&self) -> BTreeMap<TopicPartition, (i64, i32)> {
        let known = self.partitions.iter().filter_map(|(tp, s)| match s.position {
            Position::At(offset) => Some((tp.clone(), (offset, s.position_epoch))),
            _ => None,
        });
        known.collect()
    }

    // ---- positions -----------------------------------------------------------------------------------------------------------

    /// Partitions whose position is to be looked up now and that `want` chooses; they count as looked for from then on.
    pub fn take_unplaced<T>(&mut self, now: Instant, want: impl Fn(Position) -> Option<T>) -> Vec<(TopicPartition, u64, T)> {
        let mut out = Vec::new();
        for (tp, state) in &mut self.partitions {
            if state.looking || state.not_before.is_some_and(|t| now < t) {
                continue;
            }
            if let Some(what) = want(state.position) {
                state.looking = true;
                out.push((tp.clone(), state.serial, what));
            }
        }
        out
    }

    /// What a lookup found. Nothing happens if the user has sought elsewhere since.
    pub fn place(&mut self, tp: &TopicPartition, serial: u64, found: Result<(Position, i32), Instant>) {
        let next = self.next_serial();
        let Some(state) = self.partitions.get_mut(tp).filter(|s| s.serial == serial) else { return };
        match found {
            Ok((position, epoch)) => {
                state.seek(next, position);
                (state.position_epoch, state.fetch_epoch) = (epoch, epoch);
            }
            Err(retry_at) => {
                state.looking = false;
                state.not_before = Some(retry_at);
            }
        }
    }

    /// A topic that was deleted and created anew is another topic: the old position means nothing in it.
    ///
    /// Errors: there is no policy to find a new one by.
    pub fn notice_new_topics(&mut self, metadata: &Metadata, rules: Rules, now: Instant) -> Result<(), Error> {
        let mut told = Ok(());
        for (tp, state) in &mut self.partitions {
            let Some(id) = metadata.topics.get(&tp.topic).map(|t| t.id).filter(|id| *id != Uuid::default()) else { continue };
            let Position::At(offset) = state.position else { continue };
            if state.topic_id == Uuid::default() {
                state.topic_id = id;
            }
            if state.topic_id == id || state.not_before.is_some_and(|t| now < t) {
                continue;
            }
            if rules.reset == OffsetReset::None {
                state.not_before = Some(rules.retry_at);
                let text = format!(
                    "{tp} belongs to a topic that was created anew; offset {offset} was of the old one, and there is no reset policy"
                );
                told = told.and(Err(Error::Usage(text)));
                continue;
            }
            self.last_serial += 1;
            state.seek(self.last_serial, Position::Reset(rules.reset));
        }
        told
    }

    // ---- records -------------------------------------------------------------------------------------------------------------

    /// Partitions to ask for now, by broker; these brokers count as busy until `answered`.
    ///
    /// A broker is asked for all that it has for us at once, so not while an answer of it is under way, nor while some partition of it has
    /// enough for the user to read: a request without that partition would wait for the others to have records, and hold it up.
    pub fn take_fetchable(&mut self, metadata: &Metadata, now: Instant) -> ToFetch {
        let mut out = ToFetch { by_node: BTreeMap::new(), unknown_leaders: false };
        let mut full: BTreeSet<i32> = BTreeSet::new();
        for (tp, state) in &mut self.partitions {
            let positioned = matches!(state.position, Position::At(_));
            if !positioned || state.paused || state.not_before.is_some_and(|t| now < t) {
                continue;
            }
            let Some(source) = state.source(tp, metadata, now) else {
                out.unknown_leaders = true;
                continue;
            };
            if self.busy.contains(&source.node) {
                continue;
            }
            if state.answers_buffered >= BUFFERED_ANSWERS {
                full.insert(source.node);
            } else {
                out.by_node.entry(source.node).or_default().push(state.wanted(tp, &source));
            }
        }
        out.by_node.retain(|node, _| !full.contains(node));
        for (node, wanted) in &mut out.by_node {
            self.busy.insert(*node);
            // Brokers serve in this order until the answer is full.
            let first = self.turn % wanted.len();
            wanted.rotate_left(first);
        }
        out
    }

    /// The request to a broker is over.
    pub fn answered(&mut self, node: i32) {
        self.busy.remove(&node);
    }

    /// Takes an answer in. `Ok(true)`: metadata should be asked for.
    pub fn take(&mut self, fetched: Fetched, rules: Rules) -> Result<bool, Error> {
        let next = self.next_serial();
        let (wanted, tp) = (&fetched.wanted, &fetched.wanted.tp);
        let ours = |s: &&mut PartitionState| s.serial == wanted.serial && s.fetch_offset == wanted.offset;
        let Some(state) = self.partitions.get_mut(tp).filter(ours) else { return Ok(false) };
        state.not_before = None;
        let error = match fetched.outcome {
            Ok(records) => {
                state.add(records);
                return Ok(false);
            }
            Err(error) => error,
        };
        match error {
            // A replica need not have what its leader has.
            _ if wanted.of_replica => state.back_to_leader(rules),
            FetchError::Preferred(node) => {
                state.preferred = Some((node, rules.prefer_until));
                return Ok(false);
            }
            FetchError::Moved => state.not_before = Some(rules.retry_at),
            // What is buffered before it is still good; the reset comes when that has been read.
            FetchError::OutOfRange if !state.buffered.is_empty() => return Ok(false),
            FetchError::OutOfRange if rules.reset == OffsetReset::None => {
                state.not_before = Some(rules.retry_at);
                return Err(out_of_range(wanted));
            }
            FetchError::OutOfRange => state.seek(next, Position::Reset(rules.reset)),
            FetchError::Diverged { end, .. } if rules.reset == OffsetReset::None => {
                state.not_before = Some(rules.retry_at);
                return Err(truncated(wanted, end));
            }
            FetchError::Diverged { end, epoch } => state.go_back(next, end, epoch),
            FetchError::Told(error) => {
                state.not_before = Some(rules.retry_at);
                return Err(error);
            }
        }
        Ok(true)
    }

    /// At most `limit` records, partitions taking turns.
    pub fn drain(&mut self, limit: usize) -> Polled {
        let (mut out, mut left) = (Polled::default(), limit);
        let count = self.partitions.len().max(1);
        let begin = self.turn % count;
        self.turn = self.turn.wrapping_add(1);
        let order = self.partitions.values_mut().enumerate().map(|(i, s)| ((i + count - begin) % count, s));
        let mut order: Vec<(usize, &mut PartitionState)> = order.filter(|(_, s)| !s.paused && !s.buffered.is_empty()).collect();
        order.sort_by_key(|(i, _)| *i);
        for (_, state) in order {
            while left > 0 {
                let Some(chunk) = state.next_chunk(left) else { break };
                left -= chunk.len();
                out.chunks.push(chunk);
            }
        }
        out
    }

    pub fn has_records(&self) -> bool {
        self.partitions.values().any(|s| !s.paused && !s.buffered.is_empty())
    }

    /// The earliest moment after `now` at which a partition that backs off may be asked for again.
    pub fn next_retry(&self, now: Instant) -> Option<Instant> {
        self.partitions.values().filter(|s| !s.paused).filter_map(|s| s.not_before).filter(|t| *t > now).min()
    }
}

impl PartitionState {
    fn new(serial: u64) -> PartitionState {
        PartitionState {
            position: Position::Unknown,
            position_epoch: -1,
            serial,
            looking: false,
            topic_id: Uuid::default(),
            fetch_offset: 0,
            fetch_epoch: -1,
            buffered: VecDeque::new(),
            answers_buffered: 0,
            preferred: None,
            not_before: None,
            paused: false,
            high_watermark: None,
            log_start: None,
            last_stable_offset: None,
        }
    }

    fn seek(&mut self, serial: u64, position: Position) {
        self.serial = serial;
        self.position = position;
        (self.position_epoch, self.fetch_epoch) = (-1, -1);
        self.topic_id = Uuid::default();
        self.buffered.clear();
        self.answers_buffered = 0;
        self.looking = false;
        self.not_before = None;
        if let Position::At(offset) = position {
            self.fetch_offset = offset;
        }
    }

    /// Whom to ask; `None` while there is no leader.
    fn source(&mut self, tp: &TopicPartition, metadata: &Metadata, now: Instant) -> Option<Source> {
        self.preferred = self.preferred.filter(|(node, until)| now < *until && metadata.brokers.contains_key(node));
        let topic = metadata.topics.get(&tp.topic)?;
        let partition = topic.partition(tp.partition).filter(|p| p.leader >= 0)?;
        let node = self.preferred.map_or(partition.leader, |(node, _)| node);
        Some(Source { node, topic_id: topic.id, leader_epoch: partition.leader_epoch })
    }

    fn wanted(&self, tp: &TopicPartition, source: &Source) -> Wanted {
        Wanted {
            topic_id: source.topic_id,
            offset: self.fetch_offset,
            leader_epoch: source.leader_epoch,
            fetched_epoch: self.fetch_epoch,
            serial: self.serial,
            of_replica: self.preferred.is_some(),
            ..Wanted::of(tp.clone())
        }
    }

    fn back_to_leader(&mut self, rules: Rules) {
        self.preferred = None;
        self.not_before = Some(rules.retry_at);
    }

    /// Records from `end` on are not what they were: they are read again, also where the user has seen the old ones.
    fn go_back(&mut self, serial: u64, end: i64, epoch: i32) {
        let Position::At(offset) = self.position else { return };
        self.seek(serial, Position::At(offset.min(end)));
        self.fetch_epoch = if offset >= end { epoch } else { -1 };
    }

    fn add(&mut self, records: FetchedRecords) {
        self.high_watermark = Some(records.high_watermark);
        self.log_start = Some(records.log_start);
        self.last_stable_offset = Some(records.last_stable_offset);
        self.fetch_offset = records.next_offset;
        self.fetch_epoch = records.last_epoch;
        let mut chunks = records.chunks;
        if !chunks.is_empty() {
            self.answers_buffered += 1;
            if let Some(last) = chunks.back_mut() {
                last.ends_answer = true;
            }
            self.buffered.append(&mut chunks);
        }
        // Whoever reads the last record that is shown is past everything that was filtered out behind it.
        match self.buffered.back_mut() {
            Some(last) => last.next_offset = self.fetch_offset,
            None if records.bytes > 0 => {
                self.position = Position::At(self.fetch_offset);
                self.position_epoch = self.fetch_epoch;
            }
            None => {}
        }
    }

    fn next_chunk(&mut self, limit: usize) -> Option<RecordChunk> {
        let front = self.buffered.front_mut()?;
        let chunk = if front.len() > limit { front.split_front(limit) } else { self.buffered.pop_front()? };
        if chunk.ends_answer {
            self.answers_buffered = self.answers_buffered.saturating_sub(1);
        }
        self.position = Position::At(chunk.next_offset);
        self.position_epoch = chunk.header.partition_leader_epoch;
        Some(chunk)
    }
}

fn out_of_range(wanted: &Wanted) -> Error {
    let message = format!("Offset {} of {} is out of range and there is no reset policy.", wanted.offset, wanted.tp);
    Error::Broker { code: ErrorCode::OffsetOutOfRange, message: Some(message) }
}

fn truncated(wanted: &Wanted, end: i64) -> Error {
    let message = format!("{} was truncated: what was read from offset {end} on is gone, and there is no reset policy.", wanted.tp);
    Error::Broker { code: ErrorCode::OffsetOutOfRange, message: Some(message) }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
