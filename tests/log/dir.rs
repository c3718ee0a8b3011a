//! Data directories, on the machine's own disk where it matters.

use std::path::Path;
use std::sync::Arc;

use kfk::log::sim_disk::{Fault, SimDisk, Survives};
use kfk::log::{DirOptions, LogConfig, LogDir, LogError, RealDisk};
use kfk::rng::Rng;
use kfk::types::{TopicPartition, Uuid};

use crate::support::*;

fn real(root: &Path, max_open_files: usize) -> Result<LogDir, LogError> {
    LogDir::open(Arc::new(RealDisk), root, DirOptions { max_open_files, ..DirOptions::default() })
}

fn shared_config() -> Arc<LogConfig> {
    Arc::new(small())
}

#[test]
fn l13_a_data_directory_has_one_owner() {
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path().join("data");
    let first = real(&root, 10).unwrap();
    let error = real(&root, 10).unwrap_err();
    assert_eq!(error.to_string(), format!("{} is in use by another process", root.display()));
    drop(first);
    real(&root, 10).unwrap();
}

#[test]
fn l1_many_logs_share_few_descriptors_and_survive_a_restart() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = real(temporary.path(), 5).unwrap();
    let partitions: Vec<TopicPartition> = (0..15).map(|i| TopicPartition::new("many", i)).collect();
    let open_all =
        |dir: &LogDir| partitions.iter().map(|p| dir.open_log(p, topic_id(), shared_config(), at(0)).unwrap()).collect::<Vec<_>>();
    let mut logs = open_all(&dir);
    for _ in 0..3 {
        for log in &mut logs {
            fill(log, 4);
            assert!(dir.open_files() <= 5);
        }
    }
    for log in &mut logs {
        assert_eq!(offsets(&read_all(log)), (0..24).collect::<Vec<_>>());
        let slice = log.read(0, 1000, true, i64::MAX).unwrap().unwrap();
        assert!(slice.std_file().is_some(), "a real file for sendfile");
        log.close().unwrap();
    }
    assert!(dir.open_files() <= 5);
    drop(logs);
    assert!(dir.close(3).unwrap());
    let dir = real(temporary.path(), 5).unwrap();
    assert_eq!(dir.clean_shutdown().unwrap().broker_epoch, Some(3));
    assert_eq!(dir.partitions(), partitions);
    for log in &mut open_all(&dir) {
        assert_eq!(offsets(&read_all(log)), (0..24).collect::<Vec<_>>());
        assert_eq!(log.recovery_point(), 24);
    }
}

#[test]
fn t11_a_deleted_partition_frees_its_name_at_once_and_its_bytes_later() {
    let disk = SimDisk::new();
    let (dir, mut log) = open(&disk, &small());
    fill(&mut log, 20);
    log.flush().unwrap();
    let slice = log.read(0, 1000, true, i64::MAX).unwrap().unwrap();
    dir.set_high_watermark(&partition(), 40);
    dir.delete_log(log, &mut Rng::new(1), at(0)).unwrap();
    let deleted = |disk: &SimDisk| disk.files(ROOT).keys().filter(|p| p.to_string_lossy().contains("-delete/")).count();
    assert!(names(&disk).is_empty() && deleted(&disk) > 5);
    let other = Uuid([9; 16]);
    let new = dir.open_log(&partition(), other, shared_config(), at(0)).unwrap();
    assert_eq!((new.end_offset(), new.recovery_point(), dir.high_watermark(&partition())), (0, 0, 0), "nothing of the old topic");
    dir.purge(at(59_999).mono).unwrap();
    assert!(deleted(&disk) > 5);
    assert!(slice.read().is_ok(), "running reads finish");
    dir.purge(at(60_000).mono).unwrap();
    assert_eq!(deleted(&disk), 0);
}

