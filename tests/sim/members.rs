//! Members of a consumer group (KIP-848): they join, heartbeat, take and give up partitions, commit, leave, and are fenced.

use std::collections::BTreeSet;

use kfk::machine::group::{GroupAnswer, GroupRequest};
use kfk::types::{MonoMs, TopicId};
use kfk::wire::ErrorCode;
use kfk::wire::consumer_group_heartbeat_request::{ConsumerGroupHeartbeatRequest, TopicPartitions};
use kfk::wire::consumer_group_heartbeat_response::{Assignment, ConsumerGroupHeartbeatResponse};
use kfk::wire::offset_commit_request::{OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic};

use crate::ops::is_coordinators_trouble;
use crate::world::{Kind, World};

const GROUP: &str = "c0";
/// `group.consumer.session.timeout.ms`
const SESSION_MS: u64 = 45_000;
/// Longer than the session: a member that is heard keeps its promises in time.
const REBALANCE_MS: i32 = 60_000;

/// One member as it knows itself.
#[derive(Clone, Debug)]
pub struct Member {
    id: String,
    /// 0: it has to join.
    epoch: i32,
    owned: BTreeSet<(TopicId, i32)>,
    /// Part of what it owns: it was told to give these up, and has not done so yet.
    giving_up: BTreeSet<(TopicId, i32)>,
    /// Since when, until it has told that it did.
    asked: Option<MonoMs>,
    /// It owns something else than it has said.
    must_tell: bool,
    /// An answer was lost, and with it perhaps what it should know: it says all, and so hears all.
    missed: bool,
    /// Its last answer: so long its partitions are its own.
    heard: MonoMs,
}

impl Member {
    pub fn some() -> Vec<Member> {
        let none = BTreeSet::new;
        let (epoch, must_tell, heard, asked) = (0, false, MonoMs(0), None);
        let one = |i| Member { id: format!("m{i}"), epoch, owned: none(), giving_up: none(), asked, must_tell, missed: false, heard };
        (0..3).map(one).collect()
    }

    /// It has been thrown out, or has left.
    fn forget(&mut self) {
        self.epoch = 0;
        self.owned.clear();
        self.giving_up.clear();
        self.asked = None;
        self.must_tell = false;
    }

    /// It takes what is new at once, and gives up the rest when it is done with it.
    fn adopt(&mut self, told: &Assignment, now: MonoMs) {
        let all = told.topic_partitions.iter().flat_map(|t| t.partitions.iter().map(|p| (t.topic_id, *p)));
        let all: BTreeSet<(TopicId, i32)> = all.collect();
        self.must_tell |= all != self.owned;
        self.giving_up = self.owned.difference(&all).copied().collect();
        if !self.giving_up.is_empty() {
            self.asked.get_or_insert(now);
        }
        self.owned.extend(all);
    }

    /// It has stopped reading what it was told to give up.
    fn give_up(&mut self) {
        let gone = std::mem::take(&mut self.giving_up);
        self.must_tell |= !gone.is_empty();
        self.owned.retain(|p| !gone.contains(p));
    }

    /// What nobody else may read: until its session runs out, or the time that it has to give something up. Then it is thrown out.
    fn holds(&self, now: MonoMs) -> BTreeSet<(TopicId, i32)> {
        let is_late = self.asked.is_some_and(|asked| now >= asked.plus(REBALANCE_MS as u64));
        if now < self.heard.plus(SESSION_MS) && !is_late { self.owned.clone() } else { BTreeSet::new() }
    }

    fn heartbeat(&self, is_full: bool) -> ConsumerGroupHeartbeatRequest {
        let is_full = is_full || self.missed || self.epoch == 0;
        let of = |id: TopicId| self.owned.range((id, 0)..=(id, i32::MAX)).map(|(_, p)| *p).collect();
        let ids: BTreeSet<TopicId> = self.owned.iter().map(|(id, _)| *id).collect();
        let owned = ids.into_iter().map(|topic_id| TopicPartitions { topic_id, partitions: of(topic_id) }).collect();
        ConsumerGroupHeartbeatRequest {
            group_id: GROUP.into(),
            member_id: self.id.clone(),
            member_epoch: self.epoch,
            rebalance_timeout_ms: if is_full { REBALANCE_MS } else { -1 },
            subscribed_topic_names: is_full.then(|| (0..4).map(|i| format!("t{i}")).collect()),
            topic_partitions: (is_full || self.must_tell).then_some(owned),
            ..Default::default()
        }
    }
}

impl World {
    pub fn member_acts(&mut self) {
        for _ in 0..=self.rng.below(4) {
            self.one_member_acts();
        }
    }

    fn one_member_acts(&mut self) {
        let who = self.rng.below(self.members.len() as u64) as usize;
        match self.rng.below(16) {
            0 => self.leave(who),
            1..=3 if !self.members[who].owned.is_empty() => self.member_commits(who),
            what => self.beat(who, what == 15),
        }
    }

    fn ask_heartbeat(&mut self, request: ConsumerGroupHeartbeatRequest) -> Option<ConsumerGroupHeartbeatResponse> {
        let now = self.now;
        match self.node().ask_group(now, 1, None, GroupRequest::ConsumerGroupHeartbeat(request)) {
            Some(GroupAnswer::ConsumerGroupHeartbeat(answer)) => Some(answer),
            _ => {
                self.excuse_silence("a heartbeat");
                None
            }
        }
    }

