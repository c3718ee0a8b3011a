//! OffsetCommit, OffsetFetch, OffsetDelete, and offsets that go by themselves (facts X, T11).

use super::GroupShard;
use super::consumer::Committer;
use super::entry::Entry;
use super::offsets::{Committed, GroupOffsets, TopicOffsets};
use super::records::GroupRecord;
use super::requests::{GroupAnswer, commit_answer, since};
use super::shapes;
use super::turn::GroupOutput;
use crate::machine::coordinator::{Context, Output, Token};
use crate::types::{Now, TopicId};
use crate::wire::ErrorCode;
use crate::wire::offset_commit_key::OffsetCommitKey;
use crate::wire::offset_commit_request::{OffsetCommitRequest, OffsetCommitRequestPartition};
use crate::wire::offset_commit_response::OffsetCommitResponse;
use crate::wire::offset_commit_value::OffsetCommitValue;
use crate::wire::offset_delete_request::OffsetDeleteRequest;
use crate::wire::offset_delete_response::{OffsetDeleteResponse, OffsetDeleteResponsePartition, OffsetDeleteResponseTopic};
use crate::wire::offset_fetch_request::OffsetFetchRequestGroup;
use crate::wire::offset_fetch_response::{OffsetFetchResponseGroup, OffsetFetchResponsePartitions, OffsetFetchResponseTopics};

/// Tombstones of one batch; they need not be written all or nothing.
const TOMBSTONES_PER_BATCH: usize = 500;

impl GroupShard {
    pub(super) fn commit(
        &mut self,
        now: Now,
        token: Token,
        context: &Context,
        mut request: OffsetCommitRequest,
        out: &mut Vec<GroupOutput>,
    ) {
        if let Err(error) = self.may_commit(now, context, &request, out) {
            out.push(Output::Answer { token, answer: GroupAnswer::OffsetCommit(commit_answer(&request, error)) });
            return;
        }
        let mut answer = commit_answer(&request, ErrorCode::None);
        let records = commit_records(now, self.config.offset_metadata_max, &mut request, &mut answer);
        if !records.is_empty() {
            out.push(Output::append(records));
        }
        out.push(Output::Answer { token, answer: GroupAnswer::OffsetCommit(answer) });
    }

    /// X2, X3, X4.
    fn may_commit(
        &mut self,
        now: Now,
        context: &Context,
        request: &OffsetCommitRequest,
        out: &mut Vec<GroupOutput>,
    ) -> Result<(), ErrorCode> {
        let generation = request.generation_id_or_member_epoch;
        if !self.groups.contains_key(&request.group_id) {
            return match generation {
                ..0 => Ok(()), // it makes a simple group
                _ if context.api_version >= since::COMMIT_GROUP_ID_NOT_FOUND => Err(ErrorCode::GroupIdNotFound),
                _ => Err(ErrorCode::IllegalGeneration),
            };
        }
        let who = Committer {
            member_id: &request.member_id,
            instance_id: request.group_instance_id.as_deref(),
            epoch: generation,
            transactional: false,
            api_version: context.api_version,
        };
        let max = self.config.offset_metadata_max;
        let partitions = request.topics.iter().flat_map(|t| t.partitions.iter().map(|p| (t.topic_id, p)));
        let partitions = partitions.filter(|(_, p)| !is_too_long(p, max)).map(|(topic, p)| (topic, p.partition_index));
        self.with_group(now, &request.group_id, out, |group, turn| group.may_commit(turn, &who, partitions))
    }

