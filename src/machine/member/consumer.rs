//! A consumer's side of a group of KIP-848: one kind of request, and the coordinator says what is whose.
//!
//! ```text
//! Out -> Joining -> In: told an assignment -> revoke what is not in it -> take what is new -> say what is held
//!  ^                 |            ^                                                               |
//!  `- lost, fenced --'            `---------------------------------------------------------------'
//! ```
//!
//! A heartbeat tells only what has changed since the coordinator last answered; after anything went wrong it tells everything. While the
//! user's callback runs, heartbeats go on and still name what is being revoked: only when it is given up the coordinator hears of it.

use std::collections::{BTreeMap, BTreeSet};

use kfk_wire::consumer_group_heartbeat_request::{ConsumerGroupHeartbeatRequest, TopicPartitions};
use kfk_wire::consumer_group_heartbeat_response::{Assignment, ConsumerGroupHeartbeatResponse};
use kfk_wire::{ErrorCode, Uuid};

use super::Action;
use crate::types::{MonoMs, TopicPartition};

/// How long until names of topics are asked for again that the cluster did not know.
const NAMES_AGAIN_MS: u64 = 500;

/// How long until someone asks again who may not see a topic.
const FORBIDDEN_AGAIN_MS: u64 = 5_000;

/// Who has no place in the group.
const OUT: i32 = 0;
/// Leaves for good.
const GONE: i32 = -1;
/// A static member that may come back to its place.
const AWAY: i32 = -2;

/// A member's settings, in milliseconds.
#[derive(Debug, Clone)]
pub struct ConsumerOptions {
    pub group: String,
    /// For as long as the member lives; another one for each.
    pub member_id: String,
    pub instance_id: Option<String>,
    pub rack: Option<String>,
    /// Also how long giving up partitions may take: `max.poll.interval.ms`.
    pub max_poll_interval_ms: i32,
    /// `group.remote.assignor`; `None`: the coordinator's choice.
    pub assignor: Option<String>,
    pub retry_backoff_ms: u64,
}

/// Partitions by topic.
type Held = BTreeMap<Uuid, BTreeSet<i32>>;

/// What the member wants, and what it has.
#[derive(Debug, Clone, Default, PartialEq)]
struct Said {
    topics: BTreeSet<String>,
    regex: Option<String>,
    held: Held,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    /// Not a member. Joins from then on, if it subscribes to something.
    Out(MonoMs),
    In,
}

/// See the file's head.
#[derive(Debug)]
pub struct ConsumerMember {
    options: ConsumerOptions,
    phase: Phase,
    epoch: i32,
    /// Grows when the membership is lost or given up: answers to what was asked before mean nothing then.
    life: u64,
    /// There is a subscription, be it to nothing that exists.
    subscribes: bool,
    now_said: Said,
    /// What the coordinator knows; `None`: tell everything.
    last_said: Option<Said>,
    in_flight: Option<Said>,
    /// What the coordinator has assigned; `None` before it told.
    target: Option<Held>,
    /// The user has been told of an assignment, be it empty.
    settled: bool,
    /// The user is being told that these go.
    revoking: Option<Held>,
    names: BTreeMap<Uuid, String>,
    asking_names: bool,
    names_due: MonoMs,
    heartbeat_due: MonoMs,
    /// Nothing is sent before that, after a failure.
    quiet_until: MonoMs,
    last_poll: MonoMs,
    /// Left because the user did not poll; joins again with the next poll.
    stalled: bool,
    failed: Option<ErrorCode>,
}

impl ConsumerMember {
    pub fn new(options: ConsumerOptions, now: MonoMs) -> Self {
        ConsumerMember {
            options,
            phase: Phase::Out(now),
            epoch: OUT,
            life: 0,
            subscribes: false,
            now_said: Said::default(),
            last_said: None,
            in_flight: None,
            target: None,
            settled: false,
            revoking: None,
            names: BTreeMap::new(),
            asking_names: false,
            names_due: now,
            heartbeat_due: now,
            quiet_until: now,
            last_poll: now,
            stalled: false,
            failed: None,
        }
    }

    /// The id for commits; empty outside the group.
    pub fn member_id(&self) -> &str {
        if self.phase == Phase::In { &self.options.member_id } else { "" }
    }

    /// The epoch for commits; -1 outside the group.
    pub fn epoch(&self) -> i32 {
        if self.phase == Phase::In { self.epoch } else { -1 }
    }

