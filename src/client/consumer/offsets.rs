//! Committed offsets, and where to begin without one.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kfk_wire::ErrorCode;
use kfk_wire::offset_commit_request::{OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic};

use super::Consumer;
use super::state::Position;
use crate::client::admin::{Admin, GroupOffset, OffsetSpec};
use crate::client::cluster::{Client, Coordinator};
use crate::client::error::{Error, check};
use crate::config::OffsetReset;
use crate::types::TopicPartition;

/// Newer versions name topics by id; this one says the same by name.
const BY_NAME: i16 = 9;

/// Who commits.
#[derive(Debug, Clone)]
pub(super) struct Committer {
    pub group: String,
    pub member_id: String,
    pub generation: i32,
    pub instance_id: Option<String>,
}

/// One commit, tried again while the coordinator moves. The error is the first partition's that has one.
pub(super) async fn commit(client: &Client, who: &Committer, offsets: &BTreeMap<TopicPartition, GroupOffset>) -> Result<(), Error> {
    if offsets.is_empty() {
        return Ok(());
    }
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
        group_id: who.group.clone(),
        generation_id_or_member_epoch: who.generation,
        member_id: who.member_id.clone(),
        group_instance_id: who.instance_id.clone(),
        topics: topics.into_iter().map(topic).collect(),
        ..Default::default()
    };
    client
        .retrying("committing offsets", client.api_timeout(), || async {
            let node = client.coordinator(Coordinator::Group, &who.group).await?;
            let answer = client.call_node_capped(node, &request, BY_NAME).await;
            let result = answer.and_then(|a| a.topics.iter().flat_map(|t| &t.partitions).try_for_each(|p| check(p.error_code, None)));
            if let Err(error) = &result {
                let moved = matches!(error.code(), Some(ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable));
                if moved || matches!(error, Error::Node { .. }) {
                    client.forget_coordinator(Coordinator::Group, &who.group);
                }
                // Retriable by its table, but only after the group has been joined again.
                if error.code() == Some(ErrorCode::RebalanceInProgress) {
                    return Ok(result);
                }
            }
            result.map(Ok)
        })
        .await?
}

impl Consumer {
    /// Commits the position of every assigned partition, or `offsets`, and waits.
    pub async fn commit_sync(&mut self, offsets: Option<BTreeMap<TopicPartition, GroupOffset>>) -> Result<(), Error> {
        let offsets = offsets.unwrap_or_else(|| self.positions_to_commit());
        let who = self.committer()?;
        let result = commit(&self.client, &who, &offsets).await;
        self.note_commit(&result);
        result
    }

    /// Commits in the background; `then` hears how it went.
    pub fn commit_async(
        &mut self,
        offsets: Option<BTreeMap<TopicPartition, GroupOffset>>,
        then: impl FnOnce(Result<(), Error>) + Send + 'static,
    ) -> Result<(), Error> {
        let offsets = offsets.unwrap_or_else(|| self.positions_to_commit());
        let who = self.committer()?;
        let client = self.client.clone();
        tokio::spawn(async move { then(commit(&client, &who, &offsets).await) });
        Ok(())
    }

    /// The committed offsets of `partitions`; those without one are left out.
    pub async fn committed(&self, partitions: &[TopicPartition]) -> Result<BTreeMap<TopicPartition, GroupOffset>, Error> {
        let group = self.config.group_id.as_deref().ok_or_else(no_group)?;
        let found = Admin::on(self.client.clone()).group_offsets(group, Some(partitions)).await?;
        found.into_iter().map(|(tp, offset)| offset.map(|o| (tp, o))).collect()
    }

    pub(super) fn committer(&self) -> Result<Committer, Error> {
        let group = self.config.group_id.clone().ok_or_else(no_group)?;
        let (member_id, generation, instance_id) = match &self.group {
            Some(membership) => membership.identity(),
            None => (String::new(), -1, None),
        };
        Ok(Committer { group, member_id, generation, instance_id })
    }

    fn positions_to_commit(&self) -> BTreeMap<TopicPartition, GroupOffset> {
        let offset = |(offset, leader_epoch)| GroupOffset { offset, leader_epoch, metadata: String::new() };
        self.assignment.positions().into_iter().map(|(tp, at)| (tp, offset(at))).collect()
    }

    pub(super) fn note_commit(&self, result: &Result<(), Error>) {
        if let (Err(error), Some(group)) = (result, &self.group)
            && let Some(code) = error.code()
        {
            group.commit_refused(code);
        }
    }

    /// Gives every partition without a position one: committed offset first, then the reset policy.
    pub(super) async fn find_positions(&mut self) -> Result<(), Error> {
        let of = |wanted: fn(&Position) -> bool, me: &Consumer| {
            let all = me.assignment.partitions.iter().filter(|(_, s)| wanted(&s.position));
            all.map(|(tp, _)| tp.clone()).collect::<Vec<_>>()
        };
        let unknown = of(|p| *p == Position::Unknown, self);
        if !unknown.is_empty() {
            let committed = if self.config.group_id.is_some() { self.committed(&unknown).await? } else { BTreeMap::new() };
            for tp in unknown {
                let reset = self.config.auto_offset_reset;
                let position = match committed.get(&tp) {
                    Some(found) => Position::At(found.offset),
                    None if reset == OffsetReset::None => return Err(no_offset(&tp)),
                    None => Position::Reset(reset),
                };
                if let Some(state) = self.assignment.partitions.get_mut(&tp) {
                    state.seek(position);
                    state.position_epoch = committed.get(&tp).map_or(-1, |found| found.leader_epoch);
                }
            }
        }
        self.reset_positions().await
    }

    async fn reset_positions(&mut self) -> Result<(), Error> {
        let specs: BTreeMap<TopicPartition, OffsetSpec> = self
            .assignment
            .partitions
            .iter()
            .filter_map(|(tp, s)| match s.position {
                Position::Reset(how) => Some((tp.clone(), spec(how))),
                _ => None,
            })
            .collect();
        if specs.is_empty() {
            return Ok(());
        }
        let admin = Admin::on(self.client.clone());
        let mut found = admin.list_offsets(&specs, self.config.read_committed).await?;
        // Nothing that recent: begin at the end.
        let none: BTreeMap<TopicPartition, OffsetSpec> =
            found.iter().filter(|(_, r)| matches!(r, Ok(o) if o.offset < 0)).map(|(tp, _)| (tp.clone(), OffsetSpec::Latest)).collect();
        if !none.is_empty() {
            found.extend(admin.list_offsets(&none, self.config.read_committed).await?);
        }
        for (tp, result) in found {
            let offset = result?.offset;
            if let Some(state) = self.assignment.partitions.get_mut(&tp) {
                state.seek(Position::At(offset));
            }
        }
        Ok(())
    }
}

fn spec(how: OffsetReset) -> OffsetSpec {
    match how {
        OffsetReset::Earliest => OffsetSpec::Earliest,
        OffsetReset::Latest | OffsetReset::None => OffsetSpec::Latest,
        OffsetReset::ByDuration(ago) => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
            let ms = now.saturating_sub(ago).as_millis();
            OffsetSpec::Timestamp(i64::try_from(ms).unwrap_or(i64::MAX))
        }
    }
}

fn no_group() -> Error {
    Error::Usage("group.id is needed for committed offsets".into())
}

fn no_offset(tp: &TopicPartition) -> Error {
    Error::Usage(format!("Undefined offset with no reset policy for partitions: [{tp}]"))
}
