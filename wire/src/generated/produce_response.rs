//! ProduceResponse, versions 3 to 13. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProduceResponse {
    /// Each produce response.
    pub responses: Vec<TopicProduceResponse>,
    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    pub throttle_time_ms: i32,
    /// Endpoints for all current-leaders enumerated in PartitionProduceResponses, with errors NOT_LEADER_OR_FOLLOWER. (versions 10+)
    pub node_endpoints: Vec<NodeEndpoint>,
}

impl Message for ProduceResponse {
    const NAME: &'static str = "ProduceResponse";
    const MIN: i16 = 3;
    const MAX: i16 = 13;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 9;

        let mut out = Self::default();
        out.responses = r.structs(v, f)?;
        out.throttle_time_ms = r.i32()?;
        if v >= 9 {
            r.tags(|r, tag| {
                match tag {
                    0 if v >= 10 => out.node_endpoints = r.structs(v, true)?,
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;
        let f = v >= 9;

        w.structs(&self.responses, v, f)?;
        w.i32(self.throttle_time_ms);
        if v < 10 && !self.node_endpoints.is_empty() {
            return Err(EncodeError::absent("NodeEndpoints", v));
        }
        if v >= 9 {
            let t = w.start_tags();
            if v >= 10 && !self.node_endpoints.is_empty() {
                w.tag(t, 0, |w| {
                    w.structs(&self.node_endpoints, v, true)?;
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicProduceResponse {
    /// The topic name. (versions 3-12)
    pub name: String,
    /// The unique topic ID (version 13)
    pub topic_id: Uuid,
    /// Each partition that we produced to within the topic.
    pub partition_responses: Vec<PartitionProduceResponse>,
}

impl Struct for TopicProduceResponse {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 9;

        let mut out = Self::default();
        if v <= 12 {
            out.name = r.string(f)?;
        }
        if v >= 13 {
            out.topic_id = r.uuid()?;
        }
        out.partition_responses = r.structs(v, f)?;
        if v >= 9 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 9;

        if v <= 12 {
            w.string(&self.name, f)?;
        }
        if v >= 13 {
            w.uuid(self.topic_id);
        }
        w.structs(&self.partition_responses, v, f)?;
        if v >= 9 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct PartitionProduceResponse {
    /// The partition index.
    pub index: i32,
    /// The error code, or 0 if there was no error.
    pub error_code: i16,
    /// The base offset.
    pub base_offset: i64,
    /// The timestamp returned by broker after appending the messages. If CreateTime is used for the topic, the timestamp will be -1.  If LogAppendTime is used for the topic, the timestamp will be the broker local time when the messages are appended.
    pub log_append_time_ms: i64,
    /// The log start offset. (versions 5+)
    pub log_start_offset: i64,
    /// The batch indices of records that caused the batch to be dropped. (versions 8+)
    pub record_errors: Vec<BatchIndexAndErrorMessage>,
    /// The global error message summarizing the common root cause of the records that caused the batch to be dropped. (versions 8+)
    pub error_message: Option<String>,
    /// The leader broker that the producer should use for future requests. (versions 10+)
    pub current_leader: LeaderIdAndEpoch,
}

impl Default for PartitionProduceResponse {
    fn default() -> Self {
        Self {
            index: Default::default(),
            error_code: Default::default(),
            base_offset: Default::default(),
            log_append_time_ms: -1,
            log_start_offset: -1,
            record_errors: Default::default(),
            error_message: Default::default(),
            current_leader: Default::default(),
        }
    }
}

impl Struct for PartitionProduceResponse {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 9;

        let mut out = Self::default();
        out.index = r.i32()?;
        out.error_code = r.i16()?;
        out.base_offset = r.i64()?;
        out.log_append_time_ms = r.i64()?;
        if v >= 5 {
            out.log_start_offset = r.i64()?;
        }
        if v >= 8 {
            out.record_errors = r.structs(v, f)?;
        }
        if v >= 8 {
            out.error_message = r.opt_string(f)?;
        }
        if v >= 9 {
            r.tags(|r, tag| {
                match tag {
                    0 if v >= 10 => out.current_leader = Struct::decode(r, v)?,
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 9;

        w.i32(self.index);
        w.i16(self.error_code);
        w.i64(self.base_offset);
        w.i64(self.log_append_time_ms);
        if v >= 5 {
            w.i64(self.log_start_offset);
        }
        if v >= 8 {
            w.structs(&self.record_errors, v, f)?;
        }
        if v >= 8 {
            w.opt_string(self.error_message.as_deref(), f)?;
        }
        if v < 10 && self.current_leader != LeaderIdAndEpoch::default() {
            return Err(EncodeError::absent("CurrentLeader", v));
        }
        if v >= 9 {
            let t = w.start_tags();
            if v >= 10 && self.current_leader != LeaderIdAndEpoch::default() {
                w.tag(t, 0, |w| {
                    self.current_leader.encode(w, v)?;
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct BatchIndexAndErrorMessage {
    /// The batch index of the record that caused the batch to be dropped. (versions 8+)
    pub batch_index: i32,
    /// The error message of the record that caused the batch to be dropped. (versions 8+)
    pub batch_index_error_message: Option<String>,
}

impl Struct for BatchIndexAndErrorMessage {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 9;

        let mut out = Self::default();
        out.batch_index = r.i32()?;
        out.batch_index_error_message = r.opt_string(f)?;
        if v >= 9 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 9;

        w.i32(self.batch_index);
        w.opt_string(self.batch_index_error_message.as_deref(), f)?;
        if v >= 9 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct LeaderIdAndEpoch {
    /// The ID of the current leader or -1 if the leader is unknown. (versions 10+)
    pub leader_id: i32,
    /// The latest known leader epoch. (versions 10+)
    pub leader_epoch: i32,
}

impl Default for LeaderIdAndEpoch {
    fn default() -> Self {
        Self { leader_id: -1, leader_epoch: -1 }
    }
}

impl Struct for LeaderIdAndEpoch {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.leader_id = r.i32()?;
        out.leader_epoch = r.i32()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.i32(self.leader_id);
        w.i32(self.leader_epoch);
        w.no_tags();
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeEndpoint {
    /// The ID of the associated node. (versions 10+)
    pub node_id: i32,
    /// The node's hostname. (versions 10+)
    pub host: String,
    /// The node's port. (versions 10+)
    pub port: i32,
    /// The rack of the node, or null if it has not been assigned to a rack. (versions 10+)
    pub rack: Option<String>,
}

impl Struct for NodeEndpoint {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.node_id = r.i32()?;
        out.host = r.string(true)?;
        out.port = r.i32()?;
        out.rack = r.opt_string(true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.i32(self.node_id);
        w.string(&self.host, true)?;
        w.i32(self.port);
        w.opt_string(self.rack.as_deref(), true)?;
        w.no_tags();
        Ok(())
    }
}
