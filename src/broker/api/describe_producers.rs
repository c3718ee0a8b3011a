//! DescribeProducers: what partitions remember of their idempotent and transactional producers.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::machine::controller::ClusterState;
use crate::node::partition::Partition;
use crate::wire::ErrorCode;
use crate::wire::describe_producers_request::DescribeProducersRequest;
use crate::wire::describe_producers_response::{DescribeProducersResponse, PartitionResponse, ProducerState, TopicResponse};

pub fn handle(cx: Cx, request: DescribeProducersRequest) -> Reply<DescribeProducersResponse> {
    Reply::blocking(move || {
        let image = cx.broker.image();
        let topics = request.topics.iter().map(|t| {
            let partitions = t.partition_indexes.iter().map(|p| shown(*p, describe(&cx, &image, &t.name, *p)));
            TopicResponse { name: t.name.clone(), partitions: partitions.collect() }
        });
        DescribeProducersResponse { topics: topics.collect(), ..Default::default() }
    })
}

fn describe(cx: &Cx, image: &ClusterState, topic: &str, partition: i32) -> Result<Vec<ProducerState>, ErrorCode> {
    let topic = image.topic(topic).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    let hosted = cx.broker.partitions.get(topic, partition)?;
    hosted.with_open(&cx.broker, |p| active(p))
}

fn active(partition: &Partition) -> Vec<ProducerState> {
    let each = partition.log().producers().iter().map(|(producer_id, state)| ProducerState {
        producer_id,
        producer_epoch: state.epoch.into(),
        last_sequence: state.last_sequence(),
        last_timestamp: state.last_timestamp,
        coordinator_epoch: state.coordinator_epoch,
        current_txn_start_offset: state.current_txn_first_offset.unwrap_or(-1),
    });
    each.collect()
}

fn shown(partition_index: i32, found: Result<Vec<ProducerState>, ErrorCode>) -> PartitionResponse {
    match found {
        Ok(active_producers) => PartitionResponse { partition_index, active_producers, ..Default::default() },
        Err(code) => PartitionResponse {
            partition_index,
            error_code: code.code(),
            error_message: Some(code.message().to_string()),
            ..Default::default()
        },
    }
}
