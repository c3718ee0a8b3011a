//! Compaction against a model: random histories of keys, tombstones, transactions, producers, rolls and restarts; what a consumer sees
//! after each pass is derived from everything that was ever written.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use kfk::log::compact::{self, CompactError, CompactOptions, Done, Owner, Unhurried};
use kfk::log::sim_disk::{Fault, SimDisk, Survives};
use kfk::log::{Log, LogConfig, LogDir, LogError};
use kfk::record::{BatchBuilder, BatchOptions, Codec, Compression, batches};
use kfk::rng::Rng;
use kfk::types::Offset;
use parking_lot::Mutex;

use crate::support::*;

pub const RETENTION: i64 = 1000;

/// A record as a consumer sees it: timestamp, key, value.
pub type Content = (i64, Option<Vec<u8>>, Option<Vec<u8>>);
pub type View = BTreeMap<Offset, Content>;

pub struct Shared(pub Mutex<Log>);

impl Owner for Shared {
    fn with<T>(&self, f: impl FnOnce(&mut Log) -> T) -> Option<T> {
        Some(f(&mut self.0.lock()))
    }
}

pub fn compacting() -> LogConfig {
    LogConfig {
        segment_bytes: 900,
        index_interval_bytes: 150,
        compact: true,
        delete: false,
        delete_retention_ms: RETENTION,
        ..LogConfig::default()
    }
}

/// One pass over a log whose records are all committed.
pub fn pass(log: Log, ms: i64, options: &CompactOptions) -> (Log, Result<Option<Done>, CompactError>) {
    let high_watermark = log.end_offset();
    let owner = Shared(Mutex::new(log));
    let done = compact::run(&owner, options, at(ms), high_watermark, &mut Unhurried);
    (owner.0.into_inner(), done)
}

/// All records, and those that a read_committed consumer hands out, read in pieces.
pub fn views(log: &mut Log) -> Result<(View, View), LogError> {
    let (mut all, mut committed) = (View::new(), View::new());
    let stable = log.last_stable_offset(log.end_offset());
    let mut next = log.start_offset();
    while let Some(slice) = log.read(next, 700, true, i64::MAX)? {
        let mut aborted = log.aborted_transactions(next, slice.end_offset)?;
        aborted.reverse();
        let from = next;
        let mut open = BTreeSet::new();
        for batch in batches(&slice.read()?) {
            let batch = batch.unwrap();
            batch.check_crc().unwrap();
            let header = batch.header;
            assert!(header.next_offset() > next, "batches come in order");
            next = header.next_offset();
            while let Some(txn) = aborted.pop_if(|t| t.first_offset <= header.last_offset()) {
                open.insert(txn.producer_id);
            }
            if header.is_control() {
                open.remove(&header.producer_id);
                continue;
            }
            let visible = !(header.is_transactional() && open.contains(&header.producer_id));
            for record in batch.data(1 << 20).unwrap().iter() {
                let r = record.unwrap();
                let content = (r.timestamp, r.key.map(<[u8]>::to_vec), r.value.map(<[u8]>::to_vec));
                if visible && r.offset < stable {
                    committed.insert(r.offset, content.clone());
                }
                assert!(all.insert(r.offset, content).is_none(), "offset {} twice", r.offset);
            }
        }
        assert!(next > from, "readers get on");
    }
    Ok((all, committed))
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Plain,
    Open,
    Committed,
    Aborted,
}

/// Everything that was ever written.
#[derive(Clone, Debug, Default)]
struct Model {
    records: BTreeMap<Offset, (Content, Fate)>,
    /// Offsets of the records of open transactions by producer.
    open: BTreeMap<i64, Vec<Offset>>,
    sequences: BTreeMap<i64, i32>,
    cleaned: Offset,
    /// When a pass could first have removed a tombstone.
    tombstones: BTreeMap<Offset, i64>,
    time: i64,
}

