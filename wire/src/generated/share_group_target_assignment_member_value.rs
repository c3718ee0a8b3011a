//! ShareGroupTargetAssignmentMemberValue, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareGroupTargetAssignmentMemberValue {
    /// The assigned partitions.
    pub topic_partitions: Vec<TopicPartition>,
}

impl Message for ShareGroupTargetAssignmentMemberValue {
    const NAME: &'static str = "ShareGroupTargetAssignmentMemberValue";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.topic_partitions = r.structs(v, true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.structs(&self.topic_partitions, v, true)?;
        w.no_tags();
        Ok(())
    }
}

impl Json for ShareGroupTargetAssignmentMemberValue {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("topicPartitions", &self.topic_partitions, v);
        o.done()
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicPartition {
    /// The topic id.
    pub topic_id: Uuid,
    /// The partition indexes.
    pub partitions: Vec<i32>,
}

impl Struct for TopicPartition {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.topic_id = r.uuid()?;
        out.partitions = r.list(true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.uuid(self.topic_id);
        w.list(&self.partitions, true)?;
        w.no_tags();
        Ok(())
    }
}

impl Json for TopicPartition {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("topicId", &self.topic_id, v);
        o.put("partitions", &self.partitions, v);
        o.done()
    }
}

impl ShareGroupTargetAssignmentMemberValue {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 13;
}
