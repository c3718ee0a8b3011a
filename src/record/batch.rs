//! Record batch v2, the unit of produce, storage and fetch.
//!
//! ```text
//!  0  base_offset             i64  |  not under the CRC: the leader sets these
//!  8  batch_length            i32  |  bytes after this field
//! 12  partition_leader_epoch  i32  |
//! 16  magic                   i8   |  2
//! 17  crc                     u32  |  CRC-32C of bytes 21..end
//! 21  attributes              i16     bit 0-2 codec, 3 LogAppendTime, 4 transactional, 5 control, 6 delete horizon
//! 23  last_offset_delta       i32
//! 27  base_timestamp          i64     the delete horizon when bit 6 is set
//! 35  max_timestamp           i64
//! 43  producer_id             i64
//! 51  producer_epoch          i16
//! 53  base_sequence           i32
//! 57  record_count            i32
//! 61  records, compressed as a whole when a codec is set
//! ```

use super::codec::{self, Codec};
use super::error::RecordError;
use super::iter::RecordData;

/// Bytes of `base_offset` and `batch_length`, which `batch_length` does not count.
pub const LOG_OVERHEAD: usize = 12;
/// Bytes up to and including `magic`: enough to find a batch's end and format in any format version.
pub const BATCH_PREFIX_LEN: usize = 17;
/// Bytes of a v2 batch header; the smallest v2 batch.
pub const HEADER_LEN: usize = 61;
/// Smallest value of the length field in any format version (a v0 record with nothing in it).
const MIN_BATCH_LENGTH: i32 = 14;
const MAGIC_V2: i8 = 2;
const ATTRIBUTES_AT: usize = 21;

/// "No timestamp".
pub const NO_TIMESTAMP: i64 = -1;
/// "Not from an idempotent producer".
pub const NO_PRODUCER_ID: i64 = -1;
pub const NO_PRODUCER_EPOCH: i16 = -1;
pub const NO_SEQUENCE: i32 = -1;

/// What a batch's timestamps mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimestampType {
    /// Set by the producer, one per record.
    #[default]
    CreateTime,
    /// Set by the broker, one for the whole batch (its `max_timestamp`).
    LogAppendTime,
}

impl TimestampType {
    /// The name as in `message.timestamp.type`.
    pub fn name(self) -> &'static str {
        match self {
            TimestampType::CreateTime => "CreateTime",
            TimestampType::LogAppendTime => "LogAppendTime",
        }
    }
}

/// The batch's attribute bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attributes(pub i16);

impl Attributes {
    const CODEC_MASK: i16 = 0x07;
    const LOG_APPEND_TIME: i16 = 0x08;
    const TRANSACTIONAL: i16 = 0x10;
    const CONTROL: i16 = 0x20;
    const DELETE_HORIZON: i16 = 0x40;

    /// The three codec bits, which may name no codec.
    pub fn codec_id(self) -> u8 {
        (self.0 & Self::CODEC_MASK) as u8
    }
    pub fn timestamp_type(self) -> TimestampType {
        if self.0 & Self::LOG_APPEND_TIME != 0 { TimestampType::LogAppendTime } else { TimestampType::CreateTime }
    }
    pub fn is_transactional(self) -> bool {
        self.0 & Self::TRANSACTIONAL != 0
    }
    pub fn is_control(self) -> bool {
        self.0 & Self::CONTROL != 0
    }
    pub fn has_delete_horizon(self) -> bool {
        self.0 & Self::DELETE_HORIZON != 0
    }

    #[must_use]
    pub fn with_codec(self, codec: Codec) -> Self {
        Attributes((self.0 & !Self::CODEC_MASK) | i16::from(codec.id()))
    }
    #[must_use]
    pub fn with_timestamp_type(self, kind: TimestampType) -> Self {
        self.with(Self::LOG_APPEND_TIME, kind == TimestampType::LogAppendTime)
    }
    #[must_use]
    pub fn with_transactional(self, on: bool) -> Self {
        self.with(Self::TRANSACTIONAL, on)
    }
    #[must_use]
    pub fn with_control(self, on: bool) -> Self {
        self.with(Self::CONTROL, on)
    }
    #[must_use]
    pub fn with_delete_horizon(self, on: bool) -> Self {
        self.with(Self::DELETE_HORIZON, on)
    }

