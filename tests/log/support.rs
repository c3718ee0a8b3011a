//! Building batches and logs in one line.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use kfk::log::sim_disk::SimDisk;
use kfk::log::{Appended, DirOptions, Log, LogConfig, LogDir, LogError, NewBatch};
use kfk::record::{BatchBuilder, BatchHeader, BatchOptions, BatchView, ControlRecord, HEADER_LEN, batches, control_batch};
use kfk::types::{MonoMs, Now, TopicId, TopicPartition, Uuid, WallMs};

pub const ROOT: &str = "/data";
pub const T0: i64 = 1_700_000_000_000;

pub fn partition() -> TopicPartition {
    TopicPartition::new("t", 0)
}

pub fn topic_id() -> TopicId {
    Uuid([7; 16])
}

/// The clocks `ms` after the tests' beginning of time.
pub fn at(ms: i64) -> Now {
    Now { wall: WallMs(T0 + ms), mono: MonoMs(ms as u64) }
}

/// Small segments and an index entry every few batches.
pub fn small() -> LogConfig {
    LogConfig { segment_bytes: 1000, index_interval_bytes: 150, ..LogConfig::default() }
}

pub fn open_dir(disk: &SimDisk) -> LogDir {
    LogDir::open(Arc::new(disk.clone()), Path::new(ROOT), DirOptions { max_open_files: 8, ..DirOptions::default() }).unwrap()
}

pub fn open_in(dir: &LogDir, config: &LogConfig) -> Result<Log, LogError> {
    dir.open_log(&partition(), topic_id(), Arc::new(config.clone()), at(0))
}

/// A directory and its one log.
pub fn open(disk: &SimDisk, config: &LogConfig) -> (LogDir, Log) {
    let dir = open_dir(disk);
    let log = open_in(&dir, config).unwrap();
    (dir, log)
}

/// Values as records at a time each, from no producer.
pub fn batch(timestamps: &[i64], value: &str) -> Bytes {
    build(BatchOptions::default(), timestamps, value)
}

pub fn build(options: BatchOptions, timestamps: &[i64], value: &str) -> Bytes {
    let mut builder = BatchBuilder::new(options);
    for t in timestamps {
        builder.append(*t, None, Some(value.as_bytes()), &[]).unwrap();
    }
    builder.finish().unwrap()
}

pub fn from_producer(producer_id: i64, epoch: i16, sequence: i32, n: usize, transactional: bool) -> Bytes {
    let options = BatchOptions { producer_id, producer_epoch: epoch, base_sequence: sequence, transactional, ..BatchOptions::default() };
    build(options, &vec![T0; n], "p")
}

pub fn marker(producer_id: i64, epoch: i16, commit: bool) -> Bytes {
    let options = BatchOptions { producer_id, producer_epoch: epoch, transactional: true, ..BatchOptions::default() };
    let record = if commit { ControlRecord::Commit { coordinator_epoch: 0 } } else { ControlRecord::Abort { coordinator_epoch: 0 } };
    control_batch(options, T0, &[record]).unwrap()
}

pub fn header(bytes: &Bytes) -> BatchHeader {
    BatchHeader::parse(bytes).unwrap()
}

/// Appends one batch as leader of an epoch.
pub fn try_append(log: &mut Log, now: Now, epoch: i32, bytes: &Bytes) -> Result<Appended, LogError> {
    log.append(now, epoch, &[NewBatch { header: header(bytes), body: &bytes[HEADER_LEN..] }])
}

pub fn append(log: &mut Log, bytes: &Bytes) -> i64 {
    try_append(log, at(0), 0, bytes).unwrap().base_offset
}

/// `n` batches of two records, with values that name their offset and rising timestamps.
pub fn fill(log: &mut Log, n: usize) {
    for _ in 0..n {
        let end = log.end_offset();
        append(log, &batch(&[T0 + end, T0 + end + 1], &format!("value-{end:05}")));
    }
}

/// A record as readers see it.
pub type Seen = (i64, i64, Vec<u8>);

/// The records in batches; checks CRCs.
pub fn parse(bytes: &[u8]) -> Vec<Seen> {
    let mut all = Vec::new();
    for b in batches(bytes) {
        let b: BatchView<'_> = b.expect("slices hold whole batches");
        b.check_crc().unwrap();
        for record in b.data(1 << 20).unwrap().iter() {
            let r = record.unwrap();
            all.push((r.offset, r.timestamp, r.value.unwrap_or_default().to_vec()));
        }
    }
    all
}

/// Everything that can be read from `from` on, in pieces of `max_bytes`; checks that pieces fit together.
pub fn read_from(log: &mut Log, from: i64, max_bytes: usize) -> Result<Vec<Seen>, LogError> {
    let mut all = Vec::new();
    let mut next = from;
    while let Some(slice) = log.read(next, max_bytes, true, i64::MAX)? {
        let bytes = slice.read()?;
        assert_eq!(bytes.len(), slice.len);
        let seen = parse(&bytes);
        let end = seen.last().unwrap().0 + 1;
        all.extend(seen.into_iter().filter(|r| r.0 >= next));
        assert!(end > next && end <= slice.end_offset, "{end} after {next}, promised below {}", slice.end_offset);
        next = end;
    }
    Ok(all)
}

pub fn read_all(log: &mut Log) -> Vec<Seen> {
    let start = log.start_offset();
    read_from(log, start, 300).unwrap()
}

pub fn offsets(seen: &[Seen]) -> Vec<i64> {
    seen.iter().map(|s| s.0).collect()
}

/// A file of the one partition.
pub fn path(name: &str) -> String {
    format!("{ROOT}/t-0/{name}")
}

pub fn names(disk: &SimDisk) -> Vec<String> {
    disk.files(format!("{ROOT}/t-0")).keys().map(|p| p.file_name().unwrap().to_string_lossy().into_owned()).collect()
}
