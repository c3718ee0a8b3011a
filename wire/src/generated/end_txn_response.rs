//! EndTxnResponse, versions 0 to 5. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, PartialEq)]
pub struct EndTxnResponse {
    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    pub throttle_time_ms: i32,
    /// The error code, or 0 if there was no error.
    pub error_code: i16,
    /// The producer ID. (version 5)
    pub producer_id: i64,
    /// The current epoch associated with the producer. (version 5)
    pub producer_epoch: i16,
}

impl Default for EndTxnResponse {
    fn default() -> Self {
        Self { throttle_time_ms: Default::default(), error_code: Default::default(), producer_id: -1, producer_epoch: -1 }
    }
}

impl Message for EndTxnResponse {
    const NAME: &'static str = "EndTxnResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 5;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 3;

        let mut out = Self::default();
        out.throttle_time_ms = r.i32()?;
        out.error_code = r.i16()?;
        if v >= 5 {
            out.producer_id = r.i64()?;
        }
        if v >= 5 {
            out.producer_epoch = r.i16()?;
        }
        if v >= 3 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;
        let f = v >= 3;

        w.i32(self.throttle_time_ms);
        w.i16(self.error_code);
        if v >= 5 {
            w.i64(self.producer_id);
        }
        if v >= 5 {
            w.i16(self.producer_epoch);
        }
        if v >= 3 {
            w.no_tags();
        }
        Ok(())
    }
}
