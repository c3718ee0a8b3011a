//! AlterClientQuotasResponse, versions 0 to 1. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterClientQuotasResponse {
    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    pub throttle_time_ms: i32,
    /// The quota configuration entries to alter.
    pub entries: Vec<EntryData>,
}

impl Message for AlterClientQuotasResponse {
    const NAME: &'static str = "AlterClientQuotasResponse";
    const MIN: i16 = 0;
    const MAX: i16 = 1;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 1;

        let mut out = Self::default();
        out.throttle_time_ms = r.i32()?;
        out.entries = r.structs(v, f)?;
        if v >= 1 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;
        let f = v >= 1;

        w.i32(self.throttle_time_ms);
        w.structs(&self.entries, v, f)?;
        if v >= 1 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct EntryData {
    /// The error code, or `0` if the quota alteration succeeded.
    pub error_code: i16,
    /// The error message, or `null` if the quota alteration succeeded.
    pub error_message: Option<String>,
    /// The quota entity to alter.
    pub entity: Vec<EntityData>,
}

impl Default for EntryData {
    fn default() -> Self {
        Self { error_code: Default::default(), error_message: Some(Default::default()), entity: Default::default() }
    }
}

impl Struct for EntryData {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 1;

        let mut out = Self::default();
        out.error_code = r.i16()?;
        out.error_message = r.opt_string(f)?;
        out.entity = r.structs(v, f)?;
        if v >= 1 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 1;

        w.i16(self.error_code);
        w.opt_string(self.error_message.as_deref(), f)?;
        w.structs(&self.entity, v, f)?;
        if v >= 1 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct EntityData {
    /// The entity type.
    pub entity_type: String,
    /// The name of the entity, or null if the default.
    pub entity_name: Option<String>,
}

impl Default for EntityData {
    fn default() -> Self {
        Self { entity_type: Default::default(), entity_name: Some(Default::default()) }
    }
}

impl Struct for EntityData {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 1;

        let mut out = Self::default();
        out.entity_type = r.string(f)?;
        out.entity_name = r.opt_string(f)?;
        if v >= 1 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 1;

        w.string(&self.entity_type, f)?;
        w.opt_string(self.entity_name.as_deref(), f)?;
        if v >= 1 {
            w.no_tags();
        }
        Ok(())
    }
}
