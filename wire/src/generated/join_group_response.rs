//! JoinGroupResponse, versions 0 to 9. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, PartialEq)]
pub struct JoinGroupResponse {
    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota. (versions 2+)
    pub throttle_time_ms: i32,
    /// The error code, or 0 if there was no error.
    pub error_code: i16,
    /// The generation ID of the group.
    pub generation_id: i32,
    /// The group protocol name. (versions 7+)
    pub protocol_type: Option<String>,
    /// The group protocol selected by the coordinator.
    pub protocol_name: Option<String>,
    /// The leader of the group.
    pub leader: String,
    /// True if the leader must skip running the assignment. (version 9)
    pub skip_assignment: bool,
    /// The member ID assigned by the group coordinator.
    pub member_id: String,
    /// The group members.
    pub members: Vec<JoinGroupResponseMember>,
}

impl Default for JoinGroupResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            error_code: Default::default(),
            generation_id: -1,
            protocol_type: Default::default(),
            protocol_name: Some(Default::default()),
            leader: Default::default(),
            skip_assignment: Default::default(),
            member_id: Default::default(),
            members: Default::default(),
        }
    }
}

impl Message for JoinGroupResponse {
    const NAME: &'static str = "JoinGroupResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 9;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 6;

        let mut out = Self::default();
        if v >= 2 {
            out.throttle_time_ms = r.i32()?;
        }
        out.error_code = r.i16()?;
        out.generation_id = r.i32()?;
        if v >= 7 {
            out.protocol_type = r.opt_string(f)?;
        }
        out.protocol_name = r.opt_string(f)?;
        not_null(out.protocol_name.is_some() || v >= 7, "ProtocolName")?;
        out.leader = r.string(f)?;
        if v >= 9 {
            out.skip_assignment = r.bool()?;
        }
        out.member_id = r.string(f)?;
        out.members = r.structs(v, f)?;
        if v >= 6 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;
        let f = v >= 6;

        if v >= 2 {
            w.i32(self.throttle_time_ms);
        }
        w.i16(self.error_code);
        w.i32(self.generation_id);
        if v >= 7 {
            w.opt_string(self.protocol_type.as_deref(), f)?;
        }
        may_write(self.protocol_name.is_some() || v >= 7, "ProtocolName")?;
        w.opt_string(self.protocol_name.as_deref(), f)?;
        w.string(&self.leader, f)?;
        if v >= 9 {
            w.bool(self.skip_assignment);
        } else if self.skip_assignment {
            return Err(EncodeError::absent("SkipAssignment", v));
        }
        w.string(&self.member_id, f)?;
        w.structs(&self.members, v, f)?;
        if v >= 6 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct JoinGroupResponseMember {
    /// The group member ID.
    pub member_id: String,
    /// The unique identifier of the consumer instance provided by end user. (versions 5+)
    pub group_instance_id: Option<String>,
    /// The group member metadata.
    pub metadata: Bytes,
}

impl Struct for JoinGroupResponseMember {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 6;

        let mut out = Self::default();
        out.member_id = r.string(f)?;
        if v >= 5 {
            out.group_instance_id = r.opt_string(f)?;
        }
        out.metadata = r.bytes(f)?;
        if v >= 6 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 6;

        w.string(&self.member_id, f)?;
        if v >= 5 {
            w.opt_string(self.group_instance_id.as_deref(), f)?;
        }
        w.bytes(&self.metadata, f)?;
        if v >= 6 {
            w.no_tags();
        }
        Ok(())
    }
}