    fn with(self, bit: i16, on: bool) -> Self {
        Attributes(if on { self.0 | bit } else { self.0 & !bit })
    }
}

/// The fields that every format version (0, 1, 2) has in the same place: enough to step from batch to batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchPrefix {
    pub base_offset: i64,
    pub batch_length: i32,
    pub magic: i8,
}

impl BatchPrefix {
    /// Reads the first 17 bytes. Errors: `Truncated`, `BatchTooSmall`.
    pub fn parse(bytes: &[u8]) -> Result<BatchPrefix, RecordError> {
        let Some(head) = bytes.first_chunk::<BATCH_PREFIX_LEN>() else {
            return Err(RecordError::Truncated { needed: BATCH_PREFIX_LEN as u64, available: bytes.len() as u64 });
        };
        let prefix = BatchPrefix {
            base_offset: i64::from_be_bytes(at(head, 0)),
            batch_length: i32::from_be_bytes(at(head, 8)),
            magic: head[16] as i8,
        };
        let least = if prefix.magic >= MAGIC_V2 { (HEADER_LEN - LOG_OVERHEAD) as i32 } else { MIN_BATCH_LENGTH };
        if prefix.batch_length < least {
            return Err(RecordError::BatchTooSmall(prefix.batch_length));
        }
        Ok(prefix)
    }

    /// Bytes of the whole batch, this prefix included.
    pub fn size_in_bytes(&self) -> usize {
        // A parsed length is not negative.
        LOG_OVERHEAD + self.batch_length.max(0) as usize
    }
}

/// A v2 batch header, field for field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    pub base_offset: i64,
    /// Bytes after this field: whole size - 12.
    pub batch_length: i32,
    pub partition_leader_epoch: i32,
    pub magic: i8,
    pub crc: u32,
    pub attributes: Attributes,
    pub last_offset_delta: i32,
    pub base_timestamp: i64,
    pub max_timestamp: i64,
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub base_sequence: i32,
    pub record_count: i32,
}

impl BatchHeader {
    /// Reads the first 61 bytes. Says nothing about whether the rest is there: see [`BatchHeader::size_in_bytes`].
    /// Errors: `Truncated`, `BatchTooSmall`, `BadMagic`.
    pub fn parse(bytes: &[u8]) -> Result<BatchHeader, RecordError> {
        let prefix = BatchPrefix::parse(bytes)?;
        if prefix.magic != MAGIC_V2 {
            return Err(RecordError::BadMagic(prefix.magic));
        }
        let Some(h) = bytes.first_chunk::<HEADER_LEN>() else {
            return Err(RecordError::Truncated { needed: HEADER_LEN as u64, available: bytes.len() as u64 });
        };
        Ok(BatchHeader {
            base_offset: prefix.base_offset,
            batch_length: prefix.batch_length,
            partition_leader_epoch: i32::from_be_bytes(at(h, 12)),
            magic: prefix.magic,
            crc: u32::from_be_bytes(at(h, 17)),
            attributes: Attributes(i16::from_be_bytes(at(h, ATTRIBUTES_AT))),
            last_offset_delta: i32::from_be_bytes(at(h, 23)),
            base_timestamp: i64::from_be_bytes(at(h, 27)),
            max_timestamp: i64::from_be_bytes(at(h, 35)),
            producer_id: i64::from_be_bytes(at(h, 43)),
            producer_epoch: i16::from_be_bytes(at(h, 51)),
            base_sequence: i32::from_be_bytes(at(h, 53)),
            record_count: i32::from_be_bytes(at(h, 57)),
        })
    }

