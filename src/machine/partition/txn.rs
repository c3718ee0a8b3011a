//! What a partition's leader needs beside its producers' state before transactional batches may enter the log (facts E7, E8, I7, I8).
//!
//! The first batch of a transaction is appended only after the transaction coordinator has said that this partition belongs to it.
//! Between question and answer much can happen: the transaction may end, and the next one begin. So the question is asked under a
//! [`Guard`], and the batch must still find it in force when it comes back:
//!
//! ```text
//! begin -> Guard --(coordinator: verify or add)--> check_verified(guard) -> append -> appended     the guard has done its work
//!                             `- a marker is written meanwhile -> ended                   the guard is void, the batch is refused
//! ```
//!
//! All of this is of the moment: a leader that starts anew asks again.

use std::collections::BTreeMap;

use crate::types::MonoMs;
use crate::wire::ErrorCode;

/// Held by a batch while its transaction is verified. Never given out twice by the same partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Guard(u64);

/// What the partition's log remembers of a producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    pub epoch: i16,
    /// A transaction of this producer is open here.
    pub in_transaction: bool,
    /// Batches of this epoch are remembered.
    pub has_batches: bool,
}

impl Known {
    fn is_in_transaction_of(known: Option<Known>, epoch: i16) -> bool {
        known.is_some_and(|known| known.in_transaction && known.epoch == epoch)
    }
}

/// A producer's batch, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incoming {
    pub producer_id: i64,
    pub epoch: i16,
    pub first_sequence: i32,
    pub transactional: bool,
}

/// Why a batch must not enter the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    #[error("Epoch of producer {producer_id} is {epoch}, which is smaller than the last seen epoch {current}")]
    StaleEpoch { producer_id: i64, epoch: i16, current: i16 },
    #[error("Record was not part of an ongoing transaction")]
    NotInTransaction,
    #[error(
        "Out of order sequence number for producer {producer_id}: {sequence} (incoming seq. number), {lowest} (earliest seen sequence)"
    )]
    Overtakes { producer_id: i64, sequence: i32, lowest: i32 },
    #[error(
        "Invalid sequence number for producer {producer_id}: {sequence} (incoming seq. number). Expected sequence 0 for transactions v2 idempotent producer with no existing state."
    )]
    NotFirst { producer_id: i64, sequence: i32 },
}

impl Unverified {
    pub fn code(&self) -> ErrorCode {
        match self {
            Unverified::StaleEpoch { .. } => ErrorCode::InvalidProducerEpoch,
            Unverified::NotInTransaction => ErrorCode::InvalidTxnState,
            Unverified::Overtakes { .. } | Unverified::NotFirst { .. } => ErrorCode::OutOfOrderSequenceNumber,
        }
    }
}

/// What a request can say of transactions, from its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// Produce to 10, TxnOffsetCommit to 3.
    Old,
    /// It knows TRANSACTION_ABORTABLE. Produce 11, TxnOffsetCommit 4.
    Abortable,
    /// KIP-890: partitions join the transaction by being written to. Produce from 12, TxnOffsetCommit from 5.
    Adds,
}

impl Support {
    pub fn of_produce(version: i16) -> Support {
        Support::of(version - 7)
    }

    pub fn of_txn_offset_commit(version: i16) -> Support {
        Support::of(version)
    }

    fn of(version: i16) -> Support {
        match version {
            ..=3 => Support::Old,
            4 => Support::Abortable,
            _ => Support::Adds,
        }
    }

    /// E7: what the coordinator's refusal becomes for a producer.
    pub fn produce_error(self, refusal: ErrorCode) -> ErrorCode {
        match self.refusal(refusal) {
            ErrorCode::NetworkException
            | ErrorCode::CoordinatorLoadInProgress
            | ErrorCode::CoordinatorNotAvailable
            | ErrorCode::NotCoordinator => ErrorCode::NotEnoughReplicas,
            ErrorCode::ConcurrentTransactions if self != Support::Adds => ErrorCode::NotEnoughReplicas,
            other => other,
        }
    }

