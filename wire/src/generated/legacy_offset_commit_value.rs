//! LegacyOffsetCommitValue, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct LegacyOffsetCommitValue {
    /// The offset that the consumer wants to store (for this partition).
    pub offset: i64,
    /// Any metadata the client wants to keep.
    pub metadata: String,
    /// The time at which the commit was added to the log.
    pub commit_timestamp: i64,
}

impl Message for LegacyOffsetCommitValue {
    const NAME: &'static str = "LegacyOffsetCommitValue";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.offset = r.i64()?;
        out.metadata = r.string(false)?;
        out.commit_timestamp = r.i64()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.i64(self.offset);
        w.string(&self.metadata, false)?;
        w.i64(self.commit_timestamp);
        Ok(())
    }
}

impl Json for LegacyOffsetCommitValue {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("offset", &self.offset, v);
        o.put("metadata", &self.metadata, v);
        o.put("commitTimestamp", &self.commit_timestamp, v);
        o.done()
    }
}

impl LegacyOffsetCommitValue {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 0;
}
