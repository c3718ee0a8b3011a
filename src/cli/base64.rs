//! Base64 of RFC 4648 with padding, as Java's basic encoder and decoder.

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The text for some bytes.
pub fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0u32, |all, b| all << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let letter = LETTERS[(group >> (18 - 6 * at)) as usize & 63];
            out.push(if at <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

/// The bytes of a text, whose padding may be missing. Errors: what is wrong, in Java's words.
pub fn decode(text: &str) -> Result<Vec<u8>, String> {
    let body = text.trim_end_matches('=');
    if text.len() - body.len() > 2 || (body.len() < text.len() && !text.len().is_multiple_of(4)) {
        return Err("Input byte array has incorrect ending byte".to_owned());
    }
    let (mut out, mut group, mut bits) = (Vec::with_capacity(body.len() * 3 / 4), 0u32, 0);
    for byte in body.bytes() {
        let value = LETTERS.iter().position(|l| *l == byte).ok_or_else(|| format!("Illegal base64 character {byte:x}"))?;
        group = (group << 6 | value as u32) & 0xff_ffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((group >> bits) as u8);
        }
    }
    match bits {
        6 => Err("Last unit does not have enough valid bits".to_owned()),
        _ => Ok(out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_rfc_hold_both_ways() {
        for (plain, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")] {
            assert_eq!(encode(plain.as_bytes()), text);
            assert_eq!(decode(text).unwrap(), plain.as_bytes());
        }
        assert_eq!(decode("Zg").unwrap(), b"f", "without padding");
        assert_eq!(decode("!!").unwrap_err(), "Illegal base64 character 21");
        assert!(decode("Z").is_err() && decode("Zg=").is_err() && decode("====").is_err());
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(decode(&encode(&all)).unwrap(), all);
    }
}
