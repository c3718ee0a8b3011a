//! Who fetches from which partitions: every partition has somebody and everybody has a partition, as evenly as that goes, and with as little
//! change from the last time as that allows. The coordinator's only assignor for share groups (`simple`).

use std::collections::{BTreeMap, BTreeSet};

use super::Partitions;
use crate::types::TopicId;

type Part = (TopicId, i32);

/// `members`: the topics of each. `partitions`: what may be given out. `before`: what each had.
pub fn assign(
    members: &BTreeMap<&str, BTreeSet<TopicId>>,
    partitions: &Partitions,
    before: &BTreeMap<String, Partitions>,
) -> BTreeMap<String, Partitions> {
    let all = || partitions.iter().flat_map(|(topic, ps)| ps.iter().map(move |p| (*topic, *p)));
    let mut table = Table::new(members, all());
    table.keep(before);
    for part in all() {
        if table.sharers[&part].is_empty()
            && let Some(member) = table.least_loaded(part.0)
        {
            table.give(member, part);
        }
    }
    let idle: Vec<&str> = table.parts.iter().filter(|(_, parts)| parts.is_empty()).map(|(m, _)| *m).collect();
    for member in idle {
        if let Some(part) = table.least_shared(member) {
            table.give(member, part);
        }
    }
    table.into_targets()
}

struct Table<'a> {
    members: &'a BTreeMap<&'a str, BTreeSet<TopicId>>,
    parts: BTreeMap<&'a str, BTreeSet<Part>>,
    sharers: BTreeMap<Part, BTreeSet<&'a str>>,
}

impl<'a> Table<'a> {
    fn new(members: &'a BTreeMap<&'a str, BTreeSet<TopicId>>, all: impl Iterator<Item = Part>) -> Self {
        let parts = members.keys().map(|m| (*m, BTreeSet::new())).collect();
        Table { members, parts, sharers: all.map(|part| (part, BTreeSet::new())).collect() }
    }

    fn give(&mut self, member: &'a str, part: Part) {
        self.parts.entry(member).or_default().insert(part);
        self.sharers.entry(part).or_default().insert(member);
    }

    fn subscribed(&self, member: &str, topic: &TopicId) -> bool {
        self.members.get(member).is_some_and(|topics| topics.contains(topic))
    }

    /// What members had stays, as far as it leaves room for the others.
    fn keep(&mut self, before: &BTreeMap<String, Partitions>) {
        let mut readers: BTreeMap<TopicId, usize> = BTreeMap::new();
        self.members.values().flatten().for_each(|topic| *readers.entry(*topic).or_default() += 1);
        let (partitions, members) = (self.sharers.len(), self.parts.len().max(1));
        let sharing = members.div_ceil(partitions.max(1));
        let quota = (partitions * sharing).div_ceil(members);
        for (member, had) in before {
            let Some((member, _)) = self.members.get_key_value(member.as_str()) else { continue };
            for part in had.iter().flat_map(|(topic, ps)| ps.iter().map(move |p| (*topic, *p))) {
                let shared = self.sharers.get(&part).map_or(usize::MAX, BTreeSet::len);
                if shared < sharing && self.parts[member].len() < quota && self.subscribed(member, &part.0) {
                    self.give(member, part);
                }
            }
        }
    }

    fn least_loaded(&self, topic: TopicId) -> Option<&'a str> {
        let readers = self.members.iter().filter(|(_, topics)| topics.contains(&topic));
        readers.min_by_key(|(member, _)| self.parts[*member].len()).map(|(member, _)| *member)
    }

    fn least_shared(&self, member: &str) -> Option<Part> {
        let wanted = self.sharers.iter().filter(|(part, _)| self.subscribed(member, &part.0));
        wanted.min_by_key(|(_, sharers)| sharers.len()).map(|(part, _)| *part)
    }

    fn into_targets(self) -> BTreeMap<String, Partitions> {
        let target = |parts: BTreeSet<Part>| {
            let mut target = Partitions::new();
            parts.into_iter().for_each(|(topic, p)| _ = target.entry(topic).or_default().insert(p));
            target
        };
        self.parts.into_iter().map(|(member, parts)| (member.to_string(), target(parts))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Uuid;

    fn sizes(targets: &BTreeMap<String, Partitions>) -> Vec<usize> {
        targets.values().map(|t| t.values().map(BTreeSet::len).sum()).collect()
    }

    #[test]
    fn h1_every_partition_and_every_member_has_its_share_and_little_moves() {
        let topic = Uuid([1; 16]);
        let names: Vec<String> = (0..9).map(|i| format!("m{i}")).collect();
        for members in 1..=9usize {
            for count in 1..=9i32 {
                let topics = BTreeSet::from([topic]);
                let these: BTreeMap<&str, _> = names[..members].iter().map(|n| (n.as_str(), topics.clone())).collect();
                let partitions = Partitions::from([(topic, (0..count).collect())]);
                let targets = assign(&these, &partitions, &BTreeMap::new());
                let sizes = sizes(&targets);
                let (most, least) = (sizes.iter().max().unwrap(), sizes.iter().min().unwrap());
                assert!(*least >= 1 && most - least <= 1, "{members} members, {count} partitions: {sizes:?}");
                let given: BTreeSet<i32> = targets.values().flat_map(|t| t[&topic].iter().copied()).collect();
                assert_eq!(given.len(), usize::try_from(count).unwrap());
                assert_eq!(assign(&these, &partitions, &targets), targets, "nothing moves when nothing has changed");
            }
        }
    }

    #[test]
    fn h1_members_get_only_what_they_subscribe_to() {
        let (a, b) = (Uuid([1; 16]), Uuid([2; 16]));
        let members = BTreeMap::from([("x", BTreeSet::from([a])), ("y", BTreeSet::from([a, b])), ("z", BTreeSet::new())]);
        let partitions = Partitions::from([(a, BTreeSet::from([0, 1])), (b, BTreeSet::from([0, 1]))]);
        let targets = assign(&members, &partitions, &BTreeMap::new());
        assert_eq!(targets["y"].get(&b), Some(&BTreeSet::from([0, 1])));
        assert!(!targets["x"].contains_key(&b) && targets["x"].contains_key(&a));
        assert!(targets["z"].is_empty());
    }
}
