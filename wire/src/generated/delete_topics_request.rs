//! DeleteTopicsRequest, versions 1 to 6. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteTopicsRequest {
    /// The name or topic ID of the topic. (version 6)
    pub topics: Vec<DeleteTopicState>,
    /// The names of the topics to delete. (versions 1-5)
    pub topic_names: Vec<String>,
    /// The length of time in milliseconds to wait for the deletions to complete.
    pub timeout_ms: i32,
}

impl Message for DeleteTopicsRequest {
    const NAME: &'static str = "DeleteTopicsRequest";
    const MIN: i16 = 1;
    const MAX: i16 = 6;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 4;

        let mut out = Self::default();
        if v >= 6 {
            out.topics = r.structs(v, f)?;
        }
        if v <= 5 {
            out.topic_names = r.list(f)?;
        }
        out.timeout_ms = r.i32()?;
        if v >= 4 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;
        let f = v >= 4;

        if v >= 6 {
            w.structs(&self.topics, v, f)?;
        } else if !self.topics.is_empty() {
            return Err(EncodeError::absent("Topics", v));
        }
        if v <= 5 {
            w.list(&self.topic_names, f)?;
        }
        w.i32(self.timeout_ms);
        if v >= 4 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteTopicState {
    /// The topic name. (version 6)
    pub name: Option<String>,
    /// The unique topic ID. (version 6)
    pub topic_id: Uuid,
}

impl Struct for DeleteTopicState {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.name = r.opt_string(true)?;
        out.topic_id = r.uuid()?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.opt_string(self.name.as_deref(), true)?;
        w.uuid(self.topic_id);
        w.no_tags();
        Ok(())
    }
}

impl Request for DeleteTopicsRequest {
    const KEY: ApiKey = ApiKey::DeleteTopics;
    type Response = super::delete_topics_response::DeleteTopicsResponse;
}
