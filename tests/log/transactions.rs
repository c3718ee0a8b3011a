//! Producers, transactions and truncation, as far as a log keeps them.

use kfk::log::sim_disk::{Fault, SimDisk, Survives};
use kfk::log::{Log, ProducerCheck, ProducerError};
use kfk::record::BatchOptions;

use crate::support::*;

fn aborted(log: &mut Log, from: i64, upper: i64) -> Vec<(i64, i64)> {
    log.aborted_transactions(from, upper).unwrap().iter().map(|t| (t.producer_id, t.first_offset)).collect()
}

#[test]
fn i2_a_repeated_batch_is_recognised_also_after_a_restart() {
    let disk = SimDisk::new();
    let (dir, mut log) = open(&disk, &small());
    for i in 0..8 {
        append(&mut log, &from_producer(7, 0, i * 2, 2, false));
    }
    let check = |log: &Log, sequence| log.check_producer(&header(&from_producer(7, 0, sequence, 2, false)));
    for (sequence, offset) in [(6, 6), (14, 14)] {
        match check(&log, sequence) {
            Ok(ProducerCheck::Duplicate(d)) => assert_eq!(d.first_offset(), offset),
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(check(&log, 4), Err(ProducerError::OutOfOrderSequence { .. })));
    disk.crash(Survives::Everything);
    drop((dir, log));
    let (_dir, log) = open(&disk, &small());
    assert!(matches!(check(&log, 14), Ok(ProducerCheck::Duplicate(_))));
    assert_eq!(check(&log, 16), Ok(ProducerCheck::New));
}

#[test]
fn f12_every_aborted_transaction_in_reach_is_listed() {
    let disk = SimDisk::new();
    let (_dir, mut log) = open(&disk, &small());
    append(&mut log, &from_producer(1, 0, 0, 2, true)); // 0, 1
    append(&mut log, &from_producer(2, 0, 0, 2, true)); // 2, 3
    append(&mut log, &marker(1, 0, false)); // 4
    fill(&mut log, 12); // 5..29, over a roll
    append(&mut log, &marker(2, 0, false)); // 29
    append(&mut log, &from_producer(1, 0, 2, 1, true)); // 30
    append(&mut log, &marker(1, 0, true)); // 31
    assert!(log.segment_count() > 1);
    assert_eq!(aborted(&mut log, 0, 40), [(1, 0), (2, 2)]);
    assert_eq!(aborted(&mut log, 0, 1), [(1, 0)]);
    assert_eq!(aborted(&mut log, 5, 10), [(2, 2)], "its marker is in a later segment");
    assert_eq!(aborted(&mut log, 30, 40), []);
}

#[test]
fn f12_an_abort_on_a_full_disk_is_known_after_a_clean_stop() {
    // Fails at every step of writing the marker and what belongs to it; room comes back before the stop, or not.
    for (step, read_between) in (0..12).map(|n| (n / 2, n % 2 == 1)) {
        let disk = SimDisk::new();
        let (dir, mut log) = open(&disk, &small());
        append(&mut log, &from_producer(1, 0, 0, 2, true)); // 0, 1
        disk.fail_at(disk.steps() + step, Fault::NoSpace);
        while try_append(&mut log, at(0), 0, &marker(1, 0, false)).is_err() {
            disk.heal();
        }
        if read_between {
            assert_eq!(aborted(&mut log, 0, 40), [(1, 0)], "step {step}");
        }
        let closed_when_full = log.close().is_ok();
        if !closed_when_full {
            disk.heal();
            log.close().unwrap();
        }
        disk.heal();
        dir.close(0).unwrap();
        drop(log);
        let (_dir, mut log) = open(&disk, &small());
        assert_eq!(aborted(&mut log, 0, 40), [(1, 0)], "step {step}, after the restart");
    }
}

#[test]
fn f13_the_last_stable_offset_waits_for_the_marker_below_the_high_watermark() {
    let disk = SimDisk::new();
    let (_dir, mut log) = open(&disk, &small());
    fill(&mut log, 1);
    append(&mut log, &from_producer(1, 0, 0, 2, true)); // 2, 3
    assert_eq!(log.last_stable_offset(4), 2);
    assert_eq!(log.last_stable_offset(1), 1, "F15: not above the high watermark");
    append(&mut log, &marker(1, 0, true)); // 4
    assert_eq!(log.last_stable_offset(4), 2);
    assert_eq!(log.last_stable_offset(5), 5);
    log.high_watermark_moved(5);
    assert_eq!(log.producers().first_unstable_offset(5), None);
}

#[test]
fn e16_a_marker_without_records_leaves_no_aborted_entry() {
    let disk = SimDisk::new();
    let (_dir, mut log) = open(&disk, &small());
    append(&mut log, &marker(1, 0, false));
    assert_eq!((log.end_offset(), aborted(&mut log, 0, 10)), (1, vec![]));
    assert!(names(&disk).iter().all(|n| !n.ends_with(".txnindex")), "L7: only there if needed");
}

#[test]
fn i17_truncation_rebuilds_producers_transactions_and_epochs() {
    let disk = SimDisk::new();
    let (_dir, mut log) = open(&disk, &small());
    let mut states = Vec::new();
    for i in 0..40 {
        let snapshot: Vec<_> = log.producers().to_snapshot().collect();
        states.push((
            log.end_offset(),
            snapshot,
            log.last_stable_offset(log.end_offset()),
            log.epochs().clone(),
            aborted(&mut log, 0, 1000),
        ));
        let epoch = i / 10;
        let bytes = match i % 5 {
            0 | 1 => from_producer(1, 0, i / 5 * 2 + i % 5, 1, true),
            2 => marker(1, 0, i % 2 == 0),
            3 => from_producer(2, 0, i / 5, 1, false),
            _ => batch(&[T0 + i64::from(i), T0], "plain"),
        };
        try_append(&mut log, at(0), epoch, &bytes).unwrap();
        if i == 20 {
            log.flush().unwrap();
        }
    }
    for (end, producers, stable, epochs, gone) in states.into_iter().rev() {
        assert!(log.truncate_to(at(0), end).unwrap());
        assert!(!log.truncate_to(at(0), end).unwrap(), "there is nothing more to remove");
        assert_eq!(log.end_offset(), end);
        assert_eq!(log.producers().to_snapshot().collect::<Vec<_>>(), producers, "at {end}");
        assert_eq!((log.last_stable_offset(end), log.epochs()), (stable, &epochs), "at {end}");
        assert_eq!(aborted(&mut log, 0, 1000), gone, "at {end}");
        assert!(log.recovery_point() <= end);
        assert_eq!(read_all(&mut log).len() as i64, end, "markers are records too for a reader of bytes");
    }
}

#[test]
fn w9_truncation_takes_a_batch_that_reaches_over_as_a_whole() {
    let disk = SimDisk::new();
    let (_dir, mut log) = open(&disk, &small());
    fill(&mut log, 10);
    assert!(log.truncate_to(at(0), 7).unwrap());
    assert_eq!(log.end_offset(), 6);
    let stored = build(BatchOptions { base_offset: 6, partition_leader_epoch: 2, ..BatchOptions::default() }, &[T0; 4], "x");
    log.append_stored(at(0), &stored).unwrap();
    assert_eq!(offsets(&read_all(&mut log)), (0..10).collect::<Vec<_>>());
}

#[test]
fn w11_a_log_below_its_leaders_start_begins_anew_there() {
    let disk = SimDisk::new();
    let (dir, mut log) = open(&disk, &small());
    fill(&mut log, 20);
    log.flush().unwrap();
    log.restart_at(at(0), 1000).unwrap();
    assert_eq!((log.start_offset(), log.end_offset(), log.recovery_point(), log.size()), (1000, 1000, 1000, 0));
    assert_eq!(log.latest_epoch(), None);
    fill(&mut log, 2);
    assert_eq!(offsets(&read_all(&mut log)), (1000..1004).collect::<Vec<_>>());
    log.close().unwrap();
    drop(log);
    dir.close(0).unwrap();
    disk.crash(Survives::Synced);
    let (_dir, mut log) = open(&disk, &small());
    assert_eq!(offsets(&read_all(&mut log)), (1000..1004).collect::<Vec<_>>());
}
