//! What an error code means for a transactional producer.

use kfk_wire::ErrorCode;

use super::transactions::Ask;

/// From harmless to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// It may pass.
    Again,
    /// The transaction must be aborted.
    Abort,
    /// As `Abort`, but the coordinator does not know the producer id any more: there is nothing left to end.
    Unmapped,
    /// Nothing goes any more.
    Fatal,
}

pub(super) fn verdict(ask: &Ask, code: ErrorCode) -> Verdict {
    use ErrorCode as E;
    let part = matches!(ask, Ask::AddPartitions(_) | Ask::AddOffsets { .. } | Ask::CommitOffsets { .. });
    match code {
        // E5: old brokers say the second. Whoever came later has the id now, or the coordinator has timed the transaction out.
        E::ProducerFenced | E::InvalidProducerEpoch => Verdict::Fatal,
        E::TransactionalIdAuthorizationFailed | E::InvalidTxnState | E::UnsupportedForMessageFormat => Verdict::Fatal,
        _ if matches!(ask, Ask::Init { .. }) => {
            if code.is_retriable() {
                Verdict::Again
            } else {
                Verdict::Fatal
            }
        }
        E::InvalidProducerIdMapping => Verdict::Unmapped,
        E::UnknownProducerId | E::TransactionAbortable => Verdict::Abort,
        E::TopicAuthorizationFailed | E::GroupAuthorizationFailed | E::OperationNotAttempted if part => Verdict::Abort,
        // The group has given these partitions to somebody else.
        E::IllegalGeneration | E::UnknownMemberId | E::FencedInstanceId | E::StaleMemberEpoch | E::FencedMemberEpoch if part => {
            Verdict::Abort
        }
        code if code.is_retriable() => Verdict::Again,
        _ if matches!(ask, Ask::AddPartitions(_)) => Verdict::Abort,
        _ => Verdict::Fatal,
    }
}

/// Whether a refused batch is the end of the producer and not only of the transaction. INVALID_PRODUCER_EPOCH is not: the partition may
/// have heard of the end of this transaction only; whether the producer is fenced, the coordinator will tell.
pub(super) fn is_fatal_for_batch(code: ErrorCode) -> bool {
    use ErrorCode as E;
    matches!(
        code,
        E::ProducerFenced
            | E::TransactionalIdAuthorizationFailed
            | E::ClusterAuthorizationFailed
            | E::UnsupportedVersion
            | E::InvalidProducerIdMapping
    )
}
