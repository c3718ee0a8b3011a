//! The coordinators of groups: one shard for each partition of the offsets topic, requests in, answers back to whoever waits for them.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot, watch};
use tracing::{error, info};

use super::Broker;
use super::cluster::OFFSETS_TOPIC;
use super::context::Cx;
use super::hosted::Hosted;
use super::reply::{Pending, Reply};
use crate::config::BrokerConfig;
use crate::machine::coordinator::{Context, Coordinator, Producer, Token};
use crate::machine::group::{GroupAnswer, GroupConfig, GroupEvent, GroupRequest, GroupShard, partition_for};
use crate::node::shard::{AppendError, InternalPartition, KeyValue, Page, Released, Shard};
use crate::rng::Rng;
use crate::types::{MonoMs, Now, Offset, TopicId};
use crate::wire::ErrorCode;

/// One partition of the offsets topic as its shard writes and reads it.
struct OffsetsPartition {
    broker: Weak<Broker>,
    hosted: Arc<Hosted>,
}

impl InternalPartition for OffsetsPartition {
    fn append(&mut self, now: Now, producer: Producer, records: &[KeyValue]) -> Result<Offset, AppendError> {
        let broker = self.broker.upgrade().ok_or(AppendError::Refused(ErrorCode::NotCoordinator))?;
        let appended = self.hosted.with_open(&broker, |p| p.append_records(now, producer, records)).map_err(AppendError::Refused)?;
        let (offset, moved) = appended?;
        self.hosted.waiting.arrived(moved.bytes, |reader| moved.shows_more_to(reader));
        Ok(offset)
    }

    fn committed(&self) -> Offset {
        self.hosted.if_open(|p| p.offsets().high_watermark()).unwrap_or(0)
    }

    fn read(&mut self, from: Offset, max_bytes: usize) -> Result<Page, ErrorCode> {
        let broker = self.broker.upgrade().ok_or(ErrorCode::NotCoordinator)?;
        self.hosted.with_open(&broker, |p| p.read_page(from, max_bytes))?
    }
}

type GroupsOfPartition = Shard<GroupShard, OffsetsPartition>;

/// An answer, or where it will arrive.
pub enum Asked {
    Here(GroupAnswer),
    Coming(oneshot::Receiver<GroupAnswer>),
}

/// All shards of this broker.
pub struct Groups {
    config: GroupConfig,
    commit_timeout_ms: u64,
    /// By partition of the offsets topic; made and loaded when first needed, or soon after the start.
    shards: Mutex<HashMap<i32, Arc<Mutex<GroupsOfPartition>>>>,
    waiting: Mutex<HashMap<Token, oneshot::Sender<GroupAnswer>>>,
    next_token: AtomicU64,
    rng: Mutex<Rng>,
    /// When the next shard has something to do, in monotonic milliseconds.
    earliest: AtomicU64,
    sooner: Notify,
}

impl Groups {
    pub fn new(config: &BrokerConfig, rng: Rng) -> Self {
        Groups {
            config: group_config(config),
            commit_timeout_ms: u64::try_from(config.offsets_commit_timeout_ms).unwrap_or(0),
            shards: Mutex::default(),
            waiting: Mutex::default(),
            next_token: AtomicU64::new(1),
            rng: Mutex::new(rng),
            earliest: AtomicU64::new(u64::MAX),
            sooner: Notify::new(),
        }
    }

    /// Hands out the answers that shards released; the one for `own` comes back.
    fn deliver(&self, released: Vec<Released<GroupAnswer>>, own: Option<Token>) -> Option<GroupAnswer> {
        let mut mine = None;
        for Released { token, answer } in released {
            if Some(token) == own {
                mine = Some(answer);
            } else if let Some(to) = self.waiting.lock().remove(&token) {
                // Whoever asked may have gone meanwhile.
                let _ = to.send(answer);
            }
        }
        mine
    }

    /// Takes note of when a shard wants to be called again.
    fn note_deadline(&self, at: Option<MonoMs>) {
        let at = at.map_or(u64::MAX, |at| at.0);
        if self.earliest.fetch_min(at, Ordering::AcqRel) > at {
            self.sooner.notify_one();
        }
    }

    fn loaded(&self, partition: i32) -> Option<Arc<Mutex<GroupsOfPartition>>> {
        self.shards.lock().get(&partition).cloned()
    }

    fn all(&self) -> Vec<Arc<Mutex<GroupsOfPartition>>> {
        self.shards.lock().values().cloned().collect()
    }
}

