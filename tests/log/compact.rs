//! Compaction case by case.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use bytes::Bytes;
use kfk::log::compact::{self, CompactError, CompactOptions, Owner, Pace, Unhurried, filthiest};
use kfk::log::sim_disk::{SimDisk, Survives};
use kfk::log::{Log, LogConfig, LogError};
use kfk::record::{BatchBuilder, BatchHeader, BatchOptions, Codec, Compression, batches};
use parking_lot::Mutex;

use crate::compact_model::{RETENTION, Shared, compacting, pass, views};
use crate::support::*;

fn keyed(options: BatchOptions, records: &[(&str, Option<&str>)]) -> Bytes {
    let mut builder = BatchBuilder::new(options);
    for (key, value) in records {
        builder.append(T0, Some(key.as_bytes()), value.map(str::as_bytes), &[]).unwrap();
    }
    builder.finish().unwrap()
}

fn plain(records: &[(&str, Option<&str>)]) -> Bytes {
    keyed(BatchOptions::default(), records)
}

fn roll_and_flush(log: &mut Log) {
    log.roll(at(0)).unwrap();
    log.flush().unwrap();
    log.high_watermark_moved(log.end_offset());
}

/// Keys and values that are left, by offset.
fn left(log: &mut Log) -> Vec<(i64, String, Option<String>)> {
    let text = |b: &Vec<u8>| String::from_utf8(b.clone()).unwrap();
    views(log).unwrap().0.iter().map(|(o, (_, k, v))| (*o, text(k.as_ref().unwrap()), v.as_ref().map(text))).collect()
}

fn headers(log: &mut Log) -> Vec<BatchHeader> {
    let mut all = Vec::new();
    let mut next = log.start_offset();
    while let Some(slice) = log.read(next, 1 << 20, true, i64::MAX).unwrap() {
        all.extend(batches(&slice.read().unwrap()).map(|b| b.unwrap().header));
        next = slice.end_offset;
    }
    all
}

#[test]
fn c8_l14_a_batch_keeps_its_offsets_sequence_and_codec() {
    let disk = SimDisk::new();
    let (_dir, mut log) = open(&disk, &compacting());
    let options = BatchOptions {
        compression: Compression { codec: Codec::Zstd, level: None },
        producer_id: 5,
        producer_epoch: 3,
        base_sequence: 7,
        ..BatchOptions::default()
    };
    append(&mut log, &keyed(options, &[("a", Some("1")), ("b", Some("1")), ("a", Some("2")), ("b", Some("2"))]));
    append(&mut log, &plain(&[("b", Some("3"))]));
    roll_and_flush(&mut log);
    let (mut log, done) = pass(log, 0, &CompactOptions::default());
    assert_eq!(done.unwrap().unwrap().cleaned_upto, 5);
    assert_eq!(left(&mut log), [(2, "a".into(), Some("2".into())), (4, "b".into(), Some("3".into()))]);
    let h = headers(&mut log)[0];
    assert_eq!((h.base_offset, h.last_offset_delta, h.record_count, h.codec().unwrap()), (0, 3, 1, Codec::Zstd));
    assert_eq!((h.producer_id, h.producer_epoch, h.base_sequence, h.last_sequence()), (5, 3, 7, 10));
}

#[test]
fn c9_l14_a_tombstone_stays_until_the_horizon_that_the_first_pass_set() {
    let disk = SimDisk::new();
    let (_dir, mut log) = open(&disk, &compacting());
    append(&mut log, &plain(&[("a", Some("1")), ("a", None)]));
    append(&mut log, &plain(&[("z", Some("end"))]));
    roll_and_flush(&mut log);
    let again = |log: &mut Log, text: &str| {
        append(log, &plain(&[("y", Some(text))]));
        roll_and_flush(log);
    };
    let (mut log, _) = pass(log, 100, &CompactOptions::default());
    let h = headers(&mut log)[0];
    assert_eq!((h.delete_horizon_ms(), h.base_timestamp, h.max_timestamp), (Some(T0 + 100 + RETENTION), T0 + 100 + RETENTION, T0));
    assert_eq!(views(&mut log).unwrap().0[&1], (T0, Some(b"a".to_vec()), None), "its own time is still known");
    again(&mut log, "1");
    let (mut log, _) = pass(log, 99 + RETENTION, &CompactOptions::default());
    assert!(left(&mut log).iter().any(|r| r.0 == 1));
    assert_eq!(headers(&mut log)[0].delete_horizon_ms(), Some(T0 + 100 + RETENTION), "set once");
    again(&mut log, "2");
    let (mut log, _) = pass(log, 100 + RETENTION, &CompactOptions::default());
    assert!(left(&mut log).iter().all(|r| r.1 != "a"));
}

