//! How numbers look in format strings: text, hexadecimal digits, or bytes of either end first.

/// A number's form: `%o{big32}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberForm {
    Ascii,
    /// As many digits as it takes.
    Hex,
    /// That many digits.
    HexDigits(u8),
    /// That many bytes.
    Big(u8),
    Little(u8),
    Bool,
}

/// Their names.
const FORMS: [(&str, NumberForm); 18] = [
    ("ascii", NumberForm::Ascii),
    ("number", NumberForm::Ascii),
    ("hex", NumberForm::Hex),
    ("hex64", NumberForm::HexDigits(16)),
    ("hex32", NumberForm::HexDigits(8)),
    ("hex16", NumberForm::HexDigits(4)),
    ("hex8", NumberForm::HexDigits(2)),
    ("hex4", NumberForm::HexDigits(1)),
    ("big64", NumberForm::Big(8)),
    ("big32", NumberForm::Big(4)),
    ("big16", NumberForm::Big(2)),
    ("big8", NumberForm::Big(1)),
    ("byte", NumberForm::Big(1)),
    ("little64", NumberForm::Little(8)),
    ("little32", NumberForm::Little(4)),
    ("little16", NumberForm::Little(2)),
    ("little8", NumberForm::Little(1)),
    ("bool", NumberForm::Bool),
];

impl NumberForm {
    /// The form of that name.
    pub fn named(name: &str) -> Option<NumberForm> {
        FORMS.iter().find(|(known, _)| *known == name).map(|(_, form)| *form)
    }

    /// Appends `n`, cut to as many bytes as the form has.
    pub fn write(self, n: i64, out: &mut Vec<u8>) {
        match self {
            NumberForm::Ascii => out.extend_from_slice(itoa::Buffer::new().format(n).as_bytes()),
            NumberForm::Hex => out.extend_from_slice(format!("{n:x}").as_bytes()),
            NumberForm::HexDigits(digits) => {
                let all = format!("{n:016x}");
                out.extend_from_slice(&all.as_bytes()[16 - usize::from(digits)..]);
            }
            NumberForm::Big(bytes) => out.extend_from_slice(&n.to_be_bytes()[8 - usize::from(bytes)..]),
            NumberForm::Little(bytes) => out.extend_from_slice(&n.to_le_bytes()[..usize::from(bytes)]),
            NumberForm::Bool => out.extend_from_slice(if n == 0 { b"false" } else { b"true" }),
        }
    }

    /// Reads a number at the start of `bytes`, and how many bytes it took.
    ///
    /// `Ok(None)`: more bytes are needed (never with `all`, when there are no more). Errors: what is there is no such number.
    pub fn read(self, bytes: &[u8], all: bool) -> Result<Option<(u64, usize)>, String> {
        match self {
            NumberForm::Ascii => digits(bytes, all, 10),
            NumberForm::Hex => digits(bytes, all, 16),
            NumberForm::HexDigits(n) => {
                let taken = take(bytes, usize::from(n), all)?;
                let Some(taken) = taken else { return Ok(None) };
                let text = std::str::from_utf8(taken).ok().filter(|t| t.bytes().all(|b| b.is_ascii_hexdigit()));
                let number = text.and_then(|t| u64::from_str_radix(t, 16).ok());
                let number = number.ok_or_else(|| format!("\"{}\" is no hexadecimal number", String::from_utf8_lossy(taken)))?;
                Ok(Some((number, taken.len())))
            }
            NumberForm::Big(n) => {
                let fold = |sum: u64, b: &u8| sum << 8 | u64::from(*b);
                Ok(take(bytes, usize::from(n), all)?.map(|t| (t.iter().fold(0, fold), t.len())))
            }
            NumberForm::Little(n) => {
                let fold = |sum: u64, b: &u8| sum << 8 | u64::from(*b);
                Ok(take(bytes, usize::from(n), all)?.map(|t| (t.iter().rev().fold(0, fold), t.len())))
            }
            NumberForm::Bool => match bytes {
                [b't', b'r', b'u', b'e', ..] => Ok(Some((1, 4))),
                [b'f', b'a', b'l', b's', b'e', ..] => Ok(Some((0, 5))),
                _ if !all && bytes.len() < 5 => Ok(None),
                _ => Err("neither true nor false".to_owned()),
            },
        }
    }
}

fn take(bytes: &[u8], n: usize, all: bool) -> Result<Option<&[u8]>, String> {
    match bytes.get(..n) {
        Some(taken) => Ok(Some(taken)),
        None if all => Err(format!("a number of {n} bytes is cut short by the end of the input")),
        None => Ok(None),
    }
}

fn digits(bytes: &[u8], all: bool, radix: u32) -> Result<Option<(u64, usize)>, String> {
    let count = bytes.iter().take_while(|b| char::from(**b).is_digit(radix)).count();
    if count == bytes.len() && !all {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&bytes[..count]);
    let shown = || String::from_utf8_lossy(&bytes[..bytes.len().min(20)]).into_owned();
    if count == 0 {
        return Err(format!("no number at \"{}\"", shown()));
    }
    let number = u64::from_str_radix(&text, radix).map_err(|_| format!("the number at \"{}\" is too large", shown()))?;
    Ok(Some((number, count)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(name: &str, n: i64) -> Vec<u8> {
        let mut out = Vec::new();
        NumberForm::named(name).unwrap().write(n, &mut out);
        out
    }

    #[test]
    fn every_form_cuts_to_its_size() {
        assert_eq!(written("ascii", -5), b"-5");
        assert_eq!((written("hex", 255), written("hex64", 255)), (b"ff".to_vec(), b"00000000000000ff".to_vec()));
        assert_eq!((written("hex8", 0x1234), written("hex4", 0x1234)), (b"34".to_vec(), b"4".to_vec()));
        assert_eq!((written("big32", 258), written("little16", 258)), (vec![0, 0, 1, 2], vec![2, 1]));
        assert_eq!((written("byte", 256), written("big8", 257)), (vec![0], vec![1]));
        assert_eq!((written("bool", 0), written("bool", -1)), (b"false".to_vec(), b"true".to_vec()));
    }

    #[test]
    fn what_is_written_is_read_again() {
        for (name, form) in FORMS {
            let number = if form == NumberForm::Bool { 1 } else { 7 };
            let mut bytes = written(name, number);
            let len = bytes.len();
            bytes.push(b' ');
            assert_eq!(form.read(&bytes, false), Ok(Some((number as u64, len))), "{name}");
            if len > 1 && !matches!(form, NumberForm::Ascii | NumberForm::Hex) {
                assert_eq!(form.read(&bytes[..len - 1], false), Ok(None), "{name}");
                assert!(form.read(&bytes[..len - 1], true).is_err(), "{name}");
            }
        }
        assert!(NumberForm::Ascii.read(b"99999999999999999999 ", false).is_err());
        assert!(NumberForm::HexDigits(2).read(b"+1", true).is_err());
    }
}
