//! Moments as people write them: `2026-01-31`, `2026-01-31T10:00:00+02:00`, `1700000000`, `1h30m`, `2 hours ago`, `now`.
//!
//! What names no time zone is in UTC, as everywhere in Kafka's tools.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};

/// What a duration without a sign is counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bare {
    /// `1h` is an hour ago.
    Ago,
    /// `1h` is an hour after this moment (milliseconds since 1970).
    After(i64),
}

/// A moment, and whether it was told by itself, not by its distance to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    pub millis: i64,
    pub absolute: bool,
}

/// The shapes a moment can have, for messages.
pub const SHAPES: &str = "2026-01-31, 2026-01-31T10:00:00Z, 1700000000 (seconds or milliseconds since 1970), 1h30m, '2 hours ago', now";

/// Reads a moment. Errors: it is none.
pub fn moment(text: &str, now: i64, bare: Bare) -> Result<Moment, String> {
    let text = text.trim();
    let found = number(text).or_else(|| dated(text)).map(|millis| Moment { millis, absolute: true });
    let found = found.or_else(|| relative(text, now, bare).map(|millis| Moment { millis, absolute: false }));
    found.ok_or_else(|| format!("\"{text}\" is no time"))
}

/// Seconds if there are 9 to 11 digits (years 1973 to 5138), nanoseconds from 17 on, else milliseconds.
fn number(text: &str) -> Option<i64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let n: i64 = text.parse().ok()?;
    Some(match text.len() {
        9..=11 => n.checked_mul(1000)?,
        17.. => n / 1_000_000,
        _ => n,
    })
}

fn dated(text: &str) -> Option<i64> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.as_millisecond());
    }
    // With a zone's name in brackets.
    if let Ok(at) = text.parse::<Zoned>() {
        return Some(at.timestamp().as_millisecond());
    }
    // `1h` and the like are no dates.
    let dated = text.get(..5).is_some_and(|start| start.ends_with('-') && start[..4].bytes().all(|b| b.is_ascii_digit()));
    let local = text.parse::<DateTime>().ok().filter(|_| dated)?;
    Some(local.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond())
}

fn relative(text: &str, now: i64, bare: Bare) -> Option<i64> {
    let day = 86_400_000;
    match text {
        "now" => return Some(now),
        "today" => return Some(now - now.rem_euclid(day)),
        "yesterday" => return Some(now - now.rem_euclid(day) - day),
        _ => {}
    }
    let (ahead, rest) = match text.strip_prefix("in ").or_else(|| text.strip_prefix('+')) {
        Some(rest) => (true, rest.trim()),
        None => (false, text),
    };
    let span: Span = rest.parse().ok()?;
    let (base, span) = match bare {
        _ if ahead => (now, span),
        // `-1h` and `1h ago` have their sign already.
        Bare::Ago if span.is_negative() => (now, span),
        Bare::Ago => (now, span.negate()),
        Bare::After(base) => (base, span),
    };
    let base = Timestamp::from_millisecond(base).ok()?.to_zoned(TimeZone::UTC);
    Some(base.checked_add(span).ok()?.timestamp().as_millisecond())
}

/// A length of time: `30s`, `1m30s`, `500ms`, `PT1M`; a number alone counts seconds.
pub fn duration(text: &str) -> Result<std::time::Duration, String> {
    let none = || format!("\"{text}\" is no length of time");
    if let Ok(seconds) = text.parse::<f64>() {
        return std::time::Duration::try_from_secs_f64(seconds).map_err(|_| none());
    }
    let span: jiff::SignedDuration = text.parse().map_err(|_| none())?;
    std::time::Duration::try_from(span).map_err(|_| none())
}

/// Milliseconds since 1970.
pub fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_004_000;

    fn at(text: &str) -> i64 {
        moment(text, NOW, Bare::Ago).unwrap().millis
    }

    #[test]
    fn dates_and_times_are_utc_unless_they_say_otherwise() {
        assert_eq!(at("2023-11-14"), NOW - 22 * 3_600_000 - 13 * 60_000 - 24_000);
        for same in ["2023-11-14T22:13:24Z", "2023-11-14T22:13:24", "2023-11-14 22:13:24.000", "2023-11-15T00:13:24+02:00", "1700000004"] {
            assert_eq!(at(same), NOW, "{same}");
        }
        assert_eq!(at("2023-11-14T23:13:24+01:00[Europe/Berlin]"), NOW);
        assert_eq!((at("1700000004000"), at("1700000004000000000"), at("5")), (NOW, NOW, 5));
    }

    #[test]
    fn durations_without_a_sign_are_ago() {
        for hour in ["1h", "-1h", "1 hour ago", "60m", "PT1H"] {
            assert_eq!(at(hour), NOW - 3_600_000, "{hour}");
        }
        assert_eq!((at("in 5m"), at("+5m"), at("now")), (NOW + 300_000, NOW + 300_000, NOW));
        assert_eq!(at("1d12h"), NOW - 36 * 3_600_000);
        assert_eq!(at("today"), at("2023-11-14"));
        assert_eq!(moment("1h", NOW, Bare::After(5)).unwrap(), Moment { millis: 3_600_005, absolute: false });
        for bad in ["", "soon", "1x", "2023-13-01", "--1h", "12:30"] {
            assert!(moment(bad, NOW, Bare::Ago).is_err(), "{bad}");
        }
    }

    #[test]
    fn lengths_of_time() {
        let ms = |text: &str| duration(text).unwrap().as_millis();
        assert_eq!((ms("30s"), ms("1m30s"), ms("500ms"), ms("2"), ms("0.5")), (30_000, 90_000, 500, 2000, 500));
        assert!(duration("-1s").is_err() && duration("x").is_err());
    }
}
