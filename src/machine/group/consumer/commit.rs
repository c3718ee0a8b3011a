//! What a member must be to commit or fetch offsets (facts X4, X7).

use super::ConsumerGroup;
use crate::types::TopicId;
use crate::wire::ErrorCode;

/// Members of the new protocol send at least this version of OffsetCommit.
const COMMIT_OF_CONSUMER_MEMBERS: i16 = 9;

/// Who wants to commit: what the request says.
pub struct Committer<'a> {
    pub member_id: &'a str,
    pub instance_id: Option<&'a str>,
    pub epoch: i32,
    pub transactional: bool,
    pub api_version: i16,
}

impl ConsumerGroup {
    /// Someone may commit for these partitions. The first one that he may not commit for spoils the whole request.
    pub fn may_commit(&self, who: &Committer, mut partitions: impl Iterator<Item = (TopicId, i32)>) -> Result<(), ErrorCode> {
        let is_admin = who.epoch < 0 && self.members.is_empty();
        let is_plain_producer = who.transactional && who.epoch == -1 && who.member_id.is_empty() && who.instance_id.is_none();
        if is_admin || is_plain_producer {
            return Ok(());
        }
        let member = self.members.get(who.member_id).ok_or(ErrorCode::UnknownMemberId)?;
        if !who.transactional && !member.is_classic() && who.api_version < COMMIT_OF_CONSUMER_MEMBERS {
            return Err(ErrorCode::UnsupportedVersion);
        }
        let stale = if member.is_classic() { ErrorCode::IllegalGeneration } else { ErrorCode::StaleMemberEpoch };
        if who.epoch == member.epoch {
            return Ok(());
        }
        // A member that has not heard of its new epoch may still commit for what it has had since.
        let is_covered = |(topic, partition)| member.assignment_epoch(topic, partition).is_some_and(|epoch| who.epoch >= epoch);
        if who.epoch < member.epoch && partitions.all(is_covered) { Ok(()) } else { Err(stale) }
    }

    /// Someone may fetch offsets.
    pub fn may_fetch(&self, member_id: Option<&str>, epoch: i32) -> Result<(), ErrorCode> {
        let Some(id) = member_id else {
            return if epoch < 0 { Ok(()) } else { Err(ErrorCode::UnknownMemberId) };
        };
        let member = self.members.get(id).ok_or(ErrorCode::UnknownMemberId)?;
        match member.epoch == epoch {
            true => Ok(()),
            false if member.is_classic() => Err(ErrorCode::IllegalGeneration),
            false => Err(ErrorCode::StaleMemberEpoch),
        }
    }
}
