//! R13: finished segments are synced in the background, one partition at a time; then their recovery point moves. No lock is held while
//! the disk works.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tracing::error;

use super::Broker;
use super::hosted::Hosted;
use crate::log::LogError;

/// Runs until the broker stops; closing the logs then syncs the rest.
pub async fn run(broker: Arc<Broker>, mut stop: watch::Receiver<bool>) {
    while broker.rolled.some(&mut stop).await {
        let working = broker.clone();
        let _ = tokio::task::spawn_blocking(move || flush_all(&working)).await;
    }
}

fn flush_all(broker: &Broker) {
    while !broker.is_stopping()
        && let Some((topic, partition)) = broker.rolled.next()
    {
        let Some(hosted) = broker.partitions.known(topic, partition) else { continue };
        if let Err(e) = flush(broker, &hosted) {
            error!("the finished segments of {} cannot be synced: {e}", hosted.name());
            // Too many open files, most likely: the next append may try again, but not at once.
            std::thread::sleep(Duration::from_millis(100));
        }
        hosted.flushed();
    }
}

fn flush(broker: &Broker, hosted: &Hosted) -> Result<(), LogError> {
    while !broker.is_stopping() {
        let job = hosted.if_open(|p| p.log_mut().rolled_flush_job()).transpose()?.flatten();
        let Some(job) = job else { break };
        let done = job.run()?;
        hosted.if_open(|p| p.log_mut().flushed(done));
    }
    Ok(())
}
