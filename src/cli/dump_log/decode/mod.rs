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
