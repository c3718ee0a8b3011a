//! A transactional producer's thinking: which request is due, what an answer means, what the user may do now.
//!
//! There are two versions of the protocol. In the first (TV1) the producer names each partition to the coordinator (AddPartitionsToTxn,
//! AddOffsetsToTxn) before it writes there. In the second (TV2, KIP-890) the first write does that by itself, and each end of a
//! transaction gives the producer a new epoch. Which one holds is told with the answer to InitProducerId.
//!
//! One request is under way at a time: `next` gives it, `answered` takes what came of it. Errors are of three kinds: those that pass are
//! asked again after a pause; after an abortable one the user must abort and may then go on; after a fatal one nothing goes any more.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;

use kfk_wire::ErrorCode;

use super::options::ProducerIdentity;
use super::verdict::{Verdict, is_fatal_for_batch, verdict};
use crate::types::{MonoMs, TopicPartition};

/// The markers of the transaction before are still being written: that takes milliseconds, not a whole backoff.
const CONCURRENT_BACKOFF_MS: u64 = 20;

/// Who consumed what a transaction is made from: the group checks that this member still owns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMetadata {
    pub group: String,
    /// The generation, or with the consumer protocol the member epoch; -1: no member, offsets are committed from outside.
    pub generation: i32,
    pub member_id: String,
    pub instance_id: Option<String>,
}

impl GroupMetadata {
    /// For offsets of a group that has no members.
    pub fn of_group(group: impl Into<String>) -> GroupMetadata {
        GroupMetadata { group: group.into(), generation: -1, member_id: String::new(), instance_id: None }
    }
}

/// The offset to read on from, with what goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffsetToCommit {
    pub offset: i64,
    /// -1 when not known.
    pub leader_epoch: i32,
    pub metadata: String,
}

/// What to ask. All but `CommitOffsets` go to the transaction coordinator, that one to the group's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    Init { identity: Option<ProducerIdentity> },
    AddPartitions(BTreeSet<TopicPartition>),
    AddOffsets { group: String },
    CommitOffsets { group: GroupMetadata, offsets: BTreeMap<TopicPartition, OffsetToCommit> },
    End { commit: bool },
}

/// What came of an [`Ask`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// To `Init`. `implicit`: the cluster has TV2.
    Identity {
        identity: ProducerIdentity,
        implicit: bool,
    },
    /// To `AddOffsets`.
    Done,
    /// To `End`, with the identity to go on with if the broker gives one (TV2).
    Ended(Option<ProducerIdentity>),
    /// To `AddPartitions` and `CommitOffsets`.
    Partitions(BTreeMap<TopicPartition, ErrorCode>),
    Refused(ErrorCode),
    /// Nobody knows whether the request was carried out.
    Lost,
}

/// Where a producer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Uninitialized,
    Initializing,
    Ready,
    InTransaction,
    Committing,
    Aborting,
    /// Aborted; sequence numbers are lost, so an epoch of its own is fetched (TV1).
    Renewing,
    /// Something failed: this transaction can only be aborted.
    MustAbort(ErrorCode),
    /// For good.
    Fatal(ErrorCode),
}

/// Why the user may not do this now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("Cannot perform a '{0}' before completing a call to initTransactions when transactions are enabled.")]
    Uninitialized(&'static str),
    #[error("transactions are initialized already")]
    Initialized,
    #[error("no transaction has been begun")]
    NotBegun,
    #[error("a transaction has been begun already")]
    Begun,
    #[error("the transaction is about to end")]
    Ending,
    #[error("the transaction must be aborted: {}", .0.message())]
    MustAbort(ErrorCode),
    #[error("{}", .0.message())]
    Fatal(ErrorCode),
}

/// One `send_offsets` that is not over.
#[derive(Debug)]
struct Offsets {
    group: GroupMetadata,
    left: BTreeMap<TopicPartition, OffsetToCommit>,
    /// The coordinator knows of the group (TV1).
    added: bool,
}

/// See the file's head.
#[derive(Debug)]
pub struct Transactions {
    backoff_ms: u64,
    backoff_max_ms: u64,
    stage: Stage,
    implicit: bool,
    identity: Option<ProducerIdentity>,
    /// Partitions of this transaction; true: the coordinator knows (TV1).
    partitions: BTreeMap<String, BTreeMap<i32, bool>>,
    offsets: VecDeque<Offsets>,
    offsets_taken: u64,
    offsets_done: u64,
    /// Numbers of those that were dropped with the last transaction.
    offsets_dropped: Range<u64>,
    /// The coordinator has, or may have, something to end.
    started: bool,
    /// A request that begins a transaction was lost: it is repeated until it is known whether there is one.
    uncertain: Option<Ask>,
    /// Sequence numbers were lost: the next transaction needs another epoch.
    renew: bool,
    /// The coordinator does not know this producer id any more: there is nothing to end.
    unmapped: bool,
    asked: Option<Ask>,
    not_before: MonoMs,
    tries: u32,
}

