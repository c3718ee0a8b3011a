//! Making a v2 batch from records.

use bytes::Bytes;

use crate::wire::varint;

use super::batch::{
    Attributes, BatchHeader, HEADER_LEN, LOG_OVERHEAD, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, NO_TIMESTAMP, TimestampType,
};
use super::codec::{self, Compression};
use super::error::RecordError;
use super::iter::Header;
use super::ratio::CompressionRatio;

/// A batch's fields that do not come from its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchOptions {
    pub base_offset: i64,
    pub partition_leader_epoch: i32,
    pub compression: Compression,
    /// With LogAppendTime: the broker's time, which becomes the batch's max timestamp.
    pub append_time: Option<i64>,
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub base_sequence: i32,
    pub transactional: bool,
    pub control: bool,
    /// Compaction's delete horizon; it takes the place of the base timestamp.
    pub delete_horizon_ms: Option<i64>,
}

impl Default for BatchOptions {
    fn default() -> Self {
        BatchOptions {
            base_offset: 0,
            partition_leader_epoch: -1,
            compression: Compression::default(),
            append_time: None,
            producer_id: NO_PRODUCER_ID,
            producer_epoch: NO_PRODUCER_EPOCH,
            base_sequence: NO_SEQUENCE,
            transactional: false,
            control: false,
            delete_horizon_ms: None,
        }
    }
}

/// Collects records and makes one batch of them. Offsets count up from the base offset unless given.
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    pub options: BatchOptions,
    /// Uncompressed records; the first 61 bytes are kept free for the header so that an uncompressed batch is not copied.
    buffer: Vec<u8>,
    count: i32,
    base_timestamp: Option<i64>,
    max_timestamp: i64,
    last_offset_delta: i32,
}

impl BatchBuilder {
    pub fn new(options: BatchOptions) -> BatchBuilder {
        BatchBuilder::with_capacity(options, 0)
    }

