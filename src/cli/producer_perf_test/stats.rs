//! What became of the records: how many, how large, how long they took; over all, and since the last progress line.

use crate::cli::perf::figures::{fixed, float};

const MEBIBYTE: f64 = 1024.0 * 1024.0;
/// So many latencies are kept; of more records a regular part.
const SAMPLES: u64 = 500_000;

/// Times are in milliseconds since 1970.
#[derive(Debug)]
pub(super) struct Stats {
    start: u64,
    interval: u64,
    /// One latency of so many is kept.
    sampling: u64,
    latencies: Vec<u64>,
    all: Sum,
    window: Sum,
    window_start: u64,
    /// Counts what comes after the warm-up.
    steady: bool,
    silent: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    records: u64,
    bytes: u64,
    latency: u64,
    max_latency: u64,
}

impl Sum {
    fn add(&mut self, bytes: u64, latency: u64) {
        self.records += 1;
        self.bytes += bytes;
        self.latency += latency;
        self.max_latency = self.max_latency.max(latency);
    }

    /// Records and mebibytes a second.
    fn rates(&self, elapsed_ms: u64) -> (f64, f64) {
        let each = |n: u64| 1000.0 * float(n) / float(elapsed_ms);
        (each(self.records), each(self.bytes) / MEBIBYTE)
    }

    fn mean_latency(&self) -> f64 {
        float(self.latency) / float(self.records)
    }
}

impl Stats {
    pub fn new(records: u64, interval: u64, steady: bool, now: u64) -> Stats {
        let sampling = records / records.clamp(1, SAMPLES);
        Stats {
            start: now,
            interval,
            sampling: sampling.max(1),
            latencies: Vec::new(),
            all: Sum::default(),
            window: Sum::default(),
            window_start: now,
            steady,
            silent: false,
        }
    }

    /// No progress lines any more.
    pub fn hush(&mut self) {
        self.silent = true;
    }

    /// A record was written. Gives what to print, if it is time for that.
    pub fn record(&mut self, latency: u64, bytes: u64, now: u64) -> Option<String> {
        if self.all.records.is_multiple_of(self.sampling) {
            self.latencies.push(latency);
        }
        self.all.add(bytes, latency);
        self.window.add(bytes, latency);
        if now.saturating_sub(self.window_start) < self.interval {
            return None;
        }
        let first = self.all.records == self.window.records;
        let head = if self.steady && first { "In steady state.\n" } else { "" };
        let line = format!("{head}{}", self.progress(now));
        self.window = Sum::default();
        self.window_start = now;
        (!self.silent).then_some(line)
    }

    fn progress(&self, now: u64) -> String {
        let (records, megabytes) = self.window.rates(now.saturating_sub(self.window_start));
        format!(
            "{} records sent, {} records/sec ({} MB/sec), {} ms avg latency, {} ms max latency.",
            self.window.records,
            fixed(records, 1),
            fixed(megabytes, 2),
            fixed(self.window.mean_latency(), 1),
            fixed(float(self.window.max_latency), 1),
        )
    }

    /// The line at the end.
    pub fn total(&self, now: u64) -> String {
        let (records, megabytes) = self.all.rates(now.saturating_sub(self.start));
        let [median, p95, p99, p999] = self.percentiles();
        format!(
            "{}{} records sent, {} records/sec ({} MB/sec), {} ms avg latency, {} ms max latency, \
             {median} ms 50th, {p95} ms 95th, {p99} ms 99th, {p999} ms 99.9th.",
            self.all.records,
            if self.steady { " steady state" } else { "" },
            fixed(records, 6),
            fixed(megabytes, 2),
            fixed(self.all.mean_latency(), 2),
            fixed(float(self.all.max_latency), 2),
        )
    }

    /// Of each: the latency that so many per mille of the kept ones are below.
    fn percentiles(&self) -> [u64; 4] {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        [500, 950, 990, 999].map(|per_mille| sorted.get(sorted.len() * per_mille / 1000).copied().unwrap_or(0))
    }

    /// Records and bytes so far.
    pub fn count(&self) -> (u64, u64) {
        (self.all.records, self.all.bytes)
    }

    pub fn elapsed(&self, now: u64) -> u64 {
        now.saturating_sub(self.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_told_with_percentiles() {
        let mut stats = Stats::new(1000, 5000, false, 1000);
        (1..=1000).for_each(|latency| assert_eq!(stats.record(latency, 100, 1500), None));
        assert_eq!(
            stats.total(2000),
            "1000 records sent, 1000.000000 records/sec (0.10 MB/sec), 500.50 ms avg latency, 1000.00 ms max latency, \
             501 ms 50th, 951 ms 95th, 991 ms 99th, 1000 ms 99.9th."
        );
    }

    #[test]
    fn nothing_sent_has_no_mean_latency() {
        let total = "0 records sent, 0.000000 records/sec (0.00 MB/sec), NaN ms avg latency, 0.00 ms max latency, \
                     0 ms 50th, 0 ms 95th, 0 ms 99th, 0 ms 99.9th.";
        assert_eq!(Stats::new(3, 5000, false, 0).total(10), total);
    }

    #[test]
    fn a_window_is_told_when_its_time_is_over_and_forgotten() {
        let mut stats = Stats::new(10, 1000, false, 0);
        assert_eq!(stats.record(8, 1024 * 1024, 400), None);
        let line = "2 records sent, 2.0 records/sec (2.00 MB/sec), 10.0 ms avg latency, 12.0 ms max latency.";
        assert_eq!(stats.record(12, 1024 * 1024, 1000).as_deref(), Some(line));
        let line = "1 records sent, 0.5 records/sec (0.00 MB/sec), 3.0 ms avg latency, 3.0 ms max latency.";
        assert_eq!(stats.record(3, 1, 3000).as_deref(), Some(line));
        stats.hush();
        assert_eq!(stats.record(3, 1, 9000), None);
        assert_eq!((stats.count(), stats.elapsed(9000)), ((4, 2 * 1024 * 1024 + 2), 9000));
    }

    #[test]
    fn the_steady_state_is_announced_once() {
        let mut stats = Stats::new(10, 10, true, 0);
        assert!(stats.record(1, 1, 10).unwrap().starts_with("In steady state.\n1 records sent, "));
        assert!(stats.record(1, 1, 20).unwrap().starts_with("1 records sent, "));
        assert!(stats.total(20).starts_with("2 steady state records sent, "));
    }

    #[test]
    fn of_many_records_a_part_is_kept() {
        let mut stats = Stats::new(1_500_000, 1_000_000, false, 0);
        (0..30).for_each(|n| drop(stats.record(n, 1, 0)));
        assert_eq!(stats.latencies, [0, 3, 6, 9, 12, 15, 18, 21, 24, 27]);
    }
}
