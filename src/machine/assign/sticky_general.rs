//! The sticky assignment when members want different topics: as balanced as possible, and within that moving as little as possible.
//!
//! Everyone keeps what it held; what is free goes, scarcest topics first, to the member with the fewest; then partitions are moved from
//! rich members to poor ones until no move helps. If that made nothing better, the moves are undone.

use std::collections::{BTreeMap, BTreeSet};

use super::java_order::{JavaPartitionSet, topic_partition_hash};
use super::sticky::{Field, History, Part, Racks, Who};

/// By member: its partitions.
pub(super) fn assign(field: &Field, history: &History, racks: &Racks) -> Vec<Vec<Part>> {
    let mut balance = Balance::new(field, history, racks);
    let free = balance.keep_owned();
    balance.ranking = (0..field.members.len()).map(|who| (balance.lists[who].len(), who)).collect();
    let starting = balance.lists.iter().all(Vec::is_empty);
    balance.give_out(&free);
    balance.even_out(&free, starting);
    balance.lists
}

struct Balance<'a> {
    field: &'a Field<'a>,
    history: &'a History,
    racks: &'a Racks<'a>,
    /// By member: the topics it wants.
    wants: Vec<BTreeSet<usize>>,
    /// By topic: the members that want it.
    takers: Vec<Vec<Who>>,
    /// All partitions, those of topics with few takers first.
    all: Vec<Part>,
    lists: Vec<Vec<Part>>,
    owner: Vec<Option<Who>>,
    /// Members that take part, by number of partitions, then by id.
    ranking: BTreeSet<(usize, Who)>,
    /// Some member held what it no longer wants, or what is not on its rack.
    revoked: bool,
    movements: Movements,
}

impl<'a> Balance<'a> {
    fn new(field: &'a Field<'a>, history: &'a History, racks: &'a Racks<'a>) -> Self {
        let wants: Vec<BTreeSet<usize>> = (0..field.members.len()).map(|who| field.wanted_topics(who)).collect();
        let mut takers: Vec<Vec<Who>> = vec![Vec::new(); field.topics.len()];
        for (who, topics) in wants.iter().enumerate() {
            topics.iter().for_each(|&topic| takers[topic].push(who));
        }
        let mut topics: Vec<usize> = (0..field.topics.len()).collect();
        topics.sort_by_key(|&topic| takers[topic].len());
        Balance {
            all: topics.into_iter().flat_map(|topic| field.parts_of(topic)).collect(),
            lists: history.owned.clone(),
            owner: vec![None; field.parts().len()],
            ranking: BTreeSet::new(),
            revoked: false,
            movements: Movements::default(),
            field,
            history,
            racks,
            wants,
            takers,
        }
    }

    /// Drops what members may not keep; returns the partitions that no one has.
    fn keep_owned(&mut self) -> Vec<Part> {
        for (who, list) in self.lists.iter_mut().enumerate() {
            let before = list.len();
            list.retain(|&p| self.wants[who].contains(&self.field.topic_of(p)) && !self.racks.mismatch(self.field, who, p));
            self.revoked |= list.len() < before;
            list.iter().for_each(|&p| self.owner[p] = Some(who));
        }
        self.all.iter().copied().filter(|&p| self.owner[p].is_none()).collect()
    }

    fn give_out(&mut self, free: &[Part]) {
        let mut left = free.to_vec();
        if self.racks.matter {
            left.retain(|&p| !self.give_to_poorest(p, true));
        }
        for p in left {
            self.give_to_poorest(p, false);
        }
    }

    fn give_to_poorest(&mut self, part: Part, on_rack: bool) -> bool {
        let topic = self.field.topic_of(part);
        let may = |who: Who| self.wants[who].contains(&topic) && !(on_rack && self.racks.mismatch(self.field, who, part));
        let Some(&(count, who)) = self.ranking.iter().find(|(_, who)| may(*who)) else { return false };
        self.ranking.remove(&(count, who));
        self.lists[who].push(part);
        self.owner[part] = Some(who);
        self.ranking.insert((count + 1, who));
        true
    }

    fn even_out(&mut self, free: &[Part], starting: bool) {
        let contested = |p: &Part| self.takers[self.field.topic_of(*p)].len() >= 2;
        let movable: Vec<Part> = self.all.iter().copied().filter(contested).collect();
        let movable_free: Vec<Part> = free.iter().copied().filter(contested).collect();
        let taking_part: BTreeSet<Who> = (0..self.lists.len()).filter(|&who| self.can_take_part(who)).collect();
        self.ranking.retain(|(_, who)| taking_part.contains(who));
        let before = self.lists.clone();

        if !self.revoked {
            self.move_until_balanced(&movable_free);
        }
        let moved = self.move_until_balanced(&movable);
        if !starting && moved && score(&self.lists, &taking_part) >= score(&before, &taking_part) {
            self.lists = before;
        }
    }

    /// Whether anything about this member could change: it could get more, or someone else could have one of its partitions.
    fn can_take_part(&self, who: Who) -> bool {
        let possible: usize = self.wants[who].iter().map(|&topic| self.field.parts_of(topic).len()).sum();
        self.lists[who].len() < possible || self.lists[who].iter().any(|&p| self.takers[self.field.topic_of(p)].len() >= 2)
    }

