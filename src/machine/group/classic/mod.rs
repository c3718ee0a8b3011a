//! A classic group: members that agree on a protocol through JoinGroup and SyncGroup (facts J).
//!
//! ```text
//!               first join                  all rejoined, or time up
//!      Empty ---------------> Preparing -----------------------------> Completing
//!        ^                     |  ^  ^                                     |  leader's SyncGroup is stored
//!        `---------------------'  |  |           join, leave, death        v
//!           nobody rejoined       |  `----------------------------------- Stable
//!                                 `--- join, leave, death, no SyncGroup -- Completing
//! ```
//! What must survive is `stored`: the last group record of the log, changed by [`ClassicGroup::apply`] alone. All else is the group as it
//! lives now and may be lost with the process: a rebalance under way, who waits for what, clocks. It grows out of `stored` at the start.

mod convert;
mod join;
mod leave;
mod member;
mod rebalance;
mod sync;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

pub(super) use self::convert::Moving;
use self::member::Member;
pub(super) use self::member::{protocols, rebalance_timeout};
use super::turn::Turn;
use crate::machine::assign::consumer_protocol;
use crate::types::MonoMs;
use crate::wire::ErrorCode;
use crate::wire::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use crate::wire::group_metadata_value::{GroupMetadataValue, MemberMetadata};
use crate::wire::list_groups_response::ListedGroup;

#[derive(Clone, Debug, PartialEq)]
enum Phase {
    Empty,
    Preparing(Preparing),
    Completing,
    Stable,
}

/// Members are asked to rejoin.
#[derive(Clone, Debug, PartialEq)]
struct Preparing {
    deadline: MonoMs,
    /// The group was empty: there is a delay, so that members that start together get together.
    initial: Option<InitialDelay>,
}

#[derive(Clone, Debug, PartialEq)]
struct InitialDelay {
    /// How long the present part of the delay lasts.
    delay_ms: u64,
    /// How much it may still be extended.
    remaining_ms: u64,
    /// Someone joined since the present part began.
    newcomer: bool,
}

/// Members that know their generation and have not sent SyncGroup.
#[derive(Clone, Debug, PartialEq)]
struct PendingSync {
    members: BTreeSet<String>,
    deadline: MonoMs,
}

/// The last group record, its members by id.
#[derive(Clone, Debug, PartialEq)]
struct Stored {
    value: GroupMetadataValue,
    members: BTreeMap<String, MemberMetadata>,
}

#[derive(Clone, Debug)]
pub(super) struct ClassicGroup {
    stored: Option<Stored>,
    phase: Phase,
    generation: i32,
    /// `None`: no one ever joined; the group exists for its offsets (a "simple" group).
    protocol_type: Option<String>,
    protocol: Option<String>,
    leader: Option<String>,
    /// Wall time of the last change of phase; -1 if the log does not tell.
    state_timestamp: i64,
    members: BTreeMap<String, Member>,
    /// Instance id to member id.
    static_members: BTreeMap<String, String>,
    /// Protocol to the number of members that know it.
    support: BTreeMap<String, usize>,
    /// Ids given out to members that have not come back with them, and until when they may.
    pending_joins: BTreeMap<String, MonoMs>,
    pending_sync: Option<PendingSync>,
    /// What the members subscribe to, if they are consumers and can be understood.
    subscribed_topics: Option<BTreeSet<String>>,
    /// How many members' JoinGroup waits.
    joining: usize,
    /// Not later than the first deadline.
    wake: Option<MonoMs>,
}

impl ClassicGroup {
    /// A group no one has heard of.
    pub fn new() -> Self {
        ClassicGroup {
            stored: None,
            phase: Phase::Empty,
            generation: 0,
            protocol_type: None,
            protocol: None,
            leader: None,
            state_timestamp: -1,
            members: BTreeMap::new(),
            static_members: BTreeMap::new(),
            support: BTreeMap::new(),
            pending_joins: BTreeMap::new(),
            pending_sync: None,
            subscribed_topics: None,
            joining: 0,
            wake: None,
        }
    }

