//! One partition as its broker sees it: who leads it in which epoch, which replicas are in sync, and how far its offsets have come.
//!
//! The machine is told where the log begins and ends; it decides what is committed, what readers may see, and which requests are refused.

mod offsets;
#[cfg(test)]
mod tests;
pub mod txn;

use std::collections::BTreeMap;

use kfk_wire::ErrorCode;

pub use offsets::Offsets;

use crate::types::{LeaderEpoch, NodeId, Now, Offset};

/// What the controller's records say of a partition: the machine's durable state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assignment {
    pub replicas: Vec<NodeId>,
    pub isr: Vec<NodeId>,
    /// -1 when there is none.
    pub leader: NodeId,
    pub leader_epoch: LeaderEpoch,
    /// Grows with every change of the partition.
    pub partition_epoch: i32,
}

/// Something that happened to the partition's log or to a replica of it.
#[derive(Clone, Debug)]
pub enum Input {
    /// The log ends here now; `first_unstable` is the first offset of the earliest transaction still undecided.
    LogEnd { end: Offset, first_unstable: Option<Offset> },
    /// The log begins here now.
    LogStart { start: Offset },
    /// A follower asked for `offset`, so it has everything before it.
    FollowerFetched { node: NodeId, offset: Offset },
    /// This broker's log would survive the machine's loss of power up to `upto`.
    Synced { upto: Offset },
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Everything before `to` is committed.
    HighWatermark { from: Offset, to: Offset },
    /// Everything before `to` is decided, for readers of committed transactions.
    LastStable { from: Offset, to: Offset },
}

/// Who reads, which says how far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    Uncommitted,
    Committed,
    Replica,
}

/// How many acknowledgements a producer asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acks {
    None,
    Leader,
    All,
}

impl Acks {
    /// From the wire; any number but -1, 0 and 1 is refused.
    pub fn from_wire(acks: i16) -> Result<Acks, ErrorCode> {
        match acks {
            -1 => Ok(Acks::All),
            0 => Ok(Acks::None),
            1 => Ok(Acks::Leader),
            _ => Err(ErrorCode::InvalidRequiredAcks),
        }
    }
}

/// Leadership, in-sync replicas and offsets of one partition on one broker.
#[derive(Clone, Debug)]
pub struct PartitionMachine {
    me: NodeId,
    assignment: Assignment,
    offsets: Offsets,
    /// Where the log ended when the present leader epoch began here.
    epoch_start: Offset,
    first_unstable: Option<Offset>,
    /// How far the log is synced, where only that counts as this replica's part of a commit; otherwise what is in the log counts.
    synced: Option<Offset>,
    /// Log ends of the other replicas, as their fetches tell. Empty unless this broker leads.
    followers: BTreeMap<NodeId, Offset>,
}

impl PartitionMachine {
    /// A partition on broker `me` whose log spans `log_start..log_end`, with no leader known yet.
    pub fn new(me: NodeId, log_start: Offset, log_end: Offset, first_unstable: Option<Offset>) -> Self {
        let assignment = Assignment { leader: -1, leader_epoch: -1, partition_epoch: -1, ..Assignment::default() };
        let offsets = Offsets::new(log_start, log_end);
        PartitionMachine { me, assignment, offsets, epoch_start: log_end, first_unstable, synced: None, followers: BTreeMap::new() }
    }

    /// Takes over what the controller decided. An older or repeated decision changes nothing.
    pub fn apply(&mut self, assignment: &Assignment) {
        let seen = (self.assignment.leader_epoch, self.assignment.partition_epoch);
        if (assignment.leader_epoch, assignment.partition_epoch) <= seen {
            return;
        }
        if assignment.leader_epoch != self.assignment.leader_epoch {
            self.epoch_start = self.offsets.log_end();
            self.followers.clear();
        }
        self.assignment = assignment.clone();
        self.followers.retain(|node, _| assignment.replicas.contains(node));
    }

    /// Moves the offsets that follow from `input` and says which moved.
    pub fn decide(&mut self, _now: Now, input: Input, outputs: &mut Vec<Output>) {
        match input {
            Input::LogEnd { end, first_unstable } => {
                self.offsets.set_log_end(end);
                // What is written anew after a truncation is not synced.
                self.synced = self.synced.map(|upto| upto.min(end));
                self.first_unstable = first_unstable;
            }
            Input::LogStart { start } => self.offsets.set_log_start(start),
            Input::FollowerFetched { node, offset } => self.note_follower(node, offset),
            Input::Synced { upto } => self.synced = self.synced.map(|known| known.max(upto)),
        }
        self.advance(outputs);
    }

