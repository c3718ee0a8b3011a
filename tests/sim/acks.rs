//! Group commit as producers see it: the answer to `acks=all` leaves when the batch is synced, and until then nobody knows.

use std::collections::BTreeSet;

use kfk::types::{Offset, TopicId};

use crate::model::Entry;
use crate::node::{Fail, sync};
use crate::world::World;

/// Who waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    Plain,
    Idempotent { who: usize, sequence: i32 },
    Transaction { who: usize },
}

/// A batch that is in the log and not yet answered.
#[derive(Clone, Debug)]
pub struct Unanswered {
    id: (TopicId, i32),
    base: Offset,
    entries: Vec<Entry>,
    from: From,
}

impl World {
    /// A partition took a batch. It is acknowledged now, or waits until it is committed (P25).
    pub fn appended(&mut self, id: (TopicId, i32), base: Offset, entries: &[Entry], from: From) {
        let batch = Unanswered { id, base, entries: entries.to_vec(), from };
        if self.is_committed(&batch) {
            self.answered(batch);
        } else {
            self.in_doubt(id, entries);
            self.unanswered.push(batch);
        }
    }

    fn is_committed(&mut self, batch: &Unanswered) -> bool {
        let end = batch.base + batch.entries.len() as i64;
        let part = self.node().parts.get(&batch.id);
        part.is_some_and(|p| p.borrow().offsets().high_watermark() >= end)
    }

    fn answered(&mut self, batch: Unanswered) {
        let Unanswered { id, base, entries, from } = batch;
        if let From::Idempotent { who, sequence } = from {
            let producer = &mut self.idempotent[who];
            if producer.pending.get(&id).is_some_and(|(first, _)| *first == sequence) {
                producer.pending.remove(&id);
            }
            let next = producer.next.entry(id).or_default();
            *next = (*next).max(sequence + entries.len() as i32);
            producer.last.insert(id, (sequence, entries.clone(), base));
        }
        self.acknowledged(id, base, &entries);
    }

    /// Answers all that is committed by now.
    pub fn settle(&mut self) {
        for batch in std::mem::take(&mut self.unanswered) {
            if self.is_committed(&batch) {
                self.answered(batch);
            } else if self.model.parts.contains_key(&batch.id) {
                self.unanswered.push(batch);
            }
        }
    }

    /// A turn of group commit for every partition that somebody waits for, or all.
    pub fn sync_some(&mut self, all: bool) {
        let waited: BTreeSet<(TopicId, i32)> = self.unanswered.iter().map(|u| u.id).collect();
        let parts: Vec<_> = self.node().parts.iter().filter(|(id, _)| all || waited.contains(id)).map(|(_, p)| p.clone()).collect();
        for part in parts {
            if let Err(e) = sync(&part, self.now) {
                self.note(format!("{} is not synced: {e}", part.borrow().log().partition()));
            }
        }
        self.settle();
    }

    /// What a transactional client has sent has to be answered before it ends the transaction.
    pub fn is_flushed(&mut self, who: usize) -> bool {
        let waits = |w: &World| w.unanswered.iter().any(|u| u.from == From::Transaction { who });
        if waits(self) {
            self.sync_some(false);
        }
        !waits(self)
    }

    /// The broker has died: these answers never come.
    pub fn answers_are_lost(&mut self) {
        for batch in std::mem::take(&mut self.unanswered) {
            if let From::Transaction { who } = batch.from {
                self.clients[who].must_abort = true;
                self.clients[who].unsure = true;
            }
        }
    }

    /// No answer may be missing but that of a broker whose disk has failed.
    pub fn excuse_silence(&mut self, what: &str) -> Fail {
        assert!(self.is_excused(), "{}", self.what(&format!("{what} without an answer")));
        self.note(format!("{what}: no answer"));
        Fail::Unknown("no answer".into())
    }

    pub fn is_excused(&mut self) -> bool {
        self.disk.is_dead() || self.is_full() || self.node().logs.offline_reason().is_some()
    }
}
