//! Fetch requests and what comes back: batches checked, decompressed, filtered by transaction.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kfk_wire::fetch_request::{FetchPartition, FetchRequest, FetchTopic};
use kfk_wire::fetch_response::{AbortedTransaction, PartitionData};
use kfk_wire::{ErrorCode, Records, Uuid};

use super::records::RecordChunk;
use crate::client::cluster::Client;
use crate::client::error::Error;
use crate::client::metadata::Metadata;
use crate::config::ConsumerConfig;
use crate::record::{BatchView, batches};
use crate::types::TopicPartition;

/// A batch that would decompress to more is refused rather than filling memory.
const MAX_DECOMPRESSED: usize = 512 << 20;

/// One partition to ask for.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub tp: TopicPartition,
    pub offset: i64,
    pub leader_epoch: i32,
}

/// What one partition's part of an answer means.
pub(super) struct Fetched {
    pub tp: TopicPartition,
    /// The offset that was asked for: an answer to an older position is thrown away.
    pub asked: i64,
    pub outcome: Result<FetchedRecords, FetchError>,
}

pub(super) struct FetchedRecords {
    pub chunks: VecDeque<RecordChunk>,
    /// Where to read on, past everything that was filtered out.
    pub next_offset: i64,
    pub high_watermark: i64,
    pub last_stable_offset: i64,
    pub log_start: i64,
    pub bytes: usize,
}

pub(super) enum FetchError {
    OutOfRange,
    /// The leader moved or is not known: ask for metadata and try again.
    Moved,
    /// For the user.
    Told(Error),
}

/// Asks `node` for `wanted` and reads the answer.
pub(super) async fn fetch(client: Client, config: Arc<ConsumerConfig>, node: i32, wanted: Vec<Wanted>) -> Vec<Fetched> {
    let metadata = client.metadata();
    let request = request(&config, &metadata, &wanted);
    let thinking = Duration::from_millis(config.fetch_max_wait_ms.unsigned_abs().into());
    let moved = |wanted: Vec<Wanted>| {
        wanted.into_iter().map(|w| Fetched { tp: w.tp, asked: w.offset, outcome: Err(FetchError::Moved) }).collect::<Vec<_>>()
    };
    let answer = match client.call_on(crate::client::nodes::Lane::Fetch, node, &request, i16::MAX, thinking).await {
        Ok(answer) => answer,
        Err(error) if error.is_retriable() => return moved(wanted),
        Err(error) => {
            let told = |w: Wanted| Fetched { tp: w.tp, asked: w.offset, outcome: Err(FetchError::Told(error.clone())) };
            return wanted.into_iter().map(told).collect();
        }
    };
    if answer.error_code != 0 {
        return moved(wanted);
    }
    let names: BTreeMap<Uuid, &str> = request.topics.iter().map(|t| (t.topic_id, t.topic.as_str())).collect();
    let mut parts: BTreeMap<TopicPartition, PartitionData> = BTreeMap::new();
    for topic in answer.responses {
        let name = if topic.topic.is_empty() { names.get(&topic.topic_id).copied().unwrap_or_default() } else { &topic.topic };
        parts.extend(topic.partitions.into_iter().map(|p| (TopicPartition::new(name, p.partition_index), p)));
    }
    let each = wanted.into_iter().filter_map(|w| {
        let part = parts.remove(&w.tp)?;
        let outcome = read(&config, &w, part);
        Some(Fetched { tp: w.tp, asked: w.offset, outcome })
    });
    each.collect()
}

fn request(config: &ConsumerConfig, metadata: &Metadata, wanted: &[Wanted]) -> FetchRequest {
    let mut topics: BTreeMap<&str, Vec<FetchPartition>> = BTreeMap::new();
    for w in wanted {
        topics.entry(&w.tp.topic).or_default().push(FetchPartition {
            partition: w.tp.partition,
            current_leader_epoch: w.leader_epoch,
            fetch_offset: w.offset,
            partition_max_bytes: config.max_partition_fetch_bytes,
            ..Default::default()
        });
    }
    let topic = |(name, partitions): (&str, Vec<FetchPartition>)| FetchTopic {
        topic: name.to_string(),
        topic_id: metadata.topics.get(name).map(|t| t.id).unwrap_or_default(),
        partitions,
    };
    FetchRequest {
        max_wait_ms: config.fetch_max_wait_ms,
        min_bytes: config.fetch_min_bytes,
        max_bytes: config.fetch_max_bytes,
        isolation_level: i8::from(config.read_committed),
        // Whole requests every time: no session to keep in step.
        session_id: 0,
        session_epoch: -1,
        topics: topics.into_iter().map(topic).collect(),
        rack_id: config.client_rack.clone(),
        ..Default::default()
    }
}

