//! Dropping old segments and moving the start.

use kfk::log::sim_disk::SimDisk;
use kfk::log::{Dropped, Log, LogConfig, LogDir, LogError};

use crate::support::*;

/// Segments of ten records each, at times T0 + offset.
fn log_with(config: LogConfig, records: usize) -> (SimDisk, LogDir, Log) {
    let disk = SimDisk::new();
    let one = batch(&[T0, T0 + 1], "value-00000").len() as u64;
    let (dir, mut log) = open(&disk, &LogConfig { segment_bytes: one * 5, ..config });
    fill(&mut log, records / 2);
    (disk, dir, log)
}

fn never() -> LogConfig {
    LogConfig { retention_ms: -1, retention_bytes: -1, index_interval_bytes: 100, ..LogConfig::default() }
}

#[test]
fn c2_time_drops_segments_whose_largest_timestamp_is_too_old() {
    let (_disk, _dir, mut log) = log_with(LogConfig { retention_ms: 1000, ..never() }, 40);
    assert_eq!(log.retain(at(1009), 40).unwrap().segments, 0, "0..9 is exactly as old as allowed");
    assert_eq!(log.retain(at(1010), 40).unwrap().segments, 1);
    assert_eq!(log.start_offset(), 10);
    assert_eq!(log.retain(at(1030), 40).unwrap().segments, 2);
    assert_eq!(offsets(&read_all(&mut log)), (30..40).collect::<Vec<_>>());
}

#[test]
fn c2_a_future_timestamp_keeps_its_segment_and_those_behind_it() {
    let (_disk, _dir, mut log) = log_with(LogConfig { retention_ms: 1000, ..never() }, 4);
    append(&mut log, &batch(&[T0 + 100_000, T0], "value-00000"));
    fill(&mut log, 10);
    let segments = log.segment_count();
    assert!(segments > 2);
    assert_eq!(log.retain(at(50_000), 26).unwrap().segments, 0);
    assert_eq!(log.retain(at(101_001), 26).unwrap().segments, segments);
}

#[test]
fn c2_without_timestamps_the_file_time_counts() {
    let disk = SimDisk::new();
    disk.set_now(T0 + 500);
    let (_dir, mut log) = open(&disk, &LogConfig { retention_ms: 1000, ..never() });
    append(&mut log, &batch(&[-1], "x"));
    assert_eq!(log.retain(at(1500), 1).unwrap().segments, 0);
    assert_eq!(log.retain(at(1501), 1).unwrap().segments, 1);
}

#[test]
fn c2_size_drops_the_oldest_while_enough_stays() {
    let (_disk, _dir, mut log) = log_with(never(), 50);
    let segment = log.size() / 5;
    let keep = |n: u64| std::sync::Arc::new(LogConfig { retention_bytes: n as i64, segment_bytes: segment, ..never() });
    log.set_config(keep(3 * segment - 1));
    assert_eq!(log.retain(at(0), 50).unwrap(), Dropped { segments: 2, bytes: 2 * segment });
    log.set_config(keep(3 * segment));
    assert_eq!(log.retain(at(0), 50).unwrap().segments, 0);
    assert_eq!(log.size(), 3 * segment);
}

#[test]
fn c3_the_active_segment_goes_too_and_the_end_stays() {
    let (_disk, dir, mut log) = log_with(LogConfig { retention_ms: 1000, ..never() }, 14);
    assert_eq!(log.retain(at(100_000), 14).unwrap().segments, 2);
    assert_eq!((log.start_offset(), log.end_offset(), log.size()), (14, 14, 0));
    assert_eq!(log.retain(at(100_000), 14).unwrap().segments, 0, "an empty one stays");
    fill(&mut log, 1);
    assert_eq!(offsets(&read_all(&mut log)), [14, 15]);
    log.close().unwrap();
    drop(log);
    dir.close(0).unwrap();
}

#[test]
fn c1_only_what_is_below_the_high_watermark_is_dropped() {
    let (_disk, _dir, mut log) = log_with(LogConfig { retention_ms: 0, ..never() }, 40);
    assert_eq!(log.retain(at(100_000), 9).unwrap().segments, 0);
    assert_eq!(log.retain(at(100_000), 25).unwrap().segments, 2);
    assert_eq!(log.start_offset(), 20);
}

#[test]
fn c5_without_delete_only_what_is_below_the_start_goes() {
    let (_disk, _dir, mut log) = log_with(LogConfig { retention_ms: 0, retention_bytes: 0, delete: false, compact: true, ..never() }, 40);
    assert_eq!(log.retain(at(100_000), 40).unwrap().segments, 0);
    log.advance_start(25).unwrap();
    assert_eq!(log.retain(at(100_000), 40).unwrap().segments, 2);
    assert_eq!(log.start_offset(), 25);
    assert_eq!(offsets(&read_all(&mut log)), (25..40).collect::<Vec<_>>());
}

#[test]
fn c6_the_start_moves_forward_only_and_not_past_the_end() {
    let (_disk, _dir, mut log) = log_with(never(), 20);
    assert!(log.advance_start(7).unwrap());
    assert!(!log.advance_start(3).unwrap(), "below the start: success that changes nothing");
    assert!(matches!(log.advance_start(21), Err(LogError::OffsetOutOfRange { .. })));
    assert!(log.advance_start(20).unwrap());
    assert_eq!((log.start_offset(), log.end_offset()), (20, 20));
    assert!(read_all(&mut log).is_empty());
}

#[test]
fn c4_dropped_files_are_renamed_first_and_removed_after_the_delay() {
    let (disk, dir, mut log) = log_with(LogConfig { retention_ms: 1000, file_delete_delay_ms: 500, ..never() }, 20);
    log.retain(at(1010), 20).unwrap();
    let deleted = || names(&disk).into_iter().filter(|n| n.ends_with(".deleted")).collect::<Vec<_>>();
    let zero = "00000000000000000000";
    assert_eq!(deleted(), [format!("{zero}.index.deleted"), format!("{zero}.log.deleted"), format!("{zero}.timeindex.deleted")]);
    assert_eq!(dir.purge(at(1509).mono).unwrap(), Some(at(1510).mono));
    assert_eq!(deleted().len(), 3);
    assert_eq!(dir.purge(at(1510).mono).unwrap(), None);
    assert!(deleted().is_empty());
}

#[test]
fn i17_snapshots_below_the_start_go_and_producers_stay() {
    let (disk, _dir, mut log) = log_with(LogConfig { retention_ms: 1000, ..never() }, 2);
    append(&mut log, &from_producer(5, 0, 0, 2, false));
    fill(&mut log, 20);
    let snapshots = || names(&disk).into_iter().filter(|n| n.ends_with(".snapshot")).count();
    assert!(snapshots() >= 3);
    log.retain(at(100_000), log.end_offset()).unwrap();
    assert_eq!(snapshots(), 1, "the one at the new segment's base");
    assert_eq!(log.producers().get(5).unwrap().last_sequence(), 1);
}

#[test]
fn l9_the_epoch_of_the_start_is_kept() {
    let (_disk, _dir, mut log) = log_with(never(), 4);
    for epoch in [3, 5] {
        try_append(&mut log, at(0), epoch, &batch(&[T0; 4], "x")).unwrap();
    }
    log.advance_start(6).unwrap();
    assert_eq!(log.epochs().encode(), b"0\n2\n3 6\n5 8\n");
    assert_eq!(log.end_offset_for_epoch(3).end, 8);
}
