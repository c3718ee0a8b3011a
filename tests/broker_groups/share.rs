//! Share groups (KIP-932) over connections: members, records that go to one of them at a time, states that outlive the broker (facts H).

use std::time::Instant;

use kfk::wire::alter_configs_request::{AlterConfigsRequest, AlterConfigsResource, AlterableConfig};
use kfk::wire::alter_share_group_offsets_request::{
    AlterShareGroupOffsetsRequest, AlterShareGroupOffsetsRequestPartition, AlterShareGroupOffsetsRequestTopic,
};
use kfk::wire::delete_share_group_offsets_request::{DeleteShareGroupOffsetsRequest, DeleteShareGroupOffsetsRequestTopic};
use kfk::wire::describe_share_group_offsets_request::{DescribeShareGroupOffsetsRequest, DescribeShareGroupOffsetsRequestGroup};
use kfk::wire::share_acknowledge_request::{AcknowledgePartition, AcknowledgeTopic, AcknowledgementBatch as Told, ShareAcknowledgeRequest};
use kfk::wire::share_fetch_request::{FetchPartition, FetchTopic, ShareFetchRequest};
use kfk::wire::share_fetch_response::{PartitionData, ShareFetchResponse};
use kfk::wire::share_group_describe_request::ShareGroupDescribeRequest;
use kfk::wire::share_group_heartbeat_request::ShareGroupHeartbeatRequest;
use kfk::wire::share_group_heartbeat_response::ShareGroupHeartbeatResponse;

use super::*;

const SETTINGS: [(&str, &str); 5] = [
    ("offsets.topic.num.partitions", "4"),
    ("share.coordinator.state.topic.num.partitions", "4"),
    ("group.share.assignment.interval.ms", "0"),
    ("group.share.min.record.lock.duration.ms", "1000"),
    ("group.share.record.lock.duration.ms", "2000"),
];
/// `GROUP` as AlterConfigs numbers kinds of resources.
const GROUP: i8 = 32;
const ACCEPT: i8 = 1;
const RELEASE: i8 = 2;
const REJECT: i8 = 3;

/// A broker with a topic of one partition that group `g` consumes from its begin.
fn with_topic(settings: &[(&str, &str)]) -> (TestBroker, Client, Uuid) {
    let broker = TestBroker::start(settings);
    let mut client = broker.connect();
    client.call(4, &FindCoordinatorRequest { coordinator_keys: vec!["g".into()], ..Default::default() });
    let id = create(&mut client, "t", 1, &[]);
    set(&mut client, "share.auto.offset.reset", "earliest");
    (broker, client, id)
}

fn set(client: &mut Client, name: &str, value: &str) {
    let configs = vec![AlterableConfig { name: name.into(), value: Some(value.into()) }];
    let resource = AlterConfigsResource { resource_type: GROUP, resource_name: "g".into(), configs };
    let done = client.call(2, &AlterConfigsRequest { resources: vec![resource], validate_only: false });
    assert_eq!(done.responses[0].error_code, 0, "{:?}", done.responses[0].error_message);
}

fn beat(client: &mut Client, member: &str, epoch: i32, topics: Option<&[&str]>) -> ShareGroupHeartbeatResponse {
    let request = ShareGroupHeartbeatRequest {
        group_id: "g".into(),
        member_id: member.into(),
        member_epoch: epoch,
        rack_id: None,
        subscribed_topic_names: topics.map(|topics| topics.iter().map(|t| t.to_string()).collect()),
    };
    client.call(1, &request)
}

/// A member that has been given the partition.
fn join(client: &mut Client, member: &str) -> i32 {
    let first = beat(client, member, 0, Some(&["t"]));
    assert_eq!(first.error_code, 0, "{:?}", first.error_message);
    let second = beat(client, member, first.member_epoch, None);
    let given = |r: &ShareGroupHeartbeatResponse| r.assignment.as_ref().is_some_and(|a| !a.topic_partitions.is_empty());
    assert!(given(&first) || given(&second));
    second.member_epoch
}