fn read(config: &ConsumerConfig, wanted: &Wanted, part: PartitionData) -> Result<FetchedRecords, FetchError> {
    match ErrorCode::from_code(part.error_code) {
        ErrorCode::None => {}
        ErrorCode::OffsetOutOfRange => return Err(FetchError::OutOfRange),
        error if error.is_retriable() || error == ErrorCode::UnknownTopicId => return Err(FetchError::Moved),
        code => return Err(FetchError::Told(Error::Broker { code, message: None })),
    }
    let bytes = match part.records {
        Some(Records::Bytes(bytes)) => bytes,
        _ => Bytes::new(),
    };
    let aborted = if config.read_committed { part.aborted_transactions.unwrap_or_default() } else { Vec::new() };
    let (chunks, next_offset) = chunks(config, wanted, &bytes, aborted)?;
    Ok(FetchedRecords {
        chunks,
        next_offset,
        high_watermark: part.high_watermark,
        last_stable_offset: part.last_stable_offset,
        log_start: part.log_start_offset,
        bytes: bytes.len(),
    })
}

/// Reads batches until the bytes end; a last batch that is cut short will come whole with the next fetch.
fn chunks(
    config: &ConsumerConfig,
    wanted: &Wanted,
    bytes: &Bytes,
    aborted: Vec<AbortedTransaction>,
) -> Result<(VecDeque<RecordChunk>, i64), FetchError> {
    let topic: Arc<str> = Arc::from(wanted.tp.topic.as_str());
    let mut filter = AbortedFilter::new(aborted);
    let (mut out, mut next) = (VecDeque::new(), wanted.offset);
    for view in batches(bytes) {
        let view = match view {
            Ok(view) => view,
            Err(crate::record::RecordError::Truncated { .. }) => break,
            Err(error) => return Err(corrupt(wanted, next, &error)),
        };
        if view.header.next_offset() <= wanted.offset {
            continue;
        }
        if config.check_crcs {
            view.check_crc().map_err(|e| corrupt(wanted, next, &e))?;
        }
        next = view.header.next_offset();
        if !filter.shows(&view) {
            continue;
        }
        let data = decompressed(&view, bytes).map_err(|e| corrupt(wanted, view.header.base_offset, &e))?;
        let chunk = RecordChunk::new(topic.clone(), wanted.tp.partition, view.header, data, wanted.offset);
        out.extend(chunk.map_err(|e| corrupt(wanted, view.header.base_offset, &e))?);
    }
    Ok((out, next))
}

fn decompressed(view: &BatchView<'_>, all: &Bytes) -> Result<Bytes, crate::record::RecordError> {
    if view.header.codec()? == crate::record::Codec::None {
        return Ok(all.slice_ref(view.body()));
    }
    Ok(Bytes::from(view.data(MAX_DECOMPRESSED)?.bytes.into_owned()))
}

fn corrupt(wanted: &Wanted, offset: i64, why: &dyn std::fmt::Display) -> FetchError {
    let message = format!("Record batch for partition {} at offset {offset} is invalid, cause: {why}", wanted.tp);
    FetchError::Told(Error::Broker { code: ErrorCode::CorruptMessage, message: Some(message) })
}

/// Hides control batches always, and the records of aborted transactions from readers that asked for committed ones.
struct AbortedFilter {
    /// By first offset.
    to_come: VecDeque<AbortedTransaction>,
    active: BTreeSet<i64>,
}

impl AbortedFilter {
    fn new(mut aborted: Vec<AbortedTransaction>) -> Self {
        aborted.sort_by_key(|a| a.first_offset);
        AbortedFilter { to_come: aborted.into(), active: BTreeSet::new() }
    }

    fn shows(&mut self, view: &BatchView<'_>) -> bool {
        while self.to_come.front().is_some_and(|a| a.first_offset <= view.header.last_offset()) {
            self.active.extend(self.to_come.pop_front().map(|a| a.producer_id));
        }
        if view.header.is_control() {
            // Whatever it says, it ends the producer's transaction.
            self.active.remove(&view.header.producer_id);
            return false;
        }
        !(view.header.is_transactional() && self.active.contains(&view.header.producer_id))
    }
}
