//! What is known of each assigned partition: where reading goes on, what has arrived, whether it is paused.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use super::fetch::{FetchError, Fetched, FetchedRecords, Wanted};
use super::records::{Polled, RecordChunk};
use crate::client::error::Error;
use crate::client::metadata::Metadata;
use crate::config::OffsetReset;
use crate::types::TopicPartition;

/// A partition holds at most this many fetched bytes before it is asked for more: one answer being read, one waiting.
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

pub(super) struct PartitionState {
    pub position: Position,
    /// Leader epoch of the last record given to the user; -1 before the first. Committed beside the position.
    pub position_epoch: i32,
    /// The next offset to fetch; runs ahead of `position` by what is buffered.
    fetch_offset: i64,
    buffered: VecDeque<RecordChunk>,
    answers_buffered: usize,
    in_flight: bool,
    not_before: Option<Instant>,
    pub paused: bool,
    pub high_watermark: Option<i64>,
    pub last_stable_offset: Option<i64>,
    pub log_start: Option<i64>,
}

impl Default for PartitionState {
    fn default() -> Self {
        PartitionState {
            position: Position::Unknown,
            position_epoch: -1,
            fetch_offset: 0,
            buffered: VecDeque::new(),
            answers_buffered: 0,
            in_flight: false,
            not_before: None,
            paused: false,
            high_watermark: None,
            last_stable_offset: None,
            log_start: None,
        }
    }
}

impl PartitionState {
    pub fn seek(&mut self, position: Position) {
        self.position = position;
        self.position_epoch = -1;
        self.buffered.clear();
        self.answers_buffered = 0;
        if let Position::At(offset) = position {
            self.fetch_offset = offset;
        }
    }
}

/// All assigned partitions.
#[derive(Default)]
pub(super) struct Assignment {
    pub partitions: BTreeMap<TopicPartition, PartitionState>,
    /// Where the next poll begins, so that no partition starves.
    turn: usize,
}

impl Assignment {
    /// Keeps what is known of partitions that stay.
    pub fn replace(&mut self, all: &[TopicPartition]) {
        let mut old = std::mem::take(&mut self.partitions);
        self.partitions = all.iter().map(|tp| (tp.clone(), old.remove(tp).unwrap_or_default())).collect();
    }

    pub fn remove(&mut self, gone: &[TopicPartition]) {
        gone.iter().for_each(|tp| drop(self.partitions.remove(tp)));
    }

    /// Positions of partitions that have one with their leader epochs, for commits.
    pub fn positions(&self) -> BTreeMap<TopicPartition, (i64, i32)> {
        let known = self.partitions.iter().filter_map(|(tp, s)| match s.position {
            Position::At(offset) => Some((tp.clone(), (offset, s.position_epoch))),
            _ => None,
        });
        known.collect()
    }

    /// Partitions to ask for now, by leader; they count as in flight from then on. `true`: some leader is not known.
    pub fn wanted(&mut self, metadata: &Metadata, now: Instant) -> (BTreeMap<i32, Vec<Wanted>>, bool) {
        let (mut by_leader, mut unknown): (BTreeMap<i32, Vec<Wanted>>, bool) = (BTreeMap::new(), false);
        for (tp, state) in &mut self.partitions {
            let positioned = matches!(state.position, Position::At(_));
            let full = state.answers_buffered >= BUFFERED_ANSWERS;
            let early = state.not_before.is_some_and(|t| now < t);
            if !positioned || state.in_flight || state.paused || full || early {
                continue;
            }
            let Some(leader) = metadata.leader(&tp.topic, tp.partition) else {
                unknown = true;
                continue;
            };
            let partitions = metadata.topics.get(&tp.topic).map(|t| t.partitions.as_slice()).unwrap_or_default();
            let leader_epoch = partitions.iter().find(|p| p.partition == tp.partition).map_or(-1, |p| p.leader_epoch);
            state.in_flight = true;
            by_leader.entry(leader).or_default().push(Wanted { tp: tp.clone(), offset: state.fetch_offset, leader_epoch });
        }
        (by_leader, unknown)
    }

    /// Takes an answer in. `Ok(true)`: metadata should be asked for.
    pub fn take(&mut self, fetched: Fetched, reset: OffsetReset, retry_at: Instant) -> Result<bool, Error> {
        let Some(state) = self.partitions.get_mut(&fetched.tp) else { return Ok(false) };
        state.in_flight = false;
        state.not_before = None;
        if state.fetch_offset != fetched.asked || !matches!(state.position, Position::At(_)) {
            return Ok(false);
        }
        match fetched.outcome {
            Ok(records) => state.add(records),
            Err(FetchError::Moved) => {
                state.not_before = Some(retry_at);
                return Ok(true);
            }
            Err(FetchError::OutOfRange) if reset == OffsetReset::None => {
                state.not_before = Some(retry_at);
                return Err(Error::Broker {
                    code: kfk_wire::ErrorCode::OffsetOutOfRange,
                    message: Some(format!("Offset {} of {} is out of range and there is no reset policy.", fetched.asked, fetched.tp)),
                });
            }
            // What is buffered before it is still good; the reset comes when that has been read.
            Err(FetchError::OutOfRange) if state.buffered.is_empty() => state.seek(Position::Reset(reset)),
            Err(FetchError::OutOfRange) => {}
            Err(FetchError::Told(error)) => {
                state.not_before = Some(retry_at);
                return Err(error);
            }
        }
        Ok(false)
    }

    /// At most `limit` records, partitions taking turns.
    pub fn drain(&mut self, limit: usize) -> Polled {
        let (mut out, mut left) = (Polled::default(), limit);
        let count = self.partitions.len().max(1);
        let begin = self.turn % count;
        self.turn = self.turn.wrapping_add(1);
        let order = self.partitions.iter_mut().enumerate().map(|(i, (_, s))| ((i + count - begin) % count, s));
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

    /// The earliest moment at which a partition that backs off may be asked for again.
    pub fn next_retry(&self) -> Option<Instant> {
        self.partitions.values().filter(|s| !s.in_flight && !s.paused).filter_map(|s| s.not_before).min()
    }
}

impl PartitionState {
    fn add(&mut self, records: FetchedRecords) {
        self.high_watermark = Some(records.high_watermark);
        self.last_stable_offset = Some(records.last_stable_offset);
        self.log_start = Some(records.log_start).filter(|o| *o >= 0);
        self.fetch_offset = records.next_offset;
        if !records.chunks.is_empty() {
            self.answers_buffered += 1;
            let mut chunks = records.chunks;
            // The last chunk of an answer carries the position past everything that was filtered out behind it.
            if let Some(last) = chunks.back_mut() {
                last.next_offset = records.next_offset;
                last.ends_answer = true;
            }
            self.buffered.append(&mut chunks);
        } else if self.buffered.is_empty() && records.bytes > 0 {
            self.position = Position::At(self.fetch_offset);
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
