//! Starting after a stop that was not clean.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kfk::log::sim_disk::{Fault, SimDisk, Survives};
use kfk::log::{Log, LogConfig, LogError};
use kfk::rng::Rng;

use crate::support::*;

/// A log of `n` batches after kill -9; the disk.
fn killed(n: usize, config: &LogConfig) -> SimDisk {
    let disk = SimDisk::new();
    let (dir, mut log) = open(&disk, config);
    fill(&mut log, n);
    disk.crash(Survives::Everything);
    drop((dir, log));
    disk
}

fn last_log_file(disk: &SimDisk) -> PathBuf {
    disk.files(format!("{ROOT}/t-0")).into_keys().rfind(|p| p.extension().is_some_and(|e| e == "log")).unwrap()
}

/// The side files: name and bytes, without the explanations.
fn cut_files(disk: &SimDisk) -> BTreeMap<String, Vec<u8>> {
    let files = disk.files(format!("{ROOT}/t-0")).into_iter();
    files.map(|(p, b)| (p.file_name().unwrap().to_string_lossy().into_owned(), b)).filter(|(n, _)| n.ends_with(".cut")).collect()
}

fn restart(disk: &SimDisk) -> (kfk::log::LogDir, Log) {
    disk.crash(Survives::Everything);
    open(disk, &small())
}

#[test]
fn r5_everything_appended_is_there_after_a_kill() {
    let disk = killed(40, &small());
    let (_dir, mut log) = open(&disk, &small());
    assert_eq!(offsets(&read_all(&mut log)), (0..80).collect::<Vec<_>>());
    assert_eq!(log.recovery_point(), 0, "R10: nothing was synced");
    assert!(cut_files(&disk).is_empty());
    assert_eq!(log.offset_for_timestamp(T0 + 33, i64::MAX).unwrap().unwrap().offset, 33);
    fill(&mut log, 10);
    assert_eq!(offsets(&read_all(&mut log)), (0..100).collect::<Vec<_>>());
}

#[test]
fn r9_a_tail_torn_at_every_byte_is_cut_into_a_side_file() {
    let config = small();
    let disk = killed(12, &config);
    let files = disk.files(ROOT);
    let last = last_log_file(&disk);
    let whole = files[&last].len();
    let base: i64 = last.file_stem().unwrap().to_str().unwrap().parse().unwrap();
    let one = whole / ((24 - base) as usize / 2);
    for len in 0..whole {
        let disk = SimDisk::new();
        files.iter().for_each(|(path, bytes)| disk.put(path, if *path == last { &bytes[..len] } else { bytes }));
        let (_dir, mut log) = open(&disk, &config);
        let good = len / one;
        let end = base + 2 * good as i64;
        assert_eq!(offsets(&read_all(&mut log)), (0..end).collect::<Vec<_>>(), "cut at {len}");
        assert_eq!((log.end_offset(), log.damage()), (end, None));
        let torn = &files[&last][good * one..len];
        let name = format!("{base:020}.{}.cut", good * one);
        let expected = if torn.is_empty() { BTreeMap::new() } else { BTreeMap::from([(name.clone(), torn.to_vec())]) };
        assert_eq!(cut_files(&disk), expected, "cut at {len}");
        if !torn.is_empty() {
            let why = String::from_utf8(disk.get(path(&format!("{name}.txt"))).unwrap()).unwrap();
            assert!(
                why.starts_with(&format!(
                    "bytes {}..{len} of segment {base} of t-0: no valid batch at position {}",
                    good * one,
                    good * one
                )),
                "{why}"
            );
        }
        append(&mut log, &batch(&[T0], "after"));
        let (_dir, mut log) = {
            drop((_dir, log));
            restart(&disk)
        };
        assert_eq!(log.end_offset(), end + 1, "the log goes on");
        assert_eq!(read_all(&mut log).last().unwrap().2, b"after");
        assert_eq!(cut_files(&disk), expected);
    }
}

#[test]
fn r9_a_second_accident_at_the_same_place_does_not_overwrite_the_first() {
    let disk = killed(2, &small());
    let (name, one) = (path("00000000000000000000.log"), disk.get(path("00000000000000000000.log")).unwrap().len() / 2);
    for (i, garbage) in ["first", "second", "second"].into_iter().enumerate() {
        let mut bytes = disk.get(&name).unwrap()[..2 * one].to_vec();
        bytes.extend(garbage.as_bytes());
        disk.put(&name, &bytes);
        let (_dir, log) = restart(&disk);
        assert_eq!(log.end_offset(), 4);
        let kept: Vec<Vec<u8>> = cut_files(&disk).into_values().collect();
        assert_eq!(kept.len(), [1, 2, 2][i], "the same bytes are not kept twice");
        assert!(kept.contains(&garbage.as_bytes().to_vec()));
    }
}

