//! A few idle contexts or buffers shared by all threads. Unlike thread locals, their number does not grow with the threads.

use parking_lot::Mutex;

/// Keeps up to `most` idle values of `T`.
pub struct Pool<T> {
    idle: Mutex<Vec<T>>,
    most: usize,
}

impl<T> Pool<T> {
    pub const fn new(most: usize) -> Pool<T> {
        Pool { idle: Mutex::new(Vec::new()), most }
    }

    /// An idle value, if there is one.
    pub fn take(&self) -> Option<T> {
        self.idle.lock().pop()
    }

    /// Gives a value back; drops it when enough are idle.
    pub fn give(&self, value: T) {
        let mut idle = self.idle.lock();
        if idle.len() < self.most {
            idle.push(value);
        }
    }
}
