//! A consumer's side of a classic group: when to join, what to give up, what to ask the coordinator next.
//!
//! ```text
//! Out -> (revoke what is held, if eager) -> Joining -> Assigning (leader: wait for metadata) -> Syncing -> Stable
//!  ^                                                                                                  |
//!  `---- lost membership, left ----------------- rebalance, subscription or metadata changed ---------'
//! ```
//!
//! The driver sends the requests, answers them here, and runs the user's callbacks: after `Action::Revoke` nothing is joined until
//! `revoked` says that the callback is over.

use std::collections::{BTreeMap, BTreeSet};

use kfk_wire::ErrorCode;
use kfk_wire::heartbeat_request::HeartbeatRequest;
use kfk_wire::join_group_request::{JoinGroupRequest, JoinGroupRequestProtocol};
use kfk_wire::join_group_response::JoinGroupResponse;
use kfk_wire::leave_group_request::{LeaveGroupRequest, MemberIdentity};
use kfk_wire::sync_group_request::{SyncGroupRequest, SyncGroupRequestAssignment};
use kfk_wire::sync_group_response::SyncGroupResponse;

use super::assign::consumer_protocol::{PROTOCOL_TYPE, decode_assignment, decode_subscription, encode_assignment, encode_subscription};
use super::assign::{Assignor, Member, NO_GENERATION, RebalanceProtocol, Subscription, Topics};
use crate::types::{MonoMs, TopicPartition};

/// The version of the consumer protocol that is written; every reader skips what it does not know.
const PROTOCOL_VERSION: i16 = 3;

/// A member's settings, in milliseconds.
#[derive(Debug, Clone)]
pub struct MemberOptions {
    pub group: String,
    pub instance_id: Option<String>,
    pub session_timeout_ms: i32,
    /// Also how long a rebalance may take: `max.poll.interval.ms`.
    pub max_poll_interval_ms: i32,
    pub heartbeat_interval_ms: u64,
    pub retry_backoff_ms: u64,
    pub rack: Option<String>,
    /// In order of preference, at least one.
    pub assignors: Vec<Assignor>,
}

/// What the driver must do, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    Join(JoinGroupRequest),
    Sync(SyncGroupRequest),
    Heartbeat(HeartbeatRequest),
    Leave(LeaveGroupRequest),
    /// Look up the partitions of these topics and call `topics`.
    NeedTopics(BTreeSet<String>),
    /// These are about to be taken away: commit, tell the user, then call `revoked`.
    Revoke(Vec<TopicPartition>),
    /// These are gone already, others may own them: tell the user, do not commit.
    Lost(Vec<TopicPartition>),
    /// `added` are new; `all` is everything held now.
    Assigned {
        added: Vec<TopicPartition>,
        all: Vec<TopicPartition>,
    },
    /// The coordinator must be looked up again before the next request.
    ForgetCoordinator,
    /// The member cannot go on with these settings.
    Fatal(ErrorCode),
}

#[derive(Debug, Clone, PartialEq)]
enum Phase {
    /// Not a member. Joins from then on, if there is something to subscribe to.
    Out(MonoMs),
    Revoking(After),
    Joining,
    Assigning(Vec<Member>),
    Syncing,
    Stable,
}

/// What follows a finished revocation.
#[derive(Debug, Clone, PartialEq)]
enum After {
    Join,
    /// Cooperative: these are new, tell of them and join once more so that others can have what was revoked.
    Assign(Vec<TopicPartition>),
}

/// See the file's head.
#[derive(Debug)]
pub struct GroupMember {
    options: MemberOptions,
    phase: Phase,
    subscription: BTreeSet<String>,
    member_id: String,
    generation: i32,
    protocol: Option<Assignor>,
    owned: Vec<TopicPartition>,
    /// What the leader's last assignment was made from.
    assigned_from: Option<Topics>,
    rejoin: bool,
    heartbeat_due: MonoMs,
    heartbeat_in_flight: bool,
    last_poll: MonoMs,
    /// Left because the user did not poll; joins again with the next poll.
    stalled: bool,
    failed: bool,
}

