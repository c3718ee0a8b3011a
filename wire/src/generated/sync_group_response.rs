//! SyncGroupResponse, versions 0 to 5. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct SyncGroupResponse {
    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota. (versions 1+)
    pub throttle_time_ms: i32,
    /// The error code, or 0 if there was no error.
    pub error_code: i16,
    /// The group protocol type. (version 5)
    pub protocol_type: Option<String>,
    /// The group protocol name. (version 5)
    pub protocol_name: Option<String>,
    /// The member assignment.
    pub assignment: Bytes,
}

impl Message for SyncGroupResponse {
    const NAME: &'static str = "SyncGroupResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 5;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 4;

        let mut out = Self::default();
        if v >= 1 {
            out.throttle_time_ms = r.i32()?;
        }
        out.error_code = r.i16()?;
        if v >= 5 {
            out.protocol_type = r.opt_string(f)?;
        }
        if v >= 5 {
            out.protocol_name = r.opt_string(f)?;
        }
        out.assignment = r.bytes(f)?;
        if v >= 4 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;
        let f = v >= 4;

        if v >= 1 {
            w.i32(self.throttle_time_ms);
        }
        w.i16(self.error_code);
        if v >= 5 {
            w.opt_string(self.protocol_type.as_deref(), f)?;
        }
        if v >= 5 {
            w.opt_string(self.protocol_name.as_deref(), f)?;
        }
        w.bytes(&self.assignment, f)?;
        if v >= 4 {
            w.no_tags();
        }
        Ok(())
    }
}
