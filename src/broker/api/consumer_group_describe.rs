//! ConsumerGroupDescribe: epochs, members and assignments of consumer groups (K12). Version 1 tells members of the classic protocol apart.

use super::authorized;
use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::broker::shards::ask_many;
use crate::machine::controller::ClusterState;
use crate::machine::group::{GroupAnswer, GroupRequest, GroupShard};
use crate::wire::ErrorCode;
use crate::wire::consumer_group_describe_request::ConsumerGroupDescribeRequest;
use crate::wire::consumer_group_describe_response::{ConsumerGroupDescribeResponse, DescribedGroup};

/// The feature that turns consumer groups on.
const GROUP_VERSION: &str = "group.version";

/// Whether there are consumer groups in this cluster.
pub fn is_served(image: &ClusterState) -> bool {
    image.feature(GROUP_VERSION) >= 1
}

pub fn handle(cx: Cx, request: ConsumerGroupDescribeRequest) -> Reply<ConsumerGroupDescribeResponse> {
    if !is_served(&cx.broker.image()) {
        let error_code = ErrorCode::UnsupportedVersion.code();
        let refused = |group_id: String| DescribedGroup { group_id, error_code, ..Default::default() };
        let groups = request.group_ids.into_iter().map(refused).collect();
        return Reply::now(ConsumerGroupDescribeResponse { groups, ..Default::default() });
    }
    let with_operations = request.include_authorized_operations;
    let one = |group: &String| ConsumerGroupDescribeRequest { group_ids: vec![group.clone()], ..Default::default() };
    let question = |group: &String| (cx.broker.partition_of::<GroupShard>(group), GroupRequest::ConsumerGroupDescribe(one(group)));
    let questions = request.group_ids.iter().map(question).collect();
    ask_many::<GroupShard, _>(cx, questions, move |answers| {
        let mut whole = ConsumerGroupDescribeResponse::default();
        for answer in answers {
            let GroupAnswer::ConsumerGroupDescribe(part) = answer else { return None };
            whole.groups.extend(part.groups);
        }
        if with_operations {
            whole.groups.iter_mut().filter(|g| g.error_code == 0).for_each(|g| g.authorized_operations = authorized::GROUP);
        }
        Some(whole)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n13_a_cluster_without_the_feature_has_no_consumer_groups() {
        assert!(!is_served(&ClusterState::new()));
    }
}
