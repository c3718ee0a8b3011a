//! Incremental fetch sessions (KIP-227): the broker remembers a consumer's partitions so that requests and replies carry only changes.
//!
//! `decide` takes the head of a request and says which partitions to read; after the read, `shape` says which of them the reply must carry.
//! Nothing here outlives a restart: a client whose session is gone starts a new one.

use std::collections::BTreeMap;
use std::sync::Arc;

use kfk_wire::{ErrorCode, Uuid};

use crate::rng::Rng;
use crate::types::{MonoMs, Offset};

/// A session unused for this long may be evicted for a newcomer.
const EVICTION_AGE_MS: u64 = 120_000;
/// Epoch of a request that opens a session.
const INITIAL_EPOCH: i32 = 0;
/// Epoch of a full request that wants no session.
const FINAL_EPOCH: i32 = -1;

/// A topic as the client names it: by id from version 13, by name before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TopicKey {
    Name(Arc<str>),
    Id(Uuid),
}

/// What a client wants of one partition.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    pub topic: TopicKey,
    pub partition: i32,
    pub fetch_offset: Offset,
    pub current_leader_epoch: i32,
    pub last_fetched_epoch: i32,
    /// A follower's own log start; -1 for consumers.
    pub log_start_offset: Offset,
    pub max_bytes: i32,
}

/// The part of a fetch request that concerns sessions.
#[derive(Clone, Debug)]
pub struct Ask {
    pub session_id: i32,
    pub epoch: i32,
    /// Version 13 and above.
    pub by_id: bool,
    pub follower: bool,
    pub wanted: Vec<Wanted>,
    pub forgotten: Vec<(TopicKey, i32)>,
}

/// What to do with a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// A top-level error with no partitions.
    Refuse(ErrorCode),
    /// Read these and answer all of them, with session id 0.
    Full(Vec<Wanted>),
    /// Read these and answer all of them, naming the new session.
    Opened { id: i32, wanted: Vec<Wanted> },
    /// Read these; `shape` tells which are worth answering.
    Incremental { id: i32, wanted: Vec<Wanted> },
}

/// What a read found, as far as sessions care.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Found {
    pub has_records: bool,
    /// An error, a diverging epoch or a preferred replica: always told, and told again next time.
    pub must_tell: bool,
    pub is_error: bool,
    pub high_watermark: Offset,
    pub log_start: Offset,
}

/// All sessions of a broker.
#[derive(Debug)]
pub struct FetchSessions {
    slots: usize,
    sessions: BTreeMap<i32, Session>,
}

#[derive(Debug)]
struct Session {
    by_id: bool,
    follower: bool,
    /// The epoch the next request must carry.
    next_epoch: i32,
    created: MonoMs,
    used: MonoMs,
    next_turn: u64,
    turns: BTreeMap<(TopicKey, i32), u64>,
    /// In the order of service: partitions that had records go to the end, for fairness.
    partitions: BTreeMap<u64, Cached>,
}

#[derive(Debug)]
struct Cached {
    wanted: Wanted,
    told_high_watermark: Offset,
    told_log_start: Offset,
}

impl FetchSessions {
    /// At most `slots` sessions at once; 0 turns sessions off.
    pub fn new(slots: usize) -> Self {
        FetchSessions { slots, sessions: BTreeMap::new() }
    }

    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// Says which partitions a request is about, and with which session it goes.
    pub fn decide(&mut self, now: MonoMs, rng: &mut Rng, ask: Ask) -> Decision {
        if ask.epoch == INITIAL_EPOCH || ask.epoch == FINAL_EPOCH {
            self.sessions.remove(&ask.session_id);
            return if ask.epoch == FINAL_EPOCH { Decision::Full(ask.wanted) } else { self.open(now, rng, ask) };
        }
        let Some(session) = self.sessions.get_mut(&ask.session_id) else { return Decision::Refuse(ErrorCode::FetchSessionIdNotFound) };
        if session.next_epoch != ask.epoch {
            return Decision::Refuse(ErrorCode::InvalidFetchSessionEpoch);
        }
        if session.by_id != ask.by_id {
            return Decision::Refuse(ErrorCode::FetchSessionTopicIdError);
        }
        session.change(ask.wanted, &ask.forgotten);
        if session.partitions.is_empty() {
            self.sessions.remove(&ask.session_id);
            return Decision::Full(Vec::new());
        }
        session.next_epoch = epoch_after(session.next_epoch);
        session.used = now;
        Decision::Incremental { id: ask.session_id, wanted: session.wanted() }
    }

