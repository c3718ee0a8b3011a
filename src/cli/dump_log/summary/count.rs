//! Counting what the batches of a log say.

use std::collections::BTreeMap;

use super::super::error::DumpError;
use super::super::legacy;
use super::super::log_file::{crc32_of, crc32c_of, readable_end};
use super::super::records::{each_legacy, each_v2};
use super::super::walk::{Found, Walk};
use super::super::window::FileWindow;
use crate::cli::out::progress::Progress;
use crate::record::{BatchHeader, Codec, ControlRecord, HEADER_LEN, NO_TIMESTAMP};

/// Holes that are kept; of more only their number is.
const MOST_HOLES: usize = 1000;

/// What went through one codec.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OfCodec {
    pub batches: u64,
    pub records: u64,
    pub bytes: u64,
}

/// What one producer wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OfProducer {
    /// Of its last batch.
    pub epoch: i16,
    pub records: u64,
    pub last_sequence: i32,
    pub last_offset: i64,
}

/// What has been met.
#[derive(Debug, Default)]
pub struct Counts {
    pub files: u64,
    pub bytes: u64,
    pub batches: u64,
    /// Without control records.
    pub records: u64,
    pub control_records: u64,
    /// First and last offset.
    pub offsets: Option<(i64, i64)>,
    pub codecs: BTreeMap<&'static str, OfCodec>,
    /// Earliest and latest timestamp.
    pub times: Option<(i64, i64)>,
    /// First and last offset of what is missing between batches.
    pub holes: Vec<(i64, i64)>,
    pub hole_count: u64,
    /// Offsets missing between batches.
    pub missing_between: u64,
    /// Offsets missing inside of batches: what compaction removed.
    pub missing_within: u64,
    pub producers: BTreeMap<i64, OfProducer>,
    pub committed: u64,
    pub aborted: u64,
    /// Producers and where their open transactions begin.
    pub open: BTreeMap<i64, i64>,
    /// First and last.
    pub leader_epochs: Option<(i32, i32)>,
    /// Batches whose CRC does not fit.
    pub damaged: u64,
    /// Bytes at the ends of files that are no whole batch.
    pub invalid_bytes: u64,
}

impl Counts {
    /// Goes through a file. What cannot be read ends it, and is counted.
    pub fn file(&mut self, path: &str, max_bytes: i32, progress: &mut Progress) -> Result<(), DumpError> {
        let mut log = FileWindow::open(path)?;
        let end = readable_end(&log, max_bytes)?;
        self.files += 1;
        let before = self.bytes;
        self.bytes += end;
        let mut walk = Walk::new(0, end);
        loop {
            match walk.next(&mut log) {
                Ok(Some(batch)) => self.batch(&mut log, &batch)?,
                Ok(None) => break,
                Err(DumpError::BatchLength { .. }) => break,
                Err(e) => return Err(e),
            }
            progress.reached(before + walk.position());
        }
        if max_bytes == i32::MAX {
            self.invalid_bytes += end - walk.position();
        }
        Ok(())
    }

    fn batch(&mut self, log: &mut FileWindow, batch: &Found) -> Result<(), DumpError> {
        self.batches += 1;
        let sound = if batch.is_legacy() {
            let stored = log.bytes(batch.position + 12, 4)?.and_then(|b| b.first_chunk()).map_or(0, |b| u32::from_be_bytes(*b));
            crc32_of(log, batch)? == stored
        } else {
            batch.size >= HEADER_LEN as u64 && crc32c_of(log, batch)? == batch.header(log)?.crc
        };
        if !sound {
            // Its fields are not to be trusted.
            self.damaged += 1;
            return Ok(());
        }
        if batch.is_legacy() { self.legacy(log, batch) } else { self.v2(log, batch) }
    }

