//! Offsets of consumer groups, and what administrators may do to such groups: facts X4, X7, X9, J13, J14.

use kfk::machine::group::{GroupAnswer, GroupRequest};
use kfk::types::Uuid;
use kfk::wire::ErrorCode;
use kfk::wire::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest;
use kfk::wire::list_groups_request::ListGroupsRequest;
use kfk::wire::offset_commit_request::OffsetCommitRequest;
use kfk::wire::offset_delete_request::{OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use kfk::wire::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};

use crate::consumer_driver::{Client, names};
use crate::driver::{GROUP, Join, World, commit_request};

fn world() -> World {
    let mut w = World::new();
    w.topics(&[("t", 4), ("u", 1)]);
    w
}

fn commit(w: &mut World, member: (&str, i32), partition: i32) -> ErrorCode {
    commit_in(w, 9, member, "t", partition)
}

fn commit_in(w: &mut World, version: i16, member: (&str, i32), topic: &str, partition: i32) -> ErrorCode {
    let mut request: OffsetCommitRequest = commit_request(member, topic, partition, 7);
    request.topics[0].topic_id = w.cluster.topics.get(topic).map_or(Uuid::default(), |t| t.id);
    w.commit_as(version, request)[0]
}

#[test]
fn x4_the_present_epoch_may_commit_for_anything_an_older_one_for_what_it_has_had_since() {
    let mut w = world();
    let mut clients = [Client::new("a", &["t"]), Client::new("b", &["t"])];
    w.settle(&mut clients[..1]);
    let before = clients[0].epoch;
    assert_eq!(commit(&mut w, ("a", before), 0), ErrorCode::None);
    assert_eq!(commit(&mut w, ("a", before + 1), 0), ErrorCode::StaleMemberEpoch);
    w.settle(&mut clients);
    assert_eq!(commit(&mut w, ("a", clients[0].epoch), 0), ErrorCode::None, "of its epoch it may say anything");
    for partition in 0..4 {
        let kept = clients[0].owned.contains(&format!("t-{partition}"));
        let expected = if kept { ErrorCode::None } else { ErrorCode::StaleMemberEpoch };
        assert_eq!(commit(&mut w, ("a", before), partition), expected);
        // The other one has everything since its present epoch only.
        assert_eq!(commit(&mut w, ("b", clients[1].epoch - 1), partition), ErrorCode::StaleMemberEpoch);
    }
    assert_eq!(commit(&mut w, ("stranger", before), 0), ErrorCode::UnknownMemberId);
    assert_eq!(commit(&mut w, ("", -1), 0), ErrorCode::UnknownMemberId, "not while it has members");
    assert_eq!(commit_in(&mut w, 8, ("a", clients[0].epoch), "t", 0), ErrorCode::UnsupportedVersion);
}

#[test]
fn x4_what_a_member_has_still_to_give_up_it_may_commit_for() {
    let mut w = world();
    let (mut a, mut b) = (Client::new("a", &["t"]), Client::new("b", &["t"]));
    w.beat(&mut a);
    w.pass(1_000);
    w.beat(&mut b);
    let request = a.full(&w);
    w.beat_as(1, request);
    for partition in 0..4 {
        assert_eq!(commit(&mut w, ("a", 2), partition), ErrorCode::None);
    }
}

#[test]
fn x4_classic_members_hear_what_classic_members_understand() {
    let mut w = world();
    w.beat(&mut Client::new("a", &["t"]));
    w.pass(1_000);
    let id = w.member_id(&Join::consumer());
    let token = w.join(&Join::consumer().id(&id));
    let generation = w.joined(token).generation_id;
    assert_eq!(commit_in(&mut w, 5, (&id, generation), "t", 0), ErrorCode::None);
    assert_eq!(commit(&mut w, (&id, generation + 1), 0), ErrorCode::IllegalGeneration);
    assert_eq!(commit(&mut w, (&id, generation - 1), 0), ErrorCode::IllegalGeneration);
}

#[test]
fn x4_an_empty_consumer_group_takes_commits_of_administrators() {
    let mut w = world();
    let mut a = Client::new("a", &["t"]);
    w.beat(&mut a);
    w.leave_consumer(&a, -1);
    assert_eq!(commit(&mut w, ("", -1), 0), ErrorCode::None);
    assert_eq!(commit(&mut w, ("a", 2), 0), ErrorCode::UnknownMemberId);
    assert_eq!(w.fetch(0), 7);
}

#[test]
fn x7_who_says_who_he_is_must_be_that_when_he_fetches() {
    let mut w = world();
    let mut a = Client::new("a", &["t"]);
    w.beat(&mut a);
    commit(&mut w, ("a", 2), 0);
    let mut fetch = |member: Option<&str>, epoch: i32, all: bool| {
        let topic = OffsetFetchRequestTopics { name: "t".into(), partition_indexes: vec![0], ..Default::default() };
        let group = OffsetFetchRequestGroup {
            group_id: GROUP.into(),
            member_id: member.map(str::to_string),
            member_epoch: epoch,
            topics: (!all).then(|| vec![topic]),
        };
        let token = w.send(9, GroupRequest::OffsetFetch { group, require_stable: false });
        let GroupAnswer::OffsetFetch(answer) = w.answer(token) else { panic!() };
        let offset = answer.topics.first().map(|t| t.partitions[0].committed_offset);
        (ErrorCode::from_code(answer.error_code), offset)
    };
    for all in [false, true] {
        assert_eq!(fetch(None, -1, all), (ErrorCode::None, Some(7)));
        assert_eq!(fetch(Some("a"), 2, all), (ErrorCode::None, Some(7)));
        assert_eq!(fetch(Some("a"), 1, all), (ErrorCode::StaleMemberEpoch, None));
        assert_eq!(fetch(Some("a"), 3, all), (ErrorCode::StaleMemberEpoch, None));
        assert_eq!(fetch(Some("b"), 2, all), (ErrorCode::UnknownMemberId, None));
    }
}