    /// The 61 bytes, with the CRC as it stands in the struct.
    pub fn to_bytes(&self) -> [u8; HEADER_LEN] {
        let mut h = [0u8; HEADER_LEN];
        h[0..8].copy_from_slice(&self.base_offset.to_be_bytes());
        h[8..12].copy_from_slice(&self.batch_length.to_be_bytes());
        h[12..16].copy_from_slice(&self.partition_leader_epoch.to_be_bytes());
        h[16] = self.magic as u8;
        h[17..21].copy_from_slice(&self.crc.to_be_bytes());
        h[21..23].copy_from_slice(&self.attributes.0.to_be_bytes());
        h[23..27].copy_from_slice(&self.last_offset_delta.to_be_bytes());
        h[27..35].copy_from_slice(&self.base_timestamp.to_be_bytes());
        h[35..43].copy_from_slice(&self.max_timestamp.to_be_bytes());
        h[43..51].copy_from_slice(&self.producer_id.to_be_bytes());
        h[51..53].copy_from_slice(&self.producer_epoch.to_be_bytes());
        h[53..57].copy_from_slice(&self.base_sequence.to_be_bytes());
        h[57..61].copy_from_slice(&self.record_count.to_be_bytes());
        h
    }

    /// Bytes of the whole batch, header included.
    pub fn size_in_bytes(&self) -> usize {
        LOG_OVERHEAD + self.batch_length.max(0) as usize
    }

    /// The codec of the records. Error: `UnknownCodec`.
    pub fn codec(&self) -> Result<Codec, RecordError> {
        Codec::from_id(self.attributes.codec_id()).ok_or(RecordError::UnknownCodec(self.attributes.codec_id()))
    }
    pub fn timestamp_type(&self) -> TimestampType {
        self.attributes.timestamp_type()
    }
    pub fn is_transactional(&self) -> bool {
        self.attributes.is_transactional()
    }
    pub fn is_control(&self) -> bool {
        self.attributes.is_control()
    }
    /// The time from which compaction may drop this batch's tombstones or marker, if it was set.
    pub fn delete_horizon_ms(&self) -> Option<i64> {
        self.attributes.has_delete_horizon().then_some(self.base_timestamp)
    }
    pub fn has_delete_horizon(&self) -> bool {
        self.attributes.has_delete_horizon()
    }

    /// Offset of the last record. Compaction may have removed that record; the offset stays.
    pub fn last_offset(&self) -> i64 {
        self.base_offset.wrapping_add(i64::from(self.last_offset_delta))
    }
    /// The first offset after this batch.
    pub fn next_offset(&self) -> i64 {
        self.last_offset().wrapping_add(1)
    }

    pub fn has_producer_id(&self) -> bool {
        self.producer_id > NO_PRODUCER_ID
    }
    /// Sequence of the last record, -1 if there is none. After 2147483647 comes 0.
    pub fn last_sequence(&self) -> i32 {
        if self.base_sequence == NO_SEQUENCE { NO_SEQUENCE } else { increment_sequence(self.base_sequence, self.last_offset_delta) }
    }

    /// Recomputes the CRC for these fields in front of `body` (the bytes after the header).
    pub fn compute_crc(&self, body: &[u8]) -> u32 {
        crc32c::crc32c_append(crc32c::crc32c(&self.to_bytes()[ATTRIBUTES_AT..]), body)
    }

    /// These fields with `change` applied and the CRC made to fit `body` (the bytes after the header).
    #[must_use]
    pub fn rewritten(&self, change: HeaderRewrite, body: &[u8]) -> BatchHeader {
        let mut new = *self;
        new.attributes = new.attributes.with_timestamp_type(change.timestamp_type);
        new.max_timestamp = change.max_timestamp;
        // At some 30 GB/s, reading the body again costs less than the matrix work of an incremental CRC up to about half a megabyte.
        new.crc = new.compute_crc(body);
        new
    }
}

