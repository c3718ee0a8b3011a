//! CreateTopicsResponse, versions 2 to 7. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreateTopicsResponse {
    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    pub throttle_time_ms: i32,
    /// Results for each topic we tried to create.
    pub topics: Vec<CreatableTopicResult>,
}

impl Message for CreateTopicsResponse {
    const NAME: &'static str = "CreateTopicsResponse";
    const MIN: i16 = 2;
    const MAX: i16 = 7;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 5;

        let mut out = Self::default();
        out.throttle_time_ms = r.i32()?;
        out.topics = r.structs(v, f)?;
        if v >= 5 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;
        let f = v >= 5;

        w.i32(self.throttle_time_ms);
        w.structs(&self.topics, v, f)?;
        if v >= 5 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreatableTopicResult {
    /// The topic name.
    pub name: String,
    /// The unique topic ID. (version 7)
    pub topic_id: Uuid,
    /// The error code, or 0 if there was no error.
    pub error_code: i16,
    /// The error message, or null if there was no error.
    pub error_message: Option<String>,
    /// Optional topic config error returned if configs are not returned in the response. (versions 5+)
    pub topic_config_error_code: i16,
    /// Number of partitions of the topic. (versions 5+)
    pub num_partitions: i32,
    /// Replication factor of the topic. (versions 5+)
    pub replication_factor: i16,
    /// Configuration of the topic. (versions 5+)
    pub configs: Option<Vec<CreatableTopicConfigs>>,
}

impl Default for CreatableTopicResult {
    fn default() -> Self {
        Self {
            name: Default::default(),
            topic_id: Default::default(),
            error_code: Default::default(),
            error_message: Some(Default::default()),
            topic_config_error_code: Default::default(),
            num_partitions: -1,
            replication_factor: -1,
            configs: Some(Default::default()),
        }
    }
}

impl Struct for CreatableTopicResult {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 5;

        let mut out = Self::default();
        out.name = r.string(f)?;
        if v >= 7 {
            out.topic_id = r.uuid()?;
        }
        out.error_code = r.i16()?;
        out.error_message = r.opt_string(f)?;
        if v >= 5 {
            out.num_partitions = r.i32()?;
        }
        if v >= 5 {
            out.replication_factor = r.i16()?;
        }
        if v >= 5 {
            out.configs = r.opt_structs(v, f)?;
        }
        if v >= 5 {
            r.tags(|r, tag| {
                match tag {
                    0 => out.topic_config_error_code = r.i16()?,
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 5;

        w.string(&self.name, f)?;
        if v >= 7 {
            w.uuid(self.topic_id);
        }
        w.i16(self.error_code);
        w.opt_string(self.error_message.as_deref(), f)?;
        if v >= 5 {
            w.i32(self.num_partitions);
        }
        if v >= 5 {
            w.i16(self.replication_factor);
        }
        if v >= 5 {
            w.opt_structs(self.configs.as_deref(), v, f)?;
        }
        if v >= 5 {
            let t = w.start_tags();
            if self.topic_config_error_code != 0 {
                w.tag(t, 0, |w| {
                    w.i16(self.topic_config_error_code);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreatableTopicConfigs {
    /// The configuration name. (versions 5+)
    pub name: String,
    /// The configuration value. (versions 5+)
    pub value: Option<String>,
    /// True if the configuration is read-only. (versions 5+)
    pub read_only: bool,
    /// The configuration source. (versions 5+)
    pub config_source: i8,
    /// True if this configuration is sensitive. (versions 5+)
    pub is_sensitive: bool,
}

impl Default for CreatableTopicConfigs {
    fn default() -> Self {
        Self {
            name: Default::default(),
            value: Some(Default::default()),
            read_only: Default::default(),
            config_source: -1,
            is_sensitive: Default::default(),
        }
    }
}

impl Struct for CreatableTopicConfigs {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.name = r.string(true)?;
        out.value = r.opt_string(true)?;
        out.read_only = r.bool()?;
        out.config_source = r.i8()?;
        out.is_sensitive = r.bool()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.string(&self.name, true)?;
        w.opt_string(self.value.as_deref(), true)?;
        w.bool(self.read_only);
        w.i8(self.config_source);
        w.bool(self.is_sensitive);
        w.no_tags();
        Ok(())
    }
}
