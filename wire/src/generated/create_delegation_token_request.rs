//! CreateDelegationTokenRequest, versions 1 to 3. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, PartialEq)]
pub struct CreateDelegationTokenRequest {
    /// The principal type of the owner of the token. If it's null it defaults to the token request principal. (version 3)
    pub owner_principal_type: Option<String>,
    /// The principal name of the owner of the token. If it's null it defaults to the token request principal. (version 3)
    pub owner_principal_name: Option<String>,
    /// A list of those who are allowed to renew this token before it expires.
    pub renewers: Vec<CreatableRenewers>,
    /// The maximum lifetime of the token in milliseconds, or -1 to use the server side default.
    pub max_lifetime_ms: i64,
}

impl Default for CreateDelegationTokenRequest {
    fn default() -> Self {
        Self {
            owner_principal_type: Some(Default::default()),
            owner_principal_name: Some(Default::default()),
            renewers: Default::default(),
            max_lifetime_ms: Default::default(),
        }
    }
}

impl Message for CreateDelegationTokenRequest {
    const NAME: &'static str = "CreateDelegationTokenRequest";
    const MIN: i16 = 1;
    const MAX: i16 = 3;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 2;

        let mut out = Self::default();
        if v >= 3 {
            out.owner_principal_type = r.opt_string(f)?;
        }
        if v >= 3 {
            out.owner_principal_name = r.opt_string(f)?;
        }
        out.renewers = r.structs(v, f)?;
        out.max_lifetime_ms = r.i64()?;
        if v >= 2 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;
        let f = v >= 2;

        if v >= 3 {
            w.opt_string(self.owner_principal_type.as_deref(), f)?;
        } else if self.owner_principal_type.as_deref() != Some("") {
            return Err(EncodeError::absent("OwnerPrincipalType", v));
        }
        if v >= 3 {
            w.opt_string(self.owner_principal_name.as_deref(), f)?;
        } else if self.owner_principal_name.as_deref() != Some("") {
            return Err(EncodeError::absent("OwnerPrincipalName", v));
        }
        w.structs(&self.renewers, v, f)?;
        w.i64(self.max_lifetime_ms);
        if v >= 2 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreatableRenewers {
    /// The type of the Kafka principal.
    pub principal_type: String,
    /// The name of the Kafka principal.
    pub principal_name: String,
}

impl Struct for CreatableRenewers {
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

impl Request for CreateDelegationTokenRequest {
    const KEY: ApiKey = ApiKey::CreateDelegationToken;
    type Response = super::create_delegation_token_response::CreateDelegationTokenResponse;
}
