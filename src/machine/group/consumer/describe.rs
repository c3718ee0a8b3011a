//! A consumer group as ConsumerGroupDescribe and ListGroups show it (fact K12).

use std::collections::BTreeMap;

use super::assign::ServerAssignor;
use super::rollcall::preferred;
use super::{ConsumerGroup, Member, Refusal};
use crate::machine::assign::consumer_protocol;
use crate::machine::group::cluster_view::ClusterView;
use crate::types::TopicId;
use crate::wire::consumer_group_describe_response::{Assignment, DescribedGroup, Member as DescribedMember, TopicPartitions};
use crate::wire::list_groups_response::ListedGroup;

const CLASSIC_MEMBER: i8 = 0;
const CONSUMER_MEMBER: i8 = 1;

impl ConsumerGroup {
    pub fn listed(&self, group_id: &str) -> ListedGroup {
        ListedGroup {
            group_id: group_id.into(),
            protocol_type: consumer_protocol::PROTOCOL_TYPE.into(),
            group_state: self.state_name().into(),
            group_type: "consumer".into(),
        }
    }

    pub fn described(&self, group_id: &str, default: ServerAssignor, cluster: &dyn ClusterView) -> DescribedGroup {
        DescribedGroup {
            group_id: group_id.into(),
            group_state: self.state_name().into(),
            group_epoch: self.epoch,
            assignment_epoch: self.target_epoch,
            assignor_name: preferred(self.members.values(), default).name().into(),
            members: self.members.values().map(|m| self.described_member(m, cluster)).collect(),
            ..Default::default()
        }
    }

    fn described_member(&self, member: &Member, cluster: &dyn ClusterView) -> DescribedMember {
        let mut held: BTreeMap<TopicId, Vec<i32>> = BTreeMap::new();
        member.held().for_each(|(topic, partition, _)| held.entry(topic).or_default().push(partition));
        let target = self.target(&member.id).into_iter().map(|(topic, partitions)| (topic, partitions.into_iter().collect()));
        DescribedMember {
            member_id: member.id.clone(),
            instance_id: member.profile.instance_id.clone(),
            rack_id: member.profile.rack_id.clone(),
            member_epoch: member.epoch,
            client_id: member.profile.client_id.clone(),
            client_host: member.profile.client_host.clone(),
            subscribed_topic_names: member.profile.topic_names.iter().cloned().collect(),
            subscribed_topic_regex: member.profile.regex.clone(),
            assignment: assignment(held.into_iter(), cluster),
            target_assignment: assignment(target, cluster),
            member_type: if member.is_classic() { CLASSIC_MEMBER } else { CONSUMER_MEMBER },
        }
    }
}

/// Topics that are gone have no name, and are left out.
fn assignment(topics: impl Iterator<Item = (TopicId, Vec<i32>)>, cluster: &dyn ClusterView) -> Assignment {
    let named = topics.filter_map(|(topic_id, partitions)| {
        let topic_name = cluster.topic_name(topic_id)?.to_string();
        Some(TopicPartitions { topic_id, topic_name, partitions })
    });
    Assignment { topic_partitions: named.collect() }
}

impl Refusal {
    pub fn described(self, group_id: &str) -> DescribedGroup {
        DescribedGroup { group_id: group_id.into(), error_code: self.code.code(), error_message: Some(self.message), ..Default::default() }
    }
}
