//! `check`: a whole data directory verified without changing it. What one log's files say is looked at by `log::check`; here is added what
//! the cluster's metadata says of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::log::check::{Expected, Progress, Root, check_offsets, check_partition, read_root};
use crate::log::disk::{self, Disk};
use crate::log::names;
use crate::machine::controller::ConfigResource;
use crate::types::TopicPartition;

use super::quorum::{CLUSTER_METADATA_ID, QuorumError, Survey, cluster_metadata_partition, damaged_snapshots, survey};

pub use crate::log::check::{Finding, Report, Severity};
pub use crate::log::disk::{DiskError, RealDisk};

const RESTORE: &str = "restore the file from a copy or a replica";
const NEXT_START: &str = "nothing to do: the next start puts it in order";

/// Goes through the directory. `progress` hears of log bytes as they are read; see [`log_bytes`].
pub fn check(disk: &dyn Disk, root: &Path, progress: Progress<'_>) -> Result<(Report, bool), DiskError> {
    let mut report = Report::default();
    let files = read_root(disk, root, &mut report)?;
    let metadata = metadata(disk, root, &files, &mut report)?;
    let mut bounds = BTreeMap::new();
    for partition in &files.partitions {
        let dir = root.join(partition.to_string());
        let expected = expected(partition, &files, metadata.as_ref());
        let checked = check_partition(disk, &dir, &expected, &mut report, &mut *progress);
        bounds.insert(partition.clone(), report.unless_failed(&dir, checked).flatten());
    }
    strays(root, &files, metadata.as_ref(), &mut report);
    let alone = |partition: &TopicPartition| {
        let known = metadata.as_ref().and_then(|m| m.state.partition(&partition.topic, partition.partition));
        known.is_some_and(|p| p.replicas.len() == 1)
    };
    check_offsets(root, &files, &bounds, alone, &mut report);
    report.findings.sort_by(|a, b| (a.severity, &a.file, a.position).cmp(&(b.severity, &b.file, b.position)));
    Ok((report, files.clean))
}

/// A broker runs on the directory. Takes no lock that would keep one from starting, and makes no file.
pub fn in_use(root: &Path) -> Result<bool, DiskError> {
    disk::is_locked(&root.join(names::LOCK))
}

/// Bytes in the log files that a check will read.
pub fn log_bytes(disk: &dyn Disk, root: &Path) -> Result<u64, DiskError> {
    let mut bytes = 0;
    for entry in disk.list(root)?.into_iter().filter(|e| e.is_dir && matches!(names::parse_dir(&e.name), names::DirName::Partition(_))) {
        let dir = root.join(&entry.name);
        for file in disk.list(&dir)?.into_iter().filter(|f| f.name.ends_with(".log")) {
            bytes += disk.metadata(&dir.join(&file.name))?.map_or(0, |m| m.len);
        }
    }
    Ok(bytes)
}

/// What the cluster's metadata says; `None` if that cannot be read.
fn metadata(disk: &dyn Disk, root: &Path, files: &Root, report: &mut Report) -> Result<Option<Survey>, DiskError> {
    let dir = root.join(cluster_metadata_partition().to_string());
    for (path, why) in damaged_snapshots(disk, root)? {
        report.add(Finding::wrong(
            path,
            why,
            "remove the file if the log still begins at 0 or an older snapshot is there, else restore it",
        ));
    }
    let found = match survey(disk, root) {
        Ok(found) => found,
        Err(QuorumError::Disk(e)) => return Err(e),
        Err(QuorumError::File { path, why }) => {
            report.add(Finding::wrong(path, why, RESTORE));
            None
        }
        Err(e @ (QuorumError::Record { .. } | QuorumError::Apply { .. } | QuorumError::Damaged { .. })) => {
            report.add(Finding::wrong(&dir, e.to_string(), "start it with the version of Kafka that wrote it, or restore the metadata"));
            None
        }
        Err(e) => {
            report.add(Finding::wrong(&dir, e.to_string(), RESTORE));
            None
        }
    };
    if let (Some(found), Some(node)) = (&found, files.properties.as_ref().and_then(|p| p.node_id)) {
        if files.properties.as_ref().is_some_and(|p| p.version == 0) {
            let what = "version 0 is that of a Kafka that kept its metadata in ZooKeeper, and here they are in a log";
            report.add(Finding::wrong(root.join(names::META_PROPERTIES), what, RESTORE).expected("version=1"));
        }
        let epoch = found.state.broker(node).map(|b| b.epoch);
        if let (Some(stopped), Some(known)) = (files.broker_epoch, epoch)
            && stopped != known
        {
            let what = format!("the broker that stopped had epoch {stopped}; the metadata know it with {known}");
            report.add(Finding::note(root.join(names::CLEAN_SHUTDOWN), what, NEXT_START));
        }
        if let Err(what) = found.state.check() {
            report.add(Finding::wrong(&dir, format!("the metadata contradict themselves: {what}"), RESTORE));
        }
        if let Err(e) = found.carried_over(node, files.properties.as_ref().and_then(|p| p.directory_id)) {
            report.add(Finding::wrong(&dir, format!("kfk cannot start on this: {e}"), "start it with Kafka"));
        }
        if let Err(what) = found.agrees_with_state_file(node, files.clean) {
            report.add(Finding::wrong(dir.join("quorum-state"), what, "remove the file: the next start makes it anew from the log"));
        }
    }
    Ok(found)
}

fn expected(partition: &TopicPartition, files: &Root, metadata: Option<&Survey>) -> Expected {
    let topic = metadata.and_then(|m| m.state.topic(&partition.topic));
    let is_metadata = *partition == cluster_metadata_partition();
    let policy = metadata.and_then(|m| m.state.config(&ConfigResource::topic(&*partition.topic))).and_then(|c| c.get("cleanup.policy"));
    let offset = |all: &BTreeMap<TopicPartition, i64>| all.get(partition).copied();
    Expected {
        topic_id: if is_metadata { Some(CLUSTER_METADATA_ID) } else { topic.map(|t| t.id) },
        clean: files.clean,
        recovery_point: offset(&files.files.recovery_points).unwrap_or(0),
        log_start: offset(&files.files.log_starts),
        cleaned: offset(&files.files.cleaner_offsets),
        compact: policy.is_some_and(|p| p.contains("compact")),
    }
}

/// Directories and partitions must be the same; one without a record need not have a directory yet.
fn strays(root: &Path, files: &Root, metadata: Option<&Survey>, report: &mut Report) {
    let Some(metadata) = metadata else { return };
    for partition in files.partitions.iter().filter(|p| **p != cluster_metadata_partition()) {
        if metadata.state.partition(&partition.topic, partition.partition).is_none() {
            let what = "the cluster knows no such partition: a stray of a topic that was deleted, or of another cluster";
            let finding = Finding::wrong(root.join(partition.to_string()), what, "nothing to do: the next start sets it aside");
            // A crash may come between the deletion of a topic and that of its directories.
            report.add(if files.clean { finding } else { finding.severity(Severity::Note) });
        }
    }
    let there: BTreeSet<&TopicPartition> = files.partitions.iter().collect();
    for topic in metadata.state.topics() {
        for number in topic.partitions.keys() {
            let partition = TopicPartition::new(&*topic.name, *number);
            let written = files.files.high_watermarks.get(&partition).is_some_and(|offset| *offset > 0);
            if written && !there.contains(&partition) {
                let what = "the directory is missing, and records were written to it";
                report.add(Finding::wrong(root.join(partition.to_string()), what, "restore it from a copy or a replica"));
            }
        }
    }
}
