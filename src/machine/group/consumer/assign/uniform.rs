//! `uniform` where all members subscribe to the same: everyone keeps what it has up to its share; the rest goes to whoever lacks.

use std::collections::{BTreeMap, BTreeSet};

use super::order::{member_order, partition_order, topic_map_order, topic_set_order};
use super::{GroupSpec, MemberSpec, Targets};
use crate::types::TopicId;

type TopicPartition = (TopicId, i32);

pub fn assign(group: &GroupSpec) -> Targets {
    let Some(subscribed) = group.members.first().map(|m| &m.subscribed) else { return Targets::new() };
    if subscribed.topics.is_empty() {
        return Targets::new();
    }
    let topics = topic_set_order(subscribed.by_name.iter().copied(), subscribed.names);
    let mut free = free_partitions(group, &topics);
    let mut shares = Shares::new(topics.iter().map(|t| group.partition_count(*t)).sum(), group.members.len());
    let mut targets = Targets::new();
    let mut lacking: Vec<(&str, usize)> = Vec::new();
    for i in member_order(group) {
        let member = &group.members[i];
        let (kept, lacks) = keep(group, member, &mut shares, &mut free);
        targets.insert(member.id.clone(), BTreeMap::new());
        give(&mut targets, &member.id, kept.into_iter());
        if lacks > 0 {
            lacking.push((&member.id, lacks));
        }
    }
    let mut free = free.into_iter();
    for (id, lacks) in lacking {
        give(&mut targets, id, free.by_ref().take(lacks));
    }
    targets
}

fn give(targets: &mut Targets, id: &str, partitions: impl Iterator<Item = TopicPartition>) {
    let Some(target) = targets.get_mut(id) else { return };
    partitions.for_each(|(topic, partition)| _ = target.entry(topic).or_default().insert(partition));
}

/// What no one has.
fn free_partitions(group: &GroupSpec, topics: &[TopicId]) -> Vec<TopicPartition> {
    let mut held: BTreeMap<TopicId, BTreeSet<i32>> = BTreeMap::new();
    for (topic, partitions) in group.members.iter().flat_map(|m| &m.held) {
        held.entry(*topic).or_default().extend(partitions);
    }
    let of_topic = |topic: &TopicId| {
        let (topic, held) = (*topic, held.get(topic));
        (0..group.partition_count(topic)).filter(move |p| held.is_none_or(|held| !held.contains(p))).map(move |p| (topic, p))
    };
    topics.iter().flat_map(of_topic).collect()
}

/// How many partitions each member may have: all the same number, and some one more.
struct Shares {
    least: usize,
    /// How many members still get one more.
    extra: usize,
    /// How many members have not been asked.
    members: usize,
}

impl Shares {
    fn new(partitions: i32, members: usize) -> Self {
        let partitions = usize::try_from(partitions).unwrap_or(0);
        Shares { least: partitions / members, extra: partitions % members, members }
    }
}

/// What a member keeps of what it has, and how many partitions it lacks then. Partitions above its share become free.
fn keep(group: &GroupSpec, member: &MemberSpec, shares: &mut Shares, free: &mut Vec<TopicPartition>) -> (Vec<TopicPartition>, usize) {
    let mut has_extra = shares.extra > 0;
    let mut room = shares.least + usize::from(has_extra);
    let mut kept = Vec::new();
    for topic in topic_map_order(member.held.keys().copied()).into_iter().filter(|t| member.subscribed.topics.contains(t)) {
        let count = group.partition_count(topic);
        let held = member.held[&topic].iter().copied().filter(|p| *p < count);
        for partition in partition_order(held) {
            if room > 0 {
                room -= 1;
                kept.push((topic, partition));
            } else {
                free.push((topic, partition));
            }
        }
    }
    // The one more is left for others if there are enough of them, so that whoever has it already keeps it.
    if room > 0 && has_extra && shares.members > shares.extra {
        room -= 1;
        has_extra = false;
    }
    shares.extra -= usize::from(has_extra);
    shares.members -= 1;
    (kept, room)
}
