//! When a snapshot is taken, how, and what goes once it stands.

use std::path::PathBuf;
use std::sync::Arc;

use crate::log::disk::{Disk, remove_if_there};
use crate::machine::controller::ClusterState;
use crate::types::{MonoMs, Now, WallMs};

use super::Quorum;
use super::checkpoint::{self, Snapshot, SnapshotId};
use super::error::QuorumError;
use super::replay::Voting;

/// A start reads the last snapshot and the log behind it: so much of the log may come together before a new one is due.
const MIN_TAIL_BYTES: u64 = 256 << 10;
/// Snapshots kept beside the newest, in case that one rots.
const OLDER_KEPT: usize = 1;

/// Counts what has come since the last snapshot.
#[derive(Clone, Copy, Debug)]
pub(super) struct SnapshotPolicy {
    last_size: u64,
    tail_bytes: u64,
    in_flight: bool,
    /// When the last one was begun, or when somebody first asked for one.
    since: Option<MonoMs>,
    limits: SnapshotLimits,
}

/// Settings of the metadata log.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotLimits {
    /// A snapshot is due when so much came since the last (`metadata.log.max.record.bytes.between.snapshots`). `None`: as soon as reading
    /// that would be dearer than writing the state again.
    pub between: Option<u64>,
    /// A snapshot is due when anything came since the last and that is so long ago (`metadata.log.max.snapshot.interval.ms`). `None`: age
    /// does not matter.
    pub max_age_ms: Option<u64>,
    /// The log is cut at the oldest kept snapshot when it has grown beyond this (`metadata.max.retention.bytes`).
    pub max_log_bytes: u64,
}

impl Default for SnapshotLimits {
    fn default() -> Self {
        SnapshotLimits { between: None, max_age_ms: Some(3_600_000), max_log_bytes: 100 << 20 }
    }
}

impl SnapshotPolicy {
    pub(super) fn new(last: Option<(SnapshotId, u64)>, tail_bytes: u64) -> Self {
        let last_size = last.map_or(0, |(_, size)| size);
        SnapshotPolicy { last_size, tail_bytes, in_flight: false, since: None, limits: SnapshotLimits::default() }
    }

    pub(super) fn appended(&mut self, bytes: usize) {
        self.tail_bytes = self.tail_bytes.saturating_add(bytes as u64);
    }

    /// Enough has come to make reading it dearer than writing the state again, or something a long time ago.
    fn is_due(&mut self, now: MonoMs) -> bool {
        let since = *self.since.get_or_insert(now);
        let enough = self.limits.between.unwrap_or(MIN_TAIL_BYTES.max(self.last_size));
        let is_old = self.tail_bytes > 0 && self.limits.max_age_ms.is_some_and(|age| now.since(since) >= age);
        !self.in_flight && (self.tail_bytes > enough || is_old)
    }
}

/// Writing a snapshot: work for a thread that may block. It holds a copy of the state and nothing of the quorum.
pub struct SnapshotJob {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    id: SnapshotId,
    state: ClusterState,
    voting: Voting,
    last_time: WallMs,
    now: WallMs,
}

/// A snapshot that is on the disk.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotWritten {
    id: SnapshotId,
    size: u64,
}

impl SnapshotJob {
    /// Writes the file durably.
    pub fn run(self) -> Result<SnapshotWritten, QuorumError> {
        let snapshot = Snapshot {
            records: self.state.records(),
            voting: &self.voting,
            version: self.state.metadata_version(),
            last_time: self.last_time,
            epoch: self.id.epoch,
            now: self.now,
        };
        let size = checkpoint::write(&*self.disk, &self.path, snapshot)?;
        Ok(SnapshotWritten { id: self.id, size })
    }
}

impl Quorum {
    /// What holds instead of the defaults.
    pub fn limit_snapshots(&mut self, limits: SnapshotLimits) {
        self.snapshots.limits = limits;
    }

    /// The snapshot that should be written now, if one is due. Its result must come back through [`Quorum::snapshot_done`].
    pub fn snapshot_job(&mut self, now: Now) -> Option<SnapshotJob> {
        if self.failed.is_some() || !self.staged.is_empty() || !self.snapshots.is_due(now.mono) {
            return None;
        }
        self.snapshots.in_flight = true;
        self.snapshots.tail_bytes = 0;
        self.snapshots.since = Some(now.mono);
        let id = SnapshotId { offset: self.log.end_offset(), epoch: self.epoch };
        Some(SnapshotJob {
            disk: self.disk.clone(),
            path: self.dir.join(id.file_name()),
            id,
            state: self.controller.state().clone(),
            voting: self.voting.clone(),
            last_time: self.last_time,
            now: now.wall,
        })
    }

    /// A snapshot job has ended. Older snapshots go, and the part of a large log that they stood for.
    pub fn snapshot_done(&mut self, result: Result<SnapshotWritten, QuorumError>, now: Now) -> Result<(), QuorumError> {
        self.snapshots.in_flight = false;
        let written = result?;
        self.snapshots.last_size = written.size;
        let mut all = checkpoint::list(&*self.disk, &self.dir)?;
        let keep_from = all.iter().position(|id| *id == written.id).unwrap_or(all.len()).saturating_sub(OLDER_KEPT);
        let older: Vec<SnapshotId> = all.drain(..keep_from).collect();
        for id in older {
            remove_if_there(&*self.disk, &self.dir.join(id.file_name()))?;
        }
        if let Some(oldest) = all.first().filter(|_| self.log.size() > self.snapshots.limits.max_log_bytes) {
            self.log.advance_start(oldest.offset)?;
            self.log.retain(now, oldest.offset)?;
        }
        Ok(())
    }
}
