//! A share consumer's side of its group (KIP-932): one kind of request, and the coordinator says which partitions to fetch from.
//!
//! Records belong to members, partitions to nobody: nothing has to be given up before others may have it, so an assignment counts from the
//! moment it is told. As with KIP-848 a heartbeat tells only what has changed, and everything after anything went wrong.

use std::collections::{BTreeMap, BTreeSet};

use kfk_wire::share_group_heartbeat_request::ShareGroupHeartbeatRequest;
use kfk_wire::share_group_heartbeat_response::{Assignment, ShareGroupHeartbeatResponse};
use kfk_wire::{ErrorCode, Uuid};

use crate::types::{MonoMs, TopicPartition};

/// How long until names of topics are asked for again that the cluster did not know.
const NAMES_AGAIN_MS: u64 = 500;
/// How long until someone asks again who may not see a topic.
const FORBIDDEN_AGAIN_MS: u64 = 5_000;

/// Who has no place in the group.
const OUT: i32 = 0;
/// Leaves for good.
const GONE: i32 = -1;

/// A member's settings, in milliseconds.
#[derive(Debug, Clone)]
pub struct ShareOptions {
    pub group: String,
    /// For as long as the member lives; another one for each.
    pub member_id: String,
    pub rack: Option<String>,
    /// `max.poll.interval.ms`
    pub max_poll_interval_ms: u64,
    pub retry_backoff_ms: u64,
}

/// A partition with the topic that it is of, whatever that is called.
pub type SharePart = (Uuid, TopicPartition);

/// What the driver must do, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum ShareAction {
    /// The answer comes back with the `life`.
    Heartbeat { request: ShareGroupHeartbeatRequest, life: u64 },
    /// Nobody waits for the answer.
    Leave(ShareGroupHeartbeatRequest),
    /// Look up what these topics are called and call `named_topics`.
    NeedNames(Vec<Uuid>),
    /// Fetch from these, and from no others.
    Assigned(Vec<SharePart>),
    /// The member cannot go on, in the coordinator's words. It tries again with the next `polled`.
    Refused { code: ErrorCode, message: Option<String> },
    /// The coordinator must be looked up again before the next request.
    ForgetCoordinator,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    /// Not a member. Joins from then on, if it subscribes to something.
    Out(MonoMs),
    In,
}

/// See the file's head.
#[derive(Debug)]
pub struct ShareMember {
    options: ShareOptions,
    phase: Phase,
    epoch: i32,
    /// Grows when the membership is lost or given up: answers to what was asked before mean nothing then.
    life: u64,
    subscription: BTreeSet<String>,
    /// What the coordinator knows; `None`: tell everything.
    last_said: Option<BTreeSet<String>>,
    in_flight: Option<BTreeSet<String>>,
    target: BTreeMap<Uuid, BTreeSet<i32>>,
    /// What the driver was last told to fetch from.
    told: Vec<SharePart>,
    names: BTreeMap<Uuid, String>,
    asking_names: bool,
    names_due: MonoMs,
    heartbeat_due: MonoMs,
    /// Nothing is sent before that, after a failure.
    quiet_until: MonoMs,
    last_poll: MonoMs,
    /// Left because the user did not poll; joins again with the next poll.
    stalled: bool,
    failed: bool,
}

impl ShareMember {
    pub fn new(options: ShareOptions, now: MonoMs) -> Self {
        ShareMember {
            options,
            phase: Phase::Out(now),
            epoch: OUT,
            life: 0,
            subscription: BTreeSet::new(),
            last_said: None,
            in_flight: None,
            target: BTreeMap::new(),
            told: Vec::new(),
            names: BTreeMap::new(),
            asking_names: false,
            names_due: now,
            heartbeat_due: now,
            quiet_until: now,
            last_poll: now,
            stalled: false,
            failed: false,
        }
    }

    /// Also that of its share sessions.
    pub fn member_id(&self) -> &str {
        &self.options.member_id
    }

    /// The topics it asks for records of.
    pub fn subscription(&self) -> &BTreeSet<String> {
        &self.subscription
    }

