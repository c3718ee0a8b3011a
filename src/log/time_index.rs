//! `.timeindex`: how far the largest timestamp of a segment had grown at some offsets.
//!
//! ```text
//! 12 bytes an entry, both columns strictly rising; zeros may follow while Kafka has the file open
//!  0  largest timestamp so far                                          i64
//!  8  last offset of the batch that holds it - base of the segment      i32
//! ```
//! An entry is added together with one of the offset index, and when the segment is rolled or closed, if the timestamp grew.

use super::index_file::{IndexEntry, IndexFile};
use super::names::Kind;

/// An entry, with the offset relative to the segment's base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeEntry {
    pub timestamp: i64,
    pub relative: u32,
}

pub type TimeIndex = IndexFile<TimeEntry>;

impl IndexEntry for TimeEntry {
    const SIZE: usize = 12;
    const KIND: Kind = Kind::TimeIndex;

    fn decode(bytes: &[u8]) -> Self {
        let timestamp = bytes.first_chunk().map_or(0, |b| i64::from_be_bytes(*b));
        let relative = bytes.get(8..).and_then(|b| b.first_chunk()).map_or(0, |b| u32::from_be_bytes(*b));
        TimeEntry { timestamp, relative }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.timestamp.to_be_bytes());
        out.extend(self.relative.to_be_bytes());
    }

    fn is_zero(&self) -> bool {
        self.timestamp == 0 && self.relative == 0
    }
}
