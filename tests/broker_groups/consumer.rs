//! Consumer groups (KIP-848) over a connection: what the coordinator's machine cannot know by itself (facts K).

use kfk::wire::alter_configs_request::{AlterConfigsRequest, AlterConfigsResource, AlterableConfig};
use kfk::wire::consumer_group_describe_request::ConsumerGroupDescribeRequest;
use kfk::wire::consumer_group_describe_response::DescribedGroup;
use kfk::wire::consumer_group_heartbeat_request::{ConsumerGroupHeartbeatRequest, TopicPartitions};
use kfk::wire::consumer_group_heartbeat_response::ConsumerGroupHeartbeatResponse;
use kfk::wire::create_partitions_request::{CreatePartitionsRequest, CreatePartitionsTopic};
use kfk::wire::init_producer_id_request::InitProducerIdRequest;
use kfk::wire::txn_offset_commit_request::{TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic};

use super::*;

/// The ids members make for themselves are any text.
fn joining(group: &str, member: &str, topics: &[&str]) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        group_id: group.into(),
        member_id: member.into(),
        rebalance_timeout_ms: 10_000,
        subscribed_topic_names: Some(topics.iter().map(|t| t.to_string()).collect()),
        topic_partitions: Some(Vec::new()),
        ..Default::default()
    }
}

fn matching(group: &str, member: &str, regex: &str) -> ConsumerGroupHeartbeatRequest {
    let subscribed_topic_regex = Some(regex.to_string());
    ConsumerGroupHeartbeatRequest { subscribed_topic_names: None, subscribed_topic_regex, ..joining(group, member, &[]) }
}

/// Nothing has changed since the last heartbeat but what the member owns.
fn beating(group: &str, member: &str, epoch: i32, owned: Option<(Uuid, &[i32])>) -> ConsumerGroupHeartbeatRequest {
    let owned = owned.map(|(topic_id, partitions)| vec![TopicPartitions { topic_id, partitions: partitions.to_vec() }]);
    ConsumerGroupHeartbeatRequest {
        group_id: group.into(),
        member_id: member.into(),
        member_epoch: epoch,
        topic_partitions: owned,
        ..Default::default()
    }
}

fn beat(client: &mut Client, request: &ConsumerGroupHeartbeatRequest) -> ConsumerGroupHeartbeatResponse {
    let response = client.call(1, request);
    assert_eq!(response.error_code, 0, "{:?}", response.error_message);
    response
}

/// The partitions of an assignment that has one topic, in order.
fn assigned(response: &ConsumerGroupHeartbeatResponse) -> Vec<i32> {
    let topics = &response.assignment.as_ref().expect("an assignment").topic_partitions;
    assert!(topics.len() <= 1, "{topics:?}");
    let mut partitions = topics.first().map(|t| t.partitions.clone()).unwrap_or_default();
    partitions.sort();
    partitions
}

fn describe(client: &mut Client, group: &str) -> DescribedGroup {
    let request = ConsumerGroupDescribeRequest { group_ids: vec![group.into()], include_authorized_operations: true };
    client.call(1, &request).groups.remove(0)
}

