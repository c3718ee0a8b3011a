//! What a group coordinator is asked, what it answers, and its answers when it cannot even look.

use super::share::{ShareAsk, ShareReply, failed};
use super::txn_offsets;
use crate::machine::coordinator::Context;
use crate::wire::ErrorCode;
use crate::wire::consumer_group_describe_request::ConsumerGroupDescribeRequest;
use crate::wire::consumer_group_describe_response::{ConsumerGroupDescribeResponse, DescribedGroup as DescribedConsumerGroup};
use crate::wire::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest;
use crate::wire::consumer_group_heartbeat_response::ConsumerGroupHeartbeatResponse;
use crate::wire::delete_groups_request::DeleteGroupsRequest;
use crate::wire::delete_groups_response::{DeletableGroupResult, DeleteGroupsResponse};
use crate::wire::describe_groups_request::DescribeGroupsRequest;
use crate::wire::describe_groups_response::{DescribeGroupsResponse, DescribedGroup};
use crate::wire::heartbeat_request::HeartbeatRequest;
use crate::wire::heartbeat_response::HeartbeatResponse;
use crate::wire::join_group_request::JoinGroupRequest;
use crate::wire::join_group_response::JoinGroupResponse;
use crate::wire::leave_group_request::{LeaveGroupRequest, MemberIdentity};
use crate::wire::leave_group_response::{LeaveGroupResponse, MemberResponse};
use crate::wire::list_groups_request::ListGroupsRequest;
use crate::wire::list_groups_response::ListGroupsResponse;
use crate::wire::offset_commit_request::OffsetCommitRequest;
use crate::wire::offset_commit_response::{OffsetCommitResponse, OffsetCommitResponsePartition, OffsetCommitResponseTopic};
use crate::wire::offset_delete_request::OffsetDeleteRequest;
use crate::wire::offset_delete_response::OffsetDeleteResponse;
use crate::wire::offset_fetch_request::OffsetFetchRequestGroup;
use crate::wire::offset_fetch_response::OffsetFetchResponseGroup;
use crate::wire::sync_group_request::SyncGroupRequest;
use crate::wire::sync_group_response::SyncGroupResponse;
use crate::wire::txn_offset_commit_request::TxnOffsetCommitRequest;
use crate::wire::txn_offset_commit_response::TxnOffsetCommitResponse;

/// A request, or the part of it that concerns the groups of one shard.
///
/// Topics come by name, and with the id the name has now (zero if it has none): the handler looks them up before and after.
#[derive(Clone, Debug)]
pub enum GroupRequest {
    JoinGroup(JoinGroupRequest),
    SyncGroup(SyncGroupRequest),
    Heartbeat(HeartbeatRequest),
    LeaveGroup(LeaveGroupRequest),
    ConsumerGroupHeartbeat(ConsumerGroupHeartbeatRequest),
    OffsetCommit(OffsetCommitRequest),
    /// A commit that is part of a transaction, whose partition here is already part of it.
    TxnOffsetCommit(TxnOffsetCommitRequest),
    /// One group of an OffsetFetch; [`shapes`](super::shapes) turns requests and responses of every version into this and back.
    OffsetFetch {
        group: OffsetFetchRequestGroup,
        require_stable: bool,
    },
    OffsetDelete(OffsetDeleteRequest),
    /// Lists the groups of this shard only.
    ListGroups(ListGroupsRequest),
    /// Names groups of this shard only.
    DescribeGroups(DescribeGroupsRequest),
    /// Names groups of this shard only.
    ConsumerGroupDescribe(ConsumerGroupDescribeRequest),
    /// Names groups of this shard only.
    DeleteGroups(DeleteGroupsRequest),
    Share(ShareAsk),
}

