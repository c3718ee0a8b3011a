//! Dumps a `.log` or a `.checkpoint`: a line for every batch and, if asked, one for every record.

use super::Dump;
use super::error::DumpError;
use super::index_file::SegmentName;
use super::places::partition_of;
use super::printer::Printer;
use super::records::{self, Sieve};
use super::text;
use super::walk::{Found, Walk, field, sequence_after};
use super::window::FileWindow;
use crate::cli::out::progress::Progress;
use crate::cli::records::grep::Grep;
use crate::record::{BatchHeader, Codec, HEADER_LEN, NO_SEQUENCE, RecordError};

/// The CRC of a v2 batch begins here.
const V2_CRC_FROM: u64 = 21;
/// The CRC of an older record begins here.
const LEGACY_CRC_FROM: u64 = 16;

/// Bytes of a CRC computed at a time, so that a batch need not be in memory as a whole.
const CRC_STEP: u64 = 256 * 1024;

pub fn dump(dump: &mut Dump<'_, '_>, path: &str) -> Result<(), DumpError> {
    let decoding = dump.args.decoding()?;
    title(dump.out, path)?;
    let mut log = FileWindow::open(path)?;
    let end = readable_end(&log, dump.args.max_bytes)?;
    let mut walk = Walk::new(0, end);
    let mut progress = Progress::over(end, text::file_name(path));
    let mut valid_bytes = 0;
    let mut last_offset = -1;
    let everything = Grep::default();
    let sieve = Sieve { grep: &everything, topic: "" };
    while let Some(batch) = walk.next(&mut log)? {
        batch_line(dump.out, &mut log, &batch)?;
        if dump.args.goes_deep() {
            records::dump(dump, &mut log, &batch, &sieve, decoding, &mut last_offset)?;
        }
        valid_bytes += batch.size;
        progress.reached(valid_bytes);
    }
    progress.finish();
    if end > valid_bytes && dump.args.max_bytes == i32::MAX {
        let name = text::file_name(path);
        dump.out.text("Found ").uint(end - valid_bytes).text(" invalid bytes at the end of ").line(name)?;
    }
    Ok(())
}

/// The records that `grep` wants, under the lines of their batches; of a file without any, nothing.
pub fn dump_wanted(dump: &mut Dump<'_, '_>, path: &str, grep: &Grep) -> Result<(), DumpError> {
    let decoding = dump.args.decoding()?;
    let mut log = FileWindow::open(path)?;
    let end = readable_end(&log, dump.args.max_bytes)?;
    let mut walk = Walk::new(0, end);
    let mut progress = Progress::over(end, text::file_name(path));
    let (mut titled, mut last_offset) = (false, -1);
    let partition = partition_of(path);
    let sieve = Sieve { grep, topic: partition.as_ref().map_or("", |(topic, _)| topic.as_str()) };
    while let Some(batch) = walk.next(&mut log)? {
        if records::any_wanted(&mut log, &batch, &sieve)? {
            if !std::mem::replace(&mut titled, true) {
                dump.out.text("Dumping ").line(path)?;
                title(dump.out, path)?;
            }
            batch_line(dump.out, &mut log, &batch)?;
            records::dump(dump, &mut log, &batch, &sieve, decoding, &mut last_offset)?;
        }
        progress.reached(walk.position());
    }
    progress.finish();
    Ok(())
}

/// What the file's name says. Errors: `NoOffsetInName`, `NoSnapshotId`.
pub fn title(out: &mut Printer<'_>, path: &str) -> Result<(), DumpError> {
    let name = text::file_name(path);
    if name.ends_with(".log") {
        let offset = SegmentName::of(path)?.base_offset;
        return out.text("Log starting offset: ").int(offset).end_line();
    }
    if name == "bootstrap.checkpoint" {
        return out.line("KRaft bootstrap snapshot");
    }
    let offset = name.get(..20).and_then(|digits| digits.parse::<i64>().ok());
    let epoch = name.get(21..31).and_then(|digits| digits.parse::<i32>().ok());
    match (offset, epoch) {
        (Some(offset), Some(epoch)) => out.text("Snapshot end offset: ").int(offset).text(", epoch: ").int(epoch).end_line(),
        _ => Err(DumpError::NoSnapshotId(path.to_owned())),
    }
}

/// How far to read a log: to its end or to `--max-bytes`. Error: `NegativeSize`.
pub fn readable_end(log: &FileWindow, max_bytes: i32) -> Result<u64, DumpError> {
    match u64::try_from(max_bytes) {
        Ok(_) if max_bytes == i32::MAX => Ok(log.size()),
        Ok(most) => Ok(log.size().min(most)),
        Err(_) => Err(DumpError::NegativeSize { path: log.path().to_owned(), size: log.size(), max_bytes }),
    }
}

