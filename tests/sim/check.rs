//! The invariants (section V of the facts), looked at from outside: what readers get must be what producers were told.

use std::collections::{BTreeMap, BTreeSet};

use kfk::machine::partition::Reader;
use kfk::node::partition::{Partition, ReadAsk};
use kfk::record::{ControlType, batches};
use kfk::types::Offset;

use crate::model::{Entry, Model, Outcome, PartModel};

/// A record that was read.
#[derive(Clone, Debug)]
pub struct Seen {
    pub offset: Offset,
    pub key: String,
    pub value: Option<String>,
    /// The leader epoch on its batch.
    pub epoch: i32,
    producer: i64,
    transactional: bool,
}

/// What one partition shows.
#[derive(Default)]
pub struct Shown {
    pub start: Offset,
    pub end: Offset,
    pub last_stable: Offset,
    pub all: Vec<Seen>,
    /// Offsets taken by markers, with producer and outcome.
    pub markers: BTreeMap<Offset, (i64, bool)>,
    /// What a read_committed consumer sees.
    pub committed: Vec<Seen>,
}

struct Page {
    records: Vec<Seen>,
    markers: BTreeMap<Offset, (i64, bool)>,
    next: Offset,
    aborted: Vec<(i64, Offset)>,
    at_end: bool,
}

fn page(part: &mut Partition, reader: Reader, from: Offset, max_bytes: usize) -> Result<Page, String> {
    let ask = ReadAsk { reader, offset: from, current_leader_epoch: -1, last_fetched_epoch: -1, max_bytes, at_least_one_batch: true };
    let (offsets, damage) = (part.offsets(), part.log().damage().cloned());
    let read = part.read(&ask).map_err(|code| format!("read at {from}: {} ({offsets:?}, {damage:?})", code.name()))?;
    let mut page = Page { records: Vec::new(), markers: BTreeMap::new(), next: from, aborted: read.aborted, at_end: true };
    let Some(slice) = read.records else { return Ok(page) };
    let bytes = slice.read().map_err(|e| e.to_string())?;
    page.at_end = false;
    for batch in batches(&bytes) {
        let Ok(batch) = batch else { break };
        // A consumer checks the CRC itself: it must never have to refuse what it was served.
        batch.check_crc().map_err(|e| format!("V3: CRC at {from}: {e}"))?;
        let header = &batch.header;
        assert!(
            header.last_offset() >= page.next,
            "V2: batch {}..{} where {} was due",
            header.base_offset,
            header.last_offset(),
            page.next
        );
        for record in batch.data(1 << 20).map_err(|e| e.to_string())?.iter() {
            let record = record.map_err(|e| e.to_string())?;
            if record.offset < from {
                continue;
            }
            if header.is_control() {
                let commit = ControlType::from_key(record.key).map_err(|e| e.to_string())? == ControlType::Commit;
                page.markers.insert(record.offset, (header.producer_id, commit));
            } else {
                let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
                page.records.push(Seen {
                    offset: record.offset,
                    key: record.key.map(text).unwrap_or_default(),
                    value: record.value.map(text),
                    epoch: header.partition_leader_epoch,
                    producer: header.producer_id,
                    transactional: header.is_transactional(),
                });
            }
        }
        page.next = header.next_offset();
    }
    assert!(page.next > from, "a read that brings nothing");
    Ok(page)
}

/// Reads a partition in both isolation levels.
pub fn show(part: &mut Partition, max_bytes: usize) -> Result<Shown, String> {
    let offsets = part.offsets();
    let (start, stable, end) = (offsets.log_start(), offsets.last_stable(), offsets.high_watermark());
    assert!(start <= stable && stable <= end && end <= offsets.log_end(), "V1: {offsets:?}");
    let mut shown = Shown { start, end, last_stable: stable, ..Shown::default() };
    let mut next = start;
    loop {
        let mut got = page(part, Reader::Uncommitted, next, max_bytes)?;
        next = got.next;
        shown.all.append(&mut got.records);
        shown.markers.append(&mut got.markers);
        if got.at_end {
            break;
        }
    }
    shown.committed = committed(part, start, max_bytes)?;
    Ok(shown)
}

