//! DescribeAcls: there are none, as in a Kafka without an authorizer.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::wire::ErrorCode;
use crate::wire::describe_acls_request::DescribeAclsRequest;
use crate::wire::describe_acls_response::DescribeAclsResponse;

pub fn handle(_: Cx, _: DescribeAclsRequest) -> Reply<DescribeAclsResponse> {
    Reply::now(DescribeAclsResponse {
        error_code: ErrorCode::SecurityDisabled.code(),
        error_message: Some("No Authorizer is configured on the broker".to_string()),
        ..Default::default()
    })
}
