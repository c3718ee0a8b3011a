//! The course of a rebalance: ask everyone to rejoin, agree on a protocol and a generation; and what time does to a group.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{ClassicGroup, InitialDelay, PendingSync, Phase, Preparing};
use crate::machine::group::requests::{GroupAnswer, since};
use crate::machine::group::turn::{Turn, Waiter};
use crate::types::MonoMs;
use crate::wire::ErrorCode;
use crate::wire::group_metadata_value::{GroupMetadataValue, MemberMetadata};
use crate::wire::join_group_response::{JoinGroupResponse, JoinGroupResponseMember};

impl ClassicGroup {
    /// J1: the moves that exist. From `Preparing` a group leaves by completing the join; nothing else ends it.
    pub(super) fn enter(&mut self, turn: &Turn, phase: Phase) {
        let legal = match (&self.phase, &phase) {
            (Phase::Empty | Phase::Completing | Phase::Stable, Phase::Preparing(_)) => true,
            (Phase::Preparing(_), Phase::Preparing(_) | Phase::Completing | Phase::Empty) => true,
            (Phase::Completing, Phase::Stable) => true,
            (Phase::Empty | Phase::Stable | Phase::Completing, Phase::Empty | Phase::Completing) => false,
            (Phase::Empty | Phase::Stable | Phase::Preparing(_), Phase::Stable) => false,
        };
        debug_assert!(legal, "{:?} to {phase:?}", self.phase);
        if let Phase::Preparing(preparing) = &phase {
            self.wake_at(preparing.deadline);
        }
        self.phase = phase;
        self.state_timestamp = turn.now.wall.0;
    }

    /// Something changed among the members: start a rebalance, or see whether the one under way can complete.
    pub(super) fn rebalance(&mut self, turn: &mut Turn) {
        match self.phase {
            Phase::Preparing(_) => self.maybe_complete_join(turn),
            Phase::Empty | Phase::Completing | Phase::Stable => self.prepare_rebalance(turn),
        }
    }

    pub fn prepare_rebalance(&mut self, turn: &mut Turn) {
        self.refuse_syncs(turn, ErrorCode::RebalanceInProgress);
        self.pending_sync = None;
        let timeout = self.rebalance_timeout_ms();
        if self.phase == Phase::Empty {
            let delay_ms = turn.config.initial_rebalance_delay_ms;
            let initial = InitialDelay { delay_ms, remaining_ms: timeout.saturating_sub(delay_ms), newcomer: false };
            self.enter(turn, Phase::Preparing(Preparing { deadline: turn.now.mono.plus(delay_ms), initial: Some(initial) }));
        } else {
            self.enter(turn, Phase::Preparing(Preparing { deadline: turn.now.mono.plus(timeout), initial: None }));
            if self.all_joined() {
                self.complete_join(turn);
            }
        }
    }

    /// Sends those who wait for the leader back to JoinGroup.
    fn refuse_syncs(&mut self, turn: &mut Turn, error: ErrorCode) {
        let waiting: Vec<(String, Waiter)> = self.members.iter_mut().filter_map(|(id, m)| Some((id.clone(), m.syncing.take()?))).collect();
        for (id, waiter) in waiting {
            turn.refuse_sync(Some(waiter), error);
            self.renew_session(turn, &id);
        }
    }

    fn all_joined(&self) -> bool {
        self.joining == self.members.len() && self.pending_joins.is_empty()
    }

    /// Ends the join phase if everyone is here. The first one of a group always takes its delay.
    pub(super) fn maybe_complete_join(&mut self, turn: &mut Turn) {
        if matches!(self.phase, Phase::Preparing(Preparing { initial: None, .. })) && self.all_joined() {
            self.complete_join(turn);
        }
    }

    /// The same after a member was lost: then a first join phase ends early, too.
    fn complete_join_without(&mut self, turn: &mut Turn) {
        if matches!(self.phase, Phase::Preparing(_)) && self.all_joined() {
            self.complete_join(turn);
        }
    }

