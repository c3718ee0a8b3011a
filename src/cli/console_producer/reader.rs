//! Lines to records, as Kafka's `LineMessageReader` reads them: `h1:v1,h2:v2<TAB>key<TAB>value`, separators to choose.
//!
//! Works on bytes and borrows from the line, so that reading costs no copy. Lines end with `\n` or `\r\n`.

use crate::cli::error::CliError;
use crate::record::Header;

/// How lines are taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LineReader {
    parse_key: bool,
    parse_headers: bool,
    ignore_error: bool,
    key_separator: Vec<u8>,
    headers_delimiter: Vec<u8>,
    headers_separator: Vec<u8>,
    headers_key_separator: Vec<u8>,
    null_marker: Option<Vec<u8>>,
}

/// One line, taken apart. `None` is null.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parsed<'a> {
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: Vec<Header<'a>>,
}

fn refused(message: String) -> CliError {
    CliError::failed(message).exception("org.apache.kafka.common.KafkaException")
}

impl LineReader {
    /// Reads the properties of the reader. Errors: two separators that may not be equal are.
    pub fn configure<'p>(get: impl Fn(&str) -> Option<&'p str>) -> Result<LineReader, CliError> {
        let is_true = |key| get(key).is_some_and(|v| v.trim().eq_ignore_ascii_case("true"));
        let text = |key, default: &str| get(key).unwrap_or(default).as_bytes().to_vec();
        let reader = LineReader {
            parse_key: is_true("parse.key"),
            parse_headers: is_true("parse.headers"),
            ignore_error: is_true("ignore.error"),
            key_separator: text("key.separator", "\t"),
            headers_delimiter: text("headers.delimiter", "\t"),
            headers_separator: text("headers.separator", ","),
            headers_key_separator: text("headers.key.separator", ":"),
            null_marker: get("null.marker").map(|v| v.as_bytes().to_vec()),
        };
        let marker = reader.null_marker.as_ref();
        let clashes = [
            ("headers.delimiter", "headers.separator", reader.headers_delimiter == reader.headers_separator),
            ("headers.delimiter", "headers.key.separator", reader.headers_delimiter == reader.headers_key_separator),
            ("headers.separator", "headers.key.separator", reader.headers_separator == reader.headers_key_separator),
            ("null.marker", "key.separator", marker == Some(&reader.key_separator)),
            ("null.marker", "headers.separator", marker == Some(&reader.headers_separator)),
            ("null.marker", "headers.delimiter", marker == Some(&reader.headers_delimiter)),
            ("null.marker", "headers.key.separator", marker == Some(&reader.headers_key_separator)),
        ];
        match clashes.iter().find(|(_, _, equal)| *equal) {
            Some((one, other, _)) => Err(refused(format!("{one} and {other} may not be equal"))),
            None => Ok(reader),
        }
    }

    /// True if a line is nothing but a value.
    pub fn is_plain(&self) -> bool {
        !self.parse_key && !self.parse_headers && self.null_marker.is_none()
    }

    /// Takes a line apart; `number` (from 1) is for messages.
    ///
    /// Errors: a separator is missing, unless errors are to be ignored: then what cannot be found counts as absent.
    pub fn parse<'a>(&self, line: &'a [u8], number: u64) -> Result<Parsed<'a>, CliError> {
        if self.is_plain() {
            return Ok(Parsed { value: Some(line), ..Parsed::default() });
        }
        let (headers, rest) = self.cut(self.parse_headers, line, line, &self.headers_delimiter, ("headers delimiter", number))?;
        let (key, value) = self.cut(self.parse_key, rest, line, &self.key_separator, ("key separator", number))?;
        let headers = match headers {
            Some(text) if !self.is_null(text) => self.split_headers(text, number)?,
            _ => Vec::new(),
        };
        Ok(Parsed { key: key.filter(|k| !self.is_null(k)), value: Some(value).filter(|v| !self.is_null(v)), headers })
    }

    fn is_null(&self, text: &[u8]) -> bool {
        self.null_marker.as_deref() == Some(text)
    }

    fn cut<'a>(
        &self,
        wanted: bool,
        rest: &'a [u8],
        line: &[u8],
        mark: &[u8],
        (what, number): (&str, u64),
    ) -> Result<(Option<&'a [u8]>, &'a [u8]), CliError> {
        if !wanted {
            return Ok((None, rest));
        }
        match find(rest, mark) {
            Some(at) => Ok((Some(&rest[..at]), &rest[at + mark.len()..])),
            None if self.ignore_error => Ok((None, rest)),
            None => Err(refused(format!("No {what} found on line number {number}: '{}'", String::from_utf8_lossy(line)))),
        }
    }

    fn split_headers<'a>(&self, text: &'a [u8], number: u64) -> Result<Vec<Header<'a>>, CliError> {
        let mut headers = Vec::new();
        let mut pairs = split(text, &self.headers_separator);
        // As Java's split: empty pieces at the end do not count, unless the text is empty itself.
        while pairs.len() > 1 && pairs.last().is_some_and(|p| p.is_empty()) {
            pairs.pop();
        }
        for pair in pairs {
            let Some(at) = find(pair, &self.headers_key_separator) else {
                if self.ignore_error {
                    headers.push(Header { key: pair, value: None });
                    continue;
                }
                let shown = String::from_utf8_lossy(pair);
                return Err(refused(format!("No header key separator found in pair '{shown}' on line number {number}")));
            };
            let (key, value) = (&pair[..at], &pair[at + self.headers_key_separator.len()..]);
            if self.is_null(key) {
                let marker = String::from_utf8_lossy(key);
                return Err(refused(format!("Header keys should not be equal to the null marker '{marker}' as they can't be null")));
            }
            headers.push(Header { key, value: Some(value).filter(|v| !self.is_null(v)) });
        }
        Ok(headers)
    }
}

