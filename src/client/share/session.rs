//! Share sessions, the client's half: a broker remembers which partitions a member fetches from, and counts its requests.
//!
//! One per broker, and at most one request a session under way, whether it fetches or only acknowledges. Whenever it is unclear what the
//! broker remembers, the next fetch opens a new session, which cannot acknowledge anything.

use std::collections::BTreeSet;
use std::time::Instant;

use crate::machine::member::SharePart;

/// Epoch of a request that opens a session.
pub(super) const OPENING: i32 = 0;
/// Epoch of a request that closes it: what is held and not acknowledged goes back.
pub(super) const CLOSING: i32 = -1;

/// See the file's head.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// Of the next request.
    epoch: i32,
    told: BTreeSet<SharePart>,
    busy: bool,
    /// The request under way says something of records.
    pub acknowledging: bool,
    /// After something went wrong.
    pub not_before: Option<Instant>,
}

/// The part of a fetch that concerns its session.
#[derive(Debug, PartialEq)]
pub(super) struct Ask {
    pub epoch: i32,
    pub added: Vec<SharePart>,
    pub forgotten: Vec<SharePart>,
}

impl Session {
    /// A broker remembers this session, as far as is known.
    pub fn is_open(&self) -> bool {
        self.epoch != OPENING
    }

    pub fn is_busy(&self) -> bool {
        self.busy
    }

    /// May a request go out now?
    pub fn is_free(&self, now: Instant) -> bool {
        !self.busy && self.not_before.is_none_or(|at| at <= now)
    }

    /// What to say to have exactly `wanted` looked at.
    pub fn ask(&mut self, wanted: BTreeSet<SharePart>) -> Ask {
        if !self.is_open() {
            self.told.clear();
        }
        let added = wanted.difference(&self.told).cloned().collect();
        let forgotten = self.told.difference(&wanted).cloned().collect();
        self.told = wanted;
        self.busy = true;
        Ask { epoch: self.epoch, added, forgotten }
    }

    /// The epoch of a request that only acknowledges.
    pub fn acknowledge(&mut self) -> i32 {
        (self.busy, self.acknowledging) = (true, true);
        self.epoch
    }

    /// The broker took the request.
    pub fn answered(&mut self) {
        (self.busy, self.acknowledging) = (false, false);
        self.epoch = self.epoch.checked_add(1).unwrap_or(1);
    }

    /// The session is gone, or nobody knows.
    pub fn lost(&mut self) {
        *self = Session { not_before: self.not_before, ..Session::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::TopicPartition;
    use kfk_wire::Uuid;

    fn parts(numbers: &[i32]) -> BTreeSet<SharePart> {
        numbers.iter().map(|n| (Uuid([1; 16]), TopicPartition::new("t", *n))).collect()
    }

    fn list(numbers: &[i32]) -> Vec<SharePart> {
        parts(numbers).into_iter().collect()
    }

    #[test]
    fn h4_a_session_tells_what_changes_and_counts_every_request() {
        let mut session = Session::default();
        assert_eq!(session.ask(parts(&[0, 1])), Ask { epoch: OPENING, added: list(&[0, 1]), forgotten: vec![] });
        assert!(session.is_busy() && !session.is_open());
        session.answered();
        assert_eq!(session.ask(parts(&[1, 2])), Ask { epoch: 1, added: list(&[2]), forgotten: list(&[0]) });
        session.answered();
        assert_eq!(session.acknowledge(), 2);
        session.answered();
        assert_eq!(session.ask(parts(&[1, 2])), Ask { epoch: 3, added: vec![], forgotten: vec![] });
        session.lost();
        assert_eq!(session.ask(parts(&[1])), Ask { epoch: OPENING, added: list(&[1]), forgotten: vec![] });
    }

    #[test]
    fn the_count_begins_again_before_it_overflows() {
        let mut session = Session { epoch: i32::MAX, ..Session::default() };
        session.answered();
        assert_eq!(session.acknowledge(), 1);
    }
}
