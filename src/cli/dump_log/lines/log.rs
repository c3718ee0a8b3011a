//! Batches and records.

use super::super::Dump;
use super::super::args::Decoding;
use super::super::control;
use super::super::decode::{self, Decoded};
use super::super::error::DumpError;
use super::super::legacy::{self, LegacyRecord};
use super::super::log_file::{crc32_of, crc32c_of, readable_end, record_error};
use super::super::printer::Printer;
use super::super::records::{Candidate, Shown, each_legacy, each_v2};
use super::super::text;
use super::super::walk::{Found, Walk, field, sequence_after};
use super::super::window::FileWindow;
use super::{Place, invalid};
use crate::cli::out::progress::Progress;
use crate::cli::records::grep::Grep;
use crate::record::{BatchHeader, Codec, HEADER_LEN, NO_SEQUENCE, NO_TIMESTAMP, Record};

/// A line for every batch, and after it one for each of its records if they are asked for. With `grep`, the records that it wants alone.
pub fn dump(dump: &mut Dump<'_, '_>, path: &str, place: &Place, grep: &Grep) -> Result<(), DumpError> {
    let decoding = dump.args.decoding()?;
    let mut log = FileWindow::open(path)?;
    let end = readable_end(&log, dump.args.max_bytes)?;
    let mut walk = Walk::new(0, end);
    let mut progress = Progress::over(end, text::file_name(path));
    while let Some(batch) = walk.next(&mut log)? {
        if grep.is_empty() {
            batch_line(dump.out, &mut log, &batch, place)?;
        }
        if dump.args.goes_deep() {
            let mut lines =
                Records { out: dump.out, place, grep, decoding, position: batch.position, contents: dump.args.prints_contents() };
            lines.of_batch(&mut log, &batch)?;
        }
        progress.reached(walk.position());
    }
    progress.finish();
    let at = walk.position();
    if end > at && dump.args.max_bytes == i32::MAX {
        invalid(dump.out, place, at, end - at, "no whole batch")?;
    }
    Ok(())
}

fn batch_line(out: &mut Printer<'_>, log: &mut FileWindow, batch: &Found, place: &Place) -> Result<(), DumpError> {
    if batch.is_legacy() {
        return legacy_line(out, log, batch, place);
    }
    let header = batch.header(log)?;
    let codec = header.codec().map_err(|source| record_error(log, batch, source))?;
    let valid = batch.size >= HEADER_LEN as u64 && crc32c_of(log, batch)? == header.crc;
    place.line(out, "batch").text(",\"position\":").uint(batch.position).text(",\"size\":").uint(batch.size);
    out.text(",\"magic\":").int(header.magic).text(",\"base_offset\":").int(header.base_offset);
    out.text(",\"last_offset\":").int(header.last_offset()).text(",\"count\":").int(header.record_count);
    codec_and_crc(out, codec, header.crc, valid);
    time(out, "max_timestamp", header.max_timestamp, header.timestamp_type().name());
    out.text(",\"producer_id\":");
    known(out, header.producer_id);
    out.text(",\"producer_epoch\":");
    known(out, header.producer_epoch.into());
    let last_sequence = match header.base_sequence {
        NO_SEQUENCE => NO_SEQUENCE,
        first => sequence_after(first, header.last_offset_delta),
    };
    out.text(",\"base_sequence\":");
    known(out, header.base_sequence.into());
    out.text(",\"last_sequence\":");
    known(out, last_sequence.into());
    out.text(",\"leader_epoch\":");
    known(out, header.partition_leader_epoch.into());
    out.text(",\"transactional\":").bool(header.is_transactional()).text(",\"control\":").bool(header.is_control());
    out.text(",\"delete_horizon\":");
    known(out, header.delete_horizon_ms().unwrap_or(-1));
    out.text("}").end_line()
}

/// A batch of an older format is one record, which may hold others. Fields that it does not have are null.
fn legacy_line(out: &mut Printer<'_>, log: &mut FileWindow, batch: &Found, place: &Place) -> Result<(), DumpError> {
    let Some(head) = log.bytes(batch.position, 26)?.and_then(|b| b.first_chunk::<26>()).copied() else {
        return Err(DumpError::HeaderCut { path: log.path().to_owned(), position: batch.position });
    };
    let attributes = head[17];
    let (kind, timestamp) = legacy::time_of(batch.magic, attributes, i64::from_be_bytes(field(&head, 18)));
    let codec = legacy::codec_of(attributes).map_err(|source| record_error(log, batch, source))?;
    let stored = u32::from_be_bytes(field(&head, 12));
    let valid = crc32_of(log, batch)? == stored;
    place.line(out, "batch").text(",\"position\":").uint(batch.position).text(",\"size\":").uint(batch.size);
    out.text(",\"magic\":").int(batch.magic).text(",\"base_offset\":null,\"last_offset\":").int(batch.offset).text(",\"count\":null");
    codec_and_crc(out, codec, stored, valid);
    time(out, "max_timestamp", timestamp, kind);
    out.text(",\"producer_id\":null,\"producer_epoch\":null,\"base_sequence\":null,\"last_sequence\":null,\"leader_epoch\":null");
    out.text(",\"transactional\":false,\"control\":false,\"delete_horizon\":null}").end_line()
}

