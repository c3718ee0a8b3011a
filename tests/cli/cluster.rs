//! The tools that look at brokers and at all groups: `kafka-groups`, `kafka-log-dirs`, `kafka-broker-api-versions`.

use std::collections::BTreeMap;
use std::path::Path;

use kfk::client::OutgoingRecord;
use kfk::client::admin::GroupOffset;
use kfk::types::TopicPartition;
use kfk::wire::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest;

use crate::broker;
use crate::offsets::{block_on, fast_properties, topic};
use crate::replay::Replay;
use crate::transcript::Case;

/// The share group is taken out of the recording.
#[test]
fn groups_replay() {
    let broker = broker::start();
    let replay = Replay {
        file: "kafka-groups",
        bootstrap: Some(broker.bootstrap.clone()),
        // A Java hash map.
        any_order: |_| true,
        side_by_side: |_| true,
        before: &|_, case, _| {
            let shown = |line: &&str| !line.starts_with("g-share");
            case.stdout = case.stdout.split_inclusive('\n').filter(shown).collect();
        },
    };
    prepare_groups(&replay, &broker.bootstrap);
    replay.run();
}

fn prepare_groups(replay: &Replay<'_>, bootstrap: &str) {
    block_on(bootstrap, async |admin, producer| {
        admin.create_topics(&[topic("t", 1, ("retention.ms", "-1"))], false).await.unwrap();
        let record = OutgoingRecord { topic: "t", partition: None, timestamp: None, key: None, value: Some(b"v"), headers: &[] };
        producer.send_and_wait(record).await.unwrap();
        let offset = GroupOffset { offset: 1, leader_epoch: -1, metadata: String::new() };
        let offsets = BTreeMap::from([(TopicPartition::new("t", 0), offset)]);
        for (_, result) in admin.alter_group_offsets("g-simple", &offsets).await.unwrap() {
            result.unwrap();
        }
        let coordinator = admin.group_coordinator("g-new").await.unwrap();
        let join = ConsumerGroupHeartbeatRequest {
            group_id: "g-new".into(),
            member_id: "AAAAAAAAAAAAAAAAAAAAAQ".into(),
            rebalance_timeout_ms: 5000,
            subscribed_topic_names: Some(vec!["t".into()]),
            topic_partitions: Some(Vec::new()),
            ..Default::default()
        };
        assert_eq!(admin.client().call_node(coordinator, &join).await.unwrap().error_code, 0);
    });
    let dir = tempfile::tempdir().unwrap();
    for group in ["g-idle", "g-empty", "g-static", "g-active"] {
        let read = format!(
            "kafka-console-consumer --bootstrap-server localhost:19200 --topic t --group {group} --from-beginning --max-messages 1"
        );
        replay.output(&read, dir.path());
    }
}

#[test]
fn log_dirs_replay() {
    let broker = broker::start();
    block_on(&broker.bootstrap, async |admin, producer| {
        let topics = [topic("ld-a", 2, ("retention.ms", "-1")), topic("other", 1, ("retention.ms", "-1"))];
        for (_, result) in admin.create_topics(&topics, false).await.unwrap() {
            result.unwrap();
        }
        for value in [b"v0", b"v1", b"v2"] {
            let value = Some(value.as_slice());
            let record = OutgoingRecord { topic: "ld-a", partition: Some(0), timestamp: Some(1), key: None, value, headers: &[] };
            drop(producer.send(record).await.unwrap());
        }
        producer.flush().await;
    });
    Replay {
        file: "kafka-log-dirs",
        bootstrap: Some(broker.bootstrap.clone()),
        any_order: |_| false,
        side_by_side: |_| true,
        before: &|_, case, dir| {
            fast_properties(dir);
            by_name(case);
            if let Some(data) = broker.data_dir() {
                case.stdout = case.stdout.replace("$DATA", data.to_str().unwrap());
            }
        },
    }
    .run();
}

/// The partitions of `ld-a` were recorded in the order of a Java hash map: rule E5.
fn by_name(case: &mut Case) {
    let partition = |n: u8, size: u8| format!(r#"{{"partition":"ld-a-{n}","size":{size},"offsetLag":0,"isFuture":false}}"#);
    let (first, second) = (partition(0, 88), partition(1, 0));
    case.stdout = case.stdout.replace(&format!("{second},{first}"), &format!("{first},{second}"));
}

/// `kfk server` does not know all requests; those that it knows it must know in Kafka's versions.
#[test]
fn broker_api_versions_replay() {
    let broker = broker::start();
    let known: Vec<i16> = block_on(&broker.bootstrap, async |admin, _| {
        let any = *admin.client().refresh(&[]).await.unwrap().brokers.keys().next().unwrap();
        admin.client().versions(any).await.unwrap().into_keys().collect()
    });
    Replay {
        file: "kafka-broker-api-versions",
        bootstrap: Some(broker.bootstrap.clone()),
        any_order: |_| false,
        side_by_side: |_| true,
        before: &|_, case: &mut Case, dir: &Path| {
            fast_properties(dir);
            case.stdout = case.stdout.split_inclusive('\n').map(|line| without_versions(line, &known)).collect();
        },
    }
    .run();
}

/// The line of a request that is not among `known` as it is for such a one; other lines as they are.
fn without_versions(line: &str, known: &[i16]) -> String {
    let Some((name, rest)) = line.split_once('(').filter(|_| line.starts_with('\t')) else { return line.to_owned() };
    let key = rest.split(')').next().unwrap().parse().unwrap();
    if known.contains(&key) {
        return line.to_owned();
    }
    let end = if line.ends_with(",\n") { ",\n" } else { "\n" };
    format!("{name}({key}): UNSUPPORTED{end}")
}

#[test]
fn only_unknown_requests_lose_their_versions() {
    assert_eq!(without_versions("\tVote(52): 0 to 1 [usable: 1],\n", &[1]), "\tVote(52): UNSUPPORTED,\n");
    assert_eq!(without_versions("\tFetch(1): 4 to 18 [usable: 18]\n", &[1]), "\tFetch(1): 4 to 18 [usable: 18]\n");
    assert_eq!(without_versions("localhost:1 (id: 1) -> (\n", &[]), "localhost:1 (id: 1) -> (\n");
}
