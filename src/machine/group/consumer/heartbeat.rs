//! ConsumerGroupHeartbeat of a member that stays or joins (facts K1 to K8).

use super::living::{Clock, Living};
use super::member::{AWAY, Owned, State};
use super::reconcile::Reconciliation;
use super::records::Records;
use super::rollcall::Rollcall;
use super::subscription::{RegexChange, group_epoch, write_profile};
use super::target::{self, Target};
use super::{ConsumerGroup, Member, Refusal, regex};
use crate::machine::coordinator::Context;
use crate::machine::group::turn::Turn;
use crate::wire::ErrorCode;
use crate::wire::consumer_group_heartbeat_request::{ConsumerGroupHeartbeatRequest, TopicPartitions as Reported};
use crate::wire::consumer_group_heartbeat_response::{Assignment, ConsumerGroupHeartbeatResponse, TopicPartitions};

/// A member's place in the group, old or new.
pub(super) struct Seat {
    pub member: Member,
    /// The static member that had the place before, under another id.
    pub replaces: Option<String>,
}

/// A step of a member: what it was, what it says now, and what it has to be told.
pub(super) struct Step<'a> {
    pub group: &'a ConsumerGroup,
    pub seat: Seat,
    /// With its new profile.
    pub updated: Member,
    pub owned: Option<&'a [Reported]>,
}

impl ConsumerGroup {
    pub fn heartbeat(
        &self,
        living: &mut Living,
        turn: &mut Turn,
        context: &Context,
        request: &ConsumerGroupHeartbeatRequest,
        records: &mut Records,
    ) -> Result<ConsumerGroupHeartbeatResponse, Refusal> {
        self.ensure_room(turn, &request.member_id)?;
        let id = if request.member_id.is_empty() { turn.fresh_uuid() } else { request.member_id.clone() };
        let seat = self.seat(turn, &id, request, records)?;
        let mut updated = seat.member.clone();
        updated.profile.update(context, request);
        let before = seat.member.assigned.clone();
        let owned = request.topic_partitions.as_deref();
        let step = Step { group: self, seat, updated, owned };
        let announced = step.announce(living, turn, records)?;
        let member = step.settle(&announced, living, turn, records)?;
        let session_ms = turn.session_timeout_ms();
        living.set(Clock::Session, &member.id, member.epoch, turn.now.mono.plus(session_ms));
        let subscribes = request.subscribed_topic_names.is_some() || request.subscribed_topic_regex.is_some();
        let is_full = request.rebalance_timeout_ms != -1 && subscribes && owned.is_some();
        let tells = request.member_epoch == 0 || is_full || before != member.assigned;
        Ok(ConsumerGroupHeartbeatResponse {
            member_id: Some(member.id),
            member_epoch: member.epoch,
            heartbeat_interval_ms: turn.heartbeat_interval_ms(),
            assignment: tells.then(|| assignment(&member.assigned)),
            ..Default::default()
        })
    }

    pub(super) fn ensure_room(&self, turn: &Turn, id: &str) -> Result<(), Refusal> {
        let max = turn.config.consumer.max_size;
        if self.len() < max || self.members.contains_key(id) {
            return Ok(());
        }
        Err(Refusal::new(ErrorCode::GroupMaxSizeReached, format!("The consumer group has reached its maximum capacity of {max} members.")))
    }

    fn seat(&self, turn: &Turn, id: &str, request: &ConsumerGroupHeartbeatRequest, records: &mut Records) -> Result<Seat, Refusal> {
        let joins = request.member_epoch == 0;
        let Some(instance) = &request.instance_id else {
            let member = match self.members.get(id) {
                Some(member) => member.clone(),
                None if joins => Member::new(id),
                None => return Err(Refusal::unknown_member(id, turn.group_id)),
            };
            check_epoch(&member, request)?;
            return Ok(Seat { member, replaces: None });
        };
        let known = self.static_member(instance);
        if joins {
            let released = known.is_none_or(|m| m.epoch == AWAY || m.is_classic());
            return if released { Ok(self.static_seat(id, known, records)) } else { Err(unreleased(id, instance)) };
        }
        let known = known.ok_or_else(|| Refusal::unknown_instance(instance))?;
        if known.id != id {
            return Err(fenced(id, instance));
        }
        check_epoch(known, request)?;
        Ok(Seat { member: known.clone(), replaces: None })
    }

    /// A static member comes, or comes again under another id: then it gets what the one before had.
    pub(super) fn static_seat(&self, id: &str, known: Option<&Member>, records: &mut Records) -> Seat {
        let Some(known) = known else {
            let member = self.members.get(id).cloned().unwrap_or_else(|| Member::new(id));
            return Seat { member, replaces: None };
        };
        let member = Member { id: id.into(), epoch: 0, previous_epoch: 0, ..known.clone() };
        records.no_member(&known.id);
        records.profile(&member);
        records.target(id, &self.target(&known.id));
        records.current(&member);
        Seat { member, replaces: Some(known.id.clone()) }
    }
}

