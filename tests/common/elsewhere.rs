//! What a larger cluster would have decided, put into the metadata log of a broker that is stopped: other brokers, and what they lead.

#![allow(dead_code)]

use std::path::Path;

use kfk::machine::controller::MetadataRecord;
use kfk::machine::controller::features::MetadataVersion;
use kfk::record::{BatchBuilder, BatchOptions, batches};
use kfk::types::Uuid;
use kfk::wire::partition_record::PartitionRecord;
use kfk::wire::register_broker_record::{BrokerEndpoint, RegisterBrokerRecord};
use kfk::wire::topic_record::TopicRecord;

use super::records::now_ms;
use super::{Client, TestBroker};

/// Leads `t-1`, and can be reached as the test's broker can.
pub const OTHER: i32 = 7;
/// Leads `t-2`, and has another listener only.
pub const HIDDEN: i32 = 8;
pub const TOPIC: Uuid = Uuid([5; 16]);
pub const EPOCH: i32 = 3;

/// A broker that knows of two others, with topic `t`: partition 0 has no leader, 1 is led by `OTHER`, 2 by `HIDDEN`.
pub fn start() -> (TestBroker, Client, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    TestBroker::start_in(dir.path(), &[]).stop();
    let leaders = [-1, OTHER, HIDDEN];
    let partitions = leaders.iter().enumerate().map(|(i, leader)| partition(i as i32, *leader));
    let mut records = vec![register(OTHER, "PLAINTEXT"), register(HIDDEN, "INSIDE")];
    records.push(TopicRecord { name: "t".into(), topic_id: TOPIC }.into());
    records.extend(partitions);
    plant(dir.path(), &records);
    let broker = TestBroker::start_in(dir.path(), &[]);
    let client = broker.connect();
    (broker, client, dir)
}

fn register(broker_id: i32, listener: &str) -> MetadataRecord {
    let endpoint = BrokerEndpoint { name: listener.into(), host: "other.example".into(), port: 9, security_protocol: 0 };
    RegisterBrokerRecord { broker_id, broker_epoch: 1, end_points: vec![endpoint], fenced: false, rack: None, ..Default::default() }.into()
}

fn partition(partition_id: i32, leader: i32) -> MetadataRecord {
    let replica = if leader < 0 { HIDDEN } else { leader };
    let directories = vec![Uuid([1; 16])];
    let (replicas, isr) = (vec![replica], vec![replica]);
    PartitionRecord { partition_id, topic_id: TOPIC, replicas, isr, leader, leader_epoch: EPOCH, directories, ..Default::default() }.into()
}

/// Appends records to the metadata log.
fn plant(dir: &Path, records: &[MetadataRecord]) {
    let path = dir.join("__cluster_metadata-0/00000000000000000000.log");
    let mut bytes = std::fs::read(&path).unwrap();
    let last = batches(&bytes).map(Result::unwrap).last().unwrap().header;
    let place =
        BatchOptions { base_offset: last.next_offset(), partition_leader_epoch: last.partition_leader_epoch, ..BatchOptions::default() };
    let mut builder = BatchBuilder::new(place);
    for record in records {
        builder.append(now_ms(), None, Some(&record.encode(MetadataVersion::LATEST).unwrap()), &[]).unwrap();
    }
    bytes.extend_from_slice(&builder.finish().unwrap());
    std::fs::write(path, bytes).unwrap();
}
