//! ShareGroupHeartbeat: members come, stay and go.

use std::collections::{BTreeMap, BTreeSet};

use super::assign::assign;
use super::change::{ShareProgress, ShareTopic};
use super::records::Records;
use super::{Kept, LEAVES, Member, Partitions, ShareGroup};
use crate::machine::coordinator::Context;
use crate::machine::group::consumer::Refusal;
use crate::machine::group::consumer::living::{Clock, Living};
use crate::machine::group::turn::Turn;
use crate::types::TopicId;
use crate::wire::ErrorCode;
use crate::wire::share_group_heartbeat_request::ShareGroupHeartbeatRequest;
use crate::wire::share_group_heartbeat_response::{Assignment, ShareGroupHeartbeatResponse, TopicPartitions};

/// What is wrong before anyone looks at the group.
pub fn validate(request: &ShareGroupHeartbeatRequest) -> Result<(), Refusal> {
    let ensure = |ok: bool, message: &str| if ok { Ok(()) } else { Err(Refusal::new(ErrorCode::InvalidRequest, message)) };
    let blank = |s: &str| s.trim().is_empty();
    ensure(!blank(&request.member_id), "MemberId can't be empty.")?;
    ensure(!blank(&request.group_id), "GroupId can't be empty.")?;
    ensure(!request.rack_id.as_deref().is_some_and(blank), "RackId can't be empty.")?;
    ensure(request.member_epoch >= LEAVES, "MemberEpoch is invalid.")?;
    let names = request.subscribed_topic_names.as_ref();
    ensure(request.member_epoch != 0 || names.is_some_and(|n| !n.is_empty()), "SubscribedTopicNames must be set in first request.")
}

pub fn refused(refusal: Refusal) -> ShareGroupHeartbeatResponse {
    ShareGroupHeartbeatResponse { error_code: refusal.code.code(), error_message: Some(refusal.message), ..Default::default() }
}

type Beat = (ShareGroupHeartbeatResponse, Option<ShareProgress>);

impl ShareGroup {
    /// A member is there, or comes. Also gives what the share coordinator shall begin to keep, if there is something new.
    pub(super) fn heartbeat(
        &self,
        living: &mut Living,
        turn: &mut Turn,
        context: &Context,
        request: &ShareGroupHeartbeatRequest,
        records: &mut Records,
    ) -> Result<Beat, Refusal> {
        let (before, mut member) = self.seat(turn, context, request)?;
        let id = &request.member_id;
        let subscription_changed = before.as_ref().is_none_or(|b| b.topic_names != member.topic_names);
        if before.as_ref() != Some(&member) {
            records.member(id, &member);
        }
        let names = self.names_with(id, &member);
        let epoch = self.group_epoch(living, turn, subscription_changed, &names, records);
        let (target_epoch, target) = self.target(turn, id, &member, epoch, records);
        let assigned_before = member.assigned.clone();
        if member.epoch != target_epoch || member.assigned != target {
            (member.previous_epoch, member.epoch, member.assigned) = (member.epoch, target_epoch, target);
            records.current(id, &member);
        }
        let progress = self.begin_states(living, turn, epoch, &names, records);
        living.set(Clock::Session, id, member.epoch, turn.now.mono.plus(turn.share_session_timeout_ms()));
        let tells = request.member_epoch == 0 || request.subscribed_topic_names.is_some() || assigned_before != member.assigned;
        let response = ShareGroupHeartbeatResponse {
            member_id: Some(id.clone()),
            member_epoch: member.epoch,
            heartbeat_interval_ms: turn.share_heartbeat_interval_ms(),
            assignment: tells.then(|| assignment(&member.assigned)),
            ..Default::default()
        };
        Ok((response, progress))
    }

