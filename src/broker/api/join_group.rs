//! JoinGroup: a member joins its group, or joins again; the answer waits until all have.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::broker::shards::ask_one;
use crate::machine::group::{GroupAnswer, GroupRequest, GroupShard};
use crate::wire::join_group_request::JoinGroupRequest;
use crate::wire::join_group_response::JoinGroupResponse;

pub fn handle(cx: Cx, request: JoinGroupRequest) -> Reply<JoinGroupResponse> {
    let group = request.group_id.clone();
    ask_one::<GroupShard, _>(cx, &group, GroupRequest::JoinGroup(request), |answer| match answer {
        GroupAnswer::JoinGroup(response) => Some(response),
        _ => None,
    })
}
