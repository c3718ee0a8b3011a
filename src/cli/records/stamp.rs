//! How a record's time looks: `%d{strftime[%F %T]}` and Go's layouts, always in UTC.

use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

/// A pattern of `strftime`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strftime(String);

impl Strftime {
    /// Errors: the pattern asks for what there is not.
    pub fn parse(pattern: &str) -> Result<Strftime, String> {
        let made = Strftime(pattern.to_owned());
        made.text(0).map_err(|e| format!("strftime: {e}"))?;
        Ok(made)
    }

    /// A layout of Go's `time` package: the moment `Mon Jan 2 15:04:05 MST 2006` in the form wanted.
    pub fn from_go(layout: &str) -> Result<Strftime, String> {
        let mut pattern = String::new();
        let mut rest = layout;
        'next: while let Some(c) = rest.chars().next() {
            if let Some((digits, all)) = fraction(rest) {
                pattern.push_str(&if all { format!("%.{digits}f") } else { "%.f".to_owned() });
                rest = &rest[1 + digits..];
                continue;
            }
            for (go, own) in GO {
                if let Some(after) = rest.strip_prefix(go) {
                    pattern.push_str(own);
                    rest = after;
                    continue 'next;
                }
            }
            pattern.push_str(if c == '%' { "%%" } else { &rest[..c.len_utf8()] });
            rest = &rest[c.len_utf8()..];
        }
        Strftime::parse(&pattern)
    }

    fn text(&self, millis: i64) -> Result<String, jiff::Error> {
        let at = Timestamp::from_millisecond(millis)?.to_zoned(TimeZone::UTC);
        strtime::format(&self.0, &at)
    }

    /// Appends the moment; one beyond the years that can be told, as its number.
    pub fn write(&self, millis: i64, out: &mut Vec<u8>) {
        let text = self.text(millis).unwrap_or_else(|_| millis.to_string());
        out.extend_from_slice(text.as_bytes());
    }
}

/// Go's parts of a moment, longer ones first, with what `strftime` calls them.
const GO: [(&str, &str); 30] = [
    ("January", "%B"),
    ("Jan", "%b"),
    ("Monday", "%A"),
    ("Mon", "%a"),
    ("MST", "UTC"),
    ("2006", "%Y"),
    ("002", "%j"),
    ("__2", "%_j"),
    ("01", "%m"),
    ("02", "%d"),
    ("03", "%I"),
    ("04", "%M"),
    ("05", "%S"),
    ("06", "%y"),
    ("15", "%H"),
    ("1", "%-m"),
    ("_2", "%e"),
    ("2", "%-d"),
    ("3", "%-I"),
    ("4", "%-M"),
    ("5", "%-S"),
    ("PM", "%p"),
    ("pm", "%P"),
    ("Z07:00:00", "Z"),
    ("Z07:00", "Z"),
    ("Z0700", "Z"),
    ("Z07", "Z"),
    ("-07:00", "+00:00"),
    ("-0700", "+0000"),
    ("-07", "+00"),
];

/// `.000` (all digits) or `.999` (without zeros at the end): how many digits, and which of both.
fn fraction(text: &str) -> Option<(usize, bool)> {
    let digits = text.strip_prefix('.')?;
    let first = digits.bytes().next().filter(|b| matches!(b, b'0' | b'9'))?;
    let count = digits.bytes().take_while(|b| *b == first).count();
    let follows = digits.as_bytes().get(count).is_some_and(u8::is_ascii_digit);
    (count <= 9 && !follows).then_some((count, first == b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: i64 = 1_700_000_004_050;

    fn shown(stamp: Result<Strftime, String>) -> String {
        let mut out = Vec::new();
        stamp.unwrap().write(AT, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn strftime_is_in_utc() {
        assert_eq!(shown(Strftime::parse("%F %T%.3f")), "2023-11-14 22:13:24.050");
        assert!(Strftime::parse("%").is_err());
    }

    #[test]
    fn layouts_of_go_are_understood() {
        assert_eq!(shown(Strftime::from_go("2006-01-02T15:04:05Z07:00")), "2023-11-14T22:13:24Z");
        assert_eq!(shown(Strftime::from_go("2006-01-02T15:04:05.000Z07:00")), "2023-11-14T22:13:24.050Z");
        assert_eq!(shown(Strftime::from_go("Mon Jan _2 3:04PM 05.999 MST")), "Tue Nov 14 10:13PM 24.05 UTC");
        assert_eq!(shown(Strftime::from_go("100%")), "1100%");
    }
}