#[test]
fn c10_a_marker_goes_after_its_records_and_its_horizon() {
    let disk = SimDisk::new();
    let (_dir, mut log) = open(&disk, &compacting());
    let txn = |sequence| BatchOptions {
        producer_id: 5,
        producer_epoch: 0,
        base_sequence: sequence,
        transactional: true,
        ..BatchOptions::default()
    };
    append(&mut log, &keyed(txn(0), &[("a", Some("aborted"))])); // 0
    append(&mut log, &marker(5, 0, false)); // 1
    append(&mut log, &keyed(txn(1), &[("a", Some("good"))])); // 2
    append(&mut log, &marker(5, 0, true)); // 3
    append(&mut log, &plain(&[("z", Some("end"))])); // 4
    let mut time = 0;
    let mut control = Vec::new();
    for _ in 0..4 {
        append(&mut log, &plain(&[("y", Some("again"))]));
        roll_and_flush(&mut log);
        let done;
        (log, done) = pass(log, time, &CompactOptions::default());
        done.unwrap().unwrap();
        let now: Vec<_> = headers(&mut log).iter().filter(|h| h.is_control()).map(|h| (h.base_offset, h.has_delete_horizon())).collect();
        control.push(now);
        time += RETENTION;
    }
    let (one, three) = ((1, false), (3, false));
    // Records gone in the first pass, horizon set in the second, marker gone in the third. The commit keeps its record.
    assert_eq!(control, [vec![one, three], vec![(1, true), three], vec![three], vec![three]]);
    assert_eq!(views(&mut log).unwrap().1[&2].2, Some(b"good".to_vec()));
}

#[test]
fn c11_i16_the_last_batch_of_a_producer_and_of_the_range_stay_empty() {
    let disk = SimDisk::new();
    let (_dir, mut log) = open(&disk, &compacting());
    append(
        &mut log,
        &keyed(BatchOptions { producer_id: 5, producer_epoch: 1, base_sequence: 0, ..BatchOptions::default() }, &[("a", Some("1"))]),
    );
    append(&mut log, &plain(&[("a", Some("2"))]));
    append(&mut log, &batch(&[T0], "no key")); // 2
    roll_and_flush(&mut log);
    let (mut log, _) = pass(log, 0, &CompactOptions::default());
    let shape: Vec<_> = headers(&mut log).iter().map(|h| (h.base_offset, h.record_count, h.producer_id, h.base_timestamp)).collect();
    assert_eq!(shape, [(0, 0, 5, -1), (1, 1, -1, T0), (2, 0, -1, -1)]);
    disk.crash(Survives::Everything);
    for name in names(&disk).iter().filter(|n| n.ends_with(".snapshot")) {
        disk.put(path(name), b"");
    }
    let (_dir, log) = open(&disk, &compacting());
    let state = log.producers().get(5).unwrap();
    assert_eq!((state.epoch, state.last_sequence()), (1, 0));
    assert_eq!(log.end_offset(), 3);
}

#[test]
fn c7_the_range_ends_at_the_stable_offset_and_at_segments_that_are_too_young() {
    let disk = SimDisk::new();
    let (_dir, mut log) = open(&disk, &LogConfig { min_compaction_lag_ms: 100, ..compacting() });
    append(&mut log, &plain(&[("a", Some("1"))]));
    roll_and_flush(&mut log);
    append(&mut log, &from_producer(9, 0, 0, 1, true)); // 1
    roll_and_flush(&mut log);
    append(&mut log, &plain(&[("a", Some("2"))]));
    roll_and_flush(&mut log);
    assert_eq!(log.dirt(at(99).wall, 3).unwrap(), None, "too young");
    let dirt = log.dirt(at(100).wall, 3).unwrap().unwrap();
    assert_eq!((dirt.first_dirty, dirt.first_uncleanable, dirt.clean_bytes, dirt.ratio()), (0, 1, 0, 1.0));
    append(&mut log, &marker(9, 0, true)); // 3
    log.high_watermark_moved(4);
    assert_eq!(log.dirt(at(100).wall, 4).unwrap().unwrap().first_uncleanable, 3);
    assert_eq!(log.dirt(at(100).wall, 2).unwrap().unwrap().first_uncleanable, 2, "the high watermark is a bound too");
}

