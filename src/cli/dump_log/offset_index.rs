//! Dumps an `.index` and compares it with its log.

use super::Dump;
use super::error::DumpError;
use super::index_file::{OffsetIndex, SegmentName};
use super::text;
use super::walk::Walk;
use super::window::FileWindow;

/// `offset: 22 position: 568` for each entry; an entry that does not name the last offset of the batch it points to is a finding.
pub fn dump(dump: &mut Dump<'_, '_>, path: &str) -> Result<(), DumpError> {
    let segment = SegmentName::of(path)?;
    let mut log = FileWindow::open(&segment.sibling(".log"))?;
    let mut index = OffsetIndex::open(path, segment.base_offset)?;
    if index.entries() == 0 {
        return dump.out.text(path).line(" is empty.");
    }
    if dump.args.index_sanity_check {
        index.sanity_check()?;
        return dump.out.text(path).line(" passed sanity check.");
    }
    for n in 0..index.entries() {
        let entry = index.entry(n)?;
        if entry.offset == index.base_offset() && n > 0 {
            // Zeros behind the last entry.
            break;
        }
        let last_offset = last_offset_at(&mut log, entry.position, dump.args.max_message_size)?;
        if last_offset != entry.offset {
            dump.findings.index_mismatch(&text::absolute_path(path), entry.offset, last_offset);
        }
        if !dump.args.verify_index_only {
            dump.out.text("offset: ").int(entry.offset).text(" position: ").int(entry.position).end_line()?;
        }
    }
    Ok(())
}

/// The last offset of the batch at `position`, which must end within `max_size` bytes.
fn last_offset_at(log: &mut FileWindow, position: i32, max_size: i32) -> Result<i64, DumpError> {
    let start = checked_position(log, position)?;
    let Ok(max_size) = u64::try_from(max_size) else {
        return Err(DumpError::NegativeSize { path: log.path().to_owned(), size: log.size(), max_bytes: max_size });
    };
    let end = (start + max_size).min(log.size());
    match Walk::new(start, end).next(log)? {
        Some(batch) => batch.last_offset(log),
        None => Err(DumpError::NoBatch { log: log.path().to_owned(), position: i64::from(position) }),
    }
}

/// A position in an index entry as one in the log. Error: `BehindEnd`.
pub fn checked_position(log: &FileWindow, position: i32) -> Result<u64, DumpError> {
    match u64::try_from(position) {
        Ok(start) if start <= log.size() => Ok(start),
        _ => Err(DumpError::BehindEnd { log: log.path().to_owned(), position: i64::from(position), size: log.size() }),
    }
}
