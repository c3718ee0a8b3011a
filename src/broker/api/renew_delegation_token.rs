//! RenewDelegationToken: refused, as by Kafka on every plain listener.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::wire::ErrorCode;
use crate::wire::renew_delegation_token_request::RenewDelegationTokenRequest;
use crate::wire::renew_delegation_token_response::RenewDelegationTokenResponse;

pub fn handle(_: Cx, _: RenewDelegationTokenRequest) -> Reply<RenewDelegationTokenResponse> {
    let error_code = ErrorCode::DelegationTokenRequestNotAllowed.code();
    Reply::now(RenewDelegationTokenResponse { error_code, expiry_timestamp_ms: -1, ..Default::default() })
}
