//! StreamsGroupMemberMetadataValue, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, PartialEq)]
pub struct StreamsGroupMemberMetadataValue {
    /// The (optional) instance ID for static membership.
    pub instance_id: Option<String>,
    /// The (optional) rack ID.
    pub rack_id: Option<String>,
    /// The client ID.
    pub client_id: String,
    /// The client host.
    pub client_host: String,
    /// The rebalance timeout.
    pub rebalance_timeout_ms: i32,
    /// The epoch of the topology.
    pub topology_epoch: i32,
    /// Identity of the streams instance that may have multiple consumers.
    pub process_id: String,
    /// User-defined endpoint for running interactive queries on this instance.
    pub user_endpoint: Option<Endpoint>,
    /// Used for rack-aware assignment algorithm.
    pub client_tags: Vec<KeyValue>,
}

impl Default for StreamsGroupMemberMetadataValue {
    fn default() -> Self {
        Self {
            instance_id: Some(Default::default()),
            rack_id: Some(Default::default()),
            client_id: Default::default(),
            client_host: Default::default(),
            rebalance_timeout_ms: -1,
            topology_epoch: Default::default(),
            process_id: Default::default(),
            user_endpoint: Default::default(),
            client_tags: Default::default(),
        }
    }
}

impl Message for StreamsGroupMemberMetadataValue {
    const NAME: &'static str = "StreamsGroupMemberMetadataValue";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.instance_id = r.opt_string(true)?;
        out.rack_id = r.opt_string(true)?;
        out.client_id = r.string(true)?;
        out.client_host = r.string(true)?;
        out.rebalance_timeout_ms = r.i32()?;
        out.topology_epoch = r.i32()?;
        out.process_id = r.string(true)?;
        out.user_endpoint = r.opt_struct(v)?;
        out.client_tags = r.structs(v, true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.opt_string(self.instance_id.as_deref(), true)?;
        w.opt_string(self.rack_id.as_deref(), true)?;
        w.string(&self.client_id, true)?;
        w.string(&self.client_host, true)?;
        w.i32(self.rebalance_timeout_ms);
        w.i32(self.topology_epoch);
        w.string(&self.process_id, true)?;
        w.opt_struct(self.user_endpoint.as_ref(), v)?;
        w.structs(&self.client_tags, v, true)?;
        w.no_tags();
        Ok(())
    }
}

impl Json for StreamsGroupMemberMetadataValue {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("instanceId", &self.instance_id, v);
        o.put("rackId", &self.rack_id, v);
        o.put("clientId", &self.client_id, v);
        o.put("clientHost", &self.client_host, v);
        o.put("rebalanceTimeoutMs", &self.rebalance_timeout_ms, v);
        o.put("topologyEpoch", &self.topology_epoch, v);
        o.put("processId", &self.process_id, v);
        o.put("userEndpoint", &self.user_endpoint, v);
        o.put("clientTags", &self.client_tags, v);
        o.done()
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Endpoint {
    /// The host of the endpoint.
    pub host: String,
    /// The port of the endpoint.
    pub port: u16,
}

impl Struct for Endpoint {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.host = r.string(true)?;
        out.port = r.u16()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.string(&self.host, true)?;
        w.u16(self.port);
        w.no_tags();
        Ok(())
    }
}

impl Json for Endpoint {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("host", &self.host, v);
        o.put("port", &self.port, v);
        o.done()
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyValue {
    /// The key of the config.
    pub key: String,
    /// the value of the config.
    pub value: String,
}

impl Struct for KeyValue {
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

impl Json for KeyValue {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("key", &self.key, v);
        o.put("value", &self.value, v);
        o.done()
    }
}

impl StreamsGroupMemberMetadataValue {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 19;
}
