//! CreateDelegationTokenResponse, versions 1 to 3. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreateDelegationTokenResponse {
    /// The top-level error, or zero if there was no error.
    pub error_code: i16,
    /// The principal type of the token owner.
    pub principal_type: String,
    /// The name of the token owner.
    pub principal_name: String,
    /// The principal type of the requester of the token. (version 3)
    pub token_requester_principal_type: String,
    /// The principal type of the requester of the token. (version 3)
    pub token_requester_principal_name: String,
    /// When this token was generated.
    pub issue_timestamp_ms: i64,
    /// When this token expires.
    pub expiry_timestamp_ms: i64,
    /// The maximum lifetime of this token.
    pub max_timestamp_ms: i64,
    /// The token UUID.
    pub token_id: String,
    /// HMAC of the delegation token.
    pub hmac: Bytes,
    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    pub throttle_time_ms: i32,
}

impl Message for CreateDelegationTokenResponse {
    const NAME: &'static str = "CreateDelegationTokenResponse";
    const MIN: i16 = 1;
    const MAX: i16 = 3;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 2;

        let mut out = Self::default();
        out.error_code = r.i16()?;
        out.principal_type = r.string(f)?;
        out.principal_name = r.string(f)?;
        if v >= 3 {
            out.token_requester_principal_type = r.string(f)?;
        }
        if v >= 3 {
            out.token_requester_principal_name = r.string(f)?;
        }
        out.issue_timestamp_ms = r.i64()?;
        out.expiry_timestamp_ms = r.i64()?;
        out.max_timestamp_ms = r.i64()?;
        out.token_id = r.string(f)?;
        out.hmac = r.bytes(f)?;
        out.throttle_time_ms = r.i32()?;
        if v >= 2 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;
        let f = v >= 2;

        w.i16(self.error_code);
        w.string(&self.principal_type, f)?;
        w.string(&self.principal_name, f)?;
        if v >= 3 {
            w.string(&self.token_requester_principal_type, f)?;
        } else if !self.token_requester_principal_type.is_empty() {
            return Err(EncodeError::absent("TokenRequesterPrincipalType", v));
        }
        if v >= 3 {
            w.string(&self.token_requester_principal_name, f)?;
        } else if !self.token_requester_principal_name.is_empty() {
            return Err(EncodeError::absent("TokenRequesterPrincipalName", v));
        }
        w.i64(self.issue_timestamp_ms);
        w.i64(self.expiry_timestamp_ms);
        w.i64(self.max_timestamp_ms);
        w.string(&self.token_id, f)?;
        w.bytes(&self.hmac, f)?;
        w.i32(self.throttle_time_ms);
        if v >= 2 {
            w.no_tags();
        }
        Ok(())
    }
}
