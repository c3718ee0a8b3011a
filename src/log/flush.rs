//! Making what was appended survive the machine.
//!
//! A flush is three steps so that syncing, which takes long, needs no lock: [`Log::flush_job`] says what to sync, [`FlushJob::run`]
//! does it on any thread, [`Log::flushed`] moves the recovery point. [`Log::flush`] is all three.

use std::path::PathBuf;
use std::sync::Arc;

use super::disk::{DiskError, DiskFile, Open};
use super::error::LogError;
use super::home::Shared;
use super::log::{Log, Unsynced};
use super::names::{self, Kind};
use super::segment::TxnFile;
use crate::types::{Now, Offset};

/// Finished segments that one job syncs: each takes up to four open files.
const MAX_ROLLED: usize = 32;

/// Files to sync, and what that will prove. A job that was made must be run: what it covers is not in the next one.
#[must_use]
#[derive(Debug)]
pub struct FlushJob {
    shared: Arc<Shared>,
    files: Vec<Arc<dyn DiskFile>>,
    dirs: Vec<PathBuf>,
    done: Flushed,
}

/// Proof that everything below an offset was synced, if the log was not truncated since.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flushed {
    upto: Offset,
    truncations: u32,
}

impl FlushJob {
    /// The log end that this job covers.
    pub fn upto(&self) -> Offset {
        self.done.upto
    }

    /// Syncs. After an error the log directory is offline (R16): the kernel may have dropped what it could not write.
    pub fn run(self) -> Result<Flushed, LogError> {
        self.shared.check_online()?;
        let sync = || -> Result<(), DiskError> {
            self.files.iter().try_for_each(|f| f.sync())?;
            self.dirs.iter().try_for_each(|d| self.shared.disk.sync_dir(d))
        };
        match sync() {
            Ok(()) => Ok(self.done),
            Err(e) => {
                self.shared.go_offline(&e);
                Err(LogError::Disk(e))
            }
        }
    }
}

impl Log {
    /// What has to be synced for everything appended so far to be durable; `None` if it is.
    pub fn flush_job(&mut self) -> Result<Option<FlushJob>, LogError> {
        self.home.shared.check_online()?;
        if self.recovery_point >= self.end && (self.segments.is_empty() || self.unsynced == Unsynced::default()) {
            return Ok(None);
        }
        self.mend_aborted(self.segments.len())?;
        let unsynced = std::mem::take(&mut self.unsynced);
        self.job(self.segments.len(), self.end, unsynced).map(Some)
    }

    /// R13: what has to be synced for finished segments to be durable, a number of them at a time; `None` if all are.
    pub fn rolled_flush_job(&mut self) -> Result<Option<FlushJob>, LogError> {
        self.home.shared.check_online()?;
        if !self.has_unsynced_roll() {
            return Ok(None);
        }
        let active = self.segments.len().saturating_sub(1);
        let count = active.min(self.segment_of(self.recovery_point) + MAX_ROLLED);
        let upto = self.segments.get(count).map_or(self.end, |s| s.base);
        self.mend_aborted(count)?;
        // What is noted as not synced stays noted: a flush of everything must not rely on this job, which may still be running then.
        self.job(count, upto, self.unsynced).map(Some)
    }

    /// R13: whether there are finished segments to be synced in the background.
    #[inline]
    pub fn has_unsynced_roll(&self) -> bool {
        self.recovery_point < self.active_base()
    }

    /// Completes the `.txnindex` files of the first `count` segments that the full disk had no room for. Without room still, there is no
    /// flush: behind the recovery point nobody would look for what they lack.
    fn mend_aborted(&mut self, count: usize) -> Result<(), LogError> {
        for i in self.segment_of(self.recovery_point)..count {
            if self.segments[i].txn == TxnFile::Behind {
                self.make_aborted_anew(i)?;
            }
        }
        Ok(())
    }

    /// A job for the first `count` segments, which end at `upto`, as far as they lie beyond the recovery point.
    fn job(&mut self, count: usize, upto: Offset, unsynced: Unsynced) -> Result<FlushJob, LogError> {
        let home = &self.home;
        let mut files = Vec::new();
        let active = self.segments.len().saturating_sub(1);
        let mut others: Vec<PathBuf> = Vec::new();
        for i in self.segment_of(self.recovery_point)..count {
            let segment = &mut self.segments[i];
            files.push(segment.file(home)?);
            if i < active {
                // The indexes of finished segments are trusted below the recovery point; those of the active one are made anew after a crash.
                others.extend([Kind::OffsetIndex, Kind::TimeIndex].map(|kind| home.file(segment.base, kind)));
            }
            if segment.txn != TxnFile::None {
                others.push(home.file(segment.base, Kind::TxnIndex));
            }
        }
        let snapshots = self.snapshots.iter().filter(|s| **s > self.recovery_point && **s <= upto);
        others.extend(snapshots.map(|s| home.file(*s, Kind::Snapshot)));
        others.extend(unsynced.epochs.then(|| home.path(names::LEADER_EPOCHS)));
        others.extend(unsynced.directory.then(|| home.path(names::PARTITION_METADATA)));
        for path in others {
            match home.disk().open(&path, Open::Read) {
                Ok(file) => files.push(file),
                // What is missing is made anew when it is needed.
                Err(e) if e.is_not_found() => {}
                Err(e) => return Err(e.into()),
            }
        }
        let mut dirs = Vec::new();
        if unsynced.directory {
            dirs.push(home.shared.root.clone());
        }
        if unsynced.names || unsynced.directory || unsynced.epochs {
            dirs.push(home.dir());
        }
        let done = Flushed { upto, truncations: self.truncations };
        Ok(FlushJob { shared: home.shared.clone(), files, dirs, done })
    }

    /// A job of this log was run.
    pub fn flushed(&mut self, done: Flushed) {
        if done.truncations == self.truncations && done.upto > self.recovery_point {
            self.recovery_point = done.upto;
            self.keep_recovery_point();
        }
    }

    /// Syncs everything appended so far.
    pub fn flush(&mut self) -> Result<(), LogError> {
        if let Some(job) = self.flush_job()? {
            let done = job.run()?;
            self.flushed(done);
        }
        Ok(())
    }

    /// R14, `flush.ms`: whether records have been unsynced for too long.
    pub fn flush_is_due(&self, now: Now) -> bool {
        let limit = u64::try_from(self.config.flush_ms).unwrap_or(0);
        self.recovery_point < self.end && self.unsynced.since.is_some_and(|since| now.mono.since(since) >= limit)
    }

    /// R1: syncs everything, indexes included, and writes a snapshot, so that the next start can trust the files. A log that was not
    /// written to since it was opened costs nothing.
    pub fn close(&mut self) -> Result<(), LogError> {
        self.home.shared.check_online()?;
        if !self.is_unclosed() {
            return Ok(());
        }
        let mut files = Vec::new();
        if let Some(active) = self.segments.last_mut() {
            files.extend(self.home.done(active.write_out(&self.home))?);
        }
        let written = self.write_snapshot();
        self.home.done(written)?;
        self.unsynced.names = true;
        // Also if a flush went before and left nothing to sync but this.
        if self.snapshots.last() == Some(&self.end) {
            files.push(self.home.disk().open(&self.home.file(self.end, Kind::Snapshot), Open::Read)?);
        }
        self.home.done(files.iter().try_for_each(|f| f.sync()))?;
        self.flush()?;
        self.set_closed();
        Ok(())
    }
}
