//! Groups and their committed offsets.

use std::collections::BTreeMap;

use kfk_wire::consumer_group_describe_request::ConsumerGroupDescribeRequest;
pub use kfk_wire::consumer_group_describe_response::DescribedGroup as ConsumerGroup;
use kfk_wire::delete_groups_request::DeleteGroupsRequest;
use kfk_wire::describe_groups_request::DescribeGroupsRequest;
pub use kfk_wire::describe_groups_response::{DescribedGroup as ClassicGroup, DescribedGroupMember as ClassicMember};
use kfk_wire::leave_group_request::{LeaveGroupRequest, MemberIdentity};
use kfk_wire::list_groups_request::ListGroupsRequest;
use kfk_wire::offset_commit_request::{OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kfk_wire::offset_delete_request::{OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use kfk_wire::offset_fetch_request::{OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics};
use kfk_wire::{ErrorCode, Request};

use super::Admin;
use crate::client::cluster::Coordinator;
use crate::client::error::{Error, check};
use crate::types::TopicPartition;

/// One group of a listing. Texts as the broker gives them; empty where an old broker does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupListing {
    /// Its name.
    pub group: String,
    /// `consumer`, `connect` ...
    pub protocol_type: String,
    /// `Stable`, `Empty` ...
    pub state: String,
    /// `classic`, `consumer`, `share` or `streams`.
    pub kind: String,
}

/// A committed offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupOffset {
    /// The next record to read.
    pub offset: i64,
    /// -1 when not known.
    pub leader_epoch: i32,
    /// A text that was committed with it.
    pub metadata: String,
}

pub(super) type Results<T> = BTreeMap<TopicPartition, Result<T, Error>>;

/// Newer versions name topics by id; these name them by name and say the same.
const OFFSETS_BY_NAME: i16 = 9;

impl Admin {
    /// All groups of all brokers, sorted by name. Filters are applied by the brokers where they can.
    pub async fn list_groups(&self, states: &[String], kinds: &[String]) -> Result<Vec<GroupListing>, Error> {
        let request = ListGroupsRequest { states_filter: states.to_vec(), types_filter: kinds.to_vec() };
        let nodes = self.retrying("listing groups", || async { self.client.refresh(&[]).await }).await?;
        let mut all = Vec::new();
        for node in nodes.brokers.keys() {
            let answer = self.retrying("listing groups", || async {
                let answer = self.client.call_node(*node, &request).await?;
                check(answer.error_code, None).map(|()| answer)
            });
            all.extend(answer.await?.groups.into_iter().map(|g| GroupListing {
                group: g.group_id,
                protocol_type: g.protocol_type,
                state: g.group_state,
                kind: g.group_type,
            }));
        }
        all.sort_by(|a, b| a.group.cmp(&b.group));
        all.dedup_by(|a, b| a.group == b.group);
        Ok(all)
    }

    /// Describes a group of the classic protocol. One that does not exist is "Dead", or GROUP_ID_NOT_FOUND from newer brokers.
    pub async fn describe_classic_group(&self, group: &str) -> Result<ClassicGroup, Error> {
        let request = DescribeGroupsRequest { groups: vec![group.to_string()], include_authorized_operations: false };
        let answer = self.ask_group(group, "describing a group", &request, |r| r.groups.first().map_or(0, |g| g.error_code)).await?;
        answer.groups.into_iter().next().ok_or(Error::Broker { code: ErrorCode::GroupIdNotFound, message: None })
    }

    /// Describes a group of the consumer protocol (KIP-848).
    pub async fn describe_consumer_group(&self, group: &str) -> Result<ConsumerGroup, Error> {
        let request = ConsumerGroupDescribeRequest { group_ids: vec![group.to_string()], include_authorized_operations: false };
        let answer = self.ask_group(group, "describing a group", &request, |r| r.groups.first().map_or(0, |g| g.error_code)).await?;
        answer.groups.into_iter().next().ok_or(Error::Broker { code: ErrorCode::GroupIdNotFound, message: None })
    }

    /// The broker that coordinates a group.
    pub async fn group_coordinator(&self, group: &str) -> Result<i32, Error> {
        self.retrying("finding the group coordinator", || async { self.client.coordinator(Coordinator::Group, group).await }).await
    }