/// What a read_committed consumer makes of its fetches (F12 to F15).
fn committed(part: &mut Partition, start: Offset, max_bytes: usize) -> Result<Vec<Seen>, String> {
    let (mut next, mut seen) = (start, Vec::new());
    loop {
        let got = page(part, Reader::Committed, next, max_bytes)?;
        if got.at_end {
            return Ok(seen);
        }
        let mut aborted = got.aborted;
        aborted.sort_by_key(|(_, first)| *first);
        let mut waiting = aborted.into_iter().peekable();
        let mut active: BTreeSet<i64> = BTreeSet::new();
        let mut all: BTreeMap<Offset, Result<Seen, i64>> = got.records.into_iter().map(|r| (r.offset, Ok(r))).collect();
        all.extend(got.markers.into_iter().map(|(at, (producer, _))| (at, Err(producer))));
        for (offset, what) in all {
            while let Some((producer, _)) = waiting.next_if(|(_, first)| *first <= offset) {
                active.insert(producer);
            }
            match what {
                Err(producer) => _ = active.remove(&producer),
                Ok(record) if record.transactional && active.contains(&record.producer) => {}
                Ok(record) => seen.push(record),
            }
        }
        next = got.next;
    }
}

impl Shown {
    /// V10: what read_committed shows must be what the markers in the log say, without any index.
    fn check_isolation(&self, what: &str) {
        let mut expected = Vec::new();
        for (i, record) in self.all.iter().enumerate().filter(|(_, r)| r.offset < self.last_stable) {
            let end = self.markers.iter().find(|(at, (producer, _))| **at > record.offset && *producer == record.producer);
            match end {
                _ if !record.transactional => expected.push(i),
                Some((_, (_, true))) => expected.push(i),
                Some((_, (_, false))) => {}
                // A marker may go once compaction has removed all of its transaction's aborted records.
                None => expected.push(i),
            }
        }
        let expected: Vec<Offset> = expected.into_iter().map(|i| self.all[i].offset).collect();
        let seen: Vec<Offset> = self.committed.iter().map(|r| r.offset).collect();
        assert_eq!(seen, expected, "{what}: V10: read_committed differs from the markers in the log");
    }
}

/// How much a partition may have lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Promise {
    /// Every acknowledged record is there.
    All,
    /// The power went, and records were not synced: those below [`PartModel::synced`].
    Synced,
}

/// Compares a partition with its model, and takes over what was in doubt.
pub fn compare(model: &mut Model, id: (kfk::types::TopicId, i32), shown: &Shown, promise: Promise, what: &str) {
    shown.check_isolation(what);
    let part = model.parts.get_mut(&id).unwrap_or_else(|| panic!("{what}: a partition nobody made"));
    assert!(shown.start >= part.start_min, "{what}: L11: starts at {}, deleted up to {}", shown.start, part.start_min);
    assert!(shown.start <= part.start_max, "{what}: V12: starts at {}, nothing was deleted above {}", shown.start, part.start_max);
    part.start_max = shown.start;
    let found: BTreeMap<Offset, &Seen> = shown.all.iter().map(|r| (r.offset, r)).collect();
    assert_eq!(found.len(), shown.all.len(), "{what}: V2: an offset twice");
    let mut values = BTreeSet::new();
    for seen in &shown.all {
        if let Some(value) = &seen.value {
            assert!(values.insert(value), "{what}: V12: {value} is there twice");
        }
        adopt(part, seen, what);
    }
    missing(part, shown, &found, promise, what);
    if !part.compacted {
        let mut all: Vec<Offset> = found.keys().chain(shown.markers.keys()).copied().collect();
        all.sort_unstable();
        let expected: Vec<Offset> = (shown.start..shown.end).collect();
        assert_eq!(all, expected, "{what}: V2: gaps");
    }
    outcomes(model, id, shown, what);
}

