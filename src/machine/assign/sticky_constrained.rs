//! The sticky assignment when all members want the same topics: everyone ends with n or n + 1 partitions.
//!
//! First everyone keeps what it held, up to its share; then what is left goes round by round to those below n, and at last to as many
//! members as n + 1 may have. With racks that matter, a round before that gives partitions to members near them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::sticky::{Field, History, Part, Racks, Who};

/// By member: its partitions. And the partitions that move from one member to another, with their new owner.
pub(super) fn assign(field: &Field, history: &History, racks: &Racks) -> (Vec<Vec<Part>>, BTreeMap<Part, Who>) {
    let mut deal = Deal::new(field, history, racks);
    deal.keep_owned();
    let kept: BTreeSet<Part> = deal.lists.iter().flatten().copied().collect();
    let mut unassigned: Vec<Part> = field.parts().filter(|p| !kept.contains(p)).collect();
    deal.below.sort_unstable();
    deal.at_least.make_contiguous().sort_unstable();
    racks.sort_by_choice(&mut unassigned);
    if racks.matter {
        unassigned = deal.round_on_racks(&unassigned);
    }
    deal.round(&unassigned);
    (deal.lists, deal.moving)
}

struct Deal<'a> {
    field: &'a Field<'a>,
    history: &'a History,
    racks: &'a Racks<'a>,
    least: usize,
    most: usize,
    /// How many members shall get, and have got, `most` when that is more than `least`.
    rich_expected: usize,
    rich: usize,
    /// Members with less than `least`.
    below: Vec<Who>,
    /// Members with exactly `least` that may get one more.
    at_least: VecDeque<Who>,
    lists: Vec<Vec<Part>>,
    /// Partitions taken from the member that held them, as it had too many or sat on the wrong rack.
    let_go: BTreeMap<Part, Who>,
    moving: BTreeMap<Part, Who>,
}

impl<'a> Deal<'a> {
    fn new(field: &'a Field<'a>, history: &'a History, racks: &'a Racks<'a>) -> Self {
        let (parts, members) = (field.parts().len(), field.members.len());
        Deal {
            field,
            history,
            racks,
            least: parts / members,
            most: parts.div_ceil(members),
            rich_expected: parts % members,
            rich: 0,
            below: Vec::new(),
            at_least: VecDeque::new(),
            lists: vec![Vec::new(); members],
            let_go: BTreeMap::new(),
            moving: BTreeMap::new(),
        }
    }

    fn keep_owned(&mut self) {
        for i in 0..self.field.java_order.len() {
            let who = self.field.java_order[i];
            let mut owned: Vec<Part> = Vec::new();
            for &part in &self.history.owned[who] {
                if self.racks.mismatch(self.field, who, part) {
                    self.let_go.insert(part, who);
                } else if !self.history.doubly_claimed.contains(&part) {
                    owned.push(part);
                }
            }
            owned.sort_unstable_by_key(|&p| (self.field.partition_of(p), p));
            self.keep(who, owned);
        }
    }

    fn keep(&mut self, who: Who, owned: Vec<Part>) {
        if owned.len() < self.least {
            self.lists[who] = owned;
            self.below.push(who);
            return;
        }
        let share = if owned.len() >= self.most && self.rich < self.rich_expected {
            self.rich += 1;
            if self.rich == self.rich_expected {
                self.at_least.clear();
            }
            self.most
        } else {
            if self.rich < self.rich_expected {
                self.at_least.push_back(who);
            }
            self.least
        };
        self.let_go.extend(owned[share..].iter().map(|&p| (p, who)));
        self.lists[who] = owned;
        self.lists[who].truncate(share);
    }

    /// Gives what it can to members on a rack with the partition; the rest comes back.
    fn round_on_racks(&mut self, unassigned: &[Part]) -> Vec<Part> {
        let mut left = Vec::new();
        let mut next = 0;
        for &part in unassigned {
            let near = |who: Who| self.racks.on_rack(self.field, who, part);
            let below = self.below.len();
            if let Some(index) = (next..next + below).map(|i| i % below).find(|&i| near(self.below[i])) {
                next = self.serve_below(part, index);
            } else if let Some(index) = (0..self.at_least.len()).find(|&i| near(self.at_least[i])) {
                self.serve_at_least(part, index);
            } else {
                left.push(part);
            }
        }
        left
    }

    /// Gives `part` to the member at `index` of those below; returns whose turn is next.
    fn serve_below(&mut self, part: Part, index: usize) -> usize {
        let who = self.below[index];
        let count = self.give(part, who);
        let mut next = index + 1;
        if count >= self.least {
            self.below.remove(index);
            next = index;
            if count < self.most && self.rich < self.rich_expected {
                self.at_least.push_back(who);
            }
        }
        if self.below.is_empty() { 0 } else { next % self.below.len() }
    }

    fn serve_at_least(&mut self, part: Part, index: usize) {
        let who = self.at_least[index];
        if self.give(part, who) == self.most {
            self.at_least.remove(index);
            self.rich += 1;
            if self.rich == self.rich_expected {
                self.at_least.clear();
            }
        }
    }

    /// Deals the rest: in turn to those below, then one each to those that may have one more.
    fn round(&mut self, unassigned: &[Part]) {
        let mut next = 0;
        for &part in unassigned {
            if next >= self.below.len() {
                next = 0;
            }
            if let Some(&who) = self.below.get(next) {
                next += 1;
                if self.give(part, who) == self.least {
                    next -= 1;
                    self.below.remove(next);
                    self.at_least.push_back(who);
                }
            } else {
                // The shares add up, so there is always someone at least; if ever not, the poorest takes it.
                let poorest = || (0..self.lists.len()).min_by_key(|&who| self.lists[who].len()).unwrap_or(0);
                let who = self.at_least.pop_front().unwrap_or_else(poorest);
                self.give(part, who);
            }
        }
    }

    /// Returns how many the member has now.
    fn give(&mut self, part: Part, who: Who) -> usize {
        self.lists[who].push(part);
        if self.let_go.get(&part).is_some_and(|holder| *holder != who) || self.history.doubly_claimed.contains(&part) {
            self.moving.insert(part, who);
        }
        self.lists[who].len()
    }
}
