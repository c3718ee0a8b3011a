//! Share groups (KIP-932) as `broker/share` serves them: members take records, say what became of them, and vanish.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kfk::machine::partition::Reader;
use kfk::machine::share::partition::{AckBatch, AckType, FetchedBatch, SharePartition, Terms, Want, Write};
use kfk::machine::share::state::{Done, ShareEvent, ShareKey, ShareRequest, ShareState, UNKNOWN};
use kfk::node::partition::ReadAsk;
use kfk::node::share_batches::fetched;
use kfk::types::{MonoMs, Offset, TopicId};

use crate::model::Outcome;
use crate::node::{Part, SHARES};
use crate::ops::is_coordinators_trouble;
use crate::world::World;

type Id = (TopicId, i32);

/// Few locks, so that groups come to their end.
const TERMS: Terms = Terms { lock_ms: 30_000, max_deliveries: 5, max_locks: 12, may_renew: true };

/// A group and what its members know.
#[derive(Clone, Debug)]
pub struct ShareGroup {
    name: String,
    reader: Reader,
    parts: BTreeMap<Id, SharePart>,
}

#[derive(Clone, Debug, Default)]
struct SharePart {
    /// The leader's picture; it goes with the broker.
    led: Option<SharePartition>,
    /// Where the group is for sure, by the word of the coordinator.
    start: Option<Offset>,
    /// Records below are not the group's: it began here, or they were deleted before anybody had them.
    from: Offset,
    /// Accepted or rejected, and answered.
    done: BTreeSet<Offset>,
    /// The same, but nobody knows.
    maybe: BTreeSet<Offset>,
    /// How often records were given out.
    given: BTreeMap<Offset, i16>,
    held: BTreeMap<Offset, (Arc<str>, MonoMs)>,
}

impl ShareGroup {
    pub fn some() -> Vec<ShareGroup> {
        let one = |name: &str, reader| ShareGroup { name: name.into(), reader, parts: BTreeMap::new() };
        vec![one("s0", Reader::Uncommitted), one("s1", Reader::Committed)]
    }
}

/// One batch for each run of offsets: with one type, or one for each.
fn ack_batches(chosen: &[(Offset, AckType)]) -> Vec<AckBatch> {
    let mut batches: Vec<AckBatch> = Vec::new();
    for (offset, kind) in chosen {
        match batches.last_mut() {
            Some(batch) if batch.last + 1 == *offset => {
                batch.last = *offset;
                batch.types.push(*kind);
            }
            _ => batches.push(AckBatch { first: *offset, last: *offset, types: vec![*kind] }),
        }
    }
    for batch in &mut batches {
        if batch.types.iter().all(|t| *t == batch.types[0]) {
            batch.types.truncate(1);
        }
    }
    batches
}

impl World {
    fn shared(&mut self, group: usize, id: Id) -> &mut SharePart {
        self.share_groups[group].parts.entry(id).or_default()
    }

    /// The broker died, and what was held with it.
    pub fn locks_are_lost(&mut self) {
        for part in self.share_groups.iter_mut().flat_map(|g| g.parts.values_mut()) {
            part.led = None;
            part.held.clear();
        }
    }

    pub fn share_acts(&mut self) {
        if self.share_groups.is_empty() {
            return self.produce_plain();
        }
        let group = self.rng.below(self.share_groups.len() as u64) as usize;
        let Some(id) = self.any_part(false) else { return };
        let member: Arc<str> = ["a", "b"][self.rng.below(2) as usize].into();
        // Mostly somebody acts who holds something.
        let held = self.holders();
        let chosen = held.get(self.rng.below(held.len().max(1) as u64) as usize).cloned();
        let (group, id, member) = chosen.filter(|_| self.rng.below(3) > 0).unwrap_or((group, id, member));
        let Some(part) = self.part(id) else { return };
        if self.led(group, id, &part).is_none() {
            return;
        }
        match self.rng.below(13) {
            0..=4 => _ = self.take(group, id, &part, &member),
            10..=12 => self.take_shortly_before_a_lock_ends(group, id, &part),
            5..=8 => {
                let kind = [AckType::Accept, AckType::Accept, AckType::Reject, AckType::Release, AckType::Renew];
                let kind = kind[self.rng.below(5) as usize];
                self.acknowledge(group, id, &member, kind);
            }
            _ => self.vanish(group, id, &member),
        }
    }

