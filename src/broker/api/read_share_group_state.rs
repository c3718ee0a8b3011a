//! ReadShareGroupState: a partition's leader learns from the share coordinator where its share group stands.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::machine::share::state::{Done, ShareKey, ShareRequest};
use crate::wire::ErrorCode;
use crate::wire::read_share_group_state_request::{PartitionData, ReadShareGroupStateRequest};
use crate::wire::read_share_group_state_response::{PartitionResult, ReadShareGroupStateResponse, ReadStateResult, StateBatch};

pub fn handle(cx: Cx, request: ReadShareGroupStateRequest) -> Reply<ReadShareGroupStateResponse> {
    Reply::blocking(move || {
        let partition = |topic, p: &PartitionData| {
            let key = ShareKey { group: request.group_id.clone(), topic, partition: p.partition };
            let done = cx.broker.share_state(ShareRequest::Read { key, leader_epoch: p.leader_epoch });
            result(p.partition, done)
        };
        let results = request
            .topics
            .iter()
            .map(|t| ReadStateResult { topic_id: t.topic_id, partitions: t.partitions.iter().map(|p| partition(t.topic_id, p)).collect() });
        ReadShareGroupStateResponse { results: results.collect() }
    })
}

fn result(partition: i32, done: crate::machine::share::state::ShareAnswer) -> PartitionResult {
    let (code, message) = match done {
        Ok(Done::State(state)) => {
            let batch = |b: &crate::machine::share::StateBatch| StateBatch {
                first_offset: b.first,
                last_offset: b.last,
                delivery_state: b.delivery.code(),
                delivery_count: b.count,
            };
            return PartitionResult {
                partition,
                state_epoch: state.state_epoch,
                start_offset: state.start_offset,
                state_batches: state.batches.iter().map(batch).collect(),
                ..Default::default()
            };
        }
        Ok(_) => (ErrorCode::UnknownServerError, ErrorCode::UnknownServerError.message().to_string()),
        Err(refusal) => (refusal.code, refusal.message()),
    };
    PartitionResult { partition, error_code: code.code(), error_message: Some(message), ..Default::default() }
}
