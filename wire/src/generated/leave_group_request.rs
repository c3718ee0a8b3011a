//! LeaveGroupRequest, versions 0 to 5. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeaveGroupRequest {
    /// The ID of the group to leave.
    pub group_id: String,
    /// The member ID to remove from the group. (versions 0-2)
    pub member_id: String,
    /// List of leaving member identities. (versions 3+)
    pub members: Vec<MemberIdentity>,
}

impl Message for LeaveGroupRequest {
    const NAME: &'static str = "LeaveGroupRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 5;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 4;

        let mut out = Self::default();
        out.group_id = r.string(f)?;
        if v <= 2 {
            out.member_id = r.string(f)?;
        }
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

        w.string(&self.group_id, f)?;
        if v <= 2 {
            w.string(&self.member_id, f)?;
        } else if !self.member_id.is_empty() {
            return Err(EncodeError::absent("MemberId", v));
        }
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

#[derive(Clone, Debug, Default, PartialEq)]
pub struct MemberIdentity {
    /// The member ID to remove from the group. (versions 3+)
    pub member_id: String,
    /// The group instance ID to remove from the group. (versions 3+)
    pub group_instance_id: Option<String>,
    /// The reason why the member left the group. (version 5)
    pub reason: Option<String>,
}

impl Struct for MemberIdentity {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 4;

        let mut out = Self::default();
        out.member_id = r.string(f)?;
        out.group_instance_id = r.opt_string(f)?;
        if v >= 5 {
            out.reason = r.opt_string(f)?;
        }
        if v >= 4 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 4;

        w.string(&self.member_id, f)?;
        w.opt_string(self.group_instance_id.as_deref(), f)?;
        if v >= 5 {
            w.opt_string(self.reason.as_deref(), f)?;
        }
        if v >= 4 {
            w.no_tags();
        }
        Ok(())
    }
}

impl Request for LeaveGroupRequest {
    const KEY: ApiKey = ApiKey::LeaveGroup;
    type Response = super::leave_group_response::LeaveGroupResponse;
}
