//! DescribeGroups: states and members. Version 3 brought authorized operations, 6 an error for groups that are not there.

use super::authorized;
use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::broker::shards::ask_many;
use crate::machine::group::{GroupAnswer, GroupRequest, GroupShard};
use crate::wire::describe_groups_request::DescribeGroupsRequest;
use crate::wire::describe_groups_response::DescribeGroupsResponse;

pub fn handle(cx: Cx, request: DescribeGroupsRequest) -> Reply<DescribeGroupsResponse> {
    let with_operations = request.include_authorized_operations;
    let one = |group: &String| DescribeGroupsRequest { groups: vec![group.clone()], include_authorized_operations: with_operations };
    let questions =
        request.groups.iter().map(|g| (cx.broker.partition_of::<GroupShard>(g), GroupRequest::DescribeGroups(one(g)))).collect();
    ask_many::<GroupShard, _>(cx, questions, move |answers| {
        let mut whole = DescribeGroupsResponse::default();
        for answer in answers {
            let GroupAnswer::DescribeGroups(part) = answer else { return None };
            whole.groups.extend(part.groups);
        }
        if with_operations {
            whole.groups.iter_mut().filter(|g| g.error_code == 0).for_each(|g| g.authorized_operations = authorized::GROUP);
        }
        Some(whole)
    })
}
