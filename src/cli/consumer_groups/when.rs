//! Moments and durations as Kafka's tools read them.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use regex::Regex;

use crate::cli::error::CliError;

const PARSE: &str = "java.text.ParseException";

/// `YYYY-MM-DDThh:mm:ss.sss`, then `Z`, `+hh`, `+hhmm`, `+hh:mm` or nothing (UTC), as milliseconds since 1970.
///
/// Errors: in the words of Java.
pub(in crate::cli) fn datetime(text: &str) -> Result<i64, CliError> {
    let refused = |message: String| {
        let shape = "a moment looks like 2026-01-31T23:59:59.000 or 2026-01-31T23:59:59.000+02:00";
        CliError::failed(message).hint(shape).exception(PARSE).wrapped_in("java.lang.RuntimeException")
    };
    let Some((_, time)) = text.split_once('T') else {
        return Err(refused("Error parsing timestamp. It does not contain a 'T' according to ISO8601 format".to_owned()));
    };
    let text = if time.contains(['+', '-', 'Z']) { text.to_owned() } else { format!("{text}Z") };
    parsed(&text).ok_or_else(|| refused(format!("Unparseable date: \"{text}\"")))
}

fn parsed(text: &str) -> Option<i64> {
    // Java reads the digits after the point as a number of milliseconds.
    let shape = Regex::new(r"^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)\.(\d+)(?:Z|([+-])(\d\d)(?::?(\d\d))?)").ok()?;
    let parts = shape.captures(text)?;
    let number = |at: usize| parts.get(at)?.as_str().parse::<i32>().ok();
    let small = |at: usize| i8::try_from(number(at)?).ok();
    let millis = number(7).filter(|ms| *ms < 1000)?;
    let at =
        DateTime::new(i16::try_from(number(1)?).ok()?, small(2)?, small(3)?, small(4)?, small(5)?, small(6)?, millis * 1_000_000).ok()?;
    let away = match parts.get(8).map(|sign| sign.as_str()) {
        None => 0,
        Some(sign) => {
            let seconds = number(9)? * 3600 + number(10).unwrap_or(0) * 60;
            if sign == "-" { -seconds } else { seconds }
        }
    };
    let zone = TimeZone::fixed(Offset::from_seconds(away).ok()?);
    Some(at.to_zoned(zone).ok()?.timestamp().as_millisecond())
}

/// `PnDTnHnMn.nS` as milliseconds. Errors: in the words of Java.
pub(super) fn duration(text: &str) -> Result<i64, CliError> {
    seconds(text).ok_or_else(|| {
        CliError::failed("Text cannot be parsed to a Duration")
            .hint("a duration looks like PT30M, PT1H30M or P7D")
            .exception("java.time.format.DateTimeParseException")
    })
}

fn seconds(text: &str) -> Option<i64> {
    let shape = r"(?i)^([-+]?)P(?:([-+]?\d+)D)?(T(?:([-+]?\d+)H)?(?:([-+]?\d+)M)?(?:([-+]?\d+)(?:[.,](\d{0,9}))?S)?)?$";
    let parts = Regex::new(shape).ok()?.captures(text)?;
    if parts.get(3).is_some_and(|t| t.len() == 1) || ![2, 4, 5, 6].iter().any(|at| parts.get(*at).is_some()) {
        return None;
    }
    let number = |at: usize| parts.get(at).map_or(Some(0), |m| m.as_str().parse::<i64>().ok());
    let fraction = parts.get(7).map_or(0, |m| format!("{:0<3}", m.as_str()).get(..3).and_then(|ms| ms.parse::<i64>().ok()).unwrap_or(0));
    let fraction = if parts.get(6).is_some_and(|m| m.as_str().starts_with('-')) { -fraction } else { fraction };
    let whole = number(2)?
        .checked_mul(86_400)?
        .checked_add(number(4)?.checked_mul(3600)?)?
        .checked_add(number(5)?.checked_mul(60)?)?
        .checked_add(number(6)?)?;
    let all = whole.checked_mul(1000)?.checked_add(fraction)?;
    if parts.get(1).is_some_and(|sign| sign.as_str() == "-") { all.checked_neg() } else { Some(all) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_need_milliseconds_and_may_have_a_zone() {
        assert_eq!(datetime("2023-11-14T22:13:24.000").unwrap(), 1_700_000_004_000);
        assert_eq!(datetime("2023-11-14T22:13:24.000Z").unwrap(), 1_700_000_004_000);
        assert_eq!(datetime("2023-11-14T22:13:24.000+02:00").unwrap(), 1_700_000_004_000 - 7_200_000);
        assert_eq!(datetime("2023-11-14T22:13:24.5-0130").unwrap(), 1_700_000_004_005 + 5_400_000);
        let java = |text: &str| datetime(text).unwrap_err().kafka_message();
        assert_eq!(java("2023-11-14T22:13:24"), "java.text.ParseException: Unparseable date: \"2023-11-14T22:13:24Z\"");
        assert!(java("yesterday").ends_with("It does not contain a 'T' according to ISO8601 format"));
        assert!(datetime("2023-13-14T22:13:24.000").is_err());
    }

    #[test]
    fn durations_are_isos() {
        assert_eq!(duration("PT1H").unwrap(), 3_600_000);
        assert_eq!(duration("P1DT2M3.5S").unwrap(), 86_523_500);
        assert_eq!(duration("-PT1S").unwrap(), -1000);
        assert_eq!(duration("pt-1.5s").unwrap(), -1500);
        for bad in ["1h", "P", "PT", "P1", "PT99999999999999999999S"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
