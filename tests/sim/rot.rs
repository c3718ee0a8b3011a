//! Bits that rot, and bytes that recovery takes out of a log.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kfk::log::sim_disk::SimDisk;
use kfk::rng::Rng;
use kfk::types::Now;

use crate::check;
use crate::model::Model;
use crate::node::{Manner, Node, ROOT};

/// R9: what was in a log is in the log or beside it, except in directories that went away as a whole and segments that were deleted.
pub fn nothing_destroyed(before: &BTreeMap<PathBuf, Vec<u8>>, after: &BTreeMap<PathBuf, Vec<u8>>, what: &str) {
    for (path, old) in before {
        let Some(new) = after.get(path) else { continue };
        if new.len() >= old.len() && new.starts_with(old) || path.extension().is_some_and(|e| e == "cut") {
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

/// Flips bits of one byte of one file, starts a broker on that, and reads everything.
pub fn try_one(disk: &SimDisk, rng: &mut Rng, manner: Manner, now: Now, model: &Model, what: &str) {
    let files: Vec<(PathBuf, usize)> = disk.files(ROOT).into_iter().map(|(p, b)| (p, b.len())).filter(|(_, len)| *len > 0).collect();
    let Some((path, len)) = files.get(rng.below(files.len() as u64) as usize) else { return };
    let position = rng.below(*len as u64) as usize;
    disk.flip(path, position, 1 << rng.below(8));
    let what = format!("{what}: a bit of byte {position} of {}", path.display());
    let mut before = disk.files(ROOT);
    before.retain(|path, _| path.extension().is_some_and(|e| e == "log" || e == "cut"));
    let is_log = path.extension().is_some_and(|e| e == "log");
    // It may refuse to start, and says why.
    let Ok(mut node) = Node::start(disk, manner, now, Rng::new(1)) else { return };
    let state = node.state();
    for topic in state.topics() {
        for index in 0..topic.partition_count() {
            let Some(part_model) = model.parts.get(&(topic.id, index)) else { continue };
            let Ok(part) = node.part(topic, index, now) else { continue };
            let Ok(shown) = check::show(&mut part.borrow_mut(), 500) else { continue };
            for seen in &shown.all {
                let known = part_model.records.get(&seen.offset);
                let sent = part_model.maybe.iter().any(|e| e.key == seen.key && e.value == seen.value);
                // A log start or a checkpoint that is lost may bring back what was deleted.
                let deleted = seen.offset < part_model.start_max;
                let same = known.is_some_and(|k| k.key == seen.key && k.value == seen.value);
                // The format's CRC does not cover a batch's base offset: a bit of that moves its records, which are right in all else.
                let moved = is_log && part_model.records.values().any(|k| k.key == seen.key && k.value == seen.value);
                assert!(same || sent || deleted || moved, "{what}: {}-{index} serves {seen:?}, sent was {known:?}", topic.name);
            }
        }
    }
    let after = disk.files(ROOT);
    nothing_destroyed(&before, &after, &what);
}