fn group_config(config: &BrokerConfig) -> GroupConfig {
    GroupConfig {
        min_session_timeout_ms: config.group_min_session_timeout_ms,
        max_session_timeout_ms: config.group_max_session_timeout_ms,
        initial_rebalance_delay_ms: u64::try_from(config.group_initial_rebalance_delay_ms).unwrap_or(0),
        max_size: usize::try_from(config.group_max_size).unwrap_or(usize::MAX),
        offset_metadata_max: usize::try_from(config.offset_metadata_max_bytes).unwrap_or(0),
        offsets_retention_ms: i64::from(config.offsets_retention_minutes) * 60_000,
        offsets_retention_check_interval_ms: u64::try_from(config.offsets_retention_check_interval_ms).unwrap_or(u64::MAX),
        ..GroupConfig::default()
    }
}

impl Broker {
    /// The partition of the offsets topic that a group belongs to; `None` while there is no such topic.
    pub fn group_partition(&self, group: &str) -> Option<i32> {
        self.image().topic(OFFSETS_TOPIC).map(|t| partition_for(group, t.partition_count()))
    }

    /// Every partition of the offsets topic.
    pub fn group_partitions(&self) -> Vec<i32> {
        self.image().topic(OFFSETS_TOPIC).map(|t| t.partitions.keys().copied().collect()).unwrap_or_default()
    }

    /// The shard of a partition, made and loaded if need be: that may block.
    fn shard(self: &Arc<Self>, partition: i32) -> Result<Arc<Mutex<GroupsOfPartition>>, ErrorCode> {
        let groups = &self.groups;
        if let Some(shard) = groups.loaded(partition) {
            return Ok(shard);
        }
        let image = self.image();
        let topic = image.topic(OFFSETS_TOPIC).ok_or(ErrorCode::NotCoordinator)?;
        let hosted = self.partitions.get(topic, partition).map_err(|_| ErrorCode::NotCoordinator)?;
        let shard = {
            let mut shards = groups.shards.lock();
            let make = || {
                let machine = GroupShard::new(groups.config.clone(), Rng::new(groups.rng.lock().next_u64()));
                let log = OffsetsPartition { broker: Arc::downgrade(self), hosted };
                Arc::new(Mutex::new(Shard::new(machine, log, groups.commit_timeout_ms)))
            };
            shards.entry(partition).or_insert_with(make).clone()
        };
        let mut loading = shard.lock();
        if !loading.is_active() {
            self.load(&mut loading, partition)?;
        }
        drop(loading);
        Ok(shard)
    }

    fn load(&self, shard: &mut GroupsOfPartition, partition: i32) -> Result<(), ErrorCode> {
        let released = shard.load(self.clock.now())?;
        self.groups.deliver(released, None);
        let report = shard.load_report();
        if report.records > 0 {
            info!("groups of partition {partition} loaded: {} records, {} skipped", report.records, report.skipped);
        }
        for (offset, skipped) in &report.first_skipped {
            info!("groups of partition {partition}, offset {offset}: skipped {skipped}");
        }
        // Topics that were deleted while nobody could tell this coordinator.
        let image = self.image();
        let gone: Vec<(String, TopicId)> =
            shard.machine().topics_with_offsets().into_iter().filter(|(name, _)| image.topic(name).is_none()).collect();
        if !gone.is_empty() {
            let released = shard.event(self.clock.now(), GroupEvent::TopicsDeleted(gone));
            self.groups.deliver(released, None);
        }
        self.groups.note_deadline(shard.next_deadline());
        Ok(())
    }

    /// Loads all shards, so that sessions and expiry of the groups in them go on after a start. May block.
    pub fn load_groups(self: &Arc<Self>) {
        for partition in self.group_partitions() {
            if let Err(code) = self.shard(partition) {
                error!("groups of partition {partition} cannot be loaded: {}", code.name());
            }
        }
    }

    /// Tells all coordinators that topics are gone.
    pub fn groups_forget(&self, topics: Vec<(String, TopicId)>) {
        for shard in self.groups.all() {
            let mut shard = shard.lock();
            let released = shard.event(self.clock.now(), GroupEvent::TopicsDeleted(topics.clone()));
            self.groups.deliver(released, None);
            self.groups.note_deadline(shard.next_deadline());
        }
    }

    fn ask(self: &Arc<Self>, partition: i32, context: &Context, body: GroupRequest) -> Asked {
        let shard = match self.shard(partition) {
            Ok(shard) => shard,
            Err(code) => return Asked::Here(GroupShard::refuse(context, &body, code)),
        };
        let groups = &self.groups;
        let token = Token(groups.next_token.fetch_add(1, Ordering::Relaxed));
        let (to, from) = oneshot::channel();
        groups.waiting.lock().insert(token, to);
        let mut shard = shard.lock();
        let released = shard.request(self.clock.now(), token, context.clone(), body);
        groups.note_deadline(shard.next_deadline());
        drop(shard);
        match groups.deliver(released, Some(token)) {
            Some(answer) => {
                groups.waiting.lock().remove(&token);
                Asked::Here(answer)
            }
            None => Asked::Coming(from),
        }
    }
}

