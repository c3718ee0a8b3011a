//! GroupMetadataValue, versions 0 to 4. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, PartialEq)]
pub struct GroupMetadataValue {
    /// The protocol type.
    pub protocol_type: String,
    /// The generation id.
    pub generation: i32,
    /// The protocol name.
    pub protocol: Option<String>,
    /// The leader id.
    pub leader: Option<String>,
    /// The timestamp of the last state change. (versions 2+)
    pub current_state_timestamp: i64,
    /// The group members.
    pub members: Vec<MemberMetadata>,
}

impl Default for GroupMetadataValue {
    fn default() -> Self {
        Self {
            protocol_type: Default::default(),
            generation: Default::default(),
            protocol: Some(Default::default()),
            leader: Some(Default::default()),
            current_state_timestamp: -1,
            members: Default::default(),
        }
    }
}

impl Message for GroupMetadataValue {
    const NAME: &'static str = "GroupMetadataValue";
    const MIN: i16 = 0;
    const MAX: i16 = 4;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 4;

        let mut out = Self::default();
        out.protocol_type = r.string(f)?;
        out.generation = r.i32()?;
        out.protocol = r.opt_string(f)?;
        out.leader = r.opt_string(f)?;
        if v >= 2 {
            out.current_state_timestamp = r.i64()?;
        }
        out.members = r.structs(v, f)?;
        if v >= 4 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;
        let f = v >= 4;

        w.string(&self.protocol_type, f)?;
        w.i32(self.generation);
        w.opt_string(self.protocol.as_deref(), f)?;
        w.opt_string(self.leader.as_deref(), f)?;
        if v >= 2 {
            w.i64(self.current_state_timestamp);
        }
        w.structs(&self.members, v, f)?;
        if v >= 4 {
            w.no_tags();
        }
        Ok(())
    }
}

impl Json for GroupMetadataValue {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("protocolType", &self.protocol_type, v);
        o.put("generation", &self.generation, v);
        o.put("protocol", &self.protocol, v);
        o.put("leader", &self.leader, v);
        if v >= 2 {
            o.put("currentStateTimestamp", &self.current_state_timestamp, v);
        }
        o.put("members", &self.members, v);
        o.done()
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct MemberMetadata {
    /// The member id.
    pub member_id: String,
    /// The group instance id. (versions 3+)
    pub group_instance_id: Option<String>,
    /// The client id.
    pub client_id: String,
    /// The client host.
    pub client_host: String,
    /// The rebalance timeout. (versions 1+)
    pub rebalance_timeout: i32,
    /// The session timeout.
    pub session_timeout: i32,
    /// The subscription.
    pub subscription: Bytes,
    /// The assignment.
    pub assignment: Bytes,
}

impl Default for MemberMetadata {
    fn default() -> Self {
        Self {
            member_id: Default::default(),
            group_instance_id: Default::default(),
            client_id: Default::default(),
            client_host: Default::default(),
            rebalance_timeout: -1,
            session_timeout: Default::default(),
            subscription: Default::default(),
            assignment: Default::default(),
        }
    }
}

impl Struct for MemberMetadata {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 4;

        let mut out = Self::default();
        out.member_id = r.string(f)?;
        if v >= 3 {
            out.group_instance_id = r.opt_string(f)?;
        }
        out.client_id = r.string(f)?;
        out.client_host = r.string(f)?;
        if v >= 1 {
            out.rebalance_timeout = r.i32()?;
        }
        out.session_timeout = r.i32()?;
        out.subscription = r.bytes(f)?;
        out.assignment = r.bytes(f)?;
        if v >= 4 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 4;

        w.string(&self.member_id, f)?;
        if v >= 3 {
            w.opt_string(self.group_instance_id.as_deref(), f)?;
        }
        w.string(&self.client_id, f)?;
        w.string(&self.client_host, f)?;
        if v >= 1 {
            w.i32(self.rebalance_timeout);
        }
        w.i32(self.session_timeout);
        w.bytes(&self.subscription, f)?;
        w.bytes(&self.assignment, f)?;
        if v >= 4 {
            w.no_tags();
        }
        Ok(())
    }
}

impl Json for MemberMetadata {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("memberId", &self.member_id, v);
        if v >= 3 {
            o.put("groupInstanceId", &self.group_instance_id, v);
        }
        o.put("clientId", &self.client_id, v);
        o.put("clientHost", &self.client_host, v);
        if v >= 1 {
            o.put("rebalanceTimeout", &self.rebalance_timeout, v);
        }
        o.put("sessionTimeout", &self.session_timeout, v);
        o.put("subscription", &self.subscription, v);
        o.put("assignment", &self.assignment, v);
        o.done()
    }
}

impl GroupMetadataValue {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 2;
}
