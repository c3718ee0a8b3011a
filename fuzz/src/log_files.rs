//! Files beside a log, on a disk in memory: whatever stands in them, the log tells the truth or an error (L8, R4, I15).

use std::path::Path;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use kfk::log::sim_disk::SimDisk;
use kfk::log::{DirOptions, Log, LogConfig, LogDir, LogError, NewBatch};
use kfk::machine::controller::{ApiError, ClusterState, ConfigResource, ConfigRules, Options, Overrides, ResourceKind};
use kfk::node::quorum::{self, Quorum, Setup, Wanted};
use kfk::record::{BatchBuilder, BatchHeader, BatchOptions, ControlRecord, HEADER_LEN, batches, control_batch};
use kfk::rng::Rng;
use kfk::types::{MonoMs, Now, Offset, TopicPartition, Uuid, WallMs};
use kfk::wire::create_topics_response::CreatableTopicConfigs;

use super::{number, shared};

const T0: i64 = 1_700_000_000_000;
const DIR: &str = "/data/t-0";

fn now() -> Now {
    Now { wall: WallMs(T0), mono: MonoMs(0) }
}

fn append(log: &mut Log, bytes: &Bytes) {
    let header = BatchHeader::parse(bytes).expect("a header");
    log.append(now(), 0, &[NewBatch { header, body: &bytes[HEADER_LEN..] }]).expect("room");
}

fn batch(options: BatchOptions, at: i64) -> Bytes {
    let mut builder = BatchBuilder::new(options);
    for i in 0..2 {
        builder.append(T0 + 10 * (at + i), Some(b"k"), Some(b"some value"), &[]).expect("room");
    }
    builder.finish().expect("a batch")
}

fn open(disk: &SimDisk) -> Result<(LogDir, Log), LogError> {
    let config = LogConfig { segment_bytes: 1000, index_interval_bytes: 150, ..LogConfig::default() };
    let options = DirOptions { max_open_files: 16, ..DirOptions::default() };
    let dir = LogDir::open(shared(disk), Path::new("/data"), options)?;
    let log = dir.open_log(&TopicPartition::new("t", 0), Uuid([7; 16]), Arc::new(config), now())?;
    Ok((dir, log))
}

/// A directory after a clean stop: three segments with plain and transactional batches, an abort, indexes and snapshots.
fn made() -> &'static SimDisk {
    static MADE: OnceLock<SimDisk> = OnceLock::new();
    MADE.get_or_init(|| {
        let disk = SimDisk::new();
        let (dir, mut log) = open(&disk).expect("a new log");
        for i in 0..12 {
            let plain = batch(BatchOptions::default(), log.end_offset());
            append(&mut log, &plain);
            let of = BatchOptions {
                producer_id: 9,
                producer_epoch: 0,
                base_sequence: 2 * i,
                transactional: i % 4 < 2,
                ..BatchOptions::default()
            };
            let numbered = batch(of, log.end_offset());
            append(&mut log, &numbered);
            if i % 4 == 1 {
                let record = ControlRecord::Abort { coordinator_epoch: 0 };
                append(&mut log, &control_batch(BatchOptions { base_sequence: -1, ..of }, T0, &[record]).expect("a marker"));
            }
        }
        log.close().expect("no faults");
        drop(log);
        assert!(dir.close(0).expect("no faults"));
        disk
    })
}

/// What a log answers: its batches, a look-up by time, aborted transactions.
#[derive(Debug, PartialEq)]
struct Answers {
    batches: Vec<(Offset, u32)>,
    times: Vec<Option<Offset>>,
    aborted: Vec<(i64, Offset)>,
}

fn ask(log: &mut Log) -> Result<Answers, LogError> {
    let (mut next, mut found) = (log.start_offset(), Vec::new());
    while let Some(slice) = log.read(next, 200, true, i64::MAX)? {
        let bytes = slice.read()?;
        for batch in batches(&bytes) {
            let batch = batch.expect("whole batches");
            batch.check_crc().expect("what is served has its CRC");
            found.push((batch.header.base_offset, batch.header.crc));
        }
        next = slice.end_offset;
    }
    let mut times = Vec::new();
    for at in 0..60 {
        times.push(log.offset_for_timestamp(T0 + 10 * at, i64::MAX)?.map(|hit| hit.offset));
    }
    let aborted = log.aborted_transactions(0, i64::MAX)?;
    Ok(Answers { batches: found, times, aborted: aborted.iter().map(|t| (t.producer_id, t.first_offset)).collect() })
}

