//! JoinGroup (facts J2 to J6, J11).

use std::collections::BTreeMap;

use bytes::Bytes;

use super::member::{Member, protocols, rebalance_timeout};
use super::{ClassicGroup, Phase, Preparing};
use crate::machine::coordinator::Context;
use crate::machine::group::requests::{GroupAnswer, since};
use crate::machine::group::turn::{Turn, Waiter};
use crate::wire::ErrorCode;
use crate::wire::join_group_request::JoinGroupRequest;

impl ClassicGroup {
    pub fn join(&mut self, turn: &mut Turn, context: &Context, request: &JoinGroupRequest, waiter: Waiter) {
        let id = &request.member_id;
        if !self.has_room_for(turn, id) {
            self.remove(turn, id);
            turn.refuse_join(Some(waiter), "", ErrorCode::GroupMaxSizeReached);
            self.maybe_complete_join(turn);
        } else if !self.is_compatible(request) {
            turn.refuse_join(Some(waiter), id, ErrorCode::InconsistentGroupProtocol);
        } else if id.is_empty() {
            self.join_anew(turn, context, request, waiter);
        } else if self.pending_joins.contains_key(id) && request.group_instance_id.is_none() {
            self.add_member(turn, context, request, id.clone(), waiter);
        } else if let Err(error) = self.validate_member(id, request.group_instance_id.as_deref()) {
            turn.refuse_join(Some(waiter), id, error);
        } else {
            self.rejoin(turn, request, waiter);
        }
    }

    /// While members rejoin, those who came first have the places: the size itself may be above a limit that was lowered.
    fn has_room_for(&self, turn: &Turn, id: &str) -> bool {
        let member = self.members.get(id);
        match self.phase {
            Phase::Empty => true,
            Phase::Preparing(_) => member.is_some_and(|m| m.joining.is_some()) || self.joining < turn.config.max_size,
            Phase::Completing | Phase::Stable => member.is_some() || self.members.len() < turn.config.max_size,
        }
    }

    fn is_compatible(&self, request: &JoinGroupRequest) -> bool {
        if self.members.is_empty() {
            return !request.protocol_type.is_empty() && !request.protocols.is_empty();
        }
        self.protocol_type.as_ref() == Some(&request.protocol_type) && self.knows_one_of(request.protocols.iter().map(|p| p.name.as_str()))
    }

    /// A member without an id.
    fn join_anew(&mut self, turn: &mut Turn, context: &Context, request: &JoinGroupRequest, waiter: Waiter) {
        if let Some(instance) = &request.group_instance_id {
            let id = turn.fresh_member_id(instance);
            match self.static_members.get(instance).cloned() {
                Some(old) => self.replace_static(turn, request, &old, id, waiter),
                None => self.add_member(turn, context, request, id, waiter),
            }
            return;
        }
        let id = turn.fresh_member_id(&context.client_id);
        if waiter.version < since::JOIN_REQUIRES_MEMBER_ID {
            self.add_member(turn, context, request, id, waiter);
            return;
        }
        // J3: it becomes a member when it comes back with its id, so that a client that gives up here leaves no dead member behind.
        let deadline = turn.now.mono.plus(u64::try_from(request.session_timeout_ms).unwrap_or(0));
        self.pending_joins.insert(id.clone(), deadline);
        self.wake_at(deadline);
        turn.refuse_join(Some(waiter), &id, ErrorCode::MemberIdRequired);
    }

    fn add_member(&mut self, turn: &mut Turn, context: &Context, request: &JoinGroupRequest, id: String, waiter: Waiter) {
        if let Phase::Preparing(Preparing { initial: Some(initial), .. }) = &mut self.phase {
            initial.newcomer = true;
        }
        if self.members.is_empty() {
            self.protocol_type = Some(request.protocol_type.clone());
        }
        self.insert(id.clone(), Member::joining(context, request, waiter));
        self.expire_session_in(turn, &id, turn.config.new_member_join_timeout_ms);
        self.rebalance(turn);
    }

