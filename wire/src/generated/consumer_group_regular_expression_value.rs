//! ConsumerGroupRegularExpressionValue, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupRegularExpressionValue {
    pub topics: Vec<String>,
    pub version: i64,
    pub timestamp: i64,
}

impl Message for ConsumerGroupRegularExpressionValue {
    const NAME: &'static str = "ConsumerGroupRegularExpressionValue";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.topics = r.list(true)?;
        out.version = r.i64()?;
        out.timestamp = r.i64()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.list(&self.topics, true)?;
        w.i64(self.version);
        w.i64(self.timestamp);
        w.no_tags();
        Ok(())
    }
}

impl Json for ConsumerGroupRegularExpressionValue {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("topics", &self.topics, v);
        o.put("version", &self.version, v);
        o.put("timestamp", &self.timestamp, v);
        o.done()
    }
}

impl ConsumerGroupRegularExpressionValue {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 16;
}
