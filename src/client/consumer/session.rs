//! Incremental fetch sessions (KIP-227), the client's half: what the broker has been told already is not told again.
//!
//! One per broker, and at most one request a session under way. Whenever it is unclear what the broker remembers (it says so, or an answer
//! is missing), the next request says everything and opens a new session.

use std::collections::BTreeMap;

use kfk_wire::{ErrorCode, Uuid};

use super::fetch::Wanted;
use crate::types::TopicPartition;

/// Epoch of a request that opens a session.
const OPENING: i32 = 0;

/// What the broker remembers of one partition.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    topic_id: Uuid,
    offset: i64,
    leader_epoch: i32,
    fetched_epoch: i32,
}

impl From<&Wanted> for Told {
    fn from(w: &Wanted) -> Told {
        Told { topic_id: w.topic_id, offset: w.offset, leader_epoch: w.leader_epoch, fetched_epoch: w.fetched_epoch }
    }
}

/// The part of a request that concerns its session.
#[derive(Debug, PartialEq)]
pub(super) struct Ask {
    pub session_id: i32,
    pub epoch: i32,
    /// New partitions and those that changed.
    pub partitions: Vec<Wanted>,
    pub forgotten: Vec<(TopicPartition, Uuid)>,
}

/// See the file's head.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// 0: none is open.
    id: i32,
    /// Of the next request.
    epoch: i32,
    told: BTreeMap<TopicPartition, Told>,
}

impl Session {
    /// What to say to have exactly `wanted` looked at. The next call comes after `answered` or `lost`.
    pub fn ask(&mut self, wanted: &[Wanted]) -> Ask {
        if self.id == 0 {
            self.told = wanted.iter().map(|w| (w.tp.clone(), Told::from(w))).collect();
            return Ask { session_id: 0, epoch: OPENING, partitions: wanted.to_vec(), forgotten: Vec::new() };
        }
        let mut before = std::mem::take(&mut self.told);
        let (mut partitions, mut forgotten) = (Vec::new(), Vec::new());
        for w in wanted {
            let now = Told::from(w);
            match before.remove(&w.tp) {
                Some(same) if same == now => {}
                Some(old) => {
                    // Under one name two topics, one after the other.
                    if old.topic_id != now.topic_id {
                        forgotten.push((w.tp.clone(), old.topic_id));
                    }
                    partitions.push(w.clone());
                }
                None => partitions.push(w.clone()),
            }
            self.told.insert(w.tp.clone(), now);
        }
        forgotten.extend(before.into_iter().map(|(tp, old)| (tp, old.topic_id)));
        Ask { session_id: self.id, epoch: self.epoch, partitions, forgotten }
    }

    /// The broker answered, with `error` for the request as a whole.
    pub fn answered(&mut self, error: ErrorCode, session_id: i32) {
        let goes_on = self.id == 0 || self.id == session_id;
        if error != ErrorCode::None || session_id == 0 || !goes_on {
            return self.lost();
        }
        self.epoch = if self.id == 0 { 1 } else { self.epoch.checked_add(1).unwrap_or(1) };
        self.id = session_id;
    }

    /// No answer: nobody knows whether the broker has heard the request.
    pub fn lost(&mut self) {
        *self = Session::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(partition: i32, offset: i64) -> Wanted {
        Wanted { offset, ..Wanted::of(TopicPartition::new("t", partition)) }
    }

    fn summary(ask: &Ask) -> (i32, i32, Vec<(i32, i64)>, Vec<i32>) {
        let partitions = ask.partitions.iter().map(|w| (w.tp.partition, w.offset)).collect();
        (ask.session_id, ask.epoch, partitions, ask.forgotten.iter().map(|(tp, _)| tp.partition).collect())
    }

    #[test]
    fn a_session_tells_only_what_changed() {
        let mut session = Session::default();
        let first = session.ask(&[wanted(0, 5), wanted(1, 7)]);
        assert_eq!(summary(&first), (0, 0, vec![(0, 5), (1, 7)], vec![]));
        session.answered(ErrorCode::None, 9);
        assert_eq!(summary(&session.ask(&[wanted(0, 6), wanted(1, 7)])), (9, 1, vec![(0, 6)], vec![]));
        session.answered(ErrorCode::None, 9);
        assert_eq!(summary(&session.ask(&[wanted(1, 7), wanted(2, 0)])), (9, 2, vec![(2, 0)], vec![0]));
        session.answered(ErrorCode::None, 9);
        assert_eq!(summary(&session.ask(&[wanted(1, 7), wanted(2, 0)])), (9, 3, vec![], vec![]));
    }

    #[test]
    fn a_broker_without_room_for_a_session_is_told_everything_every_time() {
        let mut session = Session::default();
        for _ in 0..2 {
            assert_eq!(summary(&session.ask(&[wanted(0, 5)])), (0, 0, vec![(0, 5)], vec![]));
            session.answered(ErrorCode::None, 0);
        }
    }

    #[test]
    fn what_the_broker_may_have_forgotten_is_told_anew() {
        let mut session = Session::default();
        let spoil: [fn(&mut Session); 4] = [
            |s| s.lost(),
            |s| s.answered(ErrorCode::FetchSessionIdNotFound, 0),
            |s| s.answered(ErrorCode::InvalidFetchSessionEpoch, 9),
            |s| s.answered(ErrorCode::None, 0),
        ];
        for spoil in spoil {
            session.ask(&[wanted(0, 5)]);
            session.answered(ErrorCode::None, 9);
            session.ask(&[wanted(0, 6)]);
            spoil(&mut session);
            assert_eq!(summary(&session.ask(&[wanted(0, 6)])), (0, 0, vec![(0, 6)], vec![]));
            session.lost();
        }
    }

    #[test]
    fn s7_an_empty_answer_uses_up_an_epoch_and_epochs_begin_again_after_the_last() {
        let mut session = Session { id: 9, epoch: i32::MAX, ..Session::default() };
        assert_eq!(session.ask(&[wanted(0, 5)]).epoch, i32::MAX);
        session.answered(ErrorCode::None, 9);
        assert_eq!(session.ask(&[wanted(0, 5)]).epoch, 1);
    }

    #[test]
    fn a_topic_created_anew_is_forgotten_under_its_old_id() {
        let mut session = Session::default();
        session.ask(&[Wanted { topic_id: Uuid([1; 16]), ..wanted(0, 5) }]);
        session.answered(ErrorCode::None, 9);
        let ask = session.ask(&[Wanted { topic_id: Uuid([2; 16]), ..wanted(0, 0) }]);
        assert_eq!(ask.forgotten, [(TopicPartition::new("t", 0), Uuid([1; 16]))]);
        assert_eq!(ask.partitions[0].topic_id, Uuid([2; 16]));
    }
}
