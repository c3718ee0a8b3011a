//! The assignors against recorded results of the Java client 4.3.1 (`tests/fixtures/assignors.json`), and what must hold of any assignment.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use kfk::machine::assign::{Assignments, Assignor, Member, Subscription, TopicPartitions, Topics};
use kfk::types::TopicPartition;
use serde_json::Value;

struct Case {
    name: String,
    assignor: Assignor,
    topics: Topics,
    members: Vec<Member>,
    expected: BTreeMap<String, BTreeSet<TopicPartition>>,
}

fn cases() -> Vec<Case> {
    let text = match std::env::var("KFK_ASSIGNOR_CASES") {
        Ok(path) => std::fs::read_to_string(path).unwrap(),
        Err(_) => include_str!("fixtures/assignors.json").to_string(),
    };
    let all: Value = serde_json::from_str(&text).unwrap();
    all.as_array().unwrap().iter().enumerate().map(|(i, case)| read_case(i, case)).collect()
}

fn read_case(number: usize, case: &Value) -> Case {
    let assignor = case["assignor"].as_str().unwrap();
    let expected = case["expected"].as_object().unwrap();
    Case {
        name: format!("case {number}: {assignor}, {}", case["kind"].as_str().unwrap()),
        assignor: Assignor::from_name(assignor).unwrap(),
        topics: case["topics"].as_object().unwrap().iter().map(|(name, t)| (name.clone(), read_partitions(t))).collect(),
        members: case["members"].as_array().unwrap().iter().map(read_member).collect(),
        expected: expected.iter().map(|(id, topics)| (id.clone(), read_assignment(topics))).collect(),
    }
}

fn read_partitions(value: &Value) -> TopicPartitions {
    match value.as_array() {
        None => TopicPartitions::without_racks(value.as_u64().unwrap() as usize),
        Some(partitions) => TopicPartitions { racks: partitions.iter().map(strings).collect() },
    }
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_string()).collect()
}

fn read_member(m: &Value) -> Member {
    let owned = m["owned"].as_array().unwrap();
    Member {
        id: m["id"].as_str().unwrap().to_string(),
        instance_id: m["instance"].as_str().map(str::to_string),
        subscription: Subscription {
            topics: strings(&m["topics"]),
            user_data: m["user_data"].as_str().map(|h| Bytes::from(hex::decode(h).unwrap())),
            owned_partitions: owned.iter().map(|tp| TopicPartition::new(tp[0].as_str().unwrap(), tp[1].as_i64().unwrap() as i32)).collect(),
            generation: m["generation"].as_i64().unwrap() as i32,
            rack: m["rack"].as_str().map(str::to_string),
        },
    }
}

fn read_assignment(topics: &Value) -> BTreeSet<TopicPartition> {
    let partitions = |(topic, list): (&String, &Value)| -> Vec<TopicPartition> {
        list.as_array().unwrap().iter().map(|p| TopicPartition::new(topic.clone(), p.as_i64().unwrap() as i32)).collect()
    };
    topics.as_object().unwrap().iter().flat_map(partitions).collect()
}

fn as_sets(assignments: &Assignments) -> BTreeMap<String, BTreeSet<TopicPartition>> {
    assignments.iter().map(|(id, list)| (id.clone(), list.iter().cloned().collect())).collect()
}

#[test]
fn assignments_are_those_of_the_java_client() {
    let mut wrong = Vec::new();
    let cases = cases();
    assert!(cases.len() >= 100);
    for case in &cases {
        let got = as_sets(&case.assignor.assign(&case.topics, &case.members));
        if got != case.expected {
            wrong.push(format!("{}\n  expected {:?}\n  got      {got:?}", case.name, case.expected));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ, first:\n{}", wrong.len(), cases.len(), wrong[0]);
}

#[test]
fn v8_no_partition_goes_to_two_members_and_none_is_left_over() {
    for case in &cases() {
        let got = case.assignor.assign(&case.topics, &case.members);
        let all: Vec<&TopicPartition> = got.values().flatten().collect();
        let distinct: BTreeSet<&TopicPartition> = all.iter().copied().collect();
        assert_eq!(all.len(), distinct.len(), "{}", case.name);
        let wanted = |topic: &String| case.members.iter().any(|m| m.subscription.topics.contains(topic));
        let existing: usize = case.topics.iter().filter(|(name, _)| wanted(name)).map(|(_, t)| t.len()).sum();
        if case.assignor != Assignor::CooperativeSticky {
            assert_eq!(all.len(), existing, "{}", case.name);
        }
        for member in &case.members {
            assert!(got[&member.id].iter().all(|tp| member.subscription.topics.contains(&tp.topic)), "{}", case.name);
        }
    }
}

/// A partition that someone still holds is never given to another member before it was let go.
#[test]
fn cooperative_sticky_gives_nothing_that_another_member_holds() {
    for case in cases().iter().filter(|c| c.assignor == Assignor::CooperativeSticky && !c.name.contains("claim")) {
        let got = case.assignor.assign(&case.topics, &case.members);
        for (id, list) in &got {
            for other in case.members.iter().filter(|m| m.id != *id) {
                assert!(list.iter().all(|tp| !other.subscription.owned_partitions.contains(tp)), "{}", case.name);
            }
        }
    }
}

#[test]
fn sticky_user_data_is_what_the_java_client_writes() {
    use kfk::machine::assign::consumer_protocol::{decode_sticky_user_data, encode_sticky_user_data};
    let mut seen = 0;
    for case in cases().iter().filter(|c| c.assignor == Assignor::Sticky) {
        for data in case.members.iter().filter_map(|m| m.subscription.user_data.as_ref()) {
            let (held, generation) = decode_sticky_user_data(data).unwrap();
            assert_eq!(encode_sticky_user_data(&held, generation.unwrap()), *data);
            seen += 1;
        }
    }
    assert!(seen > 10);
}
