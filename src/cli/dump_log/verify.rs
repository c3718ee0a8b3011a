//! `--verify`: what is wrong with logs, where, and what helps. Reads only. Data directories are looked at as `kfk server --check` does, with
//! the cluster's metadata; here are logs and files by themselves.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::Dump;
use super::error::DumpError;
use super::log_file::crc32c_of;
use super::places::{Place, dir_partition, places};
use super::records::each_v2;
use super::text;
use super::walk::{MAGIC_V2, Walk};
use super::window::FileWindow;
use crate::cli::check;
use crate::cli::error::CliError;
use crate::cli::out::progress::Progress;
use crate::log::check::{Expected, Finding, Report, check_partition, read_root};
use crate::log::disk::{self, Disk as _, DiskError, RealDisk};
use crate::log::names::{self, Kind};
use crate::record::{ControlRecord, ControlType};
use crate::types::{Offset, TopicPartition};

const RESTORE: &str = "restore the file from a copy or a replica";
/// Topics of Kafka's own that are compacted whatever their settings.
const COMPACTED: [&str; 2] = ["__consumer_offsets", "__transaction_state"];

/// Verifies what `paths` name, prints what was found, and gives whether nothing is wrong.
pub fn dump(dump: &mut Dump<'_, '_>, paths: &[String]) -> Result<bool, CliError> {
    let begun = Instant::now();
    let mut report = Report::default();
    let mut rest = Vec::new();
    for path in paths {
        if Path::new(path).join(names::META_PROPERTIES).is_file() {
            add(&mut report, check::examine(Path::new(path))?.0, |_| true);
        } else {
            rest.extend(places(path)?);
        }
    }
    for (dir, only) in directories(&rest) {
        let found = directory(&dir, dump.args.compacted).map_err(|e| cannot(&dir, &e))?;
        add(&mut report, found, |f| only.is_empty() || only.contains(&f.file));
    }
    for path in checkpoints(&rest) {
        metadata_snapshot(path, &mut report)?;
    }
    report.findings.sort_by(|a, b| (a.severity, &a.file, a.position).cmp(&(b.severity, &b.file, b.position)));
    print(dump, &report, begun.elapsed().as_secs_f64())?;
    Ok(report.wrong() == 0)
}

fn cannot(dir: &str, e: &DiskError) -> CliError {
    CliError::failed(format!("cannot check {dir}")).cause(e.to_string())
}

fn add(report: &mut Report, found: Report, wanted: impl Fn(&Finding) -> bool) {
    report.partitions += found.partitions;
    report.segments += found.segments;
    report.bytes += found.bytes;
    report.findings.extend(found.findings.into_iter().filter(wanted));
}

fn print(dump: &mut Dump<'_, '_>, report: &Report, seconds: f64) -> Result<(), DumpError> {
    let here = Path::new("");
    for finding in &report.findings {
        let line = match dump.args.prints_json() {
            true => check::finding(here, finding).to_string(),
            false => check::told(here, finding),
        };
        dump.out.line(&line)?;
    }
    let line = match dump.args.prints_json() {
        true => serde_json::json!({
            "type": "verified",
            "partitions": report.partitions,
            "segments": report.segments,
            "bytes": report.bytes,
            "wrong": report.wrong(),
            "notes": report.findings.len() - report.wrong(),
        })
        .to_string(),
        false => format!("{}: {}", check::looked_at(report, seconds), check::verdict(report)),
    };
    dump.out.line(&line)
}

/// The directories to look at, each once, with the files in it that alone were asked for (none: all).
fn directories(places: &[Place]) -> Vec<(String, BTreeSet<PathBuf>)> {
    let mut found: Vec<(String, Option<BTreeSet<PathBuf>>)> = Vec::new();
    for place in places {
        let (dir, file) = match place {
            Place::Log(log) if log.files.is_empty() => continue,
            Place::File(path) if path.ends_with(".checkpoint") => continue,
            Place::Log(log) => (log.dir.clone(), None),
            Place::File(path) => (parent(path), Some(Path::new(&parent(path)).join(text::file_name(path)))),
        };
        let at = found.iter().position(|(known, _)| *known == dir).unwrap_or(found.len());
        if at == found.len() {
            found.push((dir, Some(BTreeSet::new())));
        }
        match (file, &mut found[at].1) {
            (Some(file), Some(files)) => _ = files.insert(file),
            (None, only) => *only = None,
            (Some(_), None) => {}
        }
    }
    found.into_iter().map(|(dir, only)| (dir, only.unwrap_or_default())).collect()
}

fn parent(path: &str) -> String {
    match path.strip_suffix(text::file_name(path)).unwrap_or_default() {
        "" => ".".to_owned(),
        "/" => "/".to_owned(),
        dir => dir.trim_end_matches('/').to_owned(),
    }
}

fn checkpoints(places: &[Place]) -> impl Iterator<Item = &str> {
    places.iter().flat_map(|place| match place {
        Place::Log(log) => log.checkpoints.iter().map(String::as_str).collect::<Vec<_>>(),
        Place::File(path) => Some(path.as_str()).filter(|path| path.ends_with(".checkpoint")).into_iter().collect(),
    })
}

