//! ListPartitionReassignments: which replicas are on their way to other brokers.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::machine::controller::{Partition, Topic};
use crate::wire::list_partition_reassignments_request::ListPartitionReassignmentsRequest;
use crate::wire::list_partition_reassignments_response::{
    ListPartitionReassignmentsResponse, OngoingPartitionReassignment, OngoingTopicReassignment,
};

pub fn handle(cx: Cx, request: ListPartitionReassignmentsRequest) -> Reply<ListPartitionReassignmentsResponse> {
    let image = cx.broker.image();
    let topics = match &request.topics {
        None => image.topics().map(|t| ongoing(t, t.partitions.keys().copied())).collect(),
        Some(wanted) => {
            let known = wanted.iter().filter_map(|w| Some((image.topic(&w.name)?, &w.partition_indexes)));
            known.map(|(topic, numbers)| ongoing(topic, numbers.iter().copied())).collect::<Vec<_>>()
        }
    };
    Reply::now(ListPartitionReassignmentsResponse {
        error_message: None,
        topics: topics.into_iter().filter(|t| !t.partitions.is_empty()).collect(),
        ..Default::default()
    })
}

fn ongoing(topic: &Topic, numbers: impl Iterator<Item = i32>) -> OngoingTopicReassignment {
    let moving = numbers.filter_map(|n| Some((n, topic.partition(n)?))).filter(|(_, p)| !p.adding.is_empty() || !p.removing.is_empty());
    let shown = |(partition_index, p): (i32, &Partition)| OngoingPartitionReassignment {
        partition_index,
        replicas: p.replicas.clone(),
        adding_replicas: p.adding.clone(),
        removing_replicas: p.removing.clone(),
    };
    OngoingTopicReassignment { name: topic.name.to_string(), partitions: moving.map(shown).collect() }
}
