//! The partitions that this broker keeps. One is opened when it is first asked for, so a start costs nothing for those that are not.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, RwLock};
use tracing::{error, warn};

use super::Broker;
use super::metrics::Traffic;
use super::wait::WaitList;
use crate::log::LogError;
use crate::machine::controller::Topic;
use crate::machine::partition::Assignment;
use crate::node::partition::Partition;
use crate::types::{NodeId, TopicId, TopicPartition};
use crate::wire::ErrorCode;

/// A partition with the fetches that wait for it.
pub struct Hosted {
    pub topic_id: TopicId,
    topic: Arc<str>,
    index: i32,
    state: Mutex<State>,
    /// As `state` says, for those who do not want to wait for the lock.
    open: AtomicBool,
    /// Noted in `Broker::rolled` and not yet done with.
    flushing: AtomicBool,
    /// Noted in `Broker::unsynced` and not yet done with.
    syncing: AtomicBool,
    pub waiting: WaitList,
    pub traffic: Traffic,
}

enum State {
    Closed,
    Open(Box<Partition>),
    /// The topic is deleted: whoever still holds this asks too late.
    Gone,
}

/// Why a partition could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum VisitError {
    #[error("it cannot be opened: {}", .0.name())]
    NotOpened(ErrorCode),
    #[error(transparent)]
    Log(#[from] LogError),
}

impl Hosted {
    pub fn topic(&self) -> &Arc<str> {
        &self.topic
    }

    pub fn index(&self) -> i32 {
        self.index
    }

    pub fn name(&self) -> TopicPartition {
        TopicPartition::new(&*self.topic, self.index)
    }

    /// Whether `with_open` will not have to open files or recover them.
    pub fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// Runs `f` on the partition, which is opened first if need be: that may block.
    pub fn with_open<T>(&self, broker: &Broker, f: impl FnOnce(&mut Partition) -> T) -> Result<T, ErrorCode> {
        let mut state = self.state.lock();
        if let State::Closed = *state {
            *state = State::Open(Box::new(self.open(broker)?));
            self.open.store(true, Ordering::Release);
        }
        match &mut *state {
            State::Open(partition) => {
                let done = f(partition);
                if partition.log().has_unsynced_roll() && !self.flushing.swap(true, Ordering::AcqRel) {
                    broker.rolled.note(self.topic_id, self.index);
                }
                if partition.awaits_sync() && !self.syncing.swap(true, Ordering::AcqRel) {
                    broker.unsynced.note(self.topic_id, self.index);
                }
                Ok(done)
            }
            State::Closed | State::Gone => Err(ErrorCode::UnknownTopicOrPartition),
        }
    }

    /// The next roll is to be noted again.
    pub fn flushed(&self) {
        self.flushing.store(false, Ordering::Release);
    }

    /// After a sync: whether there is more to sync. If not, the next append is to be noted again.
    pub fn go_on_syncing(&self) -> bool {
        let more = |p: &mut Partition| p.awaits_sync() && p.log().is_online();
        // Under the partition's lock, so that no append falls between the look and the flag.
        self.if_open(|p| {
            let more = more(p);
            self.syncing.store(more, Ordering::Release);
            more
        })
        .unwrap_or(false)
    }

    /// Runs `f` on the partition. One that is not open is opened for this alone, and closed in order afterwards. May block.
    pub fn visit<T>(&self, broker: &Broker, f: impl FnOnce(&mut Partition) -> Result<T, LogError>) -> Result<T, VisitError> {
        let mut state = self.state.lock();
        match &mut *state {
            State::Open(partition) => return Ok(f(partition)?),
            State::Gone => return Err(VisitError::NotOpened(ErrorCode::UnknownTopicOrPartition)),
            State::Closed => {}
        }
        let mut partition = self.open(broker).map_err(VisitError::NotOpened)?;
        let done = f(&mut partition);
        broker.logs.set_high_watermark(&self.name(), partition.offsets().high_watermark());
        partition.into_log().close()?;
        Ok(done?)
    }

    /// Runs `f` if the partition is not open, and keeps it from being opened meanwhile.
    pub fn if_closed<T>(&self, f: impl FnOnce() -> T) -> Option<T> {
        let state = self.state.lock();
        matches!(*state, State::Closed).then(f)
    }

    /// Runs `f` on the partition if it is open.
    pub fn if_open<T>(&self, f: impl FnOnce(&mut Partition) -> T) -> Option<T> {
        match &mut *self.state.lock() {
            State::Open(partition) => Some(f(partition)),
            State::Closed | State::Gone => None,
        }
    }