#[test]
fn t11_what_the_files_say_of_a_deleted_partition_does_not_come_true_for_the_next_of_its_name() {
    for (what, survives) in [("a kill", Survives::Everything), ("a power loss", Survives::Synced)] {
        let disk = SimDisk::new();
        let (dir, mut log) = open(&disk, &small());
        fill(&mut log, 20);
        log.flush().unwrap();
        assert!(log.advance_start(30).unwrap());
        dir.write_log_starts().unwrap();
        dir.write_recovery_points().unwrap();
        dir.delete_log(log, &mut Rng::new(1), at(0)).unwrap();
        let other = Uuid([9; 16]);
        let mut new = dir.open_log(&partition(), other, shared_config(), at(0)).unwrap();
        fill(&mut new, 3);
        new.flush().unwrap();
        drop((new, dir));
        disk.crash(survives);
        let dir = open_dir(&disk);
        let new = dir.open_log(&partition(), other, shared_config(), at(0)).unwrap();
        assert_eq!((new.start_offset(), new.end_offset()), (0, 6), "{what}");
    }
}

#[test]
fn t11_a_full_disk_lets_a_partition_go_and_its_name_wait_for_room() {
    let disk = SimDisk::new();
    let (dir, mut log) = open(&disk, &small());
    fill(&mut log, 20);
    assert!(log.advance_start(30).unwrap());
    dir.write_log_starts().unwrap();
    disk.fail_at(disk.steps() + 1, Fault::NoSpace);
    dir.delete_log(log, &mut Rng::new(1), at(0)).unwrap();
    assert!(names(&disk).is_empty(), "it is gone all the same");
    let refused = dir.open_log(&partition(), Uuid([9; 16]), shared_config(), at(0));
    assert!(matches!(refused, Err(LogError::NoSpace(_))), "{refused:?}");
    disk.heal();
    assert_eq!(dir.open_log(&partition(), Uuid([9; 16]), shared_config(), at(0)).unwrap().start_offset(), 0);
}

#[test]
fn t11_a_deletion_interrupted_by_a_stop_goes_on_after_the_start() {
    let disk = SimDisk::new();
    let (dir, log) = open(&disk, &small());
    dir.delete_log(log, &mut Rng::new(1), at(0)).unwrap();
    drop(dir);
    disk.crash(kfk::log::sim_disk::Survives::Everything);
    let dir = open_dir(&disk);
    assert!(dir.partitions().is_empty());
    assert_eq!(disk.files(ROOT).keys().filter(|p| p.to_string_lossy().contains("-delete/")).count(), 1);
    dir.purge(at(0).mono).unwrap();
    assert_eq!(disk.files(ROOT).keys().filter(|p| p.to_string_lossy().contains("-delete/")).count(), 0);
}

#[test]
fn l12_a_directory_of_another_topic_id_is_stray_and_set_aside() {
    let disk = SimDisk::new();
    let (dir, mut log) = open(&disk, &small());
    fill(&mut log, 3);
    drop(log);
    let other = Uuid([9; 16]);
    let error = dir.open_log(&partition(), other, shared_config(), at(0)).unwrap_err();
    assert!(matches!(error, LogError::Stray { found, expected, .. } if found == topic_id() && expected == other));
    assert_eq!(error.to_string(), format!("/data/t-0 belongs to topic id {}, not {other}", topic_id()));
    dir.set_aside(&partition(), &mut Rng::new(5)).unwrap();
    assert_eq!(dir.open_log(&partition(), other, shared_config(), at(0)).unwrap().end_offset(), 0);
    let kept = disk.files(ROOT).keys().filter(|p| p.to_string_lossy().contains("-stray/")).count();
    assert_eq!(kept, 5, "nothing of it is removed");
    drop(dir);
    disk.crash(kfk::log::sim_disk::Survives::Everything);
    assert_eq!(open_dir(&disk).partitions(), [partition()], "a stray one is not a partition");
}

#[test]
fn l11_high_watermarks_are_checkpointed() {
    let disk = SimDisk::new();
    let dir = open_dir(&disk);
    dir.set_high_watermark(&partition(), 17);
    dir.write_high_watermarks().unwrap();
    assert_eq!(disk.get("/data/replication-offset-checkpoint").unwrap(), b"0\n1\nt 0 17\n");
    drop(dir);
    disk.crash(kfk::log::sim_disk::Survives::Synced);
    assert_eq!(open_dir(&disk).high_watermark(&partition()), 17);
}

#[test]
fn v13_a_log_without_data_is_small() {
    // Thousands of partitions must fit a broker of 64 MiB; what a log owns besides this are its topic's name and a few empty vectors.
    assert!(size_of::<kfk::log::Log>() <= 400, "{} bytes", size_of::<kfk::log::Log>());
}
