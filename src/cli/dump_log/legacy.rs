//! Records of format versions 0 and 1, which brokers before 0.11 wrote.
//!
//! ```text
//!  0  offset      i64     of the last inner record if this one is compressed
//!  8  size        i32     bytes after this field
//! 12  crc         u32     CRC-32 of bytes 16..end
//! 16  magic       i8      0 or 1
//! 17  attributes  i8      bit 0-2 codec, 3 LogAppendTime (version 1)
//! 18  timestamp   i64     version 1 only
//!     key_length  i32     -1 = null; then the key
//!     value_length i32    -1 = null; then the value: if a codec is set, more such records
//! ```
//!
//! The offsets of inner records are absolute in version 0, relative in version 1.

use super::walk::field;
use crate::record::{Codec, NO_TIMESTAMP, RecordError, codec};

const LOG_OVERHEAD: usize = 12;
const MIN_SIZE: i32 = 14;
const CRC_COVERS_FROM: usize = 16;
const CODEC_MASK: u8 = 0x07;
const LOG_APPEND_TIME: u8 = 0x08;

const ENDS_EARLY: RecordError = RecordError::InvalidRecord("a key or value runs beyond its record");

/// One record, borrowing its bytes. Of a damaged one the sizes can be shown even where the key and value are not there.
#[derive(Clone, Copy, Debug)]
pub struct LegacyRecord<'a> {
    pub offset: i64,
    pub magic: i8,
    pub attributes: u8,
    pub timestamp: i64,
    pub stored_crc: u32,
    /// As stored: negative means null.
    pub key_size: i32,
    pub value_size: i32,
    /// Offset and size included.
    bytes: &'a [u8],
}

impl<'a> LegacyRecord<'a> {
    /// True if the CRC fits.
    pub fn is_valid(&self) -> bool {
        let mut crc = flate2::Crc::new();
        crc.update(self.bytes.get(CRC_COVERS_FROM..).unwrap_or_default());
        crc.sum() == self.stored_crc
    }

    /// Error: `InvalidRecord`.
    pub fn key(&self) -> Result<Option<&'a [u8]>, RecordError> {
        sized(self.bytes, sizes_at(self.magic) + 4, self.key_size)
    }

    /// Error: `InvalidRecord`.
    pub fn value(&self) -> Result<Option<&'a [u8]>, RecordError> {
        sized(self.bytes, value_size_at(self.magic, self.key_size) + 4, self.value_size)
    }
}

/// Where the size of the key is.
fn sizes_at(magic: i8) -> usize {
    if magic == 0 { 18 } else { 26 }
}

fn value_size_at(magic: i8, key_size: i32) -> usize {
    (sizes_at(magic) + 4).saturating_add(usize::try_from(key_size).unwrap_or(0))
}

fn sized(bytes: &[u8], from: usize, size: i32) -> Result<Option<&[u8]>, RecordError> {
    let Ok(size) = usize::try_from(size) else { return Ok(None) };
    bytes.get(from..).and_then(|rest| rest.get(..size)).map(Some).ok_or(ENDS_EARLY)
}

/// What the timestamp is called, and its value: version 0 has none.
pub fn time_of(magic: i8, attributes: u8, stored: i64) -> (&'static str, i64) {
    match magic {
        0 => ("NoTimestampType", NO_TIMESTAMP),
        _ if attributes & LOG_APPEND_TIME != 0 => ("LogAppendTime", stored),
        _ => ("CreateTime", stored),
    }
}

/// Error: `UnknownCodec`.
pub fn codec_of(attributes: u8) -> Result<Codec, RecordError> {
    let id = attributes & CODEC_MASK;
    Codec::from_id(id).ok_or(RecordError::UnknownCodec(id))
}

/// The record that fills `bytes`, offset and size included. Errors: `BadMagic`, `InvalidRecord` if it ends before its sizes.
pub fn parse(bytes: &[u8]) -> Result<LegacyRecord<'_>, RecordError> {
    let magic = i8::from_be_bytes(field(bytes, 16));
    if magic < 0 {
        return Err(RecordError::BadMagic(magic));
    }
    let size_at = |from: usize| bytes.get(from..).and_then(|b| b.first_chunk::<4>()).map(|b| i32::from_be_bytes(*b)).ok_or(ENDS_EARLY);
    let attributes = u8::from_be_bytes(field(bytes, 17));
    let key_size = size_at(sizes_at(magic))?;
    let (_, timestamp) = time_of(magic, attributes, i64::from_be_bytes(field(bytes, 18)));
    Ok(LegacyRecord {
        offset: i64::from_be_bytes(field(bytes, 0)),
        magic,
        attributes,
        timestamp,
        stored_crc: u32::from_be_bytes(field(bytes, 12)),
        key_size,
        value_size: size_at(value_size_at(magic, key_size))?,
        bytes,
    })
}

