//! The offsets of one group: committed ones, and those of transactions that have not ended yet (facts Z7, X8).

use std::collections::BTreeMap;

use super::records::GroupRecord;
use crate::machine::coordinator::{Position, Producer};
use crate::types::{Offset, TopicId};
use crate::wire::offset_commit_key::OffsetCommitKey;
use crate::wire::offset_commit_value::OffsetCommitValue;

/// One committed offset.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Committed {
    pub offset: Offset,
    /// -1 if not known.
    pub leader_epoch: i32,
    pub metadata: String,
    pub commit_timestamp: i64,
    /// -1: the group's retention counts.
    pub expire_timestamp: i64,
    /// Zero if the record tells none.
    pub topic_id: TopicId,
    /// The offset of the record that says so; the later record wins over a transaction that began before it.
    at: Offset,
}

impl Committed {
    /// A topic of the same name may have been created anew since the commit.
    pub fn is_of(&self, topic_id: TopicId) -> bool {
        self.topic_id.is_zero() || topic_id.is_zero() || self.topic_id == topic_id
    }
}

type ByPartition = BTreeMap<i32, Committed>;

/// By topic and partition.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct TopicOffsets(BTreeMap<String, ByPartition>);

impl TopicOffsets {
    pub fn get(&self, topic: &str, partition: i32) -> Option<&Committed> {
        self.0.get(topic)?.get(&partition)
    }

    pub fn topics(&self) -> impl Iterator<Item = (&String, &ByPartition)> {
        self.0.iter()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, i32, &Committed)> {
        self.0.iter().flat_map(|(topic, partitions)| partitions.iter().map(|(p, c)| (topic.as_str(), *p, c)))
    }

    pub fn of_topic(&self, topic: &str) -> impl Iterator<Item = (i32, &Committed)> {
        self.0.get(topic).into_iter().flatten().map(|(p, c)| (*p, c))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn insert(&mut self, topic: String, partition: i32, committed: Committed) {
        self.0.entry(topic).or_default().insert(partition, committed);
    }

    fn remove(&mut self, topic: &str, partition: i32) {
        if let Some(partitions) = self.0.get_mut(topic) {
            partitions.remove(&partition);
            if partitions.is_empty() {
                self.0.remove(topic);
            }
        }
    }
}

/// All offsets of one group.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct GroupOffsets {
    pub committed: TopicOffsets,
    /// By producer id: what becomes committed, or nothing, with the end of its transaction.
    pending: BTreeMap<i64, TopicOffsets>,
}

impl GroupOffsets {
    pub fn is_empty(&self) -> bool {
        self.committed.is_empty() && self.pending.is_empty()
    }

    /// A transaction has offsets of this group that are not decided.
    pub fn has_open_transaction(&self) -> bool {
        !self.pending.is_empty()
    }

    /// A transaction has an offset for this partition that is not decided.
    pub fn is_pending(&self, topic: &str, partition: i32) -> bool {
        self.pending.values().any(|offsets| offsets.get(topic, partition).is_some())
    }

    /// Topics and partitions with an offset, committed or pending, each once.
    pub fn partitions(&self) -> Vec<(&str, i32, &Committed)> {
        let mut all: BTreeMap<(&str, i32), &Committed> = BTreeMap::new();
        for offsets in self.pending.values().chain([&self.committed]) {
            all.extend(offsets.iter().map(|(topic, partition, c)| ((topic, partition), c)));
        }
        all.into_iter().map(|((topic, partition), c)| (topic, partition, c)).collect()
    }

    /// Partitions of a deleted topic with an offset, committed or pending.
    pub fn partitions_of(&self, topic: &str, topic_id: TopicId) -> Vec<i32> {
        let all = self.pending.values().chain([&self.committed]).flat_map(|offsets| offsets.of_topic(topic));
        let mut partitions: Vec<i32> = all.filter(|(_, c)| c.is_of(topic_id)).map(|(p, _)| p).collect();
        partitions.sort_unstable();
        partitions.dedup();
        partitions
    }

    /// Makes a record part of the state. A tombstone takes pending offsets along.
    pub fn apply(&mut self, key: OffsetCommitKey, value: Option<OffsetCommitValue>, at: Position) {
        let OffsetCommitKey { topic, partition, .. } = key;
        let Some(value) = value else {
            self.committed.remove(&topic, partition);
            self.pending.values_mut().for_each(|offsets| offsets.remove(&topic, partition));
            self.pending.retain(|_, offsets| !offsets.is_empty());
            return;
        };
        let committed = Committed {
            offset: value.offset,
            leader_epoch: value.leader_epoch,
            metadata: value.metadata,
            commit_timestamp: value.commit_timestamp,
            expire_timestamp: value.expire_timestamp,
            topic_id: value.topic_id,
            at: at.offset,
        };
        if at.producer == Producer::NONE {
            self.committed.insert(topic, partition, committed);
        } else {
            self.pending.entry(at.producer.id).or_default().insert(topic, partition, committed);
        }
    }

    /// Ends a producer's transaction. A plain commit that came after the transactional one stays (X8).
    pub fn end_transaction(&mut self, producer_id: i64, committed: bool) {
        let Some(offsets) = self.pending.remove(&producer_id) else { return };
        if !committed {
            return;
        }
        for (topic, partitions) in offsets.0 {
            for (partition, pending) in partitions {
                if self.committed.get(&topic, partition).is_none_or(|present| pending.at > present.at) {
                    self.committed.insert(topic.clone(), partition, pending);
                }
            }
        }
    }

    /// There is an offset for this partition, committed or pending.
    pub fn has(&self, topic: &str, partition: i32) -> bool {
        self.committed.get(topic, partition).is_some() || self.is_pending(topic, partition)
    }

    /// The committed offsets as the records that made them.
    pub fn records(&self, group: &str) -> impl Iterator<Item = GroupRecord> {
        self.committed.iter().map(|(topic, partition, c)| GroupRecord::Offset {
            key: OffsetCommitKey { group: group.into(), topic: topic.into(), partition },
            value: Some(OffsetCommitValue {
                offset: c.offset,
                leader_epoch: c.leader_epoch,
                metadata: c.metadata.clone(),
                commit_timestamp: c.commit_timestamp,
                expire_timestamp: c.expire_timestamp,
                topic_id: c.topic_id,
            }),
        })
    }

    /// Tombstones for everything.
    pub fn tombstones(&self, group: &str) -> Vec<GroupRecord> {
        self.partitions().into_iter().map(|(topic, partition, _)| GroupRecord::offset_tombstone(group, topic, partition)).collect()
    }
}