    /// Marks the partitions an incremental reply must carry, in the order of `wanted`, and remembers what is told.
    /// For a session that is gone meanwhile everything is told.
    pub fn shape(&mut self, id: i32, incremental: bool, results: &[(&Wanted, Found)]) -> Vec<bool> {
        let Some(session) = self.sessions.get_mut(&id) else { return vec![true; results.len()] };
        results.iter().map(|(wanted, found)| session.tell(wanted, *found) || !incremental).collect()
    }

    fn open(&mut self, now: MonoMs, rng: &mut Rng, ask: Ask) -> Decision {
        if ask.wanted.is_empty() || !self.make_room(now, ask.follower, ask.wanted.len()) {
            return Decision::Full(ask.wanted);
        }
        let id = self.fresh_id(rng);
        let mut session = Session {
            by_id: ask.by_id,
            follower: ask.follower,
            next_epoch: 1,
            created: now,
            used: now,
            next_turn: 0,
            turns: BTreeMap::new(),
            partitions: BTreeMap::new(),
        };
        session.change(ask.wanted, &[]);
        let wanted = session.wanted();
        self.sessions.insert(id, session);
        Decision::Opened { id, wanted }
    }

    /// Whether a newcomer of `size` partitions may have a slot, after evicting one that must yield to it.
    fn make_room(&mut self, now: MonoMs, follower: bool, size: usize) -> bool {
        if self.sessions.len() < self.slots {
            return true;
        }
        let stale =
            self.sessions.iter().filter(|(_, s)| now.since(s.used) > EVICTION_AGE_MS).min_by_key(|(_, s)| s.used).map(|(id, _)| *id);
        let victim = stale.or_else(|| {
            let (id, weakest) = self.sessions.iter().min_by_key(|(_, s)| (s.follower, s.partitions.len()))?;
            let outranked = (follower, size) > (weakest.follower, weakest.partitions.len());
            (outranked && now.since(weakest.created) > EVICTION_AGE_MS).then_some(*id)
        });
        victim.is_some_and(|id| self.sessions.remove(&id).is_some())
    }

    fn fresh_id(&self, rng: &mut Rng) -> i32 {
        loop {
            let id = 1 + rng.below(i32::MAX as u64 - 1) as i32;
            if !self.sessions.contains_key(&id) {
                return id;
            }
        }
    }

    /// Every invariant of the cache; panics when one is broken.
    pub fn check(&self) {
        for (id, session) in &self.sessions {
            assert!(*id > 0 && session.next_epoch > 0);
            assert!(!session.partitions.is_empty());
            assert_eq!(session.partitions.len(), session.turns.len());
            for (key, turn) in &session.turns {
                let wanted = &session.partitions[turn].wanted;
                assert_eq!(key, &(wanted.topic.clone(), wanted.partition));
                assert!(*turn < session.next_turn);
            }
        }
    }
}

impl Session {
    fn wanted(&self) -> Vec<Wanted> {
        self.partitions.values().map(|c| c.wanted.clone()).collect()
    }

    fn change(&mut self, wanted: Vec<Wanted>, forgotten: &[(TopicKey, i32)]) {
        for wanted in wanted {
            let key = (wanted.topic.clone(), wanted.partition);
            if let Some(cached) = self.turns.get(&key).and_then(|turn| self.partitions.get_mut(turn)) {
                cached.wanted = wanted;
            } else {
                self.insert_last(key, Cached { wanted, told_high_watermark: -1, told_log_start: -1 });
            }
        }
        for key in forgotten {
            if let Some(turn) = self.turns.remove(key) {
                self.partitions.remove(&turn);
            }
        }
    }

    fn insert_last(&mut self, key: (TopicKey, i32), cached: Cached) {
        self.turns.insert(key, self.next_turn);
        self.partitions.insert(self.next_turn, cached);
        self.next_turn += 1;
    }

