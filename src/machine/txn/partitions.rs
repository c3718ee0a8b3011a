//! AddPartitionsToTxn and AddOffsetsToTxn: which partitions belong to a transaction (facts E6, E7, E18).

use super::requests::{AddPartitions, Purpose, TxnAnswer, add_answer};
use super::state::{TransactionVersion, Txn, TxnState};
use super::{TxnOutput, TxnShard};
use crate::machine::coordinator::Context;
use crate::types::Now;
use crate::wire::ErrorCode;

impl TxnShard {
    pub(super) fn add_partitions(&mut self, now: Now, context: &Context, add: AddPartitions, out: &mut Vec<TxnOutput>) -> TxnAnswer {
        let outcome = match add.purpose {
            Purpose::Add(version) => self.add(now, &add, version, out),
            Purpose::Verify => match self.to_verify(&add) {
                Ok(txn) => return verified(txn, add),
                Err(error) => Err(error),
            },
        };
        add_answer(context, add.partitions, outcome.err().unwrap_or(ErrorCode::None))
    }

    fn add(&mut self, now: Now, add: &AddPartitions, version: TransactionVersion, out: &mut Vec<TxnOutput>) -> Result<(), ErrorCode> {
        let txn = self.known(&add.transactional_id)?;
        // Before anything else, as the id and epoch are about to change (E6).
        if txn.state.is_prepared() {
            return Err(ErrorCode::ConcurrentTransactions);
        }
        check_owner(txn, add)?;
        if txn.state == TxnState::Ongoing && add.partitions.iter().all(|partition| txn.partitions.contains(partition)) {
            return Ok(());
        }
        let next = txn.joined_by(&add.partitions, version, now.wall);
        self.store(&add.transactional_id, next, out);
        Ok(())
    }

    fn to_verify(&self, add: &AddPartitions) -> Result<&Txn, ErrorCode> {
        let txn = self.known(&add.transactional_id)?;
        check_owner(txn, add)?;
        if txn.state.is_prepared() { Err(ErrorCode::ConcurrentTransactions) } else { Ok(txn) }
    }

    /// The id of a request that needs one that was initialized.
    pub(super) fn known(&self, transactional_id: &str) -> Result<&Txn, ErrorCode> {
        if transactional_id.is_empty() {
            return Err(ErrorCode::InvalidRequest);
        }
        self.get(transactional_id).ok_or(ErrorCode::InvalidProducerIdMapping)
    }
}

fn check_owner(txn: &Txn, add: &AddPartitions) -> Result<(), ErrorCode> {
    if txn.producer_id != add.producer_id {
        Err(ErrorCode::InvalidProducerIdMapping)
    } else if txn.epoch != add.producer_epoch {
        Err(ErrorCode::ProducerFenced)
    } else {
        Ok(())
    }
}

/// E7: which of the partitions are part of the open transaction.
fn verified(txn: &Txn, add: AddPartitions) -> TxnAnswer {
    let each = |partition| {
        let error = if txn.partitions.contains(&partition) { ErrorCode::None } else { ErrorCode::TransactionAbortable };
        (partition, error)
    };
    TxnAnswer::AddPartitions(add.partitions.into_iter().map(each).collect())
}
