//! UnregisterBrokerRecord, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct UnregisterBrokerRecord {
    /// The broker id.
    pub broker_id: i32,
    /// The broker epoch.
    pub broker_epoch: i64,
}

impl Message for UnregisterBrokerRecord {
    const NAME: &'static str = "UnregisterBrokerRecord";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.broker_id = r.i32()?;
        out.broker_epoch = r.i64()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.i32(self.broker_id);
        w.i64(self.broker_epoch);
        w.no_tags();
        Ok(())
    }
}

impl Json for UnregisterBrokerRecord {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("brokerId", &self.broker_id, v);
        o.put("brokerEpoch", &self.broker_epoch, v);
        o.done()
    }
}

impl UnregisterBrokerRecord {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 1;
}
