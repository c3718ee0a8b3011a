//! `%v{unpack[>iq$]}`: bytes as numbers and text, after a pattern much like that of Python's `struct`.

/// One step through the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Number { bytes: usize, signed: bool, little: bool },
    Byte,
    Rest,
    End,
}

/// A pattern, ready to be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpack(Vec<Step>);

impl Unpack {
    /// Errors: a letter that means nothing, or one after the end.
    pub fn parse(pattern: &str) -> Result<Unpack, String> {
        let (mut steps, mut little) = (Vec::new(), true);
        for letter in pattern.chars() {
            if matches!(steps.last(), Some(Step::Rest | Step::End)) {
                return Err(format!("unpack: nothing can follow s or $, but {letter} does"));
            }
            let (bytes, signed) = match letter {
                '<' | '>' => {
                    little = letter == '<';
                    continue;
                }
                // Padding takes no input.
                'x' => continue,
                'c' | '.' => {
                    steps.push(Step::Byte);
                    continue;
                }
                's' | '$' => {
                    steps.push(if letter == 's' { Step::Rest } else { Step::End });
                    continue;
                }
                'b' | 'B' => (1, letter == 'b'),
                'h' | 'H' => (2, letter == 'h'),
                'i' | 'I' => (4, letter == 'i'),
                'q' | 'Q' => (8, letter == 'q'),
                _ => return Err(format!("unpack: unknown letter {letter}; there are <>xbBhHiIqQc.s$")),
            };
            steps.push(Step::Number { bytes, signed, little });
        }
        Ok(Unpack(steps))
    }

    /// Appends what the bytes are. Bytes that do not fit are told in the text, as rpk and kcl do.
    pub fn write(&self, mut bytes: &[u8], out: &mut Vec<u8>) {
        for step in &self.0 {
            bytes = match *step {
                Step::Number { bytes: need, signed, little } => number(bytes, need, signed, little, out),
                Step::Byte => match bytes.split_first() {
                    Some((byte, rest)) => {
                        out.push(*byte);
                        rest
                    }
                    None => {
                        out.extend_from_slice(b"%!c(no bytes available)");
                        bytes
                    }
                },
                Step::Rest => {
                    out.extend_from_slice(bytes);
                    &[]
                }
                Step::End => {
                    if !bytes.is_empty() {
                        out.extend_from_slice(b"%!$(not end-of-input)");
                    }
                    &[]
                }
            };
        }
    }
}

fn number<'a>(bytes: &'a [u8], need: usize, signed: bool, little: bool, out: &mut Vec<u8>) -> &'a [u8] {
    let Some((taken, rest)) = bytes.split_at_checked(need) else {
        out.extend_from_slice(format!("%!(have {} bytes, need {need})", bytes.len()).as_bytes());
        return &[];
    };
    let join = |sum: u64, b: &u8| sum << 8 | u64::from(*b);
    let value = if little { taken.iter().rev().fold(0, join) } else { taken.iter().fold(0, join) };
    let mut text = itoa::Buffer::new();
    let shift = 64 - 8 * need;
    let text = if signed { text.format((value << shift).cast_signed() >> shift) } else { text.format(value) };
    out.extend_from_slice(text.as_bytes());
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpacked(pattern: &str, bytes: &[u8]) -> String {
        let mut out = Vec::new();
        Unpack::parse(pattern).unwrap().write(bytes, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_of_every_size_and_end() {
        assert_eq!(unpacked(">i<i$", &[0, 0, 0, 5, 5, 0, 0, 0]), "55");
        assert_eq!((unpacked("b", &[255]), unpacked("B", &[255])), ("-1".to_owned(), "255".to_owned()));
        assert_eq!(unpacked(">hq", &[255, 254, 0, 0, 0, 0, 0, 0, 0, 9]), "-29");
        assert_eq!(unpacked("Q", &[255; 8]), u64::MAX.to_string());
        assert_eq!(unpacked("cxs", b"abc"), "abc");
    }

    #[test]
    fn what_does_not_fit_is_told_in_the_text() {
        assert_eq!(unpacked(">i", &[1]), "%!(have 1 bytes, need 4)");
        assert_eq!(
            (unpacked("c$", b"ab"), unpacked(".", b"")),
            ("a%!$(not end-of-input)".to_owned(), "%!c(no bytes available)".to_owned())
        );
        assert!(Unpack::parse("sz").is_err() && Unpack::parse("z").is_err());
    }
}
