//! One group id: a group of one kind or the other, and the offsets under its name.

use super::classic::ClassicGroup;
use super::cluster_view::ClusterView;
use super::config::GroupConfig;
use super::consumer::living::Living;
use super::consumer::records::Records;
use super::consumer::{Committer, ConsumerGroup, Refusal, leaves};
use super::offsets::GroupOffsets;
use super::records::{ConsumerRecord, GroupRecord};
use super::requests::{GroupAnswer, all_left, join_refused};
use super::share::{self, ShareGroup, ShareGroupRecord, ShareProgress};
use super::turn::{Turn, Waiter};
use crate::machine::coordinator::{Context, Position};
use crate::types::{MonoMs, TopicId};
use crate::wire::ErrorCode;
use crate::wire::consumer_group_describe_response::DescribedGroup as DescribedConsumerGroup;
use crate::wire::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest;
use crate::wire::consumer_group_heartbeat_response::ConsumerGroupHeartbeatResponse;
use crate::wire::describe_groups_response::DescribedGroup;
use crate::wire::group_metadata_value::GroupMetadataValue;
use crate::wire::heartbeat_request::HeartbeatRequest;
use crate::wire::join_group_request::JoinGroupRequest;
use crate::wire::leave_group_request::MemberIdentity;
use crate::wire::leave_group_response::MemberResponse;
use crate::wire::list_groups_response::ListedGroup;
use crate::wire::share_group_heartbeat_request::ShareGroupHeartbeatRequest;
use crate::wire::share_group_heartbeat_response::ShareGroupHeartbeatResponse;
use crate::wire::sync_group_request::SyncGroupRequest;

#[derive(Clone, Debug)]
enum Kind {
    Classic(Box<ClassicGroup>),
    Consumer(Box<ConsumerGroup>),
    Share(Box<ShareGroup>),
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    kind: Kind,
    /// Clocks of a consumer or share group.
    living: Living,
    /// What the consumer group turns into when the records of the present decision are in the log.
    becomes: Option<Box<ClassicGroup>>,
    pub offsets: GroupOffsets,
}

/// Lets `f` decide about a consumer group, writes what comes of it, and keeps the classic group that it becomes perhaps.
fn decide<T, E>(
    becomes: &mut Option<Box<ClassicGroup>>,
    turn: &mut Turn,
    f: impl FnOnce(&mut Turn, &mut Records) -> Result<(T, Option<ClassicGroup>), E>,
) -> Result<T, E> {
    let mut records = Records::new(turn.group_id);
    let (result, classic) = f(turn, &mut records)?;
    *becomes = classic.map(Box::new);
    turn.store(records.into_vec());
    Ok(result)
}

/// The same for what cannot be refused.
fn certainly(becomes: &mut Option<Box<ClassicGroup>>, turn: &mut Turn, f: impl FnOnce(&mut Turn, &mut Records) -> Option<ClassicGroup>) {
    let mut records = Records::new(turn.group_id);
    *becomes = f(turn, &mut records).map(Box::new);
    turn.store(records.into_vec());
}

impl Entry {
    pub fn new() -> Self {
        let kind = Kind::Classic(Box::new(ClassicGroup::new()));
        Entry { kind, living: Living::default(), becomes: None, offsets: GroupOffsets::default() }
    }

    pub fn is_nothing(&self) -> bool {
        let no_group = match &self.kind {
            Kind::Classic(group) => group.is_nothing(),
            Kind::Consumer(_) | Kind::Share(_) => false,
        };
        no_group && self.becomes.is_none() && self.offsets.is_empty()
    }

    /// Not later than the first deadline.
    pub fn wake(&self) -> Option<MonoMs> {
        let classic = match &self.kind {
            Kind::Classic(group) => group.wake(),
            Kind::Consumer(_) | Kind::Share(_) => None,
        };
        let next = self.becomes.as_ref().and_then(|group| group.wake());
        [classic, next, self.living.wake()].into_iter().flatten().min()
    }

