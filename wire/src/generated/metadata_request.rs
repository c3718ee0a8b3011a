//! MetadataRequest, versions 0 to 13. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, PartialEq)]
pub struct MetadataRequest {
    /// The topics to fetch metadata for.
    pub topics: Option<Vec<MetadataRequestTopic>>,
    /// If this is true, the broker may auto-create topics that we requested which do not already exist, if it is configured to do so. (versions 4+)
    pub allow_auto_topic_creation: bool,
    /// Whether to include cluster authorized operations. (versions 8-10)
    pub include_cluster_authorized_operations: bool,
    /// Whether to include topic authorized operations. (versions 8+)
    pub include_topic_authorized_operations: bool,
}

impl Default for MetadataRequest {
    fn default() -> Self {
        Self {
            topics: Some(Default::default()),
            allow_auto_topic_creation: true,
            include_cluster_authorized_operations: Default::default(),
            include_topic_authorized_operations: Default::default(),
        }
    }
}

impl Message for MetadataRequest {
    const NAME: &'static str = "MetadataRequest";
    const MIN: i16 = 0;
    const MAX: i16 = 13;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;
        let f = v >= 9;

        let mut out = Self::default();
        out.topics = r.opt_structs(v, f)?;
        not_null(out.topics.is_some() || v >= 1, "Topics")?;
        if v >= 4 {
            out.allow_auto_topic_creation = r.bool()?;
        }
        if (8..=10).contains(&v) {
            out.include_cluster_authorized_operations = r.bool()?;
        }
        if v >= 8 {
            out.include_topic_authorized_operations = r.bool()?;
        }
        if v >= 9 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;
        let f = v >= 9;

        may_write(self.topics.is_some() || v >= 1, "Topics")?;
        w.opt_structs(self.topics.as_deref(), v, f)?;
        if v >= 4 {
            w.bool(self.allow_auto_topic_creation);
        } else if !self.allow_auto_topic_creation {
            return Err(EncodeError::absent("AllowAutoTopicCreation", v));
        }
        if (8..=10).contains(&v) {
            w.bool(self.include_cluster_authorized_operations);
        } else if self.include_cluster_authorized_operations {
            return Err(EncodeError::absent("IncludeClusterAuthorizedOperations", v));
        }
        if v >= 8 {
            w.bool(self.include_topic_authorized_operations);
        } else if self.include_topic_authorized_operations {
            return Err(EncodeError::absent("IncludeTopicAuthorizedOperations", v));
        }
        if v >= 9 {
            w.no_tags();
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct MetadataRequestTopic {
    /// The topic id. (versions 10+)
    pub topic_id: Uuid,
    /// The topic name.
    pub name: Option<String>,
}

impl Default for MetadataRequestTopic {
    fn default() -> Self {
        Self { topic_id: Default::default(), name: Some(Default::default()) }
    }
}

impl Struct for MetadataRequestTopic {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let f = v >= 9;

        let mut out = Self::default();
        if v >= 10 {
            out.topic_id = r.uuid()?;
        }
        out.name = r.opt_string(f)?;
        not_null(out.name.is_some() || v >= 10, "Name")?;
        if v >= 9 {
            r.skip_tags()?;
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        let f = v >= 9;

        if v >= 10 {
            w.uuid(self.topic_id);
        }
        may_write(self.name.is_some() || v >= 10, "Name")?;
        w.opt_string(self.name.as_deref(), f)?;
        if v >= 9 {
            w.no_tags();
        }
        Ok(())
    }
}

impl Request for MetadataRequest {
    const KEY: ApiKey = ApiKey::Metadata;
    type Response = super::metadata_response::MetadataResponse;
}