    /// A member that is known comes again.
    fn rejoin(&mut self, turn: &mut Turn, request: &JoinGroupRequest, waiter: Waiter) {
        let id = &request.member_id;
        let Some(member) = self.members.get(id) else { return };
        let unchanged = member.matches(request);
        let repeats = match self.phase {
            // J6: it has not seen the answer, or wants to go on; nothing new for the others. A leader may know of more partitions.
            Phase::Completing => unchanged,
            Phase::Stable => unchanged && self.leader.as_ref() != Some(id),
            Phase::Preparing(_) | Phase::Empty => false,
        };
        if repeats {
            let answer = self.joined(id, waiter.version);
            turn.answer(waiter.token, GroupAnswer::JoinGroup(answer));
        } else {
            self.update_member(turn, id, request, waiter);
            self.rebalance(turn);
        }
    }

    /// Takes over what the member says now; its request waits. An older request of the same member is of no use to anyone any more.
    fn update_member(&mut self, turn: &mut Turn, id: &str, request: &JoinGroupRequest, waiter: Waiter) {
        let Some(mut member) = self.take(id) else { return };
        turn.refuse_join(member.joining.replace(waiter), id, ErrorCode::RebalanceInProgress);
        member.protocols = protocols(request);
        member.rebalance_timeout_ms = rebalance_timeout(request);
        member.session_timeout_ms = request.session_timeout_ms;
        self.insert(id.to_string(), member);
    }

    /// J11: a static member was restarted and lost its id. It gets another one, and the old one is fenced.
    fn replace_static(&mut self, turn: &mut Turn, request: &JoinGroupRequest, old: &str, id: String, waiter: Waiter) {
        let leader_before = self.leader.clone();
        let assignments = self.assignments_with(old, &id);
        let Some(mut member) = self.take(old) else { return };
        turn.refuse_join(member.joining.take(), old, ErrorCode::FencedInstanceId);
        turn.refuse_sync(member.syncing.take(), ErrorCode::FencedInstanceId);
        member.is_new = false;
        if let Some(pending) = self.pending_sync.as_mut().filter(|p| p.members.contains(old)) {
            pending.members.remove(old);
            pending.members.insert(id.clone());
        }
        if self.leader.as_deref() == Some(old) {
            self.leader = Some(id.clone());
        }
        self.insert(id.clone(), member);
        self.update_member(turn, &id, request, waiter);
        self.renew_session(turn, &id);
        match self.phase {
            Phase::Stable if self.select_protocol() == self.protocol => self.keep_place(turn, &id, leader_before, &assignments),
            // The leader may have been told the old id already, and would assign to it.
            Phase::Completing => self.prepare_rebalance(turn),
            _ => self.rebalance(turn),
        }
    }

    /// The assignments as the log has them, those of `old` under the name of `new`.
    fn assignments_with(&self, old: &str, new: &str) -> BTreeMap<String, Bytes> {
        let named = |id: &String| if id == old { new.to_string() } else { id.clone() };
        self.members.keys().map(|id| (named(id), self.assignment(id))).collect()
    }

    /// The replaced member goes on where the old one was: no rebalance, but its new id has to be durable first.
    fn keep_place(&mut self, turn: &mut Turn, id: &str, leader_before: Option<String>, assignments: &BTreeMap<String, Bytes>) {
        turn.store_group(self.to_value(assignments));
        let Some(waiter) = self.members.get_mut(id).and_then(|m| m.joining.take()) else { return };
        self.joining -= 1;
        let mut answer = self.joined(id, waiter.version);
        if waiter.version >= since::JOIN_SKIP_ASSIGNMENT {
            answer.skip_assignment = self.leader.as_deref() == Some(id);
        } else {
            // Told that it leads, it would assign anew; so it hears of the leader it was before.
            answer.leader = leader_before.unwrap_or_default();
            answer.members = Vec::new();
        }
        turn.answer(waiter.token, GroupAnswer::JoinGroup(answer));
    }
}
