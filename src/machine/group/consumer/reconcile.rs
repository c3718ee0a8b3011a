//! How a member gets from what it has to what its target says (facts K6, K7).
//!
//! ```text
//!   Stable ---- target has less ----> UnrevokedPartitions ---- member says it gave them up ----.
//!     |  ^                                                                                     v
//!     |  `------------------------ all there ------------------------- UnreleasedPartitions <--+
//!     `---- target has more: what is free now, the rest once others have released it ----------'
//! ```

use std::collections::{BTreeMap, BTreeSet};

use super::member::{Owned, State};
use super::{ConsumerGroup, Member, Partitions, Refusal};
use crate::machine::group::cluster_view::ClusterView;
use crate::types::TopicId;
use crate::wire::ErrorCode;
use crate::wire::consumer_group_heartbeat_request::TopicPartitions;

pub struct Reconciliation<'a> {
    pub group: &'a ConsumerGroup,
    pub cluster: &'a dyn ClusterView,
    pub target_epoch: i32,
    pub target: &'a Partitions,
    /// The member subscribes to something else than before.
    pub subscription_changed: bool,
    /// What the member says it has; `None` if it does not say.
    pub owned: Option<&'a [TopicPartitions]>,
}

impl Reconciliation<'_> {
    /// The member after its next step, which may be none.
    pub fn step(&self, member: Member) -> Result<Member, Refusal> {
        if !self.subscription_changed && member.has_reached(self.target_epoch) {
            return Ok(member);
        }
        match member.state {
            State::Stable if member.epoch != self.target_epoch => Ok(self.next(member)),
            State::Stable => Ok(self.without_unsubscribed(member)),
            State::UnrevokedPartitions if !self.owns_any_of(&member.revoking) => Ok(self.next(member)),
            State::UnrevokedPartitions if self.subscription_changed => Ok(self.without_unsubscribed(member)),
            State::UnrevokedPartitions => Ok(member),
            State::UnreleasedPartitions => Ok(self.next(member)),
            State::Unknown if self.owned.is_some_and(<[_]>::is_empty) => Ok(self.next(member)),
            State::Unknown => Err(Refusal::new(
                ErrorCode::FencedMemberEpoch,
                "The member is in a state that this broker does not know. It must abandon all its partitions and rejoin.",
            )),
        }
    }

    /// Whoever does not say what it has, may have anything.
    fn owns_any_of(&self, partitions: &Owned) -> bool {
        let Some(owned) = self.owned else { return true };
        let is_among =
            |t: &TopicPartitions| partitions.get(&t.topic_id).is_some_and(|among| t.partitions.iter().any(|p| among.contains_key(p)));
        owned.iter().any(is_among)
    }

    fn is_subscribed(&self, member: &Member, topic: TopicId) -> bool {
        let Some(name) = self.cluster.topic_name(topic) else { return false };
        let resolved = member.profile.regex().and_then(|regex| self.group.regexes.get(regex));
        member.profile.topic_names.contains(name) || resolved.is_some_and(|r| r.topics.contains(name))
    }

    /// Takes away what the member no longer subscribes to, without waiting for a new target.
    fn without_unsubscribed(&self, mut member: Member) -> Member {
        let lost: BTreeSet<TopicId> = member.assigned.keys().copied().filter(|topic| !self.is_subscribed(&member, *topic)).collect();
        if lost.is_empty() {
            return member;
        }
        let epoch = member.epoch;
        let (taken, assigned): (Owned, Owned) =
            std::mem::take(&mut member.assigned).into_iter().partition(|(topic, _)| lost.contains(topic));
        let mut revoking = member.revoking.clone();
        for (topic, partitions) in taken {
            revoking.entry(topic).or_default().extend(partitions);
        }
        if self.owns_any_of(&revoking) {
            return member.enter(epoch, State::UnrevokedPartitions, assigned, revoking);
        }
        let (state, revoking) = (member.state, member.revoking.clone());
        member.enter(epoch, state, assigned, revoking)
    }

    /// Gives up what the target does not have; once that is done, takes what is free of what it has.
    fn next(&self, member: Member) -> Member {
        let mut keeps = Owned::new();
        let mut gives_up = Owned::new();
        for (topic, partitions) in &member.assigned {
            let target = self.target.get(topic).filter(|_| self.is_subscribed(&member, *topic));
            let (kept, lost): (BTreeMap<i32, i32>, BTreeMap<i32, i32>) =
                partitions.iter().map(|(p, e)| (*p, *e)).partition(|(p, _)| target.is_some_and(|target| target.contains(p)));
            insert(&mut keeps, *topic, kept);
            insert(&mut gives_up, *topic, lost);
        }
        if self.owns_any_of(&gives_up) && !gives_up.is_empty() {
            let epoch = member.epoch;
            return member.enter(epoch, State::UnrevokedPartitions, keeps, gives_up);
        }
        let mut waits = false;
        for (topic, partitions) in self.target.iter().filter(|(topic, _)| self.is_subscribed(&member, **topic)) {
            for partition in partitions {
                if member.assigned.get(topic).is_some_and(|has| has.contains_key(partition)) {
                    continue;
                }
                if self.is_free(&member, *topic, *partition) {
                    keeps.entry(*topic).or_default().insert(*partition, self.target_epoch);
                } else {
                    waits = true;
                }
            }
        }
        let state = if waits { State::UnreleasedPartitions } else { State::Stable };
        member.enter(self.target_epoch, state, keeps, Owned::new())
    }

    /// Nobody has it but the member itself, which was about to give it up.
    fn is_free(&self, member: &Member, topic: TopicId, partition: i32) -> bool {
        !self.group.is_held(topic, partition) || member.revoking.get(&topic).is_some_and(|own| own.contains_key(&partition))
    }
}

fn insert(owned: &mut Owned, topic: TopicId, partitions: BTreeMap<i32, i32>) {
    if !partitions.is_empty() {
        owned.insert(topic, partitions);
    }
}