struct World {
    disk: SimDisk,
    dir: LogDir,
    log: Option<Log>,
    model: Model,
    options: CompactOptions,
    crashed: bool,
}

impl World {
    fn new(rng: &mut Rng) -> World {
        let disk = SimDisk::new();
        let (dir, log) = open(&disk, &compacting());
        let dedupe_buffer_bytes = if rng.below(3) == 0 { 0 } else { 1 << 20 };
        let options = CompactOptions { dedupe_buffer_bytes, io_buffer_bytes: 256, seed: rng.next_u64(), ..CompactOptions::default() };
        World { disk, dir, log: Some(log), model: Model::default(), options, crashed: false }
    }

    fn log(&mut self) -> &mut Log {
        self.log.as_mut().unwrap()
    }

    fn append(&mut self, bytes: &Bytes) -> Result<Offset, LogError> {
        let now = at(self.model.time);
        let log = self.log.as_mut().unwrap();
        let at = try_append(log, now, 0, bytes)?.base_offset;
        log.high_watermark_moved(log.end_offset());
        Ok(at)
    }

    fn produce(&mut self, rng: &mut Rng, producer: i64) -> Result<(), LogError> {
        let transactional = producer >= 10;
        let sequence = self.model.sequences.get(&producer).copied().unwrap_or(0);
        let codec = [Codec::None, Codec::None, Codec::Lz4, Codec::Zstd, Codec::Gzip, Codec::Snappy][rng.below(6) as usize];
        let mut options = BatchOptions { compression: Compression { codec, level: None }, transactional, ..BatchOptions::default() };
        if producer >= 0 {
            (options.producer_id, options.producer_epoch, options.base_sequence) = (producer, 0, sequence);
        }
        if rng.below(8) == 0 {
            options.append_time = Some(T0 + self.model.time);
        }
        let mut builder = BatchBuilder::new(options);
        let mut contents = Vec::new();
        for _ in 0..1 + rng.below(5) {
            let key = (rng.below(40) > 0).then(|| format!("k{}", rng.below(12)).into_bytes());
            let value = (rng.below(5) > 0).then(|| format!("value {}", rng.next_u64() % 1000).into_bytes());
            let timestamp = options.append_time.unwrap_or(T0 + self.model.time + rng.below(20) as i64 - 10);
            builder.append(timestamp, key.as_deref(), value.as_deref(), &[]).unwrap();
            contents.push((timestamp, key, value));
        }
        let base = self.append(&builder.finish().unwrap())?;
        self.model.sequences.insert(producer, sequence + contents.len() as i32);
        for (i, content) in contents.into_iter().enumerate() {
            let offset = base + i as i64;
            self.model.records.insert(offset, (content, if transactional { Fate::Open } else { Fate::Plain }));
            if transactional {
                self.model.open.entry(producer).or_default().push(offset);
            }
        }
        Ok(())
    }

    fn end(&mut self, rng: &mut Rng, producer: i64) -> Result<(), LogError> {
        let commit = rng.below(2) == 0;
        self.append(&marker(producer, 0, commit))?;
        for offset in self.model.open.remove(&producer).unwrap_or_default() {
            self.model.records.get_mut(&offset).unwrap().1 = if commit { Fate::Committed } else { Fate::Aborted };
        }
        Ok(())
    }

    fn step(&mut self, rng: &mut Rng) -> Result<(), LogError> {
        self.model.time += rng.below(60) as i64;
        let producer = 1 + rng.below(3) as i64;
        match rng.below(40) {
            0..=13 => self.produce(rng, -1),
            14..=18 => self.produce(rng, producer),
            19..=27 => self.produce(rng, 10 + producer),
            28..=32 => self.end(rng, 10 + producer),
            33..=36 => self.clean(),
            37 => {
                self.model.time += RETENTION;
                Ok(())
            }
            38 => self.restart(true),
            _ => self.restart(false),
        }
    }

