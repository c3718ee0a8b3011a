//! What lives of a consumer group beside its records: clocks, and what has to be looked at again. It is lost with the process.
//!
//! Clocks may be left over from members that are no more, or that never were because their records could not be written: whoever is
//! woken looks whether there still is a reason.

use std::collections::BTreeMap;

use crate::types::MonoMs;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Clock {
    /// No heartbeat for too long.
    Session,
    /// Partitions not given up for too long.
    Revocation,
    /// A member of the classic protocol was told to rejoin and did not.
    Rejoin,
    /// A member of the classic protocol joined and did not send SyncGroup.
    Sync,
}

/// How long until something that could not be written is tried again.
const RETRY_MS: u64 = 500;

#[derive(Clone, Copy, Debug, PartialEq)]
struct Alarm {
    at: MonoMs,
    /// The epoch of the member when the clock was set; it is void when the member has moved on.
    epoch: i32,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Living {
    alarms: BTreeMap<(Clock, String), Alarm>,
    /// The group epoch that goes with the newest picture of the topics; `None`: they have changed.
    metadata_epoch: Option<i32>,
    /// Regular expressions have to be resolved now.
    resolve: Option<MonoMs>,
    /// Until then it is left to whoever was asked last to have states of a share group begun.
    asked_until: Option<MonoMs>,
    /// Not later than the first deadline.
    wake: Option<MonoMs>,
}

/// A clock that has run down.
#[derive(Clone, Debug, PartialEq)]
pub struct Due {
    pub clock: Clock,
    pub member: String,
    pub epoch: i32,
}

impl Living {
    /// Not later than the first deadline.
    pub fn wake(&self) -> Option<MonoMs> {
        self.wake
    }

    fn wake_at(&mut self, at: MonoMs) {
        self.wake = Some(self.wake.map_or(at, |wake| wake.min(at)));
    }

    pub fn set(&mut self, clock: Clock, member: &str, epoch: i32, at: MonoMs) {
        self.alarms.insert((clock, member.to_string()), Alarm { at, epoch });
        self.wake_at(at);
    }

    pub fn set_unless_running(&mut self, clock: Clock, member: &str, epoch: i32, at: MonoMs) {
        if !self.runs(clock, member) {
            self.set(clock, member, epoch, at);
        }
    }

    pub fn stop(&mut self, clock: Clock, member: &str) {
        self.alarms.remove(&(clock, member.to_string()));
    }

    pub fn runs(&self, clock: Clock, member: &str) -> bool {
        self.alarms.contains_key(&(clock, member.to_string()))
    }

    /// Takes out the clocks that have run down.
    pub fn take_due(&mut self, now: MonoMs) -> Vec<Due> {
        let due = |((clock, member), alarm): (&(Clock, String), &Alarm)| {
            (alarm.at <= now).then(|| Due { clock: *clock, member: member.clone(), epoch: alarm.epoch })
        };
        let due: Vec<Due> = self.alarms.iter().filter_map(due).collect();
        due.iter().for_each(|d| self.stop(d.clock, &d.member));
        self.rewind();
        due
    }

    fn rewind(&mut self) {
        self.wake = self.alarms.values().map(|alarm| alarm.at).chain(self.resolve).min();
    }

    /// What was due is being done; should it fail, it has another turn.
    pub fn try_again(&mut self, due: &Due, now: MonoMs) {
        self.set(due.clock, &due.member, due.epoch, now.plus(RETRY_MS));
    }

    /// The topics that the group subscribes to are not what they were.
    pub fn topics_changed(&mut self) {
        self.metadata_epoch = None;
    }

    /// The group has been compared with the newest topics, and has (or will have) this epoch for it.
    pub fn metadata_is_of(&mut self, epoch: i32) {
        self.metadata_epoch = Some(epoch);
    }

    /// The group has to be compared with the topics: they changed, or what came of the last comparison was not written.
    pub fn metadata_is_old(&self, epoch: i32) -> bool {
        self.metadata_epoch.is_none_or(|of| epoch < of)
    }

    /// Nobody is having states begun, or it takes too long.
    pub fn may_ask_for_states(&self, now: MonoMs) -> bool {
        self.asked_until.is_none_or(|until| until <= now)
    }

    pub fn asked_for_states(&mut self, until: MonoMs) {
        self.asked_until = Some(until);
    }

    /// Resolve the group's regular expressions as soon as the present decision is in the log.
    pub fn resolve_regexes(&mut self, now: MonoMs) {
        self.resolve = Some(now);
        self.wake_at(now);
    }

    pub fn resolves_regexes(&self) -> bool {
        self.resolve.is_some()
    }

    pub fn take_resolve(&mut self) -> bool {
        let resolves = self.resolve.take().is_some();
        if resolves {
            self.rewind();
        }
        resolves
    }
}