/// One file beside the log is other than it was left: some bytes overwritten, or all of it replaced.
pub fn log_files(data: &[u8]) {
    let Some((selected, data)) = number(data) else { return };
    static TRUTH: OnceLock<Answers> = OnceLock::new();
    let truth = TRUTH.get_or_init(|| ask(&mut open(&made().fork()).expect("as it was").1).expect("as it was"));
    let disk = made().fork();
    let kinds = ["index", "timeindex", "txnindex", "snapshot", "leader-epoch-checkpoint"];
    let kind = kinds[usize::from(selected & 7) % kinds.len()];
    let mut files = disk.files(DIR);
    files.retain(|path, _| path.to_string_lossy().ends_with(kind));
    let Some((path, mut bytes)) = files.into_iter().nth(usize::from(selected >> 4 & 3)) else { return };
    match selected & 8 {
        0 => bytes = data.to_vec(),
        _ => {
            let at = usize::from(selected >> 6).min(bytes.len());
            let end = (at + data.len()).min(bytes.len());
            bytes[at..end].copy_from_slice(&data[..end - at]);
        }
    }
    disk.put(&path, &bytes);
    let Ok((_dir, mut log)) = open(&disk) else { return };
    let Ok(answers) = ask(&mut log) else { return };
    assert_eq!(answers.batches, truth.batches, "{}", path.display());
    assert_eq!(answers.aborted, truth.aborted, "{}", path.display());
    assert_eq!(answers.times, truth.times, "{}", path.display());
}

struct Rules;

impl ConfigRules for Rules {
    fn validate(&self, _: &ConfigResource, _: &Overrides, _: &Overrides) -> Result<(), ApiError> {
        Ok(())
    }

    fn is_list(&self, _: ResourceKind, _: &str) -> bool {
        false
    }

    fn default_value(&self, _: ResourceKind, _: &str) -> Option<String> {
        None
    }

    fn static_topic_value(&self, _: &str) -> Option<String> {
        None
    }

    fn topic_configs(&self, _: &ClusterState, _: &Overrides) -> Vec<CreatableTopicConfigs> {
        Vec::new()
    }
}

fn start(disk: &SimDisk) -> Result<Quorum, quorum::QuorumError> {
    let dir = LogDir::open(shared(disk), Path::new("/data"), DirOptions { max_open_files: 16, ..DirOptions::default() })?;
    let properties = quorum::format(&dir, Wanted { node: 1, cluster_id: None }, true, now(), &mut Rng::new(1))?;
    let cluster_id = properties.cluster_id.unwrap_or_default();
    let options = Options { node: 1, cluster_id, ..Options::default() };
    Quorum::open(&dir, Setup { options, rules: Arc::new(Rules), rng: Rng::new(2) }, now())
}

/// Files of the cluster's metadata: a snapshot, the state of the quorum, the directory's own properties, the log itself.
pub fn metadata_dir(data: &[u8]) {
    let Some((selected, data)) = number(data) else { return };
    static MADE: OnceLock<SimDisk> = OnceLock::new();
    let disk = MADE.get_or_init(|| {
        let disk = SimDisk::new();
        drop(start(&disk).expect("a new directory"));
        disk
    });
    let disk = disk.fork();
    let own = "/data/__cluster_metadata-0";
    let path = match selected & 7 {
        0 => format!("{own}/00000000000000000003-0000000001.checkpoint"),
        1 => format!("{own}/quorum-state"),
        2 => "/data/meta.properties".to_string(),
        3 => "/data/bootstrap.checkpoint".to_string(),
        4 => "/data/recovery-point-offset-checkpoint".to_string(),
        5 => format!("{own}/partition.metadata"),
        6 => format!("{own}/leader-epoch-checkpoint"),
        _ => format!("{own}/00000000000000000000.log"),
    };
    let mut bytes = disk.get(&path).unwrap_or_default();
    match selected & 8 {
        0 => bytes = data.to_vec(),
        _ => {
            let at = usize::from(selected >> 4).min(bytes.len());
            let end = (at + data.len()).min(bytes.len());
            bytes[at..end].copy_from_slice(&data[..end - at]);
        }
    }
    disk.put(&path, &bytes);
    if let Ok(quorum) = start(&disk) {
        quorum.controller().check().expect("V7");
    }
}
