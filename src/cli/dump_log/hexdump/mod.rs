//! `--hex`: every byte of a file, in order, with its name and meaning.

mod batch;
mod fields;
mod legacy;
mod sheet;
mod small;

use super::Dump;
use super::error::DumpError;
use super::log_file;
use super::text;
use super::walk::Walk;
use super::window::FileWindow;
use crate::cli::out::progress::Progress;
use sheet::{Origin, Sheet};

/// Bytes of an unreadable rest printed at a time.
const STEP: u64 = 64 * 1024;
/// Bytes of a cut batch that are looked at as such.
const MOST_OF_CUT: u64 = 1024 * 1024;

/// Dumps a `.log` or `.checkpoint`. Unlike the other ways to print a log it also shows what follows the last whole batch.
pub fn log(dump: &mut Dump<'_, '_>, path: &str) -> Result<(), DumpError> {
    log_file::title(dump.out, path)?;
    let mut log = FileWindow::open(path)?;
    let end = log_file::readable_end(&log, dump.args.max_bytes)?;
    let mut progress = Progress::over(end, text::file_name(path));
    let mut sheet = Sheet::new(dump.out, dump.colour);
    let mut walk = Walk::new(0, end);
    let mut at = 0;
    let why = loop {
        match walk.next(&mut log) {
            Ok(Some(found)) if found.is_legacy() => legacy::dump(&mut sheet, &mut log, &found)?,
            Ok(Some(found)) => batch::dump(&mut sheet, &mut log, &found)?,
            Ok(None) => break None,
            Err(e @ DumpError::BatchLength { .. }) => break Some(e),
            Err(e) => return Err(e),
        }
        at = walk.position();
        progress.reached(at);
    };
    progress.finish();
    if at == end || dump.args.max_bytes != i32::MAX {
        return why.map_or(Ok(()), Err);
    }
    sheet.heading(format!("{} bytes at {at} are no whole batch", end - at))?;
    match &why {
        // Its length may be right: only its end is missing.
        None => cut_batch(&mut sheet, &mut log, at, end),
        Some(_) => unreadable(&mut sheet, &mut log, at, end),
    }?;
    why.map_or(Ok(()), Err)
}

/// The bytes from `at` to `end` as the begin of a batch.
fn cut_batch(sheet: &mut Sheet<'_, '_>, log: &mut FileWindow, at: u64, end: u64) -> Result<(), DumpError> {
    let len = (end - at).min(MOST_OF_CUT);
    if let Some(bytes) = log.bytes(at, len as usize)? {
        batch::cut(sheet, at, bytes)?;
    }
    unreadable(sheet, log, at + len, end)
}

/// Bytes of which nothing is known.
fn unreadable(sheet: &mut Sheet<'_, '_>, log: &mut FileWindow, mut at: u64, end: u64) -> Result<(), DumpError> {
    while at < end {
        let len = (end - at).min(STEP);
        let Some(bytes) = log.bytes(at, len as usize)? else { break };
        sheet.field(Origin::File(at), 0, bytes, "unreadable", "")?;
        at += len;
    }
    Ok(())
}

/// Dumps any of the other files.
pub fn small(dump: &mut Dump<'_, '_>, path: &str, suffix: &str) -> Result<(), DumpError> {
    let mut sheet = Sheet::new(dump.out, dump.colour);
    match suffix {
        "index" => small::offset_index(&mut sheet, path),
        "timeindex" => small::time_index(&mut sheet, path),
        "txnindex" => small::txn_index(&mut sheet, path),
        _ => small::producer_snapshot(&mut sheet, path),
    }
}
