//! Directories that Apache Kafka 4.3.1 wrote: read as they are, and made anew from their batches.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kfk::log::producer_snapshot::{self, SnapshotEntry};
use kfk::log::sim_disk::SimDisk;
use kfk::log::{Epochs, Log, LogConfig, partition_meta};
use kfk::record::batches;
use kfk::types::{TopicPartition, Uuid};

use crate::support::*;

/// Puts a recorded partition directory on a simulated disk; gives its files.
fn fixture(disk: &SimDisk, case: &str, partition: &str) -> BTreeMap<String, Vec<u8>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dump-log-fixtures").join(case).join(partition);
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(&dir).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let bytes = std::fs::read(entry.path()).unwrap();
        disk.put(PathBuf::from(ROOT).join(partition).join(&name), &bytes);
        files.insert(name, bytes);
    }
    files
}

fn open_fixture(disk: &SimDisk, partition: &str, clean: bool, config: LogConfig) -> Log {
    if clean {
        disk.put(format!("{ROOT}/.kafka_cleanshutdown"), b"{\"version\":0,\"brokerEpoch\":1}");
    }
    let meta = disk.get(format!("{ROOT}/{partition}/partition.metadata"));
    let id = meta.and_then(|m| partition_meta::decode(&m)).unwrap_or(Uuid([7; 16]));
    let (topic, number) = partition.rsplit_once('-').unwrap();
    let dir = open_dir(disk);
    // The snapshots' producers are years old by now; keep them.
    dir.open_log(&TopicPartition::new(topic, number.parse().unwrap()), id, Arc::new(config), at(0)).unwrap()
}

/// Every batch header in the recorded `.log` files, in order.
fn recorded(files: &BTreeMap<String, Vec<u8>>) -> Vec<(i64, i64)> {
    let logs = files.iter().filter(|(name, _)| name.ends_with(".log"));
    logs.flat_map(|(_, bytes)| batches(bytes).map(|b| b.unwrap().header).map(|h| (h.base_offset, h.last_offset())).collect::<Vec<_>>())
        .collect()
}

fn read_batches(log: &mut Log) -> Vec<(i64, i64)> {
    let mut next = log.start_offset();
    let mut all = Vec::new();
    while let Some(slice) = log.read(next, 500, true, i64::MAX).unwrap() {
        for b in batches(&slice.read().unwrap()) {
            let b = b.unwrap();
            b.check_crc().unwrap();
            all.push((b.header.base_offset, b.header.last_offset()));
            next = b.header.next_offset();
        }
    }
    all
}

const PARTITIONS: [(&str, &str); 17] = [
    ("basic", "orders-0"),
    ("binary", "binary-0"),
    ("cluster-metadata", "__cluster_metadata-0"),
    ("compacted", "compact-0"),
    ("compacted-transactional", "compact-txn-0"),
    ("consumer-offsets", "__consumer_offsets-0"),
    ("gzip", "t-gzip-0"),
    ("idempotent", "idem-0"),
    ("live-index", "lat-0"),
    ("log-append-time", "lat-0"),
    ("lz4", "t-lz4-0"),
    ("mixed", "t-mixed-0"),
    ("open-transaction", "overlap-0"),
    ("share-group-state", "__share_group_state-0"),
    ("snappy", "t-snappy-0"),
    ("transaction-state", "__transaction_state-0"),
    ("transactional", "txn-0"),
];

#[test]
fn r2_kafkas_directories_are_read_after_a_clean_stop_and_recovered_after_another() {
    for (case, partition) in PARTITIONS {
        for clean in [true, false] {
            let disk = SimDisk::new();
            let files = fixture(&disk, case, partition);
            let compact = case.contains("compacted");
            let mut log = open_fixture(&disk, partition, clean, LogConfig { compact, ..LogConfig::default() });
            let expected = recorded(&files);
            assert_eq!(read_batches(&mut log), expected, "{case}, clean: {clean}");
            assert_eq!(log.end_offset(), expected.last().unwrap().1 + 1, "{case}");
            assert_eq!(log.damage(), None);
            if let Some(epochs) = files.get("leader-epoch-checkpoint") {
                let mut expected = Epochs::decode(epochs).unwrap();
                // A leader that was elected and wrote nothing.
                expected.truncate_end(log.end_offset());
                assert_eq!(log.epochs(), &expected, "{case}: the epochs fit the batches, clean: {clean}");
            }
        }
    }
}

/// The last snapshot's producers, in order of their ids.
fn snapshot(files: &BTreeMap<String, Vec<u8>>) -> (i64, Vec<SnapshotEntry>) {
    let (name, bytes) = files.iter().rfind(|(name, _)| name.ends_with(".snapshot")).unwrap();
    let mut entries = producer_snapshot::decode(bytes).unwrap();
    entries.sort_by_key(|e| e.producer_id);
    (name[..20].parse().unwrap(), entries)
}

#[test]
fn v9_producers_made_from_the_batches_are_those_of_kafkas_snapshots() {
    for (case, partition) in [
        ("idempotent", "idem-0"),
        ("transactional", "txn-0"),
        ("open-transaction", "overlap-0"),
        ("consumer-offsets", "__consumer_offsets-0"),
    ] {
        let disk = SimDisk::new();
        let files = fixture(&disk, case, partition);
        let (upto, expected) = snapshot(&files);
        let loaded = open_fixture(&disk, partition, true, LogConfig::default());
        assert_eq!(loaded.end_offset(), upto);
        let of = |log: &Log| log.producers().to_snapshot().collect::<Vec<_>>();
        assert_eq!(of(&loaded), expected, "{case}: loaded");
        let disk = SimDisk::new();
        for (name, bytes) in files.iter().filter(|(name, _)| !name.ends_with(".snapshot")) {
            disk.put(format!("{ROOT}/{partition}/{name}"), bytes);
        }
        let rebuilt = open_fixture(&disk, partition, false, LogConfig::default());
        assert_eq!(of(&rebuilt), expected, "{case}: made anew");
    }
}

