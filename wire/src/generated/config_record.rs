//! ConfigRecord, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, PartialEq)]
pub struct ConfigRecord {
    /// The type of resource this configuration applies to.
    pub resource_type: i8,
    /// The name of the resource this configuration applies to.
    pub resource_name: String,
    /// The name of the configuration key.
    pub name: String,
    /// The value of the configuration, or null if the it should be deleted.
    pub value: Option<String>,
}

impl Default for ConfigRecord {
    fn default() -> Self {
        Self {
            resource_type: Default::default(),
            resource_name: Default::default(),
            name: Default::default(),
            value: Some(Default::default()),
        }
    }
}

impl Message for ConfigRecord {
    const NAME: &'static str = "ConfigRecord";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.resource_type = r.i8()?;
        out.resource_name = r.string(true)?;
        out.name = r.string(true)?;
        out.value = r.opt_string(true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.i8(self.resource_type);
        w.string(&self.resource_name, true)?;
        w.string(&self.name, true)?;
        w.opt_string(self.value.as_deref(), true)?;
        w.no_tags();
        Ok(())
    }
}

impl Json for ConfigRecord {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("resourceType", &self.resource_type, v);
        o.put("resourceName", &self.resource_name, v);
        o.put("name", &self.name, v);
        o.put("value", &self.value, v);
        o.done()
    }
}

impl ConfigRecord {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 4;
}
