//! `<offset>.snapshot`: the producers of a partition as they stood just before that offset.
//!
//! ```text
//!  0  version  i16   1
//!  2  crc      u32   CRC-32C of everything after it
//!  6  count    i32
//! 10  count x 46 bytes:
//!      0  producer id               i64
//!      8  producer epoch            i16
//!     10  last sequence             i32    -1 if no batch is remembered
//!     14  last offset               i64    of the last batch; -1 likewise
//!     22  offset delta              i32    last offset - first offset of that batch
//!     26  timestamp                 i64    the batch's largest
//!     34  coordinator epoch         i32
//!     38  first offset of the open transaction  i64   -1 if none
//! ```

/// One producer in a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotEntry {
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub last_sequence: i32,
    pub last_offset: i64,
    pub offset_delta: i32,
    pub timestamp: i64,
    pub coordinator_epoch: i32,
    /// -1: no transaction is open.
    pub current_txn_first_offset: i64,
}

/// Why a snapshot cannot be used. It is then ignored: an older one and the log have the same knowledge (I15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    #[error("snapshot is cut short")]
    Truncated,
    #[error("snapshot has unknown version {0}")]
    Version(i16),
    #[error("snapshot is corrupt (stored crc = {stored}, computed crc = {computed})")]
    Crc { stored: u32, computed: u32 },
    #[error("snapshot announces {0} producers, which does not fit its size")]
    Count(i32),
}

const VERSION: i16 = 1;
const HEADER: usize = 10;
const ENTRY: usize = 46;

/// The file's bytes.
pub fn encode(entries: impl ExactSizeIterator<Item = SnapshotEntry>) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER + entries.len() * ENTRY);
    out.extend(VERSION.to_be_bytes());
    out.extend([0; 4]);
    // A log never knows two billion producers.
    out.extend((entries.len() as i32).to_be_bytes());
    for e in entries {
        out.extend(e.producer_id.to_be_bytes());
        out.extend(e.producer_epoch.to_be_bytes());
        out.extend(e.last_sequence.to_be_bytes());
        out.extend(e.last_offset.to_be_bytes());
        out.extend(e.offset_delta.to_be_bytes());
        out.extend(e.timestamp.to_be_bytes());
        out.extend(e.coordinator_epoch.to_be_bytes());
        out.extend(e.current_txn_first_offset.to_be_bytes());
    }
    let crc = crc32c::crc32c(&out[6..]);
    out[2..6].copy_from_slice(&crc.to_be_bytes());
    out
}

/// The producers in a file's bytes, in file order. Bytes after the announced entries are refused.
pub fn decode(bytes: &[u8]) -> Result<Vec<SnapshotEntry>, SnapshotError> {
    let mut at = Cursor(bytes);
    let version = i16::from_be_bytes(at.take()?);
    if version != VERSION {
        return Err(SnapshotError::Version(version));
    }
    let stored = u32::from_be_bytes(at.take()?);
    let computed = crc32c::crc32c(at.0);
    if stored != computed {
        return Err(SnapshotError::Crc { stored, computed });
    }
    let count = i32::from_be_bytes(at.take()?);
    if usize::try_from(count).ok().and_then(|n| n.checked_mul(ENTRY)) != Some(at.0.len()) {
        return Err(SnapshotError::Count(count));
    }
    at.0.chunks_exact(ENTRY).map(|chunk| entry(&mut Cursor(chunk))).collect()
}

fn entry(at: &mut Cursor<'_>) -> Result<SnapshotEntry, SnapshotError> {
    Ok(SnapshotEntry {
        producer_id: i64::from_be_bytes(at.take()?),
        producer_epoch: i16::from_be_bytes(at.take()?),
        last_sequence: i32::from_be_bytes(at.take()?),
        last_offset: i64::from_be_bytes(at.take()?),
        offset_delta: i32::from_be_bytes(at.take()?),
        timestamp: i64::from_be_bytes(at.take()?),
        coordinator_epoch: i32::from_be_bytes(at.take()?),
        current_txn_first_offset: i64::from_be_bytes(at.take()?),
    })
}

struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(SnapshotError::Truncated)?;
        self.0 = rest;
        Ok(*head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<SnapshotEntry> {
        let one = SnapshotEntry {
            producer_id: 4000,
            producer_epoch: 3,
            last_sequence: i32::MAX,
            last_offset: 45,
            offset_delta: 2,
            timestamp: 1_700_000_000_000,
            coordinator_epoch: 7,
            current_txn_first_offset: 43,
        };
        let none = SnapshotEntry {
            producer_id: 4001,
            producer_epoch: 0,
            last_sequence: -1,
            last_offset: -1,
            offset_delta: 0,
            timestamp: -1,
            coordinator_epoch: -1,
            current_txn_first_offset: -1,
        };
        vec![one, none]
    }

    #[test]
    fn i13_round_trip() {
        let bytes = encode(sample().into_iter());
        assert_eq!(bytes.len(), 102);
        assert_eq!(decode(&bytes).unwrap(), sample());
        assert_eq!(decode(&encode(Vec::new().into_iter())).unwrap(), vec![]);
    }

    #[test]
    fn i15_every_flipped_or_missing_byte_is_noticed() {
        let good = encode(sample().into_iter());
        for i in 0..good.len() {
            for mask in [1, 0x80, 0xff] {
                let mut bad = good.clone();
                bad[i] ^= mask;
                assert!(decode(&bad).is_err(), "byte {i}");
            }
            assert!(decode(&good[..i]).is_err(), "cut at {i}");
        }
        let mut longer = good;
        longer.push(0);
        assert!(decode(&longer).is_err());
    }
}
