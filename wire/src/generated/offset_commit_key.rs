//! OffsetCommitKey, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetCommitKey {
    /// The consumer group id.
    pub group: String,
    /// The topic name.
    pub topic: String,
    /// The topic partition index.
    pub partition: i32,
}

impl Message for OffsetCommitKey {
    const NAME: &'static str = "OffsetCommitKey";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.group = r.string(false)?;
        out.topic = r.string(false)?;
        out.partition = r.i32()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.string(&self.group, false)?;
        w.string(&self.topic, false)?;
        w.i32(self.partition);
        Ok(())
    }
}

impl Json for OffsetCommitKey {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("group", &self.group, v);
        o.put("topic", &self.topic, v);
        o.put("partition", &self.partition, v);
        o.done()
    }
}

impl OffsetCommitKey {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 1;
}