    fn complete_join(&mut self, turn: &mut Turn) {
        let late: Vec<String> =
            self.members.iter().filter(|(_, m)| m.joining.is_none() && !m.is_static()).map(|(id, _)| id.clone()).collect();
        for id in &late {
            self.remove(turn, id);
        }
        if self.members.is_empty() {
            self.become_empty(turn);
        } else if self.elect_joined_leader() {
            self.next_generation(turn);
        } else {
            // Only static members, and none has rejoined: wait until one does, or their sessions expire.
            let deadline = turn.now.mono.plus(self.rebalance_timeout_ms());
            let initial = match &self.phase {
                Phase::Preparing(Preparing { initial: Some(i), .. }) => {
                    Some(InitialDelay { delay_ms: i.delay_ms, remaining_ms: 0, newcomer: false })
                }
                _ => None,
            };
            self.enter(turn, Phase::Preparing(Preparing { deadline, initial }));
        }
    }

    /// The leader must be someone who is here; false if no one is.
    fn elect_joined_leader(&mut self) -> bool {
        let here = |group: &Self, id: &String| group.members.get(id).is_some_and(|m| m.joining.is_some());
        if self.leader.as_ref().is_some_and(|id| here(self, id)) {
            return true;
        }
        let Some(id) = self.members.keys().find(|id| here(self, id)).cloned() else { return false };
        self.leader = Some(id);
        true
    }

    fn bump_generation(&mut self) {
        self.generation = if self.generation == i32::MAX { 1 } else { self.generation + 1 };
    }

    /// J5: nobody is left. The generation grows all the same, and that is written.
    fn become_empty(&mut self, turn: &mut Turn) {
        self.bump_generation();
        self.protocol = None;
        self.leader = None;
        self.subscribed_topics = self.compute_subscribed_topics();
        self.enter(turn, Phase::Empty);
        turn.store_group(self.to_value(&BTreeMap::new()));
    }

    fn next_generation(&mut self, turn: &mut Turn) {
        self.bump_generation();
        self.protocol = self.select_protocol();
        self.subscribed_topics = self.compute_subscribed_topics();
        self.enter(turn, Phase::Completing);
        let deadline = turn.now.mono.plus(self.rebalance_timeout_ms());
        self.pending_sync = Some(PendingSync { members: self.members.keys().cloned().collect(), deadline });
        self.wake_at(deadline);
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for id in &ids {
            let Some(member) = self.members.get_mut(id) else { continue };
            member.is_new = false;
            if let Some(waiter) = member.joining.take() {
                self.joining -= 1;
                let answer = self.joined(id, waiter.version);
                turn.answer(waiter.token, GroupAnswer::JoinGroup(answer));
            }
            self.renew_session(turn, id);
        }
    }

    /// The answer to a member's JoinGroup in the present generation. Only the leader is told who the members are.
    pub(super) fn joined(&self, id: &str, version: i16) -> JoinGroupResponse {
        let members = if self.leader.as_deref() == Some(id) { self.member_list() } else { Vec::new() };
        let unnamed = (version < since::JOIN_NULL_PROTOCOL_NAME).then(String::new);
        JoinGroupResponse {
            generation_id: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol.clone().or(unnamed),
            leader: self.leader.clone().unwrap_or_default(),
            member_id: id.into(),
            members,
            ..Default::default()
        }
    }

    fn member_list(&self) -> Vec<JoinGroupResponseMember> {
        let protocol = self.protocol.as_deref().unwrap_or_default();
        let each = |(id, m): (&String, &super::Member)| JoinGroupResponseMember {
            member_id: id.clone(),
            group_instance_id: m.instance_id.clone(),
            metadata: m.metadata(protocol),
        };
        self.members.iter().map(each).collect()
    }

    /// J5: each member votes for the first protocol on its list that all know; most votes win, the first by name if even.
    pub(super) fn select_protocol(&self) -> Option<String> {
        let known_to_all = |name: &str| self.support.get(name) == Some(&self.members.len());
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for member in self.members.values() {
            if let Some((name, _)) = member.protocols.iter().find(|(name, _)| known_to_all(name)) {
                *votes.entry(name).or_default() += 1;
            }
        }
        let most = votes.values().copied().max()?;
        votes.into_iter().find(|(_, count)| *count == most).map(|(name, _)| name.to_string())
    }

