//! The task that keeps a share consumer in its group: sends what `machine::member` asks for, also while the user is busy with records.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kfk_wire::share_group_heartbeat_request::ShareGroupHeartbeatRequest;
use kfk_wire::share_group_heartbeat_response::ShareGroupHeartbeatResponse;
use kfk_wire::{ErrorCode, Uuid};
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};

use super::requests::too_old;
use crate::client::cluster::{Client, Coordinator};
use crate::client::consumer::heartbeats::names;
use crate::client::error::Error;
use crate::client::nodes::Lane;
use crate::machine::member::{ShareAction, ShareMember, ShareOptions, SharePart};
use crate::types::MonoMs;

/// What the consumer must know, in order.
#[derive(Debug)]
pub(super) enum Event {
    /// Fetch from these, and from no others.
    Assigned(Vec<SharePart>),
    Fatal(Error),
}

enum Answer {
    Heartbeat(u64, Option<ShareGroupHeartbeatResponse>),
    Names(BTreeMap<Uuid, String>),
}

struct Shared {
    client: Client,
    group: String,
    member: Mutex<ShareMember>,
    /// Actions that came out of answers.
    queued: Mutex<VecDeque<ShareAction>>,
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
    pub fn start(client: Client, options: ShareOptions) -> Group {
        let (tell, events) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            client,
            group: options.group.clone(),
            member: Mutex::new(ShareMember::new(options, MonoMs(0))),
            queued: Mutex::default(),
            wake: Notify::new(),
            started: Instant::now(),
        });
        let task = tokio::spawn(run(shared.clone(), tell)).abort_handle();
        Group { shared, events, task }
    }

    pub fn subscribe(&self, topics: BTreeSet<String>) {
        self.shared.member.lock().subscribe(topics);
        self.shared.wake.notify_one();
    }

    pub fn subscription(&self) -> BTreeSet<String> {
        self.shared.member.lock().subscription().clone()
    }

    pub fn polled(&self) {
        let now = self.shared.now();
        if self.shared.member.lock().polled(now) {
            self.shared.wake.notify_one();
        }
    }

    /// Leaves the group and stops.
    pub async fn leave(&self, limit: Duration) {
        self.task.abort();
        let action = self.shared.member.lock().leave();
        if let Some(ShareAction::Leave(request)) = action {
            // Nothing to do about a failure: the session ends by itself.
            let _ = tokio::time::timeout(limit, ask(&self.shared, &request)).await;
        }
    }
}

async fn run(shared: Arc<Shared>, events: mpsc::UnboundedSender<Event>) {
    let (tell, mut answers) = mpsc::unbounded_channel::<Answer>();
    loop {
        let now = shared.now();
        let mut actions: Vec<ShareAction> = shared.queued.lock().drain(..).collect();
        actions.extend(shared.member.lock().poll(now));
        if !actions.is_empty() {
            for action in actions {
                perform(&shared, action, &events, &tell);
            }
            continue;
        }
        let deadline = shared.member.lock().next_deadline();
        let sleep = deadline.map_or(Duration::from_secs(60), |d| Duration::from_millis(d.since(shared.now())));
        tokio::select! {
            _ = tokio::time::sleep(sleep.max(Duration::from_millis(1))) => {}
            _ = shared.wake.notified() => {}
            Some(answer) = answers.recv() => {
                let now = shared.now();
                let mut member = shared.member.lock();
                let actions = match answer {
                    Answer::Heartbeat(life, answer) => member.heartbeat_answered(now, life, answer),
                    Answer::Names(names) => member.named_topics(now, names),
                };
                drop(member);
                shared.queued.lock().extend(actions);
            }
        }
    }
}

fn perform(shared: &Arc<Shared>, action: ShareAction, events: &mpsc::UnboundedSender<Event>, tell: &mpsc::UnboundedSender<Answer>) {
    let (s, tell) = (shared.clone(), tell.clone());
    let send = |event| drop(events.send(event));
    match action {
        ShareAction::Heartbeat { request, life } => drop(tokio::spawn(async move {
            let _ = tell.send(Answer::Heartbeat(life, ask(&s, &request).await));
        })),
        ShareAction::Leave(request) => drop(tokio::spawn(async move {
            let _ = ask(&s, &request).await;
        })),
        ShareAction::NeedNames(ids) => drop(tokio::spawn(async move {
            let _ = tell.send(Answer::Names(names(&s.client, &ids).await));
        })),
        ShareAction::Assigned(parts) => send(Event::Assigned(parts)),
        ShareAction::Refused { code: ErrorCode::UnsupportedVersion, message: None } => send(Event::Fatal(too_old())),
        ShareAction::Refused { code, message } => send(Event::Fatal(Error::Broker { code, message })),
        ShareAction::ForgetCoordinator => shared.client.forget_coordinator(Coordinator::Group, &shared.group),
    }
}

/// Asks the coordinator; `None` when it cannot be found or does not answer. A broker that is too old answers that it is.
async fn ask(shared: &Shared, request: &ShareGroupHeartbeatRequest) -> Option<ShareGroupHeartbeatResponse> {
    let (client, group) = (&shared.client, &shared.group);
    let Ok(node) = client.coordinator(Coordinator::Group, group).await else {
        tokio::time::sleep(client.backoff(0)).await;
        return None;
    };
    match client.call_on(Lane::Group, node, request, i16::MAX, Duration::ZERO).await {
        Ok(answer) => Some(answer),
        Err(Error::Unsupported { .. } | Error::CannotAsk { .. }) => {
            Some(ShareGroupHeartbeatResponse { error_code: ErrorCode::UnsupportedVersion.code(), ..Default::default() })
        }
        Err(_) => {
            client.forget_coordinator(Coordinator::Group, group);
            None
        }
    }
}
