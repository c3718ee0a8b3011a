//! A directory that Apache Kafka 4.3.1 wrote: its log, and the snapshots it took of itself on the way.

use std::path::PathBuf;

use crate::log::disk::RealDisk;
use crate::machine::controller::MetadataRecord;
use crate::machine::controller::features::MetadataVersion;
use crate::node::quorum::checkpoint::{self, SnapshotId};
use crate::node::quorum::replay::Replay;
use crate::record::batches;
use crate::types::WallMs;

fn dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/dump-log-fixtures/cluster-metadata/__cluster_metadata-0")
}

/// The log up to (not including) `end`.
fn replayed(end: i64) -> Replay {
    let mut replay = Replay::new();
    for base in [0, 113, 212] {
        let bytes = std::fs::read(dir().join(format!("{base:020}.log"))).unwrap();
        for view in batches(&bytes) {
            let view = view.unwrap();
            if view.header.base_offset < end {
                replay.batch(&view).unwrap();
            }
        }
    }
    replay
}

/// Records in an order that does not depend on where they were kept.
fn sorted(records: impl Iterator<Item = MetadataRecord>) -> Vec<String> {
    let mut all: Vec<String> = records
        .map(|record| match record {
            // Kafka lists a broker's features in no order, nor do its snapshots keep how it was asked.
            MetadataRecord::RegisterBroker(mut broker) => {
                broker.features.sort_by(|a, b| a.name.cmp(&b.name));
                format!("{broker:?}")
            }
            MetadataRecord::RegisterController(mut controller) => {
                controller.features.sort_by(|a, b| a.name.cmp(&b.name));
                format!("{controller:?}")
            }
            other => format!("{other:?}"),
        })
        .collect();
    all.sort();
    all
}

#[test]
fn q4_the_log_and_kafkas_own_snapshots_of_it_agree() {
    for (offset, epoch) in [(62, 1), (112, 1), (209, 2)] {
        let id = SnapshotId { offset, epoch };
        let snapshot = checkpoint::read(&RealDisk, &dir().join(id.file_name())).unwrap().unwrap();
        let log = replayed(offset);
        assert_eq!(log.next_offset, offset);
        assert_eq!(sorted(log.state.records()), sorted(snapshot.state.records()), "at {offset}");
        assert_eq!(log.voting, snapshot.voting);
        log.state.check().unwrap();
    }
}

#[test]
fn kafkas_log_is_read_to_its_end() {
    let log = replayed(i64::MAX);
    assert_eq!((log.next_offset, log.epoch, log.in_transaction()), (254, 3, false));
    let names: Vec<&str> = log.state.topics().map(|t| t.name.as_ref()).collect();
    assert_eq!(names.len(), 16);
    assert!(names.contains(&"orders") && names.contains(&"__consumer_offsets"));
    let orders = log.state.topic("orders").unwrap();
    assert_eq!(orders.id.to_string(), "Q4-GXiVhSf-K1ldDfk81DQ");
    assert_eq!(log.state.metadata_version(), MetadataVersion::LATEST);
    assert_eq!(log.state.next_producer_id(), 2000);
    // Kafka shut down in order: nobody leads, everybody is eligible.
    assert_eq!((orders.partitions[&0].leader, &orders.partitions[&0].elr[..]), (-1, &[1][..]));
}

#[test]
fn q4_a_snapshot_of_our_own_holds_the_same_and_every_broken_byte_is_noticed() {
    let log = replayed(i64::MAX);
    let disk = crate::log::sim_disk::SimDisk::new();
    let path = PathBuf::from("/").join(SnapshotId { offset: 254, epoch: 3 }.file_name());
    let snapshot = checkpoint::Snapshot {
        records: log.state.records(),
        voting: &log.voting,
        version: log.state.metadata_version(),
        last_time: log.time,
        epoch: 3,
        now: WallMs(5),
    };
    checkpoint::write(&disk, &path, snapshot).unwrap();
    let back = checkpoint::read(&disk, &path).unwrap().unwrap();
    assert_eq!(back.state.records().collect::<Vec<_>>(), log.state.records().collect::<Vec<_>>());
    assert_eq!((back.voting, back.time), (log.voting, log.time));

    let good = disk.get(&path).unwrap();
    for at in 0..good.len() {
        // The leader epoch of a batch stands outside its CRC and means nothing in a snapshot.
        let in_epoch = batches(&good).scan(0, |start, view| {
            let from = *start + 12;
            *start += view.unwrap().bytes.len();
            Some(from..from + 4)
        });
        if in_epoch.into_iter().any(|range| range.contains(&at)) {
            continue;
        }
        disk.put(&path, &good);
        disk.flip(&path, at, 1);
        assert!(checkpoint::read(&disk, &path).is_err(), "byte {at}");
    }
    for end in (0..good.len()).step_by(97) {
        disk.put(&path, &good[..end]);
        assert!(checkpoint::read(&disk, &path).is_err(), "cut at {end}");
    }
}
