//! ShareUpdateKey, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareUpdateKey {
    /// The group id.
    pub group_id: String,
    /// The topic id.
    pub topic_id: Uuid,
    /// The partition index.
    pub partition: i32,
}

impl Message for ShareUpdateKey {
    const NAME: &'static str = "ShareUpdateKey";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.group_id = r.string(false)?;
        out.topic_id = r.uuid()?;
        out.partition = r.i32()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.string(&self.group_id, false)?;
        w.uuid(self.topic_id);
        w.i32(self.partition);
        Ok(())
    }
}

impl Json for ShareUpdateKey {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("groupId", &self.group_id, v);
        o.put("topicId", &self.topic_id, v);
        o.put("partition", &self.partition, v);
        o.done()
    }
}

impl ShareUpdateKey {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 1;
}
