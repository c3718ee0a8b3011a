//! The lines that `consumer-perf-test` prints.

use crate::cli::perf::dates::Pattern;
use crate::cli::perf::figures::{fixed, float};

const MEBIBYTE: f64 = 1024.0 * 1024.0;

/// Records and their bytes, keys and values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub records: u64,
    pub bytes: u64,
}

impl Count {
    fn since(self, earlier: Count) -> Count {
        Count { records: self.records - earlier.records, bytes: self.bytes - earlier.bytes }
    }

    fn mebibytes(self) -> f64 {
        float(self.bytes) / MEBIBYTE
    }
}

/// From when to when, in milliseconds since 1970, and how much of that went into joining the group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub start: u64,
    pub end: u64,
    pub joining: u64,
}

impl Span {
    fn elapsed(self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// May be negative where joining was counted into two spans.
    fn fetching(self) -> i64 {
        signed(self.elapsed()) - signed(self.joining)
    }
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// The names of the columns.
pub(super) fn header(detailed: bool) -> String {
    let first = if detailed { "time, threadId" } else { "start.time, end.time" };
    let rest =
        "data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec";
    format!("{first}, {rest}")
}

/// The line at the end.
pub(super) fn summary(total: Count, span: Span, dates: &Pattern) -> String {
    let (elapsed, fetching) = (float(span.elapsed()) / 1000.0, seconds(span.fetching()));
    let (megabytes, records) = (total.mebibytes(), float(total.records));
    [
        dates.format(span.start),
        dates.format(span.end),
        fixed(megabytes, 4),
        fixed(megabytes / elapsed, 4),
        total.records.to_string(),
        fixed(records / elapsed, 4),
        span.joining.to_string(),
        span.fetching().to_string(),
        fixed(megabytes / fetching, 4),
        fixed(records / fetching, 4),
    ]
    .join(", ")
}

/// The line of one interval: totals, and rates since `before`.
pub(super) fn progress(total: Count, before: Count, span: Span, dates: &Pattern) -> String {
    let (elapsed, fetching) = (float(span.elapsed()), seconds(span.fetching()));
    let since = total.since(before);
    let rate = |n: f64| if span.fetching() <= 0 { 0.0 } else { n / fetching };
    [
        dates.format(span.end),
        // One thread reads.
        "0".to_owned(),
        fixed(total.mebibytes(), 4),
        fixed(1000.0 * since.mebibytes() / elapsed, 4),
        total.records.to_string(),
        fixed(float(since.records) / elapsed * 1000.0, 4),
        span.joining.to_string(),
        span.fetching().to_string(),
        fixed(rate(since.mebibytes()), 4),
        fixed(rate(float(since.records)), 4),
    ]
    .join(", ")
}

fn seconds(ms: i64) -> f64 {
    let size = float(ms.unsigned_abs()) / 1000.0;
    if ms < 0 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The figures of a recorded line (5000 records of 100 bytes) come out of its own times and counts.
    #[test]
    fn figures_are_those_of_a_recorded_line() {
        let start = 1_795_250_169_164;
        let span = Span { start, end: start + 331, joining: 278 };
        let total = Count { records: 5000, bytes: 500_000 };
        let line = summary(total, span, &Pattern::read("'s'").unwrap());
        assert_eq!(line, "s, s, 0.4768, 1.4406, 5000, 15105.7402, 278, 53, 8.9969, 94339.6226");
        let one = Count { records: 1, bytes: 100 };
        let span = Span { start, end: start + 644, joining: 589 };
        let line = progress(one, Count::default(), span, &Pattern::read("'t'").unwrap());
        assert_eq!(line, "t, 0, 0.0001, 0.0001, 1, 1.5528, 589, 55, 0.0017, 18.1818");
    }

    #[test]
    fn nothing_in_no_time_has_no_rate() {
        let span = Span { start: 5, end: 5, joining: 0 };
        let line = summary(Count::default(), span, &Pattern::read("S").unwrap());
        assert_eq!(line, "5, 5, 0.0000, NaN, 0, NaN, 0, 0, NaN, NaN");
        let line = progress(Count::default(), Count::default(), span, &Pattern::read("S").unwrap());
        assert!(line.ends_with("0, 0, 0.0000, 0.0000"), "{line}");
    }
}