/// `sequence` + `by`, where 0 comes after 2147483647.
pub fn increment_sequence(sequence: i32, by: i32) -> i32 {
    let sum = i64::from(sequence) + i64::from(by);
    if sum > i64::from(i32::MAX) { (sum - i64::from(i32::MAX) - 1) as i32 } else { sum as i32 }
}

/// What a leader may change under the CRC without touching the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderRewrite {
    pub timestamp_type: TimestampType,
    pub max_timestamp: i64,
}

/// The header to write in front of `view`'s untouched body: new base offset and leader epoch (both outside the CRC) and, if asked,
/// a rewrite under the CRC. The view's stored CRC must have been checked before: a rewrite computes a fresh one.
pub fn patched_header(view: &BatchView<'_>, base_offset: i64, leader_epoch: i32, rewrite: Option<HeaderRewrite>) -> [u8; HEADER_LEN] {
    let header = rewrite.map_or(view.header, |r| view.header.rewritten(r, view.body()));
    BatchHeader { base_offset, partition_leader_epoch: leader_epoch, ..header }.to_bytes()
}

/// One v2 batch in place. `bytes` is exactly the batch, header included.
#[derive(Clone, Copy, Debug)]
pub struct BatchView<'a> {
    pub header: BatchHeader,
    pub bytes: &'a [u8],
}

impl<'a> BatchView<'a> {
    /// The batch at the start of `bytes`; what follows it is ignored. The CRC is not checked.
    /// Errors: `Truncated`, `BatchTooSmall`, `BadMagic`.
    pub fn parse(bytes: &'a [u8]) -> Result<BatchView<'a>, RecordError> {
        let header = BatchHeader::parse(bytes)?;
        let size = header.size_in_bytes();
        let Some(bytes) = bytes.get(..size) else {
            return Err(RecordError::Truncated { needed: size as u64, available: bytes.len() as u64 });
        };
        Ok(BatchView { header, bytes })
    }

    /// The bytes after the header: the records, possibly compressed.
    pub fn body(&self) -> &'a [u8] {
        &self.bytes[HEADER_LEN..]
    }

    pub fn computed_crc(&self) -> u32 {
        crc32c::crc32c(&self.bytes[ATTRIBUTES_AT..])
    }

    /// Error: `BadCrc`.
    pub fn check_crc(&self) -> Result<(), RecordError> {
        let (stored, computed) = (self.header.crc, self.computed_crc());
        if stored == computed { Ok(()) } else { Err(RecordError::BadCrc { stored, computed }) }
    }

    /// The records, decompressed if need be to at most `limit` bytes.
    /// Errors: `UnknownCodec`, `Undecodable`, `TooLarge`.
    pub fn data(&self, limit: usize) -> Result<RecordData<'a>, RecordError> {
        let bytes = match self.header.codec()? {
            Codec::None => std::borrow::Cow::Borrowed(self.body()),
            codec => std::borrow::Cow::Owned(codec::decompress(codec, self.body(), limit)?),
        };
        Ok(RecordData { header: self.header, bytes })
    }
}

/// Steps over consecutive v2 batches. See [`batches`].
#[derive(Clone, Debug)]
pub struct Batches<'a> {
    rest: &'a [u8],
    position: usize,
}

/// The batches in `bytes`, in order, without CRC checks. The first error is the last item; a fetch response may end in the middle of a
/// batch, which shows as `Truncated`.
pub fn batches(bytes: &[u8]) -> Batches<'_> {
    Batches { rest: bytes, position: 0 }
}

impl<'a> Batches<'a> {
    /// Where the next batch starts, in bytes from the beginning; after an error, where the bad batch starts.
    pub fn position(&self) -> usize {
        self.position
    }
}

impl<'a> Iterator for Batches<'a> {
    type Item = Result<BatchView<'a>, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let item = BatchView::parse(self.rest);
        match &item {
            Ok(view) => {
                self.rest = &self.rest[view.bytes.len()..];
                self.position += view.bytes.len();
            }
            Err(_) => self.rest = &[],
        }
        Some(item)
    }
}

