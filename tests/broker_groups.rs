//! The wiring of group coordinators: requests of a connection, answers that wait, restarts, deleted topics (facts J, X, T11).

mod common;
#[path = "broker_groups/consumer.rs"]
mod consumer;
#[path = "broker_groups/share.rs"]
mod share;

use std::time::Duration;

use bytes::Bytes;
use common::records::*;
use common::{Client, TestBroker};
use kfk::wire::delete_groups_request::DeleteGroupsRequest;
use kfk::wire::delete_topics_request::DeleteTopicsRequest;
use kfk::wire::describe_groups_request::DescribeGroupsRequest;
use kfk::wire::find_coordinator_request::FindCoordinatorRequest;
use kfk::wire::heartbeat_request::HeartbeatRequest;
use kfk::wire::join_group_request::{JoinGroupRequest, JoinGroupRequestProtocol};
use kfk::wire::join_group_response::JoinGroupResponse;
use kfk::wire::leave_group_request::{LeaveGroupRequest, MemberIdentity};
use kfk::wire::list_groups_request::ListGroupsRequest;
use kfk::wire::offset_commit_request::{OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kfk::wire::offset_delete_request::{OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use kfk::wire::offset_fetch_request::{OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics};
use kfk::wire::sync_group_request::{SyncGroupRequest, SyncGroupRequestAssignment};
use kfk::wire::{ErrorCode, Uuid};

fn with_offsets_topic() -> (TestBroker, Client) {
    let broker = TestBroker::start(&[("offsets.topic.num.partitions", "4")]);
    let mut client = broker.connect();
    client.call(4, &FindCoordinatorRequest { coordinator_keys: vec!["g".into()], ..Default::default() });
    (broker, client)
}

fn join_request(group: &str, member_id: &str) -> JoinGroupRequest {
    JoinGroupRequest {
        group_id: group.into(),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 10_000,
        member_id: member_id.into(),
        protocol_type: "consumer".into(),
        protocols: vec![JoinGroupRequestProtocol { name: "range".into(), metadata: Bytes::from_static(b"m") }],
        ..Default::default()
    }
}

/// Joins an empty group as a new member and gives the answer of the second attempt.
fn join(client: &mut Client, group: &str) -> JoinGroupResponse {
    let first = client.call(9, &join_request(group, ""));
    assert_eq!(first.error_code, ErrorCode::MemberIdRequired.code());
    let joined = client.call(9, &join_request(group, &first.member_id));
    assert_eq!(joined.error_code, 0);
    joined
}

fn sync_request(group: &str, joined: &JoinGroupResponse, assignments: &[(&str, &'static [u8])]) -> SyncGroupRequest {
    SyncGroupRequest {
        group_id: group.into(),
        generation_id: joined.generation_id,
        member_id: joined.member_id.clone(),
        protocol_type: Some("consumer".into()),
        protocol_name: Some("range".into()),
        assignments: assignments
            .iter()
            .map(|(m, a)| SyncGroupRequestAssignment { member_id: m.to_string(), assignment: Bytes::from_static(a) })
            .collect(),
        ..Default::default()
    }
}

fn commit_request(group: &str, topic: &str, partition: i32, offset: i64) -> OffsetCommitRequest {
    let partition = OffsetCommitRequestPartition { partition_index: partition, committed_offset: offset, ..Default::default() };
    let topics = vec![OffsetCommitRequestTopic { name: topic.into(), partitions: vec![partition], ..Default::default() }];
    OffsetCommitRequest { group_id: group.into(), topics, ..Default::default() }
}

fn committed(client: &mut Client, group: &str, topic: &str, partition: i32) -> i64 {
    let topics = Some(vec![OffsetFetchRequestTopic { name: topic.into(), partition_indexes: vec![partition] }]);
    let response = client.call(7, &OffsetFetchRequest { group_id: group.into(), topics, ..Default::default() });
    assert_eq!(response.error_code, 0);
    response.topics[0].partitions[0].committed_offset
}

#[test]
fn t13_without_an_offsets_topic_there_is_no_coordinator() {
    let broker = TestBroker::start(&[]);
    let mut client = broker.connect();
    assert_eq!(client.call(9, &join_request("g", "")).error_code, ErrorCode::NotCoordinator.code());
    assert_eq!(client.call(5, &ListGroupsRequest::default()).groups.len(), 0);
}

#[test]
fn j3_j5_j7_j9_a_member_joins_syncs_beats_and_leaves() {
    let (_broker, mut client) = with_offsets_topic();
    let joined = join(&mut client, "g");
    assert_eq!((joined.generation_id, joined.leader.as_str()), (1, joined.member_id.as_str()));
    let synced = client.call(5, &sync_request("g", &joined, &[(&joined.member_id, b"mine")]));
    assert_eq!((synced.error_code, &synced.assignment[..]), (0, &b"mine"[..]));
    let beat =
        |generation_id| HeartbeatRequest { group_id: "g".into(), generation_id, member_id: joined.member_id.clone(), ..Default::default() };
    assert_eq!(client.call(4, &beat(1)).error_code, 0);
    assert_eq!(client.call(4, &beat(7)).error_code, ErrorCode::IllegalGeneration.code());
    let described = client.call(6, &DescribeGroupsRequest { groups: vec!["g".into(), "nope".into()], ..Default::default() });
    assert_eq!((described.groups[0].group_state.as_str(), described.groups[0].members.len()), ("Stable", 1));
    assert_eq!(described.groups[0].members[0].client_host, "/127.0.0.1");
    assert_eq!(described.groups[0].members[0].client_id, "test");
    assert_eq!(described.groups[1].error_code, ErrorCode::GroupIdNotFound.code());
    let members = vec![MemberIdentity { member_id: joined.member_id.clone(), ..Default::default() }];
    assert_eq!(client.call(5, &LeaveGroupRequest { group_id: "g".into(), members, ..Default::default() }).members[0].error_code, 0);
    assert_eq!(client.call(4, &beat(1)).error_code, ErrorCode::UnknownMemberId.code());
}

#[test]
fn j4_a_second_member_waits_until_the_first_has_joined_again() {
    let (broker, mut one) = with_offsets_topic();
    let first = join(&mut one, "g");
    one.call(5, &sync_request("g", &first, &[(&first.member_id, b"all")]));
    let mut two = broker.connect();
    let id = two.call(9, &join_request("g", "")).member_id;
    two.send(9, &join_request("g", &id));
    std::thread::sleep(Duration::from_millis(50));
    let beat = HeartbeatRequest { group_id: "g".into(), generation_id: 1, member_id: first.member_id.clone(), ..Default::default() };
    assert_eq!(one.call(4, &beat).error_code, ErrorCode::RebalanceInProgress.code());
    let again = one.call(9, &join_request("g", &first.member_id));
    let (_, joined) = two.receive::<JoinGroupRequest>(9);
    assert_eq!((again.generation_id, joined.generation_id, again.members.len(), joined.members.len()), (2, 2, 2, 0));
    // The follower's sync waits for the leader's.
    two.send(5, &sync_request("g", &joined, &[]));
    one.call(5, &sync_request("g", &again, &[(&first.member_id, b"a"), (&id, b"b")]));
    let (_, synced) = two.receive::<SyncGroupRequest>(5);
    assert_eq!((synced.error_code, &synced.assignment[..]), (0, &b"b"[..]));
}

#[test]
fn x1_x2_x7_offsets_are_committed_and_fetched_by_name_and_by_id() {
    let (_broker, mut client) = with_offsets_topic();
    let id = create(&mut client, "t", 2, &[]);
    for version in 2..=9 {
        let offset = 100 + i64::from(version);
        let response = client.call(version, &commit_request("g", "t", 1, offset));
        assert_eq!(response.topics[0].partitions[0].error_code, 0, "version {version}");
        assert_eq!(committed(&mut client, "g", "t", 1), offset);
    }
    assert_eq!(committed(&mut client, "g", "t", 0), -1);
    assert_eq!(committed(&mut client, "nope", "t", 1), -1);
    let unknown = client.call(9, &commit_request("g", "nope", 0, 1));
    assert_eq!(unknown.topics[0].partitions[0].error_code, ErrorCode::UnknownTopicOrPartition.code());
    let mut both = commit_request("g", "t", 0, 7);
    both.topics[0].partitions.push(OffsetCommitRequestPartition { partition_index: 9, committed_offset: 1, ..Default::default() });
    let mut codes: Vec<_> = client.call(9, &both).topics[0].partitions.iter().map(|p| (p.partition_index, p.error_code)).collect();
    codes.sort();
    assert_eq!(codes, [(0, 0), (9, 3)]);
    // Version 10 speaks of ids.
    let by_id = |topic_id| {
        let mut request = commit_request("g", "", 1, 555);
        request.topics[0].topic_id = topic_id;
        request
    };
    let response = client.call(10, &by_id(id));
    assert_eq!((response.topics[0].topic_id, response.topics[0].partitions[0].error_code), (id, 0));
    assert_eq!(client.call(10, &by_id(Uuid([3; 16]))).topics[0].partitions[0].error_code, ErrorCode::UnknownTopicId.code());
    for version in 8..=10 {
        let mut topic = OffsetFetchRequestTopics { partition_indexes: vec![1], ..Default::default() };
        if version >= 10 {
            topic.topic_id = id
        } else {
            topic.name = "t".into()
        }
        let groups = vec![OffsetFetchRequestGroup { group_id: "g".into(), topics: Some(vec![topic]), ..Default::default() }];
        let response = client.call(version, &OffsetFetchRequest { groups, ..Default::default() });
        assert_eq!(response.groups[0].topics[0].partitions[0].committed_offset, 555);
        let groups = vec![OffsetFetchRequestGroup { group_id: "g".into(), topics: None, ..Default::default() }];
        let all = client.call(version, &OffsetFetchRequest { groups, ..Default::default() });
        assert_eq!(all.groups[0].topics[0].partitions.len(), 2);
    }
}

#[test]
fn j13_j14_groups_are_listed_and_deleted_with_their_offsets() {
    let (_broker, mut client) = with_offsets_topic();
    create(&mut client, "t", 1, &[]);
    for group in ["a", "b", "c", "d"] {
        client.call(9, &commit_request(group, "t", 0, 5));
    }
    for version in 0..=5 {
        let mut groups: Vec<String> = client.call(version, &ListGroupsRequest::default()).groups.into_iter().map(|g| g.group_id).collect();
        groups.sort();
        assert_eq!(groups, ["a", "b", "c", "d"]);
    }
    let topics = vec![OffsetDeleteRequestTopic { name: "t".into(), partitions: vec![OffsetDeleteRequestPartition { partition_index: 0 }] }];
    assert_eq!(client.call(0, &OffsetDeleteRequest { group_id: "b".into(), topics }).error_code, 0);
    assert_eq!(committed(&mut client, "b", "t", 0), -1);
    let response = client.call(2, &DeleteGroupsRequest { groups_names: vec!["a".into(), "nope".into()] });
    let codes: Vec<_> = response.results.iter().map(|r| (r.group_id.as_str(), r.error_code)).collect();
    assert_eq!(codes, [("a", 0), ("nope", ErrorCode::GroupIdNotFound.code())]);
    assert_eq!(committed(&mut client, "a", "t", 0), -1);
}

#[test]
fn z7_t11_offsets_survive_a_restart_but_not_their_topic() {
    let (mut broker, mut client) = with_offsets_topic();
    create(&mut client, "t", 1, &[]);
    create(&mut client, "u", 1, &[]);
    for (group, topic) in [("g", "t"), ("g", "u"), ("h", "t")] {
        client.call(9, &commit_request(group, topic, 0, 42));
    }
    broker.stop();
    let mut again = TestBroker::start_in(broker.dir(), &[]);
    let mut client = again.connect();
    assert_eq!(committed(&mut client, "g", "t", 0), 42);
    let request = DeleteTopicsRequest { topic_names: vec!["t".into()], timeout_ms: 1000, ..Default::default() };
    assert_eq!(client.call(5, &request).responses[0].error_code, 0);
    assert_eq!((committed(&mut client, "g", "t", 0), committed(&mut client, "g", "u", 0)), (-1, 42));
    again.stop();
    let last = TestBroker::start_in(broker.dir(), &[]);
    let mut client = last.connect();
    assert_eq!((committed(&mut client, "h", "t", 0), committed(&mut client, "g", "u", 0)), (-1, 42));
}

#[test]
fn j10_a_silent_member_is_removed_when_its_session_ends() {
    let broker = TestBroker::start(&[("offsets.topic.num.partitions", "1"), ("group.min.session.timeout.ms", "100")]);
    let mut client = broker.connect();
    client.call(4, &FindCoordinatorRequest { coordinator_keys: vec!["g".into()], ..Default::default() });
    let short = |member_id: &str| JoinGroupRequest { session_timeout_ms: 300, ..join_request("g", member_id) };
    let id = client.call(9, &short("")).member_id;
    let joined = client.call(9, &short(&id));
    client.call(5, &sync_request("g", &joined, &[(&id, b"x")]));
    let state = |client: &mut Client| {
        client.call(6, &DescribeGroupsRequest { groups: vec!["g".into()], ..Default::default() }).groups[0].group_state.clone()
    };
    assert_eq!(state(&mut client), "Stable");
    for _ in 0..100 {
        if state(&mut client) == "Empty" {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the member is still there");
}
