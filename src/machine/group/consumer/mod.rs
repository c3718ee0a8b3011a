//! A consumer group (KIP-848): members that the coordinator itself gives partitions to, one heartbeat at a time (facts K).
//!
//! ```text
//! group epoch     grows when members, their subscriptions or the topics change     something has to be done
//! target epoch    follows when a target is computed for all members                what it shall come to
//! member epoch    follows member by member, each at its own pace                   what has been done
//! ```
//! A member first gives up what its target no longer has, and says so; then its epoch moves on, and it gets what is free. What another
//! member still holds it gets later (`reconcile.rs`). So at no time two members have one partition (V8).
//!
//! All that is here stands in the log. What may be lost, clocks above all, is in [`Living`](living::Living).

mod apply;
pub mod assign;
mod classic_members;
mod commit;
mod convert;
mod describe;
mod fence;
mod heartbeat;
pub(super) mod living;
mod member;
mod reconcile;
pub(super) mod records;
mod refusal;
mod regex;
mod rollcall;
mod subscription;
mod target;
mod validate;

use std::collections::{BTreeMap, BTreeSet};

pub(super) use self::commit::Committer;
pub(super) use self::member::leaves;
use self::member::{Member, Partitions};
pub(super) use self::refusal::Refusal;
pub(super) use self::validate::validate;
use crate::types::TopicId;

/// The epoch of a group, and of its target, before anything happened.
const FIRST_EPOCH: i32 = 1;

/// The topics that matched a regular expression when it was resolved.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ResolvedRegex {
    pub topics: BTreeSet<String>,
    /// Of the picture of the cluster that it was resolved with.
    pub version: i64,
    /// Wall time.
    pub timestamp: i64,
}

#[derive(Clone, Debug)]
pub(super) struct ConsumerGroup {
    epoch: i32,
    /// The epoch stands in the log. A group whose members came with a regular expression only has no such record yet.
    has_epoch_record: bool,
    /// Of the topics that its members subscribe to.
    metadata_hash: i64,
    target_epoch: i32,
    /// Wall time when the target was computed; 0 if it never was.
    target_timestamp: i64,
    targets: BTreeMap<String, Partitions>,
    members: BTreeMap<String, Member>,
    regexes: BTreeMap<String, ResolvedRegex>,
    /// A record of brokers before 4.1 is in the log; the next change takes it out.
    has_topics_record: bool,
    index: Index,
}

/// What follows from the members and is kept so that it need not be counted each time.
#[derive(Clone, Debug, Default, PartialEq)]
struct Index {
    /// Instance id to member id.
    static_members: BTreeMap<String, String>,
    /// How many members hold a partition, or may hold it still; none is left out.
    holders: BTreeMap<TopicId, BTreeMap<i32, u32>>,
    /// Subscribed topic to the number of members that name it and of regular expressions that match it.
    topics: BTreeMap<String, usize>,
    /// Regular expression to the number of members that subscribe to it.
    regexes: BTreeMap<String, usize>,
    classic_members: usize,
    /// Protocol to the number of classic members that know it.
    classic_protocols: BTreeMap<String, usize>,
}