/// The inner records of a compressed one as bytes. Errors: `UnknownCodec`, `InvalidRecord`, `Undecodable`, `TooLarge`.
pub fn decompress(outer: &LegacyRecord<'_>, limit: usize) -> Result<Vec<u8>, RecordError> {
    let codec = codec_of(outer.attributes)?;
    if codec == Codec::Zstd {
        return Err(RecordError::InvalidRecord("this format version cannot be compressed in this way"));
    }
    let Some(value) = outer.value()? else {
        return Err(RecordError::InvalidRecord("a compressed record has no value"));
    };
    if codec == Codec::Lz4 && outer.magic == 0 {
        return codec::decompress(codec, &with_right_lz4_checksum(value), limit);
    }
    codec::decompress(codec, value, limit)
}

/// The inner records of `outer`, with absolute offsets and the outer timestamp where that counts. A last one that is cut is passed over.
/// Error: `InvalidRecord`.
pub fn inner_records<'a>(outer: &LegacyRecord<'_>, set: &'a [u8]) -> Result<Vec<LegacyRecord<'a>>, RecordError> {
    let mut records = Vec::new();
    let mut rest = set;
    while rest.len() >= LOG_OVERHEAD {
        let size = i32::from_be_bytes(field(rest, 8));
        let Some(len) = usize::try_from(size).ok().filter(|_| size >= MIN_SIZE).map(|n| n + LOG_OVERHEAD) else {
            return Err(RecordError::BatchTooSmall(size));
        };
        let Some((record, after)) = rest.split_at_checked(len) else { break };
        rest = after;
        let mut record = parse(record)?;
        if record.magic > 0 && outer.attributes & LOG_APPEND_TIME != 0 {
            record.timestamp = outer.timestamp;
        }
        records.push(record);
    }
    let Some(last) = records.last() else {
        return Err(RecordError::InvalidRecord("a compressed record holds no records"));
    };
    if outer.magic == 0 || outer.offset == 0 {
        return Ok(records);
    }
    if outer.offset < last.offset {
        return Err(RecordError::InvalidRecord("the last inner offset is greater than the outer one"));
    }
    let base = outer.offset.wrapping_sub(last.offset);
    for record in &mut records {
        record.offset = record.offset.wrapping_add(base);
    }
    Ok(records)
}

/// Version 0 was written with a wrong checksum of the LZ4 frame's descriptor (it covered the frame's magic too), which readers ignore.
/// Descriptor: flags, block size, content size (8 bytes, if flag 0x08 is set), checksum.
fn with_right_lz4_checksum(frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    let has_size = frame.get(4).is_some_and(|flags| flags & 0x08 != 0);
    let end = if has_size { 14 } else { 6 };
    if frame.len() > end {
        frame[end] = xxh32_short(&frame[4..end]).to_be_bytes()[2];
    }
    frame
}

/// xxHash32 with seed 0 of less than 16 bytes.
fn xxh32_short(bytes: &[u8]) -> u32 {
    const PRIMES: [u32; 5] = [2_654_435_761, 2_246_822_519, 3_266_489_917, 668_265_263, 374_761_393];
    debug_assert!(bytes.len() < 16);
    let mut hash = PRIMES[4].wrapping_add(bytes.len() as u32);
    let (words, rest) = bytes.as_chunks::<4>();
    for word in words {
        hash = hash.wrapping_add(u32::from_le_bytes(*word).wrapping_mul(PRIMES[2])).rotate_left(17).wrapping_mul(PRIMES[3]);
    }
    for byte in rest {
        hash = hash.wrapping_add(u32::from(*byte).wrapping_mul(PRIMES[4])).rotate_left(11).wrapping_mul(PRIMES[0]);
    }
    hash = (hash ^ (hash >> 15)).wrapping_mul(PRIMES[1]);
    hash = (hash ^ (hash >> 13)).wrapping_mul(PRIMES[2]);
    hash ^ (hash >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_hashes_are_those_of_xxh32() {
        assert_eq!(xxh32_short(b""), 0x02cc_5d05);
        assert_eq!(xxh32_short(b"abc"), 0x32d1_53ff);
        // The descriptor that Kafka writes: independent blocks of 64 KiB, no checksums; its checksum byte is 0x82.
        assert_eq!(xxh32_short(&[0x60, 0x40]).to_be_bytes()[2], 0x82);
    }
}
