//! IncrementalAlterConfigs: set, delete, append and subtract single settings; each resource succeeds or fails as a whole. Log levels are this
//! broker's own affair, everything else is decided by the controller.

use crate::broker::context::Cx;
use crate::broker::logging;
use crate::broker::reply::Reply;
use crate::machine::controller::{ApiError, ResourceKind};
use crate::types::NodeId;
use crate::wire::ErrorCode;
use crate::wire::incremental_alter_configs_request::{AlterConfigsResource, IncrementalAlterConfigsRequest};
use crate::wire::incremental_alter_configs_response::{AlterConfigsResourceResponse, IncrementalAlterConfigsResponse};

pub fn handle(cx: Cx, mut request: IncrementalAlterConfigsRequest) -> Reply<IncrementalAlterConfigsResponse> {
    let all = std::mem::take(&mut request.resources);
    let is_logger = |r: &AlterConfigsResource| ResourceKind::from_id(r.resource_type) == ResourceKind::BrokerLogger;
    let (loggers, others): (Vec<_>, Vec<_>) = all.into_iter().partition(is_logger);
    request.resources = others;
    let node = cx.broker.node_id;
    let done = loggers.iter().map(|r| result(r, alter_levels(node, r, request.validate_only).err().unwrap_or(ErrorCode::None.into())));
    let mut responses: Vec<AlterConfigsResourceResponse> = done.collect();
    if request.resources.is_empty() {
        return Reply::now(IncrementalAlterConfigsResponse { responses, ..Default::default() });
    }
    Reply::blocking(move || {
        let mut response = cx.broker.submit(&request).unwrap_or_else(|code| IncrementalAlterConfigsResponse {
            responses: request.resources.iter().map(|r| result(r, code.into())).collect(),
            ..Default::default()
        });
        response.responses.append(&mut responses);
        response
    })
}

fn alter_levels(node: NodeId, resource: &AlterConfigsResource, validate_only: bool) -> Result<(), ApiError> {
    if resource.resource_name.parse() != Ok(node) {
        let text = format!("Unexpected broker id, expected {node}, but received {}", resource.resource_name);
        return Err(ApiError::new(ErrorCode::InvalidRequest, text));
    }
    logging::alter(&resource.configs, validate_only)
}

fn result(resource: &AlterConfigsResource, error: ApiError) -> AlterConfigsResourceResponse {
    AlterConfigsResourceResponse {
        error_code: error.code.code(),
        error_message: error.message,
        resource_type: resource.resource_type,
        resource_name: resource.resource_name.clone(),
    }
}