impl ConsumerGroup {
    /// A group no one has heard of.
    pub fn new() -> Self {
        ConsumerGroup {
            epoch: FIRST_EPOCH,
            has_epoch_record: false,
            metadata_hash: 0,
            target_epoch: FIRST_EPOCH,
            target_timestamp: 0,
            targets: BTreeMap::new(),
            members: BTreeMap::new(),
            regexes: BTreeMap::new(),
            has_topics_record: false,
            index: Index::default(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub fn len(&self) -> usize {
        self.members.len()
    }

    pub fn state_name(&self) -> &'static str {
        if self.members.is_empty() {
            "Empty"
        } else if self.epoch > self.target_epoch {
            "Assigning"
        } else if self.members.values().all(|m| m.has_reached(self.target_epoch)) {
            "Stable"
        } else {
            "Reconciling"
        }
    }

    pub fn is_subscribed_to(&self, topic: &str) -> bool {
        self.index.topics.contains_key(topic)
    }

    fn static_member(&self, instance: &str) -> Option<&Member> {
        self.index.static_members.get(instance).and_then(|id| self.members.get(id))
    }

    /// Some member has the partition, or has not said that it gave it up.
    fn is_held(&self, topic: TopicId, partition: i32) -> bool {
        self.index.holders.get(&topic).is_some_and(|partitions| partitions.contains_key(&partition))
    }

    fn target(&self, member: &str) -> Partitions {
        self.targets.get(member).cloned().unwrap_or_default()
    }

    fn regex_subscribers(&self, regex: &str) -> usize {
        self.index.regexes.get(regex).copied().unwrap_or(0)
    }

    /// Every invariant of the group.
    pub fn check(&self) -> Result<(), String> {
        let ensure = |ok: bool, what: &str| if ok { Ok(()) } else { Err(what.to_string()) };
        ensure(self.index == self.count(), "the index is what counting gives")?;
        let held_twice = self.index.holders.values().flatten().find(|(_, holders)| **holders > 1);
        ensure(held_twice.is_none(), "V8: a partition has one holder")?;
        let mut targeted: BTreeSet<(TopicId, i32)> = BTreeSet::new();
        for (topic, partition) in self.targets.values().flatten().flat_map(|(t, ps)| ps.iter().map(move |p| (*t, *p))) {
            ensure(targeted.insert((topic, partition)), "a partition is in one target")?;
        }
        ensure(self.targets.keys().all(|id| self.members.contains_key(id)), "who has a target is a member")?;
        ensure(self.regexes.keys().all(|regex| self.regex_subscribers(regex) > 0), "who resolves a regular expression subscribes to it")?;
        ensure(self.target_epoch <= self.epoch, "the target is not ahead of the group")?;
        ensure(self.members.values().all(|m| m.epoch <= self.target_epoch), "no member is ahead of the target")
    }

    fn count(&self) -> Index {
        let mut index = Index::default();
        self.members.values().for_each(|member| {
            index.add_profile(member);
            index.add_holdings(member);
        });
        self.regexes.values().for_each(|resolved| index.add_topics(&resolved.topics));
        index
    }
}

fn increment<K: Ord + Clone>(counts: &mut BTreeMap<K, usize>, key: &K) {
    *counts.entry(key.clone()).or_default() += 1;
}

fn decrement<K: Ord>(counts: &mut BTreeMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

impl Index {
    fn add_topics(&mut self, topics: &BTreeSet<String>) {
        topics.iter().for_each(|topic| increment(&mut self.topics, topic));
    }

    fn remove_topics(&mut self, topics: &BTreeSet<String>) {
        topics.iter().for_each(|topic| decrement(&mut self.topics, topic));
    }

    fn add_profile(&mut self, member: &Member) {
        if let Some(instance) = &member.profile.instance_id {
            self.static_members.insert(instance.clone(), member.id.clone());
        }
        self.add_topics(&member.profile.topic_names);
        if let Some(regex) = member.profile.regex() {
            increment(&mut self.regexes, &regex.to_string());
        }
        self.classic_members += usize::from(member.is_classic());
        member.classic_protocols().iter().for_each(|p| increment(&mut self.classic_protocols, &p.name));
    }

    fn remove_profile(&mut self, member: &Member) {
        if let Some(instance) = &member.profile.instance_id
            && self.static_members.get(instance) == Some(&member.id)
        {
            self.static_members.remove(instance);
        }
        self.remove_topics(&member.profile.topic_names);
        if let Some(regex) = member.profile.regex() {
            decrement(&mut self.regexes, &regex.to_string());
        }
        self.classic_members -= usize::from(member.is_classic());
        member.classic_protocols().iter().for_each(|p| decrement(&mut self.classic_protocols, &p.name));
    }

    fn add_holdings(&mut self, member: &Member) {
        for (topic, partition, _) in member.held() {
            *self.holders.entry(topic).or_default().entry(partition).or_default() += 1;
        }
    }

    fn remove_holdings(&mut self, member: &Member) {
        for (topic, partition, _) in member.held() {
            let Some(partitions) = self.holders.get_mut(&topic) else { continue };
            if let Some(count) = partitions.get_mut(&partition) {
                *count -= 1;
                if *count == 0 {
                    partitions.remove(&partition);
                }
            }
            if partitions.is_empty() {
                self.holders.remove(&topic);
            }
        }
    }
}
