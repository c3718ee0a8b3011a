//! Commits, one after the other: a later one is never overtaken by an earlier one that had to be tried again.

use std::collections::BTreeMap;

use kfk_wire::ErrorCode;
use kfk_wire::offset_commit_request::{OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use tokio::sync::mpsc;

use crate::client::admin::GroupOffset;
use crate::client::cluster::{Client, Coordinator};
use crate::client::error::{Error, check};
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

/// One commit.
pub(super) struct Commit {
    pub who: Committer,
    pub offsets: BTreeMap<TopicPartition, GroupOffset>,
    /// Try again what time may cure, `default.api.timeout.ms` at most; else there is one attempt.
    pub insist: bool,
    pub done: Box<dyn FnOnce(Result<(), Error>) + Send>,
}

/// The queue. Its task ends with the last commit after the queue has been dropped.
pub(super) struct Commits {
    queue: mpsc::UnboundedSender<Commit>,
}

impl Commits {
    pub fn new(client: Client) -> Commits {
        let (queue, mut commits) = mpsc::unbounded_channel::<Commit>();
        tokio::spawn(async move {
            while let Some(Commit { who, offsets, insist, done }) = commits.recv().await {
                done(perform(&client, &who, &offsets, insist).await);
            }
        });
        Commits { queue }
    }

    pub fn push(&self, commit: Commit) {
        // The task lives as long as this does; without a runtime there is nobody to tell.
        let _ = self.queue.send(commit);
    }
}

async fn perform(client: &Client, who: &Committer, offsets: &BTreeMap<TopicPartition, GroupOffset>, insist: bool) -> Result<(), Error> {
    if offsets.is_empty() {
        return Ok(());
    }
    let (request, group) = (request(who, offsets), who.group.as_str());
    if !insist {
        return attempt(client, group, &request).await;
    }
    let insistent = client.retrying("committing offsets", client.api_timeout(), || async {
        match attempt(client, group, &request).await {
            // Retriable by their table, but not by asking the same again: after the group has been joined again, and never.
            Err(error) if matches!(error.code(), Some(ErrorCode::RebalanceInProgress | ErrorCode::UnknownTopicOrPartition)) => {
                Ok(Err(error))
            }
            result => result.map(Ok),
        }
    });
    insistent.await?
}

/// The error is the first partition's that has one; all others are committed.
async fn attempt(client: &Client, group: &str, request: &OffsetCommitRequest) -> Result<(), Error> {
    let node = client.coordinator(Coordinator::Group, group).await?;
    let answer = client.call_node_capped(node, request, BY_NAME).await;
    let result = answer.and_then(|a| a.topics.iter().flat_map(|t| &t.partitions).try_for_each(|p| check(p.error_code, None)));
    if let Err(error) = &result {
        client.forget_if_moved(Coordinator::Group, group, error);
    }
    result
}

fn request(who: &Committer, offsets: &BTreeMap<TopicPartition, GroupOffset>) -> OffsetCommitRequest {
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
    OffsetCommitRequest {
        group_id: who.group.clone(),
        generation_id_or_member_epoch: who.generation,
        member_id: who.member_id.clone(),
        group_instance_id: who.instance_id.clone(),
        topics: topics.into_iter().map(topic).collect(),
        ..Default::default()
    }
}
