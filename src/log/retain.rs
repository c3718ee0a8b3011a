//! Dropping old segments, and moving the log's start.

use super::error::LogError;
use super::log::Log;
use super::names::{self, Kind};
use super::segment::Segment;
use crate::types::{MonoMs, Now, Offset};

/// What a retention pass dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    pub segments: usize,
    pub bytes: u64,
}

impl Log {
    /// C6: records below `offset` are deleted. Does nothing if the log starts there or later. The caller has checked `offset` against the high
    /// watermark, and answers only after [`super::LogDir::write_log_starts`].
    pub fn advance_start(&mut self, offset: Offset) -> Result<bool, LogError> {
        self.home.shared.check_online()?;
        if offset > self.end {
            return Err(LogError::OffsetOutOfRange { offset, start: self.start, end: self.end });
        }
        if offset <= self.start {
            return Ok(false);
        }
        self.start = offset;
        self.keep_start();
        if self.epochs.truncate_start(offset) {
            self.write_epochs()?;
        }
        Ok(true)
    }

    /// C1..C5: drops whole segments from the oldest, all of whose records are below the high watermark: those below the log's start, then by
    /// size, then by time. The active segment is rolled first if it goes too, so that the end stays.
    pub fn retain(&mut self, now: Now, high_watermark: Offset) -> Result<Dropped, LogError> {
        self.check_writable()?;
        let mut excess =
            u64::try_from(self.config.retention_bytes).ok().filter(|_| self.config.delete).map(|keep| self.size().saturating_sub(keep));
        let mut count = 0;
        let mut bytes = 0;
        while count < self.segments.len() {
            let size = self.segments[count].size;
            let next = self.segments.get(count + 1).map_or(self.end, |s| s.base);
            let is_last = count + 1 == self.segments.len();
            if next > high_watermark || (is_last && size == 0) {
                break;
            }
            let below_start = next <= self.start;
            let too_much = excess.is_some_and(|e| e >= size && size > 0);
            if !below_start && !too_much && !self.is_expired(count, now)? {
                break;
            }
            if let Some(e) = &mut excess {
                *e = e.saturating_sub(size);
            }
            count += 1;
            bytes += size;
        }
        if count > 0 {
            self.drop_oldest(now, count)?;
        }
        Ok(Dropped { segments: count, bytes })
    }

    fn is_expired(&mut self, i: usize, now: Now) -> Result<bool, LogError> {
        let config = &self.config;
        if !config.delete || config.retention_ms < 0 {
            return Ok(false);
        }
        let segment = &mut self.segments[i];
        let largest = segment.largest(&self.home, config.index_interval_bytes)?.timestamp;
        let last = if largest >= 0 {
            largest
        } else {
            let path = self.home.file(segment.base, Kind::Log);
            self.home.disk().metadata(&path)?.map_or(now.wall.0, |m| m.modified_ms)
        };
        Ok(now.wall.0.saturating_sub(last) > config.retention_ms)
    }

    /// Drops the first `count` segments; the log then starts no earlier than the next.
    fn drop_oldest(&mut self, now: Now, count: usize) -> Result<(), LogError> {
        if count == self.segments.len() {
            self.roll(now)?;
        }
        let new_start = self.segments.get(count).map_or(self.end, |s| s.base);
        if new_start > self.start {
            self.advance_start(new_start)?;
        }
        let gone: Vec<Segment> = self.segments.drain(..count).collect();
        for segment in gone {
            tracing::debug!("{}: segment {} is dropped", self.home.partition, segment.base);
            self.doom_segment(now, segment.base)?;
        }
        self.drop_snapshots(now, new_start)?;
        self.drop_cut_files(now, new_start)
    }

    /// Marks a segment's files as deleted; they go for good after `file.delete.delay.ms`, so that running reads can finish.
    pub(super) fn doom_segment(&mut self, now: Now, base: Offset) -> Result<(), LogError> {
        let at = self.delete_at(now);
        self.set_unclosed();
        self.unsynced.names = true;
        for kind in [Kind::Log, Kind::OffsetIndex, Kind::TimeIndex, Kind::TxnIndex] {
            self.home.done(self.home.doom(&names::file_name(base, kind), at))?;
        }
        Ok(())
    }

    fn delete_at(&self, now: Now) -> MonoMs {
        now.mono.plus(self.config.file_delete_delay_ms)
    }

    /// I17: snapshots below the start go, but what is known of producers stays.
    fn drop_snapshots(&mut self, now: Now, start: Offset) -> Result<(), LogError> {
        let at = self.delete_at(now);
        while let Some(first) = self.snapshots.first().copied().filter(|s| *s < start) {
            self.home.done(self.home.doom(&names::file_name(first, Kind::Snapshot), at))?;
            self.snapshots.remove(0);
        }
        Ok(())
    }

    /// What recovery cut off is kept as long as the records around it.
    fn drop_cut_files(&mut self, now: Now, start: Offset) -> Result<(), LogError> {
        let at = self.delete_at(now);
        for entry in self.home.disk().list(&self.home.dir())? {
            if names::parse_cut(&entry.name).is_some_and(|base| base < start) {
                self.home.done(self.home.doom(&entry.name, at))?;
            }
        }
        Ok(())
    }
}
