//! Heartbeat: a member is alive, and hears when the group rebalances.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::broker::shards::ask_one;
use crate::machine::group::{GroupAnswer, GroupRequest, GroupShard};
use crate::wire::heartbeat_request::HeartbeatRequest;
use crate::wire::heartbeat_response::HeartbeatResponse;

pub fn handle(cx: Cx, request: HeartbeatRequest) -> Reply<HeartbeatResponse> {
    let group = request.group_id.clone();
    ask_one::<GroupShard, _>(cx, &group, GroupRequest::Heartbeat(request), |answer| match answer {
        GroupAnswer::Heartbeat(response) => Some(response),
        _ => None,
    })
}
