//! Produce and idempotent producers (facts N13, P, I).

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use common::elsewhere::{EPOCH, OTHER, TOPIC};
use common::held_disk::HeldDisk;
use common::records::*;
use common::{Client, TestBroker};
use kfk::record::{BatchBuilder, BatchOptions, Codec};
use kfk::wire::delete_topics_request::{DeleteTopicState, DeleteTopicsRequest};
use kfk::wire::describe_producers_request::{DescribeProducersRequest, TopicRequest};
use kfk::wire::init_producer_id_request::InitProducerIdRequest;
use kfk::wire::produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData};
use kfk::wire::{ErrorCode, Records, Uuid};

fn code(client: &mut Client, topic: &str, partition: i32, records: Bytes) -> ErrorCode {
    let response = produce(client, topic, partition, records);
    if response.error_code != 0 {
        assert_eq!(response.base_offset, -1, "P30");
    }
    ErrorCode::from_code(response.error_code)
}

/// A broker with topic `t` of two partitions, and a connection.
fn with_topic(configs: &[(&str, &str)]) -> (TestBroker, Client) {
    let broker = TestBroker::start(&[]);
    let mut client = broker.connect();
    create(&mut client, "t", 2, configs);
    (broker, client)
}

#[test]
fn p24_offsets_are_contiguous_and_records_come_back_as_they_were_sent() {
    let (_broker, mut client) = with_topic(&[]);
    assert_eq!(produce_ok(&mut client, "t", 0, batch(&["a", "b"])), 0);
    assert_eq!(produce_ok(&mut client, "t", 0, batch(&["c"])), 2);
    assert_eq!(produce_ok(&mut client, "t", 1, batch(&["z"])), 0);
    let got = records_of(&fetch(&mut client, "t", 0, 0));
    assert_eq!(got, [(0, "a".into()), (1, "b".into()), (2, "c".into())]);
}

#[test]
fn p2_p4_topics_and_partitions_that_are_not_there() {
    let (_broker, mut client) = with_topic(&[]);
    assert_eq!(code(&mut client, "t", 7, batch(&["a"])), ErrorCode::UnknownTopicOrPartition);
    assert_eq!(code(&mut client, "nope", 0, batch(&["a"])), ErrorCode::UnknownTopicOrPartition);
    let partition_data = vec![PartitionProduceData { index: 0, records: Some(Records::Bytes(batch(&["a"]))) }];
    let topic_data = vec![TopicProduceData { topic_id: Uuid([7; 16]), partition_data, ..Default::default() }];
    let response = client.call(13, &ProduceRequest { acks: -1, timeout_ms: 1000, topic_data, ..Default::default() });
    assert_eq!(response.responses[0].partition_responses[0].error_code, ErrorCode::UnknownTopicId.code());
    assert_eq!(response.responses[0].topic_id, Uuid([7; 16]));
}

#[test]
fn p5_there_must_be_exactly_one_batch_of_magic_two() {
    let (_broker, mut client) = with_topic(&[]);
    assert_eq!(code(&mut client, "t", 0, Bytes::new()), ErrorCode::InvalidRecord);
    let two = [batch(&["a"]), batch(&["b"])].concat();
    assert_eq!(code(&mut client, "t", 0, two.into()), ErrorCode::InvalidRecord);
    let mut old = BytesMut::from(&batch(&["a"])[..]);
    old[16] = 1;
    assert_eq!(code(&mut client, "t", 0, old.freeze()), ErrorCode::InvalidRecord);
    let zstd = batch_with(BatchOptions { compression: Codec::Zstd.into(), ..Default::default() }, &["a"]);
    let response = client.call(6, &produce_request("t", 0, -1, zstd.clone()));
    assert_eq!(response.responses[0].partition_responses[0].error_code, ErrorCode::UnsupportedCompressionType.code());
    assert_eq!(produce_ok(&mut client, "t", 0, zstd), 0);
}

