//! Where reading begins in each partition, and where it ends: `--offset` in rpk's grammar.

use super::times::{self, Bare};

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// At the first record there is, or this many after it.
    Start(i64),
    /// At the end, or this many before it.
    End(i64),
    At(i64),
    /// At the first record that is not older (milliseconds since 1970).
    Time(i64),
}

/// Where to stop, not including what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    Never,
    /// At what is the end when reading begins.
    End,
    At(i64),
    /// At the first record that is not older; if there is none, at the end as of that time.
    Time(i64),
}

/// What an offset can look like, for messages.
pub const SHAPES: &str = "start, end, N, +N, -N, N:, :N, A:B, :end, @TIME, @TIME:TIME";

/// Reads `--offset`. Errors: it has no such shape; it ends before it begins.
pub fn parse(text: &str, now: i64) -> Result<(From, Until), String> {
    let parsed = match text.strip_prefix('@') {
        Some(times) => by_time(times, now)?,
        None => by_offset(text).ok_or_else(|| format!("\"{text}\" is no offset"))?,
    };
    match parsed {
        (From::At(from), Until::At(until)) | (From::Time(from), Until::Time(until)) if until <= from => {
            Err(format!("\"{text}\" ends where it begins, or before"))
        }
        ok => Ok(ok),
    }
}

fn by_offset(text: &str) -> Option<(From, Until)> {
    if let Some(from) = from(text) {
        return Some((from, Until::Never));
    }
    let (first, second) = text.split_once("..").or_else(|| text.split_once(':')).or_else(|| dashed(text))?;
    let from = if first.is_empty() { From::Start(0) } else { from(first)? };
    let until = match second {
        "" if first.is_empty() => return None,
        "" => Until::Never,
        "end" | "newest" | "latest" => Until::End,
        _ => Until::At(count(second)?),
    };
    Some((from, until))
}

/// `A-B`
fn dashed(text: &str) -> Option<(&str, &str)> {
    text.split_once('-').filter(|(first, second)| !first.is_empty() && !second.is_empty())
}

fn from(text: &str) -> Option<From> {
    match text.to_ascii_lowercase().as_str() {
        "start" | "oldest" | "earliest" | "beginning" => return Some(From::Start(0)),
        "end" | "newest" | "latest" => return Some(From::End(0)),
        _ => {}
    }
    if let Some(n) = text.strip_prefix('+') {
        return count(n).map(From::Start);
    }
    if let Some(n) = text.strip_prefix('-') {
        return count(n).map(From::End);
    }
    count(text).map(From::At)
}

fn count(text: &str) -> Option<i64> {
    text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()))
}

fn by_time(text: &str, now: i64) -> Result<(From, Until), String> {
    let bare = Bare::After(now);
    if let Ok(at) = times::moment(text, now, bare) {
        return Ok((From::Time(at.millis), Until::Never));
    }
    // Times have colons of their own: the first one that leaves a time, or nothing, on both sides parts them.
    let colons = text.match_indices(':').map(|(at, _)| (&text[..at], &text[at + 1..]));
    for (first, second) in text.split_once("..").into_iter().chain(colons) {
        let begin = match first {
            "" => None,
            _ => match times::moment(first, now, bare) {
                Ok(at) => Some(at),
                Err(_) => continue,
            },
        };
        // The length of a stretch that begins at a date is counted from there.
        let base = begin.filter(|at| at.absolute).map_or(now, |at| at.millis);
        let until = match second {
            "" if begin.is_none() => continue,
            "" => Until::Never,
            "end" => Until::End,
            _ => match times::moment(second, now, Bare::After(base)) {
                Ok(at) => Until::Time(at.millis),
                Err(_) => continue,
            },
        };
        return Ok((begin.map_or(From::Start(0), |at| From::Time(at.millis)), until));
    }
    Err(format!("\"@{text}\" is no time and no stretch of time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_004_000;
    const HOUR: i64 = 3_600_000;

    fn read(text: &str) -> (From, Until) {
        parse(text, NOW).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn offsets_are_those_of_rpk() {
        assert_eq!((read("start"), read("end")), ((From::Start(0), Until::Never), (From::End(0), Until::Never)));
        assert_eq!((read("+3"), read("-3")), ((From::Start(3), Until::Never), (From::End(3), Until::Never)));
        assert_eq!((read("47"), read("47:")), ((From::At(47), Until::Never), (From::At(47), Until::Never)));
        assert_eq!((read(":end"), read(":9")), ((From::Start(0), Until::End), (From::Start(0), Until::At(9))));
        for range in ["3:9", "3-9", "3..9"] {
            assert_eq!(read(range), (From::At(3), Until::At(9)), "{range}");
        }
        assert_eq!((read("3:end"), read("-5:end")), ((From::At(3), Until::End), (From::End(5), Until::End)));
        for bad in ["", ":", "9:3", "3:3", "x", "--3", "3:x", "1.5", "+", "-"] {
            assert!(parse(bad, NOW).is_err(), "{bad}");
        }
    }

    #[test]
    fn times_may_hold_colons_and_durations_count_from_where_they_begin() {
        assert_eq!(read("@-48h:-24h"), (From::Time(NOW - 48 * HOUR), Until::Time(NOW - 24 * HOUR)));
        assert_eq!(read("@-1m:end"), (From::Time(NOW - 60_000), Until::End));
        assert_eq!(read("@:-1h"), (From::Start(0), Until::Time(NOW - HOUR)));
        assert_eq!(read("@2023-11-14:1h"), (From::Time(1_699_920_000_000), Until::Time(1_699_920_000_000 + HOUR)));
        let (first, second) = ("2023-11-14T22:13:24Z", "2023-11-14T23:13:24Z");
        assert_eq!(read(&format!("@{first}")), (From::Time(NOW), Until::Never));
        assert_eq!(read(&format!("@{first}:{second}")), (From::Time(NOW), Until::Time(NOW + HOUR)));
        assert_eq!(read(&format!("@{first}..{second}")), (From::Time(NOW), Until::Time(NOW + HOUR)));
        for bad in ["@", "@:", "@x", "@-1h:-2h", "@end"] {
            assert!(parse(bad, NOW).is_err(), "{bad}");
        }
    }
}
