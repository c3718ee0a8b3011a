//! ListGroups: the groups of all coordinators on this broker. Version 4 filters by state, 5 by type.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::broker::shards::ask_many;
use crate::machine::group::{GroupAnswer, GroupRequest, GroupShard};
use crate::wire::list_groups_request::ListGroupsRequest;
use crate::wire::list_groups_response::ListGroupsResponse;

pub fn handle(cx: Cx, request: ListGroupsRequest) -> Reply<ListGroupsResponse> {
    let all = cx.broker.partitions_of::<GroupShard>();
    let questions = all.into_iter().map(|p| (Some(p), GroupRequest::ListGroups(request.clone()))).collect();
    ask_many::<GroupShard, _>(cx, questions, |answers| {
        let mut whole = ListGroupsResponse::default();
        for answer in answers {
            let GroupAnswer::ListGroups(part) = answer else { return None };
            if part.error_code != 0 {
                whole.error_code = part.error_code;
            }
            whole.groups.extend(part.groups);
        }
        Some(whole)
    })
}
