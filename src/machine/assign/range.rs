//! `range`: per topic, a run of consecutive partitions for each of its members in order; the first ones get one more where it does not divide.
//!
//! Where members and replicas have racks that matter, partitions are first given to members on a rack that has a replica: topics with the
//! same members and partition count together (so that partition n of all goes to one member), others alone. The rest follows as ranges.

use std::collections::{BTreeMap, BTreeSet};

use super::{Assignments, Member, TopicPartitions, empty_assignments, in_serving_order, racks_matter};
use crate::types::TopicPartition;

pub(super) fn assign(topics: &BTreeMap<&str, &TopicPartitions>, members: &[Member]) -> Assignments {
    let serving = in_serving_order(members);
    let mut states: Vec<TopicState> = topics.iter().map(|(&name, &partitions)| TopicState::new(name, partitions, &serving)).collect();
    let mut assignments = empty_assignments(members);
    let rack_aware = states.iter().any(|s| s.needs_racks);
    if rack_aware {
        assign_on_racks(&mut states, &mut assignments);
    }
    for state in &mut states {
        state.assign_ranges(|_, _, _| true, &mut assignments);
    }
    if rack_aware {
        assignments.values_mut().for_each(|list| list.sort());
    }
    assignments
}

/// One topic while it is being distributed.
struct TopicState<'a> {
    topic: &'a str,
    partitions: &'a TopicPartitions,
    /// The topic's members in serving order, each with the number of partitions it has of this topic.
    takers: Vec<(&'a Member, usize)>,
    unassigned: BTreeSet<usize>,
    per_member: usize,
    /// How many members may still get one partition more than `per_member`.
    extras: usize,
    /// Some member has a rack.
    has_racks: bool,
    needs_racks: bool,
}

impl<'a> TopicState<'a> {
    fn new(topic: &'a str, partitions: &'a TopicPartitions, serving: &[&'a Member]) -> Self {
        let takers: Vec<(&Member, usize)> =
            serving.iter().filter(|m| m.subscription.topics.iter().any(|t| t == topic)).map(|m| (*m, 0)).collect();
        let racks: BTreeSet<&str> = takers.iter().filter_map(|(m, _)| m.subscription.rack.as_deref()).collect();
        let count = takers.len().max(1);
        TopicState {
            topic,
            partitions,
            unassigned: (0..partitions.len()).collect(),
            per_member: partitions.len() / count,
            extras: partitions.len() % count,
            has_racks: !racks.is_empty(),
            needs_racks: racks_matter(&racks, partitions.racks.iter().map(Vec::as_slice)),
            takers,
        }
    }

    fn room(&self, taker: usize) -> usize {
        (self.per_member + usize::from(self.extras > 0)).saturating_sub(self.takers[taker].1)
    }

    /// Members without a rack fit anywhere.
    fn racks_match(&self, taker: usize, partition: usize) -> bool {
        match &self.takers[taker].0.subscription.rack {
            None => true,
            Some(rack) => self.partitions.racks.get(partition).is_some_and(|racks| racks.contains(rack)),
        }
    }

    fn give(&mut self, taker: usize, given: &[usize], assignments: &mut Assignments) {
        let (member, count) = &mut self.takers[taker];
        *count += given.len();
        if *count > self.per_member {
            self.extras = self.extras.saturating_sub(1);
        }
        if let Some(list) = assignments.get_mut(&member.id) {
            list.extend(given.iter().filter_map(|&p| Some(TopicPartition::new(self.topic, i32::try_from(p).ok()?))));
        }
        for p in given {
            self.unassigned.remove(p);
        }
    }

    /// Gives every member, in order, the lowest unassigned partitions it may have, up to its room.
    fn assign_ranges(&mut self, may: impl Fn(&Self, usize, usize) -> bool, assignments: &mut Assignments) {
        for taker in 0..self.takers.len() {
            let room = self.room(taker);
            let given: Vec<usize> = self.unassigned.iter().copied().filter(|&p| may(self, taker, p)).take(room).collect();
            if !given.is_empty() {
                self.give(taker, &given, assignments);
            }
        }
    }

    /// Topics that agree in this are distributed together.
    fn co_partitioning_key(&self) -> (Vec<&'a str>, usize) {
        (self.takers.iter().map(|(m, _)| m.id.as_str()).collect(), self.partitions.len())
    }
}

fn assign_on_racks(states: &mut [TopicState], assignments: &mut Assignments) {
    let mut sets: BTreeMap<(Vec<&str>, usize), Vec<usize>> = BTreeMap::new();
    for (i, state) in states.iter().enumerate().filter(|(_, s)| s.has_racks) {
        sets.entry(state.co_partitioning_key()).or_default().push(i);
    }
    for set in sets.into_values() {
        match set[..] {
            [alone] if states[alone].needs_racks => states[alone].assign_ranges(TopicState::racks_match, assignments),
            [_] => {}
            _ => assign_co_partitioned(states, &set, assignments),
        }
    }
}

/// Gives partition n of all the topics in `set` to the first member that has room for and a rack with every one of them.
fn assign_co_partitioned(states: &mut [TopicState], set: &[usize], assignments: &mut Assignments) {
    let first = &states[set[0]];
    let partitions = first.partitions.len();
    let mut remaining: Vec<usize> = (0..first.takers.len()).collect();
    for partition in 0..partitions {
        let fits = |taker: usize| set.iter().all(|&s| states[s].racks_match(taker, partition) && states[s].room(taker) > 0);
        let Some(taker) = remaining.iter().copied().find(|&t| fits(t)) else { continue };
        for &s in set {
            states[s].give(taker, &[partition], assignments);
        }
        if set.iter().all(|&s| states[s].room(taker) == 0) {
            remaining.retain(|&t| t != taker);
            if remaining.is_empty() {
                break;
            }
        }
    }
}