    /// Who holds records of what.
    fn holders(&self) -> Vec<(usize, Id, Arc<str>)> {
        let mut all = Vec::new();
        for (group, known) in self.share_groups.iter().enumerate() {
            for (id, part) in known.parts.iter().filter(|(id, _)| self.model.parts.contains_key(id)) {
                let members: BTreeSet<&Arc<str>> = part.held.values().map(|(holder, _)| holder).collect();
                all.extend(members.into_iter().map(|member| (group, *id, member.clone())));
            }
        }
        all
    }

    /// H2: until its lock runs out a record is nobody else's, and from then on anybody's.
    fn take_shortly_before_a_lock_ends(&mut self, group: usize, id: Id, part: &Part) {
        let first = self.shared(group, id).held.values().map(|(holder, until)| (*until, holder.clone())).min();
        let Some((until, holder)) = first else { return };
        let rest = until.since(self.now.mono);
        let ms = if self.rng.below(2) == 0 { rest } else { rest.saturating_sub(1 + self.rng.below(12_000)) };
        self.pass(ms);
        self.note(format!("{ms} ms later, {rest} before the first lock runs out"));
        let other: Arc<str> = if &*holder == "a" { "b".into() } else { "a".into() };
        if self.led(group, id, part).is_some() {
            self.take(group, id, part, &other);
        }
    }

    /// The partition as the group consumes it, read from its coordinator if need be, and without locks that have run out.
    fn led(&mut self, group: usize, id: Id, part: &Part) -> Option<()> {
        if self.shared(group, id).led.is_none() {
            let known = match self.read_state(group, id)? {
                Some(known) => known,
                None => {
                    let (key, start_offset) = (self.share_key(group, id), UNKNOWN);
                    self.ask_states(ShareRequest::Initialize { key, state_epoch: 0, start_offset })?;
                    self.read_state(group, id)??
                }
            };
            let mut start = known.start_offset;
            if start == UNKNOWN {
                start = part.borrow().offsets().log_start();
                let write = Write { start, complete: 0, batches: Vec::new() };
                self.keep(group, id, Some(write)).then_some(())?;
            }
            let shared = self.shared(group, id);
            shared.start = Some(start);
            shared.from = shared.from.max(if shared.given.is_empty() { start } else { 0 });
            shared.led = Some(SharePartition::new(start, &known.batches));
        }
        let now = self.now.mono;
        let shared = self.shared(group, id);
        shared.held.retain(|_, (_, until)| *until > now);
        let write = shared.led.as_mut()?.expire(now, &TERMS);
        self.keep(group, id, write).then_some(())
    }

    fn share_key(&self, group: usize, id: Id) -> ShareKey {
        ShareKey { group: self.share_groups[group].name.clone(), topic: id.0, partition: id.1 }
    }

    /// `None` if the coordinator cannot do it now.
    fn ask_states(&mut self, request: ShareRequest) -> Option<Done> {
        let now = self.now;
        match self.node().ask_share(now, request.clone()) {
            Some(Ok(done)) => Some(done),
            Some(Err(refusal)) => {
                assert!(is_coordinators_trouble(refusal.code), "{}", self.what(&format!("{request:?}: {refusal:?}")));
                None
            }
            None => {
                self.excuse_silence("a state of a share group");
                None
            }
        }
    }

