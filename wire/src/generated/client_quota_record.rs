//! ClientQuotaRecord, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClientQuotaRecord {
    /// The quota entity to alter.
    pub entity: Vec<EntityData>,
    /// The quota configuration key.
    pub key: String,
    /// The value to set, otherwise ignored if the value is to be removed.
    pub value: f64,
    /// Whether the quota configuration value should be removed, otherwise set.
    pub remove: bool,
}

impl Message for ClientQuotaRecord {
    const NAME: &'static str = "ClientQuotaRecord";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.entity = r.structs(v, true)?;
        out.key = r.string(true)?;
        out.value = r.f64()?;
        out.remove = r.bool()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.structs(&self.entity, v, true)?;
        w.string(&self.key, true)?;
        w.f64(self.value);
        w.bool(self.remove);
        w.no_tags();
        Ok(())
    }
}

impl Json for ClientQuotaRecord {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("entity", &self.entity, v);
        o.put("key", &self.key, v);
        o.put("value", &self.value, v);
        o.put("remove", &self.remove, v);
        o.done()
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
        let mut out = Self::default();
        out.entity_type = r.string(true)?;
        out.entity_name = r.opt_string(true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.string(&self.entity_type, true)?;
        w.opt_string(self.entity_name.as_deref(), true)?;
        w.no_tags();
        Ok(())
    }
}

impl Json for EntityData {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("entityType", &self.entity_type, v);
        o.put("entityName", &self.entity_name, v);
        o.done()
    }
}

impl ClientQuotaRecord {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 14;
}
