//! Fetch requests and what comes back: batches checked, decompressed, filtered by transaction.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kfk_wire::fetch_request::{FetchPartition, FetchRequest, FetchTopic, ForgottenTopic};
use kfk_wire::fetch_response::{AbortedTransaction, PartitionData};
use kfk_wire::{ErrorCode, Records, Uuid};

use super::records::RecordChunk;
use super::session::Ask;
use crate::client::cluster::Client;
use crate::client::error::Error;
use crate::config::ConsumerConfig;
use crate::record::{BatchView, batches};
use crate::types::TopicPartition;

/// A batch that would decompress to more is refused rather than filling memory.
const MAX_DECOMPRESSED: usize = 512 << 20;

/// One partition to ask for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wanted {
    pub tp: TopicPartition,
    pub topic_id: Uuid,
    pub offset: i64,
    pub leader_epoch: i32,
    /// Of the last record before `offset`, -1 if not known: lets the broker see that its log and ours have parted.
    pub fetched_epoch: i32,
    /// Which of the partition's positions this belongs to.
    pub serial: u64,
    /// Asked of a replica that the leader has named, not of the leader.
    pub of_replica: bool,
}

impl Wanted {
    /// Of the very beginning, with nothing known.
    pub fn of(tp: TopicPartition) -> Wanted {
        Wanted { tp, topic_id: Uuid::default(), offset: 0, leader_epoch: -1, fetched_epoch: -1, serial: 0, of_replica: false }
    }
}

/// What came of one request.
pub(super) struct Answered {
    pub node: i32,
    /// For the session: the error of the whole and the session's id. `None`: there was no answer.
    pub session: Option<(ErrorCode, i32)>,
    /// Partitions that there is no news of are left out.
    pub partitions: Vec<Fetched>,
}

/// What one partition's part of an answer means, and what had been asked.
pub(super) struct Fetched {
    pub wanted: Wanted,
    pub outcome: Result<FetchedRecords, FetchError>,
}

pub(super) struct FetchedRecords {
    pub chunks: VecDeque<RecordChunk>,
    /// Where to read on, past everything that was filtered out.
    pub next_offset: i64,
    /// Leader epoch of the last batch; that of the request if there was none.
    pub last_epoch: i32,
    pub high_watermark: i64,
    pub log_start: i64,
    pub last_stable_offset: i64,
    pub bytes: usize,
}

pub(super) enum FetchError {
    OutOfRange,
    /// The leader moved or is not known: ask for metadata and try again.
    Moved,
    /// The leader wishes that this replica is asked.
    Preferred(i32),
    /// What was read after `end` has been replaced by other records, or was cut off.
    Diverged {
        end: i64,
        epoch: i32,
    },
    /// For the user.
    Told(Error),
}

/// Asks `node` for `wanted`, as its session has it, and reads the answer.
pub(super) async fn fetch(client: Client, config: Arc<ConsumerConfig>, node: i32, ask: Ask, wanted: Vec<Wanted>) -> Answered {
    let request = request(&config, ask);
    let thinking = Duration::from_millis(config.fetch_max_wait_ms.unsigned_abs().into());
    let answer = match client.call_on(crate::client::nodes::Lane::Fetch, node, &request, i16::MAX, thinking).await {
        Ok(answer) => answer,
        Err(error) => {
            let why = || if error.is_retriable() { FetchError::Moved } else { FetchError::Told(error.clone()) };
            let partitions = wanted.into_iter().map(|w| Fetched { wanted: w, outcome: Err(why()) }).collect();
            return Answered { node, session: None, partitions };
        }
    };
    let error = ErrorCode::from_code(answer.error_code);
    let session = Some((error, answer.session_id));
    if error != ErrorCode::None {
        return Answered { node, session, partitions: refused(error, wanted) };
    }
    let ids: BTreeMap<Uuid, &str> = wanted.iter().map(|w| (w.topic_id, w.tp.topic.as_str())).collect();
    let mut parts: BTreeMap<TopicPartition, PartitionData> = BTreeMap::new();
    for topic in answer.responses {
        let name = if topic.topic.is_empty() { ids.get(&topic.topic_id).copied().unwrap_or_default() } else { &topic.topic };
        parts.extend(topic.partitions.into_iter().map(|p| (TopicPartition::new(name, p.partition_index), p)));
    }
    let each = wanted.into_iter().filter_map(|wanted| {
        let part = parts.remove(&wanted.tp)?;
        let outcome = read(&config, &wanted, part);
        Some(Fetched { wanted, outcome })
    });
    let partitions = each.collect();
    Answered { node, session, partitions }
}

