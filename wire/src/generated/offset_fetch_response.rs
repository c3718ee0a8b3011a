//! OffsetFetchResponse, versions 1 to 10. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetFetchResponse {
    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota. (versions 3+)
    pub throttle_time_ms: i32,
    /// The responses per topic. (versions 1-7)
    pub topics: Vec<OffsetFetchResponseTopic>,
    /// The top-level error code, or 0 if there was no error. (versions 2-7)
    pub error_code: i16,
    /// The responses per group id. (versions 8+)
    pub groups: Vec<OffsetFetchResponseGroup>,
}

impl Message for OffsetFetchResponse {
    const NAME: &'static str = "OffsetFetchResponse";
    const MIN: i16 = 1;
    const MAX: i16 = 10;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 6;

        let mut out = Self::default();
        if v >= 3 {
            out.throttle_time_ms = r.i32()?;
        }
        if v <= 7 {
            out.topics = r.structs(v, f)?;
        }
        if (2..=7).contains(&v) {
            out.error_code = r.i16()?;
        }
        if v >= 8 {
            out.groups = r.structs(v, f)?;
        }
        if v >= 6 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;
        let f = v >= 6;

        if v >= 3 {
            w.i32(self.throttle_time_ms);
        }
        if v <= 7 {
            w.structs(&self.topics, v, f)?;
        } else if !self.topics.is_empty() {
            return Err(EncodeError::absent("Topics", v));
        }
        if (2..=7).contains(&v) {
            w.i16(self.error_code);
        }
        if v >= 8 {
            w.structs(&self.groups, v, f)?;
        } else if !self.groups.is_empty() {
            return Err(EncodeError::absent("Groups", v));
        }
        if v >= 6 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetFetchResponseTopic {
    /// The topic name. (versions 1-7)
    pub name: String,
    /// The responses per partition. (versions 1-7)
    pub partitions: Vec<OffsetFetchResponsePartition>,
}

impl Struct for OffsetFetchResponseTopic {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 6;

        let mut out = Self::default();
        out.name = r.string(f)?;
        out.partitions = r.structs(v, f)?;
        if v >= 6 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 6;

        w.string(&self.name, f)?;
        w.structs(&self.partitions, v, f)?;
        if v >= 6 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct OffsetFetchResponsePartition {
    /// The partition index. (versions 1-7)
    pub partition_index: i32,
    /// The committed message offset. (versions 1-7)
    pub committed_offset: i64,
    /// The leader epoch. (versions 5-7)
    pub committed_leader_epoch: i32,
    /// The partition metadata. (versions 1-7)
    pub metadata: Option<String>,
    /// The error code, or 0 if there was no error. (versions 1-7)
    pub error_code: i16,
}

impl Default for OffsetFetchResponsePartition {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            committed_offset: Default::default(),
            committed_leader_epoch: -1,
            metadata: Some(Default::default()),
            error_code: Default::default(),
        }
    }
}

impl Struct for OffsetFetchResponsePartition {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 6;

        let mut out = Self::default();
        out.partition_index = r.i32()?;
        out.committed_offset = r.i64()?;
        if v >= 5 {
            out.committed_leader_epoch = r.i32()?;
        }
        out.metadata = r.opt_string(f)?;
        out.error_code = r.i16()?;
        if v >= 6 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 6;

        w.i32(self.partition_index);
        w.i64(self.committed_offset);
        if v >= 5 {
            w.i32(self.committed_leader_epoch);
        }
        w.opt_string(self.metadata.as_deref(), f)?;
        w.i16(self.error_code);
        if v >= 6 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetFetchResponseGroup {
    /// The group ID. (versions 8+)
    pub group_id: String,
    /// The responses per topic. (versions 8+)
    pub topics: Vec<OffsetFetchResponseTopics>,
    /// The group-level error code, or 0 if there was no error. (versions 8+)
    pub error_code: i16,
}

impl Struct for OffsetFetchResponseGroup {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.group_id = r.string(true)?;
        out.topics = r.structs(v, true)?;
        out.error_code = r.i16()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.string(&self.group_id, true)?;
        w.structs(&self.topics, v, true)?;
        w.i16(self.error_code);
        w.no_tags();
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetFetchResponseTopics {
    /// The topic name. (versions 8-9)
    pub name: String,
    /// The topic ID. (version 10)
    pub topic_id: Uuid,
    /// The responses per partition. (versions 8+)
    pub partitions: Vec<OffsetFetchResponsePartitions>,
}

impl Struct for OffsetFetchResponseTopics {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        if v <= 9 {
            out.name = r.string(true)?;
        }
        if v >= 10 {
            out.topic_id = r.uuid()?;
        }
        out.partitions = r.structs(v, true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        if v <= 9 {
            w.string(&self.name, true)?;
        }
        if v >= 10 {
            w.uuid(self.topic_id);
        }
        w.structs(&self.partitions, v, true)?;
        w.no_tags();
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct OffsetFetchResponsePartitions {
    /// The partition index. (versions 8+)
    pub partition_index: i32,
    /// The committed message offset. (versions 8+)
    pub committed_offset: i64,
    /// The leader epoch. (versions 8+)
    pub committed_leader_epoch: i32,
    /// The partition metadata. (versions 8+)
    pub metadata: Option<String>,
    /// The partition-level error code, or 0 if there was no error. (versions 8+)
    pub error_code: i16,
}

impl Default for OffsetFetchResponsePartitions {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            committed_offset: Default::default(),
            committed_leader_epoch: -1,
            metadata: Some(Default::default()),
            error_code: Default::default(),
        }
    }
}

impl Struct for OffsetFetchResponsePartitions {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.partition_index = r.i32()?;
        out.committed_offset = r.i64()?;
        out.committed_leader_epoch = r.i32()?;
        out.metadata = r.opt_string(true)?;
        out.error_code = r.i16()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.i32(self.partition_index);
        w.i64(self.committed_offset);
        w.i32(self.committed_leader_epoch);
        w.opt_string(self.metadata.as_deref(), true)?;
        w.i16(self.error_code);
        w.no_tags();
        Ok(())
    }
}
