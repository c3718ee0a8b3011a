//! Cutting a log's end, as a follower does whose leader has other records.

use super::disk::{DiskError, Durable, read_file, remove_if_there, replace_file};
use super::error::LogError;
use super::log::{Log, Unsynced};
use super::names::{self, Kind};
use super::segment::{Segment, TxnFile};
use super::txn_index;
use crate::types::{Now, Offset};

impl Log {
    /// Removes every record at or above `offset`. A batch that reaches over `offset` goes as a whole. Tells whether anything was removed.
    pub fn truncate_to(&mut self, now: Now, offset: Offset) -> Result<bool, LogError> {
        self.check_writable()?;
        if offset >= self.end {
            return Ok(false);
        }
        if self.segments.first().is_none_or(|s| s.base > offset) {
            self.restart_at(now, offset)?;
            return Ok(true);
        }
        self.lower_recovery_point(offset)?;
        self.doom_segments_above(now, offset)?;
        self.end = self.cut_active(offset)?;
        self.trim_aborted(self.end)?;
        self.start = self.start.min(self.end);
        self.keep_start();
        if self.epochs.truncate_end(self.end) {
            self.write_epochs()?;
        }
        self.load_producers(now)?;
        Ok(true)
    }

    /// What is about to be cut must not count as synced any more, also after a power loss.
    fn lower_recovery_point(&mut self, offset: Offset) -> Result<(), LogError> {
        self.truncations += 1;
        self.set_unclosed();
        self.forget_cleaned_above(offset)?;
        if offset >= self.recovery_point {
            return Ok(());
        }
        self.recovery_point = offset;
        self.keep_recovery_point();
        self.home.shared.write_checkpoint(names::RECOVERY_POINTS, &self.home.shared.recovery_points)
    }

    /// Drops the segments above `offset`, from the newest to the oldest and for good, before anything else is cut: whatever of this a
    /// crash undoes, what is left is a log without a hole.
    fn doom_segments_above(&mut self, now: Now, offset: Offset) -> Result<(), LogError> {
        let mut any = false;
        while let Some(base) = self.segments.last().filter(|s| s.base > offset).map(|s| s.base) {
            self.doom_segment(now, base)?;
            self.segments.pop();
            any = true;
        }
        if any {
            self.home.done(self.home.disk().sync_dir(&self.home.dir()))?;
        }
        Ok(())
    }

    /// Cuts the last segment at `offset`; gives the new end of the log.
    fn cut_active(&mut self, offset: Offset) -> Result<Offset, LogError> {
        let interval = self.config.index_interval_bytes;
        let Some(active) = self.segments.last_mut() else { return Ok(offset) };
        let size = active.size;
        let mut end = offset;
        if let Some(first_gone) = active.find(&self.home, interval, offset, size)? {
            end = end.min(first_gone.header.base_offset);
            active.truncate(&self.home, interval, first_gone.position, offset)?;
        }
        match active.load_tail(&self.home, interval)? {
            Ok(_) => Ok(end),
            Err(bad) => Err(bad.in_file(&*active.file(&self.home)?)),
        }
    }

    /// Drops everything; the log goes on, empty, at `offset` (W11, R11).
    pub fn restart_at(&mut self, now: Now, offset: Offset) -> Result<(), LogError> {
        self.home.shared.check_online()?;
        self.lower_recovery_point(self.start.min(offset))?;
        self.doom_segments_above(now, -1)?;
        while let Some(snapshot) = self.snapshots.pop() {
            self.home.done(remove_if_there(self.home.disk(), &self.home.file(snapshot, Kind::Snapshot)))?;
        }
        self.start = offset;
        self.end = offset;
        self.recovery_point = offset;
        self.producers.clear();
        self.keep_recovery_point();
        self.keep_start();
        self.unsynced = Unsynced { names: true, since: None, ..self.unsynced };
        if self.epochs.truncate_end(0) { self.write_epochs() } else { Ok(()) }
    }

    /// Forgets aborted transactions of the last segment whose marker was cut off.
    fn trim_aborted(&mut self, end: Offset) -> Result<(), LogError> {
        let known = |s: &&mut Segment| !matches!(s.txn, TxnFile::None | TxnFile::Behind);
        let Some(active) = self.segments.last_mut().filter(known) else { return Ok(()) };
        let path = self.home.file(active.base, Kind::TxnIndex);
        let rewrite = || -> Result<bool, DiskError> {
            let bytes = read_file(self.home.disk(), &path, i32::MAX as usize)?.unwrap_or_default();
            let Some(mut txns) = txn_index::decode(&bytes) else { return Ok(true) };
            txns.retain(|t| t.last_offset < end);
            if txns.is_empty() {
                remove_if_there(self.home.disk(), &path)?;
            } else {
                replace_file(self.home.disk(), &path, &txn_index::encode(&txns), Durable::No)?;
            }
            Ok(!txns.is_empty())
        };
        if !self.home.done(rewrite())? {
            active.txn = TxnFile::None;
        }
        self.unsynced.names = true;
        Ok(())
    }

    /// Removes the snapshots above the end.
    pub(super) fn drop_snapshots_above_end(&mut self) -> Result<(), LogError> {
        while self.snapshots.last().is_some_and(|s| *s > self.end) {
            if let Some(snapshot) = self.snapshots.pop() {
                let path = self.home.path(&names::file_name(snapshot, Kind::Snapshot));
                self.home.done(remove_if_there(self.home.disk(), &path))?;
            }
        }
        Ok(())
    }
}
