//! AccessControlEntryRecord, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccessControlEntryRecord {
    /// The unique ID of this ACL.
    pub id: Uuid,
    /// The resource type.
    pub resource_type: i8,
    /// The resource name.
    pub resource_name: String,
    /// The resource name pattern type.
    pub pattern_type: i8,
    /// The principal name.
    pub principal: String,
    /// The host name.
    pub host: String,
    /// The AclOperation.
    pub operation: i8,
    /// The AclPermissionType.
    pub permission_type: i8,
}

impl Message for AccessControlEntryRecord {
    const NAME: &'static str = "AccessControlEntryRecord";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.id = r.uuid()?;
        out.resource_type = r.i8()?;
        out.resource_name = r.string(true)?;
        out.pattern_type = r.i8()?;
        out.principal = r.string(true)?;
        out.host = r.string(true)?;
        out.operation = r.i8()?;
        out.permission_type = r.i8()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.uuid(self.id);
        w.i8(self.resource_type);
        w.string(&self.resource_name, true)?;
        w.i8(self.pattern_type);
        w.string(&self.principal, true)?;
        w.string(&self.host, true)?;
        w.i8(self.operation);
        w.i8(self.permission_type);
        w.no_tags();
        Ok(())
    }
}

impl Json for AccessControlEntryRecord {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("id", &self.id, v);
        o.put("resourceType", &self.resource_type, v);
        o.put("resourceName", &self.resource_name, v);
        o.put("patternType", &self.pattern_type, v);
        o.put("principal", &self.principal, v);
        o.put("host", &self.host, v);
        o.put("operation", &self.operation, v);
        o.put("permissionType", &self.permission_type, v);
        o.done()
    }
}

impl AccessControlEntryRecord {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 18;
}