#[test]
fn v10_transaction_indexes_made_anew_are_kafkas() {
    for (case, partition) in [("transactional", "txn-0"), ("open-transaction", "overlap-0"), ("consumer-offsets", "__consumer_offsets-0")] {
        let disk = SimDisk::new();
        let files = fixture(&disk, case, partition);
        open_fixture(&disk, partition, false, LogConfig::default());
        for (name, bytes) in files.iter().filter(|(name, _)| name.ends_with(".txnindex")) {
            assert_eq!(disk.get(format!("{ROOT}/{partition}/{name}")).as_ref(), Some(bytes), "{case} {name}");
        }
        let made = |f: &str| disk.get(format!("{ROOT}/{partition}/{}", f.replace(".log", ".txnindex"))).is_some();
        for name in files.keys().filter(|name| name.ends_with(".log")) {
            assert_eq!(made(name), files.contains_key(&name.replace(".log", ".txnindex")), "{case} {name}");
        }
    }
}

#[test]
fn l4_l5_indexes_made_anew_are_kafkas() {
    for (case, partition, interval) in [
        ("basic", "orders-0", 200),
        ("idempotent", "idem-0", 150),
        ("transactional", "txn-0", 150),
        ("gzip", "t-gzip-0", 400),
        ("lz4", "t-lz4-0", 400),
    ] {
        let disk = SimDisk::new();
        let files = fixture(&disk, case, partition);
        open_fixture(&disk, partition, false, LogConfig { index_interval_bytes: interval, ..LogConfig::default() });
        // Kafka counts the bytes since the last entry from 0 when it starts, which it did in the middle of these segments.
        let restarted = |name: &str| matches!((case, &name[17..20]), ("basic", "034" | "129") | ("transactional", "036"));
        for (name, bytes) in files.iter().filter(|(name, _)| name.ends_with("index") && !name.ends_with(".txnindex") && !restarted(name)) {
            assert_eq!(&disk.get(format!("{ROOT}/{partition}/{name}")).unwrap(), bytes, "{case} {name}");
        }
    }
}

#[test]
fn l6_an_index_with_a_tail_of_zeros_is_used_as_it_is() {
    let disk = SimDisk::new();
    let files = fixture(&disk, "live-index", "lat-0");
    let steps = disk.steps();
    let mut log = open_fixture(&disk, "lat-0", true, LogConfig::default());
    let last = recorded(&files).last().unwrap().0;
    assert_eq!(log.read(last, 10_000, true, i64::MAX).unwrap().unwrap().first_offset, last);
    assert_eq!(&disk.get(format!("{ROOT}/lat-0/00000000000000000000.index")).unwrap(), &files["00000000000000000000.index"]);
    assert_eq!(disk.steps() - steps, 3, "the lock file, and the clean-stop file taken away: no index was made anew");
}

#[test]
fn r8_kafkas_files_with_faults_are_told_apart() {
    // case, log end, why it is damaged (none: a torn tail)
    let cases = [
        ("truncated", 23, None),
        ("truncated-header", 23, None),
        ("trailing-garbage", 34, None),
        ("flipped-payload", 23, Some("batch is corrupt")),
        ("flipped-crc", 23, Some("batch is corrupt")),
        ("flipped-attributes", 23, Some("batch is corrupt")),
        ("flipped-record-length", 23, Some("batch is corrupt")),
        ("flipped-magic", 23, Some("unsupported batch format version (magic) 18")),
        ("flipped-size", 23, Some("batch length field 5 is less than the smallest possible batch")),
        ("huge-size", 23, Some("it needs 1073741836 bytes, 1437 are there")),
        ("negative-size", 23, Some("batch length field -1")),
        ("wrong-base-offset", 23, Some("its offsets 28..=29 leave a gap, and lower ones follow")),
    ];
    for (case, end, why) in cases {
        let disk = SimDisk::new();
        let files = fixture(&disk, case, "orders-0");
        let mut log = open_fixture(&disk, "orders-0", false, LogConfig::default());
        assert_eq!(log.end_offset(), end, "{case}");
        assert_eq!(read_batches(&mut log).last().unwrap().1, end - 1, "{case}");
        let left = disk.get(format!("{ROOT}/orders-0/00000000000000000018.log")).unwrap();
        let cut = disk.files(ROOT).into_iter().find(|(p, _)| p.extension().is_some_and(|e| e == "cut")).map(|(_, bytes)| bytes);
        match (log.damage(), why) {
            (None, None) => {}
            (Some(damage), Some(why)) => assert!(damage.reason.contains(why) && damage.position == 804, "{case}: {damage:?}"),
            other => panic!("{case}: {other:?}"),
        }
        assert_eq!(cut.is_some(), why.is_none(), "{case}: only a torn tail is cut");
        assert_eq!([left, cut.unwrap_or_default()].concat(), files["00000000000000000018.log"], "{case}: no byte is lost");
    }
}

#[test]
fn r8_batches_of_an_old_format_are_not_taken_for_a_torn_tail() {
    let disk = SimDisk::new();
    let files = fixture(&disk, "legacy-magic", "old-0");
    let log = open_fixture(&disk, "old-0", false, LogConfig::default());
    assert!(log.damage().unwrap().reason.ends_with("batches of format version 0 are not supported"));
    assert_eq!(disk.get(format!("{ROOT}/old-0/00000000000000000000.log")).as_ref(), Some(&files["00000000000000000000.log"]));
}
