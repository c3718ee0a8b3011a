//! InitializeShareGroupState: a share coordinator begins to keep the state of partitions.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::machine::share::state::{ShareKey, ShareRequest};
use crate::wire::initialize_share_group_state_request::{InitializeShareGroupStateRequest, PartitionData};
use crate::wire::initialize_share_group_state_response::{InitializeShareGroupStateResponse, InitializeStateResult, PartitionResult};

pub fn handle(cx: Cx, request: InitializeShareGroupStateRequest) -> Reply<InitializeShareGroupStateResponse> {
    Reply::blocking(move || {
        let partition = |topic, p: &PartitionData| {
            let key = ShareKey { group: request.group_id.clone(), topic, partition: p.partition };
            let body = ShareRequest::Initialize { key, state_epoch: p.state_epoch, start_offset: p.start_offset };
            let refusal = cx.broker.share_state(body).err();
            PartitionResult {
                partition: p.partition,
                error_code: refusal.as_ref().map_or(0, |r| r.code.code()),
                error_message: refusal.map(|r| r.message()),
            }
        };
        let results = request.topics.iter().map(|t| InitializeStateResult {
            topic_id: t.topic_id,
            partitions: t.partitions.iter().map(|p| partition(t.topic_id, p)).collect(),
        });
        InitializeShareGroupStateResponse { results: results.collect() }
    })
}
