//! Text as Java prints it: file names, UTF-8 with replacement, digits without `format!`.

use std::borrow::Cow;

/// A path as Java's `File` keeps it: no doubled and no trailing slashes.
pub fn normalized_path(raw: &str) -> String {
    let mut path = String::with_capacity(raw.len());
    for c in raw.chars() {
        if c != '/' || !path.ends_with('/') {
            path.push(c);
        }
    }
    if path.len() > 1 && path.ends_with('/') {
        path.pop();
    }
    path
}

/// The part after the last slash.
pub fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// `path` in front of which the working directory is put if it is relative; `.` and `..` stay.
pub fn absolute_path(path: &str) -> String {
    if path.starts_with('/') {
        return path.to_owned();
    }
    let here = std::env::current_dir().map(|d| d.to_string_lossy().into_owned()).unwrap_or_default();
    if path.is_empty() { here } else { format!("{here}/{path}") }
}

/// Appends `value` in decimal.
pub fn push_int(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    push_uint(out, value.unsigned_abs());
}

/// Appends `value` in decimal.
pub fn push_uint(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    while value >= 100 {
        let pair = (value % 100) as usize * 2;
        value /= 100;
        at -= 2;
        digits[at..at + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
    }
    if value >= 10 {
        let pair = value as usize * 2;
        at -= 2;
        digits[at..at + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
    } else {
        at -= 1;
        digits[at] = b'0' + value as u8;
    }
    out.extend_from_slice(&digits[at..]);
}

/// "00", "01", ... "99".
const PAIRS: [u8; 200] = {
    let mut pairs = [0u8; 200];
    let mut i = 0;
    while i < 100 {
        pairs[i * 2] = b'0' + (i / 10) as u8;
        pairs[i * 2 + 1] = b'0' + (i % 10) as u8;
        i += 1;
    }
    pairs
};

/// Appends bytes that should be UTF-8, with U+FFFD where they are not.
pub fn push_utf8(out: &mut Vec<u8>, bytes: &[u8]) {
    match java_utf8(bytes) {
        Cow::Borrowed(text) => out.extend_from_slice(text.as_bytes()),
        Cow::Owned(text) => out.extend_from_slice(text.as_bytes()),
    }
}

/// Decodes UTF-8 with replacement. The same as Rust's lossy decoding but for an encoded surrogate (`ED A0..BF xx`): Java puts one
/// U+FFFD for its three bytes, Rust three.
pub fn java_utf8(bytes: &[u8]) -> Cow<'_, str> {
    let valid = match std::str::from_utf8(bytes) {
        Ok(text) => return Cow::Borrowed(text),
        Err(e) => e.valid_up_to(),
    };
    let mut text = String::with_capacity(bytes.len());
    let (head, mut rest) = bytes.split_at(valid);
    text.push_str(std::str::from_utf8(head).unwrap_or_default());
    while !rest.is_empty() {
        let skip = if is_encoded_surrogate(rest) {
            3
        } else {
            match std::str::from_utf8(rest) {
                Ok(tail) => {
                    text.push_str(tail);
                    break;
                }
                Err(e) if e.valid_up_to() > 0 => {
                    let (good, bad) = rest.split_at(e.valid_up_to());
                    text.push_str(std::str::from_utf8(good).unwrap_or_default());
                    rest = bad;
                    continue;
                }
                Err(e) => e.error_len().unwrap_or(rest.len()),
            }
        };
        text.push('\u{FFFD}');
        rest = &rest[skip..];
    }
    Cow::Owned(text)
}

fn is_encoded_surrogate(bytes: &[u8]) -> bool {
    matches!(bytes, [0xED, 0xA0..=0xBF, 0x80..=0xBF, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lose_doubled_and_trailing_slashes() {
        assert_eq!(normalized_path("a//b///c/"), "a/b/c");
        assert_eq!(normalized_path("//"), "/");
        assert_eq!(normalized_path(""), "");
        assert_eq!(file_name("a/b.log"), "b.log");
        assert_eq!(file_name("b.log"), "b.log");
    }

    #[test]
    fn integers_print_as_usual() {
        for value in [0, 1, 9, 10, 99, 100, 101, 12345, i64::MAX, -1, -10, i64::MIN] {
            let mut out = Vec::new();
            push_int(&mut out, value);
            assert_eq!(String::from_utf8(out).unwrap(), value.to_string());
        }
    }

    #[test]
    fn bad_utf8_is_replaced_as_in_java() {
        assert_eq!(java_utf8(b"plain"), "plain");
        assert_eq!(java_utf8(b"a\xff\xfeb"), "a\u{FFFD}\u{FFFD}b");
        assert_eq!(java_utf8(b"\xe2\x82"), "\u{FFFD}", "a cut sequence is one replacement");
        assert_eq!(java_utf8(b"\xe2\x82A"), "\u{FFFD}A");
        assert_eq!(java_utf8(b"x\xed\xa0\x80y"), "x\u{FFFD}y", "an encoded surrogate is one replacement");
        assert_eq!(java_utf8(b"\xed\xa0"), "\u{FFFD}\u{FFFD}".replace("\u{FFFD}\u{FFFD}", &"\u{FFFD}".repeat(2)));
        assert_eq!(java_utf8(b"\xf0\x9f\x98\x80!\xc3\xb6\x80"), "\u{1F600}!ö\u{FFFD}");
    }
}
