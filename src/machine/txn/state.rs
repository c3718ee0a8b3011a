//! One transactional id: what is remembered of it, and every change it can go through.
//!
//! ```text
//!              +---- InitProducerId -----------------+
//!              v                                     |
//! (new) --> Empty --add--> Ongoing --end--> PrepareCommit --markers--> CompleteCommit --add--> Ongoing ...
//!              |               |  `-------> PrepareAbort  --markers--> CompleteAbort  --add--> Ongoing ...
//!              |               `-fence-------^   ^
//!              `--- abort of nothing (TV2) ------'        (also from CompleteCommit and CompleteAbort)
//! ```
//!
//! Every change makes a whole new [`Txn`], which goes to the log as one record.

use std::collections::BTreeSet;

use crate::types::{TopicPartition, WallMs};

/// The last epoch that a client gets (fact E4). The one after it fences the last client, and no other comes after that.
pub const LAST_CLIENT_EPOCH: i16 = i16::MAX - 1;

/// The version of the protocol between a client and its coordinator: with 2 (KIP-890) every end of a transaction raises the epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TransactionVersion(pub i16);

impl TransactionVersion {
    pub const V0: TransactionVersion = TransactionVersion(0);
    pub const V2: TransactionVersion = TransactionVersion(2);

    /// Every end of a transaction raises the epoch.
    pub fn raises_epochs(self) -> bool {
        self.0 >= 2
    }

    /// What an AddPartitionsToTxn of this version speaks.
    pub fn of_add_partitions(api_version: i16) -> Self {
        if api_version > 3 { Self::V2 } else { Self::V0 }
    }

    /// What an EndTxn of this version speaks.
    pub fn of_end_txn(api_version: i16) -> Self {
        if api_version > 4 { Self::V2 } else { Self::V0 }
    }
}

/// The states of a transactional id (fact Z5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TxnState {
    Empty,
    Ongoing,
    PrepareCommit,
    PrepareAbort,
    CompleteCommit,
    CompleteAbort,
    /// Kafka's name for an id that is being forgotten. Never stored.
    Dead,
    /// Kafka's name for a transaction that is being fenced. Never stored.
    PrepareEpochFence,
}

impl TxnState {
    pub const ALL: [TxnState; 8] = [
        TxnState::Empty,
        TxnState::Ongoing,
        TxnState::PrepareCommit,
        TxnState::PrepareAbort,
        TxnState::CompleteCommit,
        TxnState::CompleteAbort,
        TxnState::Dead,
        TxnState::PrepareEpochFence,
    ];

    /// The number in records.
    pub fn id(self) -> i8 {
        self as i8
    }

    /// The state of a record, if it is one that is ever stored.
    pub fn stored(id: i8) -> Option<TxnState> {
        TxnState::ALL.into_iter().take(6).find(|state| state.id() == id)
    }

    /// Kafka's name, as in ListTransactions.
    pub fn name(self) -> &'static str {
        match self {
            TxnState::Empty => "Empty",
            TxnState::Ongoing => "Ongoing",
            TxnState::PrepareCommit => "PrepareCommit",
            TxnState::PrepareAbort => "PrepareAbort",
            TxnState::CompleteCommit => "CompleteCommit",
            TxnState::CompleteAbort => "CompleteAbort",
            TxnState::Dead => "Dead",
            TxnState::PrepareEpochFence => "PrepareEpochFence",
        }
    }

    pub fn from_name(name: &str) -> Option<TxnState> {
        TxnState::ALL.into_iter().find(|state| state.name() == name)
    }

    /// The transaction is decided, its markers are not all written.
    pub fn is_prepared(self) -> bool {
        matches!(self, TxnState::PrepareCommit | TxnState::PrepareAbort)
    }

    pub fn is_complete(self) -> bool {
        matches!(self, TxnState::CompleteCommit | TxnState::CompleteAbort)
    }

    /// Nothing depends on the id but the memory of its epoch: it may expire.
    pub fn is_idle(self) -> bool {
        self == TxnState::Empty || self.is_complete()
    }

    /// Whether a record in this state may come right after one in state `before`. An id that is new comes from nothing, as `Empty`.
    pub fn may_follow(self, before: TxnState) -> bool {
        match before {
            TxnState::Empty | TxnState::CompleteCommit | TxnState::CompleteAbort => {
                matches!(self, TxnState::Empty | TxnState::Ongoing | TxnState::PrepareAbort)
            }
            TxnState::Ongoing => matches!(self, TxnState::Ongoing | TxnState::PrepareCommit | TxnState::PrepareAbort),
            TxnState::PrepareCommit => self == TxnState::CompleteCommit,
            TxnState::PrepareAbort => self == TxnState::CompleteAbort,
            TxnState::Dead | TxnState::PrepareEpochFence => false,
        }
    }
}

