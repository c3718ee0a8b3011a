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
/// The only version there is. Kafka writes it as two bytes and reads only the first of them; so does the dump.
const VERSION: i8 = 0;

/// One line an entry; nothing if one of them has a version of the future. Bytes at the end that are no whole entry are passed over.
pub fn dump(dump: &mut Dump<'_, '_>, path: &str) -> Result<(), DumpError> {
    SegmentName::of(path)?;
    let mut file = FileWindow::open(path)?;
    let entries = file.size() / ENTRY as u64;
    for n in 0..entries {
        let version = file.bytes(n * ENTRY as u64, 1)?.map_or(0, |b| i8::from_be_bytes([b[0]]));
        if version > VERSION {
            let path = text::absolute_path(path);
            return Err(DumpError::CorruptIndex(format!(
                "Unexpected aborted transaction version {version} in transaction index {path}, current version is {VERSION}"
            )));
        }
    }
    for n in 0..entries {
        let Some(entry) = file.bytes(n * ENTRY as u64, ENTRY)? else { break };
        let long = |from| i64::from_be_bytes(field(entry, from));
        let out = dump.out.text("version: ").int(i8::from_be_bytes(field(entry, 0))).text(" producerId: ").int(long(2));
        out.text(" firstOffset: ")
            .int(long(10))
            .text(" lastOffset: ")
            .int(long(18))
            .text(" lastStableOffset: ")
            .int(long(26))
            .end_line()?;
    }
    Ok(())
}
