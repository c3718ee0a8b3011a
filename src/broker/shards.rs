//! Coordinators: one shard for each partition of an internal topic; requests in, answers back to whoever waits for them.
//!
//! The same for groups and transactions; what is different between them stands in [`Kind`].

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot, watch};
use tracing::{error, info};

use super::Broker;
use super::context::Cx;
use super::hosted::Hosted;
use super::reply::{Pending, Reply};
use crate::machine::coordinator::{Context, Coordinator, Producer, Token};
use crate::machine::partition::txn::Guard;
use crate::node::shard::{AppendError, InternalPartition, KeyValue, Page, Released, Shard};
use crate::node::transactions::EndMarker;
use crate::types::{LeaderEpoch, MonoMs, Now, Offset};
use crate::wire::ErrorCode;

/// One partition of an internal topic as its shard writes and reads it.
pub struct InternalLog {
    broker: Weak<Broker>,
    hosted: Arc<Hosted>,
    /// That of the transactional request that is being handled.
    guard: Option<Guard>,
}

impl InternalLog {
    /// Writes the end of a transaction; gives the marker's offset.
    pub fn append_marker(&mut self, now: Now, marker: &EndMarker) -> Result<Offset, AppendError> {
        let broker = self.broker.upgrade().ok_or(AppendError::Refused(ErrorCode::NotCoordinator))?;
        self.hosted.end_transaction(&broker, now, marker).map_err(AppendError::Refused)
    }
}

impl InternalLog {
    /// Lets go of records that are superfluous.
    pub fn drop_below(&self, now: Now, offset: Offset) -> Result<(), ErrorCode> {
        let broker = self.broker.upgrade().ok_or(ErrorCode::NotCoordinator)?;
        self.hosted
            .with_open(&broker, |p| if offset > p.offsets().log_start() { p.delete_records(now, offset).map(drop) } else { Ok(()) })?
    }
}

impl InternalPartition for InternalLog {
    fn append(&mut self, now: Now, producer: Producer, records: &[KeyValue]) -> Result<Offset, AppendError> {
        let broker = self.broker.upgrade().ok_or(AppendError::Refused(ErrorCode::NotCoordinator))?;
        let guard = self.guard;
        let appended = self.hosted.with_open(&broker, |p| p.append_records(now, producer, guard, records));
        let (offset, moved) = appended.map_err(AppendError::Refused)??;
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

/// The shard of one partition.
pub type ShardOf<M> = Shard<M, InternalLog>;
type Shared<M> = Arc<Mutex<ShardOf<M>>>;
type Answers<M> = Vec<Released<<M as Coordinator>::Answer>>;

/// A kind of coordinator, as far as the broker has to know it.
pub trait Kind: Coordinator<Request: Send, Event: Send, Record: Send, Answer: Send, Effect: Send> + Send + Sized + 'static {
    /// Where it keeps what it must not forget.
    const TOPIC: &'static str;
    /// What it coordinates, as log lines say it.
    const WHAT: &'static str;

    fn shards(broker: &Broker) -> &Shards<Self>;

    /// A machine that has read nothing yet.
    fn machine(broker: &Broker, leader_epoch: LeaderEpoch) -> Self;

    /// The partition was read to its end.
    fn loaded(_broker: &Broker, _shard: &mut ShardOf<Self>) -> Answers<Self> {
        Vec::new()
    }

    /// Whether [`Kind::prepare`] and [`Kind::carry_out`] will not block for this request.
    fn is_quick(_broker: &Broker, _shard: &ShardOf<Self>, _body: &Self::Request) -> bool {
        true
    }

    /// Before a request, or before time is told (`None`): what the machine will need. May block.
    fn prepare(_broker: &Arc<Broker>, _shard: &Mutex<ShardOf<Self>>, _body: Option<&Self::Request>) {}

    /// Does what the machine wants done outside. May block.
    fn carry_out(broker: &Arc<Broker>, partition: i32, effect: Self::Effect);
}

/// An answer, or where it will arrive.
pub enum Asked<A> {
    Here(A),
    Coming(oneshot::Receiver<A>),
}

impl<A> Asked<A> {
    /// Waits on a thread that may block. `None` if the broker goes away.
    pub fn wait(self) -> Option<A> {
        match self {
            Asked::Here(answer) => Some(answer),
            Asked::Coming(from) => from.blocking_recv().ok(),
        }
    }
}

/// All shards of one kind on this broker.
pub struct Shards<M: Coordinator> {
    commit_timeout_ms: u64,
    /// By partition of the topic; made and loaded when first needed, or soon after the start.
    shards: Mutex<HashMap<i32, Shared<M>>>,
    waiting: Mutex<HashMap<Token, oneshot::Sender<M::Answer>>>,
    next_token: AtomicU64,
    /// When the next shard has something to do, in monotonic milliseconds.
    earliest: AtomicU64,
    sooner: Notify,
}

impl<M: Kind> Shards<M> {
    /// `commit_timeout_ms` bounds how long an answer waits for its records to be committed.
    pub fn new(commit_timeout_ms: u64) -> Self {
        Shards {
            commit_timeout_ms,
            shards: Mutex::default(),
            waiting: Mutex::default(),
            next_token: AtomicU64::new(1),
            earliest: AtomicU64::new(u64::MAX),
            sooner: Notify::new(),
        }
    }