impl GroupMember {
    pub fn new(options: MemberOptions, now: MonoMs) -> Self {
        GroupMember {
            options,
            phase: Phase::Out(now),
            subscription: BTreeSet::new(),
            member_id: String::new(),
            generation: NO_GENERATION,
            protocol: None,
            owned: Vec::new(),
            assigned_from: None,
            rejoin: false,
            heartbeat_due: now,
            heartbeat_in_flight: false,
            last_poll: now,
            stalled: false,
            failed: false,
        }
    }

    pub fn member_id(&self) -> &str {
        &self.member_id
    }

    /// -1 outside a group.
    pub fn generation(&self) -> i32 {
        self.generation
    }

    pub fn instance_id(&self) -> Option<&str> {
        self.options.instance_id.as_deref()
    }

    pub fn owned(&self) -> &[TopicPartition] {
        &self.owned
    }

    pub fn subscription(&self) -> &BTreeSet<String> {
        &self.subscription
    }

    /// Whether the assignment is settled: no rebalance is under way.
    pub fn is_stable(&self) -> bool {
        self.phase == Phase::Stable && !self.rejoin
    }

    /// Changes what is subscribed to; joins, or joins again.
    pub fn subscribe(&mut self, topics: BTreeSet<String>) {
        if topics != self.subscription {
            self.subscription = topics;
            self.rejoin = true;
        }
    }

    /// The user asked for records: the member is alive.
    pub fn polled(&mut self, now: MonoMs) {
        self.last_poll = now;
        self.stalled = false;
    }

    /// What to do now. To be called after every input and at `next_deadline`, until it gives nothing.
    pub fn poll(&mut self, now: MonoMs) -> Vec<Action> {
        let mut out = Vec::new();
        if self.failed {
            return out;
        }
        self.leave_if_stalled(now, &mut out);
        match self.phase {
            Phase::Out(from) if now >= from && !self.stalled && !self.subscription.is_empty() => self.prepare_join(&mut out),
            Phase::Stable if self.rejoin => self.prepare_join(&mut out),
            Phase::Stable if now >= self.heartbeat_due && !self.heartbeat_in_flight => {
                self.heartbeat_in_flight = true;
                out.push(Action::Heartbeat(HeartbeatRequest {
                    group_id: self.options.group.clone(),
                    generation_id: self.generation,
                    member_id: self.member_id.clone(),
                    group_instance_id: self.options.instance_id.clone(),
                }));
            }
            _ => {}
        }
        out
    }

    /// When `poll` has something to do by time alone.
    pub fn next_deadline(&self) -> Option<MonoMs> {
        if self.failed {
            return None;
        }
        let stall = self.last_poll.plus(self.options.max_poll_interval_ms.unsigned_abs().into());
        match &self.phase {
            Phase::Out(from) => (!self.stalled && !self.subscription.is_empty()).then_some(*from),
            Phase::Stable if self.heartbeat_in_flight => Some(stall),
            Phase::Stable => Some(self.heartbeat_due.min(stall)),
            _ => None,
        }
    }

    fn leave_if_stalled(&mut self, now: MonoMs, out: &mut Vec<Action>) {
        let limit = u64::from(self.options.max_poll_interval_ms.unsigned_abs());
        if self.phase == Phase::Stable && now.since(self.last_poll) > limit && !self.stalled {
            out.extend(self.leave_request("consumer poll timeout has expired."));
            if self.options.instance_id.is_none() {
                self.member_id.clear();
            }
            self.stalled = true;
            self.lose_membership(now, out);
        }
    }

    fn prepare_join(&mut self, out: &mut Vec<Action>) {
        self.rejoin = false;
        let eager = self.rebalance_protocol() == RebalanceProtocol::Eager;
        let gone = |tp: &TopicPartition| eager || !self.subscription.contains(&tp.topic);
        let (revoke, keep): (Vec<_>, Vec<_>) = self.owned.iter().cloned().partition(gone);
        if revoke.is_empty() {
            return self.join(out);
        }
        self.owned = keep;
        self.phase = Phase::Revoking(After::Join);
        out.push(Action::Revoke(revoke));
    }

