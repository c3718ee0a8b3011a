//! ConsumerGroupHeartbeat: how members of KIP-848 join, stay, hear what is theirs, and leave. From version 1 they make their own id.

use super::consumer_group_describe::is_served;
use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::broker::shards::ask_one;
use crate::machine::group::{GroupAnswer, GroupRequest, GroupShard};
use crate::wire::ErrorCode;
use crate::wire::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest;
use crate::wire::consumer_group_heartbeat_response::ConsumerGroupHeartbeatResponse;

pub fn handle(cx: Cx, request: ConsumerGroupHeartbeatRequest) -> Reply<ConsumerGroupHeartbeatResponse> {
    if !is_served(&cx.broker.image()) {
        let error_code = ErrorCode::UnsupportedVersion.code();
        return Reply::now(ConsumerGroupHeartbeatResponse { error_code, ..Default::default() });
    }
    let group = request.group_id.clone();
    ask_one::<GroupShard, _>(cx, &group, GroupRequest::ConsumerGroupHeartbeat(request), |answer| match answer {
        GroupAnswer::ConsumerGroupHeartbeat(response) => Some(response),
        _ => None,
    })
}
