//! `.index`: where batches lie in a segment, one every few kilobytes.
//!
//! ```text
//! 8 bytes an entry, offsets strictly rising; zeros may follow while Kafka has the file open
//!  0  last offset of a batch - base offset of the segment  i32
//!  4  position of that batch in the .log file              i32
//! ```
//! An entry is added before a batch when more than `index.interval.bytes` came since the last one; so the first batch has none.
//! Older versions of Kafka wrote the last offset of the last batch of an append beside the position of its first.

use super::index_file::{IndexEntry, IndexFile};
use super::names::Kind;

/// An entry, with the offset relative to the segment's base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetEntry {
    pub relative: u32,
    pub position: u32,
}

pub type OffsetIndex = IndexFile<OffsetEntry>;

impl IndexEntry for OffsetEntry {
    const SIZE: usize = 8;
    const KIND: Kind = Kind::OffsetIndex;

    fn decode(bytes: &[u8]) -> Self {
        let word = |at: usize| bytes.get(at..).and_then(|b| b.first_chunk()).map_or(0, |b| u32::from_be_bytes(*b));
        OffsetEntry { relative: word(0), position: word(4) }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.relative.to_be_bytes());
        out.extend(self.position.to_be_bytes());
    }

    fn is_zero(&self) -> bool {
        // The batch at position 0 never has an entry.
        self.position == 0
    }
}
