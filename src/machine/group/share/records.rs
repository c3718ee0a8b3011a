//! The records of `__consumer_offsets` that share groups stand on (fact Z1).
//!
//! ```text
//! key: int16 type | fields    10 member: group, member          13 target of a member: group, member
//!                             11 epoch: group                   14 what a member has now: group, member
//!                             12 epoch of the target: group     15 partitions whose state is kept: group
//! ```

use bytes::Bytes;

use super::{FIRST_EPOCH, Kept, Member, Partitions, ShareGroup, States};
use crate::machine::coordinator::Skipped;
use crate::machine::group::records::{GroupRecord, decode_pair, encode_pair};
use crate::types::TopicId;
use crate::wire::share_group_current_member_assignment_key::ShareGroupCurrentMemberAssignmentKey;
use crate::wire::share_group_current_member_assignment_value::{ShareGroupCurrentMemberAssignmentValue, TopicPartitions};
use crate::wire::share_group_member_metadata_key::ShareGroupMemberMetadataKey;
use crate::wire::share_group_member_metadata_value::ShareGroupMemberMetadataValue;
use crate::wire::share_group_metadata_key::ShareGroupMetadataKey;
use crate::wire::share_group_metadata_value::ShareGroupMetadataValue;
use crate::wire::share_group_state_partition_metadata_key::ShareGroupStatePartitionMetadataKey;
use crate::wire::share_group_state_partition_metadata_value::{ShareGroupStatePartitionMetadataValue, TopicInfo, TopicPartitionsInfo};
use crate::wire::share_group_target_assignment_member_key::ShareGroupTargetAssignmentMemberKey;
use crate::wire::share_group_target_assignment_member_value::{ShareGroupTargetAssignmentMemberValue, TopicPartition};
use crate::wire::share_group_target_assignment_metadata_key::ShareGroupTargetAssignmentMetadataKey;
use crate::wire::share_group_target_assignment_metadata_value::ShareGroupTargetAssignmentMetadataValue;
use crate::wire::{EncodeError, Reader};

/// A value of `None` deletes.
#[derive(Clone, Debug, PartialEq)]
pub enum ShareGroupRecord {
    Member { key: ShareGroupMemberMetadataKey, value: Option<ShareGroupMemberMetadataValue> },
    Epoch { key: ShareGroupMetadataKey, value: Option<ShareGroupMetadataValue> },
    TargetEpoch { key: ShareGroupTargetAssignmentMetadataKey, value: Option<ShareGroupTargetAssignmentMetadataValue> },
    Target { key: ShareGroupTargetAssignmentMemberKey, value: Option<ShareGroupTargetAssignmentMemberValue> },
    Current { key: ShareGroupCurrentMemberAssignmentKey, value: Option<ShareGroupCurrentMemberAssignmentValue> },
    States { key: ShareGroupStatePartitionMetadataKey, value: Option<ShareGroupStatePartitionMetadataValue> },
}

/// Runs an expression with the key and value of whatever record it is.
macro_rules! each {
    ($record:expr, $key:ident, $value:ident => $then:expr) => {
        match $record {
            ShareGroupRecord::Member { key: $key, value: $value } => $then,
            ShareGroupRecord::Epoch { key: $key, value: $value } => $then,
            ShareGroupRecord::TargetEpoch { key: $key, value: $value } => $then,
            ShareGroupRecord::Target { key: $key, value: $value } => $then,
            ShareGroupRecord::Current { key: $key, value: $value } => $then,
            ShareGroupRecord::States { key: $key, value: $value } => $then,
        }
    };
}

impl ShareGroupRecord {
    pub fn group_id(&self) -> &str {
        each!(self, key, _value => &key.group_id)
    }

    pub fn is_tombstone(&self) -> bool {
        each!(self, _key, value => value.is_none())
    }

    /// It says that the whole group is no more.
    pub fn ends_group(&self) -> bool {
        matches!(self, ShareGroupRecord::Epoch { value: None, .. })
    }

    fn kind(&self) -> i16 {
        match self {
            ShareGroupRecord::Member { .. } => ShareGroupMemberMetadataKey::TYPE,
            ShareGroupRecord::Epoch { .. } => ShareGroupMetadataKey::TYPE,
            ShareGroupRecord::TargetEpoch { .. } => ShareGroupTargetAssignmentMetadataKey::TYPE,
            ShareGroupRecord::Target { .. } => ShareGroupTargetAssignmentMemberKey::TYPE,
            ShareGroupRecord::Current { .. } => ShareGroupCurrentMemberAssignmentKey::TYPE,
            ShareGroupRecord::States { .. } => ShareGroupStatePartitionMetadataKey::TYPE,
        }
    }

    pub(in crate::machine::group) fn encode(&self) -> Result<(Bytes, Option<Bytes>), EncodeError> {
        each!(self, key, value => encode_pair(self.kind(), key, value))
    }