/// A record that was found must be one that was sent, where the answer said.
fn adopt(part: &mut PartModel, seen: &Seen, what: &str) {
    if let Some(known) = part.records.get(&seen.offset) {
        assert_eq!((&known.key, &known.value), (&seen.key, &seen.value), "{what}: V12: offset {}", seen.offset);
        return;
    }
    let at = part.maybe.iter().position(|e| e.key == seen.key && e.value == seen.value);
    let at = at.unwrap_or_else(|| panic!("{what}: V12: {seen:?} was never sent here, or is there twice"));
    let entry = part.maybe.remove(at);
    part.records.insert(seen.offset, entry);
}

/// A record that was acknowledged must be found.
fn missing(part: &mut PartModel, shown: &Shown, found: &BTreeMap<Offset, &Seen>, promise: Promise, what: &str) {
    let lost: Vec<Offset> = part.records.range(shown.start..).map(|(o, _)| *o).filter(|o| !found.contains_key(o)).collect();
    for offset in lost {
        let entry = &part.records[&offset];
        let replaced = part.compacted && is_replaced(part, entry, offset);
        let was_promised = promise == Promise::All || offset < part.synced;
        assert!(replaced || !was_promised, "{what}: V12: offset {offset} ({entry:?}) is lost; it ends at {}", shown.end);
        // The power took it. In a compacted log that may leave a gap before a segment that was begun after it.
        if !replaced || offset >= shown.end {
            part.records.remove(&offset);
        }
    }
    // What lies below the start stays known: a start that was not written down may step back (L11).
}

/// C8, C9: compaction takes what has a successor, and tombstones in time.
fn is_replaced(part: &PartModel, entry: &Entry, offset: Offset) -> bool {
    entry.value.is_none() || part.records.range(offset + 1..).any(|(_, later)| later.key == entry.key)
}

/// V12: nothing aborted is visible; of a committed transaction all is.
fn outcomes(model: &mut Model, id: (kfk::types::TopicId, i32), shown: &Shown, what: &str) {
    let visible: BTreeSet<Offset> = shown.committed.iter().map(|r| r.offset).collect();
    let part = &model.parts[&id];
    let hidden: BTreeSet<Offset> = shown.all.iter().map(|r| r.offset).filter(|o| *o < shown.last_stable && !visible.contains(o)).collect();
    for (offset, entry) in part.records.range(shown.start..shown.last_stable) {
        let Some(txn) = entry.txn else { continue };
        let outcome = &mut model.txns[txn].outcome;
        match (visible.contains(offset), *outcome) {
            (true, Outcome::Committed) | (false, Outcome::Aborted | Outcome::Open) => {}
            (true, Outcome::MaybeCommitted) => *outcome = Outcome::Committed,
            (true, Outcome::Aborted | Outcome::Open) => panic!("{what}: V12: {entry:?} at {offset} is visible but not committed"),
            (false, Outcome::Committed) if hidden.contains(offset) => panic!("{what}: V12: {entry:?} at {offset} is committed but hidden"),
            (false, Outcome::MaybeCommitted) if hidden.contains(offset) => *outcome = Outcome::Aborted,
            _ => {}
        }
    }
}

/// Offsets go forward only as long as the broker lives.
pub fn monotone(part: &mut PartModel, of: &Partition, what: &str) {
    let offsets = of.offsets();
    let (high, stable) = (offsets.high_watermark(), offsets.last_stable());
    assert!(high >= part.high_watermark, "{what}: the high watermark went back from {} to {high}", part.high_watermark);
    assert!(stable >= part.last_stable, "{what}: the last stable offset went back from {} to {stable}", part.last_stable);
    assert!(offsets.log_start() <= stable && stable <= high && high <= offsets.log_end(), "{what}: V1: {offsets:?}");
    (part.high_watermark, part.last_stable) = (high, stable);
    part.synced = of.log().recovery_point();
}