    /// Subscribes to these topics, and to no others.
    pub fn subscribe(&mut self, topics: BTreeSet<String>) {
        self.subscription = topics;
    }

    /// The user asked for records: the member is alive. True if there may be something to `poll` for now.
    pub fn polled(&mut self, now: MonoMs) -> bool {
        self.last_poll = now;
        let woken = std::mem::take(&mut self.stalled);
        let again = std::mem::take(&mut self.failed);
        if again {
            self.phase = Phase::Out(now.plus(self.options.retry_backoff_ms));
        }
        woken || again
    }

    /// What to do now. To be called after every input and at `next_deadline`, until it gives nothing.
    pub fn poll(&mut self, now: MonoMs) -> Vec<ShareAction> {
        let mut out = Vec::new();
        if self.failed {
            return out;
        }
        if self.phase == Phase::In && now >= self.stall_at() {
            self.stalled = true;
            out.push(ShareAction::Leave(self.leave_request()));
            self.lose_membership(now, &mut out);
        }
        self.ask_names(now, &mut out);
        if self.in_flight.is_none() && self.send_at().is_some_and(|at| at <= now) {
            let request = self.request();
            self.in_flight = Some(self.subscription.clone());
            // Until the coordinator has said how often.
            self.heartbeat_due = now.plus(self.options.retry_backoff_ms);
            out.push(ShareAction::Heartbeat { request, life: self.life });
        }
        out
    }

    /// When `poll` has something to do by time alone.
    pub fn next_deadline(&self) -> Option<MonoMs> {
        if self.failed {
            return None;
        }
        let send = self.send_at().filter(|_| self.in_flight.is_none());
        let stall = (self.phase == Phase::In).then(|| self.stall_at());
        let names = (!self.asking_names && self.unknown().next().is_some()).then_some(self.names_due);
        [send, stall, names].into_iter().flatten().min()
    }

    /// When the next heartbeat goes out, if none is under way.
    fn send_at(&self) -> Option<MonoMs> {
        match self.phase {
            Phase::Out(from) => (!self.subscription.is_empty() && !self.stalled).then_some(from.max(self.quiet_until)),
            Phase::In if self.last_said.as_ref() != Some(&self.subscription) => Some(self.quiet_until),
            Phase::In => Some(self.heartbeat_due.max(self.quiet_until)),
        }
    }

    fn stall_at(&self) -> MonoMs {
        self.last_poll.plus(self.options.max_poll_interval_ms.saturating_add(1))
    }

    fn request(&self) -> ShareGroupHeartbeatRequest {
        let full = self.last_said.is_none();
        let changed = self.last_said.as_ref() != Some(&self.subscription);
        ShareGroupHeartbeatRequest {
            group_id: self.options.group.clone(),
            member_id: self.options.member_id.clone(),
            member_epoch: if self.phase == Phase::In { self.epoch } else { OUT },
            rack_id: self.options.rack.clone().filter(|_| full),
            subscribed_topic_names: changed.then(|| self.subscription.iter().cloned().collect()),
        }
    }

    fn leave_request(&self) -> ShareGroupHeartbeatRequest {
        ShareGroupHeartbeatRequest {
            group_id: self.options.group.clone(),
            member_id: self.options.member_id.clone(),
            member_epoch: GONE,
            ..Default::default()
        }
    }

    /// The answer to `ShareAction::Heartbeat`; `None` when there was none. `life`: that of the action.
    pub fn heartbeat_answered(&mut self, now: MonoMs, life: u64, answer: Option<ShareGroupHeartbeatResponse>) -> Vec<ShareAction> {
        let mut out = Vec::new();
        if life != self.life {
            return out;
        }
        let said = self.in_flight.take();
        let Some(answer) = answer else {
            out.push(ShareAction::ForgetCoordinator);
            self.try_again(now);
            return out;
        };
        match ErrorCode::from_code(answer.error_code) {
            ErrorCode::None => {
                self.phase = Phase::In;
                self.epoch = answer.member_epoch;
                self.last_said = said;
                self.heartbeat_due = now.plus(u64::try_from(answer.heartbeat_interval_ms).unwrap_or(0).max(1));
                if let Some(assignment) = answer.assignment {
                    self.target = partitions(assignment);
                }
                self.tell(&mut out);
            }
            error => self.refused(now, error, answer.error_message, &mut out),
        }
        out
    }

