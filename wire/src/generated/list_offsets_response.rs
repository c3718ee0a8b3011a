//! ListOffsetsResponse, versions 1 to 11. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListOffsetsResponse {
    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota. (versions 2+)
    pub throttle_time_ms: i32,
    /// Each topic in the response.
    pub topics: Vec<ListOffsetsTopicResponse>,
}

impl Message for ListOffsetsResponse {
    const NAME: &'static str = "ListOffsetsResponse";
    const MIN: i16 = 1;
    const MAX: i16 = 11;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 6;

        let mut out = Self::default();
        if v >= 2 {
            out.throttle_time_ms = r.i32()?;
        }
        out.topics = r.structs(v, f)?;
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
        w.structs(&self.topics, v, f)?;
        if v >= 6 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListOffsetsTopicResponse {
    /// The topic name.
    pub name: String,
    /// Each partition in the response.
    pub partitions: Vec<ListOffsetsPartitionResponse>,
}

impl Struct for ListOffsetsTopicResponse {
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
pub struct ListOffsetsPartitionResponse {
    /// The partition index.
    pub partition_index: i32,
    /// The partition error code, or 0 if there was no error.
    pub error_code: i16,
    /// The timestamp associated with the returned offset.
    pub timestamp: i64,
    /// The returned offset.
    pub offset: i64,
    /// The leader epoch associated with the returned offset. (versions 4+)
    pub leader_epoch: i32,
}

impl Default for ListOffsetsPartitionResponse {
    fn default() -> Self {
        Self { partition_index: Default::default(), error_code: Default::default(), timestamp: -1, offset: -1, leader_epoch: -1 }
    }
}

impl Struct for ListOffsetsPartitionResponse {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 6;

        let mut out = Self::default();
        out.partition_index = r.i32()?;
        out.error_code = r.i16()?;
        out.timestamp = r.i64()?;
        out.offset = r.i64()?;
        if v >= 4 {
            out.leader_epoch = r.i32()?;
        }
        if v >= 6 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 6;

        w.i32(self.partition_index);
        w.i16(self.error_code);
        w.i64(self.timestamp);
        w.i64(self.offset);
        if v >= 4 {
            w.i32(self.leader_epoch);
        } else if self.leader_epoch != -1 {
            return Err(EncodeError::absent("LeaderEpoch", v));
        }
        if v >= 6 {
            w.no_tags();
        }
        Ok(())
    }
}
