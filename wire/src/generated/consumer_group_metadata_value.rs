//! ConsumerGroupMetadataValue, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupMetadataValue {
    /// The group epoch.
    pub epoch: i32,
    /// The hash of all topics in the group.
    pub metadata_hash: i64,
}

impl Message for ConsumerGroupMetadataValue {
    const NAME: &'static str = "ConsumerGroupMetadataValue";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.epoch = r.i32()?;
        r.tags(|r, tag| {
            match tag {
                0 => out.metadata_hash = r.i64()?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.i32(self.epoch);
        let t = w.start_tags();
        if self.metadata_hash != 0 {
            w.tag(t, 0, |w| {
                w.i64(self.metadata_hash);
                Ok(())
            })?;
        }

        Ok(())
    }
}

impl Json for ConsumerGroupMetadataValue {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("epoch", &self.epoch, v);
        if self.metadata_hash != 0 {
            o.put("metadataHash", &self.metadata_hash, v);
        }
        o.done()
    }
}

impl ConsumerGroupMetadataValue {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 3;
}
