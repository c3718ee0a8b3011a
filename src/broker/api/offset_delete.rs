//! OffsetDelete: forgets committed offsets of a group.

use crate::broker::context::Cx;
use crate::broker::groups::ask_one;
use crate::broker::reply::Reply;
use crate::machine::group::{GroupAnswer, GroupRequest};
use crate::wire::offset_delete_request::OffsetDeleteRequest;
use crate::wire::offset_delete_response::OffsetDeleteResponse;

pub fn handle(cx: Cx, request: OffsetDeleteRequest) -> Reply<OffsetDeleteResponse> {
    let group = request.group_id.clone();
    ask_one(cx, &group, GroupRequest::OffsetDelete(request), |answer| match answer {
        GroupAnswer::OffsetDelete(response) => Some(response),
        _ => None,
    })
}
