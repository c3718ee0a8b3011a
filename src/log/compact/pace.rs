//! How fast a pass may go, and whether it may go on. Time comes from outside.

use crate::types::MonoMs;

/// Told of every stretch of reading and writing; may take its time to answer.
pub trait Pace {
    /// `bytes` were read and written. False: the pass ends here.
    fn spent(&mut self, bytes: u64) -> bool;
}

/// No limit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unhurried;

impl Pace for Unhurried {
    fn spent(&mut self, _bytes: u64) -> bool {
        true
    }
}

/// A limit in bytes a second: says how long to wait so that the mean stays below it.
#[derive(Clone, Copy, Debug)]
pub struct Throttle {
    bytes_per_second: f64,
    /// When everything spent so far will have been paid for.
    paid_at: f64,
}

impl Throttle {
    /// Numbers that are no limit (infinite, or not above zero) mean none.
    pub fn new(bytes_per_second: f64, now: MonoMs) -> Throttle {
        let limit = bytes_per_second.is_finite() && bytes_per_second > 0.0;
        Throttle { bytes_per_second: if limit { bytes_per_second } else { f64::MAX }, paid_at: now.0 as f64 }
    }

    /// `bytes` were spent at `now`: how many milliseconds to wait before the next ones.
    pub fn spend(&mut self, bytes: u64, now: MonoMs) -> u64 {
        let now = now.0 as f64;
        self.paid_at = self.paid_at.max(now) + bytes as f64 * 1000.0 / self.bytes_per_second;
        (self.paid_at - now).min(1e12) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c7_the_mean_rate_stays_below_the_limit() {
        let mut throttle = Throttle::new(1_000_000.0, MonoMs(50));
        let mut now = MonoMs(50);
        for _ in 0..100 {
            now = now.plus(throttle.spend(100_000, now));
        }
        assert_eq!(now, MonoMs(50 + 10_000));
        // Idle time is no credit.
        assert_eq!(throttle.spend(500_000, MonoMs(100_000)), 500);
        assert_eq!(Throttle::new(f64::MAX, MonoMs(0)).spend(u64::MAX, MonoMs(0)), 0);
        assert_eq!(Throttle::new(f64::INFINITY, MonoMs(0)).spend(u64::MAX, MonoMs(0)), 0);
    }
}