#[test]
fn p1_transactional_batches_need_a_transactional_id() {
    let (_broker, mut client) = with_topic(&[]);
    let options = BatchOptions { producer_id: 1, producer_epoch: 0, base_sequence: 0, transactional: true, ..Default::default() };
    assert_eq!(code(&mut client, "t", 0, batch_with(options, &["a"])), ErrorCode::TransactionalIdAuthorizationFailed);
}

#[test]
fn p8_acks_other_than_minus_one_zero_one_are_refused() {
    let (_broker, mut client) = with_topic(&[]);
    for acks in [2, -2, 100] {
        let response = client.call(12, &produce_request("t", 0, acks, batch(&["a"])));
        assert_eq!(response.responses[0].partition_responses[0].error_code, ErrorCode::InvalidRequiredAcks.code());
    }
    let response = client.call(12, &produce_request("t", 0, 1, batch(&["a"])));
    assert_eq!(response.responses[0].partition_responses[0].base_offset, 0, "nothing was written before");
}

#[test]
fn p9_internal_topics_are_not_for_clients() {
    let (_broker, mut client) = with_topic(&[]);
    create(&mut client, "__consumer_offsets", 1, &[]);
    assert_eq!(code(&mut client, "__consumer_offsets", 0, batch(&["a"])), ErrorCode::InvalidTopicException);
}

#[test]
fn p12_p14_p15_bad_batches_are_refused_and_nothing_is_written() {
    let (_broker, mut client) = with_topic(&[]);
    let mut offset = BytesMut::from(&batch(&["a"])[..]);
    offset[7] = 5;
    assert_eq!(code(&mut client, "t", 0, offset.freeze()), ErrorCode::InvalidRecord);
    let mut crc = BytesMut::from(&batch(&["a"])[..]);
    let last = crc.len() - 1;
    crc[last] ^= 1;
    assert_eq!(code(&mut client, "t", 0, crc.freeze()), ErrorCode::CorruptMessage);
    let control = BatchOptions { control: true, ..Default::default() };
    assert_eq!(code(&mut client, "t", 0, batch_with(control, &["a"])), ErrorCode::InvalidRecord);
    assert_eq!(code(&mut client, "t", 0, numbered(5, 0, -1, &["a"])), ErrorCode::InvalidRecord);
    assert_eq!(produce_ok(&mut client, "t", 0, batch(&["a"])), 0);
}

#[test]
fn p13_batch_above_max_message_bytes_is_refused() {
    let (_broker, mut client) = with_topic(&[("max.message.bytes", "1000")]);
    assert_eq!(code(&mut client, "t", 0, batch(&[&"x".repeat(1000)])), ErrorCode::MessageTooLarge);
    assert_eq!(produce_ok(&mut client, "t", 0, batch(&[&"x".repeat(800)])), 0);
}

#[test]
fn p17_records_without_a_key_are_named_one_by_one_on_a_compacted_topic() {
    let (_broker, mut client) = with_topic(&[("cleanup.policy", "compact")]);
    let mut builder = BatchBuilder::new(BatchOptions::default());
    for key in [Some("k"), None, Some("l"), None] {
        builder.append(now_ms(), key.map(str::as_bytes), Some(b"v"), &[]).unwrap();
    }
    let response = produce(&mut client, "t", 0, builder.finish().unwrap());
    assert_eq!(response.error_code, ErrorCode::InvalidRecord.code());
    assert_eq!(response.record_errors.iter().map(|r| r.batch_index).collect::<Vec<_>>(), [1, 3]);
    assert!(response.record_errors[0].batch_index_error_message.as_ref().unwrap().contains("without key"));
}

#[test]
fn p18_p20_times_are_checked_or_set_by_the_broker() {
    let (_broker, mut client) = with_topic(&[("message.timestamp.after.max.ms", "1000")]);
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.append(now_ms() + 100_000, None, Some(b"v"), &[]).unwrap();
    assert_eq!(code(&mut client, "t", 0, builder.finish().unwrap()), ErrorCode::InvalidTimestamp);
    let response = produce(&mut client, "t", 0, batch(&["a"]));
    assert_eq!(response.log_append_time_ms, -1);
    create(&mut client, "stamped", 1, &[("message.timestamp.type", "LogAppendTime")]);
    let before = now_ms();
    let response = produce(&mut client, "stamped", 0, batch(&["a"]));
    assert!((before..=now_ms()).contains(&response.log_append_time_ms));
    let latest = list_offset(&mut client, "stamped", 0, -3);
    assert_eq!((latest.offset, latest.timestamp), (0, response.log_append_time_ms));
}

