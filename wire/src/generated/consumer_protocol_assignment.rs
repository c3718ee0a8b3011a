//! ConsumerProtocolAssignment, versions 0 to 3. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerProtocolAssignment {
    /// The list of topics and partitions assigned to this consumer.
    pub assigned_partitions: Vec<TopicPartition>,
    /// User data.
    pub user_data: Option<Bytes>,
}

impl Message for ConsumerProtocolAssignment {
    const NAME: &'static str = "ConsumerProtocolAssignment";
    const MIN: i16 = 0;
    const MAX: i16 = 3;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.assigned_partitions = r.structs(v, false)?;
        out.user_data = r.opt_bytes(false)?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.structs(&self.assigned_partitions, v, false)?;
        w.opt_bytes(self.user_data.as_deref(), false)?;
        Ok(())
    }
}

impl Json for ConsumerProtocolAssignment {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("assignedPartitions", &self.assigned_partitions, v);
        o.put("userData", &self.user_data, v);
        o.done()
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicPartition {
    /// The topic name.
    pub topic: String,
    /// The list of partitions assigned to this consumer.
    pub partitions: Vec<i32>,
}

impl Struct for TopicPartition {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.topic = r.string(false)?;
        out.partitions = r.list(false)?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.string(&self.topic, false)?;
        w.list(&self.partitions, false)?;
        Ok(())
    }
}

impl Json for TopicPartition {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("topic", &self.topic, v);
        o.put("partitions", &self.partitions, v);
        o.done()
    }
}
