//! What the broker does to its data directory by itself: background flushes, looking over, retention, files that go (facts R, C, L).

mod common;

use std::path::Path;
use std::time::{Duration, Instant};

use common::TestBroker;
use common::records::*;
use kfk::wire::fetch_request::FetchRequest;

/// Waits until `done`, for ten seconds at most.
fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(10), "still waiting: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A batch of one record of about 700 KB: two of them do not fit a segment of 1 MiB.
fn large() -> bytes::Bytes {
    batch(&[&"x".repeat(700_000)])
}

const SMALL_SEGMENTS: (&str, &str) = ("segment.bytes", "1048576");

/// Copies a data directory as a crash would leave it.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn files(dir: &Path, suffix: &str) -> Vec<String> {
    let names = std::fs::read_dir(dir).into_iter().flatten().map(|e| e.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|n| n.ends_with(suffix)).collect();
    names.sort();
    names
}

#[test]
fn r13_a_rolled_segment_is_synced_and_the_recovery_point_moves_to_the_new_base() {
    let broker = TestBroker::start(&[("log.flush.offset.checkpoint.interval.ms", "20")]);
    let mut client = broker.connect();
    create(&mut client, "t", 1, &[SMALL_SEGMENTS]);
    produce_ok(&mut client, "t", 0, large());
    produce_ok(&mut client, "t", 0, large());
    let checkpoint = broker.dir().join("recovery-point-offset-checkpoint");
    until("the checkpoint has offset 1", || std::fs::read_to_string(&checkpoint).is_ok_and(|text| text.contains("t 0 1\n")));
    produce_ok(&mut client, "t", 0, large());
    until("the checkpoint has offset 2", || std::fs::read_to_string(&checkpoint).is_ok_and(|text| text.contains("t 0 2\n")));
}

#[test]
fn r1_after_an_unclean_stop_all_logs_are_looked_over_so_that_the_next_stop_is_clean() {
    let (mut first, crashed) = (TestBroker::start(&[]), tempfile::tempdir().unwrap());
    let mut client = first.connect();
    create(&mut client, "t", 20, &[]);
    for partition in 0..20 {
        produce_ok(&mut client, "t", partition, batch(&["a", "b"]));
    }
    copy(first.dir(), crashed.path());
    first.stop();
    // Nobody asks for any of the partitions.
    let mut second = TestBroker::start_in(crashed.path(), &[]);
    until("every partition has a snapshot", || (0..20).all(|p| files(&crashed.path().join(format!("t-{p}")), ".snapshot").len() == 1));
    let mut client = second.connect();
    assert_eq!(produce_ok(&mut client, "t", 7, batch(&["c"])), 2, "also one that was looked over goes on");
    second.stop();
    assert!(crashed.path().join(".kafka_cleanshutdown").exists());
}

#[test]
fn c1_c4_retention_reaches_partitions_that_nobody_asked_for_since_the_start_and_their_files_go() {
    let dir = tempfile::tempdir().unwrap();
    let soon = [("log.initial.task.delay.ms", "1"), ("log.retention.check.interval.ms", "20")];
    let mut first = TestBroker::start_in(dir.path(), &[("log.initial.task.delay.ms", "1000000")]);
    let mut client = first.connect();
    create(&mut client, "by-size", 1, &[SMALL_SEGMENTS, ("retention.bytes", "100000"), ("file.delete.delay.ms", "0")]);
    create(&mut client, "by-time", 1, &[SMALL_SEGMENTS, ("retention.ms", "1"), ("file.delete.delay.ms", "0")]);
    create(&mut client, "kept", 1, &[SMALL_SEGMENTS]);
    create(&mut client, "compact", 1, &[SMALL_SEGMENTS, ("cleanup.policy", "compact"), ("retention.ms", "1")]);
    for topic in ["by-size", "by-time", "kept"] {
        for _ in 0..3 {
            produce_ok(&mut client, topic, 0, large());
        }
    }
    first.stop();
    // Left behind by a run that ended before its time came.
    let left = dir.path().join("kept-0/00000000000000000000.log.deleted");
    std::fs::write(&left, "x").unwrap();
    let mut second = TestBroker::start_in(dir.path(), &soon);
    let logs = |topic: &str| files(&dir.path().join(format!("{topic}-0")), ".log");
    until("size", || logs("by-size") == ["00000000000000000002.log"]);
    until("time", || logs("by-time") == ["00000000000000000003.log"]);
    let mut client = second.connect();
    assert_eq!(list_offset(&mut client, "by-size", 0, -2).offset, 2);
    assert_eq!(list_offset(&mut client, "by-time", 0, -2).offset, 3);
    assert_eq!(produce_ok(&mut client, "by-time", 0, batch(&["a"])), 3, "C3: the log keeps its end");
    assert_eq!(logs("kept").len(), 3);
    assert_eq!(files(&dir.path().join("kept-0"), ".timeindex").len(), 3);
    second.stop();
    assert!(dir.path().join(".kafka_cleanshutdown").exists());
}

