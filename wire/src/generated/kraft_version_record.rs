//! KRaftVersionRecord, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct KRaftVersionRecord {
    /// The version of the kraft version record.
    pub version: i16,
    /// The kraft protocol version.
    pub kraft_version: i16,
}

impl Message for KRaftVersionRecord {
    const NAME: &'static str = "KRaftVersionRecord";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.version = r.i16()?;
        out.kraft_version = r.i16()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.i16(self.version);
        w.i16(self.kraft_version);
        w.no_tags();
        Ok(())
    }
}

impl Json for KRaftVersionRecord {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("version", &self.version, v);
        o.put("kRaftVersion", &self.kraft_version, v);
        o.done()
    }
}
