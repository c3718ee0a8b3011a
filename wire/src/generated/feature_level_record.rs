//! FeatureLevelRecord, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeatureLevelRecord {
    /// The feature name.
    pub name: String,
    /// The current finalized feature level of this feature for the cluster, a value of 0 means feature not supported.
    pub feature_level: i16,
}

impl Message for FeatureLevelRecord {
    const NAME: &'static str = "FeatureLevelRecord";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.name = r.string(true)?;
        out.feature_level = r.i16()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.string(&self.name, true)?;
        w.i16(self.feature_level);
        w.no_tags();
        Ok(())
    }
}

impl Json for FeatureLevelRecord {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("name", &self.name, v);
        o.put("featureLevel", &self.feature_level, v);
        o.done()
    }
}

impl FeatureLevelRecord {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 12;
}
