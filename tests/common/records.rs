//! Requests that most tests send, in short.

#![allow(dead_code)]

use bytes::Bytes;
use kfk::record::{BatchBuilder, BatchOptions, batches};
use kfk::types::Uuid;
use kfk::wire::create_topics_request::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest};
use kfk::wire::create_topics_response::CreatableTopicResult;
use kfk::wire::fetch_request::{FetchPartition, FetchRequest, FetchTopic};
use kfk::wire::fetch_response::{FetchResponse, PartitionData};
use kfk::wire::list_offsets_request::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};
use kfk::wire::list_offsets_response::ListOffsetsPartitionResponse;
use kfk::wire::produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData};
use kfk::wire::produce_response::PartitionProduceResponse;
use kfk::wire::{ErrorCode, Records};

use super::Client;

/// Milliseconds since 1970, as producers stamp records.
pub fn now_ms() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64
}

/// A batch of records that have these values and the present time.
pub fn batch(values: &[&str]) -> Bytes {
    batch_with(BatchOptions::default(), values)
}

pub fn batch_with(options: BatchOptions, values: &[&str]) -> Bytes {
    let mut builder = BatchBuilder::new(options);
    for value in values {
        builder.append(now_ms(), None, Some(value.as_bytes()), &[]).unwrap();
    }
    builder.finish().unwrap()
}

/// A batch of an idempotent producer.
pub fn numbered(producer_id: i64, producer_epoch: i16, base_sequence: i32, values: &[&str]) -> Bytes {
    batch_with(BatchOptions { producer_id, producer_epoch, base_sequence, ..BatchOptions::default() }, values)
}

/// Creates a topic and gives its id.
pub fn create(client: &mut Client, name: &str, partitions: i32, configs: &[(&str, &str)]) -> Uuid {
    let result = try_create(client, name, partitions, configs);
    assert_eq!(result.error_code, 0, "{:?}", result.error_message);
    result.topic_id
}

pub fn try_create(client: &mut Client, name: &str, partitions: i32, configs: &[(&str, &str)]) -> CreatableTopicResult {
    let configs = configs.iter().map(|(k, v)| CreatableTopicConfig { name: k.to_string(), value: Some(v.to_string()) }).collect();
    let topic = CreatableTopic { name: name.into(), num_partitions: partitions, replication_factor: -1, configs, ..Default::default() };
    let request = CreateTopicsRequest { topics: vec![topic], timeout_ms: 10_000, ..Default::default() };
    client.call(7, &request).topics.remove(0)
}

pub fn produce_request(topic: &str, partition: i32, acks: i16, records: Bytes) -> ProduceRequest {
    let partition_data = vec![PartitionProduceData { index: partition, records: Some(Records::Bytes(records)) }];
    let topic_data = vec![TopicProduceData { name: topic.into(), partition_data, ..Default::default() }];
    ProduceRequest { acks, timeout_ms: 10_000, topic_data, ..Default::default() }
}

/// Produces to one partition by name.
pub fn produce(client: &mut Client, topic: &str, partition: i32, records: Bytes) -> PartitionProduceResponse {
    let mut response = client.call(12, &produce_request(topic, partition, -1, records));
    response.responses.remove(0).partition_responses.remove(0)
}

/// Produces to one partition and gives the base offset.
pub fn produce_ok(client: &mut Client, topic: &str, partition: i32, records: Bytes) -> i64 {
    let response = produce(client, topic, partition, records);
    assert_eq!(response.error_code, 0, "{:?}", response.error_message);
    response.base_offset
}

/// A fetch of one partition by name, without waiting and without a session.
pub fn fetch_request(topic: &str, partition: i32, offset: i64) -> FetchRequest {
    let partition = FetchPartition { partition, fetch_offset: offset, partition_max_bytes: 1 << 20, ..Default::default() };
    FetchRequest {
        max_wait_ms: 0,
        min_bytes: 1,
        max_bytes: 50 << 20,
        session_epoch: -1,
        topics: vec![FetchTopic { topic: topic.into(), partitions: vec![partition], ..Default::default() }],
        ..Default::default()
    }
}

pub fn fetch(client: &mut Client, topic: &str, partition: i32, offset: i64) -> PartitionData {
    only_partition(client.call(12, &fetch_request(topic, partition, offset)))
}

pub fn only_partition(mut response: FetchResponse) -> PartitionData {
    assert_eq!(response.error_code, 0);
    assert_eq!(response.responses.len(), 1);
    response.responses.remove(0).partitions.remove(0)
}

/// Offsets and values of the records in a partition's reply.
pub fn records_of(data: &PartitionData) -> Vec<(i64, String)> {
    assert_eq!(data.error_code, 0, "{:?}", ErrorCode::from_code(data.error_code));
    let bytes = data.records.as_ref().and_then(Records::as_bytes).cloned().unwrap_or_default();
    let mut all = Vec::new();
    for view in batches(&bytes) {
        let view = view.unwrap();
        view.check_crc().unwrap();
        let data = view.data(1 << 24).unwrap();
        all.extend(data.iter().map(|r| r.unwrap()).map(|r| (r.offset, String::from_utf8(r.value.unwrap_or_default().to_vec()).unwrap())));
    }
    all
}

/// ListOffsets of one partition in the newest version.
pub fn list_offset(client: &mut Client, topic: &str, partition: i32, timestamp: i64) -> ListOffsetsPartitionResponse {
    list_offset_in(client, 11, topic, partition, timestamp)
}

pub fn list_offset_in(client: &mut Client, version: i16, topic: &str, partition: i32, timestamp: i64) -> ListOffsetsPartitionResponse {
    let partition = ListOffsetsPartition { partition_index: partition, timestamp, ..Default::default() };
    let topics = vec![ListOffsetsTopic { name: topic.into(), partitions: vec![partition] }];
    let request = ListOffsetsRequest { replica_id: -1, topics, ..Default::default() };
    client.call(version, &request).topics.remove(0).partitions.remove(0)
}