#[test]
fn c7_the_dirtiest_log_comes_first_and_an_overdue_one_counts_as_dirty() {
    let disk = SimDisk::new();
    let (_dir, mut log) = open(&disk, &LogConfig { max_compaction_lag_ms: 500, min_cleanable_dirty_ratio: 0.9, ..compacting() });
    for value in ["1", "2", "3"] {
        append(&mut log, &plain(&[(value, Some("x"))]));
    }
    roll_and_flush(&mut log);
    let (mut log, _) = pass(log, 0, &CompactOptions::default());
    assert_eq!(log.dirt(at(0).wall, 3).unwrap(), None);
    append(&mut log, &plain(&[("4", Some("x"))]));
    roll_and_flush(&mut log);
    let fresh = log.dirt(at(500).wall, 4).unwrap().unwrap();
    assert!(!fresh.is_enough() && fresh.ratio() > 0.2);
    let overdue = log.dirt(at(501).wall, 4).unwrap().unwrap();
    assert!(overdue.overdue && overdue.is_enough());
    let dirtier = compact::Dirt { dirty_bytes: fresh.clean_bytes * 20, overdue: false, ..overdue };
    assert_eq!(filthiest([("a", overdue), ("b", fresh), ("c", dirtier)]), Some("c"));
    assert_eq!(filthiest([("a", overdue), ("b", fresh)]), Some("a"));
    assert_eq!(filthiest([("b", fresh)]), None);
}

#[test]
fn c7_a_map_too_small_for_all_keys_cleans_in_several_passes() {
    let disk = SimDisk::new();
    let (_dir, mut log) = open(&disk, &compacting());
    for i in 0..300 {
        append(&mut log, &plain(&[(&format!("key-{}", i % 150), Some("v"))]));
    }
    roll_and_flush(&mut log);
    let options = CompactOptions { dedupe_buffer_bytes: 64 * compact::PLACE_BYTES, ..CompactOptions::default() };
    let mut upto = Vec::new();
    loop {
        let done;
        (log, done) = pass(log, 0, &options);
        let Some(done) = done.unwrap() else { break };
        assert!(done.map_memory <= options.dedupe_buffer_bytes);
        upto.push(done.cleaned_upto);
    }
    assert!(upto.len() > 3 && upto.last() == Some(&300), "{upto:?}");
    assert_eq!(left(&mut log).iter().map(|r| r.0).collect::<Vec<_>>(), (150..300).collect::<Vec<_>>());
}

#[test]
fn c7_small_segments_become_one_and_the_cleaned_offset_is_kept() {
    let disk = SimDisk::new();
    let (dir, mut log) = open(&disk, &compacting());
    for i in 0..60 {
        append(&mut log, &plain(&[(&format!("key-{}", i % 3), Some("some value"))]));
    }
    roll_and_flush(&mut log);
    let before = log.segment_count();
    let (mut log, done) = pass(log, 0, &CompactOptions::default());
    assert_eq!(done.unwrap().unwrap().segments_before, before - 1);
    append(&mut log, &plain(&[("key-0", Some("some value"))]));
    roll_and_flush(&mut log);
    let (mut log, done) = pass(log, 0, &CompactOptions::default());
    let done = done.unwrap().unwrap();
    assert!(done.segments_before > 3 && done.segments_after == 1, "{done:?}");
    assert_eq!(log.size(), done.bytes_after);
    assert_eq!(left(&mut log).iter().map(|r| r.0).collect::<Vec<_>>(), [58, 59, 60]);
    let again = left(&mut log);
    log.close().unwrap();
    drop(log);
    dir.close(0).unwrap();
    assert_eq!(disk.get(format!("{ROOT}/cleaner-offset-checkpoint")).unwrap(), b"0\n1\nt 0 61\n");
    let (_dir, mut log) = open(&disk, &compacting());
    assert_eq!((log.cleaned_upto(), left(&mut log)), (61, again));
    // A truncation makes what comes after it dirty again.
    log.truncate_to(at(0), 40).unwrap();
    assert_eq!(log.cleaned_upto(), 40);
}