    /// The best that all configured assignors share.
    fn rebalance_protocol(&self) -> RebalanceProtocol {
        let all = self.options.assignors.iter().map(|a| a.rebalance_protocol());
        all.min().unwrap_or(RebalanceProtocol::Eager)
    }

    fn join(&mut self, out: &mut Vec<Action>) {
        let protocols = self.options.assignors.iter().map(|assignor| {
            let held = (self.generation != NO_GENERATION).then_some(self.owned.as_slice());
            let subscription = Subscription {
                topics: self.subscription.iter().cloned().collect(),
                user_data: assignor.user_data(held, self.generation),
                owned_partitions: self.owned.clone(),
                generation: self.generation,
                rack: self.options.rack.clone(),
            };
            let metadata = encode_subscription(&subscription, PROTOCOL_VERSION).unwrap_or_default();
            JoinGroupRequestProtocol { name: assignor.name().to_string(), metadata }
        });
        let request = JoinGroupRequest {
            group_id: self.options.group.clone(),
            session_timeout_ms: self.options.session_timeout_ms,
            rebalance_timeout_ms: self.options.max_poll_interval_ms,
            member_id: self.member_id.clone(),
            group_instance_id: self.options.instance_id.clone(),
            protocol_type: PROTOCOL_TYPE.to_string(),
            protocols: protocols.collect(),
            reason: None,
        };
        self.phase = Phase::Joining;
        out.push(Action::Join(request));
    }

    /// The callback that `Action::Revoke` asked for is over.
    pub fn revoked(&mut self) -> Vec<Action> {
        let mut out = Vec::new();
        let Phase::Revoking(after) = &self.phase else { return out };
        match after.clone() {
            After::Join => self.join(&mut out),
            After::Assign(added) => {
                out.push(Action::Assigned { added, all: self.owned.clone() });
                self.join(&mut out);
            }
        }
        out
    }

    /// The answer to `Action::Join`; `None` when there was none (connection lost).
    pub fn joined(&mut self, now: MonoMs, answer: Option<JoinGroupResponse>) -> Vec<Action> {
        let mut out = Vec::new();
        if self.phase != Phase::Joining {
            return out;
        }
        let Some(answer) = answer else {
            out.push(Action::ForgetCoordinator);
            self.try_again(now);
            return out;
        };
        match ErrorCode::from_code(answer.error_code) {
            ErrorCode::None => self.take_join(now, answer, &mut out),
            ErrorCode::MemberIdRequired => {
                self.member_id = answer.member_id;
                self.join(&mut out);
            }
            error => self.group_error(now, error, &mut out),
        }
        out
    }

    fn take_join(&mut self, now: MonoMs, answer: JoinGroupResponse, out: &mut Vec<Action>) {
        let protocol = answer.protocol_name.as_deref().and_then(Assignor::from_name);
        let Some(protocol) = protocol.filter(|p| self.options.assignors.contains(p)) else {
            return self.fail(ErrorCode::InconsistentGroupProtocol, out);
        };
        self.member_id = answer.member_id;
        self.generation = answer.generation_id;
        self.protocol = Some(protocol);
        self.heartbeat_due = now.plus(self.options.heartbeat_interval_ms);
        if answer.leader != self.member_id || answer.skip_assignment {
            return self.sync(Vec::new(), out);
        }
        let decoded = answer.members.iter().map(|m| {
            let subscription = decode_subscription(&m.metadata).ok()?;
            Some(Member { id: m.member_id.clone(), instance_id: m.group_instance_id.clone(), subscription })
        });
        let Some(members) = decoded.collect::<Option<Vec<Member>>>() else {
            return self.fail(ErrorCode::InconsistentGroupProtocol, out);
        };
        let topics = members.iter().flat_map(|m| m.subscription.topics.iter().cloned()).collect();
        self.phase = Phase::Assigning(members);
        out.push(Action::NeedTopics(topics));
    }

