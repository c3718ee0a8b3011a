//! What is written in a round: something of every kind, on whichever broker is there.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use kfk::record::{BatchBuilder, BatchOptions, Codec, Compression, Header};
use kfk::wire::add_offsets_to_txn_request::AddOffsetsToTxnRequest;
use kfk::wire::create_partitions_request::{CreatePartitionsRequest, CreatePartitionsTopic};
use kfk::wire::delete_records_request::{DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic};
use kfk::wire::delete_topics_request::{DeleteTopicState, DeleteTopicsRequest};
use kfk::wire::end_txn_request::EndTxnRequest;
use kfk::wire::find_coordinator_request::FindCoordinatorRequest;
use kfk::wire::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest};
use kfk::wire::init_producer_id_request::InitProducerIdRequest;
use kfk::wire::join_group_request::{JoinGroupRequest, JoinGroupRequestProtocol};
use kfk::wire::leave_group_request::{LeaveGroupRequest, MemberIdentity};
use kfk::wire::offset_commit_request::{OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kfk::wire::produce_request::ProduceRequest;
use kfk::wire::sync_group_request::{SyncGroupRequest, SyncGroupRequestAssignment};
use kfk::wire::txn_offset_commit_request::{TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic};

use crate::common::Client;
use crate::common::records::*;

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const GROUP: i8 = 32;
const HOUR_MS: i32 = 3_600_000;
/// `transaction.max.timeout.ms`, so that no transaction times out between two brokers.
const LONGEST_TXN_MS: i32 = 900_000;

/// What a producer remembers from round to round, as if it had stayed alive.
#[derive(Default)]
pub struct Workload {
    round: i32,
    numbered: Option<Numbered>,
    open: Option<Txn>,
}

struct Numbered {
    producer_id: i64,
    epoch: i16,
    next_sequence: i32,
    last: Bytes,
    last_offset: i64,
}

/// A transactional producer.
#[derive(Clone)]
struct Txn {
    id: String,
    producer: (i64, i16),
}

impl Workload {
    /// One round on the broker at `addr`.
    pub fn run(&mut self, addr: SocketAddr) {
        let mut client = Client::connect(addr);
        let c = &mut client;
        self.round += 1;
        if self.round == 1 {
            create(c, "numbered", 1, &[]);
            create(c, "txns", 2, &[]);
            create(c, "wide", 1, &[]);
        }
        let n = self.round;
        codecs(c, n);
        self.idempotent(c);
        self.transactions(c);
        topics_come_and_go(c, n);
        settings(c, n);
        offsets(c, n);
        compacted(c, n);
    }

    /// The same producer goes on; the batch that it sent last is known again.
    fn idempotent(&mut self, c: &mut Client) {
        let n = self.numbered.get_or_insert_with(|| {
            let fresh =
                c.call(5, &InitProducerIdRequest { transactional_id: None, producer_id: -1, producer_epoch: -1, ..Default::default() });
            assert_eq!(fresh.error_code, 0);
            Numbered { producer_id: fresh.producer_id, epoch: fresh.producer_epoch, next_sequence: 0, last: Bytes::new(), last_offset: -1 }
        });
        if !n.last.is_empty() {
            assert_eq!(produce_to(c, "numbered", 0, n.last.clone()), n.last_offset, "a batch sent again is not written again");
        }
        for _ in 0..3 {
            n.last = numbered(n.producer_id, n.epoch, n.next_sequence, &["one", "two", "three"]);
            n.next_sequence += 3;
            n.last_offset = produce_to(c, "numbered", 0, n.last.clone());
        }
    }

    /// One transaction is committed, one aborted; one stays open until the next round, on the other broker.
    fn transactions(&mut self, c: &mut Client) {
        if let Some(open) = self.open.take() {
            write(c, &open, 1, 2, "still open after the exchange");
            end(c, &open, true);
        }
        let mut txn = begin(c, "in-order");
        write(c, &txn, 0, 0, "committed");
        send_offsets(c, &txn, "transactional", i64::from(self.round) * 10);
        end(c, &txn, true);
        txn = begin(c, "in-order");
        write(c, &txn, 0, 0, "aborted");
        write(c, &txn, 1, 0, "aborted as well");
        send_offsets(c, &txn, "transactional", 666);
        end(c, &txn, false);
        let open = begin(c, &format!("open-{}", self.round));
        write(c, &open, 1, 0, "open");
        self.open = Some(open);
        // Above what is open: stable for nobody yet.
        produce_to(c, "txns", 1, batch(&["behind an open transaction"]));
    }
}

fn codecs(c: &mut Client, n: i32) {
    let name = format!("codecs-{n}");
    let settings = [("retention.ms", "-1"), ("max.message.bytes", "2000000"), ("segment.bytes", "1048576"), ("flush.messages", "1000")];
    create(c, &name, 3, &settings);
    for codec in [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        for partition in 0..2 {
            let options = BatchOptions { compression: Compression::from(codec), ..Default::default() };
            let mut builder = BatchBuilder::new(options);
            for i in 0..20 {
                let headers = [Header { key: b"codec", value: Some(b"some") }, Header { key: b"", value: None }];
                let (key, value) = (format!("key {i}"), "value ".repeat(i));
                builder.append(now_ms() - i as i64, Some(key.as_bytes()), Some(value.as_bytes()), &headers[..i % 3]).unwrap();
            }
            produce_to(c, &name, partition, builder.finish().unwrap());
        }
    }
    // Three segments; and what DeleteRecords takes in the middle of a batch.
    for _ in 0..3 {
        produce_to(c, &name, 1, batch(&[&"x".repeat(700_000)]));
    }
    let partitions = vec![DeleteRecordsPartition { partition_index: 0, offset: 33 }];
    let topics = vec![DeleteRecordsTopic { name, partitions }];
    let request = DeleteRecordsRequest { topics, timeout_ms: 10_000 };
    let low_watermark = retried(|| {
        let deleted = c.call(2, &request).topics.remove(0).partitions.remove(0);
        (deleted.error_code, deleted.low_watermark)
    });
    assert_eq!(low_watermark, 33);
}

/// Produces and gives the base offset.
fn produce_to(c: &mut Client, topic: &str, partition: i32, records: Bytes) -> i64 {
    retried(|| {
        let answered = produce(c, topic, partition, records.clone());
        (answered.error_code, answered.base_offset)
    })
}

fn begin(c: &mut Client, id: &str) -> Txn {
    retried(|| {
        let request = InitProducerIdRequest {
            transactional_id: Some(id.into()),
            transaction_timeout_ms: LONGEST_TXN_MS,
            producer_id: -1,
            producer_epoch: -1,
            ..Default::default()
        };
        let r = c.call(5, &request);
        (r.error_code, Txn { id: id.into(), producer: (r.producer_id, r.producer_epoch) })
    })
}

/// Asks until the answer is no longer that something goes on still: a new partition not led yet, a coordinator loading, the markers of
/// the last transaction on their way.
fn retried<T>(mut ask: impl FnMut() -> (i16, T)) -> T {
    let begun = Instant::now();
    loop {
        match ask() {
            (0, answer) => return answer,
            (code @ (3 | 6 | 14..=16 | 51), _) => assert!(begun.elapsed() < Duration::from_secs(20), "still {code}"),
            (code, _) => panic!("error {code}"),
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A batch of two records in a transaction of the second version (KIP-890): the partition is added by writing to it.
fn write(c: &mut Client, txn: &Txn, partition: i32, base_sequence: i32, value: &str) {
    let (producer_id, producer_epoch) = txn.producer;
    let options = BatchOptions { producer_id, producer_epoch, base_sequence, transactional: true, ..Default::default() };
    let request = ProduceRequest {
        transactional_id: Some(txn.id.clone()),
        ..produce_request("txns", partition, -1, batch_with(options, &[value, value]))
    };
    retried(|| (c.call(12, &request).responses[0].partition_responses[0].error_code, ()));
}

fn send_offsets(c: &mut Client, txn: &Txn, group: &str, offset: i64) {
    let (producer_id, producer_epoch) = txn.producer;
    let add = AddOffsetsToTxnRequest { transactional_id: txn.id.clone(), producer_id, producer_epoch, group_id: group.into() };
    retried(|| (c.call(4, &add).error_code, ()));
    let partition =
        TxnOffsetCommitRequestPartition { partition_index: 0, committed_offset: offset, committed_leader_epoch: -1, ..Default::default() };
    let request = TxnOffsetCommitRequest {
        transactional_id: txn.id.clone(),
        group_id: group.into(),
        producer_id,
        producer_epoch,
        generation_id: -1,
        topics: vec![TxnOffsetCommitRequestTopic { name: "txns".into(), partitions: vec![partition] }],
        ..Default::default()
    };
    retried(|| (c.call(4, &request).topics[0].partitions[0].error_code, ()));
}

fn end(c: &mut Client, txn: &Txn, committed: bool) {
    let (producer_id, producer_epoch) = txn.producer;
    let request = EndTxnRequest { transactional_id: txn.id.clone(), producer_id, producer_epoch, committed };
    retried(|| (c.call(5, &request).error_code, ()));
}

fn topics_come_and_go(c: &mut Client, n: i32) {
    create(c, "gone", 2, &[]);
    produce_to(c, "gone", 0, batch(&["gone"]));
    delete(c, "gone");
    if n > 1 {
        delete(c, "again");
    }
    create(c, "again", 1, &[("cleanup.policy", "compact,delete")]);
    let keyed = |key: &[u8]| {
        let mut builder = BatchBuilder::new(BatchOptions::default());
        builder.append(now_ms(), Some(key), Some(b"under a new id each time"), &[]).unwrap();
        builder.finish().unwrap()
    };
    produce_to(c, "again", 0, keyed(b"k"));
    let wide = CreatePartitionsTopic { name: "wide".into(), count: n + 1, assignments: None };
    let request = CreatePartitionsRequest { topics: vec![wide], timeout_ms: 10_000, ..Default::default() };
    assert_eq!(c.call(3, &request).results[0].error_code, 0);
    produce_to(c, "wide", n, batch(&["in a new partition"]));
}

fn delete(c: &mut Client, name: &str) {
    let topics = vec![DeleteTopicState { name: Some(name.into()), ..Default::default() }];
    let request = DeleteTopicsRequest { topics, timeout_ms: 10_000, ..Default::default() };
    assert_eq!(c.call(6, &request).responses[0].error_code, 0);
}

fn settings(c: &mut Client, n: i32) {
    set(c, TOPIC, "numbered", &[("retention.bytes", &(i64::from(n) * 1_000_000_000).to_string()), ("compression.type", "producer")]);
    set(c, BROKER, "", &[("log.retention.ms", &(n * HOUR_MS).to_string())]);
    set(c, BROKER, "1", &[("log.cleaner.threads", if n % 2 == 0 { "1" } else { "2" })]);
    set(c, GROUP, "set-before-use", &[("consumer.session.timeout.ms", &(45_000 + n).to_string())]);
}

fn set(c: &mut Client, resource_type: i8, name: &str, values: &[(&str, &str)]) {
    let configs = values.iter().map(|(k, v)| AlterableConfig { name: k.to_string(), config_operation: 0, value: Some(v.to_string()) });
    let resource = AlterConfigsResource { resource_type, resource_name: name.into(), configs: configs.collect() };
    let answered = c.call(1, &IncrementalAlterConfigsRequest { resources: vec![resource], validate_only: false }).responses.remove(0);
    assert_eq!(answered.error_code, 0, "{answered:?}");
}

/// Offsets of a group that nobody joins, and of a member that comes, commits and leaves.
fn offsets(c: &mut Client, n: i32) {
    let request = FindCoordinatorRequest { coordinator_keys: vec!["simple".into()], ..Default::default() };
    retried(|| (c.call(6, &request).coordinators[0].error_code, ()));
    commit(c, "simple", "", -1, i64::from(n));
    commit(c, &format!("only-in-{n}"), "", -1, 7);
    let mut join = JoinGroupRequest {
        group_id: "classic".into(),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 10_000,
        protocol_type: "consumer".into(),
        protocols: vec![JoinGroupRequestProtocol { name: "range".into(), metadata: Bytes::from_static(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0]) }],
        ..Default::default()
    };
    join.member_id = c.call(9, &join).member_id;
    let joined = c.call(9, &join);
    assert_eq!(joined.error_code, 0);
    let assignment =
        SyncGroupRequestAssignment { member_id: joined.member_id.clone(), assignment: Bytes::from_static(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0]) };
    let sync = SyncGroupRequest {
        group_id: "classic".into(),
        generation_id: joined.generation_id,
        member_id: joined.member_id.clone(),
        protocol_type: Some("consumer".into()),
        protocol_name: Some("range".into()),
        assignments: vec![assignment],
        ..Default::default()
    };
    assert_eq!(c.call(5, &sync).error_code, 0);
    commit(c, "classic", &joined.member_id, joined.generation_id, i64::from(n) * 100);
    let members = vec![MemberIdentity { member_id: joined.member_id, ..Default::default() }];
    assert_eq!(c.call(5, &LeaveGroupRequest { group_id: "classic".into(), members, ..Default::default() }).error_code, 0);
}

fn commit(c: &mut Client, group: &str, member: &str, generation: i32, offset: i64) {
    let partition = OffsetCommitRequestPartition {
        partition_index: 0,
        committed_offset: offset,
        committed_leader_epoch: 0,
        committed_metadata: Some(format!("metadata {offset}")),
    };
    let request = OffsetCommitRequest {
        group_id: group.into(),
        generation_id_or_member_epoch: generation,
        member_id: member.into(),
        topics: vec![OffsetCommitRequestTopic { name: "numbered".into(), partitions: vec![partition], ..Default::default() }],
        ..Default::default()
    };
    retried(|| (c.call(9, &request).topics[0].partitions[0].error_code, ()));
}

/// Forty keys, each written several times, until the broker's cleaner has been over them.
fn compacted(c: &mut Client, n: i32) {
    let name = format!("compacted-{n}");
    create(c, &name, 1, &[("cleanup.policy", "compact"), ("segment.bytes", "1048576"), ("min.cleanable.dirty.ratio", "0.01")]);
    let value = "v".repeat(40_000);
    for round in 0..4 {
        for key in 0..10 {
            let mut builder = BatchBuilder::new(BatchOptions::default());
            let value = format!("{round} {value}");
            let value = (key > 0 || round < 3).then_some(value.as_bytes());
            for half in ["a", "b"] {
                builder.append(now_ms(), Some(format!("{key}{half}").as_bytes()), value, &[]).unwrap();
            }
            produce_to(c, &name, 0, builder.finish().unwrap());
        }
    }
    let begun = Instant::now();
    let records = |c: &mut Client| {
        let (mut offset, mut count) = (0, 0);
        while offset < 80 {
            let found = records_of(&fetch(c, &name, 0, offset));
            count += found.len();
            offset = found.last().map_or(80, |(last, _)| last + 1);
        }
        count
    };
    let mut last = 80;
    loop {
        let now = records(c);
        if now < 80 && now == last {
            break;
        }
        last = now;
        assert!(begun.elapsed() < Duration::from_secs(30), "{name} is not compacted");
        std::thread::sleep(Duration::from_millis(500));
    }
}
