//! Members that speak the classic protocol inside a consumer group (fact K11).
//!
//! To them the group looks like a classic one whose generation is their own member epoch and whose leader is someone else. JoinGroup is
//! the step of a heartbeat; what the member may have then it gets from SyncGroup. A plain Heartbeat tells it to come back when there is
//! something to do.

use std::collections::BTreeSet;

use super::heartbeat::{Seat, Step, fenced};
use super::living::{Clock, Living};
use super::member::{Owned, State};
use super::records::Records;
use super::{ConsumerGroup, Member};
use crate::machine::assign::{Subscription, consumer_protocol};
use crate::machine::coordinator::Context;
use crate::machine::group::classic::{ClassicGroup, protocols, rebalance_timeout};
use crate::machine::group::cluster_view::ClusterView;
use crate::machine::group::requests::{join_refused, since, sync_refused};
use crate::machine::group::turn::Turn;
use crate::types::TopicPartition;
use crate::wire::ErrorCode;
use crate::wire::consumer_group_heartbeat_request::TopicPartitions as Reported;
use crate::wire::consumer_group_member_metadata_value::{ClassicMemberMetadata, ClassicProtocol};
use crate::wire::heartbeat_request::HeartbeatRequest;
use crate::wire::join_group_request::JoinGroupRequest;
use crate::wire::join_group_response::JoinGroupResponse;
use crate::wire::leave_group_request::MemberIdentity;
use crate::wire::leave_group_response::MemberResponse;
use crate::wire::sync_group_request::SyncGroupRequest;
use crate::wire::sync_group_response::SyncGroupResponse;

/// What a JoinGroup comes to: the answer, and the classic group that the group becomes perhaps.
type Joined = (JoinGroupResponse, Option<ClassicGroup>);

