//! The record room on segments that Apache Kafka 4.3.1 wrote.

use std::path::{Path, PathBuf};

use kfk::record::{BatchBuilder, BatchOptions, BatchView, Codec, ControlRecord, Header, TimestampType, batches, walk_payload};

fn segment(case: &str) -> Vec<u8> {
    std::fs::read(segment_path(case)).unwrap()
}

/// The first log file of a case.
fn segment_path(case: &str) -> PathBuf {
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dump-log-fixtures").join(case);
    let mut logs: Vec<PathBuf> = std::fs::read_dir(case)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.is_dir())
        .flat_map(|dir| std::fs::read_dir(dir).unwrap())
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "log"))
        .collect();
    logs.sort();
    logs.remove(0)
}

const GOOD: [&str; 16] = [
    "basic",
    "binary",
    "cluster-metadata",
    "compacted",
    "compacted-transactional",
    "consumer-offsets",
    "gzip",
    "idempotent",
    "log-append-time",
    "lz4",
    "mixed",
    "open-transaction",
    "snappy",
    "transaction-state",
    "transactional",
    "zstd",
];

#[test]
fn kafkas_own_segments_read_to_the_last_record() {
    let mut seen = std::collections::BTreeSet::new();
    for case in GOOD {
        let bytes = segment(case);
        let mut batches = batches(&bytes);
        for view in batches.by_ref() {
            let view = view.unwrap_or_else(|e| panic!("{case}: {e}"));
            view.check_crc().unwrap();
            seen.insert(view.header.codec().unwrap().name());
            let data = view.data(1 << 20).unwrap();
            let records: Vec<_> = data.iter().collect::<Result<_, _>>().unwrap();
            assert_eq!(records.len(), view.header.record_count as usize, "{case}");
            assert!(records.windows(2).all(|w| w[0].offset < w[1].offset), "{case}");
            assert!(records.iter().all(|r| (view.header.base_offset..=view.header.last_offset()).contains(&r.offset)), "{case}");
            let newest = records.iter().map(|r| r.timestamp).max().unwrap_or(view.header.max_timestamp);
            assert!(newest <= view.header.max_timestamp, "{case}");
            let mut walked = 0;
            let h = &view.header;
            walk_payload(h.codec().unwrap(), view.body(), h.record_count, 1 << 20, |_| walked += 1).unwrap();
            assert_eq!(walked, h.record_count);
        }
        assert_eq!(batches.position(), bytes.len(), "{case}");
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["gzip", "lz4", "none", "snappy", "zstd"]);
}

#[test]
fn the_builder_writes_kafkas_bytes() {
    let mut compared = 0;
    for case in GOOD {
        for view in batches(&segment(case)) {
            let view = view.unwrap();
            // Compressed bytes depend on the compressor; an emptied batch keeps only its header.
            if view.header.codec() == Ok(Codec::None) && view.header.record_count > 0 {
                let rebuilt = rebuild(&view);
                assert!(rebuilt == view.bytes, "{case} at offset {}", view.header.base_offset);
                compared += 1;
            }
        }
    }
    assert!(compared > 50, "{compared}");
}

fn rebuild(view: &BatchView<'_>) -> Vec<u8> {
    let h = &view.header;
    let mut builder = BatchBuilder::new(BatchOptions {
        base_offset: h.base_offset,
        partition_leader_epoch: h.partition_leader_epoch,
        append_time: (h.timestamp_type() == TimestampType::LogAppendTime).then_some(h.max_timestamp),
        producer_id: h.producer_id,
        producer_epoch: h.producer_epoch,
        base_sequence: h.base_sequence,
        transactional: h.is_transactional(),
        control: h.is_control(),
        delete_horizon_ms: h.delete_horizon_ms(),
        ..Default::default()
    });
    for record in &view.data(1 << 20).unwrap() {
        let r = record.unwrap();
        let headers: Vec<Header<'_>> = r.headers().collect();
        builder.append_at(r.offset_delta, h.base_timestamp + r.timestamp_delta, r.key, r.value, &headers).unwrap();
    }
    // A batch that compaction thinned out keeps its last offset.
    let mut bytes = builder.finish().unwrap().to_vec();
    let mut header = kfk::record::BatchHeader::parse(&bytes).unwrap();
    header.last_offset_delta = h.last_offset_delta;
    header.crc = header.compute_crc(&bytes[kfk::record::HEADER_LEN..]);
    bytes[..kfk::record::HEADER_LEN].copy_from_slice(&header.to_bytes());
    bytes
}

#[test]
fn kafkas_control_records_parse_and_come_back_as_the_same_bytes() {
    let mut names = std::collections::BTreeSet::new();
    for case in ["cluster-metadata", "transactional", "compacted-transactional"] {
        for view in batches(&segment(case)).map(Result::unwrap).filter(|v| v.header.is_control()) {
            let data = view.data(1 << 20).unwrap();
            for record in &data {
                let record = record.unwrap();
                let parsed = ControlRecord::parse(&record).unwrap();
                names.insert(parsed.control_type().name());
                let again = kfk::record::control_batch(BatchOptions::default(), 0, &[parsed]).unwrap();
                let data = BatchView::parse(&again).unwrap().data(1 << 20).unwrap();
                let again = data.iter().next().unwrap().unwrap();
                assert_eq!((again.key, again.value), (record.key, record.value), "{case}");
            }
        }
    }
    assert!(names.contains("COMMIT") && names.contains("ABORT") && names.contains("LEADER_CHANGE"), "{names:?}");
}

#[test]
fn p14_damaged_segments_are_noticed() {
    for case in ["flipped-attributes", "flipped-crc", "flipped-gzip", "flipped-payload", "flipped-record-length", "flipped-zstd"] {
        let bytes = segment(case);
        let bad = batches(&bytes).filter(|b| b.as_ref().is_ok_and(|v| v.check_crc().is_err())).count();
        assert_eq!(bad, 1, "{case}");
    }
    for case in ["truncated", "truncated-header", "huge-size", "negative-size", "flipped-magic", "flipped-size", "legacy-magic"] {
        assert!(batches(&segment(case)).any(|b| b.is_err()), "{case}");
    }
}
