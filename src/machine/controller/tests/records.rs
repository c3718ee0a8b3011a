use super::*;
use crate::wire::client_quota_record::{ClientQuotaRecord, EntityData};
use crate::wire::config_record::ConfigRecord;
use crate::wire::no_op_record::NoOpRecord;
use crate::wire::partition_change_record::PartitionChangeRecord;
use crate::wire::partition_record::PartitionRecord;
use crate::wire::register_controller_record::RegisterControllerRecord;
use crate::wire::user_scram_credential_record::UserScramCredentialRecord;

use super::super::features::MetadataVersion;
use super::super::{ApplyError, RecordError};

fn busy_world() -> World {
    let mut world = World::brokers(3);
    for i in 0..20 {
        world.topic(&format!("topic.{i}"), 3, 3);
    }
    world.heartbeat(2, true, false);
    let config = |name: &str, value: Option<&str>| {
        ConfigRecord { resource_type: 2, resource_name: "topic.1".into(), name: name.into(), value: value.map(str::to_string) }.into()
    };
    let quota = |value: f64, remove: bool| -> MetadataRecord {
        let entity = vec![EntityData { entity_type: "user".into(), entity_name: None }];
        ClientQuotaRecord { entity, key: "producer_byte_rate".into(), value, remove }.into()
    };
    world.apply(vec![
        config("a", Some("1")),
        config("b", Some("2")),
        config("a", None),
        quota(1.5, false),
        UserScramCredentialRecord { name: "alice".into(), mechanism: 1, iterations: 4096, ..Default::default() }.into(),
        RegisterControllerRecord { controller_id: 1, ..Default::default() }.into(),
        NoOpRecord {}.into(),
    ]);
    world
}

fn rebuilt<'a>(records: impl Iterator<Item = &'a MetadataRecord>) -> ClusterState {
    let mut state = ClusterState::new();
    for (offset, record) in (0..).zip(records) {
        state.apply(record, offset, &mut Vec::new()).unwrap();
    }
    state
}

#[test]
fn v11_replaying_the_log_twice_gives_the_same_state() {
    let world = busy_world();
    let once = rebuilt(world.log.iter());
    assert_eq!(&once, world.controller.state());
    assert_eq!(once, rebuilt(world.log.iter()));
}

#[test]
fn q4_a_snapshot_holds_everything_the_log_said() {
    let world = busy_world();
    let snapshot: Vec<MetadataRecord> = world.controller.state().records().collect();
    assert!(matches!(&snapshot[0], MetadataRecord::FeatureLevel(f) if f.name == "metadata.version"));
    let state = rebuilt(snapshot.iter());
    assert_eq!(state.records().collect::<Vec<_>>(), snapshot);
    assert_eq!(state.topics().cloned().collect::<Vec<_>>(), world.controller.state().topics().cloned().collect::<Vec<_>>());
    assert_eq!(state.kept(), world.controller.state().kept());
    state.check().unwrap();
}

#[test]
fn records_survive_their_frame() {
    for record in busy_world().log {
        let bytes = record.encode(MetadataVersion::LATEST).unwrap();
        assert_eq!(MetadataRecord::decode(&bytes).unwrap(), record);
    }
}

#[test]
fn a_record_wears_kafkas_frame() {
    let record: MetadataRecord = NoOpRecord {}.into();
    assert_eq!(record.encode(MetadataVersion::LATEST).unwrap().as_ref(), [1, 20, 0, 0]);
    let partition: MetadataRecord = PartitionRecord { replicas: vec![1], isr: vec![1], ..Default::default() }.into();
    let versions = [(7, 0), (17, 1), (22, 1), (23, 2), (30, 2)];
    for (level, version) in versions {
        // Directories do not exist before version 1; an empty list is written by none.
        assert_eq!(partition.encode(MetadataVersion(level)).unwrap()[..3], [1, 3, version]);
    }
}

#[test]
fn bytes_that_are_no_record_are_told_apart() {
    let decode = |bytes: &'static [u8]| MetadataRecord::decode(&bytes::Bytes::from_static(bytes)).unwrap_err();
    assert!(matches!(decode(&[2, 20, 0, 0]), RecordError::Frame(2)));
    assert!(matches!(decode(&[1, 99, 0, 0]), RecordError::Kind(99)));
    assert!(matches!(decode(&[1, 20, 5, 0]), RecordError::Version { version: 5, .. }));
    assert!(matches!(decode(&[1, 20, 0, 0, 0]), RecordError::LeftOver(1)));
    assert!(matches!(decode(&[1, 2, 0, 200]), RecordError::Decode(_)));
    assert!(matches!(decode(&[]), RecordError::Decode(_)));
}

#[test]
fn records_that_contradict_the_log_are_errors_and_change_nothing() {
    let mut world = World::one_node();
    world.topic("t", 1, 1);
    let id = world.controller.state().topic_id("t").unwrap();
    let mut state = world.controller.state().clone();
    let before = state.clone();
    let mut apply = |record: MetadataRecord| state.apply(&record, 100, &mut Vec::new()).unwrap_err();
    let ghost = PartitionRecord { topic_id: Uuid([7; 16]), ..Default::default() };
    assert!(matches!(apply(ghost.into()), ApplyError::UnknownTopicId { .. }));
    let gap = PartitionChangeRecord { topic_id: id, partition_id: 9, ..Default::default() };
    assert!(matches!(apply(gap.into()), ApplyError::UnknownPartition { partition: 9, .. }));
    let twice = crate::wire::topic_record::TopicRecord { name: "t".into(), topic_id: Uuid([8; 16]) };
    assert!(matches!(apply(twice.into()), ApplyError::DuplicateTopic { .. }));
    let state_of_3 = PartitionChangeRecord { topic_id: id, partition_id: 0, leader_recovery_state: 3, ..Default::default() };
    assert!(matches!(apply(state_of_3.into()), ApplyError::BadValue { value: 3, .. }));
    assert_eq!(state, before);
}

#[test]
fn a_reader_keeps_what_it_holds_while_the_state_moves_on() {
    let mut world = World::one_node();
    world.topic("a", 2, 1);
    let held = world.controller.state().clone();
    world.topic("b", 1, 1);
    assert!(held.topic("b").is_none());
    let (old, new) = (held.topic("a").unwrap(), world.controller.state().topic("a").unwrap());
    assert!(std::sync::Arc::ptr_eq(old, new), "an untouched topic is shared, not copied");
}