impl Transactions {
    /// Nothing is asked before `init`. Pauses between attempts grow from `backoff_ms` to `backoff_max_ms`.
    pub fn new(backoff_ms: u64, backoff_max_ms: u64) -> Transactions {
        Transactions {
            backoff_ms,
            backoff_max_ms: backoff_max_ms.max(backoff_ms),
            stage: Stage::Uninitialized,
            implicit: false,
            identity: None,
            partitions: BTreeMap::new(),
            offsets: VecDeque::new(),
            offsets_taken: 0,
            offsets_done: 0,
            offsets_dropped: 0..0,
            started: false,
            uncertain: None,
            renew: false,
            unmapped: false,
            asked: None,
            not_before: MonoMs(0),
            tries: 0,
        }
    }

    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// Who the producer is now.
    pub fn identity(&self) -> Option<ProducerIdentity> {
        self.identity
    }

    /// TV2: writing adds partitions.
    pub fn is_implicit(&self) -> bool {
        self.implicit
    }

    /// Records that wait have no place to go any more.
    pub fn gives_up(&self) -> bool {
        matches!(self.stage, Stage::Aborting | Stage::Renewing | Stage::MustAbort(_) | Stage::Fatal(_))
    }

    // ---- what the user does ---------------------------------------------------------------------------------------------------

    /// Asks for an identity, which ends whatever an earlier producer of the same id left open. May be repeated while it is not done.
    pub fn init(&mut self) -> Result<(), Refusal> {
        match self.stage {
            Stage::Uninitialized | Stage::Initializing => {
                self.stage = Stage::Initializing;
                Ok(())
            }
            Stage::Fatal(code) => Err(Refusal::Fatal(code)),
            _ => Err(Refusal::Initialized),
        }
    }

    pub fn begin(&mut self) -> Result<(), Refusal> {
        match self.stage {
            Stage::Ready => {
                self.stage = Stage::InTransaction;
                Ok(())
            }
            Stage::InTransaction => Err(Refusal::Begun),
            _ => Err(self.refusal("beginTransaction")),
        }
    }

    /// A record goes to this partition.
    pub fn admit(&mut self, topic: &str, partition: i32) -> Result<(), Refusal> {
        if self.stage != Stage::InTransaction {
            return Err(self.refusal("send"));
        }
        if self.implicit {
            self.started = true;
        } else if !self.partitions.get(topic).is_some_and(|known| known.contains_key(&partition)) {
            self.partitions.entry(topic.to_string()).or_default().insert(partition, false);
        }
        Ok(())
    }

    /// Whether a batch may be sent there now.
    pub fn may_send(&self, topic: &str, partition: i32) -> bool {
        self.implicit || self.partitions.get(topic).and_then(|known| known.get(&partition)).is_some_and(|added| *added)
    }

    /// Makes offsets part of the transaction. Gives a number for `offsets_are_over`.
    pub fn send_offsets(&mut self, group: GroupMetadata, offsets: BTreeMap<TopicPartition, OffsetToCommit>) -> Result<u64, Refusal> {
        if self.stage != Stage::InTransaction {
            return Err(self.refusal("sendOffsetsToTransaction"));
        }
        if !offsets.is_empty() {
            self.offsets.push_back(Offsets { group, left: offsets, added: false });
            self.offsets_taken += 1;
        }
        Ok(self.offsets_taken)
    }

    /// Whether these offsets, and all before them, are in the transaction. `None`: not yet.
    pub fn offsets_are_over(&self, number: u64) -> Option<Result<(), Refusal>> {
        match self.stage {
            _ if self.offsets_dropped.contains(&number) => Some(Err(Refusal::Ending)),
            _ if self.offsets_done >= number => Some(Ok(())),
            Stage::InTransaction | Stage::Committing => None,
            _ => Some(Err(self.refusal("sendOffsetsToTransaction"))),
        }
    }

    /// Ends the transaction once every record has been stored. May be repeated while it is not done.
    pub fn commit(&mut self) -> Result<(), Refusal> {
        match self.stage {
            Stage::InTransaction | Stage::Committing => {
                self.stage = Stage::Committing;
                Ok(())
            }
            _ => Err(self.refusal("commitTransaction")),
        }
    }

