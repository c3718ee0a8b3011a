//! `kafka-leader-election`: what one broker can answer, and against a cluster of three, if there is one, the rest.

use std::collections::BTreeMap;

use kfk::client::Admin;
use kfk::client::admin::NewTopic;
use kfk::wire::alter_partition_reassignments_request::{AlterPartitionReassignmentsRequest, ReassignablePartition, ReassignableTopic};

use crate::broker;
use crate::offsets::{block_on, fast_properties, topic};
use crate::replay::{RECORDED_BROKER, Replay};
use crate::three;
use crate::transcript::Case;

/// Where the recorder stopped a broker, described topics, or elected leaders of other tests' topics.
const ELSEWHERE: [&str; 2] = ["--topic le --partition 2", "PREFERRED --all-topic-partitions"];

#[test]
fn leader_election_replay() {
    let broker = broker::start();
    block_on(&broker.bootstrap, async |admin, _| {
        for (_, result) in admin.create_topics(&[topic("le", 3, ("retention.ms", "-1"))], false).await.unwrap() {
            result.unwrap();
        }
    });
    Replay {
        file: "kafka-leader-election",
        bootstrap: Some(broker.bootstrap.clone()),
        any_order: |_| false,
        side_by_side: |_| true,
        before: &|_, case, dir| {
            fast_properties(dir);
            case.command = case.command.replace("localhost:19210", RECORDED_BROKER);
            only_elections(case);
            if ELSEWHERE.iter().any(|words| case.command.contains(words)) {
                case.command = "needs three".to_owned();
            }
        },
    }
    .run();
}

/// Topics are described by another tool; and its partitions come in the order of their names (rule E5).
fn only_elections(case: &mut Case) {
    if case.command.starts_with("kafka-topics") {
        case.command = "described elsewhere".to_owned();
    }
    case.stdout = case.stdout.replace("partitions le-1, le-0", "partitions le-0, le-1");
}

#[test]
fn leader_election_of_three_replay() {
    let Some(cluster) = three::cluster() else { return };
    block_on(&cluster.brokers, async |admin, _| prepare(&admin).await);
    Replay {
        file: "kafka-leader-election",
        bootstrap: Some(cluster.brokers.clone()),
        any_order: |_| false,
        side_by_side: |_| false,
        before: &|_, case, dir| {
            fast_properties(dir);
            cluster.adapt(case);
            only_elections(case);
            // At least `m1-0`; what other tests left behind, too.
            case.stdout = case.stdout.replace("m1-3, m1-2, m2-2, m2-1, __warm-0", "<any>");
            if case.remarked("preferred leader is down") {
                case.command = "stops a broker".to_owned();
            }
        },
    }
    .run();
}

/// `le-2` and `m1-0` are led by a broker that is not their first any more.
async fn prepare(admin: &Admin) {
    let assigned = |name: &str, rows: &[[i32; 3]]| NewTopic {
        name: name.to_owned(),
        assignments: rows.iter().enumerate().map(|(p, ids)| (p as i32, ids.to_vec())).collect::<BTreeMap<_, _>>(),
        ..NewTopic::default()
    };
    let old = admin.delete_topics(&["le", "m1"]).await.unwrap();
    if old.iter().any(|(_, result)| result.is_ok()) {
        std::thread::sleep(std::time::Duration::from_secs(2));
    }
    let topics = [assigned("le", &[[1, 2, 3], [2, 3, 1], [1, 2, 3]]), assigned("m1", &[[1, 2, 3]])];
    for (_, result) in admin.create_topics(&topics, false).await.unwrap() {
        result.unwrap();
    }
    for (name, partition_index) in [("le", 2), ("m1", 0)] {
        let partitions = vec![ReassignablePartition { partition_index, replicas: Some(vec![3, 1, 2]) }];
        let topics = vec![ReassignableTopic { name: name.into(), partitions }];
        let request = AlterPartitionReassignmentsRequest { topics, ..Default::default() };
        let answer = admin.client().call_controller(&request).await.unwrap();
        assert_eq!(answer.responses[0].partitions[0].error_code, 0);
    }
}
