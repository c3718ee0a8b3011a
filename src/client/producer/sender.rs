//! The task that sends: takes due batches, puts them into Produce requests, hands the answers back to the machine.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Weak};
use std::time::Duration;

use kfk_wire::init_producer_id_request::InitProducerIdRequest;
use kfk_wire::produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData};
use kfk_wire::{ErrorCode, Records};

use super::Shared;
use super::record::{Delivery, RecordMetadata};
use crate::client::error::{Error, check};
use crate::config::Acks;
use crate::machine::producer::{BatchId, Outcome, ProducerIdentity, ReadyBatch};
use crate::types::NodeId;

/// Runs until the last `Producer` is gone.
pub(super) async fn run(producer: Weak<Shared>) {
    let Some(work) = producer.upgrade().map(|shared| shared.work.clone()) else { return };
    loop {
        // Held only while it works: the producer must not live on in its own task.
        let Some(shared) = producer.upgrade() else { return };
        let wait = step(&shared).await;
        drop(shared);
        tokio::select! {
            _ = work.notified() => {}
            _ = tokio::time::sleep(wait) => {}
        }
    }
}

/// One round. Returns how long to sleep unless something happens.
async fn step(shared: &Arc<Shared>) -> Duration {
    const LONGEST: Duration = Duration::from_secs(1);
    let now = shared.now();
    let expired = shared.state.lock().batches.expire(now);
    let any = !expired.is_empty();
    let after = Duration::from_millis(shared.config.delivery_timeout_ms);
    let late = |_| Error::TimedOut { what: "sending a record".into(), after, last: None };
    expired.into_iter().for_each(|o| tell(o, &late));
    if any {
        shared.progress.notify_waiters();
    }
    let anonymous = {
        let state = shared.state.lock();
        state.batches.needs_identity() && !state.batches.is_empty()
    };
    if anonymous && let Some(wait) = renew_identity(shared).await {
        return wait;
    }
    let metadata = shared.client.metadata();
    let drained = shared.state.lock().batches.drain(now, |topic, partition| metadata.leader(topic, partition));
    if drained.unknown_leaders {
        refresh(shared).await;
    }
    for (node, batches) in drained.requests {
        tokio::spawn(send(shared.clone(), node, batches));
    }
    let deadline = shared.state.lock().batches.next_deadline();
    // A deadline that has passed already waits for something else: an answer, a leader.
    deadline.map_or(LONGEST, |d| Duration::from_millis(d.since(shared.now()).max(1)).min(LONGEST))
}

async fn refresh(shared: &Arc<Shared>) {
    let topics: Vec<String> = shared.state.lock().batches.topics().into_iter().map(String::from).collect();
    let names: Vec<&str> = topics.iter().map(String::as_str).collect();
    if shared.client.refresh(&names).await.is_err() {
        tokio::time::sleep(shared.client.backoff(0)).await;
    }
}

/// Asks for a producer id. `Some(wait)`: it did not work, try again after that.
async fn renew_identity(shared: &Arc<Shared>) -> Option<Duration> {
    let request = InitProducerIdRequest {
        transactional_id: None,
        transaction_timeout_ms: i32::MAX,
        producer_id: -1,
        producer_epoch: -1,
        ..Default::default()
    };
    let answer = shared.client.call_any(&request).await;
    let result = answer.and_then(|a| check(a.error_code, None).map(|()| ProducerIdentity { id: a.producer_id, epoch: a.producer_epoch }));
    match result {
        Ok(identity) => {
            shared.state.lock().batches.set_identity(identity);
            None
        }
        Err(error) if error.is_retriable() => Some(shared.client.backoff(1)),
        Err(error) => {
            let given_up = {
                let mut state = shared.state.lock();
                state.fatal = Some(error.clone());
                state.batches.abandon(error.code().unwrap_or(ErrorCode::UnknownServerError))
            };
            given_up.into_iter().for_each(|o| tell(o, &|_| error.clone()));
            shared.progress.notify_waiters();
            Some(Duration::from_secs(1))
        }
    }
}

