//! What `sticky` and `cooperative-sticky` share: numbering of members and partitions, who held what before, racks.
//!
//! Members that all want the same topics take the quick way ([`sticky_constrained`](super::sticky_constrained)), others the general one.
//! Two things differ from Java on purpose: partitions that no longer exist are not kept (Java would assign others twice because of them),
//! and a member is never given a partition of a topic it does not want.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Assignments, Member, NO_GENERATION, TopicPartitions, consumer_protocol, java_order, racks_matter, sticky_constrained, sticky_general,
};
use crate::types::TopicPartition;

/// Where a member's former partitions and generation stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavour {
    /// In the user data: an eager member holds nothing when it joins.
    Eager,
    /// In the subscription itself.
    Cooperative,
}

pub(super) struct Outcome {
    pub(super) assignments: Assignments,
    /// Partitions that go from one member to another, with the new one; `None` when the general way was taken, which does not know.
    pub(super) moving: Option<BTreeMap<TopicPartition, String>>,
}

pub(super) fn assign(topics: &BTreeMap<&str, &TopicPartitions>, members: &[Member], flavour: Flavour) -> Outcome {
    if members.is_empty() {
        return Outcome { assignments: Assignments::new(), moving: Some(BTreeMap::new()) };
    }
    let field = Field::new(topics, members);
    let history = History::read(&field, flavour);
    let racks = Racks::new(&field);
    if field.all_want_the_same() {
        let (lists, moving) = sticky_constrained::assign(&field, &history, &racks);
        let moving = moving.into_iter().map(|(p, who)| (field.topic_partition(p), field.members[who].id.clone())).collect();
        Outcome { assignments: field.assignments(lists), moving: Some(moving) }
    } else {
        Outcome { assignments: field.assignments(sticky_general::assign(&field, &history, &racks)), moving: None }
    }
}

/// A member, numbered in order of member id.
pub(super) type Who = usize;
/// A partition, numbered in order of topic name and partition.
pub(super) type Part = usize;

/// The members and partitions of one assignment, numbered.
pub(super) struct Field<'a> {
    pub(super) members: Vec<&'a Member>,
    /// The members in the order in which Java's map of subscriptions hands them out.
    pub(super) java_order: Vec<Who>,
    pub(super) topics: Vec<(&'a str, &'a TopicPartitions)>,
    /// The first partition of each topic, and the number of all partitions at the end.
    first_part: Vec<Part>,
    topic_of: Vec<usize>,
    topic_numbers: BTreeMap<&'a str, usize>,
}

impl<'a> Field<'a> {
    fn new(topics: &BTreeMap<&'a str, &'a TopicPartitions>, given: &'a [Member]) -> Self {
        let mut members: Vec<&Member> = given.iter().collect();
        members.sort_by(|a, b| a.id.cmp(&b.id));
        members.dedup_by(|a, b| a.id == b.id);
        let numbers: BTreeMap<&str, Who> = members.iter().enumerate().map(|(who, m)| (m.id.as_str(), who)).collect();
        let order = java_order::map_order(given.iter().map(|m| m.id.as_str()));
        let mut java_order: Vec<Who> = order.into_iter().filter_map(|i| numbers.get(given[i].id.as_str()).copied()).collect();
        java_order.dedup();

        let topics: Vec<(&str, &TopicPartitions)> = topics.iter().map(|(name, t)| (*name, *t)).collect();
        let mut first_part = vec![0];
        let mut topic_of = Vec::new();
        for (number, (_, partitions)) in topics.iter().enumerate() {
            topic_of.resize(topic_of.len() + partitions.len(), number);
            first_part.push(topic_of.len());
        }
        let topic_numbers = topics.iter().enumerate().map(|(number, (name, _))| (*name, number)).collect();
        Field { members, java_order, topics, first_part, topic_of, topic_numbers }
    }

    pub(super) fn parts(&self) -> std::ops::Range<Part> {
        0..self.topic_of.len()
    }

    pub(super) fn parts_of(&self, topic: usize) -> std::ops::Range<Part> {
        self.first_part[topic]..self.first_part[topic + 1]
    }

    pub(super) fn topic_of(&self, part: Part) -> usize {
        self.topic_of[part]
    }

    /// The partition's number within its topic.
    pub(super) fn partition_of(&self, part: Part) -> usize {
        part - self.first_part[self.topic_of[part]]
    }

    pub(super) fn racks_of(&self, part: Part) -> &'a [String] {
        &self.topics[self.topic_of[part]].1.racks[self.partition_of(part)]
    }

    pub(super) fn topic_partition(&self, part: Part) -> TopicPartition {
        TopicPartition::new(self.topics[self.topic_of[part]].0, i32::try_from(self.partition_of(part)).unwrap_or(i32::MAX))
    }

    /// The number of a partition that exists.
    fn part(&self, tp: &TopicPartition) -> Option<Part> {
        let parts = self.parts_of(*self.topic_numbers.get(tp.topic.as_str())?);
        let part = parts.start.checked_add(usize::try_from(tp.partition).ok()?)?;
        parts.contains(&part).then_some(part)
    }

    /// The existing topics a member wants.
    pub(super) fn wanted_topics(&self, who: Who) -> BTreeSet<usize> {
        self.members[who].subscription.topics.iter().filter_map(|t| self.topic_numbers.get(t.as_str()).copied()).collect()
    }

    fn all_want_the_same(&self) -> bool {
        let topics_of = |m: &'a Member| m.subscription.topics.iter().collect::<BTreeSet<&String>>();
        let first = topics_of(self.members[0]);
        self.members.iter().all(|m| topics_of(m) == first)
    }

    fn assignments(&self, lists: Vec<Vec<Part>>) -> Assignments {
        let named = |list: Vec<Part>| list.into_iter().map(|p| self.topic_partition(p)).collect();
        self.members.iter().zip(lists).map(|(m, list)| (m.id.clone(), named(list))).collect()
    }
}

