use super::*;
use crate::wire::create_partitions_request::{CreatePartitionsAssignment, CreatePartitionsRequest, CreatePartitionsTopic};
use crate::wire::create_topics_request::{CreatableReplicaAssignment, CreatableTopicConfig};
use crate::wire::delete_topics_request::{DeleteTopicState, DeleteTopicsRequest};

fn create_one(world: &mut World, topic: CreatableTopic) -> (ErrorCode, String) {
    let response = world.create(vec![topic]);
    let (code, text) = refusal(response.topics[0].error_code, &response.topics[0].error_message);
    (code, text.to_string())
}

fn assigned(name: &str, replicas: &[&[i32]]) -> CreatableTopic {
    let assignment = |(i, list): (i32, &&[i32])| CreatableReplicaAssignment { partition_index: i, broker_ids: list.to_vec() };
    CreatableTopic { assignments: (0..).zip(replicas).map(assignment).collect(), ..topic(name, -1, -1) }
}

#[test]
fn t1_names_are_checked() {
    let mut world = World::one_node();
    let long = "x".repeat(250);
    let cases = [
        ("", "Topic name is invalid: the empty string is not allowed".to_string()),
        (".", "Topic name is invalid: '.' is not allowed".into()),
        ("..", "Topic name is invalid: '..' is not allowed".into()),
        (
            "bad name!",
            "Topic name is invalid: 'bad name!' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'".into(),
        ),
        (&long, format!("Topic name is invalid: the length of '{long}' is longer than the max allowed length 249")),
    ];
    for (name, text) in cases {
        assert_eq!(create_one(&mut world, topic(name, 1, 1)), (ErrorCode::InvalidTopicException, text));
    }
    world.topic(&"y".repeat(249), 1, 1);
}

#[test]
fn t2_names_that_differ_only_in_dots_and_underscores_collide() {
    let mut world = World::one_node();
    world.topic("my_topic.v1", 1, 1);
    let text = "Topic 'my.topic_v1' collides with existing topic: my_topic.v1".to_string();
    assert_eq!(create_one(&mut world, topic("my.topic_v1", 1, 1)), (ErrorCode::InvalidTopicException, text));
    let text = "Topic 'my_topic.v1' already exists.".to_string();
    assert_eq!(create_one(&mut world, topic("my_topic.v1", 1, 1)), (ErrorCode::TopicAlreadyExists, text));

    delete(&mut world, DeleteTopicsRequest { topic_names: vec!["my_topic.v1".into()], ..Default::default() });
    world.topic("my.topic_v1", 1, 1);
}

#[test]
fn t3_counts_and_factors_are_checked_and_default() {
    let mut world = World::one_node();
    world.controller.options.default_partitions = 4;
    world.topic("defaults", -1, -1);
    assert_eq!(world.controller.state().topic("defaults").unwrap().partition_count(), 4);

    let partitions = "Number of partitions was set to an invalid non-positive value.".to_string();
    let factor = "Replication factor must be larger than 0, or -1 to use the default value.".to_string();
    let too_few = "Unable to replicate the partition 3 time(s): The target replication factor of 3 cannot be reached because only 1 \
                   broker(s) are registered or some brokers have all their log directories cordoned."
        .to_string();
    for n in [0, -2] {
        assert_eq!(create_one(&mut world, topic("t", n, 1)), (ErrorCode::InvalidPartitions, partitions.clone()));
    }
    for n in [0, -2] {
        assert_eq!(create_one(&mut world, topic("t", 1, n)), (ErrorCode::InvalidReplicationFactor, factor.clone()));
    }
    assert_eq!(create_one(&mut world, topic("t", 1, 3)), (ErrorCode::InvalidReplicationFactor, too_few));
}

#[test]
fn t3_without_a_live_broker_nothing_can_be_placed() {
    let mut world = World::empty();
    world.register(1, 1);
    let text = "Unable to replicate the partition 1 time(s): All brokers are currently fenced, or have all their log directories cordoned.";
    assert_eq!(create_one(&mut world, topic("t", 1, 1)), (ErrorCode::InvalidReplicationFactor, text.to_string()));
}