#[test]
fn r8_rot_in_the_middle_is_not_cut_and_nothing_behind_it_is_served() {
    let config = small();
    let files = killed(40, &config).files(ROOT);
    let whole: Vec<PathBuf> = files.keys().filter(|p| p.extension().is_some_and(|e| e == "log")).cloned().collect();
    assert!(whole.len() > 3);
    let rotten = &whole[1];
    let base: i64 = rotten.file_stem().unwrap().to_str().unwrap().parse().unwrap();
    let one = batch(&[T0, T0 + 1], "value-00000").len();
    for position in 0..2 * one {
        // The leader epoch in a header is not under the CRC.
        if (12..16).contains(&(position % one)) {
            continue;
        }
        let disk = SimDisk::new();
        files.iter().for_each(|(path, bytes)| disk.put(path, bytes));
        disk.flip(rotten, position, 0x10);
        let before = disk.get(rotten).unwrap();
        for start in 0..2 {
            let (dir, mut log) = restart(&disk);
            let end = base + 2 * (position / one) as i64;
            let damage = log.damage().expect("whole batches follow").clone();
            assert_eq!((damage.segment, damage.position, damage.offset), (base, (position / one * one) as u64, end), "byte {position}");
            assert_eq!(offsets(&read_all(&mut log)), (0..end).collect::<Vec<_>>());
            assert!(matches!(log.read(end + 1, 1, true, i64::MAX), Err(LogError::OffsetOutOfRange { .. })));
            assert!(matches!(try_append(&mut log, at(0), 0, &batch(&[T0], "x")), Err(LogError::Damaged { .. })));
            assert_eq!(disk.get(rotten).unwrap(), before, "not a byte is lost");
            assert!(cut_files(&disk).is_empty());
            if start == 0 {
                // Also a clean stop does not make it trusted.
                log.close().unwrap();
                dir.close(0).unwrap();
            }
        }
    }
}

#[test]
fn r8_an_operator_can_give_up_what_lies_behind_the_damage() {
    let config = small();
    let disk = killed(40, &config);
    let before: Vec<Vec<u8>> =
        disk.files(ROOT).into_iter().filter(|(p, _)| p.extension().is_some_and(|e| e == "log")).map(|(_, b)| b).collect();
    let second = path(&format!("{:020}.log", before[0].len() / (before[0].len() / 10).max(1) * 2));
    let second = if disk.get(&second).is_some() {
        second
    } else {
        disk.files(ROOT).into_keys().filter(|p| p.extension().is_some_and(|e| e == "log")).nth(1).unwrap().to_string_lossy().into_owned()
    };
    disk.flip(&second, 300, 1);
    let (dir, mut log) = restart(&disk);
    let end = log.end_offset();
    log.cut_damage().unwrap();
    assert_eq!(log.damage(), None);
    fill(&mut log, 20);
    assert_eq!(offsets(&read_all(&mut log)), (0..end + 40).collect::<Vec<_>>());
    let kept: usize = cut_files(&disk).values().map(Vec::len).sum();
    let cut_at = cut_files(&disk).keys().next().unwrap().split('.').nth(1).unwrap().parse::<usize>().unwrap();
    let total: usize = before.iter().map(Vec::len).sum();
    assert_eq!(kept, total - before[0].len() - cut_at, "all bytes behind the damage are kept");
    drop((dir, log));
    let (_dir, mut log) = restart(&disk);
    assert_eq!((log.damage(), log.end_offset()), (None, end + 40));
    assert_eq!(read_all(&mut log).len() as i64, end + 40);
}

#[test]
fn r7_below_the_recovery_point_nothing_is_looked_at() {
    let disk = SimDisk::new();
    let (dir, mut log) = open(&disk, &small());
    fill(&mut log, 40);
    log.flush().unwrap();
    dir.write_recovery_points().unwrap();
    fill(&mut log, 1);
    disk.flip(path("00000000000000000000.log"), 100, 1);
    drop((dir, log));
    let (_dir, mut log) = restart(&disk);
    assert_eq!((log.end_offset(), log.damage()), (82, None));
    assert_eq!(log.recovery_point(), 80);
    assert_eq!(log.read(0, 1000, true, i64::MAX).unwrap().unwrap().first_offset, 0, "a reader's CRC check will find it");
}

