//! `range`: the partitions of each topic, in order, in ranges of equal length; the first members get one more if it does not come out even.

use std::collections::{BTreeMap, BTreeSet};

use super::{GroupSpec, MemberSpec, Targets};
use crate::types::TopicId;

pub fn assign(group: &GroupSpec) -> Targets {
    let members = in_serving_order(&group.members);
    let mut subscribers: BTreeMap<TopicId, Vec<&MemberSpec>> = BTreeMap::new();
    for member in &members {
        member.subscribed.topics.iter().for_each(|topic| subscribers.entry(*topic).or_default().push(member));
    }
    let mut targets: Targets = group.members.iter().map(|m| (m.id.clone(), BTreeMap::new())).collect();
    for (topic, subscribers) in subscribers {
        for (member, range) in subscribers.iter().zip(ranges(group.partition_count(topic), subscribers.len())) {
            if let (Some(target), false) = (targets.get_mut(&member.id), range.is_empty()) {
                target.insert(topic, range);
            }
        }
    }
    targets
}

/// So many partitions in so many ranges.
fn ranges(partitions: i32, members: usize) -> impl Iterator<Item = BTreeSet<i32>> {
    let members = i32::try_from(members).unwrap_or(i32::MAX).max(1);
    let (each, extra) = (partitions / members, partitions % members);
    let start = move |i: i32| each * i + extra.min(i);
    (0..members).map(move |i| (start(i)..start(i + 1)).collect())
}

/// Static members first, by instance id, so that they keep their ranges when they come back under another member id.
fn in_serving_order(members: &[MemberSpec]) -> Vec<&MemberSpec> {
    let mut sorted: Vec<&MemberSpec> = members.iter().collect();
    sorted.sort_by(|a, b| match (&a.instance_id, &b.instance_id) {
        (Some(x), Some(y)) => x.cmp(y),
        (Some(_), None) => std::cmp::Ordering::Less,
        (None, Some(_)) => std::cmp::Ordering::Greater,
        (None, None) => a.id.cmp(&b.id),
    });
    sorted
}
