//! Numbers as Java prints them.

/// `%.4f` and the like: rounded half up from the shortest decimal that means this number.
pub fn fixed(value: f64, digits: usize) -> String {
    if let Some(odd) = not_finite(value) {
        return odd.to_owned();
    }
    let text = format!("{}", value.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let kept = &fraction[..digits.min(fraction.len())];
    let mut all: Vec<u8> = format!("{whole}{kept:0<digits$}").into_bytes();
    if fraction.as_bytes().get(digits).is_some_and(|next| *next >= b'5') {
        increment(&mut all);
    }
    let mut shown = String::from_utf8_lossy(&all).into_owned();
    if digits > 0 {
        shown.insert(shown.len() - digits, '.');
    }
    if value.is_sign_negative() { format!("-{shown}") } else { shown }
}

/// Adds one to a number in decimal digits.
fn increment(digits: &mut Vec<u8>) {
    for digit in digits.iter_mut().rev() {
        if *digit != b'9' {
            *digit += 1;
            return;
        }
        *digit = b'0';
    }
    digits.insert(0, b'1');
}

/// As Java turns a double into text: `1.0`, `0.478968`, `1.0E-4`, `1.2E7`.
pub fn double(value: f64) -> String {
    if let Some(odd) = not_finite(value) {
        return odd.to_owned();
    }
    let size = value.abs();
    if size == 0.0 || (1e-3..1e7).contains(&size) {
        return format!("{value:?}");
    }
    let text = format!("{value:E}");
    let (mantissa, exponent) = text.split_once('E').unwrap_or((&text, "0"));
    let point = if mantissa.contains('.') { "" } else { ".0" };
    format!("{mantissa}{point}E{exponent}")
}

fn not_finite(value: f64) -> Option<&'static str> {
    match value {
        v if v.is_nan() => Some("NaN"),
        v if v.is_infinite() => Some(if v > 0.0 { "Infinity" } else { "-Infinity" }),
        _ => None,
    }
}

/// A number of things as the number that they are divided by.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub fn float(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_rounded_half_up() {
        assert_eq!(fixed(12.25, 1), "12.3");
        assert_eq!(fixed(0.125, 2), "0.13");
        assert_eq!(fixed(1129.943503, 6), "1129.943503");
        assert_eq!(fixed(9.996, 2), "10.00");
        assert_eq!((fixed(3.0, 2), fixed(3.0, 0), fixed(-0.25, 1)), ("3.00".into(), "3".into(), "-0.3".into()));
        assert_eq!(fixed(1e21, 1), "1000000000000000000000.0");
    }

    #[test]
    fn what_is_no_number_is_named_as_java_does() {
        assert_eq!(
            (fixed(f64::NAN, 2), fixed(f64::INFINITY, 2), double(f64::NEG_INFINITY)),
            ("NaN".into(), "Infinity".into(), "-Infinity".into())
        );
    }

    #[test]
    fn doubles_are_written_as_java_does() {
        let shown = [0.0, 1.0, 0.478968, 0.001, 0.0001, 12_345_678.0, 1e7, 9_999_999.5].map(double);
        assert_eq!(shown, ["0.0", "1.0", "0.478968", "0.001", "1.0E-4", "1.2345678E7", "1.0E7", "9999999.5"]);
    }
}