/// Beats, and waits for the coordinator's own clocks where it must, until an answer holds an assignment.
fn beat_until_assigned(client: &mut Client, group: &str, member: &str, mut epoch: i32) -> (i32, Vec<i32>) {
    for _ in 0..200 {
        let response = beat(client, &beating(group, member, epoch, None));
        epoch = response.member_epoch;
        if response.assignment.is_some() {
            return (epoch, assigned(&response));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("no assignment has come");
}

fn set_group_configs(client: &mut Client, group: &str, configs: &[(&str, &str)]) -> i16 {
    let configs = configs.iter().map(|(name, value)| AlterableConfig { name: name.to_string(), value: Some(value.to_string()) });
    let resource = AlterConfigsResource { resource_type: 32, resource_name: group.into(), configs: configs.collect() };
    client.call(2, &AlterConfigsRequest { resources: vec![resource], validate_only: false }).responses[0].error_code
}

/// A coordinator that computes a new target whenever it is asked.
fn prompt() -> (TestBroker, Client) {
    let broker = TestBroker::start(&[("offsets.topic.num.partitions", "2"), ("group.consumer.assignment.interval.ms", "0")]);
    let mut client = broker.connect();
    client.call(4, &FindCoordinatorRequest { coordinator_keys: vec!["g".into()], ..Default::default() });
    (broker, client)
}

#[test]
fn k1_k6_k12_members_join_and_share_the_partitions() {
    let (_broker, mut client) = prompt();
    let id = create(&mut client, "t", 3, &[]);
    let one = beat(&mut client, &joining("g", "one", &["t"]));
    assert_eq!((assigned(&one), one.heartbeat_interval_ms, one.member_id.as_deref()), (vec![0, 1, 2], 5_000, Some("one")));
    let two = beat(&mut client, &joining("g", "two", &["t"]));
    assert_eq!(assigned(&two), [0; 0], "nothing is free yet");
    // K6: the first one has to give up a partition before the second one gets it.
    let revoking = beat(&mut client, &beating("g", "one", one.member_epoch, Some((id, &[0, 1, 2]))));
    let kept = assigned(&revoking);
    assert_eq!((kept.len(), revoking.member_epoch), (2, one.member_epoch));
    let reconciling = describe(&mut client, "g");
    assert_eq!((reconciling.group_state.as_str(), reconciling.members.len()), ("Reconciling", 2));
    let released = beat(&mut client, &beating("g", "one", one.member_epoch, Some((id, &kept))));
    assert_eq!(released.member_epoch, two.member_epoch);
    let got = beat(&mut client, &beating("g", "two", two.member_epoch, Some((id, &[]))));
    assert_eq!(assigned(&got).len(), 1);

    let group = describe(&mut client, "g");
    let seen = (group.group_state.as_str(), group.assignor_name.as_str(), group.group_epoch, group.assignment_epoch);
    assert_eq!(seen, ("Stable", "uniform", got.member_epoch, got.member_epoch));
    let first = &group.members[0];
    assert_eq!((first.client_id.as_str(), first.client_host.as_str(), first.member_type), ("test", "/127.0.0.1", 1));
    assert_eq!((&first.assignment, first.assignment.topic_partitions[0].topic_name.as_str()), (&first.target_assignment, "t"));
    assert!(group.authorized_operations > 0);
    let listed = client.call(5, &ListGroupsRequest { types_filter: vec!["consumer".into()], ..Default::default() }).groups;
    assert_eq!((listed[0].group_type.as_str(), listed[0].group_state.as_str()), ("consumer", "Stable"));
    assert!(client.call(5, &ListGroupsRequest { types_filter: vec!["classic".into()], ..Default::default() }).groups.is_empty());
    // The classic way of asking does not see it.
    let classic = client.call(6, &DescribeGroupsRequest { groups: vec!["g".into()], ..Default::default() });
    assert_eq!(classic.groups[0].error_message.as_deref(), Some("Group g is not a classic group."));
    let busy = client.call(2, &DeleteGroupsRequest { groups_names: vec!["g".into()] });
    assert_eq!(busy.results[0].error_code, ErrorCode::NonEmptyGroup.code());
    for member in ["one", "two"] {
        assert_eq!(beat(&mut client, &beating("g", member, -1, None)).member_epoch, -1);
    }
    assert_eq!(describe(&mut client, "g").group_state, "Empty");
    let gone = client.call(2, &DeleteGroupsRequest { groups_names: vec!["g".into()] });
    assert_eq!((gone.results[0].error_code, describe(&mut client, "g").error_code), (0, ErrorCode::GroupIdNotFound.code()));
}

#[test]
fn k10_members_hear_of_topics_that_come_grow_and_go() {
    let (_broker, mut client) = prompt();
    let joined = beat(&mut client, &joining("g", "m", &["t"]));
    assert_eq!(assigned(&joined), [0; 0]);
    create(&mut client, "t", 1, &[]);
    let (epoch, partitions) = beat_until_assigned(&mut client, "g", "m", joined.member_epoch);
    assert_eq!(partitions, [0]);
    let grow = CreatePartitionsTopic { name: "t".into(), count: 3, assignments: None };
    client.call(3, &CreatePartitionsRequest { topics: vec![grow], timeout_ms: 1_000, validate_only: false });
    let (epoch, partitions) = beat_until_assigned(&mut client, "g", "m", epoch);
    assert_eq!(partitions, [0, 1, 2]);
    client.call(5, &DeleteTopicsRequest { topic_names: vec!["t".into()], timeout_ms: 1_000, ..Default::default() });
    assert_eq!(beat_until_assigned(&mut client, "g", "m", epoch).1, [0; 0]);
}

#[test]
fn k10_a_regular_expression_is_resolved_among_the_topics() {
    let (_broker, mut client) = prompt();
    create(&mut client, "a.b", 1, &[]);
    create(&mut client, "axb", 2, &[]);
    let joined = beat(&mut client, &matching("g", "m", r"\Qa.b\E"));
    let (_, partitions) = match &joined.assignment {
        Some(a) if !a.topic_partitions.is_empty() => (0, assigned(&joined)),
        _ => beat_until_assigned(&mut client, "g", "m", joined.member_epoch),
    };
    assert_eq!(partitions, [0]);
    assert_eq!(describe(&mut client, "g").members[0].subscribed_topic_regex.as_deref(), Some(r"\Qa.b\E"));
    let bad = client.call(1, &matching("g", "n", "(a"));
    assert_eq!(bad.error_code, ErrorCode::InvalidRegularExpression.code());
    let words = "SubscribedTopicRegex `(a` is not a valid regular expression: missing closing ).";
    assert_eq!(bad.error_message.as_deref(), Some(words));
}

#[test]
fn k2_k9_the_assignors_that_are_configured_are_those_that_there_are() {
    let broker = TestBroker::start(&[("group.consumer.assignors", "range"), ("group.consumer.max.size", "1")]);
    let mut client = broker.connect();
    client.call(4, &FindCoordinatorRequest { coordinator_keys: vec!["g".into()], ..Default::default() });
    let wish = ConsumerGroupHeartbeatRequest { server_assignor: Some("uniform".into()), ..joining("g", "m", &["t"]) };
    assert_eq!(client.call(1, &wish).error_code, ErrorCode::UnsupportedAssignor.code());
    beat(&mut client, &joining("g", "m", &["t"]));
    assert_eq!(describe(&mut client, "g").assignor_name, "range");
    assert_eq!(client.call(1, &joining("g", "n", &["t"])).error_code, ErrorCode::GroupMaxSizeReached.code());
}

#[test]
fn k8_settings_of_a_single_group_hold_for_it_alone() {
    let least = [("group.consumer.min.session.timeout.ms", "1"), ("group.consumer.min.heartbeat.interval.ms", "1")];
    let broker = TestBroker::start(&least);
    let mut client = broker.connect();
    client.call(4, &FindCoordinatorRequest { coordinator_keys: vec!["g".into()], ..Default::default() });
    let short = [("consumer.heartbeat.interval.ms", "100"), ("consumer.session.timeout.ms", "300")];
    assert_eq!(set_group_configs(&mut client, "g", &short), 0);
    assert_eq!(beat(&mut client, &joining("other", "m", &["t"])).heartbeat_interval_ms, 5_000);
    assert_eq!(beat(&mut client, &joining("g", "m", &["t"])).heartbeat_interval_ms, 100);
    // Silent for longer than its session: it is out, and the group is empty.
    for _ in 0..200 {
        if describe(&mut client, "g").group_state == "Empty" {
            assert_eq!(describe(&mut client, "other").members.len(), 1);
            let late = client.call(1, &beating("g", "m", 1, None));
            assert_eq!(late.error_code, ErrorCode::UnknownMemberId.code());
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("the member is still there");
}

#[test]
fn x4_x7_x8_a_member_commits_and_fetches_with_its_epoch() {
    let (_broker, mut client) = prompt();
    create(&mut client, "t", 1, &[]);
    let epoch = beat(&mut client, &joining("g", "m", &["t"])).member_epoch;
    let commit = |generation_id_or_member_epoch| OffsetCommitRequest {
        generation_id_or_member_epoch,
        member_id: "m".into(),
        ..commit_request("g", "t", 0, 5)
    };
    let code = |client: &mut Client, version, epoch| client.call(version, &commit(epoch)).topics[0].partitions[0].error_code;
    assert_eq!(code(&mut client, 9, epoch), 0);
    assert_eq!(code(&mut client, 9, epoch + 1), ErrorCode::StaleMemberEpoch.code());
    assert_eq!(code(&mut client, 8, epoch), ErrorCode::UnsupportedVersion.code());
    let fetch = |client: &mut Client, member_epoch| {
        let topics = Some(vec![OffsetFetchRequestTopics { name: "t".into(), partition_indexes: vec![0], ..Default::default() }]);
        let group = OffsetFetchRequestGroup { group_id: "g".into(), member_id: Some("m".into()), member_epoch, topics };
        let group = client.call(9, &OffsetFetchRequest { groups: vec![group], ..Default::default() }).groups.remove(0);
        (group.error_code, group.topics.first().map(|t| t.partitions[0].committed_offset))
    };
    assert_eq!(fetch(&mut client, epoch), (0, Some(5)));
    assert_eq!(fetch(&mut client, epoch + 1).0, ErrorCode::StaleMemberEpoch.code());
    let delete = OffsetDeleteRequestTopic { name: "t".into(), partitions: vec![OffsetDeleteRequestPartition { partition_index: 0 }] };
    let refused = client.call(0, &OffsetDeleteRequest { group_id: "g".into(), topics: vec![delete] });
    assert_eq!(refused.topics[0].partitions[0].error_code, ErrorCode::GroupSubscribedToTopic.code());

    let find = FindCoordinatorRequest { key_type: 1, coordinator_keys: vec!["x".into()], ..Default::default() };
    client.call(4, &find);
    let id = InitProducerIdRequest { transactional_id: Some("x".into()), transaction_timeout_ms: 10_000, ..Default::default() };
    let producer = client.call(5, &id);
    assert_eq!(producer.error_code, 0);
    let in_transaction = |generation_id| TxnOffsetCommitRequest {
        transactional_id: "x".into(),
        group_id: "g".into(),
        producer_id: producer.producer_id,
        producer_epoch: producer.producer_epoch,
        generation_id,
        member_id: "m".into(),
        topics: vec![TxnOffsetCommitRequestTopic {
            name: "t".into(),
            partitions: vec![TxnOffsetCommitRequestPartition { partition_index: 0, committed_offset: 6, ..Default::default() }],
        }],
        ..Default::default()
    };
    let told = |client: &mut Client, epoch| client.call(5, &in_transaction(epoch)).topics[0].partitions[0].error_code;
    assert_eq!(told(&mut client, epoch + 1), ErrorCode::IllegalGeneration.code());
    assert_eq!(told(&mut client, epoch), 0);
}

#[test]
fn k5_a_group_goes_on_after_a_restart() {
    let (mut broker, mut client) = prompt();
    let id = create(&mut client, "t", 2, &[]);
    let before = beat(&mut client, &joining("g", "m", &["t"]));
    beat(&mut client, &beating("g", "m", before.member_epoch, Some((id, &[0, 1]))));
    broker.stop();
    let again = TestBroker::start_in(broker.dir(), &[]);
    let mut client = again.connect();
    let after = beat(&mut client, &beating("g", "m", before.member_epoch, Some((id, &[0, 1]))));
    assert_eq!((after.member_epoch, after.assignment), (before.member_epoch, None));
    assert_eq!(describe(&mut client, "g").group_state, "Stable");
}

#[test]
fn k11_a_group_changes_its_protocol_both_ways_when_it_is_empty() {
    let (_broker, mut client) = prompt();
    create(&mut client, "t", 1, &[]);
    client.call(9, &commit_request("g", "t", 0, 7));
    beat(&mut client, &joining("g", "m", &["t"]));
    assert_eq!(committed(&mut client, "g", "t", 0), 7);
    let connect = JoinGroupRequest { protocol_type: "connect".into(), ..join_request("g", "") };
    assert_eq!(client.call(9, &connect).error_code, ErrorCode::InconsistentGroupProtocol.code());
    beat(&mut client, &beating("g", "m", -1, None));
    let joined = join(&mut client, "g");
    assert_eq!((joined.generation_id, committed(&mut client, "g", "t", 0)), (1, 7));
    assert_eq!(describe(&mut client, "g").error_message.as_deref(), Some("Group g is not a consumer group."));
}