impl ConsumerGroup {
    pub fn join(
        &self,
        living: &mut Living,
        turn: &mut Turn,
        context: &Context,
        request: &JoinGroupRequest,
        records: &mut Records,
    ) -> Result<Joined, ErrorCode> {
        if !turn.config.consumer.migration.admits_classic_members() {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        let is_unknown = request.member_id.is_empty();
        let id = if is_unknown { turn.fresh_uuid() } else { request.member_id.clone() };
        self.ensure_room(turn, &id).map_err(|refusal| refusal.code)?;
        if !self.supports(request) {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        let version = context.api_version;
        if is_unknown && request.group_instance_id.is_none() && version >= since::JOIN_REQUIRES_MEMBER_ID {
            return Ok((join_refused(version, &id, ErrorCode::MemberIdRequired), None));
        }
        let metadata = request.protocols.first().map(|p| p.metadata.clone()).unwrap_or_default();
        let subscription = consumer_protocol::decode_subscription(&metadata).map_err(|_| ErrorCode::InconsistentGroupProtocol)?;
        let seat = self.classic_seat(&id, is_unknown, request.group_instance_id.as_deref(), records)?;
        self.take_seat(living, turn, context, request, seat, &subscription, records)
    }

    /// All members of the classic protocol know one of these protocols.
    fn supports(&self, request: &JoinGroupRequest) -> bool {
        let known_to_all = |name: &String| self.index.classic_protocols.get(name).copied().unwrap_or(0) == self.index.classic_members;
        request.protocol_type == consumer_protocol::PROTOCOL_TYPE && request.protocols.iter().any(|p| known_to_all(&p.name))
    }

    fn classic_seat(&self, id: &str, is_unknown: bool, instance: Option<&str>, records: &mut Records) -> Result<Seat, ErrorCode> {
        let Some(instance) = instance else {
            let member = self.members.get(id).cloned().unwrap_or_else(|| Member::new(id));
            return Ok(Seat { member, replaces: None });
        };
        let known = self.static_member(instance);
        if is_unknown {
            return Ok(self.static_seat(id, known, records));
        }
        let member = known.ok_or(ErrorCode::UnknownMemberId)?;
        if member.id != id {
            return Err(fenced(id, instance).code);
        }
        Ok(Seat { member: member.clone(), replaces: None })
    }

    #[allow(clippy::too_many_arguments)] // the second half of one function
    fn take_seat(
        &self,
        living: &mut Living,
        turn: &mut Turn,
        context: &Context,
        request: &JoinGroupRequest,
        seat: Seat,
        subscription: &Subscription,
        records: &mut Records,
    ) -> Result<Joined, ErrorCode> {
        let owned = reported(&subscription.owned_partitions, &**turn.cluster);
        let updated = updated(&seat.member, context, request, subscription);
        // The last member of the new protocol may have changed over to the classic one.
        let last = request.group_instance_id.as_deref().and_then(|instance| self.static_member(instance)).filter(|m| !m.is_classic());
        let last = last.map(|m| m.id.clone()).filter(|id| self.may_downgrade(turn, &BTreeSet::from([id.clone()]), 1));
        let step = Step { group: self, seat, updated, owned: Some(&owned) };
        let announced = step.announce(living, turn, records).map_err(|refusal| refusal.code)?;
        let (member, becomes) = match last {
            None => (step.settle(&announced, living, turn, records).map_err(|refusal| refusal.code)?, None),
            Some(replaced) => {
                let rebalances = self.target_epoch < announced.group_epoch;
                let member = match rebalances {
                    true => step.updated,
                    false => step.settle_for_last(&announced, living, turn, records).map_err(|refusal| refusal.code)?,
                };
                let classic = self.downgrade_with(turn, &member, &replaced, rebalances, records);
                (member, Some(classic.ok_or(ErrorCode::InconsistentGroupProtocol)?))
            }
        };
        if becomes.is_none() {
            let at = |ms: i32| turn.now.mono.plus(u64::try_from(ms).unwrap_or(0));
            living.stop(Clock::Rejoin, &member.id);
            living.set(Clock::Session, &member.id, member.epoch, at(request.session_timeout_ms));
            living.set(Clock::Sync, &member.id, member.epoch, at(rebalance_timeout(request)));
        }
        let answer = JoinGroupResponse {
            generation_id: member.epoch,
            protocol_type: Some(consumer_protocol::PROTOCOL_TYPE.into()),
            protocol_name: member.classic_protocols().first().map(|p| p.name.clone()),
            member_id: member.id,
            ..Default::default()
        };
        Ok((answer, becomes))
    }

    /// The member with this id, and this instance id if one is named, if it speaks the classic protocol and has this generation.
    fn classic_member(&self, id: &str, instance: Option<&str>, generation: i32) -> Result<&Member, ErrorCode> {
        let member = match instance {
            None => self.members.get(id).ok_or(ErrorCode::UnknownMemberId)?,
            Some(instance) => self.static_member(instance).ok_or(ErrorCode::UnknownMemberId)?,
        };
        if member.id != id {
            Err(ErrorCode::FencedInstanceId)
        } else if !member.is_classic() {
            Err(ErrorCode::UnknownMemberId)
        } else if member.epoch != generation {
            Err(ErrorCode::IllegalGeneration)
        } else {
            Ok(member)
        }
    }

    pub fn sync(&self, living: &mut Living, turn: &Turn, request: SyncGroupRequest) -> SyncGroupResponse {
        match self.try_sync(living, turn, &request) {
            Err(error) => sync_refused(error),
            Ok(member) => SyncGroupResponse {
                assignment: encoded(member, &**turn.cluster),
                protocol_type: request.protocol_type,
                protocol_name: request.protocol_name,
                ..Default::default()
            },
        }
    }

    fn try_sync(&self, living: &mut Living, turn: &Turn, request: &SyncGroupRequest) -> Result<&Member, ErrorCode> {
        let member = self.classic_member(&request.member_id, request.group_instance_id.as_deref(), request.generation_id)?;
        let protocol = member.classic_protocols().first().map(|p| p.name.as_str());
        let other_type = request.protocol_type.as_deref().is_some_and(|theirs| theirs != consumer_protocol::PROTOCOL_TYPE);
        if other_type || request.protocol_name.as_deref().is_some_and(|theirs| Some(theirs) != protocol) {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        if self.target_epoch > member.epoch && member.state != State::UnrevokedPartitions {
            expect_rejoin(living, turn, member);
            return Err(ErrorCode::RebalanceInProgress);
        }
        living.stop(Clock::Sync, &member.id);
        renew_session(living, turn, member);
        Ok(member)
    }

    pub fn classic_heartbeat(&self, living: &mut Living, turn: &Turn, request: &HeartbeatRequest) -> ErrorCode {
        let instance = request.group_instance_id.as_deref();
        let member = match self.classic_member(&request.member_id, instance, request.generation_id) {
            Ok(member) => member,
            Err(error) => return error,
        };
        renew_session(living, turn, member);
        let has_to_do = match member.state {
            _ if member.epoch < self.target_epoch => true,
            State::UnrevokedPartitions => true,
            State::UnreleasedPartitions => !self.waits_for_others(member),
            State::Stable | State::Unknown => false,
        };
        if !has_to_do {
            return ErrorCode::None;
        }
        expect_rejoin(living, turn, member);
        ErrorCode::RebalanceInProgress
    }

    /// Something of its target is still held by others.
    fn waits_for_others(&self, member: &Member) -> bool {
        let target = self.target(&member.id);
        let mut missing = target.iter().flat_map(|(topic, partitions)| partitions.iter().map(|p| (*topic, *p)));
        missing.any(|(topic, partition)| {
            let has = member.assigned.get(&topic).is_some_and(|has| has.contains_key(&partition));
            !has && self.is_held(topic, partition)
        })
    }

    /// How each of the members of a LeaveGroup fares, and who of them is taken out.
    pub fn leaving(&self, members: Vec<MemberIdentity>) -> (Vec<MemberResponse>, BTreeSet<String>) {
        let mut responses = Vec::with_capacity(members.len());
        let mut ids = BTreeSet::new();
        for MemberIdentity { member_id, group_instance_id, .. } in members {
            let member = match &group_instance_id {
                None => self.members.get(&member_id).ok_or(ErrorCode::UnknownMemberId),
                Some(instance) => match self.static_member(instance) {
                    None => Err(ErrorCode::UnknownMemberId),
                    Some(member) if !member_id.is_empty() && member.id != member_id => Err(ErrorCode::FencedInstanceId),
                    Some(member) => Ok(member),
                },
            };
            ids.extend(member.ok().map(|m| m.id.clone()));
            let error_code = member.err().unwrap_or_default().code();
            responses.push(MemberResponse { member_id, group_instance_id, error_code });
        }
        (responses, ids)
    }
}

fn renew_session(living: &mut Living, turn: &Turn, member: &Member) {
    let timeout = member.profile.classic.as_ref().map_or(0, |classic| classic.session_timeout_ms);
    let at = turn.now.mono.plus(u64::try_from(timeout).unwrap_or(0));
    living.set(Clock::Session, &member.id, member.epoch, at);
}

fn expect_rejoin(living: &mut Living, turn: &Turn, member: &Member) {
    let timeout = u64::try_from(member.profile.rebalance_timeout_ms).unwrap_or(0);
    living.set_unless_running(Clock::Rejoin, &member.id, member.epoch, turn.now.mono.plus(timeout));
}

/// The member with what its JoinGroup says.
fn updated(member: &Member, context: &Context, request: &JoinGroupRequest, subscription: &Subscription) -> Member {
    let mut updated = member.clone();
    let profile = &mut updated.profile;
    if request.group_instance_id.is_some() {
        profile.instance_id.clone_from(&request.group_instance_id);
    }
    if subscription.rack.is_some() {
        profile.rack_id.clone_from(&subscription.rack);
    }
    profile.rebalance_timeout_ms = rebalance_timeout(request);
    profile.topic_names = subscription.topics.iter().cloned().collect();
    profile.regex = Some(String::new());
    profile.client_id.clone_from(&context.client_id);
    profile.client_host.clone_from(&context.client_host);
    let supported = protocols(request).into_iter().map(|(name, metadata)| ClassicProtocol { name, metadata });
    profile.classic =
        Some(ClassicMemberMetadata { session_timeout_ms: request.session_timeout_ms, supported_protocols: supported.collect() });
    updated
}

/// What a member of the classic protocol says it has, in the terms of the new one.
fn reported(owned: &[TopicPartition], cluster: &dyn ClusterView) -> Vec<Reported> {
    let each = |tp: &TopicPartition| Some(Reported { topic_id: cluster.topic(&tp.topic)?.id, partitions: vec![tp.partition] });
    owned.iter().filter_map(each).collect()
}

/// What the member has, as its SyncGroup tells it.
fn encoded(member: &Member, cluster: &dyn ClusterView) -> bytes::Bytes {
    let metadata = member.classic_protocols().first().map(|p| p.metadata.clone()).unwrap_or_default();
    encode_assignment(named(&member.assigned, cluster), &metadata)
}

fn named(owned: &Owned, cluster: &dyn ClusterView) -> Vec<TopicPartition> {
    let each = |(topic, partitions): (&crate::types::TopicId, &std::collections::BTreeMap<i32, i32>)| {
        let name = cluster.topic_name(*topic);
        partitions.keys().filter_map(|p| Some(TopicPartition::new(name?, *p))).collect::<Vec<_>>()
    };
    owned.iter().flat_map(each).collect()
}

/// An assignment in the version in which the member wrote its metadata.
pub(super) fn encode_assignment(partitions: Vec<TopicPartition>, metadata: &bytes::Bytes) -> bytes::Bytes {
    let version = metadata.first_chunk::<2>().map_or(0, |v| i16::from_be_bytes(*v)).clamp(0, consumer_protocol::MAX_VERSION);
    consumer_protocol::encode_assignment(&partitions, None, version).unwrap_or_default()
}
