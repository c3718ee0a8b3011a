//! `kfk server --check`: a directory in order is found in order, whatever happens to one of its files is found, and nothing is changed.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::records::*;
use common::{Client, TestBroker};
use kfk::machine::controller::MetadataRecord;
use kfk::machine::controller::features::MetadataVersion;
use kfk::node::check::{RealDisk, Report, Severity, check};
use kfk::record::{BatchBuilder, BatchOptions, batches};
use kfk::types::Uuid;
use kfk::wire::add_partitions_to_txn_request::{AddPartitionsToTxnRequest, AddPartitionsToTxnTopic};
use kfk::wire::config_record::ConfigRecord;
use kfk::wire::end_txn_request::EndTxnRequest;
use kfk::wire::feature_level_record::FeatureLevelRecord;
use kfk::wire::find_coordinator_request::FindCoordinatorRequest;
use kfk::wire::init_producer_id_request::InitProducerIdRequest;
use kfk::wire::offset_commit_request::{OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kfk::wire::partition_record::PartitionRecord;
use kfk::wire::produce_request::ProduceRequest;
use kfk::wire::topic_record::TopicRecord;

const SETTINGS: [(&str, &str); 2] = [("offsets.topic.num.partitions", "1"), ("transaction.state.log.num.partitions", "1")];

/// A directory with a little of everything.
fn written(dir: &Path, stop: bool) -> TestBroker {
    let mut broker = TestBroker::start_in(dir, &SETTINGS);
    let mut client = broker.connect();
    let c = &mut client;
    create(c, "t", 1, &[("index.interval.bytes", "100")]);
    for i in 0..4 {
        produce_ok(c, "t", 0, numbered(7000, 0, i, &["some value that is long enough for an entry in the index"]));
    }
    for (committed, value) in [(true, "committed"), (false, "aborted")] {
        transaction(c, committed, value);
    }
    commit_offset(c);
    if stop {
        broker.stop();
    }
    broker
}

fn transaction(c: &mut Client, committed: bool, value: &str) {
    let coordinator = FindCoordinatorRequest { key_type: 1, coordinator_keys: vec!["tx".into()], ..Default::default() };
    assert_eq!(c.call(6, &coordinator).coordinators[0].error_code, 0);
    let init = InitProducerIdRequest { transactional_id: Some("tx".into()), transaction_timeout_ms: 60_000, ..Default::default() };
    let p = c.call(4, &init);
    assert_eq!(p.error_code, 0);
    let add = AddPartitionsToTxnRequest {
        v3_and_below_transactional_id: "tx".into(),
        v3_and_below_producer_id: p.producer_id,
        v3_and_below_producer_epoch: p.producer_epoch,
        v3_and_below_topics: vec![AddPartitionsToTxnTopic { name: "t".into(), partitions: vec![0] }],
        ..Default::default()
    };
    assert_eq!(c.call(3, &add).results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code, 0);
    let (producer_id, producer_epoch) = (p.producer_id, p.producer_epoch);
    let options = BatchOptions { producer_id, producer_epoch, base_sequence: 0, transactional: true, ..Default::default() };
    let records = batch_with(options, &[value]);
    let request = ProduceRequest { transactional_id: Some("tx".into()), ..produce_request("t", 0, -1, records) };
    assert_eq!(c.call(11, &request).responses[0].partition_responses[0].error_code, 0);
    let end = EndTxnRequest { transactional_id: "tx".into(), producer_id, producer_epoch, committed };
    assert_eq!(c.call(4, &end).error_code, 0);
}

fn commit_offset(c: &mut Client) {
    assert_eq!(
        c.call(6, &FindCoordinatorRequest { coordinator_keys: vec!["g".into()], ..Default::default() }).coordinators[0].error_code,
        0
    );
    let partitions = vec![OffsetCommitRequestPartition { committed_offset: 3, committed_leader_epoch: -1, ..Default::default() }];
    let topics = vec![OffsetCommitRequestTopic { name: "t".into(), partitions, ..Default::default() }];
    let request = OffsetCommitRequest { group_id: "g".into(), generation_id_or_member_epoch: -1, topics, ..Default::default() };
    assert_eq!(c.call(8, &request).topics[0].partitions[0].error_code, 0);
}

fn checked(dir: &Path) -> Report {
    check(&RealDisk, dir, &mut |_| {}).unwrap().0
}

/// Every file below a directory with its bytes.
fn snapshot(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut dirs = vec![dir.to_path_buf()];
    while let Some(dir) = dirs.pop() {
        for path in fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()) {
            if path.is_dir() {
                dirs.push(path);
            } else {
                all.insert(path.clone(), fs::read(path).unwrap());
            }
        }
    }
    all
}

