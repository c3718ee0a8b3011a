//! ShareFetch and ShareAcknowledge: what goes out, and what an answer means.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use kfk_wire::share_acknowledge_request as acknowledge;
use kfk_wire::share_acknowledge_request::ShareAcknowledgeRequest;
use kfk_wire::share_acknowledge_response::ShareAcknowledgeResponse;
use kfk_wire::share_fetch_request as fetch;
use kfk_wire::share_fetch_request::ShareFetchRequest;
use kfk_wire::share_fetch_response::{PartitionData, ShareFetchResponse};
use kfk_wire::{ErrorCode, Records, Uuid};

use super::held::{AllSaid, Said};
use super::read::{Taken, take};
use super::session::{Ask, CLOSING};
use crate::client::cluster::Client;
use crate::client::error::{Error, check};
use crate::client::nodes::Lane;
use crate::config::ConsumerConfig;
use crate::machine::member::SharePart;
use crate::types::TopicPartition;

/// What every request says of who asks.
#[derive(Clone)]
pub(super) struct Asker {
    pub client: Client,
    pub config: Arc<ConsumerConfig>,
    pub group: String,
    pub member_id: String,
}

/// What came of one request.
pub(super) struct Answered {
    pub node: i32,
    pub closes: bool,
    pub outcome: Result<Vec<Part>, Error>,
    /// What it said. `outcome` has what became of it, by partition.
    pub said: AllSaid,
}

/// One partition's part of an answer.
pub(super) struct Part {
    pub part: SharePart,
    /// What became of what was said; `None` where nothing was.
    pub acknowledged: Option<Result<(), Error>>,
    pub taken: Result<Taken, Error>,
}

impl Asker {
    /// Asks `node` for records of what its session is about, and says `said` with it.
    pub async fn fetch(self, node: i32, ask: Ask, wanted: BTreeSet<SharePart>, said: AllSaid) -> Answered {
        let request = self.fetch_request(&ask, &said);
        let thinking = Duration::from_millis(self.config.fetch_max_wait_ms.unsigned_abs().into());
        let answer = self.client.call_on(Lane::Fetch, node, &request, i16::MAX, thinking).await.map_err(explained);
        let outcome = answer.and_then(|answer| {
            check(answer.error_code, answer.error_message.as_deref())?;
            let known: BTreeSet<SharePart> = wanted.into_iter().chain(said.keys().cloned()).collect();
            Ok(self.read(answer, &by_id(&known), &said))
        });
        Answered { node, closes: false, outcome, said }
    }

    fn fetch_request(&self, ask: &Ask, said: &AllSaid) -> ShareFetchRequest {
        let c = &self.config;
        let mut topics: BTreeMap<Uuid, Vec<fetch::FetchPartition>> = BTreeMap::new();
        let all: BTreeSet<&SharePart> = ask.added.iter().chain(said.keys()).collect();
        for part in all {
            let batch =
                |s: &Said| fetch::AcknowledgementBatch { first_offset: s.first, last_offset: s.last, acknowledge_types: vec![s.code] };
            let batches = said.get(part).into_iter().flatten().map(batch).collect();
            let partition = fetch::FetchPartition { partition_index: part.1.partition, acknowledgement_batches: batches };
            topics.entry(part.0).or_default().push(partition);
        }
        let mut forgotten: BTreeMap<Uuid, Vec<i32>> = BTreeMap::new();
        for (topic, tp) in &ask.forgotten {
            forgotten.entry(*topic).or_default().push(tp.partition);
        }
        let most = i32::try_from(c.max_poll_records.max(1)).unwrap_or(i32::MAX);
        ShareFetchRequest {
            group_id: Some(self.group.clone()),
            member_id: Some(self.member_id.clone()),
            share_session_epoch: ask.epoch,
            max_wait_ms: c.fetch_max_wait_ms,
            min_bytes: c.fetch_min_bytes,
            max_bytes: c.fetch_max_bytes,
            max_records: most,
            batch_size: most,
            share_acquire_mode: i8::from(c.share_record_limit),
            is_renew_ack: false,
            topics: topics.into_iter().map(|(topic_id, partitions)| fetch::FetchTopic { topic_id, partitions }).collect(),
            forgotten_topics_data: forgotten
                .into_iter()
                .map(|(topic_id, partitions)| fetch::ForgottenTopic { topic_id, partitions })
                .collect(),
        }
    }

