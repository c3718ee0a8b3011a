//! Group commit (`kfk.durability=group-commit`): records count as committed once they are synced, and one sync serves everyone who waits.
//!
//! An append notes its partition here and returns. A partition is synced by one thread at a time: while the disk works, what arrives
//! gathers for the next turn. When a turn is done the high watermark moves, which is what producers with `acks=all`, consumers and
//! coordinators wait for anyway; nothing else in the broker knows of this.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tracing::error;

use super::Broker;
use super::hosted::Hosted;
use super::wait::Waiter;
use crate::log::LogError;
use crate::machine::group::GroupShard;
use crate::machine::partition::Reader;
use crate::machine::share::state::ShareShard;
use crate::machine::txn::TxnShard;
use crate::types::{Now, Offset};
use crate::wire::ErrorCode;

/// Partitions that are synced at the same time. File systems put syncs that run together into one write of their journal.
const AT_ONCE: u32 = 8;

/// Runs until the broker stops; closing the logs then syncs the rest.
pub async fn run(broker: Arc<Broker>, mut stop: watch::Receiver<bool>) {
    let turns = Arc::new(Semaphore::new(AT_ONCE as usize));
    while broker.unsynced.some(&mut stop).await {
        while let Some((topic, partition)) = broker.unsynced.next() {
            let Some(hosted) = broker.partitions.known(topic, partition) else { continue };
            let Ok(turn) = turns.clone().acquire_owned().await else { return };
            let working = broker.clone();
            tokio::task::spawn_blocking(move || {
                sync_while_needed(&working, &hosted);
                drop(turn);
            });
        }
    }
    // Those at work hold on to the broker, and so to its directory.
    let _ = turns.acquire_many(AT_ONCE).await;
}

/// Syncs a partition until nothing of it waits any more.
fn sync_while_needed(broker: &Arc<Broker>, hosted: &Hosted) {
    loop {
        match hosted.sync(broker.clock.now()) {
            Ok(true) => broker.committed_further(hosted),
            Ok(false) => {}
            Err(e) => {
                error!("{} cannot be synced: {e}", hosted.name());
                hosted.waiting.wake_all();
            }
        }
        if broker.is_stopping() || !hosted.go_on_syncing() {
            return;
        }
    }
}

impl Hosted {
    /// Makes what was appended so far durable, and wakes producers and consumers that wait for that; says whether more is committed
    /// now, which coordinators have to be told. May block.
    pub fn sync(&self, now: Now) -> Result<bool, LogError> {
        let done = match self.if_open(|p| p.sync_job()).transpose()?.flatten() {
            Some(job) => Some(job.run()?),
            None => None,
        };
        let Some(moved) = self.if_open(|p| p.synced(now, done)) else { return Ok(false) };
        if moved.high_watermark {
            self.waiting.arrived(moved.bytes, |reader| moved.shows_more_to(reader));
        }
        Ok(moved.high_watermark)
    }

    /// Waits until everything below `end` is committed, but no longer than `patience`.
    pub async fn committed(&self, end: Offset, patience: Duration) -> Result<(), ErrorCode> {
        let waiter = Waiter::new(Reader::Uncommitted, 0);
        self.waiting.add(waiter.clone());
        let waited = tokio::time::timeout(patience, async {
            loop {
                match self.if_open(|p| (p.offsets().high_watermark() >= end, p.log().is_online())) {
                    Some((true, _)) => return Ok(()),
                    Some((false, true)) => {}
                    Some((false, false)) => return Err(ErrorCode::KafkaStorageError),
                    None => return Err(ErrorCode::NotLeaderOrFollower),
                }
                waiter.woken().await;
            }
        });
        let result = waited.await.unwrap_or(Err(ErrorCode::RequestTimedOut));
        self.waiting.remove(&waiter);
        result
    }
}

impl Broker {
    /// Coordinators hold answers until their records are committed.
    fn committed_further(self: &Arc<Self>, hosted: &Hosted) {
        self.committed_for::<GroupShard>(hosted);
        self.committed_for::<TxnShard>(hosted);
        self.committed_for::<ShareShard>(hosted);
    }
}
