//! Keys and values as text: one file a decoder.

mod coordinator;
mod frame;
mod json;
mod metadata;
mod plain;
mod remote;

pub use json::text as json_text;
pub use plain::PlainDecoder;

use super::args::Decoding;
use super::error::DumpError;
use super::printer::Printer;
use super::records::Shown;

/// Prints `key: ...` and `payload: ...`, `prefix` before the first of them. Nothing is printed if one of them cannot be decoded.
pub fn print(out: &mut Printer<'_>, decoding: Decoding, record: &Shown<'_>, prefix: &str) -> Result<(), DumpError> {
    match decoding {
        Decoding::Plain { key: PlainDecoder::Text, value: PlainDecoder::Text } => text(out, record, prefix),
        Decoding::Plain { key, value } => {
            let key = record.key.map(|bytes| key.decode(bytes, record.offset, "key")).transpose()?;
            let value = record.value.map(|bytes| value.decode(bytes, record.offset, "value")).transpose()?;
            pair(out, prefix, key.as_deref(), value.as_deref());
        }
        Decoding::Offsets => coordinator_pair(out, record, prefix, coordinator::group)?,
        Decoding::Transactions => coordinator_pair(out, record, prefix, coordinator::transaction)?,
        Decoding::ShareGroupState => coordinator_pair(out, record, prefix, coordinator::share)?,
        Decoding::ClusterMetadata => pair(out, prefix, None, Some(&metadata::value(record))),
        Decoding::RemoteLogMetadata => pair(out, prefix, None, Some(&remote::value(record))),
    }
    Ok(())
}

/// A key or value as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded<'a> {
    /// As they are; `None`: null.
    Bytes(Option<&'a [u8]>),
    /// A word of the decoder's own.
    Text(String),
    /// JSON that the decoder made, or a number.
    Raw(String),
}

/// Key and value for JSON. Of a key or value that cannot be decoded there is the reason, as a text.
pub fn pair_of<'a>(decoding: Decoding, record: &Shown<'a>) -> Result<(Decoded<'a>, Decoded<'a>), DumpError> {
    Ok(match decoding {
        Decoding::Plain { key, value } => {
            (plain_json(key, record.key, record.offset, "key")?, plain_json(value, record.value, record.offset, "value")?)
        }
        Decoding::Offsets => coordinator_json(record, coordinator::group),
        Decoding::Transactions => coordinator_json(record, coordinator::transaction),
        Decoding::ShareGroupState => coordinator_json(record, coordinator::share),
        Decoding::ClusterMetadata => (Decoded::Bytes(record.key), json_or_text(metadata::value(record))),
        Decoding::RemoteLogMetadata => (Decoded::Bytes(record.key), Decoded::Text(remote::value(record))),
    })
}

fn plain_json<'a>(decoder: PlainDecoder, bytes: Option<&'a [u8]>, offset: i64, what: &'static str) -> Result<Decoded<'a>, DumpError> {
    match (decoder, bytes) {
        (PlainDecoder::Int | PlainDecoder::Long, Some(some)) => Ok(Decoded::Raw(decoder.decode(some, offset, what)?.into_owned())),
        _ => Ok(Decoded::Bytes(bytes)),
    }
}

fn coordinator_json<'a>(record: &Shown<'a>, decode: fn(&Shown<'_>, &[u8]) -> coordinator::Pair) -> (Decoded<'a>, Decoded<'a>) {
    let Some(key) = record.key else { return (Decoded::Bytes(None), Decoded::Bytes(record.value)) };
    let (key, value) = decode(record, key);
    let value = match (record.value, value) {
        // Kafka's tool has a word of its own for a tombstone.
        (None, _) => Decoded::Bytes(None),
        (Some(_), Some(value)) => json_or_text(value),
        // What could not be read stands in place of the key.
        (bytes, None) => Decoded::Bytes(bytes),
    };
    (json_or_text(key), value)
}

/// Decoders give an object, or say why there is none.
fn json_or_text<'a>(text: String) -> Decoded<'a> {
    if text.starts_with('{') { Decoded::Raw(text) } else { Decoded::Text(text) }
}

/// The usual case, without a copy.
fn text(out: &mut Printer<'_>, record: &Shown<'_>, prefix: &str) {
    let mut prefix = prefix;
    if let Some(key) = record.key {
        out.text(prefix).text("key: ").utf8(key);
        prefix = " ";
    }
    if let Some(value) = record.value {
        out.text(prefix).text("payload: ").utf8(value);
    }
}

fn pair(out: &mut Printer<'_>, prefix: &str, key: Option<&str>, value: Option<&str>) {
    text(out, &Shown { offset: 0, key: key.map(str::as_bytes), value: value.map(str::as_bytes) }, prefix);
}

fn coordinator_pair(
    out: &mut Printer<'_>,
    record: &Shown<'_>,
    prefix: &str,
    decode: fn(&Shown<'_>, &[u8]) -> coordinator::Pair,
) -> Result<(), DumpError> {
    let Some(key) = record.key else {
        return Err(DumpError::Undecodable(format!(
            "Failed to decode message at offset {} using the specified decoder (message had a missing key)",
            record.offset
        )));
    };
    let (key, value) = decode(record, key);
    pair(out, prefix, Some(&key), value.as_deref());
    Ok(())
}
