//! The task that keeps a consumer in its group: sends what `machine::member` asks for, also while the user is busy with records.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kfk_wire::consumer_group_heartbeat_response::ConsumerGroupHeartbeatResponse;
use kfk_wire::join_group_response::JoinGroupResponse;
use kfk_wire::leave_group_request::LeaveGroupRequest;
use kfk_wire::sync_group_response::SyncGroupResponse;
use kfk_wire::{ErrorCode, Request, Uuid};
use parking_lot::Mutex;
use regex::Regex;
use tokio::sync::{Notify, mpsc};

use super::heartbeats;
use crate::client::cluster::{Client, Coordinator};
use crate::client::error::Error;
use crate::client::metadata::{Metadata, TopicMetadata};
use crate::machine::assign::{TopicPartitions, Topics};
use crate::machine::member::{Action, AnyMember, Identity};
use crate::types::{MonoMs, TopicPartition};

/// What the consumer must know, in order.
#[derive(Debug, Clone)]
pub(super) enum Event {
    /// Answer with `Group::revoked` when the callback is over.
    Revoke(Vec<TopicPartition>),
    Lost(Vec<TopicPartition>),
    Assigned {
        added: Vec<TopicPartition>,
        all: Vec<TopicPartition>,
    },
    Fatal(Error),
}

enum Answer {
    Join(Option<JoinGroupResponse>),
    Sync(Option<SyncGroupResponse>),
    Heartbeat(Identity, Option<i16>),
    Topics(Topics),
    Consumer(u64, Option<ConsumerGroupHeartbeatResponse>),
    Names(BTreeMap<Uuid, String>),
}

struct Shared {
    client: Client,
    group: String,
    rebalance_limit: Duration,
    /// Topics that do not exist may be created by asking for them.
    create: bool,
    member: Mutex<AnyMember>,
    /// Actions that came out of calls by the consumer.
    queued: Mutex<VecDeque<Action>>,
    pattern: Mutex<Option<(Regex, bool)>>,
    wake: Notify,
    started: Instant,
}

