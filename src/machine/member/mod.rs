//! A consumer's side of a classic group: when to join, what to give up, what to ask the coordinator next.
//!
//! ```text
//! Out -> (revoke what is held, if eager) -> Joining -> Assigning (leader: wait for metadata) -> Syncing -> Stable
//!  ^                                                                                                  |
//!  `---- lost membership, left ----------------- rebalance, subscription or metadata changed ---------'
//! ```
//!
//! The driver sends the requests, answers them here, and runs the user's callbacks: after `Action::Revoke` nothing is joined until
//! `revoked` says that the callback is over. Heartbeats go out all the while, except when a join waits at the coordinator, so that a
//! member is not thrown out because its user takes time.

mod consumer;
mod either;
mod requests;
mod share;

pub use self::consumer::{ConsumerMember, ConsumerOptions};
pub use self::either::AnyMember;
pub use self::share::{ShareAction, ShareMember, ShareOptions, SharePart};

use std::collections::BTreeSet;

use kfk_wire::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest;
use kfk_wire::heartbeat_request::HeartbeatRequest;
use kfk_wire::join_group_request::JoinGroupRequest;
use kfk_wire::join_group_response::JoinGroupResponse;
use kfk_wire::leave_group_request::LeaveGroupRequest;
use kfk_wire::sync_group_request::{SyncGroupRequest, SyncGroupRequestAssignment};
use kfk_wire::sync_group_response::SyncGroupResponse;
use kfk_wire::{ErrorCode, Uuid};

use self::requests::encoded;
use super::assign::consumer_protocol::{decode_assignment, decode_subscription};
use super::assign::{Assignor, Member, NO_GENERATION, RebalanceProtocol, Topics};
use crate::types::{MonoMs, TopicPartition};

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

/// A member's id and generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Empty before the coordinator has given one.
    pub member_id: String,
    /// -1 outside a group.
    pub generation: i32,
}

impl Identity {
    /// Nobody: not a member of any group.
    pub fn none() -> Identity {
        Identity { member_id: String::new(), generation: NO_GENERATION }
    }
}

impl From<&HeartbeatRequest> for Identity {
    fn from(request: &HeartbeatRequest) -> Identity {
        Identity { member_id: request.member_id.clone(), generation: request.generation_id }
    }
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
    /// Of a member of KIP-848. The answer comes back with the `life`.
    ConsumerHeartbeat {
        request: ConsumerGroupHeartbeatRequest,
        life: u64,
    },
    /// As before; nobody waits for the answer.
    LeaveConsumerGroup(ConsumerGroupHeartbeatRequest),
    /// Look up what these topics are called and call `named_topics`.
    NeedNames(Vec<Uuid>),
    /// Like `Fatal`, in the coordinator's words.
    Refused {
        code: ErrorCode,
        message: Option<String>,
    },
    /// The coordinator must be looked up again before the next request.
    ForgetCoordinator,
    /// The member cannot go on. It tries again with the next `polled`, unless another member has taken its instance id.
    Fatal(ErrorCode),
}

