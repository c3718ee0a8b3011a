//! The two clocks, read where an event enters the synchronous rooms.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::types::{MonoMs, Now, WallMs};

/// Started with the broker; its monotonic milliseconds count from there.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    pub fn start() -> Self {
        Clock { start: Instant::now() }
    }

    pub fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX));
        let mono = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        Now { wall: WallMs(wall), mono: MonoMs(mono) }
    }

    /// The instant of a deadline that a machine gave.
    pub fn instant(&self, at: MonoMs) -> Instant {
        self.start + Duration::from_millis(at.0)
    }
}
