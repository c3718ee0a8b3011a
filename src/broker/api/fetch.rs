//! Fetch: record batches from the page cache to the socket, or a wait for them.
//!
//! Version 7 brought sessions, 9 leader epochs, 12 divergence, 13 topic ids, 15 the replica's epoch, 16 the leader's endpoint.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::broker::cluster;
use crate::broker::context::Cx;
use crate::broker::hosted::Hosted;
use crate::broker::metrics::Traffic;
use crate::broker::reply::{Answer, FileRange, Reply};
use crate::broker::wait::Waiter;
use crate::log::ReadSlice;
use crate::machine::controller::ClusterState;
use crate::machine::fetch_session::{Ask, Decision, Found, TopicKey, Wanted};
use crate::machine::partition::Reader;
use crate::node::partition::{Read, ReadAsk};
use crate::types::Offset;
use crate::wire::fetch_request::FetchRequest;
use crate::wire::fetch_response::{
    AbortedTransaction, FetchResponse, FetchableTopicResponse, LeaderIdAndEpoch, NodeEndpoint, PartitionData,
};
use crate::wire::{ErrorCode, Records};

/// Isolation level of readers of committed transactions only.
const READ_COMMITTED: i8 = 1;

pub fn handle(cx: Cx, request: FetchRequest) -> Reply<FetchResponse> {
    let (replica_id, ask) = ask(&cx, &request);
    let decision = cx.broker.sessions.decide(cx.now(), ask);
    let (session, wanted) = match decision {
        Decision::Refuse(code) => return Reply::now(FetchResponse { error_code: code.code(), ..Default::default() }),
        Decision::Full(wanted) => (Session { id: 0, incremental: false }, wanted),
        Decision::Opened { id, wanted } => (Session { id, incremental: false }, wanted),
        Decision::Incremental { id, wanted } => (Session { id, incremental: true }, wanted),
    };
    let reader = match (replica_id, request.isolation_level) {
        (0.., _) => Reader::Replica,
        (_, READ_COMMITTED) => Reader::Committed,
        _ => Reader::Uncommitted,
    };
    let max_bytes = usize::try_from(request.max_bytes.min(cx.broker.config.fetch_max_bytes)).unwrap_or(0);
    let min_bytes = usize::try_from(request.min_bytes).unwrap_or(0).min(max_bytes);
    let deadline = Instant::now() + Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
    let fetch = Fetch { cx, session, wanted, reader, max_bytes, min_bytes, deadline, may_wait: request.max_wait_ms > 0 };
    if fetch.needs_opening() { Reply::Blocking(Box::new(move || fetch.start())) } else { fetch.start() }
}

/// The part of the request that sessions are about, and the follower that asks (-1: a consumer).
fn ask(cx: &Cx, request: &FetchRequest) -> (i32, Ask) {
    let by_id = cx.version >= 13;
    let replica_id = if cx.version >= 15 { request.replica_state.replica_id } else { request.replica_id };
    let mut wanted = Vec::with_capacity(request.topics.iter().map(|t| t.partitions.len()).sum());
    for topic in &request.topics {
        let key = if by_id { TopicKey::Id(topic.topic_id) } else { TopicKey::Name(topic.topic.as_str().into()) };
        wanted.extend(topic.partitions.iter().map(|p| Wanted {
            topic: key.clone(),
            partition: p.partition,
            fetch_offset: p.fetch_offset,
            current_leader_epoch: p.current_leader_epoch,
            last_fetched_epoch: p.last_fetched_epoch,
            log_start_offset: p.log_start_offset,
            max_bytes: p.partition_max_bytes,
        }));
    }
    let mut forgotten = Vec::new();
    for topic in &request.forgotten_topics_data {
        let key = if by_id { TopicKey::Id(topic.topic_id) } else { TopicKey::Name(topic.topic.as_str().into()) };
        forgotten.extend(topic.partitions.iter().map(|p| (key.clone(), *p)));
    }
    let follower = replica_id >= 0;
    (replica_id, Ask { session_id: request.session_id, epoch: request.session_epoch, by_id, follower, wanted, forgotten })
}

#[derive(Clone, Copy)]
struct Session {
    id: i32,
    incremental: bool,
}

struct Fetch {
    cx: Cx,
    session: Session,
    wanted: Vec<Wanted>,
    reader: Reader,
    max_bytes: usize,
    min_bytes: usize,
    deadline: Instant,
    may_wait: bool,
}

/// What one look at all partitions found.
struct Look {
    results: Vec<Result<Read, ErrorCode>>,
    bytes: usize,
    /// An error, divergence, or data that lies on an older segment: there is nothing to wait for.
    final_: bool,
}

