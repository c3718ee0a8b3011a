//! `kafka-get-offsets` and `kafka-delete-records`: topics with known records and times.

use std::collections::BTreeMap;
use std::path::Path;

use kfk::client::admin::NewTopic;
use kfk::client::{Admin, ClientConfig, OutgoingRecord, Producer, ProducerConfig};

use crate::broker;
use crate::replay::Replay;

#[test]
fn get_offsets_replay() {
    let broker = broker::start();
    prepare(&broker.bootstrap);
    let replay = Replay {
        file: "kafka-get-offsets",
        bootstrap: Some(broker.bootstrap.clone()),
        // What failed is told in the order of a Java hash map.
        any_order: |case| case.command.contains("--time -7"),
        side_by_side: |_| true,
        before: &|_, _, _| {},
    };
    // A group, so that its internal topic is there.
    let dir = tempfile::tempdir().unwrap();
    replay.output(
        "kafka-console-consumer --bootstrap-server localhost:19200 --topic o-b --group reader --from-beginning --max-messages 1",
        dir.path(),
    );
    replay.run();
}

#[test]
fn delete_records_replay() {
    let broker = broker::start();
    prepare(&broker.bootstrap);
    Replay {
        file: "kafka-delete-records",
        bootstrap: Some(broker.bootstrap.clone()),
        // Java hash maps again.
        any_order: |case| case.command.starts_with("kafka-delete-records"),
        side_by_side: |_| false,
        before: &|_, _, dir| fast_properties(dir),
    }
    .run();
}

#[test]
fn what_fails_in_part_exits_with_1_under_kfks_own_name() {
    let broker = broker::start();
    prepare(&broker.bootstrap);
    let dir = tempfile::tempdir().unwrap();
    let plan = r#"{"partitions": [{"topic": "o-b", "partition": 0, "offset": 2}, {"topic": "o-b", "partition": 7, "offset": 1}]}"#;
    std::fs::write(dir.path().join("plan.json"), plan).unwrap();
    let kfk = |args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kfk"));
        let output = command.args(args).args(["--bootstrap-server", &broker.bootstrap]).current_dir(dir.path()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, out, _) = kfk(&["delete-records", "--offset-json-file", "plan.json", "-o", "table"]);
    assert_eq!(code, Some(1), "{out}");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0].split_whitespace().collect::<Vec<_>>(), ["TOPIC", "PARTITION", "LOW-WATERMARK", "ERROR"]);
    assert_eq!(lines[1].split_whitespace().collect::<Vec<_>>(), ["o-b", "0", "2", "-"]);
    assert!(lines[2].contains("This server does not host this topic-partition."), "{out}");

    let (code, out, err) = kfk(&["get-offsets", "--topic", "o-b", "--time", "-7"]);
    assert_eq!((code, out.as_str()), (Some(1), ""), "{err}");
    assert!(err.starts_with("error: no offset of o-b-0: ") && err.contains("  cause: UNSUPPORTED_VERSION (35)"), "{err}");
    let (code, out, _) = kfk(&["get-offsets", "--topic", "o-b", "--time", "earliest", "-o", "json"]);
    let found: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, found), (Some(0), serde_json::json!([{"topic": "o-b", "partition": 0, "offset": 2, "timestamp": null}])));
}

/// A file that other transcripts have given by then.
pub fn fast_properties(dir: &Path) {
    std::fs::write(dir.join("fast.properties"), "request.timeout.ms=2000\ndefault.api.timeout.ms=3000\n").unwrap();
}

pub fn block_on<T>(bootstrap: &str, work: impl AsyncFnOnce(Admin, Producer) -> T) -> T {
    let settings = BTreeMap::from([
        ("bootstrap.servers".to_owned(), bootstrap.to_owned()),
        // Records that are sent at once go out as one batch.
        ("linger.ms".to_owned(), "20".to_owned()),
    ]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let producer = Producer::new(ProducerConfig::parse(&settings).unwrap()).unwrap();
        work(Admin::new(ClientConfig::parse(&settings).unwrap()), producer).await
    })
}

pub fn topic(name: &str, partitions: i32, config: (&str, &str)) -> NewTopic {
    let configs = BTreeMap::from([(config.0.to_owned(), config.1.to_owned())]);
    NewTopic { name: name.to_owned(), partitions: Some(partitions), replication_factor: Some(1), configs, ..NewTopic::default() }
}

fn prepare(bootstrap: &str) {
    block_on(bootstrap, async |admin, producer| {
        let forever = ("retention.ms", "-1");
        let mut topics: Vec<NewTopic> =
            [("o-a", 3), ("o-b", 1), ("o-many", 12), ("o-empty", 1), ("g-orders", 3), ("manual", 3), ("orders", 3)]
                .map(|(name, partitions)| topic(name, partitions, forever))
                .into();
        topics.push(topic("o-compact", 1, ("cleanup.policy", "compact")));
        for (name, result) in admin.create_topics(&topics, false).await.unwrap() {
            result.unwrap_or_else(|e| panic!("{name}: {e}"));
        }
        let send = async |topic: &str, partition: i32, seconds: i64| {
            let timestamp = Some(1_700_000_000_000 + 1000 * seconds);
            let record = OutgoingRecord { topic, partition: Some(partition), timestamp, key: Some(b"k"), value: Some(b"v"), headers: &[] };
            drop(producer.send(record).await.unwrap());
        };
        for i in 0..9i32 {
            send("o-a", i % 3, i.into()).await;
        }
        for seconds in (1..=5).rev() {
            send("o-b", 0, seconds).await;
        }
        for seconds in 0..4 {
            send("g-orders", 2, seconds).await;
        }
        for seconds in 0..2 {
            send("o-compact", 0, seconds).await;
        }
        producer.flush().await;
    });
}
