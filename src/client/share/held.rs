//! What a share consumer holds: records that wait for the user, records in the user's hands, and what was said of them but not sent.
//!
//! Pure. A broker judges by itself whether a record is still ours; what it says of that is for the user.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::records::{Acknowledge, ShareChunk, SharePolled};
use crate::machine::member::SharePart;
use crate::types::TopicPartition;

/// One thing said of a stretch of offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Said {
    pub first: i64,
    pub last: i64,
    pub code: i8,
}

/// What was said of records, by partition, in order of offsets.
pub(super) type AllSaid = BTreeMap<SharePart, Vec<Said>>;

/// A record in the user's hands.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Given {
    node: i32,
    /// Its lock was renewed: it need not be acknowledged before the next poll.
    renewed: bool,
}

/// Offset to the last offset that the same is said of, and what that is.
type Unsent = BTreeMap<i64, (i64, i8)>;

/// See the file's head.
#[derive(Debug, Default)]
pub(super) struct Held {
    buffered: VecDeque<ShareChunk>,
    given: BTreeMap<SharePart, BTreeMap<i64, Given>>,
    /// By the broker that it is for.
    unsent: BTreeMap<i32, BTreeMap<SharePart, Unsent>>,
}

impl Held {
    // ---- records -------------------------------------------------------------------------------------------------------------

    pub fn has_records(&self) -> bool {
        !self.buffered.is_empty()
    }

    pub fn buffer(&mut self, chunk: ShareChunk) {
        self.buffered.push_back(chunk);
    }

    /// Forgets what came from `node` and nobody has seen yet: it is not ours any more.
    pub fn drop_buffered(&mut self, node: i32) {
        self.buffered.retain(|chunk| chunk.node != node);
    }

    /// Gives `most` records at most to the user.
    pub fn give(&mut self, most: usize) -> SharePolled {
        let mut chunks = Vec::new();
        let mut left = most.max(1);
        while left > 0 {
            let Some(mut chunk) = self.buffered.pop_front() else { break };
            if chunk.records.len() > left {
                let front = ShareChunk { records: chunk.records.split_front(left), ..chunk.clone() };
                self.buffered.push_front(chunk);
                chunk = front;
            }
            left -= chunk.records.len();
            let tp = TopicPartition::new(chunk.records.topic(), chunk.records.partition());
            let given = self.given.entry((chunk.topic_id, tp)).or_default();
            given.extend(chunk.records.iter().map(|r| (r.offset, Given { node: chunk.node, renewed: false })));
            chunks.push(chunk);
        }
        SharePolled { chunks }
    }

    /// Records that the user has and nothing was said of.
    pub fn unacknowledged(&self) -> usize {
        self.given.values().flat_map(BTreeMap::values).filter(|given| !given.renewed).count()
    }

    // ---- what is said --------------------------------------------------------------------------------------------------------

    /// Says something of a record. False: it is not in the user's hands, or what was said of it has been sent.
    pub fn acknowledge(&mut self, tp: &TopicPartition, offset: i64, what: Acknowledge) -> bool {
        for (part, records) in self.given.iter_mut().filter(|(part, _)| part.1 == *tp) {
            let Some(given) = records.get_mut(&offset) else { continue };
            let node = given.node;
            match what {
                Acknowledge::Renew => given.renewed = true,
                _ => _ = records.remove(&offset),
            }
            self.unsent.entry(node).or_default().entry(part.clone()).or_default().insert(offset, (offset, what.code()));
            return true;
        }
        // Whoever changes his mind in time does so.
        let unsent = self.unsent.values_mut().flat_map(BTreeMap::iter_mut).filter(|(part, _)| part.1 == *tp);
        for (_, said) in unsent {
            if let Some(said) = said.get_mut(&offset).filter(|said| said.0 == offset && what != Acknowledge::Renew) {
                said.1 = what.code();
                return true;
            }
        }
        false
    }

    /// Says that all records in the user's hands have been worked on.
    pub fn accept_all(&mut self) {
        for (part, records) in std::mem::take(&mut self.given) {
            for (offset, given) in records {
                let said = self.unsent.entry(given.node).or_default().entry(part.clone()).or_default();
                said.insert(offset, (offset, Acknowledge::Accept.code()));
            }
        }
    }

    /// What need not be asked of the user, and what was sent in vain and may be sent again.
    pub fn say(&mut self, node: i32, part: &SharePart, said: &[Said]) {
        if said.is_empty() {
            return;
        }
        let unsent = self.unsent.entry(node).or_default().entry(part.clone()).or_default();
        for said in said {
            // What the user has said since counts more.
            unsent.entry(said.first).or_insert((said.last, said.code));
        }
    }

    /// Brokers that there is something to say to.
    pub fn listeners(&self) -> BTreeSet<i32> {
        self.unsent.iter().filter(|(_, said)| !said.is_empty()).map(|(node, _)| *node).collect()
    }

    /// Takes what there is to say to `node`; of renewals only, or of all else.
    pub fn take_unsent(&mut self, node: i32, renewals: bool) -> AllSaid {
        let mut all = AllSaid::new();
        let Some(unsent) = self.unsent.get_mut(&node) else { return all };
        for (part, said) in unsent.iter_mut() {
            let renews = |code: i8| code == Acknowledge::Renew.code();
            let taken = said.iter().filter(|(_, (_, code))| renews(*code) == renewals);
            let taken = joined(taken.map(|(first, (last, code))| Said { first: *first, last: *last, code: *code }));
            said.retain(|_, (_, code)| renews(*code) != renewals);
            if !taken.is_empty() {
                all.insert(part.clone(), taken);
            }
        }
        unsent.retain(|_, said| !said.is_empty());
        all
    }

    /// There are renewals for `node`.
    pub fn renews(&self, node: i32) -> bool {
        let all = self.unsent.get(&node).into_iter().flat_map(BTreeMap::values).flat_map(BTreeMap::values);
        all.into_iter().any(|(_, code)| *code == Acknowledge::Renew.code())
    }

    /// These are not the user's any more: a renewal was refused.
    pub fn forget(&mut self, part: &SharePart, said: &[Said]) {
        let Some(records) = self.given.get_mut(part) else { return };
        for said in said.iter().filter(|said| said.code == Acknowledge::Renew.code()) {
            records.retain(|offset, _| *offset < said.first || *offset > said.last);
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Held::default();
    }
}

/// Neighbours that the same is said of as one.
fn joined(all: impl Iterator<Item = Said>) -> Vec<Said> {
    let mut out: Vec<Said> = Vec::new();
    for said in all {
        match out.last_mut() {
            Some(before) if before.last.checked_add(1) == Some(said.first) && before.code == said.code => before.last = said.last,
            _ => out.push(said),
        }
    }
    out
}

#[cfg(test)]
#[path = "held_tests.rs"]
mod tests;