    /// `capacity`: bytes of records expected, uncompressed.
    pub fn with_capacity(options: BatchOptions, capacity: usize) -> BatchBuilder {
        let mut buffer = Vec::with_capacity(HEADER_LEN + capacity);
        buffer.resize(HEADER_LEN, 0);
        BatchBuilder {
            options,
            buffer,
            count: 0,
            base_timestamp: options.delete_horizon_ms,
            max_timestamp: NO_TIMESTAMP,
            last_offset_delta: -1,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
    pub fn count(&self) -> i32 {
        self.count
    }
    /// Bytes of the batch so far if it were not compressed, header included.
    pub fn uncompressed_size(&self) -> usize {
        self.buffer.len()
    }
    /// Bytes of the batch so far as the Java producer estimates them against `batch.size`: exact without compression.
    pub fn estimated_size(&self, ratio: CompressionRatio) -> usize {
        match self.options.compression.codec {
            codec::Codec::None => self.buffer.len(),
            _ => HEADER_LEN + ratio.estimate(self.buffer.len() - HEADER_LEN),
        }
    }
    /// Whether this record fits a batch of `batch_size` bytes, by that estimate. The first record always does.
    pub fn has_room_for(
        &self,
        batch_size: usize,
        ratio: CompressionRatio,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header<'_>],
    ) -> bool {
        let timestamp_delta = timestamp.wrapping_sub(self.base_timestamp.unwrap_or(timestamp));
        let size = record_size(timestamp_delta, self.last_offset_delta.saturating_add(1), key, value, headers);
        self.is_empty() || self.estimated_size(ratio).saturating_add(size) <= batch_size
    }
    pub fn max_timestamp(&self) -> i64 {
        self.max_timestamp
    }

    /// Appends a record at the next offset. Error: `BatchTooLarge`.
    pub fn append(&mut self, timestamp: i64, key: Option<&[u8]>, value: Option<&[u8]>, headers: &[Header<'_>]) -> Result<(), RecordError> {
        let next = self.last_offset_delta.checked_add(1).ok_or(RecordError::BatchTooLarge)?;
        self.append_at(next, timestamp, key, value, headers)
    }

    /// Appends a record with a given distance to the base offset, which must grow from record to record (compaction leaves gaps).
    pub fn append_at(
        &mut self,
        offset_delta: i32,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header<'_>],
    ) -> Result<(), RecordError> {
        let timestamp_delta = timestamp.wrapping_sub(self.base_timestamp.unwrap_or(timestamp));
        if self.count == i32::MAX {
            return Err(RecordError::BatchTooLarge);
        }
        write_record(&mut self.buffer, offset_delta, timestamp_delta, key, value, headers)?;
        self.base_timestamp.get_or_insert(timestamp);
        self.count += 1;
        self.max_timestamp = self.max_timestamp.max(timestamp);
        self.last_offset_delta = offset_delta;
        Ok(())
    }

    /// The batch ends `last_offset_delta` above its base offset although no record stands there: compaction keeps a batch's offsets and
    /// sequences when its last records go.
    pub fn ends_at(&mut self, last_offset_delta: i32) {
        self.last_offset_delta = self.last_offset_delta.max(last_offset_delta);
    }

    /// Compresses, writes the header and gives the batch. Error: `BatchTooLarge` when the compressed form does not fit the length field.
    pub fn finish(mut self) -> Result<Bytes, RecordError> {
        if self.options.compression.codec != codec::Codec::None {
            let mut out = Vec::with_capacity(HEADER_LEN + self.buffer.len() / 2);
            out.resize(HEADER_LEN, 0);
            self.buffer = codec::compress(self.options.compression, &self.buffer[HEADER_LEN..], out)?;
        }
        let header = self.header()?;
        self.buffer[..HEADER_LEN].copy_from_slice(&header.to_bytes());
        Ok(Bytes::from(self.buffer))
    }

    fn header(&self) -> Result<BatchHeader, RecordError> {
        let o = &self.options;
        let timestamp_type = if o.append_time.is_some() { TimestampType::LogAppendTime } else { TimestampType::CreateTime };
        let mut header = BatchHeader {
            base_offset: o.base_offset,
            batch_length: i32::try_from(self.buffer.len() - LOG_OVERHEAD).map_err(|_| RecordError::BatchTooLarge)?,
            partition_leader_epoch: o.partition_leader_epoch,
            magic: 2,
            crc: 0,
            attributes: Attributes::default()
                .with_codec(o.compression.codec)
                .with_timestamp_type(timestamp_type)
                .with_transactional(o.transactional)
                .with_control(o.control)
                .with_delete_horizon(o.delete_horizon_ms.is_some()),
            last_offset_delta: self.last_offset_delta.max(0),
            base_timestamp: self.base_timestamp.unwrap_or(NO_TIMESTAMP),
            max_timestamp: o.append_time.unwrap_or(self.max_timestamp),
            producer_id: o.producer_id,
            producer_epoch: o.producer_epoch,
            base_sequence: o.base_sequence,
            record_count: self.count,
        };
        header.crc = header.compute_crc(&self.buffer[HEADER_LEN..]);
        Ok(header)
    }
}

/// Appends one record to `out`. Error: `BatchTooLarge` if the record or `out` would pass what a batch can hold.
pub(super) fn write_record(
    out: &mut Vec<u8>,
    offset_delta: i32,
    timestamp_delta: i64,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: &[Header<'_>],
) -> Result<(), RecordError> {
    let size = record_body_size(timestamp_delta, offset_delta, key, value, headers);
    let body_size = i32::try_from(size).map_err(|_| RecordError::BatchTooLarge)?;
    if out.len() + size + varint::MAX_LEN_32 > i32::MAX as usize {
        return Err(RecordError::BatchTooLarge);
    }
    varint::write_i32(out, body_size);
    out.push(0);
    varint::write_i64(out, timestamp_delta);
    varint::write_i32(out, offset_delta);
    put_bytes(out, key);
    put_bytes(out, value);
    varint::write_i32(out, headers.len() as i32);
    for header in headers {
        put_bytes(out, Some(header.key));
        put_bytes(out, header.value);
    }
    Ok(())
}

/// Bytes of a record inside a batch, its length field included.
pub fn record_size(timestamp_delta: i64, offset_delta: i32, key: Option<&[u8]>, value: Option<&[u8]>, headers: &[Header<'_>]) -> usize {
    let body = record_body_size(timestamp_delta, offset_delta, key, value, headers);
    varint::len_i32(i32::try_from(body).unwrap_or(i32::MAX)) + body
}

/// An upper bound for a record's size whatever its place in the batch: 21 bytes of the largest varints and what it carries.
pub fn record_size_upper_bound(key: Option<&[u8]>, value: Option<&[u8]>, headers: &[Header<'_>]) -> usize {
    const MAX_OVERHEAD: usize = 21;
    MAX_OVERHEAD + payload_size(key, value, headers)
}

fn record_body_size(timestamp_delta: i64, offset_delta: i32, key: Option<&[u8]>, value: Option<&[u8]>, headers: &[Header<'_>]) -> usize {
    1 + varint::len_i64(timestamp_delta) + varint::len_i32(offset_delta) + payload_size(key, value, headers)
}

fn payload_size(key: Option<&[u8]>, value: Option<&[u8]>, headers: &[Header<'_>]) -> usize {
    let count = varint::len_i32(i32::try_from(headers.len()).unwrap_or(i32::MAX));
    let headers: usize = headers.iter().map(|h| bytes_size(Some(h.key)) + bytes_size(h.value)).sum();
    bytes_size(key) + bytes_size(value) + count + headers
}

fn bytes_size(bytes: Option<&[u8]>) -> usize {
    bytes.map_or(1, |b| varint::len_i32(i32::try_from(b.len()).unwrap_or(i32::MAX)) + b.len())
}

/// The caller has checked that everything fits the batch's i32 length.
fn put_bytes(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        None => varint::write_i32(out, -1),
        Some(b) => {
            varint::write_i32(out, b.len() as i32);
            out.extend_from_slice(b);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{BatchView, Codec, NO_TIMESTAMP};

    const HEADERS: [Header<'static>; 2] = [Header { key: b"trace", value: Some(b"12345") }, Header { key: b"", value: None }];

    #[test]
    fn sizes_foretold_are_the_sizes_written() {
        for (timestamp, key, value) in
            [(5i64, None, None), (90_000, Some(&b"key"[..]), Some(&[7u8; 300][..])), (-1 << 40, None, Some(&b""[..]))]
        {
            let mut builder = BatchBuilder::new(BatchOptions::default());
            for _ in 0..130 {
                let before = builder.uncompressed_size();
                let delta = timestamp - builder.base_timestamp.unwrap_or(timestamp);
                let size = record_size(delta, builder.count(), key, value, &HEADERS);
                assert!(builder.has_room_for(before + size, CompressionRatio::default(), timestamp, key, value, &HEADERS));
                assert!(
                    builder.is_empty()
                        || !builder.has_room_for(before + size - 1, CompressionRatio::default(), timestamp, key, value, &HEADERS)
                );
                builder.append(timestamp, key, value, &HEADERS).unwrap();
                assert_eq!(builder.uncompressed_size() - before, size);
                assert!(size <= record_size_upper_bound(key, value, &HEADERS));
            }
            let size = builder.uncompressed_size();
            assert_eq!(builder.finish().unwrap().len(), size);
        }
    }

    #[test]
    fn a_compressed_batch_is_estimated_by_the_ratio() {
        let mut builder = BatchBuilder::new(BatchOptions { compression: Codec::Lz4.into(), ..Default::default() });
        builder.append(0, None, Some(&[0; 1000]), &[]).unwrap();
        let records = builder.uncompressed_size() - HEADER_LEN;
        assert_eq!(builder.estimated_size(CompressionRatio::default()), HEADER_LEN + (records as f32 * 1.05) as usize);
    }

    #[test]
    fn options_end_in_the_header() {
        let options = BatchOptions {
            base_offset: 40,
            partition_leader_epoch: 3,
            append_time: Some(99),
            producer_id: 7,
            producer_epoch: 2,
            base_sequence: 11,
            transactional: true,
            control: true,
            delete_horizon_ms: Some(500),
            ..Default::default()
        };
        let mut builder = BatchBuilder::new(options);
        builder.append_at(2, 510, None, None, &[]).unwrap();
        builder.append_at(9, 490, None, None, &[]).unwrap();
        let bytes = builder.finish().unwrap();
        let view = BatchView::parse(&bytes).unwrap();
        let h = view.header;
        assert_eq!((h.base_offset, h.last_offset(), h.record_count, h.partition_leader_epoch), (40, 49, 2, 3));
        assert_eq!((h.producer_id, h.producer_epoch, h.base_sequence, h.last_sequence()), (7, 2, 11, 20));
        assert_eq!((h.timestamp_type(), h.max_timestamp), (TimestampType::LogAppendTime, 99));
        assert!(h.is_transactional() && h.is_control());
        assert_eq!(h.delete_horizon_ms(), Some(500));
        let deltas: Vec<i64> = view.data(1000).unwrap().iter().map(|r| r.unwrap().timestamp_delta).collect();
        assert_eq!(deltas, [10, -10]);
    }

    #[test]
    fn an_empty_batch_has_no_times_and_no_records() {
        let bytes = BatchBuilder::new(BatchOptions::default()).finish().unwrap();
        let h = BatchView::parse(&bytes).unwrap().header;
        assert_eq!((h.record_count, h.base_timestamp, h.max_timestamp), (0, NO_TIMESTAMP, NO_TIMESTAMP));
    }
}
