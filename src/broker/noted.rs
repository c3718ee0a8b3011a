//! Partitions noted for work in the background, and the call that wakes whoever does it.

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use crate::types::TopicId;

/// Partitions that wait for one kind of work. Whoever notes sees to it that none is noted twice.
#[derive(Default)]
pub struct Noted {
    waiting: Mutex<Vec<(TopicId, i32)>>,
    some: Notify,
}

impl Noted {
    pub fn note(&self, topic: TopicId, partition: i32) {
        self.waiting.lock().push((topic, partition));
        self.some.notify_one();
    }

    pub fn next(&self) -> Option<(TopicId, i32)> {
        self.waiting.lock().pop()
    }

    /// Waits until some are noted; false if the broker stops first.
    pub async fn some(&self, stop: &mut watch::Receiver<bool>) -> bool {
        tokio::select! {
            biased;
            _ = stop.wait_for(|stopping| *stopping) => false,
            () = self.some.notified() => true,
        }
    }
}
