//! DeleteGroups: forgets empty groups with their offsets.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::broker::shards::ask_many;
use crate::machine::group::{GroupAnswer, GroupRequest, GroupShard};
use crate::wire::delete_groups_request::DeleteGroupsRequest;
use crate::wire::delete_groups_response::DeleteGroupsResponse;

pub fn handle(cx: Cx, request: DeleteGroupsRequest) -> Reply<DeleteGroupsResponse> {
    let one = |group: &String| DeleteGroupsRequest { groups_names: vec![group.clone()] };
    let questions =
        request.groups_names.iter().map(|g| (cx.broker.partition_of::<GroupShard>(g), GroupRequest::DeleteGroups(one(g)))).collect();
    ask_many::<GroupShard, _>(cx, questions, |answers| {
        let mut whole = DeleteGroupsResponse::default();
        for answer in answers {
            let GroupAnswer::DeleteGroups(part) = answer else { return None };
            whole.results.extend(part.results);
        }
        Some(whole)
    })
}