/// What a member says it held.
struct Claim {
    parts: Vec<Part>,
    generation: Option<i32>,
}

/// What the members held before, with conflicts settled.
pub(super) struct History {
    /// By member: what it held and may keep.
    pub(super) owned: Vec<Vec<Part>>,
    /// Partitions that two members of one generation claim: both are wrong.
    pub(super) doubly_claimed: BTreeSet<Part>,
    /// The last owner, and its generation, of partitions claimed by members older than the newest generation.
    pub(super) former_owner: BTreeMap<Part, (Who, i32)>,
}

impl History {
    fn read(field: &Field, flavour: Flavour) -> Self {
        let claims: Vec<Claim> = field.members.iter().map(|m| claim(field, m, flavour)).collect();
        let mut history = History { owned: vec![Vec::new(); claims.len()], doubly_claimed: BTreeSet::new(), former_owner: BTreeMap::new() };
        let mut owner: BTreeMap<Part, Who> = BTreeMap::new();
        for &who in &field.java_order {
            let generation = claims[who].generation.unwrap_or(NO_GENERATION);
            for &part in &claims[who].parts {
                let Some(&other) = owner.get(&part) else {
                    history.owned[who].push(part);
                    owner.insert(part, who);
                    continue;
                };
                // Java compares with the generation in the other's subscription proper, wherever this one's came from.
                let other_generation = field.members[other].subscription.generation.max(NO_GENERATION);
                if generation >= other_generation {
                    history.owned[other].retain(|p| *p != part);
                    owner.insert(part, who);
                    if generation == other_generation {
                        history.doubly_claimed.insert(part);
                    } else {
                        history.owned[who].push(part);
                    }
                }
            }
        }
        history.note_former_owners(field, &claims);
        history
    }

    fn note_former_owners(&mut self, field: &Field, claims: &[Claim]) {
        let newest = claims.iter().map(|c| c.generation.unwrap_or(NO_GENERATION)).max().unwrap_or(NO_GENERATION);
        for &who in &field.java_order {
            let generation = claims[who].generation.unwrap_or(NO_GENERATION);
            if generation >= newest {
                continue;
            }
            for &part in &claims[who].parts {
                let known = self.former_owner.entry(part).or_insert((who, generation));
                if generation > known.1 {
                    *known = (who, generation);
                }
            }
        }
    }
}

fn claim(field: &Field, member: &Member, flavour: Flavour) -> Claim {
    let subscription = &member.subscription;
    let numbered = |partitions: &[TopicPartition]| partitions.iter().filter_map(|tp| field.part(tp)).collect();
    match flavour {
        Flavour::Eager => match subscription.user_data.as_ref().filter(|data| !data.is_empty()) {
            None => Claim { parts: Vec::new(), generation: None },
            Some(data) => match consumer_protocol::decode_sticky_user_data(data) {
                Some((partitions, generation)) => Claim { parts: numbered(&partitions), generation },
                None => Claim { parts: Vec::new(), generation: Some(NO_GENERATION) },
            },
        },
        Flavour::Cooperative => {
            let generation = if subscription.generation > NO_GENERATION {
                Some(subscription.generation)
            } else {
                let data = subscription.user_data.as_ref();
                data.map(|data| consumer_protocol::decode_cooperative_user_data(data).unwrap_or(NO_GENERATION))
            };
            Claim { parts: numbered(&subscription.owned_partitions), generation }
        }
    }
}

/// Who sits on which rack, if that matters at all.
pub(super) struct Racks<'a> {
    /// By member; all `None` when racks do not matter.
    of_member: Vec<Option<&'a str>>,
    /// By partition: how many members sit on a rack of its replicas.
    neighbours: Vec<usize>,
    pub(super) matter: bool,
}

impl<'a> Racks<'a> {
    fn new(field: &Field<'a>) -> Self {
        let mut of_member: Vec<Option<&str>> = field.members.iter().map(|m| m.subscription.rack.as_deref()).collect();
        let member_racks: BTreeSet<&str> = of_member.iter().flatten().copied().collect();
        let matter = racks_matter(&member_racks, field.topics.iter().flat_map(|(_, t)| t.racks.iter().map(Vec::as_slice)));
        if !matter {
            of_member.fill(None);
        }
        let mut members_on: BTreeMap<&str, usize> = BTreeMap::new();
        for rack in of_member.iter().flatten() {
            *members_on.entry(rack).or_default() += 1;
        }
        let neighbours_of = |part: Part| -> usize {
            let racks: BTreeSet<&str> = field.racks_of(part).iter().map(String::as_str).collect();
            racks.iter().filter_map(|rack| members_on.get(rack)).sum()
        };
        let neighbours = if matter { field.parts().map(neighbours_of).collect() } else { Vec::new() };
        Racks { of_member, neighbours, matter }
    }

    /// The member sits on a rack that has no replica of the partition.
    pub(super) fn mismatch(&self, field: &Field, who: Who, part: Part) -> bool {
        self.of_member[who].is_some_and(|rack| !field.racks_of(part).iter().any(|r| r == rack))
    }

    /// The member sits on a rack with a replica of the partition.
    pub(super) fn on_rack(&self, field: &Field, who: Who, part: Part) -> bool {
        self.of_member[who].is_some_and(|rack| field.racks_of(part).iter().any(|r| r == rack))
    }

    /// Partitions with the fewest neighbours first: they have the least choice.
    pub(super) fn sort_by_choice(&self, parts: &mut [Part]) {
        if self.matter {
            parts.sort_by_key(|&p| self.neighbours[p]);
        }
    }
}
