//! DeleteAcls: refused, as by a Kafka without an authorizer.

use super::create_acls::NO_AUTHORIZER;
use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::wire::ErrorCode;
use crate::wire::delete_acls_request::DeleteAclsRequest;
use crate::wire::delete_acls_response::{DeleteAclsFilterResult, DeleteAclsResponse};

pub fn handle(_: Cx, request: DeleteAclsRequest) -> Reply<DeleteAclsResponse> {
    let refused = DeleteAclsFilterResult {
        error_code: ErrorCode::SecurityDisabled.code(),
        error_message: Some(NO_AUTHORIZER.to_string()),
        matching_acls: vec![],
    };
    Reply::now(DeleteAclsResponse { filter_results: vec![refused; request.filters.len()], ..Default::default() })
}
