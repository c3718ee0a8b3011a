//! Appending as leader and follower, rolling, reading with limits.

use kfk::log::sim_disk::{Fault, SimDisk};
use kfk::log::{LogConfig, LogError, NewBatch};
use kfk::record::{BatchOptions, BatchView, HEADER_LEN, batches};

use crate::support::*;

#[test]
fn l2_batches_stand_in_the_file_as_received_but_for_offset_and_epoch() {
    let disk = SimDisk::new();
    let (_dir, mut log) = open(&disk, &LogConfig::default());
    let (a, b) = (batch(&[T0, T0 + 1], "a"), batch(&[T0], "bb"));
    assert_eq!(try_append(&mut log, at(0), 3, &a).unwrap().base_offset, 0);
    assert_eq!(try_append(&mut log, at(0), 3, &b).unwrap().base_offset, 2);
    let stored = disk.get(path("00000000000000000000.log")).unwrap();
    let stored: Vec<BatchView<'_>> = batches(&stored).map(|b| b.unwrap()).collect();
    for (view, (sent, offset)) in stored.iter().zip([(&a, 0), (&b, 2)]) {
        assert_eq!((view.header.base_offset, view.header.partition_leader_epoch), (offset, 3));
        assert_eq!(view.bytes[16..], sent[16..], "everything from the magic on is untouched");
        view.check_crc().unwrap();
    }
    assert_eq!(
        names(&disk),
        [
            "00000000000000000000.index",
            "00000000000000000000.log",
            "00000000000000000000.timeindex",
            "leader-epoch-checkpoint",
            "partition.metadata"
        ]
    );
}

#[test]
fn l12_a_new_partition_is_two_names_until_its_first_batch() {
    let disk = SimDisk::new();
    let dir = open_dir(&disk);
    let before = disk.steps();
    let log = open_in(&dir, &LogConfig::default()).unwrap();
    assert_eq!(names(&disk), ["partition.metadata"]);
    assert_eq!(disk.steps() - before, 3, "make the directory, make the file, write it");
    assert_eq!((log.start_offset(), log.end_offset(), log.size()), (0, 0, 0));
}

#[test]
fn p24_offsets_are_contiguous_also_for_several_batches_in_one_append() {
    let disk = SimDisk::new();
    let (_dir, mut log) = open(&disk, &LogConfig::default());
    let (a, b) = (batch(&[T0; 3], "a"), batch(&[T0; 2], "b"));
    let new = |x: &'static str, bytes: &bytes::Bytes| (x, header(bytes), bytes.clone());
    let both = [new("a", &a), new("b", &b)];
    let new: Vec<NewBatch<'_>> = both.iter().map(|(_, header, bytes)| NewBatch { header: *header, body: &bytes[HEADER_LEN..] }).collect();
    let writes = disk.steps();
    let got = log.append(at(0), 0, &new).unwrap();
    assert_eq!((got.base_offset, got.last_offset, log.end_offset()), (0, 4, 5));
    let first = disk.steps() - writes;
    let got = log.append(at(0), 0, &new).unwrap();
    assert_eq!((got.base_offset, got.last_offset), (5, 9));
    assert_eq!(disk.steps() - writes - first, 1, "a later append is one write");
    assert_eq!(offsets(&read_all(&mut log)), (0..10).collect::<Vec<_>>());
}

#[test]
fn l3_a_segment_rolls_by_size_before_the_batch_that_would_not_fit() {
    let disk = SimDisk::new();
    let (_dir, mut log) = open(&disk, &small());
    let one = batch(&[T0, T0 + 1], "value-00000").len() as u64;
    let fit = 1000 / one;
    for i in 0..=fit {
        let got = try_append(&mut log, at(0), 0, &batch(&[T0, T0 + 1], "value-00000")).unwrap();
        assert_eq!(got.rolled, i == fit, "batch {i}");
    }
    let second = format!("{:020}", fit * 2);
    assert_eq!(disk.get(path(&format!("{second}.log"))).unwrap().len() as u64, one);
    assert_eq!(log.active_base(), fit as i64 * 2);
    assert!(disk.get(path(&format!("{second}.snapshot"))).is_some(), "I13: one snapshot per roll");
    let too_large = batch(&[T0], &"x".repeat(1000));
    assert!(matches!(try_append(&mut log, at(0), 0, &too_large), Err(LogError::RecordListTooLarge { .. })), "P21");
}

