//! Members that go: by themselves, or because they were not heard of for too long (facts K1, K7).

use std::collections::BTreeSet;

use super::heartbeat::fenced;
use super::living::{Clock, Due, Living};
use super::member::AWAY;
use super::records::Records;
use super::subscription::next_epoch;
use super::{ConsumerGroup, Member, Refusal};
use crate::machine::group::classic::ClassicGroup;
use crate::machine::group::turn::Turn;
use crate::wire::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest;
use crate::wire::consumer_group_heartbeat_response::ConsumerGroupHeartbeatResponse;

impl ConsumerGroup {
    /// A heartbeat with epoch -1 or -2. If only members of the classic protocol remain, the group becomes a classic one.
    pub fn leave(
        &self,
        turn: &mut Turn,
        request: &ConsumerGroupHeartbeatRequest,
        records: &mut Records,
    ) -> Result<(ConsumerGroupHeartbeatResponse, Option<ClassicGroup>), Refusal> {
        let id = &request.member_id;
        let member = match &request.instance_id {
            None => self.members.get(id).ok_or_else(|| Refusal::unknown_member(id, turn.group_id))?,
            Some(instance) => {
                let member = self.static_member(instance).ok_or_else(|| Refusal::unknown_instance(instance))?;
                if member.id != *id {
                    return Err(fenced(id, instance));
                }
                member
            }
        };
        let answer =
            ConsumerGroupHeartbeatResponse { member_id: Some(member.id.clone()), member_epoch: request.member_epoch, ..Default::default() };
        if request.member_epoch == AWAY && request.instance_id.is_some() {
            records.current(&away(member));
            return Ok((answer, None));
        }
        Ok((answer, self.fence(turn, &BTreeSet::from([member.id.clone()]), records)))
    }

    /// Takes members out of the group. If only members of the classic protocol remain, the group becomes a classic one.
    pub fn fence(&self, turn: &mut Turn, ids: &BTreeSet<String>, records: &mut Records) -> Option<ClassicGroup> {
        if ids.is_empty() {
            return None;
        }
        if let Some(classic) = self.downgrade_without(turn, ids, records) {
            return Some(classic);
        }
        ids.iter().for_each(|id| records.no_member(id));
        let stay = || self.members.values().filter(|m| !ids.contains(&m.id));
        let regexes: BTreeSet<&str> = stay().filter_map(|m| m.profile.regex()).collect();
        let gone: BTreeSet<&str> = self.index.regexes.keys().map(String::as_str).filter(|regex| !regexes.contains(regex)).collect();
        gone.into_iter().for_each(|regex| records.no_regex(regex));
        let named = stay().flat_map(|m| &m.profile.topic_names);
        let matched = regexes.iter().filter_map(|regex| self.regexes.get(*regex)).flat_map(|r| &r.topics);
        let hash = turn.cluster.hash(named.chain(matched).map(String::as_str));
        records.epoch(next_epoch(self), hash);
        None
    }

    /// Does what the clocks ask for.
    pub fn time_passed(&self, living: &mut Living, turn: &mut Turn, records: &mut Records) -> Option<ClassicGroup> {
        let now = turn.now.mono;
        if living.take_resolve() {
            // Clocks that have run down have another turn at once: both make a new epoch.
            self.resolve_regexes(living, turn, records);
            return None;
        }
        let due: Vec<Due> = living.take_due(now).into_iter().filter(|due| self.still_counts(due)).collect();
        due.iter().for_each(|due| living.try_again(due, now));
        self.fence(turn, &due.into_iter().map(|due| due.member).collect(), records)
    }

    fn still_counts(&self, due: &Due) -> bool {
        self.members.get(&due.member).is_some_and(|member| match due.clock {
            Clock::Session => true,
            Clock::Revocation => member.epoch == due.epoch,
            Clock::Rejoin | Clock::Sync => member.is_classic(),
        })
    }

    /// Starts the clocks of a group that was just read.
    pub fn start_clocks(&self, living: &mut Living, turn: &Turn) {
        let session_ms = turn.session_timeout_ms();
        for member in self.members.values() {
            living.set(Clock::Session, &member.id, member.epoch, turn.now.mono.plus(session_ms));
            if member.state == super::member::State::UnrevokedPartitions && !member.is_classic() {
                let timeout = u64::try_from(member.profile.rebalance_timeout_ms).unwrap_or(0);
                living.set(Clock::Revocation, &member.id, member.epoch, turn.now.mono.plus(timeout));
            }
        }
    }
}

/// A static member that left for a while: it keeps what it has, and has given up what it had to.
fn away(member: &Member) -> Member {
    let mut member = Member { epoch: AWAY, ..member.clone() };
    member.revoking.clear();
    member.assigned.values_mut().flat_map(|partitions| partitions.values_mut()).for_each(|epoch| *epoch = 0);
    member
}
