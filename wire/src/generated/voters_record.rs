//! VotersRecord, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct VotersRecord {
    /// The version of the voters record.
    pub version: i16,
    /// The set of voters in the quorum for this epoch.
    pub voters: Vec<Voter>,
}

impl Message for VotersRecord {
    const NAME: &'static str = "VotersRecord";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.version = r.i16()?;
        out.voters = r.structs(v, true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.i16(self.version);
        w.structs(&self.voters, v, true)?;
        w.no_tags();
        Ok(())
    }
}

impl Json for VotersRecord {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("version", &self.version, v);
        o.put("voters", &self.voters, v);
        o.done()
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Voter {
    /// The replica id of the voter in the topic partition.
    pub voter_id: i32,
    /// The directory id of the voter in the topic partition.
    pub voter_directory_id: Uuid,
    /// The endpoint that can be used to communicate with the voter.
    pub endpoints: Vec<Endpoint>,
    /// The range of versions of the protocol that the replica supports.
    pub kraft_version_feature: KRaftVersionFeature,
}

impl Struct for Voter {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.voter_id = r.i32()?;
        out.voter_directory_id = r.uuid()?;
        out.endpoints = r.structs(v, true)?;
        out.kraft_version_feature = Struct::decode(r, v)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.i32(self.voter_id);
        w.uuid(self.voter_directory_id);
        w.structs(&self.endpoints, v, true)?;
        self.kraft_version_feature.encode(w, v)?;
        w.no_tags();
        Ok(())
    }
}

impl Json for Voter {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("voterId", &self.voter_id, v);
        o.put("voterDirectoryId", &self.voter_directory_id, v);
        o.put("endpoints", &self.endpoints, v);
        o.put("kRaftVersionFeature", &self.kraft_version_feature, v);
        o.done()
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Endpoint {
    /// The name of the endpoint.
    pub name: String,
    /// The hostname.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Struct for Endpoint {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.name = r.string(true)?;
        out.host = r.string(true)?;
        out.port = r.u16()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.string(&self.name, true)?;
        w.string(&self.host, true)?;
        w.u16(self.port);
        w.no_tags();
        Ok(())
    }
}

impl Json for Endpoint {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("name", &self.name, v);
        o.put("host", &self.host, v);
        o.put("port", &self.port, v);
        o.done()
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct KRaftVersionFeature {
    /// The minimum supported KRaft protocol version.
    pub min_supported_version: i16,
    /// The maximum supported KRaft protocol version.
    pub max_supported_version: i16,
}

impl Struct for KRaftVersionFeature {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.min_supported_version = r.i16()?;
        out.max_supported_version = r.i16()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.i16(self.min_supported_version);
        w.i16(self.max_supported_version);
        w.no_tags();
        Ok(())
    }
}

impl Json for KRaftVersionFeature {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("minSupportedVersion", &self.min_supported_version, v);
        o.put("maxSupportedVersion", &self.max_supported_version, v);
        o.done()
    }
}