    fn restart(&mut self, clean: bool) -> Result<(), LogError> {
        let mut log = self.log.take().unwrap();
        let before = producers(&log);
        if clean {
            log.close()?;
        }
        drop(log);
        if clean {
            let dir = std::mem::replace(&mut self.dir, open_dir(&SimDisk::new()));
            assert!(dir.close(0)?);
        } else {
            self.disk.crash(Survives::Everything);
        }
        self.reopen();
        assert_eq!(producers(self.log()), before, "V9");
        Ok(())
    }

    fn reopen(&mut self) {
        self.dir = open_dir(&self.disk);
        let mut log = open_in(&self.dir, &compacting()).unwrap();
        log.high_watermark_moved(log.end_offset());
        self.log = Some(log);
    }

    /// Whatever was written is synced, then a pass runs and everything is compared.
    fn clean(&mut self) -> Result<(), LogError> {
        self.log().flush()?;
        self.dir.write_recovery_points()?;
        self.crashed = true;
        let time = self.model.time;
        let before = (self.log().start_offset(), self.log().end_offset(), producers(self.log()));
        let (log, done) = pass(self.log.take().unwrap(), time, &self.options);
        self.log = Some(log);
        let done = match done {
            Ok(done) => done,
            Err(CompactError::Log(e)) => return Err(e),
            Err(e) => panic!("{e}"),
        };
        self.crashed = false;
        if let Some(done) = done {
            assert!(done.cleaned_upto > self.model.cleaned);
            assert!(done.map_memory <= self.options.dedupe_buffer_bytes.max(64 * compact::PLACE_BYTES), "bounded memory");
            self.model.cleaned = done.cleaned_upto;
            self.model.note_tombstones();
        }
        let log = self.log();
        assert_eq!((log.start_offset(), log.end_offset(), producers(log)), before);
        let cleaned = self.model.cleaned;
        self.compare(cleaned, cleaned);
        Ok(())
    }

    /// Compares what is seen with what may and must be seen, when the log is cleaned at least up to `least` and perhaps to `most`.
    fn compare(&mut self, least: Offset, most: Offset) {
        let log = self.log.as_mut().unwrap();
        let stable = log.last_stable_offset(log.end_offset());
        let (all, committed) = views(log).unwrap();
        let m = &self.model;
        assert_eq!(stable, m.open.values().flatten().min().copied().unwrap_or(log.end_offset()), "the last stable offset");
        for (offset, content) in &all {
            let (written, fate) = &m.records[offset];
            assert_eq!(content, written, "{offset}");
            assert!(*offset >= least || *fate != Fate::Aborted, "{offset} was aborted");
        }
        let good = |(content, fate): &(Content, Fate)| (*fate != Fate::Aborted).then(|| content.clone());
        let valid: View = m.records.iter().filter(|(o, _)| **o < stable).filter_map(|(o, r)| Some((*o, good(r)?))).collect();
        for (offset, (_, fate)) in m.records.range(most..) {
            // In the segment where a full map ended, aborted records may be gone already.
            assert!(*fate == Fate::Aborted || all.contains_key(offset), "what is not cleaned is untouched");
        }
        assert!(committed.iter().all(|(o, c)| valid.get(o) == Some(c)), "only committed records, as they were written");
        self.check_keys(&valid, &committed, least, most);
    }

    fn check_keys(&self, valid: &View, seen: &View, least: Offset, most: Offset) {
        let mut newest: BTreeMap<&[u8], Offset> = BTreeMap::new();
        for (offset, (_, key, _)) in valid.range(..least) {
            if let Some(key) = key {
                newest.insert(key, *offset);
            }
        }
        for (offset, (_, key, _)) in seen.range(..least) {
            let key = key.as_deref().expect("records without key are gone");
            assert_eq!(newest[key], *offset, "C8: an older record stayed");
        }
        for (offset, (_, key, _)) in valid.range(..most) {
            if let Some(key) = key {
                newest.insert(key, *offset);
            }
        }
        for (key, offset) in newest {
            if seen.contains_key(&offset) {
                continue;
            }
            let superseded = valid.range(offset + 1..).any(|(_, (_, k, _))| k.as_deref() == Some(key));
            let (_, _, value) = &valid[&offset];
            if value.is_none() {
                let first = self.model.tombstones.get(&offset).expect("C9: no pass has met the tombstone");
                assert!(self.model.time >= first + RETENTION, "C9: tombstone {offset} went too early");
                let back = seen.range(..offset).any(|(_, (_, k, _))| k.as_deref() == Some(key));
                assert!(!back, "C9: an older record of {key:?} came back");
            } else {
                assert!(superseded, "C8: the newest record {offset} of {key:?} is gone");
            }
        }
    }

