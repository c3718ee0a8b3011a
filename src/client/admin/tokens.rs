//! Delegation tokens: passwords for a while, handed out by somebody who has proved who they are.

use bytes::Bytes;
use kfk_wire::create_delegation_token_request::{CreatableRenewers, CreateDelegationTokenRequest};
use kfk_wire::describe_delegation_token_request::{DescribeDelegationTokenOwner, DescribeDelegationTokenRequest};
use kfk_wire::expire_delegation_token_request::ExpireDelegationTokenRequest;
use kfk_wire::renew_delegation_token_request::RenewDelegationTokenRequest;

use super::Admin;
use crate::client::error::{Error, check};

/// Somebody: `User:alice`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// `User`.
    pub kind: String,
    /// Who it is.
    pub name: String,
}

impl std::fmt::Display for Principal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.kind, self.name)
    }
}

/// A token to create.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Whose it will be; `None`: that of whoever asks.
    pub owner: Option<Principal>,
    /// Who may renew it besides its owner.
    pub renewers: Vec<Principal>,
    /// The longest it may live, in milliseconds; -1 leaves it to the broker.
    pub max_lifetime_ms: i64,
}

/// A token. Times in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DelegationToken {
    /// Its public name.
    pub id: String,
    /// Its secret.
    pub hmac: Bytes,
    /// Whose it is.
    pub owner: Principal,
    /// Who asked for it.
    pub requester: Principal,
    /// Who may renew it.
    pub renewers: Vec<Principal>,
    /// Made at.
    pub issued: i64,
    /// Good until then, unless renewed.
    pub expires: i64,
    /// No longer than until then.
    pub max: i64,
}

fn principal(kind: String, name: String) -> Principal {
    Principal { kind, name }
}

impl Admin {
    /// Creates a token.
    pub async fn create_token(&self, new: &NewToken) -> Result<DelegationToken, Error> {
        let renewer = |p: &Principal| CreatableRenewers { principal_type: p.kind.clone(), principal_name: p.name.clone() };
        let request = CreateDelegationTokenRequest {
            owner_principal_type: new.owner.as_ref().map(|o| o.kind.clone()),
            owner_principal_name: new.owner.as_ref().map(|o| o.name.clone()),
            renewers: new.renewers.iter().map(renewer).collect(),
            max_lifetime_ms: new.max_lifetime_ms,
        };
        let t = self.client.call_controller(&request).await?;
        check(t.error_code, None)?;
        Ok(DelegationToken {
            id: t.token_id,
            hmac: t.hmac,
            owner: principal(t.principal_type, t.principal_name),
            requester: principal(t.token_requester_principal_type, t.token_requester_principal_name),
            renewers: new.renewers.clone(),
            issued: t.issue_timestamp_ms,
            expires: t.expiry_timestamp_ms,
            max: t.max_timestamp_ms,
        })
    }

    /// Makes a token good for another while, and tells until when.
    pub async fn renew_token(&self, hmac: Bytes, for_ms: i64) -> Result<i64, Error> {
        let answer = self.client.call_controller(&RenewDelegationTokenRequest { hmac, renew_period_ms: for_ms }).await?;
        check(answer.error_code, None).map(|()| answer.expiry_timestamp_ms)
    }

    /// Changes how long a token is good (-1: no longer), and tells until when.
    pub async fn expire_token(&self, hmac: Bytes, in_ms: i64) -> Result<i64, Error> {
        let answer = self.client.call_controller(&ExpireDelegationTokenRequest { hmac, expiry_time_period_ms: in_ms }).await?;
        check(answer.error_code, None).map(|()| answer.expiry_timestamp_ms)
    }

    /// The tokens of these owners; of nobody in particular: all that whoever asks may see.
    pub async fn describe_tokens(&self, owners: &[Principal]) -> Result<Vec<DelegationToken>, Error> {
        let owner = |p: &Principal| DescribeDelegationTokenOwner { principal_type: p.kind.clone(), principal_name: p.name.clone() };
        let request = DescribeDelegationTokenRequest { owners: (!owners.is_empty()).then(|| owners.iter().map(owner).collect()) };
        let answer = self.retrying("describing delegation tokens", || async {
            let answer = self.client.call_any(&request).await?;
            check(answer.error_code, None).map(|()| answer)
        });
        let token = |t: kfk_wire::describe_delegation_token_response::DescribedDelegationToken| DelegationToken {
            id: t.token_id,
            hmac: t.hmac,
            owner: principal(t.principal_type, t.principal_name),
            requester: principal(t.token_requester_principal_type, t.token_requester_principal_name),
            renewers: t.renewers.into_iter().map(|r| principal(r.principal_type, r.principal_name)).collect(),
            issued: t.issue_timestamp,
            expires: t.expiry_timestamp,
            max: t.max_timestamp,
        };
        Ok(answer.await?.tokens.into_iter().map(token).collect())
    }
}