#[test]
fn t4_assignments_are_checked() {
    let mut world = World::brokers(2);
    let both = CreatableTopic { num_partitions: 1, ..assigned("t", &[&[1]]) };
    let text = "A manual partition assignment was specified, but numPartitions was not set to -1.".to_string();
    assert_eq!(create_one(&mut world, both), (ErrorCode::InvalidRequest, text));
    let both = CreatableTopic { replication_factor: 1, ..assigned("t", &[&[1]]) };
    let text = "A manual partition assignment was specified, but replication factor was not set to -1.".to_string();
    assert_eq!(create_one(&mut world, both), (ErrorCode::InvalidRequest, text));

    let cases: [(&[&[i32]], &str); 4] = [
        (&[&[7]], "The manual partition assignment includes broker 7, but no such broker is registered."),
        (&[&[1, 1]], "The manual partition assignment includes the broker 1 more than once."),
        (&[&[]], "The manual partition assignment includes an empty replica list."),
        (
            &[&[1], &[1, 2]],
            "The manual partition assignment includes a partition with 2 replica(s), but this is not consistent with previous \
             partitions, which have 1 replica(s).",
        ),
    ];
    for (lists, text) in cases {
        assert_eq!(create_one(&mut world, assigned("t", lists)), (ErrorCode::InvalidReplicaAssignment, text.to_string()));
    }
    let mut gap = assigned("t", &[&[1], &[2]]);
    gap.assignments[1].partition_index = 2;
    let text = "partitions should be a consecutive 0-based integer sequence".to_string();
    assert_eq!(create_one(&mut world, gap.clone()), (ErrorCode::InvalidReplicaAssignment, text));
    gap.assignments[1].partition_index = 0;
    let text = "Found multiple manual partition assignments for partition 0".to_string();
    assert_eq!(create_one(&mut world, gap), (ErrorCode::InvalidReplicaAssignment, text));
}

#[test]
fn t4_assignments_are_honoured_and_fenced_replicas_stay_out_of_the_isr() {
    let mut world = World::brokers(2);
    world.register(3, 1);
    assert_eq!(create_one(&mut world, assigned("t", &[&[3, 2], &[1, 3]])).0, ErrorCode::None);
    let topic = world.controller.state().topic("t").unwrap();
    assert_eq!((&topic.partitions[&0].replicas, &topic.partitions[&0].isr, topic.partitions[&0].leader), (&vec![3, 2], &vec![2], 2));
    assert_eq!((&topic.partitions[&1].isr, topic.partitions[&1].leader), (&vec![1], 1));

    let text = "All brokers specified in the manual partition assignment for partition 0 are fenced or in controlled shutdown.".to_string();
    assert_eq!(create_one(&mut world, assigned("u", &[&[3]])), (ErrorCode::InvalidReplicaAssignment, text));
}

#[test]
fn t5_configs_are_checked() {
    let mut world = World::one_node();
    let config = |name: &str, value: Option<&str>| CreatableTopicConfig { name: name.into(), value: value.map(str::to_string) };
    let with = |configs| CreatableTopic { configs, ..topic("t", 1, 1) };
    let text = "Null value not supported for topic configs: retention.ms,segment.bytes".to_string();
    let null = with(vec![config("retention.ms", None), config("segment.bytes", None)]);
    assert_eq!(create_one(&mut world, null), (ErrorCode::InvalidConfig, text));
    let text = "Unknown topic config name: no.such".to_string();
    assert_eq!(create_one(&mut world, with(vec![config("no.such", Some("1"))])), (ErrorCode::InvalidConfig, text));
    assert!(world.controller.state().topic("t").is_none());

    let response = world.create(vec![with(vec![config("retention.ms", Some("5"))])]);
    let result = &response.topics[0];
    assert_eq!((result.num_partitions, result.replication_factor, result.topic_config_error_code), (1, 1, 0));
    assert_eq!(result.error_message, None);
    assert_eq!(result.configs.as_ref().unwrap()[0].name, "retention.ms");
    let stored = world.controller.state().config(&ConfigResource::topic("t")).unwrap();
    assert_eq!(**stored, overrides(&[("retention.ms", "5")]));
}

#[test]
fn t5_more_than_10000_partitions_or_records_are_refused() {
    let mut world = World::one_node();
    let text = "Excessively large number of partitions per request.".to_string();
    let response = world.create(vec![topic("a", 6000, 1), topic("b", 4001, 1)]);
    for result in &response.topics {
        assert_eq!(refusal(result.error_code, &result.error_message), (ErrorCode::PolicyViolation, text.as_str()));
    }
    // 10000 partitions are 10001 records.
    let text = "Unable to perform excessively large batch operation.".to_string();
    assert_eq!(create_one(&mut world, topic("a", 10_000, 1)), (ErrorCode::PolicyViolation, text));
    assert_eq!(world.controller.state().topic_count(), 0);
}

