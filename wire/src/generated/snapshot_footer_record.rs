//! SnapshotFooterRecord, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct SnapshotFooterRecord {
    /// The version of the snapshot footer record.
    pub version: i16,
}

impl Message for SnapshotFooterRecord {
    const NAME: &'static str = "SnapshotFooterRecord";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.version = r.i16()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.i16(self.version);
        w.no_tags();
        Ok(())
    }
}

impl Json for SnapshotFooterRecord {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("version", &self.version, v);
        o.done()
    }
}
