//! One segment: every batch with its CRC and offsets, and both indexes against the batches.

use std::path::Path;
use std::sync::Arc;

use super::super::crc_scan::{CrcScan, find_batch};
use super::super::disk::{Disk, DiskError, DiskFile, Open, read_file};
use super::super::index_file::IndexEntry;
use super::super::names::{self, Kind};
use super::super::offset_index::OffsetEntry;
use super::super::scan::{BadBatch, ScanError, Why};
use super::super::time_index::TimeEntry;
use super::{Finding, Progress, REBUILD, Report, Severity};
use crate::record::{BatchHeader, NO_TIMESTAMP, RecordError};
use crate::types::Offset;

/// No index file is larger.
const MAX_INDEX_BYTES: usize = i32::MAX as usize;
/// More wrong entries of one index are not told one by one.
const MAX_ENTRIES_TOLD: usize = 3;

/// What is asked of a segment.
pub(super) struct Segment<'a> {
    pub dir: &'a Path,
    pub base: Offset,
    /// Base of the next segment.
    pub next: Option<Offset>,
    /// Offsets must be above it.
    pub previous: Offset,
    /// The segment is complete: finished, or closed by a clean stop.
    pub complete: bool,
    /// A bad end may be what an interrupted write left.
    pub may_be_torn: bool,
}

/// Where a segment's batches end.
pub(super) struct Walked {
    /// The offset behind the last good batch; that before the segment if it has none.
    pub end: Offset,
    /// All of the file is good batches.
    pub whole: bool,
}