    /// The answer for one group; an unknown group is one without offsets (X7).
    pub(super) fn fetch(&self, request: OffsetFetchRequestGroup, require_stable: bool) -> OffsetFetchResponseGroup {
        let entry = self.groups.get(&request.group_id);
        let allowed = entry.map_or(Ok(()), |entry| entry.may_fetch(request.member_id.as_deref(), request.member_epoch));
        if let Err(error) = allowed {
            return shapes::refused_group(&request, error);
        }
        let offsets = entry.map(|entry| &entry.offsets);
        let topics = match request.topics {
            None => offsets.map(|offsets| fetch_all(offsets, require_stable)).unwrap_or_default(),
            Some(topics) => {
                let one = |topic: &str, topic_id: TopicId, partition: i32| {
                    let unstable = require_stable && offsets.is_some_and(|o| o.is_pending(topic, partition));
                    let committed = offsets.and_then(|o| o.committed.get(topic, partition)).filter(|c| c.is_of(topic_id));
                    fetched(partition, committed, unstable)
                };
                let each = topics.into_iter().map(|t| OffsetFetchResponseTopics {
                    partitions: t.partition_indexes.iter().map(|p| one(&t.name, t.topic_id, *p)).collect(),
                    name: t.name,
                    topic_id: t.topic_id,
                });
                each.collect()
            }
        };
        OffsetFetchResponseGroup { group_id: request.group_id, topics, error_code: 0 }
    }

    pub(super) fn delete_offsets(&self, token: Token, request: OffsetDeleteRequest, out: &mut Vec<GroupOutput>) {
        let group = &request.group_id;
        let mut refuse = |error: ErrorCode| {
            let answer = OffsetDeleteResponse { error_code: error.code(), ..Default::default() };
            out.push(Output::Answer { token, answer: GroupAnswer::OffsetDelete(answer) });
        };
        if group.is_empty() {
            return refuse(ErrorCode::InvalidGroupId);
        }
        let Some(entry) = self.groups.get(group) else { return refuse(ErrorCode::GroupIdNotFound) };
        if !entry.tells_subscriptions() {
            return refuse(ErrorCode::NonEmptyGroup);
        }
        let mut tombstones = Vec::new();
        let mut topics = Vec::with_capacity(request.topics.len());
        for topic in request.topics {
            let subscribed = entry.is_subscribed_to(&topic.name);
            let error = if subscribed { ErrorCode::GroupSubscribedToTopic } else { ErrorCode::None };
            let mut partitions = Vec::with_capacity(topic.partitions.len());
            for partition in topic.partitions.iter().map(|p| p.partition_index) {
                partitions.push(OffsetDeleteResponsePartition { partition_index: partition, error_code: error.code() });
                if !subscribed && entry.offsets.has(&topic.name, partition) {
                    tombstones.push(GroupRecord::offset_tombstone(group, &topic.name, partition));
                }
            }
            topics.push(OffsetDeleteResponseTopic { name: topic.name, partitions });
        }
        append_in_batches(tombstones, out);
        let answer = OffsetDeleteResponse { topics, ..Default::default() };
        out.push(Output::Answer { token, answer: GroupAnswer::OffsetDelete(answer) });
    }

    /// T11: offsets of topics that are gone. A topic that was made anew under the name keeps its own.
    pub(super) fn forget_topics(&self, topics: &[(String, TopicId)], out: &mut Vec<GroupOutput>) {
        let mut tombstones = Vec::new();
        for (group, entry) in &self.groups {
            for (topic, id) in topics {
                let partitions = entry.offsets.partitions_of(topic, *id).into_iter();
                tombstones.extend(partitions.map(|partition| GroupRecord::offset_tombstone(group, topic, partition)));
            }
            tombstones.extend(entry.as_share().into_iter().flat_map(|share| share.forget_topics(group, topics)));
        }
        append_in_batches(tombstones, out);
    }

    /// X9: offsets past their retention, and groups that have nothing left.
    pub(super) fn expire_offsets(&self, now: Now, out: &mut Vec<GroupOutput>) {
        let mut tombstones = Vec::new();
        for (group, entry) in &self.groups {
            let all_gone = self.expired(now, group, entry, &mut tombstones);
            if all_gone && entry.is_idle() && !entry.offsets.has_open_transaction() {
                tombstones.extend(entry.group_tombstones(group));
            }
        }
        append_in_batches(tombstones, out);
    }