#[test]
fn c5_with_delete_too_old_segments_go_whole() {
    let disk = SimDisk::new();
    let config = LogConfig { delete: true, retention_ms: 1000, ..compacting() };
    let (_dir, mut log) = open(&disk, &config);
    for i in 0..40 {
        append(&mut log, &plain(&[(&format!("key-{i}"), Some("some value"))]));
    }
    roll_and_flush(&mut log);
    let (mut log, done) = pass(log, 0, &CompactOptions::default());
    done.unwrap().unwrap();
    assert_eq!(left(&mut log).len(), 40);
    assert!(log.retain(at(1001), 40).unwrap().segments > 0);
    assert_eq!((log.start_offset(), log.end_offset()), (40, 40));
}

/// Does something to the log after so many bytes.
struct Meddler<'a> {
    log: &'a Shared,
    after: u64,
    what: fn(&mut Log),
}

impl Pace for Meddler<'_> {
    fn spent(&mut self, bytes: u64) -> bool {
        if self.after > 0 {
            self.after = self.after.saturating_sub(bytes.max(1));
            if self.after == 0 {
                (self.what)(&mut self.log.0.lock());
            }
        }
        true
    }
}

#[test]
fn c12_a_truncation_or_retention_meanwhile_ends_the_pass() {
    let truncate: fn(&mut Log) = |log| assert!(log.truncate_to(at(0), 30).unwrap());
    let drop_oldest: fn(&mut Log) = |log| {
        log.advance_start(20).unwrap();
        assert!(log.retain(at(0), log.end_offset()).unwrap().segments > 0);
    };
    for what in [truncate, drop_oldest] {
        for after in [1, 2000, 6000] {
            let disk = SimDisk::new();
            let (_dir, mut log) = open(&disk, &compacting());
            for i in 0..60 {
                append(&mut log, &plain(&[(&format!("key-{}", i % 40), Some("some value"))]));
            }
            roll_and_flush(&mut log);
            let owner = Shared(Mutex::new(log));
            let mut meddler = Meddler { log: &owner, after, what };
            let result = compact::run(&owner, &CompactOptions::default(), at(0), 60, &mut meddler);
            assert!(matches!(result, Err(CompactError::Changed)), "{after}: {result:?}");
            let mut log = owner.0.into_inner();
            assert!(names(&disk).iter().all(|n| !n.ends_with(".cleaned") && !n.ends_with(".swap")));
            let before = views(&mut log).unwrap();
            drop((log, _dir));
            disk.crash(Survives::Everything);
            let (_dir, mut log) = open(&disk, &compacting());
            assert_eq!(views(&mut log).unwrap(), before);
        }
    }
}

#[test]
fn c7_appends_during_a_pass_are_not_touched() {
    let disk = SimDisk::new();
    let (_dir, mut log) = open(&disk, &compacting());
    for i in 0..60 {
        append(&mut log, &plain(&[(&format!("key-{}", i % 40), Some("some value"))]));
    }
    roll_and_flush(&mut log);
    let owner = Shared(Mutex::new(log));
    let what: fn(&mut Log) = |log| {
        for _ in 0..30 {
            append(log, &plain(&[("key-1", Some("new"))]));
        }
    };
    let mut meddler = Meddler { log: &owner, after: 3000, what };
    let done = compact::run(&owner, &CompactOptions::default(), at(0), 60, &mut meddler).unwrap().unwrap();
    assert_eq!(done.cleaned_upto, 60);
    let seen = left(&mut owner.0.into_inner());
    assert_eq!(seen.iter().filter(|r| r.1 == "key-1").map(|r| r.0).collect::<Vec<_>>(), [41].into_iter().chain(60..90).collect::<Vec<_>>());
}

#[test]
fn c13_rot_makes_a_log_uncleanable_and_leaves_it_as_it_is() {
    let disk = SimDisk::new();
    let (_dir, mut log) = open(&disk, &compacting());
    for i in 0..30 {
        append(&mut log, &plain(&[(&format!("key-{}", i % 4), Some("some value"))]));
    }
    roll_and_flush(&mut log);
    disk.flip(path("00000000000000000000.log"), 70, 1);
    let before = disk.files(ROOT);
    let (log, result) = pass(log, 0, &CompactOptions::default());
    match result {
        Err(e @ CompactError::Log(LogError::Corrupt { .. })) => assert!(e.is_lasting()),
        other => panic!("{other:?}"),
    }
    assert_eq!(disk.files(ROOT), before);
    assert_eq!(log.cleaned_upto(), 0);
    assert!(!CompactError::Stopped.is_lasting());
    // Another log of the same directory is not disturbed: the directory is still online.
    assert!(Shared(Mutex::new(log)).with(|log| log.roll(at(0))).unwrap().is_ok());
}

