//! LeaveGroupResponse, versions 0 to 5. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeaveGroupResponse {
    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota. (versions 1+)
    pub throttle_time_ms: i32,
    /// The error code, or 0 if there was no error.
    pub error_code: i16,
    /// List of leaving member responses. (versions 3+)
    pub members: Vec<MemberResponse>,
}

impl Message for LeaveGroupResponse {
    const NAME: &'static str = "LeaveGroupResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 5;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 4;

        let mut out = Self::default();
        if v >= 1 {
            out.throttle_time_ms = r.i32()?;
        }
        out.error_code = r.i16()?;
        if v >= 3 {
            out.members = r.structs(v, f)?;
        }
        if v >= 4 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;
        let f = v >= 4;

        if v >= 1 {
            w.i32(self.throttle_time_ms);
        }
        w.i16(self.error_code);
        if v >= 3 {
            w.structs(&self.members, v, f)?;
        } else if !self.members.is_empty() {
            return Err(EncodeError::absent("Members", v));
        }
        if v >= 4 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct MemberResponse {
    /// The member ID to remove from the group. (versions 3+)
    pub member_id: String,
    /// The group instance ID to remove from the group. (versions 3+)
    pub group_instance_id: Option<String>,
    /// The error code, or 0 if there was no error. (versions 3+)
    pub error_code: i16,
}

impl Default for MemberResponse {
    fn default() -> Self {
        Self { member_id: Default::default(), group_instance_id: Some(Default::default()), error_code: Default::default() }
    }
}

impl Struct for MemberResponse {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 4;

        let mut out = Self::default();
        out.member_id = r.string(f)?;
        out.group_instance_id = r.opt_string(f)?;
        out.error_code = r.i16()?;
        if v >= 4 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 4;

        w.string(&self.member_id, f)?;
        w.opt_string(self.group_instance_id.as_deref(), f)?;
        w.i16(self.error_code);
        if v >= 4 {
            w.no_tags();
        }
        Ok(())
    }
}
