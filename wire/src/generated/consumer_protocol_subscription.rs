//! ConsumerProtocolSubscription, versions 0 to 3. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerProtocolSubscription {
    /// The topics that the member wants to consume.
    pub topics: Vec<String>,
    /// User data that will be passed back to the consumer.
    pub user_data: Option<Bytes>,
    /// The partitions that the member owns. (versions 1+)
    pub owned_partitions: Vec<TopicPartition>,
    /// The generation id of the member. (versions 2+)
    pub generation_id: i32,
    /// The rack id of the member. (version 3)
    pub rack_id: Option<String>,
}

impl Default for ConsumerProtocolSubscription {
    fn default() -> Self {
        Self {
            topics: Default::default(),
            user_data: Default::default(),
            owned_partitions: Default::default(),
            generation_id: -1,
            rack_id: Default::default(),
        }
    }
}

impl Message for ConsumerProtocolSubscription {
    const NAME: &'static str = "ConsumerProtocolSubscription";
    const MIN: i16 = 0;
    const MAX: i16 = 3;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.topics = r.list(false)?;
        out.user_data = r.opt_bytes(false)?;
        if v >= 1 {
            out.owned_partitions = r.structs(v, false)?;
        }
        if v >= 2 {
            out.generation_id = r.i32()?;
        }
        if v >= 3 {
            out.rack_id = r.opt_string(false)?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.list(&self.topics, false)?;
        w.opt_bytes(self.user_data.as_deref(), false)?;
        if v >= 1 {
            w.structs(&self.owned_partitions, v, false)?;
        }
        if v >= 2 {
            w.i32(self.generation_id);
        }
        if v >= 3 {
            w.opt_string(self.rack_id.as_deref(), false)?;
        }
        Ok(())
    }
}

impl Json for ConsumerProtocolSubscription {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("topics", &self.topics, v);
        o.put("userData", &self.user_data, v);
        if v >= 1 {
            o.put("ownedPartitions", &self.owned_partitions, v);
        }
        if v >= 2 {
            o.put("generationId", &self.generation_id, v);
        }
        if v >= 3 {
            o.put("rackId", &self.rack_id, v);
        }
        o.done()
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicPartition {
    /// The topic name. (versions 1+)
    pub topic: String,
    /// The partition ids. (versions 1+)
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