    /// The state that is kept; the inner `None` if there is none yet.
    fn read_state(&mut self, group: usize, id: Id) -> Option<Option<ShareState>> {
        let (now, key) = (self.now, self.share_key(group, id));
        if self.node().shares.machine().get(&key).is_none() && self.node().shares.is_active() {
            let begun = self.shared(group, id).start;
            assert_eq!(begun, None, "{}", self.what(&format!("H5: the state of {key:?} is gone")));
            return Some(None);
        }
        let leader_epoch = self.node().state().topic_by_id(id.0)?.partition(id.1)?.leader_epoch;
        match self.node().ask_share(now, ShareRequest::Read { key, leader_epoch }) {
            Some(Ok(Done::State(state))) => {
                self.state_is_as_told(group, id, &state);
                Some(Some(state))
            }
            Some(Err(refusal)) if is_coordinators_trouble(refusal.code) => None,
            None => {
                self.excuse_silence("a state of a share group");
                None
            }
            other => panic!("{}", self.what(&format!("a state is read: {other:?}"))),
        }
    }

    /// H5: what was answered as acknowledged is so for good, and the start does not move back.
    fn state_is_as_told(&mut self, group: usize, id: Id, state: &ShareState) {
        let what = self.what(&format!("H5: {:?}", self.share_key(group, id)));
        let shared = self.shared(group, id);
        let Some(start) = shared.start else { return };
        assert!(state.start_offset >= start, "{what}: starts at {}, was at {start}", state.start_offset);
        shared.start = Some(state.start_offset);
        for offset in &shared.done {
            let is_final = state.batches.iter().any(|b| (b.first..=b.last).contains(offset) && b.delivery.is_final());
            assert!(*offset < state.start_offset || is_final, "{what}: {offset} was acknowledged, but: {state:?}");
        }
    }

    /// Makes durable what has changed. If that fails, the picture is void, and so are locks.
    fn keep(&mut self, group: usize, id: Id, write: Option<Write>) -> bool {
        let Some(Write { start, complete, batches }) = write else { return true };
        let (key, state) = (self.share_key(group, id), self.node().state());
        let leader_epoch = state.topic_by_id(id.0).and_then(|t| t.partition(id.1)).map_or(-1, |p| p.leader_epoch);
        let request = ShareRequest::Write { key, state_epoch: 0, leader_epoch, start_offset: start, complete, batches };
        let kept = self.ask_states(request).is_some();
        let shared = self.shared(group, id);
        if kept {
            shared.start = shared.start.max(Some(start));
        } else {
            shared.led = None;
            shared.held.clear();
        }
        kept
    }

    /// One look for records, as `broker/share/look.rs` does it. Gives how many there were.
    fn take(&mut self, group: usize, id: Id, part: &Part, member: &Arc<str>) -> usize {
        let (now, reader) = (self.now, self.share_groups[group].reader);
        let want = Want { max_records: 1 + self.rng.below(6) as i64, batch_size: 2, strict: self.rng.below(2) == 0 };
        let Some(mut led) = self.shared(group, id).led.take() else { return 0 };
        let log_start = part.borrow().offsets().log_start();
        let write = led.log_starts_at(log_start);
        let shared = self.shared(group, id);
        shared.from = shared.from.max(log_start);
        let mut acquired = Vec::new();
        for _ in 0..16 {
            let from = led.next_offset();
            let ask = ReadAsk {
                reader,
                offset: from,
                current_leader_epoch: -1,
                last_fetched_epoch: -1,
                max_bytes: 600,
                at_least_one_batch: true,
            };
            if !led.may_acquire(&TERMS) {
                break;
            }
            let Ok(read) = part.borrow_mut().read(&ask) else { break };
            let Some(Ok(bytes)) = read.records.as_ref().map(|slice| slice.read()) else { break };
            let batches: Vec<FetchedBatch> = fetched(&bytes, &read.aborted, reader).into_iter().map(|(batch, _)| batch).collect();
            acquired = led.acquire(now.mono, member, &TERMS, want, from, &batches);
            if !acquired.is_empty() || led.next_offset() <= from {
                break;
            }
        }
        led.check().unwrap_or_else(|e| panic!("{}", self.what(&e)));
        self.shared(group, id).led = Some(led);
        if !self.keep(group, id, write) {
            return 0; // the fetch is answered with an error
        }
        self.note(format!("{member} of share group {group} takes of {id:?}: {acquired:?}"));
        acquired.iter().for_each(|a| (a.first..=a.last).for_each(|offset| self.given(group, id, offset, a.count, member)));
        acquired.iter().map(|a| (a.last - a.first + 1) as usize).sum()
    }

