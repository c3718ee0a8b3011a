//! One Produce request: its batches in, a verdict for each out.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use kfk_wire::produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData};
use kfk_wire::produce_response::PartitionProduceResponse;
use kfk_wire::{ErrorCode, Records};

use super::Shared;
use crate::client::error::{Error, check};
use crate::client::nodes::Lane;
use crate::config::Acks;
use crate::machine::producer::{BatchId, ReadyBatch};
use crate::types::NodeId;

/// How much longer than the broker we wait: its own word that it took too long says more than our silence.
const GRACE: Duration = Duration::from_secs(1);

/// What the broker said of one batch.
pub(super) struct Verdict {
    pub id: BatchId,
    pub error: Option<(ErrorCode, Error)>,
    /// For single records, by their place in the batch.
    pub record_errors: BTreeMap<usize, Error>,
    pub base_offset: i64,
    pub log_append_time: i64,
}

impl Verdict {
    fn failed(id: BatchId, code: ErrorCode, error: Error) -> Verdict {
        Verdict { id, error: Some((code, error)), record_errors: BTreeMap::new(), base_offset: -1, log_append_time: -1 }
    }

    /// What to tell of the record at `place` of a batch that failed.
    pub fn error_of(&self, place: usize) -> Option<Error> {
        let (code, whole) = self.error.as_ref()?;
        if self.record_errors.is_empty() {
            return Some(whole.clone());
        }
        let others = "Failed to append record because it was part of a batch which had one more more invalid records";
        let bystander = || Error::Broker { code: *code, message: Some(others.into()) };
        Some(self.record_errors.get(&place).cloned().unwrap_or_else(bystander))
    }
}

/// Sends batches to a node and waits for its verdicts (with acks=0: for the system to take the request).
pub(super) async fn produce(shared: &Shared, node: NodeId, batches: Vec<ReadyBatch>) -> Vec<Verdict> {
    let ids: HashMap<(String, i32), BatchId> = batches.iter().map(|b| ((b.topic.clone(), b.partition), b.id)).collect();
    let (request, cap) = (request(shared, batches), shared.produce_cap());
    if shared.config.acks == Acks::None {
        let sent = shared.client.send_only(node, &request).await;
        let verdict = |id| match &sent {
            Ok(()) => Verdict { id, error: None, record_errors: BTreeMap::new(), base_offset: -1, log_append_time: -1 },
            Err(error) => Verdict::failed(id, ErrorCode::NetworkException, error.clone()),
        };
        return ids.into_values().map(verdict).collect();
    }
    match shared.client.call_on(Lane::Calls, node, &request, cap, GRACE).await {
        Ok(answer) => verdicts(&request, answer.responses, ids),
        Err(error) => {
            let lost = if error.is_retriable() { Some(ErrorCode::NetworkException) } else { error.code() };
            let code = lost.unwrap_or(ErrorCode::UnknownServerError);
            ids.into_values().map(|id| Verdict::failed(id, code, error.clone())).collect()
        }
    }
}

fn request(shared: &Shared, batches: Vec<ReadyBatch>) -> ProduceRequest {
    let metadata = shared.client.metadata();
    let mut topics: BTreeMap<String, Vec<PartitionProduceData>> = BTreeMap::new();
    for b in batches {
        let data = PartitionProduceData { index: b.partition, records: Some(Records::Bytes(b.records)) };
        topics.entry(b.topic).or_default().push(data);
    }
    let topic = |(name, partition_data): (String, Vec<PartitionProduceData>)| TopicProduceData {
        topic_id: metadata.topics.get(&name).map(|t| t.id).unwrap_or_default(),
        name,
        partition_data,
    };
    ProduceRequest {
        transactional_id: shared.config.transactional_id.clone(),
        acks: shared.config.acks.code(),
        timeout_ms: i32::try_from(shared.config.client.request_timeout_ms).unwrap_or(i32::MAX),
        topic_data: topics.into_iter().map(topic).collect(),
    }
}

/// Matches the answer to the batches; a batch that the answer leaves out has failed.
fn verdicts(
    request: &ProduceRequest,
    answer: Vec<kfk_wire::produce_response::TopicProduceResponse>,
    mut ids: HashMap<(String, i32), BatchId>,
) -> Vec<Verdict> {
    let mut out = Vec::with_capacity(ids.len());
    let names: BTreeMap<_, _> = request.topic_data.iter().map(|t| (t.topic_id, t.name.as_str())).collect();
    for topic in answer {
        let name = if topic.name.is_empty() { names.get(&topic.topic_id).copied().unwrap_or_default() } else { &topic.name };
        for p in topic.partition_responses {
            if let Some(id) = ids.remove(&(name.to_string(), p.index)) {
                out.push(verdict(id, &p));
            }
        }
    }
    let missing =
        Error::Broker { code: ErrorCode::UnknownServerError, message: Some("the broker's answer leaves this partition out".into()) };
    out.extend(ids.into_values().map(|id| Verdict::failed(id, ErrorCode::UnknownServerError, missing.clone())));
    out
}

fn verdict(id: BatchId, p: &PartitionProduceResponse) -> Verdict {
    let error = check(p.error_code, p.error_message.as_deref()).err();
    let code = ErrorCode::from_code(p.error_code);
    let only = p.record_errors.len() == 1;
    let of_record = |r: &kfk_wire::produce_response::BatchIndexAndErrorMessage| {
        let message = r.batch_index_error_message.clone().or_else(|| p.error_message.clone());
        // With several bad records the batch's code need not fit each of them.
        let code = if only { code } else { ErrorCode::InvalidRecord };
        Some((usize::try_from(r.batch_index).ok()?, Error::Broker { code, message }))
    };
    Verdict {
        id,
        error: error.map(|e| (code, e)),
        record_errors: p.record_errors.iter().filter_map(of_record).collect(),
        base_offset: p.base_offset,
        log_append_time: p.log_append_time_ms,
    }
}
