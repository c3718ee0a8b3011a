//! DescribeDelegationToken: refused, as by Kafka on every plain listener.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::wire::ErrorCode;
use crate::wire::describe_delegation_token_request::DescribeDelegationTokenRequest;
use crate::wire::describe_delegation_token_response::DescribeDelegationTokenResponse;

pub fn handle(_: Cx, _: DescribeDelegationTokenRequest) -> Reply<DescribeDelegationTokenResponse> {
    let error_code = ErrorCode::DelegationTokenRequestNotAllowed.code();
    Reply::now(DescribeDelegationTokenResponse { error_code, ..Default::default() })
}
