//! A machine that dies at every step of a log's life, in three ways.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use kfk::log::sim_disk::{Fault, SimDisk, Survives};
use kfk::log::{Log, LogConfig, LogDir, LogError};
use kfk::rng::Rng;
use kfk::types::Offset;

use crate::support::*;

#[derive(Clone, Copy, Debug)]
enum Op {
    Append(u8),
    Flush,
    Checkpoint,
    Advance(u8),
    Truncate(u8),
    Retain,
    Roll,
    Purge,
    Reopen,
}

/// What a log should hold.
#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    start: Offset,
    records: BTreeMap<Offset, String>,
    /// Below it everything was synced and not truncated since.
    synced: Offset,
    /// The start that a checkpoint made durable.
    synced_start: Offset,
}

impl Model {
    fn end(&self) -> Offset {
        self.records.keys().next_back().map_or(self.start, |o| o + 1)
    }
}

fn ops(rng: &mut Rng, n: usize) -> Vec<Op> {
    let op = |rng: &mut Rng| match rng.below(30) {
        0..=16 => Op::Append(1 + rng.below(4) as u8),
        17..=19 => Op::Flush,
        20..=21 => Op::Checkpoint,
        22 => Op::Advance(rng.below(6) as u8),
        23..=24 => Op::Truncate(rng.below(12) as u8),
        25 => Op::Retain,
        26 => Op::Roll,
        27 => Op::Purge,
        _ => Op::Reopen,
    };
    (0..n).map(|_| op(rng)).collect()
}

fn config() -> LogConfig {
    LogConfig { segment_bytes: 700, index_interval_bytes: 100, retention_bytes: 1500, ..LogConfig::default() }
}

/// Runs operations until one fails; gives the model before and after the operation that failed (or the last one).
struct Run {
    disk: SimDisk,
    before: Model,
    after: Model,
    retaining: bool,
    /// Every value that was ever given to an offset.
    ever: BTreeMap<Offset, Vec<String>>,
}

impl Run {
    fn new() -> Run {
        Run { disk: SimDisk::new(), before: Model::default(), after: Model::default(), retaining: false, ever: BTreeMap::new() }
    }

    fn open(&self) -> Result<(LogDir, Log), LogError> {
        let dir = LogDir::open(Arc::new(self.disk.clone()), Path::new(ROOT), Default::default())?;
        let log = open_in(&dir, &config())?;
        Ok((dir, log))
    }

    fn run(&mut self, ops: &[Op]) -> Result<(), LogError> {
        let (mut dir, mut log) = self.open()?;
        for (i, op) in ops.iter().enumerate() {
            self.before = self.after.clone();
            self.retaining = matches!(op, Op::Retain);
            self.expect(i, *op, &log);
            match *op {
                Op::Append(n) => {
                    let end = log.end_offset();
                    for k in 0..n {
                        let value = format!("{i}-{}", i64::from(k) + end);
                        append_one(&mut log, &value)?;
                    }
                }
                Op::Flush => log.flush()?,
                Op::Checkpoint => {
                    dir.write_recovery_points()?;
                    dir.write_log_starts()?;
                }
                Op::Advance(_) => _ = log.advance_start(self.after.start)?,
                Op::Truncate(_) => _ = log.truncate_to(at(0), self.after.end())?,
                Op::Retain => _ = log.retain(at(0), log.end_offset())?,
                Op::Roll => log.roll(at(0))?,
                Op::Purge => _ = dir.purge(at(i64::MAX / 2).mono)?,
                Op::Reopen => {
                    log.close()?;
                    drop(log);
                    dir.close(0)?;
                    (dir, log) = self.open()?;
                }
            }
            // What retention drops is the log's choice; its own tests look at it.
            self.after.start = log.start_offset();
            self.after.records.retain(|o, _| *o >= log.start_offset());
        }
        Ok(())
    }

