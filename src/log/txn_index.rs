//! `.txnindex`: the transactions that were aborted in a segment, in the order of their markers. Only there if there are any.
//!
//! ```text
//! 34 bytes an entry
//!  0  version             i16   0
//!  2  producer id         i64
//! 10  first offset        i64   of the transaction in this partition; may lie in an earlier segment
//! 18  last offset         i64   of its marker; rises from entry to entry
//! 26  last stable offset  i64   first offset of the oldest transaction still open then, or the offset after the marker
//! ```

use super::producers::CompletedTxn;
use crate::types::Offset;

/// An aborted transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbortedTxn {
    pub producer_id: i64,
    pub first_offset: Offset,
    pub last_offset: Offset,
    pub last_stable_offset: Offset,
}

pub const ENTRY_LEN: usize = 34;

impl AbortedTxn {
    pub fn of(txn: &CompletedTxn) -> AbortedTxn {
        AbortedTxn {
            producer_id: txn.producer_id,
            first_offset: txn.first_offset,
            last_offset: txn.last_offset,
            last_stable_offset: txn.last_stable_offset,
        }
    }

    pub fn encode(&self) -> [u8; ENTRY_LEN] {
        let mut out = [0; ENTRY_LEN];
        out[2..10].copy_from_slice(&self.producer_id.to_be_bytes());
        out[10..18].copy_from_slice(&self.first_offset.to_be_bytes());
        out[18..26].copy_from_slice(&self.last_offset.to_be_bytes());
        out[26..34].copy_from_slice(&self.last_stable_offset.to_be_bytes());
        out
    }

    /// `None`: fewer than 34 bytes, or an unknown version.
    pub fn decode(bytes: &[u8]) -> Option<AbortedTxn> {
        let b: &[u8; ENTRY_LEN] = bytes.first_chunk()?;
        let number = |at: usize| b[at..].first_chunk().map(|n| i64::from_be_bytes(*n));
        (b[..2] == [0, 0]).then_some(AbortedTxn {
            producer_id: number(2)?,
            first_offset: number(10)?,
            last_offset: number(18)?,
            last_stable_offset: number(26)?,
        })
    }
}

/// The file's bytes for these transactions.
pub fn encode(txns: &[AbortedTxn]) -> Vec<u8> {
    txns.iter().flat_map(|t| t.encode()).collect()
}

/// All entries of a file; `None` if it is not whole entries of a known version with rising last offsets.
pub fn decode(bytes: &[u8]) -> Option<Vec<AbortedTxn>> {
    let chunks = bytes.chunks_exact(ENTRY_LEN);
    let whole = chunks.remainder().is_empty();
    let txns: Vec<AbortedTxn> = chunks.map(AbortedTxn::decode).collect::<Option<_>>()?;
    (whole && txns.windows(2).all(|w| w[0].last_offset < w[1].last_offset)).then_some(txns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l7_entries_round_trip() {
        let one = AbortedTxn { producer_id: 1, first_offset: 2, last_offset: 9, last_stable_offset: 10 };
        let two = AbortedTxn { producer_id: 3, first_offset: 4, last_offset: 11, last_stable_offset: 12 };
        let bytes = encode(&[one, two]);
        assert_eq!(bytes.len(), 68);
        assert_eq!(decode(&bytes), Some(vec![one, two]));
        assert_eq!(decode(&encode(&[two, one])), None, "last offsets must rise");
        assert_eq!(decode(&bytes[..67]), None);
        let mut other_version = bytes;
        other_version[1] = 1;
        assert_eq!(decode(&other_version), None);
    }
}
