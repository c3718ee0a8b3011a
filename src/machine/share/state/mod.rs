//! The share coordinator: what became of the records of partitions, kept in `__share_group_state` (H1, H5).
//!
//! A partition of a group begins with a snapshot; changes follow as updates, and after so many of them comes another snapshot, which
//! makes the records before it superfluous. Epochs fence: no leader and no state of the past may write any more.

mod merge;
mod records;
mod requests;

use std::collections::BTreeMap;

use bytes::Bytes;

pub use self::records::ShareRecord;
pub use self::requests::{Done, Refusal, ShareAnswer, ShareRequest, Summary};

use super::StateBatch;
use crate::machine::coordinator::{
    Context, Coordinator, Input, Marker, Output, OutputOf, Position, Skipped, Token, append_error_to_client,
};
use crate::types::{MonoMs, Now, Offset, TopicId};
use crate::wire::{EncodeError, ErrorCode};

/// Start offset and count that nobody has determined yet.
pub const UNKNOWN: i64 = -1;
const UNKNOWN_COUNT: i32 = -1;

/// One partition as one group consumes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShareKey {
    pub group: String,
    pub topic: TopicId,
    pub partition: i32,
}

impl ShareKey {
    /// As it is hashed to find its coordinator, and as FindCoordinator takes it.
    pub fn coordinator_key(&self) -> String {
        format!("{}:{}:{}", self.group, self.topic, self.partition)
    }
}

/// What is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ShareState {
    /// Of the last snapshot.
    pub snapshot_epoch: i32,
    /// Grows when an administrator begins anew.
    pub state_epoch: i32,
    pub leader_epoch: i32,
    pub start_offset: Offset,
    /// Records from the start on that are done with.
    pub complete: i32,
    /// Wall time of the last snapshot.
    pub created: i64,
    pub written: i64,
    pub batches: Vec<StateBatch>,
}

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    state: ShareState,
    updates: usize,
    /// Where the last snapshot stands in the log.
    snapshot_at: Offset,
}

/// The coordinator of all that one partition of `__share_group_state` holds.
#[derive(Debug)]
pub struct ShareShard {
    /// `share.coordinator.snapshot.update.records.per.snapshot`
    updates_per_snapshot: usize,
    entries: BTreeMap<ShareKey, Entry>,
    /// Where the last record stands in the log.
    last: Offset,
}

type ShareOutput = OutputOf<ShareShard>;

impl ShareShard {
    pub fn new(updates_per_snapshot: usize) -> Self {
        ShareShard { updates_per_snapshot, entries: BTreeMap::new(), last: -1 }
    }

    pub fn get(&self, key: &ShareKey) -> Option<&ShareState> {
        self.entries.get(key).map(|e| &e.state)
    }

    /// Everything that is kept.
    pub fn states(&self) -> impl Iterator<Item = (&ShareKey, &ShareState)> {
        self.entries.iter().map(|(key, entry)| (key, &entry.state))
    }

    /// Everything in the log below this offset is superfluous. `None`: that is nothing, or all.
    pub fn first_needed(&self) -> Option<Offset> {
        self.entries.values().map(|e| e.snapshot_at).min()
    }

    fn request(&self, now: Now, token: Token, body: ShareRequest, out: &mut Vec<ShareOutput>) {
        let key = body.key().clone();
        let decided = match body {
            ShareRequest::Initialize { state_epoch, start_offset, .. } => self.initialize(now, &key, state_epoch, start_offset),
            ShareRequest::Read { leader_epoch, .. } => self.read(now, &key, leader_epoch),
            ShareRequest::Write { state_epoch, leader_epoch, start_offset, complete, batches, .. } => {
                self.write(now, &key, (state_epoch, leader_epoch), start_offset, complete, &batches)
            }
            ShareRequest::Delete { .. } => Ok((self.entries.contains_key(&key).then(|| ShareRecord::tombstone(&key)), Done::Nothing)),
            ShareRequest::Summary { .. } => Ok((None, Done::Summary(self.summary(&key)))),
        };
        let answer = decided.map(|(record, done)| {
            out.extend(record.map(|record| Output::append(vec![record])));
            done
        });
        out.push(Output::Answer { token, answer });
    }