    /// Committed offsets of `partitions` (`None`: all of the group). Partitions without one are left out.
    pub async fn group_offsets(&self, group: &str, partitions: Option<&[TopicPartition]>) -> Result<Results<GroupOffset>, Error> {
        self.retrying("fetching committed offsets", || async { self.ask_offsets(group, partitions, false).await }).await
    }

    /// As `group_offsets`, for a consumer that begins there: offsets that a transaction is about to commit are waited for.
    pub(in crate::client) async fn stable_group_offsets(
        &self,
        group: &str,
        partitions: &[TopicPartition],
    ) -> Result<Results<GroupOffset>, Error> {
        self.retrying("fetching committed offsets", || async {
            let found = self.ask_offsets(group, Some(partitions), true).await?;
            let unstable = |r: &Result<GroupOffset, Error>| r.as_ref().is_err_and(|e| e.code() == Some(ErrorCode::UnstableOffsetCommit));
            if found.values().any(unstable) {
                return Err(Error::Broker { code: ErrorCode::UnstableOffsetCommit, message: None });
            }
            Ok(found)
        })
        .await
    }

    async fn ask_offsets(
        &self,
        group: &str,
        partitions: Option<&[TopicPartition]>,
        require_stable: bool,
    ) -> Result<Results<GroupOffset>, Error> {
        let node = self.client.coordinator(Coordinator::Group, group).await?;
        let version = self.client.version_of::<OffsetFetchRequest>(node).await?;
        let (many, require_stable) = (version >= 8, require_stable && version >= 7);
        let wanted = partitions.map(by_topic);
        let request = if many {
            let topic = |(name, partition_indexes)| OffsetFetchRequestTopics { name, partition_indexes, ..Default::default() };
            let topics = wanted.map(|w| w.into_iter().map(topic).collect());
            let one = OffsetFetchRequestGroup { group_id: group.to_string(), topics, member_epoch: -1, ..Default::default() };
            OffsetFetchRequest { groups: vec![one], require_stable, ..Default::default() }
        } else {
            let topic = |(name, partition_indexes)| OffsetFetchRequestTopic { name, partition_indexes };
            let topics = wanted.map(|w| w.into_iter().map(topic).collect());
            OffsetFetchRequest { group_id: group.to_string(), topics, ..Default::default() }
        };
        let answer = self.client.call_node_capped(node, &request, OFFSETS_BY_NAME).await;
        let answer = self.forgetting(group, answer)?;
        let mut out = Results::new();
        let mut add = |topic: &str, partition: i32, code: i16, offset: i64, leader_epoch: i32, metadata: Option<String>| {
            let found = GroupOffset { offset, leader_epoch, metadata: metadata.unwrap_or_default() };
            if offset >= 0 || code != 0 {
                out.insert(TopicPartition::new(topic, partition), check(code, None).map(|()| found));
            }
        };
        let mut code = answer.error_code;
        for g in answer.groups {
            code = g.error_code;
            for (t, p) in g.topics.into_iter().flat_map(|t| t.partitions.into_iter().map(move |p| (t.name.clone(), p))) {
                add(&t, p.partition_index, p.error_code, p.committed_offset, p.committed_leader_epoch, p.metadata);
            }
        }
        for (t, p) in answer.topics.into_iter().flat_map(|t| t.partitions.into_iter().map(move |p| (t.name.clone(), p))) {
            add(&t, p.partition_index, p.error_code, p.committed_offset, p.committed_leader_epoch, p.metadata);
        }
        self.forgetting(group, check(code, None))?;
        Ok(out)
    }

    /// Commits offsets for a group from outside; refused while the group has members.
    pub async fn alter_group_offsets(&self, group: &str, offsets: &BTreeMap<TopicPartition, GroupOffset>) -> Result<Results<()>, Error> {
        let mut topics: BTreeMap<&str, Vec<OffsetCommitRequestPartition>> = BTreeMap::new();
        for (tp, o) in offsets {
            topics.entry(&tp.topic).or_default().push(OffsetCommitRequestPartition {
                partition_index: tp.partition,
                committed_offset: o.offset,
                committed_leader_epoch: o.leader_epoch,
                committed_metadata: Some(o.metadata.clone()),
            });
        }
        let topic = |(name, partitions): (&str, _)| OffsetCommitRequestTopic { name: name.to_string(), partitions, ..Default::default() };
        let request = OffsetCommitRequest {
            group_id: group.to_string(),
            generation_id_or_member_epoch: -1,
            topics: topics.into_iter().map(topic).collect(),
            ..Default::default()
        };
        let answer = self.retrying("committing offsets", || async {
            let node = self.client.coordinator(Coordinator::Group, group).await?;
            let answer = self.forgetting(group, self.client.call_node_capped(node, &request, OFFSETS_BY_NAME).await)?;
            // All partitions share the coordinator: when it is the wrong one, every partition says so.
            let code = answer.topics.first().and_then(|t| t.partitions.first()).map_or(0, |p| p.error_code);
            if is_coordinator_error(code) {
                self.forgetting(group, check(code, None))?;
            }
            Ok(answer)
        });
        let each = answer.await?.topics.into_iter().flat_map(|t| {
            t.partitions.into_iter().map(move |p| (TopicPartition::new(t.name.clone(), p.partition_index), check(p.error_code, None)))
        });
        Ok(each.collect())
    }