    /// `None`: the type is no type of share groups.
    pub(in crate::machine::group) fn decode(kind: i16, key: &mut Reader, value: Option<&Bytes>) -> Option<Result<Self, Skipped>> {
        Some(match kind {
            ShareGroupMemberMetadataKey::TYPE => decode_pair(key, value).map(|(key, value)| ShareGroupRecord::Member { key, value }),
            ShareGroupMetadataKey::TYPE => decode_pair(key, value).map(|(key, value)| ShareGroupRecord::Epoch { key, value }),
            ShareGroupTargetAssignmentMetadataKey::TYPE => {
                decode_pair(key, value).map(|(key, value)| ShareGroupRecord::TargetEpoch { key, value })
            }
            ShareGroupTargetAssignmentMemberKey::TYPE => {
                decode_pair(key, value).map(|(key, value)| ShareGroupRecord::Target { key, value })
            }
            ShareGroupCurrentMemberAssignmentKey::TYPE => {
                decode_pair(key, value).map(|(key, value)| ShareGroupRecord::Current { key, value })
            }
            ShareGroupStatePartitionMetadataKey::TYPE => {
                decode_pair(key, value).map(|(key, value)| ShareGroupRecord::States { key, value })
            }
            _ => return None,
        })
    }
}

/// Records of one group, written as one batch in this order.
pub(super) struct Records {
    group: String,
    records: Vec<GroupRecord>,
}

impl Records {
    pub fn new(group: &str) -> Self {
        Records { group: group.into(), records: Vec::new() }
    }

    pub fn into_vec(self) -> Vec<GroupRecord> {
        self.records
    }

    fn add(&mut self, record: ShareGroupRecord) {
        self.records.push(GroupRecord::Share(record));
    }

    pub fn member(&mut self, id: &str, member: &Member) {
        let key = ShareGroupMemberMetadataKey { group_id: self.group.clone(), member_id: id.into() };
        let value = ShareGroupMemberMetadataValue {
            rack_id: member.rack_id.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            subscribed_topic_names: member.topic_names.iter().cloned().collect(),
        };
        self.add(ShareGroupRecord::Member { key, value: Some(value) });
    }

    pub fn epoch(&mut self, epoch: i32, metadata_hash: i64) {
        let key = ShareGroupMetadataKey { group_id: self.group.clone() };
        self.add(ShareGroupRecord::Epoch { key, value: Some(ShareGroupMetadataValue { epoch, metadata_hash }) });
    }

    pub fn target(&mut self, id: &str, target: &Partitions) {
        let key = ShareGroupTargetAssignmentMemberKey { group_id: self.group.clone(), member_id: id.into() };
        let topic = |(topic_id, ps): (&TopicId, &std::collections::BTreeSet<i32>)| TopicPartition {
            topic_id: *topic_id,
            partitions: ps.iter().copied().collect(),
        };
        let value = ShareGroupTargetAssignmentMemberValue { topic_partitions: target.iter().map(topic).collect() };
        self.add(ShareGroupRecord::Target { key, value: Some(value) });
    }

    pub fn target_epoch(&mut self, assignment_epoch: i32, assignment_timestamp: i64) {
        let key = ShareGroupTargetAssignmentMetadataKey { group_id: self.group.clone() };
        let value = ShareGroupTargetAssignmentMetadataValue { assignment_epoch, assignment_timestamp };
        self.add(ShareGroupRecord::TargetEpoch { key, value: Some(value) });
    }

    pub fn current(&mut self, id: &str, member: &Member) {
        let key = ShareGroupCurrentMemberAssignmentKey { group_id: self.group.clone(), member_id: id.into() };
        let topic = |(topic_id, ps): (&TopicId, &std::collections::BTreeSet<i32>)| TopicPartitions {
            topic_id: *topic_id,
            partitions: ps.iter().copied().collect(),
        };
        let value = ShareGroupCurrentMemberAssignmentValue {
            member_epoch: member.epoch,
            previous_member_epoch: member.previous_epoch,
            state: 0,
            assigned_partitions: member.assigned.iter().map(topic).collect(),
        };
        self.add(ShareGroupRecord::Current { key, value: Some(value) });
    }

    pub fn states(&mut self, states: &States) {
        let kept = |(topic_id, kept): (&TopicId, &Kept)| TopicPartitionsInfo {
            topic_id: *topic_id,
            topic_name: kept.name.clone(),
            partitions: kept.partitions.iter().copied().collect(),
        };
        let value = ShareGroupStatePartitionMetadataValue {
            initializing_topics: states.initializing.iter().map(kept).collect(),
            initialized_topics: states.initialized.iter().map(kept).collect(),
            deleting_topics: states.deleting.iter().map(|(id, name)| TopicInfo { topic_id: *id, topic_name: name.clone() }).collect(),
        };
        let key = ShareGroupStatePartitionMetadataKey { group_id: self.group.clone() };
        self.add(ShareGroupRecord::States { key, value: Some(value) });
    }