fn find(text: &[u8], mark: &[u8]) -> Option<usize> {
    match mark {
        [] => Some(0),
        [byte] => text.iter().position(|b| b == byte),
        _ => text.windows(mark.len()).position(|w| w == mark),
    }
}

fn split<'a>(text: &'a [u8], mark: &[u8]) -> Vec<&'a [u8]> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while !mark.is_empty() {
        let Some(at) = find(rest, mark) else { break };
        pieces.push(&rest[..at]);
        rest = &rest[at + mark.len()..];
    }
    pieces.push(rest);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(pairs: &[(&'static str, &'static str)]) -> Result<LineReader, CliError> {
        LineReader::configure(|key| pairs.iter().find(|(k, _)| *k == key).map(|(_, v)| *v))
    }

    fn text(bytes: Option<&[u8]>) -> Option<&str> {
        bytes.map(|b| std::str::from_utf8(b).unwrap())
    }

    #[test]
    fn keys_are_cut_at_the_first_separator() {
        let keyed = reader(&[("parse.key", "TRUE"), ("key.separator", "||")]).unwrap();
        let seen = keyed.parse(b"k||v||w", 1).unwrap();
        assert_eq!((text(seen.key), text(seen.value)), (Some("k"), Some("v||w")));
        let seen = keyed.parse(b"||", 1).unwrap();
        assert_eq!((text(seen.key), text(seen.value)), (Some(""), Some("")));
        assert_eq!(keyed.parse(b"none", 7).unwrap_err().message, "No key separator found on line number 7: 'none'");
    }

    #[test]
    fn headers_come_first_and_may_be_null() {
        let all = reader(&[("parse.key", "true"), ("parse.headers", "true"), ("null.marker", "NULL")]).unwrap();
        let seen = all.parse(b"h1:v1,h2:NULL,h3:\tk\tv", 1).unwrap();
        let header = |key, value| Header { key, value };
        assert_eq!(seen.headers, [header(b"h1", Some(b"v1")), header(b"h2", None), header(b"h3", Some(b""))]);
        let seen = all.parse(b"NULL\tNULL\tNULL", 1).unwrap();
        assert_eq!(seen, Parsed::default());
        assert!(all.parse(b"NULL:x\tk\tv", 1).unwrap_err().message.contains("null marker 'NULL'"));
        assert_eq!(all.parse(b"\tk\tv", 3).unwrap_err().message, "No header key separator found in pair '' on line number 3");
    }

    #[test]
    fn errors_can_be_ignored() {
        let lax = reader(&[("parse.headers", "true"), ("parse.key", "true"), ("ignore.error", "true")]).unwrap();
        let seen = lax.parse(b"bad\tvalue", 1).unwrap();
        assert_eq!((seen.headers, text(seen.key), text(seen.value)), (vec![Header { key: b"bad", value: None }], None, Some("value")));
    }

    #[test]
    fn separators_may_not_clash() {
        let clash = |pairs: &[(&'static str, &'static str)]| reader(pairs).unwrap_err().message;
        assert_eq!(clash(&[("headers.delimiter", ",")]), "headers.delimiter and headers.separator may not be equal");
        assert_eq!(clash(&[("null.marker", ","), ("key.separator", ",")]), "null.marker and key.separator may not be equal");
    }
}