/// What is remembered of one transactional id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Txn {
    pub producer_id: i64,
    /// The id in the record before this one.
    pub previous_producer_id: i64,
    /// The id the client goes on with when this transaction is complete, if the epochs of the present one are used up; else -1.
    pub next_producer_id: i64,
    pub epoch: i16,
    /// The epoch before this one, if its holder may have missed the answer that told of this one; else -1. Not in the log: after the
    /// coordinator has moved, such a client is fenced.
    pub last_epoch: i16,
    pub timeout_ms: i32,
    pub state: TxnState,
    pub partitions: BTreeSet<TopicPartition>,
    /// When the present or last transaction began; -1 before the first.
    pub started: WallMs,
    pub updated: WallMs,
    /// What the client spoke that brought about this state.
    pub client_version: TransactionVersion,
}

const NEVER: WallMs = WallMs(-1);

impl Txn {
    /// An id that was not known.
    pub fn new(producer_id: i64, timeout_ms: i32, now: WallMs) -> Txn {
        Txn {
            producer_id,
            previous_producer_id: producer_id,
            next_producer_id: -1,
            epoch: 0,
            last_epoch: -1,
            timeout_ms,
            state: TxnState::Empty,
            partitions: BTreeSet::new(),
            started: NEVER,
            updated: now,
            client_version: TransactionVersion::V0,
        }
    }

    /// No client can get a higher epoch of this producer id (fact E4).
    pub fn is_exhausted(&self) -> bool {
        self.epoch >= LAST_CLIENT_EPOCH
    }

    fn next(&self, state: TxnState, now: WallMs) -> Txn {
        Txn { state, previous_producer_id: self.producer_id, updated: now, ..self.clone() }
    }

    /// A producer begins, or begins again, with this id and epoch.
    pub fn initialized(&self, producer_id: i64, epoch: i16, last_epoch: i16, timeout_ms: i32, now: WallMs) -> Txn {
        let mut next = self.next(TxnState::Empty, now);
        (next.producer_id, next.epoch, next.last_epoch, next.timeout_ms) = (producer_id, epoch, last_epoch, timeout_ms);
        next.partitions.clear();
        next.started = NEVER;
        next
    }

    /// These partitions belong to the transaction, which begins if there is none.
    pub fn joined_by(&self, partitions: &[TopicPartition], version: TransactionVersion, now: WallMs) -> Txn {
        let mut next = self.next(TxnState::Ongoing, now);
        if self.state != TxnState::Ongoing {
            next.started = now;
        }
        next.partitions.extend(partitions.iter().cloned());
        next.client_version = version;
        next
    }

    /// The transaction is decided by its client. With version 2 the epoch is raised, and `next_producer_id` is the one to go on with if
    /// this one's epochs are used up.
    pub fn decided(&self, commit: bool, version: TransactionVersion, next_producer_id: Option<i64>, now: WallMs) -> Txn {
        let state = if commit { TxnState::PrepareCommit } else { TxnState::PrepareAbort };
        let mut next = self.next(state, now);
        if version.raises_epochs() {
            next.last_epoch = self.epoch;
            next.epoch = self.epoch.saturating_add(1);
        }
        next.next_producer_id = next_producer_id.unwrap_or(-1);
        next.client_version = version;
        // Nothing was begun, yet DescribeTransactions and the records show when.
        if self.state != TxnState::Ongoing {
            next.started = now;
        }
        next
    }

    /// The transaction is aborted over its client's head, with an epoch that shuts the client out.
    pub fn fenced(&self, version: TransactionVersion, next_producer_id: Option<i64>, now: WallMs) -> Txn {
        let mut next = self.decided(false, version, next_producer_id, now);
        if !version.raises_epochs() {
            next.epoch = self.epoch.saturating_add(1);
            next.last_epoch = -1;
        }
        next
    }

    /// All markers of the decided transaction are written.
    pub fn completed(&self, now: WallMs) -> Txn {
        let state = if self.state == TxnState::PrepareCommit { TxnState::CompleteCommit } else { TxnState::CompleteAbort };
        let mut next = self.next(state, now);
        (next.producer_id, next.epoch) = self.after_completion();
        next.next_producer_id = -1;
        next.partitions.clear();
        next
    }

