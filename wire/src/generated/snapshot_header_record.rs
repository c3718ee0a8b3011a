//! SnapshotHeaderRecord, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct SnapshotHeaderRecord {
    /// The version of the snapshot header record.
    pub version: i16,
    /// The append time of the last record from the log contained in this snapshot.
    pub last_contained_log_timestamp: i64,
}

impl Message for SnapshotHeaderRecord {
    const NAME: &'static str = "SnapshotHeaderRecord";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.version = r.i16()?;
        out.last_contained_log_timestamp = r.i64()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.i16(self.version);
        w.i64(self.last_contained_log_timestamp);
        w.no_tags();
        Ok(())
    }
}

impl Json for SnapshotHeaderRecord {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("version", &self.version, v);
        o.put("lastContainedLogTimestamp", &self.last_contained_log_timestamp, v);
        o.done()
    }
}
