//! `uniform` where members subscribe to different topics: everyone keeps what it has, the rest goes to whoever has least, and then
//! topic by topic partitions move from who has most to who has least, until nothing changes or it has been tried often enough.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::loads::Loads;
use super::order::member_order;
use super::{GroupSpec, MemberSpec, Targets};
use crate::types::TopicId;

const MAX_ROUNDS: usize = 16;

pub fn assign(group: &GroupSpec) -> Targets {
    let mut work = Work::new(group);
    if work.subscribers.is_empty() {
        return Targets::new();
    }
    work.keep();
    work.hand_out();
    work.balance();
    work.targets()
}

struct Work<'a> {
    group: &'a GroupSpec,
    /// Members stand here by their place in this list.
    members: Vec<&'a MemberSpec>,
    /// Every subscribed topic with its subscribers.
    subscribers: BTreeMap<TopicId, Vec<usize>>,
    /// Who has which partition.
    owners: BTreeMap<TopicId, Vec<Option<usize>>>,
    /// How many partitions each member has.
    loads: Vec<usize>,
}

impl<'a> Work<'a> {
    fn new(group: &'a GroupSpec) -> Self {
        let members: Vec<&MemberSpec> = member_order(group).into_iter().map(|i| &group.members[i]).collect();
        let mut subscribers: BTreeMap<TopicId, Vec<usize>> = BTreeMap::new();
        for (i, member) in members.iter().enumerate() {
            member.subscribed.topics.iter().for_each(|topic| subscribers.entry(*topic).or_default().push(i));
        }
        let none = |topic: &TopicId| (*topic, vec![None; usize::try_from(group.partition_count(*topic)).unwrap_or(0)]);
        let owners = subscribers.keys().map(none).collect();
        Work { group, loads: vec![0; members.len()], members, subscribers, owners }
    }

    fn keep(&mut self) {
        for (i, member) in self.members.iter().enumerate() {
            for (topic, held) in member.held.iter().filter(|(topic, _)| member.subscribed.topics.contains(topic)) {
                let Some(owners) = self.owners.get_mut(topic) else { continue };
                for partition in held {
                    if let Some(owner) = usize::try_from(*partition).ok().and_then(|p| owners.get_mut(p)) {
                        *owner = Some(i);
                        self.loads[i] += 1;
                    }
                }
            }
        }
    }

    /// Topics with the most partitions for each subscriber come first; then those with few subscribers.
    fn sorted(&self, topics: impl Iterator<Item = TopicId>) -> Vec<TopicId> {
        let mut topics: Vec<TopicId> = topics.collect();
        topics.sort_by(|a, b| self.compare(*a, *b));
        topics
    }

    fn compare(&self, a: TopicId, b: TopicId) -> Ordering {
        let subscribers = |topic: TopicId| self.subscribers.get(&topic).map_or(0, Vec::len);
        // Of two fractions the one whose cross product is larger; exact where Java reckons in floating point, and even where that is.
        let cross = |x: TopicId, y: TopicId| i128::from(self.group.partition_count(x)) * subscribers(y) as i128;
        let signed = |topic: TopicId| {
            let (most, least) = topic.0.split_at(8);
            let long = |bytes: &[u8]| bytes.iter().fold(0i64, |n, byte| (n << 8) | i64::from(*byte));
            (long(most), long(least))
        };
        cross(b, a).cmp(&cross(a, b)).then_with(|| subscribers(a).cmp(&subscribers(b))).then_with(|| signed(a).cmp(&signed(b)))
    }

    fn hand_out(&mut self) {
        let has_free = |(topic, owners): (&TopicId, &Vec<Option<usize>>)| owners.contains(&None).then_some(*topic);
        for topic in self.sorted(self.owners.iter().filter_map(has_free)) {
            let mut loads = Loads::new(&self.subscribers[&topic], &self.loads);
            for partition in 0..self.owners[&topic].len() {
                if self.owners[&topic][partition].is_none() {
                    let member = loads.next_least(&self.loads);
                    self.give(topic, partition, member);
                }
            }
        }
    }

    fn give(&mut self, topic: TopicId, partition: usize, member: usize) {
        let Some(owner) = self.owners.get_mut(&topic).and_then(|owners| owners.get_mut(partition)) else { return };
        if let Some(before) = owner.replace(member) {
            self.loads[before] -= 1;
        }
        self.loads[member] += 1;
    }

    fn balance(&mut self) {
        let shared = self.subscribers.iter().filter(|(_, subscribers)| subscribers.len() >= 2).map(|(topic, _)| *topic);
        let topics = self.sorted(shared);
        // Where something moved last, or where it began: once round without a move is the end.
        let mut last_moved: Option<usize> = None;
        for _ in 0..MAX_ROUNDS {
            for (i, topic) in topics.iter().enumerate() {
                if last_moved == Some(i) {
                    return;
                }
                if self.balance_topic(*topic) > 0 || last_moved.is_none() {
                    last_moved = Some(i);
                }
            }
        }
    }

    /// Returns how many partitions moved.
    fn balance_topic(&mut self, topic: TopicId) -> usize {
        let mut loads = Loads::new(&self.subscribers[&topic], &self.loads);
        if loads.spread(&self.loads) <= 1 {
            return 0;
        }
        // What each member can give of this topic, highest number last.
        let mut stock: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (partition, owner) in self.owners[&topic].iter().enumerate() {
            owner.iter().for_each(|owner| stock.entry(*owner).or_default().push(partition));
        }
        let mut moved = 0;
        while !loads.is_balanced() {
            let Some(partition) = self.next_to_move(&mut loads, &mut stock) else { break };
            let member = loads.next_least(&self.loads);
            if loads.is_balanced() {
                break;
            }
            self.give(topic, partition, member);
            moved += 1;
        }
        moved
    }

    /// A partition of whoever has most, of those who have one of this topic.
    fn next_to_move(&self, loads: &mut Loads, stock: &mut BTreeMap<usize, Vec<usize>>) -> Option<usize> {
        while let Some(member) = loads.next_most(&self.loads) {
            if let Some(partition) = stock.get_mut(&member).and_then(Vec::pop) {
                return Some(partition);
            }
            loads.exclude_most();
        }
        None
    }

    fn targets(&self) -> Targets {
        let mut targets: Targets = self.members.iter().map(|m| (m.id.clone(), BTreeMap::new())).collect();
        for (topic, owners) in &self.owners {
            for (partition, owner) in (0i32..).zip(owners) {
                if let Some(target) = owner.and_then(|i| targets.get_mut(&self.members[i].id)) {
                    target.entry(*topic).or_default().insert(partition);
                }
            }
        }
        targets
    }
}
