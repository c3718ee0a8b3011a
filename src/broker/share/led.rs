//! Partitions of this broker as share groups consume them. One is read from its share coordinator when it is first needed, and forgotten
//! when what happened to it cannot be written: then whoever asks next begins with what is durable.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tracing::{info, warn};

use super::super::Broker;
use super::super::hosted::Hosted;
use super::settings::GroupTerms;
use crate::machine::partition::Reader;
use crate::machine::share::partition::{SharePartition, Write};
use crate::machine::share::state::{Done, ShareKey, ShareRequest, UNKNOWN};
use crate::types::{LeaderEpoch, MonoMs, Now};
use crate::wire::ErrorCode;

/// A partition with what fences others off.
struct Led {
    machine: SharePartition,
    state_epoch: i32,
    leader_epoch: LeaderEpoch,
}

type Slot = Arc<Mutex<Option<Led>>>;

#[derive(Default)]
pub struct Parts {
    slots: Mutex<HashMap<ShareKey, Slot>>,
    /// When the next lock runs out, in monotonic milliseconds; 0: nobody has looked.
    earliest: AtomicU64,
    sooner: Notify,
}

impl Parts {
    fn slot(&self, key: &ShareKey) -> Slot {
        self.slots.lock().entry(key.clone()).or_default().clone()
    }

    fn all(&self) -> Vec<(ShareKey, Slot)> {
        self.slots.lock().iter().map(|(key, slot)| (key.clone(), slot.clone())).collect()
    }

    /// Lets go of partitions. What their members hold is free for others.
    pub fn forget(&self, which: impl Fn(&ShareKey) -> bool) {
        self.slots.lock().retain(|key, _| !which(key));
    }

    fn note_deadline(&self, at: Option<MonoMs>) {
        let at = at.map_or(u64::MAX, |at| at.0);
        if self.earliest.fetch_min(at, Ordering::AcqRel) > at {
            self.sooner.notify_one();
        }
    }
}

/// What is at hand for whoever looks at a partition.
pub struct Visit<'a> {
    pub machine: &'a mut SharePartition,
    pub terms: &'a GroupTerms,
    pub now: Now,
    pub hosted: &'a Hosted,
    /// What has to be durable before anybody hears of it.
    pub write: Option<Write>,
}

impl Broker {
    /// The partition in question, if this broker leads it.
    pub fn share_hosted(&self, key: &ShareKey) -> Result<Arc<Hosted>, ErrorCode> {
        let image = self.image();
        let topic = image.topic_by_id(key.topic).ok_or(ErrorCode::UnknownTopicId)?;
        self.partitions.get(topic, key.partition)
    }

    /// Runs `f` on a partition and makes durable what it wrote. May block.
    pub(super) fn visit_share<T>(self: &Arc<Self>, key: &ShareKey, f: impl FnOnce(&mut Visit) -> T) -> Result<T, ErrorCode> {
        let hosted = self.share_hosted(key)?;
        let slot = self.share.parts.slot(key);
        let mut slot = slot.lock();
        let now = self.clock.now();
        let terms = self.share_terms(&key.group, now);
        if slot.is_none() {
            *slot = Some(self.load_share(key, &hosted, &terms)?);
        }
        let Some(led) = slot.as_mut() else { return Err(ErrorCode::UnknownServerError) };
        let could = led.machine.may_acquire(&terms.terms);
        let mut visit = Visit { machine: &mut led.machine, terms: &terms, now, hosted: &hosted, write: None };
        let result = f(&mut visit);
        let write = visit.write.take();
        let deadline = led.machine.next_deadline();
        if let Some(write) = write {
            let (state_epoch, leader_epoch) = (led.state_epoch, led.leader_epoch);
            let is_free = led.machine.next_offset() < led.machine.end() || (!could && led.machine.may_acquire(&terms.terms));
            if let Err(code) = self.write_share(key, (state_epoch, leader_epoch), write) {
                warn!("share group {}: partition {} cannot be written: {}", key.group, hosted.name(), code.name());
                *slot = None;
                hosted.waiting.wake_all();
                return Err(persister_error(code));
            }
            // Somebody may wait for what is free now, or for room.
            if is_free {
                hosted.waiting.wake_all();
            }
        }
        self.share.parts.note_deadline(deadline);
        Ok(result)
    }

