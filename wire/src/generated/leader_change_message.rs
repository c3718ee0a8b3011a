//! LeaderChangeMessage, versions 0 to 1. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeaderChangeMessage {
    /// The version of the leader change message.
    pub version: i16,
    /// The ID of the newly elected leader.
    pub leader_id: i32,
    /// The set of voters in the quorum for this epoch.
    pub voters: Vec<Voter>,
    /// The voters who voted for the leader at the time of election.
    pub granting_voters: Vec<Voter>,
}

impl Message for LeaderChangeMessage {
    const NAME: &'static str = "LeaderChangeMessage";
    const MIN: i16 = 0;
    const MAX: i16 = 1;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.version = r.i16()?;
        out.leader_id = r.i32()?;
        out.voters = r.structs(v, true)?;
        out.granting_voters = r.structs(v, true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.i16(self.version);
        w.i32(self.leader_id);
        w.structs(&self.voters, v, true)?;
        w.structs(&self.granting_voters, v, true)?;
        w.no_tags();
        Ok(())
    }
}

impl Json for LeaderChangeMessage {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("version", &self.version, v);
        o.put("leaderId", &self.leader_id, v);
        o.put("voters", &self.voters, v);
        o.put("grantingVoters", &self.granting_voters, v);
        o.done()
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Voter {
    /// The ID of the voter.
    pub voter_id: i32,
    /// The directory id of the voter. (version 1)
    pub voter_directory_id: Uuid,
}

impl Struct for Voter {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.voter_id = r.i32()?;
        if v >= 1 {
            out.voter_directory_id = r.uuid()?;
        }
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.i32(self.voter_id);
        if v >= 1 {
            w.uuid(self.voter_directory_id);
        } else if !self.voter_directory_id.is_zero() {
            return Err(EncodeError::absent("VoterDirectoryId", v));
        }
        w.no_tags();
        Ok(())
    }
}

impl Json for Voter {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("voterId", &self.voter_id, v);
        if v >= 1 {
            o.put("voterDirectoryId", &self.voter_directory_id, v);
        }
        o.done()
    }
}
