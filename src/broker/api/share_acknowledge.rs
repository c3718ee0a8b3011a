//! ShareAcknowledge: what a member says of the records it holds, apart from a fetch. The answer goes out when that is durable (H5).

use super::share_fetch::{acknowledge_partition, close, who};
use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::broker::share::is_served;
use crate::machine::share::session::{CLOSES, SessionKey};
use crate::wire::ErrorCode;
use crate::wire::share_acknowledge_request::{AcknowledgePartition, ShareAcknowledgeRequest};
use crate::wire::share_acknowledge_response::{PartitionData, ShareAcknowledgeResponse, ShareAcknowledgeTopicResponse};

pub fn handle(cx: Cx, request: ShareAcknowledgeRequest) -> Reply<ShareAcknowledgeResponse> {
    if !is_served(&cx.broker.image()) {
        return Reply::now(refused(ErrorCode::UnsupportedVersion));
    }
    Reply::blocking(move || acknowledge(&cx, &request).unwrap_or_else(refused))
}

fn refused(code: ErrorCode) -> ShareAcknowledgeResponse {
    ShareAcknowledgeResponse { error_code: code.code(), error_message: Some(code.message().to_string()), ..Default::default() }
}

fn acknowledge(cx: &Cx, request: &ShareAcknowledgeRequest) -> Result<ShareAcknowledgeResponse, ErrorCode> {
    let who = who(&request.group_id, &request.member_id)?;
    cx.broker.share.sessions.lock().acknowledge(&who, request.share_session_epoch)?;
    let topics = request.topics.iter().map(|topic| ShareAcknowledgeTopicResponse {
        topic_id: topic.topic_id,
        partitions: topic.partitions.iter().map(|p| partition(cx, &who, topic.topic_id, p)).collect(),
    });
    let responses = topics.collect();
    if request.share_session_epoch == CLOSES {
        close(cx, &who);
    }
    Ok(ShareAcknowledgeResponse { acquisition_lock_timeout_ms: cx.broker.share_lock_ms(&who.0), responses, ..Default::default() })
}

fn partition(cx: &Cx, who: &SessionKey, topic: crate::types::TopicId, p: &AcknowledgePartition) -> PartitionData {
    let told = p.acknowledgement_batches.iter().map(|b| (b.first_offset, b.last_offset, b.acknowledge_types.as_slice()));
    let (code, message) = match acknowledge_partition(cx, who, &(topic, p.partition_index), told) {
        Ok(()) => (ErrorCode::None, None),
        Err((code, message)) => (code, Some(message)),
    };
    PartitionData { partition_index: p.partition_index, error_code: code.code(), error_message: message, ..Default::default() }
}
