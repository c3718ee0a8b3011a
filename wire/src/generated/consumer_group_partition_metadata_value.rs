//! ConsumerGroupPartitionMetadataValue, version 0. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupPartitionMetadataValue {
    /// The list of topic metadata.
    pub topics: Vec<TopicMetadata>,
}

impl Message for ConsumerGroupPartitionMetadataValue {
    const NAME: &'static str = "ConsumerGroupPartitionMetadataValue";
    const MIN: i16 = 0;
    const MAX: i16 = 0;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.topics = r.structs(v, true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.structs(&self.topics, v, true)?;
        w.no_tags();
        Ok(())
    }
}

impl Json for ConsumerGroupPartitionMetadataValue {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("topics", &self.topics, v);
        o.done()
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicMetadata {
    /// The topic id.
    pub topic_id: Uuid,
    /// The topic name.
    pub topic_name: String,
    /// The number of partitions of the topic.
    pub num_partitions: i32,
    /// Deprecated: this field is not used after 4.0. Partitions mapped to a set of racks. If the rack information is unavailable for all the partitions, an empty list is stored.
    pub partition_metadata: Vec<PartitionMetadata>,
}

impl Struct for TopicMetadata {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.topic_id = r.uuid()?;
        out.topic_name = r.string(true)?;
        out.num_partitions = r.i32()?;
        out.partition_metadata = r.structs(v, true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.uuid(self.topic_id);
        w.string(&self.topic_name, true)?;
        w.i32(self.num_partitions);
        w.structs(&self.partition_metadata, v, true)?;
        w.no_tags();
        Ok(())
    }
}

impl Json for TopicMetadata {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("topicId", &self.topic_id, v);
        o.put("topicName", &self.topic_name, v);
        o.put("numPartitions", &self.num_partitions, v);
        o.put("partitionMetadata", &self.partition_metadata, v);
        o.done()
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionMetadata {
    /// The partition number.
    pub partition: i32,
    /// The set of racks that the partition is mapped to.
    pub racks: Vec<String>,
}

impl Struct for PartitionMetadata {
    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        let mut out = Self::default();
        out.partition = r.i32()?;
        out.racks = r.list(true)?;
        r.skip_tags()?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        w.i32(self.partition);
        w.list(&self.racks, true)?;
        w.no_tags();
        Ok(())
    }
}

impl Json for PartitionMetadata {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("partition", &self.partition, v);
        o.put("racks", &self.racks, v);
        o.done()
    }
}

impl ConsumerGroupPartitionMetadataValue {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 4;
}
