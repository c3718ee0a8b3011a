//! The server-side assignors against recorded results of Kafka 4.3.1's (`tests/fixtures/group-assignors.json`): groups that are founded,
//! grow, shrink, and change what they subscribe to, each step starting from the target of the one before.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use kfk::machine::group::consumer::assign::{GroupSpec, MemberSpec, ServerAssignor, Subscribed, Targets};
use kfk::types::Uuid;
use serde_json::Value;

fn cases() -> Vec<Value> {
    // More, by hand: KFK_GROUP_ASSIGNOR_CASES=FILE
    let text = match std::env::var("KFK_GROUP_ASSIGNOR_CASES") {
        Ok(path) => std::fs::read_to_string(path).unwrap(),
        Err(_) => include_str!("fixtures/group-assignors.json").to_string(),
    };
    serde_json::from_str::<Value>(&text).unwrap().as_array().unwrap().clone()
}

fn id(value: &str) -> Uuid {
    value.parse().unwrap()
}

fn partitions(value: &Value) -> BTreeMap<Uuid, BTreeSet<i32>> {
    let list = |v: &Value| v.as_array().unwrap().iter().map(|p| p.as_i64().unwrap() as i32).collect();
    value.as_object().unwrap().iter().map(|(topic, v)| (id(topic), list(v))).collect()
}

fn member(value: &Value) -> MemberSpec {
    let by_name: Vec<Uuid> = value["topics"].as_array().unwrap().iter().map(|t| id(t.as_str().unwrap())).collect();
    let (topics, names) = (by_name.iter().copied().collect(), value["names"].as_u64().unwrap() as usize);
    MemberSpec {
        id: value["id"].as_str().unwrap().into(),
        instance_id: value["instance"].as_str().map(str::to_string),
        subscribed: Rc::new(Subscribed { topics, by_name, names }),
        held: partitions(&value["held"]),
    }
}

fn spec(case: &Value) -> GroupSpec {
    let mut members: Vec<MemberSpec> = case["members"].as_array().unwrap().iter().map(member).collect();
    members.sort_by(|a, b| a.id.cmp(&b.id));
    let count = |(topic, n): (&String, &Value)| (id(topic), n.as_i64().unwrap() as i32);
    GroupSpec {
        members,
        partitions: case["topics"].as_object().unwrap().iter().map(count).collect(),
        homogeneous: case["homogeneous"].as_bool().unwrap(),
    }
}

fn check(number: usize, group: &GroupSpec, targets: &Targets) {
    let mut taken = BTreeSet::new();
    for member in &group.members {
        for (topic, partitions) in targets.get(&member.id).into_iter().flatten() {
            assert!(member.subscribed.topics.contains(topic), "case {number}: {} gets a topic it does not subscribe to", member.id);
            for p in partitions {
                assert!(
                    taken.insert((*topic, *p)) && *p < group.partitions[topic],
                    "case {number}: {topic}-{p} twice, or there is no such"
                );
            }
        }
    }
    let subscribed: BTreeSet<Uuid> = group.members.iter().flat_map(|m| m.subscribed.topics.iter().copied()).collect();
    let all: usize = subscribed.iter().map(|t| group.partitions[t] as usize).sum();
    assert_eq!(taken.len(), all, "case {number}: every partition of a subscribed topic goes to someone");
}

#[test]
fn k9_targets_are_those_of_kafka() {
    let cases = cases();
    assert!(cases.len() >= 70);
    let mut wrong = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let group = spec(case);
        let mut targets = ServerAssignor::from_name(case["assignor"].as_str().unwrap()).unwrap().assign(&group);
        check(number, &group, &targets);
        group.members.iter().for_each(|m| _ = targets.entry(m.id.clone()).or_default());
        targets.values_mut().for_each(|target| target.retain(|_, partitions| !partitions.is_empty()));
        let expected: Targets = case["expected"].as_object().unwrap().iter().map(|(id, v)| (id.clone(), partitions(v))).collect();
        if targets != expected {
            wrong.push(format!("case {number}, {} {}: {targets:?}, not {expected:?}", case["assignor"], case["homogeneous"]));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong[..wrong.len().min(5)].join("\n"));
}

#[test]
fn assignors_go_by_kafkas_names() {
    for assignor in ServerAssignor::ALL {
        assert_eq!(ServerAssignor::from_name(assignor.name()), Some(assignor));
    }
    let class = "org.apache.kafka.coordinator.group.assignor.RangeAssignor";
    assert_eq!(ServerAssignor::from_name(class), Some(ServerAssignor::Range));
    assert_eq!(ServerAssignor::from_name("sticky"), None);
}
