//! WriteShareGroupState: a partition's leader tells the share coordinator what became of records. Version 1 brought the count of those
//! that are done with.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::machine::share::state::{ShareKey, ShareRequest};
use crate::machine::share::{Delivery, StateBatch};
use crate::wire::write_share_group_state_request::{PartitionData, WriteShareGroupStateRequest};
use crate::wire::write_share_group_state_response::{PartitionResult, WriteShareGroupStateResponse, WriteStateResult};

pub fn handle(cx: Cx, request: WriteShareGroupStateRequest) -> Reply<WriteShareGroupStateResponse> {
    Reply::blocking(move || {
        let partition = |topic, p: &PartitionData| {
            let key = ShareKey { group: request.group_id.clone(), topic, partition: p.partition };
            let refusal = cx.broker.share_state(asked(key, p)).err();
            PartitionResult {
                partition: p.partition,
                error_code: refusal.as_ref().map_or(0, |r| r.code.code()),
                error_message: refusal.map(|r| r.message()),
            }
        };
        let results = request.topics.iter().map(|t| WriteStateResult {
            topic_id: t.topic_id,
            partitions: t.partitions.iter().map(|p| partition(t.topic_id, p)).collect(),
        });
        WriteShareGroupStateResponse { results: results.collect() }
    })
}

fn asked(key: ShareKey, p: &PartitionData) -> ShareRequest {
    let batches = p.state_batches.iter().map(|b| StateBatch {
        first: b.first_offset,
        last: b.last_offset,
        delivery: Delivery::from_code(b.delivery_state),
        count: b.delivery_count,
    });
    ShareRequest::Write {
        key,
        state_epoch: p.state_epoch,
        leader_epoch: p.leader_epoch,
        start_offset: p.start_offset,
        complete: p.delivery_complete_count,
        batches: batches.collect(),
    }
}
