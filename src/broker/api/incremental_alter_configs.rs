//! IncrementalAlterConfigs: set, delete, append and subtract single settings; each resource succeeds or fails as a whole.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::wire::incremental_alter_configs_request::IncrementalAlterConfigsRequest;
use crate::wire::incremental_alter_configs_response::{AlterConfigsResourceResponse, IncrementalAlterConfigsResponse};

pub fn handle(cx: Cx, request: IncrementalAlterConfigsRequest) -> Reply<IncrementalAlterConfigsResponse> {
    Reply::blocking(move || {
        cx.broker.submit(&request).unwrap_or_else(|code| IncrementalAlterConfigsResponse {
            responses: request
                .resources
                .iter()
                .map(|r| AlterConfigsResourceResponse {
                    error_code: code.code(),
                    resource_type: r.resource_type,
                    resource_name: r.resource_name.clone(),
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        })
    })
}
