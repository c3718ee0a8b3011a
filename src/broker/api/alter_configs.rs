//! AlterConfigs: replaces all settings of a resource; what is not named goes back to its default.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::wire::alter_configs_request::AlterConfigsRequest;
use crate::wire::alter_configs_response::{AlterConfigsResourceResponse, AlterConfigsResponse};

pub fn handle(cx: Cx, request: AlterConfigsRequest) -> Reply<AlterConfigsResponse> {
    Reply::blocking(move || {
        cx.broker.submit(&request).unwrap_or_else(|code| AlterConfigsResponse {
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
