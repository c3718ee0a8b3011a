//! TopicRecord, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicRecord {
    /// The topic name.
    pub name: String,
    /// The unique ID of this topic.
    pub topic_id: Uuid,
}

impl Message for TopicRecord {
    const NAME: &'static str = "TopicRecord";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.name = r.string(true)?;
        out.topic_id = r.uuid()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.string(&self.name, true)?;
        w.uuid(self.topic_id);
        w.no_tags();
        Ok(())
    }
}

impl Json for TopicRecord {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("name", &self.name, v);
        o.put("topicId", &self.topic_id, v);
        o.done()
    }
}

impl TopicRecord {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 2;
}