#[test]
fn l3_a_segment_rolls_by_time_of_its_records() {
    let disk = SimDisk::new();
    let (_dir, mut log) = open(&disk, &LogConfig { segment_ms: 1000, ..LogConfig::default() });
    let mut rolled = |now: i64, t: i64| try_append(&mut log, at(now), 0, &batch(&[t], "x")).unwrap().rolled;
    assert!(!rolled(0, T0));
    assert!(!rolled(999_999, T0 + 1000), "the wall clock does not matter when records have times");
    assert!(rolled(0, T0 + 1001));
    assert!(!rolled(0, T0 + 5), "older records do not roll");
    assert!(!rolled(0, -1), "no time: the segment is young");
    assert!(rolled(5000, -1), "no time: the segment is old");
}

#[test]
fn l3_a_segment_rolls_when_an_index_is_full_or_31_bits_do_not_reach() {
    let disk = SimDisk::new();
    let config = LogConfig { segment_index_bytes: 24, index_interval_bytes: 0, ..LogConfig::default() };
    let (_dir, mut log) = open(&disk, &config);
    let rolled: Vec<bool> = (0..6).map(|i| try_append(&mut log, at(0), 0, &batch(&[T0 + i], "x")).unwrap().rolled).collect();
    assert_eq!(rolled, [false, false, true, false, true, false], "two time entries fit, one place stays free for the roll");

    let disk = SimDisk::new();
    let (_dir, mut log) = open(&disk, &LogConfig::default());
    let stored = |base| build(BatchOptions { base_offset: base, partition_leader_epoch: 1, ..Default::default() }, &[T0], "x");
    log.append_stored(at(0), &stored(5)).unwrap();
    let far = 5 + i64::from(i32::MAX);
    assert!(log.append_stored(at(0), &stored(far + 6)).unwrap().unwrap().rolled);
    assert_eq!(offsets(&read_all(&mut log)), [5, far + 6]);
}

#[test]
fn i11_a_follower_keeps_offsets_epochs_and_gaps() {
    let disk = SimDisk::new();
    let (_dir, mut log) = open(&disk, &small());
    let stored = |base, epoch, n: usize| {
        build(BatchOptions { base_offset: base, partition_leader_epoch: epoch, ..Default::default() }, &vec![T0; n], "x")
    };
    let two = [stored(0, 1, 2), stored(2, 3, 1)].concat();
    let got = log.append_stored(at(0), &two).unwrap().unwrap();
    assert_eq!((got.base_offset, got.last_offset), (0, 2));
    log.append_stored(at(0), &stored(10, 3, 1)).unwrap();
    assert_eq!(offsets(&read_all(&mut log)), [0, 1, 2, 10]);
    assert_eq!(offsets(&read_from(&mut log, 5, 100).unwrap()), [10]);
    assert_eq!(log.end_offset_for_epoch(1).end, 2);
    assert!(log.append_stored(at(0), b"").unwrap().is_none());
    for bad in [stored(10, 3, 1), stored(4, 3, 1)] {
        assert!(matches!(log.append_stored(at(0), &bad), Err(LogError::BadAppend(_))), "offsets go back");
    }
}

#[test]
fn w11_a_follower_takes_more_than_a_segment_at_once() {
    let disk = SimDisk::new();
    let (_dir, mut log) = open(&disk, &small());
    let stored = |base| build(BatchOptions { base_offset: base, ..Default::default() }, &[T0], &"x".repeat(200));
    let many: Vec<u8> = (0..20).flat_map(|i| stored(i).to_vec()).collect();
    assert!(many.len() > 5000);
    let got = log.append_stored(at(0), &many).unwrap().unwrap();
    assert_eq!((got.base_offset, got.last_offset, got.rolled), (0, 19, true));
    assert!(log.segment_count() > 5);
    assert_eq!(offsets(&read_all(&mut log)), (0..20).collect::<Vec<_>>());
}

