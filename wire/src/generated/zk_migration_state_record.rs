//! ZkMigrationStateRecord, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ZkMigrationStateRecord {
    /// One of the possible migration states.
    pub zk_migration_state: i8,
}

impl Message for ZkMigrationStateRecord {
    const NAME: &'static str = "ZkMigrationStateRecord";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.zk_migration_state = r.i8()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.i8(self.zk_migration_state);
        w.no_tags();
        Ok(())
    }
}

impl Json for ZkMigrationStateRecord {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("zkMigrationState", &self.zk_migration_state, v);
        o.done()
    }
}

impl ZkMigrationStateRecord {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 21;
}
