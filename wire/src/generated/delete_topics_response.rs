//! DeleteTopicsResponse, versions 1 to 6. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteTopicsResponse {
    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    pub throttle_time_ms: i32,
    /// The results for each topic we tried to delete.
    pub responses: Vec<DeletableTopicResult>,
}

impl Message for DeleteTopicsResponse {
    const NAME: &'static str = "DeleteTopicsResponse";
    const MIN: i16 = 1;
    const MAX: i16 = 6;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 4;

        let mut out = Self::default();
        out.throttle_time_ms = r.i32()?;
        out.responses = r.structs(v, f)?;
        if v >= 4 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;
        let f = v >= 4;

        w.i32(self.throttle_time_ms);
        w.structs(&self.responses, v, f)?;
        if v >= 4 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct DeletableTopicResult {
    /// The topic name.
    pub name: Option<String>,
    /// The unique topic ID. (version 6)
    pub topic_id: Uuid,
    /// The deletion error, or 0 if the deletion succeeded.
    pub error_code: i16,
    /// The error message, or null if there was no error. (versions 5+)
    pub error_message: Option<String>,
}

impl Default for DeletableTopicResult {
    fn default() -> Self {
        Self {
            name: Some(Default::default()),
            topic_id: Default::default(),
            error_code: Default::default(),
            error_message: Default::default(),
        }
    }
}

impl Struct for DeletableTopicResult {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 4;

        let mut out = Self::default();
        out.name = r.opt_string(f)?;
        not_null(out.name.is_some() || v >= 6, "Name")?;
        if v >= 6 {
            out.topic_id = r.uuid()?;
        }
        out.error_code = r.i16()?;
        if v >= 5 {
            out.error_message = r.opt_string(f)?;
        }
        if v >= 4 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 4;

        may_write(self.name.is_some() || v >= 6, "Name")?;
        w.opt_string(self.name.as_deref(), f)?;
        if v >= 6 {
            w.uuid(self.topic_id);
        }
        w.i16(self.error_code);
        if v >= 5 {
            w.opt_string(self.error_message.as_deref(), f)?;
        }
        if v >= 4 {
            w.no_tags();
        }
        Ok(())
    }
}