    /// From now on records count as committed here only once they are synced (`Some`: how far they are), or as soon as they are in the log.
    pub fn commit_when_synced(&mut self, synced: Option<Offset>) {
        self.synced = synced;
    }

    /// Whether there are records that only wait for being synced.
    pub fn awaits_sync(&self) -> bool {
        self.synced.is_some_and(|upto| upto < self.offsets.log_end())
    }

    /// Nothing in here waits for a time yet: replicas that fall behind are dropped by a later part of this machine.
    pub fn next_deadline(&self) -> Option<crate::types::MonoMs> {
        None
    }

    /// Recomputes the committed and the stable offset, for instance after `apply`.
    pub fn advance(&mut self, outputs: &mut Vec<Output>) {
        let (hw, lso) = (self.offsets.high_watermark(), self.offsets.last_stable());
        if self.is_leader() {
            self.offsets.raise_high_watermark(self.committed_end());
        }
        self.offsets.set_last_stable(self.first_unstable.unwrap_or(Offset::MAX));
        if self.offsets.high_watermark() != hw {
            outputs.push(Output::HighWatermark { from: hw, to: self.offsets.high_watermark() });
        }
        if self.offsets.last_stable() != lso {
            outputs.push(Output::LastStable { from: lso, to: self.offsets.last_stable() });
        }
    }

    pub fn is_leader(&self) -> bool {
        self.assignment.leader == self.me
    }

    pub fn assignment(&self) -> &Assignment {
        &self.assignment
    }

    pub fn leader_epoch(&self) -> LeaderEpoch {
        self.assignment.leader_epoch
    }

    pub fn offsets(&self) -> Offsets {
        self.offsets
    }

    /// Whether a producer's append may go ahead: leader here, and enough in-sync replicas for `acks=all`.
    pub fn check_append(&self, acks: Acks, min_insync_replicas: i32) -> Result<(), ErrorCode> {
        if !self.is_leader() {
            return Err(ErrorCode::NotLeaderOrFollower);
        }
        let needed = usize::try_from(min_insync_replicas).unwrap_or(0).min(self.assignment.replicas.len());
        if acks == Acks::All && self.assignment.isr.len() < needed {
            return Err(ErrorCode::NotEnoughReplicas);
        }
        Ok(())
    }

    /// Whether a reader that believes in leader epoch `current` (-1: does not say) is right, and this broker leads.
    pub fn check_read(&self, current: LeaderEpoch) -> Result<(), ErrorCode> {
        let known = self.assignment.leader_epoch;
        match current {
            -1 => {}
            c if c < known => return Err(ErrorCode::FencedLeaderEpoch),
            c if c > known => return Err(ErrorCode::UnknownLeaderEpoch),
            _ => {}
        }
        if self.is_leader() { Ok(()) } else { Err(ErrorCode::NotLeaderOrFollower) }
    }

    /// The offset before which `reader` may read.
    pub fn visible_end(&self, reader: Reader) -> Offset {
        match reader {
            Reader::Uncommitted => self.offsets.high_watermark(),
            Reader::Committed => self.offsets.last_stable(),
            Reader::Replica => self.offsets.log_end(),
        }
    }

    /// Whether the end shown to consumers may still lie before one an earlier leader has shown: until the high watermark has reached the
    /// begin of this leader epoch.
    pub fn end_is_uncertain(&self) -> bool {
        self.offsets.high_watermark() < self.epoch_start
    }

    /// Every invariant; panics when one is broken.
    pub fn check(&self) {
        self.offsets.check();
        let a = &self.assignment;
        assert!(a.isr.iter().all(|n| a.replicas.contains(n)), "in-sync replicas outside the replicas: {a:?}");
        assert!(a.leader < 0 || a.isr.contains(&a.leader), "the leader is not in sync: {a:?}");
        assert!(self.epoch_start <= self.offsets.log_end());
    }

    fn note_follower(&mut self, node: NodeId, offset: Offset) {
        if self.is_leader() && node != self.me && self.assignment.replicas.contains(&node) {
            self.followers.insert(node, offset.min(self.offsets.log_end()));
        }
    }

    /// The smallest log end, or synced end, among the in-sync replicas; one that has not fetched in this epoch counts as having nothing new.
    fn committed_end(&self) -> Offset {
        let others = self.assignment.isr.iter().filter(|n| **n != self.me);
        let ends = others.map(|n| self.followers.get(n).copied().unwrap_or(self.offsets.high_watermark()));
        ends.fold(self.own_end(), Offset::min)
    }

    fn own_end(&self) -> Offset {
        self.synced.unwrap_or(Offset::MAX).min(self.offsets.log_end())
    }
}
