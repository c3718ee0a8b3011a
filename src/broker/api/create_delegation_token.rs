//! CreateDelegationToken: refused, as by Kafka on every plain listener.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::wire::ErrorCode;
use crate::wire::create_delegation_token_request::CreateDelegationTokenRequest;
use crate::wire::create_delegation_token_response::CreateDelegationTokenResponse;

/// Whoever is connected without having said who they are.
const USER: &str = "User";
const ANONYMOUS: &str = "ANONYMOUS";

pub fn handle(_: Cx, request: CreateDelegationTokenRequest) -> Reply<CreateDelegationTokenResponse> {
    let owner = request.owner_principal_name.filter(|n| !n.is_empty()).map(|n| (request.owner_principal_type.unwrap_or_default(), n));
    let (principal_type, principal_name) = owner.unwrap_or_else(|| (USER.to_string(), ANONYMOUS.to_string()));
    Reply::now(CreateDelegationTokenResponse {
        error_code: ErrorCode::DelegationTokenRequestNotAllowed.code(),
        principal_type,
        principal_name,
        token_requester_principal_type: USER.to_string(),
        token_requester_principal_name: ANONYMOUS.to_string(),
        issue_timestamp_ms: -1,
        expiry_timestamp_ms: -1,
        max_timestamp_ms: -1,
        ..Default::default()
    })
}
