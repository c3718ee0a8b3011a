//! ProduceRequest, versions 3 to 13. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProduceRequest {
    /// The transactional ID, or null if the producer is not transactional.
    pub transactional_id: Option<String>,
    /// The number of acknowledgments the producer requires the leader to have received before considering a request complete. Allowed values: 0 for no acknowledgments, 1 for only the leader and -1 for the full ISR.
    pub acks: i16,
    /// The timeout to await a response in milliseconds.
    pub timeout_ms: i32,
    /// Each topic to produce to.
    pub topic_data: Vec<TopicProduceData>,
}

impl Message for ProduceRequest {
    const NAME: &'static str = "ProduceRequest";
    const MIN: i16 = 3;
    const MAX: i16 = 13;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 9;

        let mut out = Self::default();
        out.transactional_id = r.opt_string(f)?;
        out.acks = r.i16()?;
        out.timeout_ms = r.i32()?;
        out.topic_data = r.structs(v, f)?;
        if v >= 9 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;
        let f = v >= 9;

        w.opt_string(self.transactional_id.as_deref(), f)?;
        w.i16(self.acks);
        w.i32(self.timeout_ms);
        w.structs(&self.topic_data, v, f)?;
        if v >= 9 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicProduceData {
    /// The topic name. (versions 3-12)
    pub name: String,
    /// The unique topic ID (version 13)
    pub topic_id: Uuid,
    /// Each partition to produce to.
    pub partition_data: Vec<PartitionProduceData>,
}

impl Struct for TopicProduceData {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 9;

        let mut out = Self::default();
        if v <= 12 {
            out.name = r.string(f)?;
        }
        if v >= 13 {
            out.topic_id = r.uuid()?;
        }
        out.partition_data = r.structs(v, f)?;
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
        w.structs(&self.partition_data, v, f)?;
        if v >= 9 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionProduceData {
    /// The partition index.
    pub index: i32,
    /// The record data to be produced.
    pub records: Option<Records>,
}

impl Struct for PartitionProduceData {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 9;

        let mut out = Self::default();
        out.index = r.i32()?;
        out.records = r.opt_records(f)?;
        if v >= 9 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 9;

        w.i32(self.index);
        w.opt_records(self.records.as_ref(), f)?;
        if v >= 9 {
            w.no_tags();
        }
        Ok(())
    }
}

impl Request for ProduceRequest {
    const KEY: ApiKey = ApiKey::Produce;
    type Response = super::produce_response::ProduceResponse;
}
