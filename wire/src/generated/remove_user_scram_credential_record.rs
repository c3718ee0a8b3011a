//! RemoveUserScramCredentialRecord, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct RemoveUserScramCredentialRecord {
    /// The user name.
    pub name: String,
    /// The SCRAM mechanism.
    pub mechanism: i8,
}

impl Message for RemoveUserScramCredentialRecord {
    const NAME: &'static str = "RemoveUserScramCredentialRecord";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.name = r.string(true)?;
        out.mechanism = r.i8()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.string(&self.name, true)?;
        w.i8(self.mechanism);
        w.no_tags();
        Ok(())
    }
}

impl Json for RemoveUserScramCredentialRecord {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("name", &self.name, v);
        o.put("mechanism", &self.mechanism, v);
        o.done()
    }
}

impl RemoveUserScramCredentialRecord {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 22;
}