/// One Produce request from send to verdict.
async fn send(shared: Arc<Shared>, node: NodeId, batches: Vec<ReadyBatch>) {
    let ids: HashMap<(String, i32), BatchId> = batches.iter().map(|b| ((b.topic.clone(), b.partition), b.id)).collect();
    let request = produce_request(&shared, batches);
    let verdicts = if shared.config.acks == Acks::None {
        let sent = shared.client.send_only(node, &request).await;
        ids.into_values().map(|id| (id, verdict_of_sending(&sent))).collect()
    } else {
        ask(&shared, node, &request, ids).await
    };
    let now = shared.now();
    let mut refresh_needed = false;
    for (id, verdict) in verdicts {
        let error = verdict.error.as_ref().map(|(code, _)| *code);
        let outcome = shared.state.lock().batches.on_result(now, id, error, verdict.base_offset, verdict.log_append_time);
        let Some(outcome) = outcome else { continue };
        refresh_needed |= matches!(outcome, Outcome::Retrying { refresh: true });
        let told = verdict.error.map(|(_, error)| error);
        tell(outcome, &|code| told.clone().unwrap_or(Error::Broker { code, message: None }));
    }
    shared.state.lock().batches.request_done(node);
    shared.progress.notify_waiters();
    if refresh_needed {
        refresh(&shared).await;
    }
    shared.work.notify_one();
}

struct Verdict {
    error: Option<(ErrorCode, Error)>,
    base_offset: i64,
    log_append_time: i64,
}

fn verdict_of_sending(sent: &Result<(), Error>) -> Verdict {
    let error = sent.as_ref().err().map(|e| (ErrorCode::NetworkException, e.clone()));
    Verdict { error, base_offset: -1, log_append_time: -1 }
}

/// Asks and matches the answer to the batches; a batch that the answer leaves out counts as not answered.
async fn ask(shared: &Shared, node: NodeId, request: &ProduceRequest, mut ids: HashMap<(String, i32), BatchId>) -> Vec<(BatchId, Verdict)> {
    let mut out = Vec::with_capacity(ids.len());
    let answer = match shared.client.call_node(node, request).await {
        Ok(answer) => answer,
        Err(error) => {
            let code =
                if error.is_retriable() { ErrorCode::NetworkException } else { error.code().unwrap_or(ErrorCode::UnknownServerError) };
            let failed = |id| (id, Verdict { error: Some((code, error.clone())), base_offset: -1, log_append_time: -1 });
            return ids.into_values().map(failed).collect();
        }
    };
    let names: BTreeMap<_, _> = request.topic_data.iter().map(|t| (t.topic_id, t.name.as_str())).collect();
    for topic in answer.responses {
        let name = if topic.name.is_empty() { names.get(&topic.topic_id).copied().unwrap_or_default() } else { &topic.name };
        for p in topic.partition_responses {
            let Some(id) = ids.remove(&(name.to_string(), p.index)) else { continue };
            let message = p.record_errors.first().and_then(|r| r.batch_index_error_message.as_deref()).or(p.error_message.as_deref());
            let error = check(p.error_code, message).err().map(|e| (e.code().unwrap_or(ErrorCode::UnknownServerError), e));
            out.push((id, Verdict { error, base_offset: p.base_offset, log_append_time: p.log_append_time_ms }));
        }
    }
    let missing =
        Error::Broker { code: ErrorCode::UnknownServerError, message: Some("the broker's answer leaves this partition out".into()) };
    let left_out =
        |id| (id, Verdict { error: Some((ErrorCode::UnknownServerError, missing.clone())), base_offset: -1, log_append_time: -1 });
    out.extend(ids.into_values().map(left_out));
    out
}

fn produce_request(shared: &Shared, batches: Vec<ReadyBatch>) -> ProduceRequest {
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
        transactional_id: None,
        acks: shared.config.acks.code(),
        timeout_ms: i32::try_from(shared.config.client.request_timeout_ms).unwrap_or(i32::MAX),
        topic_data: topics.into_iter().map(topic).collect(),
    }
}

/// Tells every record of a batch what became of it.
pub(super) fn tell(outcome: Outcome<Delivery>, error_of: &dyn Fn(ErrorCode) -> Error) {
    match outcome {
        Outcome::Delivered(d) => {
            for (i, delivery) in (0..).zip(d.deliveries) {
                delivery.delivered(|| RecordMetadata {
                    topic: d.topic.clone(),
                    partition: d.partition,
                    offset: if d.base_offset < 0 { -1 } else { d.base_offset + i },
                    log_append_time: d.log_append_time,
                });
            }
        }
        Outcome::Failed { error, deliveries, .. } => {
            let error = error_of(error);
            deliveries.into_iter().for_each(|d| d.failed(&error));
        }
        Outcome::Retrying { .. } => {}
    }
}