#[test]
fn w12_a_follower_refuses_a_bad_crc_whole() {
    let disk = SimDisk::new();
    let (_dir, mut log) = open(&disk, &small());
    let stored = |base| build(BatchOptions { base_offset: base, ..Default::default() }, &[T0], "x").to_vec();
    let mut bytes = [stored(0), stored(1)].concat();
    *bytes.last_mut().unwrap() ^= 1;
    let error = log.append_stored(at(0), &bytes).unwrap_err();
    assert!(error.to_string().starts_with("batches to append: no valid batch at position 69: batch is corrupt"), "{error}");
    assert_eq!(log.end_offset(), 0);
}

#[test]
fn f5_outside_of_the_log_is_an_error_and_the_end_is_empty() {
    let disk = SimDisk::new();
    let (_dir, mut log) = open(&disk, &small());
    assert!(log.read(0, 100, true, i64::MAX).unwrap().is_none(), "an empty log");
    fill(&mut log, 10);
    log.advance_start(5).unwrap();
    for outside in [-1, 0, 4, 21] {
        assert!(matches!(log.read(outside, 100, true, i64::MAX), Err(LogError::OffsetOutOfRange { .. })), "{outside}");
    }
    assert!(log.read(20, 100, true, i64::MAX).unwrap().is_none());
    assert_eq!(log.read(5, 100, true, i64::MAX).unwrap().unwrap().first_offset, 4, "F6: the batch that contains it");
}

#[test]
fn f4_nothing_at_or_above_the_visible_end_is_returned() {
    let disk = SimDisk::new();
    let (_dir, mut log) = open(&disk, &small());
    fill(&mut log, 30);
    for upper in 0..=60i64 {
        let visible = upper / 2 * 2;
        for from in 0..60 {
            match log.read(from, 100_000, true, upper).unwrap() {
                None => assert!(from / 2 * 2 >= visible, "{from} below {upper}"),
                Some(slice) => {
                    let last = batches(&slice.read().unwrap()).last().unwrap().unwrap().header.last_offset();
                    assert!(last < upper && slice.end_offset <= upper && last >= from, "{from} {upper}");
                }
            }
        }
    }
}

#[test]
fn f7_limits_cut_between_batches_and_the_first_one_may_be_forced() {
    let disk = SimDisk::new();
    let (_dir, mut log) = open(&disk, &LogConfig { index_interval_bytes: 0, ..LogConfig::default() });
    fill(&mut log, 100);
    let one = batch(&[T0, T0 + 1], "value-00000").len();
    assert!(log.read(0, one - 1, false, i64::MAX).unwrap().is_none());
    assert_eq!(log.read(0, one - 1, true, i64::MAX).unwrap().unwrap().len, one);
    assert_eq!(log.read(0, 0, true, i64::MAX).unwrap().unwrap().len, one);
    for n in 1..=100 {
        for extra in [0, 1, one - 1] {
            let slice = log.read(0, n * one + extra, false, i64::MAX).unwrap().unwrap();
            assert_eq!(slice.len, (n * one).min(100 * one), "an index entry for each batch: cuts are tight");
            assert_eq!(slice.end_offset, 2 * n as i64);
        }
    }
}

#[test]
fn p32_a_slice_stays_readable_after_its_segment_is_deleted() {
    let disk = SimDisk::new();
    let (dir, mut log) = open(&disk, &LogConfig { retention_ms: 0, ..small() });
    fill(&mut log, 30);
    let slice = log.read(0, 100, true, i64::MAX).unwrap().unwrap();
    log.retain(at(100_000), 60).unwrap();
    dir.purge(at(10_000_000).mono).unwrap();
    assert_eq!(log.start_offset(), 60);
    assert_eq!(batches(&slice.read().unwrap()).next().unwrap().unwrap().header.base_offset, 0);
}

#[test]
fn r17_a_full_disk_leaves_no_torn_batch_and_a_later_append_succeeds() {
    let disk = SimDisk::new();
    let (_dir, mut log) = open(&disk, &small());
    fill(&mut log, 3);
    disk.fail_at(disk.steps(), Fault::NoSpace);
    let error = try_append(&mut log, at(0), 0, &batch(&[T0], "lost")).unwrap_err();
    assert!(matches!(error, LogError::NoSpace(_)), "{error}");
    assert_eq!(log.end_offset(), 6);
    disk.heal();
    fill(&mut log, 20);
    assert_eq!(offsets(&read_all(&mut log)), (0..46).collect::<Vec<_>>());
}