#[test]
fn r12_an_unreadable_checkpoint_means_that_everything_is_checked() {
    let disk = SimDisk::new();
    let (dir, mut log) = open(&disk, &small());
    fill(&mut log, 40);
    log.flush().unwrap();
    dir.write_recovery_points().unwrap();
    disk.flip(path("00000000000000000000.log"), 100, 1);
    disk.put(format!("{ROOT}/recovery-point-offset-checkpoint"), b"0\n1\nt zero 80\n");
    disk.put(format!("{ROOT}/log-start-offset-checkpoint"), b"garbage");
    drop((dir, log));
    let (_dir, log) = restart(&disk);
    assert_eq!(log.damage().unwrap().offset, 2);
    assert_eq!(log.start_offset(), 0);
}

#[test]
fn r11_a_log_that_ends_below_its_start_begins_anew_there() {
    let disk = SimDisk::new();
    let (dir, mut log) = open(&disk, &small());
    fill(&mut log, 3);
    log.flush().unwrap();
    fill(&mut log, 3);
    log.advance_start(10).unwrap();
    dir.write_log_starts().unwrap();
    disk.crash(Survives::Synced);
    drop((dir, log));
    let (_dir, mut log) = open(&disk, &small());
    assert_eq!((log.start_offset(), log.end_offset()), (10, 10));
    fill(&mut log, 5);
    assert_eq!(offsets(&read_all(&mut log)), (10..20).collect::<Vec<_>>());
}

#[test]
fn l11_an_accepted_delete_is_durable_when_it_is_answered() {
    let disk = SimDisk::new();
    let (dir, mut log) = open(&disk, &small());
    fill(&mut log, 10);
    log.flush().unwrap();
    log.advance_start(7).unwrap();
    dir.write_log_starts().unwrap();
    disk.crash(Survives::Synced);
    drop((dir, log));
    let (_dir, mut log) = open(&disk, &small());
    assert_eq!(log.start_offset(), 7);
    assert_eq!(offsets(&read_all(&mut log)), (7..20).collect::<Vec<_>>());
}

