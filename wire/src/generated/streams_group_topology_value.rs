//! StreamsGroupTopologyValue, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamsGroupTopologyValue {
    /// The epoch of the topology.
    pub epoch: i32,
    /// The sub-topologies of the streams application.
    pub subtopologies: Vec<Subtopology>,
}

impl Message for StreamsGroupTopologyValue {
    const NAME: &'static str = "StreamsGroupTopologyValue";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.epoch = r.i32()?;
        out.subtopologies = r.structs(v, true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.i32(self.epoch);
        w.structs(&self.subtopologies, v, true)?;
        w.no_tags();
        Ok(())
    }
}

impl Json for StreamsGroupTopologyValue {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("epoch", &self.epoch, v);
        o.put("subtopologies", &self.subtopologies, v);
        o.done()
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subtopology {
    /// String to uniquely identify the subtopology.
    pub subtopology_id: String,
    /// The topics the topology reads from.
    pub source_topics: Vec<String>,
    /// Regular expressions identifying topics the subtopology reads from.
    pub source_topic_regex: Vec<String>,
    /// The set of state changelog topics associated with this subtopology.
    pub state_changelog_topics: Vec<TopicInfo>,
    /// The repartition topics the subtopology writes to.
    pub repartition_sink_topics: Vec<String>,
    /// The set of source topics that are internally created repartition topics.
    pub repartition_source_topics: Vec<TopicInfo>,
    /// A subset of source topics that must be copartitioned.
    pub copartition_groups: Vec<CopartitionGroup>,
}

impl Struct for Subtopology {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.subtopology_id = r.string(true)?;
        out.source_topics = r.list(true)?;
        out.source_topic_regex = r.list(true)?;
        out.state_changelog_topics = r.structs(v, true)?;
        out.repartition_sink_topics = r.list(true)?;
        out.repartition_source_topics = r.structs(v, true)?;
        out.copartition_groups = r.structs(v, true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.string(&self.subtopology_id, true)?;
        w.list(&self.source_topics, true)?;
        w.list(&self.source_topic_regex, true)?;
        w.structs(&self.state_changelog_topics, v, true)?;
        w.list(&self.repartition_sink_topics, true)?;
        w.structs(&self.repartition_source_topics, v, true)?;
        w.structs(&self.copartition_groups, v, true)?;
        w.no_tags();
        Ok(())
    }
}

impl Json for Subtopology {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("subtopologyId", &self.subtopology_id, v);
        o.put("sourceTopics", &self.source_topics, v);
        o.put("sourceTopicRegex", &self.source_topic_regex, v);
        o.put("stateChangelogTopics", &self.state_changelog_topics, v);
        o.put("repartitionSinkTopics", &self.repartition_sink_topics, v);
        o.put("repartitionSourceTopics", &self.repartition_source_topics, v);
        o.put("copartitionGroups", &self.copartition_groups, v);
        o.done()
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct CopartitionGroup {
    /// The topics the topology reads from. Index into the array on the subtopology level.
    pub source_topics: Vec<i16>,
    /// Regular expressions identifying topics the subtopology reads from. Index into the array on the subtopology level.
    pub source_topic_regex: Vec<i16>,
    /// The set of source topics that are internally created repartition topics. Index into the array on the subtopology level.
    pub repartition_source_topics: Vec<i16>,
}

impl Struct for CopartitionGroup {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.source_topics = r.list(true)?;
        out.source_topic_regex = r.list(true)?;
        out.repartition_source_topics = r.list(true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.list(&self.source_topics, true)?;
        w.list(&self.source_topic_regex, true)?;
        w.list(&self.repartition_source_topics, true)?;
        w.no_tags();
        Ok(())
    }
}

impl Json for CopartitionGroup {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("sourceTopics", &self.source_topics, v);
        o.put("sourceTopicRegex", &self.source_topic_regex, v);
        o.put("repartitionSourceTopics", &self.repartition_source_topics, v);
        o.done()
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicConfig {
    /// The key of the topic-level configuration.
    pub key: String,
    /// The value of the topic-level configuration.
    pub value: String,
}

impl Struct for TopicConfig {
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

impl Json for TopicConfig {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("key", &self.key, v);
        o.put("value", &self.value, v);
        o.done()
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicInfo {
    /// The name of the topic.
    pub name: String,
    /// The number of partitions in the topic. Can be 0 if no specific number of partitions is enforced. Always 0 for changelog topics.
    pub partitions: i32,
    /// The replication factor of the topic. Can be 0 if the default replication factor should be used.
    pub replication_factor: i16,
    /// Topic-level configurations as key-value pairs.
    pub topic_configs: Vec<TopicConfig>,
}

impl Struct for TopicInfo {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.name = r.string(true)?;
        out.partitions = r.i32()?;
        out.replication_factor = r.i16()?;
        out.topic_configs = r.structs(v, true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.string(&self.name, true)?;
        w.i32(self.partitions);
        w.i16(self.replication_factor);
        w.structs(&self.topic_configs, v, true)?;
        w.no_tags();
        Ok(())
    }
}

impl Json for TopicInfo {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("name", &self.name, v);
        o.put("partitions", &self.partitions, v);
        o.put("replicationFactor", &self.replication_factor, v);
        o.put("topicConfigs", &self.topic_configs, v);
        o.done()
    }
}

impl StreamsGroupTopologyValue {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 23;
}
