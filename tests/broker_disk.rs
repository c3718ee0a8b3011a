//! What the broker does to its data directory by itself: background flushes, looking over, retention, files that go (facts R, C, L).

mod common;

use std::path::Path;
use std::time::{Duration, Instant};

use common::records::*;
use common::{Client, TestBroker};
use kfk::record::{BatchBuilder, BatchOptions, BatchView};
use kfk::wire::end_txn_request::EndTxnRequest;
use kfk::wire::fetch_request::FetchRequest;
use kfk::wire::find_coordinator_request::FindCoordinatorRequest;
use kfk::wire::init_producer_id_request::InitProducerIdRequest;
use kfk::wire::produce_request::ProduceRequest;

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

/// Records have times from here on, ten milliseconds from one to the next. Near the present, in which markers are written: no segment is
/// rolled for its age.
fn t0() -> i64 {
    static T0: std::sync::OnceLock<i64> = std::sync::OnceLock::new();
    *T0.get_or_init(|| now_ms() - 60_000)
}

/// One record a batch, whose time says its place.
fn timed(options: BatchOptions, place: i64) -> bytes::Bytes {
    let mut builder = BatchBuilder::new(options);
    builder.append(t0() + 10 * place, None, Some(format!("value {place}").as_bytes()), &[]).unwrap();
    builder.finish().unwrap()
}

/// Fills partition 0 of topic `t`: plain batches, numbered ones, an aborted transaction, and plain ones again. Gives the last numbered batch
/// and its offset.
fn fill(client: &mut Client) -> (bytes::Bytes, i64) {
    let asked = FindCoordinatorRequest { key_type: 1, coordinator_keys: vec!["x".into()], ..Default::default() };
    assert_eq!(client.call(6, &asked).coordinators[0].error_code, 0);
    let init = InitProducerIdRequest { transactional_id: Some("x".into()), transaction_timeout_ms: 60_000, ..Default::default() };
    let txn = client.call(5, &init);
    assert_eq!(txn.error_code, 0);
    let (producer_id, producer_epoch) = (txn.producer_id, txn.producer_epoch);
    for place in 0..3 {
        produce_ok(client, "t", 0, timed(BatchOptions::default(), place));
    }
    let numbered = timed(BatchOptions { producer_id: 500, producer_epoch: 0, base_sequence: 0, ..Default::default() }, 3);
    let at = produce_ok(client, "t", 0, numbered.clone());
    let options = BatchOptions { producer_id, producer_epoch, base_sequence: 0, transactional: true, ..Default::default() };
    let request = ProduceRequest { transactional_id: Some("x".into()), ..produce_request("t", 0, -1, timed(options, 4)) };
    assert_eq!(client.call(12, &request).responses[0].partition_responses[0].error_code, 0);
    let end = EndTxnRequest { transactional_id: "x".into(), producer_id, producer_epoch, committed: false };
    assert_eq!(client.call(5, &end).error_code, 0);
    for place in 6..9 {
        produce_ok(client, "t", 0, timed(BatchOptions::default(), place));
    }
    (numbered, at)
}

/// What clients get from a partition: records with offsets, aborted transactions, offsets by time, what a producer's second try gets; or the
/// error instead of each.
#[derive(Debug, PartialEq)]
struct Answers {
    records: Result<Vec<(i64, u32)>, i16>,
    aborted: Result<Vec<(i64, i64)>, i16>,
    by_time: Vec<Result<i64, i16>>,
    again: Result<i64, i16>,
}

fn answers(client: &mut Client, partition: i32, numbered: &bytes::Bytes) -> Answers {
    let ok = |code: i16| if code == 0 { Ok(()) } else { Err(code) };
    let data = fetch(client, "t", partition, 0);
    let bytes = data.records.as_ref().and_then(|r| r.as_bytes()).cloned().unwrap_or_default();
    let views: Vec<BatchView<'_>> = kfk::record::batches(&bytes).map(Result::unwrap).collect();
    views.iter().for_each(|view| view.check_crc().unwrap());
    let records = ok(data.error_code).map(|()| views.iter().map(|v| (v.header.base_offset, v.header.crc)).collect());
    let stable = only_partition(client.call(12, &FetchRequest { isolation_level: 1, ..fetch_request("t", partition, 0) }));
    let aborted = stable.aborted_transactions.unwrap_or_default();
    let aborted = ok(stable.error_code).map(|()| aborted.iter().map(|a| (a.producer_id, a.first_offset)).collect());
    let mut by_time = Vec::new();
    for place in 0..10 {
        let found = list_offset(client, "t", partition, t0() + 10 * place);
        by_time.push(ok(found.error_code).map(|()| found.offset));
    }
    let again = produce(client, "t", partition, numbered.clone());
    Answers { records, aborted, by_time, again: ok(again.error_code).map(|()| again.base_offset) }
}