#[test]
fn t6_each_topic_stands_alone_and_a_name_given_twice_fails() {
    let mut world = World::one_node();
    let response = world.create(vec![topic("a", 1, 1), topic("twice", 1, 1), topic("b", 0, 1), topic("twice", 1, 1)]);
    let results: Vec<_> = response.topics.iter().map(|t| (t.name.as_str(), ErrorCode::from_code(t.error_code))).collect();
    let expected = [("a", ErrorCode::None), ("b", ErrorCode::InvalidPartitions), ("twice", ErrorCode::InvalidRequest)];
    assert_eq!(results, expected);
    assert_eq!(response.topics[2].error_message.as_deref(), Some("Duplicate topic name."));
    assert_eq!(world.controller.state().topics().map(|t| t.name.to_string()).collect::<Vec<_>>(), ["a"]);
}

#[test]
fn t6_validate_only_answers_the_same_and_writes_nothing() {
    let mut world = World::one_node();
    let request = CreateTopicsRequest { topics: vec![topic("a", 2, 1), topic("b", 0, 1)], validate_only: true, ..Default::default() };
    let decision = world.decide(&request);
    assert!(decision.records.is_empty());
    assert_eq!(decision.response.topics[0].num_partitions, 2);
    assert_eq!(decision.response.topics[1].error_code, ErrorCode::InvalidPartitions.code());
}

