//! The records that a decision about a consumer group comes to.

use super::member::target_to;
use super::{ConsumerGroup, Member, Partitions, ResolvedRegex};
use crate::machine::group::records::{ConsumerRecord, GroupRecord};
use crate::wire::consumer_group_current_member_assignment_key::ConsumerGroupCurrentMemberAssignmentKey;
use crate::wire::consumer_group_member_metadata_key::ConsumerGroupMemberMetadataKey;
use crate::wire::consumer_group_metadata_key::ConsumerGroupMetadataKey;
use crate::wire::consumer_group_metadata_value::ConsumerGroupMetadataValue;
use crate::wire::consumer_group_partition_metadata_key::ConsumerGroupPartitionMetadataKey;
use crate::wire::consumer_group_regular_expression_key::ConsumerGroupRegularExpressionKey;
use crate::wire::consumer_group_regular_expression_value::ConsumerGroupRegularExpressionValue;
use crate::wire::consumer_group_target_assignment_member_key::ConsumerGroupTargetAssignmentMemberKey;
use crate::wire::consumer_group_target_assignment_metadata_key::ConsumerGroupTargetAssignmentMetadataKey;
use crate::wire::consumer_group_target_assignment_metadata_value::ConsumerGroupTargetAssignmentMetadataValue;

/// Records of one group, written as one batch in this order.
pub struct Records {
    group: String,
    records: Vec<GroupRecord>,
}

impl Records {
    pub fn new(group: &str) -> Self {
        Records { group: group.to_string(), records: Vec::new() }
    }

    pub fn into_vec(self) -> Vec<GroupRecord> {
        self.records
    }

    pub fn push(&mut self, record: GroupRecord) {
        self.records.push(record);
    }

    fn add(&mut self, record: ConsumerRecord) {
        self.records.push(GroupRecord::Consumer(record));
    }

    pub fn profile(&mut self, member: &Member) {
        let key = ConsumerGroupMemberMetadataKey { group_id: self.group.clone(), member_id: member.id.clone() };
        self.add(ConsumerRecord::Member { key, value: Some(member.profile.to_value()) });
    }

    pub fn epoch(&mut self, epoch: i32, metadata_hash: i64) {
        let key = ConsumerGroupMetadataKey { group_id: self.group.clone() };
        self.add(ConsumerRecord::Epoch { key, value: Some(ConsumerGroupMetadataValue { epoch, metadata_hash }) });
    }

    pub fn target(&mut self, member: &str, partitions: &Partitions) {
        let key = ConsumerGroupTargetAssignmentMemberKey { group_id: self.group.clone(), member_id: member.into() };
        self.add(ConsumerRecord::Target { key, value: Some(target_to(partitions)) });
    }

    pub fn target_epoch(&mut self, epoch: i32, timestamp: i64) {
        let key = ConsumerGroupTargetAssignmentMetadataKey { group_id: self.group.clone() };
        let value = ConsumerGroupTargetAssignmentMetadataValue { assignment_epoch: epoch, assignment_timestamp: timestamp };
        self.add(ConsumerRecord::TargetEpoch { key, value: Some(value) });
    }

    pub fn current(&mut self, member: &Member) {
        let key = ConsumerGroupCurrentMemberAssignmentKey { group_id: self.group.clone(), member_id: member.id.clone() };
        self.add(ConsumerRecord::Current { key, value: Some(member.current_value()) });
    }

    pub fn regex(&mut self, regex: &str, resolved: &ResolvedRegex) {
        let key = ConsumerGroupRegularExpressionKey { group_id: self.group.clone(), regular_expression: regex.into() };
        let topics = resolved.topics.iter().cloned().collect();
        let value = ConsumerGroupRegularExpressionValue { topics, version: resolved.version, timestamp: resolved.timestamp };
        self.add(ConsumerRecord::Regex { key, value: Some(value) });
    }

    pub fn no_regex(&mut self, regex: &str) {
        let key = ConsumerGroupRegularExpressionKey { group_id: self.group.clone(), regular_expression: regex.into() };
        self.add(ConsumerRecord::Regex { key, value: None });
    }

    pub fn no_topics(&mut self) {
        let key = ConsumerGroupPartitionMetadataKey { group_id: self.group.clone() };
        self.add(ConsumerRecord::Topics { key, value: None });
    }

    fn no_current(&mut self, member: &str) {
        let key = ConsumerGroupCurrentMemberAssignmentKey { group_id: self.group.clone(), member_id: member.into() };
        self.add(ConsumerRecord::Current { key, value: None });
    }

    fn no_target(&mut self, member: &str) {
        let key = ConsumerGroupTargetAssignmentMemberKey { group_id: self.group.clone(), member_id: member.into() };
        self.add(ConsumerRecord::Target { key, value: None });
    }

    fn no_profile(&mut self, member: &str) {
        let key = ConsumerGroupMemberMetadataKey { group_id: self.group.clone(), member_id: member.into() };
        self.add(ConsumerRecord::Member { key, value: None });
    }

    /// The member is no more.
    pub fn no_member(&mut self, member: &str) {
        self.no_current(member);
        self.no_target(member);
        self.no_profile(member);
    }

    /// The whole group is no more; `rename` tells by which id a member stands in the log meanwhile.
    pub fn no_group(&mut self, group: &ConsumerGroup, rename: impl Fn(&str) -> String) {
        let members: Vec<String> = group.members.keys().map(|id| rename(id)).collect();
        members.iter().for_each(|id| self.no_current(id));
        members.iter().for_each(|id| self.no_target(id));
        let key = ConsumerGroupTargetAssignmentMetadataKey { group_id: self.group.clone() };
        self.add(ConsumerRecord::TargetEpoch { key, value: None });
        members.iter().for_each(|id| self.no_profile(id));
        group.regexes.keys().for_each(|regex| self.no_regex(regex));
        self.no_topics();
        let key = ConsumerGroupMetadataKey { group_id: self.group.clone() };
        self.add(ConsumerRecord::Epoch { key, value: None });
    }

    /// Everything that stands in the log of a group.
    pub fn whole(&mut self, group: &ConsumerGroup) {
        group.members.values().for_each(|member| self.profile(member));
        if group.has_epoch_record {
            self.epoch(group.epoch, group.metadata_hash);
        }
        group.targets.iter().for_each(|(member, target)| self.target(member, target));
        self.target_epoch(group.target_epoch, group.target_timestamp);
        group.members.values().for_each(|member| self.current(member));
        group.regexes.iter().for_each(|(regex, resolved)| self.regex(regex, resolved));
    }
}