/// Asks the coordinator of one group and shapes the reply from its answer.
pub fn ask_one<T: Send + 'static>(cx: Cx, group: &str, body: GroupRequest, shape: fn(GroupAnswer) -> Option<T>) -> Reply<T> {
    let partition = cx.broker.group_partition(group);
    ask_many(cx, vec![(partition, body)], move |answers| answers.into_iter().next().and_then(shape))
}

/// Asks several coordinators at once and shapes the reply from their answers, which come in the order of the questions.
pub fn ask_many<T: Send + 'static>(
    cx: Cx,
    questions: Vec<(Option<i32>, GroupRequest)>,
    shape: impl FnOnce(Vec<GroupAnswer>) -> Option<T> + Send + 'static,
) -> Reply<T> {
    let wanted: HashSet<i32> = questions.iter().filter_map(|(partition, _)| *partition).collect();
    let ready = {
        let shards = cx.broker.groups.shards.lock();
        // A shard that is being loaded holds its lock.
        wanted.iter().all(|p| shards.get(p).is_some_and(|s| s.try_lock().is_none_or(|s| s.is_active())))
    };
    if ready { ask_now(&cx, questions, shape) } else { Reply::Blocking(Box::new(move || ask_now(&cx, questions, shape))) }
}

fn ask_now<T: Send + 'static>(
    cx: &Cx,
    questions: Vec<(Option<i32>, GroupRequest)>,
    shape: impl FnOnce(Vec<GroupAnswer>) -> Option<T> + Send + 'static,
) -> Reply<T> {
    let context = Context { client_id: cx.client_id.to_string(), client_host: format!("/{}", cx.peer.ip()), api_version: cx.version };
    let ask = |(partition, body): (Option<i32>, GroupRequest)| match partition {
        Some(partition) => cx.broker.ask(partition, &context, body),
        None => Asked::Here(GroupShard::refuse(&context, &body, ErrorCode::NotCoordinator)),
    };
    let asked: Vec<Asked> = questions.into_iter().map(ask).collect();
    let wrong = "a coordinator gave an answer to another question";
    if asked.iter().all(|a| matches!(a, Asked::Here(_))) {
        let answers = asked.into_iter().filter_map(|a| if let Asked::Here(answer) = a { Some(answer) } else { None });
        return shape(answers.collect()).map_or(Reply::Close(wrong.into()), Reply::now);
    }
    let all: Pending<Option<T>> = Box::pin(async move {
        let mut answers = Vec::with_capacity(asked.len());
        for asked in asked {
            answers.push(match asked {
                Asked::Here(answer) => answer,
                Asked::Coming(from) => from.await.ok()?,
            });
        }
        shape(answers)
    });
    Reply::Later(Box::pin(async move {
        match all.await {
            Some(body) => body.into(),
            // Only a broker that goes away drops a question; the connection ends with it.
            None => std::future::pending().await,
        }
    }))
}

/// Calls the shards when their deadlines come, until the broker stops.
pub async fn keep_time(broker: Arc<Broker>, mut stop: watch::Receiver<bool>) {
    let loading = broker.clone();
    let _ = tokio::task::spawn_blocking(move || loading.load_groups()).await;
    loop {
        let earliest = broker.groups.earliest.load(Ordering::Acquire);
        let due = async {
            match earliest {
                u64::MAX => std::future::pending().await,
                at => tokio::time::sleep_until(broker.clock.instant(MonoMs(at)).into()).await,
            }
        };
        tokio::select! {
            biased;
            _ = stop.wait_for(|stopping| *stopping) => return,
            () = broker.groups.sooner.notified() => continue,
            () = due => {}
        }
        let ticking = broker.clone();
        let _ = tokio::task::spawn_blocking(move || ticking.tick_groups()).await;
    }
}

impl Broker {
    fn tick_groups(&self) {
        self.groups.earliest.store(u64::MAX, Ordering::Release);
        for shard in self.groups.all() {
            let mut shard = shard.lock();
            let now = self.clock.now();
            if shard.next_deadline().is_some_and(|at| at <= now.mono) {
                let released = shard.tick(now);
                self.groups.deliver(released, None);
            }
            self.groups.note_deadline(shard.next_deadline());
        }
    }
}