fn batch_line(out: &mut Printer<'_>, log: &mut FileWindow, batch: &Found) -> Result<(), DumpError> {
    // Brings a batch of usual size into memory as a whole, once.
    log.bytes(batch.position, batch.len().min(CRC_STEP as usize))?;
    if batch.is_legacy() {
        return legacy_line(out, log, batch);
    }
    let header = batch.header(log)?;
    header_fields(out, &header);
    let codec = header.codec().map_err(|source| record_error(log, batch, source))?;
    let time = header.timestamp_type().name();
    let valid = batch.size >= HEADER_LEN as u64 && crc32c_of(log, batch)? == header.crc;
    batch_end(out, batch, time, header.max_timestamp, codec, header.crc, valid)
}

fn header_fields(out: &mut Printer<'_>, header: &BatchHeader) {
    out.text("baseOffset: ").int(header.base_offset).text(" lastOffset: ").int(header.last_offset());
    out.text(" count: ").int(header.record_count).text(" baseSequence: ").int(header.base_sequence);
    let last_sequence = match header.base_sequence {
        NO_SEQUENCE => NO_SEQUENCE,
        first => sequence_after(first, header.last_offset_delta),
    };
    out.text(" lastSequence: ").int(last_sequence).text(" producerId: ").int(header.producer_id);
    out.text(" producerEpoch: ").int(header.producer_epoch).text(" partitionLeaderEpoch: ").int(header.partition_leader_epoch);
    out.text(" isTransactional: ").bool(header.is_transactional()).text(" isControl: ").bool(header.is_control());
    out.text(" deleteHorizonMs: ").optional_long(header.delete_horizon_ms());
}

/// A batch of format version 0 or 1 is one record, which may hold others in compressed form.
fn legacy_line(out: &mut Printer<'_>, log: &mut FileWindow, batch: &Found) -> Result<(), DumpError> {
    let head = match log.bytes(batch.position, 26)? {
        Some(head) => *head.first_chunk::<26>().unwrap_or(&[0; 26]),
        None => return Err(DumpError::HeaderCut { path: log.path().to_owned(), position: batch.position }),
    };
    let attributes = head[17];
    out.text("offset: ").int(batch.offset);
    if batch.magic < 0 {
        return Err(record_error(log, batch, RecordError::BadMagic(batch.magic)));
    }
    let (time, timestamp) = super::legacy::time_of(batch.magic, attributes, i64::from_be_bytes(field(&head, 18)));
    let codec = super::legacy::codec_of(attributes).map_err(|source| record_error(log, batch, source))?;
    let stored = u32::from_be_bytes(field(&head, 12));
    let valid = crc32_of(log, batch)? == stored;
    batch_end(out, batch, time, timestamp, codec, stored, valid)
}

fn batch_end(
    out: &mut Printer<'_>,
    batch: &Found,
    time: &str,
    timestamp: i64,
    codec: Codec,
    crc: u32,
    valid: bool,
) -> Result<(), DumpError> {
    out.text(" position: ").uint(batch.position).text(" ").text(time).text(": ").int(timestamp);
    out.text(" size: ").uint(batch.size).text(" magic: ").int(batch.magic).text(" compresscodec: ").text(codec.name());
    out.text(" crc: ").int(crc).text(" isvalid: ").bool(valid).end_line()
}

/// CRC-32C over a v2 batch.
pub fn crc32c_of(log: &mut FileWindow, batch: &Found) -> Result<u32, DumpError> {
    let mut crc = 0;
    in_steps(log, batch, V2_CRC_FROM, |bytes| crc = crc32c::crc32c_append(crc, bytes))?;
    Ok(crc)
}

/// CRC-32 (that of zip) over an older record.
pub fn crc32_of(log: &mut FileWindow, batch: &Found) -> Result<u32, DumpError> {
    let mut crc = flate2::Crc::new();
    in_steps(log, batch, LEGACY_CRC_FROM, |bytes| crc.update(bytes))?;
    Ok(crc.sum())
}

fn in_steps(log: &mut FileWindow, batch: &Found, from: u64, mut each: impl FnMut(&[u8])) -> Result<(), DumpError> {
    let end = batch.position + batch.size;
    let mut at = batch.position + from;
    while at < end {
        let step = (end - at).min(CRC_STEP);
        let Some(bytes) = log.bytes(at, step as usize)? else { break };
        each(bytes);
        at += step;
    }
    Ok(())
}

/// `source` with the place of the batch.
pub fn record_error(log: &FileWindow, batch: &Found, source: RecordError) -> DumpError {
    DumpError::Record { path: log.path().to_owned(), position: batch.position, source }
}
