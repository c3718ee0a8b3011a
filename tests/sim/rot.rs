//! Bits that rot, and bytes that recovery takes out of a log.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kfk::log::sim_disk::SimDisk;
use kfk::record::batches;
use kfk::rng::Rng;
use kfk::types::{Now, Offset};

use crate::check::{self, Seen};
use crate::model::{Entry, Model};
use crate::node::{Manner, Node, ROOT};

/// R9: what was in a log is in the log or beside it, except in directories that went away as a whole and segments that were deleted.
pub fn nothing_destroyed(before: &BTreeMap<PathBuf, Vec<u8>>, after: &BTreeMap<PathBuf, Vec<u8>>, what: &str) {
    for (path, old) in before {
        let Some(new) = after.get(path) else { continue };
        if new.len() >= old.len() && new.starts_with(old) || path.extension().is_some_and(|e| e == "cut") {
            continue;
        }
        // A directory whose `partition.metadata` names another topic was set aside as a whole, and a new one has its name.
        let is_set_aside =
            |p: &Path| p.file_name() == path.file_name() && p.parent() != path.parent() && p.to_string_lossy().contains("-stray");
        if after.iter().any(|(p, bytes)| is_set_aside(p) && bytes == old) {
            continue;
        }
        // What was cut off lies beside it, and new records may have come in its place since.
        let beside = after.iter().filter(|(p, _)| p.parent() == path.parent() && is_cut(p));
        let mut tails = beside.filter_map(|(_, cut)| Some((old.len().checked_sub(cut.len())?, cut)));
        let kept = tails.any(|(at, cut)| old[at..] == cut[..] && new.get(..at) == Some(&old[..at]));
        assert!(kept, "{what}: {} was changed, and what it held is nowhere", path.display());
    }
}

fn is_cut(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "cut")
}

/// A byte of any file.
fn anywhere(disk: &SimDisk, rng: &mut Rng) -> Option<(PathBuf, usize)> {
    let files: Vec<(PathBuf, usize)> = disk.files(ROOT).into_iter().map(|(p, b)| (p, b.len())).filter(|(_, len)| *len > 0).collect();
    let (path, len) = files.get(rng.below(files.len() as u64) as usize)?;
    Some((path.clone(), rng.below(*len as u64) as usize))
}

/// A byte of a base offset or a leader epoch in a batch of a topic: no CRC covers these.
fn in_a_header(disk: &SimDisk, rng: &mut Rng) -> Option<(PathBuf, usize)> {
    let is_topics = |dir: &str| dir.starts_with('t');
    let mut all = Vec::new();
    for (path, bytes) in disk.files(ROOT).into_iter().filter(|(p, _)| is_log(p)) {
        if path.parent().and_then(Path::file_name).is_some_and(|dir| is_topics(&dir.to_string_lossy())) {
            let mut position = 0;
            for header in batches(&bytes).map_while(Result::ok).map(|b| b.header) {
                all.push((path.clone(), position));
                position += header.size_in_bytes();
            }
        }
    }
    let (path, position) = all.get(rng.below(all.len().max(1) as u64) as usize)?;
    let byte = [0, 1, 2, 3, 4, 5, 6, 6, 7, 7, 12, 13, 14, 15][rng.below(14) as usize];
    Some((path.clone(), position + byte))
}

fn is_log(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "log")
}

/// Offsets and leader epoch of every batch in the logs, by directory.
type Headers = BTreeMap<String, BTreeMap<Offset, (Offset, i32)>>;

fn headers(disk: &SimDisk) -> Headers {
    let mut all = Headers::new();
    for (path, bytes) in disk.files(ROOT).into_iter().filter(|(p, _)| is_log(p)) {
        let Some(dir) = path.parent().and_then(Path::file_name) else { continue };
        let of = all.entry(dir.to_string_lossy().into_owned()).or_default();
        of.extend(
            batches(&bytes)
                .map_while(Result::ok)
                .map(|b| (b.header.base_offset, (b.header.last_offset(), b.header.partition_leader_epoch))),
        );
    }
    all
}

/// Whether a record may come with its leader epoch. Where epochs change, or one batch alone has one, nobody can tell whether the checkpoint
/// or the batch is wrong; after a stop that was not clean the last batch may be the only one that knows of an epoch.
fn epoch_is_fair(written: &BTreeMap<Offset, (Offset, i32)>, seen: &Seen, clean: bool) -> bool {
    let Some((base, (_, epoch))) = written.range(..=seen.offset).next_back() else { return true };
    let around = [written.range(..base).next_back(), written.range(base + 1..).next()];
    let is_around = around.iter().flatten().any(|(_, (_, epoch))| *epoch == seen.epoch);
    let is_alone = written.values().filter(|(_, other)| other == epoch).count() == 1;
    *epoch == seen.epoch || is_around || is_alone || around[1].is_none() && !clean
}

/// Flips a bit of one byte of one file, starts a broker on that, and reads everything.
pub fn try_one(disk: &SimDisk, rng: &mut Rng, manner: Manner, now: Now, model: &Model, what: &str) {
    if let Some(place) = anywhere(disk, rng) {
        let copy = disk.fork();
        flip(&copy, place, 1 << rng.below(8), manner, now, model, what);
    }
    if let Some(place) = in_a_header(disk, rng) {
        flip(disk, place, 1 << rng.below(8), manner, now, model, what);
    }
}

fn flip(disk: &SimDisk, (path, position): (PathBuf, usize), mask: u8, manner: Manner, now: Now, model: &Model, what: &str) {
    let (written, clean) = (headers(disk), disk.get(format!("{ROOT}/.kafka_cleanshutdown")).is_some());
    disk.flip(&path, position, mask);
    let what = format!("{what}: bit {mask:#x} of byte {position} of {}", path.display());
    let mut before = disk.files(ROOT);
    before.retain(|path, _| path.extension().is_some_and(|e| e == "log" || e == "cut"));
    let in_log = is_log(&path);
    // It may refuse to start, and says why.
    let Ok(mut node) = Node::start(disk, manner, now, Rng::new(1)) else { return };
    let state = node.state();
    for topic in state.topics() {
        for index in 0..topic.partition_count() {
            let Some(part_model) = model.parts.get(&(topic.id, index)) else { continue };
            let Ok(part) = node.part(topic, index, now) else { continue };
            let Ok(shown) = check::show(&mut part.borrow_mut(), 500) else { continue };
            let mut written = written.get(&format!("{}-{index}", topic.name)).cloned().unwrap_or_default();
            written.retain(|_, (last, _)| *last >= shown.start);
            for seen in &shown.all {
                let known = part_model.records.get(&seen.offset);
                let sent = part_model.maybe.iter().any(|e| e.key == seen.key && e.value == seen.value);
                // A log start or a checkpoint that is lost may bring back what was deleted.
                let deleted = seen.offset < part_model.start_max;
                let same = known.is_some_and(|k| k.key == seen.key && k.value == seen.value);
                // Where compaction has left gaps, a batch may be moved inside the gap around it: nothing else says where it was.
                let is_sent = |k: &Entry| k.key == seen.key && k.value == seen.value;
                let moved = in_log && part_model.compacted && part_model.records.values().any(is_sent);
                assert!(same || sent || deleted || moved, "{what}: {}-{index} serves {seen:?}, sent was {known:?}", topic.name);
                let fair = moved || epoch_is_fair(&written, seen, clean);
                assert!(fair, "{what}: {}-{index} serves {seen:?} with another epoch, written was {written:?}", topic.name);
            }
        }
    }
    let after = disk.files(ROOT);
    nothing_destroyed(&before, &after, &what);
}