    /// Hands out the answers that shards released; the one for `own` comes back.
    pub fn deliver(&self, released: Answers<M>, own: Option<Token>) -> Option<M::Answer> {
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

    /// Tells every shard of something that brings no effects.
    pub fn tell_each(&self, broker: &Broker, f: impl Fn(Now, &mut ShardOf<M>) -> Answers<M>) {
        for (_, shard) in self.all() {
            let mut shard = shard.lock();
            let released = f(broker.clock.now(), &mut shard);
            self.deliver(released, None);
            self.note_deadline(shard.next_deadline());
        }
    }

    fn known(&self, partition: i32) -> Option<Shared<M>> {
        self.shards.lock().get(&partition).cloned()
    }

    fn all(&self) -> Vec<(i32, Shared<M>)> {
        self.shards.lock().iter().map(|(partition, shard)| (*partition, shard.clone())).collect()
    }

    fn is_quick(&self, broker: &Broker, partition: i32, body: &M::Request) -> bool {
        // A shard that is being loaded holds its lock.
        self.known(partition).is_some_and(|s| s.try_lock().is_none_or(|s| s.is_active() && M::is_quick(broker, &s, body)))
    }
}

impl Broker {
    /// The partition of the kind's topic that a key belongs to; `None` while there is no such topic.
    pub fn partition_of<M: Kind>(&self, key: &str) -> Option<i32> {
        self.image().topic(M::TOPIC).map(|t| crate::machine::group::partition_for(key, t.partition_count()))
    }

    /// Every partition of the kind's topic.
    pub fn partitions_of<M: Kind>(&self) -> Vec<i32> {
        self.image().topic(M::TOPIC).map(|t| t.partitions.keys().copied().collect()).unwrap_or_default()
    }

    /// The shard of a partition, made and loaded if need be: that may block.
    pub fn shard<M: Kind>(self: &Arc<Self>, partition: i32) -> Result<Shared<M>, ErrorCode> {
        let all = M::shards(self);
        if let Some(shard) = all.known(partition).filter(|s| s.try_lock().is_none_or(|s| s.is_active())) {
            return Ok(shard);
        }
        let image = self.image();
        let topic = image.topic(M::TOPIC).ok_or(ErrorCode::NotCoordinator)?;
        let leader_epoch = topic.partition(partition).map_or(-1, |p| p.leader_epoch);
        let hosted = self.partitions.get(topic, partition).map_err(|_| ErrorCode::NotCoordinator)?;
        let shard = {
            let make = || {
                let log = InternalLog { broker: Arc::downgrade(self), hosted, guard: None };
                Arc::new(Mutex::new(Shard::new(M::machine(self, leader_epoch), log, all.commit_timeout_ms)))
            };
            all.shards.lock().entry(partition).or_insert_with(make).clone()
        };
        let mut loading = shard.lock();
        let effects = if loading.is_active() { Vec::new() } else { self.load(&mut loading, partition)? };
        drop(loading);
        self.carry_out::<M>(partition, effects);
        Ok(shard)
    }

