//! The members that share a topic, by how many partitions they have: who has least, who has most.

/// Walks over members from the one with least and from the one with most partitions, under the assumption that whoever is returned by
/// [`next_least`](Loads::next_least) gets one partition more, and by [`next_most`](Loads::next_most) one less. So each end is a range of
/// members with equal loads, which grows towards the middle as the loads become even.
pub struct Loads {
    /// Sorted by load when the walk began.
    members: Vec<usize>,
    /// Members `0..low_end` have `low` partitions, those before `low_next` one more.
    low_end: usize,
    low: i64,
    low_next: usize,
    /// Members `high_start..high_end` have `high` partitions, those after `high_next` one less. From `high_end` on they give nothing.
    high_start: usize,
    high_end: usize,
    high: i64,
    high_next: Option<usize>,
}

fn load(loads: &[usize], member: usize) -> i64 {
    loads.get(member).and_then(|n| i64::try_from(*n).ok()).unwrap_or(i64::MAX)
}

impl Loads {
    /// `members` must not be empty.
    pub fn new(members: &[usize], loads: &[usize]) -> Self {
        let mut members = members.to_vec();
        members.sort_by_key(|&m| (load(loads, m), m));
        let (least, most) = (load(loads, members[0]), load(loads, members[members.len() - 1]));
        let len = members.len();
        Loads { members, low_end: 0, low: least - 1, low_next: 0, high_start: len, high_end: len, high: most + 1, high_next: Some(len - 1) }
    }

    /// The difference between most and least when the walk began.
    pub fn spread(&self, loads: &[usize]) -> i64 {
        load(loads, self.members[self.members.len() - 1]) - load(loads, self.members[0])
    }

    pub fn next_least(&mut self, loads: &[usize]) -> usize {
        if self.low_next >= self.low_end {
            self.low += 1;
            while self.low_end < self.members.len() && load(loads, self.members[self.low_end]) == self.low {
                self.low_end += 1;
            }
            self.low_next = 0;
        }
        let member = self.members[self.low_next];
        self.low_next += 1;
        member
    }

    pub fn next_most(&mut self, loads: &[usize]) -> Option<usize> {
        if self.high_next.is_none_or(|next| next < self.high_start) {
            self.grow_high(loads);
        }
        let next = self.high_next?;
        self.high_next = next.checked_sub(1);
        Some(self.members[next])
    }

    fn grow_high(&mut self, loads: &[usize]) {
        if self.high_end <= self.high_start && self.high_start > 0 {
            // Nobody of the range gives anything: it starts again with whoever comes next.
            self.high = load(loads, self.members[self.high_start - 1]);
        } else {
            self.high -= 1;
        }
        while self.high_start > 0 && load(loads, self.members[self.high_start - 1]) == self.high {
            self.high_start -= 1;
        }
        self.high_next = self.high_end.checked_sub(1);
    }

    /// The member that `next_most` returned last gives nothing from now on.
    pub fn exclude_most(&mut self) {
        let at = self.high_next.map_or(0, |next| next + 1);
        self.high_end -= 1;
        self.members.swap(at, self.high_end);
    }

    pub fn is_balanced(&self) -> bool {
        self.high - self.low <= 1
    }
}
