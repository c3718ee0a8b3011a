//! AbortTransactionRecord, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct AbortTransactionRecord {
    /// An optional textual description of why the transaction was aborted.
    pub reason: Option<String>,
}

impl Message for AbortTransactionRecord {
    const NAME: &'static str = "AbortTransactionRecord";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        r.tags(|r, tag| {
            match tag {
                0 => out.reason = r.opt_string(true)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        let t = w.start_tags();
        if self.reason.is_some() {
            w.tag(t, 0, |w| {
                w.opt_string(self.reason.as_deref(), true)?;
                Ok(())
            })?;
        }

        Ok(())
    }
}

impl Json for AbortTransactionRecord {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        if self.reason.is_some() {
            o.put("reason", &self.reason, v);
        }
        o.done()
    }
}

impl AbortTransactionRecord {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 25;
}
