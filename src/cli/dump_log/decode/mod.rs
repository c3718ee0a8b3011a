//! Keys and values as text: one file a decoder.

mod plain;

pub use plain::PlainDecoder;

use super::args::Decoding;
use super::error::DumpError;
use super::printer::Printer;
use super::records::Shown;

/// Prints `key: ...` and `payload: ...`, `prefix` before the first of them. Nothing is printed if one of them cannot be decoded.
pub fn print(out: &mut Printer<'_>, decoding: Decoding, record: &Shown<'_>, prefix: &str) -> Result<(), DumpError> {
    match decoding {
        Decoding::Plain { key, value } => {
            let key = record.key.map(|bytes| key.decode(bytes, record.offset, "key")).transpose()?;
            let value = record.value.map(|bytes| value.decode(bytes, record.offset, "value")).transpose()?;
            pair(out, prefix, key.as_deref(), value.as_deref());
        }
        other => return Err(DumpError::Undecodable(format!("no decoder for {other:?} yet"))),
    }
    Ok(())
}

fn pair(out: &mut Printer<'_>, prefix: &str, key: Option<&str>, value: Option<&str>) {
    let mut prefix = prefix;
    if let Some(key) = key {
        out.text(prefix).text("key: ").text(key);
        prefix = " ";
    }
    if let Some(value) = value {
        out.text(prefix).text("payload: ").text(value);
    }
}
