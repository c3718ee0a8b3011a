//! SyncGroup: a member asks for its part of the assignment, which the leader brings.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::broker::shards::ask_one;
use crate::machine::group::{GroupAnswer, GroupRequest, GroupShard};
use crate::wire::sync_group_request::SyncGroupRequest;
use crate::wire::sync_group_response::SyncGroupResponse;

pub fn handle(cx: Cx, request: SyncGroupRequest) -> Reply<SyncGroupResponse> {
    let group = request.group_id.clone();
    ask_one::<GroupShard, _>(cx, &group, GroupRequest::SyncGroup(request), |answer| match answer {
        GroupAnswer::SyncGroup(response) => Some(response),
        _ => None,
    })
}
