//! `kafka-console-consumer`: topics with known records; those of `cc-data` were deleted by retention while the recording went on.

use std::collections::BTreeMap;
use std::path::Path;

use kfk::client::{Admin, ClientConfig, OutgoingRecord, Producer, ProducerConfig};
use kfk::record::Header;
use kfk::types::TopicPartition;

use crate::broker;
use crate::replay::{Replay, hurry};

/// From here on the recording shows `cc-data` empty.
const DATA_DELETED: &str = "--include 'cc-(data|lat)'";

#[test]
fn console_consumer_replays() {
    let broker = broker::start();
    let replay = Replay {
        file: "kafka-console-consumer",
        bootstrap: Some(broker.bootstrap.clone()),
        any_order: |case| case.command.contains("--topic cc-two"),
        side_by_side: |case| !case.command.contains(DATA_DELETED),
        before: &|replay, case, _: &Path| {
            hurry(case);
            if case.command.contains(DATA_DELETED) {
                delete_data(replay.bootstrap.as_deref().unwrap());
            }
        },
    };
    prepare(&replay, &broker.bootstrap);
    replay.run();
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

fn settings(bootstrap: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("bootstrap.servers".to_owned(), bootstrap.to_owned())])
}

fn prepare(replay: &Replay<'_>, bootstrap: &str) {
    let dir = tempfile::tempdir().unwrap();
    for (topic, options) in [
        ("cc-data", "--config retention.ms=-1"),
        ("cc-lat", "--config message.timestamp.type=LogAppendTime"),
        ("cc-two", "--partitions 2"),
        ("cc-num", ""),
        ("cc-bin", ""),
        ("cc-txn", ""),
    ] {
        replay.output(&format!("kafka-topics --bootstrap-server localhost:19200 --create --topic {topic} {options}"), dir.path());
    }
    runtime().block_on(async {
        let producer = Producer::new(ProducerConfig::parse(&settings(bootstrap)).unwrap()).unwrap();
        let send = async |topic: &str, partition, timestamp, key: Option<&[u8]>, value: Option<&[u8]>, headers: &[Header<'_>]| {
            producer.send_and_wait(OutgoingRecord { topic, partition, timestamp, key, value, headers }).await.unwrap();
        };
        let at = |n: i64| Some(1_700_000_000_000 + 1000 * n);
        let (x, y) = (Header { key: b"h1", value: Some(b"x") }, Header { key: b"h2", value: Some(b"y") });
        let null = Header { key: b"h", value: None };
        send("cc-data", None, at(0), Some(b"k1"), Some(b"v1"), &[x, y]).await;
        send("cc-data", None, at(1), None, Some(b"no key"), &[]).await;
        send("cc-data", None, at(2), Some(b"k3"), None, &[]).await;
        send("cc-data", None, at(3), Some(b"k4"), Some(b"null header"), &[null]).await;
        send("cc-data", None, at(4), Some(b""), Some(b""), &[]).await;
        send("cc-lat", None, None, None, Some(b"append time"), &[]).await;
        for n in 0..4u8 {
            let (key, value) = ([b'k', b'0' + n], [b'v', b'0' + n]);
            send("cc-two", Some(i32::from(n % 2)), None, Some(&key), Some(&value), &[]).await;
        }
        send("cc-num", None, None, Some(&42i32.to_be_bytes()), Some(&1_234_567_890_123i64.to_be_bytes()), &[]).await;
        produce_transactions(bootstrap).await;
        send("cc-bin", None, None, Some(b"\xff\xfe"), Some(b"\x00\x01\x80caf\xc3\xa9"), &[]).await;
    });
}

/// One transaction that is committed, one that is aborted, another one that is committed.
async fn produce_transactions(bootstrap: &str) {
    let mut values = settings(bootstrap);
    values.insert("transactional.id".to_owned(), "cc-tx".to_owned());
    let producer = Producer::new(ProducerConfig::parse(&values).unwrap()).unwrap();
    producer.init_transactions().await.unwrap();
    for (texts, commit) in [(&["committed 1", "committed 2"][..], true), (&["aborted"], false), (&["committed 3"], true)] {
        producer.begin_transaction().unwrap();
        for text in texts {
            let record = OutgoingRecord { topic: "cc-txn", value: Some(text.as_bytes()), ..OutgoingRecord::default() };
            producer.send_and_wait(record).await.unwrap();
        }
        if commit {
            producer.commit_transaction().await.unwrap();
        } else {
            producer.abort_transaction().await.unwrap();
        }
    }
}

fn delete_data(bootstrap: &str) {
    runtime().block_on(async {
        let admin = Admin::new(ClientConfig::parse(&settings(bootstrap)).unwrap());
        let all = BTreeMap::from([(TopicPartition::new("cc-data", 0), -1)]);
        for (_, result) in admin.delete_records(&all).await.unwrap() {
            result.unwrap();
        }
    });
}