    fn refused(&mut self, now: MonoMs, error: ErrorCode, message: Option<String>, out: &mut Vec<ShareAction>) {
        match error {
            ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable => {
                out.push(ShareAction::ForgetCoordinator);
                self.try_again(now);
            }
            ErrorCode::FencedMemberEpoch | ErrorCode::UnknownMemberId => self.lose_membership(now, out),
            // Someone may yet be allowed to, or make the topic.
            ErrorCode::TopicAuthorizationFailed => {
                self.try_again(now);
                self.quiet_until = now.plus(FORBIDDEN_AGAIN_MS);
                out.push(ShareAction::Refused { code: error, message });
            }
            error if error.is_retriable() => self.try_again(now),
            error => {
                self.lose_membership(now, out);
                self.failed = true;
                out.push(ShareAction::Refused { code: error, message });
            }
        }
    }

    /// Asks once more, and tells everything: it is not known what arrived.
    fn try_again(&mut self, now: MonoMs) {
        self.last_said = None;
        self.quiet_until = now.plus(self.options.retry_backoff_ms);
    }

    fn lose_membership(&mut self, now: MonoMs, out: &mut Vec<ShareAction>) {
        self.life += 1;
        self.epoch = OUT;
        self.phase = Phase::Out(now);
        self.last_said = None;
        self.in_flight = None;
        self.target.clear();
        self.tell(out);
    }

    /// Leaves the group.
    pub fn leave(&mut self) -> Option<ShareAction> {
        // It may be that the coordinator has let it in and the answer is on its way.
        let known = self.phase == Phase::In || self.in_flight.is_some();
        self.subscription.clear();
        // Out of the group nobody is told anything.
        self.lose_membership(MonoMs(0), &mut Vec::new());
        known.then(|| ShareAction::Leave(self.leave_request()))
    }

    // ---- assignments ---------------------------------------------------------------------------------------------------------

    fn unknown(&self) -> impl Iterator<Item = Uuid> {
        self.target.keys().filter(|topic| !self.names.contains_key(*topic)).copied()
    }

    fn ask_names(&mut self, now: MonoMs, out: &mut Vec<ShareAction>) {
        let unknown: Vec<Uuid> = self.unknown().collect();
        if !unknown.is_empty() && !self.asking_names && now >= self.names_due {
            self.asking_names = true;
            out.push(ShareAction::NeedNames(unknown));
        }
    }

    /// What the cluster knows of the names that `ShareAction::NeedNames` asked for.
    pub fn named_topics(&mut self, now: MonoMs, names: BTreeMap<Uuid, String>) -> Vec<ShareAction> {
        let mut out = Vec::new();
        self.asking_names = false;
        self.names.extend(names);
        self.names_due = if self.unknown().next().is_some() { now.plus(NAMES_AGAIN_MS) } else { now };
        self.tell(&mut out);
        out
    }

    /// Tells of the partitions whose names are known, if they are others than before.
    fn tell(&mut self, out: &mut Vec<ShareAction>) {
        let mut all = Vec::new();
        for (topic, partitions) in &self.target {
            let Some(name) = self.names.get(topic) else { continue };
            all.extend(partitions.iter().map(|p| (*topic, TopicPartition::new(name.as_str(), *p))));
        }
        if all != self.told {
            self.told = all.clone();
            out.push(ShareAction::Assigned(all));
        }
    }
}

fn partitions(assignment: Assignment) -> BTreeMap<Uuid, BTreeSet<i32>> {
    let mut all: BTreeMap<Uuid, BTreeSet<i32>> = BTreeMap::new();
    for topic in assignment.topic_partitions.into_iter().filter(|t| !t.partitions.is_empty()) {
        all.entry(topic.topic_id).or_default().extend(topic.partitions);
    }
    all
}

#[cfg(test)]
#[path = "share_tests.rs"]
mod tests;