/// The answer to the request of the same name.
#[derive(Clone, Debug, PartialEq)]
pub enum GroupAnswer {
    JoinGroup(JoinGroupResponse),
    SyncGroup(SyncGroupResponse),
    Heartbeat(HeartbeatResponse),
    LeaveGroup(LeaveGroupResponse),
    ConsumerGroupHeartbeat(ConsumerGroupHeartbeatResponse),
    OffsetCommit(OffsetCommitResponse),
    TxnOffsetCommit(TxnOffsetCommitResponse),
    OffsetFetch(OffsetFetchResponseGroup),
    OffsetDelete(OffsetDeleteResponse),
    ListGroups(ListGroupsResponse),
    DescribeGroups(DescribeGroupsResponse),
    ConsumerGroupDescribe(ConsumerGroupDescribeResponse),
    DeleteGroups(DeleteGroupsResponse),
    Share(ShareReply),
}

/// What happens outside the groups and matters to them.
#[derive(Clone, Debug, PartialEq)]
pub enum GroupEvent {
    /// These topics are gone, by name and id: their offsets go as well (fact T11).
    TopicsDeleted(Vec<(String, crate::types::TopicId)>),
}

/// The versions from which a request changed its manners.
pub(super) mod since {
    /// JoinGroup asks new dynamic members to come back with the id they get (KIP-394).
    pub const JOIN_REQUIRES_MEMBER_ID: i16 = 4;
    /// A protocol name may be null.
    pub const JOIN_NULL_PROTOCOL_NAME: i16 = 7;
    /// The leader may be told to leave the assignment as it is.
    pub const JOIN_SKIP_ASSIGNMENT: i16 = 9;
    /// LeaveGroup takes several members.
    pub const LEAVE_MANY: i16 = 3;
    /// A commit to a group that is not there is told so.
    pub const COMMIT_GROUP_ID_NOT_FOUND: i16 = 9;
    /// DescribeGroups says that a group is not there.
    pub const DESCRIBE_GROUP_ID_NOT_FOUND: i16 = 6;
}

pub(super) fn join_refused(version: i16, member_id: &str, error: ErrorCode) -> JoinGroupResponse {
    JoinGroupResponse {
        error_code: error.code(),
        member_id: member_id.into(),
        protocol_name: (version < since::JOIN_NULL_PROTOCOL_NAME).then(String::new),
        ..Default::default()
    }
}

pub(super) fn sync_refused(error: ErrorCode) -> SyncGroupResponse {
    SyncGroupResponse { error_code: error.code(), ..Default::default() }
}

pub(super) fn heartbeat(error: ErrorCode) -> HeartbeatResponse {
    HeartbeatResponse { error_code: error.code(), ..Default::default() }
}

pub(super) fn consumer_heartbeat(error: ErrorCode) -> ConsumerGroupHeartbeatResponse {
    ConsumerGroupHeartbeatResponse { error_code: error.code(), ..Default::default() }
}

/// The members a LeaveGroup names, in whatever version.
pub(super) fn leaving(version: i16, request: &LeaveGroupRequest) -> Vec<MemberIdentity> {
    if version >= since::LEAVE_MANY {
        request.members.clone()
    } else {
        vec![MemberIdentity { member_id: request.member_id.clone(), ..Default::default() }]
    }
}

/// The response to a LeaveGroup whose members fared as given. Below version 3 there was one member, and its error is that of the request.
pub(super) fn left(version: i16, members: Vec<MemberResponse>) -> LeaveGroupResponse {
    if version >= since::LEAVE_MANY {
        LeaveGroupResponse { members, ..Default::default() }
    } else {
        LeaveGroupResponse { error_code: members.first().map_or(0, |m| m.error_code), ..Default::default() }
    }
}

/// How every member fared alike.
pub(super) fn all_left(members: Vec<MemberIdentity>, error: ErrorCode) -> Vec<MemberResponse> {
    let each =
        |m: MemberIdentity| MemberResponse { member_id: m.member_id, group_instance_id: m.group_instance_id, error_code: error.code() };
    members.into_iter().map(each).collect()
}