impl Fetch {
    fn needs_opening(&self) -> bool {
        let image = self.cx.broker.image();
        self.wanted.iter().any(|w| self.hosted(&image, w).is_ok_and(|h| !h.is_open()))
    }

    fn start(self) -> Reply<FetchResponse> {
        let look = self.look();
        if self.is_done(&look) {
            return Reply::Now(self.answer(look));
        }
        let waiting = Waiting::join(&self, self.min_bytes.saturating_sub(look.bytes));
        // What arrived between the look and the joining woke nobody.
        let look = self.look();
        if self.is_done(&look) {
            return Reply::Now(self.answer(look));
        }
        Reply::Later(Box::pin(self.wait(waiting)))
    }

    async fn wait(self, waiting: Waiting) -> Answer<FetchResponse> {
        loop {
            let late = tokio::time::timeout_at(self.deadline.into(), waiting.waiter.woken()).await.is_err();
            let look = self.look();
            if late || self.is_done(&look) {
                return self.answer(look);
            }
            waiting.waiter.expect(missing(self.min_bytes.saturating_sub(look.bytes)));
        }
    }

    fn is_done(&self, look: &Look) -> bool {
        !self.may_wait || look.final_ || self.wanted.is_empty() || look.bytes >= self.min_bytes
    }

    fn hosted(&self, image: &ClusterState, wanted: &Wanted) -> Result<Arc<Hosted>, ErrorCode> {
        let topic = match &wanted.topic {
            TopicKey::Id(id) => image.topic_by_id(*id).ok_or(ErrorCode::UnknownTopicId)?,
            TopicKey::Name(name) => image.topic(name).ok_or(ErrorCode::UnknownTopicOrPartition)?,
        };
        self.cx.broker.partitions.get(topic, wanted.partition)
    }

    fn look(&self) -> Look {
        let image = self.cx.broker.image();
        let mut look = Look { results: Vec::with_capacity(self.wanted.len()), bytes: 0, final_: false };
        for wanted in &self.wanted {
            let ask = ReadAsk {
                reader: self.reader,
                offset: wanted.fetch_offset,
                current_leader_epoch: wanted.current_leader_epoch,
                last_fetched_epoch: wanted.last_fetched_epoch,
                max_bytes: usize::try_from(wanted.max_bytes).unwrap_or(0).min(self.max_bytes.saturating_sub(look.bytes)),
                at_least_one_batch: look.bytes == 0,
            };
            let result = self.hosted(&image, wanted).and_then(|hosted| hosted.with_open(&self.cx.broker, |p| p.read(&ask))?);
            match &result {
                Ok(read) => {
                    look.bytes += read.records.as_ref().map_or(0, |r| r.len);
                    look.final_ |= read.diverging.is_some() || read.on_older_segment;
                }
                Err(_) => look.final_ = true,
            }
            look.results.push(result);
        }
        look
    }

    /// For the metrics: what this partition's part of the answer carries.
    fn count(&self, image: &ClusterState, wanted: &Wanted, result: &Result<Read, ErrorCode>) {
        let count = |traffic: &Traffic| match result {
            Ok(read) => traffic.fetched(read.records.as_ref().map_or(0, |r| r.len)),
            Err(_) => traffic.fetch_failed(),
        };
        count(&self.cx.broker.metrics.traffic);
        if let Ok(hosted) = self.hosted(image, wanted) {
            count(&hosted.traffic);
        }
    }

    fn answer(&self, look: Look) -> Answer<FetchResponse> {
        let found: Vec<(&Wanted, Found)> = self.wanted.iter().zip(&look.results).map(|(w, r)| (w, found(r))).collect();
        let told = self.cx.broker.sessions.shape(self.session.id, self.session.incremental, &found);
        let mut files = Vec::new();
        let mut response = FetchResponse { session_id: self.session.id, ..Default::default() };
        let image = self.cx.broker.image();
        for ((wanted, result), _) in self.wanted.iter().zip(look.results).zip(told).filter(|(_, told)| *told) {
            self.count(&image, wanted, &result);
            let data = match result {
                Ok(read) => data(wanted.partition, read, self.reader, &mut files),
                Err(code) => self.refused(&image, wanted, code, &mut response.node_endpoints),
            };
            push(&mut response.responses, &wanted.topic, data);
        }
        Answer { body: response, files }
    }

