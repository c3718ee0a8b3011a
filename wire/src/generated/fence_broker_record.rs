//! FenceBrokerRecord, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct FenceBrokerRecord {
    /// The broker ID to fence. It will be removed from all ISRs.
    pub id: i32,
    /// The epoch of the broker to fence.
    pub epoch: i64,
}

impl Message for FenceBrokerRecord {
    const NAME: &'static str = "FenceBrokerRecord";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.id = r.i32()?;
        out.epoch = r.i64()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.i32(self.id);
        w.i64(self.epoch);
        w.no_tags();
        Ok(())
    }
}

impl Json for FenceBrokerRecord {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("id", &self.id, v);
        o.put("epoch", &self.epoch, v);
        o.done()
    }
}

impl FenceBrokerRecord {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 7;
}
