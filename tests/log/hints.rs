//! L8, I15: indexes, snapshots and the epoch file are hints. Missing, cut or flipped ones give the same answers as good ones.

use std::collections::BTreeMap;
use std::path::PathBuf;

use kfk::log::producer_snapshot::SnapshotEntry;
use kfk::log::sim_disk::SimDisk;
use kfk::log::txn_index::AbortedTxn;
use kfk::log::{EpochEnd, Log, LogConfig, LogError, TimestampHit};
use kfk::rng::Rng;

use crate::support::*;

type Files = BTreeMap<PathBuf, Vec<u8>>;

fn disk_of(files: &Files) -> SimDisk {
    let disk = SimDisk::new();
    files.iter().for_each(|(path, bytes)| disk.put(path, bytes));
    disk
}

fn config() -> LogConfig {
    LogConfig { segment_bytes: 1200, index_interval_bytes: 100, ..LogConfig::default() }
}

/// A log with several segments, jumping timestamps, three epochs, producers, committed, aborted and open transactions.
fn sample() -> Files {
    let disk = SimDisk::new();
    let (dir, mut log) = open(&disk, &config());
    let times = [5, 3, 40, 40, 7, 41, 2, 90, 90, 60, 95, 1, 100, 99, 98, 97, 130, 20, 140, 141];
    for (i, t) in times.iter().enumerate() {
        let epoch = [0, 2, 5][i * 3 / times.len()];
        let mut add = |bytes| try_append(&mut log, at(0), epoch, &bytes).map(|_| ()).unwrap();
        add(batch(&[T0 + t, T0 + t - 1, T0 + 10], &format!("value {i}")));
        add(from_producer(1, 0, i as i32 * 2, 2, true));
        if i % 3 == 2 {
            add(marker(1, 0, i % 2 == 0));
        }
        if i % 4 == 1 {
            add(from_producer(9, 0, i as i32 / 4, 1, false));
        }
        if i == 4 || i == 14 {
            // Open over several segments, then aborted.
            add(from_producer(2, 0, i as i32, 1, true));
        }
        if i == 11 {
            add(marker(2, 0, false));
        }
    }
    log.close().unwrap();
    drop(log);
    assert!(dir.close(0).unwrap());
    disk.files(ROOT)
}

#[derive(Debug, PartialEq)]
struct Answers {
    bounds: (i64, i64),
    records: Vec<Seen>,
    by_time: Vec<Option<TimestampHit>>,
    newest: Option<TimestampHit>,
    epochs: Vec<EpochEnd>,
    aborted: Vec<Vec<AbortedTxn>>,
    producers: Vec<SnapshotEntry>,
    stable: i64,
}

fn answers(log: &mut Log) -> Result<Answers, LogError> {
    let (start, end) = (log.start_offset(), log.end_offset());
    let mut records = Vec::new();
    for from in start..end {
        let slice = log.read(from, 1, true, i64::MAX)?.expect("a batch for every offset");
        assert!(slice.first_offset <= from && from < slice.end_offset);
        if slice.first_offset == from {
            records.extend(parse(&slice.read()?));
        }
    }
    assert_eq!(read_from(log, start, 400)?, records);
    let times = [-1, 0, 1, 2, 3, 5, 6, 7, 8, 20, 21, 40, 41, 42, 60, 61, 89, 90, 91, 95, 96, 97, 99, 100, 101, 130, 139, 140, 141, 142];
    let times = times.into_iter().map(|t| log.offset_for_timestamp(T0 + t, i64::MAX));
    Ok(Answers {
        bounds: (start, end),
        by_time: times.collect::<Result<_, _>>()?,
        newest: log.max_timestamp(i64::MAX)?,
        epochs: (-1..8).map(|e| log.end_offset_for_epoch(e)).collect(),
        aborted: (start..end).step_by(7).map(|from| needed(log, from)).collect::<Result<_, LogError>>()?,
        producers: log.producers().to_snapshot().collect(),
        stable: log.last_stable_offset(end),
        records,
    })
}

/// F12 allows entries too many: those that a reader of `from..from + 20` needs.
fn needed(log: &mut Log, from: i64) -> Result<Vec<AbortedTxn>, LogError> {
    let mut all = log.aborted_transactions(from, from + 20)?;
    all.retain(|t| t.last_offset >= from && t.first_offset < from + 20);
    Ok(all)
}

fn ask(files: &Files) -> Result<Answers, LogError> {
    let disk = disk_of(files);
    let dir = open_dir(&disk);
    answers(&mut open_in(&dir, &config())?)
}

/// The files that are hints, by what their names end in.
fn hints(files: &Files, endings: &[&str]) -> Vec<PathBuf> {
    let hints: Vec<PathBuf> = files.keys().filter(|p| endings.iter().any(|e| p.to_string_lossy().ends_with(e))).cloned().collect();
    assert!(!hints.is_empty());
    hints
}

/// Runs `change` on every byte of every such file and expects the same answers, or for some files an error.
fn flip(endings: &[&str], masks: &[u8], or_error: bool) {
    let files = sample();
    let expected = ask(&files).unwrap();
    for path in hints(&files, endings) {
        for i in 0..files[&path].len() {
            for mask in masks {
                let mut bad = files.clone();
                bad.get_mut(&path).unwrap()[i] ^= mask;
                match ask(&bad) {
                    Ok(got) => assert_eq!(got, expected, "{} byte {i} mask {mask}", path.display()),
                    Err(e) => assert!(or_error && !e.to_string().is_empty(), "{} byte {i} mask {mask}: {e}", path.display()),
                }
            }
        }
    }
}