    /// Every invariant. A consumer group that is only half read has none.
    pub fn check(&self, loaded: bool) -> Result<(), String> {
        match &self.kind {
            Kind::Classic(group) => group.check(),
            Kind::Consumer(_) | Kind::Share(_) if !loaded => Ok(()),
            Kind::Consumer(group) => group.check(),
            Kind::Share(group) => group.check(),
        }
    }

    pub fn apply_offset(&mut self, record: GroupRecord, at: Position) {
        if let GroupRecord::Offset { key, value } = record {
            self.offsets.apply(key, value, at);
        }
    }

    /// Makes a record of a classic group the durable state. The living group grows out of it while loading, and when it was deleted.
    pub fn apply_classic(&mut self, value: Option<GroupMetadataValue>, loaded: bool) {
        let revives = value.is_none() || !loaded;
        match (&mut self.kind, value) {
            // The group is a consumer group since; what it was before is gone anyway.
            (Kind::Consumer(_) | Kind::Share(_), None) => {}
            (Kind::Consumer(_) | Kind::Share(_), Some(value)) => {
                let mut group = ClassicGroup::new();
                group.apply(Some(value));
                group.revive();
                self.kind = Kind::Classic(Box::new(group));
            }
            (Kind::Classic(group), value) => {
                group.apply(value);
                if revives {
                    group.revive();
                }
            }
        }
    }

    /// Makes a record of a consumer group part of the state. Returns whether the entry changed its kind.
    pub fn apply_consumer(&mut self, record: ConsumerRecord) -> bool {
        match &mut self.kind {
            Kind::Consumer(_) if record.ends_group() => {
                self.kind = Kind::Classic(self.becomes.take().unwrap_or_else(|| Box::new(ClassicGroup::new())));
                true
            }
            Kind::Consumer(group) => {
                group.apply(record);
                false
            }
            Kind::Classic(_) | Kind::Share(_) if record.is_tombstone() => false,
            Kind::Classic(_) | Kind::Share(_) => {
                let mut group = ConsumerGroup::new();
                group.apply(record);
                self.kind = Kind::Consumer(Box::new(group));
                true
            }
        }
    }

    /// The same for a share group.
    pub fn apply_share(&mut self, record: ShareGroupRecord) -> bool {
        match &mut self.kind {
            Kind::Share(_) if record.ends_group() => {
                self.kind = Kind::Classic(Box::new(ClassicGroup::new()));
                true
            }
            Kind::Share(group) => {
                group.apply(record);
                false
            }
            Kind::Classic(_) | Kind::Consumer(_) if record.is_tombstone() => false,
            Kind::Classic(_) | Kind::Consumer(_) => {
                let mut group = ShareGroup::new();
                group.apply(record);
                self.kind = Kind::Share(Box::new(group));
                true
            }
        }
    }

    pub fn as_share(&self) -> Option<&ShareGroup> {
        if let Kind::Share(group) = &self.kind { Some(group) } else { None }
    }

    pub fn share_heartbeat(
        &mut self,
        turn: &mut Turn,
        context: &Context,
        request: &ShareGroupHeartbeatRequest,
    ) -> Result<(ShareGroupHeartbeatResponse, Option<ShareProgress>), Refusal> {
        let is_nothing = self.is_nothing();
        match &mut self.kind {
            Kind::Share(group) => share::beat(group, &mut self.living, turn, context, request),
            // The group comes to be with its records.
            Kind::Classic(_) if is_nothing && request.member_epoch == 0 => {
                share::beat(&ShareGroup::new(), &mut self.living, turn, context, request)
            }
            Kind::Classic(_) | Kind::Consumer(_) => Err(share::not_a_share_group(turn.group_id)),
        }
    }

