//! How much of a log waits for compaction (C7).

use crate::log::error::LogError;
use crate::log::log::Log;
use crate::types::{Offset, WallMs};

/// What compacting a log would clean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dirt {
    /// Up to where the log was cleaned.
    pub first_dirty: Offset,
    /// Where the part begins that may not be cleaned yet.
    pub first_uncleanable: Offset,
    pub clean_bytes: u64,
    pub dirty_bytes: u64,
    /// `max.compaction.lag.ms` has passed for some dirty record.
    pub overdue: bool,
    /// `min.cleanable.dirty.ratio`
    pub min_ratio: f64,
}

impl Dirt {
    /// Dirty bytes of all that would be read.
    pub fn ratio(&self) -> f64 {
        let all = self.clean_bytes + self.dirty_bytes;
        if all == 0 { 0.0 } else { self.dirty_bytes as f64 / all as f64 }
    }

    pub fn is_enough(&self) -> bool {
        self.dirty_bytes > 0 && (self.overdue || self.ratio() > self.min_ratio)
    }
}

/// Of several logs the one to clean next: the dirtiest that is dirty enough.
pub fn filthiest<T>(logs: impl IntoIterator<Item = (T, Dirt)>) -> Option<T> {
    let enough = logs.into_iter().filter(|(_, dirt)| dirt.is_enough());
    enough.max_by(|(_, a), (_, b)| a.ratio().total_cmp(&b.ratio())).map(|(log, _)| log)
}

impl Log {
    /// Up to where compaction has come; the next pass begins there.
    pub fn cleaned_upto(&self) -> Offset {
        self.home.shared.cleaner_offsets.get(&self.home.partition).unwrap_or(0)
    }

    /// What may be compacted now; `None` if the log is not to be compacted or all of it is clean.
    pub fn dirt(&mut self, now: WallMs, high_watermark: Offset) -> Result<Option<Dirt>, LogError> {
        let Some((first_dirty, upto)) = self.cleanable(now, high_watermark)? else { return Ok(None) };
        let first = self.first_dirty_segment(first_dirty);
        let size = |log: &Log, from: usize, to: usize| log.segments[from..to].iter().map(|s| s.size).sum::<u64>();
        Ok(Some(Dirt {
            first_dirty,
            first_uncleanable: self.segments.get(upto).map_or(self.end, |s| s.base),
            clean_bytes: size(self, 0, first),
            dirty_bytes: size(self, first, upto),
            overdue: self.is_overdue(now, first, upto)?,
            min_ratio: self.config.min_cleanable_dirty_ratio,
        }))
    }

    /// The first dirty offset and the number of segments that may be cleaned: whole ones, below the active segment, the last stable
    /// offset and the first that is too young.
    pub(super) fn cleanable(&mut self, now: WallMs, high_watermark: Offset) -> Result<Option<(Offset, usize)>, LogError> {
        if !self.config.compact || self.damage.is_some() || self.segments.len() < 2 {
            return Ok(None);
        }
        let cleaned = self.cleaned_upto();
        let first_dirty = if (self.start..=self.end).contains(&cleaned) { cleaned } else { self.start };
        let stable = self.last_stable_offset(high_watermark);
        let mut upto = self.segment_of(stable).min(self.segments.len() - 1);
        if self.segments[0].base > stable {
            return Ok(None);
        }
        let from = self.first_dirty_segment(first_dirty);
        let lag = self.config.min_compaction_lag_ms;
        if lag > 0 {
            upto = self.first_younger(from, upto, now.0.saturating_sub(lag))?;
        }
        Ok((from < upto).then_some((first_dirty, upto)))
    }

    /// The first of segments `from..to` with a record after `until`, or `to`.
    fn first_younger(&mut self, from: usize, to: usize, until: i64) -> Result<usize, LogError> {
        let interval = self.config.index_interval_bytes;
        for i in from..to {
            if self.segments[i].largest(&self.home, interval)?.timestamp > until {
                return Ok(i);
            }
        }
        Ok(to)
    }

    /// The first segment with offsets from `first_dirty` on.
    fn first_dirty_segment(&self, first_dirty: Offset) -> usize {
        self.segment_of(first_dirty)
    }

    fn is_overdue(&mut self, now: WallMs, from: usize, to: usize) -> Result<bool, LogError> {
        let until = now.0.saturating_sub(self.config.max_compaction_lag_ms.max(0));
        for i in from..to {
            let first = self.segments[i].first_timestamp(&self.home)?;
            if first > 0 && first < until {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Records above `offset` are about to go: what replaces them is not cleaned.
    pub(in crate::log) fn forget_cleaned_above(&mut self, offset: Offset) -> Result<(), LogError> {
        if self.cleaned_upto() <= offset {
            return Ok(());
        }
        self.home.shared.cleaner_offsets.set(&self.home.partition, offset);
        self.home.shared.write_checkpoint(crate::log::names::CLEANER_OFFSETS, &self.home.shared.cleaner_offsets)
    }
}