    /// Takes the partition out for good.
    pub fn take(&self) -> Option<Box<Partition>> {
        self.open.store(false, Ordering::Release);
        match std::mem::replace(&mut *self.state.lock(), State::Gone) {
            State::Open(partition) => Some(partition),
            State::Closed | State::Gone => None,
        }
    }

    fn open(&self, broker: &Broker) -> Result<Partition, ErrorCode> {
        let image = broker.image();
        let known = image.topic_by_id(self.topic_id).and_then(|t| t.partition(self.index));
        let assignment = assignment(known.ok_or(ErrorCode::UnknownTopicOrPartition)?);
        let settings = broker.topic_settings(&image, &self.topic);
        let now = broker.clock.now();
        let open = || broker.logs.open_log(&self.name(), self.topic_id, Arc::new(settings.log.clone()), now);
        let opened = match open() {
            // Of an earlier topic of this name: it is kept for an operator, and does not stand in the way.
            Err(LogError::Stray { path, .. }) => {
                warn!("{} belongs to another topic: it is set aside", path.display());
                broker.set_aside(&self.name()).and_then(|()| open())
            }
            opened => opened,
        };
        opened.and_then(|log| Partition::new(broker.node_id, log, settings.clone(), &assignment, now)).map_err(|e| {
            error!("cannot open partition {}: {e}", self.name());
            ErrorCode::KafkaStorageError
        })
    }
}

/// A partition's state in the form that the partition's machine takes.
pub fn assignment(p: &crate::machine::controller::Partition) -> Assignment {
    Assignment {
        replicas: p.replicas.clone(),
        isr: p.isr.clone(),
        leader: p.leader,
        leader_epoch: p.leader_epoch,
        partition_epoch: p.partition_epoch,
    }
}

/// Those that were asked for since the start.
pub struct Partitions {
    me: NodeId,
    known: RwLock<HashMap<TopicId, HashMap<i32, Arc<Hosted>>>>,
}

impl Partitions {
    pub fn new(me: NodeId) -> Self {
        Partitions { me, known: RwLock::default() }
    }

    /// A partition that the cluster has and this broker leads.
    pub fn get(&self, topic: &Topic, index: i32) -> Result<Arc<Hosted>, ErrorCode> {
        if let Some(hosted) = self.known.read().get(&topic.id).and_then(|t| t.get(&index)) {
            return Ok(hosted.clone());
        }
        let known = topic.partition(index).ok_or(ErrorCode::UnknownTopicOrPartition)?;
        if !known.replicas.contains(&self.me) {
            return Err(ErrorCode::NotLeaderOrFollower);
        }
        let mut all = self.known.write();
        let fresh = || {
            Arc::new(Hosted {
                topic_id: topic.id,
                topic: topic.name.clone(),
                index,
                state: Mutex::new(State::Closed),
                open: AtomicBool::new(false),
                flushing: AtomicBool::new(false),
                syncing: AtomicBool::new(false),
                waiting: WaitList::default(),
                traffic: Traffic::default(),
            })
        };
        Ok(all.entry(topic.id).or_default().entry(index).or_insert_with(fresh).clone())
    }

    /// A partition that was asked for before.
    pub fn known(&self, id: TopicId, index: i32) -> Option<Arc<Hosted>> {
        self.known.read().get(&id)?.get(&index).cloned()
    }

    /// Forgets a partition that nobody else has asked for: it is as if it had not been looked at.
    pub fn release(&self, hosted: Arc<Hosted>) {
        let mut all = self.known.write();
        // One for the table, one for the caller; nobody can get another while the table is locked.
        if Arc::strong_count(&hosted) > 2 || hosted.is_open() {
            return;
        }
        if let Some(topic) = all.get_mut(&hosted.topic_id) {
            topic.remove(&hosted.index);
            if topic.is_empty() {
                all.remove(&hosted.topic_id);
            }
        }
    }

    /// Every partition that was asked for.
    pub fn all(&self) -> Vec<Arc<Hosted>> {
        self.known.read().values().flat_map(|t| t.values().cloned()).collect()
    }

    /// The partitions of one topic that were asked for.
    pub fn of_topic(&self, id: TopicId) -> Vec<Arc<Hosted>> {
        self.known.read().get(&id).map(|t| t.values().cloned().collect()).unwrap_or_default()
    }

    /// Forgets a deleted topic; its open partitions come back so that their files can go away.
    pub fn forget(&self, id: TopicId) -> Vec<(Arc<Hosted>, Option<Box<Partition>>)> {
        let gone = self.known.write().remove(&id).unwrap_or_default();
        let taken = gone.into_values().map(|hosted| {
            let partition = hosted.take();
            hosted.waiting.wake_all();
            (hosted, partition)
        });
        taken.collect()
    }
}