    /// The durable state of the group as records.
    pub fn group_records(&self, id: &str) -> Vec<GroupRecord> {
        match &self.kind {
            Kind::Classic(group) => {
                let key = crate::wire::group_metadata_key::GroupMetadataKey { group: id.into() };
                group.stored_value().map(|value| GroupRecord::Group { key, value: Some(value) }).into_iter().collect()
            }
            Kind::Consumer(group) => {
                let mut records = Records::new(id);
                records.whole(group);
                records.into_vec()
            }
            Kind::Share(group) => group.whole(id),
        }
    }

    /// Tombstones for the group itself.
    pub fn group_tombstones(&self, id: &str) -> Vec<GroupRecord> {
        match &self.kind {
            // Also for a group that has no record of its own: it forgets the ids it gave out.
            Kind::Classic(_) => vec![GroupRecord::group_tombstone(id)],
            Kind::Consumer(group) => {
                let mut records = Records::new(id);
                records.no_group(group, str::to_string);
                records.into_vec()
            }
            Kind::Share(group) => group.tombstones(id),
        }
    }

    pub fn consumer_heartbeat(
        &mut self,
        turn: &mut Turn,
        context: &Context,
        request: &ConsumerGroupHeartbeatRequest,
    ) -> Result<ConsumerGroupHeartbeatResponse, Refusal> {
        match &mut self.kind {
            Kind::Consumer(group) if leaves(request.member_epoch) => {
                decide(&mut self.becomes, turn, |turn, records| group.leave(turn, request, records))
            }
            Kind::Consumer(group) => decide(&mut self.becomes, turn, |turn, records| {
                Ok((group.heartbeat(&mut self.living, turn, context, request, records)?, None))
            }),
            Kind::Classic(_) if request.member_epoch == 0 => self.heartbeat_after_change(turn, context, request),
            Kind::Classic(_) | Kind::Share(_) => Err(Refusal::not_a_consumer_group(turn.group_id)),
        }
    }

    /// The first member of the new protocol joins a classic group, or one that does not exist.
    fn heartbeat_after_change(
        &mut self,
        turn: &mut Turn,
        context: &Context,
        request: &ConsumerGroupHeartbeatRequest,
    ) -> Result<ConsumerGroupHeartbeatResponse, Refusal> {
        let exists = !self.is_nothing();
        let Kind::Classic(classic) = &mut self.kind else { return Err(Refusal::not_a_consumer_group(turn.group_id)) };
        let mut records = Records::new(turn.group_id);
        let group = if classic.is_empty() {
            if exists {
                records.push(GroupRecord::group_tombstone(turn.group_id));
            }
            ConsumerGroup::new()
        } else {
            ConsumerGroup::upgrade(classic, turn, &mut records)?
        };
        let answer = group.heartbeat(&mut self.living, turn, context, request, &mut records)?;
        group.start_moved_clocks(&mut self.living, turn);
        turn.store(records.into_vec());
        // Whoever waits shall come again, and finds the consumer group.
        classic.refuse_all(turn, ErrorCode::RebalanceInProgress);
        Ok(answer)
    }

    pub fn join(&mut self, turn: &mut Turn, context: &Context, request: &JoinGroupRequest, waiter: Waiter) {
        match &mut self.kind {
            Kind::Classic(group) => group.join(turn, context, request, waiter),
            Kind::Consumer(group) if group.is_empty() => self.join_after_change(turn, context, request, waiter),
            Kind::Share(_) => turn.refuse_join(Some(waiter), &request.member_id, ErrorCode::InconsistentGroupProtocol),
            Kind::Consumer(group) => {
                let answer = decide(&mut self.becomes, turn, |turn, records| group.join(&mut self.living, turn, context, request, records));
                let answer = answer.unwrap_or_else(|error| join_refused(waiter.version, "", error));
                turn.answer(waiter.token, GroupAnswer::JoinGroup(answer));
            }
        }
    }

