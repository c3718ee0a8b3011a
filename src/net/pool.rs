//! Buffers for large frames: lent, given back by the last reader of the bytes, bounded in sum.
//!
//! A fresh megabyte costs a page fault every 4 KiB, which is as much work as copying it; so buffers are kept for the next frame. Every byte
//! lent counts against one budget, whatever the connection, so that many connections cannot take more memory than one is allowed.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// Hands out byte buffers within a budget. Cheap to clone through `Arc`.
#[derive(Debug)]
pub struct BufferPool {
    /// Bytes that may be lent at once.
    budget: usize,
    /// Bytes kept for reuse when nobody uses them.
    retain: usize,
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct State {
    lent: usize,
    kept: usize,
    idle: Vec<Vec<u8>>,
    /// The smallest number of buffers that lay idle since the last `trim`: those were not needed.
    least_idle: usize,
}

impl BufferPool {
    /// A pool lending at most `budget` bytes and keeping at most `retain` unused ones.
    pub fn new(budget: usize, retain: usize) -> Arc<Self> {
        Arc::new(BufferPool { budget, retain, state: Mutex::default(), freed: Notify::new() })
    }

    /// An empty buffer with room for at least `size` bytes, or `None` when the budget is used up. A request that exceeds the whole budget is
    /// granted when nothing else is lent, so that no frame within the frame limit can be stuck for ever.
    pub fn take(&self, size: usize) -> Option<Vec<u8>> {
        let mut state = self.state.lock();
        if state.lent > 0 && state.lent.saturating_add(size) > self.budget {
            return None;
        }
        let best = state.idle.iter().enumerate().filter(|(_, b)| b.capacity() >= size).min_by_key(|(_, b)| b.capacity()).map(|(i, _)| i);
        let buffer = match best {
            // A far larger buffer is left for those who need it.
            Some(i) if state.idle[i].capacity() <= size.saturating_mul(8) => {
                let buffer = state.idle.swap_remove(i);
                state.kept -= buffer.capacity();
                state.least_idle = state.least_idle.min(state.idle.len());
                buffer
            }
            _ => Vec::with_capacity(rounded(size)),
        };
        state.lent += buffer.capacity();
        Some(buffer)
    }

    /// Takes a lent buffer back and keeps it for the next frame if there is room.
    pub fn give(&self, mut buffer: Vec<u8>) {
        let capacity = buffer.capacity();
        let mut state = self.state.lock();
        state.lent = state.lent.saturating_sub(capacity);
        if capacity > 0 && state.kept + capacity <= self.retain {
            buffer.clear();
            state.kept += capacity;
            state.idle.push(buffer);
            drop(state);
        } else {
            drop(state);
            drop(buffer);
        }
        self.freed.notify_waiters();
    }

    /// Wraps a lent buffer as bytes; the buffer comes back to the pool when the last slice of them is dropped.
    pub fn freeze(self: &Arc<Self>, buffer: Vec<u8>) -> Bytes {
        Bytes::from_owner(Lent { buffer, pool: self.clone() })
    }

    /// Drops buffers that nobody needed since the last call. For a slow tick.
    pub fn trim(&self) {
        let mut state = self.state.lock();
        let unused = state.least_idle.min(state.idle.len());
        for buffer in state.idle.drain(..unused).collect::<Vec<_>>() {
            state.kept -= buffer.capacity();
        }
        state.least_idle = state.idle.len();
    }

    /// Returns once some buffer may have come back. A return between a failed `take` and this call is noticed a little later.
    pub async fn wait(&self) {
        let _ = tokio::time::timeout(Duration::from_millis(20), self.freed.notified()).await;
    }

    /// Bytes lent at present.
    pub fn lent(&self) -> usize {
        self.state.lock().lent
    }
}

/// Frames of nearly the same size shall fit the same buffer: a quarter more at most. What is never written to costs no memory.
fn rounded(size: usize) -> usize {
    let step = size.checked_next_power_of_two().unwrap_or(size) / 4;
    if step < 4096 { size } else { size.div_ceil(step).saturating_mul(step) }
}

struct Lent {
    buffer: Vec<u8>,
    pool: Arc<BufferPool>,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.pool.give(std::mem::take(&mut self.buffer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_returns_when_its_last_slice_is_dropped() {
        let pool = BufferPool::new(1 << 20, 1 << 20);
        let mut buffer = pool.take(1000).unwrap();
        buffer.extend_from_slice(b"abcdef");
        let address = buffer.as_ptr();
        let bytes = pool.freeze(buffer);
        let slice = bytes.slice(2..4);
        drop(bytes);
        assert_eq!(&slice[..], b"cd");
        assert!(pool.lent() >= 1000);
        drop(slice);
        assert_eq!(pool.lent(), 0);
        let again = pool.take(900).unwrap();
        assert_eq!(again.as_ptr(), address);
        assert!(again.is_empty());
    }

    #[test]
    fn n8_the_sum_of_buffers_is_bounded_but_a_lone_frame_passes() {
        let pool = BufferPool::new(1000, 1000);
        let first = pool.take(5000).unwrap();
        assert!(pool.take(1).is_none());
        pool.give(first);
        let one = pool.take(600).unwrap();
        assert!(pool.take(600).is_none());
        pool.give(one);
        assert!(pool.take(600).is_some());
    }

    #[test]
    fn a_frame_a_little_larger_than_the_last_one_gets_its_buffer() {
        let pool = BufferPool::new(64 << 20, 64 << 20);
        let first = pool.take(6_291_800).unwrap();
        let address = first.as_ptr();
        assert!(first.capacity() < 8_000_000 + 400_000);
        pool.give(first);
        let again = pool.take(6_300_000).unwrap();
        assert_eq!(again.as_ptr(), address);
        assert_eq!((rounded(0), rounded(100), rounded(65_536), rounded(65_537)), (0, 100, 65_536, 98_304));
    }

    #[test]
    fn trim_drops_what_was_not_needed() {
        let pool = BufferPool::new(1 << 20, 1 << 20);
        let (a, b) = (pool.take(100).unwrap(), pool.take(100).unwrap());
        pool.give(a);
        pool.give(b);
        pool.trim();
        let used = pool.take(100).unwrap();
        pool.give(used);
        pool.trim();
        assert_eq!(pool.state.lock().idle.len(), 1);
        pool.trim();
        assert_eq!(pool.state.lock().idle.len(), 0);
        assert_eq!(pool.state.lock().kept, 0);
    }
}