/// What a step means for the group.
pub(super) struct Announced {
    pub group_epoch: i32,
    pub subscription_changed: bool,
}

impl Step<'_> {
    fn roll(&self) -> Rollcall<'_> {
        Rollcall { group: self.group, updated: &self.updated, replaces: self.seat.replaces.as_deref() }
    }

    /// Writes what the member says of itself, and the group's new epoch if that makes one.
    pub fn announce(&self, living: &mut Living, turn: &mut Turn, records: &mut Records) -> Result<Announced, Refusal> {
        let names_changed = write_profile(&self.seat.member, &self.updated, records);
        let regex = regex::update(self.group, living, turn, &self.seat.member, &self.updated, records)?;
        let subscription_changed = names_changed || regex.is_change();
        // Topics that are not known yet come with an epoch of their own; who changes over to the classic protocol has none to come.
        let bump = names_changed || regex == RegexChange::Resolved || (self.updated.is_classic() && regex.is_change());
        let group_epoch = group_epoch(&self.roll(), living, turn, bump, records);
        Ok(Announced { group_epoch, subscription_changed })
    }

    /// Writes the target if it has to be another one, and where the member gets with it.
    pub fn settle(self, announced: &Announced, living: &mut Living, turn: &Turn, records: &mut Records) -> Result<Member, Refusal> {
        let target = target::update(&self.roll(), turn, announced.group_epoch, records);
        self.settle_for(&target, announced, living, turn, records)
    }

    /// The same with the target that the group has.
    pub fn settle_for_last(
        self,
        announced: &Announced,
        living: &mut Living,
        turn: &Turn,
        records: &mut Records,
    ) -> Result<Member, Refusal> {
        let target = target::last(&self.roll());
        self.settle_for(&target, announced, living, turn, records)
    }

    fn settle_for(
        self,
        target: &Target,
        announced: &Announced,
        living: &mut Living,
        turn: &Turn,
        records: &mut Records,
    ) -> Result<Member, Refusal> {
        let reconciliation = Reconciliation {
            group: self.group,
            cluster: &**turn.cluster,
            target_epoch: target.epoch,
            target: &target.partitions,
            subscription_changed: announced.subscription_changed,
            owned: self.owned,
        };
        reconcile(&reconciliation, living, turn, self.updated, records)
    }
}

/// Moves the member on, and writes that if it is news. A member that has to give something up has its rebalance timeout for it.
fn reconcile(
    reconciliation: &Reconciliation,
    living: &mut Living,
    turn: &Turn,
    member: Member,
    records: &mut Records,
) -> Result<Member, Refusal> {
    let before = member.clone();
    let member = reconciliation.step(member)?;
    if member == before {
        return Ok(member);
    }
    records.current(&member);
    if member.is_classic() {
        return Ok(member);
    }
    if member.state == State::UnrevokedPartitions {
        let timeout = u64::try_from(member.profile.rebalance_timeout_ms).unwrap_or(0);
        living.set(Clock::Revocation, &member.id, member.epoch, turn.now.mono.plus(timeout));
    } else {
        living.stop(Clock::Revocation, &member.id);
    }
    Ok(member)
}

/// K3: the member has the epoch we know, or the one before because it never heard of the last step: then it cannot have more than it was
/// assigned.
fn check_epoch(member: &Member, request: &ConsumerGroupHeartbeatRequest) -> Result<(), Refusal> {
    let (received, known) = (request.member_epoch, member.epoch);
    let owns_only_assigned = || {
        let is_assigned =
            |t: &Reported| member.assigned.get(&t.topic_id).is_some_and(|has| t.partitions.iter().all(|p| has.contains_key(p)));
        request.topic_partitions.as_ref().is_some_and(|owned| owned.iter().all(is_assigned))
    };
    if received == 0 || received == known || (received < known && received == member.previous_epoch && owns_only_assigned()) {
        return Ok(());
    }
    let (relation, must) = (if received > known { "greater" } else { "smaller" }, "The member must abandon all its partitions and rejoin.");
    let message = format!(
        "The consumer group member has a {relation} member epoch ({received}) than the one known by the group coordinator ({known}). {must}"
    );
    Err(Refusal::new(ErrorCode::FencedMemberEpoch, message))
}

fn unreleased(id: &str, instance: &str) -> Refusal {
    let message =
        format!("Static member {id} with instance id {instance} cannot join the group because another member has the instance id.");
    Refusal::new(ErrorCode::UnreleasedInstanceId, message)
}

pub(super) fn fenced(id: &str, instance: &str) -> Refusal {
    let message = format!("Static member {id} with instance id {instance} was fenced by another member.");
    Refusal::new(ErrorCode::FencedInstanceId, message)
}

fn assignment(assigned: &Owned) -> Assignment {
    let each = |(topic, partitions): (&crate::types::TopicId, &std::collections::BTreeMap<i32, i32>)| TopicPartitions {
        topic_id: *topic,
        partitions: partitions.keys().copied().collect(),
    };
    Assignment { topic_partitions: assigned.iter().map(each).collect() }
}
