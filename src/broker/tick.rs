//! Work that time brings: retention, checkpoints, flushes, expired producers, files to be removed. Each is a small function here; one task
//! runs them when they are due, on a thread that may block.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tracing::{error, info};

use super::{Broker, dormant};
use crate::log::LogError;
use crate::node::quorum::QuorumError;

/// How often files whose time has come are looked for, and unused buffers given back.
const OFTEN_MS: i64 = 5_000;

struct Job {
    what: &'static str,
    every: Duration,
    next: Instant,
    run: fn(&Broker) -> Result<(), TickError>,
}

/// Why a job could not be done.
#[derive(Debug, thiserror::Error)]
enum TickError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Metadata(#[from] QuorumError),
}

/// Runs until the broker stops.
pub async fn run(broker: Arc<Broker>, mut stop: watch::Receiver<bool>) {
    let looking = broker.clone();
    let _ = tokio::task::spawn_blocking(move || looking.look_over()).await;
    let mut jobs = jobs(&broker);
    while let Some(due) = jobs.iter().map(|job| job.next).min() {
        tokio::select! {
            biased;
            _ = stop.wait_for(|stopping| *stopping) => return,
            () = tokio::time::sleep_until(due.into()) => {}
        }
        for job in jobs.iter_mut().filter(|job| job.next <= Instant::now()) {
            let (broker, run) = (broker.clone(), job.run);
            match tokio::task::spawn_blocking(move || run(&broker)).await {
                Ok(Ok(())) => {}
                Ok(Err(e)) => error!("{}: {e}", job.what),
                Err(e) => error!("{}: {e}", job.what),
            }
            job.next = Instant::now() + job.every;
        }
    }
}

fn jobs(broker: &Broker) -> Vec<Job> {
    let c = &broker.config;
    let now = Instant::now();
    let mut jobs = Vec::new();
    let mut add = |what, every_ms: i64, first_ms: i64, run| {
        // A year stands for never, which is what Kafka's largest numbers mean.
        let span = |ms: i64| Duration::from_millis(u64::try_from(ms).unwrap_or(0).clamp(1, 365 * 24 * 3_600_000));
        jobs.push(Job { what, every: span(every_ms), next: now + span(first_ms), run });
    };
    let watermarks = c.replica_high_watermark_checkpoint_interval_ms;
    let (points, starts) = (c.log_flush_offset_checkpoint_interval_ms.into(), c.log_flush_start_offset_checkpoint_interval_ms.into());
    let expiry = c.producer_id_expiration_check_interval_ms.into();
    let flush = c.log_flush_scheduler_interval_ms;
    add("retention", c.log_retention_check_interval_ms, c.log_initial_task_delay_ms, retain);
    add("checkpoint of high watermarks", watermarks, watermarks, |b| Ok(b.keep_high_watermarks()?));
    add("checkpoint of recovery points", points, points, |b| Ok(b.logs.write_recovery_points()?));
    add("checkpoint of log starts", starts, starts, |b| Ok(b.logs.write_log_starts()?));
    add("expiry of producers", expiry, expiry, expire_producers);
    add("flush", flush, flush, flush_due);
    add("snapshot of the metadata", OFTEN_MS, OFTEN_MS, |b| Ok(b.snapshot_metadata()?));
    add("removal of files", OFTEN_MS, 0, remove_files);
    let prune = c.group_share.state_topic_prune_interval_ms.into();
    add("pruning of share states", prune, prune, |b| {
        b.prune_share_states();
        Ok(())
    });
    jobs
}

/// C1: drops segments that are too old or too many.
fn retain(broker: &Broker) -> Result<(), TickError> {
    let (mut segments, mut bytes) = (0, 0);
    for hosted in broker.partitions.all() {
        match hosted.if_open(|p| p.retain(broker.clock.now())) {
            Some(Ok(dropped)) if dropped.segments > 0 => {
                segments += dropped.segments;
                bytes += dropped.bytes;
                hosted.waiting.wake_all();
            }
            // One that is damaged keeps what it has; the others go on.
            Some(Err(e)) => error!("retention of partition {}: {e}", hosted.name()),
            _ => {}
        }
    }
    let dormant = dormant::retain(broker);
    let (segments, bytes) = (segments + dormant.segments, bytes + dormant.bytes);
    if segments > 0 {
        info!("retention dropped {segments} segments of {bytes} bytes");
    }
    remove_files(broker)
}

fn expire_producers(broker: &Broker) -> Result<(), TickError> {
    let (now, after_ms) = (broker.clock.now(), u64::try_from(broker.config.producer_id_expiration_ms).unwrap_or(0));
    for hosted in broker.partitions.all() {
        hosted.if_open(|p| p.expire_producers(now, after_ms));
    }
    Ok(())
}

/// R14: syncs logs whose records have waited longer than `flush.ms`. The sync itself holds no lock.
fn flush_due(broker: &Broker) -> Result<(), TickError> {
    let now = broker.clock.now();
    for hosted in broker.partitions.all() {
        let job = hosted.if_open(|p| if p.log().flush_is_due(now) { p.log_mut().flush_job() } else { Ok(None) });
        if let Some(job) = job.transpose()?.flatten() {
            let done = job.run()?;
            hosted.if_open(|p| p.log_mut().flushed(done));
        }
    }
    Ok(())
}

fn remove_files(broker: &Broker) -> Result<(), TickError> {
    broker.buffers.trim();
    broker.logs.purge(broker.clock.now().mono)?;
    Ok(())
}

impl Broker {
    /// L10: notes how far every open partition is committed.
    pub fn keep_high_watermarks(&self) -> Result<(), LogError> {
        for hosted in self.partitions.all() {
            if let Some(offsets) = hosted.if_open(|p| p.offsets()) {
                self.logs.set_high_watermark(&hosted.name(), offsets.high_watermark());
            }
        }
        self.logs.write_high_watermarks()
    }
}
