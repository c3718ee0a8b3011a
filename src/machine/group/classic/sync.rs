//! SyncGroup, Heartbeat, and what a member must be to commit offsets (facts J7, J9, X3).

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{ClassicGroup, Phase};
use crate::machine::group::requests::{GroupAnswer, sync_refused};
use crate::machine::group::turn::{Turn, Waiter};
use crate::wire::ErrorCode;
use crate::wire::heartbeat_request::HeartbeatRequest;
use crate::wire::sync_group_request::SyncGroupRequest;
use crate::wire::sync_group_response::SyncGroupResponse;

impl ClassicGroup {
    pub fn sync(&mut self, turn: &mut Turn, request: SyncGroupRequest, waiter: Waiter) {
        if let Err(error) = self.validate_sync(&request) {
            turn.answer(waiter.token, GroupAnswer::SyncGroup(sync_refused(error)));
            return;
        }
        let id = request.member_id.as_str();
        self.synced(id);
        if self.phase == Phase::Stable {
            let answer = self.synchronized(self.assignment(id));
            turn.answer(waiter.token, GroupAnswer::SyncGroup(answer));
            return;
        }
        if let Some(member) = self.members.get_mut(id) {
            let before = member.syncing.replace(waiter);
            turn.refuse_sync(before, ErrorCode::RebalanceInProgress);
        }
        if self.leader.as_deref() == Some(id) {
            let assignments = request.assignments.into_iter().map(|a| (a.member_id, a.assignment)).collect();
            self.assigned(turn, &assignments);
        }
    }

    fn validate_sync(&self, request: &SyncGroupRequest) -> Result<(), ErrorCode> {
        self.validate_member(&request.member_id, request.group_instance_id.as_deref())?;
        let differs = |theirs: &Option<String>, ours: &Option<String>| theirs.is_some() && ours.is_some() && theirs != ours;
        if request.generation_id != self.generation {
            Err(ErrorCode::IllegalGeneration)
        } else if differs(&request.protocol_type, &self.protocol_type) || differs(&request.protocol_name, &self.protocol) {
            Err(ErrorCode::InconsistentGroupProtocol)
        } else if matches!(self.phase, Phase::Preparing(_)) {
            Err(ErrorCode::RebalanceInProgress)
        } else {
            Ok(())
        }
    }

    /// The leader's assignment has come: written first, then told to all who wait for it.
    fn assigned(&mut self, turn: &mut Turn, assignments: &BTreeMap<String, Bytes>) {
        turn.store_group(self.to_value(assignments));
        self.enter(turn, Phase::Stable);
        let waiting: Vec<(String, Waiter)> = self.members.iter_mut().filter_map(|(id, m)| Some((id.clone(), m.syncing.take()?))).collect();
        for (id, waiter) in waiting {
            let answer = self.synchronized(assignments.get(&id).cloned().unwrap_or_default());
            turn.answer(waiter.token, GroupAnswer::SyncGroup(answer));
            self.renew_session(turn, &id);
        }
    }

    fn synchronized(&self, assignment: Bytes) -> SyncGroupResponse {
        SyncGroupResponse {
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol.clone(),
            assignment,
            ..Default::default()
        }
    }

    /// The code of the answer.
    pub fn heartbeat(&mut self, turn: &Turn, request: &HeartbeatRequest) -> ErrorCode {
        if let Err(error) = self.validate_member(&request.member_id, request.group_instance_id.as_deref()) {
            return error;
        }
        if request.generation_id != self.generation {
            return ErrorCode::IllegalGeneration;
        }
        self.renew_session(turn, &request.member_id);
        if matches!(self.phase, Phase::Preparing(_)) { ErrorCode::RebalanceInProgress } else { ErrorCode::None }
    }

    /// Whether someone who says this of himself may commit offsets. A member that commits is alive.
    pub fn may_commit(&mut self, turn: &Turn, id: &str, instance_id: Option<&str>, generation: i32) -> Result<(), ErrorCode> {
        if generation < 0 && self.phase == Phase::Empty {
            return Ok(()); // an admin client, or a consumer that assigns its partitions itself
        }
        if generation < 0 && id.is_empty() && instance_id.is_none() {
            return Err(ErrorCode::UnknownMemberId);
        }
        self.validate_member(id, instance_id)?;
        if generation != self.generation {
            return Err(ErrorCode::IllegalGeneration);
        }
        match self.phase {
            // It has its generation from the JoinGroup, but may not have what it commits for.
            Phase::Completing => Err(ErrorCode::RebalanceInProgress),
            Phase::Stable | Phase::Preparing(_) => {
                self.renew_session(turn, id);
                Ok(())
            }
            Phase::Empty => Ok(()),
        }
    }

    /// The same for a commit in a transaction: a producer that says nothing of a member need not be one (X8).
    pub fn may_commit_in_transaction(&self, id: &str, instance_id: Option<&str>, generation: i32) -> Result<(), ErrorCode> {
        let says_nothing = generation < 0 && id.is_empty() && instance_id.is_none();
        if says_nothing || generation < 0 && self.phase == Phase::Empty {
            return Ok(());
        }
        self.validate_member(id, instance_id)?;
        if generation == self.generation { Ok(()) } else { Err(ErrorCode::IllegalGeneration) }
    }
}