    /// The member as it was, and as it will be with what it says now.
    fn seat(&self, turn: &Turn, context: &Context, request: &ShareGroupHeartbeatRequest) -> Result<(Option<Member>, Member), Refusal> {
        let (id, epoch) = (&request.member_id, request.member_epoch);
        let before = self.members.get(id);
        let max = turn.config.share.max_size;
        match before {
            None if epoch != 0 => return Err(Refusal::unknown_member(id, turn.group_id)),
            None if self.members.len() >= max => {
                let message = format!("The share group has reached its maximum capacity of {max} members.");
                return Err(Refusal::new(ErrorCode::GroupMaxSizeReached, message));
            }
            Some(m) if epoch != 0 && epoch != m.epoch && epoch != m.previous_epoch => return Err(fenced(epoch, m.epoch)),
            _ => {}
        }
        let mut member = before.cloned().unwrap_or_default();
        if request.rack_id.is_some() {
            member.rack_id.clone_from(&request.rack_id);
        }
        if let Some(names) = &request.subscribed_topic_names {
            member.topic_names = names.iter().cloned().collect();
        }
        member.client_id.clone_from(&context.client_id);
        member.client_host.clone_from(&context.client_host);
        Ok((before.cloned(), member))
    }

    /// All topics that someone subscribes to, with one member as it will be.
    fn names_with(&self, id: &str, member: &Member) -> BTreeSet<String> {
        let others = self.members.iter().filter(|(other, _)| *other != id).flat_map(|(_, m)| &m.topic_names);
        others.chain(&member.topic_names).cloned().collect()
    }

    fn group_epoch(&self, living: &mut Living, turn: &mut Turn, bump: bool, names: &BTreeSet<String>, records: &mut Records) -> i32 {
        let mut hash = self.metadata_hash;
        let mut bump = bump || (self.target_epoch == self.epoch && self.has_unassigned(names));
        let looks = bump || living.metadata_is_old(self.epoch);
        if looks {
            hash = turn.cluster.hash(names.iter().map(String::as_str));
            bump |= hash != self.metadata_hash;
        }
        let epoch = if bump { self.epoch.saturating_add(1) } else { self.epoch };
        if bump {
            records.epoch(epoch, hash);
        }
        if looks {
            living.metadata_is_of(epoch);
        }
        epoch
    }

    /// Partitions whose state is kept by now have no member yet.
    fn has_unassigned(&self, names: &BTreeSet<String>) -> bool {
        let mut given = Partitions::new();
        for (topic, partitions) in self.targets.values().flatten() {
            given.entry(*topic).or_default().extend(partitions);
        }
        let wanted = self.states.initialized.iter().filter(|(_, kept)| names.contains(&kept.name));
        wanted.into_iter().any(|(topic, kept)| given.get(topic) != Some(&kept.partitions))
    }

    /// The member's target; computed anew for all if the group has moved on, but not more often than the group's interval says.
    fn target(&self, turn: &Turn, id: &str, member: &Member, epoch: i32, records: &mut Records) -> (i32, Partitions) {
        let interval = turn.share_assignment_interval_ms();
        let (then, now) = (self.target_timestamp, turn.now.wall.0);
        let too_soon = then != 0 && interval > 0 && now >= then && now < then.saturating_add(interval);
        if self.target_epoch >= epoch || too_soon {
            return (self.target_epoch, self.targets.get(id).cloned().unwrap_or_default());
        }
        let others = self.members.iter().filter(|(other, _)| *other != id).map(|(id, m)| (id.as_str(), m));
        let topics =
            |m: &Member| -> BTreeSet<TopicId> { m.topic_names.iter().filter_map(|name| turn.cluster.topic(name)).map(|t| t.id).collect() };
        let members: BTreeMap<&str, BTreeSet<TopicId>> = others.chain([(id, member)]).map(|(id, m)| (id, topics(m))).collect();
        let subscribed: BTreeSet<TopicId> = members.values().flatten().copied().collect();
        let kept = self.states.initialized.iter().filter(|(topic, _)| subscribed.contains(topic));
        let partitions: Partitions = kept.map(|(topic, kept)| (*topic, kept.partitions.clone())).collect();
        let mut targets = assign(&members, &partitions, &self.targets);
        for (member, target) in &targets {
            if self.targets.get(member) != Some(target) {
                records.target(member, target);
            }
        }
        records.target_epoch(epoch, now);
        (epoch, targets.remove(id).unwrap_or_default())
    }