#[test]
fn l8_every_flipped_byte_of_an_offset_index_changes_no_answer() {
    flip(&[".index"], &[0x01, 0x80], false);
}

#[test]
fn l8_every_flipped_byte_of_a_time_index_changes_no_answer() {
    flip(&[".timeindex"], &[0x01, 0x04], false);
}

#[test]
fn l8_every_flipped_byte_of_a_transaction_index_changes_no_answer() {
    flip(&[".txnindex"], &[0x01, 0x80], false);
}

#[test]
fn i15_every_flipped_byte_of_a_snapshot_changes_no_answer() {
    flip(&[".snapshot"], &[0x01], false);
}

#[test]
fn l9_every_flipped_byte_of_the_epoch_file_changes_no_answer() {
    flip(&["leader-epoch-checkpoint"], &[0x01, 0x02, 0x04, 0x08, 0x40], false);
}

#[test]
fn l12_every_flipped_byte_of_partition_metadata_is_an_error() {
    // The last character of an id has four bits that do not count.
    flip(&["partition.metadata"], &[0x20, 0x80], true);
}

#[test]
fn l8_missing_or_cut_indexes_change_no_answer() {
    let files = sample();
    let expected = ask(&files).unwrap();
    // Entries that are whole and true cannot be told from all entries in a time index or transaction index: L8 covers them as a whole.
    for (ending, step) in [(".index", 1), (".timeindex", 12), (".snapshot", 1)] {
        for path in hints(&files, &[ending]) {
            let mut missing = files.clone();
            missing.remove(&path);
            assert_eq!(ask(&missing).unwrap(), expected, "{} missing", path.display());
            for len in (0..files[&path].len()).filter(|l| step == 1 || l % step != 0 || *l == 0) {
                let mut cut = files.clone();
                cut.get_mut(&path).unwrap().truncate(len);
                assert_eq!(ask(&cut).unwrap(), expected, "{} cut at {len}", path.display());
            }
        }
    }
    let mut all = files.clone();
    all.retain(|p, _| !p.to_string_lossy().ends_with("index") || p.to_string_lossy().ends_with(".txnindex"));
    all.retain(|p, _| !p.to_string_lossy().ends_with(".snapshot") && !p.to_string_lossy().ends_with("leader-epoch-checkpoint"));
    assert_eq!(ask(&all).unwrap(), expected, "all missing");
}

#[test]
fn l6_tails_of_zeros_change_no_answer() {
    let mut files = sample();
    let expected = ask(&files).unwrap();
    for path in hints(&files, &[".index", ".timeindex"]) {
        let entry = if path.to_string_lossy().ends_with(".timeindex") { 12 } else { 8 };
        files.get_mut(&path).unwrap().extend(vec![0; entry * 700]);
    }
    assert_eq!(ask(&files).unwrap(), expected);
}

/// Anything at all in any file: an answer or an error, and no panic; nothing with a bad CRC comes out of recovery.
#[test]
fn v3_garbage_anywhere_is_an_error_at_worst() {
    let files = sample();
    let paths: Vec<PathBuf> = files.keys().cloned().collect();
    for seed in 0..1000 {
        let mut rng = Rng::new(seed);
        let mut bad = files.clone();
        for _ in 0..=rng.below(3) {
            let path = &paths[rng.below(paths.len() as u64) as usize];
            let bytes = bad.get_mut(path).unwrap();
            match rng.below(4) {
                0 => bytes.truncate(rng.below(bytes.len() as u64 + 1) as usize),
                1 => bytes.extend((0..rng.below(200)).map(|i| (i * 7) as u8)),
                _ => {
                    for _ in 0..=rng.below(8) {
                        let at = rng.below(bytes.len().max(1) as u64) as usize;
                        if let Some(b) = bytes.get_mut(at) {
                            *b = [0, 0xff, 0x7f, 0x80, rng.next_u64() as u8][rng.below(5) as usize];
                        }
                    }
                }
            }
        }
        if rng.below(2) == 0 {
            bad.remove(&PathBuf::from(format!("{ROOT}/.kafka_cleanshutdown")));
        }
        let disk = disk_of(&bad);
        let dir = open_dir(&disk);
        let Ok(mut log) = open_in(&dir, &config()) else { continue };
        use_all(&mut log);
    }
}

/// Calls everything, whatever it answers.
fn use_all(log: &mut Log) {
    let (start, end) = (log.start_offset(), log.end_offset());
    let mut next = start;
    while let Ok(Some(slice)) = log.read(next, 500, true, i64::MAX) {
        assert!(slice.end_offset > next && slice.end_offset <= end);
        next = slice.end_offset;
    }
    let _ = log.offset_for_timestamp(T0 + 50, i64::MAX);
    let _ = log.max_timestamp(i64::MAX);
    let _ = log.aborted_transactions(start, end);
    let _ = log.check_producer(&header(&from_producer(1, 0, 3, 1, true)));
    let _ = try_append(log, at(0), 9, &batch(&[T0], "x"));
    let _ = log.truncate_to(at(0), start + (end - start) / 2);
    let _ = log.retain(at(1_000_000_000), i64::MAX);
    let _ = log.close();
}