    fn given(&mut self, group: usize, id: Id, offset: Offset, count: i16, member: &Arc<str>) {
        self.stats.shared += 1;
        let what = self.what(&format!("{:?} {offset} for {member}", self.share_key(group, id)));
        let (now, reader) = (self.now.mono, self.share_groups[group].reader);
        let txn = self.model.parts.get(&id).and_then(|p| p.records.get(&offset)).and_then(|e| e.txn);
        if let Some(txn) = txn.filter(|_| reader == Reader::Committed) {
            let outcome = self.model.txns[txn].outcome;
            assert!(!matches!(outcome, Outcome::Open | Outcome::Aborted), "{what}: V12: of a transaction that is {outcome:?}");
        }
        let shared = self.shared(group, id);
        assert!(!shared.done.contains(&offset), "{what}: H5: it was acknowledged before");
        let times = shared.given.entry(offset).or_default();
        *times += 1;
        assert!(count <= TERMS.max_deliveries && count <= *times, "{what}: H3: delivery {count}, was given out {times} times");
        let before = shared.held.insert(offset, (member.clone(), now.plus(TERMS.lock_ms)));
        assert_eq!(before, None, "{what}: H2: somebody holds it");
    }

    /// A member says something of the records that it holds: of all or some of them, of all the same or of each something else.
    fn acknowledge(&mut self, group: usize, id: Id, member: &Arc<str>, kind: AckType) {
        let (now, chosen) = (self.now, self.choose(group, id, member, kind));
        if chosen.is_empty() {
            return;
        }
        let batches = ack_batches(&chosen);
        let Some(led) = self.shared(group, id).led.as_mut() else { return };
        let done = led.acknowledge(now.mono, member, &TERMS, &batches);
        let write = done.unwrap_or_else(|e| panic!("{}", self.what(&format!("H4: {member} holds {batches:?}: {e}"))));
        let kept = self.keep(group, id, write);
        self.note(format!("{member} of share group {group}: {batches:?} of {id:?}: {kept}"));
        self.stats.acknowledged += u64::from(kept);
        let shared = self.shared(group, id);
        for (offset, kind) in chosen {
            match kind {
                AckType::Accept | AckType::Reject if kept => _ = shared.done.insert(offset),
                AckType::Accept | AckType::Reject => _ = shared.maybe.insert(offset),
                AckType::Renew => {
                    shared.held.insert(offset, (member.clone(), now.mono.plus(TERMS.lock_ms)));
                    continue;
                }
                _ => {}
            }
            shared.held.remove(&offset);
        }
    }

    /// What a member says, record by record; nothing if it holds none.
    fn choose(&mut self, group: usize, id: Id, member: &Arc<str>, kind: AckType) -> Vec<(Offset, AckType)> {
        let held = &self.shared(group, id).held;
        let mine: Vec<Offset> = held.iter().filter(|(_, (holder, _))| holder == member).map(|(offset, _)| *offset).collect();
        if mine.is_empty() {
            return Vec::new();
        }
        let surely = mine[self.rng.below(mine.len() as u64) as usize];
        let (all, mixed) = (self.rng.below(4) == 0, kind != AckType::Renew && self.rng.below(2) == 0);
        let mut chosen = Vec::new();
        for offset in mine {
            if all || offset == surely || self.rng.below(3) == 0 {
                let other = [AckType::Accept, AckType::Reject, AckType::Release][self.rng.below(3) as usize];
                chosen.push((offset, if mixed { other } else { kind }));
            }
        }
        chosen
    }