    /// Forgets committed offsets of partitions.
    pub async fn delete_group_offsets(&self, group: &str, partitions: &[TopicPartition]) -> Result<Results<()>, Error> {
        let partition = |p: i32| OffsetDeleteRequestPartition { partition_index: p };
        let topic = |(name, partitions): (String, Vec<i32>)| OffsetDeleteRequestTopic {
            name,
            partitions: partitions.into_iter().map(partition).collect(),
        };
        let request = OffsetDeleteRequest { group_id: group.to_string(), topics: by_topic(partitions).into_iter().map(topic).collect() };
        let answer = self.ask_group(group, "deleting offsets", &request, |r| r.error_code).await?;
        check(answer.error_code, None)?;
        let each = answer.topics.into_iter().flat_map(|t| {
            t.partitions.into_iter().map(move |p| (TopicPartition::new(t.name.clone(), p.partition_index), check(p.error_code, None)))
        });
        Ok(each.collect())
    }

    /// Deletes groups that have no members; each succeeds or fails alone.
    pub async fn delete_groups(&self, groups: &[&str]) -> Result<Vec<(String, Result<(), Error>)>, Error> {
        let mut out = Vec::new();
        for group in groups {
            let request = DeleteGroupsRequest { groups_names: vec![group.to_string()] };
            let answer = self.ask_group(group, "deleting a group", &request, |r| r.results.first().map_or(0, |g| g.error_code)).await?;
            let code = answer.results.first().map_or(0, |r| r.error_code);
            out.push((group.to_string(), check(code, None)));
        }
        Ok(out)
    }

    /// Removes members by member id (and instance id, where static).
    pub async fn remove_members(&self, group: &str, members: &[(String, Option<String>)], reason: &str) -> Result<(), Error> {
        let identity = |(id, instance): &(String, Option<String>)| MemberIdentity {
            member_id: id.clone(),
            group_instance_id: instance.clone(),
            reason: Some(reason.to_string()),
        };
        let request =
            LeaveGroupRequest { group_id: group.to_string(), members: members.iter().map(identity).collect(), ..Default::default() };
        let answer = self.ask_group(group, "removing members", &request, |r| r.error_code).await?;
        check(answer.error_code, None)?;
        answer.members.iter().try_for_each(|m| check(m.error_code, None))
    }

    /// Asks the group's coordinator; tries again while it moves or loads. Other codes are left to the caller.
    pub(super) async fn ask_group<R: Request>(
        &self,
        group: &str,
        what: &str,
        request: &R,
        code_of: impl Fn(&R::Response) -> i16 + Copy,
    ) -> Result<R::Response, Error> {
        self.retrying(what, || async {
            let node = self.client.coordinator(Coordinator::Group, group).await?;
            let answer = self.forgetting(group, self.client.call_node(node, request).await)?;
            let code = code_of(&answer);
            if is_coordinator_error(code) { self.forgetting(group, check(code, None).map(|()| answer)) } else { Ok(answer) }
        })
        .await
    }

    fn forgetting<T>(&self, group: &str, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &result {
            self.client.forget_if_moved(Coordinator::Group, group, error);
        }
        result
    }
}

fn is_coordinator_error(code: i16) -> bool {
    matches!(
        ErrorCode::from_code(code),
        ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable | ErrorCode::CoordinatorLoadInProgress
    )
}

pub(super) fn by_topic(partitions: &[TopicPartition]) -> BTreeMap<String, Vec<i32>> {
    let mut out: BTreeMap<String, Vec<i32>> = BTreeMap::new();
    for tp in partitions {
        out.entry(tp.topic.clone()).or_default().push(tp.partition);
    }
    out
}
