//! Records for a member: what is free, or was never given out, of what a fetch has read from the log.

use std::sync::Arc;

use super::{Lock, SharePartition, State, Terms};
use crate::machine::share::Delivery;
use crate::types::{MonoMs, Offset};

/// A batch of the log as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchedBatch {
    pub first: Offset,
    pub last: Offset,
    /// It has records for consumers: it is neither a control batch nor part of an aborted transaction that they shall not see.
    pub delivers: bool,
}

/// How much a member wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want {
    pub max_records: i64,
    /// Records that one [`Acquired`] may have, as long as batches of the log need not be cut for it.
    pub batch_size: i64,
    /// `max_records` is a limit also within a batch.
    pub strict: bool,
}

/// Records that a member holds now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acquired {
    pub first: Offset,
    pub last: Offset,
    pub count: i16,
}

struct Taking<'a> {
    lock: Lock,
    terms: &'a Terms,
    want: Want,
    taken: i64,
    acquired: Vec<Acquired>,
    full: bool,
}

impl SharePartition {
    /// Gives a member what it can have of the batches that were read from `from` on. Offsets that the log has no batch for, and batches
    /// without records for consumers, are done with.
    pub fn acquire(
        &mut self,
        now: MonoMs,
        member: &Arc<str>,
        terms: &Terms,
        want: Want,
        from: Offset,
        batches: &[FetchedBatch],
    ) -> Vec<Acquired> {
        let lock = Lock { member: member.clone(), until: now.plus(terms.lock_ms) };
        let mut taking = Taking { lock, terms, want, taken: 0, acquired: Vec::new(), full: want.max_records <= 0 };
        let mut next = from.max(self.start);
        for batch in batches.iter().filter(|b| b.last >= b.first) {
            if taking.full {
                break;
            }
            if batch.first > next {
                self.archive_free(next, batch.first - 1);
            }
            let first = batch.first.max(next);
            if first <= batch.last {
                match batch.delivers {
                    true => self.take(first, batch.last, &mut taking),
                    false => self.archive_free(first, batch.last),
                }
                next = batch.last + 1;
            }
            taking.full |= taking.taken >= want.max_records;
        }
        self.advance();
        taking.acquired
    }

    /// Nobody can get these.
    fn archive_free(&mut self, first: Offset, last: Offset) {
        for (first, last, count) in self.free_within(first, last) {
            self.set(first, last, State::Is(Delivery::Archived), count);
        }
        if first <= self.end {
            self.extend(last, State::Is(Delivery::Archived), 0);
        }
    }

    fn free_within(&self, first: Offset, last: Offset) -> Vec<(Offset, Offset, i16)> {
        let before = self.stretches.range(..first).next_back().filter(|(_, s)| s.last >= first);
        let all = before.into_iter().chain(self.stretches.range(first..=last.max(first)));
        let free = all.filter(|(_, s)| s.state.is_free());
        free.map(|(f, s)| ((*f).max(first), s.last.min(last), s.count)).filter(|(f, l, _)| f <= l).collect()
    }

    /// Takes what is free of one batch.
    fn take(&mut self, first: Offset, last: Offset, taking: &mut Taking) {
        for (first, last, count) in self.free_within(first, last) {
            if taking.full {
                return;
            }
            // The last attempt: should these records do harm, then each only to itself.
            let alone = count + 1 >= taking.terms.max_deliveries;
            if alone && taking.taken > 0 {
                taking.full = true;
                return;
            }
            let last = if alone { first } else { taking.limit(first, last) };
            self.set(first, last, State::Held(taking.lock.clone()), count + 1);
            taking.note(first, last, count + 1);
            taking.full |= alone;
        }
        if taking.full || last < self.end {
            return;
        }
        let room = taking.terms.max_locks - self.in_flight();
        if room <= 0 {
            taking.full = true;
            return;
        }
        // A log may begin later than where the last records ended.
        if first > self.end {
            self.extend(first - 1, State::Is(Delivery::Archived), 0);
        }
        let (first, wanted) = (self.end, taking.limit(self.end, last));
        let last = wanted.min(first + room - 1);
        self.extend(last, State::Held(taking.lock.clone()), 1);
        taking.note(first, last, 1);
    }
}

impl Taking<'_> {
    /// How far the want reaches.
    fn limit(&mut self, first: Offset, last: Offset) -> Offset {
        if !self.want.strict {
            return last;
        }
        let left = self.want.max_records - self.taken;
        self.full |= last - first + 1 >= left;
        last.min(first + left - 1)
    }

    fn note(&mut self, first: Offset, last: Offset, count: i16) {
        self.taken += last - first + 1;
        match self.acquired.last_mut() {
            Some(a) if a.last + 1 == first && a.count == count && last - a.first < self.want.batch_size => a.last = last,
            _ => self.acquired.push(Acquired { first, last, count }),
        }
    }
}