    fn load<M: Kind>(&self, shard: &mut ShardOf<M>, partition: i32) -> Result<Vec<M::Effect>, ErrorCode> {
        let all = M::shards(self);
        let released = shard.load(self.clock.now())?;
        all.deliver(released, None);
        let report = shard.load_report();
        if report.records > 0 {
            info!("{} of partition {partition} loaded: {} records, {} skipped", M::WHAT, report.records, report.skipped);
        }
        for (offset, skipped) in &report.first_skipped {
            info!("{} of partition {partition}, offset {offset}: skipped {skipped}", M::WHAT);
        }
        let released = M::loaded(self, shard);
        all.deliver(released, None);
        all.note_deadline(shard.next_deadline());
        Ok(shard.take_effects())
    }

    /// Loads all shards, so that what they wait for goes on after a start. May block.
    pub fn load_all<M: Kind>(self: &Arc<Self>) {
        for partition in self.partitions_of::<M>() {
            if let Err(code) = self.shard::<M>(partition) {
                error!("{} of partition {partition} cannot be loaded: {}", M::WHAT, code.name());
            }
        }
    }

    /// Lets `f` do something with a shard, and does what follows from it. May block.
    fn with_shard<M: Kind>(
        self: &Arc<Self>,
        partition: i32,
        shard: &Mutex<ShardOf<M>>,
        own: Option<Token>,
        f: impl FnOnce(&mut ShardOf<M>) -> Answers<M>,
    ) -> Option<M::Answer> {
        let all = M::shards(self);
        let mut shard = shard.lock();
        let released = f(&mut shard);
        let effects = shard.take_effects();
        all.note_deadline(shard.next_deadline());
        drop(shard);
        let mine = all.deliver(released, own);
        self.carry_out::<M>(partition, effects);
        mine
    }

    fn carry_out<M: Kind>(self: &Arc<Self>, partition: i32, effects: Vec<M::Effect>) {
        effects.into_iter().for_each(|effect| M::carry_out(self, partition, effect));
    }

    /// Tells the shard of a partition of something, if there is one.
    pub fn tell<M: Kind>(self: &Arc<Self>, partition: i32, event: M::Event) {
        if let Some(shard) = M::shards(self).known(partition) {
            let now = self.clock.now();
            self.with_shard(partition, &shard, None, |s| s.event(now, event));
        }
    }

    /// Asks the shard of a partition. May block. `guard` is that of the transaction in which the request writes, if any.
    pub fn ask<M: Kind>(self: &Arc<Self>, partition: i32, context: &Context, guard: Option<Guard>, body: M::Request) -> Asked<M::Answer> {
        let shard = match self.shard::<M>(partition) {
            Ok(shard) => shard,
            Err(code) => return Asked::Here(M::refuse(context, &body, code)),
        };
        M::prepare(self, &shard, Some(&body));
        let all = M::shards(self);
        let token = Token(all.next_token.fetch_add(1, Ordering::Relaxed));
        let (to, from) = oneshot::channel();
        all.waiting.lock().insert(token, to);
        let now = self.clock.now();
        let answer = self.with_shard(partition, &shard, Some(token), |s| {
            s.log_mut().guard = guard;
            let released = s.request(now, token, context.clone(), body);
            s.log_mut().guard = None;
            released
        });
        match answer {
            Some(answer) => {
                all.waiting.lock().remove(&token);
                Asked::Here(answer)
            }
            None => Asked::Coming(from),
        }
    }

