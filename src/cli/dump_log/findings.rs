//! What a dump found out of order, told on standard error at its end: the lists that Kafka's tool prints, files in the order of `--files`.

use crate::cli::error::stderr_line;

/// Pairs kept of one list. A log with more gaps than this (compaction can leave millions) is told by their number.
const MOST_PAIRS: usize = 1_000_000;

/// Pairs of numbers of one file, with a bound on their memory.
#[derive(Debug, Default)]
struct Pairs {
    path: String,
    pairs: Vec<(i64, i64)>,
    more: u64,
}

impl Pairs {
    fn push(&mut self, pair: (i64, i64)) {
        if self.pairs.len() < MOST_PAIRS { self.pairs.push(pair) } else { self.more += 1 }
    }
}

/// The order in which a list is told. Where it is sorted, a later pair replaces an earlier one with the same first number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    AsFound,
    Ascending,
    Descending,
}

#[derive(Debug)]
struct List {
    order: Order,
    files: Vec<Pairs>,
}

impl List {
    const fn new(order: Order) -> List {
        List { order, files: Vec::new() }
    }

    fn push(&mut self, path: &str, pair: (i64, i64)) {
        match self.files.iter_mut().rfind(|f| f.path == path) {
            Some(file) => file.push(pair),
            None => self.files.push(Pairs { path: path.to_owned(), pairs: vec![pair], more: 0 }),
        }
    }

    fn tell(mut self, heading: &str, line: impl Fn(i64, i64) -> String) {
        for file in &mut self.files {
            stderr_line(format!("{heading}{}", file.path));
            if self.order != Order::AsFound {
                // A stable sort keeps the last of equals last; the reversal lets `dedup` keep it.
                file.pairs.sort_by_key(|(first, _)| *first);
                file.pairs.reverse();
                file.pairs.dedup_by_key(|(first, _)| *first);
            }
            if self.order == Order::Ascending {
                file.pairs.reverse();
            }
            for (first, second) in &file.pairs {
                stderr_line(line(*first, *second));
            }
            if file.more > 0 {
                stderr_line(format!("  and {} more", file.more));
            }
        }
    }
}

/// Everything found so far.
#[derive(Debug)]
pub struct Findings {
    index_mismatches: List,
    time_mismatches: List,
    times_out_of_order: List,
    offsets_not_found: List,
    gaps: List,
}

impl Default for Findings {
    fn default() -> Self {
        Findings {
            index_mismatches: List::new(Order::Descending),
            time_mismatches: List::new(Order::AsFound),
            times_out_of_order: List::new(Order::AsFound),
            offsets_not_found: List::new(Order::AsFound),
            gaps: List::new(Order::Ascending),
        }
    }
}

impl Findings {
    /// An index says that a batch ends with `index_offset`; it ends with `log_offset`.
    pub fn index_mismatch(&mut self, path: &str, index_offset: i64, log_offset: i64) {
        self.index_mismatches.push(path, (index_offset, log_offset));
    }

    /// A time index has `index_time` for a batch whose greatest timestamp is `log_time`.
    pub fn time_mismatch(&mut self, path: &str, index_time: i64, log_time: i64) {
        self.time_mismatches.push(path, (index_time, log_time));
    }

    /// A time index has `time` after the same or a later `previous`.
    pub fn time_out_of_order(&mut self, path: &str, time: i64, previous: i64) {
        self.times_out_of_order.push(path, (time, previous));
    }

    /// No batch ends with `index_offset`; the next one ends with `log_offset`, -1 if there is none.
    pub fn offset_not_found(&mut self, path: &str, index_offset: i64, log_offset: i64) {
        self.offsets_not_found.push(path, (index_offset, log_offset));
    }

    /// The record after the one at `offset` (-1 at the start of the log) is at `next` and not at the following offset.
    pub fn gap(&mut self, path: &str, offset: i64, next: i64) {
        self.gaps.push(path, (offset, next));
    }

    /// Tells it all.
    pub fn tell(self) {
        self.index_mismatches.tell("Mismatches in :", |a, b| format!("  Index offset: {a}, log offset: {b}"));
        self.time_mismatches.tell("Found timestamp mismatch in :", |a, b| format!("  Index timestamp: {a}, log timestamp: {b}"));
        self.times_out_of_order
            .tell("Found out of order timestamp in :", |a, b| format!("  Index timestamp: {a}, Previously indexed timestamp: {b}"));
        self.offsets_not_found
            .tell("The following indexed offsets are not found in :", |a, b| format!("Indexed offset: {a}, found log offset: {b}"));
        self.gaps.tell("Non-consecutive offsets in ", |a, b| format!("  {a} is followed by {b}"));
    }
}