    fn beat(&mut self, who: usize, is_full: bool) {
        if self.rng.below(3) == 0 {
            self.members[who].give_up();
        }
        let request = self.members[who].heartbeat(is_full);
        let told = request.topic_partitions.is_some();
        self.members[who].missed = true;
        let Some(answer) = self.ask_heartbeat(request) else { return };
        let code = ErrorCode::from_code(answer.error_code);
        self.note(format!("member {who} at {}: {code:?} {} {:?}", self.members[who].epoch, answer.member_epoch, answer.assignment));
        let (now, member) = (self.now.mono, &mut self.members[who]);
        match code {
            ErrorCode::None => {
                self.stats.heartbeats += 1;
                assert!(answer.member_epoch >= member.epoch, "the epoch of {member:?} went back to {}", answer.member_epoch);
                (member.epoch, member.heard) = (answer.member_epoch, now);
                member.missed = false;
                member.must_tell &= !told;
                if told && member.giving_up.is_empty() {
                    member.asked = None;
                }
                if let Some(told) = &answer.assignment {
                    member.adopt(told, now);
                }
                self.nobody_else_owns(who);
            }
            ErrorCode::FencedMemberEpoch | ErrorCode::UnknownMemberId => member.forget(),
            code => assert!(is_coordinators_trouble(code), "{}", self.what(&format!("heartbeat: {code:?}"))),
        }
    }

    /// K6, V8: as the members see it, which is where two of them would read the same records.
    fn nobody_else_owns(&mut self, who: usize) {
        let (now, mine) = (self.now.mono, &self.members[who]);
        for other in self.members.iter().filter(|m| m.id != mine.id) {
            let both: Vec<_> = mine.holds(now).intersection(&other.holds(now)).copied().collect();
            assert!(both.is_empty(), "{}", self.what(&format!("K6: {} and {} own {both:?}", mine.id, other.id)));
        }
    }

    fn leave(&mut self, who: usize) {
        if self.members[who].epoch == 0 {
            return self.beat(who, true);
        }
        let request = ConsumerGroupHeartbeatRequest {
            group_id: GROUP.into(),
            member_id: self.members[who].id.clone(),
            member_epoch: -1,
            ..Default::default()
        };
        self.members[who].forget();
        let answer = self.ask_heartbeat(request);
        self.note(format!("member {who} leaves: {:?}", answer.map(|a| a.error_code)));
    }

    fn member_commits(&mut self, who: usize) {
        let member = self.members[who].clone();
        let Some((id, index)) = member.owned.iter().next().copied() else { return };
        let Some(name) = self.model.topics.iter().find(|(_, t)| t.id == id).map(|(n, _)| n.clone()) else { return };
        let offset = self.fresh() as i64;
        let partition = OffsetCommitRequestPartition { partition_index: index, committed_offset: offset, ..Default::default() };
        let request = OffsetCommitRequest {
            group_id: GROUP.into(),
            generation_id_or_member_epoch: member.epoch,
            member_id: member.id,
            topics: vec![OffsetCommitRequestTopic { name: name.clone(), topic_id: id, partitions: vec![partition] }],
            ..Default::default()
        };
        let now = self.now;
        let code = match self.node().ask_group(now, 9, None, GroupRequest::OffsetCommit(request)) {
            Some(GroupAnswer::OffsetCommit(answer)) => ErrorCode::from_code(answer.topics[0].partitions[0].error_code),
            _ => {
                self.excuse_silence("a member's commit");
                ErrorCode::RequestTimedOut
            }
        };
        self.note(format!("member {who} commits {name}-{index} at {offset}: {code:?}"));
        match code {
            // It was thrown out, or has not heard of its new epoch: nothing was committed.
            ErrorCode::UnknownMemberId | ErrorCode::StaleMemberEpoch => {}
            code => self.committed_offset(GROUP, &name, index, offset, code),
        }
    }

    /// What the answer to a commit means for what may be found.
    pub fn committed_offset(&mut self, group: &str, topic: &str, index: i32, offset: i64, code: ErrorCode) {
        let is_loose = self.kind == Kind::Loose;
        let possible = self.model.offsets.entry((group.into(), topic.into(), index)).or_default();
        match code {
            ErrorCode::None if is_loose => possible.push(offset),
            ErrorCode::None => *possible = vec![offset],
            code => {
                assert!(is_coordinators_trouble(code), "a commit is refused: {code:?}");
                if possible.is_empty() {
                    possible.push(-1);
                }
                possible.push(offset);
            }
        }
    }

    /// In a loose history the coordinator may have forgotten anything: members begin anew.
    pub fn members_begin_anew(&mut self) {
        self.members.iter_mut().for_each(Member::forget);
    }

    /// In a `hurry` nobody keeps what it was told to give up.
    pub fn all_beat(&mut self, hurry: bool) {
        if hurry {
            self.members.iter_mut().for_each(Member::give_up);
        }
        (0..self.members.len()).for_each(|who| self.beat(who, false));
    }

    /// At the end of a history: every partition has exactly one member that reads it.
    pub fn everything_has_an_owner(&mut self) {
        for (name, topic) in &self.model.topics {
            for index in 0..topic.partitions {
                let owners: Vec<&str> =
                    self.members.iter().filter(|m| m.owned.contains(&(topic.id, index))).map(|m| m.id.as_str()).collect();
                assert_eq!(owners.len(), 1, "{}", self.what(&format!("{name}-{index} is read by {owners:?} of {:?}", self.members)));
            }
        }
    }
}
