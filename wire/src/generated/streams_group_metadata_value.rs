//! StreamsGroupMetadataValue, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, PartialEq)]
pub struct StreamsGroupMetadataValue {
    /// The group epoch.
    pub epoch: i32,
    /// The hash of all topics in the group.
    pub metadata_hash: i64,
    /// The topology epoch whose topics are validated to be present in a valid configuration in the metadata.
    pub validated_topology_epoch: i32,
    /// The last used configuration parameters as key-value pairs.
    pub last_assignment_configs: Option<Vec<LastAssignmentConfig>>,
}

impl Default for StreamsGroupMetadataValue {
    fn default() -> Self {
        Self {
            epoch: Default::default(),
            metadata_hash: Default::default(),
            validated_topology_epoch: -1,
            last_assignment_configs: Some(Default::default()),
        }
    }
}

impl Message for StreamsGroupMetadataValue {
    const NAME: &'static str = "StreamsGroupMetadataValue";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.epoch = r.i32()?;
        out.metadata_hash = r.i64()?;
        r.tags(|r, tag| {
            match tag {
                0 => out.validated_topology_epoch = r.i32()?,
                1 => out.last_assignment_configs = r.opt_structs(v, true)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.i32(self.epoch);
        w.i64(self.metadata_hash);
        let t = w.start_tags();
        if self.validated_topology_epoch != -1 {
            w.tag(t, 0, |w| {
                w.i32(self.validated_topology_epoch);
                Ok(())
            })?;
        }
        if self.last_assignment_configs.as_ref().is_none_or(|x| !x.is_empty()) {
            w.tag(t, 1, |w| {
                w.opt_structs(self.last_assignment_configs.as_deref(), v, true)?;
                Ok(())
            })?;
        }

        Ok(())
    }
}

impl Json for StreamsGroupMetadataValue {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("epoch", &self.epoch, v);
        o.put("metadataHash", &self.metadata_hash, v);
        if self.validated_topology_epoch != -1 {
            o.put("validatedTopologyEpoch", &self.validated_topology_epoch, v);
        }
        if self.last_assignment_configs.as_ref().is_none_or(|x| !x.is_empty()) {
            o.put("lastAssignmentConfigs", &self.last_assignment_configs, v);
        }
        o.done()
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct LastAssignmentConfig {
    /// Key of the config.
    pub key: String,
    /// Value of the config.
    pub value: String,
}

impl Struct for LastAssignmentConfig {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.key = r.string(true)?;
        out.value = r.string(true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.string(&self.key, true)?;
        w.string(&self.value, true)?;
        w.no_tags();
        Ok(())
    }
}

impl Json for LastAssignmentConfig {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("key", &self.key, v);
        o.put("value", &self.value, v);
        o.done()
    }
}

impl StreamsGroupMetadataValue {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 17;
}