    /// `group.instance.id`.
    pub fn instance_id(&self) -> Option<&str> {
        self.options.instance_id.as_deref()
    }

    /// Topics that are subscribed to by name.
    pub fn subscription(&self) -> &BTreeSet<String> {
        &self.now_said.topics
    }

    /// The regular expression that the coordinator resolves.
    pub fn regex(&self) -> Option<&str> {
        self.now_said.regex.as_deref()
    }

    /// What is held now, as far as the user knows.
    pub fn owned(&self) -> Vec<TopicPartition> {
        self.named(&self.now_said.held)
    }

    /// Subscribes to topics by name, and to nothing else.
    pub fn subscribe(&mut self, topics: BTreeSet<String>) {
        self.subscribes = true;
        self.now_said.topics = topics;
        self.now_said.regex = None;
    }

    /// Subscribes to all topics whose whole name matches in the eyes of the coordinator, and to nothing else.
    pub fn subscribe_regex(&mut self, regex: &str) {
        self.subscribes = true;
        self.now_said.topics.clear();
        self.now_said.regex = Some(regex.to_string());
    }

    /// The user asked for records: the member is alive. True if there may be something to `poll` for now.
    pub fn polled(&mut self, now: MonoMs) -> bool {
        self.last_poll = now;
        let woken = std::mem::take(&mut self.stalled);
        let again = self.failed.is_some_and(|e| e != ErrorCode::FencedInstanceId);
        if again {
            self.failed = None;
            self.phase = Phase::Out(now.plus(self.options.retry_backoff_ms));
        }
        woken || again
    }

    /// What to do now. To be called after every input and at `next_deadline`, until it gives nothing.
    pub fn poll(&mut self, now: MonoMs) -> Vec<Action> {
        let mut out = Vec::new();
        if self.failed.is_some() {
            return out;
        }
        self.leave_if_stalled(now, &mut out);
        self.reconcile(now, &mut out);
        if self.in_flight.is_none() && self.send_at().is_some_and(|at| at <= now) {
            self.heartbeat(now, &mut out);
        }
        out
    }

    /// When `poll` has something to do by time alone.
    pub fn next_deadline(&self) -> Option<MonoMs> {
        if self.failed.is_some() {
            return None;
        }
        let send = self.send_at().filter(|_| self.in_flight.is_none());
        let stall = (self.phase == Phase::In).then(|| self.stall_at());
        let asks = !self.asking_names && self.revoking.is_none() && self.has_unknown_topics();
        let names = asks.then_some(self.names_due);
        [send, stall, names].into_iter().flatten().min()
    }

    /// When the next heartbeat goes out, if none is under way.
    fn send_at(&self) -> Option<MonoMs> {
        match self.phase {
            // A callback that is under way ends first.
            Phase::Out(from) => (self.subscribes && !self.stalled && self.revoking.is_none()).then_some(from.max(self.quiet_until)),
            Phase::In if self.last_said.as_ref() != Some(&self.now_said) => Some(self.quiet_until),
            Phase::In => Some(self.heartbeat_due.max(self.quiet_until)),
        }
    }

    fn stall_at(&self) -> MonoMs {
        self.last_poll.plus(u64::from(self.options.max_poll_interval_ms.unsigned_abs()) + 1)
    }

    fn leave_if_stalled(&mut self, now: MonoMs, out: &mut Vec<Action>) {
        if self.phase == Phase::In && now >= self.stall_at() {
            self.stalled = true;
            out.push(Action::LeaveConsumerGroup(self.leave_request()));
            self.lose_membership(now, out);
        }
    }

    // ---- heartbeats ----------------------------------------------------------------------------------------------------------

    fn heartbeat(&mut self, now: MonoMs, out: &mut Vec<Action>) {
        let request = self.request();
        self.in_flight = Some(self.now_said.clone());
        // Until the coordinator has said how often.
        self.heartbeat_due = now.plus(self.options.retry_backoff_ms);
        out.push(Action::ConsumerHeartbeat { request, life: self.life });
    }

