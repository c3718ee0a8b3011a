//! One partition's directory.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::disk::{Disk, DiskError, Entry, read_file};
use super::super::names::{self, Kind, Mark};
use super::super::partition_meta;
use super::derived::Derived;
use super::segment::Segment;
use super::{Finding, NEXT_START, Progress, RESTORE, Report, Severity};
use crate::types::{Offset, TopicId};

/// What the rest of the directory says of a log.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// The id of the topic in the cluster's metadata, if that is known.
    pub topic_id: Option<TopicId>,
    /// The last stop was clean.
    pub clean: bool,
    /// Up to where the log was synced.
    pub recovery_point: Offset,
    pub log_start: Option<Offset>,
    /// Up to where compaction has come.
    pub cleaned: Option<Offset>,
    /// `compact` is in the topic's cleanup.policy.
    pub compact: bool,
}

/// Bounds of a log as its files have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    pub start: Offset,
    pub end: Offset,
}

#[derive(Default)]
struct Files {
    logs: BTreeSet<Offset>,
    snapshots: BTreeSet<Offset>,
    indexes: Vec<(Offset, Kind)>,
}

/// Goes through all files of a log. Gives its bounds if they could be found.
pub fn check_partition(
    disk: &dyn Disk,
    dir: &Path,
    expected: &Expected,
    report: &mut Report,
    progress: Progress<'_>,
) -> Result<Option<Bounds>, DiskError> {
    report.partitions += 1;
    let files = sort(disk.list(dir)?, dir, report);
    let empty = match files.logs.last() {
        None => true,
        Some(only) if files.logs.len() == 1 => disk.metadata(&dir.join(names::file_name(*only, Kind::Log)))?.is_none_or(|m| m.len == 0),
        Some(_) => false,
    };
    check_topic_id(disk, dir, expected, empty, report)?;
    for (base, kind) in files.indexes.iter().filter(|(base, _)| !files.logs.contains(base)) {
        let path = dir.join(names::file_name(*base, *kind));
        report.add(Finding::note(path, "an index without its log file", "nothing to do: the next start removes it"));
    }
    walk(disk, dir, expected, &files, report, progress)
}

fn sort(entries: Vec<Entry>, dir: &Path, report: &mut Report) -> Files {
    let mut files = Files::default();
    for Entry { name, is_dir } in entries {
        let path = dir.join(&name);
        match names::parse_file(&name) {
            Some((base, Kind::Log, Mark::None)) => _ = files.logs.insert(base),
            Some((base, Kind::Snapshot, Mark::None)) => _ = files.snapshots.insert(base),
            Some((base, kind, Mark::None)) => files.indexes.push((base, kind)),
            Some((_, _, Mark::Deleted)) => {}
            Some((_, _, Mark::Swap | Mark::Cleaned)) => {
                report.add(Finding::note(path, "a compaction was interrupted", "nothing to do: the next start finishes or drops it"));
            }
            None if name == names::DAMAGE => {
                let remedy = "restore the partition from a copy or a replica, and remove this note";
                report.add(Finding::wrong(path, "an earlier start found this log damaged; it is served up to there only", remedy));
            }
            None if names::parse_cut(&name).is_some() => {
                if name.ends_with(".cut") {
                    let what = "bytes that an earlier recovery cut off the log; the .txt beside it says why";
                    report.add(Finding::note(path, what, "remove it when nobody needs it"));
                }
            }
            None if [names::PARTITION_METADATA, names::LEADER_EPOCHS, "quorum-state"].contains(&name.as_str()) || is_dir => {}
            None if name.ends_with(".checkpoint") || name.ends_with(".tmp") || name.ends_with(".part") => {}
            None => report.add(Finding::note(path, "not a file of a log", "remove it if it is yours")),
        }
    }
    files
}

/// L12: the directory must be this topic's.
fn check_topic_id(disk: &dyn Disk, dir: &Path, expected: &Expected, empty: bool, report: &mut Report) -> Result<(), DiskError> {
    let path = dir.join(names::PARTITION_METADATA);
    let bytes = read_file(disk, &path, 1 << 16)?;
    let torn = empty && bytes.as_deref().is_none_or(|b| b.iter().all(|b| *b == 0));
    match (bytes.as_deref().and_then(partition_meta::decode), expected.topic_id) {
        (Some(found), Some(id)) if found != id => {
            let what = format!("the directory belongs to topic id {found}; a start sets it aside as a stray");
            report.add(Finding::wrong(path, what, RESTORE).expected(id.to_string()));
        }
        (Some(_), _) => {}
        (None, _) if torn => report.add(Finding::note(path, "empty or missing, and nothing was written to the log", NEXT_START)),
        (None, id) => {
            let expected = id.map_or("version: 0, and the topic's id".to_string(), |id| format!("version: 0, topic_id: {id}"));
            let what = if bytes.is_none() { "the file is missing" } else { "not a partition.metadata file of version 0" };
            report.add(Finding::wrong(path, what, RESTORE).expected(expected));
        }
    }
    Ok(())
}

fn walk(
    disk: &dyn Disk,
    dir: &Path,
    expected: &Expected,
    files: &Files,
    report: &mut Report,
    progress: Progress<'_>,
) -> Result<Option<Bounds>, DiskError> {
    let Some(base) = files.logs.first().copied() else { return Ok(None) };
    let start = expected.log_start.unwrap_or(0).max(base);
    let cleaned = expected.cleaned.unwrap_or(0);
    let compacted = expected.compact || cleaned > base;
    let snapshots: Vec<Offset> = files.snapshots.iter().copied().collect();
    let mut derived = Derived::new(disk, dir, &snapshots, (base, start), compacted, report)?;
    let bases: Vec<Offset> = files.logs.iter().copied().collect();
    let mut end = base;
    let mut known = true;
    for (i, base) in bases.iter().copied().enumerate() {
        let next = bases.get(i + 1).copied();
        let path = dir.join(names::file_name(base, Kind::Log));
        let missing = |offset: Offset, to: Offset| {
            let what = format!("the records from offset {offset} to {} are missing", to - 1);
            Finding::wrong(&path, what, RESTORE).offset(offset)
        };
        if known && base > end && !compacted {
            report.add(missing(end, base));
        }
        // Segments that were synced are as they were; those after may have lost their end.
        let may_be_torn = !expected.clean && next.is_none_or(|next| next > expected.recovery_point);
        let segment = Segment { dir, base, next, previous: end.max(base) - 1, complete: expected.clean, may_be_torn };
        let mut behind = end.max(base);
        let walked = segment.check(disk, report, &mut *progress, |file, position, header, report| {
            if header.base_offset > behind && header.base_offset > cleaned && !compacted {
                report.add(missing(behind, header.base_offset).at(position));
            }
            behind = header.next_offset();
            derived.batch(file, position, header, report);
        })?;
        if !walked.whole {
            derived.lost_track();
        }
        known = walked.whole;
        end = walked.end;
        derived.segment_ends(base, may_be_torn, report)?;
    }
    derived.compare_snapshots(end, report);
    if known {
        derived.no_snapshots_behind(end, report);
    }
    if expected.clean && known && end < start {
        let what = format!("the log starts at offset {start} and ends at {end}");
        report.add(Finding::wrong(dir, what, "nothing to do: the next start makes it empty").severity(Severity::Note));
    }
    Ok(known.then_some(Bounds { start, end }))
}
