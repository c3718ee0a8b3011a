//! `kafka-consumer-groups`: groups in all states, live members included, set up as the recording had them.
//!
//! The share group `g-share` is there only for the commands that name it; elsewhere it is taken out of the recording.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kfk::client::admin::GroupOffset;
use kfk::client::{Admin, ClientConfig, OutgoingRecord, Producer, ProducerConfig};
use kfk::types::TopicPartition;

use crate::broker;
use crate::replay::Replay;
use crate::transcript::Case;

#[test]
fn consumer_groups_replay() {
    let broker = broker::start();
    let world = World { bootstrap: broker.bootstrap.clone(), members: Mutex::default(), ready: AtomicBool::new(false) };
    Replay {
        file: "kafka-consumer-groups",
        bootstrap: Some(broker.bootstrap.clone()),
        // Java hash maps all over.
        any_order: |_| true,
        side_by_side: |_| false,
        before: &|replay, case, dir| world.before(replay, case, dir),
    }
    .run();
}

struct World {
    bootstrap: String,
    /// Running consumers by their client ids.
    members: Mutex<BTreeMap<&'static str, Child>>,
    ready: AtomicBool,
}

impl World {
    fn before(&self, replay: &Replay<'_>, case: &mut Case, dir: &Path) {
        let empty_cluster = case.remarked("no groups exist");
        if !self.ready.load(Ordering::Relaxed) && !empty_cluster && case.command.contains("--list") {
            self.set_up(replay, dir);
            self.ready.store(true, Ordering::Relaxed);
        }
        if case.command.contains("--group g-idle") && !self.members.lock().unwrap().contains_key("idle1") {
            self.start_member("idle1", "g-idle", "g-none", &[]);
            self.await_described(replay, dir, "g-idle", &["idle1-"]);
            self.start_member("idle2", "g-idle", "g-none", &[]);
            self.await_described(replay, dir, "g-idle --state", &["Stable               2"]);
            self.await_described(replay, dir, "g-idle", &["0               0               0  "]);
        }
        let there = self.members.lock().unwrap().contains_key("share");
        match (case.command.contains("g-share"), there) {
            (true, false) => self.start_share_group(),
            (false, true) => self.end_share_group(),
            _ => {}
        }
        if case.command.contains("--reset-offsets --all-groups") {
            for id in ["c1", "c2", "idle1", "idle2", "new"] {
                self.stop_member(id);
            }
        }
        if case.command.ends_with("--delete --all-groups") {
            self.stop_member("i1");
            self.block_on(async |admin| admin.remove_members("g-static", &[(String::new(), Some("i1".into()))], "over").await.unwrap());
            // In the order of a Java hash map.
            case.stdout = "Deletion of requested consumer groups ('g-active', 'g-idle', 'g-new', 'g-static') was successful.\n".to_owned();
        }
        case.stdout = without_newer_groups(&case.stdout);
        case.stderr = without_newer_groups(&case.stderr);
    }

    fn set_up(&self, replay: &Replay<'_>, dir: &Path) {
        for (topic, partitions) in [("g-orders", 3), ("g-pay", 1), ("g-none", 1)] {
            let create = format!(
                "kafka-topics --bootstrap-server localhost:19200 --create --topic {topic} --partitions {partitions} --config retention.ms=-1"
            );
            replay.output(&create, dir);
        }
        self.produce("g-orders", 0..12, |i| i % 3);
        self.produce("g-pay", 0..5, |_| 0);
        let read = |group: &str, topic: &str, count: u32| {
            let command = format!(
                "kafka-console-consumer --bootstrap-server localhost:19200 --topic {topic} --group {group} --from-beginning --max-messages {count}"
            );
            replay.output(&command, dir);
        };
        read("g-empty", "g-orders", 12);
        self.produce("g-orders", 12..18, |i| i % 2);
        self.block_on(async |admin| {
            let at = |offset| GroupOffset { offset, leader_epoch: -1, metadata: String::new() };
            let orders = |partition| TopicPartition::new("g-orders", partition);
            let offsets = BTreeMap::from([(orders(0), at(1)), (orders(1), at(0)), (TopicPartition::new("g-pay", 0), at(5))]);
            for (_, result) in admin.alter_group_offsets("g-simple", &offsets).await.unwrap() {
                result.unwrap();
            }
        });
        self.start_member("c1", "g-active", "g-orders", &[]);
        self.await_described(replay, dir, "g-active", &["c1-"]);
        self.start_member("c2", "g-active", "g-orders", &[]);
        self.start_member("new", "g-new", "g-orders", &["group.protocol=consumer", "client.id=console-consumer"]);
        self.start_member("i1", "g-static", "g-pay", &["group.instance.id=i1", "client.id=console-consumer"]);
        self.await_described(
            replay,
            dir,
            "g-active",
            &[
                "0          7               7               0               c1-",
                "2          4               4               0               c2-",
            ],
        );
        self.await_described(
            replay,
            dir,
            "g-new",
            &["0          7               7", "1          7               7", "2          4               4"],
        );
        self.await_described(replay, dir, "g-static", &["0          5               5               0               i1-"]);
    }