    /// Producer id and epoch for the transaction that comes after the decided one.
    pub fn after_completion(&self) -> (i64, i16) {
        if self.client_version.raises_epochs() && self.next_producer_id != -1 {
            (self.next_producer_id, 0)
        } else {
            (self.producer_id, self.epoch)
        }
    }

    /// It has been open for longer than its client asked for (fact E17).
    pub fn is_overdue(&self, now: WallMs) -> bool {
        self.state == TxnState::Ongoing && self.started.0.saturating_add(i64::from(self.timeout_ms)) < now.0
    }

    /// What must hold of any record.
    pub fn check(&self) -> Result<(), String> {
        let broken = if self.producer_id < 0 || self.epoch < 0 {
            "has no producer id or epoch"
        } else if self.state.is_idle() && !self.partitions.is_empty() {
            "is idle and has partitions"
        } else if (self.state == TxnState::Empty) != (self.started == NEVER) {
            "has begun while it is empty, or has not while it is not"
        } else if self.next_producer_id != -1 && !self.state.is_prepared() {
            "has a next producer id and is not prepared"
        } else if self.epoch == i16::MAX && self.client_version.raises_epochs() && self.state == TxnState::Ongoing {
            "is open with an epoch that no client may have"
        } else {
            return Ok(());
        };
        Err(format!("{broken}: {self:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn z5_states_have_kafkas_numbers_and_names() {
        let ids: Vec<i8> = TxnState::ALL.iter().map(|state| state.id()).collect();
        assert_eq!(ids, [0, 1, 2, 3, 4, 5, 6, 7]);
        for state in TxnState::ALL {
            assert_eq!(TxnState::from_name(state.name()), Some(state));
        }
        assert_eq!(TxnState::stored(5), Some(TxnState::CompleteAbort));
        assert_eq!((TxnState::stored(6), TxnState::stored(7), TxnState::stored(-1)), (None, None, None));
        assert_eq!(TxnState::from_name("empty"), None);
    }

    #[test]
    fn e10_the_end_of_a_transaction_raises_the_epoch_in_version_2_only() {
        let open = Txn::new(7, 60_000, WallMs(1)).joined_by(&[TopicPartition::new("t", 0)], TransactionVersion::V2, WallMs(2));
        let v2 = open.decided(true, TransactionVersion::V2, None, WallMs(3));
        assert_eq!((v2.epoch, v2.last_epoch, v2.after_completion()), (1, 0, (7, 1)));
        let v0 = open.decided(true, TransactionVersion::V0, None, WallMs(3));
        assert_eq!((v0.epoch, v0.last_epoch, v0.after_completion()), (0, -1, (7, 0)));
    }

    #[test]
    fn e4_when_the_epochs_are_used_up_the_client_goes_on_with_a_new_id() {
        let mut open = Txn::new(7, 60_000, WallMs(1)).joined_by(&[], TransactionVersion::V2, WallMs(2));
        open.epoch = LAST_CLIENT_EPOCH;
        assert!(open.is_exhausted());
        let decided = open.decided(true, TransactionVersion::V2, Some(8), WallMs(3));
        assert_eq!((decided.producer_id, decided.epoch, decided.next_producer_id), (7, i16::MAX, 8));
        let complete = decided.completed(WallMs(4));
        assert_eq!((complete.producer_id, complete.epoch, complete.previous_producer_id, complete.next_producer_id), (8, 0, 7, -1));
        assert_eq!(complete.last_epoch, LAST_CLIENT_EPOCH);
        assert_eq!(open.fenced(TransactionVersion::V0, None, WallMs(3)).completed(WallMs(4)).epoch, i16::MAX);
    }

    #[test]
    fn a_transaction_begins_with_its_first_partition() {
        let txn = Txn::new(7, 60_000, WallMs(1));
        assert_eq!(txn.started, WallMs(-1));
        let open = txn.joined_by(&[TopicPartition::new("t", 0)], TransactionVersion::V2, WallMs(2));
        let more = open.joined_by(&[TopicPartition::new("t", 1)], TransactionVersion::V2, WallMs(5));
        assert_eq!((more.started, more.updated, more.partitions.len()), (WallMs(2), WallMs(5), 2));
        let done = more.decided(false, TransactionVersion::V2, None, WallMs(6)).completed(WallMs(7));
        assert_eq!((done.started, done.partitions.len(), done.state), (WallMs(2), 0, TxnState::CompleteAbort));
        let nothing = done.decided(false, TransactionVersion::V2, None, WallMs(9));
        assert_eq!(nothing.started, WallMs(9));
    }
}
