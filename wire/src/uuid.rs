//! Kafka's 16-byte ids and their 22-character base64url text form.

use std::fmt;
use std::str::FromStr;

/// A 16-byte id. Prints as Kafka prints it: 22 characters of base64url without padding.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(pub [u8; 16]);

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl Uuid {
    /// The id that means "none".
    pub const ZERO: Uuid = Uuid([0; 16]);

    pub fn is_zero(&self) -> bool {
        self.0 == [0; 16]
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = [0u8; 22];
        let n = u128::from_be_bytes(self.0);
        for (i, c) in out.iter_mut().enumerate() {
            // 22 sextets are 132 bits: the last one carries the low two bits, padded with zeros.
            let shift = 122 - 6 * i as i32;
            let six = if shift >= 0 { (n >> shift) & 63 } else { (n << -shift) & 63 };
            *c = ALPHABET[six as usize];
        }
        f.write_str(std::str::from_utf8(&out).expect("base64 is ASCII"))
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text was not 22 characters of base64url.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id of 22 base64url characters: {0:?}")]
pub struct ParseUuidError(pub String);

impl FromStr for Uuid {
    type Err = ParseUuidError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let bad = || ParseUuidError(s.to_string());
        let text = s.trim_end_matches('=');
        if text.len() != 22 {
            return Err(bad());
        }
        let mut n: u128 = 0;
        for (i, c) in text.bytes().enumerate() {
            let six = ALPHABET.iter().position(|a| *a == c).ok_or_else(bad)? as u128;
            n = if i < 21 { (n << 6) | six } else { (n << 2) | (six >> 4) };
        }
        Ok(Uuid(n.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips() {
        for id in [Uuid::ZERO, Uuid([0xff; 16]), Uuid(*b"0123456789abcdef")] {
            assert_eq!(id.to_string().parse::<Uuid>().unwrap(), id);
        }
        assert_eq!(Uuid::ZERO.to_string(), "AAAAAAAAAAAAAAAAAAAAAA");
        assert!("short".parse::<Uuid>().is_err());
    }
}
