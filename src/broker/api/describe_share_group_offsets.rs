//! DescribeShareGroupOffsets: where share groups stand in their partitions. Version 1 tells how many records are before them.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::machine::controller::ClusterState;
use crate::wire::ErrorCode;
use crate::wire::describe_share_group_offsets_request::{
    DescribeShareGroupOffsetsRequest, DescribeShareGroupOffsetsRequestGroup, DescribeShareGroupOffsetsRequestTopic,
};
use crate::wire::describe_share_group_offsets_response::{
    DescribeShareGroupOffsetsResponse, DescribeShareGroupOffsetsResponseGroup, DescribeShareGroupOffsetsResponsePartition,
    DescribeShareGroupOffsetsResponseTopic,
};

pub fn handle(cx: Cx, request: DescribeShareGroupOffsetsRequest) -> Reply<DescribeShareGroupOffsetsResponse> {
    Reply::blocking(move || {
        let image = cx.broker.image();
        let groups = request.groups.into_iter().map(|g| group(&cx, &image, g));
        DescribeShareGroupOffsetsResponse { groups: groups.collect(), ..Default::default() }
    })
}

fn group(cx: &Cx, image: &ClusterState, asked: DescribeShareGroupOffsetsRequestGroup) -> DescribeShareGroupOffsetsResponseGroup {
    let group_id = asked.group_id;
    let topics = match asked.topics {
        Some(topics) => topics,
        None => match cx.broker.kept_share_states(&group_id) {
            Ok(kept) => {
                let of = |t: crate::machine::group::share::ShareTopic| DescribeShareGroupOffsetsRequestTopic {
                    topic_name: t.name,
                    partitions: t.partitions,
                };
                kept.into_iter().map(of).collect()
            }
            Err((code, message)) => {
                let (error_code, error_message) = (code.code(), Some(message));
                return DescribeShareGroupOffsetsResponseGroup { group_id, error_code, error_message, ..Default::default() };
            }
        },
    };
    let topics = topics.into_iter().map(|t| topic(cx, image, &group_id, t)).collect();
    DescribeShareGroupOffsetsResponseGroup { group_id, topics, ..Default::default() }
}

fn topic(
    cx: &Cx,
    image: &ClusterState,
    group: &str,
    asked: DescribeShareGroupOffsetsRequestTopic,
) -> DescribeShareGroupOffsetsResponseTopic {
    let known = image.topic(&asked.topic_name).map(|t| t.id);
    let partition = |index: i32| {
        let nothing =
            DescribeShareGroupOffsetsResponsePartition { partition_index: index, start_offset: -1, lag: -1, ..Default::default() };
        let found = known.ok_or(ErrorCode::UnknownTopicOrPartition.into()).and_then(|id| cx.broker.share_summary(group, id, index));
        match found {
            Ok((summary, lag)) => DescribeShareGroupOffsetsResponsePartition {
                start_offset: summary.start_offset,
                leader_epoch: summary.leader_epoch,
                lag,
                ..nothing
            },
            Err(refusal) => DescribeShareGroupOffsetsResponsePartition {
                error_code: refusal.code.code(),
                error_message: Some(refusal.message()),
                ..nothing
            },
        }
    };
    DescribeShareGroupOffsetsResponseTopic {
        topic_id: known.unwrap_or_default(),
        partitions: asked.partitions.into_iter().map(partition).collect(),
        topic_name: asked.topic_name,
    }
}