    /// A member of the classic protocol comes to a consumer group without members: that makes it a classic one.
    fn join_after_change(&mut self, turn: &mut Turn, context: &Context, request: &JoinGroupRequest, waiter: Waiter) {
        if !request.member_id.is_empty() {
            return turn.refuse_join(Some(waiter), &request.member_id, ErrorCode::UnknownMemberId);
        }
        turn.store(self.group_tombstones(turn.group_id));
        let group = self.becomes.insert(Box::new(ClassicGroup::new()));
        group.join(turn, context, request, waiter);
    }

    pub fn sync(&mut self, turn: &mut Turn, request: SyncGroupRequest, waiter: Waiter) {
        match &mut self.kind {
            Kind::Classic(group) => group.sync(turn, request, waiter),
            Kind::Consumer(group) => {
                let answer = group.sync(&mut self.living, turn, request);
                turn.answer(waiter.token, GroupAnswer::SyncGroup(answer));
            }
            Kind::Share(_) => turn.refuse_sync(Some(waiter), ErrorCode::UnknownMemberId),
        }
    }

    pub fn heartbeat(&mut self, turn: &mut Turn, request: &HeartbeatRequest) -> ErrorCode {
        match &mut self.kind {
            Kind::Classic(group) => group.heartbeat(turn, request),
            Kind::Consumer(group) => group.classic_heartbeat(&mut self.living, turn, request),
            Kind::Share(_) => ErrorCode::UnknownMemberId,
        }
    }

    pub fn leave(&mut self, turn: &mut Turn, members: Vec<MemberIdentity>) -> Vec<MemberResponse> {
        match &mut self.kind {
            Kind::Classic(group) => group.leave(turn, members),
            Kind::Consumer(group) => {
                let (responses, ids) = group.leaving(members);
                certainly(&mut self.becomes, turn, |turn, records| group.fence(turn, &ids, records));
                responses
            }
            Kind::Share(_) => all_left(members, ErrorCode::UnknownMemberId),
        }
    }

    /// Whether someone who says this of himself may commit offsets for these partitions.
    pub fn may_commit(&mut self, turn: &Turn, who: &Committer, partitions: impl Iterator<Item = (TopicId, i32)>) -> Result<(), ErrorCode> {
        match &mut self.kind {
            Kind::Classic(group) => group.may_commit(turn, who.member_id, who.instance_id, who.epoch),
            Kind::Consumer(group) => group.may_commit(who, partitions),
            Kind::Share(_) => Err(ErrorCode::GroupIdNotFound),
        }
    }

    /// The same for offsets that are part of a transaction (X8).
    pub fn may_commit_in_transaction(&self, who: &Committer, partitions: impl Iterator<Item = (TopicId, i32)>) -> Result<(), ErrorCode> {
        match &self.kind {
            Kind::Classic(group) => group.may_commit_in_transaction(who.member_id, who.instance_id, who.epoch),
            // Producers know only this name for a member that is out of date.
            Kind::Consumer(group) => group.may_commit(who, partitions).map_err(|error| match error {
                ErrorCode::StaleMemberEpoch => ErrorCode::IllegalGeneration,
                other => other,
            }),
            Kind::Share(_) => Err(ErrorCode::GroupIdNotFound),
        }
    }

    pub fn may_fetch(&self, member_id: Option<&str>, epoch: i32) -> Result<(), ErrorCode> {
        match &self.kind {
            Kind::Classic(_) => Ok(()),
            Kind::Consumer(group) => group.may_fetch(member_id, epoch),
            Kind::Share(_) => Err(ErrorCode::GroupIdNotFound),
        }
    }

    /// Does what is due.
    pub fn time_passed(&mut self, turn: &mut Turn) {
        match &mut self.kind {
            Kind::Classic(group) => {
                self.living = Living::default();
                group.time_passed(turn);
            }
            Kind::Consumer(group) => {
                certainly(&mut self.becomes, turn, |turn, records| group.time_passed(&mut self.living, turn, records));
            }
            Kind::Share(group) => share::time_passed(group, &mut self.living, turn),
        }
    }

