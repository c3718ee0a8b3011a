//! EndQuorumEpochRequest, versions 0 to 1. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct EndQuorumEpochRequest {
    /// The cluster id.
    pub cluster_id: Option<String>,
    /// The topics.
    pub topics: Vec<TopicData>,
    /// Endpoints for the leader. (version 1)
    pub leader_endpoints: Vec<LeaderEndpoint>,
}

impl Message for EndQuorumEpochRequest {
    const NAME: &'static str = "EndQuorumEpochRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 1;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 1;

        let mut out = Self::default();
        out.cluster_id = r.opt_string(f)?;
        out.topics = r.structs(v, f)?;
        if v >= 1 {
            out.leader_endpoints = r.structs(v, f)?;
        }
        if v >= 1 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;
        let f = v >= 1;

        w.opt_string(self.cluster_id.as_deref(), f)?;
        w.structs(&self.topics, v, f)?;
        if v >= 1 {
            w.structs(&self.leader_endpoints, v, f)?;
        }
        if v >= 1 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicData {
    /// The topic name.
    pub topic_name: String,
    /// The partitions.
    pub partitions: Vec<PartitionData>,
}

impl Struct for TopicData {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 1;

        let mut out = Self::default();
        out.topic_name = r.string(f)?;
        out.partitions = r.structs(v, f)?;
        if v >= 1 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 1;

        w.string(&self.topic_name, f)?;
        w.structs(&self.partitions, v, f)?;
        if v >= 1 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionData {
    /// The partition index.
    pub partition_index: i32,
    /// The current leader ID that is resigning.
    pub leader_id: i32,
    /// The current epoch.
    pub leader_epoch: i32,
    /// A sorted list of preferred successors to start the election. (version 0)
    pub preferred_successors: Vec<i32>,
    /// A sorted list of preferred candidates to start the election. (version 1)
    pub preferred_candidates: Vec<ReplicaInfo>,
}

impl Struct for PartitionData {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 1;

        let mut out = Self::default();
        out.partition_index = r.i32()?;
        out.leader_id = r.i32()?;
        out.leader_epoch = r.i32()?;
        if v <= 0 {
            out.preferred_successors = r.list(f)?;
        }
        if v >= 1 {
            out.preferred_candidates = r.structs(v, f)?;
        }
        if v >= 1 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 1;

        w.i32(self.partition_index);
        w.i32(self.leader_id);
        w.i32(self.leader_epoch);
        if v <= 0 {
            w.list(&self.preferred_successors, f)?;
        }
        if v >= 1 {
            w.structs(&self.preferred_candidates, v, f)?;
        }
        if v >= 1 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplicaInfo {
    /// The ID of the candidate replica. (version 1)
    pub candidate_id: i32,
    /// The directory ID of the candidate replica. (version 1)
    pub candidate_directory_id: Uuid,
}

impl Struct for ReplicaInfo {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.candidate_id = r.i32()?;
        out.candidate_directory_id = r.uuid()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.i32(self.candidate_id);
        w.uuid(self.candidate_directory_id);
        w.no_tags();
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeaderEndpoint {
    /// The name of the endpoint. (version 1)
    pub name: String,
    /// The node's hostname. (version 1)
    pub host: String,
    /// The node's port. (version 1)
    pub port: u16,
}

impl Struct for LeaderEndpoint {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.name = r.string(true)?;
        out.host = r.string(true)?;
        out.port = r.u16()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.string(&self.name, true)?;
        w.string(&self.host, true)?;
        w.u16(self.port);
        w.no_tags();
        Ok(())
    }
}

impl Request for EndQuorumEpochRequest {
    const KEY: ApiKey = ApiKey::EndQuorumEpoch;
    type Response = super::end_quorum_epoch_response::EndQuorumEpochResponse;
}
