//! DescribeQuorum: who keeps the metadata log, and how far everybody is. Here that is this node alone.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::machine::controller::topics::CLUSTER_METADATA_TOPIC;
use crate::wire::ErrorCode;
use crate::wire::describe_quorum_request::DescribeQuorumRequest;
use crate::wire::describe_quorum_response::{DescribeQuorumResponse, Node, PartitionData, ReplicaState, TopicData};

pub fn handle(cx: Cx, request: DescribeQuorumRequest) -> Reply<DescribeQuorumResponse> {
    // Behind the lock of the metadata log, which may be held through a sync.
    Reply::blocking(move || describe(&cx, &request))
}

fn describe(cx: &Cx, request: &DescribeQuorumRequest) -> DescribeQuorumResponse {
    let only_partition = match request.topics.as_slice() {
        [topic] if topic.topic_name == CLUSTER_METADATA_TOPIC => matches!(topic.partitions.as_slice(), [p] if p.partition_index == 0),
        _ => false,
    };
    if !only_partition {
        return refused(request, ErrorCode::UnknownTopicOrPartition);
    }
    let Some(standing) = cx.broker.quorum_standing() else { return refused(request, ErrorCode::NotController) };
    let (node, now) = (cx.broker.node_id, cx.broker.clock.now().wall.0);
    let voter = ReplicaState {
        replica_id: node,
        replica_directory_id: standing.directory,
        log_end_offset: standing.end_offset,
        last_fetch_timestamp: now,
        last_caught_up_timestamp: now,
    };
    let partition = PartitionData {
        error_message: None,
        leader_id: node,
        leader_epoch: standing.epoch,
        high_watermark: standing.end_offset,
        current_voters: vec![voter],
        ..Default::default()
    };
    DescribeQuorumResponse {
        error_message: None,
        topics: vec![TopicData { topic_name: CLUSTER_METADATA_TOPIC.to_string(), partitions: vec![partition] }],
        // Without listeners: no other controller could ask this one.
        nodes: vec![Node { node_id: node, listeners: vec![] }],
        ..Default::default()
    }
}

/// The same error for everything that was asked for.
fn refused(request: &DescribeQuorumRequest, code: ErrorCode) -> DescribeQuorumResponse {
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|p| PartitionData {
            partition_index: p.partition_index,
            error_code: code.code(),
            error_message: Some(code.message().to_string()),
            ..Default::default()
        });
        TopicData { topic_name: topic.topic_name.clone(), partitions: partitions.collect() }
    });
    DescribeQuorumResponse { error_message: None, topics: topics.collect(), ..Default::default() }
}
