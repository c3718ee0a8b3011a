//! `kfk record`, `kfk replay`, `kfk copy` and `kfk ping`.

use std::time::{Duration, Instant};

use kfk::client::admin::ConfigResource;
use kfk::client::{Admin, ClientConfig};
use kfk::record::Header;

use crate::broker::{self, Broker};
use crate::console::{Record, block_on, create, kfk, produce, settings};
use crate::replay::dead_address;

const T: i64 = 1_700_000_000_000;

/// A topic of two partitions with a setting, and records of every kind.
fn prepare(broker: &Broker, topic: &str) {
    create(broker, topic, 2, &[("retention.ms", "-1"), ("max.message.bytes", "9999")]);
    let headers = [Header { key: b"h", value: Some(b"x") }, Header { key: b"h", value: None }];
    let records: [Record<'_>; 4] = [
        (0, T, Some(b"k"), Some(b"v"), &headers),
        (1, T + 40, None, Some(b"\xff\x00"), &[]),
        (1, T + 80, Some(b"gone"), None, &[]),
        (0, T + 120, Some(b""), Some(b""), &[]),
    ];
    produce(broker, topic, &records);
}

/// All records but their topic, sorted.
fn content(broker: &Broker, topic: &str) -> Vec<String> {
    let lines = kfk(broker, &format!("console-consumer --until-end -o json --topic {topic}"), &[], b"").lines();
    let mut all: Vec<String> = lines.iter().map(|l| l.split_once(",\"partition\"").unwrap().1.to_owned()).collect();
    all.sort();
    all
}

fn retention(broker: &Broker, topic: &str) -> String {
    block_on(async {
        let admin = Admin::new(ClientConfig::parse(&settings(broker)).unwrap());
        let found = admin.describe_configs(&[ConfigResource::topic(topic)]).await.unwrap().pop().unwrap().1.unwrap();
        found.into_iter().find(|c| c.name == "retention.ms").unwrap().value.unwrap()
    })
}

#[test]
fn a_recording_is_replayed_with_all_that_a_topic_has() {
    let (one, other) = (broker::start(), broker::start());
    prepare(&one, "t");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.jsonl");
    let file = path.to_str().unwrap();
    let ran = kfk(&one, "record --topic t", &[file], b"");
    assert!(ran.code == 0 && ran.err.ends_with("recorded 4 records\n"), "{}", ran.err);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 6);
    assert!(text.lines().next().unwrap().starts_with("{\"kfk_recording\":1,\"topics\":[{\"name\":\"t\",\"partitions\":2,\"configs\":{"));
    assert_eq!(text.lines().last(), Some("{\"kfk_recording_end\":4}"));
    let ran = kfk(&other, "replay", &[file], b"");
    assert_eq!((ran.code, ran.err.as_str()), (0, "created topic \"t\" with 2 partitions\nreplayed 4 records\n"));
    assert_eq!(content(&other, "t"), content(&one, "t"));
    assert_eq!(retention(&other, "t"), "-1");
    // Through pipes, to another name, and only the end of it.
    let piped = kfk(&one, "record --topic t -", &[], b"").ok();
    assert_eq!(kfk(&other, "replay - --topic u --skip 3", &[], piped.as_bytes()).code, 0);
    assert_eq!(content(&other, "u").len(), 1);
}

#[test]
fn a_recording_goes_on_where_it_was_cut_off() {
    let broker = broker::start();
    prepare(&broker, "t");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.jsonl");
    let file = path.to_str().unwrap();
    assert_eq!(kfk(&broker, "record --topic t", &[file], b"").code, 0);
    let whole = std::fs::read_to_string(&path).unwrap();
    // As if it had been killed in its fourth line.
    let third: usize = whole.split_inclusive('\n').take(3).map(str::len).sum();
    std::fs::write(&path, &whole[..third + 9]).unwrap();
    let ran = kfk(&broker, "replay --topic cut", &[file], b"");
    assert!(ran.code == 0 && ran.err.ends_with("warning: the recording was cut off; all it holds was replayed\n"), "{}", ran.err);
    let again = kfk(&broker, "record --topic t", &[file], b"");
    assert!(again.code == 1 && again.err.contains("is there already\n  hint: `--resume`"), "{}", again.err);
    let ran = kfk(&broker, "record --topic t --resume", &[file], b"");
    assert!(ran.code == 0 && ran.err.ends_with("recorded 2 records\n"), "{}", ran.err);
    let mut lines: Vec<String> = std::fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect();
    let mut wanted: Vec<String> = whole.lines().map(str::to_owned).collect();
    assert_eq!(lines.last(), wanted.last());
    lines.sort();
    wanted.sort();
    assert_eq!(lines, wanted);
}

