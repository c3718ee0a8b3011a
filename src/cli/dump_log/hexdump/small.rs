//! The files beside the log: indexes and producer snapshots.

use super::fields::{Fields, Stop};
use super::sheet::{Crc, Origin, Sheet, time};
use crate::cli::dump_log::error::DumpError;
use crate::cli::dump_log::index_file::{OffsetIndex, SegmentName, TimeIndex};
use crate::cli::dump_log::producer_snapshot;
use crate::cli::dump_log::txn_index;
use crate::cli::dump_log::walk::field;
use crate::cli::dump_log::window::FileWindow;

/// Entries of `.index`.
pub fn offset_index(sheet: &mut Sheet<'_, '_>, path: &str) -> Result<(), DumpError> {
    let base = SegmentName::of(path)?.base_offset;
    entries(sheet, path, OffsetIndex::ENTRY, |fields| {
        fields.i32("relativeOffset", |v| format!("{v} (offset {})", base.wrapping_add(i64::from(v))))?;
        fields.i32("position", |v| v).map(|_| ())
    })
}

/// Entries of `.timeindex`.
pub fn time_index(sheet: &mut Sheet<'_, '_>, path: &str) -> Result<(), DumpError> {
    let base = SegmentName::of(path)?.base_offset;
    entries(sheet, path, TimeIndex::ENTRY, |fields| {
        fields.i64("timestamp", time)?;
        fields.i32("relativeOffset", |v| format!("{v} (offset {})", base.wrapping_add(i64::from(v)))).map(|_| ())
    })
}

/// Entries of `.txnindex`.
pub fn txn_index(sheet: &mut Sheet<'_, '_>, path: &str) -> Result<(), DumpError> {
    entries(sheet, path, txn_index::ENTRY as u64, |fields| {
        fields.i16("version", |v| v)?;
        for name in ["producerId", "firstOffset", "lastOffset", "lastStableOffset"] {
            fields.i64(name, |v| v)?;
        }
        Ok(())
    })
}

/// A file of entries of equal size, read one by one.
fn entries(
    sheet: &mut Sheet<'_, '_>,
    path: &str,
    size: u64,
    mut each: impl FnMut(&mut Fields<'_, '_, '_, '_>) -> Result<(), Stop>,
) -> Result<(), DumpError> {
    let mut file = FileWindow::open(path)?;
    let mut at = 0;
    while at < file.size() {
        let len = (file.size() - at).min(size);
        let Some(bytes) = file.bytes(at, len as usize)? else { break };
        Fields::new(sheet, Origin::File(at), bytes).within(bytes.len(), &mut each)?;
        at += len;
    }
    Ok(())
}

/// A `.snapshot`.
pub fn producer_snapshot(sheet: &mut Sheet<'_, '_>, path: &str) -> Result<(), DumpError> {
    let mut file = FileWindow::open(path)?;
    let size = usize::try_from(file.size()).unwrap_or(usize::MAX);
    let bytes = file.bytes(0, size)?.unwrap_or_default();
    let computed = crc32c::crc32c(bytes.get(producer_snapshot::CRC_COVERS_FROM..).unwrap_or_default());
    Fields::new(sheet, Origin::File(0), bytes).within(bytes.len(), |fields| {
        fields.i16("version", |v| v)?;
        fields.u32("crc", |stored| Crc::Computed(computed).beside(stored))?;
        for _ in 0..fields.i32("entryCount", |v| v)? {
            let producer_id = i64::from_be_bytes(field(fields.left(), 0));
            fields.heading(format!("producer {producer_id}"))?;
            fields.within(producer_snapshot::ENTRY, snapshot_entry)?;
            if fields.is_empty() {
                break;
            }
        }
        Ok(())
    })
}

fn snapshot_entry(fields: &mut Fields<'_, '_, '_, '_>) -> Result<(), Stop> {
    fields.i64("producerId", |v| v)?;
    fields.i16("producerEpoch", |v| v)?;
    fields.i32("lastSequence", |v| v)?;
    fields.i64("lastOffset", |v| v)?;
    fields.i32("offsetDelta", |v| v)?;
    fields.i64("timestamp", time)?;
    fields.i32("coordinatorEpoch", |v| v)?;
    fields.i64("currentTxnFirstOffset", |v| if v < 0 { format!("{v} (no open transaction)") } else { v.to_string() }).map(|_| ())
}
