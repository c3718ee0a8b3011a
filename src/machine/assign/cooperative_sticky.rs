//! `cooperative-sticky`: the sticky distribution, less the partitions that another member must give up first. Their new owner gets them
//! in the rebalance that follows when the old one has let go.

use std::collections::{BTreeMap, BTreeSet};

use super::{Assignments, Member, TopicPartitions, sticky};
use crate::types::TopicPartition;

pub(super) fn assign(topics: &BTreeMap<&str, &TopicPartitions>, members: &[Member]) -> Assignments {
    let outcome = sticky::assign(topics, members, sticky::Flavour::Cooperative);
    let mut assignments = outcome.assignments;
    let moving = outcome.moving.unwrap_or_else(|| moving_between(members, &assignments));
    for (partition, new_owner) in moving {
        if let Some(list) = assignments.get_mut(&new_owner) {
            list.retain(|tp| *tp != partition);
        }
    }
    assignments
}

/// Partitions that one member gets and another one has, with their new owner.
fn moving_between(members: &[Member], assignments: &Assignments) -> BTreeMap<TopicPartition, String> {
    let mut added: BTreeMap<TopicPartition, String> = BTreeMap::new();
    let mut revoked: BTreeSet<TopicPartition> = BTreeSet::new();
    for member in members {
        let owned: BTreeSet<&TopicPartition> = member.subscription.owned_partitions.iter().collect();
        let assigned: BTreeSet<&TopicPartition> = assignments.get(&member.id).into_iter().flatten().collect();
        added.extend(assigned.difference(&owned).map(|tp| ((*tp).clone(), member.id.clone())));
        revoked.extend(owned.difference(&assigned).map(|tp| (*tp).clone()));
    }
    added.retain(|tp, _| revoked.contains(tp));
    added
}