impl Segment<'_> {
    /// Reads the whole file; `each` gets every good batch, in order, with its position.
    pub fn check(
        &self,
        disk: &dyn Disk,
        report: &mut Report,
        progress: Progress<'_>,
        mut each: impl FnMut(&Arc<dyn DiskFile>, u64, &BatchHeader, &mut Report),
    ) -> Result<Walked, DiskError> {
        let path = self.dir.join(names::file_name(self.base, Kind::Log));
        let file = disk.open(&path, Open::Read)?;
        let size = file.size()?;
        report.segments += 1;
        report.bytes += size;
        let mut offsets = self.offset_index(disk, report)?;
        let mut times = self.time_index(disk, report)?;
        let highest = self.base.saturating_add(i64::from(i32::MAX)).min(self.next.unwrap_or(Offset::MAX) - 1);
        let mut scan = CrcScan::new(file.clone(), size, self.previous.max(self.base - 1), highest);
        let (mut position, mut end, mut whole) = (0, self.previous.max(self.base - 1) + 1, true);
        loop {
            match scan.next() {
                Ok(Some(header)) => {
                    offsets.batch(position, &header);
                    times.batch(&header);
                    each(&file, position, &header, report);
                    let bytes = header.size_in_bytes() as u64;
                    progress(bytes);
                    position += bytes;
                    end = header.next_offset();
                }
                Ok(None) => break,
                Err(ScanError::Disk(e)) => return Err(e),
                Err(ScanError::Bad(bad)) => {
                    whole = false;
                    let finding = self.bad_batch(&file, size, end, bad)?;
                    report.add(Finding { file: path.clone(), ..finding });
                    progress(size - position);
                    break;
                }
            }
        }
        offsets.finish(size, whole, report);
        times.finish(self.complete && whole, report);
        Ok(Walked { end, whole })
    }

    /// What a place without a batch means: the end of an interrupted write, or rot (R8).
    fn bad_batch(&self, file: &Arc<dyn DiskFile>, size: u64, end: Offset, bad: BadBatch) -> Result<Finding, DiskError> {
        let follows = find_batch(file.clone(), bad.position + 1, size, end - 1)?;
        let (severity, what, remedy) = match follows {
            _ if matches!(bad.why, Why::Record(RecordError::BadMagic(0..=1))) => {
                let what = format!("no valid batch: {}; it was written by a Kafka older than 0.11", bad.why);
                (Severity::Wrong, what, "have a Kafka from 0.11 to 3.9 write the records anew: neither kfk nor Kafka 4 writes this format")
            }
            None if self.may_be_torn => {
                let what = format!("{} bytes at the end are no batch ({}): a write was interrupted", size - bad.position, bad.why);
                (Severity::Note, what, "nothing to do: the next start cuts them off and keeps them in a side file")
            }
            None => {
                let what = format!("no valid batch: {}; the last {} bytes cannot be read", bad.why, size - bad.position);
                (Severity::Wrong, what, "restore the file from a copy or a replica; what is lost are the records from this offset on")
            }
            Some(next) => {
                let what = format!("no valid batch: {}; whole batches follow at position {next}", bad.why);
                (Severity::Wrong, what, "restore the file from a copy or a replica; kfk serves the log up to this offset")
            }
        };
        let finding = Finding::wrong("", what, remedy).severity(severity);
        Ok(finding.at(bad.position).offset(end).expected("a batch with a good CRC and rising offsets"))
    }

    fn offset_index(&self, disk: &dyn Disk, report: &mut Report) -> Result<OffsetCheck, DiskError> {
        let entries = self.index::<OffsetEntry>(disk, report)?;
        let rising = |a: &OffsetEntry, b: &OffsetEntry| a.relative < b.relative && a.position < b.position;
        self.in_order(&entries, rising, Kind::OffsetIndex, report);
        let path = self.dir.join(names::file_name(self.base, Kind::OffsetIndex));
        Ok(OffsetCheck { path, base: self.base, entries, at: 0, open: None, told: 0, findings: Vec::new() })
    }

    fn time_index(&self, disk: &dyn Disk, report: &mut Report) -> Result<TimeCheck, DiskError> {
        let entries = self.index::<TimeEntry>(disk, report)?;
        let rising = |a: &TimeEntry, b: &TimeEntry| a.timestamp < b.timestamp && a.relative < b.relative;
        self.in_order(&entries, rising, Kind::TimeIndex, report);
        let path = self.dir.join(names::file_name(self.base, Kind::TimeIndex));
        let largest = (NO_TIMESTAMP, self.base);
        Ok(TimeCheck { path, base: self.base, entries, at: 0, largest, findings: Vec::new() })
    }

    /// All entries before the zeros that Kafka allocates ahead.
    fn index<E: IndexEntry>(&self, disk: &dyn Disk, report: &mut Report) -> Result<Vec<E>, DiskError> {
        let path = self.dir.join(names::file_name(self.base, E::KIND));
        let Some(bytes) = read_file(disk, &path, MAX_INDEX_BYTES)? else {
            if self.complete {
                report.add(Finding::wrong(&path, "the file is missing", REBUILD));
            }
            return Ok(Vec::new());
        };
        if bytes.len() % E::SIZE != 0 {
            let what = format!("{} bytes are not whole entries of {} bytes", bytes.len(), E::SIZE);
            report.add(Finding::wrong(&path, what, REBUILD).severity(self.index_severity()));
        }
        let mut entries: Vec<E> = bytes.chunks_exact(E::SIZE).map(E::decode).collect();
        let used = entries.iter().rposition(|e| !e.is_zero()).map_or(0, |last| last + 1);
        entries.truncate(used);
        Ok(entries)
    }

    fn in_order<E: IndexEntry>(&self, entries: &[E], rising: impl Fn(&E, &E) -> bool, kind: Kind, report: &mut Report) {
        let Some(i) = entries.windows(2).position(|w| !rising(&w[0], &w[1])) else { return };
        let path = self.dir.join(names::file_name(self.base, kind));
        let what = format!("entry {} does not come after the one before it: {:?}", i + 1, entries[i + 1]);
        let finding = Finding::wrong(path, what, REBUILD).at((i as u64 + 1) * E::SIZE as u64);
        report.add(finding.expected(format!("both columns above {:?}", entries[i])).severity(self.index_severity()));
    }

    /// An index of a log that was not closed is made anew anyway.
    fn index_severity(&self) -> Severity {
        if self.may_be_torn { Severity::Note } else { Severity::Wrong }
    }
}

/// Offset index entries against the batches, met in the order of the file.
struct OffsetCheck {
    path: std::path::PathBuf,
    base: Offset,
    entries: Vec<OffsetEntry>,
    at: usize,
    /// The last entry, if its offset has not been met as a batch's last offset yet.
    open: Option<usize>,
    told: usize,
    findings: Vec<Finding>,
}

