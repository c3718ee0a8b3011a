//! A new segment takes the place of a group (C12).
//!
//! ```text
//! 00.index.cleaned, ..., 00.log.cleaned    written and synced; a start now removes them
//! 00.index.swap, ..., 00.log.swap          from here on a start completes what follows
//! 00.log.deleted, ..., 15.log.deleted      the old ones, oldest first
//! 00.index, ..., 00.log                    the new one, its .log last
//! ```
//! Directories keep the order of such changes, so nothing needs to be synced in between, and all of it can happen while the log is
//! locked.

use super::cleaned::{CleanedFiles, remark};
use super::job::Old;
use crate::log::disk::DiskError;
use crate::log::error::LogError;
use crate::log::log::Log;
use crate::log::names::{self, Kind, Mark};
use crate::log::segment::{Segment, TxnFile};
use crate::types::{Now, Offset};

impl Log {
    /// Puts a cleaned segment in place of `group`. False: the log is no longer what the pass began with, and nothing was done.
    pub(super) fn swap_in(&mut self, now: Now, truncations: u32, group: &[Old], new: &CleanedFiles) -> Result<bool, LogError> {
        self.check_writable()?;
        let Some(first) = self.segments.iter().position(|s| s.base == new.base) else { return Ok(false) };
        let last = first + group.len();
        let same = |s: &Segment, old: &Old| s.base == old.base && s.size == old.size;
        let unchanged = truncations == self.truncations
            && last < self.segments.len()
            && self.segments[first..last].iter().zip(group).all(|(s, old)| same(s, old));
        if !unchanged {
            return Ok(false);
        }
        self.set_unclosed();
        self.unsynced.names = true;
        let home = self.home.clone();
        // Half a swap in memory is worth nothing: whatever fails here, a start has to complete it.
        let final_step = |result: Result<(), DiskError>| {
            result.map_err(|e| {
                home.shared.go_offline(&e);
                LogError::Disk(e)
            })
        };
        final_step(remark(&home, new.base, Mark::Cleaned, Mark::Swap))?;
        for old in group {
            self.doom_segment(now, old.base).inspect_err(|e| {
                if let LogError::NoSpace(e) = e {
                    home.shared.go_offline(e);
                }
            })?;
        }
        final_step(remark(&home, new.base, Mark::Swap, Mark::None))?;
        let mut segment = Segment::existing(new.base, new.size);
        segment.created = self.segments[last - 1].created;
        segment.txn = if new.has_aborted { TxnFile::Good } else { TxnFile::None };
        self.segments.splice(first..last, [segment]);
        self.drop_snapshots_of(now, new.base, group.last().map_or(new.base, |s| s.end))?;
        Ok(true)
    }

    /// Snapshots of segments that are no more: those in `base < at < end`.
    fn drop_snapshots_of(&mut self, now: Now, base: Offset, end: Offset) -> Result<(), LogError> {
        let at = now.mono.plus(self.config.file_delete_delay_ms);
        let (gone, keep): (Vec<_>, Vec<_>) = self.snapshots.iter().copied().partition(|s| base < *s && *s < end);
        self.snapshots = keep;
        for snapshot in gone {
            self.home.done(self.home.doom(&names::file_name(snapshot, Kind::Snapshot), at))?;
        }
        Ok(())
    }

    /// A pass has come up to `offset`. False: the log was truncated since.
    pub(super) fn set_cleaned(&mut self, truncations: u32, offset: Offset) -> bool {
        let same = truncations == self.truncations;
        if same {
            self.home.shared.cleaner_offsets.set(&self.home.partition, offset);
        }
        same
    }
}
