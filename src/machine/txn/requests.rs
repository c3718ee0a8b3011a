//! What a transaction coordinator is asked, what it answers, what it wants done, and its answers when it cannot even look.

use std::collections::BTreeSet;

use super::state::{TransactionVersion, TxnState};
use crate::machine::coordinator::Context;
use crate::types::TopicPartition;
use crate::wire::ErrorCode;
use crate::wire::describe_transactions_response::TransactionState as Described;
use crate::wire::end_txn_request::EndTxnRequest;
use crate::wire::end_txn_response::EndTxnResponse;
use crate::wire::init_producer_id_request::InitProducerIdRequest;
use crate::wire::init_producer_id_response::InitProducerIdResponse;
use crate::wire::list_transactions_response::TransactionState as Listed;

/// A request, or the part of it that concerns one shard.
#[derive(Clone, Debug)]
pub enum TxnRequest {
    /// With a transactional id; without one there is nothing to coordinate.
    InitProducerId(InitProducerIdRequest),
    /// One transaction of an AddPartitionsToTxn, an AddOffsetsToTxn, or a partition leader's own wish to add or verify.
    /// [`shapes`](super::shapes) turns requests and responses of every version into this and back.
    AddPartitions(AddPartitions),
    EndTxn(EndTxnRequest),
    /// Lists the ids of this shard only.
    ListTransactions(ListFilter),
    DescribeTransaction(String),
}

impl TxnRequest {
    /// The id that the request is about, if it is about one.
    pub fn transactional_id(&self) -> Option<&str> {
        match self {
            TxnRequest::InitProducerId(request) => Some(request.transactional_id.as_deref().unwrap_or_default()),
            TxnRequest::AddPartitions(add) => Some(&add.transactional_id),
            TxnRequest::EndTxn(request) => Some(&request.transactional_id),
            TxnRequest::ListTransactions(_) => None,
            TxnRequest::DescribeTransaction(id) => Some(id),
        }
    }

    /// It may use up a producer id: see that the shard has one ([`TxnShard::wants_producer_ids`](super::TxnShard::wants_producer_ids)).
    pub fn may_take_producer_id(&self) -> bool {
        matches!(self, TxnRequest::InitProducerId(_) | TxnRequest::EndTxn(_))
    }
}

/// Partitions that shall belong to a transaction, or are thought to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddPartitions {
    pub transactional_id: String,
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub partitions: Vec<TopicPartition>,
    pub purpose: Purpose,
}

/// What is to be done about partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Make them part of the transaction, which the client conducts in this version.
    Add(TransactionVersion),
    /// Say whether they are part of it (fact E7).
    Verify,
}

/// Which transactional ids to list; empty sets and `None` let all through.
#[derive(Clone, Debug, Default)]
pub struct ListFilter {
    pub producer_ids: BTreeSet<i64>,
    pub states: Option<BTreeSet<TxnState>>,
    /// Only those that began longer ago than this; negative: all.
    pub longer_than_ms: Option<i64>,
    /// The whole id has to match.
    pub pattern: Option<regex::Regex>,
}

/// The answer to the request of the same name.
#[derive(Clone, Debug, PartialEq)]
pub enum TxnAnswer {
    InitProducerId(InitProducerIdResponse),
    /// Every partition of the request, in its order.
    AddPartitions(Vec<(TopicPartition, ErrorCode)>),
    EndTxn(EndTxnResponse),
    ListTransactions(Result<Vec<Listed>, ErrorCode>),
    DescribeTransaction(Described),
}

/// What happens outside and matters to transactions.
#[derive(Clone, Debug, PartialEq)]
pub enum TxnEvent {
    /// These producer ids are this shard's: nobody else ever gets them (fact Q8).
    ProducerIds { first: i64, count: u32 },
    /// What became of markers, of all of a [`WriteMarkers`] or of some; each partition is told of once.
    Markers { transactional_id: String, job: Job, results: Vec<(TopicPartition, MarkerOutcome)> },
}

/// Tells attempts to write markers apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Job(pub u64);

/// What became of a marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkerOutcome {
    /// It is in the log of the partition, committed.
    Written,
    /// The partition is no more, as the cluster's metadata know for sure.
    Gone,
    Failed(ErrorCode),
}

/// What a transaction coordinator wants done outside.
#[derive(Clone, Debug, PartialEq)]
pub enum TxnEffect {
    /// Write this marker to all these partitions, and report each with [`TxnEvent::Markers`].
    WriteMarkers(WriteMarkers),
}