fn fetch_of(member: &str, session_epoch: i32, topic_id: Uuid, wait_ms: i32) -> ShareFetchRequest {
    let partition = FetchPartition { partition_index: 0, ..Default::default() };
    ShareFetchRequest {
        group_id: Some("g".into()),
        member_id: Some(member.into()),
        share_session_epoch: session_epoch,
        max_wait_ms: wait_ms,
        min_bytes: 1,
        max_bytes: 1 << 20,
        max_records: 500,
        batch_size: 500,
        topics: vec![FetchTopic { topic_id, partitions: vec![partition] }],
        ..Default::default()
    }
}

/// First and last offset and delivery count of what was given out.
fn acquired(response: &ShareFetchResponse) -> Vec<(i64, i64, i16)> {
    assert_eq!(response.error_code, 0, "{:?}", response.error_message);
    let partitions: Vec<&PartitionData> = response.responses.iter().flat_map(|t| &t.partitions).collect();
    assert!(partitions.iter().all(|p| p.error_code == 0), "{partitions:?}");
    partitions.iter().flat_map(|p| &p.acquired_records).map(|a| (a.first_offset, a.last_offset, a.delivery_count)).collect()
}

fn acknowledge(client: &mut Client, member: &str, session_epoch: i32, topic_id: Uuid, told: &[(i64, i64, i8)]) -> i16 {
    let batch = |(first_offset, last_offset, kind): &(i64, i64, i8)| Told {
        first_offset: *first_offset,
        last_offset: *last_offset,
        acknowledge_types: vec![*kind],
    };
    let partition = AcknowledgePartition { partition_index: 0, acknowledgement_batches: told.iter().map(batch).collect() };
    let topics = vec![AcknowledgeTopic { topic_id, partitions: vec![partition] }];
    let request = ShareAcknowledgeRequest {
        group_id: Some("g".into()),
        member_id: Some(member.into()),
        share_session_epoch: session_epoch,
        topics: if told.is_empty() { Vec::new() } else { topics },
        ..Default::default()
    };
    let response = client.call(2, &request);
    if response.error_code != 0 || told.is_empty() { response.error_code } else { response.responses[0].partitions[0].error_code }
}

/// Start offset and lag.
fn stands(client: &mut Client) -> (i64, i64) {
    let group = DescribeShareGroupOffsetsRequestGroup { group_id: "g".into(), topics: None };
    let described = client.call(1, &DescribeShareGroupOffsetsRequest { groups: vec![group] });
    let partition = &described.groups[0].topics[0].partitions[0];
    assert_eq!(partition.error_code, 0);
    (partition.start_offset, partition.lag)
}

#[test]
fn h2_h5_records_go_to_one_member_and_what_became_of_them_outlives_the_broker() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = TestBroker::start_in(dir.path(), &SETTINGS);
    let mut a = broker.connect();
    a.call(4, &FindCoordinatorRequest { coordinator_keys: vec!["g".into()], ..Default::default() });
    let id = create(&mut a, "t", 1, &[]);
    set(&mut a, "share.auto.offset.reset", "earliest");
    produce_ok(&mut a, "t", 0, batch(&["0", "1", "2", "3"]));
    produce_ok(&mut a, "t", 0, batch(&["4", "5"]));
    let epoch = join(&mut a, "a");
    let mut b = broker.connect();
    join(&mut b, "b");
    let got = a.call(2, &ShareFetchRequest { max_records: 3, ..fetch_of("a", 0, id, 100) });
    assert_eq!(acquired(&got), [(0, 3, 1)], "batches are given out whole");
    assert_eq!(acquired(&b.call(2, &fetch_of("b", 0, id, 100))), [(4, 5, 1)]);
    assert_eq!(acknowledge(&mut a, "a", 1, id, &[(0, 0, ACCEPT), (1, 1, RELEASE), (2, 2, REJECT)]), 0);
    assert_eq!(acquired(&b.call(2, &fetch_of("b", 1, id, 100))), [(1, 1, 2)]);
    assert_eq!(acknowledge(&mut b, "b", 2, id, &[(1, 1, ACCEPT), (4, 5, ACCEPT)]), 0);
    assert_eq!(stands(&mut a), (3, 1));

    let left = beat(&mut a, "a", -1, None);
    assert_eq!((left.error_code, left.member_epoch), (0, -1));
    assert!(epoch > 0);
    drop((a, b));
    broker.stop();
    let broker = TestBroker::start_in(dir.path(), &SETTINGS);
    let mut c = broker.connect();
    assert_eq!(stands(&mut c), (3, 1));
    join(&mut c, "c");
    let again = c.call(2, &fetch_of("c", 0, id, 5_000));
    assert_eq!(acquired(&again).iter().map(|(first, last, _)| (*first, *last)).collect::<Vec<_>>(), [(3, 3)]);
    assert_eq!(acknowledge(&mut c, "c", 1, id, &[(3, 3, ACCEPT)]), 0);
    assert_eq!(stands(&mut c), (6, 0));
}

