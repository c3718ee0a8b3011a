//! Produce: batches from the request's own bytes into the partitions' logs.
//!
//! Version 7 allows zstd, 8 tells of single bad records, 10 the current leader, 12 implies transactions' partitions, 13 topic ids.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::broker::cluster;
use crate::broker::context::Cx;
use crate::broker::hosted::Hosted;
use crate::broker::reply::Reply;
use crate::broker::verify::{Verified, Writer};
use crate::machine::controller::{ClusterState, Topic};
use crate::machine::partition::Acks;
use crate::machine::partition::txn::{Guard, Incoming, Support};
use crate::node::partition::{Appended, Refused};
use crate::node::transactions::incoming;
use crate::record::{BatchView, ProducedBatch, single_batch};
use crate::types::{Offset, TopicPartition};
use crate::wire::produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData};
use crate::wire::produce_response::{
    BatchIndexAndErrorMessage, LeaderIdAndEpoch, NodeEndpoint, PartitionProduceResponse, ProduceResponse, TopicProduceResponse,
};
use crate::wire::{ErrorCode, Records};

/// The one client that may write internal topics.
const ADMIN_CLIENT: &str = "__admin_client";

pub fn handle(cx: Cx, request: ProduceRequest) -> Reply<ProduceResponse> {
    if may_block(&cx, &request) {
        return Reply::Blocking(Box::new(move || produce(&cx, request)));
    }
    produce(&cx, request)
}

/// A partition has to be opened, or the transaction coordinator to be asked about one.
fn may_block(cx: &Cx, request: &ProduceRequest) -> bool {
    let image = cx.broker.image();
    let transactional = request.transactional_id.is_some();
    request.topic_data.iter().any(|t| {
        let Ok(topic) = find(cx, &image, t) else { return false };
        t.partition_data.iter().any(|p| {
            let Ok(hosted) = cx.broker.partitions.get(topic, p.index) else { return false };
            let batch = if transactional { transactional_batch(p) } else { None };
            !hosted.is_open() || batch.is_some_and(|b| hosted.if_open(|open| open.needs_verification(&b)).unwrap_or(true))
        })
    })
}

/// The head of a partition's batch, if it is a transactional one.
fn transactional_batch(data: &PartitionProduceData) -> Option<Incoming> {
    let view = BatchView::parse(data.records.as_ref()?.as_bytes()?).ok()?;
    view.header.is_transactional().then(|| incoming(&view.header))
}

/// P7: sees to it that every partition of the request belongs to its transaction.
fn verify(cx: &Cx, image: &ClusterState, request: &ProduceRequest) -> BTreeMap<TopicPartition, Verified> {
    let Some(transactional_id) = &request.transactional_id else { return BTreeMap::new() };
    let mut batches = Vec::new();
    for topic_data in &request.topic_data {
        let Ok(topic) = find(cx, image, topic_data) else { continue };
        let known = topic_data.partition_data.iter().filter(|p| topic.partition(p.index).is_some());
        batches.extend(known.filter_map(|p| Some((TopicPartition::new(&*topic.name, p.index), transactional_batch(p)?))));
    }
    let Some((_, Incoming { producer_id, epoch, .. })) = batches.first().cloned() else { return BTreeMap::new() };
    let writer = Writer { transactional_id, producer_id, epoch, support: Support::of_produce(cx.version) };
    writer.verify(&cx.broker, batches).into_iter().collect()
}

/// Why a batch that could not be verified is refused.
fn unverified(cx: &Cx, code: ErrorCode) -> Refused {
    let told = Support::of_produce(cx.version).produce_error(code);
    let message = match told {
        ErrorCode::InvalidTxnState => Some("Partition was not added to the transaction".to_string()),
        ErrorCode::NotEnoughReplicas => {
            let why = "Unable to verify the partition has been added to the transaction. Underlying error:";
            Some(format!("{why} {}", code.name()))
        }
        _ => None,
    };
    Refused { message, ..told.into() }
}

fn produce(cx: &Cx, request: ProduceRequest) -> Reply<ProduceResponse> {
    let image = cx.broker.image();
    let acks = request.acks;
    let for_all = refuses_all(&request);
    let mut verified = if for_all.is_none() { verify(cx, &image, &request) } else { BTreeMap::new() };
    let mut response = ProduceResponse::default();
    let mut uncommitted = Vec::new();
    for topic_data in request.topic_data {
        let topic = find(cx, &image, &topic_data);
        let mut told = TopicProduceResponse { name: topic_data.name, topic_id: topic_data.topic_id, ..Default::default() };
        for data in topic_data.partition_data {
            let done = match (for_all, topic) {
                (Some(code), _) | (None, Err(code)) => Err(code.into()),
                (None, Ok(topic)) => {
                    // Every partition's batch is verified for itself, so what is not there needs nothing.
                    let guard = verified.remove(&TopicPartition::new(&*topic.name, data.index)).unwrap_or(Ok(None));
                    guard.map_err(|code| unverified(cx, code)).and_then(|guard| append(cx, topic, &data, acks, guard))
                }
            };
            told.partition_responses.push(match done {
                Ok((appended, until)) => {
                    uncommitted.extend(until.map(|until| (response.responses.len(), told.partition_responses.len(), until)));
                    success(data.index, &appended)
                }
                Err(refused) => failure(cx, &image, topic.ok(), data.index, refused, &mut response.node_endpoints),
            });
        }
        response.responses.push(told);
    }
    let failed = || response.responses.iter().flat_map(|t| &t.partition_responses).any(|p| p.error_code != 0);
    match acks {
        0 if failed() => Reply::Close("a produce request without acknowledgement failed".into()),
        0 => Reply::Silent,
        _ if uncommitted.is_empty() => Reply::now(response),
        _ => Reply::later(when_committed(response, uncommitted, patience(request.timeout_ms))),
    }
}

