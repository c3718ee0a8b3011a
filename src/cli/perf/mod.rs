//! What the commands that measure have in common: numbers and dates as Java prints them, the pace, the way a signal ends them.

pub mod dates;
pub mod figures;
pub mod metrics;
pub mod options;
pub mod stop;
pub mod throttle;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::client::Producer;

/// Milliseconds since 1970.
pub fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Waits a moment for a topic that is created by being asked for, whatever `retries` says.
pub async fn look_for(topic: &str, producer: &Producer) {
    for pause_ms in [2, 4, 8, 16, 32, 64, 128, 256] {
        match producer.client().topic(topic, true).await {
            Err(e) if e.is_retriable() => tokio::time::sleep(Duration::from_millis(pause_ms)).await,
            // Anything else the first record will meet, too.
            _ => return,
        }
    }
}
