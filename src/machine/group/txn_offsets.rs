//! TxnOffsetCommit: offsets that become visible with a producer's transaction, or vanish with it (fact X8).
//!
//! The record is that of any commit; what makes it wait is the producer of its batch. See `offsets.rs` for what the marker does.

use super::GroupShard;
use super::consumer::Committer;
use super::offset_requests::commit_records;
use super::requests::{GroupAnswer, commit_answer};
use super::turn::GroupOutput;
use crate::machine::coordinator::{Output, Producer, Token};
use crate::types::Now;
use crate::wire::ErrorCode;
use crate::wire::offset_commit_request::{OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use crate::wire::offset_commit_response::OffsetCommitResponse;
use crate::wire::txn_offset_commit_request::TxnOffsetCommitRequest;
use crate::wire::txn_offset_commit_response::{TxnOffsetCommitResponse, TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic};

/// A response that says the same of every partition of the request.
pub fn answer(request: &TxnOffsetCommitRequest, error: ErrorCode) -> TxnOffsetCommitResponse {
    let topics = request.topics.iter().map(|topic| TxnOffsetCommitResponseTopic {
        name: topic.name.clone(),
        partitions: topic.partitions.iter().map(|p| outcome(p.partition_index, error.code())).collect(),
    });
    TxnOffsetCommitResponse { topics: topics.collect(), ..Default::default() }
}

fn outcome(partition_index: i32, error_code: i16) -> TxnOffsetCommitResponsePartition {
    TxnOffsetCommitResponsePartition { partition_index, error_code }
}

impl GroupShard {
    pub(super) fn commit_in_transaction(
        &mut self,
        now: Now,
        token: Token,
        api_version: i16,
        request: TxnOffsetCommitRequest,
        out: &mut Vec<GroupOutput>,
    ) {
        if let Err(error) = self.may_commit_in_transaction(api_version, &request) {
            out.push(Output::Answer { token, answer: GroupAnswer::TxnOffsetCommit(answer(&request, error)) });
            return;
        }
        let producer = Producer { id: request.producer_id, epoch: request.producer_epoch };
        let mut commit = as_commit(request);
        let mut committed = commit_answer(&commit, ErrorCode::None);
        let records = commit_records(now, self.config.offset_metadata_max, &mut commit, &mut committed);
        if !records.is_empty() {
            out.push(Output::Append { records, producer });
        }
        out.push(Output::Answer { token, answer: GroupAnswer::TxnOffsetCommit(as_txn_answer(committed)) });
    }

    fn may_commit_in_transaction(&self, api_version: i16, request: &TxnOffsetCommitRequest) -> Result<(), ErrorCode> {
        if request.group_id.is_empty() {
            return Err(ErrorCode::InvalidGroupId);
        }
        let Some(entry) = self.groups.get(&request.group_id) else {
            // Without a generation it makes a simple group.
            return if request.generation_id < 0 { Ok(()) } else { Err(ErrorCode::IllegalGeneration) };
        };
        let who = Committer {
            member_id: &request.member_id,
            instance_id: request.group_instance_id.as_deref(),
            epoch: request.generation_id,
            transactional: true,
            api_version,
        };
        let id_of = |topic: &str| self.cluster.topic(topic).map(|t| t.id).unwrap_or_default();
        let partitions = request.topics.iter().flat_map(|t| {
            let id = id_of(&t.name);
            t.partitions.iter().map(move |p| (id, p.partition_index))
        });
        entry.may_commit_in_transaction(&who, partitions)
    }
}

/// The same offsets as a plain commit. Kafka notes no topic ids with transactional ones.
fn as_commit(request: TxnOffsetCommitRequest) -> OffsetCommitRequest {
    let topics = request.topics.into_iter().map(|topic| OffsetCommitRequestTopic {
        name: topic.name,
        partitions: topic
            .partitions
            .into_iter()
            .map(|p| OffsetCommitRequestPartition {
                partition_index: p.partition_index,
                committed_offset: p.committed_offset,
                committed_leader_epoch: p.committed_leader_epoch,
                committed_metadata: p.committed_metadata,
            })
            .collect(),
        ..Default::default()
    });
    OffsetCommitRequest { group_id: request.group_id, topics: topics.collect(), retention_time_ms: -1, ..Default::default() }
}

fn as_txn_answer(committed: OffsetCommitResponse) -> TxnOffsetCommitResponse {
    let topics = committed.topics.into_iter().map(|topic| TxnOffsetCommitResponseTopic {
        name: topic.name,
        partitions: topic.partitions.iter().map(|p| outcome(p.partition_index, p.error_code)).collect(),
    });
    TxnOffsetCommitResponse { topics: topics.collect(), ..Default::default() }
}