    /// The member is no more.
    pub fn no_member(&mut self, id: &str) {
        let key = ShareGroupCurrentMemberAssignmentKey { group_id: self.group.clone(), member_id: id.into() };
        self.add(ShareGroupRecord::Current { key, value: None });
        let key = ShareGroupTargetAssignmentMemberKey { group_id: self.group.clone(), member_id: id.into() };
        self.add(ShareGroupRecord::Target { key, value: None });
        let key = ShareGroupMemberMetadataKey { group_id: self.group.clone(), member_id: id.into() };
        self.add(ShareGroupRecord::Member { key, value: None });
    }
}

impl ShareGroup {
    /// Tombstones for all of it.
    pub fn tombstones(&self, id: &str) -> Vec<GroupRecord> {
        let mut records = Records::new(id);
        self.members.keys().for_each(|member| records.no_member(member));
        let group_id = id.to_string();
        records
            .add(ShareGroupRecord::TargetEpoch { key: ShareGroupTargetAssignmentMetadataKey { group_id: group_id.clone() }, value: None });
        records.add(ShareGroupRecord::States { key: ShareGroupStatePartitionMetadataKey { group_id: group_id.clone() }, value: None });
        records.add(ShareGroupRecord::Epoch { key: ShareGroupMetadataKey { group_id }, value: None });
        records.into_vec()
    }

    /// Everything that stands in the log of it.
    pub fn whole(&self, id: &str) -> Vec<GroupRecord> {
        let mut records = Records::new(id);
        self.members.iter().for_each(|(id, member)| records.member(id, member));
        records.epoch(self.epoch, self.metadata_hash);
        self.targets.iter().for_each(|(id, target)| records.target(id, target));
        records.target_epoch(self.target_epoch, self.target_timestamp);
        self.members.iter().for_each(|(id, member)| records.current(id, member));
        if self.has_states {
            records.states(&self.states);
        }
        records.into_vec()
    }

    /// Makes a record part of the state. Any order is lived with: a log may have been compacted, or be read twice.
    pub fn apply(&mut self, record: ShareGroupRecord) {
        match record {
            ShareGroupRecord::Epoch { value, .. } => {
                let Some(value) = value else { return *self = ShareGroup::new() };
                (self.epoch, self.metadata_hash) = (value.epoch, value.metadata_hash);
            }
            ShareGroupRecord::TargetEpoch { value, .. } => {
                (self.target_epoch, self.target_timestamp) =
                    value.map_or((FIRST_EPOCH, 0), |v| (v.assignment_epoch, v.assignment_timestamp));
            }
            ShareGroupRecord::Member { key, value: None } => _ = self.members.remove(&key.member_id),
            ShareGroupRecord::Member { key, value: Some(value) } => {
                let member = self.members.entry(key.member_id).or_default();
                member.rack_id = value.rack_id;
                (member.client_id, member.client_host) = (value.client_id, value.client_host);
                member.topic_names = value.subscribed_topic_names.into_iter().collect();
            }
            ShareGroupRecord::Target { key, value: None } => _ = self.targets.remove(&key.member_id),
            ShareGroupRecord::Target { key, value: Some(value) } => {
                let topics = value.topic_partitions.into_iter().map(|t| (t.topic_id, t.partitions.into_iter().collect()));
                self.targets.insert(key.member_id, topics.collect());
            }
            // Its member goes with a record of its own.
            ShareGroupRecord::Current { key, value: None } => {
                if let Some(member) = self.members.get_mut(&key.member_id) {
                    (member.epoch, member.previous_epoch, member.assigned) = (0, 0, Partitions::new());
                }
            }
            ShareGroupRecord::Current { key, value: Some(value) } => {
                let member = self.members.entry(key.member_id).or_default();
                (member.epoch, member.previous_epoch) = (value.member_epoch, value.previous_member_epoch);
                let topics = value.assigned_partitions.into_iter().map(|t| (t.topic_id, t.partitions.into_iter().collect()));
                member.assigned = topics.collect();
            }
            ShareGroupRecord::States { value, .. } => {
                self.has_states = value.is_some();
                self.states = value.map(states_of).unwrap_or_default();
            }
        }
    }
}

fn states_of(value: ShareGroupStatePartitionMetadataValue) -> States {
    let kept = |topics: Vec<TopicPartitionsInfo>| {
        let kept = |t: TopicPartitionsInfo| (t.topic_id, Kept { name: t.topic_name, partitions: t.partitions.into_iter().collect() });
        topics.into_iter().map(kept).collect()
    };
    States {
        initializing: kept(value.initializing_topics),
        initialized: kept(value.initialized_topics),
        deleting: value.deleting_topics.into_iter().map(|t| (t.topic_id, t.topic_name)).collect(),
    }
}