    /// Makes a group record the durable state. The living group is left alone: [`revive`](Self::revive) makes one of the durable state.
    pub fn apply(&mut self, value: Option<GroupMetadataValue>) {
        self.stored = value.map(|mut value| {
            let members = std::mem::take(&mut value.members).into_iter().map(|m| (m.member_id.clone(), m)).collect();
            Stored { value, members }
        });
    }

    /// Makes the living group what the log says, as if the process had just started; clocks do not run yet. Requests that wait must have
    /// been answered.
    pub fn revive(&mut self) {
        *self = ClassicGroup { stored: self.stored.take(), ..ClassicGroup::new() };
        let Some(stored) = &self.stored else { return };
        let value = &stored.value;
        self.phase = if stored.members.is_empty() { Phase::Empty } else { Phase::Stable };
        self.generation = value.generation;
        self.protocol_type = (!value.protocol_type.is_empty()).then(|| value.protocol_type.clone());
        self.protocol = value.protocol.clone();
        self.state_timestamp = value.current_state_timestamp;
        let members: Vec<(String, Member)> =
            stored.members.iter().map(|(id, m)| (id.clone(), Member::stored(m, value.protocol.as_deref()))).collect();
        let leader = value.leader.clone().filter(|id| stored.members.contains_key(id));
        for (id, member) in members {
            self.insert(id, member);
        }
        self.leader = leader.or_else(|| self.members.keys().next().cloned());
        self.subscribed_topics = self.compute_subscribed_topics();
    }

    /// Starts the clocks of a group that was just read (J15).
    pub fn start_clocks(&mut self, turn: &mut Turn) {
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for id in &ids {
            self.renew_session(turn, id);
        }
        if self.members.len() > turn.config.max_size {
            // The limit was lowered: the last ones to rejoin will be refused.
            self.prepare_rebalance(turn);
        }
    }

    /// Nothing of this group is in the log or waits for anything.
    pub fn is_nothing(&self) -> bool {
        self.stored.is_none() && self.phase == Phase::Empty && self.pending_joins.is_empty()
    }

    pub fn is_empty(&self) -> bool {
        self.phase == Phase::Empty
    }

    pub fn has_pending_joins(&self) -> bool {
        !self.pending_joins.is_empty()
    }

    pub fn is_stored(&self) -> bool {
        self.stored.is_some()
    }