    fn request(&self) -> ConsumerGroupHeartbeatRequest {
        let (known, full) = (self.last_said.as_ref(), self.last_said.is_none());
        let now = &self.now_said;
        let joins = self.phase != Phase::In;
        let topics_changed = known.is_none_or(|said| said.topics != now.topics);
        let regex_changed = match known {
            Some(said) => said.regex != now.regex,
            None => now.regex.is_some(),
        };
        let held_changed = known.is_none_or(|said| said.held != now.held);
        ConsumerGroupHeartbeatRequest {
            group_id: self.options.group.clone(),
            member_id: self.options.member_id.clone(),
            member_epoch: if joins { OUT } else { self.epoch },
            instance_id: self.options.instance_id.clone(),
            rack_id: self.options.rack.clone().filter(|_| full),
            rebalance_timeout_ms: if full { self.options.max_poll_interval_ms } else { -1 },
            subscribed_topic_names: topics_changed.then(|| now.topics.iter().cloned().collect()),
            // An empty one takes the old one back.
            subscribed_topic_regex: regex_changed.then(|| now.regex.clone().unwrap_or_default()),
            server_assignor: self.options.assignor.clone().filter(|_| full),
            topic_partitions: held_changed.then(|| listed(&now.held)),
        }
    }

    fn leave_request(&self) -> ConsumerGroupHeartbeatRequest {
        ConsumerGroupHeartbeatRequest {
            group_id: self.options.group.clone(),
            member_id: self.options.member_id.clone(),
            member_epoch: if self.options.instance_id.is_some() { AWAY } else { GONE },
            instance_id: self.options.instance_id.clone(),
            ..Default::default()
        }
    }

    /// The answer to `Action::ConsumerHeartbeat`; `None` when there was none. `life`: that of the action.
    pub fn heartbeat_answered(&mut self, now: MonoMs, life: u64, answer: Option<ConsumerGroupHeartbeatResponse>) -> Vec<Action> {
        let mut out = Vec::new();
        if life != self.life {
            return out;
        }
        let said = self.in_flight.take();
        match answer {
            None => {
                out.push(Action::ForgetCoordinator);
                self.try_again(now);
            }
            Some(answer) => match ErrorCode::from_code(answer.error_code) {
                ErrorCode::None => self.take_answer(now, said, answer),
                error => self.refused(now, error, answer.error_message, &mut out),
            },
        }
        out
    }

    fn take_answer(&mut self, now: MonoMs, said: Option<Said>, answer: ConsumerGroupHeartbeatResponse) {
        self.phase = Phase::In;
        self.epoch = answer.member_epoch;
        self.last_said = said;
        self.heartbeat_due = now.plus(u64::try_from(answer.heartbeat_interval_ms).unwrap_or(0).max(1));
        if let Some(assignment) = answer.assignment {
            self.target = Some(held(assignment));
        }
    }

    fn refused(&mut self, now: MonoMs, error: ErrorCode, message: Option<String>, out: &mut Vec<Action>) {
        match error {
            ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable => {
                out.push(Action::ForgetCoordinator);
                self.try_again(now);
            }
            ErrorCode::FencedMemberEpoch | ErrorCode::UnknownMemberId => self.lose_membership(now, out),
            // Someone may yet be allowed to, or make the topic.
            ErrorCode::TopicAuthorizationFailed => {
                self.try_again(now);
                self.quiet_until = now.plus(FORBIDDEN_AGAIN_MS);
                out.push(Action::Refused { code: error, message });
            }
            error if error.is_retriable() => self.try_again(now),
            error => {
                self.lose_membership(now, out);
                self.failed = Some(error);
                out.push(Action::Refused { code: error, message });
            }
        }
    }

    /// Asks once more, and tells everything: it is not known what arrived.
    fn try_again(&mut self, now: MonoMs) {
        self.last_said = None;
        self.quiet_until = now.plus(self.options.retry_backoff_ms);
    }

    fn lose_membership(&mut self, now: MonoMs, out: &mut Vec<Action>) {
        self.life += 1;
        self.epoch = OUT;
        self.phase = Phase::Out(now);
        self.last_said = None;
        self.in_flight = None;
        self.target = None;
        self.settled = false;
        let mut lost = std::mem::take(&mut self.now_said.held);
        if let Some(going) = &self.revoking {
            // The user hears of these already.
            lost = without(&lost, going);
        }
        let lost = self.named(&lost);
        if !lost.is_empty() {
            out.push(Action::Lost(lost));
        }
    }

    /// A commit was refused: the next heartbeat tells why.
    pub fn commit_refused(&mut self, now: MonoMs, error: ErrorCode) {
        if matches!(error, ErrorCode::StaleMemberEpoch | ErrorCode::FencedMemberEpoch | ErrorCode::UnknownMemberId) {
            self.heartbeat_due = now;
        }
    }

