//! VoteResponse, versions 0 to 2. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct VoteResponse {
    /// The top level error code.
    pub error_code: i16,
    /// The results for each topic.
    pub topics: Vec<TopicData>,
    /// Endpoints for all current-leaders enumerated in PartitionData. (versions 1+)
    pub node_endpoints: Vec<NodeEndpoint>,
}

impl Message for VoteResponse {
    const NAME: &'static str = "VoteResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 2;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.error_code = r.i16()?;
        out.topics = r.structs(v, true)?;
        r.tags(|r, tag| {
            match tag {
                0 if v >= 1 => out.node_endpoints = r.structs(v, true)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.i16(self.error_code);
        w.structs(&self.topics, v, true)?;
        if v < 1 && !self.node_endpoints.is_empty() {
            return Err(EncodeError::absent("NodeEndpoints", v));
        }
        let t = w.start_tags();
        if v >= 1 && !self.node_endpoints.is_empty() {
            w.tag(t, 0, |w| {
                w.structs(&self.node_endpoints, v, true)?;
                Ok(())
            })?;
        }

        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicData {
    /// The topic name.
    pub topic_name: String,
    /// The results for each partition.
    pub partitions: Vec<PartitionData>,
}

impl Struct for TopicData {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.topic_name = r.string(true)?;
        out.partitions = r.structs(v, true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.string(&self.topic_name, true)?;
        w.structs(&self.partitions, v, true)?;
        w.no_tags();
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionData {
    /// The partition index.
    pub partition_index: i32,
    /// The partition level error code.
    pub error_code: i16,
    /// The ID of the current leader or -1 if the leader is unknown.
    pub leader_id: i32,
    /// The latest known leader epoch.
    pub leader_epoch: i32,
    /// True if the vote was granted and false otherwise.
    pub vote_granted: bool,
}

impl Struct for PartitionData {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.partition_index = r.i32()?;
        out.error_code = r.i16()?;
        out.leader_id = r.i32()?;
        out.leader_epoch = r.i32()?;
        out.vote_granted = r.bool()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.i32(self.partition_index);
        w.i16(self.error_code);
        w.i32(self.leader_id);
        w.i32(self.leader_epoch);
        w.bool(self.vote_granted);
        w.no_tags();
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeEndpoint {
    /// The ID of the associated node. (versions 1+)
    pub node_id: i32,
    /// The node's hostname. (versions 1+)
    pub host: String,
    /// The node's port. (versions 1+)
    pub port: u16,
}

impl Struct for NodeEndpoint {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.node_id = r.i32()?;
        out.host = r.string(true)?;
        out.port = r.u16()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.i32(self.node_id);
        w.string(&self.host, true)?;
        w.u16(self.port);
        w.no_tags();
        Ok(())
    }
}