/// The batches of a directory that Kafka's cleaner wrote: base offset, last offset, records, attributes, producer, sequence.
type Shape = (i64, i64, i32, i16, i64, i32);

fn shapes(log: &mut Log) -> Vec<Shape> {
    let shape = |h: &BatchHeader| (h.base_offset, h.last_offset(), h.record_count, h.attributes.0, h.producer_id, h.base_sequence);
    headers(log).iter().map(shape).collect()
}

/// Kafka's cleaned log, in a directory of ours.
fn from_kafka(fixture: &str) -> (SimDisk, Vec<String>) {
    let disk = SimDisk::new();
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dump-log-fixtures").join(fixture);
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if name.starts_with("0000") {
            disk.put(path(&name), &fs::read(entry.path()).unwrap());
            names.push(name);
        }
    }
    disk.put(path("x"), b"");
    (disk, names)
}

#[test]
fn c8_c10_c11_what_kafkas_cleaner_left_is_left_by_ours_too() {
    for fixture in ["compacted/compact-0", "compacted-transactional/compact-txn-0"] {
        let (disk, _) = from_kafka(fixture);
        let (_dir, mut log) = open(&disk, &LogConfig { segment_bytes: 1 << 20, delete_retention_ms: i64::MAX / 4, ..compacting() });
        log.flush().unwrap();
        log.high_watermark_moved(log.end_offset());
        let (before, records) = (shapes(&mut log), views(&mut log).unwrap());
        // Its timestamps lie in the past of this pass; horizons are in the future.
        let (mut log, done) = pass(log, -T0 + 1, &CompactOptions::default());
        let done = done.unwrap().unwrap();
        let after: BTreeMap<i64, Shape> = shapes(&mut log).into_iter().map(|s| (s.0, s)).collect();
        let newest = newest_by_key(&records.1, done.cleaned_upto);
        for shape in before {
            let kept = records.0.range(shape.0..=shape.1).filter(|(o, (_, k, _))| newest.get(k.as_deref().unwrap()).is_none_or(|n| n <= o));
            let kept = kept.count() as i32;
            let whole = shape.3 & 0x20 != 0 || kept == shape.2;
            match after.get(&shape.0) {
                Some(now) if whole && shape.2 > 0 => assert_eq!(
                    (now.0, now.1, now.2, now.4, now.5, now.3 & 0x3f),
                    (shape.0, shape.1, shape.2, shape.4, shape.5, shape.3 & 0x3f)
                ),
                Some(now) => assert_eq!((now.1, now.2, now.4, now.5), (shape.1, kept, shape.4, shape.5), "{fixture}"),
                None => assert!(kept == 0, "{fixture}: {shape:?} is gone"),
            }
        }
        let again = views(&mut log).unwrap();
        assert!(again.1.iter().all(|(o, r)| records.1[o] == *r));
    }
}

fn newest_by_key(seen: &crate::compact_model::View, upto: i64) -> BTreeMap<&[u8], i64> {
    seen.range(..upto).map(|(o, (_, k, _))| (k.as_deref().unwrap(), *o)).collect()
}

#[test]
fn c7_the_pace_can_end_a_pass() {
    struct Stop;
    impl Pace for Stop {
        fn spent(&mut self, bytes: u64) -> bool {
            bytes == 0
        }
    }
    let disk = SimDisk::new();
    let (_dir, mut log) = open(&disk, &compacting());
    append(&mut log, &plain(&[("a", Some("1"))]));
    roll_and_flush(&mut log);
    let owner = Shared(Mutex::new(log));
    let result = compact::run(&owner, &CompactOptions::default(), at(0), 1, &mut Stop);
    assert!(matches!(result, Err(CompactError::Stopped)));
    assert!(compact::run(&owner, &CompactOptions::default(), at(0), 1, &mut Unhurried).unwrap().is_some());
}
