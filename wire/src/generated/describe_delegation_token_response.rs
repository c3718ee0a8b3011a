//! DescribeDelegationTokenResponse, versions 1 to 3. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeDelegationTokenResponse {
    /// The error code, or 0 if there was no error.
    pub error_code: i16,
    /// The tokens.
    pub tokens: Vec<DescribedDelegationToken>,
    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    pub throttle_time_ms: i32,
}

impl Message for DescribeDelegationTokenResponse {
    const NAME: &'static str = "DescribeDelegationTokenResponse";
    const MIN: i16 = 1;
    const MAX: i16 = 3;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 2;

        let mut out = Self::default();
        out.error_code = r.i16()?;
        out.tokens = r.structs(v, f)?;
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
        w.structs(&self.tokens, v, f)?;
        w.i32(self.throttle_time_ms);
        if v >= 2 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribedDelegationToken {
    /// The token principal type.
    pub principal_type: String,
    /// The token principal name.
    pub principal_name: String,
    /// The principal type of the requester of the token. (version 3)
    pub token_requester_principal_type: String,
    /// The principal type of the requester of the token. (version 3)
    pub token_requester_principal_name: String,
    /// The token issue timestamp in milliseconds.
    pub issue_timestamp: i64,
    /// The token expiry timestamp in milliseconds.
    pub expiry_timestamp: i64,
    /// The token maximum timestamp length in milliseconds.
    pub max_timestamp: i64,
    /// The token ID.
    pub token_id: String,
    /// The token HMAC.
    pub hmac: Bytes,
    /// Those who are able to renew this token before it expires.
    pub renewers: Vec<DescribedDelegationTokenRenewer>,
}

impl Struct for DescribedDelegationToken {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 2;

        let mut out = Self::default();
        out.principal_type = r.string(f)?;
        out.principal_name = r.string(f)?;
        if v >= 3 {
            out.token_requester_principal_type = r.string(f)?;
        }
        if v >= 3 {
            out.token_requester_principal_name = r.string(f)?;
        }
        out.issue_timestamp = r.i64()?;
        out.expiry_timestamp = r.i64()?;
        out.max_timestamp = r.i64()?;
        out.token_id = r.string(f)?;
        out.hmac = r.bytes(f)?;
        out.renewers = r.structs(v, f)?;
        if v >= 2 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 2;

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
        w.i64(self.issue_timestamp);
        w.i64(self.expiry_timestamp);
        w.i64(self.max_timestamp);
        w.string(&self.token_id, f)?;
        w.bytes(&self.hmac, f)?;
        w.structs(&self.renewers, v, f)?;
        if v >= 2 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribedDelegationTokenRenewer {
    /// The renewer principal type.
    pub principal_type: String,
    /// The renewer principal name.
    pub principal_name: String,
}

impl Struct for DescribedDelegationTokenRenewer {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 2;

        let mut out = Self::default();
        out.principal_type = r.string(f)?;
        out.principal_name = r.string(f)?;
        if v >= 2 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 2;

        w.string(&self.principal_type, f)?;
        w.string(&self.principal_name, f)?;
        if v >= 2 {
            w.no_tags();
        }
        Ok(())
    }
}