#[test]
fn every_flipped_byte_is_found_or_known_to_be_harmless() {
    let temp = tempfile::tempdir().unwrap();
    written(temp.path(), true);
    assert_eq!(checked(temp.path()).findings, [], "before anything is flipped");
    let mut missed: BTreeMap<PathBuf, Vec<usize>> = BTreeMap::new();
    let mut flipped = 0;
    for (path, bytes) in snapshot(temp.path()) {
        // One partition stands for all; of the metadata log's other files there are none like them.
        let partition = path.parent().unwrap().file_name().unwrap().to_str().unwrap();
        let is_log = path.extension().is_some_and(|e| e == "log");
        if partition.starts_with("__") && (partition != "__cluster_metadata-0" || is_log) {
            continue;
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            fs::write(&path, &changed).unwrap();
            flipped += 1;
            if checked(temp.path()).findings.is_empty() {
                missed.entry(path.strip_prefix(temp.path()).unwrap().to_path_buf()).or_default().push(at);
            }
        }
        fs::write(&path, &bytes).unwrap();
    }
    assert!(flipped > 1500, "{flipped}");
    let at = |file: &str| missed.remove(Path::new(file)).unwrap_or_default();
    harmless(temp.path(), at);
    assert_eq!(missed, BTreeMap::new(), "flips that were not found");
}

/// What `log::check` says that no check can tell.
fn harmless(dir: &Path, mut missed: impl FnMut(&str) -> Vec<usize>) {
    let text = fs::read_to_string(dir.join("meta.properties")).unwrap();
    let id = text.find("cluster.id=").unwrap() + "cluster.id=".len();
    assert_eq!(missed("meta.properties"), (id..id + 22).collect::<Vec<_>>(), "the cluster's id stands nowhere else");
    let text = fs::read_to_string(dir.join("__cluster_metadata-0/quorum-state")).unwrap();
    let applied = text.find("appliedOffset\":").unwrap() + "appliedOffset\":".len();
    assert_eq!(missed("__cluster_metadata-0/quorum-state"), [applied], "nobody reads it");
    // The lowest bit of an entry's offset: raised to the end of the batch after.
    for at in missed("t-0/00000000000000000000.index") {
        assert_eq!(at % 8, 3, "{at}");
    }
}

fn kfk(args: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_kfk")).arg("server").args(args).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_directory_in_order_is_told_so_in_one_line_and_left_as_it_is() {
    let temp = tempfile::tempdir().unwrap();
    written(temp.path(), true);
    let before = snapshot(temp.path());
    let (code, out, err) = kfk(&["--check", text(temp.path())]);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert_eq!(out.lines().count(), 1, "{out}");
    assert!(out.starts_with("looked at 4 partitions, 4 segments, "), "{out}");
    assert!(out.ends_with("the last stop was clean: nothing is wrong\n"), "{out}");
    assert_eq!(snapshot(temp.path()), before);
    let (code, out, err) = kfk(&["--check", text(temp.path()), "-o", "json"]);
    assert_eq!((code, out.as_str()), (Some(0), "[]\n"));
    assert!(err.ends_with("the last stop was clean: nothing is wrong\n"), "{err}");
}

