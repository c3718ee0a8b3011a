//! DeleteShareGroupState: a share coordinator forgets the state of partitions.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::machine::share::state::{ShareKey, ShareRequest};
use crate::wire::delete_share_group_state_request::DeleteShareGroupStateRequest;
use crate::wire::delete_share_group_state_response::{DeleteShareGroupStateResponse, DeleteStateResult, PartitionResult};

pub fn handle(cx: Cx, request: DeleteShareGroupStateRequest) -> Reply<DeleteShareGroupStateResponse> {
    Reply::blocking(move || {
        let partition = |topic, partition: i32| {
            let key = ShareKey { group: request.group_id.clone(), topic, partition };
            let refusal = cx.broker.share_state(ShareRequest::Delete { key }).err();
            PartitionResult {
                partition,
                error_code: refusal.as_ref().map_or(0, |r| r.code.code()),
                error_message: refusal.map(|r| r.message()),
            }
        };
        let results = request.topics.iter().map(|t| DeleteStateResult {
            topic_id: t.topic_id,
            partitions: t.partitions.iter().map(|p| partition(t.topic_id, p.partition)).collect(),
        });
        DeleteShareGroupStateResponse { results: results.collect() }
    })
}
