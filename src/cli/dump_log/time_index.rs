//! Dumps a `.timeindex` and compares it with its log, which it finds its way through by the `.index`.

use super::Dump;
use super::error::DumpError;
use super::index_file::{OffsetIndex, SegmentName, TimeEntry, TimeIndex};
use super::offset_index::checked_position;
use super::records::greatest_timestamp;
use super::text;
use super::walk::{Found, Walk};
use super::window::FileWindow;
use crate::record::NO_TIMESTAMP;

/// `timestamp: 1700000025591 offset: 22` for each entry. Findings: no batch ends with the entry's offset; the batch that does has another
/// greatest timestamp; timestamps that do not rise.
pub fn dump(dump: &mut Dump<'_, '_>, path: &str) -> Result<(), DumpError> {
    let segment = SegmentName::of(path)?;
    let log = FileWindow::open(&segment.sibling(".log"))?;
    let mut offsets = OffsetIndex::open(&segment.sibling(".index"), segment.base_offset)?;
    let mut times = TimeIndex::open(path, segment.base_offset)?;
    if dump.args.index_sanity_check {
        times.sanity_check()?;
        return dump.out.text(path).line(" passed sanity check.");
    }
    let mut log = CheckedLog { log, walked: None };
    let mut previous = NO_TIMESTAMP;
    for n in 0..times.entries() {
        let entry = times.entry(n)?;
        if entry.offset == times.base_offset() && n > 0 {
            // Zeros behind the last entry.
            break;
        }
        let start = checked_position(&log.log, offsets.lookup(entry.offset)?)?;
        log.check_from(start)?;
        compare(dump, path, &mut log.log, start, entry, previous)?;
        if !dump.args.verify_index_only {
            dump.out.text("timestamp: ").int(entry.timestamp).text(" offset: ").int(entry.offset).end_line()?;
        }
        previous = entry.timestamp;
    }
    Ok(())
}

/// Looks for the batch of `entry` from `start` on and notes what does not agree.
fn compare(
    dump: &mut Dump<'_, '_>,
    path: &str,
    log: &mut FileWindow,
    start: u64,
    entry: TimeEntry,
    previous: i64,
) -> Result<(), DumpError> {
    let path = text::absolute_path(path);
    let batch = match first_ending_at_or_after(log, start, entry.offset)? {
        None => {
            dump.findings.offset_not_found(&path, entry.offset, -1);
            return Ok(());
        }
        Some((_, last_offset)) if last_offset != entry.offset => {
            dump.findings.offset_not_found(&path, entry.offset, last_offset);
            return Ok(());
        }
        Some((batch, _)) => batch,
    };
    let greatest = greatest_timestamp(log, &batch)?;
    if greatest != entry.timestamp {
        dump.findings.time_mismatch(&path, entry.timestamp, greatest);
    }
    if previous >= entry.timestamp {
        dump.findings.time_out_of_order(&path, entry.timestamp, previous);
    }
    Ok(())
}

/// The first batch from `start` on whose last offset is `offset` or greater, with that offset.
fn first_ending_at_or_after(log: &mut FileWindow, start: u64, offset: i64) -> Result<Option<(Found, i64)>, DumpError> {
    let mut walk = Walk::new(start, log.size());
    while let Some(batch) = walk.next(log)? {
        let last_offset = batch.last_offset(log)?;
        if last_offset >= offset {
            return Ok(Some((batch, last_offset)));
        }
    }
    Ok(None)
}

/// A log of which every entry's rest has to be sound: Kafka reads all headers from the entry's position to the end of the file before it
/// looks at any, and stops the dump if one is bad. Here the way to the end is walked once, and then only to the next entry.
struct CheckedLog {
    log: FileWindow,
    /// A batch position from which the end of the file was reached.
    walked: Option<u64>,
}

impl CheckedLog {
    fn check_from(&mut self, start: u64) -> Result<(), DumpError> {
        let on_known_way = match self.walked {
            Some(from) if from <= start => self.meets(from, start)?,
            _ => false,
        };
        if !on_known_way {
            let mut walk = Walk::new(start, self.log.size());
            while walk.next(&mut self.log)?.is_some() {}
        }
        self.walked = Some(start);
        Ok(())
    }

    /// True if a walk from `from` comes by `to`.
    fn meets(&mut self, from: u64, to: u64) -> Result<bool, DumpError> {
        let mut walk = Walk::new(from, self.log.size());
        let mut at = from;
        while at < to {
            let Some(batch) = walk.next(&mut self.log)? else { return Ok(false) };
            at = batch.position + batch.size;
        }
        Ok(at == to)
    }
}