    fn initialize(&self, now: Now, key: &ShareKey, state_epoch: i32, start_offset: Offset) -> Result<(Option<ShareRecord>, Done), Refusal> {
        let known = self.get(key);
        if known.is_some_and(|s| state_epoch != -1 && s.state_epoch > state_epoch) {
            return Err(ErrorCode::FencedStateEpoch.into());
        }
        let state = ShareState {
            snapshot_epoch: known.map_or(0, |s| s.snapshot_epoch + 1),
            state_epoch,
            leader_epoch: 0,
            start_offset,
            complete: if start_offset == UNKNOWN { UNKNOWN_COUNT } else { 0 },
            created: now.wall.0,
            written: now.wall.0,
            batches: Vec::new(),
        };
        Ok((Some(ShareRecord::Snapshot { key: key.clone(), state: Some(state) }), Done::Nothing))
    }

    /// A leader of a newer epoch makes itself known by reading.
    fn read(&self, now: Now, key: &ShareKey, leader_epoch: i32) -> Result<(Option<ShareRecord>, Done), Refusal> {
        let known = self.get(key).ok_or_else(|| uninitialized("Read"))?;
        if leader_epoch < known.leader_epoch && leader_epoch != -1 {
            return Err(ErrorCode::FencedLeaderEpoch.into());
        }
        let mut state = known.clone();
        let record = (leader_epoch > known.leader_epoch).then(|| {
            state.leader_epoch = leader_epoch;
            self.next_record(now, key, &state, &[])
        });
        Ok((record, Done::State(state)))
    }

    fn write(
        &self,
        now: Now,
        key: &ShareKey,
        (state_epoch, leader_epoch): (i32, i32),
        start_offset: Offset,
        complete: i32,
        batches: &[StateBatch],
    ) -> Result<(Option<ShareRecord>, Done), Refusal> {
        let known = self.get(key).ok_or_else(|| uninitialized("Write"))?;
        if leader_epoch != -1 && leader_epoch < known.leader_epoch {
            return Err(ErrorCode::FencedLeaderEpoch.into());
        }
        if state_epoch != -1 && state_epoch < known.state_epoch {
            return Err(ErrorCode::FencedStateEpoch.into());
        }
        if batches.iter().any(|b| b.first > b.last || b.first < 0 || b.last == Offset::MAX) {
            return Err(Refusal { code: ErrorCode::InvalidRequest, message: Some("A state batch has no records.".into()) });
        }
        let mut state = known.clone();
        state.state_epoch = state_epoch.max(known.state_epoch);
        state.leader_epoch = leader_epoch.max(known.leader_epoch);
        state.start_offset = if start_offset == UNKNOWN { known.start_offset } else { start_offset };
        state.complete = complete;
        state.batches = merge::merge(state.start_offset, &known.batches, batches);
        Ok((Some(self.next_record(now, key, &state, batches)), Done::Nothing))
    }

    /// A snapshot of the new state if it is time for one or only that can say it, else an update with the batches that are new.
    fn next_record(&self, now: Now, key: &ShareKey, state: &ShareState, batches: &[StateBatch]) -> ShareRecord {
        let known = self.entries.get(key);
        let may_update = known.is_some_and(|e| e.updates < self.updates_per_snapshot && e.state.state_epoch == state.state_epoch);
        let mut state = ShareState { written: now.wall.0, ..state.clone() };
        if may_update {
            state.batches = batches.to_vec();
            ShareRecord::Update { key: key.clone(), state }
        } else {
            (state.snapshot_epoch, state.created) = (state.snapshot_epoch + 1, now.wall.0);
            ShareRecord::Snapshot { key: key.clone(), state: Some(state) }
        }
    }

    fn summary(&self, key: &ShareKey) -> Summary {
        let nothing = Summary { state_epoch: 0, leader_epoch: 0, start_offset: UNKNOWN, complete: UNKNOWN_COUNT };
        self.get(key).map_or(nothing, |s| Summary {
            state_epoch: s.state_epoch,
            leader_epoch: s.leader_epoch,
            start_offset: s.start_offset,
            complete: s.complete,
        })
    }

    fn snapshot_cold(&self, now: Now, older_than: i64, out: &mut Vec<ShareOutput>) {
        let needed: usize = self.entries.values().map(|e| 1 + e.updates).sum();
        let kept = self.first_needed().map_or(0, |first| self.last - first + 1);
        if kept <= i64::try_from(needed).unwrap_or(i64::MAX).saturating_mul(2) {
            return;
        }
        for (key, entry) in self.entries.iter().filter(|(_, e)| e.state.created < older_than) {
            let snapshot_epoch = entry.state.snapshot_epoch + 1;
            let state = ShareState { snapshot_epoch, created: now.wall.0, written: now.wall.0, ..entry.state.clone() };
            out.push(Output::append(vec![ShareRecord::Snapshot { key: key.clone(), state: Some(state) }]));
        }
    }

