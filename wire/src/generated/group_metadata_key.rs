//! GroupMetadataKey, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupMetadataKey {
    /// The group id.
    pub group: String,
}

impl Message for GroupMetadataKey {
    const NAME: &'static str = "GroupMetadataKey";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.group = r.string(false)?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.string(&self.group, false)?;
        Ok(())
    }
}

impl Json for GroupMetadataKey {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("group", &self.group, v);
        o.done()
    }
}

impl GroupMetadataKey {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 2;
}
