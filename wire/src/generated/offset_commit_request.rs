//! OffsetCommitRequest, versions 2 to 10. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, PartialEq)]
pub struct OffsetCommitRequest {
    /// The unique group identifier.
    pub group_id: String,
    /// The generation of the group if using the classic group protocol or the member epoch if using the consumer protocol.
    pub generation_id_or_member_epoch: i32,
    /// The member ID assigned by the group coordinator.
    pub member_id: String,
    /// The unique identifier of the consumer instance provided by end user. (versions 7+)
    pub group_instance_id: Option<String>,
    /// The time period in ms to retain the offset. (versions 2-4)
    pub retention_time_ms: i64,
    /// The topics to commit offsets for.
    pub topics: Vec<OffsetCommitRequestTopic>,
}

impl Default for OffsetCommitRequest {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            generation_id_or_member_epoch: -1,
            member_id: Default::default(),
            group_instance_id: Default::default(),
            retention_time_ms: -1,
            topics: Default::default(),
        }
    }
}

impl Message for OffsetCommitRequest {
    const NAME: &'static str = "OffsetCommitRequest";
    const MIN: i16 = 2;
    const MAX: i16 = 10;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 8;

        let mut out = Self::default();
        out.group_id = r.string(f)?;
        out.generation_id_or_member_epoch = r.i32()?;
        out.member_id = r.string(f)?;
        if v >= 7 {
            out.group_instance_id = r.opt_string(f)?;
        }
        if v <= 4 {
            out.retention_time_ms = r.i64()?;
        }
        out.topics = r.structs(v, f)?;
        if v >= 8 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;
        let f = v >= 8;

        w.string(&self.group_id, f)?;
        w.i32(self.generation_id_or_member_epoch);
        w.string(&self.member_id, f)?;
        if v >= 7 {
            w.opt_string(self.group_instance_id.as_deref(), f)?;
        } else if self.group_instance_id.is_some() {
            return Err(EncodeError::absent("GroupInstanceId", v));
        }
        if v <= 4 {
            w.i64(self.retention_time_ms);
        }
        w.structs(&self.topics, v, f)?;
        if v >= 8 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetCommitRequestTopic {
    /// The topic name. (versions 2-9)
    pub name: String,
    /// The topic ID. (version 10)
    pub topic_id: Uuid,
    /// Each partition to commit offsets for.
    pub partitions: Vec<OffsetCommitRequestPartition>,
}

impl Struct for OffsetCommitRequestTopic {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 8;

        let mut out = Self::default();
        if v <= 9 {
            out.name = r.string(f)?;
        }
        if v >= 10 {
            out.topic_id = r.uuid()?;
        }
        out.partitions = r.structs(v, f)?;
        if v >= 8 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 8;

        if v <= 9 {
            w.string(&self.name, f)?;
        }
        if v >= 10 {
            w.uuid(self.topic_id);
        }
        w.structs(&self.partitions, v, f)?;
        if v >= 8 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct OffsetCommitRequestPartition {
    /// The partition index.
    pub partition_index: i32,
    /// The message offset to be committed.
    pub committed_offset: i64,
    /// The leader epoch of this partition. (versions 6+)
    pub committed_leader_epoch: i32,
    /// Any associated metadata the client wants to keep.
    pub committed_metadata: Option<String>,
}

impl Default for OffsetCommitRequestPartition {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            committed_offset: Default::default(),
            committed_leader_epoch: -1,
            committed_metadata: Some(Default::default()),
        }
    }
}

impl Struct for OffsetCommitRequestPartition {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 8;

        let mut out = Self::default();
        out.partition_index = r.i32()?;
        out.committed_offset = r.i64()?;
        if v >= 6 {
            out.committed_leader_epoch = r.i32()?;
        }
        out.committed_metadata = r.opt_string(f)?;
        if v >= 8 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 8;

        w.i32(self.partition_index);
        w.i64(self.committed_offset);
        if v >= 6 {
            w.i32(self.committed_leader_epoch);
        }
        w.opt_string(self.committed_metadata.as_deref(), f)?;
        if v >= 8 {
            w.no_tags();
        }
        Ok(())
    }
}

impl Request for OffsetCommitRequest {
    const KEY: ApiKey = ApiKey::OffsetCommit;
    type Response = super::offset_commit_response::OffsetCommitResponse;
}
