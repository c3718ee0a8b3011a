//! InitProducerId: a producer takes over its transactional id, and with that shuts out whoever had it (facts E1 to E4).

use super::state::{LAST_CLIENT_EPOCH, Txn, TxnState};
use super::{TxnOutput, TxnShard};
use crate::types::Now;
use crate::wire::ErrorCode;
use crate::wire::init_producer_id_request::InitProducerIdRequest;

/// The id and epoch a producer says it has.
#[derive(Clone, Copy, Debug)]
struct Claim {
    producer_id: i64,
    epoch: i16,
}

/// What becomes of an idle id.
enum Takeover {
    /// The next epoch; the second is the one whose holder may ask again.
    Epoch(i16, i16),
    /// The epochs are used up: a new producer id.
    NewProducerId { last_epoch: i16 },
}

impl TxnShard {
    /// Producer id and epoch that the producer shall use.
    pub(super) fn init(&mut self, now: Now, request: &InitProducerIdRequest, out: &mut Vec<TxnOutput>) -> Result<(i64, i16), ErrorCode> {
        let claim = self.check_init(request)?;
        let id = request.transactional_id.as_deref().unwrap_or_default();
        let timeout_ms = request.transaction_timeout_ms;
        let Some(entry) = self.ids.get(id) else {
            // A claim for an id that has expired is as good as none: nobody else can have it.
            let txn = Txn::new(self.fresh_producer_id()?, timeout_ms, now.wall);
            let given = (txn.producer_id, txn.epoch);
            self.store(id, txn, out);
            return Ok(given);
        };
        if entry.txn.state.is_prepared() {
            return Err(ErrorCode::ConcurrentTransactions);
        }
        if claim.is_some_and(|claim| !claim.may_be_of(&entry.txn)) {
            return Err(ErrorCode::ProducerFenced);
        }
        if entry.txn.state == TxnState::Ongoing {
            self.fence(now, id, out)?;
            // The client comes again, when the transaction is out of the way, for the epoch that it will keep.
            return Err(ErrorCode::ConcurrentTransactions);
        }
        let txn = entry.txn.clone();
        let next = match takeover(&txn, claim)? {
            Takeover::Epoch(epoch, last_epoch) => txn.initialized(txn.producer_id, epoch, last_epoch, timeout_ms, now.wall),
            Takeover::NewProducerId { last_epoch } => txn.initialized(self.fresh_producer_id()?, 0, last_epoch, timeout_ms, now.wall),
        };
        let given = (next.producer_id, next.epoch);
        self.store(id, next, out);
        Ok(given)
    }

    /// What is wrong before anyone looks at the id (fact E1).
    fn check_init(&self, request: &InitProducerIdRequest) -> Result<Option<Claim>, ErrorCode> {
        let claim = match (request.producer_id, request.producer_epoch) {
            (-1, -1) => None,
            (-1, _) | (_, -1) => return Err(ErrorCode::InvalidRequest),
            (producer_id, epoch) => Some(Claim { producer_id, epoch }),
        };
        if request.transactional_id.as_deref().unwrap_or_default().is_empty() {
            return Err(ErrorCode::InvalidRequest);
        }
        if request.enable2_pc {
            return Err(ErrorCode::TransactionalIdAuthorizationFailed);
        }
        if request.keep_prepared_txn {
            return Err(ErrorCode::UnsupportedVersion);
        }
        if !(1..=self.config.max_timeout_ms).contains(&request.transaction_timeout_ms) {
            return Err(ErrorCode::InvalidTransactionTimeout);
        }
        Ok(claim)
    }
}

impl Claim {
    /// The id is the present one, or the one before if its epochs ran out and the client has not heard of the new one (fact E3).
    fn may_be_of(self, txn: &Txn) -> bool {
        let present = self.producer_id == txn.producer_id;
        let before = self.producer_id == txn.previous_producer_id && self.epoch >= LAST_CLIENT_EPOCH;
        // While a transaction is open its client has the epoch. Another one would only abort it to be told that it is out of date.
        let current = txn.state != TxnState::Ongoing || (present && self.epoch == txn.epoch);
        current && (present || before)
    }
}

/// E2, E3, E4: what a producer gets that takes over an idle id.
fn takeover(txn: &Txn, claim: Option<Claim>) -> Result<Takeover, ErrorCode> {
    match claim {
        None if txn.is_exhausted() => Ok(Takeover::NewProducerId { last_epoch: -1 }),
        None => Ok(Takeover::Epoch(txn.epoch + 1, -1)),
        Some(claim) if claim.epoch == txn.epoch && txn.is_exhausted() => Ok(Takeover::NewProducerId { last_epoch: txn.epoch }),
        Some(claim) if claim.epoch == txn.epoch => Ok(Takeover::Epoch(txn.epoch + 1, txn.epoch)),
        // It has asked before and not got the answer.
        Some(claim) if claim.epoch == txn.last_epoch => Ok(Takeover::Epoch(txn.epoch, txn.last_epoch)),
        Some(_) => Err(ErrorCode::ProducerFenced),
    }
}
