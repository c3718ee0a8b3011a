//! Compaction as clients see it (facts C5, C7 to C12), and the settings of the cleaner.

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::records::*;
use common::{Client, TestBroker};
use kfk::record::{BatchBuilder, BatchOptions, batches};
use kfk::wire::ErrorCode;
use kfk::wire::find_coordinator_request::FindCoordinatorRequest;
use kfk::wire::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest};
use kfk::wire::offset_commit_request::{OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kfk::wire::offset_fetch_request::{OffsetFetchRequest, OffsetFetchRequestGroup};

const SOON: (&str, &str) = ("log.cleaner.backoff.ms", "10");
const NEVER: (&str, &str) = ("log.cleaner.backoff.ms", "3600000");
const SMALL_SEGMENTS: (&str, &str) = ("segment.bytes", "1048576");

/// Waits until `done`, for ten seconds at most.
fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(10), "still waiting: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// One record; `None` is a tombstone.
fn keyed(key: &str, value: Option<&str>) -> Bytes {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.append(now_ms(), Some(key.as_bytes()), value.map(str::as_bytes), &[]).unwrap();
    builder.finish().unwrap()
}

/// Three values of 100 KB for each of six keys, the third key deleted in the end: more than a segment. Gives what a reader must find in the end.
fn write_history(client: &mut Client, topic: &str) -> BTreeMap<String, (i64, Option<String>)> {
    let mut last = BTreeMap::new();
    for round in 0..3 {
        for key in 0..6 {
            let value = (round < 2 || key != 3).then(|| format!("{round}{}", "x".repeat(100_000)));
            let key = format!("key {key}");
            let offset = produce_ok(client, topic, 0, keyed(&key, value.as_deref()));
            last.insert(key, (offset, value));
        }
    }
    last
}

/// Offset, key and value of all records.
fn all(client: &mut Client, topic: &str) -> Vec<(i64, String, Option<String>)> {
    let end = list_offset(client, topic, 0, -1).offset;
    let mut offset = list_offset(client, topic, 0, -2).offset;
    let mut found = Vec::new();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    while offset < end {
        let data = fetch(client, topic, 0, offset);
        let before = offset;
        for view in batches(data.records.as_ref().unwrap().as_bytes().unwrap()).map_while(Result::ok) {
            view.check_crc().unwrap();
            let unpacked = view.data(1 << 24).unwrap();
            found.extend(unpacked.iter().map(Result::unwrap).map(|r| (r.offset, text(r.key.unwrap()), r.value.map(text))));
            offset = view.header.next_offset();
        }
        assert!(offset > before, "stuck at {offset} of {end}");
    }
    found
}

fn set(client: &mut Client, resource_type: i8, name: &str, values: &[(&str, &str)]) {
    let configs = values.iter().map(|(k, v)| AlterableConfig { name: k.to_string(), config_operation: 0, value: Some(v.to_string()) });
    let resource = AlterConfigsResource { resource_type, resource_name: name.into(), configs: configs.collect() };
    let answered = client.call(1, &IncrementalAlterConfigsRequest { resources: vec![resource], validate_only: false }).responses.remove(0);
    assert_eq!(answered.error_code, 0, "{answered:?}");
}

fn size(dir: &Path) -> u64 {
    let files = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap());
    files.filter(|f| f.file_name().to_str().unwrap().ends_with(".log")).map(|f| f.metadata().unwrap().len()).sum()
}

#[test]
fn c5_c8_compact_keeps_the_last_record_of_each_key_at_its_offset_and_delete_keeps_all() {
    let broker = TestBroker::start(&[SOON]);
    let mut client = broker.connect();
    let c = &mut client;
    create(c, "compact", 1, &[SMALL_SEGMENTS, ("cleanup.policy", "compact"), ("min.cleanable.dirty.ratio", "0.01")]);
    create(c, "delete", 1, &[SMALL_SEGMENTS]);
    write_history(c, "delete");
    let last = write_history(c, "compact");
    until("the first segment is compacted", || all(c, "compact").len() < 18);
    let found = all(c, "compact");
    let mut newest = BTreeMap::new();
    found.iter().for_each(|(offset, key, value)| _ = newest.insert(key.clone(), (*offset, value.clone())));
    assert_eq!(newest, last, "a reader of all ends with the same");
    assert!(found.windows(2).all(|w| w[0].0 < w[1].0));
    assert_eq!(produce_ok(c, "compact", 0, keyed("key 0", Some("goes on"))), 18);
    assert_eq!(all(c, "delete").len(), 18);
}