    /// Adds tombstones for the expired offsets of a group; returns whether none is left then.
    fn expired(&self, now: Now, group: &str, entry: &Entry, tombstones: &mut Vec<GroupRecord>) -> bool {
        let offsets = &entry.offsets;
        let retention = self.config.offsets_retention_ms;
        let is_over = |c: &Committed| match (entry.retention_start(c.commit_timestamp), c.expire_timestamp) {
            (None, _) => false,
            (Some(start), -1) => now.wall.0.saturating_sub(start) >= retention,
            (Some(_), at) => now.wall.0 >= at,
        };
        let mut all_gone = true;
        for (topic, partitions) in offsets.committed.topics() {
            let subscribed = entry.is_subscribed_to(topic);
            for (partition, committed) in partitions {
                if !subscribed && is_over(committed) && !offsets.is_pending(topic, *partition) {
                    tombstones.push(GroupRecord::offset_tombstone(group, topic, *partition));
                } else {
                    all_gone = false;
                }
            }
        }
        all_gone
    }
}

/// The records of a commit. Partitions whose metadata is too long get none, and their error into `answer`, which has the request's shape.
pub(super) fn commit_records(
    now: Now,
    metadata_max: usize,
    request: &mut OffsetCommitRequest,
    answer: &mut OffsetCommitResponse,
) -> Vec<GroupRecord> {
    let expire_timestamp = if request.retention_time_ms == -1 { -1 } else { now.wall.0.saturating_add(request.retention_time_ms) };
    let mut records = Vec::with_capacity(request.topics.iter().map(|t| t.partitions.len()).sum());
    for (topic, topic_answer) in request.topics.iter_mut().zip(&mut answer.topics) {
        for (partition, outcome) in std::mem::take(&mut topic.partitions).into_iter().zip(&mut topic_answer.partitions) {
            if is_too_long(&partition, metadata_max) {
                outcome.error_code = ErrorCode::OffsetMetadataTooLarge.code();
                continue;
            }
            let key = OffsetCommitKey { group: request.group_id.clone(), topic: topic.name.clone(), partition: partition.partition_index };
            let value = OffsetCommitValue {
                offset: partition.committed_offset,
                leader_epoch: partition.committed_leader_epoch.max(-1),
                metadata: partition.committed_metadata.unwrap_or_default(),
                commit_timestamp: now.wall.0,
                expire_timestamp,
                topic_id: topic.topic_id,
            };
            records.push(GroupRecord::Offset { key, value: Some(value) });
        }
    }
    records
}

/// Java counts UTF-16 units; a string never has more of them than bytes.
fn is_too_long(partition: &OffsetCommitRequestPartition, max: usize) -> bool {
    partition.committed_metadata.as_ref().is_some_and(|m| m.len() > max && m.encode_utf16().count() > max)
}

fn fetched(partition: i32, committed: Option<&Committed>, unstable: bool) -> OffsetFetchResponsePartitions {
    let nothing = OffsetFetchResponsePartitions {
        partition_index: partition,
        committed_offset: -1,
        committed_leader_epoch: -1,
        metadata: Some(String::new()),
        error_code: 0,
    };
    if unstable {
        return OffsetFetchResponsePartitions { error_code: ErrorCode::UnstableOffsetCommit.code(), ..nothing };
    }
    committed.map_or(nothing, |c| OffsetFetchResponsePartitions {
        partition_index: partition,
        committed_offset: c.offset,
        committed_leader_epoch: c.leader_epoch,
        metadata: Some(c.metadata.clone()),
        error_code: 0,
    })
}

fn fetch_all(offsets: &GroupOffsets, require_stable: bool) -> Vec<OffsetFetchResponseTopics> {
    let committed: &TopicOffsets = &offsets.committed;
    let topic = |(name, partitions): (&String, &std::collections::BTreeMap<i32, Committed>)| {
        let one = |(p, c): (&i32, &Committed)| fetched(*p, Some(c), require_stable && offsets.is_pending(name, *p));
        OffsetFetchResponseTopics { name: name.clone(), partitions: partitions.iter().map(one).collect(), ..Default::default() }
    };
    committed.topics().map(topic).collect()
}

pub(super) fn append_in_batches(records: Vec<GroupRecord>, out: &mut Vec<GroupOutput>) {
    let mut records = records.into_iter();
    loop {
        let batch: Vec<GroupRecord> = records.by_ref().take(TOMBSTONES_PER_BATCH).collect();
        if batch.is_empty() {
            return;
        }
        out.push(Output::append(batch));
    }
}