/// A response that says the same of every partition of the request.
pub(super) fn commit_answer(request: &OffsetCommitRequest, error: ErrorCode) -> OffsetCommitResponse {
    let partition = |index: i32| OffsetCommitResponsePartition { partition_index: index, error_code: error.code() };
    let topics = request.topics.iter().map(|topic| OffsetCommitResponseTopic {
        name: topic.name.clone(),
        topic_id: topic.topic_id,
        partitions: topic.partitions.iter().map(|p| partition(p.partition_index)).collect(),
    });
    OffsetCommitResponse { topics: topics.collect(), ..Default::default() }
}

pub(super) fn delete_answer(groups: &[String], error: ErrorCode) -> DeleteGroupsResponse {
    let result = |group: &String| DeletableGroupResult { group_id: group.clone(), error_code: error.code() };
    DeleteGroupsResponse { results: groups.iter().map(result).collect(), ..Default::default() }
}

/// The answer of a coordinator that is not ours, or that still reads its partition.
pub(super) fn refuse(context: &Context, body: &GroupRequest, error: ErrorCode) -> GroupAnswer {
    match body {
        GroupRequest::JoinGroup(r) => GroupAnswer::JoinGroup(join_refused(context.api_version, &r.member_id, error)),
        GroupRequest::SyncGroup(_) => GroupAnswer::SyncGroup(sync_refused(error)),
        // Whoever is loading cannot tell a dead member from a living one, and a refusal would only make clients busy (J9).
        GroupRequest::Heartbeat(_) if error == ErrorCode::CoordinatorLoadInProgress => GroupAnswer::Heartbeat(heartbeat(ErrorCode::None)),
        GroupRequest::Heartbeat(_) => GroupAnswer::Heartbeat(heartbeat(error)),
        GroupRequest::LeaveGroup(_) => GroupAnswer::LeaveGroup(LeaveGroupResponse { error_code: error.code(), ..Default::default() }),
        GroupRequest::ConsumerGroupHeartbeat(_) => GroupAnswer::ConsumerGroupHeartbeat(consumer_heartbeat(error)),
        GroupRequest::OffsetCommit(r) => GroupAnswer::OffsetCommit(commit_answer(r, error)),
        GroupRequest::TxnOffsetCommit(r) => GroupAnswer::TxnOffsetCommit(txn_offsets::answer(r, error)),
        GroupRequest::OffsetFetch { group, .. } => {
            let (group_id, error_code) = (group.group_id.clone(), error.code());
            GroupAnswer::OffsetFetch(OffsetFetchResponseGroup { group_id, error_code, ..Default::default() })
        }
        GroupRequest::OffsetDelete(_) => GroupAnswer::OffsetDelete(OffsetDeleteResponse { error_code: error.code(), ..Default::default() }),
        GroupRequest::ListGroups(_) => GroupAnswer::ListGroups(ListGroupsResponse { error_code: error.code(), ..Default::default() }),
        GroupRequest::DescribeGroups(r) => {
            let each = |group: &String| DescribedGroup { group_id: group.clone(), error_code: error.code(), ..Default::default() };
            GroupAnswer::DescribeGroups(DescribeGroupsResponse { groups: r.groups.iter().map(each).collect(), ..Default::default() })
        }
        GroupRequest::ConsumerGroupDescribe(r) => {
            let each = |group: &String| DescribedConsumerGroup { group_id: group.clone(), error_code: error.code(), ..Default::default() };
            let groups = r.group_ids.iter().map(each).collect();
            GroupAnswer::ConsumerGroupDescribe(ConsumerGroupDescribeResponse { groups, ..Default::default() })
        }
        GroupRequest::DeleteGroups(r) => GroupAnswer::DeleteGroups(delete_answer(&r.groups_names, error)),
        GroupRequest::Share(ask) => GroupAnswer::Share(failed(Some(ask), None, error)),
    }
}

