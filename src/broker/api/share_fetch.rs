//! ShareFetch: records that the member then holds, or a wait for them; with it comes what it says of those it has. Version 2 brought
//! renewal of locks and limits within a batch.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::broker::cluster;
use crate::broker::context::Cx;
use crate::broker::hosted::Hosted;
use crate::broker::reply::{Answer, Reply};
use crate::broker::share::{Look, LookFor, is_served, key_of};
use crate::broker::wait::Waiter;
use crate::machine::partition::Reader;
use crate::machine::share::partition::{AckBatch, AckType};
use crate::machine::share::session::{CLOSES, OPENS, Part, SessionKey};
use crate::types::TopicId;
use crate::wire::share_fetch_request::{AcknowledgementBatch, ShareFetchRequest};
use crate::wire::share_fetch_response::{
    AcquiredRecords, LeaderIdAndEpoch, NodeEndpoint, PartitionData, ShareFetchResponse, ShareFetchableTopicResponse,
};
use crate::wire::{ErrorCode, Records};

/// `share.acquire.mode=record_limit`
const RECORD_LIMIT: i8 = 1;

pub fn handle(cx: Cx, request: ShareFetchRequest) -> Reply<ShareFetchResponse> {
    if !is_served(&cx.broker.image()) {
        return Reply::now(refused(ErrorCode::UnsupportedVersion));
    }
    Reply::Blocking(Box::new(move || match Fetch::begin(cx, request) {
        Ok(fetch) => fetch.start(),
        Err(code) => Reply::now(refused(code)),
    }))
}

fn refused(code: ErrorCode) -> ShareFetchResponse {
    ShareFetchResponse { error_code: code.code(), error_message: Some(code.message().to_string()), ..Default::default() }
}

/// Group and member, if they can be that.
pub fn who(group: &Option<String>, member: &Option<String>) -> Result<SessionKey, ErrorCode> {
    let given = |s: &Option<String>| s.clone().filter(|s| !s.is_empty());
    given(group).zip(given(member)).ok_or(ErrorCode::InvalidRequest)
}

type Acknowledged = BTreeMap<Part, Result<(), (ErrorCode, String)>>;

struct Fetch {
    cx: Cx,
    wanted: LookFor,
    parts: Vec<Part>,
    acknowledged: Acknowledged,
    lock_ms: i32,
    min_bytes: usize,
    deadline: Instant,
}

impl Fetch {
    /// Sessions and acknowledgements.
    fn begin(cx: Cx, request: ShareFetchRequest) -> Result<Fetch, ErrorCode> {
        let who = who(&request.group_id, &request.member_id)?;
        let (epoch, acknowledges) = (request.share_session_epoch, request.topics.iter().flat_map(|t| &t.partitions));
        if epoch == OPENS && acknowledges.clone().any(|p| !p.acknowledgement_batches.is_empty()) {
            return Err(ErrorCode::InvalidRequest);
        }
        let added: Vec<Part> = parts(request.topics.iter().map(|t| (t.topic_id, t.partitions.iter().map(|p| p.partition_index).collect())));
        let forgotten = parts(request.forgotten_topics_data.iter().map(|t| (t.topic_id, t.partitions.clone())));
        let mut parts = cx.broker.share.sessions.lock().fetch(&who, epoch, cx.connection, &added, &forgotten)?;
        let mut acknowledged = Acknowledged::new();
        for topic in &request.topics {
            for p in topic.partitions.iter().filter(|p| !p.acknowledgement_batches.is_empty()) {
                let part = (topic.topic_id, p.partition_index);
                acknowledged.insert(part, acknowledge(&cx, &who, &part, &p.acknowledgement_batches));
            }
        }
        if epoch == CLOSES {
            close(&cx, &who);
        }
        if request.is_renew_ack {
            parts.clear();
        }
        let lock_ms = cx.broker.share_lock_ms(&who.0);
        let max_bytes = usize::try_from(request.max_bytes.min(cx.broker.config.fetch_max_bytes)).unwrap_or(0);
        let wanted = LookFor {
            who,
            max_bytes,
            max_records: request.max_records.into(),
            batch_size: request.batch_size.into(),
            strict: request.share_acquire_mode == RECORD_LIMIT,
        };
        let min_bytes = usize::try_from(request.min_bytes).unwrap_or(0).min(max_bytes);
        let deadline = Instant::now() + Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
        Ok(Fetch { cx, wanted, parts, acknowledged, lock_ms, min_bytes, deadline })
    }

    fn look(&self) -> Look {
        self.cx.broker.share_look(&self.parts, &self.wanted)
    }

    /// Records that were found are the member's, so whatever there is goes out.
    fn is_done(&self, look: &Look) -> bool {
        !look.found.is_empty() || self.parts.is_empty() || self.min_bytes == 0 || self.deadline <= Instant::now()
    }

    fn start(self) -> Reply<ShareFetchResponse> {
        let look = self.look();
        if self.is_done(&look) {
            return Reply::now(self.answer(look));
        }
        let waiting = Waiting::join(&self);
        // What came between the look and the joining woke nobody.
        let look = self.look();
        if self.is_done(&look) {
            return Reply::now(self.answer(look));
        }
        Reply::Later(Box::pin(self.wait(waiting)))
    }