#[test]
fn x9_offsets_expire_from_their_commit_where_no_one_subscribes() {
    let mut w = world();
    let mut a = Client::new("a", &["t"]);
    w.beat(&mut a);
    commit(&mut w, ("a", 2), 0);
    commit_in(&mut w, 9, ("a", 2), "u", 0);
    let week = 7 * 24 * 60;
    for _ in 0..=week + 15 {
        w.pass(60_000 / 2);
        w.beat_as(1, a.brief());
        w.pass(60_000 / 2);
        w.beat_as(1, a.brief());
    }
    let of = |w: &mut World, topic: &str| w.fetch_as(topic, Uuid::default(), 0, false).committed_offset;
    assert_eq!((of(&mut w, "t"), of(&mut w, "u")), (7, -1));
    // Without members, the rest, and then the group itself.
    w.leave_consumer(&a, -1);
    w.pass(600_000);
    assert_eq!(w.described().error_code, ErrorCode::GroupIdNotFound.code());
    assert_eq!(of(&mut w, "t"), -1);
    w.crash();
    assert!(w.shard.machine().snapshot().is_empty());
}

#[test]
fn j14_offsets_of_topics_that_members_subscribe_to_are_not_deleted() {
    let mut w = world();
    let mut a = Client::new("a", &[]).regex("t");
    w.settle(std::slice::from_mut(&mut a));
    commit(&mut w, ("a", a.epoch), 0);
    commit_in(&mut w, 9, ("a", a.epoch), "u", 0);
    let topic =
        |name: &str| OffsetDeleteRequestTopic { name: name.into(), partitions: vec![OffsetDeleteRequestPartition { partition_index: 0 }] };
    let request = OffsetDeleteRequest { group_id: GROUP.into(), topics: vec![topic("t"), topic("u")] };
    let token = w.send(0, GroupRequest::OffsetDelete(request));
    let GroupAnswer::OffsetDelete(answer) = w.answer(token) else { panic!() };
    let codes: Vec<i16> = answer.topics.iter().map(|t| t.partitions[0].error_code).collect();
    assert_eq!((answer.error_code, codes), (0, vec![ErrorCode::GroupSubscribedToTopic.code(), 0]));
    assert_eq!((w.fetch(0), w.fetch_as("u", Uuid::default(), 0, false).committed_offset), (7, -1));
}

#[test]
fn j13_j14_consumer_groups_are_listed_and_deleted() {
    let mut w = world();
    let mut a = Client::new("a", &["t"]);
    w.beat(&mut a);
    commit(&mut w, ("a", 2), 0);
    let mut list = |states: &[&str], types: &[&str]| {
        let strings = |list: &[&str]| list.iter().map(|s| s.to_string()).collect();
        let request = ListGroupsRequest { states_filter: strings(states), types_filter: strings(types) };
        let token = w.send(5, GroupRequest::ListGroups(request));
        let GroupAnswer::ListGroups(answer) = w.answer(token) else { panic!() };
        answer.groups
    };
    let group = list(&[], &[]).remove(0);
    assert_eq!((group.group_state.as_str(), group.group_type.as_str(), group.protocol_type.as_str()), ("Stable", "consumer", "consumer"));
    assert_eq!((list(&["stable"], &["Consumer"]).len(), list(&["Empty"], &[]).len(), list(&[], &["classic"]).len()), (1, 0, 0));

    assert_eq!(w.delete(GROUP), ErrorCode::NonEmptyGroup);
    w.leave_consumer(&a, -1);
    assert_eq!(w.delete(GROUP), ErrorCode::None);
    assert_eq!(w.delete(GROUP), ErrorCode::GroupIdNotFound);
    w.crash();
    assert!(w.shard.machine().snapshot().is_empty());
    // And it may come again.
    w.beat(&mut Client::new("b", &["t"]));
    assert_eq!(w.described().group_epoch, 2);
}

#[test]
fn t11_offsets_of_deleted_topics_go_members_or_not() {
    let mut w = world();
    let mut a = Client::new("a", &["t"]);
    w.beat(&mut a);
    commit(&mut w, ("a", 2), 0);
    let id = w.cluster.id("t");
    w.event(kfk::machine::group::GroupEvent::TopicsDeleted(vec![("t".into(), id)]));
    assert_eq!(w.fetch(0), -1);
}

/// A member may leave while its partitions are on their way to others.
#[test]
fn v8_partitions_of_a_member_that_left_are_free_at_once() {
    let mut w = world();
    let mut clients = [Client::new("a", &["t"]), Client::new("b", &["t"])];
    w.settle(&mut clients);
    let goodbye = ConsumerGroupHeartbeatRequest { member_epoch: -1, ..clients[0].brief() };
    assert_eq!(w.beat_code(goodbye), ErrorCode::None);
    w.pass(1_000);
    w.beat(&mut clients[1]);
    assert_eq!(clients[1].owned, names(&["t-0", "t-1", "t-2", "t-3"]));
}