    fn block_on<T>(&self, work: impl AsyncFnOnce(Admin) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let settings = BTreeMap::from([("bootstrap.servers".to_owned(), self.bootstrap.clone())]);
            work(Admin::new(ClientConfig::parse(&settings).unwrap())).await
        })
    }

    /// Records number `numbers`, a second apart, long ago.
    fn produce(&self, topic: &str, numbers: std::ops::Range<i32>, partition: fn(i32) -> i32) {
        let settings = BTreeMap::from([("bootstrap.servers".to_owned(), self.bootstrap.clone())]);
        self.block_on(async |_| {
            let producer = Producer::new(ProducerConfig::parse(&settings).unwrap()).unwrap();
            for i in numbers {
                let (partition, timestamp) = (Some(partition(i)), Some(1_700_000_000_000 + 1000 * i64::from(i)));
                let record = OutgoingRecord { topic, partition, timestamp, key: None, value: Some(b"x"), headers: &[] };
                producer.send_and_wait(record).await.unwrap();
            }
        });
    }

    fn start_member(&self, id: &'static str, group: &str, topic: &str, properties: &[&str]) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kfk"));
        command.args(["console-consumer", "--bootstrap-server", &self.bootstrap, "--topic", topic, "--group", group, "--from-beginning"]);
        let client = format!("client.id={id}");
        for property in ["auto.commit.interval.ms=100", &client].iter().chain(properties) {
            command.args(["--command-property", property]);
        }
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        self.members.lock().unwrap().insert(id, child);
    }

    /// The group `g-share`, with a member.
    fn start_share_group(&self) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kfk"));
        command.args(["console-share-consumer", "--bootstrap-server", &self.bootstrap, "--topic", "g-none", "--group", "g-share"]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        self.members.lock().unwrap().insert("share", child);
        self.block_on(async |admin| {
            let started = Instant::now();
            while !admin.describe_share_group("g-share").await.is_ok_and(|group| group.members.len() == 1) {
                assert!(started.elapsed() < Duration::from_secs(20), "no member came");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
    }

    fn end_share_group(&self) {
        self.stop_member("share");
        self.block_on(async |admin| admin.delete_groups(&["g-share"]).await.unwrap());
    }

    /// Lets it leave its group.
    fn stop_member(&self, id: &str) {
        let child = self.members.lock().unwrap().remove(id);
        if let Some(mut child) = child {
            assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
            child.wait().unwrap();
        }
    }

    fn await_described(&self, replay: &Replay<'_>, dir: &Path, what: &str, parts: &[&str]) {
        let started = Instant::now();
        let command = format!("kafka-consumer-groups --bootstrap-server localhost:19200 --describe --group {what}");
        loop {
            let text = replay.output(&command, dir);
            if parts.iter().all(|part| text.contains(part)) {
                return;
            }
            assert!(started.elapsed() < Duration::from_secs(20), "{what} never showed {parts:?}:\n{text}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for child in self.members.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Leaves out lines about groups of newer protocols, and tables that show nothing else.
fn without_newer_groups(text: &str) -> String {
    let newer = |line: &str| line.starts_with("g-share");
    let mut kept = String::new();
    for table in text.split_inclusive("\n\n") {
        let mut rows = table.lines().filter(|line| !line.is_empty() && !line.starts_with("GROUP"));
        let all_newer = rows.clone().count() > 0 && rows.all(newer);
        let lines = table.split_inclusive('\n').filter(|line| !newer(line.trim_end()));
        if !all_newer {
            kept.extend(lines);
        }
    }
    kept
}

#[test]
fn newer_groups_are_left_out() {
    let two = "\nGROUP  X\ng-a    1\n\nGROUP  X\ng-share  2\ng-share  3\n\nGROUP  X\ng-b    4\n";
    assert_eq!(without_newer_groups(two), "\nGROUP  X\ng-a    1\n\nGROUP  X\ng-b    4\n");
    assert_eq!(without_newer_groups("g-simple\ng-share\ng-active\n"), "g-simple\ng-active\n");
}