#[test]
fn r16_after_a_failed_write_or_sync_the_whole_directory_refuses() {
    for sync in [false, true] {
        let disk = SimDisk::new();
        let (dir, mut log) = open(&disk, &small());
        fill(&mut log, 3);
        disk.fail_at(disk.steps(), Fault::Io);
        let error = if sync { log.flush().unwrap_err() } else { try_append(&mut log, at(0), 0, &batch(&[T0], "x")).unwrap_err() };
        assert!(matches!(error, LogError::Disk(_)), "{error}");
        for _ in 0..2 {
            assert!(matches!(try_append(&mut log, at(0), 0, &batch(&[T0], "x")), Err(LogError::Offline { .. })));
            assert!(matches!(log.flush(), Err(LogError::Offline { .. })), "a failed sync is never repeated");
        }
        assert!(dir.offline_reason().unwrap().contains("simulated I/O error"));
        assert!(dir.close(0).is_err());
    }
}

#[test]
fn r14_flush_messages_syncs_before_the_append_returns() {
    let disk = SimDisk::new();
    let (_dir, mut log) = open(&disk, &LogConfig { flush_messages: 4, ..LogConfig::default() });
    fill(&mut log, 1);
    assert_eq!(log.recovery_point(), 0);
    fill(&mut log, 1);
    assert_eq!(log.recovery_point(), 4);
    disk.crash(kfk::log::sim_disk::Survives::Synced);
    drop((log, _dir));
    let (_dir, log) = open(&disk, &LogConfig::default());
    assert_eq!(log.end_offset(), 4);
}

#[test]
fn r14_flush_ms_is_counted_from_the_oldest_unsynced_record() {
    let disk = SimDisk::new();
    let (_dir, mut log) = open(&disk, &LogConfig { flush_ms: 1000, ..LogConfig::default() });
    assert!(!log.flush_is_due(at(5000)));
    try_append(&mut log, at(5000), 0, &batch(&[T0], "x")).unwrap();
    try_append(&mut log, at(5900), 0, &batch(&[T0], "x")).unwrap();
    assert!(!log.flush_is_due(at(5999)));
    assert!(log.flush_is_due(at(6000)));
    log.flush().unwrap();
    assert!(!log.flush_is_due(at(9000)));
}

#[test]
fn r17_a_disk_full_at_any_step_only_delays() {
    let work = |disk: &SimDisk, fault: Option<u64>| {
        let dir = kfk::log::LogDir::open(std::sync::Arc::new(disk.clone()), std::path::Path::new(ROOT), Default::default());
        let Ok(dir) = dir else { return None };
        let mut log = open_in(&dir, &small()).ok()?;
        if let Some(step) = fault {
            disk.fail_at(step, Fault::NoSpace);
        }
        let before = disk.steps();
        for i in 0..40i64 {
            let bytes = batch(&[T0 + 2 * i, T0 + 2 * i + 1], &format!("value {i}"));
            while let Err(e) = try_append(&mut log, at(0), i as i32 / 15, &bytes) {
                assert!(matches!(e, LogError::NoSpace(_)), "{e}");
                assert_eq!(log.end_offset(), 2 * i);
                disk.heal();
            }
        }
        disk.heal();
        assert_eq!(offsets(&read_all(&mut log)), (0..80).collect::<Vec<_>>());
        assert_eq!(log.offset_for_timestamp(T0 + 33, i64::MAX).unwrap().unwrap().offset, 33);
        let steps = disk.steps();
        disk.crash(kfk::log::sim_disk::Survives::Everything);
        drop((dir, log));
        let (_dir, mut log) = open(disk, &small());
        assert_eq!(offsets(&read_all(&mut log)), (0..80).collect::<Vec<_>>());
        assert_eq!(log.epochs().entries().len(), 3);
        Some((before, steps))
    };
    let (first, last) = work(&SimDisk::new(), None).unwrap();
    for step in first..last {
        work(&SimDisk::new(), Some(step));
    }
}