    /// Leaves the group: for good, or with an instance id for a while.
    pub fn leave(&mut self) -> Option<Action> {
        // It may be that the coordinator has let it in and the answer is on its way.
        let known = self.phase == Phase::In || self.in_flight.is_some();
        let request = self.leave_request();
        self.life += 1;
        self.phase = Phase::Out(MonoMs(0));
        self.subscribes = false;
        self.in_flight = None;
        self.now_said = Said::default();
        known.then_some(Action::LeaveConsumerGroup(request))
    }

    // ---- assignments ---------------------------------------------------------------------------------------------------------

    /// Goes one step from what is held to what is assigned.
    fn reconcile(&mut self, now: MonoMs, out: &mut Vec<Action>) {
        let Some(target) = self.target.as_ref().filter(|_| self.phase == Phase::In && self.revoking.is_none()) else { return };
        let gone = without(&self.now_said.held, target);
        if !gone.is_empty() {
            out.push(Action::Revoke(self.named(&gone)));
            self.revoking = Some(gone);
            return;
        }
        let added = without(target, &self.now_said.held);
        let (added, unknown): (Held, Held) = added.into_iter().partition(|(topic, _)| self.names.contains_key(topic));
        // With nothing new, who was told of an assignment has heard all.
        let is_news = !added.is_empty() || (unknown.is_empty() && !self.settled);
        if !unknown.is_empty() && !self.asking_names && now >= self.names_due {
            self.asking_names = true;
            out.push(Action::NeedNames(unknown.into_keys().collect()));
        }
        if !is_news {
            return;
        }
        self.settled = true;
        for (topic, partitions) in &added {
            self.now_said.held.entry(*topic).or_default().extend(partitions);
        }
        out.push(Action::Assigned { added: self.named(&added), all: self.owned() });
    }

    /// The callback that `Action::Revoke` asked for is over.
    pub fn revoked(&mut self) -> Vec<Action> {
        if let Some(gone) = self.revoking.take() {
            self.now_said.held = without(&self.now_said.held, &gone);
            // The user hears of what is left, also where nothing is new.
            self.settled = false;
        }
        Vec::new()
    }

    /// What the cluster knows of the names that `Action::NeedNames` asked for.
    pub fn named_topics(&mut self, now: MonoMs, names: BTreeMap<Uuid, String>) {
        self.asking_names = false;
        self.names.extend(names);
        self.names_due = if self.has_unknown_topics() { now.plus(NAMES_AGAIN_MS) } else { now };
    }

    fn has_unknown_topics(&self) -> bool {
        self.target.iter().flat_map(|target| target.keys()).any(|topic| !self.names.contains_key(topic))
    }

    fn named(&self, held: &Held) -> Vec<TopicPartition> {
        let mut all = Vec::new();
        for (topic, partitions) in held {
            let Some(name) = self.names.get(topic) else { continue };
            all.extend(partitions.iter().map(|p| TopicPartition::new(name.as_str(), *p)));
        }
        all.sort();
        all
    }

    /// Every invariant; for tests.
    pub fn check(&self) {
        assert!(self.phase == Phase::In || self.now_said.held.is_empty(), "who is out holds nothing");
        assert!(self.now_said.held.keys().all(|topic| self.names.contains_key(topic)), "what is held has a name");
        if let (Phase::In, Some(going)) = (self.phase, &self.revoking) {
            assert!(without(going, &self.now_said.held).is_empty(), "what is being revoked is still held");
        }
    }
}

fn held(assignment: Assignment) -> Held {
    let topics = assignment.topic_partitions.into_iter().map(|t| (t.topic_id, t.partitions.into_iter().collect::<BTreeSet<i32>>()));
    topics.filter(|(_, partitions)| !partitions.is_empty()).collect()
}

fn listed(held: &Held) -> Vec<TopicPartitions> {
    held.iter().map(|(id, partitions)| TopicPartitions { topic_id: *id, partitions: partitions.iter().copied().collect() }).collect()
}

/// What is in `all` and not in `other`.
fn without(all: &Held, other: &Held) -> Held {
    let rest = all.iter().map(|(topic, partitions)| {
        let rest = match other.get(topic) {
            Some(taken) => partitions.difference(taken).copied().collect(),
            None => partitions.clone(),
        };
        (*topic, rest)
    });
    rest.filter(|(_, partitions): &(Uuid, BTreeSet<i32>)| !partitions.is_empty()).collect()
}

#[cfg(test)]
#[path = "consumer_tests.rs"]
mod tests;