impl Shared {
    fn now(&self) -> MonoMs {
        MonoMs(u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}

/// A membership under way.
pub(super) struct Group {
    shared: Arc<Shared>,
    pub events: mpsc::UnboundedReceiver<Event>,
    task: tokio::task::AbortHandle,
}

impl Drop for Group {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Group {
    pub fn start(client: Client, group: &str, member: impl FnOnce(MonoMs) -> AnyMember, rebalance_limit: Duration, create: bool) -> Group {
        let (tell, events) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            client,
            group: group.to_string(),
            rebalance_limit,
            create,
            member: Mutex::new(member(MonoMs(0))),
            queued: Mutex::default(),
            pattern: Mutex::new(None),
            wake: Notify::new(),
            started: Instant::now(),
        });
        let task = tokio::spawn(run(shared.clone(), tell)).abort_handle();
        Group { shared, events, task }
    }

    /// Subscribes to topics by name.
    pub fn subscribe(&self, topics: BTreeSet<String>) {
        *self.shared.pattern.lock() = None;
        self.shared.member.lock().subscribe(topics);
        self.shared.wake.notify_one();
    }

    /// Subscribes to all topics that match, now and later; internal ones only if `internal`.
    pub fn subscribe_pattern(&self, pattern: Regex, internal: bool) {
        *self.shared.pattern.lock() = Some((pattern, internal));
        self.shared.wake.notify_one();
    }

    /// Subscribes to all topics that match in the eyes of the coordinator. False: coordinators of this protocol resolve no expressions.
    pub fn subscribe_regex(&self, regex: &str) -> bool {
        *self.shared.pattern.lock() = None;
        let taken = self.shared.member.lock().subscribe_regex(regex);
        self.shared.wake.notify_one();
        taken
    }

    pub fn polled(&self) {
        let now = self.shared.now();
        if self.shared.member.lock().polled(now) {
            self.shared.wake.notify_one();
        }
    }

    /// The callback of `Event::Revoke` is over.
    pub fn revoked(&self) {
        let actions = self.shared.member.lock().revoked();
        self.shared.queued.lock().extend(actions);
        self.shared.wake.notify_one();
    }

    /// Member id, generation and instance id, for commits.
    pub fn identity(&self) -> (String, i32, Option<String>) {
        let member = self.shared.member.lock();
        let Identity { member_id, generation } = member.identity();
        (member_id, generation, member.instance_id().map(str::to_string))
    }

    pub fn commit_refused(&self, code: ErrorCode) {
        let now = self.shared.now();
        let mut member = self.shared.member.lock();
        let who = member.identity();
        let actions = member.commit_refused(now, &who, code);
        drop(member);
        self.shared.queued.lock().extend(actions);
        self.shared.wake.notify_one();
    }

    /// Leaves the group and stops.
    pub async fn leave(&self, limit: Duration) {
        self.task.abort();
        let action = self.shared.member.lock().leave("the consumer is being closed");
        let left = async {
            match action {
                Some(Action::Leave(request)) => send_leave(&self.shared, request).await,
                Some(Action::LeaveConsumerGroup(request)) => drop(call(&self.shared, &request, Duration::ZERO).await),
                _ => {}
            }
        };
        let _ = tokio::time::timeout(limit, left).await;
    }
}

async fn run(shared: Arc<Shared>, events: mpsc::UnboundedSender<Event>) {
    let (tell, mut answers) = mpsc::unbounded_channel::<Answer>();
    let mut metadata_due = Instant::now();
    loop {
        let now = shared.now();
        let mut actions: Vec<Action> = shared.queued.lock().drain(..).collect();
        actions.extend(shared.member.lock().poll(now));
        if !actions.is_empty() {
            for action in actions {
                perform(&shared, action, &events, &tell);
            }
            continue;
        }
        if Instant::now() >= metadata_due {
            metadata_due = Instant::now() + refresh(&shared).await;
            continue;
        }
        let deadline = shared.member.lock().next_deadline();
        let until_deadline = deadline.map_or(Duration::from_secs(60), |d| Duration::from_millis(d.since(shared.now())));
        let sleep = until_deadline.min(metadata_due.saturating_duration_since(Instant::now())).max(Duration::from_millis(1));
        tokio::select! {
            _ = tokio::time::sleep(sleep) => {}
            _ = shared.wake.notified() => {
                // A pattern must be resolved before there is anything to join for.
                if shared.pattern.lock().is_some() && shared.member.lock().next_deadline().is_none() {
                    metadata_due = Instant::now();
                }
            }
            Some(answer) = answers.recv() => take(&shared, answer),
        }
    }
}

/// Hands an answer to the machine; what it wants next is queued.
fn take(shared: &Shared, answer: Answer) {
    let now = shared.now();
    let mut member = shared.member.lock();
    let actions = match answer {
        Answer::Join(answer) => member.joined(now, answer),
        Answer::Sync(answer) => member.synced(now, answer),
        Answer::Heartbeat(who, code) => member.heartbeat_answered(now, &who, code),
        Answer::Topics(topics) => member.topics(topics),
        Answer::Consumer(life, answer) => member.consumer_answered(now, life, answer),
        Answer::Names(names) => {
            member.named_topics(now, names);
            Vec::new()
        }
    };
    drop(member);
    shared.queued.lock().extend(actions);
}

fn perform(shared: &Arc<Shared>, action: Action, events: &mpsc::UnboundedSender<Event>, tell: &mpsc::UnboundedSender<Answer>) {
    let (s, tell) = (shared.clone(), tell.clone());
    let send = |event| drop(events.send(event));
    match action {
        Action::Join(request) => drop(tokio::spawn(async move {
            let limit = s.rebalance_limit;
            let _ = tell.send(Answer::Join(call(&s, &request, limit).await));
        })),
        Action::Sync(request) => drop(tokio::spawn(async move {
            let limit = s.rebalance_limit;
            let _ = tell.send(Answer::Sync(call(&s, &request, limit).await));
        })),
        Action::Heartbeat(request) => drop(tokio::spawn(async move {
            let code = call(&s, &request, Duration::ZERO).await.map(|a| a.error_code);
            let _ = tell.send(Answer::Heartbeat(Identity::from(&request), code));
        })),
        Action::Leave(request) => drop(tokio::spawn(async move { send_leave(&s, request).await })),
        Action::NeedTopics(names) => drop(tokio::spawn(async move {
            let _ = tell.send(Answer::Topics(partitions_of(&s.client, &names).await));
        })),
        Action::ConsumerHeartbeat { request, life } => drop(tokio::spawn(async move {
            let _ = tell.send(Answer::Consumer(life, heartbeats::ask(&s.client, &s.group, &request).await));
        })),
        Action::LeaveConsumerGroup(request) => drop(tokio::spawn(async move {
            // Nothing to do about a failure: the session ends by itself.
            let _ = call(&s, &request, Duration::ZERO).await;
        })),
        Action::NeedNames(ids) => drop(tokio::spawn(async move {
            let _ = tell.send(Answer::Names(heartbeats::names(&s.client, &ids).await));
        })),
        Action::Refused { code, message } => send(Event::Fatal(Error::Broker { code, message })),
        Action::ForgetCoordinator => shared.client.forget_coordinator(Coordinator::Group, &shared.group),
        Action::Revoke(partitions) => send(Event::Revoke(partitions)),
        Action::Lost(partitions) => send(Event::Lost(partitions)),
        Action::Assigned { added, all } => send(Event::Assigned { added, all }),
        Action::Fatal(code) => send(Event::Fatal(Error::Broker { code, message: None })),
    }
}

/// Up to version 2 a LeaveGroup names one member by itself, from 3 on in a list; each form has no place for the other.
async fn send_leave(shared: &Shared, mut request: LeaveGroupRequest) {
    let Ok(node) = shared.client.coordinator(Coordinator::Group, &shared.group).await else { return };
    match shared.client.version_of::<LeaveGroupRequest>(node).await {
        Ok(version) if version >= 3 => request.member_id.clear(),
        _ => request.members.clear(),
    }
    // Nothing to do about a failure: the session ends by itself.
    let _ = shared.client.call_node(node, &request).await;
}

/// Asks the coordinator; `None` when it cannot be found or does not answer.
async fn call<R: Request>(shared: &Shared, request: &R, thinking: Duration) -> Option<R::Response> {
    let node = match shared.client.coordinator(Coordinator::Group, &shared.group).await {
        Ok(node) => node,
        Err(_) => {
            tokio::time::sleep(shared.client.backoff(0)).await;
            return None;
        }
    };
    let answer = shared.client.call_on(crate::client::nodes::Lane::Group, node, request, i16::MAX, thinking).await;
    if answer.is_err() {
        shared.client.forget_coordinator(Coordinator::Group, &shared.group);
    }
    answer.ok()
}

/// Partition counts of topics, with the racks of their replicas; those that do not exist are left out.
async fn partitions_of(client: &Client, names: &BTreeSet<String>) -> Topics {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut tries = 0;
    loop {
        match client.refresh(&names).await {
            Ok(metadata) => return topics_in(&metadata, &names),
            Err(_) => tokio::time::sleep(client.backoff(tries)).await,
        }
        tries += 1;
    }
}

fn topics_in(metadata: &Metadata, names: &[&str]) -> Topics {
    let rack = |node: &i32| metadata.brokers.get(node).and_then(|b| b.rack.clone());
    let found = names.iter().filter_map(|n| metadata.topics.get(*n));
    let partitions =
        |t: &TopicMetadata| TopicPartitions { racks: t.partitions.iter().map(|p| p.replicas.iter().filter_map(rack).collect()).collect() };
    found.map(|t| (t.name.clone(), partitions(t))).collect()
}

/// Looks at the topics again: a pattern may match more, a leader may have to assign anew. Returns when to look next.
async fn refresh(shared: &Arc<Shared>) -> Duration {
    let age = Duration::from_millis(shared.client.config().metadata_max_age_ms.max(100));
    let soon = shared.client.backoff(3);
    let pattern = shared.pattern.lock().clone();
    if let Some((pattern, internal)) = pattern {
        let Ok(metadata) = shared.client.refresh_all().await else { return soon };
        let wanted = |t: &&Arc<TopicMetadata>| pattern.is_match(&t.name) && (internal || !t.is_internal);
        let names: BTreeSet<String> = metadata.topics.values().filter(wanted).map(|t| t.name.clone()).collect();
        shared.member.lock().subscribe(names);
    }
    let names: BTreeSet<String> = shared.member.lock().subscription().clone();
    if names.is_empty() {
        return age;
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    match shared.client.refresh_creating(&names, shared.create).await {
        Ok(metadata) => shared.member.lock().metadata_changed(&topics_in(&metadata, &names)),
        Err(_) => return soon,
    }
    // A subscribed topic that does not exist yet is looked for more often.
    let missing = names.iter().any(|n| !shared.client.metadata().topics.contains_key(*n));
    if missing { Duration::from_secs(1).min(age) } else { age }
}
