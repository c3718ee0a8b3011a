//! `Log`: one partition's log, as the rest of the process sees it. What it does stands in the files beside this one: `append`, `read`,
//! `timestamps`, `order`, `truncate`, `flush`, `retain`, `recover`.
//!
//! A log is plain synchronous state for one owner at a time. It costs some hundred bytes as long as nobody writes or reads: files are
//! made with the first batch, opened when needed and closed when many are open.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::disk::{DiskError, Durable, replace_file};
use super::epochs::{EpochEnd, Epochs};
use super::error::LogError;
use super::home::Home;
use super::names;
use super::producers::{ProducerCheck, ProducerError, Producers};
use super::segment::Segment;
use super::settings::LogConfig;
use crate::record::BatchHeader;
use crate::types::{LeaderEpoch, MonoMs, Offset, TopicId, TopicPartition, WallMs};

/// Rot that recovery found: the log ends here for readers, and takes no batches until [`Log::cut_damage`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// First offset that cannot be served.
    pub offset: Offset,
    /// Where the bad bytes begin.
    pub segment: Offset,
    pub position: u64,
    pub reason: String,
}

/// One partition's log.
#[derive(Debug)]
pub struct Log {
    pub(super) home: Home,
    pub(super) config: Arc<LogConfig>,
    pub(super) topic_id: TopicId,
    /// By base offset; the last is active. Empty until the first batch.
    pub(super) segments: Vec<Segment>,
    pub(super) start: Offset,
    pub(super) end: Offset,
    /// Everything below is on the disk for sure.
    pub(super) recovery_point: Offset,
    pub(super) epochs: Epochs,
    pub(super) producers: Producers,
    /// Offsets of the producer snapshots on disk, rising.
    pub(super) snapshots: Vec<Offset>,
    pub(super) unsynced: Unsynced,
    pub(super) damage: Option<Box<Damage>>,
    /// Grows with each truncation, so that a flush begun before one does not vouch for what came after.
    pub(super) truncations: u32,
    /// Written to since it was opened or last closed.
    unclosed: bool,
}

/// What a flush has to do besides the segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Unsynced {
    /// Files were made or renamed in the partition's directory.
    pub names: bool,
    /// The directory itself and `partition.metadata` are new.
    pub directory: bool,
    pub epochs: bool,
    /// When the oldest record that is not synced came.
    pub since: Option<MonoMs>,
}

impl Log {
    pub fn partition(&self) -> &TopicPartition {
        &self.home.partition
    }

    pub fn topic_id(&self) -> TopicId {
        self.topic_id
    }

    pub fn config(&self) -> &Arc<LogConfig> {
        &self.config
    }

    /// G6: holds from the next append or retention pass on.
    pub fn set_config(&mut self, config: Arc<LogConfig>) {
        self.config = config;
    }

    /// First offset that can be read.
    pub fn start_offset(&self) -> Offset {
        self.start
    }

    /// The offset that the next record gets.
    pub fn end_offset(&self) -> Offset {
        self.end
    }

    /// Whether the directory still takes what is written; after an error of the disk it does not (R16).
    pub fn is_online(&self) -> bool {
        self.home.shared.check_online().is_ok()
    }

    /// Everything below survives a power loss.
    pub fn recovery_point(&self) -> Offset {
        self.recovery_point
    }

    /// Base offset of the segment that is written to. An older fetch position means that data is certainly there (F9).
    pub fn active_base(&self) -> Offset {
        self.segments.last().map_or(self.end, |s| s.base)
    }

    /// Bytes of all segments, as DescribeLogDirs tells them.
    pub fn size(&self) -> u64 {
        self.segments.iter().map(|s| s.size).sum()
    }

    pub fn segment_count(&self) -> usize {
        self.segments.len()
    }

    /// Set if this log must not be written to, and not be read from some offset on.
    pub fn damage(&self) -> Option<&Damage> {
        self.damage.as_deref()
    }

    pub fn producers(&self) -> &Producers {
        &self.producers
    }

    pub fn epochs(&self) -> &Epochs {
        &self.epochs
    }

    pub fn latest_epoch(&self) -> Option<LeaderEpoch> {
        self.epochs.latest().map(|e| e.epoch)
    }

    /// O9: where an epoch ends.
    pub fn end_offset_for_epoch(&self, epoch: LeaderEpoch) -> EpochEnd {
        self.epochs.end_of(epoch, self.end)
    }

