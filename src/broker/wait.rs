//! Fetches that wait for data: woken by the append that brings it, not by a timer.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::machine::partition::Reader;

/// One waiting fetch. It hangs in the lists of all partitions that it asks for.
#[derive(Debug)]
pub struct Waiter {
    reader: Reader,
    /// Bytes that have to arrive before another look is worth while.
    missing: AtomicI64,
    woken: Notify,
}

impl Waiter {
    pub fn new(reader: Reader, missing: i64) -> Arc<Self> {
        Arc::new(Waiter { reader, missing: AtomicI64::new(missing), woken: Notify::new() })
    }

    /// Says that `missing` bytes are lacking now, after a look that did not find enough.
    pub fn expect(&self, missing: i64) {
        self.missing.store(missing, Ordering::Release);
    }

    /// Wakes the fetch whatever has arrived.
    pub fn wake(&self) {
        self.missing.store(0, Ordering::Release);
        self.woken.notify_one();
    }

    /// Returns when a look is worth while. A wake before this call counts.
    pub async fn woken(&self) {
        self.woken.notified().await
    }

    fn arrived(&self, bytes: i64) {
        if self.missing.fetch_sub(bytes, Ordering::AcqRel) <= bytes {
            self.woken.notify_one();
        }
    }
}

/// The fetches that wait for one partition.
#[derive(Debug, Default)]
pub struct WaitList(Mutex<Vec<Arc<Waiter>>>);

impl WaitList {
    pub fn add(&self, waiter: Arc<Waiter>) {
        self.0.lock().push(waiter);
    }

    pub fn remove(&self, waiter: &Arc<Waiter>) {
        let mut list = self.0.lock();
        list.retain(|w| !Arc::ptr_eq(w, waiter));
        if list.is_empty() {
            *list = Vec::new();
        }
    }

    /// Tells that up to `bytes` more can be read by those whose visible end has moved.
    pub fn arrived(&self, bytes: i64, moved: impl Fn(Reader) -> bool) {
        for waiter in self.0.lock().iter().filter(|w| moved(w.reader)) {
            waiter.arrived(bytes);
        }
    }

    /// Wakes everyone: leadership, the log's start or the partition itself is gone or new.
    pub fn wake_all(&self) {
        for waiter in self.0.lock().iter() {
            waiter.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn is_woken(waiter: &Waiter) -> bool {
        tokio::time::timeout(std::time::Duration::from_millis(1), waiter.woken()).await.is_ok()
    }

    #[tokio::test]
    async fn f9_a_waiter_is_woken_when_enough_bytes_have_arrived() {
        let (list, waiter) = (WaitList::default(), Waiter::new(Reader::Uncommitted, 100));
        list.add(waiter.clone());
        list.arrived(60, |_| true);
        assert!(!is_woken(&waiter).await);
        list.arrived(60, |r| r == Reader::Committed);
        assert!(!is_woken(&waiter).await);
        list.arrived(40, |_| true);
        assert!(is_woken(&waiter).await);
        waiter.expect(1);
        list.wake_all();
        assert!(is_woken(&waiter).await);
        list.remove(&waiter);
        list.wake_all();
        assert!(!is_woken(&waiter).await);
    }
}
