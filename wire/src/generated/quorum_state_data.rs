//! QuorumStateData, versions 0 to 1. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, PartialEq)]
pub struct QuorumStateData {
    /// The cluster id. (version 0)
    pub cluster_id: String,
    /// The leader id.
    pub leader_id: i32,
    /// The leader epoch.
    pub leader_epoch: i32,
    /// The voted id.
    pub voted_id: i32,
    /// The voted directory id. (version 1)
    pub voted_directory_id: Uuid,
    /// The applied offset. (version 0)
    pub applied_offset: i64,
    /// The current voters. (version 0)
    pub current_voters: Option<Vec<Voter>>,
}

impl Default for QuorumStateData {
    fn default() -> Self {
        Self {
            cluster_id: Default::default(),
            leader_id: -1,
            leader_epoch: -1,
            voted_id: -1,
            voted_directory_id: Default::default(),
            applied_offset: Default::default(),
            current_voters: Some(Default::default()),
        }
    }
}

impl Message for QuorumStateData {
    const NAME: &'static str = "QuorumStateData";
    const MIN: i16 = 0;
    const MAX: i16 = 1;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        if v <= 0 {
            out.cluster_id = r.string(true)?;
        }
        out.leader_id = r.i32()?;
        out.leader_epoch = r.i32()?;
        out.voted_id = r.i32()?;
        if v >= 1 {
            out.voted_directory_id = r.uuid()?;
        }
        if v <= 0 {
            out.applied_offset = r.i64()?;
        }
        if v <= 0 {
            out.current_voters = r.opt_structs(v, true)?;
        }
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        if v <= 0 {
            w.string(&self.cluster_id, true)?;
        } else if !self.cluster_id.is_empty() {
            return Err(EncodeError::absent("ClusterId", v));
        }
        w.i32(self.leader_id);
        w.i32(self.leader_epoch);
        w.i32(self.voted_id);
        if v >= 1 {
            w.uuid(self.voted_directory_id);
        } else if !self.voted_directory_id.is_zero() {
            return Err(EncodeError::absent("VotedDirectoryId", v));
        }
        if v <= 0 {
            w.i64(self.applied_offset);
        } else if self.applied_offset != 0 {
            return Err(EncodeError::absent("AppliedOffset", v));
        }
        if v <= 0 {
            w.opt_structs(self.current_voters.as_deref(), v, true)?;
        } else if self.current_voters.as_ref().is_none_or(|x| !x.is_empty()) {
            return Err(EncodeError::absent("CurrentVoters", v));
        }
        w.no_tags();
        Ok(())
    }
}

impl Json for QuorumStateData {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        if v <= 0 {
            o.put("clusterId", &self.cluster_id, v);
        }
        o.put("leaderId", &self.leader_id, v);
        o.put("leaderEpoch", &self.leader_epoch, v);
        o.put("votedId", &self.voted_id, v);
        if v >= 1 {
            o.put("votedDirectoryId", &self.voted_directory_id, v);
        }
        if v <= 0 {
            o.put("appliedOffset", &self.applied_offset, v);
        }
        if v <= 0 {
            o.put("currentVoters", &self.current_voters, v);
        }
        o.done()
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Voter {
    /// The voter id. (version 0)
    pub voter_id: i32,
}

impl Struct for Voter {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.voter_id = r.i32()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.i32(self.voter_id);
        w.no_tags();
        Ok(())
    }
}

impl Json for Voter {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("voterId", &self.voter_id, v);
        o.done()
    }
}

impl FromJson for QuorumStateData {
    fn from_json(json: &Value, v: i16) -> Result<Self, JsonError> {
        let mut out = Self::default();
        if v <= 0 {
            out.cluster_id = json::field(json, "clusterId", v)?;
        }
        out.leader_id = json::field(json, "leaderId", v)?;
        out.leader_epoch = json::field(json, "leaderEpoch", v)?;
        out.voted_id = json::field(json, "votedId", v)?;
        if v >= 1 {
            out.voted_directory_id = json::field(json, "votedDirectoryId", v)?;
        }
        if v <= 0 {
            out.applied_offset = json::field(json, "appliedOffset", v)?;
        }
        if v <= 0 {
            out.current_voters = json::field(json, "currentVoters", v)?;
        }
        Ok(out)
    }
}

impl FromJson for Voter {
    fn from_json(json: &Value, v: i16) -> Result<Self, JsonError> {
        let mut out = Self::default();
        out.voter_id = json::field(json, "voterId", v)?;
        Ok(out)
    }
}
