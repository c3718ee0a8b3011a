//! ReadShareGroupStateSummary: where share groups stand, without what became of single records. Version 1 brought the count of those that
//! are done with.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::machine::share::state::{Done, ShareAnswer, ShareKey, ShareRequest};
use crate::wire::ErrorCode;
use crate::wire::read_share_group_state_summary_request::ReadShareGroupStateSummaryRequest;
use crate::wire::read_share_group_state_summary_response::{PartitionResult, ReadShareGroupStateSummaryResponse, ReadStateSummaryResult};

pub fn handle(cx: Cx, request: ReadShareGroupStateSummaryRequest) -> Reply<ReadShareGroupStateSummaryResponse> {
    Reply::blocking(move || {
        let partition = |topic, partition: i32| {
            let key = ShareKey { group: request.group_id.clone(), topic, partition };
            result(partition, cx.broker.share_state(ShareRequest::Summary { key }))
        };
        let results = request.topics.iter().map(|t| ReadStateSummaryResult {
            topic_id: t.topic_id,
            partitions: t.partitions.iter().map(|p| partition(t.topic_id, p.partition)).collect(),
        });
        ReadShareGroupStateSummaryResponse { results: results.collect() }
    })
}

fn result(partition: i32, answer: ShareAnswer) -> PartitionResult {
    let (code, message) = match answer {
        Ok(Done::Summary(s)) => {
            return PartitionResult {
                partition,
                state_epoch: s.state_epoch,
                leader_epoch: s.leader_epoch,
                start_offset: s.start_offset,
                delivery_complete_count: s.complete,
                ..Default::default()
            };
        }
        Ok(_) => (ErrorCode::UnknownServerError, ErrorCode::UnknownServerError.message().to_string()),
        Err(refusal) => (refusal.code, refusal.message()),
    };
    PartitionResult { partition, error_code: code.code(), error_message: Some(message), ..Default::default() }
}
