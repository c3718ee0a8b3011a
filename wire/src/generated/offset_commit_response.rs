//! OffsetCommitResponse, versions 2 to 10. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetCommitResponse {
    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota. (versions 3+)
    pub throttle_time_ms: i32,
    /// The responses for each topic.
    pub topics: Vec<OffsetCommitResponseTopic>,
}

impl Message for OffsetCommitResponse {
    const NAME: &'static str = "OffsetCommitResponse";
    const MIN: i16 = 2;
    const MAX: i16 = 10;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 8;

        let mut out = Self::default();
        if v >= 3 {
            out.throttle_time_ms = r.i32()?;
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

        if v >= 3 {
            w.i32(self.throttle_time_ms);
        }
        w.structs(&self.topics, v, f)?;
        if v >= 8 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetCommitResponseTopic {
    /// The topic name. (versions 2-9)
    pub name: String,
    /// The topic ID. (version 10)
    pub topic_id: Uuid,
    /// The responses for each partition in the topic.
    pub partitions: Vec<OffsetCommitResponsePartition>,
}

impl Struct for OffsetCommitResponseTopic {
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

#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetCommitResponsePartition {
    /// The partition index.
    pub partition_index: i32,
    /// The error code, or 0 if there was no error.
    pub error_code: i16,
}

impl Struct for OffsetCommitResponsePartition {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 8;

        let mut out = Self::default();
        out.partition_index = r.i32()?;
        out.error_code = r.i16()?;
        if v >= 8 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 8;

        w.i32(self.partition_index);
        w.i16(self.error_code);
        if v >= 8 {
            w.no_tags();
        }
        Ok(())
    }
}