    /// What the coordinator's refusal becomes for whoever is to write.
    pub fn refusal(self, refusal: ErrorCode) -> ErrorCode {
        match refusal {
            ErrorCode::ProducerFenced => ErrorCode::InvalidProducerEpoch,
            ErrorCode::TransactionAbortable if self == Support::Old => ErrorCode::InvalidTxnState,
            other => other,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Verification {
    guard: Guard,
    since: MonoMs,
    epoch: i16,
    /// Of the batches that have asked so far. None with a higher one may be the first.
    lowest_sequence: i32,
    support: Support,
}

/// The verifications under way in one partition.
#[derive(Clone, Debug, Default)]
pub struct Verifications {
    of_producer: BTreeMap<i64, Verification>,
    last: u64,
}

impl Verifications {
    /// A transactional batch has come. If its transaction is not open here, a guard is given under which the coordinator has to be asked.
    pub fn begin(&mut self, now: MonoMs, known: Option<Known>, batch: &Incoming, support: Support) -> Result<Option<Guard>, Unverified> {
        check_epoch(known, batch)?;
        if Known::is_in_transaction_of(known, batch.epoch) {
            return Ok(None);
        }
        let verification = self.of_producer.entry(batch.producer_id).or_insert_with(|| {
            self.last += 1;
            let (epoch, lowest_sequence) = (batch.epoch, batch.first_sequence);
            Verification { guard: Guard(self.last), since: now, epoch, lowest_sequence, support }
        });
        verification.sees(batch);
        Ok(Some(verification.guard))
    }

    /// Whether a batch may enter a transaction here: the transaction is open, or the guard of its verification is in force (E8).
    /// To be asked after the check for a duplicate and before all other checks.
    pub fn check_verified(&self, known: Option<Known>, batch: &Incoming, guard: Option<Guard>) -> Result<(), Unverified> {
        if !batch.transactional || Known::is_in_transaction_of(known, batch.epoch) {
            return Ok(());
        }
        check_epoch(known, batch)?;
        let in_force = self.of_producer.get(&batch.producer_id).map(|v| v.guard);
        if guard.is_some() && in_force == guard { Ok(()) } else { Err(Unverified::NotInTransaction) }
    }

    /// Whether a client's batch keeps its place behind one that is being verified (I7, I8). To be asked before the other checks of sequences.
    pub fn check_order(&self, known: Option<Known>, batch: &Incoming) -> Result<(), Unverified> {
        let Some(verification) = self.of_producer.get(&batch.producer_id) else { return Ok(()) };
        check_epoch(known, batch)?;
        let (producer_id, sequence, lowest) = (batch.producer_id, batch.first_sequence, verification.lowest_sequence);
        if verification.support == Support::Adds && sequence != 0 && !known.is_some_and(|known| known.has_batches) {
            return Err(Unverified::NotFirst { producer_id, sequence });
        }
        if sequence > lowest {
            return Err(Unverified::Overtakes { producer_id, sequence, lowest });
        }
        Ok(())
    }

    /// A transactional batch of this producer is in the log.
    pub fn appended(&mut self, producer_id: i64) {
        self.of_producer.remove(&producer_id);
    }

    /// A marker with this epoch is in the log. With KIP-890 that is the epoch of the next transaction, which may be asking already.
    pub fn ended(&mut self, producer_id: i64, epoch: i16) {
        let next_asks = |v: &Verification| v.support == Support::Adds && v.epoch == epoch;
        if !self.of_producer.get(&producer_id).is_some_and(next_asks) {
            self.of_producer.remove(&producer_id);
        }
    }

    /// Forgets questions that nobody came back from.
    pub fn expire(&mut self, now: MonoMs, after_ms: u64) {
        self.of_producer.retain(|_, v| now.since(v.since) < after_ms);
    }

    pub fn is_empty(&self) -> bool {
        self.of_producer.is_empty()
    }
}

impl Verification {
    fn sees(&mut self, batch: &Incoming) {
        if batch.epoch > self.epoch {
            self.epoch = batch.epoch;
            self.lowest_sequence = batch.first_sequence;
        } else if batch.epoch == self.epoch {
            self.lowest_sequence = self.lowest_sequence.min(batch.first_sequence);
        }
    }
}

fn check_epoch(known: Option<Known>, batch: &Incoming) -> Result<(), Unverified> {
    match known {
        Some(Known { epoch: current, .. }) if batch.epoch < current => {
            Err(Unverified::StaleEpoch { producer_id: batch.producer_id, epoch: batch.epoch, current })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: MonoMs = MonoMs(5);

    fn batch(epoch: i16, first_sequence: i32) -> Incoming {
        Incoming { producer_id: 7, epoch, first_sequence, transactional: true }
    }

    /// Both checks, as a leader makes them.
    fn check(all: &Verifications, known: Option<Known>, batch: &Incoming, guard: Option<Guard>) -> Result<(), Unverified> {
        all.check_verified(known, batch, guard)?;
        all.check_order(known, batch)
    }

    fn known(epoch: i16, in_transaction: bool) -> Option<Known> {
        Some(Known { epoch, in_transaction, has_batches: true })
    }

    #[test]
    fn e8_the_first_batch_needs_the_guard_it_was_given() {
        let mut all = Verifications::default();
        let first = batch(0, 0);
        assert_eq!(check(&all, None, &first, None), Err(Unverified::NotInTransaction));
        let guard = all.begin(NOW, None, &first, Support::Adds).unwrap();
        assert!(guard.is_some());
        assert_eq!(check(&all, None, &first, None), Err(Unverified::NotInTransaction));
        assert_eq!(check(&all, None, &first, guard), Ok(()));
        all.appended(7);
        assert_eq!(all.begin(NOW, known(0, true), &batch(0, 1), Support::Adds), Ok(None), "the transaction is open here");
        assert_eq!(check(&all, known(0, true), &batch(0, 1), None), Ok(()));
    }

    #[test]
    fn e8_a_late_answer_to_an_earlier_question_lets_nothing_in() {
        for support in [Support::Old, Support::Adds] {
            let mut all = Verifications::default();
            let late = all.begin(NOW, known(0, false), &batch(0, 3), support).unwrap();
            // The transaction ends without this batch; with KIP-890 under the next epoch.
            let epoch = if support == Support::Adds { 1 } else { 0 };
            all.ended(7, epoch);
            assert_eq!(check(&all, known(epoch, false), &batch(epoch, 3), late), Err(Unverified::NotInTransaction));
            // The next one asks; the answer to the earlier question is not the answer to this one.
            let now = all.begin(NOW, known(epoch, false), &batch(epoch, 0), support).unwrap();
            assert_ne!(now, late);
            assert_eq!(check(&all, known(epoch, false), &batch(epoch, 0), late), Err(Unverified::NotInTransaction));
            assert_eq!(check(&all, known(epoch, false), &batch(epoch, 0), now), Ok(()));
        }
    }

    #[test]
    fn e8_the_marker_of_the_last_transaction_leaves_the_question_of_the_next_alone() {
        let mut all = Verifications::default();
        let guard = all.begin(NOW, known(0, true), &batch(1, 0), Support::Adds).unwrap();
        all.ended(7, 1);
        assert_eq!(check(&all, Some(Known { epoch: 1, in_transaction: false, has_batches: false }), &batch(1, 0), guard), Ok(()));
    }

    #[test]
    fn e8_a_stale_epoch_is_told_first() {
        let mut all = Verifications::default();
        let stale = Unverified::StaleEpoch { producer_id: 7, epoch: 1, current: 2 };
        assert_eq!(all.begin(NOW, known(2, false), &batch(1, 0), Support::Adds), Err(stale));
        assert_eq!(check(&all, known(2, true), &batch(1, 0), None), Err(stale));
        assert_eq!(stale.code(), ErrorCode::InvalidProducerEpoch);
    }

    #[test]
    fn i8_later_batches_cannot_overtake_the_first_while_it_is_verified() {
        let mut all = Verifications::default();
        let guard = all.begin(NOW, known(0, false), &batch(0, 10), Support::Old).unwrap();
        assert_eq!(all.begin(NOW, known(0, false), &batch(0, 12), Support::Old), Ok(guard));
        let overtakes = Unverified::Overtakes { producer_id: 7, sequence: 12, lowest: 10 };
        assert_eq!(check(&all, known(0, false), &batch(0, 12), guard), Err(overtakes));
        assert_eq!(check(&all, known(0, false), &batch(0, 10), guard), Ok(()));
        // A higher epoch counts anew.
        assert_eq!(all.begin(NOW, known(0, false), &batch(1, 20), Support::Old), Ok(guard));
        assert_eq!(check(&all, known(0, false), &batch(1, 20), guard), Ok(()));
    }

    #[test]
    fn i7_a_producer_without_state_begins_at_zero_under_kip_890() {
        for (support, outcome) in [(Support::Adds, Err(Unverified::NotFirst { producer_id: 7, sequence: 4 })), (Support::Abortable, Ok(()))]
        {
            let mut all = Verifications::default();
            let guard = all.begin(NOW, None, &batch(0, 4), support).unwrap();
            assert_eq!(check(&all, None, &batch(0, 4), guard), outcome);
        }
    }

    #[test]
    fn questions_that_nobody_came_back_from_are_forgotten() {
        let mut all = Verifications::default();
        let guard = all.begin(NOW, None, &batch(0, 0), Support::Adds).unwrap();
        all.expire(NOW.plus(9), 10);
        assert_eq!(check(&all, None, &batch(0, 0), guard), Ok(()));
        all.expire(NOW.plus(10), 10);
        assert!(all.is_empty());
        assert_eq!(check(&all, None, &batch(0, 0), guard), Err(Unverified::NotInTransaction));
    }

    #[test]
    fn e7_refusals_become_what_the_version_knows() {
        let told = |version, refusal| Support::of_produce(version).produce_error(refusal);
        for version in [10, 11, 12] {
            assert_eq!(told(version, ErrorCode::NotCoordinator), ErrorCode::NotEnoughReplicas);
            assert_eq!(told(version, ErrorCode::ProducerFenced), ErrorCode::InvalidProducerEpoch);
        }
        assert_eq!(told(11, ErrorCode::ConcurrentTransactions), ErrorCode::NotEnoughReplicas);
        assert_eq!(told(12, ErrorCode::ConcurrentTransactions), ErrorCode::ConcurrentTransactions);
        assert_eq!(told(10, ErrorCode::TransactionAbortable), ErrorCode::InvalidTxnState);
        assert_eq!(told(11, ErrorCode::TransactionAbortable), ErrorCode::TransactionAbortable);
        assert_eq!(Support::of_txn_offset_commit(5), Support::Adds);
    }
}
