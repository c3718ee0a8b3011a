//! AlterConfigsResponse, versions 0 to 2. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterConfigsResponse {
    /// Duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    pub throttle_time_ms: i32,
    /// The responses for each resource.
    pub responses: Vec<AlterConfigsResourceResponse>,
}

impl Message for AlterConfigsResponse {
    const NAME: &'static str = "AlterConfigsResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 2;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 2;

        let mut out = Self::default();
        out.throttle_time_ms = r.i32()?;
        out.responses = r.structs(v, f)?;
        if v >= 2 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;
        let f = v >= 2;

        w.i32(self.throttle_time_ms);
        w.structs(&self.responses, v, f)?;
        if v >= 2 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterConfigsResourceResponse {
    /// The resource error code.
    pub error_code: i16,
    /// The resource error message, or null if there was no error.
    pub error_message: Option<String>,
    /// The resource type.
    pub resource_type: i8,
    /// The resource name.
    pub resource_name: String,
}

impl Default for AlterConfigsResourceResponse {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            error_message: Some(Default::default()),
            resource_type: Default::default(),
            resource_name: Default::default(),
        }
    }
}

impl Struct for AlterConfigsResourceResponse {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 2;

        let mut out = Self::default();
        out.error_code = r.i16()?;
        out.error_message = r.opt_string(f)?;
        out.resource_type = r.i8()?;
        out.resource_name = r.string(f)?;
        if v >= 2 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 2;

        w.i16(self.error_code);
        w.opt_string(self.error_message.as_deref(), f)?;
        w.i8(self.resource_type);
        w.string(&self.resource_name, f)?;
        if v >= 2 {
            w.no_tags();
        }
        Ok(())
    }
}
