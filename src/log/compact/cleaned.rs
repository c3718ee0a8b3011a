//! A segment while compaction writes it: files with the mark `.cleaned`, indexes included, synced before they are used.

use std::io::IoSlice;
use std::sync::Arc;

use crate::log::disk::{DiskError, DiskFile, Open, remove_if_there};
use crate::log::home::Home;
use crate::log::index_file::IndexEntry;
use crate::log::names::{Kind, Mark, marked_name};
use crate::log::offset_index::OffsetEntry;
use crate::log::time_index::TimeEntry;
use crate::log::txn_index::{self, AbortedTxn};
use crate::record::{BatchHeader, NO_TIMESTAMP};
use crate::types::Offset;

const SEGMENT_KINDS: [Kind; 4] = [Kind::OffsetIndex, Kind::TimeIndex, Kind::TxnIndex, Kind::Log];

/// Writes one.
#[derive(Debug)]
pub struct CleanedWriter {
    home: Home,
    base: Offset,
    interval: u64,
    file: Arc<dyn DiskFile>,
    written: u64,
    buffer: Vec<u8>,
    flush_at: usize,
    offsets: Vec<u8>,
    times: Vec<u8>,
    aborted: Vec<AbortedTxn>,
    since_index: u64,
    /// Largest timestamp so far and the last offset of the first batch that has it.
    largest: (i64, Offset),
    /// What the last entry of the time index says.
    last_time: Option<(i64, Offset)>,
}

/// A complete one.
#[derive(Clone, Debug)]
pub struct CleanedFiles {
    pub base: Offset,
    pub size: u64,
    pub has_aborted: bool,
}

impl CleanedWriter {
    pub fn create(home: &Home, base: Offset, interval: u64, flush_at: usize) -> Result<CleanedWriter, DiskError> {
        remove_cleaned(home, base)?;
        let file = home.disk().open(&path(home, base, Kind::Log), Open::Truncate)?;
        Ok(CleanedWriter {
            home: home.clone(),
            base,
            interval,
            file,
            written: 0,
            buffer: Vec::new(),
            flush_at,
            offsets: Vec::new(),
            times: Vec::new(),
            aborted: Vec::new(),
            since_index: 0,
            largest: (NO_TIMESTAMP, base),
            last_time: None,
        })
    }

    /// Adds a batch; the index entries are those that an append would have made.
    pub fn batch(&mut self, header: &BatchHeader, bytes: &[u8]) -> Result<(), DiskError> {
        let position = self.written + self.buffer.len() as u64;
        let last = header.last_offset();
        if header.max_timestamp > self.largest.0 {
            self.largest = (header.max_timestamp, last);
        }
        if self.since_index > self.interval
            && let (Ok(relative), Ok(position)) = (u32::try_from(last - self.base), u32::try_from(position))
        {
            OffsetEntry { relative, position }.encode(&mut self.offsets);
            self.note_time();
            self.since_index = 0;
        }
        self.since_index += bytes.len() as u64;
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= self.flush_at { self.write_out() } else { Ok(()) }
    }

    /// An aborted transaction that still has batches.
    pub fn aborted(&mut self, txn: AbortedTxn) {
        self.aborted.push(txn);
    }

    fn note_time(&mut self) {
        let (timestamp, offset) = self.largest;
        let grew = self.last_time.is_none_or(|(t, o)| timestamp > t && offset > o);
        if grew
            && timestamp > NO_TIMESTAMP
            && let Ok(relative) = u32::try_from(offset - self.base)
        {
            TimeEntry { timestamp, relative }.encode(&mut self.times);
            self.last_time = Some(self.largest);
        }
    }

    fn write_out(&mut self) -> Result<(), DiskError> {
        self.file.write_at(&mut [IoSlice::new(&self.buffer)], self.written)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Writes what is left and syncs all files.
    pub fn finish(mut self) -> Result<CleanedFiles, DiskError> {
        self.write_out()?;
        self.file.sync()?;
        self.note_time();
        self.side_file(Kind::OffsetIndex, &self.offsets)?;
        self.side_file(Kind::TimeIndex, &self.times)?;
        if !self.aborted.is_empty() {
            self.side_file(Kind::TxnIndex, &txn_index::encode(&self.aborted))?;
        }
        Ok(CleanedFiles { base: self.base, size: self.written, has_aborted: !self.aborted.is_empty() })
    }

    fn side_file(&self, kind: Kind, bytes: &[u8]) -> Result<(), DiskError> {
        let file = self.home.disk().open(&path(&self.home, self.base, kind), Open::Truncate)?;
        file.write_at(&mut [IoSlice::new(bytes)], 0)?;
        file.sync()
    }
}

fn path(home: &Home, base: Offset, kind: Kind) -> std::path::PathBuf {
    home.path(&marked_name(base, kind, Mark::Cleaned))
}

/// Removes what an earlier attempt left.
pub fn remove_cleaned(home: &Home, base: Offset) -> Result<(), DiskError> {
    SEGMENT_KINDS.iter().try_for_each(|kind| remove_if_there(home.disk(), &path(home, base, *kind)).map(|_| ()))
}

/// Renames a segment's files from one mark to the next, the `.log` file last; a transaction index may be missing.
pub fn remark(home: &Home, base: Offset, from: Mark, to: Mark) -> Result<(), DiskError> {
    for kind in SEGMENT_KINDS {
        match home.disk().rename(&home.path(&marked_name(base, kind, from)), &home.path(&marked_name(base, kind, to))) {
            Err(e) if e.is_not_found() && kind == Kind::TxnIndex => {}
            result => result?,
        }
    }
    Ok(())
}