    fn load_share(self: &Arc<Self>, key: &ShareKey, hosted: &Hosted, terms: &GroupTerms) -> Result<Led, ErrorCode> {
        let image = self.image();
        let known = image.topic_by_id(key.topic).and_then(|t| t.partition(key.partition));
        let leader_epoch = known.ok_or(ErrorCode::UnknownTopicOrPartition)?.leader_epoch;
        let read = self.share_state(ShareRequest::Read { key: key.clone(), leader_epoch });
        let state = match read.map_err(|refusal| persister_error(refusal.code))? {
            Done::State(state) => state,
            _ => return Err(ErrorCode::UnknownServerError),
        };
        if state.start_offset != UNKNOWN {
            let machine = SharePartition::new(state.start_offset, &state.batches);
            return Ok(Led { machine, state_epoch: state.state_epoch, leader_epoch });
        }
        let start = hosted.with_open(self, |p| {
            let found = p.find(terms.begin, terms.reader, -1)?.offset;
            // Nothing is as late as asked for: then the end.
            if found < 0 { Ok(p.find(crate::node::partition::Lookup::Latest, Reader::Uncommitted, -1)?.offset) } else { Ok(found) }
        })??;
        // Where a group begins is decided once, also if the broker stops before anything was acknowledged.
        let write = Write { start, complete: 0, batches: Vec::new() };
        self.write_share(key, (state.state_epoch, leader_epoch), write).map_err(persister_error)?;
        info!("share group {} begins to consume {} at offset {start}", key.group, hosted.name());
        Ok(Led { machine: SharePartition::new(start, &[]), state_epoch: state.state_epoch, leader_epoch })
    }

    fn write_share(self: &Arc<Self>, key: &ShareKey, (state_epoch, leader_epoch): (i32, i32), write: Write) -> Result<(), ErrorCode> {
        let Write { start, complete, batches } = write;
        let request = ShareRequest::Write { key: key.clone(), state_epoch, leader_epoch, start_offset: start, complete, batches };
        self.share_state(request).map(drop).map_err(|refusal| refusal.code)
    }

    /// Lets go of all partitions of a group: an administrator has changed them.
    pub(super) fn share_forget_group(&self, group: &str) {
        self.share.parts.forget(|key| key.group == group);
    }

    fn expire_share_locks(self: &Arc<Self>) {
        let parts = &self.share.parts;
        parts.earliest.store(u64::MAX, Ordering::Release);
        for (key, slot) in parts.all() {
            let next = slot.lock().as_ref().and_then(|led| led.machine.next_deadline());
            if next.is_some_and(|at| at <= self.clock.now().mono) {
                // What cannot be written is free all the same: the partition is forgotten.
                let _ = self.visit_share(&key, |v| v.write = v.machine.expire(v.now.mono, &v.terms.terms));
            } else {
                parts.note_deadline(next);
            }
        }
    }
}

/// What a client hears when the state of a partition cannot be read or written.
fn persister_error(code: ErrorCode) -> ErrorCode {
    match code {
        ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable | ErrorCode::CoordinatorLoadInProgress => {
            ErrorCode::CoordinatorNotAvailable
        }
        ErrorCode::GroupIdNotFound | ErrorCode::UnknownTopicOrPartition => ErrorCode::UnknownTopicOrPartition,
        ErrorCode::FencedLeaderEpoch => ErrorCode::NotLeaderOrFollower,
        ErrorCode::FencedStateEpoch => ErrorCode::FencedStateEpoch,
        _ => ErrorCode::UnknownServerError,
    }
}

/// Frees records whose locks have run out, until the broker stops.
pub async fn keep_time(broker: Arc<Broker>, mut stop: watch::Receiver<bool>) {
    loop {
        let earliest = broker.share.parts.earliest.load(Ordering::Acquire);
        let due = async {
            match earliest {
                u64::MAX => std::future::pending().await,
                at => tokio::time::sleep_until(broker.clock.instant(MonoMs(at)).into()).await,
            }
        };
        tokio::select! {
            biased;
            _ = stop.wait_for(|stopping| *stopping) => return,
            () = broker.share.parts.sooner.notified() => continue,
            () = due => {}
        }
        let expiring = broker.clone();
        let _ = tokio::task::spawn_blocking(move || expiring.expire_share_locks()).await;
    }
}