    async fn wait(self, waiting: Waiting) -> Answer<ShareFetchResponse> {
        let fetch = Arc::new(self);
        loop {
            let late = tokio::time::timeout_at(fetch.deadline.into(), waiting.waiter.woken()).await.is_err();
            waiting.waiter.expect(1);
            let looking = fetch.clone();
            let look = tokio::task::spawn_blocking(move || looking.look()).await.unwrap_or_default();
            if late || fetch.is_done(&look) {
                return fetch.answer(look).into();
            }
        }
    }

    fn answer(&self, look: Look) -> ShareFetchResponse {
        let image = self.cx.broker.image();
        let mut response = ShareFetchResponse { acquisition_lock_timeout_ms: self.lock_ms, ..Default::default() };
        let mut data: BTreeMap<Part, PartitionData> = BTreeMap::new();
        for (part, found) in look.found {
            let entry = data.entry(part).or_insert_with(|| PartitionData { partition_index: part.1, ..Default::default() });
            match found {
                Ok(taken) => {
                    entry.records = Records::Bytes(taken.records);
                    let acquired = taken.acquired.iter().map(|a| AcquiredRecords {
                        first_offset: a.first,
                        last_offset: a.last,
                        delivery_count: a.count,
                    });
                    entry.acquired_records = acquired.collect();
                }
                Err(code) => {
                    (entry.error_code, entry.error_message) = (code.code(), Some(code.message().to_string()));
                    let known = image.topic_by_id(part.0).and_then(|t| t.partition(part.1));
                    if let Some(p) = known.filter(|_| code == ErrorCode::NotLeaderOrFollower) {
                        entry.current_leader = LeaderIdAndEpoch { leader_id: p.leader, leader_epoch: p.leader_epoch };
                        let endpoint = cluster::endpoint(&image, &self.cx, p.leader);
                        response.node_endpoints.extend(endpoint.map(|e| NodeEndpoint {
                            node_id: e.id,
                            host: e.host,
                            port: e.port,
                            rack: e.rack,
                        }));
                    }
                }
            }
        }
        for (part, outcome) in &self.acknowledged {
            let entry = data.entry(*part).or_insert_with(|| PartitionData { partition_index: part.1, ..Default::default() });
            if let Err((code, message)) = outcome {
                (entry.acknowledge_error_code, entry.acknowledge_error_message) = (code.code(), Some(message.clone()));
            }
        }
        for ((topic_id, _), data) in data {
            match response.responses.last_mut().filter(|t| t.topic_id == topic_id) {
                Some(topic) => topic.partitions.push(data),
                None => response.responses.push(ShareFetchableTopicResponse { topic_id, partitions: vec![data] }),
            }
        }
        response
    }
}

fn parts(topics: impl Iterator<Item = (TopicId, Vec<i32>)>) -> Vec<Part> {
    topics.flat_map(|(topic, partitions)| partitions.into_iter().map(move |p| (topic, p))).collect()
}

fn acknowledge(cx: &Cx, who: &SessionKey, part: &Part, batches: &[AcknowledgementBatch]) -> Result<(), (ErrorCode, String)> {
    let told = batches.iter().map(|b| (b.first_offset, b.last_offset, b.acknowledge_types.as_slice()));
    acknowledge_partition(cx, who, part, told)
}

/// What a member says of records of one partition, in whatever request.
pub fn acknowledge_partition<'a>(
    cx: &Cx,
    who: &SessionKey,
    part: &Part,
    told: impl Iterator<Item = (i64, i64, &'a [i8])>,
) -> Result<(), (ErrorCode, String)> {
    let batch = |(first, last, codes): (i64, i64, &[i8])| {
        let types: Option<Vec<AckType>> = codes.iter().map(|code| AckType::from_code(*code)).collect();
        types.map(|types| AckBatch { first, last, types })
    };
    let batches: Option<Vec<AckBatch>> = told.map(batch).collect();
    let Some(batches) = batches else {
        return Err((ErrorCode::InvalidRequest, ErrorCode::InvalidRequest.message().to_string()));
    };
    cx.broker.share_acknowledge(who, part, &batches)
}

/// The member ends its session: what it still holds is free.
pub fn close(cx: &Cx, who: &SessionKey) {
    let parts = cx.broker.share.sessions.lock().close(who).unwrap_or_default();
    cx.broker.share_release(who, &parts);
}

/// A fetch's place in the wait lists of its partitions; dropping it leaves them.
struct Waiting {
    waiter: Arc<Waiter>,
    at: Vec<Arc<Hosted>>,
}

impl Waiting {
    fn join(fetch: &Fetch) -> Waiting {
        // Whatever moves may be of use, for both isolation levels.
        let waiter = Waiter::new(Reader::Uncommitted, 1);
        let group = &fetch.wanted.who.0;
        let at: Vec<_> = fetch.parts.iter().filter_map(|part| fetch.cx.broker.share_hosted(&key_of(group, part)).ok()).collect();
        at.iter().for_each(|hosted| hosted.waiting.add(waiter.clone()));
        Waiting { waiter, at }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.at.iter().for_each(|hosted| hosted.waiting.remove(&self.waiter));
    }
}
