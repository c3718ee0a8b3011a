//! Stepping from batch to batch in a log file by headers alone.

use std::sync::Arc;

use super::disk::{DiskError, DiskFile};
use super::error::LogError;
use super::names::MAX_OFFSET;
use crate::record::{BatchHeader, HEADER_LEN, RecordError};
use crate::types::{LeaderEpoch, Offset};

/// A place where there should be a batch and is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no valid batch at position {position}: {why}")]
pub struct BadBatch {
    pub position: u64,
    pub why: Why,
}

/// What is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error("its offsets {base}..={last} do not come after {previous}")]
    Order { base: Offset, last: Offset, previous: Offset },
    #[error("its last offset {last} does not fit the segment, whose offsets end at {highest}")]
    TooFar { last: Offset, highest: Offset },
    #[error("its offsets {base}..={last} leave a gap, and lower ones follow")]
    Jump { base: Offset, last: Offset },
    #[error("its offsets {base}..={last}, the log's last, leave a gap after {previous}, which nothing explains")]
    Ahead { base: Offset, last: Offset, previous: Offset },
    #[error("its leader epoch {found} is not that of its offset, {expected}")]
    Epoch { found: LeaderEpoch, expected: LeaderEpoch },
    #[error("the segment ends before offset {from}, and the next begins at {to}")]
    Missing { from: Offset, to: Offset },
}

impl BadBatch {
    pub fn in_file(self, file: &dyn DiskFile) -> LogError {
        LogError::Corrupt { path: file.path().to_path_buf(), bad: self }
    }
}

/// A batch in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    pub position: u64,
    pub header: BatchHeader,
}

impl Found {
    /// Where the next batch begins.
    pub fn end(&self) -> u64 {
        self.position + self.header.size_in_bytes() as u64
    }
}

/// The read failed, or what was read is no batch.
#[derive(Debug)]
pub enum ScanError {
    Disk(DiskError),
    Bad(BadBatch),
}

impl From<DiskError> for ScanError {
    fn from(e: DiskError) -> Self {
        ScanError::Disk(e)
    }
}

impl ScanError {
    pub fn in_file(self, file: &dyn DiskFile) -> LogError {
        match self {
            ScanError::Disk(e) => e.into(),
            ScanError::Bad(bad) => bad.in_file(file),
        }
    }
}

/// Small batches share one read; after a large one only its successor's header is read.
const CHUNK: usize = 4096;

/// Headers of consecutive batches between two positions of a file. Checks sizes and the order of offsets, not CRCs.
#[derive(Debug)]
pub struct Scan {
    file: Arc<dyn DiskFile>,
    position: u64,
    end: u64,
    /// Every batch must lie above it.
    previous: Offset,
    /// Every batch must lie below it.
    below: Offset,
    chunk: [u8; CHUNK],
    chunk_at: u64,
    chunk_len: usize,
}

impl Scan {
    /// From `position` to `end`, both batch boundaries; offsets must be above `previous`.
    pub fn new(file: Arc<dyn DiskFile>, position: u64, end: u64, previous: Offset) -> Scan {
        Scan { file, position, end, previous, below: Offset::MAX, chunk: [0; CHUNK], chunk_at: 0, chunk_len: 0 }
    }

    /// The same for a segment whose successor begins at `next`: all offsets are below it.
    pub fn below(self, next: Offset) -> Scan {
        Scan { below: next, ..self }
    }

    /// Where the next batch is expected.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The next header. After an error the same error comes again.
    #[allow(clippy::should_implement_trait, reason = "an Iterator of Results reads worse at every call")]
    pub fn next(&mut self) -> Result<Option<Found>, ScanError> {
        if self.position >= self.end {
            return Ok(None);
        }
        let position = self.position;
        let left = self.end - position;
        let header = BatchHeader::parse(self.head(left)?).and_then(|h| fits(h, left));
        let header = header.map_err(|e| ScanError::Bad(BadBatch { position, why: e.into() }))?;
        if let Err(why) = in_order(&header, self.previous).and_then(|()| ends_below(&header, self.below)) {
            return Err(ScanError::Bad(BadBatch { position, why }));
        }
        self.previous = header.last_offset();
        let found = Found { position, header };
        self.position = found.end();
        Ok(Some(found))
    }

    /// Up to `HEADER_LEN` bytes at the current position, no more than `left`.
    fn head(&mut self, left: u64) -> Result<&[u8], DiskError> {
        let want = left.min(HEADER_LEN as u64) as usize;
        let from = self.position.wrapping_sub(self.chunk_at);
        let inside = from.checked_add(want as u64).is_some_and(|end| self.position >= self.chunk_at && end <= self.chunk_len as u64);
        if !inside {
            let len = left.min(CHUNK as u64) as usize;
            self.chunk_len = self.file.read_at(&mut self.chunk[..len], self.position)?;
            self.chunk_at = self.position;
        }
        let from = (self.position - self.chunk_at) as usize;
        Ok(&self.chunk[from..self.chunk_len.min(from + want)])
    }
}

fn fits(header: BatchHeader, left: u64) -> Result<BatchHeader, RecordError> {
    let needed = header.size_in_bytes() as u64;
    if needed > left { Err(RecordError::Truncated { needed, available: left }) } else { Ok(header) }
}

/// The next segment's offsets begin at `below`.
pub fn ends_below(header: &BatchHeader, below: Offset) -> Result<(), Why> {
    let last = header.last_offset();
    if last >= below { Err(Why::TooFar { last, highest: below - 1 }) } else { Ok(()) }
}

/// A batch's offsets must not be negative, run forwards, and lie above those before it.
pub fn in_order(header: &BatchHeader, previous: Offset) -> Result<(), Why> {
    let (base, last) = (header.base_offset, header.last_offset());
    if header.last_offset_delta < 0 || base <= previous || last < base || last > MAX_OFFSET {
        return Err(Why::Order { base, last, previous });
    }
    Ok(())
}