/// A whole answer that is an error. A session that is gone is begun anew without further ado.
fn refused(error: ErrorCode, wanted: Vec<Wanted>) -> Vec<Fetched> {
    use ErrorCode::{FetchSessionIdNotFound, FetchSessionTopicIdError, InvalidFetchSessionEpoch};
    if matches!(error, FetchSessionIdNotFound | InvalidFetchSessionEpoch | FetchSessionTopicIdError) {
        return Vec::new();
    }
    let why = || match error.is_retriable() {
        true => FetchError::Moved,
        false => FetchError::Told(Error::Broker { code: error, message: None }),
    };
    wanted.into_iter().map(|w| Fetched { wanted: w, outcome: Err(why()) }).collect()
}

fn request(config: &ConsumerConfig, ask: Ask) -> FetchRequest {
    let mut topics: Vec<FetchTopic> = Vec::new();
    for w in ask.partitions {
        let partition = FetchPartition {
            partition: w.tp.partition,
            current_leader_epoch: w.leader_epoch,
            fetch_offset: w.offset,
            last_fetched_epoch: w.fetched_epoch,
            partition_max_bytes: config.max_partition_fetch_bytes,
            ..Default::default()
        };
        // Partitions of one topic stand together, in the order of service.
        match topics.last_mut().filter(|t| t.topic == w.tp.topic) {
            Some(topic) => topic.partitions.push(partition),
            None => topics.push(FetchTopic { topic: w.tp.topic, topic_id: w.topic_id, partitions: vec![partition] }),
        }
    }
    let forgotten = |(tp, topic_id): (TopicPartition, Uuid)| ForgottenTopic { topic: tp.topic, topic_id, partitions: vec![tp.partition] };
    FetchRequest {
        max_wait_ms: config.fetch_max_wait_ms,
        min_bytes: config.fetch_min_bytes,
        max_bytes: config.fetch_max_bytes,
        isolation_level: i8::from(config.read_committed),
        session_id: ask.session_id,
        session_epoch: ask.epoch,
        topics,
        forgotten_topics_data: ask.forgotten.into_iter().map(forgotten).collect(),
        rack_id: config.client_rack.clone(),
        ..Default::default()
    }
}

fn read(config: &ConsumerConfig, wanted: &Wanted, part: PartitionData) -> Result<FetchedRecords, FetchError> {
    match ErrorCode::from_code(part.error_code) {
        ErrorCode::None => {}
        ErrorCode::OffsetOutOfRange => return Err(FetchError::OutOfRange),
        // Retriable by its table, but the bytes on the broker's disk do not change.
        code @ ErrorCode::CorruptMessage => return Err(FetchError::Told(Error::Broker { code, message: None })),
        error if error.is_retriable() || error == ErrorCode::UnknownTopicId => return Err(FetchError::Moved),
        code => return Err(FetchError::Told(Error::Broker { code, message: None })),
    }
    if part.diverging_epoch.end_offset >= 0 {
        return Err(FetchError::Diverged { end: part.diverging_epoch.end_offset, epoch: part.diverging_epoch.epoch });
    }
    let bytes = match part.records {
        Some(Records::Bytes(bytes)) => bytes,
        _ => Bytes::new(),
    };
    if part.preferred_read_replica >= 0 && bytes.is_empty() {
        return Err(FetchError::Preferred(part.preferred_read_replica));
    }
    let aborted = if config.read_committed { part.aborted_transactions.unwrap_or_default() } else { Vec::new() };
    let Read { chunks, next_offset, last_epoch } = chunks(config, wanted, &bytes, aborted)?;
    Ok(FetchedRecords {
        chunks,
        next_offset,
        last_epoch,
        high_watermark: part.high_watermark,
        log_start: part.log_start_offset,
        last_stable_offset: part.last_stable_offset,
        bytes: bytes.len(),
    })
}

/// What was in the bytes of one partition.
struct Read {
    chunks: VecDeque<RecordChunk>,
    next_offset: i64,
    last_epoch: i32,
}

/// Reads batches until the bytes end; a last batch that is cut short will come whole with the next fetch.
fn chunks(config: &ConsumerConfig, wanted: &Wanted, bytes: &Bytes, aborted: Vec<AbortedTransaction>) -> Result<Read, FetchError> {
    let topic: Arc<str> = Arc::from(wanted.tp.topic.as_str());
    let mut filter = AbortedFilter::new(aborted);
    let (mut out, mut next, mut last_epoch) = (VecDeque::new(), wanted.offset, wanted.fetched_epoch);
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
        last_epoch = view.header.partition_leader_epoch;
        if !filter.shows(&view) {
            continue;
        }
        let data = decompressed(&view, bytes).map_err(|e| corrupt(wanted, view.header.base_offset, &e))?;
        let chunk = RecordChunk::new(topic.clone(), wanted.tp.partition, view.header, data, wanted.offset);
        out.extend(chunk.map_err(|e| corrupt(wanted, view.header.base_offset, &e))?);
    }
    Ok(Read { chunks: out, next_offset: next, last_epoch })
}

pub(in crate::client) fn decompressed(view: &BatchView<'_>, all: &Bytes) -> Result<Bytes, crate::record::RecordError> {
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
