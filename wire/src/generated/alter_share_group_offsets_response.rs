//! AlterShareGroupOffsetsResponse, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterShareGroupOffsetsResponse {
    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    pub throttle_time_ms: i32,
    /// The top-level error code, or 0 if there was no error.
    pub error_code: i16,
    /// The top-level error message, or null if there was no error.
    pub error_message: Option<String>,
    /// The results for each topic.
    pub responses: Vec<AlterShareGroupOffsetsResponseTopic>,
}

impl Message for AlterShareGroupOffsetsResponse {
    const NAME: &'static str = "AlterShareGroupOffsetsResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.throttle_time_ms = r.i32()?;
        out.error_code = r.i16()?;
        out.error_message = r.opt_string(true)?;
        out.responses = r.structs(v, true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.i32(self.throttle_time_ms);
        w.i16(self.error_code);
        w.opt_string(self.error_message.as_deref(), true)?;
        w.structs(&self.responses, v, true)?;
        w.no_tags();
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterShareGroupOffsetsResponseTopic {
    /// The topic name.
    pub topic_name: String,
    /// The unique topic ID.
    pub topic_id: Uuid,
    pub partitions: Vec<AlterShareGroupOffsetsResponsePartition>,
}

impl Struct for AlterShareGroupOffsetsResponseTopic {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.topic_name = r.string(true)?;
        out.topic_id = r.uuid()?;
        out.partitions = r.structs(v, true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.string(&self.topic_name, true)?;
        w.uuid(self.topic_id);
        w.structs(&self.partitions, v, true)?;
        w.no_tags();
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterShareGroupOffsetsResponsePartition {
    /// The partition index.
    pub partition_index: i32,
    /// The error code, or 0 if there was no error.
    pub error_code: i16,
    /// The error message, or null if there was no error.
    pub error_message: Option<String>,
}

impl Struct for AlterShareGroupOffsetsResponsePartition {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.partition_index = r.i32()?;
        out.error_code = r.i16()?;
        out.error_message = r.opt_string(true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.i32(self.partition_index);
        w.i16(self.error_code);
        w.opt_string(self.error_message.as_deref(), true)?;
        w.no_tags();
        Ok(())
    }
}
