//! How records make the state of a consumer group. Any order is lived with: a log may have been compacted, or be read twice.

use super::member::target_from;
use super::{ConsumerGroup, Member, ResolvedRegex};
use crate::machine::group::records::ConsumerRecord;
use crate::wire::consumer_group_current_member_assignment_value::ConsumerGroupCurrentMemberAssignmentValue;
use crate::wire::consumer_group_member_metadata_value::ConsumerGroupMemberMetadataValue;
use crate::wire::consumer_group_regular_expression_value::ConsumerGroupRegularExpressionValue;

impl ConsumerRecord {
    /// It says that something is no more.
    pub(in crate::machine::group) fn is_tombstone(&self) -> bool {
        match self {
            ConsumerRecord::Epoch { value, .. } => value.is_none(),
            ConsumerRecord::Topics { value, .. } => value.is_none(),
            ConsumerRecord::Member { value, .. } => value.is_none(),
            ConsumerRecord::TargetEpoch { value, .. } => value.is_none(),
            ConsumerRecord::Target { value, .. } => value.is_none(),
            ConsumerRecord::Current { value, .. } => value.is_none(),
            ConsumerRecord::Regex { value, .. } => value.is_none(),
        }
    }

    /// It says that the whole group is no more.
    pub(in crate::machine::group) fn ends_group(&self) -> bool {
        matches!(self, ConsumerRecord::Epoch { value: None, .. })
    }
}

impl ConsumerGroup {
    /// Makes a record part of the state. The one that ends the group is for whoever keeps groups.
    pub fn apply(&mut self, record: ConsumerRecord) {
        match record {
            ConsumerRecord::Epoch { value, .. } => {
                let Some(value) = value else { return *self = ConsumerGroup::new() };
                (self.epoch, self.metadata_hash, self.has_epoch_record) = (value.epoch, value.metadata_hash, true);
            }
            ConsumerRecord::Topics { value, .. } => self.has_topics_record = value.is_some(),
            ConsumerRecord::Member { key, value } => self.apply_member(&key.member_id, value),
            ConsumerRecord::TargetEpoch { value, .. } => {
                (self.target_epoch, self.target_timestamp) = value.map_or((-1, 0), |v| (v.assignment_epoch, v.assignment_timestamp));
            }
            ConsumerRecord::Target { key, value: Some(value) } => _ = self.targets.insert(key.member_id, target_from(value)),
            ConsumerRecord::Target { key, value: None } => _ = self.targets.remove(&key.member_id),
            ConsumerRecord::Current { key, value } => self.apply_current(&key.member_id, value),
            ConsumerRecord::Regex { key, value } => self.apply_regex(key.regular_expression, value),
        }
    }

    fn apply_member(&mut self, id: &str, value: Option<ConsumerGroupMemberMetadataValue>) {
        let before = self.members.remove(id);
        if let Some(member) = &before {
            self.index.remove_profile(member);
        }
        match value {
            Some(value) => {
                let mut member = before.unwrap_or_else(|| Member::new(id));
                member.set_profile(value);
                self.index.add_profile(&member);
                self.members.insert(id.to_string(), member);
            }
            None => before.iter().for_each(|member| self.index.remove_holdings(member)),
        }
    }

    fn apply_current(&mut self, id: &str, value: Option<ConsumerGroupCurrentMemberAssignmentValue>) {
        if value.is_some() && !self.members.contains_key(id) {
            let member = Member::new(id);
            self.index.add_profile(&member);
            self.members.insert(id.to_string(), member);
        }
        if let Some(member) = self.members.get_mut(id) {
            self.index.remove_holdings(member);
            member.set_current(value);
            self.index.add_holdings(member);
        }
    }

    fn apply_regex(&mut self, regex: String, value: Option<ConsumerGroupRegularExpressionValue>) {
        if let Some(before) = self.regexes.remove(&regex) {
            self.index.remove_topics(&before.topics);
        }
        if let Some(value) = value {
            let resolved = ResolvedRegex { topics: value.topics.into_iter().collect(), version: value.version, timestamp: value.timestamp };
            self.index.add_topics(&resolved.topics);
            self.regexes.insert(regex, resolved);
        }
    }
}