    /// Changes the model as the operation should change the log.
    fn expect(&mut self, i: usize, op: Op, log: &Log) {
        let (m, end) = (&mut self.after, log.end_offset());
        assert_eq!(m.end(), end, "before {op:?}");
        match op {
            Op::Append(n) => {
                for offset in end..end + i64::from(n) {
                    let value = format!("{i}-{offset}");
                    m.records.insert(offset, value.clone());
                    self.ever.entry(offset).or_default().push(value);
                }
            }
            Op::Flush | Op::Reopen => m.synced = end,
            Op::Checkpoint => m.synced_start = m.start,
            Op::Advance(n) => {
                m.start = (m.start + i64::from(n)).min(end);
                m.records.retain(|o, _| *o >= m.start);
            }
            Op::Truncate(n) => {
                let to = (end - i64::from(n)).max(m.start);
                m.records.retain(|o, _| *o < to);
                m.synced = m.synced.min(to);
            }
            Op::Retain | Op::Roll | Op::Purge => {}
        }
    }
}

/// How many histories to try; `KFK_TEST_SEEDS=100` for more.
fn seeds(default: u64) -> u64 {
    std::env::var("KFK_TEST_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

fn append_one(log: &mut Log, value: &str) -> Result<(), LogError> {
    try_append(log, at(0), 0, &batch(&[T0], value)).map(|_| ())
}

fn check(run: &Run, mode: u64, what: &str) {
    let (_dir, mut log) = run.open().unwrap_or_else(|e| panic!("{what}: {e}"));
    let seen: BTreeMap<Offset, String> = read_all(&mut log).into_iter().map(|(o, _, v)| (o, String::from_utf8(v).unwrap())).collect();
    let (start, end) = (log.start_offset(), log.end_offset());
    assert_eq!(seen.keys().copied().collect::<Vec<_>>(), (start..end).collect::<Vec<_>>(), "{what}: no gap");
    for (offset, value) in &seen {
        assert!(run.ever[offset].contains(value), "{what}: {value} at {offset} was never written");
    }
    if mode == 0 {
        // The process died, the machine did not: every operation that returned is there, and the last one wholly, in part or not at all.
        assert_eq!(log.damage(), None, "{what}");
        let possible = |m: &Model| seen.iter().all(|(o, v)| m.records.get(o).is_none_or(|w| w == v));
        assert!(possible(&run.before) || possible(&run.after), "{what}");
        let least = run.before.end().min(run.after.end());
        assert!(end >= least && end <= run.before.end().max(run.after.end()), "{what}: ends at {end}");
        assert!(run.retaining || start <= run.after.start.max(run.before.start), "{what}");
    } else {
        // The machine died: what was synced is there.
        let synced = run.before.synced.min(run.after.synced);
        assert!(end >= synced, "{what}: ends at {end}, synced up to {synced}");
        for offset in start.max(run.after.start)..synced {
            assert_eq!(Some(&seen[&offset]), run.before.records.get(&offset).or(run.after.records.get(&offset)), "{what}: {offset}");
        }
        assert!(mode == 2 || log.damage().is_none(), "{what}: only a disk that loses writes in between can show damage");
    }
    assert!(start >= run.before.synced_start.min(run.after.synced_start), "{what}: deleted records are back");
    if log.damage().is_some() {
        log.cut_damage().unwrap();
    }
    append_one(&mut log, "goes on").unwrap();
    assert_eq!(read_from(&mut log, end, 100).unwrap()[0].2, b"goes on", "{what}");
}

fn crash_at_every_step(seed: u64) {
    let ops = ops(&mut Rng::new(seed), 36);
    let mut whole = Run::new();
    whole.run(&ops).unwrap();
    for step in 0..whole.disk.steps() {
        for mode in 0..3 {
            let mut run = Run::new();
            run.disk.fail_at(step, Fault::Crash);
            run.run(&ops).expect_err("it crashes");
            run.disk.crash(match mode {
                0 => Survives::Everything,
                1 => Survives::Synced,
                _ => Survives::Some(Rng::new(seed ^ step)),
            });
            check(&run, mode, &format!("seed {seed} step {step} mode {mode}"));
        }
    }
}

#[test]
fn v12_nothing_acknowledged_is_lost_whenever_the_machine_dies() {
    for seed in 0..seeds(3) {
        crash_at_every_step(seed);
    }
}

#[test]
fn r16_an_io_error_at_every_step_loses_nothing_and_shows_nothing_wrong() {
    for seed in 10..10 + seeds(2) {
        let ops = ops(&mut Rng::new(seed), 36);
        let mut whole = Run::new();
        whole.run(&ops).unwrap();
        for step in 0..whole.disk.steps() {
            for fault in [Fault::Io, Fault::NoSpace] {
                let mut run = Run::new();
                run.disk.fail_at(step, fault);
                // A full disk may only cost a snapshot or index entries.
                let failed = run.run(&ops).is_err();
                assert!(failed || fault == Fault::NoSpace);
                run.disk.crash(Survives::Everything);
                check(&run, 0, &format!("seed {seed} step {step} {fault:?}"));
            }
        }
    }
}

#[test]
fn r17_a_roll_without_room_leaves_nothing_that_a_restart_would_trip_over() {
    for step in 0..8 {
        let disk = SimDisk::new();
        let (dir, mut log) = open(&disk, &config());
        append_one(&mut log, "before").unwrap();
        log.flush().unwrap();
        disk.fail_at(disk.steps() + step, Fault::NoSpace);
        let rolled = log.roll(at(0));
        disk.heal();
        append_one(&mut log, "after").unwrap();
        drop((log, dir));
        disk.crash(Survives::Everything);
        let (_dir, mut log) = open(&disk, &config());
        let seen: Vec<Vec<u8>> = read_all(&mut log).into_iter().map(|(_, _, value)| value).collect();
        assert_eq!(seen, [&b"before"[..], b"after"], "step {step}: {rolled:?}");
    }
}

#[test]
fn r14_what_recovery_found_is_synced_before_anybody_is_told_of_it() {
    let disk = SimDisk::new();
    let synced = LogConfig { flush_messages: 1, ..config() };
    let (dir, mut log) = open(&disk, &synced);
    append_one(&mut log, "answered").unwrap();
    // The process dies while the next one waits for its sync: it is in the page cache, and its producer will ask for it again.
    disk.fail_at(disk.steps() + 1, Fault::Crash);
    append_one(&mut log, "not answered").unwrap_err();
    drop((log, dir));
    disk.crash(Survives::Everything);
    let (dir, mut log) = open(&disk, &synced);
    assert_eq!(read_all(&mut log).len(), 2);
    drop((log, dir));
    disk.crash(Survives::Synced);
    let (_dir, mut log) = open(&disk, &synced);
    assert_eq!(read_all(&mut log).len(), 2);
}

#[test]
fn r1_a_clean_stop_vouches_for_what_the_recovery_before_it_found_and_cut() {
    for tail in [&b""[..], b"torn"] {
        let disk = SimDisk::new();
        let (dir, mut log) = open(&disk, &config());
        for _ in 0..8 {
            append_one(&mut log, "found again").unwrap();
        }
        if !tail.is_empty() {
            log.flush().unwrap();
        }
        drop((log, dir));
        let last = names(&disk).into_iter().rfind(|name| name.ends_with(".log")).unwrap();
        let bytes = disk.get(path(&last)).unwrap();
        disk.crash(Survives::Everything);
        if !tail.is_empty() {
            disk.put(path(&last), &[&bytes, tail].concat());
        }
        let (dir, mut log) = open(&disk, &config());
        if !tail.is_empty() {
            log.roll(at(0)).unwrap();
        }
        log.close().unwrap();
        drop(log);
        assert!(dir.close(0).unwrap());
        disk.crash(Survives::Synced);
        let (dir, mut log) = open(&disk, &config());
        assert!(dir.clean_shutdown().is_some());
        assert_eq!(read_all(&mut log).len(), 8, "{tail:?}");
    }
}
