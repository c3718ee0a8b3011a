//! What the broker has promised, kept outside its process: acknowledged records, offsets, topics.

use std::collections::{BTreeMap, BTreeSet};

use kfk::types::{TopicPartition, Uuid};
use parking_lot::Mutex;

/// One record of a producer in a partition: numbers run from 0 without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    pub producer: usize,
    pub number: u64,
}

impl Stamp {
    /// As the beginning of a record's value; padding follows.
    pub fn text(self) -> String {
        format!("{} {} ", self.producer, self.number)
    }

    pub fn parse(value: &[u8]) -> Option<Stamp> {
        let mut words = value.splitn(3, |b| *b == b' ').map(|w| std::str::from_utf8(w).ok());
        let producer = words.next()??.parse().ok()?;
        let number = words.next()??.parse().ok()?;
        Some(Stamp { producer, number })
    }
}

/// What one group was told of one partition.
#[derive(Clone, Copy, Debug, Default)]
pub struct Commit {
    pub acknowledged: Option<i64>,
    pub attempted: i64,
}

#[derive(Clone, Debug, Default)]
pub struct Promises {
    /// Offsets under which records were acknowledged.
    pub records: BTreeMap<TopicPartition, BTreeMap<i64, Stamp>>,
    pub commits: BTreeMap<(String, TopicPartition), Commit>,
    pub created: BTreeMap<String, Option<Uuid>>,
    pub deleted: BTreeSet<String>,
    /// Records whose fate was told as a failure: there must be none.
    pub failures: Vec<String>,
}

/// Shared by all who ask the broker for something.
#[derive(Default)]
pub struct Ledger(Mutex<Promises>);

impl Ledger {
    pub fn note<T>(&self, f: impl FnOnce(&mut Promises) -> T) -> T {
        f(&mut self.0.lock())
    }

    /// Everything promised so far. What the broker says later may or may not be in what is looked at next.
    pub fn promised(&self) -> Promises {
        self.0.lock().clone()
    }
}
