//! DeleteTopics: by name, from version 6 also by id. The partitions' files go away in the background.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::wire::ErrorCode;
use crate::wire::delete_topics_request::{DeleteTopicState, DeleteTopicsRequest};
use crate::wire::delete_topics_response::{DeletableTopicResult, DeleteTopicsResponse};

pub fn handle(cx: Cx, mut request: DeleteTopicsRequest) -> Reply<DeleteTopicsResponse> {
    if !cx.broker.config.delete_topic_enable {
        let code = if cx.version < 3 { ErrorCode::InvalidRequest } else { ErrorCode::TopicDeletionDisabled };
        return Reply::now(all_failed(&request, code));
    }
    // Older versions name topics in a list of their own.
    let names = std::mem::take(&mut request.topic_names);
    request.topics.extend(names.into_iter().map(|name| DeleteTopicState { name: Some(name), ..Default::default() }));
    Reply::blocking(move || cx.broker.submit(&request).unwrap_or_else(|code| all_failed(&request, code)))
}

fn all_failed(request: &DeleteTopicsRequest, code: ErrorCode) -> DeleteTopicsResponse {
    let named = request.topic_names.iter().map(|name| (Some(name.clone()), Default::default()));
    let states = request.topics.iter().map(|t| (t.name.clone(), t.topic_id));
    let failed =
        named.chain(states).map(|(name, topic_id)| DeletableTopicResult { name, topic_id, error_code: code.code(), ..Default::default() });
    DeleteTopicsResponse { responses: failed.collect(), ..Default::default() }
}