#[test]
fn c5_with_both_policies_old_segments_go_and_the_rest_is_compacted() {
    let dir = tempfile::tempdir().unwrap();
    let retention = [SOON, ("log.initial.task.delay.ms", "10"), ("log.retention.check.interval.ms", "10")];
    let broker = TestBroker::start_in(dir.path(), &retention);
    let mut client = broker.connect();
    let c = &mut client;
    let both = [SMALL_SEGMENTS, ("cleanup.policy", "compact,delete"), ("min.cleanable.dirty.ratio", "0.01")];
    create(c, "both", 1, &both);
    let last = write_history(c, "both");
    until("compacted", || all(c, "both").len() < 18);
    let mut newest = BTreeMap::new();
    all(c, "both").into_iter().for_each(|(offset, key, value)| _ = newest.insert(key, (offset, value)));
    assert_eq!(newest, last);
    set(c, 2, "both", &[("retention.bytes", "1")]);
    until("the finished segments are dropped", || list_offset(c, "both", 0, -2).offset > 6);
}

#[test]
fn c7_a_partition_that_nobody_asked_for_since_the_start_is_compacted_too() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = TestBroker::start_in(dir.path(), &[("log.cleaner.enable", "false")]);
    let mut client = first.connect();
    create(&mut client, "t", 1, &[SMALL_SEGMENTS, ("cleanup.policy", "compact")]);
    let last = write_history(&mut client, "t");
    first.stop();
    let before = size(&dir.path().join("t-0"));
    let second = TestBroker::start_in(dir.path(), &[SOON]);
    until("the log has become smaller", || size(&dir.path().join("t-0")) < before);
    let mut newest = BTreeMap::new();
    all(&mut second.connect(), "t").into_iter().for_each(|(offset, key, value)| _ = newest.insert(key, (offset, value)));
    assert_eq!(newest, last);
}

#[test]
fn g1_cleaner_settings_act_from_the_moment_they_change() {
    let broker = TestBroker::start(&[NEVER]);
    let mut client = broker.connect();
    let c = &mut client;
    create(c, "t", 1, &[SMALL_SEGMENTS, ("cleanup.policy", "compact")]);
    set(c, 4, "", &[("log.cleaner.min.cleanable.ratio", "0.99999")]);
    write_history(c, "t");
    assert_eq!(all(c, "t").len(), 18);
    // An hour had been begun.
    set(c, 4, "", &[("log.cleaner.backoff.ms", "10"), ("log.cleaner.min.cleanable.ratio", "0.01")]);
    until("compacted", || all(c, "t").len() < 18);
}

#[test]
fn z1_groups_are_loaded_from_a_compacted_offsets_topic() {
    let dir = tempfile::tempdir().unwrap();
    let settings = [SOON, ("offsets.topic.num.partitions", "1"), ("offsets.topic.segment.bytes", "1048576")];
    let mut first = TestBroker::start_in(dir.path(), &settings);
    let mut client = first.connect();
    let c = &mut client;
    create(c, "t", 1, &[]);
    assert_eq!(
        c.call(6, &FindCoordinatorRequest { coordinator_keys: vec!["g".into()], ..Default::default() }).coordinators[0].error_code,
        0
    );
    let written = |n: i64| format!("{n} {}", "m".repeat(4000));
    let mut n = 0;
    let log = dir.path().join("__consumer_offsets-0");
    let mut largest = 0;
    until("the offsets topic is compacted", || {
        for _ in 0..50 {
            n += 1;
            commit(c, &format!("g{}", n % 3), n, &written(n));
        }
        largest = largest.max(size(&log));
        size(&log) < largest
    });
    first.stop();
    let second = TestBroker::start_in(dir.path(), &settings);
    let mut client = second.connect();
    for newest in [n, n - 1, n - 2] {
        let group = OffsetFetchRequestGroup { group_id: format!("g{}", newest % 3), topics: None, member_epoch: -1, ..Default::default() };
        let request = OffsetFetchRequest { groups: vec![group], ..Default::default() };
        let mut answered = client.call(9, &request).groups.remove(0);
        until("loaded", || {
            if ErrorCode::from_code(answered.error_code) == ErrorCode::CoordinatorLoadInProgress {
                answered = client.call(9, &request).groups.remove(0);
            }
            answered.error_code == 0
        });
        let p = &answered.topics[0].partitions[0];
        assert_eq!((p.committed_offset, p.metadata.as_deref()), (newest, Some(written(newest).as_str())));
    }
}

fn commit(c: &mut Client, group: &str, offset: i64, metadata: &str) {
    let partition = OffsetCommitRequestPartition {
        partition_index: 0,
        committed_offset: offset,
        committed_leader_epoch: -1,
        committed_metadata: Some(metadata.into()),
    };
    let topics = vec![OffsetCommitRequestTopic { name: "t".into(), partitions: vec![partition], ..Default::default() }];
    let request = OffsetCommitRequest { group_id: group.into(), generation_id_or_member_epoch: -1, topics, ..Default::default() };
    assert_eq!(c.call(8, &request).topics[0].partitions[0].error_code, 0);
}