/// `N` bytes of a header at a constant place.
fn at<const N: usize>(bytes: &[u8], from: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[from..from + N]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{BatchBuilder, BatchOptions};

    fn sample() -> Vec<u8> {
        let mut b = BatchBuilder::new(BatchOptions { base_sequence: i32::MAX, producer_id: 7, producer_epoch: 1, ..Default::default() });
        b.append(1000, Some(b"k"), Some(b"v"), &[]).unwrap();
        b.append(1005, None, None, &[]).unwrap();
        b.finish().unwrap().to_vec()
    }

    #[test]
    fn header_round_trips_and_answers() {
        let bytes = sample();
        let view = BatchView::parse(&bytes).unwrap();
        view.check_crc().unwrap();
        assert_eq!(view.header.to_bytes(), bytes[..HEADER_LEN]);
        assert_eq!(view.header.size_in_bytes(), bytes.len());
        assert_eq!((view.header.last_offset(), view.header.next_offset()), (1, 2));
        assert_eq!((view.header.base_timestamp, view.header.max_timestamp), (1000, 1005));
        assert_eq!(view.header.codec(), Ok(Codec::None));
    }

    #[test]
    fn i9_a_batch_of_n_uses_n_sequences_and_wraps_to_zero() {
        assert_eq!(BatchView::parse(&sample()).unwrap().header.last_sequence(), 0);
        assert_eq!(increment_sequence(5, 3), 8);
        assert_eq!(increment_sequence(i32::MAX - 1, 3), 1);
    }

    #[test]
    fn p14_base_offset_and_epoch_lie_outside_the_crc_and_a_rewrite_keeps_it_right() {
        let mut bytes = sample();
        let change = HeaderRewrite { timestamp_type: TimestampType::LogAppendTime, max_timestamp: 99 };
        for (rewrite, timestamp) in [(None, 1000), (Some(change), 99)] {
            let head = patched_header(&BatchView::parse(&bytes).unwrap(), 500, 3, rewrite);
            bytes[..HEADER_LEN].copy_from_slice(&head);
            let view = BatchView::parse(&bytes).unwrap();
            view.check_crc().unwrap();
            assert_eq!((view.header.base_offset, view.header.partition_leader_epoch), (500, 3));
            let data = view.data(1 << 20).unwrap();
            let first = data.iter().next().unwrap().unwrap();
            assert_eq!((first.offset, first.timestamp), (500, timestamp));
        }
        bytes[HEADER_LEN] ^= 1;
        assert!(matches!(BatchView::parse(&bytes).unwrap().check_crc(), Err(RecordError::BadCrc { .. })));
    }

    #[test]
    fn lengths_that_lie_are_typed_errors() {
        let whole = sample();
        let with_length = |n: i32| {
            let mut bytes = whole.clone();
            bytes[8..12].copy_from_slice(&n.to_be_bytes());
            BatchView::parse(&bytes).map(|_| ()).unwrap_err()
        };
        assert_eq!(with_length(-1), RecordError::BatchTooSmall(-1));
        assert_eq!(with_length(48), RecordError::BatchTooSmall(48));
        assert_eq!(with_length(i32::MAX), RecordError::Truncated { needed: i32::MAX as u64 + 12, available: whole.len() as u64 });
        for cut in 1..whole.len() {
            let mut it = batches(&whole[..cut]);
            assert!(matches!(it.next(), Some(Err(RecordError::Truncated { .. }))), "cut at {cut}");
            assert!(it.next().is_none());
        }
        let mut legacy = whole.clone();
        legacy[16] = 1;
        assert_eq!(BatchView::parse(&legacy).map(|_| ()), Err(RecordError::BadMagic(1)));
    }

    #[test]
    fn batches_steps_through_a_row_of_them() {
        let two = [sample(), sample()].concat();
        let mut it = batches(&two);
        assert_eq!(it.by_ref().filter(|b| b.is_ok()).count(), 2);
        assert_eq!(it.position(), two.len());
    }
}
