//! ExpireDelegationToken: refused, as by Kafka on every plain listener.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::wire::ErrorCode;
use crate::wire::expire_delegation_token_request::ExpireDelegationTokenRequest;
use crate::wire::expire_delegation_token_response::ExpireDelegationTokenResponse;

pub fn handle(_: Cx, _: ExpireDelegationTokenRequest) -> Reply<ExpireDelegationTokenResponse> {
    let error_code = ErrorCode::DelegationTokenRequestNotAllowed.code();
    Reply::now(ExpireDelegationTokenResponse { error_code, expiry_timestamp_ms: -1, ..Default::default() })
}
