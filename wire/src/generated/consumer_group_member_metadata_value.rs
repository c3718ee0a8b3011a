//! ConsumerGroupMemberMetadataValue, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerGroupMemberMetadataValue {
    /// The (optional) instance id.
    pub instance_id: Option<String>,
    /// The (optional) rack id.
    pub rack_id: Option<String>,
    /// The client id.
    pub client_id: String,
    /// The client host.
    pub client_host: String,
    /// The list of subscribed topic names.
    pub subscribed_topic_names: Vec<String>,
    /// The subscribed topic regular expression.
    pub subscribed_topic_regex: Option<String>,
    /// The rebalance timeout.
    pub rebalance_timeout_ms: i32,
    /// The server assignor to use; or null if not used.
    pub server_assignor: Option<String>,
    /// The classic member metadata which includes the supported protocols of the consumer if it uses the classic protocol. The metadata is null if the consumer uses the consumer protocol.
    pub classic_member_metadata: Option<ClassicMemberMetadata>,
}

impl Default for ConsumerGroupMemberMetadataValue {
    fn default() -> Self {
        Self {
            instance_id: Some(Default::default()),
            rack_id: Some(Default::default()),
            client_id: Default::default(),
            client_host: Default::default(),
            subscribed_topic_names: Default::default(),
            subscribed_topic_regex: Some(Default::default()),
            rebalance_timeout_ms: -1,
            server_assignor: Some(Default::default()),
            classic_member_metadata: Some(Default::default()),
        }
    }
}

impl Message for ConsumerGroupMemberMetadataValue {
    const NAME: &'static str = "ConsumerGroupMemberMetadataValue";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.instance_id = r.opt_string(true)?;
        out.rack_id = r.opt_string(true)?;
        out.client_id = r.string(true)?;
        out.client_host = r.string(true)?;
        out.subscribed_topic_names = r.list(true)?;
        out.subscribed_topic_regex = r.opt_string(true)?;
        out.rebalance_timeout_ms = r.i32()?;
        out.server_assignor = r.opt_string(true)?;
        r.tags(|r, tag| {
            match tag {
                0 => out.classic_member_metadata = r.opt_tagged_struct(v)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.opt_string(self.instance_id.as_deref(), true)?;
        w.opt_string(self.rack_id.as_deref(), true)?;
        w.string(&self.client_id, true)?;
        w.string(&self.client_host, true)?;
        w.list(&self.subscribed_topic_names, true)?;
        w.opt_string(self.subscribed_topic_regex.as_deref(), true)?;
        w.i32(self.rebalance_timeout_ms);
        w.opt_string(self.server_assignor.as_deref(), true)?;
        let t = w.start_tags();
        if self.classic_member_metadata != Some(Default::default()) {
            w.tag(t, 0, |w| {
                w.opt_tagged_struct(self.classic_member_metadata.as_ref(), v)?;
                Ok(())
            })?;
        }

        Ok(())
    }
}

impl Json for ConsumerGroupMemberMetadataValue {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("instanceId", &self.instance_id, v);
        o.put("rackId", &self.rack_id, v);
        o.put("clientId", &self.client_id, v);
        o.put("clientHost", &self.client_host, v);
        o.put("subscribedTopicNames", &self.subscribed_topic_names, v);
        o.put("subscribedTopicRegex", &self.subscribed_topic_regex, v);
        o.put("rebalanceTimeoutMs", &self.rebalance_timeout_ms, v);
        o.put("serverAssignor", &self.server_assignor, v);
        if self.classic_member_metadata != Some(Default::default()) {
            o.put("classicMemberMetadata", &self.classic_member_metadata, v);
        }
        o.done()
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClassicMemberMetadata {
    /// The session timeout if the consumer uses the classic protocol.
    pub session_timeout_ms: i32,
    /// The list of protocols that the member supports if the consumer uses the classic protocol.
    pub supported_protocols: Vec<ClassicProtocol>,
}

impl Struct for ClassicMemberMetadata {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.session_timeout_ms = r.i32()?;
        out.supported_protocols = r.structs(v, true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.i32(self.session_timeout_ms);
        w.structs(&self.supported_protocols, v, true)?;
        w.no_tags();
        Ok(())
    }
}

impl Json for ClassicMemberMetadata {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("sessionTimeoutMs", &self.session_timeout_ms, v);
        o.put("supportedProtocols", &self.supported_protocols, v);
        o.done()
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClassicProtocol {
    /// The protocol name.
    pub name: String,
    /// The protocol metadata.
    pub metadata: Bytes,
}

impl Struct for ClassicProtocol {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.name = r.string(true)?;
        out.metadata = r.bytes(true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.string(&self.name, true)?;
        w.bytes(&self.metadata, true)?;
        w.no_tags();
        Ok(())
    }
}

impl Json for ClassicProtocol {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("name", &self.name, v);
        o.put("metadata", &self.metadata, v);
        o.done()
    }
}

impl ConsumerGroupMemberMetadataValue {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 5;
}