fn codec_and_crc(out: &mut Printer<'_>, codec: Codec, crc: u32, valid: bool) {
    out.text(",\"codec\":\"").text(codec.name()).text("\",\"crc\":").int(crc).text(",\"valid\":").bool(valid);
}

/// The timestamp under `name`, null if there is none, and its type.
fn time(out: &mut Printer<'_>, name: &str, timestamp: i64, kind: &str) {
    out.text(",\"").text(name).text("\":");
    known(out, timestamp);
    match kind {
        "NoTimestampType" => out.text(",\"timestamp_type\":null"),
        kind => out.text(",\"timestamp_type\":\"").text(kind).text("\""),
    };
}

/// A number of which -1 means that there is none.
fn known(out: &mut Printer<'_>, number: i64) {
    match number {
        NO_TIMESTAMP => out.text("null"),
        number => out.int(number),
    };
}

struct Records<'d, 'o> {
    out: &'d mut Printer<'o>,
    place: &'d Place,
    grep: &'d Grep,
    decoding: Decoding,
    /// Of the batch.
    position: u64,
    /// Keys, values and headers too.
    contents: bool,
}

impl Records<'_, '_> {
    fn of_batch(&mut self, log: &mut FileWindow, batch: &Found) -> Result<(), DumpError> {
        let (path, position) = (log.path().to_owned(), batch.position);
        let fail = |source| DumpError::Record { path: path.clone(), position, source };
        if batch.is_legacy() {
            return each_legacy(log, batch, |record, kind| {
                let candidate = Candidate::of_legacy(&self.place.topic, record).map_err(fail)?;
                if self.grep.wants(&candidate) { self.legacy(record, &candidate, kind) } else { Ok(()) }
            });
        }
        let header = batch.header(log)?;
        each_v2(log, batch, &header, |record| {
            if header.is_control() {
                return if self.grep.is_empty() { self.control(&header, record, control::json(record).map_err(fail)?) } else { Ok(()) };
            }
            if self.grep.wants(&Candidate::of(&self.place.topic, record)) { self.v2(&header, record) } else { Ok(()) }
        })
    }

    fn v2(&mut self, header: &BatchHeader, record: &Record<'_>) -> Result<(), DumpError> {
        self.begin(record.offset, record.timestamp, header.timestamp_type().name());
        self.sequence(header, record);
        self.sizes(record.key.map(<[u8]>::len), record.value.map(<[u8]>::len));
        if self.contents {
            self.key_and_value(Shown { offset: record.offset, key: record.key, value: record.value })?;
            self.out.text(",\"headers\":[");
            for (n, header) in record.headers().enumerate() {
                self.out.text(if n > 0 { ",{\"key\":" } else { "{\"key\":" }).json(Some(header.key));
                self.out.text(",\"value\":").json(header.value).text("}");
            }
            self.out.text("]");
        }
        self.out.text("}").end_line()
    }

    fn control(&mut self, header: &BatchHeader, record: &Record<'_>, control: serde_json::Value) -> Result<(), DumpError> {
        self.begin(record.offset, record.timestamp, header.timestamp_type().name());
        self.sequence(header, record);
        self.sizes(record.key.map(<[u8]>::len), record.value.map(<[u8]>::len));
        self.out.text(",\"control\":").text(&control.to_string()).text("}").end_line()
    }

    fn legacy(&mut self, record: &LegacyRecord<'_>, candidate: &Candidate<'_>, kind: &str) -> Result<(), DumpError> {
        self.begin(record.offset, record.timestamp, kind);
        self.out.text(",\"sequence\":null");
        self.sizes(candidate.key.map(<[u8]>::len), candidate.value.map(<[u8]>::len));
        if self.contents {
            self.key_and_value(Shown { offset: record.offset, key: candidate.key, value: candidate.value })?;
            self.out.text(",\"headers\":[]");
        }
        self.out.text("}").end_line()
    }

    fn begin(&mut self, offset: i64, timestamp: i64, kind: &str) {
        let out = self.place.line(self.out, "record").text(",\"batch\":").uint(self.position);
        time(out.text(",\"offset\":").int(offset), "timestamp", timestamp, kind);
    }

    fn sequence(&mut self, header: &BatchHeader, record: &Record<'_>) {
        self.out.text(",\"sequence\":");
        match header.base_sequence {
            first if first < 0 => self.out.text("null"),
            first => self.out.int(sequence_after(first, record.offset_delta)),
        };
    }

    fn sizes(&mut self, key: Option<usize>, value: Option<usize>) {
        for (name, size) in [(",\"key_size\":", key), (",\"value_size\":", value)] {
            self.out.text(name);
            match size {
                Some(size) => self.out.uint(size as u64),
                None => self.out.text("null"),
            };
        }
    }

    fn key_and_value(&mut self, record: Shown<'_>) -> Result<(), DumpError> {
        let (key, value) = decode::pair_of(self.decoding, &record)?;
        for (name, part) in [(",\"key\":", key), (",\"value\":", value)] {
            self.out.text(name);
            match part {
                Decoded::Bytes(bytes) => self.out.json(bytes),
                Decoded::Text(text) => self.out.json(Some(text.as_bytes())),
                Decoded::Raw(json) => self.out.text(&json),
            };
        }
        Ok(())
    }
}
