//! SyncGroupRequest, versions 0 to 5. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct SyncGroupRequest {
    /// The unique group identifier.
    pub group_id: String,
    /// The generation of the group.
    pub generation_id: i32,
    /// The member ID assigned by the group.
    pub member_id: String,
    /// The unique identifier of the consumer instance provided by end user. (versions 3+)
    pub group_instance_id: Option<String>,
    /// The group protocol type. (version 5)
    pub protocol_type: Option<String>,
    /// The group protocol name. (version 5)
    pub protocol_name: Option<String>,
    /// Each assignment.
    pub assignments: Vec<SyncGroupRequestAssignment>,
}

impl Message for SyncGroupRequest {
    const NAME: &'static str = "SyncGroupRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 5;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 4;

        let mut out = Self::default();
        out.group_id = r.string(f)?;
        out.generation_id = r.i32()?;
        out.member_id = r.string(f)?;
        if v >= 3 {
            out.group_instance_id = r.opt_string(f)?;
        }
        if v >= 5 {
            out.protocol_type = r.opt_string(f)?;
        }
        if v >= 5 {
            out.protocol_name = r.opt_string(f)?;
        }
        out.assignments = r.structs(v, f)?;
        if v >= 4 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;
        let f = v >= 4;

        w.string(&self.group_id, f)?;
        w.i32(self.generation_id);
        w.string(&self.member_id, f)?;
        if v >= 3 {
            w.opt_string(self.group_instance_id.as_deref(), f)?;
        } else if self.group_instance_id.is_some() {
            return Err(EncodeError::absent("GroupInstanceId", v));
        }
        if v >= 5 {
            w.opt_string(self.protocol_type.as_deref(), f)?;
        }
        if v >= 5 {
            w.opt_string(self.protocol_name.as_deref(), f)?;
        }
        w.structs(&self.assignments, v, f)?;
        if v >= 4 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct SyncGroupRequestAssignment {
    /// The ID of the member to assign.
    pub member_id: String,
    /// The member assignment.
    pub assignment: Bytes,
}

impl Struct for SyncGroupRequestAssignment {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 4;

        let mut out = Self::default();
        out.member_id = r.string(f)?;
        out.assignment = r.bytes(f)?;
        if v >= 4 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 4;

        w.string(&self.member_id, f)?;
        w.bytes(&self.assignment, f)?;
        if v >= 4 {
            w.no_tags();
        }
        Ok(())
    }
}

impl Request for SyncGroupRequest {
    const KEY: ApiKey = ApiKey::SyncGroup;
    type Response = super::sync_group_response::SyncGroupResponse;
}
