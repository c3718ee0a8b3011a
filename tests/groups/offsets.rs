//! Offsets: facts X1 to X3, X6, X7, X9, T11, and the offset side of J14.

use kfk::machine::coordinator::Producer;
use kfk::machine::group::{GroupConfig, GroupEvent, GroupRecord, GroupRequest};
use kfk::types::{TopicPartition, Uuid};
use kfk::wire::ErrorCode;
use kfk::wire::offset_commit_key::OffsetCommitKey;
use kfk::wire::offset_commit_request::OffsetCommitRequest;
use kfk::wire::offset_commit_value::OffsetCommitValue;
use kfk::wire::offset_delete_request::{OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use kfk::wire::offset_fetch_request::OffsetFetchRequestGroup;

use crate::driver::{GATHER, GROUP, Join, START, World, commit_request};

const NO_MEMBER: (&str, i32) = ("", -1);
const HOUR: u64 = 3_600_000;
const WEEK: u64 = 7 * 24 * HOUR;
const CHECK: u64 = 600_000;

fn gone(w: &World, since: usize) -> Vec<TopicPartition> {
    let offset = |r: GroupRecord| match r {
        GroupRecord::Offset { key, value: None } => Some(TopicPartition::new(key.topic, key.partition)),
        _ => None,
    };
    w.shard.log().records(since).into_iter().filter_map(offset).collect()
}

#[test]
fn x1_metadata_that_is_too_long_fails_its_partition_only() {
    let mut w = World::new();
    let mut request = commit_request(NO_MEMBER, "t", 0, 5);
    let partitions = &mut request.topics[0].partitions;
    partitions.extend([partitions[0].clone(), partitions[0].clone()]);
    partitions[1].partition_index = 1;
    partitions[1].committed_metadata = Some("x".repeat(4_097));
    partitions[2].partition_index = 2;
    partitions[2].committed_metadata = Some("é".repeat(4_096)); // 8192 bytes, but 4096 as Java counts
    let codes = w.commit_as(9, request);
    assert_eq!(codes, [ErrorCode::None, ErrorCode::OffsetMetadataTooLarge, ErrorCode::None]);
    assert_eq!((w.fetch(0), w.fetch(1), w.fetch(2)), (5, -1, 5));
}

#[test]
fn x2_a_group_that_is_not_there() {
    let mut w = World::new();
    assert_eq!(w.commit_as(8, commit_request(("m", 0), "t", 0, 5)), [ErrorCode::IllegalGeneration]);
    assert_eq!(w.commit_as(9, commit_request(("m", 0), "t", 0, 5)), [ErrorCode::GroupIdNotFound]);
    assert_eq!(w.state(), "Dead");
    assert_eq!(w.commit(NO_MEMBER, 0, 5), ErrorCode::None);
    let group = w.describe(GROUP);
    assert_eq!((group.group_state.as_str(), group.protocol_type.as_str()), ("Empty", ""));
}

#[test]
fn x3_who_may_commit() {
    let mut w = World::new();
    let joining = w.join(&Join::consumer().instance("i"));
    assert_eq!(w.commit(NO_MEMBER, 0, 1), ErrorCode::UnknownMemberId, "not while there are members");
    w.pass(3_000);
    let id = w.joined(joining).member_id;
    assert_eq!(w.commit((&id, 1), 0, 2), ErrorCode::RebalanceInProgress, "completing");
    w.assign(std::slice::from_ref(&id), 1);
    assert_eq!(w.commit((&id, 1), 0, 3), ErrorCode::None, "stable");
    assert_eq!(w.commit((&id, 0), 0, 4), ErrorCode::IllegalGeneration);
    assert_eq!(w.commit((&id, -1), 0, 4), ErrorCode::IllegalGeneration);
    assert_eq!(w.commit(("m", 1), 0, 4), ErrorCode::UnknownMemberId);
    let as_instance = |member: &str, instance: &str| OffsetCommitRequest {
        group_instance_id: Some(instance.into()),
        ..commit_request((member, 1), "t", 0, 5)
    };
    assert_eq!(w.commit_as(9, as_instance(&id, "i")), [ErrorCode::None]);
    assert_eq!(w.commit_as(9, as_instance("m", "i")), [ErrorCode::FencedInstanceId]);
    assert_eq!(w.commit_as(9, as_instance(&id, "j")), [ErrorCode::UnknownMemberId]);
    assert_eq!(w.fetch(0), 5);
    let (other, _) = w.enter(Join::consumer());
    assert_eq!((w.state().as_str(), w.commit((&id, 1), 0, 6)), ("PreparingRebalance", ErrorCode::None));
    w.leave(3, &[(&id, None), (&other, None)]);
    assert_eq!((w.state().as_str(), w.commit(NO_MEMBER, 0, 7)), ("Empty", ErrorCode::None));
}

#[test]
fn x3_a_commit_keeps_its_member_alive() {
    let mut w = World::new();
    let ids = w.stable(1);
    for offset in 0..5 {
        w.pass(9_999);
        assert_eq!(w.commit((&ids[0], 1), 0, offset), ErrorCode::None);
    }
    w.pass(10_000);
    assert_eq!(w.commit((&ids[0], 1), 0, 9), ErrorCode::UnknownMemberId);
}

#[test]
fn x6_an_offset_need_not_exist_nor_grow() {
    let mut w = World::new();
    for offset in [7, i64::MAX, 3, 0] {
        assert_eq!(w.commit(NO_MEMBER, 0, offset), ErrorCode::None);
        assert_eq!(w.fetch(0), offset);
    }
}

#[test]
fn x7_unknown_groups_and_partitions_have_offset_minus_one_and_no_error() {
    let mut w = World::new();
    assert_eq!(w.fetch(0), -1);
    w.commit(NO_MEMBER, 0, 5);
    let unknown = w.fetch_as("t", Uuid::default(), 1, true);
    assert_eq!((unknown.committed_offset, unknown.committed_leader_epoch, unknown.error_code), (-1, -1, 0));
    assert_eq!(unknown.metadata.as_deref(), Some(""));
}

#[test]
fn x7_all_partitions_of_a_group() {
    let mut w = World::new();
    for (topic, partition) in [("b", 1), ("a", 0), ("b", 0)] {
        w.commit_as(9, commit_request(NO_MEMBER, topic, partition, 5));
    }
    let group = OffsetFetchRequestGroup { group_id: GROUP.into(), topics: None, ..Default::default() };
    let token = w.send(9, GroupRequest::OffsetFetch { group, require_stable: false });
    let kfk::machine::group::GroupAnswer::OffsetFetch(answer) = w.answer(token) else { panic!() };
    let all: Vec<_> = answer.topics.iter().map(|t| (t.name.as_str(), t.partitions.iter().map(|p| p.partition_index).collect())).collect();
    assert_eq!(all, [("a", vec![0]), ("b", vec![0, 1])]);
}

#[test]
fn x7_an_offset_of_a_former_topic_of_the_name_is_not_seen() {
    let mut w = World::new();
    let (old, new) = (Uuid([1; 16]), Uuid([2; 16]));
    let mut request = commit_request(NO_MEMBER, "t", 0, 5);
    request.topics[0].topic_id = old;
    w.commit_as(10, request);
    let mut fetch = |id: Uuid| w.fetch_as("t", id, 0, false).committed_offset;
    assert_eq!((fetch(old), fetch(new), fetch(Uuid::default())), (5, -1, 5));
}

/// A log with a transactional commit of offset 20 by producer 7 between plain commits of 10 and, if `later`, 30.
fn with_transaction(later: bool, end: Option<bool>) -> World {
    let mut w = World::new();
    w.commit(NO_MEMBER, 0, 10);
    let key = OffsetCommitKey { group: GROUP.into(), topic: "t".into(), partition: 0 };
    let value = OffsetCommitValue { offset: 20, commit_timestamp: START, ..Default::default() };
    let record = GroupRecord::Offset { key, value: Some(value) }.encode().unwrap();
    let now = w.now;
    w.shard.log_mut().write(now, Producer { id: 7, epoch: 0 }, &[record]);
    w.crash();
    if later {
        w.commit(NO_MEMBER, 0, 30);
    }
    if let Some(committed) = end {
        w.end_transaction(7, committed);
        w.crash();
    }
    w
}

#[test]
fn x7_x8_a_pending_transactional_offset_is_unstable_and_not_seen() {
    let mut w = with_transaction(false, None);
    assert_eq!(w.fetch(0), 10);
    let unstable = w.fetch_as("t", Uuid::default(), 0, true);
    assert_eq!((unstable.error_code, unstable.committed_offset), (ErrorCode::UnstableOffsetCommit.code(), -1));
}

#[test]
fn x8_z7_a_transaction_decides_when_its_marker_is_read() {
    assert_eq!(with_transaction(false, Some(true)).fetch(0), 20);
    assert_eq!(with_transaction(false, Some(false)).fetch(0), 10);
    // A plain commit that came later stays, whatever becomes of the transaction.
    assert_eq!(with_transaction(true, Some(true)).fetch(0), 30);
    assert_eq!(with_transaction(true, Some(false)).fetch(0), 30);
}

#[test]
fn x9_offsets_of_a_simple_group_expire_from_their_commit() {
    let mut w = World::new();
    w.commit(NO_MEMBER, 0, 1);
    w.pass(HOUR);
    w.commit(NO_MEMBER, 1, 2);
    w.pass(WEEK - HOUR - 1_000);
    assert_eq!((w.fetch(0), w.fetch(1)), (1, 2));
    w.pass(CHECK);
    assert_eq!((w.fetch(0), w.fetch(1)), (-1, 2));
    w.pass(HOUR + CHECK);
    assert_eq!(w.state(), "Dead");
}

#[test]
fn x9_offsets_of_a_group_count_from_when_it_became_empty() {
    let mut w = World::new();
    let ids = w.stable(1);
    w.commit((&ids[0], 1), 0, 1);
    // Kept alive for longer than the retention; nothing expires, as the group subscribes to the topic.
    w.shard.machine_mut().configure(GroupConfig { offsets_retention_ms: 60_000, ..GroupConfig::default() });
    for _ in 0..=CHECK / 9_000 {
        w.pass(9_000);
        assert_eq!(w.heartbeat(&ids[0], 1), ErrorCode::None);
    }
    assert_eq!(w.fetch(0), 1);
    w.shard.machine_mut().configure(GroupConfig::default());
    w.leave(3, &[(&ids[0], None)]);
    w.pass(WEEK - 1_000);
    assert_eq!(w.fetch(0), 1);
    let since = w.shard.log().items.len();
    w.pass(CHECK);
    assert_eq!(w.fetch(0), -1);
    // A group with nothing left gets a tombstone, and after a restart there is no trace of it.
    assert!(matches!(&w.shard.log().records(since)[..], [_, GroupRecord::Group { value: None, .. }]));
    assert_eq!(w.state(), "Dead");
    w.crash();
    assert!(w.shard.machine().snapshot().is_empty());
}

#[test]
fn x9_a_stable_group_loses_offsets_of_topics_it_left() {
    let mut w =
        World::with_config(GroupConfig { offsets_retention_ms: 20_000, offsets_retention_check_interval_ms: 5_000, ..Default::default() });
    let ids = w.stable(1);
    for topic in ["t", "left"] {
        w.commit_as(9, commit_request((&ids[0], 1), topic, 0, 5));
    }
    for _ in 0..10 {
        w.heartbeat(&ids[0], 1);
        w.pass(4_000);
    }
    assert_eq!(gone(&w, 0), [TopicPartition::new("left", 0)]);
    assert_eq!(w.fetch(0), 5);
}

#[test]
fn x9_nothing_expires_that_a_transaction_may_still_change() {
    let mut w = with_transaction(false, None);
    w.pass(WEEK + CHECK);
    assert_eq!(w.fetch(0), 10);
    w.end_transaction(7, false);
    w.crash();
    w.pass(CHECK);
    assert_eq!(w.state(), "Dead");
}

#[test]
fn x9_an_expiry_time_of_its_own_counts_before_retention() {
    let mut w = World::new();
    let request = OffsetCommitRequest { retention_time_ms: HOUR as i64, ..commit_request(NO_MEMBER, "t", 0, 5) };
    w.commit_as(4, request);
    w.crash();
    w.pass(HOUR - 1);
    assert_eq!(w.fetch(0), 5);
    w.pass(CHECK);
    assert_eq!(w.fetch(0), -1);
}

#[test]
fn t11_offsets_of_a_deleted_topic_go() {
    let mut w = World::new();
    let (old, new) = (Uuid([1; 16]), Uuid([2; 16]));
    for (topic, id, partition) in [("t", old, 0), ("t", old, 1), ("t", new, 2), ("u", old, 0)] {
        let mut request = commit_request(NO_MEMBER, topic, partition, 5);
        request.topics[0].topic_id = id;
        w.commit_as(10, request);
    }
    assert_eq!(w.shard.machine().topics_with_offsets().len(), 3);
    let since = w.shard.log().items.len();
    w.event(GroupEvent::TopicsDeleted(vec![("t".into(), old)]));
    assert_eq!(gone(&w, since), [TopicPartition::new("t", 0), TopicPartition::new("t", 1)]);
    assert_eq!((w.fetch(0), w.fetch(1), w.fetch(2)), (-1, -1, 5));
}

#[test]
fn t11_a_removal_that_cannot_be_written_is_tried_again() {
    let mut w = World::new();
    w.commit(NO_MEMBER, 0, 5);
    w.shard.log_mut().fail_next = Some(kfk::node::shard::AppendError::Refused(ErrorCode::NotEnoughReplicas));
    w.event(GroupEvent::TopicsDeleted(vec![("t".into(), Uuid([1; 16]))]));
    assert_eq!(w.fetch(0), 5);
    w.pass(CHECK);
    assert_eq!(w.fetch(0), -1);
}

fn delete_offsets(w: &mut World, topics: &[(&str, &[i32])]) -> (ErrorCode, Vec<ErrorCode>) {
    let topic = |(name, partitions): &(&str, &[i32])| OffsetDeleteRequestTopic {
        name: name.to_string(),
        partitions: partitions.iter().map(|p| OffsetDeleteRequestPartition { partition_index: *p }).collect(),
    };
    let request = OffsetDeleteRequest { group_id: GROUP.into(), topics: topics.iter().map(topic).collect() };
    let token = w.send(0, GroupRequest::OffsetDelete(request));
    let kfk::machine::group::GroupAnswer::OffsetDelete(answer) = w.answer(token) else { panic!() };
    let codes = answer.topics.iter().flat_map(|t| &t.partitions).map(|p| ErrorCode::from_code(p.error_code)).collect();
    (ErrorCode::from_code(answer.error_code), codes)
}

#[test]
fn j14_offset_delete() {
    let mut w = World::new();
    assert_eq!(delete_offsets(&mut w, &[("t", &[0])]).0, ErrorCode::GroupIdNotFound);
    let ids = w.stable(1);
    for topic in ["t", "u"] {
        w.commit_as(9, commit_request((&ids[0], 1), topic, 0, 5));
    }
    let since = w.shard.log().items.len();
    let (error, codes) = delete_offsets(&mut w, &[("t", &[0]), ("u", &[0, 1])]);
    assert_eq!((error, codes), (ErrorCode::None, vec![ErrorCode::GroupSubscribedToTopic, ErrorCode::None, ErrorCode::None]));
    assert_eq!(gone(&w, since), [TopicPartition::new("u", 0)], "only what is there gets a tombstone");
    w.leave(3, &[(&ids[0], None)]);
    assert_eq!(delete_offsets(&mut w, &[("t", &[0])]).1, [ErrorCode::None]);
    assert_eq!(w.fetch(0), -1);
}

#[test]
fn j14_offset_delete_of_a_living_group_that_are_no_consumers() {
    let mut w = World::new();
    let token = w.join(&Join::consumer().protocol_type("connect").version(3));
    assert_eq!(delete_offsets(&mut w, &[("t", &[0])]).0, ErrorCode::NonEmptyGroup);
    w.pass(GATHER);
    w.joined(token);
}