    /// A member's connection is gone, and with it what it held.
    fn vanish(&mut self, group: usize, id: Id, member: &Arc<str>) {
        let shared = self.shared(group, id);
        shared.held.retain(|_, (holder, _)| holder != member);
        let write = shared.led.as_mut().and_then(|led| led.release(member, &TERMS));
        let kept = self.keep(group, id, write);
        self.note(format!("{member} of share group {group} is gone from {id:?}: {kept}"));
    }

    /// Drops what later snapshots have made superfluous, as the broker's timer does.
    pub fn prune_shares(&mut self) {
        let (now, older_than) = (self.now, self.now.wall.0);
        let node = self.node();
        node.shares.event(now, ShareEvent::SnapshotCold { older_than });
        let Some(needed) = node.shares.machine().first_needed().filter(|_| node.shares.is_committed()) else { return };
        let part = node.parts.values().find(|p| *p.borrow().log().partition().topic == *SHARES).cloned();
        let Some(part) = part else { return };
        if needed > part.borrow().offsets().log_start() {
            let done = part.borrow_mut().delete_records(now, needed);
            self.note(format!("states of share groups below {needed} go: {done:?}"));
        }
    }

    /// After a start: all that was acknowledged is known.
    pub fn groups_are_as_they_were(&mut self) {
        let parts = &self.model.parts;
        self.share_groups.iter_mut().for_each(|g| g.parts.retain(|id, _| parts.contains_key(id)));
        for group in 0..self.share_groups.len() {
            let ids: Vec<Id> = self.share_groups[group].parts.keys().copied().collect();
            ids.into_iter().for_each(|id| _ = self.read_state(group, id));
        }
    }

    /// At the end of a history: every record came to somebody, but for those that nobody shall get.
    pub fn everything_was_shared(&mut self) {
        for group in 0..self.share_groups.len() {
            let ids: Vec<Id> = self.model.parts.iter().filter(|(_, p)| !p.compacted).map(|(id, _)| *id).collect();
            ids.into_iter().for_each(|id| self.all_is_shared(group, id));
        }
    }

    fn all_is_shared(&mut self, group: usize, id: Id) {
        let part = self.part(id).unwrap_or_else(|| panic!("{}", self.what("a partition cannot be opened in peace")));
        let member: Arc<str> = "a".into();
        let peace = |w: &mut World| w.led(group, id, &part).unwrap_or_else(|| panic!("{}", w.what("a share group hangs")));
        for turn in 0.. {
            peace(self);
            ["a", "b"].iter().for_each(|m| self.vanish(group, id, &(*m).into()));
            peace(self);
            if self.take(group, id, &part, &member) == 0 {
                break;
            }
            while self.shared(group, id).held.values().any(|(holder, _)| *holder == member) {
                self.acknowledge(group, id, &member, AckType::Accept);
            }
            assert!(turn < 2_000, "{}", self.what("a share group that never comes to an end"));
        }
        let shown = crate::check::show(&mut part.borrow_mut(), 900).unwrap_or_else(|e| panic!("{}", self.what(&e)));
        let seen = if self.share_groups[group].reader == Reader::Committed { &shown.committed } else { &shown.all };
        let what = self.what(&format!("{:?}", self.share_key(group, id)));
        let shared = self.shared(group, id);
        for offset in seen.iter().map(|r| r.offset).filter(|offset| *offset >= shared.from) {
            let spent = shared.given.get(&offset).is_some_and(|times| *times >= TERMS.max_deliveries);
            let was_shared = shared.done.contains(&offset) || shared.maybe.contains(&offset) || spent;
            assert!(was_shared, "{what}: V12: nobody ever got {offset}");
        }
    }
}