#[test]
fn a_replay_keeps_the_pace_of_the_records() {
    let broker = broker::start();
    prepare(&broker, "t");
    let recording = kfk(&broker, "record --topic t -", &[], b"").ok();
    // The console's order may differ from that of time; the last record is 120 ms after the first.
    let started = Instant::now();
    assert_eq!(kfk(&broker, "replay - --topic u --speed 0.5", &[], recording.as_bytes()).code, 0);
    assert!(started.elapsed() >= Duration::from_millis(160), "took {:?}", started.elapsed());
    assert_eq!(kfk(&broker, "replay - --speed 0", &[], b"").code, 2);
    let wrong = kfk(&broker, "replay -", &[], b"{\"value\":\"x\"}\n");
    assert!(wrong.code == 1 && wrong.err.starts_with("error: - is no recording\n"), "{}", wrong.err);
}

#[test]
fn a_copy_goes_on_where_it_got_to() {
    let (from, to) = (broker::start(), broker::start());
    prepare(&from, "t");
    for (more, topic) in [(&["--to-topic", "plain"][..], "plain"), (&["--to-topic", "once", "--exactly-once"], "once")] {
        let copy = |records: usize| {
            let ran = kfk(&from, &format!("copy --topic t --to {}", to.bootstrap), more, b"");
            assert!(ran.code == 0 && ran.err.ends_with(&format!("copied {records} records\n")), "{}", ran.err);
        };
        let before = content(&from, "t").len();
        copy(before);
        copy(0);
        produce(&from, "t", &[(1, T + 999, Some(b"later"), Some(b"x"), &[])]);
        copy(1);
        let without_offset = |topic: &str, broker: &Broker| -> Vec<String> {
            let tail = |l: &String| l.split_once("\"timestamp\"").unwrap().1.to_owned();
            let mut all: Vec<String> = content(broker, topic).iter().map(tail).collect();
            all.sort();
            all
        };
        assert_eq!(without_offset(topic, &to), without_offset("t", &from), "{topic}");
        assert_eq!(retention(&to, topic), "-1");
    }
    assert_eq!(kfk(&from, &format!("copy --topic t --to {} --to-topic plain --restart", to.bootstrap), &[], b"").code, 0);
    assert_eq!(content(&to, "plain").len(), 5 + 6);
    let same = kfk(&from, &format!("copy --topic t --to {}", from.bootstrap), &[], b"");
    assert!(same.code == 2 && same.err.starts_with("error: the source and the target are the same cluster\n"), "{}", same.err);
    let none = kfk(&from, &format!("copy --topic nosuch --to {}", to.bootstrap), &[], b"");
    assert!(none.code == 1 && none.err.starts_with("error: topic \"nosuch\" does not exist\n"), "{}", none.err);
}

#[test]
fn ping_says_whether_the_cluster_is_ready() {
    let broker = broker::start();
    let ran = kfk(&broker, "ping -o plain", &[], b"");
    assert!(ran.code == 0 && ran.out.starts_with("ready cluster=") && ran.out.contains(" controller=1 brokers=localhost:"), "{}", ran.out);
    let json: serde_json::Value = serde_json::from_str(&kfk(&broker, "ping -o json", &[], b"").ok()).unwrap();
    assert_eq!(json[0]["brokers"].as_array().unwrap().len(), 1);
    let dead = dead_address();
    let ran = kfk(&broker, "ping --bootstrap-server", &[&dead], b"");
    assert!(ran.code == 1 && ran.err.starts_with("error: cannot reach any broker of "), "{}", ran.err);
    let started = Instant::now();
    let ran = kfk(&broker, "ping --wait 300ms --bootstrap-server", &[&dead], b"");
    assert!(ran.code == 1 && started.elapsed() >= Duration::from_millis(200), "{:?}", started.elapsed());
    assert_eq!(kfk(&broker, "ping --wait soon", &[], b"").code, 2);
}

#[test]
fn ping_waits_for_a_broker_that_is_about_to_start() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let waiting = std::thread::spawn(move || {
        let mut ping = std::process::Command::new(env!("CARGO_BIN_EXE_kfk"));
        ping.args(["ping", "--wait", "30s", "--bootstrap-server", &format!("127.0.0.1:{port}")]).output().unwrap()
    });
    let dir = tempfile::tempdir().unwrap();
    let mut server = std::process::Command::new(env!("CARGO_BIN_EXE_kfk"))
        .args(["server", "--listen", &format!("127.0.0.1:{port}"), "--data-dir"])
        .arg(dir.path())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let ran = waiting.join().unwrap();
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}
