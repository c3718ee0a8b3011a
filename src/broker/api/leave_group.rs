//! LeaveGroup: members go. Version 3 brought several at once.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::broker::shards::ask_one;
use crate::machine::group::{GroupAnswer, GroupRequest, GroupShard};
use crate::wire::leave_group_request::LeaveGroupRequest;
use crate::wire::leave_group_response::LeaveGroupResponse;

pub fn handle(cx: Cx, request: LeaveGroupRequest) -> Reply<LeaveGroupResponse> {
    let group = request.group_id.clone();
    ask_one::<GroupShard, _>(cx, &group, GroupRequest::LeaveGroup(request), |answer| match answer {
        GroupAnswer::LeaveGroup(response) => Some(response),
        _ => None,
    })
}