#[test]
fn p21_a_topics_own_compression_is_applied() {
    let (_broker, mut client) = with_topic(&[("compression.type", "lz4")]);
    let text = "a".repeat(1000);
    produce_ok(&mut client, "t", 0, batch(&[&text]));
    let data = fetch(&mut client, "t", 0, 0);
    assert!(data.records.as_ref().unwrap().len() < 300);
    assert_eq!(records_of(&data), [(0, text)]);
}

#[test]
fn p23_a_payload_that_does_not_decompress_is_an_invalid_record() {
    let (_broker, mut client) = with_topic(&[]);
    let mut bytes = BytesMut::from(&batch(&["hello"])[..]);
    bytes[22] |= 4;
    let crc = crc32c::crc32c(&bytes[21..]);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    assert_eq!(code(&mut client, "t", 0, bytes.freeze()), ErrorCode::InvalidRecord);
}

#[test]
fn p28_partitions_of_one_request_succeed_or_fail_alone() {
    let (_broker, mut client) = with_topic(&[]);
    let part = |index, records| PartitionProduceData { index, records: Some(Records::Bytes(records)) };
    let partition_data = vec![part(0, batch(&["a"])), part(9, batch(&["b"])), part(1, batch(&["c"]))];
    let topic_data = vec![TopicProduceData { name: "t".into(), partition_data, ..Default::default() }];
    let response = client.call(12, &ProduceRequest { acks: -1, timeout_ms: 1000, topic_data, ..Default::default() });
    let codes: Vec<i16> = response.responses[0].partition_responses.iter().map(|p| p.error_code).collect();
    assert_eq!(codes, [0, 3, 0]);
}

#[test]
fn p31_pipelined_produces_keep_their_order() {
    let (_broker, mut client) = with_topic(&[]);
    for i in 0..200 {
        client.send(12, &produce_request("t", 0, -1, batch(&[&i.to_string()])));
    }
    for i in 0..200 {
        let (_, response) = client.receive::<ProduceRequest>(12);
        assert_eq!(response.responses[0].partition_responses[0].base_offset, i);
    }
    let got = records_of(&fetch(&mut client, "t", 0, 0));
    assert!(got.iter().all(|(offset, value)| value == &offset.to_string()));
    assert_eq!(got.len(), 200);
}

#[test]
fn n13_without_acks_there_is_no_reply_and_an_error_closes_the_connection() {
    let (broker, mut client) = with_topic(&[]);
    client.send(12, &produce_request("t", 0, 0, batch(&["a"])));
    client.send(12, &produce_request("t", 0, 0, batch(&["b"])));
    assert_eq!(records_of(&fetch(&mut client, "t", 0, 0)).len(), 2);
    client.send(12, &produce_request("nope", 0, 0, batch(&["a"])));
    assert_eq!(client.receive_frame(), None);
    assert_eq!(records_of(&fetch(&mut broker.connect(), "t", 0, 0)).len(), 2);
}

#[test]
fn n9_every_version_of_produce_is_answered() {
    let (_broker, mut client) = with_topic(&[]);
    for version in 3..=12 {
        let response = client.call(version, &produce_request("t", 0, -1, batch(&["a"])));
        let part = &response.responses[0].partition_responses[0];
        assert_eq!((part.error_code, part.base_offset), (0, i64::from(version) - 3));
        assert_eq!(part.log_start_offset, if version >= 5 { 0 } else { -1 }, "P30");
        let response = client.call(version, &produce_request("nope", 0, -1, batch(&["a"])));
        assert_eq!(response.responses[0].partition_responses[0].error_code, 3);
    }
}

