//! Finding records by time.

use kfk::log::sim_disk::SimDisk;
use kfk::log::{Log, LogConfig, LogDir, TimestampHit};
use kfk::record::{BatchOptions, Compression};
use kfk::rng::Rng;

use crate::support::*;

/// A log whose batches carry these record times.
fn log_of(batches: &[Vec<i64>]) -> (LogDir, Log) {
    let disk = SimDisk::new();
    let (dir, mut log) = open(&disk, &small());
    for (i, times) in batches.iter().enumerate() {
        let times: Vec<i64> = times.iter().map(|t| T0 + t).collect();
        let compression =
            Compression { codec: if i % 2 == 0 { kfk::record::Codec::None } else { kfk::record::Codec::Gzip }, ..Compression::default() };
        append(&mut log, &build(BatchOptions { compression, ..BatchOptions::default() }, &times, "value"));
    }
    (dir, log)
}

fn jumping(seed: u64) -> Vec<Vec<i64>> {
    let mut rng = Rng::new(seed);
    (0..60).map(|i| (0..1 + rng.below(4)).map(|_| i * 5 + rng.below(60) as i64).collect()).collect()
}

#[test]
fn o6_the_first_record_at_or_after_a_time() {
    for seed in 0..5 {
        let batches = jumping(seed);
        let (_dir, mut log) = log_of(&batches);
        let records: Vec<i64> = batches.concat();
        for start in [0, 1, 17, 60] {
            log.advance_start(start).unwrap();
            for t in -1..370 {
                let expected = records.iter().enumerate().skip(start as usize).find(|(_, r)| **r >= t);
                let expected = expected.map(|(o, r)| TimestampHit { offset: o as i64, timestamp: T0 + r, leader_epoch: 0 });
                assert_eq!(log.offset_for_timestamp(T0 + t, i64::MAX).unwrap(), expected, "seed {seed} start {start} time {t}");
                let upper = expected.map_or(0, |e| e.offset);
                assert_eq!(log.offset_for_timestamp(T0 + t, upper).unwrap(), None, "at or beyond the visible end is none");
            }
        }
    }
}

#[test]
fn o5_the_largest_timestamp_and_the_first_record_that_has_it() {
    for seed in 0..20 {
        let batches = jumping(seed);
        let (_dir, mut log) = log_of(&batches);
        let records: Vec<i64> = batches.concat();
        for start in 0..records.len() {
            log.advance_start(start as i64).unwrap();
            let largest = records[start..].iter().max().unwrap();
            let offset = start + records[start..].iter().position(|r| r == largest).unwrap();
            let expected = TimestampHit { offset: offset as i64, timestamp: T0 + largest, leader_epoch: 0 };
            assert_eq!(log.max_timestamp(i64::MAX).unwrap(), Some(expected), "seed {seed} start {start}");
            assert_eq!(log.max_timestamp(offset as i64).unwrap(), None);
        }
        log.advance_start(records.len() as i64).unwrap();
        assert_eq!(log.max_timestamp(i64::MAX).unwrap(), None);
    }
}

#[test]
fn o5_an_empty_log_and_records_without_time_have_none() {
    let disk = SimDisk::new();
    let (_dir, mut log) = open(&disk, &LogConfig::default());
    assert_eq!(log.max_timestamp(i64::MAX).unwrap(), None);
    assert_eq!(log.offset_for_timestamp(0, i64::MAX).unwrap(), None);
    append(&mut log, &batch(&[-1, -1], "x"));
    assert_eq!(log.max_timestamp(i64::MAX).unwrap(), None);
    assert_eq!(log.offset_for_timestamp(0, i64::MAX).unwrap(), None);
}

#[test]
fn o6_with_log_append_time_every_record_of_a_batch_has_the_batchs_time() {
    let disk = SimDisk::new();
    let (_dir, mut log) = open(&disk, &LogConfig::default());
    for t in [10, 20] {
        append(&mut log, &build(BatchOptions { append_time: Some(T0 + t), ..BatchOptions::default() }, &[1, 2, 3], "x"));
    }
    let at = |t| log.offset_for_timestamp(T0 + t, i64::MAX).unwrap().map(|h| (h.offset, h.timestamp - T0));
    assert_eq!([0, 10, 11, 20, 21].map(at), [Some((0, 10)), Some((0, 10)), Some((3, 20)), Some((3, 20)), None]);
}

#[test]
fn l5_a_rotten_batch_is_an_error_and_not_an_answer() {
    let disk = SimDisk::new();
    let (_dir, mut log) = open(&disk, &small());
    append(&mut log, &batch(&[T0], "x"));
    disk.flip(path("00000000000000000000.log"), 66, 1);
    let error = log.offset_for_timestamp(T0, i64::MAX).unwrap_err();
    assert!(error.to_string().contains("/data/t-0/00000000000000000000.log: no valid batch at position 0: batch is corrupt"), "{error}");
}
