//! DeleteShareGroupOffsets: a share group without members forgets where it stood in topics.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::wire::ErrorCode;
use crate::wire::delete_share_group_offsets_request::DeleteShareGroupOffsetsRequest;
use crate::wire::delete_share_group_offsets_response::{DeleteShareGroupOffsetsResponse, DeleteShareGroupOffsetsResponseTopic};

/// Of a topic that the group has not consumed from.
const NOTHING: &str = "There is no offset information to delete.";

pub fn handle(cx: Cx, request: DeleteShareGroupOffsetsRequest) -> Reply<DeleteShareGroupOffsetsResponse> {
    Reply::blocking(move || {
        let image = cx.broker.image();
        let id_of = |name: &str| image.topic(name).map(|t| t.id);
        let ids = request.topics.iter().filter_map(|t| id_of(&t.topic_name)).collect();
        let ended = match cx.broker.end_share_states(&request.group_id, Some(ids)) {
            Ok(ended) => ended,
            Err((code, message)) => {
                return DeleteShareGroupOffsetsResponse { error_code: code.code(), error_message: Some(message), ..Default::default() };
            }
        };
        let responses = request.topics.iter().map(|topic| {
            let known = ended.iter().find(|(t, _)| t.name == topic.topic_name);
            let (code, message) = match known {
                Some((_, None)) => (ErrorCode::None, None),
                Some((_, Some(refusal))) => (refusal.code, Some(refusal.message())),
                None if id_of(&topic.topic_name).is_some() => (ErrorCode::UnknownTopicOrPartition, Some(NOTHING.to_string())),
                None => (ErrorCode::UnknownTopicOrPartition, Some(ErrorCode::UnknownTopicOrPartition.message().to_string())),
            };
            DeleteShareGroupOffsetsResponseTopic {
                topic_name: topic.topic_name.clone(),
                topic_id: id_of(&topic.topic_name).unwrap_or_default(),
                error_code: code.code(),
                error_message: message,
            }
        });
        DeleteShareGroupOffsetsResponse { responses: responses.collect(), ..Default::default() }
    })
}
