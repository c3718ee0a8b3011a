//! The files of a data directory that speak of all its logs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::super::checkpoint::{self, CheckpointError};
use super::super::disk::{Disk, DiskError, read_file};
use super::super::meta_properties::{MetaProperties, MetaPropertiesError};
use super::super::names::{self, DirName};
use super::partition::Bounds;
use super::{Finding, NEXT_START, RESTORE, Report};
use crate::types::{Offset, TopicPartition};

/// What the directory says of its logs.
#[derive(Debug, Default)]
pub struct Root {
    pub properties: Option<MetaProperties>,
    /// The last stop was clean.
    pub clean: bool,
    /// The epoch of the broker that stopped so.
    pub broker_epoch: Option<i64>,
    /// Directories of partitions, in order.
    pub partitions: Vec<TopicPartition>,
    pub files: RootFiles,
}

/// The checkpoints.
#[derive(Debug, Default)]
pub struct RootFiles {
    pub recovery_points: BTreeMap<TopicPartition, Offset>,
    pub log_starts: BTreeMap<TopicPartition, Offset>,
    pub high_watermarks: BTreeMap<TopicPartition, Offset>,
    pub cleaner_offsets: BTreeMap<TopicPartition, Offset>,
}

/// Names in a data directory that are no directories of logs.
const KNOWN: [&str; 7] = [
    names::RECOVERY_POINTS,
    names::LOG_STARTS,
    names::HIGH_WATERMARKS,
    names::CLEANER_OFFSETS,
    names::META_PROPERTIES,
    names::CLEAN_SHUTDOWN,
    names::LOCK,
];
/// Written by kfk and Kafka beside these.
const KNOWN_OF_OTHERS: [&str; 3] = ["bootstrap.checkpoint", "kfk.address", "lost+found"];

/// Reads them, and lists the directories.
pub fn read_root(disk: &dyn Disk, root: &Path, report: &mut Report) -> Result<Root, DiskError> {
    let (clean, broker_epoch) = clean(disk, root, report)?;
    let mut found = Root { properties: properties(disk, root, report)?, clean, broker_epoch, ..Root::default() };
    for entry in disk.list(root)? {
        let path = root.join(&entry.name);
        match names::parse_dir(&entry.name) {
            DirName::Partition(partition) if entry.is_dir => found.partitions.push(partition),
            DirName::Deleted if entry.is_dir => {}
            DirName::SetAside if entry.is_dir => {
                let what = "a log that was set aside: it belongs to no topic of this cluster, or is on its way to another directory";
                report.add(Finding::note(path, what, "remove it when nobody needs it"));
            }
            _ if KNOWN.contains(&entry.name.as_str()) || KNOWN_OF_OTHERS.contains(&entry.name.as_str()) => {}
            _ if entry.name.ends_with(".tmp") || entry.name.ends_with(".part") => {}
            _ => report.add(Finding::note(path, "nothing that a broker would have made", "remove it if it is yours")),
        }
    }
    found.partitions.sort();
    found.files = RootFiles {
        recovery_points: offsets(disk, root.join(names::RECOVERY_POINTS), report)?,
        log_starts: offsets(disk, root.join(names::LOG_STARTS), report)?,
        high_watermarks: offsets(disk, root.join(names::HIGH_WATERMARKS), report)?,
        cleaner_offsets: offsets(disk, root.join(names::CLEANER_OFFSETS), report)?,
    };
    Ok(found)
}

fn properties(disk: &dyn Disk, root: &Path, report: &mut Report) -> Result<Option<MetaProperties>, DiskError> {
    let path = root.join(names::META_PROPERTIES);
    match MetaProperties::read(disk, root) {
        Ok(Some(known)) => {
            for key in known.others.keys() {
                report.add(Finding::note(&path, format!("no broker knows the key {key:?}"), "remove the line if it is yours"));
            }
            return Ok(Some(known));
        }
        Ok(None) => report.add(Finding::wrong(path, "the file is missing: nothing says whose directory this is", RESTORE)),
        Err(MetaPropertiesError::Disk(e)) => return Err(e),
        Err(e) => report.add(Finding::wrong(path, reason(&e), RESTORE)),
    }
    Ok(None)
}

fn reason(e: &MetaPropertiesError) -> String {
    match e {
        MetaPropertiesError::Malformed { reason, .. } => reason.clone(),
        other => other.to_string(),
    }
}