    /// Starts the clocks of a group that was just read.
    pub fn start_clocks(&mut self, turn: &mut Turn) {
        match &mut self.kind {
            Kind::Classic(group) => group.start_clocks(turn),
            Kind::Consumer(group) => group.start_clocks(&mut self.living, turn),
            Kind::Share(group) => group.start_clocks(&mut self.living, turn),
        }
    }

    /// The records of the last decision are not in the log.
    pub fn append_failed(&mut self, turn: &mut Turn, error: ErrorCode) {
        if let Some(mut group) = self.becomes.take() {
            group.refuse_all(turn, error);
        }
        if let Kind::Classic(group) = &mut self.kind {
            group.append_failed(turn, error);
        }
    }

    /// Answers every request that waits.
    pub fn refuse_all(&mut self, turn: &mut Turn, error: ErrorCode) {
        let now = if let Kind::Classic(group) = &mut self.kind { Some(group) } else { None };
        now.into_iter().chain(&mut self.becomes).for_each(|group| group.refuse_all(turn, error));
    }

    /// These topics are not what they were.
    pub fn topics_changed(&mut self, names: &[String]) {
        let concerned = match &self.kind {
            Kind::Classic(_) => false,
            Kind::Consumer(group) => names.iter().any(|name| group.is_subscribed_to(name)),
            Kind::Share(group) => names.iter().any(|name| group.is_subscribed_to(name)),
        };
        if concerned {
            self.living.topics_changed();
        }
    }

    /// There are no members.
    pub fn is_empty(&self) -> bool {
        match &self.kind {
            Kind::Classic(group) => group.is_empty(),
            Kind::Consumer(group) => group.is_empty(),
            Kind::Share(group) => group.is_empty(),
        }
    }

    /// Nobody is in it or about to come, and it may go with its last offset.
    pub fn is_idle(&self) -> bool {
        match &self.kind {
            Kind::Classic(group) => group.is_empty() && !group.has_pending_joins() && group.is_stored(),
            Kind::Consumer(group) => group.is_empty(),
            // It never has offsets here, and goes only when it is deleted.
            Kind::Share(_) => false,
        }
    }

    pub fn is_subscribed_to(&self, topic: &str) -> bool {
        match &self.kind {
            Kind::Classic(group) => group.is_subscribed_to(topic),
            Kind::Consumer(group) => group.is_subscribed_to(topic),
            Kind::Share(group) => group.is_subscribed_to(topic),
        }
    }

    /// It is known which topics the members subscribe to, or there are none.
    pub fn tells_subscriptions(&self) -> bool {
        match &self.kind {
            Kind::Classic(group) => group.is_empty() || group.uses_consumer_protocol(),
            Kind::Consumer(_) | Kind::Share(_) => true,
        }
    }

    /// From when the retention of an offset counts that was committed at the given time; `None` if it does not expire now.
    pub fn retention_start(&self, commit_timestamp: i64) -> Option<i64> {
        match &self.kind {
            Kind::Classic(group) => group.retention_starts().map(|starts| starts(commit_timestamp)),
            Kind::Consumer(_) | Kind::Share(_) => Some(commit_timestamp),
        }
    }

    pub fn listed(&self, id: &str) -> ListedGroup {
        match &self.kind {
            Kind::Classic(group) => group.listed(id),
            Kind::Consumer(group) => group.listed(id),
            Kind::Share(group) => group.listed(id),
        }
    }

    /// `None`: it is no classic group.
    pub fn described_as_classic(&self, id: &str) -> Option<DescribedGroup> {
        match &self.kind {
            Kind::Classic(group) => Some(group.described(id)),
            Kind::Consumer(_) | Kind::Share(_) => None,
        }
    }

    pub fn described_as_consumer(&self, id: &str, config: &GroupConfig, cluster: &dyn ClusterView) -> DescribedConsumerGroup {
        match &self.kind {
            Kind::Classic(_) | Kind::Share(_) => Refusal::not_a_consumer_group(id).described(id),
            Kind::Consumer(group) => group.described(id, config.consumer.default_assignor(), cluster),
        }
    }
}