/// Verifies one log by itself.
fn directory(dir: &str, compacted: bool) -> Result<Report, DiskError> {
    let path = Path::new(dir);
    let logs: Vec<Offset> = RealDisk
        .list(path)?
        .iter()
        .filter_map(|entry| names::parse_file(&entry.name))
        .filter(|(_, kind, mark)| *kind == Kind::Log && *mark == names::Mark::None)
        .map(|(base, ..)| base)
        .collect();
    let expected = expected(dir, logs.iter().max().copied().unwrap_or(0), compacted)?;
    let report = checked(path, &expected, &logs)?;
    // Of a log by itself nobody knows whether its topic is compacted; batches with gaps show it.
    let incomplete = report.findings.iter().any(|f| f.what.starts_with("the records from offset "));
    if incomplete && !expected.compact && logs.iter().any(|base| has_gaps(&path.join(names::file_name(*base, Kind::Log)))) {
        return checked(path, &Expected { compact: true, ..expected }, &logs);
    }
    Ok(report)
}

fn checked(dir: &Path, expected: &Expected, logs: &[Offset]) -> Result<Report, DiskError> {
    let size = |base: &Offset| std::fs::metadata(dir.join(names::file_name(*base, Kind::Log))).map_or(0, |meta| meta.len());
    let mut bar = Progress::of_checking(logs.iter().map(size).sum(), "checking");
    let (mut report, mut done) = (Report::default(), 0);
    let result = check_partition(&RealDisk, dir, expected, &mut report, &mut |bytes| {
        done += bytes;
        bar.reached(done);
    });
    bar.finish();
    result.map(|_| report)
}

/// What the files beside the log's directory say of it. `last`: where its last segment begins.
fn expected(dir: &str, last: Offset, compact: bool) -> Result<Expected, DiskError> {
    let partition = dir_partition(dir).map(|(topic, number)| TopicPartition::new(&*topic, number));
    let compact = compact || partition.as_ref().is_some_and(|p| COMPACTED.contains(&&*p.topic));
    // Only its last segment may be unfinished.
    let alone = Expected { compact, recovery_point: last, ..Expected::default() };
    let absolute = text::normalized_path(&text::absolute_path(dir));
    let Some(root) = Path::new(&absolute).parent().filter(|root| root.join(names::META_PROPERTIES).is_file()) else { return Ok(alone) };
    let Some(partition) = partition else { return Ok(alone) };
    let known = read_root(&RealDisk, root, &mut Report::default())?;
    let running = disk::is_locked(&root.join(names::LOCK))?;
    Ok(Expected {
        clean: known.clean && !running,
        recovery_point: if running { last } else { known.files.recovery_points.get(&partition).copied().unwrap_or(0) },
        log_start: known.files.log_starts.get(&partition).copied(),
        cleaned: known.files.cleaner_offsets.get(&partition).copied(),
        ..alone
    })
}

/// True if a batch has fewer records than offsets: compaction was here.
fn has_gaps(log: &Path) -> bool {
    let look = || -> Result<bool, DumpError> {
        let mut log = FileWindow::open(&log.to_string_lossy())?;
        let mut walk = Walk::new(0, log.size());
        while let Some(batch) = walk.next(&mut log)? {
            if !batch.is_legacy() {
                let header = batch.header(&mut log)?;
                if header.record_count <= header.last_offset_delta {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    };
    look().unwrap_or(false)
}

/// A snapshot of the cluster's metadata: whole batches with good CRCs, the first with a header and the last with a footer.
fn metadata_snapshot(path: &str, report: &mut Report) -> Result<(), DumpError> {
    let mut log = FileWindow::open(path)?;
    let mut walk = Walk::new(0, log.size());
    let (mut first, mut last) = (None, None);
    report.bytes += log.size();
    while let Ok(Some(batch)) = walk.next(&mut log) {
        let wrong = |what: String| Finding::wrong(path, what, RESTORE).at(batch.position).offset(batch.offset);
        if batch.magic != MAGIC_V2 {
            report.add(wrong(format!("a batch of format version {}", batch.magic)));
            return Ok(());
        }
        if crc32c_of(&mut log, &batch)? != batch.header(&mut log)?.crc {
            report.add(wrong("a batch whose CRC does not fit".into()));
            return Ok(());
        }
        let header = batch.header(&mut log)?;
        let mut kind = None;
        let read = each_v2(&mut log, &batch, &header, |record| {
            if header.is_control() {
                kind = ControlRecord::parse(record).ok().map(|control| control.control_type());
                first = first.or(kind);
            }
            Ok(())
        });
        if let Err(e) = read {
            report.add(wrong(e.to_string()));
            return Ok(());
        }
        last = kind;
    }
    let at = walk.position();
    if at < log.size() {
        let what = format!("{} bytes at the end are no whole batch", log.size() - at);
        report.add(Finding::wrong(path, what, RESTORE).at(at));
    } else if text::file_name(path) != "bootstrap.checkpoint" {
        if first != Some(ControlType::SnapshotHeader) {
            report.add(Finding::wrong(path, "the snapshot has no header record", RESTORE).at(0));
        }
        if last != Some(ControlType::SnapshotFooter) {
            report.add(Finding::wrong(path, "the snapshot has no footer record: it was not finished", RESTORE).at(at));
        }
    }
    Ok(())
}
