//! The lines of a batch's records.

use super::Dump;
use super::args::Decoding;
use super::control;
use super::decode;
use super::error::DumpError;
use super::legacy::{self, LegacyRecord};
use super::printer::Printer;
use super::text;
use super::walk::{Found, sequence_after};
use super::window::FileWindow;
use crate::cli::records::grep::{Grep, Sought};
use crate::record::{
    BatchHeader, Codec, HEADER_LEN, Header, Headers, NO_SEQUENCE, NO_TIMESTAMP, Record, RecordError, RecordIter, codec, walk,
};

/// A batch may decompress to this much; more is refused instead of taking the machine's memory.
pub const MOST_DECOMPRESSED: usize = 512 << 20;

/// What decoders see of a record.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    pub offset: i64,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
}

/// Prints a line for every record of `batch`. `last_offset` goes from batch to batch, for the gaps.
pub fn dump(
    dump: &mut Dump<'_, '_>,
    log: &mut FileWindow,
    batch: &Found,
    sought: &Sieve<'_>,
    decoding: Decoding,
    last_offset: &mut i64,
) -> Result<(), DumpError> {
    let path = log.path().to_owned();
    let mut printing = Printing { dump, path: &path, position: batch.position, sought, decoding, last_offset };
    if batch.is_legacy() {
        return each_legacy(log, batch, |record, time| printing.legacy(record, time));
    }
    let header = batch.header(log)?;
    each_v2(log, batch, &header, |record| printing.v2(&header, record))
}

/// The greatest timestamp of the batch's records, -1 if it has none.
pub fn greatest_timestamp(log: &mut FileWindow, batch: &Found) -> Result<i64, DumpError> {
    let mut greatest = NO_TIMESTAMP;
    if batch.is_legacy() {
        each_legacy(log, batch, |record, _| {
            greatest = greatest.max(record.timestamp);
            Ok(())
        })?;
    } else {
        let header = batch.header(log)?;
        each_v2(log, batch, &header, |record| {
            greatest = greatest.max(record.timestamp);
            Ok(())
        })?;
    }
    Ok(greatest)
}

/// The body of a v2 batch, as it lies in the file or decompressed.
pub fn body_of<'a>(header: &BatchHeader, bytes: &'a [u8]) -> Result<std::borrow::Cow<'a, [u8]>, RecordError> {
    let body = bytes.get(HEADER_LEN..).ok_or(RecordError::BatchTooSmall(header.batch_length))?;
    Ok(match header.codec()? {
        Codec::None => body.into(),
        codec => codec::decompress(codec, body, MOST_DECOMPRESSED)?.into(),
    })
}

/// A record as `--grep` looks at it.
pub struct Candidate<'a> {
    pub topic: &'a str,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: Option<Headers<'a>>,
}

impl Sought for Candidate<'_> {
    fn topic(&self) -> &str {
        self.topic
    }

    fn key(&self) -> Option<&[u8]> {
        self.key
    }

    fn value(&self) -> Option<&[u8]> {
        self.value
    }

    fn headers(&self) -> impl Iterator<Item = Header<'_>> {
        self.headers.clone().into_iter().flatten()
    }
}

impl<'a> Candidate<'a> {
    pub fn of(topic: &'a str, record: &Record<'a>) -> Candidate<'a> {
        Candidate { topic, key: record.key, value: record.value, headers: Some(record.headers()) }
    }

    /// Error: it ends before its key and value.
    pub fn of_legacy(topic: &'a str, record: &LegacyRecord<'a>) -> Result<Candidate<'a>, RecordError> {
        Ok(Candidate { topic, key: record.key()?, value: record.value()?, headers: None })
    }
}

/// True if a record of the batch is wanted; control records never are.
pub fn any_wanted(log: &mut FileWindow, batch: &Found, sieve: &Sieve<'_>) -> Result<bool, DumpError> {
    let Sieve { grep, topic } = *sieve;
    let mut wanted = false;
    if batch.is_legacy() {
        let (path, position) = (log.path().to_owned(), batch.position);
        each_legacy(log, batch, |record, _| {
            let candidate = Candidate::of_legacy(topic, record);
            wanted |= grep.wants(&candidate.map_err(|source| DumpError::Record { path: path.clone(), position, source })?);
            Ok(())
        })?;
        return Ok(wanted);
    }
    let header = batch.header(log)?;
    if header.is_control() {
        return Ok(false);
    }
    each_v2(log, batch, &header, |record| {
        wanted = wanted || grep.wants(&Candidate::of(topic, record));
        Ok(())
    })?;
    Ok(wanted)
}

