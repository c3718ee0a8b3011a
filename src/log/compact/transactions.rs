//! What a compaction must know of transactions: which batches of the dirty part were aborted, and which markers still have records.

use std::collections::{BTreeMap, BTreeSet};

use crate::log::txn_index::AbortedTxn;
use crate::record::BatchHeader;
use crate::types::Offset;

/// How the transactions of the dirty part ended: per producer its markers in order, neighbours of one kind as one.
#[derive(Debug, Default)]
pub struct Endings(BTreeMap<i64, Vec<(Offset, bool)>>);

impl Endings {
    /// A marker stands at `offset`, above all noted before.
    pub fn note(&mut self, producer_id: i64, offset: Offset, aborted: bool) {
        let markers = self.0.entry(producer_id).or_default();
        match markers.last_mut() {
            Some((last, kind)) if *kind == aborted => *last = offset,
            _ => markers.push((offset, aborted)),
        }
    }

    /// Whether a transactional batch of the dirty part belongs to an aborted transaction.
    pub fn is_aborted(&self, header: &BatchHeader) -> bool {
        if !header.is_transactional() || header.is_control() {
            return false;
        }
        let markers = self.0.get(&header.producer_id).map_or(&[][..], |m| m);
        let next = markers.partition_point(|(offset, _)| *offset < header.base_offset);
        markers.get(next).is_some_and(|(_, aborted)| *aborted)
    }
}

/// Transactions whose batches were met and whose marker was not yet, in one pass over the log.
#[derive(Debug, Default)]
pub struct Open {
    /// Producer to the first offset of its batches that stay, if any does.
    by_producer: BTreeMap<i64, Option<Offset>>,
    firsts: BTreeSet<Offset>,
}

impl Open {
    /// A transactional batch was met. `kept`: it stays, perhaps empty.
    pub fn batch(&mut self, header: &BatchHeader, kept: bool) {
        if !header.is_transactional() || header.is_control() {
            return;
        }
        let first = self.by_producer.entry(header.producer_id).or_default();
        if kept && first.is_none() {
            *first = Some(header.base_offset);
            self.firsts.insert(header.base_offset);
        }
    }

    /// Whether batches of the transaction that this marker ends were met: then it must stay (C10).
    pub fn has(&self, producer_id: i64) -> bool {
        self.by_producer.contains_key(&producer_id)
    }

    /// The marker was met. Gives the entry for the transaction index if an aborted transaction has batches left.
    pub fn marker(&mut self, header: &BatchHeader, aborted: bool) -> Option<AbortedTxn> {
        let first_offset = self.by_producer.remove(&header.producer_id).flatten()?;
        self.firsts.remove(&first_offset);
        let last_offset = header.base_offset;
        let last_stable_offset = self.firsts.first().copied().unwrap_or(last_offset + 1);
        aborted.then_some(AbortedTxn { producer_id: header.producer_id, first_offset, last_offset, last_stable_offset })
    }
}
