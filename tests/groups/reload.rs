//! Start-up: facts J15, V11, Z2, Z3, Z6, Z7, and a log that Apache Kafka 4.3.1 wrote.

use bytes::Bytes;
use kfk::machine::coordinator::Producer;
use kfk::machine::group::{GroupConfig, GroupRecord, GroupRequest};
use kfk::node::internal_batches::items_of;
use kfk::node::shard::LogItem;
use kfk::types::Uuid;
use kfk::wire::ErrorCode;
use kfk::wire::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};

use crate::driver::{GROUP, Join, MemoryLog, World};

const KAFKA_LOG: &str = "tests/dump-log-fixtures/consumer-offsets/__consumer_offsets-0/00000000000000000000.log";

fn kafka_log() -> Vec<LogItem> {
    items_of(&std::fs::read(KAFKA_LOG).unwrap()).unwrap()
}

#[test]
fn j15_a_new_coordinator_goes_on_where_the_old_one_was() {
    let mut w = World::new();
    let ids = w.stable(2);
    w.commit((&ids[0], 1), 0, 5);
    w.pass(9_000);
    w.crash();
    assert_eq!(w.state(), "Stable");
    // Session clocks start anew.
    w.pass(9_000);
    assert_eq!((w.heartbeat(&ids[0], 1), w.heartbeat(&ids[1], 1)), (ErrorCode::None, ErrorCode::None));
    let sync = w.sync(&ids[1], 1, &[]);
    assert_eq!(w.synced(sync).assignment, ids[1].as_bytes());
    assert_eq!((w.commit((&ids[1], 1), 0, 6), w.fetch(0)), (ErrorCode::None, 6));
    // A follower that rejoins unchanged still needs no rebalance, the leader still leads.
    let rejoin = w.join(&Join::consumer().id(&ids[1]));
    assert_eq!((w.joined(rejoin).leader, w.state().as_str()), (ids[0].clone(), "Stable"));
    w.pass(10_000);
    assert_eq!(w.heartbeat(&ids[0], 1), ErrorCode::UnknownMemberId);
}

#[test]
fn j15_a_rebalance_that_was_not_finished_is_forgotten() {
    let mut w = World::new();
    let ids = w.stable(1);
    let (newcomer, _) = w.enter(Join::consumer());
    let leader = w.join(&Join::consumer().id(&ids[0]));
    assert_eq!(w.joined(leader).generation_id, 2);
    w.crash();
    assert_eq!((w.heartbeat(&newcomer, 2), w.heartbeat(&ids[0], 2)), (ErrorCode::UnknownMemberId, ErrorCode::IllegalGeneration));
    assert_eq!(w.heartbeat(&ids[0], 1), ErrorCode::None);
}

#[test]
fn v11_reading_a_log_twice_gives_the_same_state() {
    let once = World::on(MemoryLog { items: kafka_log(), ..Default::default() }, GroupConfig::default());
    let mut items = kafka_log();
    items.extend(kafka_log());
    let twice = World::on(MemoryLog { items, ..Default::default() }, GroupConfig::default());
    assert!(!once.shard.machine().snapshot().is_empty());
    assert_eq!(once.shard.machine().snapshot(), twice.shard.machine().snapshot());
}

#[test]
fn z1_z2_z3_records_are_byte_for_byte_those_of_kafka() {
    let mut compared = 0;
    for item in kafka_log() {
        let LogItem::Record { key: Some(key), value, .. } = item else { continue };
        let Ok(record) = GroupRecord::decode(&key, value.as_ref()) else { continue };
        assert_eq!(record.encode().unwrap(), (key, value), "{record:?}");
        compared += 1;
    }
    assert_eq!(compared, 35);
}

#[test]
fn z6_z7_a_log_of_kafka_is_read_with_groups_of_every_protocol_that_is_served() {
    let mut w = World::on(MemoryLog { items: kafka_log(), ..Default::default() }, GroupConfig::default());
    let report = w.shard.load_report();
    // 15 of them are of share groups.
    assert_eq!((report.records, report.skipped), (35, 0));
    let group = w.describe("team-classic");
    assert_eq!((group.group_state.as_str(), group.protocol_type.as_str()), ("Stable", "consumer"));
    assert_eq!(group.members[0].group_instance_id.as_deref(), Some("inst-1"));
    assert!(group.members[0].member_id.starts_with("inst-1-"));

    let topics = vec![OffsetFetchRequestTopics { name: "orders".into(), topic_id: Uuid::default(), partition_indexes: vec![0] }];
    let group = OffsetFetchRequestGroup { group_id: "team-classic".into(), topics: Some(topics), ..Default::default() };
    let token = w.send(9, GroupRequest::OffsetFetch { group, require_stable: true });
    let kfk::machine::group::GroupAnswer::OffsetFetch(answer) = w.answer(token) else { panic!() };
    assert_eq!(answer.topics[0].partitions[0].committed_offset, 5);
}

#[test]
fn z6_rubbish_in_the_log_harms_no_one() {
    let mut w = World::new();
    w.commit(("", -1), 0, 5);
    let rubbish: [(&[u8], Option<&[u8]>); 5] =
        [(b"", None), (b"\0", None), (b"\0\x63x", Some(b"y")), (b"\0\x01\0\x01", Some(b"")), (b"\0\x02\0\x01g", Some(b"\0\x03\0"))];
    let now = w.now;
    for (key, value) in rubbish {
        let record = (Bytes::copy_from_slice(key), value.map(Bytes::copy_from_slice));
        w.shard.log_mut().write(now, Producer::NONE, &[record]);
    }
    w.crash();
    assert_eq!((w.fetch(0), w.shard.load_report().skipped, w.shard.load_report().first_skipped.len()), (5, 5, 5));
}

/// What the log says of a group may be odd; the living group must not be.
#[test]
fn z6_an_odd_group_record_is_lived_with() {
    let mut w = World::new();
    let ids = w.stable(2);
    let Some(GroupRecord::Group { key, value: Some(mut value) }) = w.shard.log().records(0).pop() else { panic!() };
    value.leader = Some("gone".into());
    let record = GroupRecord::Group { key, value: Some(value) }.encode().unwrap();
    let now = w.now;
    w.shard.log_mut().write(now, Producer::NONE, &[record]);
    w.crash();
    assert_eq!(w.state(), "Stable");
    let members = w.describe(GROUP).members.len();
    assert_eq!((members, w.heartbeat(&ids[1], 1)), (2, ErrorCode::None));
}
