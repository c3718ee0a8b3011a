//! Records inside a batch, read in place.
//!
//! ```text
//! length           varint   bytes after this field
//! attributes       i8       unused
//! timestamp_delta  varlong  to the batch's base timestamp
//! offset_delta     varint   to the batch's base offset
//! key_length       varint   -1 = null; then the key
//! value_length     varint   -1 = null; then the value
//! header_count     varint   then each: key_length varint, key (UTF-8), value_length varint (-1 = null), value
//! ```

use std::borrow::Cow;

use crate::wire::varint;

use super::batch::{BatchHeader, NO_SEQUENCE, TimestampType, increment_sequence};
use super::error::{
    ENDS_EARLY, INVALID_LENGTH, INVALID_VARINT, LEFTOVER, NEGATIVE_HEADER_COUNT, NEGATIVE_HEADER_KEY, RecordError, SIZE_MISMATCH,
    TOO_MANY_HEADERS,
};

/// One record, borrowing the batch's (decompressed) bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    pub offset: i64,
    /// The record's own time, or the batch's when the batch says LogAppendTime.
    pub timestamp: i64,
    /// The producer's sequence number, -1 if the batch has none.
    pub sequence: i32,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    /// Distance to the batch's base offset and base timestamp, as stored.
    pub offset_delta: i32,
    pub timestamp_delta: i64,
    pub attributes: i8,
    /// Bytes of the record, its length field included.
    pub size_in_bytes: usize,
    header_count: u32,
    header_bytes: &'a [u8],
}

impl<'a> Record<'a> {
    /// The record's headers; their structure was checked when the record was read.
    pub fn headers(&self) -> Headers<'a> {
        Headers { left: self.header_count, bytes: self.header_bytes, pos: 0 }
    }
    pub fn header_count(&self) -> usize {
        self.header_count as usize
    }
}

/// A record header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// UTF-8 by contract, but brokers do not check it.
    pub key: &'a [u8],
    pub value: Option<&'a [u8]>,
}

impl<'a> Header<'a> {
    /// The key as text; bytes that are not UTF-8 become U+FFFD.
    pub fn key_text(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.key)
    }
}

/// Iterator over a record's headers.
#[derive(Clone, Debug)]
pub struct Headers<'a> {
    left: u32,
    bytes: &'a [u8],
    pos: usize,
}

impl<'a> Iterator for Headers<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        self.left = self.left.checked_sub(1)?;
        let mut at = Cursor { bytes: self.bytes, pos: self.pos };
        let header = at.header().ok()?;
        self.pos = at.pos;
        Some(header)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left as usize))
    }
}

/// A batch's records as plain bytes, borrowed when the batch is not compressed.
#[derive(Clone, Debug)]
pub struct RecordData<'a> {
    pub header: BatchHeader,
    pub bytes: Cow<'a, [u8]>,
}

impl RecordData<'_> {
    pub fn iter(&self) -> RecordIter<'_> {
        RecordIter::new(&self.header, &self.bytes)
    }
}

impl<'a> IntoIterator for &'a RecordData<'_> {
    type Item = Result<Record<'a>, RecordError>;
    type IntoIter = RecordIter<'a>;

    fn into_iter(self) -> RecordIter<'a> {
        self.iter()
    }
}

/// Reads `record_count` records one after the other. The first error is the last item; bytes left over after the last record are an
/// error too.
#[derive(Clone, Debug)]
pub struct RecordIter<'a> {
    at: Cursor<'a>,
    left: i32,
    base_offset: i64,
    base_timestamp: i64,
    append_time: Option<i64>,
    base_sequence: i32,
}

impl<'a> RecordIter<'a> {
    /// `bytes` is the batch's body after decompression.
    pub fn new(header: &BatchHeader, bytes: &'a [u8]) -> RecordIter<'a> {
        RecordIter {
            at: Cursor { bytes, pos: 0 },
            left: header.record_count,
            base_offset: header.base_offset,
            base_timestamp: header.base_timestamp,
            append_time: (header.timestamp_type() == TimestampType::LogAppendTime).then_some(header.max_timestamp),
            base_sequence: header.base_sequence,
        }
    }

    fn read(&mut self) -> Result<Record<'a>, RecordError> {
        let start = self.at.pos;
        let body = self.at.length_prefixed()?.ok_or(INVALID_LENGTH)?;
        let size_in_bytes = self.at.pos - start;
        let mut at = Cursor { bytes: body, pos: 0 };
        let attributes = at.byte()? as i8;
        let timestamp_delta = at.varlong()?;
        let offset_delta = at.varint()?;
        let key = at.length_prefixed()?;
        let value = at.length_prefixed()?;
        let header_count = at.header_count()?;
        let header_bytes = &body[at.pos..];
        for _ in 0..header_count {
            at.header()?;
        }
        if at.pos != body.len() {
            return Err(SIZE_MISMATCH);
        }
        Ok(Record {
            offset: self.base_offset.wrapping_add(i64::from(offset_delta)),
            timestamp: self.append_time.unwrap_or(self.base_timestamp.wrapping_add(timestamp_delta)),
            sequence: if self.base_sequence == NO_SEQUENCE { NO_SEQUENCE } else { increment_sequence(self.base_sequence, offset_delta) },
            key,
            value,
            offset_delta,
            timestamp_delta,
            attributes,
            size_in_bytes,
            header_count,
            header_bytes,
        })
    }
}