/// P25: the answer to `acks=all` leaves when everything in it is committed, or says of which partitions that is not known.
async fn when_committed(mut response: ProduceResponse, waits: Vec<(usize, usize, Until)>, patience: Duration) -> ProduceResponse {
    let deadline = Instant::now() + patience;
    for (topic, partition, until) in waits {
        let rest = deadline.saturating_duration_since(Instant::now());
        if let Err(code) = until.hosted.committed(until.end, rest).await {
            response.responses[topic].partition_responses[partition].error_code = code.code();
        }
    }
    response
}

fn patience(timeout_ms: i32) -> Duration {
    Duration::from_millis(u64::try_from(timeout_ms).unwrap_or(0))
}

/// How far a partition has to be committed before the answer.
struct Until {
    hosted: Arc<Hosted>,
    end: Offset,
}

/// Transactional batches need a transactional id, and all must come from one producer.
fn refuses_all(request: &ProduceRequest) -> Option<ErrorCode> {
    let mut producers = Vec::new();
    for records in request.topic_data.iter().flat_map(|t| &t.partition_data).filter_map(|p| p.records.as_ref()?.as_bytes()) {
        if let Ok(view) = BatchView::parse(records)
            && view.header.is_transactional()
        {
            if request.transactional_id.is_none() {
                return Some(ErrorCode::TransactionalIdAuthorizationFailed);
            }
            producers.push((view.header.producer_id, view.header.producer_epoch));
        }
    }
    producers.dedup();
    (producers.len() > 1).then_some(ErrorCode::InvalidProducerIdMapping)
}

fn find<'a>(cx: &Cx, image: &'a ClusterState, data: &TopicProduceData) -> Result<&'a Topic, ErrorCode> {
    if cx.version >= 13 {
        image.topic_by_id(data.topic_id).map(|t| &**t).ok_or(ErrorCode::UnknownTopicId)
    } else {
        image.topic(&data.name).map(|t| &**t).ok_or(ErrorCode::UnknownTopicOrPartition)
    }
}

fn append(
    cx: &Cx,
    topic: &Topic,
    data: &PartitionProduceData,
    acks: i16,
    guard: Option<Guard>,
) -> Result<(Appended, Option<Until>), Refused> {
    if topic.partition(data.index).is_none() {
        return Err(ErrorCode::UnknownTopicOrPartition.into());
    }
    let batch = batch(cx, data)?;
    let acks = Acks::from_wire(acks)?;
    if cluster::is_internal(&topic.name) && &*cx.client_id != ADMIN_CLIENT {
        return Err(ErrorCode::InvalidTopicException.into());
    }
    let hosted = cx.broker.partitions.get(topic, data.index)?;
    let traffic = [&cx.broker.metrics.traffic, &hosted.traffic];
    let done = hosted.with_open(&cx.broker, |p| {
        let done = p.append(cx.now(), acks, &batch, guard)?;
        Ok::<_, Refused>((done, p.offsets().log_end(), p.offsets().high_watermark()))
    });
    let ((appended, moved), end, committed) =
        done.map_err(Refused::from).flatten().inspect_err(|_| traffic.iter().for_each(|t| t.produce_failed()))?;
    traffic.iter().for_each(|t| t.produced(batch.header.record_count, batch.bytes.len()));
    hosted.waiting.arrived(moved.bytes, |reader| moved.shows_more_to(reader));
    let until = (acks == Acks::All && committed < end).then_some(Until { hosted, end });
    Ok((appended, until))
}

fn batch(cx: &Cx, data: &PartitionProduceData) -> Result<ProducedBatch, Refused> {
    let none = bytes::Bytes::new();
    let records = data.records.as_ref().and_then(Records::as_bytes).unwrap_or(&none);
    single_batch(records, cx.version >= 7).map_err(|refusal| Refused::by_validation(&refusal, None))
}

fn success(index: i32, appended: &Appended) -> PartitionProduceResponse {
    PartitionProduceResponse {
        index,
        base_offset: appended.base_offset,
        log_append_time_ms: appended.log_append_time,
        log_start_offset: appended.log_start,
        ..Default::default()
    }
}

fn failure(
    cx: &Cx,
    image: &ClusterState,
    topic: Option<&Topic>,
    index: i32,
    refused: Refused,
    endpoints: &mut Vec<NodeEndpoint>,
) -> PartitionProduceResponse {
    // Kafka sends words of its own only with what it found inside a batch; for all else clients say what the code means.
    let own_words = matches!(refused.code, ErrorCode::InvalidRecord | ErrorCode::InvalidTimestamp);
    let mut told = PartitionProduceResponse {
        index,
        error_code: refused.code.code(),
        base_offset: -1,
        error_message: refused.message.filter(|_| own_words),
        record_errors: refused
            .records
            .into_iter()
            .map(|(batch_index, text)| BatchIndexAndErrorMessage { batch_index, batch_index_error_message: Some(text) })
            .collect(),
        ..Default::default()
    };
    let leader = topic.and_then(|t| t.partition(index)).filter(|_| refused.code == ErrorCode::NotLeaderOrFollower && cx.version >= 10);
    if let Some(p) = leader {
        told.current_leader = LeaderIdAndEpoch { leader_id: p.leader, leader_epoch: p.leader_epoch };
        if let Some(e) = cluster::endpoint(image, cx, p.leader).filter(|e| endpoints.iter().all(|known| known.node_id != e.id)) {
            endpoints.push(NodeEndpoint { node_id: e.id, host: e.host, port: e.port, rack: e.rack });
        }
    }
    told
}
