//! RegisterBrokerRecord, versions 0 to 4. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, PartialEq)]
pub struct RegisterBrokerRecord {
    /// The broker id.
    pub broker_id: i32,
    /// True if the broker is a ZK broker in migration mode. Otherwise, false (versions 2+)
    pub is_migrating_zk_broker: bool,
    /// The incarnation ID of the broker process
    pub incarnation_id: Uuid,
    /// The broker epoch assigned by the controller.
    pub broker_epoch: i64,
    /// The endpoints that can be used to communicate with this broker.
    pub end_points: Vec<BrokerEndpoint>,
    /// The features on this broker
    pub features: Vec<BrokerFeature>,
    /// The broker rack.
    pub rack: Option<String>,
    /// True if the broker is fenced.
    pub fenced: bool,
    /// True if the broker is in controlled shutdown. (versions 1+)
    pub in_controlled_shutdown: bool,
    /// Log directories configured in this broker which are available. (versions 3+)
    pub log_dirs: Vec<Uuid>,
    /// Log directories that are cordoned. This is initially null before the broker starts sending the value via its heartbeats. (version 4)
    pub cordoned_log_dirs: Option<Vec<Uuid>>,
}

impl Default for RegisterBrokerRecord {
    fn default() -> Self {
        Self {
            broker_id: Default::default(),
            is_migrating_zk_broker: Default::default(),
            incarnation_id: Default::default(),
            broker_epoch: Default::default(),
            end_points: Default::default(),
            features: Default::default(),
            rack: Some(Default::default()),
            fenced: true,
            in_controlled_shutdown: Default::default(),
            log_dirs: Default::default(),
            cordoned_log_dirs: Default::default(),
        }
    }
}

impl Message for RegisterBrokerRecord {
    const NAME: &'static str = "RegisterBrokerRecord";
    const MIN: i16 = 0;
    const MAX: i16 = 4;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.broker_id = r.i32()?;
        if v >= 2 {
            out.is_migrating_zk_broker = r.bool()?;
        }
        out.incarnation_id = r.uuid()?;
        out.broker_epoch = r.i64()?;
        out.end_points = r.structs(v, true)?;
        out.features = r.structs(v, true)?;
        out.rack = r.opt_string(true)?;
        out.fenced = r.bool()?;
        if v >= 1 {
            out.in_controlled_shutdown = r.bool()?;
        }
        r.tags(|r, tag| {
            match tag {
                0 if v >= 3 => out.log_dirs = r.list(true)?,
                1 if v >= 4 => out.cordoned_log_dirs = r.opt_list(true)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.i32(self.broker_id);
        if v >= 2 {
            w.bool(self.is_migrating_zk_broker);
        } else if self.is_migrating_zk_broker {
            return Err(EncodeError::absent("IsMigratingZkBroker", v));
        }
        w.uuid(self.incarnation_id);
        w.i64(self.broker_epoch);
        w.structs(&self.end_points, v, true)?;
        w.structs(&self.features, v, true)?;
        w.opt_string(self.rack.as_deref(), true)?;
        w.bool(self.fenced);
        if v >= 1 {
            w.bool(self.in_controlled_shutdown);
        } else if self.in_controlled_shutdown {
            return Err(EncodeError::absent("InControlledShutdown", v));
        }
        if v < 3 && !self.log_dirs.is_empty() {
            return Err(EncodeError::absent("LogDirs", v));
        }
        if v < 4 && self.cordoned_log_dirs.is_some() {
            return Err(EncodeError::absent("CordonedLogDirs", v));
        }
        let t = w.start_tags();
        if v >= 3 && !self.log_dirs.is_empty() {
            w.tag(t, 0, |w| {
                w.list(&self.log_dirs, true)?;
                Ok(())
            })?;
        }
        if v >= 4 && self.cordoned_log_dirs.is_some() {
            w.tag(t, 1, |w| {
                w.opt_list(self.cordoned_log_dirs.as_deref(), true)?;
                Ok(())
            })?;
        }

        Ok(())
    }
}

impl Json for RegisterBrokerRecord {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("brokerId", &self.broker_id, v);
        if v >= 2 {
            o.put("isMigratingZkBroker", &self.is_migrating_zk_broker, v);
        }
        o.put("incarnationId", &self.incarnation_id, v);
        o.put("brokerEpoch", &self.broker_epoch, v);
        o.put("endPoints", &self.end_points, v);
        o.put("features", &self.features, v);
        o.put("rack", &self.rack, v);
        o.put("fenced", &self.fenced, v);
        if v >= 1 {
            o.put("inControlledShutdown", &self.in_controlled_shutdown, v);
        }
        if v >= 3 {
            if !self.log_dirs.is_empty() {
                o.put("logDirs", &self.log_dirs, v);
            }
        }
        if v >= 4 {
            if self.cordoned_log_dirs.is_some() {
                o.put("cordonedLogDirs", &self.cordoned_log_dirs, v);
            }
        }
        o.done()
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct BrokerEndpoint {
    /// The name of the endpoint.
    pub name: String,
    /// The hostname.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The security protocol.
    pub security_protocol: i16,
}

impl Struct for BrokerEndpoint {
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

impl Json for BrokerEndpoint {
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
pub struct BrokerFeature {
    /// The feature name.
    pub name: String,
    /// The minimum supported feature level.
    pub min_supported_version: i16,
    /// The maximum supported feature level.
    pub max_supported_version: i16,
}

impl Struct for BrokerFeature {
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

impl Json for BrokerFeature {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("name", &self.name, v);
        o.put("minSupportedVersion", &self.min_supported_version, v);
        o.put("maxSupportedVersion", &self.max_supported_version, v);
        o.done()
    }
}

impl RegisterBrokerRecord {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 0;
}
