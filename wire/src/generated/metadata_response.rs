//! MetadataResponse, versions 0 to 13. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, PartialEq)]
pub struct MetadataResponse {
    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota. (versions 3+)
    pub throttle_time_ms: i32,
    /// A list of brokers present in the cluster.
    pub brokers: Vec<MetadataResponseBroker>,
    /// The cluster ID that responding broker belongs to. (versions 2+)
    pub cluster_id: Option<String>,
    /// The ID of the controller broker. (versions 1+)
    pub controller_id: i32,
    /// Each topic in the response.
    pub topics: Vec<MetadataResponseTopic>,
    /// 32-bit bitfield to represent authorized operations for this cluster. (versions 8-10)
    pub cluster_authorized_operations: i32,
    /// The top-level error code, or 0 if there was no error. (version 13)
    pub error_code: i16,
}

impl Default for MetadataResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            brokers: Default::default(),
            cluster_id: Default::default(),
            controller_id: -1,
            topics: Default::default(),
            cluster_authorized_operations: -2147483648,
            error_code: Default::default(),
        }
    }
}

impl Message for MetadataResponse {
    const NAME: &'static str = "MetadataResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 13;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 9;

        let mut out = Self::default();
        if v >= 3 {
            out.throttle_time_ms = r.i32()?;
        }
        out.brokers = r.structs(v, f)?;
        if v >= 2 {
            out.cluster_id = r.opt_string(f)?;
        }
        if v >= 1 {
            out.controller_id = r.i32()?;
        }
        out.topics = r.structs(v, f)?;
        if (8..=10).contains(&v) {
            out.cluster_authorized_operations = r.i32()?;
        }
        if v >= 13 {
            out.error_code = r.i16()?;
        }
        if v >= 9 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;
        let f = v >= 9;

        if v >= 3 {
            w.i32(self.throttle_time_ms);
        }
        w.structs(&self.brokers, v, f)?;
        if v >= 2 {
            w.opt_string(self.cluster_id.as_deref(), f)?;
        }
        if v >= 1 {
            w.i32(self.controller_id);
        }
        w.structs(&self.topics, v, f)?;
        if (8..=10).contains(&v) {
            w.i32(self.cluster_authorized_operations);
        } else if self.cluster_authorized_operations != -2147483648 {
            return Err(EncodeError::absent("ClusterAuthorizedOperations", v));
        }
        if v >= 13 {
            w.i16(self.error_code);
        }
        if v >= 9 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetadataResponseBroker {
    /// The broker ID.
    pub node_id: i32,
    /// The broker hostname.
    pub host: String,
    /// The broker port.
    pub port: i32,
    /// The rack of the broker, or null if it has not been assigned to a rack. (versions 1+)
    pub rack: Option<String>,
}

impl Struct for MetadataResponseBroker {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 9;

        let mut out = Self::default();
        out.node_id = r.i32()?;
        out.host = r.string(f)?;
        out.port = r.i32()?;
        if v >= 1 {
            out.rack = r.opt_string(f)?;
        }
        if v >= 9 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 9;

        w.i32(self.node_id);
        w.string(&self.host, f)?;
        w.i32(self.port);
        if v >= 1 {
            w.opt_string(self.rack.as_deref(), f)?;
        }
        if v >= 9 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct MetadataResponseTopic {
    /// The topic error, or 0 if there was no error.
    pub error_code: i16,
    /// The topic name. Null for non-existing topics queried by ID. This is never null when ErrorCode is zero. One of Name and TopicId is always populated.
    pub name: Option<String>,
    /// The topic id. Zero for non-existing topics queried by name. This is never zero when ErrorCode is zero. One of Name and TopicId is always populated. (versions 10+)
    pub topic_id: Uuid,
    /// True if the topic is internal. (versions 1+)
    pub is_internal: bool,
    /// Each partition in the topic.
    pub partitions: Vec<MetadataResponsePartition>,
    /// 32-bit bitfield to represent authorized operations for this topic. (versions 8+)
    pub topic_authorized_operations: i32,
}

impl Default for MetadataResponseTopic {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            name: Some(Default::default()),
            topic_id: Default::default(),
            is_internal: Default::default(),
            partitions: Default::default(),
            topic_authorized_operations: -2147483648,
        }
    }
}

impl Struct for MetadataResponseTopic {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 9;

        let mut out = Self::default();
        out.error_code = r.i16()?;
        out.name = r.opt_string(f)?;
        not_null(out.name.is_some() || v >= 12, "Name")?;
        if v >= 10 {
            out.topic_id = r.uuid()?;
        }
        if v >= 1 {
            out.is_internal = r.bool()?;
        }
        out.partitions = r.structs(v, f)?;
        if v >= 8 {
            out.topic_authorized_operations = r.i32()?;
        }
        if v >= 9 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 9;

        w.i16(self.error_code);
        may_write(self.name.is_some() || v >= 12, "Name")?;
        w.opt_string(self.name.as_deref(), f)?;
        if v >= 10 {
            w.uuid(self.topic_id);
        }
        if v >= 1 {
            w.bool(self.is_internal);
        }
        w.structs(&self.partitions, v, f)?;
        if v >= 8 {
            w.i32(self.topic_authorized_operations);
        } else if self.topic_authorized_operations != -2147483648 {
            return Err(EncodeError::absent("TopicAuthorizedOperations", v));
        }
        if v >= 9 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct MetadataResponsePartition {
    /// The partition error, or 0 if there was no error.
    pub error_code: i16,
    /// The partition index.
    pub partition_index: i32,
    /// The ID of the leader broker.
    pub leader_id: i32,
    /// The leader epoch of this partition. (versions 7+)
    pub leader_epoch: i32,
    /// The set of all nodes that host this partition.
    pub replica_nodes: Vec<i32>,
    /// The set of nodes that are in sync with the leader for this partition.
    pub isr_nodes: Vec<i32>,
    /// The set of offline replicas of this partition. (versions 5+)
    pub offline_replicas: Vec<i32>,
}

impl Default for MetadataResponsePartition {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            partition_index: Default::default(),
            leader_id: Default::default(),
            leader_epoch: -1,
            replica_nodes: Default::default(),
            isr_nodes: Default::default(),
            offline_replicas: Default::default(),
        }
    }
}

impl Struct for MetadataResponsePartition {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 9;

        let mut out = Self::default();
        out.error_code = r.i16()?;
        out.partition_index = r.i32()?;
        out.leader_id = r.i32()?;
        if v >= 7 {
            out.leader_epoch = r.i32()?;
        }
        out.replica_nodes = r.list(f)?;
        out.isr_nodes = r.list(f)?;
        if v >= 5 {
            out.offline_replicas = r.list(f)?;
        }
        if v >= 9 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 9;

        w.i16(self.error_code);
        w.i32(self.partition_index);
        w.i32(self.leader_id);
        if v >= 7 {
            w.i32(self.leader_epoch);
        }
        w.list(&self.replica_nodes, f)?;
        w.list(&self.isr_nodes, f)?;
        if v >= 5 {
            w.list(&self.offline_replicas, f)?;
        }
        if v >= 9 {
            w.no_tags();
        }
        Ok(())
    }
}