#[test]
fn what_is_wrong_is_told_with_file_position_and_offset_and_the_exit_code_is_1() {
    let temp = tempfile::tempdir().unwrap();
    written(temp.path(), true);
    let log = temp.path().join("t-0/00000000000000000000.log");
    let mut bytes = fs::read(&log).unwrap();
    let second = batches(&bytes).next().unwrap().unwrap().header.size_in_bytes();
    bytes[second + 70] ^= 1;
    fs::write(&log, bytes).unwrap();
    let stray = temp.path().join("nobody-0");
    fs::create_dir(&stray).unwrap();
    fs::copy(temp.path().join("t-0/partition.metadata"), stray.join("partition.metadata")).unwrap();
    let (code, out, _) = kfk(&["--check", text(temp.path())]);
    assert_eq!(code, Some(1));
    let told = format!("wrong: t-0/00000000000000000000.log position {second} offset 1: no valid batch: ");
    assert!(out.contains(&told) && out.contains("whole batches follow at position"), "{out}");
    assert!(out.contains("\nwrong: nobody-0: the cluster knows no such partition") || out.starts_with("wrong: nobody-0:"), "{out}");
    assert!(out.contains("  remedy: "), "{out}");
    assert!(out.trim_end().ends_with("the last stop was clean: 2 things are wrong"), "{out}");
    let (code, out, _) = kfk(&["--check", text(temp.path()), "-o", "json"]);
    let findings: Vec<serde_json::Value> = serde_json::from_str(&out).unwrap();
    let finding = findings.iter().find(|f| f["file"] == "t-0/00000000000000000000.log").unwrap();
    assert_eq!((code, &finding["position"], &finding["offset"]), (Some(1), &second.into(), &1.into()));
    assert_eq!(findings.iter().filter(|f| f["severity"] == "wrong").count(), 2);
}

#[test]
fn a_running_broker_is_not_checked_and_neither_is_what_is_no_directory() {
    let temp = tempfile::tempdir().unwrap();
    let mut broker = written(temp.path(), false);
    let (code, out, err) = kfk(&["--check", text(temp.path())]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.contains("is in use by a running broker") && err.contains("hint: stop it first"), "{err}");
    broker.stop();
    let (code, _, err) = kfk(&["--check", "/no/such/directory"]);
    assert_eq!((code, err.as_str()), (Some(1), "error: /no/such/directory is no directory\n"));
    let (code, _, err) = kfk(&["-o", "json", "--data-dir", text(temp.path())]);
    assert_eq!(code, Some(2), "{err}");
}

/// Copies a data directory as a crash would leave it.
fn copy(from: &Path, to: &Path) {
    for (path, bytes) in snapshot(from) {
        let to = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, bytes).unwrap();
    }
}