    fn v2(&mut self, log: &mut FileWindow, batch: &Found) -> Result<(), DumpError> {
        let header = batch.header(log)?;
        let count = u64::try_from(header.record_count).unwrap_or(0);
        self.stretch(header.base_offset, header.last_offset());
        let covered = u64::try_from(header.last_offset() - header.base_offset + 1).unwrap_or(0);
        self.missing_within += covered.saturating_sub(count);
        let codec = self.codecs.entry(header.codec().map_or("unknown", Codec::name)).or_default();
        codec.batches += 1;
        codec.records += count;
        codec.bytes += batch.size;
        // The base is another thing where the delete horizon stands, and nothing is known of an empty batch.
        if count > 0 {
            let first = if header.has_delete_horizon() { header.max_timestamp } else { header.base_timestamp };
            self.time(first, header.max_timestamp);
        }
        if header.partition_leader_epoch >= 0 {
            let epoch = header.partition_leader_epoch;
            let (first, last) = self.leader_epochs.unwrap_or((epoch, epoch));
            self.leader_epochs = Some((first.min(epoch), last.max(epoch)));
        }
        if header.is_control() {
            self.control_records += count;
            return self.markers(log, batch, &header);
        }
        self.records += count;
        if header.has_producer_id() {
            let producer = self.producers.entry(header.producer_id).or_default();
            producer.epoch = header.producer_epoch;
            producer.records += count;
            producer.last_sequence = header.last_sequence();
            producer.last_offset = header.last_offset();
            if header.is_transactional() {
                self.open.entry(header.producer_id).or_insert(header.base_offset);
            }
        }
        Ok(())
    }

    fn markers(&mut self, log: &mut FileWindow, batch: &Found, header: &BatchHeader) -> Result<(), DumpError> {
        let (mut committed, mut aborted) = (0, 0);
        each_v2(log, batch, header, |record| {
            match ControlRecord::parse(record) {
                Ok(ControlRecord::Commit { .. }) => committed += 1,
                Ok(ControlRecord::Abort { .. }) => aborted += 1,
                _ => {}
            }
            Ok(())
        })?;
        self.committed += committed;
        self.aborted += aborted;
        if committed + aborted > 0 {
            self.open.remove(&header.producer_id);
        }
        Ok(())
    }

    fn legacy(&mut self, log: &mut FileWindow, batch: &Found) -> Result<(), DumpError> {
        let (mut count, mut first) = (0, batch.offset);
        let mut times: Option<(i64, i64)> = None;
        each_legacy(log, batch, |record, _| {
            count += 1;
            first = first.min(record.offset);
            if record.timestamp != NO_TIMESTAMP {
                let (earliest, latest) = times.unwrap_or((record.timestamp, record.timestamp));
                times = Some((earliest.min(record.timestamp), latest.max(record.timestamp)));
            }
            Ok(())
        })?;
        self.stretch(first, batch.offset);
        self.missing_within += u64::try_from(batch.offset - first + 1).unwrap_or(0).saturating_sub(count);
        let attributes = log.bytes(batch.position + 17, 1)?.map_or(0, |b| b[0]);
        let codec = self.codecs.entry(legacy::codec_of(attributes).map_or("unknown", Codec::name)).or_default();
        codec.batches += 1;
        codec.records += count;
        codec.bytes += batch.size;
        self.records += count;
        if let Some((earliest, latest)) = times {
            self.time(earliest, latest);
        }
        Ok(())
    }

    /// A batch holds these offsets.
    fn stretch(&mut self, first: i64, last: i64) {
        let Some((start, end)) = self.offsets else {
            self.offsets = Some((first, last));
            return;
        };
        if first > end.saturating_add(1) {
            self.hole_count += 1;
            self.missing_between += first.abs_diff(end) - 1;
            if self.holes.len() < MOST_HOLES {
                self.holes.push((end + 1, first - 1));
            }
        }
        self.offsets = Some((start, end.max(last)));
    }

    fn time(&mut self, first: i64, last: i64) {
        if last == NO_TIMESTAMP {
            return;
        }
        let first = if first == NO_TIMESTAMP { last } else { first.min(last) };
        let (earliest, latest) = self.times.unwrap_or((first, last));
        self.times = Some((earliest.min(first), latest.max(last)));
    }
}
