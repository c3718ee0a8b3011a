//! What a leader checks of one partition's records in a produce request before it writes them, and what it changes.
//!
//! [`single_batch`] holds the checks that come before everything else (P5); [`validate`] holds those on the batch and its records
//! (P12 to P23). Base offset and leader epoch are not set here: the log knows them when it writes ([`Validated::header_bytes`]).

use bytes::Bytes;

use super::batch::{BatchHeader, BatchPrefix, BatchView, HEADER_LEN, LOG_OVERHEAD, NO_TIMESTAMP, TimestampType};
use super::build::write_record;
use super::codec::{Codec, Compression, Decoder, Encoder};
use super::error::RecordError;
use super::iter::{Header, RecordIter};
use super::refusal::{BadRecords, RecordFault, Refusal};
use super::walk::{RecordShape, walk_payload};
use crate::types::{Now, WallMs};

/// Where an append comes from; only clients are distrusted on who they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    #[default]
    Client,
    /// A group or transaction coordinator of this broker: may write control batches.
    Coordinator,
    /// The controller's metadata log: also not held to `max.message.bytes`.
    RaftLeader,
}

/// `compression.type` of a topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TopicCompression {
    /// Keep what the producer chose.
    #[default]
    Producer,
    /// Recompress what has another codec (`uncompressed` is [`Codec::None`]). A batch that has the codec stays, whatever its level.
    Fixed(Compression),
}

