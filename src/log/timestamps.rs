//! Finding records by time.

use super::error::LogError;
use super::log::Log;
use super::scan::{BadBatch, Found, Scan};
use crate::record::BatchView;
use crate::types::{LeaderEpoch, Offset};

/// A record found by its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampHit {
    pub offset: Offset,
    pub timestamp: i64,
    pub leader_epoch: LeaderEpoch,
}

/// A compressed batch whose records take more than this is not looked into.
const MAX_DECOMPRESSED: usize = 1 << 30;

impl Log {
    /// O6: the first record at or after `timestamp`, if it lies below `upper` (the reader's visible end).
    pub fn offset_for_timestamp(&mut self, timestamp: i64, upper: Offset) -> Result<Option<TimestampHit>, LogError> {
        let interval = self.config.index_interval_bytes;
        for i in self.segment_of(self.start)..self.segments.len() {
            let segment = &mut self.segments[i];
            if segment.largest(&self.home, interval)?.timestamp < timestamp {
                self.check_indexed(i)?;
                continue;
            }
            let from = segment.before_timestamp(&self.home, interval, timestamp)?.max(self.start);
            if let Some(hit) = self.search(i, from, timestamp)? {
                return Ok(Some(hit).filter(|h| h.offset < upper));
            }
        }
        Ok(None)
    }

    /// O5: the record with the largest timestamp, the first of them if there are several, if it lies below `upper`.
    pub fn max_timestamp(&mut self, upper: Offset) -> Result<Option<TimestampHit>, LogError> {
        let interval = self.config.index_interval_bytes;
        let mut best: Option<(i64, usize)> = None;
        let first = self.segment_of(self.start);
        for i in first..self.segments.len() {
            let timestamp = if i == first && self.segments[i].base < self.start {
                self.largest_from_start(i)?
            } else {
                self.segments[i].largest(&self.home, interval)?.timestamp
            };
            self.check_indexed(i)?;
            if timestamp >= 0 && best.is_none_or(|(t, _)| timestamp > t) {
                best = Some((timestamp, i));
            }
        }
        let Some((timestamp, i)) = best else { return Ok(None) };
        let from = self.segments[i].before_timestamp(&self.home, interval, timestamp)?.max(self.start);
        Ok(self.search(i, from, timestamp)?.filter(|h| h.offset < upper))
    }

    /// The first record of segment `i` at or above both `from` and `timestamp`.
    fn search(&mut self, i: usize, from: Offset, timestamp: i64) -> Result<Option<TimestampHit>, LogError> {
        let mut scan = self.scan_from(i, from)?;
        let file = self.segments[i].file(&self.home)?;
        while let Some(found) = scan.next().map_err(|e| e.in_file(&*file))? {
            if found.header.max_timestamp < timestamp || found.header.last_offset() < from {
                continue;
            }
            let mut hit = None;
            self.each_record(i, &found, |offset, at| {
                if hit.is_none() && offset >= from && at >= timestamp {
                    hit = Some(TimestampHit { offset, timestamp: at, leader_epoch: found.header.partition_leader_epoch });
                }
            })?;
            if hit.is_some() {
                self.check_order(i, found.position, found.end())?;
                return Ok(hit);
            }
        }
        Ok(None)
    }

    /// The largest timestamp of the records of segment `i` that were not deleted, when the log starts in its middle.
    fn largest_from_start(&mut self, i: usize) -> Result<i64, LogError> {
        let start = self.start;
        let mut scan = self.scan_from(i, start)?;
        let file = self.segments[i].file(&self.home)?;
        let mut largest = -1;
        while let Some(found) = scan.next().map_err(|e| e.in_file(&*file))? {
            if found.header.base_offset >= start {
                largest = largest.max(found.header.max_timestamp);
            } else {
                self.each_record(i, &found, |offset, at| largest = if offset >= start { largest.max(at) } else { largest })?;
            }
        }
        Ok(largest)
    }

    /// A scan of segment `i` that begins with the batch that contains `from`, or the next one.
    pub(super) fn scan_from(&mut self, i: usize, from: Offset) -> Result<Scan, LogError> {
        let next_base = self.end_of_segment(i);
        let segment = &mut self.segments[i];
        let size = segment.size;
        let position = segment.find(&self.home, self.config.index_interval_bytes, from, size)?.map_or(size, |f| f.position);
        Ok(Scan::new(segment.file(&self.home)?, position, size, segment.base - 1).below(next_base))
    }

    /// Calls `each` with offset and timestamp of every record of a batch.
    fn each_record(&mut self, i: usize, found: &Found, mut each: impl FnMut(Offset, i64)) -> Result<(), LogError> {
        let file = self.segments[i].file(&self.home)?;
        let mut bytes = vec![0; found.header.size_in_bytes()];
        file.read_exact_at(&mut bytes, found.position)?;
        let mut walk = || {
            let batch = BatchView::parse(&bytes)?;
            batch.check_crc()?;
            for record in batch.data(MAX_DECOMPRESSED)?.iter() {
                let record = record?;
                each(record.offset, record.timestamp);
            }
            Ok(())
        };
        walk().map_err(|why: crate::record::RecordError| BadBatch { position: found.position, why: why.into() }.in_file(&*file))
    }
}
