//! ShareGroupMetadataValue, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareGroupMetadataValue {
    /// The group epoch.
    pub epoch: i32,
    /// The hash of all topics in the group.
    pub metadata_hash: i64,
}

impl Message for ShareGroupMetadataValue {
    const NAME: &'static str = "ShareGroupMetadataValue";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.epoch = r.i32()?;
        out.metadata_hash = r.i64()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.i32(self.epoch);
        w.i64(self.metadata_hash);
        w.no_tags();
        Ok(())
    }
}

impl Json for ShareGroupMetadataValue {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("epoch", &self.epoch, v);
        o.put("metadataHash", &self.metadata_hash, v);
        o.done()
    }
}

impl ShareGroupMetadataValue {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 11;
}
