//! ShareGroupStatePartitionMetadataValue, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareGroupStatePartitionMetadataValue {
    /// The topic-partitions whose share-group state is being initialized.
    pub initializing_topics: Vec<TopicPartitionsInfo>,
    /// The topics with initialized share-group state.
    pub initialized_topics: Vec<TopicPartitionsInfo>,
    /// The topics whose share-group state is being deleted.
    pub deleting_topics: Vec<TopicInfo>,
}

impl Message for ShareGroupStatePartitionMetadataValue {
    const NAME: &'static str = "ShareGroupStatePartitionMetadataValue";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.initializing_topics = r.structs(v, true)?;
        out.initialized_topics = r.structs(v, true)?;
        out.deleting_topics = r.structs(v, true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.structs(&self.initializing_topics, v, true)?;
        w.structs(&self.initialized_topics, v, true)?;
        w.structs(&self.deleting_topics, v, true)?;
        w.no_tags();
        Ok(())
    }
}

impl Json for ShareGroupStatePartitionMetadataValue {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("initializingTopics", &self.initializing_topics, v);
        o.put("initializedTopics", &self.initialized_topics, v);
        o.put("deletingTopics", &self.deleting_topics, v);
        o.done()
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicPartitionsInfo {
    /// The topic identifier.
    pub topic_id: Uuid,
    /// The topic name.
    pub topic_name: String,
    /// The partitions.
    pub partitions: Vec<i32>,
}

impl Struct for TopicPartitionsInfo {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.topic_id = r.uuid()?;
        out.topic_name = r.string(true)?;
        out.partitions = r.list(true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.uuid(self.topic_id);
        w.string(&self.topic_name, true)?;
        w.list(&self.partitions, true)?;
        w.no_tags();
        Ok(())
    }
}

impl Json for TopicPartitionsInfo {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("topicId", &self.topic_id, v);
        o.put("topicName", &self.topic_name, v);
        o.put("partitions", &self.partitions, v);
        o.done()
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicInfo {
    /// The topic identifier.
    pub topic_id: Uuid,
    /// The topic name.
    pub topic_name: String,
}

impl Struct for TopicInfo {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.topic_id = r.uuid()?;
        out.topic_name = r.string(true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.uuid(self.topic_id);
        w.string(&self.topic_name, true)?;
        w.no_tags();
        Ok(())
    }
}

impl Json for TopicInfo {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("topicId", &self.topic_id, v);
        o.put("topicName", &self.topic_name, v);
        o.done()
    }
}

impl ShareGroupStatePartitionMetadataValue {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 15;
}
