//! Compaction, driven: one task that looks for the dirtiest log, has it cleaned on a thread that may block, and looks again. It has a
//! task of its own because a pass may take long.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tracing::{debug, error, warn};

use super::hosted::Hosted;
use super::{Broker, dormant};
use crate::config::CleanerConfig;
use crate::log::compact::{self, CompactError, CompactOptions, Done, Owner, Pace, Throttle};
use crate::log::{Log, LogError};
use crate::types::{MonoMs, TopicId};

/// Waiting for the throttle ends this soon when the broker stops.
const NAP_MS: u64 = 100;

type Logs = HashSet<(TopicId, i32)>;

/// Runs until the broker stops.
pub async fn run(broker: Arc<Broker>, mut stop: watch::Receiver<bool>) {
    if !broker.config.log_cleaner_enable {
        return;
    }
    let mut settings = broker.cleaning.subscribe();
    let mut cleaner = Cleaner::new(&broker, *settings.borrow_and_update(), stop.clone());
    loop {
        let backoff = Duration::from_millis(u64::try_from(cleaner.config.backoff_ms).unwrap_or(0).max(1));
        tokio::select! {
            biased;
            _ = stop.wait_for(|stopping| *stopping) => return,
            Ok(()) = settings.changed() => {
                cleaner.configure(&broker, *settings.borrow_and_update());
                continue;
            }
            () = tokio::time::sleep(backoff) => {}
        }
        let broker = broker.clone();
        let round = tokio::task::spawn_blocking(move || {
            cleaner.round(&broker);
            cleaner
        });
        match round.await {
            Ok(back) => cleaner = back,
            Err(e) => {
                error!("compaction stops until the next start: {e}");
                return;
            }
        }
    }
}

struct Cleaner {
    /// Logs that a pass failed on (C13): left alone until the next start.
    uncleanable: Logs,
    /// Logs that could not be cleaned in this round; the next one tries again.
    passed_by: Logs,
    config: CleanerConfig,
    throttle: Throttle,
    /// When partitions that are not open are looked at again.
    sweep_at: MonoMs,
    stop: watch::Receiver<bool>,
}

impl Cleaner {
    fn new(broker: &Broker, config: CleanerConfig, stop: watch::Receiver<bool>) -> Cleaner {
        let now = broker.clock.now().mono;
        let throttle = Throttle::new(config.io_max_bytes_per_second, now);
        Cleaner { uncleanable: Logs::new(), passed_by: Logs::new(), config, throttle, sweep_at: now, stop }
    }

    /// Holds from the next round on.
    fn configure(&mut self, broker: &Broker, config: CleanerConfig) {
        if config.io_max_bytes_per_second != self.config.io_max_bytes_per_second {
            self.throttle = Throttle::new(config.io_max_bytes_per_second, broker.clock.now().mono);
        }
        self.config = config;
    }

    /// Cleans until nothing is dirty enough.
    fn round(&mut self, broker: &Broker) {
        self.passed_by.clear();
        let now = broker.clock.now().mono;
        if now >= self.sweep_at {
            // A log that nobody uses gets dirtier by the clock alone, so now and then is enough.
            dormant::open_dirty(broker);
            self.sweep_at = now.plus(u64::try_from(broker.config.log_retention_check_interval_ms).unwrap_or(0));
        }
        while self.clean_one(broker) {}
    }

    /// Cleans the dirtiest log that is dirty enough. False: there is none, or the broker stops.
    fn clean_one(&mut self, broker: &Broker) -> bool {
        if *self.stop.borrow() {
            return false;
        }
        let mut candidates = Vec::new();
        for hosted in broker.partitions.all() {
            let id = (hosted.topic_id, hosted.index());
            if self.uncleanable.contains(&id) || self.passed_by.contains(&id) {
                continue;
            }
            let now = broker.clock.now();
            match hosted.if_open(|p| {
                let high_watermark = p.offsets().high_watermark();
                p.log_mut().dirt(now.wall, high_watermark)
            }) {
                Some(Ok(Some(dirt))) => candidates.push((hosted, dirt)),
                Some(Err(e)) => self.give_up(&hosted, &e.into()),
                Some(Ok(None)) | None => {}
            }
        }
        let Some(hosted) = compact::filthiest(candidates) else { return false };
        match self.clean(broker, &hosted) {
            Ok(Some(done)) => tell(&hosted, &done),
            Ok(None) => self.pass_by(&hosted),
            Err(CompactError::Stopped) => return false,
            Err(e) => self.give_up(&hosted, &e),
        }
        true
    }

    fn give_up(&mut self, hosted: &Hosted, e: &CompactError) {
        if e.is_lasting() {
            error!("{} is not compacted until the next start: {e}", hosted.name());
            self.uncleanable.insert((hosted.topic_id, hosted.index()));
        } else {
            warn!("{} cannot be compacted now: {e}", hosted.name());
            self.pass_by(hosted);
        }
    }

    fn pass_by(&mut self, hosted: &Hosted) {
        self.passed_by.insert((hosted.topic_id, hosted.index()));
    }

    fn clean(&mut self, broker: &Broker, hosted: &Hosted) -> Result<Option<Done>, CompactError> {
        let c = &self.config;
        let options = CompactOptions {
            dedupe_buffer_bytes: usize::try_from(c.dedupe_buffer_size).unwrap_or(0),
            load_factor: c.io_buffer_load_factor,
            io_buffer_bytes: usize::try_from(c.io_buffer_size).unwrap_or(0),
            seed: broker.rng.lock().next_u64(),
        };
        flush(hosted)?;
        let Some(offsets) = hosted.if_open(|p| p.offsets()) else { return Err(CompactError::Changed) };
        let mut pace = Paced { broker, throttle: &mut self.throttle, stop: &self.stop };
        compact::run(hosted, &options, broker.clock.now(), offsets.high_watermark(), &mut pace)
    }
}

/// Only what is synced is compacted.
fn flush(hosted: &Hosted) -> Result<(), LogError> {
    let job = hosted.if_open(|p| if p.log().recovery_point() < p.log().active_base() { p.log_mut().flush_job() } else { Ok(None) });
    if let Some(job) = job.transpose()?.flatten() {
        let done = job.run()?;
        hosted.if_open(|p| p.log_mut().flushed(done));
    }
    Ok(())
}

fn tell(hosted: &Hosted, done: &Done) {
    debug!(
        "compacted {} up to offset {}: {} segments of {} bytes became {} of {}; the map took {} bytes",
        hosted.name(),
        done.cleaned_upto,
        done.segments_before,
        done.bytes_before,
        done.segments_after,
        done.bytes_after,
        done.map_memory
    );
}

impl Owner for Hosted {
    fn with<T>(&self, f: impl FnOnce(&mut Log) -> T) -> Option<T> {
        self.if_open(|p| f(p.log_mut()))
    }
}

/// `log.cleaner.io.max.bytes.per.second`, by the broker's clock.
struct Paced<'a> {
    broker: &'a Broker,
    throttle: &'a mut Throttle,
    stop: &'a watch::Receiver<bool>,
}

impl Pace for Paced<'_> {
    fn spent(&mut self, bytes: u64) -> bool {
        let mut wait = self.throttle.spend(bytes, self.broker.clock.now().mono);
        while wait > 0 && !*self.stop.borrow() {
            let nap = wait.min(NAP_MS);
            std::thread::sleep(Duration::from_millis(nap));
            wait -= nap;
        }
        !*self.stop.borrow()
    }
}