#[test]
fn h2_what_a_lost_connection_held_goes_to_a_member_that_waits() {
    let (broker, mut client, id) = with_topic(&[&SETTINGS[..4], &[("group.share.record.lock.duration.ms", "60000")]].concat());
    produce_ok(&mut client, "t", 0, batch(&["0"]));
    join(&mut client, "a");
    join(&mut client, "b");
    let mut a = broker.connect();
    assert_eq!(acquired(&a.call(2, &fetch_of("a", 0, id, 1_000))), [(0, 0, 1)]);
    client.send(2, &fetch_of("b", 0, id, 15_000));
    drop(a);
    let (_, response) = client.receive::<ShareFetchRequest>(2);
    assert_eq!(acquired(&response), [(0, 0, 2)]);
}

#[test]
fn h2_a_lock_that_runs_out_gives_records_to_a_member_that_waits() {
    let (broker, mut client, id) = with_topic(&SETTINGS);
    set(&mut client, "share.auto.offset.reset", "earliest");
    produce_ok(&mut client, "t", 0, batch(&["0"]));
    join(&mut client, "a");
    join(&mut client, "b");
    let mut a = broker.connect();
    let before = Instant::now();
    let got = a.call(2, &fetch_of("a", 0, id, 1_000));
    assert_eq!((acquired(&got), got.acquisition_lock_timeout_ms), (vec![(0, 0, 1)], 2_000));
    assert_eq!(acquired(&client.call(2, &fetch_of("b", 0, id, 15_000))), [(0, 0, 2)]);
    assert!(before.elapsed() >= Duration::from_millis(1_900), "{:?}", before.elapsed());
    assert_eq!(acknowledge(&mut a, "a", 1, id, &[(0, 0, ACCEPT)]), ErrorCode::InvalidRecordState.code());
}

#[test]
fn h2_a_waiting_member_gets_what_is_produced() {
    let (broker, mut client, id) = with_topic(&SETTINGS);
    join(&mut client, "a");
    let mut a = broker.connect();
    a.send(2, &fetch_of("a", 0, id, 15_000));
    produce_ok(&mut client, "t", 0, batch(&["0", "1"]));
    let (_, response) = a.receive::<ShareFetchRequest>(2);
    assert_eq!(acquired(&response), [(0, 1, 1)]);
}

#[test]
fn h4_sessions_and_acknowledgements_that_do_not_fit_are_refused() {
    let (_broker, mut client, id) = with_topic(&SETTINGS);
    produce_ok(&mut client, "t", 0, batch(&["0", "1"]));
    join(&mut client, "a");
    let code = |client: &mut Client, request: ShareFetchRequest| client.call(2, &request).error_code;
    assert_eq!(code(&mut client, fetch_of("a", 1, id, 0)), ErrorCode::ShareSessionNotFound.code());
    assert_eq!(acknowledge(&mut client, "a", 1, id, &[(0, 0, ACCEPT)]), ErrorCode::ShareSessionNotFound.code());
    assert_eq!(acquired(&client.call(2, &fetch_of("a", 0, id, 1_000))), [(0, 1, 1)]);
    assert_eq!(code(&mut client, fetch_of("a", 5, id, 0)), ErrorCode::InvalidShareSessionEpoch.code());
    assert_eq!(acknowledge(&mut client, "a", 1, id, &[(0, 7, ACCEPT)]), ErrorCode::InvalidRecordState.code());
    assert_eq!(acknowledge(&mut client, "a", 2, id, &[(0, 0, 9)]), ErrorCode::InvalidRequest.code());
    assert_eq!(acknowledge(&mut client, "a", 3, id, &[(0, 0, ACCEPT)]), 0);
    let unknown = client.call(2, &fetch_of("a", 4, Uuid([9; 16]), 0));
    let partition = &unknown.responses[0].partitions[0];
    assert_eq!(partition.error_code, ErrorCode::UnknownTopicId.code());
    // The last word of a session gives back what is held.
    assert_eq!(acknowledge(&mut client, "a", -1, id, &[]), 0);
    assert_eq!(acquired(&client.call(2, &fetch_of("a", 0, id, 1_000))), [(1, 1, 2)]);
    assert_eq!(client.call(2, &ShareFetchRequest::default()).error_code, ErrorCode::InvalidRequest.code());
}

