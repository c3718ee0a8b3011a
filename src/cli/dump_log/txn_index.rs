//! Dumps a `.txnindex`: the aborted transactions that end in a segment.
//!
//! ```text
//! version i16 | producer id i64 | first offset i64 | last offset i64 | last stable offset i64      34 bytes an entry
//! ```

use super::Dump;
use super::error::DumpError;
use super::index_file::SegmentName;
use super::text;
use super::walk::field;
use super::window::FileWindow;

/// Bytes of an entry.
pub const ENTRY: usize = 34;
/// The only version there is.
const VERSION: i16 = 0;

/// One line an entry. Bytes at the end that are no whole entry are passed over.
pub fn dump(dump: &mut Dump<'_, '_>, path: &str) -> Result<(), DumpError> {
    SegmentName::of(path)?;
    let mut file = FileWindow::open(path)?;
    for n in 0..file.size() / ENTRY as u64 {
        let Some(entry) = file.bytes(n * ENTRY as u64, ENTRY)? else { break };
        let version = i16::from_be_bytes(field(entry, 0));
        let long = |from| i64::from_be_bytes(field(entry, from));
        let (producer_id, first, last, stable) = (long(2), long(10), long(18), long(26));
        if version > VERSION {
            let path = text::absolute_path(path);
            return Err(DumpError::CorruptIndex(format!(
                "Unexpected aborted transaction version {version} in transaction index {path}, current version is {VERSION}"
            )));
        }
        let out = dump.out.text("version: ").int(version).text(" producerId: ").int(producer_id);
        out.text(" firstOffset: ").int(first).text(" lastOffset: ").int(last).text(" lastStableOffset: ").int(stable).end_line()?;
    }
    Ok(())
}