    /// Nobody could get a partition from someone who has at least two more.
    fn is_balanced(&self) -> bool {
        let (Some(&(least, _)), Some(&(most, _))) = (self.ranking.first(), self.ranking.last()) else { return true };
        if least + 1 >= most {
            return true;
        }
        let mut richest_owner = vec![0; self.field.topics.len()];
        for &(count, who) in &self.ranking {
            // In rising order, so the last to write is the richest.
            self.lists[who].iter().for_each(|&p| richest_owner[self.field.topic_of(p)] = count);
        }
        !self.ranking.iter().any(|&(count, who)| self.wants[who].iter().any(|&topic| count + 1 < richest_owner[topic]))
    }

    /// Returns whether anything was moved.
    fn move_until_balanced(&mut self, movable: &[Part]) -> bool {
        let mut moved_at_all = false;
        // Each useful pass makes the assignment more even. Swaps for the sake of stickiness could go in circles, hence the bound.
        for _ in 0..movable.len() + self.lists.len() {
            let mut moved = false;
            for &part in movable {
                if self.is_balanced() {
                    break;
                }
                moved |= self.move_if_better(part);
            }
            moved_at_all |= moved;
            if !moved {
                break;
            }
        }
        moved_at_all
    }

    fn move_if_better(&mut self, part: Part) -> bool {
        let Some(who) = self.owner[part] else { return false };
        let topic = self.field.topic_of(part);
        let count = self.lists[who].len();
        let poorer = |other: Who| count > self.lists[other].len() + 1;
        let former = self.history.former_owner.get(&part).map(|&(former, _)| former);
        if let Some(former) = former.filter(|&f| self.wants[f].contains(&topic) && poorer(f)) {
            self.move_part(part, former);
            return true;
        }
        if self.takers[topic].iter().any(|&other| poorer(other))
            && let Some(&(_, poorest)) = self.ranking.iter().find(|(_, other)| self.wants[*other].contains(&topic))
        {
            self.move_part(part, poorest);
            return true;
        }
        false
    }

    /// Moves `part`, or in its place one of the topic that came the opposite way before and can go back.
    fn move_part(&mut self, part: Part, to: Who) {
        let Some(from) = self.owner[part] else { return };
        let part = self.movements.better_choice(self.field.topic_of(part), part, from, to);
        let Some(from) = self.owner[part] else { return };
        self.ranking.remove(&(self.lists[from].len(), from));
        self.ranking.remove(&(self.lists[to].len(), to));
        self.movements.note(self.field, part, from, to);
        self.lists[from].retain(|&p| p != part);
        self.lists[to].push(part);
        self.owner[part] = Some(to);
        self.ranking.insert((self.lists[to].len(), to));
        self.ranking.insert((self.lists[from].len(), from));
    }
}

/// The sum of differences in size over all pairs of members; 0 is perfect balance.
fn score(lists: &[Vec<Part>], members: &BTreeSet<Who>) -> usize {
    let mut sizes: Vec<usize> = members.iter().map(|&who| lists[who].len()).collect();
    sizes.sort_unstable();
    let mut sum_below = 0;
    let mut total = 0;
    for (i, size) in sizes.iter().enumerate() {
        total += size * i - sum_below;
        sum_below += size;
    }
    total
}

/// Which partitions went from whom to whom in this assignment, so that two partitions of a topic are not swapped between two members.
#[derive(Default)]
struct Movements {
    of_part: BTreeMap<Part, (Who, Who)>,
    by_topic: BTreeMap<usize, BTreeMap<(Who, Who), JavaPartitionSet>>,
}

impl Movements {
    fn better_choice(&self, topic: usize, part: Part, from: Who, to: Who) -> Part {
        let Some(pairs) = self.by_topic.get(&topic) else { return part };
        let origin = self.of_part.get(&part).map_or(from, |&(origin, _)| origin);
        pairs.get(&(to, origin)).and_then(JavaPartitionSet::first).unwrap_or(part)
    }

    fn note(&mut self, field: &Field, part: Part, from: Who, to: Who) {
        let origin = self.forget(field, part).unwrap_or(from);
        if origin == to {
            return; // back where it was
        }
        let topic = field.topic_of(part);
        let tp = field.topic_partition(part);
        self.of_part.insert(part, (origin, to));
        let set = self.by_topic.entry(topic).or_default().entry((origin, to)).or_insert_with(JavaPartitionSet::new);
        set.insert(topic_partition_hash(&tp.topic, tp.partition), part);
    }

    /// Takes back what is known of the partition's way; returns where it started.
    fn forget(&mut self, field: &Field, part: Part) -> Option<Who> {
        let pair = self.of_part.remove(&part)?;
        let topic = field.topic_of(part);
        if let Some(pairs) = self.by_topic.get_mut(&topic) {
            if let Some(set) = pairs.get_mut(&pair) {
                set.remove(part);
                if set.is_empty() {
                    pairs.remove(&pair);
                }
            }
            if pairs.is_empty() {
                self.by_topic.remove(&topic);
            }
        }
        Some(pair.0)
    }
}
