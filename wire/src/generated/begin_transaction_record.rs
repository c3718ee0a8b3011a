//! BeginTransactionRecord, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct BeginTransactionRecord {
    /// An optional textual description of this transaction.
    pub name: Option<String>,
}

impl Message for BeginTransactionRecord {
    const NAME: &'static str = "BeginTransactionRecord";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        r.tags(|r, tag| {
            match tag {
                0 => out.name = r.opt_string(true)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        let t = w.start_tags();
        if self.name.is_some() {
            w.tag(t, 0, |w| {
                w.opt_string(self.name.as_deref(), true)?;
                Ok(())
            })?;
        }

        Ok(())
    }
}

impl Json for BeginTransactionRecord {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        if self.name.is_some() {
            o.put("name", &self.name, v);
        }
        o.done()
    }
}

impl BeginTransactionRecord {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 23;
}
