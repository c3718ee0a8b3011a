//! The decoders of `--key-decoder-class` and `--value-decoder-class`.

use std::borrow::Cow;

use crate::cli::dump_log::error::DumpError;
use crate::cli::dump_log::text;
use crate::cli::dump_log::walk::field;

const PACKAGE: &str = "org.apache.kafka.tools.api.";

/// What bytes are taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlainDecoder {
    /// UTF-8.
    Text,
    /// Unknown bytes: printed as Java prints an array, `[B@` and a number. Java's number has no meaning; here equal bytes have an equal one.
    Bytes,
    /// The first four bytes as a big-endian number.
    Int,
    /// The first eight bytes as a big-endian number.
    Long,
}

impl PlainDecoder {
    /// By Kafka's class name, with or without its package. Error: `UnknownDecoder`.
    pub fn from_class(class: &str) -> Result<PlainDecoder, DumpError> {
        match class.strip_prefix(PACKAGE).unwrap_or(class) {
            "StringDecoder" => Ok(PlainDecoder::Text),
            "DefaultDecoder" => Ok(PlainDecoder::Bytes),
            "IntegerDecoder" => Ok(PlainDecoder::Int),
            "LongDecoder" => Ok(PlainDecoder::Long),
            _ => Err(DumpError::UnknownDecoder(class.to_owned())),
        }
    }

    /// `bytes` as text; `offset` and `what` ("key", "value") are for the error. Error: `TooShort`.
    pub fn decode<'a>(self, bytes: &'a [u8], offset: i64, what: &'static str) -> Result<Cow<'a, str>, DumpError> {
        let at_least = |needed| {
            if bytes.len() < needed { Err(DumpError::TooShort { offset, what, len: bytes.len(), needed }) } else { Ok(()) }
        };
        match self {
            PlainDecoder::Text => Ok(text::java_utf8(bytes)),
            PlainDecoder::Bytes => Ok(format!("[B@{:x}", crc32c::crc32c(bytes)).into()),
            PlainDecoder::Int => at_least(4).map(|()| i32::from_be_bytes(field(bytes, 0)).to_string().into()),
            PlainDecoder::Long => at_least(8).map(|()| i64::from_be_bytes(field(bytes, 0)).to_string().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoders_go_by_kafkas_names() {
        assert_eq!(PlainDecoder::from_class("org.apache.kafka.tools.api.LongDecoder").unwrap(), PlainDecoder::Long);
        assert_eq!(PlainDecoder::from_class("StringDecoder").unwrap(), PlainDecoder::Text);
        assert!(PlainDecoder::from_class("org.example.LongDecoder").is_err());
    }

    #[test]
    fn numbers_need_their_bytes_and_ignore_more() {
        assert_eq!(PlainDecoder::Int.decode(&[0, 0, 1, 2, 9], 0, "key").unwrap(), "258");
        assert_eq!(PlainDecoder::Long.decode(&[0xff; 8], 0, "key").unwrap(), "-1");
        assert!(matches!(PlainDecoder::Long.decode(&[0; 7], 5, "key"), Err(DumpError::TooShort { offset: 5, needed: 8, .. })));
    }
}
