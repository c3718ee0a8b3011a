//! ClearElrRecord, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClearElrRecord {
    /// The name of the topic to clear ELRs for, or empty if all ELRs should be cleared.
    pub topic_name: String,
}

impl Message for ClearElrRecord {
    const NAME: &'static str = "ClearElrRecord";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.topic_name = r.string(true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.string(&self.topic_name, true)?;
        w.no_tags();
        Ok(())
    }
}

impl Json for ClearElrRecord {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("topicName", &self.topic_name, v);
        o.done()
    }
}

impl ClearElrRecord {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 28;
}