/// The end of a transaction, to be written to its partitions.
#[derive(Clone, Debug, PartialEq)]
pub struct WriteMarkers {
    pub transactional_id: String,
    pub job: Job,
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub coordinator_epoch: i32,
    pub commit: bool,
    /// With 2 a partition refuses a marker whose epoch does not go beyond what it knows (fact E15).
    pub version: TransactionVersion,
    pub partitions: Vec<TopicPartition>,
}

/// The versions from which a request changed its manners.
mod since {
    /// The first versions whose clients know PRODUCER_FENCED (fact E5).
    pub const INIT_PRODUCER_FENCED: i16 = 4;
    pub const ADD_PRODUCER_FENCED: i16 = 2;
    pub const END_PRODUCER_FENCED: i16 = 2;
}

/// Old clients get the name they know for having been replaced (fact E5).
fn fenced_for(version: i16, knows_since: i16, error: ErrorCode) -> ErrorCode {
    if error == ErrorCode::ProducerFenced && version < knows_since { ErrorCode::InvalidProducerEpoch } else { error }
}

pub(super) fn init_answer(context: &Context, outcome: Result<(i64, i16), ErrorCode>) -> TxnAnswer {
    let code = |error| fenced_for(context.api_version, since::INIT_PRODUCER_FENCED, error).code();
    TxnAnswer::InitProducerId(match outcome {
        Ok((producer_id, producer_epoch)) => InitProducerIdResponse { producer_id, producer_epoch, ..Default::default() },
        Err(error) => InitProducerIdResponse { error_code: code(error), producer_id: -1, producer_epoch: -1, ..Default::default() },
    })
}

pub(super) fn end_answer(context: &Context, outcome: Result<(i64, i16), ErrorCode>) -> TxnAnswer {
    let code = |error| fenced_for(context.api_version, since::END_PRODUCER_FENCED, error).code();
    TxnAnswer::EndTxn(match outcome {
        Ok((producer_id, producer_epoch)) => EndTxnResponse { producer_id, producer_epoch, ..Default::default() },
        Err(error) => EndTxnResponse { error_code: code(error), producer_id: -1, producer_epoch: -1, ..Default::default() },
    })
}

/// All partitions fare alike.
pub(super) fn add_answer(context: &Context, partitions: Vec<TopicPartition>, error: ErrorCode) -> TxnAnswer {
    let error = fenced_for(context.api_version, since::ADD_PRODUCER_FENCED, error);
    TxnAnswer::AddPartitions(partitions.into_iter().map(|partition| (partition, error)).collect())
}

pub(super) fn described(transactional_id: &str, error: ErrorCode) -> Described {
    Described { transactional_id: transactional_id.into(), error_code: error.code(), ..Default::default() }
}

/// The answer of a coordinator that is not ours, or that still reads its partition.
pub(super) fn refuse(context: &Context, body: &TxnRequest, error: ErrorCode) -> TxnAnswer {
    // What is wrong with the request itself is told first: no other coordinator will take it either.
    let error = if body.transactional_id().is_some_and(str::is_empty) { ErrorCode::InvalidRequest } else { error };
    match body {
        TxnRequest::InitProducerId(_) => init_answer(context, Err(error)),
        TxnRequest::AddPartitions(add) => add_answer(context, add.partitions.clone(), error),
        TxnRequest::EndTxn(_) => end_answer(context, Err(error)),
        TxnRequest::ListTransactions(_) => TxnAnswer::ListTransactions(Err(error)),
        TxnRequest::DescribeTransaction(id) => TxnAnswer::DescribeTransaction(described(id, error)),
    }
}

/// An answer that was made for a successful append, turned into one for a failed append (fact E20).
pub(super) fn fail(answer: TxnAnswer, error: ErrorCode) -> TxnAnswer {
    // A transaction of so many partitions that its record does not fit: Kafka has no better word for it either.
    let error = if error == ErrorCode::RecordListTooLarge { ErrorCode::UnknownServerError } else { error };
    let context = Context { api_version: i16::MAX, ..Default::default() };
    match answer {
        TxnAnswer::InitProducerId(_) => init_answer(&context, Err(error)),
        TxnAnswer::AddPartitions(results) => {
            TxnAnswer::AddPartitions(results.into_iter().map(|(partition, _)| (partition, error)).collect())
        }
        TxnAnswer::EndTxn(_) => end_answer(&context, Err(error)),
        TxnAnswer::ListTransactions(_) => TxnAnswer::ListTransactions(Err(error)),
        TxnAnswer::DescribeTransaction(a) => TxnAnswer::DescribeTransaction(described(&a.transactional_id, error)),
    }
}
