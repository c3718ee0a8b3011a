//! One record as one line of JSON, nothing lost: `docs/formats.md` has the schema. `line` reads it back.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::client::ConsumerRecord;
use crate::record::{Header, NO_TIMESTAMP};

/// Writes records as lines.
#[derive(Debug, Default)]
pub struct JsonLines {
    /// The start of the line for the records of one partition: the last one that was met.
    head: Vec<u8>,
    topic: String,
    partition: i32,
}

impl JsonLines {
    /// Appends the record and a line end.
    pub fn write(&mut self, record: &ConsumerRecord<'_>, out: &mut Vec<u8>) {
        if self.head.is_empty() || self.partition != record.partition || self.topic != record.topic {
            self.turn_to(record);
        }
        out.extend_from_slice(&self.head);
        number(record.offset, out);
        out.extend_from_slice(b",\"timestamp\":");
        match record.timestamp {
            NO_TIMESTAMP => out.extend_from_slice(b"null"),
            millis => number(millis, out),
        }
        out.extend_from_slice(b",\"timestamp_type\":\"");
        out.extend_from_slice(record.timestamp_type.name().as_bytes());
        out.extend_from_slice(b"\",\"key\":");
        nullable(record.key, out);
        out.extend_from_slice(b",\"value\":");
        nullable(record.value, out);
        out.extend_from_slice(b",\"headers\":[");
        for (at, header) in record.headers().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            self::header(header, out);
        }
        out.extend_from_slice(b"]}\n");
    }

    fn turn_to(&mut self, record: &ConsumerRecord<'_>) {
        (self.topic, self.partition) = (record.topic.to_owned(), record.partition);
        self.head.clear();
        self.head.extend_from_slice(b"{\"topic\":");
        text(record.topic.as_bytes(), &mut self.head);
        self.head.extend_from_slice(b",\"partition\":");
        number(i64::from(record.partition), &mut self.head);
        self.head.extend_from_slice(b",\"offset\":");
    }
}

fn number(n: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(n).as_bytes());
}

fn header(header: Header<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"key\":");
    text(header.key, out);
    out.extend_from_slice(b",\"value\":");
    nullable(header.value, out);
    out.push(b'}');
}

/// Bytes or null: a string if they are UTF-8, else `{"base64":"..."}`.
pub fn nullable(bytes: Option<&[u8]>, out: &mut Vec<u8>) {
    match bytes {
        Some(bytes) => text(bytes, out),
        None => out.extend_from_slice(b"null"),
    }
}

fn text(bytes: &[u8], out: &mut Vec<u8>) {
    if std::str::from_utf8(bytes).is_err() {
        out.extend_from_slice(b"{\"base64\":\"");
        out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
        out.extend_from_slice(b"\"}");
        return;
    }
    out.push(b'"');
    for some in bytes.chunks(32) {
        // Most texts hold nothing to escape; this loop looks at all bytes of a chunk at once.
        if !some.iter().fold(false, |found, b| found | special(*b)) {
            out.extend_from_slice(some);
            continue;
        }
        for byte in some {
            escaped(*byte, out);
        }
    }
    out.push(b'"');
}

fn special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn escaped(byte: u8, out: &mut Vec<u8>) {
    match byte {
        b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\t' => out.extend_from_slice(b"\\t"),
        b'\r' => out.extend_from_slice(b"\\r"),
        0..=0x1f => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
        _ => out.push(byte),
    }
}