impl<'a> Iterator for RecordIter<'a> {
    type Item = Result<Record<'a>, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left <= 0 {
            if self.left == 0 && self.at.pos < self.at.bytes.len() {
                self.left = -1;
                return Some(Err(LEFTOVER));
            }
            return None;
        }
        self.left -= 1;
        let item = self.read();
        if item.is_err() {
            self.left = -1;
        }
        Some(item)
    }
}

/// A position in bytes; every read is checked.
#[derive(Clone, Debug)]
struct Cursor<'a> {
    bytes: &'a [u8],
    pos: usize,
}

impl<'a> Cursor<'a> {
    #[inline]
    fn byte(&mut self) -> Result<u8, RecordError> {
        let b = *self.bytes.get(self.pos).ok_or(ENDS_EARLY)?;
        self.pos += 1;
        Ok(b)
    }

    #[inline]
    fn varint(&mut self) -> Result<i32, RecordError> {
        let (value, len) = varint::read_i32(&self.bytes[self.pos..]).map_err(|_| INVALID_VARINT)?;
        self.pos += len;
        Ok(value)
    }

    #[inline]
    fn varlong(&mut self) -> Result<i64, RecordError> {
        let (value, len) = varint::read_i64(&self.bytes[self.pos..]).map_err(|_| INVALID_VARINT)?;
        self.pos += len;
        Ok(value)
    }

    /// A varint length and that many bytes; `None` for any negative length, as Kafka reads it.
    #[inline]
    fn length_prefixed(&mut self) -> Result<Option<&'a [u8]>, RecordError> {
        let Ok(len) = usize::try_from(self.varint()?) else { return Ok(None) };
        let end = self.pos.checked_add(len).ok_or(INVALID_LENGTH)?;
        let slice = self.bytes.get(self.pos..end).ok_or(INVALID_LENGTH)?;
        self.pos = end;
        Ok(Some(slice))
    }

    #[inline]
    fn header_count(&mut self) -> Result<u32, RecordError> {
        let count = u32::try_from(self.varint()?).map_err(|_| NEGATIVE_HEADER_COUNT)?;
        // A header takes two bytes at least.
        if count as usize > (self.bytes.len() - self.pos) / 2 {
            return Err(TOO_MANY_HEADERS);
        }
        Ok(count)
    }

    #[inline]
    fn header(&mut self) -> Result<Header<'a>, RecordError> {
        let key = self.length_prefixed()?.ok_or(NEGATIVE_HEADER_KEY)?;
        Ok(Header { key, value: self.length_prefixed()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{BatchBuilder, BatchOptions, BatchView, walk};

    fn body_of(build: impl FnOnce(&mut BatchBuilder)) -> (BatchHeader, Vec<u8>) {
        let mut b = BatchBuilder::new(BatchOptions { base_offset: 10, base_sequence: 5, ..Default::default() });
        build(&mut b);
        let bytes = b.finish().unwrap();
        let view = BatchView::parse(&bytes).unwrap();
        (view.header, view.body().to_vec())
    }

    #[test]
    fn records_come_back_as_written() {
        let headers = [Header { key: b"trace", value: Some(b"1") }, Header { key: b"", value: None }];
        let (header, body) = body_of(|b| {
            b.append(100, Some(b"k"), Some(b"value"), &headers).unwrap();
            b.append(90, None, Some(b""), &[]).unwrap();
        });
        let records: Vec<_> = RecordIter::new(&header, &body).map(Result::unwrap).collect();
        assert_eq!(records.len(), 2);
        assert_eq!((records[0].offset, records[0].timestamp, records[0].sequence), (10, 100, 5));
        assert_eq!(records[0].headers().collect::<Vec<_>>(), headers);
        assert_eq!((records[1].offset, records[1].timestamp, records[1].sequence), (11, 90, 6));
        assert_eq!((records[1].key, records[1].value), (None, Some(&b""[..])));
        assert_eq!(records.iter().map(|r| r.size_in_bytes).sum::<usize>(), body.len());
    }

    #[test]
    fn p16_missing_and_leftover_records_are_errors() {
        let (mut header, body) = body_of(|b| {
            b.append(1, None, Some(b"a"), &[]).unwrap();
            b.append(2, None, Some(b"b"), &[]).unwrap();
        });
        for (count, good) in [(1, 1), (3, 2)] {
            header.record_count = count;
            let items: Vec<_> = RecordIter::new(&header, &body).collect();
            assert_eq!(items.iter().filter(|r| r.is_ok()).count(), good);
            assert!(items.last().unwrap().is_err());
            assert!(walk(&body, count, |_| {}).is_err());
        }
        assert!(walk(&body, 2, |_| {}).is_ok());
        for cut in 0..body.len() {
            assert!(walk(&body[..cut], 2, |_| {}).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn a_header_count_is_not_believed_beyond_the_bytes_left() {
        // length 11: attributes, deltas, null key, null value, then a header count of 2^31 - 1
        let body = [22u8, 0, 0, 0, 1, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0];
        assert!(walk(&body, 1, |_| {}).is_err());
    }
}
