//! Forgetting transactional ids that were idle for long (fact E17).

use super::state::Txn;
use super::{TxnOutput, TxnRecord, TxnShard};
use crate::types::{Now, WallMs};

/// Roughly what a tombstone takes besides the id.
const TOMBSTONE_OVERHEAD: usize = 16;

impl TxnShard {
    pub(super) fn expire_ids(&mut self, now: Now, out: &mut Vec<TxnOutput>) {
        let oldest = WallMs(now.wall.0.saturating_sub(self.config.id_expiration_ms));
        let is_expired = |txn: &Txn| txn.state.is_idle() && txn.updated <= oldest;
        let mut batch: Vec<TxnRecord> = Vec::new();
        let mut bytes = 0;
        for (id, _) in self.iter().filter(|(_, txn)| is_expired(txn)) {
            let size = id.len() + TOMBSTONE_OVERHEAD;
            if !batch.is_empty() && bytes + size > self.config.tombstone_batch_bytes {
                out.push(TxnOutput::append(std::mem::take(&mut batch)));
                bytes = 0;
            }
            bytes += size;
            batch.push(self.record(id, None));
        }
        if !batch.is_empty() {
            out.push(TxnOutput::append(batch));
        }
    }
}