    /// A partition's error; from version 16 with the leader where that helps.
    fn refused(&self, image: &ClusterState, wanted: &Wanted, code: ErrorCode, endpoints: &mut Vec<NodeEndpoint>) -> PartitionData {
        // Clients that do not know of the one do know to look for the leader again.
        let old = code == ErrorCode::KafkaStorageError && self.cx.version <= 5;
        let code = if old { ErrorCode::NotLeaderOrFollower } else { code };
        let mut data = PartitionData {
            partition_index: wanted.partition,
            error_code: code.code(),
            high_watermark: -1,
            last_stable_offset: -1,
            log_start_offset: -1,
            preferred_read_replica: -1,
            records: Some(Records::default()),
            ..Default::default()
        };
        let tells_leader = matches!(code, ErrorCode::NotLeaderOrFollower | ErrorCode::FencedLeaderEpoch);
        let topic = match &wanted.topic {
            TopicKey::Id(id) => image.topic_by_id(*id),
            TopicKey::Name(name) => image.topic(name),
        };
        if let Some(p) = topic.and_then(|t| t.partition(wanted.partition)).filter(|_| tells_leader && self.cx.version >= 16) {
            data.current_leader = LeaderIdAndEpoch { leader_id: p.leader, leader_epoch: p.leader_epoch };
            if let Some(e) = cluster::endpoint(image, &self.cx, p.leader).filter(|e| endpoints.iter().all(|known| known.node_id != e.id)) {
                endpoints.push(NodeEndpoint { node_id: e.id, host: e.host, port: e.port, rack: e.rack });
            }
        }
        data
    }
}

fn found(result: &Result<Read, ErrorCode>) -> Found {
    match result {
        Ok(read) => Found {
            has_records: read.records.is_some(),
            must_tell: read.diverging.is_some(),
            is_error: false,
            high_watermark: read.high_watermark,
            log_start: read.log_start,
        },
        Err(_) => Found { must_tell: true, is_error: true, high_watermark: -1, log_start: -1, has_records: false },
    }
}

fn data(partition: i32, read: Read, reader: Reader, files: &mut Vec<FileRange>) -> PartitionData {
    let records = read.records.as_ref().map_or_else(Records::default, |slice| records(slice, files));
    let mut data = PartitionData {
        partition_index: partition,
        high_watermark: read.high_watermark,
        last_stable_offset: read.last_stable,
        log_start_offset: read.log_start,
        aborted_transactions: (reader == Reader::Committed).then(|| read.aborted.iter().map(aborted).collect()),
        preferred_read_replica: -1,
        records: Some(records),
        ..Default::default()
    };
    if let Some(end) = read.diverging {
        (data.diverging_epoch.epoch, data.diverging_epoch.end_offset) = (end.epoch, end.end);
    }
    data
}

/// Records that the connection takes from the file; bytes of an unreal disk as they are.
fn records(slice: &ReadSlice, files: &mut Vec<FileRange>) -> Records {
    let Some(file) = slice.std_file() else { return slice.read().map(Records::Bytes).unwrap_or_default() };
    let token = files.len() as u64;
    files.push(FileRange { file, position: slice.position, len: slice.len });
    Records::Deferred { len: u32::try_from(slice.len).unwrap_or(u32::MAX), token }
}

fn aborted((producer_id, first_offset): &(i64, Offset)) -> AbortedTransaction {
    AbortedTransaction { producer_id: *producer_id, first_offset: *first_offset }
}

/// Adds to the last topic of the response if it is the same, as partitions of a topic mostly follow each other.
fn push(topics: &mut Vec<FetchableTopicResponse>, key: &TopicKey, data: PartitionData) {
    let same = topics.last().is_some_and(|last| match key {
        TopicKey::Id(id) => last.topic_id == *id,
        TopicKey::Name(name) => last.topic == **name,
    });
    if !same {
        topics.push(match key {
            TopicKey::Id(id) => FetchableTopicResponse { topic_id: *id, ..Default::default() },
            TopicKey::Name(name) => FetchableTopicResponse { topic: name.to_string(), ..Default::default() },
        });
    }
    if let Some(last) = topics.last_mut() {
        last.partitions.push(data);
    }
}

/// A fetch's place in the wait lists of its partitions; dropping it leaves them.
struct Waiting {
    waiter: Arc<Waiter>,
    at: Vec<Arc<Hosted>>,
}

impl Waiting {
    fn join(fetch: &Fetch, bytes: usize) -> Waiting {
        let image = fetch.cx.broker.image();
        let waiter = Waiter::new(fetch.reader, missing(bytes));
        let at: Vec<_> = fetch.wanted.iter().filter_map(|w| fetch.hosted(&image, w).ok()).collect();
        at.iter().for_each(|hosted| hosted.waiting.add(waiter.clone()));
        Waiting { waiter, at }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.at.iter().for_each(|hosted| hosted.waiting.remove(&self.waiter));
    }
}

fn missing(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