    /// I2..I7: whether a client's batch may be appended, is there already, or is refused. Looks only; call it right before the append.
    pub fn check_producer(&self, header: &BatchHeader) -> Result<ProducerCheck, ProducerError> {
        self.producers.check(header)
    }

    /// Forgets producers that were silent for long (I12).
    pub fn expire_producers(&mut self, now: WallMs) -> usize {
        let expiration_ms = self.home.shared.producer_id_expiration_ms.load(Ordering::Relaxed);
        self.producers.expire(now, expiration_ms)
    }

    /// The partition's high watermark moved: transactions that ended below it are stable from now on.
    pub fn high_watermark_moved(&mut self, high_watermark: Offset) {
        self.producers.high_watermark_moved(high_watermark);
    }

    /// F13: what a read_committed reader may see.
    pub fn last_stable_offset(&self, high_watermark: Offset) -> Offset {
        self.producers.first_unstable_offset(high_watermark).map_or(high_watermark, |first| first.min(high_watermark))
    }

    /// A new leader epoch begins at the log's end; called when this replica becomes leader. Appends do it by themselves.
    pub fn assign_epoch(&mut self, epoch: LeaderEpoch) -> Result<(), LogError> {
        if self.epochs.assign(epoch, self.end) { self.write_epochs() } else { Ok(()) }
    }

    pub(super) fn write_epochs(&mut self) -> Result<(), LogError> {
        let path = self.home.path(names::LEADER_EPOCHS);
        self.unsynced.epochs = true;
        self.home.done(replace_file(self.home.disk(), &path, &self.epochs.encode(), Durable::No))
    }

    /// A log without segments; `open` fills it.
    pub(super) fn new(home: Home, topic_id: TopicId, config: Arc<LogConfig>, start: Offset) -> Log {
        Log {
            home,
            config,
            topic_id,
            segments: Vec::new(),
            start,
            end: start,
            recovery_point: 0,
            epochs: Epochs::default(),
            producers: Producers::default(),
            snapshots: Vec::new(),
            unsynced: Unsynced::default(),
            damage: None,
            truncations: 0,
            unclosed: false,
        }
    }

    /// The files changed: a stop is clean only after [`Log::close`].
    #[inline]
    pub(super) fn set_unclosed(&mut self) {
        if !self.unclosed {
            self.unclosed = true;
            self.home.shared.unclosed.fetch_add(1, Ordering::AcqRel);
        }
    }

    pub(super) fn set_closed(&mut self) {
        if self.unclosed {
            self.unclosed = false;
            self.home.shared.unclosed.fetch_sub(1, Ordering::AcqRel);
        }
    }

    pub(super) fn is_unclosed(&self) -> bool {
        self.unclosed
    }

    pub(super) fn check_writable(&self) -> Result<(), LogError> {
        self.home.shared.check_online()?;
        match &self.damage {
            None => Ok(()),
            Some(d) => Err(LogError::Damaged { offset: d.offset, reason: d.reason.clone() }),
        }
    }

    /// The segment that holds `offset` or would, as an index.
    pub(super) fn segment_of(&self, offset: Offset) -> usize {
        self.segments.partition_point(|s| s.base <= offset).saturating_sub(1)
    }

    /// All offsets of segment `i` are below it.
    pub(super) fn end_of_segment(&self, i: usize) -> Offset {
        self.segments.get(i + 1).map_or(self.end, |next| next.base)
    }

    pub(super) fn keep_recovery_point(&self) {
        self.home.shared.recovery_points.set(&self.home.partition, self.recovery_point);
    }

    pub(super) fn keep_start(&self) {
        self.home.shared.log_starts.set(&self.home.partition, self.start);
    }

    /// Writes the producers' state up to the end (I13). It is a shortcut for loading: a full disk only makes that longer.
    pub(super) fn write_snapshot(&mut self) -> Result<(), DiskError> {
        if self.snapshots.last() == Some(&self.end) {
            return Ok(());
        }
        let path = self.home.file(self.end, names::Kind::Snapshot);
        let bytes = super::producer_snapshot::encode(self.producers.to_snapshot());
        match replace_file(self.home.disk(), &path, &bytes, Durable::No) {
            Ok(()) => self.snapshots.push(self.end),
            Err(e) if e.is_no_space() => tracing::warn!("no room for {}", path.display()),
            Err(e) => return Err(e),
        }
        Ok(())
    }
}