    pub fn state_name(&self) -> &'static str {
        match self.phase {
            Phase::Empty => "Empty",
            Phase::Preparing(_) => "PreparingRebalance",
            Phase::Completing => "CompletingRebalance",
            Phase::Stable => "Stable",
        }
    }

    pub fn uses_consumer_protocol(&self) -> bool {
        self.protocol_type.as_deref() == Some(consumer_protocol::PROTOCOL_TYPE)
    }

    /// Unknown subscriptions of consumers count as "all topics".
    pub fn is_subscribed_to(&self, topic: &str) -> bool {
        self.subscribed_topics.as_ref().map_or(self.uses_consumer_protocol(), |topics| topics.contains(topic))
    }

    /// From when the offsets' retention counts: `None` if they do not expire now. The argument is the time of the commit.
    pub fn retention_starts(&self) -> Option<impl Fn(i64) -> i64 + use<>> {
        let since_empty = match self.phase {
            Phase::Empty if self.protocol_type.is_some() => Some(self.state_timestamp),
            _ if self.protocol_type.is_none() => Some(-1),
            Phase::Stable if self.uses_consumer_protocol() && self.subscribed_topics.is_some() => Some(-1),
            _ => None,
        }?;
        Some(move |commit_timestamp| if since_empty < 0 { commit_timestamp } else { since_empty })
    }

    /// Not later than the first deadline.
    pub fn wake(&self) -> Option<MonoMs> {
        self.wake
    }

    fn wake_at(&mut self, at: MonoMs) {
        self.wake = Some(self.wake.map_or(at, |wake| wake.min(at)));
    }

    fn earliest_deadline(&self) -> Option<MonoMs> {
        let phase = match &self.phase {
            Phase::Preparing(p) => Some(p.deadline),
            _ => None,
        };
        let sessions = self.members.values().filter_map(|m| m.session_deadline);
        let sync = self.pending_sync.as_ref().map(|p| p.deadline);
        sessions.chain(self.pending_joins.values().copied()).chain(phase).chain(sync).min()
    }

    /// Takes the member in; `joining` and `support` follow.
    fn insert(&mut self, id: String, member: Member) {
        if let Some(instance) = &member.instance_id {
            self.static_members.insert(instance.clone(), id.clone());
        }
        for (protocol, _) in &member.protocols {
            *self.support.entry(protocol.clone()).or_default() += 1;
        }
        self.joining += usize::from(member.joining.is_some());
        self.pending_joins.remove(&id);
        self.leader.get_or_insert_with(|| id.clone());
        self.members.insert(id, member);
    }

    /// Takes the member out. Whoever calls answers its requests.
    fn take(&mut self, id: &str) -> Option<Member> {
        let member = self.members.remove(id)?;
        if let Some(instance) = &member.instance_id {
            self.static_members.remove(instance);
        }
        for (protocol, _) in &member.protocols {
            if let Some(count) = self.support.get_mut(protocol) {
                *count -= 1;
                if *count == 0 {
                    self.support.remove(protocol);
                }
            }
        }
        self.joining -= usize::from(member.joining.is_some());
        Some(member)
    }

    /// Takes the member, or the id that was given to one, out of the group for good. Its requests are answered with UNKNOWN_MEMBER_ID,
    /// so that a client that is still there joins anew.
    fn remove(&mut self, turn: &mut Turn, id: &str) {
        self.pending_joins.remove(id);
        if let Some(pending) = &mut self.pending_sync {
            pending.members.remove(id);
        }
        if let Some(member) = self.take(id) {
            turn.refuse_join(member.joining, "", ErrorCode::UnknownMemberId);
            turn.refuse_sync(member.syncing, ErrorCode::UnknownMemberId);
        }
        if self.leader.as_deref() == Some(id) {
            self.leader = self.members.keys().next().cloned();
        }
    }

    /// The member with this id, and this instance id if one is named, is the one that exists (J7, J9, J11).
    fn validate_member(&self, id: &str, instance_id: Option<&str>) -> Result<(), ErrorCode> {
        if let Some(instance) = instance_id {
            match self.static_members.get(instance) {
                None => return Err(ErrorCode::UnknownMemberId),
                Some(known) if known != id => return Err(ErrorCode::FencedInstanceId),
                Some(_) => {}
            }
        }
        if self.members.contains_key(id) { Ok(()) } else { Err(ErrorCode::UnknownMemberId) }
    }

    /// Gives the member its full session timeout from now on.
    fn renew_session(&mut self, turn: &Turn, id: &str) {
        let timeout = self.members.get(id).map_or(0, |m| u64::try_from(m.session_timeout_ms).unwrap_or(0));
        self.expire_session_in(turn, id, timeout);
    }

    fn expire_session_in(&mut self, turn: &Turn, id: &str, timeout_ms: u64) {
        let at = turn.now.mono.plus(timeout_ms);
        if let Some(member) = self.members.get_mut(id) {
            member.session_deadline = Some(at);
            self.wake_at(at);
        }
    }

    /// The largest rebalance timeout among the members.
    fn rebalance_timeout_ms(&self) -> u64 {
        self.members.values().filter_map(|m| u64::try_from(m.rebalance_timeout_ms).ok()).max().unwrap_or(0)
    }

    /// The member's part of the last assignment.
    fn assignment(&self, id: &str) -> Bytes {
        self.stored.as_ref().and_then(|s| s.members.get(id)).map_or_else(Bytes::new, |m| m.assignment.clone())
    }

    fn compute_subscribed_topics(&self) -> Option<BTreeSet<String>> {
        if !self.uses_consumer_protocol() {
            return None;
        }
        if self.members.is_empty() {
            return Some(BTreeSet::new());
        }
        let protocol = self.protocol.as_deref()?;
        let mut all = BTreeSet::new();
        for member in self.members.values() {
            all.extend(consumer_protocol::subscribed_topics(&member.metadata(protocol)).ok()?);
        }
        Some(all)
    }

    pub fn listed(&self, group_id: &str) -> ListedGroup {
        ListedGroup {
            group_id: group_id.into(),
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            group_state: self.state_name().into(),
            group_type: "classic".into(),
        }
    }

    /// Members' metadata show while the group is stable; before that the protocol is not agreed on.
    pub fn described(&self, group_id: &str) -> DescribedGroup {
        let protocol = self.protocol.as_deref().filter(|_| self.phase == Phase::Stable);
        let member = |(id, m): (&String, &Member)| DescribedGroupMember {
            member_id: id.clone(),
            group_instance_id: m.instance_id.clone(),
            client_id: m.client_id.clone(),
            client_host: m.client_host.clone(),
            member_metadata: protocol.map_or_else(Bytes::new, |p| m.metadata(p)),
            member_assignment: self.assignment(id),
        };
        DescribedGroup {
            group_id: group_id.into(),
            group_state: self.state_name().into(),
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            protocol_data: protocol.unwrap_or_default().into(),
            members: self.members.iter().map(member).collect(),
            ..Default::default()
        }
    }

    /// The durable state as the record that made it.
    pub fn stored_value(&self) -> Option<GroupMetadataValue> {
        let stored = self.stored.as_ref()?;
        Some(GroupMetadataValue { members: stored.members.values().cloned().collect(), ..stored.value.clone() })
    }

    /// Every invariant of the living group and of how it agrees with the log.
    pub fn check(&self) -> Result<(), String> {
        let ensure = |ok: bool, what: &str| if ok { Ok(()) } else { Err(what.to_string()) };
        ensure(self.joining == self.members.values().filter(|m| m.joining.is_some()).count(), "count of joining members")?;
        ensure(self.leader.as_ref().is_none_or(|id| self.members.contains_key(id)), "the leader is a member")?;
        ensure(self.leader.is_some() || self.members.is_empty(), "a group with members has a leader")?;
        ensure(self.pending_joins.keys().all(|id| !self.members.contains_key(id)), "a pending id is not a member")?;
        let of_members: BTreeMap<&String, &String> =
            self.members.iter().filter_map(|(id, m)| m.instance_id.as_ref().map(|instance| (instance, id))).collect();
        ensure(of_members == self.static_members.iter().collect(), "instance ids lead to their members")?;
        let mut support: BTreeMap<String, usize> = BTreeMap::new();
        self.members.values().flat_map(|m| &m.protocols).for_each(|(name, _)| *support.entry(name.clone()).or_default() += 1);
        ensure(support == self.support, "counts of protocols")?;
        ensure(self.earliest_deadline().is_none_or(|at| self.wake.is_some_and(|wake| wake <= at)), "it wakes before its first deadline")?;
        self.check_phase()
    }

    fn check_phase(&self) -> Result<(), String> {
        let ensure = |ok: bool, what: &str| if ok { Ok(()) } else { Err(format!("{what} ({})", self.state_name())) };
        let none_join = self.members.values().all(|m| m.joining.is_none());
        let none_sync = self.members.values().all(|m| m.syncing.is_none());
        ensure(none_sync || self.phase == Phase::Completing, "SyncGroup waits only while completing")?;
        ensure(none_join || matches!(self.phase, Phase::Preparing(_)), "JoinGroup waits only while preparing")?;
        match &self.phase {
            Phase::Empty => {
                ensure(self.members.is_empty() && self.leader.is_none(), "an empty group has no members")?;
                ensure(self.pending_sync.is_none(), "no one has to sync")
            }
            Phase::Preparing(_) => ensure(self.pending_sync.is_none(), "no one has to sync"),
            Phase::Completing | Phase::Stable => {
                ensure(!self.members.is_empty() && self.protocol.is_some(), "there are members and a protocol")?;
                let synced = self.pending_sync.iter().flat_map(|p| &p.members).all(|id| self.members.contains_key(id));
                ensure(synced, "who has to sync is a member")?;
                let Some(stored) = self.stored.as_ref().filter(|_| self.phase == Phase::Stable) else {
                    return ensure(self.phase == Phase::Completing, "a stable group is in the log");
                };
                ensure(stored.value.generation == self.generation, "the generation is that of the log")?;
                ensure(stored.members.keys().eq(self.members.keys()), "the members are those of the log")
            }
        }
    }
}
