//! TxnOffsetCommit: a group's positions, as part of a producer's transaction. Version 3 tells of the member that has them, 5 makes the
//! offsets part of the transaction by itself (E18).

use crate::broker::cluster::OFFSETS_TOPIC;
use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::broker::verify::Writer;
use crate::machine::controller::ClusterState;
use crate::machine::group::{GroupAnswer, GroupRequest, GroupShard, txn_offsets};
use crate::machine::partition::txn::{Guard, Incoming, Support};
use crate::types::TopicPartition;
use crate::wire::ErrorCode;
use crate::wire::txn_offset_commit_request::{TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic};
use crate::wire::txn_offset_commit_response::{TxnOffsetCommitResponse, TxnOffsetCommitResponseTopic};

/// The first version whose clients know COORDINATOR_LOAD_IN_PROGRESS here.
const KNOWS_LOADING: i16 = 2;

pub fn handle(cx: Cx, mut request: TxnOffsetCommitRequest) -> Reply<TxnOffsetCommitResponse> {
    let image = cx.broker.image();
    let mut unknown = TxnOffsetCommitRequest::default();
    let topics = std::mem::take(&mut request.topics);
    request.topics = topics.into_iter().filter_map(|topic| known(&image, topic, &mut unknown.topics)).collect();
    let refused = txn_offsets::answer(&unknown, ErrorCode::UnknownTopicOrPartition).topics;
    if request.topics.is_empty() {
        return Reply::now(TxnOffsetCommitResponse { topics: refused, ..Default::default() });
    }
    Reply::blocking(move || {
        let version = cx.version;
        let mut response = commit(&cx, request.clone()).unwrap_or_else(|code| txn_offsets::answer(&request, code));
        if version < KNOWS_LOADING {
            let all = response.topics.iter_mut().flat_map(|t| &mut t.partitions);
            let loading = all.filter(|p| p.error_code == ErrorCode::CoordinatorLoadInProgress.code());
            loading.for_each(|p| p.error_code = ErrorCode::CoordinatorNotAvailable.code());
        }
        merge(&mut response, refused);
        response
    })
}

/// The topic without partitions that do not exist; those are noted in `unknown`.
fn known(
    image: &ClusterState,
    mut topic: TxnOffsetCommitRequestTopic,
    unknown: &mut Vec<TxnOffsetCommitRequestTopic>,
) -> Option<TxnOffsetCommitRequestTopic> {
    let exists = |p: &TxnOffsetCommitRequestPartition| image.partition(&topic.name, p.partition_index).is_some();
    let (good, bad): (Vec<_>, Vec<_>) = std::mem::take(&mut topic.partitions).into_iter().partition(exists);
    if !bad.is_empty() {
        unknown.push(TxnOffsetCommitRequestTopic { name: topic.name.clone(), partitions: bad });
    }
    (!good.is_empty()).then_some(TxnOffsetCommitRequestTopic { partitions: good, ..topic })
}

fn commit(cx: &Cx, request: TxnOffsetCommitRequest) -> Result<TxnOffsetCommitResponse, ErrorCode> {
    if request.group_id.is_empty() {
        return Err(ErrorCode::InvalidGroupId);
    }
    let partition = cx.broker.partition_of::<GroupShard>(&request.group_id).ok_or(ErrorCode::NotCoordinator)?;
    let guard = verify(cx, &request, partition).map_err(told)?;
    let asked = cx.broker.ask::<GroupShard>(partition, &cx.coordinator_context(), guard, GroupRequest::TxnOffsetCommit(request));
    match asked.wait() {
        Some(GroupAnswer::TxnOffsetCommit(response)) => Ok(response),
        _ => Err(ErrorCode::CoordinatorNotAvailable),
    }
}

/// E7, E8, E18: the partition that keeps the group's offsets has to be part of the transaction.
fn verify(cx: &Cx, request: &TxnOffsetCommitRequest, partition: i32) -> Result<Option<Guard>, ErrorCode> {
    let offsets = TopicPartition::new(OFFSETS_TOPIC, partition);
    // A coordinator numbers no batches.
    let (producer_id, epoch) = (request.producer_id, request.producer_epoch);
    let batch = Incoming { producer_id, epoch, first_sequence: -1, transactional: true };
    let support = Support::of_txn_offset_commit(cx.version);
    let writer = Writer { transactional_id: &request.transactional_id, producer_id, epoch, support };
    let mut verified = writer.verify(&cx.broker, vec![(offsets, batch)]);
    verified.pop().map_or(Err(ErrorCode::CoordinatorNotAvailable), |(_, outcome)| outcome)
}

/// What a coordinator tells of a partition that cannot be written.
fn told(code: ErrorCode) -> ErrorCode {
    match code {
        ErrorCode::NetworkException => ErrorCode::CoordinatorLoadInProgress,
        ErrorCode::UnknownTopicOrPartition | ErrorCode::NotEnoughReplicas | ErrorCode::RequestTimedOut => {
            ErrorCode::CoordinatorNotAvailable
        }
        ErrorCode::NotLeaderOrFollower | ErrorCode::KafkaStorageError => ErrorCode::NotCoordinator,
        other => other,
    }
}

fn merge(response: &mut TxnOffsetCommitResponse, refused: Vec<TxnOffsetCommitResponseTopic>) {
    for bad in refused {
        match response.topics.iter_mut().find(|t| t.name == bad.name) {
            Some(topic) => topic.partitions.extend(bad.partitions),
            None => response.topics.push(bad),
        }
    }
}
