//! OffsetFetchRequest, versions 1 to 10. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, PartialEq)]
pub struct OffsetFetchRequest {
    /// The group to fetch offsets for. (versions 1-7)
    pub group_id: String,
    /// Each topic we would like to fetch offsets for, or null to fetch offsets for all topics. (versions 1-7)
    pub topics: Option<Vec<OffsetFetchRequestTopic>>,
    /// Each group we would like to fetch offsets for. (versions 8+)
    pub groups: Vec<OffsetFetchRequestGroup>,
    /// Whether broker should hold on returning unstable offsets but set a retriable error code for the partitions. (versions 7+)
    pub require_stable: bool,
}

impl Default for OffsetFetchRequest {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            topics: Some(Default::default()),
            groups: Default::default(),
            require_stable: Default::default(),
        }
    }
}

impl Message for OffsetFetchRequest {
    const NAME: &'static str = "OffsetFetchRequest";
    const MIN: i16 = 1;
    const MAX: i16 = 10;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 6;

        let mut out = Self::default();
        if v <= 7 {
            out.group_id = r.string(f)?;
        }
        if v <= 7 {
            out.topics = r.opt_structs(v, f)?;
            not_null(out.topics.is_some() || v >= 2, "Topics")?;
        }
        if v >= 8 {
            out.groups = r.structs(v, f)?;
        }
        if v >= 7 {
            out.require_stable = r.bool()?;
        }
        if v >= 6 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;
        let f = v >= 6;

        if v <= 7 {
            w.string(&self.group_id, f)?;
        } else if !self.group_id.is_empty() {
            return Err(EncodeError::absent("GroupId", v));
        }
        if v <= 7 {
            may_write(self.topics.is_some() || v >= 2, "Topics")?;
            w.opt_structs(self.topics.as_deref(), v, f)?;
        } else if self.topics.as_ref().is_none_or(|x| !x.is_empty()) {
            return Err(EncodeError::absent("Topics", v));
        }
        if v >= 8 {
            w.structs(&self.groups, v, f)?;
        } else if !self.groups.is_empty() {
            return Err(EncodeError::absent("Groups", v));
        }
        if v >= 7 {
            w.bool(self.require_stable);
        } else if self.require_stable {
            return Err(EncodeError::absent("RequireStable", v));
        }
        if v >= 6 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetFetchRequestTopic {
    /// The topic name. (versions 1-7)
    pub name: String,
    /// The partition indexes we would like to fetch offsets for. (versions 1-7)
    pub partition_indexes: Vec<i32>,
}

impl Struct for OffsetFetchRequestTopic {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 6;

        let mut out = Self::default();
        out.name = r.string(f)?;
        out.partition_indexes = r.list(f)?;
        if v >= 6 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 6;

        w.string(&self.name, f)?;
        w.list(&self.partition_indexes, f)?;
        if v >= 6 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct OffsetFetchRequestGroup {
    /// The group ID. (versions 8+)
    pub group_id: String,
    /// The member id. (versions 9+)
    pub member_id: Option<String>,
    /// The member epoch if using the new consumer protocol (KIP-848). (versions 9+)
    pub member_epoch: i32,
    /// Each topic we would like to fetch offsets for, or null to fetch offsets for all topics. (versions 8+)
    pub topics: Option<Vec<OffsetFetchRequestTopics>>,
}

impl Default for OffsetFetchRequestGroup {
    fn default() -> Self {
        Self { group_id: Default::default(), member_id: Default::default(), member_epoch: -1, topics: Some(Default::default()) }
    }
}

impl Struct for OffsetFetchRequestGroup {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.group_id = r.string(true)?;
        if v >= 9 {
            out.member_id = r.opt_string(true)?;
        }
        if v >= 9 {
            out.member_epoch = r.i32()?;
        }
        out.topics = r.opt_structs(v, true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.string(&self.group_id, true)?;
        if v >= 9 {
            w.opt_string(self.member_id.as_deref(), true)?;
        }
        if v >= 9 {
            w.i32(self.member_epoch);
        }
        w.opt_structs(self.topics.as_deref(), v, true)?;
        w.no_tags();
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetFetchRequestTopics {
    /// The topic name. (versions 8-9)
    pub name: String,
    /// The topic ID. (version 10)
    pub topic_id: Uuid,
    /// The partition indexes we would like to fetch offsets for. (versions 8+)
    pub partition_indexes: Vec<i32>,
}

impl Struct for OffsetFetchRequestTopics {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        if v <= 9 {
            out.name = r.string(true)?;
        }
        if v >= 10 {
            out.topic_id = r.uuid()?;
        }
        out.partition_indexes = r.list(true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        if v <= 9 {
            w.string(&self.name, true)?;
        }
        if v >= 10 {
            w.uuid(self.topic_id);
        }
        w.list(&self.partition_indexes, true)?;
        w.no_tags();
        Ok(())
    }
}

impl Request for OffsetFetchRequest {
    const KEY: ApiKey = ApiKey::OffsetFetch;
    type Response = super::offset_fetch_response::OffsetFetchResponse;
}
