//! What the records hold.

use std::path::Path;

use regex::Regex;

use crate::cli::error::CliError;
use crate::cli::tool::Context;
use crate::rng::Rng;

/// Where payloads come from.
pub(super) enum Payloads {
    /// Letters by chance, so many.
    Random(Vec<u8>),
    /// One of these by chance.
    Listed(Vec<Vec<u8>>),
    /// 0, 1, 2 ...
    Counted(Vec<u8>),
}

impl Payloads {
    /// The payload of the record with this number.
    pub fn next(&mut self, number: u64, rng: &mut Rng) -> &[u8] {
        match self {
            Payloads::Random(buffer) => {
                for chunk in buffer.chunks_mut(8) {
                    for (letter, chance) in chunk.iter_mut().zip(rng.next_u64().to_ne_bytes()) {
                        *letter = b'A' + u8::try_from(u16::from(chance) * 26 / 256).unwrap_or(0);
                    }
                }
                buffer
            }
            Payloads::Listed(all) => {
                let place = rng.below(u64::try_from(all.len()).unwrap_or(1).max(1));
                usize::try_from(place).ok().and_then(|n| all.get(n)).map_or(&[], Vec::as_slice)
            }
            Payloads::Counted(text) => {
                *text = number.to_string().into_bytes();
                text
            }
        }
    }
}

/// Reads the payloads of a file, which a regular expression parts.
///
/// Errors: there are none; the expression is none.
pub(super) fn from_file(path: &Path, delimiter: &str, cx: &Context) -> Result<Payloads, CliError> {
    let shown = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    cx.say(format!("Reading payloads from: {}", shown.display()))?;
    let illegal = |text: &str| CliError::value(text).exception("java.lang.IllegalArgumentException");
    let missing = || illegal("File does not exist or empty file provided.");
    let bytes = std::fs::read(path).map_err(|e| missing().cause(e.to_string()))?;
    if bytes.is_empty() {
        return Err(missing().cause("it is empty"));
    }
    let parting = Regex::new(delimiter).map_err(|e| {
        CliError::value(format!("{delimiter} is no regular expression"))
            .cause(e.to_string().split_whitespace().collect::<Vec<_>>().join(" "))
            .exception("java.util.regex.PatternSyntaxException")
    })?;
    let all = parts(&String::from_utf8_lossy(&bytes), &parting);
    cx.say(format!("Number of records read: {}", all.len()))?;
    match all.is_empty() {
        true => Err(illegal("No payload file, record size or payload-monotonic option provided.")),
        false => Ok(Payloads::Listed(all)),
    }
}

/// What stands between delimiters. One at the beginning and one at the end part nothing.
fn parts(text: &str, delimiter: &Regex) -> Vec<Vec<u8>> {
    let start = delimiter.find(text).filter(|m| m.start() == 0).map_or(0, |m| m.end());
    let mut all: Vec<&str> = delimiter.split(&text[start..]).collect();
    if all.last().is_some_and(|last| last.is_empty()) {
        all.pop();
    }
    all.into_iter().map(|part| part.as_bytes().to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_parted_by_its_delimiter() {
        let parted = |text: &str, delimiter: &str| {
            let all = parts(text, &Regex::new(delimiter).unwrap());
            all.into_iter().map(|part| String::from_utf8(part).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(parted("a\nb\nc\n", "\n"), ["a", "b", "c"]);
        assert_eq!(parted("\na\n\nb", "\n"), ["a", "", "b"]);
        assert_eq!(parted("a;b,c", "[;,]"), ["a", "b", "c"]);
        assert!(parted("\n", "\n").is_empty());
    }

    #[test]
    fn payloads_are_letters_a_choice_or_numbers() {
        let mut rng = Rng::new(1);
        let mut random = Payloads::Random(vec![0; 1003]);
        let first = random.next(0, &mut rng).to_vec();
        assert!(first.len() == 1003 && first.iter().all(u8::is_ascii_uppercase));
        assert_ne!(first, random.next(1, &mut rng));
        let letters: std::collections::BTreeSet<u8> = first.into_iter().collect();
        assert_eq!(letters.len(), 26);
        let mut listed = Payloads::Listed(vec![b"x".to_vec(), b"y".to_vec()]);
        let seen: std::collections::BTreeSet<Vec<u8>> = (0..50).map(|n| listed.next(n, &mut rng).to_vec()).collect();
        assert_eq!(seen.len(), 2);
        assert_eq!(Payloads::Counted(Vec::new()).next(42, &mut rng), b"42");
    }
}