#[test]
fn i2_a_repeated_batch_is_answered_as_the_first_time_and_written_once() {
    let (_broker, mut client) = with_topic(&[]);
    for sequence in 0..6 {
        assert_eq!(produce_ok(&mut client, "t", 0, numbered(77, 0, sequence, &["x"])), i64::from(sequence));
    }
    for sequence in 1..6 {
        assert_eq!(produce_ok(&mut client, "t", 0, numbered(77, 0, sequence, &["x"])), i64::from(sequence));
    }
    assert_eq!(code(&mut client, "t", 0, numbered(77, 0, 0, &["x"])), ErrorCode::OutOfOrderSequenceNumber, "I3: outside of the window");
    assert_eq!(list_offset(&mut client, "t", 0, -1).offset, 6);
}

#[test]
fn i4_i5_i6_epochs_and_sequences_must_follow() {
    let (_broker, mut client) = with_topic(&[]);
    produce_ok(&mut client, "t", 0, numbered(9, 3, 5, &["first sequence of an unknown producer: any (I7)"]));
    assert_eq!(code(&mut client, "t", 0, numbered(9, 3, 7, &["gap"])), ErrorCode::OutOfOrderSequenceNumber);
    assert_eq!(code(&mut client, "t", 0, numbered(9, 2, 6, &["old epoch"])), ErrorCode::InvalidProducerEpoch);
    assert_eq!(code(&mut client, "t", 0, numbered(9, 4, 6, &["new epoch, not 0"])), ErrorCode::OutOfOrderSequenceNumber);
    produce_ok(&mut client, "t", 0, numbered(9, 4, 0, &["new epoch"]));
    produce_ok(&mut client, "t", 1, numbered(10, 0, i32::MAX - 1, &["a", "b", "wraps"]));
    produce_ok(&mut client, "t", 1, numbered(10, 0, 1, &["goes on"]));
}

#[test]
fn e1_q8_producer_ids_are_fresh_and_survive_a_restart() {
    let mut broker = TestBroker::start(&[]);
    let asked = InitProducerIdRequest { transactional_id: None, transaction_timeout_ms: 1000, ..Default::default() };
    let mut seen = std::collections::BTreeSet::new();
    let mut client = broker.connect();
    for version in 0..=5 {
        let response = client.call(version, &asked);
        assert_eq!((response.error_code, response.producer_epoch), (0, 0));
        assert!(seen.insert(response.producer_id));
    }
    broker.stop();
    let again = TestBroker::start_in(broker.dir(), &[]);
    let response = again.connect().call(5, &asked);
    assert!(seen.insert(response.producer_id));
    let empty = InitProducerIdRequest { transactional_id: Some(String::new()), ..asked };
    assert_eq!(again.connect().call(5, &empty).error_code, ErrorCode::InvalidRequest.code());
}

#[test]
fn p6_transactional_batches_of_two_producers_are_refused_together() {
    let (_broker, mut client) = with_topic(&[]);
    let of = |producer_id| BatchOptions { producer_id, producer_epoch: 0, base_sequence: 0, transactional: true, ..Default::default() };
    let data = |index, producer_id| PartitionProduceData { index, records: Some(Records::Bytes(batch_with(of(producer_id), &["a"]))) };
    let topic_data = vec![TopicProduceData { name: "t".into(), partition_data: vec![data(0, 1), data(1, 2)], ..Default::default() }];
    let request = ProduceRequest { transactional_id: Some("x".into()), acks: -1, timeout_ms: 1000, topic_data };
    let response = client.call(11, &request);
    for partition in &response.responses[0].partition_responses {
        assert_eq!(partition.error_code, ErrorCode::InvalidProducerIdMapping.code());
    }
    assert_eq!(list_offset(&mut client, "t", 0, -1).offset, 0, "nothing was written");
}