    /// Tombstones for topics that are gone.
    fn forget_topics(&self, topics: &[TopicId], out: &mut Vec<ShareOutput>) {
        for key in self.entries.keys().filter(|key| topics.contains(&key.topic)) {
            out.push(Output::append(vec![ShareRecord::tombstone(key)]));
        }
    }

    /// Topics that some partition here is of.
    pub fn topics(&self) -> std::collections::BTreeSet<TopicId> {
        self.entries.keys().map(|key| key.topic).collect()
    }
}

fn uninitialized(what: &str) -> Refusal {
    let message = format!("{what} operation on uninitialized share partition not allowed.");
    Refusal { code: ErrorCode::InvalidRequest, message: Some(message) }
}

/// What happens elsewhere and matters to share coordinators.
#[derive(Clone, Debug, PartialEq)]
pub enum ShareEvent {
    TopicsDeleted(Vec<TopicId>),
    /// Snapshots from before this wall time keep old records from being superfluous: they shall be written again, if that gains much.
    SnapshotCold {
        older_than: i64,
    },
}

impl Coordinator for ShareShard {
    type Request = ShareRequest;
    type Event = ShareEvent;
    type Record = ShareRecord;
    type Answer = ShareAnswer;
    type Effect = std::convert::Infallible;

    fn decide(&mut self, now: Now, input: Input<ShareRequest, ShareEvent>, out: &mut Vec<ShareOutput>) {
        match input {
            Input::Request { token, body, .. } => self.request(now, token, body, out),
            Input::Event(ShareEvent::TopicsDeleted(topics)) => self.forget_topics(&topics, out),
            Input::Event(ShareEvent::SnapshotCold { older_than }) => self.snapshot_cold(now, older_than, out),
            // Nothing is assumed before it is applied, and no request waits in here.
            Input::Deadline | Input::Loaded | Input::AppendFailed { .. } | Input::Unloaded { .. } => {}
        }
    }

    fn apply(&mut self, record: ShareRecord, at: Position) {
        self.last = at.offset;
        match record {
            ShareRecord::Snapshot { key, state: None } => _ = self.entries.remove(&key),
            ShareRecord::Snapshot { key, state: Some(state) } => {
                self.entries.insert(key, Entry { state, updates: 0, snapshot_at: at.offset });
            }
            // An update without its snapshot is a leftover of something that was deleted.
            ShareRecord::Update { key, state } => {
                let Some(entry) = self.entries.get_mut(&key) else { return };
                entry.updates += 1;
                let known = &mut entry.state;
                known.leader_epoch = state.leader_epoch;
                if state.start_offset != UNKNOWN {
                    known.start_offset = state.start_offset;
                }
                known.complete = state.complete;
                known.written = known.written.max(state.written);
                known.batches = merge::merge(known.start_offset, &known.batches, &state.batches);
            }
        }
    }

    fn forget(&mut self) {
        self.entries.clear();
        self.last = -1;
    }

    /// This partition is never part of a transaction.
    fn apply_marker(&mut self, _marker: Marker) {}

    fn next_deadline(&self) -> Option<MonoMs> {
        None
    }

    fn check(&self) -> Result<(), String> {
        for (key, entry) in &self.entries {
            let batches = &entry.state.batches;
            if batches.iter().any(|b| b.first > b.last) || batches.windows(2).any(|two| two[0].last >= two[1].first) {
                return Err(format!("{key:?}: the batches are not in order"));
            }
            if batches.iter().any(|b| b.last < entry.state.start_offset) {
                return Err(format!("{key:?}: a batch lies below the start"));
            }
        }
        Ok(())
    }

    fn encode(record: &ShareRecord) -> Result<(Bytes, Option<Bytes>), EncodeError> {
        record.encode()
    }

    fn decode(key: &Bytes, value: Option<&Bytes>) -> Result<ShareRecord, Skipped> {
        ShareRecord::decode(key, value)
    }

    fn refuse(_context: &Context, _body: &ShareRequest, error: ErrorCode) -> ShareAnswer {
        Err(error.into())
    }

    fn fail(answer: ShareAnswer, error: ErrorCode) -> ShareAnswer {
        answer.and(Err(append_error_to_client(error).into()))
    }
}

#[cfg(test)]
mod tests;
