//! RemoveAccessControlEntryRecord, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct RemoveAccessControlEntryRecord {
    /// The ID of the AccessControlEntry to remove.
    pub id: Uuid,
}

impl Message for RemoveAccessControlEntryRecord {
    const NAME: &'static str = "RemoveAccessControlEntryRecord";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.id = r.uuid()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.uuid(self.id);
        w.no_tags();
        Ok(())
    }
}

impl Json for RemoveAccessControlEntryRecord {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("id", &self.id, v);
        o.done()
    }
}

impl RemoveAccessControlEntryRecord {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 19;
}
