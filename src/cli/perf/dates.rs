//! Times written by a pattern of Java's `SimpleDateFormat`, in the local time zone and in English.

use jiff::Zoned;
use jiff::tz::TimeZone;

use crate::cli::error::CliError;

const LETTERS: &str = "GyMdkHmsSEDFwWahKzZYuXL";

/// A pattern that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// A letter and how often it stands there.
    Field(char, usize),
}

impl Pattern {
    /// Errors: a letter that means nothing, a quote without its end.
    pub fn read(text: &str) -> Result<Pattern, CliError> {
        let mut pieces = Vec::new();
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            if c == '\'' {
                pieces.push(Piece::Text(quoted(&mut rest)?));
            } else if c.is_ascii_alphabetic() {
                let mut count = 1;
                while rest.next_if_eq(&c).is_some() {
                    count += 1;
                }
                if !LETTERS.contains(c) {
                    return Err(illegal(format!("Illegal pattern character '{c}'")));
                }
                if c == 'X' && count > 3 {
                    return Err(illegal(format!("invalid ISO 8601 format: length={count}")));
                }
                pieces.push(Piece::Field(c, count));
            } else {
                pieces.push(Piece::Text(c.to_string()));
            }
        }
        Ok(Pattern(pieces))
    }

    /// A time in milliseconds since 1970.
    pub fn format(&self, ms: u64) -> String {
        let at = i64::try_from(ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()).unwrap_or_default();
        let at = at.to_zoned(TimeZone::system());
        let show = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Field(letter, count) => field(*letter, *count, &at),
        };
        self.0.iter().map(show).collect()
    }
}

fn illegal(text: String) -> CliError {
    CliError::value(text).exception("java.lang.IllegalArgumentException")
}

/// What stands between quotes; two of them in a row are one.
fn quoted(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<String, CliError> {
    if rest.next_if_eq(&'\'').is_some() {
        return Ok("'".to_owned());
    }
    let mut text = String::new();
    while let Some(c) = rest.next() {
        match c {
            '\'' if rest.next_if_eq(&'\'').is_some() => text.push('\''),
            '\'' => return Ok(text),
            c => text.push(c),
        }
    }
    Err(illegal("Unterminated quote".to_owned()))
}

fn field(letter: char, count: usize, at: &Zoned) -> String {
    let padded = |n: i64| format!("{n:0count$}");
    let (hour, day) = (i64::from(at.hour()), i64::from(at.day()));
    let sunday_first = i64::from(at.weekday().to_sunday_zero_offset());
    // Weeks begin on Sundays, and the first of a year or month is the one with its first day.
    let week_of = |nth: i64| (nth - 1 + (sunday_first - (nth - 1)).rem_euclid(7)) / 7 + 1;
    match letter {
        'G' => "AD".to_owned(),
        'y' => year(i64::from(at.year()), count),
        'Y' => year(i64::from(at.year()) + i64::from(in_next_year(at)), count),
        'M' | 'L' if count >= 4 => at.strftime("%B").to_string(),
        'M' | 'L' if count == 3 => at.strftime("%b").to_string(),
        'M' | 'L' => padded(i64::from(at.month())),
        'd' => padded(day),
        'D' => padded(i64::from(at.day_of_year())),
        'E' if count >= 4 => at.strftime("%A").to_string(),
        'E' => at.strftime("%a").to_string(),
        'u' => padded(i64::from(at.weekday().to_monday_one_offset())),
        'F' => padded((day - 1) / 7 + 1),
        'w' if in_next_year(at) => padded(1),
        'w' => padded(week_of(i64::from(at.day_of_year()))),
        'W' => padded(week_of(day)),
        'a' => if hour < 12 { "AM" } else { "PM" }.to_owned(),
        'H' => padded(hour),
        'k' => padded(if hour == 0 { 24 } else { hour }),
        'K' => padded(hour % 12),
        'h' => padded(if hour % 12 == 0 { 12 } else { hour % 12 }),
        'm' => padded(i64::from(at.minute())),
        's' => padded(i64::from(at.second())),
        'S' => padded(i64::from(at.millisecond())),
        'z' => at.strftime("%Z").to_string(),
        'Z' => at.strftime("%z").to_string(),
        'X' if at.offset().is_zero() => "Z".to_owned(),
        'X' if count == 3 => at.strftime("%:z").to_string(),
        'X' => at.strftime("%z").to_string().chars().take(if count == 1 { 3 } else { 5 }).collect(),
        _ => String::new(),
    }
}

fn year(year: i64, count: usize) -> String {
    if count == 2 { format!("{:02}", year.rem_euclid(100)) } else { format!("{year:0count$}") }
}

/// The week of this day has the first of January in it that comes after the day.
fn in_next_year(at: &Zoned) -> bool {
    let days_left = i64::from(at.days_in_year()) - i64::from(at.day_of_year());
    days_left < i64::from(6 - at.weekday().to_sunday_zero_offset())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(pattern: &str, at: &str) -> String {
        let at: Zoned = at.parse().unwrap();
        let Pattern(pieces) = Pattern::read(pattern).unwrap();
        let show = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Field(letter, count) => field(*letter, *count, &at),
        };
        pieces.iter().map(show).collect()
    }

    // The expected texts are those of Java 17.
    #[test]
    fn patterns_mean_what_they_mean_in_java() {
        let noon = "2026-11-21T12:05:09.007+00:00[UTC]";
        assert_eq!(shown("yyyy-MM-dd HH:mm:ss:SSS", noon), "2026-11-21 12:05:09:007");
        assert_eq!(shown("yy/M/d h:mm a z", noon), "26/11/21 12:05 PM UTC");
        assert_eq!(shown("EEE, d MMM yyyy 'at' HH 'o''clock' G X XX XXX Z", noon), "Sat, 21 Nov 2026 at 12 o'clock AD Z Z Z +0000");
        assert_eq!(shown("EEEE MMMM D w W F u k K", noon), "Saturday November 325 47 3 3 6 12 0");
        assert_eq!(shown("YYYY w W", "2026-12-29T00:30:00+01:00[+01:00]"), "2027 1 5");
        assert_eq!(shown("kk KK hh X XX XXX", "2026-12-29T00:30:00+01:00[+01:00]"), "24 00 12 +01 +0100 +01:00");
    }

    #[test]
    fn what_means_nothing_is_refused_in_javas_words() {
        assert_eq!(Pattern::read("QQQ").unwrap_err().message, "Illegal pattern character 'Q'");
        assert_eq!(Pattern::read("HH 'x").unwrap_err().message, "Unterminated quote");
        assert_eq!(Pattern::read("XXXX").unwrap_err().message, "invalid ISO 8601 format: length=4");
    }
}