#[test]
fn c4_t11_files_and_directories_marked_as_deleted_are_removed_by_the_timer() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = TestBroker::start_in(dir.path(), &[]);
    let mut client = first.connect();
    create(&mut client, "t", 1, &[("file.delete.delay.ms", "0")]);
    produce_ok(&mut client, "t", 0, batch(&["a"]));
    first.stop();
    let directory = dir.path().join("gone-0.0123456789abcdef0123456789abcdef-delete");
    std::fs::create_dir(&directory).unwrap();
    std::fs::write(directory.join("00000000000000000000.log"), "x").unwrap();
    let file = dir.path().join("t-0/00000000000000000000.log.deleted");
    std::fs::write(&file, "x").unwrap();
    let _second = TestBroker::start_in(dir.path(), &[("log.initial.task.delay.ms", "1")]);
    until("both are gone", || !directory.exists() && !file.exists());
}

#[test]
fn with_group_commit_all_producers_that_wait_are_answered_and_the_recovery_point_has_moved() {
    let settings = [("kfk.durability", "group-commit"), ("log.flush.offset.checkpoint.interval.ms", "20")];
    let broker = TestBroker::start(&settings);
    create(&mut broker.connect(), "t", 1, &[]);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut client = broker.connect();
                for _ in 0..20 {
                    produce_ok(&mut client, "t", 0, batch(&["x"]));
                }
            });
        }
    });
    let data = fetch(&mut broker.connect(), "t", 0, 0);
    assert_eq!((data.high_watermark, records_of(&data).len()), (160, 160));
    let checkpoint = broker.dir().join("recovery-point-offset-checkpoint");
    until("the checkpoint has everything that was acknowledged", || {
        std::fs::read_to_string(&checkpoint).is_ok_and(|text| text.contains("t 0 160\n"))
    });
}

#[test]
fn with_group_commit_a_sleeping_fetch_is_woken_by_the_sync() {
    let broker = TestBroker::start(&[("kfk.durability", "group-commit")]);
    let mut producer = broker.connect();
    create(&mut producer, "t", 1, &[]);
    let mut consumer = broker.connect();
    let ask = FetchRequest { max_wait_ms: 10_000, min_bytes: 1, ..fetch_request("t", 0, 0) };
    consumer.send(12, &ask);
    // acks=1 is answered before the sync; the record is shown after it all the same.
    producer.call(12, &produce_request("t", 0, 1, batch(&["x"])));
    let started = Instant::now();
    let data = only_partition(consumer.receive::<FetchRequest>(12).1);
    assert_eq!(records_of(&data), [(0, "x".to_string())]);
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn r16_with_group_commit_an_acknowledgement_survives_what_a_crash_leaves() {
    let broker = TestBroker::start(&[("kfk.durability", "group-commit")]);
    let mut client = broker.connect();
    create(&mut client, "t", 1, &[]);
    produce_ok(&mut client, "t", 0, batch(&["a", "b"]));
    let crashed = tempfile::tempdir().unwrap();
    copy(broker.dir(), crashed.path());
    let again = TestBroker::start_in(crashed.path(), &[("kfk.durability", "group-commit")]);
    // What was in the log when it stopped is committed once it is synced anew, with no producer to ask for it.
    let mut client = again.connect();
    until("both records are readable", || fetch(&mut client, "t", 0, 0).high_watermark == 2);
}
