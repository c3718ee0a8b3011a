//! Reading: from an offset and limits to a piece of a file.

use std::fs::File;
use std::sync::Arc;

use bytes::Bytes;

use super::disk::{DiskError, DiskFile};
use super::error::LogError;
use super::log::Log;
use super::scan::{BadBatch, Found, Why};
use super::txn_index::AbortedTxn;
use crate::types::Offset;

/// A piece of a segment file that begins and ends between batches. It stays readable after segments are deleted; no lock is needed.
#[derive(Clone, Debug)]
pub struct ReadSlice {
    pub file: Arc<dyn DiskFile>,
    pub position: u64,
    pub len: usize,
    /// Base offset of the first batch; not above the offset asked for, unless that lies in a gap.
    pub first_offset: Offset,
    /// All records in the slice are below it.
    pub end_offset: Offset,
}

impl ReadSlice {
    /// The file for `sendfile`; none on a simulated disk.
    pub fn std_file(&self) -> Option<Arc<File>> {
        self.file.std_file()
    }

    /// The bytes. An error of kind `UnexpectedEof` means that the log was truncated meanwhile.
    pub fn read(&self) -> Result<Bytes, DiskError> {
        let mut bytes = vec![0; self.len];
        self.file.read_exact_at(&mut bytes, self.position)?;
        Ok(Bytes::from(bytes))
    }
}

impl Log {
    /// Whole batches from the one that contains `offset` on, at most `max_bytes` of them, none that reaches `upper` (the reader's visible
    /// end). If the first batch alone is larger, it is returned with `at_least_one`, and nothing without (F7). `None`: nothing to read there.
    ///
    /// Errors: `OffsetOutOfRange` outside of start..=end (F5), `Corrupt` where the file does not hold batches.
    pub fn read(&mut self, offset: Offset, max_bytes: usize, at_least_one: bool, upper: Offset) -> Result<Option<ReadSlice>, LogError> {
        if offset < self.start || offset > self.end {
            return Err(LogError::OffsetOutOfRange { offset, start: self.start, end: self.end });
        }
        let upper = upper.min(self.end);
        if offset >= upper {
            return Ok(None);
        }
        for i in self.segment_of(offset)..self.segments.len() {
            let next_base = self.end_of_segment(i);
            let (limit, end_offset) = self.visible(i, next_base, upper)?;
            let found = self.segments[i].find(&self.home, self.config.index_interval_bytes, offset, limit)?;
            if let Some(found) = found {
                if found.header.base_offset > offset {
                    self.check_gap(i, found.position)?;
                }
                return self.slice(i, found, (limit, end_offset), max_bytes, at_least_one);
            }
            self.check_gap(i, limit)?;
            if next_base >= upper {
                break;
            }
        }
        Ok(None)
    }

    /// Up to where segment `i` may be read: a position, and the offset that no record below it reaches.
    fn visible(&mut self, i: usize, next_base: Offset, upper: Offset) -> Result<(u64, Offset), LogError> {
        let segment = &mut self.segments[i];
        let size = segment.size;
        if next_base <= upper {
            return Ok((size, next_base));
        }
        let beyond = segment.find(&self.home, self.config.index_interval_bytes, upper, size)?;
        Ok((beyond.map_or(size, |b| b.position), upper))
    }

    fn slice(
        &mut self,
        i: usize,
        found: Found,
        visible: (u64, Offset),
        max_bytes: usize,
        at_least_one: bool,
    ) -> Result<Option<ReadSlice>, LogError> {
        let segment = &mut self.segments[i];
        let file = segment.file(&self.home)?;
        let (limit, end_offset) = visible;
        let position = found.position;
        if found.header.last_offset() >= end_offset {
            // A batch's offsets are not under its CRC; these belong into another segment, or above the log's end.
            let why = Why::TooFar { last: found.header.last_offset(), highest: end_offset - 1 };
            return Err(BadBatch { position, why }.in_file(&*file));
        }
        let most = position.saturating_add(max_bytes as u64);
        let (end, end_offset) = if limit <= most {
            (limit, end_offset)
        } else if found.end() > most {
            if !at_least_one {
                return Ok(None);
            }
            (found.end(), found.header.next_offset())
        } else {
            let next = segment.boundary(&self.home, self.config.index_interval_bytes, most, found.end())?;
            match next.filter(|n| n.header.base_offset > found.header.last_offset() && n.header.base_offset < end_offset) {
                Some(next) => (next.position, next.header.base_offset),
                None => (found.end(), found.header.next_offset()),
            }
        };
        let end = self.in_order_upto(i, position, end)?;
        Ok(Some(ReadSlice { file, position, len: (end - position) as usize, first_offset: found.header.base_offset, end_offset }))
    }

    /// F12: the aborted transactions that a reader of `from..upper` must know, by first offset; possibly more.
    pub fn aborted_transactions(&mut self, from: Offset, upper: Offset) -> Result<Vec<AbortedTxn>, LogError> {
        let mut all = Vec::new();
        for i in self.segment_of(from)..self.segments.len() {
            let mut stable = false;
            for txn in self.aborted_in(i)? {
                if txn.last_offset >= from && txn.first_offset < upper {
                    all.push(txn);
                }
                stable |= txn.last_stable_offset >= upper;
            }
            // Every transaction that began below `upper` had ended by then.
            if stable {
                break;
            }
        }
        all.sort_by_key(|t| t.first_offset);
        Ok(all)
    }
}
