//! Entries of indexes and producer snapshots, as they are: `--verify` compares them with the log.

use super::super::Dump;
use super::super::error::DumpError;
use super::super::index_file::{OffsetIndex, SegmentName, TimeIndex};
use super::super::producer_snapshot::{ENTRY as PRODUCER, Producer, entries};
use super::super::txn_index::ENTRY as TXN;
use super::super::walk::field;
use super::super::window::FileWindow;
use super::{Place, invalid};

pub fn offset_index(dump: &mut Dump<'_, '_>, path: &str, place: &Place) -> Result<(), DumpError> {
    let mut index = OffsetIndex::open(path, SegmentName::of(path)?.base_offset)?;
    for n in 0..index.entries() {
        let entry = index.entry(n)?;
        if entry.offset == index.base_offset() && n > 0 {
            // Zeros behind the last entry.
            break;
        }
        let out = place.line(dump.out, "index_entry").text(",\"offset\":").int(entry.offset);
        out.text(",\"position\":").int(entry.position).text("}").end_line()?;
    }
    Ok(())
}

pub fn time_index(dump: &mut Dump<'_, '_>, path: &str, place: &Place) -> Result<(), DumpError> {
    let mut index = TimeIndex::open(path, SegmentName::of(path)?.base_offset)?;
    for n in 0..index.entries() {
        let entry = index.entry(n)?;
        if entry.offset == index.base_offset() && n > 0 {
            break;
        }
        let out = place.line(dump.out, "time_index_entry").text(",\"timestamp\":").int(entry.timestamp);
        out.text(",\"offset\":").int(entry.offset).text("}").end_line()?;
    }
    Ok(())
}

pub fn txn_index(dump: &mut Dump<'_, '_>, path: &str, place: &Place) -> Result<(), DumpError> {
    let mut file = FileWindow::open(path)?;
    let whole = file.size() / TXN as u64;
    for n in 0..whole {
        let Some(entry) = file.bytes(n * TXN as u64, TXN)? else { break };
        let long = |from| i64::from_be_bytes(field(entry, from));
        let out = place.line(dump.out, "aborted_transaction").text(",\"producer_id\":").int(long(2));
        out.text(",\"first_offset\":").int(long(10)).text(",\"last_offset\":").int(long(18));
        out.text(",\"last_stable_offset\":").int(long(26)).text("}").end_line()?;
    }
    let rest = file.size() - whole * TXN as u64;
    if rest > 0 { invalid(dump.out, place, whole * TXN as u64, rest, "no whole entry") } else { Ok(()) }
}

pub fn producer_snapshot(dump: &mut Dump<'_, '_>, path: &str, place: &Place) -> Result<(), DumpError> {
    let mut file = FileWindow::open(path)?;
    let size = file.size();
    let bytes = file.bytes(0, usize::try_from(size).unwrap_or(usize::MAX))?.unwrap_or_default();
    match entries(bytes) {
        Ok(entries) => entries.chunks_exact(PRODUCER).try_for_each(|entry| producer(dump, place, &Producer::read(entry))),
        Err(why) => invalid(dump.out, place, 0, size, &why),
    }
}

fn producer(dump: &mut Dump<'_, '_>, place: &Place, p: &Producer) -> Result<(), DumpError> {
    let out = place.line(dump.out, "producer").text(",\"producer_id\":").int(p.id).text(",\"producer_epoch\":").int(p.epoch);
    out.text(",\"coordinator_epoch\":").int(p.coordinator_epoch).text(",\"timestamp\":").int(p.timestamp);
    match p.last_offset {
        offset if offset >= 0 => out.text(",\"last_offset\":").int(offset).text(",\"last_sequence\":").int(p.last_sequence),
        _ => out.text(",\"last_offset\":null,\"last_sequence\":null"),
    };
    out.text(",\"open_transaction_from\":");
    match p.open_from {
        Some(offset) => out.int(offset),
        None => out.text("null"),
    };
    out.text("}").end_line()
}
