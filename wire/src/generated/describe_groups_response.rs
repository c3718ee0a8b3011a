//! DescribeGroupsResponse, versions 0 to 6. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeGroupsResponse {
    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota. (versions 1+)
    pub throttle_time_ms: i32,
    /// Each described group.
    pub groups: Vec<DescribedGroup>,
}

impl Message for DescribeGroupsResponse {
    const NAME: &'static str = "DescribeGroupsResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 6;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 5;

        let mut out = Self::default();
        if v >= 1 {
            out.throttle_time_ms = r.i32()?;
        }
        out.groups = r.structs(v, f)?;
        if v >= 5 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;
        let f = v >= 5;

        if v >= 1 {
            w.i32(self.throttle_time_ms);
        }
        w.structs(&self.groups, v, f)?;
        if v >= 5 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct DescribedGroup {
    /// The describe error, or 0 if there was no error.
    pub error_code: i16,
    /// The describe error message, or null if there was no error. (version 6)
    pub error_message: Option<String>,
    /// The group ID string.
    pub group_id: String,
    /// The group state string, or the empty string.
    pub group_state: String,
    /// The group protocol type, or the empty string.
    pub protocol_type: String,
    /// The group protocol data, or the empty string.
    pub protocol_data: String,
    /// The group members.
    pub members: Vec<DescribedGroupMember>,
    /// 32-bit bitfield to represent authorized operations for this group. (versions 3+)
    pub authorized_operations: i32,
}

impl Default for DescribedGroup {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            error_message: Default::default(),
            group_id: Default::default(),
            group_state: Default::default(),
            protocol_type: Default::default(),
            protocol_data: Default::default(),
            members: Default::default(),
            authorized_operations: -2147483648,
        }
    }
}

impl Struct for DescribedGroup {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 5;

        let mut out = Self::default();
        out.error_code = r.i16()?;
        if v >= 6 {
            out.error_message = r.opt_string(f)?;
        }
        out.group_id = r.string(f)?;
        out.group_state = r.string(f)?;
        out.protocol_type = r.string(f)?;
        out.protocol_data = r.string(f)?;
        out.members = r.structs(v, f)?;
        if v >= 3 {
            out.authorized_operations = r.i32()?;
        }
        if v >= 5 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 5;

        w.i16(self.error_code);
        if v >= 6 {
            w.opt_string(self.error_message.as_deref(), f)?;
        } else if self.error_message.is_some() {
            return Err(EncodeError::absent("ErrorMessage", v));
        }
        w.string(&self.group_id, f)?;
        w.string(&self.group_state, f)?;
        w.string(&self.protocol_type, f)?;
        w.string(&self.protocol_data, f)?;
        w.structs(&self.members, v, f)?;
        if v >= 3 {
            w.i32(self.authorized_operations);
        } else if self.authorized_operations != -2147483648 {
            return Err(EncodeError::absent("AuthorizedOperations", v));
        }
        if v >= 5 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribedGroupMember {
    /// The member id.
    pub member_id: String,
    /// The unique identifier of the consumer instance provided by end user. (versions 4+)
    pub group_instance_id: Option<String>,
    /// The client ID used in the member's latest join group request.
    pub client_id: String,
    /// The client host.
    pub client_host: String,
    /// The metadata corresponding to the current group protocol in use.
    pub member_metadata: Bytes,
    /// The current assignment provided by the group leader.
    pub member_assignment: Bytes,
}

impl Struct for DescribedGroupMember {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 5;

        let mut out = Self::default();
        out.member_id = r.string(f)?;
        if v >= 4 {
            out.group_instance_id = r.opt_string(f)?;
        }
        out.client_id = r.string(f)?;
        out.client_host = r.string(f)?;
        out.member_metadata = r.bytes(f)?;
        out.member_assignment = r.bytes(f)?;
        if v >= 5 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 5;

        w.string(&self.member_id, f)?;
        if v >= 4 {
            w.opt_string(self.group_instance_id.as_deref(), f)?;
        }
        w.string(&self.client_id, f)?;
        w.string(&self.client_host, f)?;
        w.bytes(&self.member_metadata, f)?;
        w.bytes(&self.member_assignment, f)?;
        if v >= 5 {
            w.no_tags();
        }
        Ok(())
    }
}