#[test]
fn h1_h5_administrators_see_and_set_where_a_group_stands() {
    let (broker, mut client, id) = with_topic(&SETTINGS);
    produce_ok(&mut client, "t", 0, batch(&["0", "1", "2"]));
    let epoch = join(&mut client, "a");
    let mut a = broker.connect();
    acquired(&a.call(2, &fetch_of("a", 0, id, 1_000)));
    assert_eq!(acknowledge(&mut a, "a", -1, id, &[(0, 2, ACCEPT)]), 0);
    let described = client.call(1, &ShareGroupDescribeRequest { group_ids: vec!["g".into(), "nope".into()], ..Default::default() });
    let (group, nothing) = (&described.groups[0], &described.groups[1]);
    assert_eq!((group.group_state.as_str(), group.members.len(), group.members[0].member_epoch), ("Stable", 1, epoch));
    assert_eq!((nothing.error_code, nothing.error_message.as_deref()), (ErrorCode::GroupIdNotFound.code(), Some("Group nope not found.")));
    assert_eq!(stands(&mut client), (3, 0));

    let partition = |partition_index| AlterShareGroupOffsetsRequestPartition { partition_index, start_offset: 1 };
    let topic = AlterShareGroupOffsetsRequestTopic { topic_name: "t".into(), partitions: vec![partition(0), partition(7)] };
    let alter = AlterShareGroupOffsetsRequest { group_id: "g".into(), topics: vec![topic] };
    assert_eq!(client.call(0, &alter).error_code, ErrorCode::NonEmptyGroup.code());
    let deletes = DeleteGroupsRequest { groups_names: vec!["g".into()] };
    assert_eq!(client.call(2, &deletes).results[0].error_code, ErrorCode::NonEmptyGroup.code());
    beat(&mut client, "a", -1, None);
    let altered = client.call(0, &alter).responses.remove(0).partitions;
    let codes: Vec<i16> = altered.iter().map(|p| p.error_code).collect();
    assert_eq!(codes, [0, ErrorCode::UnknownTopicOrPartition.code()]);
    assert_eq!(stands(&mut client), (1, 2));

    let topic = DeleteShareGroupOffsetsRequestTopic { topic_name: "t".into() };
    let forget = DeleteShareGroupOffsetsRequest { group_id: "g".into(), topics: vec![topic] };
    assert_eq!(client.call(0, &forget).responses[0].error_code, 0);
    assert_eq!(client.call(0, &forget).responses[0].error_code, ErrorCode::UnknownTopicOrPartition.code());
    let listed = client.call(5, &ListGroupsRequest { types_filter: vec!["share".into()], ..Default::default() });
    assert_eq!(listed.groups.iter().map(|g| (g.group_id.as_str(), g.group_state.as_str())).collect::<Vec<_>>(), [("g", "Empty")]);
    assert_eq!(client.call(2, &deletes).results[0].error_code, 0);
    assert!(client.call(5, &ListGroupsRequest::default()).groups.is_empty());
}

#[test]
fn m8_the_coordinator_of_a_share_groups_partition_is_found() {
    let (_broker, mut client, id) = with_topic(&SETTINGS);
    let mut find = |version, key: String| {
        let request = FindCoordinatorRequest { key_type: 2, coordinator_keys: vec![key], ..Default::default() };
        client.call(version, &request).coordinators.remove(0).error_code
    };
    assert_eq!(find(6, format!("g:{id}:0")), 0);
    let invalid = ErrorCode::InvalidRequest.code();
    assert_eq!(
        [find(6, "g".into()), find(6, format!("g:{id}:-1")), find(6, format!(":{id}:0")), find(5, format!("g:{id}:0"))],
        [invalid; 4]
    );
}