/// Partitions that are copies of partition 0 but for what `change` does to each; `change` says how many there are.
fn copies(dir: &Path, count: usize) {
    for index in 1..=count {
        let to = dir.join(format!("t-{index}"));
        let _ = std::fs::remove_dir_all(&to);
        copy(&dir.join("t-0"), &to);
    }
}

const ONE_EACH: [(&str, &str); 2] = [("offsets.topic.num.partitions", "1"), ("transaction.state.log.num.partitions", "1")];

#[test]
fn r5_r9_a_log_torn_at_any_byte_of_its_last_batches_keeps_the_whole_ones_and_sets_the_rest_aside() {
    const LAST: usize = 200;
    let (alive, dead) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    {
        let broker = TestBroker::start_in(alive.path(), &ONE_EACH);
        let mut client = broker.connect();
        create(&mut client, "t", LAST as i32 + 1, &[]);
        fill(&mut client);
        copy(alive.path(), dead.path());
    }
    let name = "00000000000000000000.log";
    let whole = std::fs::read(dead.path().join("t-0").join(name)).unwrap();
    let ends: Vec<usize> = kfk::record::batches(&whole)
        .map(|b| b.unwrap().bytes.len())
        .scan(0, |at, len| {
            *at += len;
            Some(*at)
        })
        .collect();
    copies(dead.path(), LAST);
    for cut in 1..=LAST {
        std::fs::write(dead.path().join(format!("t-{cut}")).join(name), &whole[..whole.len() - cut]).unwrap();
    }
    let broker = TestBroker::start_in(dead.path(), &ONE_EACH);
    let mut client = broker.connect();
    for cut in 0..=LAST {
        let kept = ends.iter().filter(|end| **end <= whole.len() - cut).count();
        let data = fetch(&mut client, "t", cut as i32, 0);
        let bytes = data.records.as_ref().and_then(|r| r.as_bytes()).cloned().unwrap_or_default();
        let end = ends[kept - 1];
        assert_eq!((data.error_code, &bytes[..]), (0, &whole[..end]), "{cut} bytes are missing");
        assert_eq!(produce_ok(&mut client, "t", cut as i32, batch(&["on"])), kept as i64, "{cut} bytes are missing");
        let torn = whole.len() - cut - end;
        let beside = dead.path().join(format!("t-{cut}/00000000000000000000.{end}.cut"));
        assert_eq!(std::fs::read(beside).unwrap_or_default(), &whole[end..end + torn], "{cut} bytes are missing");
    }
}

#[test]
fn l8_r4_i15_any_byte_of_the_files_beside_a_log_may_rot_without_a_wrong_answer() {
    let dir = tempfile::tempdir().unwrap();
    let settings = [ONE_EACH[0], ONE_EACH[1], ("log.index.interval.bytes", "1")];
    let count = 700;
    let (numbered, at) = {
        let broker = TestBroker::start_in(dir.path(), &settings);
        let mut client = broker.connect();
        create(&mut client, "t", count + 1, &[]);
        fill(&mut client)
    };
    let mut flips = Vec::new();
    for kind in [".index", ".timeindex", ".txnindex", ".snapshot"] {
        let names = files(&dir.path().join("t-0"), kind);
        assert!(!names.is_empty(), "there is a file {kind}");
        for name in names {
            let len = std::fs::read(dir.path().join("t-0").join(&name)).unwrap().len();
            flips.extend((0..len).flat_map(|at| [0x01, 0x80].map(|mask| (name.clone(), at, mask))));
        }
    }
    assert!(flips.len() > 300 && flips.len() <= count as usize, "{} bits", flips.len());
    copies(dir.path(), flips.len());
    for (index, (name, at, mask)) in (1..).zip(&flips) {
        let path = dir.path().join(format!("t-{index}")).join(name);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[*at] ^= mask;
        std::fs::write(&path, bytes).unwrap();
    }
    let broker = TestBroker::start_in(dir.path(), &settings);
    let mut client = broker.connect();
    let truth = answers(&mut client, 0, &numbered);
    assert_eq!(truth.again, Ok(at));
    assert_eq!(truth.aborted.as_ref().map(Vec::len), Ok(1));
    for (index, flip) in (1..).zip(&flips) {
        // An error would be allowed, but there is no need for one: all of it can be made anew from the log.
        assert_eq!(answers(&mut client, index, &numbered), truth, "{flip:?}");
    }
}