impl OffsetCheck {
    fn batch(&mut self, position: u64, header: &BatchHeader) {
        while let Some(entry) = self.entries.get(self.at).filter(|e| u64::from(e.position) < position) {
            let what = format!("entry {} names position {}, where no batch begins", self.at, entry.position);
            self.tell(self.at, what, "the position of a batch");
            self.at += 1;
        }
        if self.entries.get(self.at).is_some_and(|e| u64::from(e.position) == position) {
            self.give_up_open();
            self.open = Some(self.at);
            self.at += 1;
        }
        let Some(open) = self.open else { return };
        let offset = self.base + i64::from(self.entries[open].relative);
        // Older versions of Kafka named the last batch of an append beside the position of its first.
        if header.last_offset() == offset {
            self.open = None;
        } else if header.last_offset() > offset {
            self.give_up_open();
        }
    }

    fn give_up_open(&mut self) {
        if let Some(open) = self.open.take() {
            let entry = self.entries[open];
            let what = format!("entry {open} names offset {} for position {}", self.base + i64::from(entry.relative), entry.position);
            self.tell(open, what, "the last offset of the batch at that position");
        }
    }

    fn tell(&mut self, entry: usize, what: String, expected: &str) {
        self.told += 1;
        if self.told <= MAX_ENTRIES_TOLD {
            let at = entry as u64 * OffsetEntry::SIZE as u64;
            self.findings.push(Finding::wrong(&self.path, what, REBUILD).at(at).expected(expected));
        }
    }

    fn finish(mut self, size: u64, whole: bool, report: &mut Report) {
        if whole {
            self.give_up_open();
            while let Some(entry) = self.entries.get(self.at).copied() {
                let what = format!("entry {} names position {} of a file of {size} bytes", self.at, entry.position);
                self.tell(self.at, what, "the position of a batch");
                self.at += 1;
            }
        }
        if self.told > MAX_ENTRIES_TOLD {
            let what = format!("{} more entries are wrong", self.told - MAX_ENTRIES_TOLD);
            self.findings.push(Finding::wrong(&self.path, what, REBUILD));
        }
        report.findings.append(&mut self.findings);
    }
}

/// Time index entries against the batches.
struct TimeCheck {
    path: std::path::PathBuf,
    base: Offset,
    entries: Vec<TimeEntry>,
    at: usize,
    /// The largest timestamp so far, and the last offset of the first batch that holds it.
    largest: (i64, Offset),
    findings: Vec<Finding>,
}

impl TimeCheck {
    fn batch(&mut self, header: &BatchHeader) {
        if header.max_timestamp > self.largest.0 {
            self.largest = (header.max_timestamp, header.last_offset());
        }
        while let Some(entry) = self.entries.get(self.at).copied() {
            let offset = self.base + i64::from(entry.relative);
            if offset > header.last_offset() {
                return;
            }
            if (entry.timestamp, offset) != self.largest {
                let what = format!("entry {} says that {} is the largest timestamp up to offset {offset}", self.at, entry.timestamp);
                let (timestamp, at) = self.largest;
                self.tell(what, format!("{timestamp} at offset {at}"));
            }
            self.at += 1;
        }
    }

    fn tell(&mut self, what: String, expected: String) {
        if self.findings.len() < MAX_ENTRIES_TOLD {
            let at = self.at as u64 * TimeEntry::SIZE as u64;
            self.findings.push(Finding::wrong(&self.path, what, REBUILD).at(at).expected(expected));
        }
    }

    fn finish(mut self, complete: bool, report: &mut Report) {
        if let Some(entry) = self.entries.get(self.at).copied().filter(|_| complete) {
            let what = format!("entry {} names offset {}, which is not in the segment", self.at, self.base + i64::from(entry.relative));
            self.tell(what, format!("an offset up to {}", self.largest.1));
        } else if complete && self.entries.last().map_or(NO_TIMESTAMP, |e| e.timestamp) < self.largest.0 && self.findings.is_empty() {
            let (timestamp, offset) = self.largest;
            self.at = self.entries.len();
            self.tell("the largest timestamp of the segment has no entry".into(), format!("{timestamp} at offset {offset}"));
        }
        report.findings.append(&mut self.findings);
    }
}
