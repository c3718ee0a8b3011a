//! EndTxn, and the end of a transaction without its client (facts E9 to E13, E17).
//!
//! With the append of the decision a transaction is over, whatever happens later; the client hears of it then.

use super::state::{LAST_CLIENT_EPOCH, TransactionVersion, Txn, TxnState};
use super::{TxnOutput, TxnShard};
use crate::machine::coordinator::Context;
use crate::types::Now;
use crate::wire::ErrorCode;
use crate::wire::end_txn_request::EndTxnRequest;

/// What an EndTxn comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// End the transaction; with version 2 that raises the epoch even if nothing was begun.
    End,
    /// It has ended so before: a repetition.
    Done,
}

impl TxnShard {
    /// Producer id and epoch that the client goes on with; those of nobody below version 5, whose clients keep theirs.
    pub(super) fn end(
        &mut self,
        now: Now,
        context: &Context,
        request: &EndTxnRequest,
        out: &mut Vec<TxnOutput>,
    ) -> Result<(i64, i16), ErrorCode> {
        let version = TransactionVersion::of_end_txn(context.api_version);
        let txn = self.known(&request.transactional_id)?;
        let verdict = if version.raises_epochs() { judge(txn, request)? } else { judge_v1(txn, request)? };
        let goes_on = match verdict {
            Verdict::Done => (txn.producer_id, txn.epoch),
            Verdict::End => {
                let txn = txn.clone();
                let next_id = self.next_producer_id(&txn, version)?;
                let decided = txn.decided(request.committed, version, next_id, now.wall);
                let goes_on = decided.after_completion();
                self.store(&request.transactional_id, decided, out);
                goes_on
            }
        };
        Ok(if version.raises_epochs() { goes_on } else { (-1, -1) })
    }

    /// Aborts an open transaction and shuts its client out. The new epoch is given to nobody.
    pub(super) fn fence(&mut self, now: Now, transactional_id: &str, out: &mut Vec<TxnOutput>) -> Result<(), ErrorCode> {
        let Some(txn) = self.get(transactional_id).cloned() else { return Ok(()) };
        let version = self.own_version();
        let next_id = self.next_producer_id(&txn, version)?;
        self.store(transactional_id, txn.fenced(version, next_id, now.wall), out);
        Ok(())
    }

    /// E17: aborts what is open for too long.
    pub(super) fn abort_overdue(&mut self, now: Now, out: &mut Vec<TxnOutput>) {
        let overdue: Vec<String> =
            self.ongoing.iter().filter(|id| self.get(id).is_some_and(|txn| txn.is_overdue(now.wall))).cloned().collect();
        for id in overdue {
            // It only fails for want of a producer id; the next check comes soon.
            let _ = self.fence(now, &id, out);
        }
    }

    /// E4, E10: the producer id that follows one whose epochs are used up by the next end of a transaction.
    fn next_producer_id(&mut self, txn: &Txn, version: TransactionVersion) -> Result<Option<i64>, ErrorCode> {
        if version.raises_epochs() && txn.is_exhausted() { self.fresh_producer_id().map(Some) } else { Ok(None) }
    }
}

/// E9: before KIP-890 the epoch stays, so a repetition is known by the state alone.
fn judge_v1(txn: &Txn, request: &EndTxnRequest) -> Result<Verdict, ErrorCode> {
    if txn.producer_id != request.producer_id {
        return Err(ErrorCode::InvalidProducerIdMapping);
    }
    if txn.epoch != request.producer_epoch {
        return Err(ErrorCode::ProducerFenced);
    }
    match (txn.state, request.committed) {
        (TxnState::Ongoing, _) => Ok(Verdict::End),
        (TxnState::PrepareCommit | TxnState::PrepareAbort, _) => Err(ErrorCode::ConcurrentTransactions),
        (TxnState::CompleteCommit, true) | (TxnState::CompleteAbort, false) => Ok(Verdict::Done),
        _ => Err(ErrorCode::InvalidTxnState),
    }
}

/// E10, E11: with KIP-890 a client's own repetition comes with the epoch before the present one.
fn judge(txn: &Txn, request: &EndTxnRequest) -> Result<Verdict, ErrorCode> {
    if txn.state.is_prepared() {
        return Err(ErrorCode::ConcurrentTransactions);
    }
    let repeats_over_new_id = txn.previous_producer_id == request.producer_id
        && txn.producer_id != request.producer_id
        && request.producer_epoch == LAST_CLIENT_EPOCH
        && txn.epoch == 0;
    if txn.producer_id != request.producer_id && !repeats_over_new_id {
        return Err(ErrorCode::InvalidProducerIdMapping);
    }
    let repeats = repeats_over_new_id || request.producer_epoch.checked_add(1) == Some(txn.epoch);
    let current = txn.producer_id == request.producer_id && request.producer_epoch == txn.epoch;
    if !(current || repeats && txn.state.is_complete()) {
        return Err(ErrorCode::ProducerFenced);
    }
    match (txn.state, request.committed) {
        (TxnState::Ongoing, _) => Ok(Verdict::End),
        (TxnState::CompleteCommit, true) | (TxnState::CompleteAbort, false) if repeats => Ok(Verdict::Done),
        (TxnState::Empty | TxnState::CompleteCommit | TxnState::CompleteAbort, false) if !repeats => Ok(Verdict::End),
        _ => Err(ErrorCode::InvalidTxnState),
    }
}
