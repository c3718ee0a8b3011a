//! `kafka-reassign-partitions`: what one broker can answer, and against a cluster of three, if there is one, the rest.

use std::collections::BTreeMap;
use std::time::Duration;

use kfk::client::OutgoingRecord;
use kfk::client::admin::NewTopic;
use regex::Regex;

use crate::broker;
use crate::offsets::{block_on, fast_properties, topic};
use crate::pattern::without_java;
use crate::replay::{RECORDED_BROKER, Replay};
use crate::three;

/// Commands that say the same on a cluster of one.
const SINGLE: [&str; 10] =
    ["nosuch-topics.json", "nofile.json", "e1.json", "e2.json", "e3.json", "e4.json", "e5.json", "e6.json", "e7.json", "e9.json"];

#[test]
fn reassign_partitions_replay() {
    let broker = broker::start();
    block_on(&broker.bootstrap, async |admin, _| {
        for (_, result) in admin.create_topics(&[topic("m2", 4, ("retention.ms", "-1"))], false).await.unwrap() {
            result.unwrap();
        }
    });
    Replay {
        file: "kafka-reassign-partitions",
        bootstrap: Some(broker.bootstrap.clone()),
        any_order: |_| false,
        side_by_side: |_| true,
        before: &|_, case, dir| {
            fast_properties(dir);
            let refused = !case.stderr.is_empty() || case.stdout.lines().count() < 2 && case.command.ends_with("19210 --list");
            let named = SINGLE.iter().any(|file| case.command.contains(file));
            if !(refused || named || case.command.contains("--version")) {
                case.command = "needs three".to_owned();
            }
            case.command = case.command.replace("localhost:19210", RECORDED_BROKER);
            case.stdout = without_java(&case.stdout).replace("on brokers 1,2,3", "on broker 1");
        },
    }
    .run();
}

#[test]
fn reassign_partitions_of_three_replay() {
    let Some(cluster) = three::cluster() else { return };
    prepare(&cluster.brokers);
    let dir = Regex::new(r"\$DATA\db?").unwrap();
    let proposal = Regex::new(r#"(?s)(Proposed partition reassignment configuration\n).*"#).unwrap();
    Replay {
        file: "kafka-reassign-partitions",
        bootstrap: Some(cluster.brokers.clone()),
        any_order: |_| false,
        side_by_side: |_| false,
        before: &|replay, case, work| {
            fast_properties(work);
            if case.command.contains("--verify") && !case.stdout.contains("still in progress") {
                settled(replay, work);
            }
            cluster.adapt(case);
            // Which directory a replica is in is up to its broker; topics are described by another tool.
            if case.command.starts_with("kafka-topics") || case.command.contains("logdir.json") {
                case.command = "elsewhere".to_owned();
            }
            case.stdout = dir.replace_all(&without_java(&case.stdout), "<dir>").into_owned();
            case.stdout = proposal.replace(&case.stdout, "$1<any>\n").into_owned();
        },
    }
    .run();
}

/// Waits until nothing moves any more.
fn settled(replay: &Replay<'_>, work: &std::path::Path) {
    for _ in 0..200 {
        let list = format!("kafka-reassign-partitions --bootstrap-server {RECORDED_BROKER} --list");
        if replay.output(&list, work).starts_with("No partition") {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("the move does not end");
}

/// The recorder's topics; `big` has about 4 MB.
fn prepare(bootstrap: &str) {
    block_on(bootstrap, async |admin, producer| {
        let assigned = |name: &str, rows: &[&[i32]]| NewTopic {
            name: name.to_owned(),
            assignments: rows.iter().enumerate().map(|(p, ids)| (p as i32, ids.to_vec())).collect::<BTreeMap<_, _>>(),
            ..NewTopic::default()
        };
        if admin.delete_topics(&["m2", "big"]).await.unwrap().iter().any(|(_, result)| result.is_ok()) {
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        let topics = [assigned("m2", &[&[1, 2, 3], &[2, 3, 1], &[3, 1, 2], &[1, 3, 2]]), assigned("big", &[&[1, 2]])];
        for (_, result) in admin.create_topics(&topics, false).await.unwrap() {
            result.unwrap();
        }
        let value = vec![b'x'; 500_000];
        for _ in 0..8 {
            let record = OutgoingRecord { topic: "big", partition: Some(0), timestamp: None, key: None, value: Some(&value), headers: &[] };
            producer.send_and_wait(record).await.unwrap();
        }
    });
}