    /// A partition is committed further than before: if it is one of the kind's topic, answers may leave.
    pub fn committed_for<M: Kind>(self: &Arc<Self>, hosted: &Hosted) {
        if &**hosted.topic() != M::TOPIC {
            return;
        }
        if let Some(shard) = M::shards(self).known(hosted.index()) {
            let now = self.clock.now();
            self.with_shard(hosted.index(), &shard, None, |s| s.committed(now));
        }
    }

    fn tick_shards<M: Kind>(self: &Arc<Self>) {
        let all = M::shards(self);
        all.earliest.store(u64::MAX, Ordering::Release);
        for (partition, shard) in all.all() {
            let next = shard.lock().next_deadline();
            let now = self.clock.now();
            if next.is_some_and(|at| at <= now.mono) {
                M::prepare(self, &shard, None);
                self.with_shard(partition, &shard, None, |s| s.tick(now));
            } else {
                all.note_deadline(next);
            }
        }
    }
}

/// Asks one coordinator and shapes the reply from its answer.
pub fn ask_one<M: Kind, T: Send + 'static>(cx: Cx, key: &str, body: M::Request, shape: fn(M::Answer) -> Option<T>) -> Reply<T> {
    let partition = cx.broker.partition_of::<M>(key);
    ask_many::<M, T>(cx, vec![(partition, body)], move |answers| answers.into_iter().next().and_then(shape))
}

/// Asks several coordinators at once and shapes the reply from their answers, which come in the order of the questions.
pub fn ask_many<M: Kind, T: Send + 'static>(
    cx: Cx,
    questions: Vec<(Option<i32>, M::Request)>,
    shape: impl FnOnce(Vec<M::Answer>) -> Option<T> + Send + 'static,
) -> Reply<T> {
    let all = M::shards(&cx.broker);
    let quick = questions.iter().all(|(partition, body)| partition.is_none_or(|p| all.is_quick(&cx.broker, p, body)));
    if quick { ask_now::<M, T>(&cx, questions, shape) } else { Reply::Blocking(Box::new(move || ask_now::<M, T>(&cx, questions, shape))) }
}

fn ask_now<M: Kind, T: Send + 'static>(
    cx: &Cx,
    questions: Vec<(Option<i32>, M::Request)>,
    shape: impl FnOnce(Vec<M::Answer>) -> Option<T> + Send + 'static,
) -> Reply<T> {
    let context = cx.coordinator_context();
    let ask = |(partition, body): (Option<i32>, M::Request)| match partition {
        Some(partition) => cx.broker.ask::<M>(partition, &context, None, body),
        None => Asked::Here(M::refuse(&context, &body, ErrorCode::NotCoordinator)),
    };
    let asked: Vec<Asked<M::Answer>> = questions.into_iter().map(ask).collect();
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

/// Calls the shards of a kind when their deadlines come, until the broker stops.
pub async fn keep_time<M: Kind>(broker: Arc<Broker>, mut stop: watch::Receiver<bool>) {
    let loading = broker.clone();
    let _ = tokio::task::spawn_blocking(move || loading.load_all::<M>()).await;
    loop {
        let earliest = M::shards(&broker).earliest.load(Ordering::Acquire);
        let due = async {
            match earliest {
                u64::MAX => std::future::pending().await,
                at => tokio::time::sleep_until(broker.clock.instant(MonoMs(at)).into()).await,
            }
        };
        tokio::select! {
            biased;
            _ = stop.wait_for(|stopping| *stopping) => return,
            () = M::shards(&broker).sooner.notified() => continue,
            () = due => {}
        }
        let ticking = broker.clone();
        let _ = tokio::task::spawn_blocking(move || ticking.tick_shards::<M>()).await;
    }
}