#[test]
fn p25_p30_one_and_all_acknowledgements_come_after_the_append_and_errors_have_no_offset() {
    let (_broker, mut client) = with_topic(&[]);
    for (acks, offset) in [(1, 0), (-1, 1), (1, 2)] {
        let response = client.call(12, &produce_request("t", 0, acks, batch(&["a"])));
        let partition = &response.responses[0].partition_responses[0];
        assert_eq!((partition.error_code, partition.base_offset, partition.log_start_offset), (0, offset, 0));
        assert_eq!(list_offset(&mut client, "t", 0, -1).offset, offset + 1);
    }
    let refused = produce(&mut client, "t", 9, batch(&["a"]));
    assert_eq!((refused.error_code, refused.base_offset), (ErrorCode::UnknownTopicOrPartition.code(), -1));
}

/// Two batches are stored, their answers are lost, the broker starts again: its snapshot holds the last batch of a producer only.
#[test]
fn i6_batches_before_the_last_one_are_known_again_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = TestBroker::start_in(dir.path(), &[]);
    let mut client = broker.connect();
    create(&mut client, "t", 1, &[]);
    let all: Vec<_> = (0..4).map(|n| numbered(9, 0, n, &["x"])).collect();
    let offsets: Vec<i64> = all.iter().map(|b| produce_ok(&mut client, "t", 0, b.clone())).collect();
    broker.stop();
    let broker = TestBroker::start_in(dir.path(), &[]);
    let mut client = broker.connect();
    let again: Vec<i64> = all.iter().map(|b| produce_ok(&mut client, "t", 0, b.clone())).collect();
    assert_eq!((again, offsets), (vec![0, 1, 2, 3], vec![0, 1, 2, 3]));
    assert_eq!(produce_ok(&mut client, "t", 0, numbered(9, 0, 4, &["y"])), 4);
}

#[test]
#[ignore = "a start refuses a directory with replicas elsewhere; to be held on a cluster of several brokers"]
fn p10_p29_a_partition_that_another_broker_leads() {
    let (_broker, mut client, _dir) = common::elsewhere::start();
    for version in 3..=13 {
        let mut request = produce_request("t", 1, -1, batch(&["a"]));
        request.topic_data[0].topic_id = TOPIC;
        let mut response = client.call(version, &request);
        let told = response.responses.remove(0).partition_responses.remove(0);
        assert_eq!((told.error_code, told.base_offset), (ErrorCode::NotLeaderOrFollower.code(), -1), "version {version}");
        let told = (told.current_leader.leader_id, told.current_leader.leader_epoch, response.node_endpoints);
        if version < 10 {
            assert_eq!(told, (-1, -1, vec![]), "version {version}");
            continue;
        }
        assert_eq!((told.0, told.1), (OTHER, EPOCH));
        let endpoints: Vec<(i32, &str, i32)> = told.2.iter().map(|e| (e.node_id, e.host.as_str(), e.port)).collect();
        assert_eq!(endpoints, [(OTHER, "other.example", 9)]);
    }
}

#[test]
fn i1_what_is_known_of_a_producer() {
    let (_broker, mut client) = with_topic(&[]);
    let before = now_ms();
    for sequence in 0..7 {
        produce_ok(&mut client, "t", 0, numbered(42, 3, sequence, &["x"]));
    }
    let topics = vec![TopicRequest { name: "t".into(), partition_indexes: vec![0, 1] }];
    let mut partitions = client.call(0, &DescribeProducersRequest { topics }).topics.remove(0).partitions;
    assert!(partitions.pop().unwrap().active_producers.is_empty(), "of each partition for itself");
    let known = partitions.pop().unwrap().active_producers.remove(0);
    assert_eq!((known.producer_id, known.producer_epoch, known.last_sequence), (42, 3, 6));
    assert!((before..=now_ms()).contains(&known.last_timestamp));
    assert_eq!((known.coordinator_epoch, known.current_txn_start_offset), (-1, -1), "there is no transaction");
    // The last five batches by sequence and offset, and none before them.
    for sequence in 2..7 {
        assert_eq!(produce_ok(&mut client, "t", 0, numbered(42, 3, sequence, &["x"])), i64::from(sequence));
    }
    for sequence in 0..2 {
        assert_eq!(code(&mut client, "t", 0, numbered(42, 3, sequence, &["x"])), ErrorCode::OutOfOrderSequenceNumber);
    }
    assert_eq!(list_offset(&mut client, "t", 0, -1).offset, 7, "nothing was written again");
}