#[test]
fn what_a_crash_leaves_is_noted_and_not_called_wrong() {
    let (temp, crashed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let _running = written(temp.path(), false);
    copy(temp.path(), crashed.path());
    let log = crashed.path().join("t-0/00000000000000000000.log");
    let bytes = fs::read(&log).unwrap();
    fs::write(&log, &bytes[..bytes.len() - 10]).unwrap();
    let report = checked(crashed.path());
    assert_eq!(report.wrong(), 0, "{:#?}", report.findings);
    let whats: Vec<&str> = report.findings.iter().map(|f| f.what.as_str()).collect();
    assert!(whats.iter().any(|w| w.starts_with("the last stop was not clean")), "{whats:?}");
    assert!(whats.iter().any(|w| w.contains("a write was interrupted")), "{whats:?}");
    assert!(report.findings.iter().all(|f| f.severity == Severity::Note));
}

/// Appends records to the metadata log of a stopped broker, framed as they are given.
fn append_metadata(dir: &Path, values: &[bytes::Bytes]) {
    let log = dir.join("__cluster_metadata-0/00000000000000000000.log");
    let mut bytes = fs::read(&log).unwrap();
    let last = batches(&bytes).last().unwrap().unwrap().header;
    let options =
        BatchOptions { base_offset: last.next_offset(), partition_leader_epoch: last.partition_leader_epoch, ..Default::default() };
    let mut builder = BatchBuilder::new(options);
    values.iter().for_each(|v| builder.append(last.max_timestamp, None, Some(v), &[]).unwrap());
    bytes.extend(builder.finish().unwrap());
    fs::write(log, bytes).unwrap();
}

fn encoded(records: &[MetadataRecord]) -> Vec<bytes::Bytes> {
    records.iter().map(|r| r.encode(MetadataVersion::LATEST).unwrap()).collect()
}

fn feature(name: &str, feature_level: i16) -> Vec<bytes::Bytes> {
    encoded(&[FeatureLevelRecord { name: name.into(), feature_level }.into()])
}

fn replace(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

/// What a start must refuse, how it comes to be in the directory, and the words in which it is refused.
type Foreign = (&'static str, fn(&Path), &'static str);

const FOREIGN: [Foreign; 10] = [
    ("a record kind", |d| append_metadata(d, &[bytes::Bytes::from_static(&[1, 99, 0, 0])]), "record kind 99 is unknown"),
    ("a record version", |d| append_metadata(d, &[bytes::Bytes::from_static(&[1, 2, 7, 0])]), "TopicRecord has version 7"),
    (
        "metadata.version",
        |d| append_metadata(d, &feature("metadata.version", 31)),
        "metadata.version is 31; this version knows 3.3-IV3 (7)",
    ),
    ("a feature level", |d| append_metadata(d, &feature("group.version", 9)), "feature group.version is at level 9"),
    (
        "a feature",
        |d| append_metadata(d, &feature("tea.version", 1)),
        "feature tea.version is at level 1, and this version does not know it",
    ),
    (
        "tiered storage",
        |d| {
            let (name, value) = ("remote.storage.enable".to_string(), Some("true".to_string()));
            append_metadata(d, &encoded(&[ConfigRecord { resource_type: 2, resource_name: "t".into(), name, value }.into()]));
        },
        "topic t has remote.storage.enable=true; tiered storage (KIP-405) is not supported",
    ),
    (
        "another node",
        |d| {
            let topic_id = Uuid([7; 16]);
            let partition = PartitionRecord {
                partition_id: 0,
                topic_id,
                replicas: vec![1, 2],
                isr: vec![1],
                leader: 1,
                directories: vec![Uuid::ZERO; 2],
                ..Default::default()
            };
            append_metadata(d, &encoded(&[TopicRecord { name: "two".into(), topic_id }.into(), partition.into()]));
        },
        "two-0 has a replica on node 2",
    ),
    (
        "other voters",
        |d| replace(&d.join("__cluster_metadata-0/quorum-state"), r#"[{"voterId":1}]"#, r#"[{"voterId":1},{"voterId":3}]"#),
        "the metadata quorum has the voters [1, 3]",
    ),
    (
        "another directory",
        |d| {
            let path = d.join("meta.properties");
            let text = fs::read_to_string(&path).unwrap();
            let line = text.lines().find(|l| l.starts_with("directory.id=")).unwrap();
            replace(&path, line, "directory.id=AAAAAAAAAAAAAAAAAAAAZA");
        },
        "only one directory in log.dirs is supported",
    ),
    ("another node's", |d| replace(&d.join("meta.properties"), "node.id=1", "node.id=5"), "belongs to node.id 5, not 1"),
];

#[test]
fn what_cannot_be_carried_over_is_refused_by_name_before_anything_is_changed() {
    let temp = tempfile::tempdir().unwrap();
    written(temp.path(), true);
    for (what, spoil, words) in FOREIGN {
        let dir = tempfile::tempdir().unwrap();
        copy(temp.path(), dir.path());
        spoil(dir.path());
        let before = snapshot(dir.path());
        let Err(refused) = TestBroker::try_start_in(dir.path(), &SETTINGS) else { panic!("{what}: it starts") };
        assert!(refused.contains(words), "{what}: {refused}");
        assert_eq!(snapshot(dir.path()), before, "{what}: something was changed");
        let told = checked(dir.path()).findings;
        let is_node = what == "another node's";
        assert!(is_node || told.iter().any(|f| f.severity == Severity::Wrong && f.what.contains(words)), "{what}: {told:#?}");
    }
}
