//! Steps from batch to batch through a log file, in any format version, damaged or not, exactly as far as Kafka does.

use super::error::DumpError;
use super::window::FileWindow;
use crate::record::{Attributes, BATCH_PREFIX_LEN, BatchHeader, HEADER_LEN, LOG_OVERHEAD};

/// The least length field that Kafka goes on with: an empty record of format version 0.
const MIN_LENGTH: i32 = 14;
/// The first format version with batches of records; below, each "batch" is one record.
pub const MAGIC_V2: i8 = 2;

/// Where a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    pub position: u64,
    /// Bytes of the whole batch; it ends within the file.
    pub size: u64,
    /// The first field: the first offset in version 2 and above, the last offset below.
    pub offset: i64,
    pub magic: i8,
}

impl Found {
    pub fn is_legacy(&self) -> bool {
        self.magic < MAGIC_V2
    }

    /// `size` as a length in memory; it was an i32 in the file.
    pub fn len(&self) -> usize {
        usize::try_from(self.size).unwrap_or(usize::MAX)
    }

    /// The header of a batch of version 2 or (in a damaged file) more. Error: `HeaderCut`.
    pub fn header(&self, log: &mut FileWindow) -> Result<BatchHeader, DumpError> {
        match log.bytes(self.position, HEADER_LEN)?.and_then(|b| b.first_chunk::<HEADER_LEN>()) {
            Some(bytes) => Ok(header_from(bytes)),
            None => Err(DumpError::HeaderCut { path: log.path().to_owned(), position: self.position }),
        }
    }

    /// The offset of the batch's last record.
    pub fn last_offset(&self, log: &mut FileWindow) -> Result<i64, DumpError> {
        if self.is_legacy() { Ok(self.offset) } else { Ok(self.header(log)?.last_offset()) }
    }

    /// All bytes of the batch.
    pub fn bytes<'a>(&self, log: &'a mut FileWindow) -> Result<&'a [u8], DumpError> {
        let cut = DumpError::HeaderCut { path: log.path().to_owned(), position: self.position };
        log.bytes(self.position, self.len())?.ok_or(cut)
    }
}

/// A header whatever its magic and length say: a dump shows what is there.
pub fn header_from(h: &[u8; HEADER_LEN]) -> BatchHeader {
    BatchHeader {
        base_offset: i64::from_be_bytes(field(h, 0)),
        batch_length: i32::from_be_bytes(field(h, 8)),
        partition_leader_epoch: i32::from_be_bytes(field(h, 12)),
        magic: i8::from_be_bytes(field(h, 16)),
        crc: u32::from_be_bytes(field(h, 17)),
        attributes: Attributes(i16::from_be_bytes(field(h, 21))),
        last_offset_delta: i32::from_be_bytes(field(h, 23)),
        base_timestamp: i64::from_be_bytes(field(h, 27)),
        max_timestamp: i64::from_be_bytes(field(h, 35)),
        producer_id: i64::from_be_bytes(field(h, 43)),
        producer_epoch: i16::from_be_bytes(field(h, 51)),
        base_sequence: i32::from_be_bytes(field(h, 53)),
        record_count: i32::from_be_bytes(field(h, 57)),
    }
}

/// `N` bytes at a constant place; zeros beyond the end.
pub fn field<const N: usize>(bytes: &[u8], from: usize) -> [u8; N] {
    bytes.get(from..).and_then(|b| b.first_chunk::<N>()).copied().unwrap_or([0; N])
}

/// The sequence of the record `by` after the one with `sequence`; 0 comes after 2147483647. With the numbers of
/// damaged batches it overflows as Java does.
pub fn sequence_after(sequence: i32, by: i32) -> i32 {
    if sequence > i32::MAX.wrapping_sub(by) {
        by.wrapping_sub(i32::MAX.wrapping_sub(sequence)).wrapping_sub(1)
    } else {
        sequence.wrapping_add(by)
    }
}

/// A position in a log, and where to stop.
#[derive(Clone, Debug)]
pub struct Walk {
    position: u64,
    end: u64,
}

impl Walk {
    /// From `start` on, over batches that lie wholly before `end`.
    pub fn new(start: u64, end: u64) -> Walk {
        Walk { position: start, end }
    }

    /// Where the next batch begins.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The next batch, or `None` if no further one is whole. Error: `BatchLength`.
    pub fn next(&mut self, log: &mut FileWindow) -> Result<Option<Found>, DumpError> {
        // Not "<=": Kafka also stops when a batch ends with its magic byte.
        if self.end - self.position.min(self.end) <= BATCH_PREFIX_LEN as u64 {
            return Ok(None);
        }
        let Some(prefix) = log.bytes(self.position, BATCH_PREFIX_LEN)? else { return Ok(None) };
        let (offset, length, magic) = (i64::from_be_bytes(field(prefix, 0)), i32::from_be_bytes(field(prefix, 8)), prefix[16] as i8);
        let Some(length) = u64::try_from(length).ok().filter(|_| length >= MIN_LENGTH) else {
            return Err(DumpError::BatchLength { path: log.path().to_owned(), position: self.position, length });
        };
        let found = Found { position: self.position, size: LOG_OVERHEAD as u64 + length, offset, magic };
        if found.size > self.end - self.position {
            return Ok(None);
        }
        self.position += found.size;
        Ok(Some(found))
    }
}
