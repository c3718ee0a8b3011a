//! RegisterControllerRecord, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct RegisterControllerRecord {
    /// The controller id.
    pub controller_id: i32,
    /// The incarnation ID of the controller process
    pub incarnation_id: Uuid,
    /// Set if the required configurations for ZK migration are present.
    pub zk_migration_ready: bool,
    /// The endpoints that can be used to communicate with this controller.
    pub end_points: Vec<ControllerEndpoint>,
    /// The features on this controller
    pub features: Vec<ControllerFeature>,
}

impl Message for RegisterControllerRecord {
    const NAME: &'static str = "RegisterControllerRecord";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.controller_id = r.i32()?;
        out.incarnation_id = r.uuid()?;
        out.zk_migration_ready = r.bool()?;
        out.end_points = r.structs(v, true)?;
        out.features = r.structs(v, true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.i32(self.controller_id);
        w.uuid(self.incarnation_id);
        w.bool(self.zk_migration_ready);
        w.structs(&self.end_points, v, true)?;
        w.structs(&self.features, v, true)?;
        w.no_tags();
        Ok(())
    }
}

impl Json for RegisterControllerRecord {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("controllerId", &self.controller_id, v);
        o.put("incarnationId", &self.incarnation_id, v);
        o.put("zkMigrationReady", &self.zk_migration_ready, v);
        o.put("endPoints", &self.end_points, v);
        o.put("features", &self.features, v);
        o.done()
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ControllerEndpoint {
    /// The name of the endpoint.
    pub name: String,
    /// The hostname.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The security protocol.
    pub security_protocol: i16,
}

impl Struct for ControllerEndpoint {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.name = r.string(true)?;
        out.host = r.string(true)?;
        out.port = r.u16()?;
        out.security_protocol = r.i16()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.string(&self.name, true)?;
        w.string(&self.host, true)?;
        w.u16(self.port);
        w.i16(self.security_protocol);
        w.no_tags();
        Ok(())
    }
}

impl Json for ControllerEndpoint {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("name", &self.name, v);
        o.put("host", &self.host, v);
        o.put("port", &self.port, v);
        o.put("securityProtocol", &self.security_protocol, v);
        o.done()
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ControllerFeature {
    /// The feature name.
    pub name: String,
    /// The minimum supported feature level.
    pub min_supported_version: i16,
    /// The maximum supported feature level.
    pub max_supported_version: i16,
}

impl Struct for ControllerFeature {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.name = r.string(true)?;
        out.min_supported_version = r.i16()?;
        out.max_supported_version = r.i16()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.string(&self.name, true)?;
        w.i16(self.min_supported_version);
        w.i16(self.max_supported_version);
        w.no_tags();
        Ok(())
    }
}

impl Json for ControllerFeature {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("name", &self.name, v);
        o.put("minSupportedVersion", &self.min_supported_version, v);
        o.put("maxSupportedVersion", &self.max_supported_version, v);
        o.done()
    }
}

impl RegisterControllerRecord {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 27;
}
