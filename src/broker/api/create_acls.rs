//! CreateAcls: refused, as by a Kafka without an authorizer.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::wire::ErrorCode;
use crate::wire::create_acls_request::CreateAclsRequest;
use crate::wire::create_acls_response::{AclCreationResult, CreateAclsResponse};

/// What Kafka's controller says of it; its brokers find other words when they are asked to describe.
pub(super) const NO_AUTHORIZER: &str = "No Authorizer is configured.";

pub fn handle(_: Cx, request: CreateAclsRequest) -> Reply<CreateAclsResponse> {
    let refused = AclCreationResult { error_code: ErrorCode::SecurityDisabled.code(), error_message: Some(NO_AUTHORIZER.to_string()) };
    Reply::now(CreateAclsResponse { results: vec![refused; request.creations.len()], ..Default::default() })
}