fn clean(disk: &dyn Disk, root: &Path, report: &mut Report) -> Result<(bool, Option<i64>), DiskError> {
    let path = root.join(names::CLEAN_SHUTDOWN);
    let Some(bytes) = read_file(disk, &path, 1 << 16)? else {
        let what = "the last stop was not clean, or a broker has this directory";
        report.add(Finding::note(path, what, "nothing to do: the next start looks all logs over"));
        return Ok((false, None));
    };
    let json: Option<serde_json::Value> = serde_json::from_slice(&bytes).ok();
    let epoch = json.filter(|j| j.get("version").is_some_and(|v| *v == 0)).and_then(|j| j.get("brokerEpoch")?.as_i64());
    // Kafka once wrote it empty; only that it is there counts.
    if epoch.is_none() && !bytes.is_empty() {
        report.add(Finding::note(path, "not what a broker writes at a clean stop; that it is there counts all the same", NEXT_START));
    }
    Ok((true, epoch))
}

fn offsets(disk: &dyn Disk, path: PathBuf, report: &mut Report) -> Result<BTreeMap<TopicPartition, Offset>, DiskError> {
    let remedy = "remove the file: the next start finds the offsets in the logs";
    match checkpoint::read_offsets(disk, &path) {
        Ok(known) => return Ok(known.unwrap_or_default()),
        Err(CheckpointError::Disk(e)) => return Err(e),
        Err(CheckpointError::Malformed { .. }) if disk.metadata(&path)?.is_some_and(|m| m.len == 0) => {
            let what = "the file is empty, as Kafka makes it before it has something to write";
            report.add(Finding::note(path, what, "nothing to do if that is so: the next start finds the offsets in the logs"));
        }
        Err(CheckpointError::Malformed { line, text, .. }) => {
            let what = format!("line {line} is {text:?}");
            let expected = if line == 1 {
                "0, the version"
            } else if line == 2 {
                "the number of lines that follow"
            } else {
                "topic partition offset"
            };
            report.add(Finding::wrong(path, what, remedy).expected(expected));
        }
    }
    Ok(BTreeMap::new())
}

/// Compares the checkpoints with the bounds of the logs. `alone`: this node has the only replica of a partition.
pub fn check_offsets(
    dir: &Path,
    root: &Root,
    bounds: &BTreeMap<TopicPartition, Option<Bounds>>,
    alone: impl Fn(&TopicPartition) -> bool,
    report: &mut Report,
) {
    let files = &root.files;
    for (name, offsets) in [
        (names::RECOVERY_POINTS, &files.recovery_points),
        (names::LOG_STARTS, &files.log_starts),
        (names::HIGH_WATERMARKS, &files.high_watermarks),
        (names::CLEANER_OFFSETS, &files.cleaner_offsets),
    ] {
        for (partition, offset) in offsets {
            let finding = |what: String, expected: String| {
                let remedy = "remove the line and count it off: the next start finds the offset in the log";
                Finding::wrong(dir.join(name), what, remedy).offset(*offset).expected(expected)
            };
            match bounds.get(partition) {
                None if *offset != 0 => {
                    let what = format!("{partition} has offset {offset} here, and no directory");
                    report.add(finding(what, "a directory of that name, or no line".into()));
                }
                Some(Some(Bounds { start, end })) => {
                    // A clean stop syncs all, and a lone replica has committed all.
                    let all = name == names::RECOVERY_POINTS || name == names::HIGH_WATERMARKS && alone(partition);
                    let lowest = if all && root.clean {
                        *end
                    } else if name == names::HIGH_WATERMARKS && root.clean {
                        *start
                    } else {
                        0
                    };
                    if !(lowest..=*end).contains(offset) {
                        let what = format!("{partition} has offset {offset} here, and its log goes from {start} to {end}");
                        let expected = if lowest == *end { end.to_string() } else { format!("{lowest} to {end}") };
                        let unclean = !root.clean && name != names::LOG_STARTS;
                        let finding = finding(what, expected);
                        report.add(if unclean {
                            Finding { remedy: NEXT_START, ..finding.severity(super::Severity::Note) }
                        } else {
                            finding
                        });
                    }
                }
                _ => {}
            }
        }
    }
}