/// Calls `each` for the records of a batch as far as Kafka gives them out: those of a compressed batch only if all are sound, those of any
/// other up to the first that is not, and the last one only if nothing follows it.
pub fn each_v2(
    log: &mut FileWindow,
    batch: &Found,
    header: &BatchHeader,
    mut each: impl FnMut(&Record<'_>) -> Result<(), DumpError>,
) -> Result<(), DumpError> {
    if header.record_count == 0 {
        return Ok(());
    }
    let path = log.path().to_owned();
    let fail = |source| DumpError::Record { path: path.clone(), position: batch.position, source };
    if header.record_count < 0 {
        return Err(fail(RecordError::InvalidRecord("the record count is negative")));
    }
    let body = body_of(header, batch.bytes(log)?).map_err(fail)?;
    if matches!(body, std::borrow::Cow::Owned(_)) {
        walk(&body, header.record_count, |_| {}).map_err(fail)?;
    }
    let mut records = RecordIter::new(header, &body);
    let mut left = header.record_count;
    while let Some(record) = records.next() {
        let record = record.map_err(fail)?;
        left -= 1;
        if left == 0
            && let Some(Err(source)) = records.next()
        {
            return Err(fail(source));
        }
        each(&record)?;
    }
    Ok(())
}

/// Calls `each` for the record or the inner records of a batch of an older format, with the name of the outer record's timestamp.
pub fn each_legacy(
    log: &mut FileWindow,
    batch: &Found,
    mut each: impl FnMut(&LegacyRecord<'_>, &'static str) -> Result<(), DumpError>,
) -> Result<(), DumpError> {
    let path = log.path().to_owned();
    let fail = |source| DumpError::Record { path: path.clone(), position: batch.position, source };
    let outer = legacy::parse(batch.bytes(log)?).map_err(fail)?;
    let (time, _) = legacy::time_of(outer.magic, outer.attributes, outer.timestamp);
    if legacy::codec_of(outer.attributes).map_err(fail)? == Codec::None {
        return each(&outer, time);
    }
    let set = legacy::decompress(&outer, MOST_DECOMPRESSED).map_err(fail)?;
    for inner in legacy::inner_records(&outer, &set).map_err(fail)? {
        if legacy::codec_of(inner.attributes).map_err(fail)? != Codec::None {
            return Err(fail(RecordError::InvalidRecord("a compressed record holds another compressed one")));
        }
        each(&inner, time)?;
    }
    Ok(())
}

/// Which records of a topic are to be shown.
pub struct Sieve<'a> {
    pub grep: &'a Grep,
    pub topic: &'a str,
}

struct Printing<'d, 'a, 'o> {
    dump: &'d mut Dump<'a, 'o>,
    path: &'d str,
    position: u64,
    sought: &'d Sieve<'d>,
    decoding: Decoding,
    last_offset: &'d mut i64,
}

impl Printing<'_, '_, '_> {
    fn v2(&mut self, header: &BatchHeader, record: &Record<'_>) -> Result<(), DumpError> {
        self.note_gap(record.offset);
        if !self.sought.grep.is_empty() && !self.sought.grep.wants(&Candidate::of(self.sought.topic, record)) {
            return Ok(());
        }
        let is_control = header.is_control();
        if !self.dump.args.skip_record_metadata {
            let out = &mut *self.dump.out;
            let size = |bytes: Option<&[u8]>| bytes.map_or(-1, |b| i64::try_from(b.len()).unwrap_or(i64::MAX));
            let time = header.timestamp_type().name();
            common_fields(out, record.offset, time, record.timestamp, size(record.key), size(record.value));
            let sequence = match header.base_sequence {
                first if first < 0 => NO_SEQUENCE,
                first => sequence_after(first, record.offset_delta),
            };
            out.text(" sequence: ").int(sequence).text(" headerKeys: [");
            for (n, header) in record.headers().enumerate() {
                out.text(if n > 0 { "," } else { "" }).utf8(header.key);
            }
            out.text("]");
            if is_control {
                control::print(out, record)?;
            }
        }
        self.contents(Shown { offset: record.offset, key: record.key, value: record.value }, is_control)
    }

    fn legacy(&mut self, record: &LegacyRecord<'_>, time: &str) -> Result<(), DumpError> {
        self.note_gap(record.offset);
        let fail = |source| DumpError::Record { path: self.path.to_owned(), position: self.position, source };
        if !self.sought.grep.is_empty() && !self.sought.grep.wants(&Candidate::of_legacy(self.sought.topic, record).map_err(fail)?) {
            return Ok(());
        }
        if !self.dump.args.skip_record_metadata {
            let out = &mut *self.dump.out;
            common_fields(out, record.offset, time, record.timestamp, record.key_size, record.value_size);
            out.text(" isValid: ").bool(record.is_valid()).text(" crc: ").int(record.stored_crc);
        }
        if !self.dump.args.prints_contents() {
            return self.dump.out.end_line();
        }
        let (key, value) = (record.key().map_err(fail)?, record.value().map_err(fail)?);
        self.contents(Shown { offset: record.offset, key, value }, false)
    }

    fn contents(&mut self, record: Shown<'_>, is_control: bool) -> Result<(), DumpError> {
        if self.dump.args.prints_contents() && !is_control {
            let prefix = if self.dump.args.skip_record_metadata { "| " } else { " " };
            decode::print(self.dump.out, self.decoding, &record, prefix)?;
        }
        self.dump.out.end_line()
    }

    fn note_gap(&mut self, offset: i64) {
        // Batches without a wanted record were passed over.
        if self.sought.grep.is_empty() && offset != self.last_offset.wrapping_add(1) {
            self.dump.findings.gap(&text::absolute_path(self.path), *self.last_offset, offset);
        }
        *self.last_offset = offset;
    }
}

fn common_fields(out: &mut Printer<'_>, offset: i64, time: &str, timestamp: i64, key_size: impl Into<i64>, value_size: impl Into<i64>) {
    out.text("| offset: ").int(offset).text(" ").text(time).text(": ").int(timestamp);
    out.text(" keySize: ").int(key_size).text(" valueSize: ").int(value_size);
}