/// A broker with group commit whose syncs of `t-0` can be held back, with that topic.
fn with_held_syncs() -> (TestBroker, HeldDisk, Client) {
    let disk = HeldDisk::new("t-0");
    let broker = TestBroker::start_on(Arc::new(disk.clone()), &[("kfk.durability", "group-commit")]);
    let mut client = broker.connect();
    create(&mut client, "t", 1, &[]);
    produce_ok(&mut client, "t", 0, batch(&["before"]));
    (broker, disk, client)
}

/// Produces and waits so long for the answer.
fn within(client: &mut Client, timeout_ms: i32, records: Bytes) -> (ErrorCode, i64) {
    let response = client.call(12, &ProduceRequest { timeout_ms, ..produce_request("t", 0, -1, records) });
    let told = &response.responses[0].partition_responses[0];
    (ErrorCode::from_code(told.error_code), told.base_offset)
}

// P26, P27
#[test]
fn p26_p27_an_answer_to_all_that_comes_too_late_says_so_and_the_records_may_commit_later() {
    let (broker, disk, mut client) = with_held_syncs();
    let held = disk.hold();
    assert_eq!(within(&mut client, 50, numbered(7, 0, 0, &["late"])).0, ErrorCode::RequestTimedOut);
    let high_watermark = |client: &mut Client| fetch(client, "t", 0, 0).high_watermark;
    assert_eq!(high_watermark(&mut client), 1, "what is not committed is not shown");
    // Asked again it is in the log already, which is no reason to call it committed.
    assert_eq!(within(&mut client, 50, numbered(7, 0, 0, &["late"])).0, ErrorCode::RequestTimedOut);
    // P25: who does not ask for more than the local append has the answer at once.
    let one = client.call(12, &produce_request("t", 0, 1, batch(&["unsynced"])));
    assert_eq!(one.responses[0].partition_responses[0].error_code, 0);
    assert_eq!(high_watermark(&mut client), 1);
    // One that is more patient gets its answer when the sync is done, and not before.
    let mut patient = broker.connect();
    patient.send(12, &produce_request("t", 0, -1, numbered(7, 0, 0, &["late"])));
    drop(held);
    let (_, response) = patient.receive::<ProduceRequest>(12);
    let told = &response.responses[0].partition_responses[0];
    assert_eq!((told.error_code, told.base_offset), (0, 1), "it is there once");
    assert_eq!(produce_ok(&mut client, "t", 0, batch(&["after"])), 3);
    let values = ["before", "late", "unsynced", "after"];
    let expected: Vec<_> = (0..).zip(values.map(String::from)).collect();
    assert_eq!(records_of(&fetch(&mut client, "t", 0, 0)), expected);
}

// P26
#[test]
fn p26_who_waits_for_a_partition_that_goes_is_told_that_nobody_leads_it() {
    let (broker, disk, mut client) = with_held_syncs();
    let _held = disk.hold();
    let size = || std::fs::metadata(broker.dir().join("t-0/00000000000000000000.log")).unwrap().len();
    let before = size();
    let mut waiting = broker.connect();
    waiting.send(12, &produce_request("t", 0, -1, batch(&["x"])));
    let started = Instant::now();
    while size() == before {
        assert!(started.elapsed() < Duration::from_secs(10), "it is never written");
        std::thread::yield_now();
    }
    let topics = vec![DeleteTopicState { name: Some("t".into()), ..Default::default() }];
    let deleted = client.call(6, &DeleteTopicsRequest { topics, timeout_ms: 5000, ..Default::default() });
    assert_eq!(deleted.responses[0].error_code, 0);
    let (_, response) = waiting.receive::<ProduceRequest>(12);
    assert_eq!(ErrorCode::from_code(response.responses[0].partition_responses[0].error_code), ErrorCode::NotLeaderOrFollower);
}
