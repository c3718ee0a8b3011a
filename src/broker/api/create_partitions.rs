//! CreatePartitions: more partitions for topics that exist.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::wire::create_partitions_request::CreatePartitionsRequest;
use crate::wire::create_partitions_response::{CreatePartitionsResponse, CreatePartitionsTopicResult};

pub fn handle(cx: Cx, request: CreatePartitionsRequest) -> Reply<CreatePartitionsResponse> {
    Reply::blocking(move || {
        cx.broker.submit(&request).unwrap_or_else(|code| {
            let failed = |name: &String| CreatePartitionsTopicResult { name: name.clone(), error_code: code.code(), ..Default::default() };
            CreatePartitionsResponse { results: request.topics.iter().map(|t| failed(&t.name)).collect(), ..Default::default() }
        })
    })
}
