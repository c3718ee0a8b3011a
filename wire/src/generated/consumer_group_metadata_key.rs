//! ConsumerGroupMetadataKey, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupMetadataKey {
    /// The group id.
    pub group_id: String,
}

impl Message for ConsumerGroupMetadataKey {
    const NAME: &'static str = "ConsumerGroupMetadataKey";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.group_id = r.string(false)?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.string(&self.group_id, false)?;
        Ok(())
    }
}

impl Json for ConsumerGroupMetadataKey {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("groupId", &self.group_id, v);
        o.done()
    }
}

impl ConsumerGroupMetadataKey {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 3;
}
