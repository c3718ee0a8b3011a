//! DeleteGroups: forgets empty groups with their offsets. Of share groups the states of their partitions go first.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::broker::shards::ask_many;
use crate::machine::group::{GroupAnswer, GroupRequest, GroupShard};
use crate::wire::ErrorCode;
use crate::wire::delete_groups_request::DeleteGroupsRequest;
use crate::wire::delete_groups_response::{DeletableGroupResult, DeleteGroupsResponse};

pub fn handle(cx: Cx, request: DeleteGroupsRequest) -> Reply<DeleteGroupsResponse> {
    Reply::Blocking(Box::new(move || {
        let mut refused = Vec::new();
        for group in &request.groups_names {
            let code = end_states(&cx, group);
            if code != ErrorCode::None {
                refused.push(DeletableGroupResult { group_id: group.clone(), error_code: code.code() });
            }
        }
        let left = request.groups_names.into_iter().filter(|g| refused.iter().all(|r| r.group_id != *g));
        delete(cx, left.collect(), refused)
    }))
}

/// For a group of another kind there is nothing to do.
fn end_states(cx: &Cx, group: &str) -> ErrorCode {
    match cx.broker.end_share_states(group, None) {
        Ok(ended) => ended.iter().find_map(|(_, failed)| failed.as_ref()).map_or(ErrorCode::None, |refusal| refusal.code),
        Err((ErrorCode::NonEmptyGroup, _)) => ErrorCode::NonEmptyGroup,
        Err(_) => ErrorCode::None,
    }
}

fn delete(cx: Cx, groups: Vec<String>, refused: Vec<DeletableGroupResult>) -> Reply<DeleteGroupsResponse> {
    let one = |group: &String| DeleteGroupsRequest { groups_names: vec![group.clone()] };
    let question = |g: &String| (cx.broker.partition_of::<GroupShard>(g), GroupRequest::DeleteGroups(one(g)));
    let questions = groups.iter().map(question).collect();
    ask_many::<GroupShard, _>(cx, questions, |answers| {
        let mut whole = DeleteGroupsResponse { results: refused, ..Default::default() };
        for answer in answers {
            let GroupAnswer::DeleteGroups(part) = answer else { return None };
            whole.results.extend(part.results);
        }
        Some(whole)
    })
}