    /// V9: without any snapshot, the batches alone give the same producers.
    fn rebuild_producers(&mut self) {
        let before = producers(self.log());
        self.log = None;
        self.disk.crash(Survives::Everything);
        for name in names(&self.disk).iter().filter(|n| n.ends_with(".snapshot")) {
            self.disk.put(path(name), b"");
        }
        self.reopen();
        assert_eq!(producers(self.log()), before, "V9: from the batches alone");
    }
}

impl Model {
    fn note_tombstones(&mut self) {
        let time = self.time;
        for (offset, ((_, _, value), _)) in self.records.range(..self.cleaned) {
            if value.is_none() {
                self.tombstones.entry(*offset).or_insert(time);
            }
        }
    }
}

/// What must not be lost of producers: epoch, last sequence, whether a transaction is open.
fn producers(log: &Log) -> Vec<(i64, i16, i32, bool)> {
    log.producers().iter().map(|(id, s)| (id, s.epoch, s.last_sequence(), s.current_txn_first_offset.is_some())).collect()
}

fn seeds(default: u64) -> u64 {
    std::env::var("KFK_TEST_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

#[test]
fn c8_c9_c10_c11_random_histories_show_consumers_what_the_model_says() {
    for seed in 0..seeds(60) {
        let rng = &mut Rng::new(seed);
        let mut world = World::new(rng);
        for _ in 0..160 {
            world.step(rng).unwrap();
        }
        world.clean().unwrap();
        world.rebuild_producers();
        let cleaned = world.model.cleaned;
        world.compare(cleaned, cleaned);
    }
}

#[test]
fn c12_a_crash_at_any_step_of_a_pass_loses_and_revives_nothing() {
    for seed in 0..seeds(4) {
        let mut steps = None;
        let mut step = 0;
        // The history is the same each time; only the last pass is cut short.
        while steps.is_none_or(|end| step < end) {
            for mode in 0..3 {
                let rng = &mut Rng::new(seed);
                let mut world = World::new(rng);
                for _ in 0..70 {
                    world.step(rng).unwrap();
                }
                world.log().flush().unwrap();
                world.dir.write_recovery_points().unwrap();
                let first = world.disk.steps();
                if steps.is_none() {
                    world.clean().unwrap();
                    steps = Some(world.disk.steps() - first);
                    break;
                }
                world.disk.fail_at(first + step, Fault::Crash);
                if world.clean().is_ok() {
                    continue;
                }
                crash_and_compare(&mut world, seed, mode);
            }
            step += 1;
        }
    }
}

fn crash_and_compare(world: &mut World, seed: u64, mode: u64) {
    let least = world.model.cleaned;
    let before = producers(world.log());
    world.log = None;
    world.disk.crash(match mode {
        0 => Survives::Everything,
        1 => Survives::Synced,
        _ => Survives::Some(Rng::new(seed ^ 99)),
    });
    world.reopen();
    let end = world.log().end_offset();
    assert!(world.log().damage().is_none());
    assert_eq!(producers(world.log()), before, "V9");
    // Whatever of the pass is there counts as done at this time.
    world.model.cleaned = end;
    world.model.note_tombstones();
    world.compare(least, end);
    world.model.cleaned = world.log().cleaned_upto();
    world.clean().unwrap();
}
