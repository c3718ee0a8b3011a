//! A partition as one share group consumes it: who holds which records.
//!
//! ```text
//!        start                                              end
//!          |  free | held by a until .. | done | free again |  never given out
//!  --------+-------+--------------------+------+------------+---------------------> offsets
//!   done              what the stretches say
//! ```
//! A record that is held becomes free again when its lock runs out (H2), until it was given out as often as the group allows (H3); then
//! it is archived. What is done at the front moves the start. Whatever others must not forget comes back as a [`Write`], to be made
//! durable before the answer (H5). If that fails the whole partition is to be forgotten, and read again from what is durable.

mod acknowledge;
mod acquire;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use self::acknowledge::{AckBatch, AckError, AckType};
pub use self::acquire::{Acquired, FetchedBatch, Want};
use super::{Delivery, StateBatch};
use crate::types::{MonoMs, Offset};

/// What the group allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// `share.record.lock.duration.ms`
    pub lock_ms: u64,
    /// `share.delivery.count.limit`
    pub max_deliveries: i16,
    /// `share.partition.max.record.locks`
    pub max_locks: i64,
    /// `share.renew.acknowledge.enable`
    pub may_renew: bool,
}

impl Default for Terms {
    fn default() -> Self {
        Terms { lock_ms: 30_000, max_deliveries: 5, max_locks: 2_000, may_renew: true }
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Lock {
    member: Arc<str>,
    until: MonoMs,
}

#[derive(Clone, Debug, PartialEq)]
enum State {
    Held(Lock),
    Is(Delivery),
}

impl State {
    const FREE: State = State::Is(Delivery::Available);

    fn is_final(&self) -> bool {
        matches!(self, State::Is(delivery) if delivery.is_final())
    }

    fn is_free(&self) -> bool {
        *self == State::FREE
    }

    fn held_by(&self, member: &str) -> bool {
        matches!(self, State::Held(lock) if *lock.member == *member)
    }
}

/// Neighbouring records of one state; the key of the map is the first.
#[derive(Clone, Debug, PartialEq)]
struct Stretch {
    last: Offset,
    state: State,
    count: i16,
}

/// What has to become durable. Fields that say nothing new are there all the same: the last write tells all but the batches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    pub start: Offset,
    /// Records from the start on that are done with.
    pub complete: i32,
    pub batches: Vec<StateBatch>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SharePartition {
    start: Offset,
    /// One more than the last record that was ever given out.
    end: Offset,
    /// All from `start` to `end`, without gaps; no two neighbours are alike.
    stretches: BTreeMap<Offset, Stretch>,
    /// Records among them that are done with.
    complete: i64,
}

impl SharePartition {
    /// A partition as it was written. Records that nobody told of are free.
    pub fn new(start: Offset, batches: &[StateBatch]) -> Self {
        let end = batches.iter().map(|b| b.last.saturating_add(1)).max().unwrap_or(start).max(start);
        let mut partition = SharePartition { start, end, stretches: BTreeMap::new(), complete: 0 };
        if end > start {
            partition.stretches.insert(start, Stretch { last: end - 1, state: State::FREE, count: 0 });
        }
        for batch in batches.iter().filter(|b| b.last >= start && b.first <= b.last) {
            partition.set(batch.first.max(start), batch.last, State::Is(batch.delivery), batch.count);
        }
        partition.advance();
        partition
    }

    /// Everything below is done with.
    pub fn start(&self) -> Offset {
        self.start
    }

    pub fn end(&self) -> Offset {
        self.end
    }

    /// Where the next records for somebody are.
    pub fn next_offset(&self) -> Offset {
        self.stretches.iter().find(|(_, s)| s.state.is_free()).map_or(self.end, |(first, _)| *first)
    }

    /// Somebody might get something now, if the log has it.
    pub fn may_acquire(&self, terms: &Terms) -> bool {
        self.next_offset() < self.end || self.in_flight() < terms.max_locks
    }

    /// When a lock runs out next.
    pub fn next_deadline(&self) -> Option<MonoMs> {
        let until = |s: &Stretch| if let State::Held(lock) = &s.state { Some(lock.until) } else { None };
        self.stretches.values().filter_map(until).min()
    }

    /// Records that are neither untouched nor done with.
    fn in_flight(&self) -> i64 {
        self.end - self.start - self.complete
    }

    /// The member gives back what it holds: it has gone.
    pub fn release(&mut self, member: &str, terms: &Terms) -> Option<Write> {
        self.let_go(terms, |lock| *lock.member == *member)
    }

    /// Frees what was held for too long.
    pub fn expire(&mut self, now: MonoMs, terms: &Terms) -> Option<Write> {
        self.let_go(terms, |lock| lock.until <= now)
    }

    fn let_go(&mut self, terms: &Terms, which: impl Fn(&Lock) -> bool) -> Option<Write> {
        let is_meant = |s: &Stretch| matches!(&s.state, State::Held(lock) if which(lock));
        let meant: Vec<(Offset, Offset, i16)> =
            self.stretches.iter().filter(|(_, s)| is_meant(s)).map(|(first, s)| (*first, s.last, s.count)).collect();
        if meant.is_empty() {
            return None;
        }
        let changed: Vec<StateBatch> = meant.into_iter().map(|(first, last, count)| freed(first, last, count, terms)).collect();
        Some(self.settle(changed))
    }

    /// The log begins later than it did: what is not there any more is done with, unless somebody still holds it.
    pub fn log_starts_at(&mut self, log_start: Offset) -> Option<Write> {
        if log_start <= self.start {
            return None;
        }
        let free: Vec<(Offset, Offset, i16)> = self
            .stretches
            .range(..log_start)
            .filter(|(_, s)| s.state.is_free())
            .map(|(first, s)| (*first, s.last.min(log_start - 1), s.count))
            .collect();
        let archived =
            free.into_iter().map(|(first, last, count)| StateBatch { first, last, delivery: Delivery::Archived, count }).collect();
        if self.end < log_start {
            self.extend(log_start - 1, State::Is(Delivery::Archived), 0);
        }
        Some(self.settle(archived))
    }

    /// Carries out changes and tells what of them has to be written.
    fn settle(&mut self, mut changed: Vec<StateBatch>) -> Write {
        changed.iter().for_each(|b| self.set(b.first, b.last, State::Is(b.delivery), b.count));
        self.advance();
        changed.retain(|b| b.last >= self.start);
        changed.iter_mut().for_each(|b| b.first = b.first.max(self.start));
        Write { start: self.start, complete: i32::try_from(self.complete).unwrap_or(i32::MAX), batches: changed }
    }

    /// Gives records that were never given out a state.
    fn extend(&mut self, last: Offset, state: State, count: i16) {
        if last < self.end {
            return;
        }
        let first = self.end;
        self.end = last + 1;
        self.complete += if state.is_final() { last - first + 1 } else { 0 };
        self.stretches.insert(first, Stretch { last, state, count });
        self.join_around(first);
    }

    /// Gives records between start and end another state.
    fn set(&mut self, first: Offset, last: Offset, state: State, count: i16) {
        if first > last || first < self.start || last >= self.end {
            return;
        }
        self.cut_before(first);
        self.cut_before(last + 1);
        let size = |first: &Offset, s: &Stretch| s.last - first + 1;
        let was: i64 = self.stretches.range(first..=last).filter(|(_, s)| s.state.is_final()).map(|(f, s)| size(f, s)).sum();
        self.complete += if state.is_final() { last - first + 1 - was } else { -was };
        let inside: Vec<Offset> = self.stretches.range(first..=last).map(|(f, _)| *f).collect();
        inside.iter().for_each(|f| _ = self.stretches.remove(f));
        self.stretches.insert(first, Stretch { last, state, count });
        self.join_around(first);
    }

    /// Makes `at` the first record of its stretch.
    fn cut_before(&mut self, at: Offset) {
        let Some((_, stretch)) = self.stretches.range_mut(..at).next_back() else { return };
        if stretch.last >= at {
            let rest = stretch.clone();
            stretch.last = at - 1;
            self.stretches.insert(at, rest);
        }
    }

    /// Makes one of the stretch at `first` and its neighbours where they are alike.
    fn join_around(&mut self, first: Offset) {
        let alike = |a: &Stretch, b: &Stretch| a.state == b.state && a.count == b.count;
        let Some(mut this) = self.stretches.remove(&first) else { return };
        let mut from = first;
        if let Some((before, b)) = self.stretches.range(..first).next_back()
            && alike(b, &this)
        {
            from = *before;
        }
        if let Some(after) = self.stretches.get(&(this.last + 1)).filter(|after| alike(after, &this)) {
            let (next, last) = (this.last + 1, after.last);
            self.stretches.remove(&next);
            this.last = last;
        }
        self.stretches.insert(from, this);
    }

    /// Moves the start over everything that is done with.
    fn advance(&mut self) {
        while let Some(first) = self.stretches.first_entry().filter(|s| s.get().state.is_final()) {
            let (from, stretch) = first.remove_entry();
            self.complete -= stretch.last - from + 1;
            self.start = stretch.last + 1;
        }
        self.end = self.end.max(self.start);
    }

    /// Every invariant.
    pub fn check(&self) -> Result<(), String> {
        let (mut at, mut complete) = (self.start, 0);
        let mut before: Option<&Stretch> = None;
        for (first, s) in &self.stretches {
            if *first != at || s.last < *first {
                return Err(format!("a stretch is at {first}..{} where {at} is next", s.last));
            }
            if before.is_some_and(|b| b.state == s.state && b.count == s.count) {
                return Err(format!("the stretch at {first} is like the one before"));
            }
            complete += if s.state.is_final() { s.last - first + 1 } else { 0 };
            (at, before) = (s.last + 1, Some(s));
        }
        if at != self.end {
            return Err(format!("the stretches end at {at}, the partition at {}", self.end));
        }
        if complete != self.complete {
            return Err(format!("{complete} are done with, {} were counted", self.complete));
        }
        if self.stretches.first_key_value().is_some_and(|(_, s)| s.state.is_final()) {
            return Err("what is done with at the front has not moved the start".into());
        }
        Ok(())
    }
}

/// What records come to that somebody held and did not deal with.
fn freed(first: Offset, last: Offset, count: i16, terms: &Terms) -> StateBatch {
    let delivery = if count >= terms.max_deliveries { Delivery::Archived } else { Delivery::Available };
    StateBatch { first, last, delivery, count }
}

#[cfg(test)]
mod tests;
