//! Group commit on a disk that forgets what was not synced.

use std::path::Path;
use std::sync::Arc;

use super::partition::{Partition, Settings};
use crate::log::sim_disk::{SimDisk, Survives};
use crate::log::{DirOptions, LogConfig, LogDir};
use crate::machine::partition::{Acks, Assignment, Reader};
use crate::record::{BatchBuilder, BatchOptions, ProducedBatch, ValidateOptions, single_batch};
use crate::types::{MonoMs, Now, TopicPartition, Uuid, WallMs};

fn now() -> Now {
    Now { wall: WallMs(1_000), mono: MonoMs(1_000) }
}

fn settings(commit_when_synced: bool) -> Arc<Settings> {
    Arc::new(Settings {
        log: LogConfig::default(),
        validate: ValidateOptions { before_max_ms: i64::MAX, after_max_ms: i64::MAX, ..Default::default() },
        min_insync_replicas: 1,
        commit_when_synced,
        deletes: true,
        verifies_transactions: false,
    })
}

fn open(disk: &SimDisk, commit_when_synced: bool) -> (LogDir, Partition) {
    let dir = LogDir::open(Arc::new(disk.clone()), Path::new("/data"), DirOptions::default()).unwrap();
    let settings = settings(commit_when_synced);
    let log = dir.open_log(&TopicPartition::new("t", 0), Uuid([7; 16]), Arc::new(settings.log.clone()), now()).unwrap();
    let led = Assignment { replicas: vec![1], isr: vec![1], leader: 1, leader_epoch: 0, partition_epoch: 0 };
    (dir, Partition::new(1, log, settings, &led, now()).unwrap())
}

fn batch(value: &str) -> ProducedBatch {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.append(1_000, None, Some(value.as_bytes()), &[]).unwrap();
    single_batch(&builder.finish().unwrap(), true).unwrap()
}

fn offsets(p: &Partition) -> (i64, i64) {
    (p.offsets().high_watermark(), p.offsets().log_end())
}

#[test]
fn records_are_committed_by_the_sync_and_not_before() {
    let (disk, never) = (SimDisk::new(), SimDisk::new());
    let (_dir, mut p) = open(&disk, true);
    let (_other, mut plain) = open(&never, false);
    let (_, moved) = p.append(now(), Acks::All, &batch("a"), None).unwrap();
    assert!(!moved.shows_more_to(Reader::Uncommitted) && moved.shows_more_to(Reader::Replica));
    plain.append(now(), Acks::All, &batch("a"), None).unwrap();
    assert_eq!((offsets(&p), offsets(&plain)), ((0, 1), (1, 1)));
    let job = p.sync_job().unwrap().unwrap();
    // Comes while the disk works: the next turn's.
    p.append(now(), Acks::All, &batch("b"), None).unwrap();
    let done = job.run().unwrap();
    let moved = p.synced(now(), Some(done));
    assert!(moved.shows_more_to(Reader::Uncommitted));
    assert_eq!(offsets(&p), (1, 2));
    assert!(p.awaits_sync());
    assert!(plain.sync_job().unwrap().is_none());
}

/// A coordinator reads its partition up to the high watermark as soon as it is open.
#[test]
fn what_only_the_page_cache_kept_is_committed_once_the_partition_is_open() {
    let disk = SimDisk::new();
    let (dir, mut p) = open(&disk, true);
    p.append(now(), Acks::All, &batch("a"), None).unwrap();
    let done = p.sync_job().unwrap().unwrap().run().unwrap();
    p.synced(now(), Some(done));
    assert_eq!(offsets(&p), (1, 1));
    drop((p, dir));
    disk.crash(Survives::Everything);
    let (dir, p) = open(&disk, true);
    assert_eq!(offsets(&p), (1, 1));
    drop((p, dir));
    disk.crash(Survives::Synced);
    assert_eq!(offsets(&open(&disk, true).1), (1, 1));
}

#[test]
fn whatever_a_power_loss_takes_the_committed_records_are_there() {
    for synced in 0..4 {
        let disk = SimDisk::new();
        let (dir, mut p) = open(&disk, true);
        let mut committed = 0;
        for i in 0..4 {
            p.append(now(), Acks::All, &batch("x"), None).unwrap();
            if i < synced {
                let done = p.sync_job().unwrap().unwrap().run().unwrap();
                p.synced(now(), Some(done));
                committed = p.offsets().high_watermark();
            }
        }
        assert_eq!(committed, synced);
        drop((p, dir));
        disk.crash(Survives::Synced);
        let (_dir, p) = open(&disk, true);
        assert!(p.offsets().log_end() >= committed, "{synced} synced, {:?} after the crash", p.offsets());
        // Without a sync nothing else would have made the difference.
        assert_eq!(p.offsets().log_end(), committed);
    }
}
