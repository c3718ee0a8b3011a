//! OffsetDelete: forgets committed offsets of a group.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::broker::shards::ask_one;
use crate::machine::group::{GroupAnswer, GroupRequest, GroupShard};
use crate::wire::offset_delete_request::OffsetDeleteRequest;
use crate::wire::offset_delete_response::OffsetDeleteResponse;

pub fn handle(cx: Cx, request: OffsetDeleteRequest) -> Reply<OffsetDeleteResponse> {
    let group = request.group_id.clone();
    ask_one::<GroupShard, _>(cx, &group, GroupRequest::OffsetDelete(request), |answer| match answer {
        GroupAnswer::OffsetDelete(response) => Some(response),
        _ => None,
    })
}