    /// Takes everything back. May be repeated while it is not done.
    pub fn abort(&mut self) -> Result<(), Refusal> {
        match self.stage {
            Stage::InTransaction | Stage::MustAbort(_) => {
                self.stage = Stage::Aborting;
                self.partitions.clear();
                self.drop_offsets();
                Ok(())
            }
            Stage::Aborting | Stage::Renewing => Ok(()),
            _ => Err(self.refusal("abortTransaction")),
        }
    }

    fn refusal(&self, what: &'static str) -> Refusal {
        match self.stage {
            Stage::Uninitialized | Stage::Initializing => Refusal::Uninitialized(what),
            Stage::Ready => Refusal::NotBegun,
            Stage::InTransaction => Refusal::Begun,
            Stage::Committing | Stage::Aborting | Stage::Renewing => Refusal::Ending,
            Stage::MustAbort(code) => Refusal::MustAbort(code),
            Stage::Fatal(code) => Refusal::Fatal(code),
        }
    }

    // ---- what happens to records ----------------------------------------------------------------------------------------------

    /// A batch of this transaction was given up.
    pub fn batch_failed(&mut self, code: ErrorCode) {
        match self.stage {
            Stage::Fatal(_) => {}
            _ if is_fatal_for_batch(code) => self.stage = Stage::Fatal(code),
            Stage::InTransaction | Stage::Committing => self.stage = Stage::MustAbort(code),
            _ => {}
        }
    }

    /// A batch that may have reached the broker was given up: nobody knows which sequence number comes next.
    pub fn sequences_lost(&mut self) {
        self.renew = true;
    }

    // ---- requests -------------------------------------------------------------------------------------------------------------

    /// When `next` may have something that it has not now.
    pub fn next_deadline(&self) -> Option<MonoMs> {
        let waits = !matches!(self.stage, Stage::Uninitialized | Stage::Ready | Stage::MustAbort(_) | Stage::Fatal(_));
        (self.asked.is_none() && waits && self.tries > 0).then_some(self.not_before)
    }

    /// The next request. `quiet`: no record waits or is under way. Nothing more comes before `answered`.
    pub fn next(&mut self, now: MonoMs, quiet: bool) -> Option<Ask> {
        if self.asked.is_some() || now < self.not_before {
            return None;
        }
        let ask = self.due(quiet)?;
        self.asked = Some(ask.clone());
        Some(ask)
    }

    fn due(&mut self, quiet: bool) -> Option<Ask> {
        match self.stage {
            Stage::Initializing | Stage::Renewing => Some(Ask::Init { identity: self.identity }),
            Stage::InTransaction => self.next_part(),
            Stage::Committing => self.next_part().or_else(|| if quiet { self.end(true) } else { None }),
            Stage::Aborting if self.uncertain.is_some() => self.uncertain.clone(),
            Stage::Aborting if quiet => self.end(false),
            _ => None,
        }
    }

    /// What is to become part of the transaction.
    fn next_part(&mut self) -> Option<Ask> {
        let new = self.partitions.iter().flat_map(|(topic, all)| {
            all.iter().filter(|(_, added)| !**added).map(|(partition, _)| TopicPartition::new(topic.as_str(), *partition))
        });
        let new: BTreeSet<TopicPartition> = new.collect();
        if !new.is_empty() {
            return Some(Ask::AddPartitions(new));
        }
        let first = self.offsets.front()?;
        if !self.implicit && !first.added {
            return Some(Ask::AddOffsets { group: first.group.group.clone() });
        }
        // TV2: the commit begins the transaction if nothing did before.
        self.started = true;
        Some(Ask::CommitOffsets { group: first.group.clone(), offsets: first.left.clone() })
    }

    /// A transaction that nobody knows of ends without a request.
    fn end(&mut self, commit: bool) -> Option<Ask> {
        if self.started && !self.unmapped {
            return Some(Ask::End { commit });
        }
        self.over(None);
        (self.stage == Stage::Renewing).then_some(Ask::Init { identity: self.identity })
    }

