//! DescribeTopicPartitions: topics in pages of partitions, with a cursor from one page to the next.

use std::collections::BTreeSet;

use super::authorized;
use crate::broker::cluster;
use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::machine::controller::{ClusterState, Partition, Topic};
use crate::wire::ErrorCode;
use crate::wire::describe_topic_partitions_request::DescribeTopicPartitionsRequest;
use crate::wire::describe_topic_partitions_response::{
    Cursor, DescribeTopicPartitionsResponse, DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};

pub fn handle(cx: Cx, request: DescribeTopicPartitionsRequest) -> Reply<DescribeTopicPartitionsResponse> {
    let image = cx.broker.image();
    let all = request.topics.is_empty();
    let names: BTreeSet<&str> =
        if all { image.topics().map(|t| &*t.name).collect() } else { request.topics.iter().map(|t| t.name.as_str()).collect() };
    let (from_topic, from_partition) = request.cursor.as_ref().map_or(("", 0), |c| (c.topic_name.as_str(), c.partition_index));
    let named = request.cursor.is_none() || all || names.contains(from_topic);
    if from_partition < 0 || !named {
        return Reply::now(invalid(&names));
    }
    let limit = request.response_partition_limit.min(cx.broker.config.max_request_partition_size_limit);
    let mut left = usize::try_from(limit).unwrap_or(0).max(1);
    let mut response = DescribeTopicPartitionsResponse::default();
    for name in names.range(from_topic..) {
        let Some(topic) = image.topic(name) else {
            response.topics.push(refused(name, cluster::missing_topic(name)));
            continue;
        };
        let start = if *name == from_topic { from_partition } else { 0 };
        let page = page_of(&cx, &image, topic, start, left);
        left -= page.partitions.len();
        let next = start.saturating_add(i32::try_from(page.partitions.len()).unwrap_or(i32::MAX));
        let whole = next >= topic.partition_count();
        if !page.partitions.is_empty() || whole {
            response.topics.push(page);
        }
        if !whole {
            response.next_cursor = Some(Cursor { topic_name: name.to_string(), partition_index: next });
            break;
        }
    }
    Reply::now(response)
}

/// A topic with at most `limit` of its partitions, beginning with partition `start`.
fn page_of(cx: &Cx, image: &ClusterState, topic: &Topic, start: i32, limit: usize) -> DescribeTopicPartitionsResponseTopic {
    let partitions = topic.partitions.range(start..).take(limit).map(|(index, p)| describe(cx, image, *index, p));
    DescribeTopicPartitionsResponseTopic {
        name: Some(topic.name.to_string()),
        topic_id: topic.id,
        is_internal: cluster::is_internal(&topic.name),
        partitions: partitions.collect(),
        topic_authorized_operations: authorized::TOPIC,
        ..Default::default()
    }
}

fn describe(cx: &Cx, image: &ClusterState, index: i32, p: &Partition) -> DescribeTopicPartitionsResponsePartition {
    let (leader_id, error) = cluster::leader(image, cx, p);
    DescribeTopicPartitionsResponsePartition {
        error_code: error.code(),
        partition_index: index,
        leader_id,
        leader_epoch: p.leader_epoch,
        replica_nodes: p.replicas.clone(),
        isr_nodes: p.isr.clone(),
        eligible_leader_replicas: Some(p.elr.clone()),
        last_known_elr: Some(p.last_known_elr.clone()),
        offline_replicas: cluster::offline(image, cx, &p.replicas),
    }
}

fn refused(name: &str, code: ErrorCode) -> DescribeTopicPartitionsResponseTopic {
    DescribeTopicPartitionsResponseTopic {
        error_code: code.code(),
        name: Some(name.to_string()),
        is_internal: cluster::is_internal(name),
        ..Default::default()
    }
}

fn invalid(names: &BTreeSet<&str>) -> DescribeTopicPartitionsResponse {
    let topics = names.iter().map(|name| refused(name, ErrorCode::InvalidRequest)).collect();
    DescribeTopicPartitionsResponse { topics, ..Default::default() }
}