#[test]
fn r3_leftovers_of_deletion_and_compaction_are_finished() {
    let config = small();
    let files = killed(20, &config).files(ROOT);
    let logs: Vec<String> = files
        .keys()
        .filter(|p| p.extension().is_some_and(|e| e == "log"))
        .map(|p| p.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let file = |name: &str| files[Path::new(&path(name))].clone();
    // Compaction of the first two segments into one, interrupted after its files became `.swap`.
    let merged = [file(&format!("{}.log", logs[0])), file(&format!("{}.log", logs[1]))].concat();
    let disk = SimDisk::new();
    files.iter().for_each(|(path, bytes)| disk.put(path, bytes));
    disk.put(path("00000000000000000000.log.swap"), &merged);
    disk.put(path("00000000000000000000.index.swap"), b"");
    disk.put(path("00000000000000000004.log.deleted"), b"gone");
    disk.put(path("99999999999999999.index"), b"not ours");
    disk.put(path("00000000000000000777.index"), b"no log");
    let (_dir, mut log) = restart(&disk);
    assert_eq!(offsets(&read_all(&mut log)), (0..40).collect::<Vec<_>>());
    assert_eq!(disk.get(path("00000000000000000000.log")).unwrap(), merged);
    assert_eq!(disk.get(path(&format!("{}.log", logs[1]))), None, "replaced");
    assert_eq!(disk.get(path("00000000000000000777.index")), None);
    assert!(names(&disk).iter().all(|n| !n.ends_with(".swap") && !n.ends_with(".deleted")));
    assert!(disk.get(path("99999999999999999.index")).is_some());

    // Interrupted before: a `.cleaned` file makes the `.swap` files from there on void.
    let disk = SimDisk::new();
    files.iter().for_each(|(path, bytes)| disk.put(path, bytes));
    disk.put(path("00000000000000000000.log.cleaned"), b"half");
    disk.put(path(&format!("{}.log.swap", logs[1])), b"half");
    let (_dir, mut log) = restart(&disk);
    assert_eq!(offsets(&read_all(&mut log)), (0..40).collect::<Vec<_>>());
    assert!(names(&disk).iter().all(|n| !n.ends_with(".swap") && !n.ends_with(".cleaned")));
}

#[test]
fn r1_a_clean_stop_is_trusted_once() {
    let disk = SimDisk::new();
    let (dir, mut log) = open(&disk, &small());
    fill(&mut log, 20);
    log.close().unwrap();
    drop(log);
    assert!(dir.close(5).unwrap());
    disk.crash(Survives::Synced);
    let dir = open_dir(&disk);
    assert_eq!(dir.clean_shutdown().unwrap().broker_epoch, Some(5));
    let steps = disk.steps();
    let mut log = open_in(&dir, &small()).unwrap();
    assert_eq!(disk.steps(), steps, "opening a cleanly closed log changes nothing on the disk");
    assert_eq!((log.recovery_point(), offsets(&read_all(&mut log)).len()), (40, 40));
    assert_eq!(disk.steps(), steps, "nor does reading it");
    log.close().unwrap();
    assert_eq!(disk.steps(), steps, "nor closing it");
    drop((dir, log));
    disk.crash(Survives::Synced);
    assert_eq!(open_dir(&disk).clean_shutdown(), None, "a crash during the start is an unclean stop");
}

#[test]
fn r1_a_stop_is_not_clean_as_long_as_a_log_was_not_recovered() {
    let disk = killed(5, &small());
    let dir = open_dir(&disk);
    assert_eq!(dir.unrecovered(), [partition()]);
    assert!(!dir.close(0).unwrap());
    let (dir, mut log) = open(&disk, &small());
    assert!(dir.unrecovered().is_empty());
    log.close().unwrap();
    assert!(dir.close(0).unwrap());
}

#[test]
fn r1_a_stop_is_not_clean_if_a_log_was_written_to_and_not_closed() {
    let disk = SimDisk::new();
    let (dir, mut log) = open(&disk, &small());
    fill(&mut log, 1);
    drop(log);
    assert!(!dir.close(0).unwrap());
    let (dir, log) = open(&disk, &small());
    dir.delete_log(log, &mut Rng::new(1), at(0)).unwrap();
    assert!(dir.close(0).unwrap(), "a deleted log does not count");
}

#[test]
fn r2_a_clean_stop_with_a_broken_tail_is_recovered_all_the_same() {
    let disk = SimDisk::new();
    let (dir, mut log) = open(&disk, &small());
    fill(&mut log, 20);
    log.close().unwrap();
    drop(log);
    dir.close(0).unwrap();
    let last = last_log_file(&disk);
    let mut bytes = disk.get(&last).unwrap();
    bytes.truncate(bytes.len() - 1);
    disk.put(&last, &bytes);
    let (_dir, mut log) = open(&disk, &small());
    assert_eq!(offsets(&read_all(&mut log)), (0..38).collect::<Vec<_>>());
    assert_eq!(cut_files(&disk).len(), 1);
}

#[test]
fn r18_recovery_interrupted_at_every_step_ends_the_same() {
    let config = small();
    for damaged in [false, true] {
        let files = {
            let disk = killed(30, &config);
            let last = last_log_file(&disk);
            let mut bytes = disk.get(&last).unwrap();
            bytes.truncate(bytes.len() - 10);
            disk.put(&last, &bytes);
            if damaged {
                disk.flip(path("00000000000000000000.log"), 250, 1);
            }
            disk.files(ROOT)
        };
        let fresh = || {
            let disk = SimDisk::new();
            files.iter().for_each(|(path, bytes)| disk.put(path, bytes));
            disk
        };
        let outcome = |disk: &SimDisk| {
            let (_dir, mut log) = open(disk, &config);
            let seen = read_all(&mut log);
            let mut files = disk.files(ROOT);
            files.retain(|p, _| !p.to_string_lossy().ends_with(".lock"));
            (seen, log.damage().cloned(), files)
        };
        let expected = outcome(&fresh());
        assert_eq!(expected.1.is_some(), damaged);
        let steps = {
            let disk = fresh();
            let before = disk.steps();
            outcome(&disk);
            disk.steps() - before
        };
        assert!(steps > 10);
        for step in 0..steps {
            for mode in 0..3u64 {
                let disk = fresh();
                disk.fail_at(disk.steps() + step, Fault::Crash);
                let dir = kfk::log::LogDir::open(std::sync::Arc::new(disk.clone()), Path::new(ROOT), Default::default());
                let log = dir.as_ref().ok().and_then(|dir| open_in(dir, &config).ok());
                drop((log, dir));
                disk.crash(match mode {
                    0 => Survives::Everything,
                    1 => Survives::Synced,
                    _ => Survives::Some(Rng::new(step)),
                });
                let got = outcome(&disk);
                assert_eq!((&got.0, &got.1), (&expected.0, &expected.1), "step {step} mode {mode}");
                assert_eq!(got.2, expected.2, "step {step} mode {mode}: the same files");
            }
        }
    }
}
