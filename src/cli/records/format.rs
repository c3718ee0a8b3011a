//! Records by a format string: `-f '%k %v\n'`.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use super::json;
use super::layout::{self, Attribute, NumberOf, Piece, TextForm, TextOf};
use super::numbers::NumberForm;
use crate::client::{ConsumerRecord, PartitionMarks};
use crate::record::{Codec, Header};

/// A format string for printing.
#[derive(Clone, Debug)]
pub struct Format {
    pieces: Vec<Piece>,
    count: i64,
}

impl Format {
    /// Errors: what in the format means nothing, or only for reading.
    pub fn parse(layout: &str) -> Result<Format, String> {
        let pieces = layout::parse(layout)?;
        check(&pieces, false)?;
        Ok(Format { pieces, count: 0 })
    }

    /// Whether the format names what `PartitionMarks` hold.
    pub fn wants_marks(&self) -> bool {
        let marks = [NumberOf::LogStart, NumberOf::LastStable, NumberOf::HighWatermark];
        self.pieces.iter().any(|p| matches!(p, Piece::Number(of, _) if marks.contains(of)))
    }

    /// Appends the record.
    pub fn write(&mut self, record: &ConsumerRecord<'_>, marks: PartitionMarks, out: &mut Vec<u8>) {
        self.count += 1;
        for piece in &self.pieces {
            match piece {
                Piece::Literal(bytes) => out.extend_from_slice(bytes),
                Piece::Text(of, form) => text(text_of(*of, record), form, out),
                Piece::Number(of, form) => form.write(number_of(*of, record, marks, self.count), out),
                Piece::Time(stamp) => stamp.write(record.timestamp, out),
                Piece::Attribute(attribute, form) => self::attribute(*attribute, *form, record, out),
                Piece::Headers(inner) => record.headers().for_each(|h| header(inner, h, out)),
                Piece::HeaderList => header_list(record, out),
                Piece::Fixed(..) => {}
            }
        }
    }
}

fn check(pieces: &[Piece], in_header: bool) -> Result<(), String> {
    for piece in pieces {
        match piece {
            Piece::Fixed(..) => return Err("a fixed size, as in %K{3}, is for reading".to_owned()),
            Piece::Text(_, TextForm::Regex(_)) => return Err("re[...] is for reading".to_owned()),
            Piece::Headers(_) | Piece::HeaderList if in_header => return Err("%h cannot stand in %h".to_owned()),
            Piece::Headers(inner) => check(inner, true)?,
            Piece::Literal(_) | Piece::Text(TextOf::Key | TextOf::Value, _) => {}
            Piece::Number(NumberOf::KeyLength | NumberOf::ValueLength, _) => {}
            _ if in_header => return Err("only %k %K %v %V can stand in %h".to_owned()),
            _ => {}
        }
    }
    Ok(())
}

fn text_of<'a>(of: TextOf, record: &ConsumerRecord<'a>) -> Option<&'a [u8]> {
    match of {
        TextOf::Topic => Some(record.topic.as_bytes()),
        TextOf::Key => record.key,
        TextOf::Value => record.value,
    }
}

/// Null prints as nothing, except as JSON.
fn text(bytes: Option<&[u8]>, form: &TextForm, out: &mut Vec<u8>) {
    let some = bytes.unwrap_or_default();
    match form {
        TextForm::Raw | TextForm::Regex(_) => out.extend_from_slice(some),
        TextForm::Hex => out.extend_from_slice(hex::encode(some).as_bytes()),
        TextForm::Base64 => out.extend_from_slice(STANDARD.encode(some).as_bytes()),
        TextForm::Base64Raw => out.extend_from_slice(STANDARD_NO_PAD.encode(some).as_bytes()),
        TextForm::Json => json::nullable(bytes, out),
        TextForm::Unpack(unpack) => unpack.write(some, out),
    }
}

fn number_of(of: NumberOf, record: &ConsumerRecord<'_>, marks: PartitionMarks, count: i64) -> i64 {
    match of {
        NumberOf::TopicLength => length(Some(record.topic.as_bytes())),
        NumberOf::KeyLength => length(record.key),
        NumberOf::ValueLength => length(record.value),
        NumberOf::HeaderCount => i64::try_from(record.headers().count()).unwrap_or(i64::MAX),
        NumberOf::Partition => i64::from(record.partition),
        NumberOf::Offset => record.offset,
        NumberOf::LeaderEpoch => i64::from(record.leader_epoch),
        NumberOf::Timestamp => record.timestamp,
        NumberOf::ProducerId => record.batch().producer_id,
        NumberOf::ProducerEpoch => i64::from(record.batch().producer_epoch),
        NumberOf::Count => count,
        NumberOf::LogStart => marks.log_start,
        NumberOf::LastStable => marks.last_stable,
        NumberOf::HighWatermark => marks.high_watermark,
    }
}

fn length(bytes: Option<&[u8]>) -> i64 {
    i64::try_from(bytes.map_or(0, <[u8]>::len)).unwrap_or(i64::MAX)
}

fn attribute(attribute: Attribute, form: Option<NumberForm>, record: &ConsumerRecord<'_>, out: &mut Vec<u8>) {
    let batch = record.batch();
    let number = match attribute {
        Attribute::Compression => i64::from(batch.attributes.codec_id()),
        Attribute::TimestampType => i64::from(batch.timestamp_type() as u8),
        Attribute::Transactional => i64::from(batch.is_transactional()),
        Attribute::Control => i64::from(batch.is_control()),
    };
    match (attribute, form) {
        (Attribute::Compression, None) => out.extend_from_slice(batch.codec().map_or("unknown", Codec::name).as_bytes()),
        (_, form) => form.unwrap_or(NumberForm::Ascii).write(number, out),
    }
}

fn header(pieces: &[Piece], header: Header<'_>, out: &mut Vec<u8>) {
    for piece in pieces {
        match piece {
            Piece::Literal(bytes) => out.extend_from_slice(bytes),
            Piece::Text(TextOf::Key, form) => text(Some(header.key), form, out),
            Piece::Text(_, form) => text(header.value, form, out),
            Piece::Number(NumberOf::KeyLength, form) => form.write(length(Some(header.key)), out),
            Piece::Number(_, form) => form.write(length(header.value), out),
            _ => {}
        }
    }
}

fn header_list(record: &ConsumerRecord<'_>, out: &mut Vec<u8>) {
    for (at, header) in record.headers().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend_from_slice(header.key);
        out.push(b'=');
        out.extend_from_slice(header.value.unwrap_or_default());
    }
}

#[cfg(test)]
#[path = "format_tests.rs"]
mod tests;