    /// The answer to what `next` gave.
    pub fn answered(&mut self, now: MonoMs, answer: Answer) {
        let Some(ask) = self.asked.take() else { return };
        if matches!(ask, Ask::AddPartitions(_) | Ask::AddOffsets { .. }) {
            match &answer {
                Answer::Lost => self.uncertain = Some(ask.clone()),
                Answer::Refused(code) if verdict(&ask, *code) == Verdict::Again => {}
                Answer::Partitions(each) if each.values().any(|c| *c != ErrorCode::None && verdict(&ask, *c) == Verdict::Again) => {}
                _ => self.uncertain = None,
            }
        }
        match (ask, answer) {
            (Ask::Init { .. }, Answer::Identity { identity, implicit }) => {
                self.succeeded(now);
                (self.identity, self.implicit) = (Some(identity), implicit);
                self.renew = false;
                if matches!(self.stage, Stage::Initializing | Stage::Renewing) {
                    self.stage = Stage::Ready;
                }
            }
            (Ask::AddOffsets { group }, Answer::Done) => {
                self.succeeded(now);
                self.started = true;
                self.offsets.iter_mut().filter(|o| o.group.group == group).for_each(|o| o.added = true);
            }
            (Ask::End { .. }, Answer::Ended(identity)) => {
                self.succeeded(now);
                self.over(identity);
            }
            (ask @ (Ask::AddPartitions(_) | Ask::CommitOffsets { .. }), Answer::Partitions(each)) => self.each_answered(now, &ask, each),
            (ask, Answer::Refused(code)) => self.refused(now, &ask, code),
            (_, Answer::Lost) => self.again(now, None),
            // An answer to another question.
            _ => self.stage = Stage::Fatal(ErrorCode::UnknownServerError),
        }
    }

    fn each_answered(&mut self, now: MonoMs, ask: &Ask, each: BTreeMap<TopicPartition, ErrorCode>) {
        let mut failures = Vec::new();
        for (tp, code) in each {
            match (code, ask) {
                (ErrorCode::None, Ask::AddPartitions(_)) => {
                    self.started = true;
                    // Gone from here if the transaction is being aborted.
                    if let Some(added) = self.partitions.get_mut(&tp.topic).and_then(|all| all.get_mut(&tp.partition)) {
                        *added = true;
                    }
                }
                (ErrorCode::None, _) => {
                    if let Some(first) = self.offsets.front_mut() {
                        first.left.remove(&tp);
                    }
                }
                (code, _) => failures.push(code),
            }
        }
        if self.offsets.front().is_some_and(|o| o.left.is_empty()) {
            self.offsets.pop_front();
            self.offsets_done += 1;
        }
        // What is worst decides; what was not attempted was not because of another one's failure.
        let worst = failures.iter().max_by_key(|code| (**code != ErrorCode::OperationNotAttempted, verdict(ask, **code)));
        match worst {
            Some(code) => self.refused(now, ask, *code),
            None => self.succeeded(now),
        }
    }

    fn refused(&mut self, now: MonoMs, ask: &Ask, code: ErrorCode) {
        match (verdict(ask, code), self.stage) {
            (Verdict::Again, _) => self.again(now, Some(code)),
            (_, Stage::Fatal(_)) => {}
            (Verdict::Fatal, _) => self.stage = Stage::Fatal(code),
            (kind @ (Verdict::Abort | Verdict::Unmapped), stage) => {
                self.tries = 0;
                self.unmapped |= kind == Verdict::Unmapped;
                self.renew |= kind == Verdict::Unmapped;
                match (stage, ask) {
                    // What failed did not become part of a transaction that is being taken back anyway.
                    (Stage::Aborting, Ask::AddPartitions(_) | Ask::AddOffsets { .. } | Ask::CommitOffsets { .. }) => {}
                    (Stage::Aborting, _) if kind == Verdict::Unmapped => {}
                    (Stage::Aborting | Stage::Renewing, _) => self.again(now, Some(code)),
                    (Stage::MustAbort(_), _) => {}
                    _ => self.stage = Stage::MustAbort(code),
                }
            }
        }
    }

    /// Over and done with: the next one may begin, or must wait for another epoch.
    fn over(&mut self, identity: Option<ProducerIdentity>) {
        if identity.is_some() {
            self.renew &= identity == self.identity;
            self.identity = identity;
        }
        self.partitions.clear();
        self.drop_offsets();
        self.started = false;
        self.unmapped = false;
        self.uncertain = None;
        self.stage = if self.renew { Stage::Renewing } else { Stage::Ready };
    }

    fn drop_offsets(&mut self) {
        self.offsets_dropped = self.offsets_done + 1..self.offsets_taken + 1;
        self.offsets_done = self.offsets_taken;
        self.offsets.clear();
    }

    fn succeeded(&mut self, now: MonoMs) {
        self.tries = 0;
        self.not_before = now;
    }

    fn again(&mut self, now: MonoMs, code: Option<ErrorCode>) {
        let grown = self.backoff_ms.saturating_mul(1 << self.tries.min(16)).min(self.backoff_max_ms);
        let pause = if code == Some(ErrorCode::ConcurrentTransactions) { grown.min(CONCURRENT_BACKOFF_MS) } else { grown };
        self.tries = self.tries.saturating_add(1);
        self.not_before = now.plus(pause.max(1));
    }
}

#[cfg(test)]
#[path = "transactions_tests.rs"]
mod tests;
