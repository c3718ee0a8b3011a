//! The pace of `--throughput`.

use std::time::Duration;

use super::figures::float;

/// Shorter pauses are saved up.
const LEAST: Duration = Duration::from_millis(2);

/// Keeps to so many records a second on the average since the start. Below zero: as many as there can be; zero: none after the first.
#[derive(Debug)]
pub struct Throttle {
    target: f64,
    start_ms: u64,
    /// Pauses that were too short to be made.
    saved: Duration,
}

impl Throttle {
    pub fn new(target: f64, start_ms: u64) -> Throttle {
        Throttle { target, start_ms, saved: Duration::ZERO }
    }

    /// Whether `sent` records by `now_ms` are too many.
    pub fn too_fast(&self, sent: u64, now_ms: u64) -> bool {
        let elapsed = float(now_ms.saturating_sub(self.start_ms)) / 1000.0;
        self.target >= 0.0 && elapsed > 0.0 && float(sent) / elapsed > self.target
    }

    /// Waits as long as one record more makes necessary.
    pub async fn pause(&mut self) {
        if self.target == 0.0 {
            return std::future::pending().await;
        }
        if let Some(pause) = self.due() {
            tokio::time::sleep(pause).await;
        }
    }

    /// The pause for one record and for those before it that had none.
    fn due(&mut self) -> Option<Duration> {
        self.saved += Duration::try_from_secs_f64(1.0 / self.target).unwrap_or(Duration::MAX);
        (self.saved >= LEAST).then(|| std::mem::take(&mut self.saved))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_average_counts() {
        let throttle = Throttle::new(100.0, 1000);
        assert!(!throttle.too_fast(5, 1000), "no time has passed");
        assert!(throttle.too_fast(101, 2000));
        assert!(!throttle.too_fast(100, 2000));
        assert!(!Throttle::new(-1.0, 0).too_fast(1_000_000, 1));
        assert!(Throttle::new(0.0, 0).too_fast(1, 1));
    }

    #[test]
    fn short_pauses_are_saved_up() {
        let mut throttle = Throttle::new(1000.0, 0);
        assert_eq!([throttle.due(), throttle.due(), throttle.due()], [None, Some(Duration::from_millis(2)), None]);
        assert_eq!(Throttle::new(0.5, 0).due(), Some(Duration::from_secs(2)));
    }
}