#[derive(Debug, Clone, PartialEq)]
enum Phase {
    /// Not a member. Joins from then on, if there is something to subscribe to.
    Out(MonoMs),
    Revoking(After),
    Joining,
    /// The leader waits for the partitions of everybody's topics. `None`: the group goes on with the assignment it has.
    Assigning(Option<Vec<Member>>),
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

/// What the leader's last assignment was made from.
#[derive(Debug, Clone)]
struct Basis {
    /// Topics that some member subscribes to, also those that do not exist.
    names: BTreeSet<String>,
    topics: Topics,
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
    /// Topics of all members, while their partitions are looked up.
    group_topics: BTreeSet<String>,
    basis: Option<Basis>,
    rejoin: bool,
    heartbeat_due: MonoMs,
    heartbeat_in_flight: bool,
    last_poll: MonoMs,
    /// Left because the user did not poll; joins again with the next poll.
    stalled: bool,
    failed: Option<ErrorCode>,
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
            group_topics: BTreeSet::new(),
            basis: None,
            rejoin: false,
            heartbeat_due: now,
            heartbeat_in_flight: false,
            last_poll: now,
            stalled: false,
            failed: None,
        }
    }

    /// Empty before the coordinator has given one.
    pub fn member_id(&self) -> &str {
        &self.member_id
    }

    /// -1 outside a group.
    pub fn generation(&self) -> i32 {
        self.generation
    }

    /// `group.instance.id`.
    pub fn instance_id(&self) -> Option<&str> {
        self.options.instance_id.as_deref()
    }

    /// What is held now; a partition that is being revoked is not among it any more.
    pub fn owned(&self) -> &[TopicPartition] {
        &self.owned
    }

    pub fn subscription(&self) -> &BTreeSet<String> {
        &self.subscription
    }

    /// Topics whose partitions `metadata_changed` wants to hear of: those of all members if this one leads the group, else its own.
    pub fn watched(&self) -> BTreeSet<String> {
        let of_all = self.basis.iter().flat_map(|b| b.names.iter());
        self.subscription.iter().chain(of_all).cloned().collect()
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

    /// The user asked for records: the member is alive. True if there may be something to `poll` for now.
    pub fn polled(&mut self, now: MonoMs) -> bool {
        self.last_poll = now;
        let woken = std::mem::take(&mut self.stalled);
        let again = self.failed.is_some_and(|e| e != ErrorCode::FencedInstanceId);
        if again {
            self.failed = None;
            // A callback that is under way ends first.
            if !matches!(self.phase, Phase::Revoking(_)) {
                self.phase = Phase::Out(now.plus(self.options.retry_backoff_ms));
            }
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
        match self.phase {
            Phase::Out(from) if now >= from && !self.stalled && !self.subscription.is_empty() => self.prepare_join(&mut out),
            Phase::Stable if self.rejoin => self.prepare_join(&mut out),
            _ if self.beats() && now >= self.heartbeat_due && !self.heartbeat_in_flight => {
                self.heartbeat_in_flight = true;
                out.push(Action::Heartbeat(self.heartbeat_request()));
            }
            _ => {}
        }
        out
    }

    /// When `poll` has something to do by time alone.
    pub fn next_deadline(&self) -> Option<MonoMs> {
        match &self.phase {
            _ if self.failed.is_some() => None,
            Phase::Out(from) => (!self.stalled && !self.subscription.is_empty()).then_some(*from),
            _ if !self.beats() => None,
            _ if self.heartbeat_in_flight => Some(self.stall_at()),
            _ => Some(self.heartbeat_due.min(self.stall_at())),
        }
    }

    /// A member as far as the coordinator knows, with no request that waits there.
    fn beats(&self) -> bool {
        self.generation != NO_GENERATION && !matches!(self.phase, Phase::Out(_) | Phase::Joining)
    }

    fn stall_at(&self) -> MonoMs {
        self.last_poll.plus(u64::from(self.options.max_poll_interval_ms.unsigned_abs()) + 1)
    }

    fn leave_if_stalled(&mut self, now: MonoMs, out: &mut Vec<Action>) {
        if self.beats() && now >= self.stall_at() && !self.stalled {
            out.extend(self.leave_request("consumer poll timeout has expired."));
            if self.options.instance_id.is_none() {
                self.member_id.clear();
            }
            self.stalled = true;
            self.lose_membership(now, out);
        }
    }

    fn prepare_join(&mut self, out: &mut Vec<Action>) {
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
        self.rejoin = false;
        self.phase = Phase::Joining;
        out.push(Action::Join(self.join_request()));
    }

    /// The callback that `Action::Revoke` asked for is over.
    pub fn revoked(&mut self) -> Vec<Action> {
        let mut out = Vec::new();
        let Phase::Revoking(after) = &self.phase else { return out };
        let after = after.clone();
        if self.failed.is_some() {
            self.phase = Phase::Out(MonoMs(0));
            return out;
        }
        if let After::Assign(added) = after {
            out.push(Action::Assigned { added, all: self.owned.clone() });
        }
        self.join(&mut out);
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
            return self.fail(now, ErrorCode::InconsistentGroupProtocol, out);
        };
        self.member_id = answer.member_id;
        self.generation = answer.generation_id;
        self.protocol = Some(protocol);
        self.basis = None;
        self.heartbeat_due = now.plus(self.options.heartbeat_interval_ms);
        if answer.leader != self.member_id {
            return self.sync(Vec::new(), out);
        }
        let decoded = answer.members.iter().map(|m| {
            let subscription = decode_subscription(&m.metadata).ok()?;
            Some(Member { id: m.member_id.clone(), instance_id: m.group_instance_id.clone(), subscription })
        });
        let Some(members) = decoded.collect::<Option<Vec<Member>>>() else {
            return self.fail(now, ErrorCode::InconsistentGroupProtocol, out);
        };
        self.group_topics = members.iter().flat_map(|m| m.subscription.topics.iter().cloned()).collect();
        self.phase = Phase::Assigning((!answer.skip_assignment).then_some(members));
        out.push(Action::NeedTopics(self.group_topics.clone()));
    }

    /// The partitions that `Action::NeedTopics` asked for; the leader assigns them.
    pub fn topics(&mut self, topics: Topics) -> Vec<Action> {
        let mut out = Vec::new();
        let Phase::Assigning(members) = &mut self.phase else { return out };
        let members = members.take();
        let protocol = self.protocol.unwrap_or(Assignor::Range);
        let assigned = members.map(|members| protocol.assign(&topics, &members)).unwrap_or_default();
        self.basis = Some(Basis { names: std::mem::take(&mut self.group_topics), topics });
        self.sync(assigned.into_iter().map(encoded).collect(), &mut out);
        out
    }

    fn sync(&mut self, assignments: Vec<SyncGroupRequestAssignment>, out: &mut Vec<Action>) {
        self.phase = Phase::Syncing;
        out.push(Action::Sync(self.sync_request(assignments)));
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
                Err(_) => self.fail(now, ErrorCode::InconsistentGroupProtocol, &mut out),
            },
            ErrorCode::RebalanceInProgress => self.join(&mut out),
            error => self.group_error(now, error, &mut out),
        }
        out
    }

    fn take_assignment(&mut self, now: MonoMs, partitions: Vec<TopicPartition>, out: &mut Vec<Action>) {
        let new: BTreeSet<TopicPartition> = partitions.into_iter().collect();
        let old: BTreeSet<TopicPartition> = self.owned.drain(..).collect();
        let added: Vec<TopicPartition> = new.difference(&old).cloned().collect();
        let revoked: Vec<TopicPartition> = old.difference(&new).cloned().collect();
        self.owned = new.into_iter().collect();
        self.heartbeat_due = now.plus(self.options.heartbeat_interval_ms);
        if revoked.is_empty() {
            self.phase = Phase::Stable;
            out.push(Action::Assigned { added, all: self.owned.clone() });
        } else {
            self.phase = Phase::Revoking(After::Assign(added));
            out.push(Action::Revoke(revoked));
        }
    }

    /// Under which id and generation it is a member, for requests that name them.
    pub fn identity(&self) -> Identity {
        Identity { member_id: self.member_id.clone(), generation: self.generation }
    }

    /// The answer to `Action::Heartbeat`; `None` when there was none. `asked_as`: whom the request named. A static member may have
    /// another id in the same generation since: what is said of the old one does not concern it.
    pub fn heartbeat_answered(&mut self, now: MonoMs, asked_as: &Identity, code: Option<i16>) -> Vec<Action> {
        let mut out = Vec::new();
        self.heartbeat_in_flight = false;
        self.heartbeat_due = now.plus(self.options.heartbeat_interval_ms);
        if !self.beats() || *asked_as != self.identity() {
            return out;
        }
        match code.map(ErrorCode::from_code) {
            Some(ErrorCode::None) => {}
            // Before it is stable it hears of the next rebalance from what it waits for, or joins anyway.
            Some(ErrorCode::RebalanceInProgress) => self.rejoin |= self.phase == Phase::Stable,
            Some(ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable) | None => {
                self.heartbeat_due = now.plus(self.options.retry_backoff_ms);
                out.push(Action::ForgetCoordinator);
            }
            Some(error) if is_fatal(error) => self.group_error(now, error, &mut out),
            Some(_) => self.heartbeat_due = now.plus(self.options.retry_backoff_ms),
        }
        out
    }

    /// A commit was refused with a code that says the membership is over, or that a rebalance is on. `asked_as`: whom it named.
    pub fn commit_refused(&mut self, now: MonoMs, asked_as: &Identity, error: ErrorCode) -> Vec<Action> {
        let mut out = Vec::new();
        if !self.beats() || *asked_as != self.identity() {
            return out;
        }
        match error {
            ErrorCode::RebalanceInProgress => self.rejoin |= self.phase == Phase::Stable,
            ErrorCode::IllegalGeneration | ErrorCode::UnknownMemberId | ErrorCode::FencedInstanceId => {
                self.group_error(now, error, &mut out);
            }
            _ => {}
        }
        out
    }

    /// Metadata of the `watched` topics changed; a leader has everybody join again if that gives other assignments.
    pub fn metadata_changed(&mut self, topics: &Topics) {
        let Some(basis) = &self.basis else { return };
        let count = |of: &Topics, name: &String| of.get(name).map_or(0, |p| p.len());
        let stale = basis.names.iter().any(|name| count(topics, name) != count(&basis.topics, name));
        if self.phase == Phase::Stable && stale {
            self.rejoin = true;
        }
    }

    /// Leaves the group for good. Static members stay known to the coordinator until their session ends.
    pub fn leave(&mut self, reason: &str) -> Option<Action> {
        let request = self.leave_request(reason);
        self.subscription.clear();
        self.owned.clear();
        self.member_id.clear();
        self.generation = NO_GENERATION;
        self.phase = Phase::Out(MonoMs(0));
        request
    }

    fn group_error(&mut self, now: MonoMs, error: ErrorCode, out: &mut Vec<Action>) {
        match error {
            ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable => {
                out.push(Action::ForgetCoordinator);
                self.try_again(now);
            }
            ErrorCode::UnknownMemberId | ErrorCode::IllegalGeneration => {
                if error == ErrorCode::UnknownMemberId {
                    self.member_id.clear();
                }
                self.lose_membership(now, out);
            }
            error if is_fatal(error) => self.fail(now, error, out),
            _ => self.try_again(now),
        }
    }

    /// Joins again soon, keeping id and partitions.
    fn try_again(&mut self, now: MonoMs) {
        self.phase = Phase::Out(now.plus(self.options.retry_backoff_ms));
    }

    fn lose_membership(&mut self, now: MonoMs, out: &mut Vec<Action>) {
        self.generation = NO_GENERATION;
        self.basis = None;
        // A callback that is under way ends first; what it was not told of yet, it need not lose.
        self.phase = match std::mem::replace(&mut self.phase, Phase::Out(now)) {
            Phase::Revoking(After::Assign(added)) => {
                self.owned.retain(|tp| !added.contains(tp));
                Phase::Revoking(After::Join)
            }
            Phase::Revoking(After::Join) => Phase::Revoking(After::Join),
            _ => Phase::Out(now),
        };
        let lost = std::mem::take(&mut self.owned);
        if !lost.is_empty() {
            out.push(Action::Lost(lost));
        }
    }

    fn fail(&mut self, now: MonoMs, error: ErrorCode, out: &mut Vec<Action>) {
        self.lose_membership(now, out);
        self.failed = Some(error);
        out.push(Action::Fatal(error));
    }

    /// Every invariant; for tests.
    pub fn check(&self) {
        assert!(self.generation == NO_GENERATION || !self.member_id.is_empty(), "a generation without an id");
        let distinct: BTreeSet<&TopicPartition> = self.owned.iter().collect();
        assert_eq!(distinct.len(), self.owned.len(), "a partition is held once");
        if matches!(self.phase, Phase::Stable | Phase::Syncing | Phase::Assigning(_)) {
            assert_ne!(self.generation, NO_GENERATION, "{:?}", self.phase);
        }
        if self.phase == Phase::Joining && self.rebalance_protocol() == RebalanceProtocol::Eager {
            assert!(self.owned.is_empty(), "an eager member joins with empty hands");
        }
    }
}

/// Whether time alone will not help. A lost membership is no reason to give up, but none to go on as before either.
fn is_fatal(error: ErrorCode) -> bool {
    matches!(error, ErrorCode::UnknownMemberId | ErrorCode::IllegalGeneration) || !error.is_retriable()
}

#[cfg(test)]
mod tests;
