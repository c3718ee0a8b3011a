//! Dumps a `.snapshot`: what a broker knew of the producers of a partition at the offset in the file's name.
//!
//! ```text
//! version i16 (1) | crc u32 (CRC-32C of all that follows) | count i32 | then each entry, 46 bytes:
//! producer id i64 | epoch i16 | last sequence i32 | last offset i64 | offset delta i32 | timestamp i64 | coordinator epoch i32
//! | first offset of the open transaction i64 (-1: none)
//! ```

use super::Dump;
use super::error::DumpError;
use super::walk::field;
use super::window::FileWindow;

const VERSION: i16 = 1;
/// Where the bytes under the CRC begin.
pub const CRC_COVERS_FROM: usize = 6;
/// Where the entries begin.
pub const ENTRIES_AT: usize = 10;
/// Bytes of an entry.
pub const ENTRY: usize = 46;

/// One line a producer. A snapshot that is not valid is said on standard error and does not fail the dump, as in Kafka.
pub fn dump(dump: &mut Dump<'_, '_>, path: &str) -> Result<(), DumpError> {
    let mut file = FileWindow::open(path)?;
    let size = usize::try_from(file.size()).unwrap_or(usize::MAX);
    let bytes = file.bytes(0, size)?.unwrap_or_default();
    match entries(bytes) {
        Ok(entries) => entries.chunks_exact(ENTRY).try_for_each(|entry| print(dump, entry)),
        Err(reason) => {
            dump.out.flush()?;
            (dump.remark)(reason);
            Ok(())
        }
    }
}

/// The bytes of the entries, or why there are none.
pub fn entries(bytes: &[u8]) -> Result<&[u8], String> {
    let invalid = |what: &str| format!("Snapshot failed schema validation: {what}");
    if bytes.len() < 2 {
        return Err(invalid("the file is shorter than its version field"));
    }
    let version = i16::from_be_bytes(field(bytes, 0));
    if version != VERSION {
        return Err(format!("Snapshot contained an unknown file version {version}"));
    }
    let Some(entries) = bytes.get(ENTRIES_AT..) else {
        return Err(invalid("the file is shorter than its header"));
    };
    let count = i32::from_be_bytes(field(bytes, CRC_COVERS_FROM));
    let Some(entries) = usize::try_from(count).ok().and_then(|n| n.checked_mul(ENTRY)).and_then(|len| entries.get(..len)) else {
        return Err(invalid(&format!("{count} entries are declared, the file holds {}", entries.len() / ENTRY)));
    };
    let stored = u32::from_be_bytes(field(bytes, 2));
    let computed = crc32c::crc32c(&bytes[CRC_COVERS_FROM..]);
    if stored != computed {
        return Err(format!("Snapshot is corrupt (CRC is no longer valid). Stored crc: {stored}. Computed crc: {computed}"));
    }
    Ok(entries)
}

/// One entry.
#[derive(Clone, Copy, Debug)]
pub struct Producer {
    pub id: i64,
    pub epoch: i16,
    pub last_sequence: i32,
    /// Negative: nothing of it is known but its open transaction.
    pub last_offset: i64,
    pub offset_delta: i32,
    pub timestamp: i64,
    pub coordinator_epoch: i32,
    /// Where its open transaction begins.
    pub open_from: Option<i64>,
}

impl Producer {
    /// From the bytes of an entry.
    pub fn read(entry: &[u8]) -> Producer {
        let int = |from| i32::from_be_bytes(field(entry, from));
        let long = |from| i64::from_be_bytes(field(entry, from));
        Producer {
            id: long(0),
            epoch: i16::from_be_bytes(field(entry, 8)),
            last_sequence: int(10),
            last_offset: long(14),
            offset_delta: int(22),
            timestamp: long(26),
            coordinator_epoch: int(34),
            open_from: Some(long(38)).filter(|offset| *offset >= 0),
        }
    }
}

fn print(dump: &mut Dump<'_, '_>, entry: &[u8]) -> Result<(), DumpError> {
    let p = Producer::read(entry);
    let out = &mut *dump.out;
    out.text("producerId: ").int(p.id).text(" producerEpoch: ").int(p.epoch);
    out.text(" coordinatorEpoch: ").int(p.coordinator_epoch).text(" currentTxnFirstOffset: ").optional_long(p.open_from);
    out.text(" lastTimestamp: ").int(p.timestamp);
    if p.last_offset >= 0 {
        let first_sequence = sequence_before(p.last_sequence, p.offset_delta);
        out.text(" firstSequence: ").int(first_sequence).text(" lastSequence: ").int(p.last_sequence);
        out.text(" lastOffset: ").int(p.last_offset).text(" offsetDelta: ").int(p.offset_delta).text(" timestamp: ").int(p.timestamp);
    }
    out.end_line()
}

/// `sequence` - `by`, where 2147483647 comes before 0.
fn sequence_before(sequence: i32, by: i32) -> i32 {
    if sequence < by { i32::MAX.wrapping_sub(by.wrapping_sub(sequence)).wrapping_add(1) } else { sequence.wrapping_sub(by) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sequence_wraps_below_zero() {
        assert_eq!(sequence_before(5, 3), 2);
        assert_eq!(sequence_before(0, 1), i32::MAX);
        assert_eq!(sequence_before(1, 3), i32::MAX - 1);
    }

    #[test]
    fn what_is_wrong_with_a_snapshot_is_named() {
        assert!(entries(&[]).unwrap_err().contains("shorter than its version"));
        assert_eq!(entries(&[0, 9, 0]).unwrap_err(), "Snapshot contained an unknown file version 9");
        assert!(entries(&[0, 1, 0, 0]).unwrap_err().contains("shorter than its header"));
        let mut claims_many = vec![0, 1, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff];
        assert!(entries(&claims_many).unwrap_err().contains("2147483647 entries are declared"));
        claims_many[6..].copy_from_slice(&[0; 4]);
        assert!(
            entries(&claims_many).unwrap_err().starts_with("Snapshot is corrupt (CRC is no longer valid). Stored crc: 0. Computed crc: ")
        );
    }
}