    /// Whether a result differs from what the client was told; remembers it as told.
    fn tell(&mut self, wanted: &Wanted, found: Found) -> bool {
        let key = (wanted.topic.clone(), wanted.partition);
        let Some(turn) = self.turns.get(&key).copied() else { return true };
        let Some(cached) = self.partitions.get_mut(&turn) else { return true };
        let mut tell = found.has_records || found.must_tell;
        tell |= cached.told_high_watermark != found.high_watermark || cached.told_log_start != found.log_start;
        // After an error the watermark counts as untold, so that the first good answer is sent.
        cached.told_high_watermark = if found.is_error { -1 } else { found.high_watermark };
        cached.told_log_start = found.log_start;
        if found.has_records
            && let Some(cached) = self.partitions.remove(&turn)
        {
            self.insert_last(key, cached);
        }
        tell
    }
}

/// Epochs go 1, 2, ... and after the largest comes 1 again.
fn epoch_after(epoch: i32) -> i32 {
    epoch.checked_add(1).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: MonoMs = MonoMs(1_000_000);

    fn wanted(partition: i32) -> Wanted {
        Wanted {
            topic: TopicKey::Name("t".into()),
            partition,
            fetch_offset: 0,
            current_leader_epoch: -1,
            last_fetched_epoch: -1,
            log_start_offset: -1,
            max_bytes: 100,
        }
    }

    fn ask(session_id: i32, epoch: i32, partitions: &[i32]) -> Ask {
        let wanted = partitions.iter().map(|p| wanted(*p)).collect();
        Ask { session_id, epoch, by_id: false, follower: false, wanted, forgotten: vec![] }
    }

    fn open(s: &mut FetchSessions, rng: &mut Rng, partitions: &[i32]) -> i32 {
        match s.decide(T0, rng, ask(0, 0, partitions)) {
            Decision::Opened { id, .. } => id,
            other => panic!("{other:?}"),
        }
    }

    fn served(d: Decision) -> Vec<i32> {
        match d {
            Decision::Full(w) | Decision::Opened { wanted: w, .. } | Decision::Incremental { wanted: w, .. } => {
                w.iter().map(|w| w.partition).collect()
            }
            Decision::Refuse(e) => panic!("{e:?}"),
        }
    }

    fn idle(hw: Offset) -> Found {
        Found { high_watermark: hw, ..Found::default() }
    }

    #[test]
    fn s1_full_requests_close_the_session_they_name() {
        let (mut s, mut rng) = (FetchSessions::new(10), Rng::new(1));
        let id = open(&mut s, &mut rng, &[0]);
        assert_eq!(s.decide(T0, &mut rng, ask(id, -1, &[0])), Decision::Full(vec![wanted(0)]));
        assert!(s.is_empty());
        assert_eq!(s.decide(T0, &mut rng, ask(0, -1, &[0])), Decision::Full(vec![wanted(0)]));
    }

    #[test]
    fn s2_epochs_count_up_and_wrap_to_one() {
        let (mut s, mut rng) = (FetchSessions::new(10), Rng::new(1));
        let id = open(&mut s, &mut rng, &[0, 1]);
        assert!(id > 0);
        for epoch in 1..5 {
            assert_eq!(served(s.decide(T0, &mut rng, ask(id, epoch, &[]))), [0, 1]);
            s.check();
        }
        s.sessions.get_mut(&id).unwrap().next_epoch = i32::MAX;
        served(s.decide(T0, &mut rng, ask(id, i32::MAX, &[])));
        served(s.decide(T0, &mut rng, ask(id, 1, &[])));
    }

    #[test]
    fn s2_a_full_cache_still_answers_without_a_session() {
        let (mut s, mut rng) = (FetchSessions::new(1), Rng::new(1));
        open(&mut s, &mut rng, &[0]);
        assert_eq!(s.decide(T0, &mut rng, ask(0, 0, &[5, 6])), Decision::Full(vec![wanted(5), wanted(6)]));
    }

    #[test]
    fn s3_unknown_sessions_wrong_epochs_and_mixed_names_are_refused() {
        let (mut s, mut rng) = (FetchSessions::new(10), Rng::new(1));
        let id = open(&mut s, &mut rng, &[0]);
        assert_eq!(s.decide(T0, &mut rng, ask(id + 1, 1, &[])), Decision::Refuse(ErrorCode::FetchSessionIdNotFound));
        assert_eq!(s.decide(T0, &mut rng, ask(id, 2, &[])), Decision::Refuse(ErrorCode::InvalidFetchSessionEpoch));
        let by_id = Ask { by_id: true, ..ask(id, 1, &[]) };
        assert_eq!(s.decide(T0, &mut rng, by_id), Decision::Refuse(ErrorCode::FetchSessionTopicIdError));
        served(s.decide(T0, &mut rng, ask(id, 1, &[])));
    }

    #[test]
    fn s4_partitions_are_added_changed_and_forgotten_and_an_empty_session_closes() {
        let (mut s, mut rng) = (FetchSessions::new(10), Rng::new(1));
        let id = open(&mut s, &mut rng, &[0, 1]);
        let mut change = ask(id, 1, &[1, 2]);
        change.wanted[0].fetch_offset = 77;
        change.forgotten = vec![(TopicKey::Name("t".into()), 0)];
        let Decision::Incremental { wanted, .. } = s.decide(T0, &mut rng, change) else { panic!() };
        assert_eq!(wanted.iter().map(|w| (w.partition, w.fetch_offset)).collect::<Vec<_>>(), [(1, 77), (2, 0)]);
        s.check();
        let mut leave = ask(id, 2, &[]);
        leave.forgotten = vec![(TopicKey::Name("t".into()), 1), (TopicKey::Name("t".into()), 2)];
        assert_eq!(s.decide(T0, &mut rng, leave), Decision::Full(vec![]));
        assert!(s.is_empty());
    }

    #[test]
    fn s5_an_incremental_reply_carries_only_news_and_repeats_errors() {
        let (mut s, mut rng) = (FetchSessions::new(10), Rng::new(1));
        let id = open(&mut s, &mut rng, &[0, 1]);
        let (a, b) = (wanted(0), wanted(1));
        assert_eq!(s.shape(id, false, &[(&a, idle(5)), (&b, idle(5))]), [true, true]);
        assert_eq!(s.shape(id, true, &[(&a, idle(5)), (&b, idle(5))]), [false, false]);
        assert_eq!(s.shape(id, true, &[(&a, idle(6)), (&b, Found { log_start: 2, ..idle(5) })]), [true, true]);
        let error = Found { must_tell: true, is_error: true, high_watermark: -1, log_start: -1, has_records: false };
        assert_eq!(s.shape(id, true, &[(&a, error), (&b, Found { log_start: 2, ..idle(5) })]), [true, false]);
        assert_eq!(s.shape(id, true, &[(&a, error)]), [true]);
        assert_eq!(s.shape(id, true, &[(&a, idle(6))]), [true]);
        assert_eq!(s.shape(id, true, &[(&a, Found { has_records: true, ..idle(6) })]), [true]);
    }

    #[test]
    fn f10_partitions_with_records_go_to_the_end_of_the_line() {
        let (mut s, mut rng) = (FetchSessions::new(10), Rng::new(1));
        let id = open(&mut s, &mut rng, &[0, 1, 2]);
        s.shape(id, false, &[(&wanted(0), Found { has_records: true, ..idle(1) }), (&wanted(1), idle(1)), (&wanted(2), idle(1))]);
        assert_eq!(served(s.decide(T0, &mut rng, ask(id, 1, &[]))), [1, 2, 0]);
        s.check();
    }

    #[test]
    fn s6_newcomers_evict_the_stale_then_the_small_and_old() {
        let (mut s, mut rng) = (FetchSessions::new(1), Rng::new(1));
        let old = open(&mut s, &mut rng, &[0]);
        let later = T0.plus(EVICTION_AGE_MS + 1);
        let Decision::Opened { id, .. } = s.decide(later, &mut rng, ask(0, 0, &[0])) else { panic!() };
        assert_ne!(id, old);
        // In use but old and smaller than the newcomer.
        served(s.decide(later.plus(EVICTION_AGE_MS), &mut rng, ask(id, 1, &[])));
        let now = later.plus(EVICTION_AGE_MS + 1);
        assert!(matches!(s.decide(now, &mut rng, ask(0, 0, &[0])), Decision::Full(_)));
        assert!(matches!(s.decide(now, &mut rng, ask(0, 0, &[0, 1])), Decision::Opened { .. }));
        // Followers outrank consumers of any size, but only once those are old enough.
        let follower = Ask { follower: true, ..ask(0, 0, &[0]) };
        assert!(matches!(s.decide(now, &mut rng, follower.clone()), Decision::Full(_)));
        s.sessions.values_mut().for_each(|s| s.used = now.plus(EVICTION_AGE_MS));
        assert!(matches!(s.decide(now.plus(EVICTION_AGE_MS + 1), &mut rng, follower), Decision::Opened { .. }));
    }
}
