//! CreateTopics: decided by the controller; the answer comes once the change is durable and applied here.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::wire::create_topics_request::CreateTopicsRequest;
use crate::wire::create_topics_response::{CreatableTopicResult, CreateTopicsResponse};

pub fn handle(cx: Cx, request: CreateTopicsRequest) -> Reply<CreateTopicsResponse> {
    Reply::blocking(move || {
        cx.broker.submit(&request).unwrap_or_else(|code| {
            let failed = |name: &String| CreatableTopicResult { name: name.clone(), error_code: code.code(), ..Default::default() };
            CreateTopicsResponse { topics: request.topics.iter().map(|t| failed(&t.name)).collect(), ..Default::default() }
        })
    })
}