/// The topic's settings that bear on validation, and the time. The default is Kafka's default topic at time 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValidateOptions {
    pub now: Now,
    pub origin: Origin,
    /// `max.message.bytes`.
    pub max_message_bytes: usize,
    /// `segment.bytes`.
    pub segment_bytes: usize,
    /// `cleanup.policy` contains `compact`.
    pub compact: bool,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms` and `message.timestamp.after.max.ms`.
    pub before_max_ms: i64,
    pub after_max_ms: i64,
    /// `compression.type` with its level.
    pub compression: TopicCompression,
    /// Most bytes the records may decompress to. They are checked piece by piece, so this bounds time more than memory.
    pub decompressed_limit: usize,
}

impl Default for ValidateOptions {
    fn default() -> Self {
        ValidateOptions {
            now: Now::default(),
            origin: Origin::Client,
            max_message_bytes: 1_048_588,
            segment_bytes: 1 << 30,
            compact: false,
            timestamp_type: TimestampType::CreateTime,
            before_max_ms: i64::MAX,
            after_max_ms: 3_600_000,
            compression: TopicCompression::Producer,
            decompressed_limit: 256 << 20,
        }
    }
}

/// The one batch of a partition's produce data: a v2 header, and bytes that are all there. Nothing else is checked yet.
#[derive(Clone, Debug)]
pub struct ProducedBatch {
    pub header: BatchHeader,
    /// The whole batch, a slice of the request.
    pub bytes: Bytes,
}

/// P5: there must be exactly one batch, of magic 2; zstd only where the request's version knows it (v7 and later).
/// A batch that is cut short after the first one is dropped, as Kafka does.
pub fn single_batch(records: &Bytes, zstd_allowed: bool) -> Result<ProducedBatch, Refusal> {
    let view = match BatchView::parse(records) {
        Ok(view) => view,
        Err(RecordError::Truncated { .. }) => return Err(Refusal::NoBatch),
        Err(RecordError::BadMagic(magic)) => return Err(Refusal::WrongMagic(magic)),
        Err(e) => return Err(Refusal::Corrupt(e)),
    };
    if view.header.attributes.codec_id() == Codec::Zstd.id() && !zstd_allowed {
        return Err(Refusal::ZstdNotAllowed);
    }
    let rest = &records[view.bytes.len()..];
    match BatchPrefix::parse(rest) {
        Ok(next) if next.size_in_bytes() <= rest.len() => return Err(Refusal::MoreThanOneBatch),
        Err(e @ RecordError::BatchTooSmall(_)) => return Err(Refusal::Corrupt(e)),
        _ => {}
    }
    Ok(ProducedBatch { header: view.header, bytes: records.slice(..view.bytes.len()) })
}

/// A batch that may be appended.
#[derive(Clone, Debug)]
pub struct Validated {
    /// Right in every field but base offset and leader epoch, which the CRC does not cover.
    pub header: BatchHeader,
    /// The bytes after the header: a slice of the request unless `rewritten`.
    pub body: Bytes,
    /// -1 if no record has a time.
    pub max_timestamp: i64,
    /// Which record has that time first (0 for LogAppendTime).
    pub max_timestamp_delta: i32,
    /// What the response reports: the broker's time on a LogAppendTime topic, else -1.
    pub log_append_time: i64,
    /// The records were recompressed or renumbered.
    pub rewritten: bool,
}

impl Validated {
    /// The header to write in front of `body`.
    pub fn header_bytes(&self, base_offset: i64, leader_epoch: i32) -> [u8; HEADER_LEN] {
        BatchHeader { base_offset, partition_leader_epoch: leader_epoch, ..self.header }.to_bytes()
    }
    /// Number of records.
    pub fn count(&self) -> i32 {
        self.header.record_count
    }
    pub fn size_in_bytes(&self) -> usize {
        self.header.size_in_bytes()
    }
}

/// P12 to P23. The order of checks is Kafka's, so that a batch with several faults gets Kafka's answer.
pub fn validate(batch: &ProducedBatch, options: &ValidateOptions) -> Result<Validated, Refusal> {
    let codec = check_batch(batch, options)?;
    let tally = check_records(batch, codec, options)?;
    let target = match options.compression {
        // Control records stay uncompressed unless written otherwise.
        TopicCompression::Fixed(target) if !(batch.header.is_control() && codec == Codec::None) => target,
        _ => codec.into(),
    };
    let rewritten = if !tally.in_order {
        Some(renumbered(batch, options, codec, target)?)
    } else if target.codec != codec {
        Some(recompressed(batch, options, codec, target)?)
    } else {
        None
    };
    finish(batch, options, &tally, target.codec, rewritten)
}

/// What needs no look at the records: P12 to P15, and a known codec.
fn check_batch(batch: &ProducedBatch, options: &ValidateOptions) -> Result<Codec, Refusal> {
    let header = &batch.header;
    let from_client = options.origin == Origin::Client;
    if from_client && header.base_offset != 0 {
        return Err(Refusal::BaseOffset(header.base_offset));
    }
    if header.size_in_bytes() > max_size(options) {
        return Err(Refusal::TooLarge { size: header.size_in_bytes(), max: options.max_message_bytes });
    }
    BatchView { header: *header, bytes: &batch.bytes }.check_crc().map_err(Refusal::Corrupt)?;
    if header.record_count <= 0 || header.last_offset_delta != header.record_count - 1 {
        return Err(Refusal::Count { count: header.record_count, last_offset_delta: header.last_offset_delta });
    }
    if from_client && header.is_control() {
        return Err(Refusal::ControlBatch);
    }
    if from_client && header.has_producer_id() && header.base_sequence < 0 {
        return Err(Refusal::Sequence { producer_id: header.producer_id, base_sequence: header.base_sequence });
    }
    header.codec().map_err(Refusal::Records)
}

fn max_size(options: &ValidateOptions) -> usize {
    if options.origin == Origin::RaftLeader { usize::MAX } else { options.max_message_bytes }
}

/// What one pass over the records found.
struct Tally {
    count: i32,
    /// Offset deltas are 0, 1, 2...
    in_order: bool,
    null_key: bool,
    /// Times as readers will see them.
    max_timestamp: i64,
    max_timestamp_delta: i32,
    /// Smallest and largest time that P18 looks at (-1 is exempt).
    checked: Option<(i64, i64)>,
}

impl Tally {
    fn new() -> Tally {
        Tally { count: 0, in_order: true, null_key: false, max_timestamp: NO_TIMESTAMP, max_timestamp_delta: -1, checked: None }
    }

    #[inline(always)]
    fn add(&mut self, base_timestamp: i64, record: RecordShape) {
        self.in_order &= record.offset_delta == self.count;
        self.null_key |= !record.has_key;
        let timestamp = base_timestamp.wrapping_add(record.timestamp_delta);
        if timestamp > self.max_timestamp {
            self.max_timestamp = timestamp;
            self.max_timestamp_delta = self.count;
        }
        if timestamp != NO_TIMESTAMP {
            let (low, high) = self.checked.unwrap_or((timestamp, timestamp));
            self.checked = Some((low.min(timestamp), high.max(timestamp)));
        }
        self.count += 1;
    }
}

/// P16 to P19: the structure of the records, their keys and times.
fn check_records(batch: &ProducedBatch, codec: Codec, options: &ValidateOptions) -> Result<Tally, Refusal> {
    let header = &batch.header;
    let body = &batch.bytes[HEADER_LEN..];
    let limit = options.decompressed_limit;
    let mut tally = Tally::new();
    walk_payload(codec, body, header.record_count, limit, |record| tally.add(header.base_timestamp, record)).map_err(Refusal::Records)?;
    let rules = RecordRules { header, options };
    let suspect =
        (options.compact && tally.null_key) || rules.batch_time_is_bad() || tally.checked.is_some_and(|range| rules.times_are_bad(range));
    if suspect {
        let mut bad = BadRecords::default();
        let check = |record| bad.add_if(rules.fault(record));
        walk_payload(codec, body, header.record_count, limit, check).map_err(Refusal::Records)?;
        if !bad.is_empty() {
            return Err(Refusal::BadRecords(bad));
        }
    }
    Ok(tally)
}

/// P17 to P19 on single records.
struct RecordRules<'a> {
    header: &'a BatchHeader,
    options: &'a ValidateOptions,
}

impl RecordRules<'_> {
    fn batch_says_append_time(&self) -> bool {
        self.header.timestamp_type() == TimestampType::LogAppendTime
    }

    /// Every record has the batch's one time, which is not a producer's to set.
    fn batch_time_is_bad(&self) -> bool {
        match self.options.timestamp_type {
            TimestampType::LogAppendTime => self.batch_says_append_time(),
            TimestampType::CreateTime => {
                let time = self.header.max_timestamp;
                self.batch_says_append_time() && (time == NO_TIMESTAMP || self.out_of_range(time))
            }
        }
    }

    fn times_are_bad(&self, (low, high): (i64, i64)) -> bool {
        let checked = self.options.timestamp_type == TimestampType::CreateTime && !self.batch_says_append_time();
        checked && (self.out_of_range(low) || self.out_of_range(high))
    }

    fn out_of_range(&self, timestamp: i64) -> bool {
        let (first, last) = self.range();
        timestamp != NO_TIMESTAMP && (timestamp < first || timestamp > last)
    }

    fn range(&self) -> (i64, i64) {
        let WallMs(now) = self.options.now.wall;
        (now.saturating_sub(self.options.before_max_ms), now.saturating_add(self.options.after_max_ms))
    }

    fn fault(&self, record: RecordShape) -> Option<RecordFault> {
        if self.options.compact && !record.has_key {
            return Some(RecordFault::NullKey);
        }
        let no_time = self.header.max_timestamp == NO_TIMESTAMP;
        if self.options.timestamp_type == TimestampType::LogAppendTime || (self.batch_says_append_time() && no_time) {
            return self.batch_says_append_time().then_some(RecordFault::LogAppendTimeSet);
        }
        let own = self.header.base_timestamp.wrapping_add(record.timestamp_delta);
        let timestamp = if self.batch_says_append_time() { self.header.max_timestamp } else { own };
        let (first, last) = self.range();
        self.out_of_range(timestamp).then_some(RecordFault::Timestamp { timestamp, offset: i64::from(record.offset_delta), first, last })
    }
}

/// P21: the same records under another codec, piece by piece. Stops as soon as the result is too large to be kept.
fn recompressed(batch: &ProducedBatch, options: &ValidateOptions, codec: Codec, target: Compression) -> Result<Bytes, Refusal> {
    let mut decoder = Decoder::new(codec, &batch.bytes[HEADER_LEN..], options.decompressed_limit);
    let mut encoder = Encoder::new(target, Vec::new()).map_err(Refusal::Records)?;
    let mut piece = Vec::new();
    while decoder.next(&mut piece).map_err(Refusal::Records)? {
        encoder.write(&piece).map_err(Refusal::Records)?;
        piece.clear();
        check_size(HEADER_LEN + encoder.output_len(), options)?;
    }
    encoder.finish().map(Bytes::from).map_err(Refusal::Records)
}

/// Only old clients send offset deltas other than 0, 1, 2..., so this may cost memory, but not without bound.
const RENUMBER_MOST: usize = 16 << 20;

/// P22: the same records with offset deltas 0, 1, 2...
fn renumbered(batch: &ProducedBatch, options: &ValidateOptions, codec: Codec, target: Compression) -> Result<Bytes, Refusal> {
    let limit = options.decompressed_limit.min(RENUMBER_MOST);
    let view = BatchView { header: batch.header, bytes: &batch.bytes };
    debug_assert_eq!(view.header.attributes.codec_id(), codec.id());
    let data = view.data(limit).map_err(Refusal::Records)?;
    let mut encoder = Encoder::new(target, Vec::new()).map_err(Refusal::Records)?;
    let mut scratch = Vec::new();
    let mut headers: Vec<Header<'_>> = Vec::new();
    for (offset_delta, record) in (0..).zip(RecordIter::new(&data.header, &data.bytes)) {
        let record = record.map_err(Refusal::Records)?;
        headers.clear();
        headers.extend(record.headers());
        scratch.clear();
        write_record(&mut scratch, offset_delta, record.timestamp_delta, record.key, record.value, &headers).map_err(Refusal::Records)?;
        encoder.write(&scratch).map_err(Refusal::Records)?;
    }
    encoder.finish().map(Bytes::from).map_err(Refusal::Records)
}

fn check_size(size: usize, options: &ValidateOptions) -> Result<(), Refusal> {
    if size > max_size(options) { Err(Refusal::TooLarge { size, max: options.max_message_bytes }) } else { Ok(()) }
}

/// P20 and the second half of P21: times, sizes, and a CRC that fits.
fn finish(
    batch: &ProducedBatch,
    options: &ValidateOptions,
    tally: &Tally,
    codec: Codec,
    rewritten: Option<Bytes>,
) -> Result<Validated, Refusal> {
    let append_time = (options.timestamp_type == TimestampType::LogAppendTime).then_some(options.now.wall.0);
    let is_rewritten = rewritten.is_some();
    let body = rewritten.unwrap_or_else(|| batch.bytes.slice(HEADER_LEN..));
    let size = HEADER_LEN + body.len();
    check_size(size, options)?;
    if size > options.segment_bytes {
        return Err(Refusal::LargerThanSegment { size, max: options.segment_bytes });
    }
    let mut header = BatchHeader {
        batch_length: i32::try_from(size - LOG_OVERHEAD).map_err(|_| Refusal::Records(RecordError::BatchTooLarge))?,
        attributes: batch.header.attributes.with_codec(codec).with_timestamp_type(options.timestamp_type),
        max_timestamp: append_time.unwrap_or(tally.max_timestamp),
        ..batch.header
    };
    if is_rewritten || header != batch.header {
        header.crc = header.compute_crc(&body);
    }
    Ok(Validated {
        header,
        body,
        max_timestamp: header.max_timestamp,
        max_timestamp_delta: if append_time.is_some() { 0 } else { tally.max_timestamp_delta },
        log_append_time: append_time.unwrap_or(NO_TIMESTAMP),
        rewritten: is_rewritten,
    })
}

#[cfg(test)]
mod tests;