    /// The partitions that `Action::NeedTopics` asked for; the leader assigns them.
    pub fn topics(&mut self, topics: Topics) -> Vec<Action> {
        let mut out = Vec::new();
        let Phase::Assigning(members) = std::mem::replace(&mut self.phase, Phase::Syncing) else { return out };
        let protocol = self.protocol.unwrap_or(Assignor::Range);
        let assigned = protocol.assign(&topics, &members);
        self.assigned_from = Some(topics);
        let assignment = |(member_id, partitions): (String, Vec<TopicPartition>)| SyncGroupRequestAssignment {
            member_id,
            assignment: encode_assignment(&partitions, None, PROTOCOL_VERSION).unwrap_or_default(),
        };
        self.sync(assigned.into_iter().map(assignment).collect(), &mut out);
        out
    }

    fn sync(&mut self, assignments: Vec<SyncGroupRequestAssignment>, out: &mut Vec<Action>) {
        self.phase = Phase::Syncing;
        out.push(Action::Sync(SyncGroupRequest {
            group_id: self.options.group.clone(),
            generation_id: self.generation,
            member_id: self.member_id.clone(),
            group_instance_id: self.options.instance_id.clone(),
            protocol_type: Some(PROTOCOL_TYPE.to_string()),
            protocol_name: self.protocol.map(|p| p.name().to_string()),
            assignments,
        }));
    }

    /// The answer to `Action::Sync`; `None` when there was none.
    pub fn synced(&mut self, now: MonoMs, answer: Option<SyncGroupResponse>) -> Vec<Action> {
        let mut out = Vec::new();
        if self.phase != Phase::Syncing {
            return out;
        }
        let Some(answer) = answer else {
            out.push(Action::ForgetCoordinator);
            self.try_again(now);
            return out;
        };
        match ErrorCode::from_code(answer.error_code) {
            ErrorCode::None => match decode_assignment(&answer.assignment) {
                Ok((partitions, _)) => self.take_assignment(now, partitions, &mut out),
                Err(_) => self.fail(ErrorCode::InconsistentGroupProtocol, &mut out),
            },
            ErrorCode::RebalanceInProgress => self.join(&mut out),
            error => self.group_error(now, error, &mut out),
        }
        out
    }

    fn take_assignment(&mut self, now: MonoMs, partitions: Vec<TopicPartition>, out: &mut Vec<Action>) {
        let new: BTreeSet<TopicPartition> = partitions.iter().cloned().collect();
        let old: BTreeSet<TopicPartition> = self.owned.drain(..).collect();
        let added: Vec<TopicPartition> = new.difference(&old).cloned().collect();
        let revoked: Vec<TopicPartition> = old.difference(&new).cloned().collect();
        self.owned = new.into_iter().collect();
        self.phase = Phase::Stable;
        self.heartbeat_due = now.plus(self.options.heartbeat_interval_ms);
        if revoked.is_empty() {
            out.push(Action::Assigned { added, all: self.owned.clone() });
        } else {
            self.phase = Phase::Revoking(After::Assign(added));
            out.push(Action::Revoke(revoked));
        }
    }

    /// The answer to `Action::Heartbeat`; `None` when there was none.
    pub fn heartbeat_answered(&mut self, now: MonoMs, generation: i32, code: Option<i16>) -> Vec<Action> {
        let mut out = Vec::new();
        self.heartbeat_in_flight = false;
        self.heartbeat_due = now.plus(self.options.heartbeat_interval_ms);
        if self.phase != Phase::Stable || generation != self.generation {
            return out;
        }
        match code.map(ErrorCode::from_code) {
            Some(ErrorCode::None) => {}
            Some(ErrorCode::RebalanceInProgress) => self.rejoin = true,
            Some(ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable) | None => {
                self.heartbeat_due = now.plus(self.options.retry_backoff_ms);
                out.push(Action::ForgetCoordinator);
            }
            Some(ErrorCode::CoordinatorLoadInProgress) => self.heartbeat_due = now.plus(self.options.retry_backoff_ms),
            Some(error) => self.group_error(now, error, &mut out),
        }
        out
    }

