//! ShareGroupDescribe: epochs, members and assignments of share groups.

use super::authorized;
use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::broker::shards::ask_many;
use crate::broker::share::is_served;
use crate::machine::group::share::{ShareAsk, ShareReply};
use crate::machine::group::{GroupAnswer, GroupRequest, GroupShard};
use crate::wire::ErrorCode;
use crate::wire::share_group_describe_request::ShareGroupDescribeRequest;
use crate::wire::share_group_describe_response::{DescribedGroup, ShareGroupDescribeResponse};

pub fn handle(cx: Cx, request: ShareGroupDescribeRequest) -> Reply<ShareGroupDescribeResponse> {
    if !is_served(&cx.broker.image()) {
        let error_code = ErrorCode::UnsupportedVersion.code();
        let refused = |group_id: String| DescribedGroup { group_id, error_code, ..Default::default() };
        let groups = request.group_ids.into_iter().map(refused).collect();
        return Reply::now(ShareGroupDescribeResponse { groups, ..Default::default() });
    }
    let with_operations = request.include_authorized_operations;
    let one = |group: &String| ShareAsk::Describe(ShareGroupDescribeRequest { group_ids: vec![group.clone()], ..Default::default() });
    let question = |group: &String| (cx.broker.partition_of::<GroupShard>(group), GroupRequest::Share(one(group)));
    let questions = request.group_ids.iter().map(question).collect();
    ask_many::<GroupShard, _>(cx, questions, move |answers| {
        let mut whole = ShareGroupDescribeResponse::default();
        for answer in answers {
            let GroupAnswer::Share(ShareReply::Describe(part)) = answer else { return None };
            whole.groups.extend(part.groups);
        }
        if with_operations {
            whole.groups.iter_mut().filter(|g| g.error_code == 0).for_each(|g| g.authorized_operations = authorized::GROUP);
        }
        Some(whole)
    })
}
