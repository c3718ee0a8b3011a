//! What clients were told, and so what must be found.

use std::collections::{BTreeMap, BTreeSet};

use kfk::types::{Offset, TopicId};

/// A record as its producer sent it. Values are never given twice.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub key: String,
    /// `None`: a tombstone.
    pub value: Option<String>,
    /// The transaction it belongs to.
    pub txn: Option<usize>,
}

/// One partition.
#[derive(Clone, Debug, Default)]
pub struct PartModel {
    /// Acknowledged, or found in the log.
    pub records: BTreeMap<Offset, Entry>,
    /// Sent, but nobody knows whether they arrived.
    pub maybe: Vec<Entry>,
    /// The log must not start below: an answered DeleteRecords said so.
    pub start_min: Offset,
    /// The log cannot start above.
    pub start_max: Offset,
    /// As last seen; they never go back while the broker lives.
    pub high_watermark: Offset,
    pub last_stable: Offset,
    /// What was synced for sure, by the word of the log.
    pub synced: Offset,
    /// Records may be missing whose key has a later one.
    pub compacted: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct TopicModel {
    pub id: TopicId,
    pub partitions: i32,
    pub overrides: BTreeMap<String, String>,
}

impl TopicModel {
    pub fn is_compact(&self) -> bool {
        self.overrides.get("cleanup.policy").is_some_and(|p| p.contains("compact"))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Open,
    /// A commit was asked for; nobody knows whether it was heard.
    MaybeCommitted,
    Committed,
    Aborted,
}

#[derive(Clone, Debug)]
pub struct TxnModel {
    pub outcome: Outcome,
    /// Committed with it for the client's own group.
    pub offset: Option<i64>,
}

/// An idempotent producer.
#[derive(Clone, Debug)]
pub struct Idempotent {
    pub id: i64,
    pub next: BTreeMap<(TopicId, i32), i32>,
    /// Sent and not answered: it must be sent again before anything else.
    pub pending: BTreeMap<(TopicId, i32), (i32, Vec<Entry>)>,
    /// The last that was acknowledged, with the offset.
    pub last: BTreeMap<(TopicId, i32), (i32, Vec<Entry>, Offset)>,
}

/// A transactional producer.
#[derive(Clone, Debug)]
pub struct TxnClient {
    pub name: String,
    /// Producer id and epoch, once there are some.
    pub ids: Option<(i64, i16)>,
    pub next: BTreeMap<(TopicId, i32), i32>,
    /// The transaction that is open.
    pub open: Option<usize>,
    /// Only an abort is left for it.
    pub must_abort: bool,
    /// Nobody knows which of its batches arrived: after the abort it needs a new epoch.
    pub unsure: bool,
    /// All transactions of this client, in order.
    pub history: Vec<usize>,
    /// TV1: partitions that were added to the open transaction.
    pub added: BTreeSet<(String, i32)>,
}

/// A change of a topic of which nobody knows whether it happened.
#[derive(Clone, Debug, Default)]
pub struct Doubts(pub BTreeSet<String>);

/// Everything that clients know.
#[derive(Clone, Debug, Default)]
pub struct Model {
    pub topics: BTreeMap<String, TopicModel>,
    pub doubts: Doubts,
    /// Deleted for sure: never to be seen again.
    pub gone: BTreeSet<TopicId>,
    pub parts: BTreeMap<(TopicId, i32), PartModel>,
    pub txns: Vec<TxnModel>,
    /// What a group may have committed for a topic's partition; the last is the newest. Empty: nothing.
    pub offsets: BTreeMap<(String, String, i32), Vec<i64>>,
    /// Producer ids that were ever given out.
    pub producer_ids: BTreeSet<i64>,
}