    fn read(&self, answer: ShareFetchResponse, known: &Known, said: &AllSaid) -> Vec<Part> {
        let each = answer.responses.into_iter().flat_map(|t| t.partitions.into_iter().map(move |p| (t.topic_id, p)));
        each.filter_map(|(topic, data)| {
            let part = (topic, known.get(&(topic, data.partition_index))?.clone());
            let acknowledged = check(data.acknowledge_error_code, data.acknowledge_error_message.as_deref());
            let acknowledged = said.contains_key(&part).then_some(acknowledged);
            Some(Part { acknowledged, taken: self.taken(&part.1, data), part })
        })
        .collect()
    }

    fn taken(&self, tp: &TopicPartition, data: PartitionData) -> Result<Taken, Error> {
        check(data.error_code, data.error_message.as_deref())?;
        let Records::Bytes(bytes) = data.records else { return Ok(Taken::default()) };
        Ok(take(tp, self.config.check_crcs, &bytes, data.acquired_records))
    }

    /// Says `said` to `node`: renewals only, or anything else.
    pub async fn acknowledge(self, node: i32, epoch: i32, said: AllSaid, renews: bool) -> Answered {
        let mut topics: BTreeMap<Uuid, Vec<acknowledge::AcknowledgePartition>> = BTreeMap::new();
        for ((topic, tp), said) in &said {
            let batch = |s: &Said| acknowledge::AcknowledgementBatch {
                first_offset: s.first,
                last_offset: s.last,
                acknowledge_types: vec![s.code],
            };
            let partition = acknowledge::AcknowledgePartition {
                partition_index: tp.partition,
                acknowledgement_batches: said.iter().map(batch).collect(),
            };
            topics.entry(*topic).or_default().push(partition);
        }
        let request = ShareAcknowledgeRequest {
            group_id: Some(self.group.clone()),
            member_id: Some(self.member_id.clone()),
            share_session_epoch: epoch,
            is_renew_ack: renews,
            topics: topics.into_iter().map(|(topic_id, partitions)| acknowledge::AcknowledgeTopic { topic_id, partitions }).collect(),
        };
        // In the order of fetches, on the connection that the session belongs to.
        let answer = self.client.call_on(Lane::Fetch, node, &request, i16::MAX, Duration::ZERO).await.map_err(explained);
        let outcome = answer.and_then(|answer| {
            check(answer.error_code, answer.error_message.as_deref())?;
            Ok(judged(answer, &by_id(&said.keys().cloned().collect())))
        });
        Answered { node, closes: epoch == CLOSING, outcome, said }
    }
}

type Known = BTreeMap<(Uuid, i32), TopicPartition>;

fn by_id(parts: &BTreeSet<SharePart>) -> Known {
    parts.iter().map(|(topic, tp)| ((*topic, tp.partition), tp.clone())).collect()
}

fn judged(answer: ShareAcknowledgeResponse, known: &Known) -> Vec<Part> {
    let each = answer.responses.into_iter().flat_map(|t| t.partitions.into_iter().map(move |p| (t.topic_id, p)));
    each.filter_map(|(topic, data)| {
        let part = (topic, known.get(&(topic, data.partition_index))?.clone());
        let acknowledged = Some(check(data.error_code, data.error_message.as_deref()));
        Some(Part { part, acknowledged, taken: Ok(Taken::default()) })
    })
    .collect()
}

/// The bare error would not tell what to do.
fn explained(error: Error) -> Error {
    match error {
        Error::Unsupported { .. } => too_old(),
        Error::CannotAsk { .. } => Error::Broker {
            code: ErrorCode::UnsupportedVersion,
            message: Some("The broker is too old for this: renewing and share.acquire.mode=record_limit came with Kafka 4.2.".into()),
        },
        error => error,
    }
}

/// What a cluster without share groups means.
pub(super) fn too_old() -> Error {
    let text = "The cluster does not support share groups: its brokers are too old, or its feature share.version is off.";
    Error::Broker { code: ErrorCode::UnsupportedVersion, message: Some(text.into()) }
}