    /// A commit was refused with a code that says the membership is over, or that a rebalance is on.
    pub fn commit_refused(&mut self, now: MonoMs, error: ErrorCode) -> Vec<Action> {
        let mut out = Vec::new();
        if self.phase == Phase::Stable {
            match error {
                ErrorCode::RebalanceInProgress => self.rejoin = true,
                ErrorCode::IllegalGeneration | ErrorCode::UnknownMemberId | ErrorCode::FencedInstanceId => {
                    self.group_error(now, error, &mut out);
                }
                _ => {}
            }
        }
        out
    }

    /// Metadata of the subscribed topics changed; a leader assigns anew if that matters.
    pub fn metadata_changed(&mut self, topics: &Topics) {
        let counts = |t: &Topics| t.iter().map(|(n, p)| (n.clone(), p.len())).collect::<BTreeMap<_, _>>();
        let stale = self.assigned_from.as_ref().is_some_and(|from| {
            let known: Topics = topics
                .iter()
                .filter(|(n, _)| from.contains_key(*n) || self.subscription.contains(*n))
                .map(|(n, p)| (n.clone(), p.clone()))
                .collect();
            counts(&known) != counts(from)
        });
        if self.phase == Phase::Stable && stale {
            self.rejoin = true;
        }
    }

    /// Leaves the group for good. Static members stay known to the coordinator until their session ends.
    pub fn leave(&mut self) -> Option<Action> {
        let request = self.leave_request("the consumer is being closed");
        self.subscription.clear();
        self.owned.clear();
        self.member_id.clear();
        self.generation = NO_GENERATION;
        self.phase = Phase::Out(MonoMs(0));
        request
    }

    fn leave_request(&self, reason: &str) -> Option<Action> {
        if self.member_id.is_empty() || self.options.instance_id.is_some() {
            return None;
        }
        let identity = MemberIdentity { member_id: self.member_id.clone(), group_instance_id: None, reason: Some(reason.to_string()) };
        Some(Action::Leave(LeaveGroupRequest {
            group_id: self.options.group.clone(),
            // The driver keeps the form that the negotiated version has.
            member_id: self.member_id.clone(),
            members: vec![identity],
        }))
    }

    fn group_error(&mut self, now: MonoMs, error: ErrorCode, out: &mut Vec<Action>) {
        match error {
            ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable => {
                out.push(Action::ForgetCoordinator);
                self.try_again(now);
            }
            ErrorCode::CoordinatorLoadInProgress | ErrorCode::RebalanceInProgress => self.try_again(now),
            ErrorCode::UnknownMemberId | ErrorCode::IllegalGeneration => {
                if error == ErrorCode::UnknownMemberId {
                    self.member_id.clear();
                }
                self.lose_membership(now, out);
            }
            error if error.is_retriable() => self.try_again(now),
            error => self.fail(error, out),
        }
    }

    /// Joins again soon, keeping id and partitions.
    fn try_again(&mut self, now: MonoMs) {
        self.phase = Phase::Out(now.plus(self.options.retry_backoff_ms));
    }

    fn lose_membership(&mut self, now: MonoMs, out: &mut Vec<Action>) {
        self.generation = NO_GENERATION;
        self.phase = Phase::Out(now);
        let lost = std::mem::take(&mut self.owned);
        if !lost.is_empty() {
            out.push(Action::Lost(lost));
        }
    }

    fn fail(&mut self, error: ErrorCode, out: &mut Vec<Action>) {
        self.failed = true;
        let lost = std::mem::take(&mut self.owned);
        if !lost.is_empty() {
            out.push(Action::Lost(lost));
        }
        out.push(Action::Fatal(error));
    }
}
