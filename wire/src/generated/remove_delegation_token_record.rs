//! RemoveDelegationTokenRecord, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct RemoveDelegationTokenRecord {
    /// The tokenID to remove.
    pub token_id: String,
}

impl Message for RemoveDelegationTokenRecord {
    const NAME: &'static str = "RemoveDelegationTokenRecord";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.token_id = r.string(true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.string(&self.token_id, true)?;
        w.no_tags();
        Ok(())
    }
}

impl Json for RemoveDelegationTokenRecord {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("tokenId", &self.token_id, v);
        o.done()
    }
}

impl RemoveDelegationTokenRecord {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 26;
}