    /// The group as a record, with these assignments.
    pub(super) fn to_value(&self, assignments: &BTreeMap<String, Bytes>) -> GroupMetadataValue {
        let protocol = self.protocol.as_deref().unwrap_or_default();
        let member = |(id, m): (&String, &super::Member)| MemberMetadata {
            member_id: id.clone(),
            group_instance_id: m.instance_id.clone(),
            client_id: m.client_id.clone(),
            client_host: m.client_host.clone(),
            rebalance_timeout: m.rebalance_timeout_ms,
            session_timeout: m.session_timeout_ms,
            subscription: m.metadata(protocol),
            assignment: assignments.get(id).cloned().unwrap_or_default(),
        };
        GroupMetadataValue {
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            generation: self.generation,
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            current_state_timestamp: self.state_timestamp,
            members: self.members.iter().map(member).collect(),
        }
    }

    /// Does what is due.
    pub fn time_passed(&mut self, turn: &mut Turn) {
        let now = turn.now.mono;
        let due: Vec<String> = self.pending_joins.iter().filter(|(_, at)| **at <= now).map(|(id, _)| id.clone()).collect();
        for id in &due {
            self.remove(turn, id);
            self.complete_join_without(turn);
        }
        self.expire_sessions(turn);
        self.expire_pending_sync(turn, now);
        self.join_phase_over(turn, now);
        self.wake = self.earliest_deadline();
    }

    /// J10.
    fn expire_sessions(&mut self, turn: &mut Turn) {
        let now = turn.now.mono;
        let due: Vec<String> =
            self.members.iter().filter(|(_, m)| m.session_deadline.is_some_and(|at| at <= now)).map(|(id, _)| id.clone()).collect();
        for id in &due {
            // Whoever was lost before it may have given this one a fresh session.
            let Some(member) = self.members.get_mut(id).filter(|m| m.session_deadline.is_some_and(|at| at <= now)) else { continue };
            if member.is_waiting() {
                member.session_deadline = None;
                continue;
            }
            self.remove(turn, id);
            match self.phase {
                Phase::Stable | Phase::Completing => self.prepare_rebalance(turn),
                Phase::Preparing(_) => self.complete_join_without(turn),
                Phase::Empty => {}
            }
        }
    }

    /// J8.
    fn expire_pending_sync(&mut self, turn: &mut Turn, now: MonoMs) {
        let Some(pending) = self.pending_sync.take_if(|p| p.deadline <= now) else { return };
        if pending.members.is_empty() {
            return;
        }
        for id in &pending.members {
            self.remove(turn, id);
        }
        self.prepare_rebalance(turn);
    }

    /// J4: a first join phase is extended while members keep coming, any other ends now.
    fn join_phase_over(&mut self, turn: &mut Turn, now: MonoMs) {
        let Phase::Preparing(preparing) = &mut self.phase else { return };
        if preparing.deadline > now {
            return;
        }
        match &mut preparing.initial {
            Some(initial) if initial.newcomer && initial.remaining_ms > 0 => {
                initial.newcomer = false;
                let next = turn.config.initial_rebalance_delay_ms.min(initial.remaining_ms);
                initial.remaining_ms = initial.remaining_ms.saturating_sub(initial.delay_ms);
                initial.delay_ms = next;
                preparing.deadline = now.plus(next);
            }
            _ => self.complete_join(turn),
        }
    }

    /// The record of this group is not in the log, so what it said must not hold.
    pub fn append_failed(&mut self, turn: &mut Turn, error: ErrorCode) {
        let assignment_lost = self.phase == Phase::Stable && self.stored.as_ref().is_none_or(|s| s.value.generation != self.generation);
        if assignment_lost {
            // J7: everyone comes back for a new try.
            self.prepare_rebalance(turn);
        } else {
            self.refuse_all(turn, error);
            self.revive();
            self.start_clocks(turn);
        }
    }

    /// Answers every request that waits.
    pub fn refuse_all(&mut self, turn: &mut Turn, error: ErrorCode) {
        for (id, member) in &mut self.members {
            turn.refuse_join(member.joining.take(), id, error);
            turn.refuse_sync(member.syncing.take(), error);
        }
        self.joining = 0;
    }

    /// The member has sent its SyncGroup.
    pub(super) fn synced(&mut self, id: &str) {
        let all_synced = self.pending_sync.as_mut().is_some_and(|pending| {
            pending.members.remove(id);
            pending.members.is_empty()
        });
        if all_synced {
            self.pending_sync = None;
        }
    }

    /// Every member knows one of these protocols.
    pub(super) fn knows_one_of<'a>(&self, mut names: impl Iterator<Item = &'a str>) -> bool {
        let all: usize = self.members.len();
        names.any(|name| self.support.get(name).copied().unwrap_or(0) == all)
    }
}