/// An answer that was made for a successful append, turned into one for a failed append.
pub(super) fn fail(answer: GroupAnswer, error: ErrorCode) -> GroupAnswer {
    let code = error.code();
    // Trying again does not make a group smaller: its members shall hear something final.
    let group_code = if error == ErrorCode::RecordListTooLarge { ErrorCode::GroupMaxSizeReached } else { error };
    match answer {
        GroupAnswer::JoinGroup(a) => GroupAnswer::JoinGroup(JoinGroupResponse {
            error_code: group_code.code(),
            member_id: a.member_id,
            protocol_name: a.protocol_name.map(|_| String::new()),
            ..Default::default()
        }),
        GroupAnswer::SyncGroup(_) => GroupAnswer::SyncGroup(sync_refused(group_code)),
        GroupAnswer::Heartbeat(_) => GroupAnswer::Heartbeat(heartbeat(error)),
        GroupAnswer::LeaveGroup(_) => GroupAnswer::LeaveGroup(LeaveGroupResponse { error_code: code, ..Default::default() }),
        GroupAnswer::ConsumerGroupHeartbeat(_) => GroupAnswer::ConsumerGroupHeartbeat(consumer_heartbeat(group_code)),
        GroupAnswer::OffsetCommit(mut a) => {
            let code = if error == ErrorCode::RecordListTooLarge { ErrorCode::InvalidCommitOffsetSize.code() } else { code };
            let partitions = a.topics.iter_mut().flat_map(|t| &mut t.partitions);
            partitions.filter(|p| p.error_code == 0).for_each(|p| p.error_code = code);
            GroupAnswer::OffsetCommit(a)
        }
        GroupAnswer::TxnOffsetCommit(mut a) => {
            let code = if error == ErrorCode::RecordListTooLarge { ErrorCode::UnknownServerError.code() } else { code };
            let partitions = a.topics.iter_mut().flat_map(|t| &mut t.partitions);
            partitions.filter(|p| p.error_code == 0).for_each(|p| p.error_code = code);
            GroupAnswer::TxnOffsetCommit(a)
        }
        GroupAnswer::OffsetFetch(a) => {
            // OffsetFetch has never had COORDINATOR_NOT_AVAILABLE: clients before 3.9 would take it for the end.
            let code = if error == ErrorCode::CoordinatorNotAvailable { ErrorCode::NotCoordinator.code() } else { code };
            GroupAnswer::OffsetFetch(OffsetFetchResponseGroup { group_id: a.group_id, error_code: code, ..Default::default() })
        }
        GroupAnswer::OffsetDelete(_) => GroupAnswer::OffsetDelete(OffsetDeleteResponse { error_code: code, ..Default::default() }),
        GroupAnswer::ListGroups(_) => GroupAnswer::ListGroups(ListGroupsResponse { error_code: code, ..Default::default() }),
        GroupAnswer::DescribeGroups(a) => {
            let each = |g: DescribedGroup| DescribedGroup { group_id: g.group_id, error_code: code, ..Default::default() };
            let groups = a.groups.into_iter().map(each).collect();
            GroupAnswer::DescribeGroups(DescribeGroupsResponse { groups, ..Default::default() })
        }
        GroupAnswer::ConsumerGroupDescribe(a) => {
            let each = |g: DescribedConsumerGroup| DescribedConsumerGroup { group_id: g.group_id, error_code: code, ..Default::default() };
            let groups = a.groups.into_iter().map(each).collect();
            GroupAnswer::ConsumerGroupDescribe(ConsumerGroupDescribeResponse { groups, ..Default::default() })
        }
        GroupAnswer::DeleteGroups(mut a) => {
            a.results.iter_mut().filter(|r| r.error_code == 0).for_each(|r| r.error_code = code);
            GroupAnswer::DeleteGroups(a)
        }
        GroupAnswer::Share(reply) => GroupAnswer::Share(failed(None, Some(&reply), group_code)),
    }
}