    /// Partitions whose state nobody keeps yet: from now on somebody is about to.
    fn begin_states(
        &self,
        living: &mut Living,
        turn: &Turn,
        epoch: i32,
        names: &BTreeSet<String>,
        records: &mut Records,
    ) -> Option<ShareProgress> {
        let now = turn.now.mono;
        let retries = living.may_ask_for_states(now);
        let mut states = self.states.clone();
        let mut fresh: BTreeMap<TopicId, Kept> = BTreeMap::new();
        for name in names {
            let Some(topic) = turn.cluster.topic(name).filter(|t| !states.deleting.contains_key(&t.id)) else { continue };
            let is_in = |map: &BTreeMap<TopicId, Kept>, p: &i32| map.get(&topic.id).is_some_and(|kept| kept.partitions.contains(p));
            let wanted = (0..topic.partitions).filter(|p| !is_in(&states.initialized, p));
            let wanted: BTreeSet<i32> = wanted.filter(|p| retries || !is_in(&states.initializing, p)).collect();
            if !wanted.is_empty() {
                fresh.insert(topic.id, Kept { name: name.clone(), partitions: wanted });
            }
        }
        if fresh.is_empty() {
            return None;
        }
        states.begin(&fresh);
        if states != self.states {
            records.states(&states);
        }
        living.asked_for_states(now.plus(turn.config.share.initialize_retry_ms));
        Some(ShareProgress { state_epoch: epoch, topics: fresh.iter().map(ShareTopic::of).collect() })
    }

    /// A heartbeat that says good-bye.
    pub(super) fn leave(
        &self,
        turn: &mut Turn,
        request: &ShareGroupHeartbeatRequest,
        records: &mut Records,
    ) -> Result<ShareGroupHeartbeatResponse, Refusal> {
        let id = &request.member_id;
        if !self.members.contains_key(id) {
            return Err(Refusal::unknown_member(id, turn.group_id));
        }
        self.fence(turn, &BTreeSet::from([id.clone()]), records);
        Ok(ShareGroupHeartbeatResponse { member_id: Some(id.clone()), member_epoch: LEAVES, ..Default::default() })
    }

    fn fence(&self, turn: &mut Turn, ids: &BTreeSet<String>, records: &mut Records) {
        if ids.is_empty() {
            return;
        }
        ids.iter().for_each(|id| records.no_member(id));
        let stay = self.members.iter().filter(|(id, _)| !ids.contains(*id));
        let names: BTreeSet<&str> = stay.flat_map(|(_, m)| m.topic_names.iter().map(String::as_str)).collect();
        records.epoch(self.epoch.saturating_add(1), turn.cluster.hash(names.into_iter()));
    }

    /// Members that were not heard of for too long are out.
    pub(super) fn time_passed(&self, living: &mut Living, turn: &mut Turn, records: &mut Records) {
        let now = turn.now.mono;
        let due: Vec<_> = living.take_due(now).into_iter().filter(|due| self.members.contains_key(&due.member)).collect();
        due.iter().for_each(|due| living.try_again(due, now));
        self.fence(turn, &due.into_iter().map(|due| due.member).collect(), records);
    }

    /// Starts the clocks of a group that was just read.
    pub fn start_clocks(&self, living: &mut Living, turn: &Turn) {
        let session_ms = turn.share_session_timeout_ms();
        for (id, member) in &self.members {
            living.set(Clock::Session, id, member.epoch, turn.now.mono.plus(session_ms));
        }
    }
}

fn fenced(received: i32, known: i32) -> Refusal {
    let relation = if received > known { "greater" } else { "smaller" };
    let message = format!(
        "The share group member has a {relation} member epoch ({received}) than the one known by the group coordinator ({known}). \
         The member must abandon all its partitions and rejoin."
    );
    Refusal::new(ErrorCode::FencedMemberEpoch, message)
}

fn assignment(assigned: &Partitions) -> Assignment {
    let topic =
        |(topic_id, ps): (&TopicId, &BTreeSet<i32>)| TopicPartitions { topic_id: *topic_id, partitions: ps.iter().copied().collect() };
    Assignment { topic_partitions: assigned.iter().map(topic).collect() }
}