#[test]
fn t7_ids_are_random_and_never_used_again() {
    let mut world = World::one_node();
    let mut ids = Vec::new();
    for _ in 0..3 {
        world.topic("t", 1, 1);
        ids.push(world.controller.state().topic_id("t").unwrap());
        delete(&mut world, DeleteTopicsRequest { topic_names: vec!["t".into()], ..Default::default() });
    }
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[test]
fn the_metadata_log_is_no_topic_to_create() {
    let mut world = World::one_node();
    let text = "Creation of internal topic __cluster_metadata is prohibited.".to_string();
    assert_eq!(create_one(&mut world, topic("__cluster_metadata", 1, 1)), (ErrorCode::InvalidRequest, text));
}

fn grow(world: &mut World, name: &str, count: i32, lists: Option<Vec<Vec<i32>>>) -> (ErrorCode, String) {
    let assignments = lists.map(|l| l.into_iter().map(|broker_ids| CreatePartitionsAssignment { broker_ids }).collect());
    let topics = vec![CreatePartitionsTopic { name: name.into(), count, assignments }];
    let response = world.run(&CreatePartitionsRequest { topics, ..Default::default() });
    let (code, text) = refusal(response.results[0].error_code, &response.results[0].error_message);
    (code, text.to_string())
}

#[test]
fn t9_partitions_can_only_be_added() {
    let mut world = World::one_node();
    world.topic("orders", 5, 1);
    let invalid = |text: &str| (ErrorCode::InvalidPartitions, text.to_string());
    assert_eq!(grow(&mut world, "orders", 5, None), invalid("Topic already has 5 partition(s)."));
    let text = "The topic orders currently has 5 partition(s); 2 would not be an increase.";
    assert_eq!(grow(&mut world, "orders", 2, None), invalid(text));
    assert_eq!(grow(&mut world, "nosuch", 2, None), (ErrorCode::UnknownTopicOrPartition, "-".into()));
    let text = "Attempted to add 2 additional partition(s), but only 0 assignment(s) were specified.".to_string();
    assert_eq!(grow(&mut world, "orders", 7, Some(vec![])), (ErrorCode::InvalidReplicaAssignment, text));
    assert_eq!(grow(&mut world, "orders", 7, Some(vec![vec![1], vec![1]])).0, ErrorCode::None);
    assert_eq!(grow(&mut world, "orders", 9, None).0, ErrorCode::None);
    assert_eq!(world.controller.state().topic("orders").unwrap().partition_count(), 9);
    assert_eq!(grow(&mut world, "orders", i32::MAX, None).0, ErrorCode::PolicyViolation);
}

#[test]
fn t9_validate_only_adds_nothing_and_a_name_given_twice_fails() {
    let mut world = World::one_node();
    world.topic("a", 1, 1);
    let asked = |name: &str| CreatePartitionsTopic { name: name.into(), count: 2, assignments: None };
    let request = CreatePartitionsRequest { topics: vec![asked("a")], validate_only: true, ..Default::default() };
    let decision = world.decide(&request);
    assert!(decision.records.is_empty() && decision.response.results[0].error_code == 0);
    let response = world.run(&CreatePartitionsRequest { topics: vec![asked("a"), asked("a")], ..Default::default() });
    assert_eq!(response.results.len(), 1);
    assert_eq!(response.results[0].error_code, ErrorCode::InvalidRequest.code());
}

fn delete(world: &mut World, request: DeleteTopicsRequest) -> Vec<(Option<String>, Uuid, ErrorCode)> {
    let response = world.run(&request);
    response.responses.into_iter().map(|r| (r.name, r.topic_id, ErrorCode::from_code(r.error_code))).collect()
}

fn state(name: Option<&str>, id: Uuid) -> DeleteTopicState {
    DeleteTopicState { name: name.map(str::to_string), topic_id: id }
}

#[test]
fn t10_topics_are_deleted_by_name_or_id() {
    let mut world = World::one_node();
    for name in ["a", "b", "c"] {
        world.topic(name, 2, 1);
    }
    let id = |world: &World, name: &str| world.controller.state().topic_id(name).unwrap();
    let (a, b) = (id(&world, "a"), id(&world, "b"));
    let topics = vec![state(Some("a"), Uuid::ZERO), state(None, b)];
    let mut results = delete(&mut world, DeleteTopicsRequest { topics, ..Default::default() });
    results.sort();
    assert_eq!(results, [(Some("a".into()), a, ErrorCode::None), (Some("b".into()), b, ErrorCode::None)]);
    assert_eq!(world.controller.state().topics().count(), 1);

    let again =
        delete(&mut world, DeleteTopicsRequest { topics: vec![state(None, b), state(Some("a"), Uuid::ZERO)], ..Default::default() });
    assert_eq!(again, [(None, b, ErrorCode::UnknownTopicId), (Some("a".into()), Uuid::ZERO, ErrorCode::UnknownTopicOrPartition)]);
}

#[test]
fn t10_both_neither_and_twice_are_refused() {
    let mut world = World::one_node();
    world.topic("a", 1, 1);
    let a = world.controller.state().topic_id("a").unwrap();
    let cases = [
        vec![state(Some("a"), a)],
        vec![state(None, Uuid::ZERO)],
        vec![state(None, a), state(None, a)],
        vec![state(Some("a"), Uuid::ZERO), state(Some("a"), Uuid::ZERO)],
        vec![state(Some("a"), Uuid::ZERO), state(None, a)],
    ];
    for topics in cases {
        let results = delete(&mut world, DeleteTopicsRequest { topics, ..Default::default() });
        assert_eq!(results.len(), 1);
        assert_eq!(results[0].2, ErrorCode::InvalidRequest);
    }
    assert!(world.controller.state().topic("a").is_some());
}

#[test]
fn t11_a_deleted_topic_takes_its_configs_with_it() {
    let mut world = World::one_node();
    let configs = vec![CreatableTopicConfig { name: "retention.ms".into(), value: Some("1".into()) }];
    world.create(vec![CreatableTopic { configs, ..topic("a", 3, 1) }]);
    let id = world.controller.state().topic_id("a").unwrap();
    let decision = world.decide(&DeleteTopicsRequest { topic_names: vec!["a".into()], ..Default::default() });
    let changes = world.apply(decision.records);
    assert_eq!(changes, [Change::TopicDeleted { id, name: "a".into(), partitions: vec![0, 1, 2] }]);
    assert!(world.controller.state().config(&ConfigResource::topic("a")).is_none());
    world.topic("a", 1, 1);
    assert_ne!(world.controller.state().topic_id("a"), Some(id));
}

#[test]
fn replicas_are_spread_evenly_over_brokers_and_racks() {
    let mut world = World::empty();
    for id in 1..=6 {
        let rack = Some(format!("r{}", id % 3));
        world.run(&BrokerRegistrationRequest { rack, ..registration(id, 1) });
        world.heartbeat(id, false, false);
    }
    world.topic("t", 60, 3);
    let topic = world.controller.state().topic("t").unwrap().clone();
    let mut leaders = BTreeMap::new();
    for partition in topic.partitions.values() {
        let racks: std::collections::BTreeSet<i32> = partition.replicas.iter().map(|b| b % 3).collect();
        assert_eq!(racks.len(), 3, "{:?}", partition.replicas);
        *leaders.entry(partition.leader).or_insert(0) += 1;
    }
    assert!(leaders.values().all(|n| *n == 10), "{leaders:?}");
}

#[test]
fn a_factor_beyond_the_racks_uses_every_broker_once() {
    let mut world = World::brokers(4);
    world.topic("t", 8, 4);
    for partition in world.controller.state().topic("t").unwrap().partitions.values() {
        let mut replicas = partition.replicas.clone();
        replicas.sort();
        assert_eq!(replicas, [1, 2, 3, 4]);
    }
}
