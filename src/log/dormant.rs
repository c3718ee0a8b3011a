//! Logs that are not open, seen from outside: what their file names and sizes tell without opening them.

use super::dir::LogDir;
use super::disk::{DiskError, Entry, Open};
use super::error::LogError;
use super::home::Home;
use super::index_file::IndexEntry;
use super::names::{self, Kind, Mark};
use super::settings::LogConfig;
use super::time_index::TimeEntry;
use crate::types::{Now, Offset, TopicPartition};

impl LogDir {
    /// Whether a retention pass may find something to drop in a log that is not open: if not, it need not be opened. On the way, files that
    /// an earlier run had marked as deleted are given to [`LogDir::purge`]. The caller keeps the log from being opened meanwhile.
    ///
    /// Costs a listing, and at most a few small reads of the oldest segment's files.
    pub fn may_drop(&self, partition: &TopicPartition, config: &LogConfig, now: Now) -> Result<bool, LogError> {
        let shared = self.shared();
        if shared.unrecovered.lock().contains(partition) {
            return Ok(false);
        }
        let home = Home { shared: shared.clone(), partition: partition.clone() };
        let entries = match shared.disk.list(&home.dir()) {
            Ok(entries) => entries,
            // Nothing was ever written there.
            Err(e) if e.is_not_found() => return Ok(false),
            Err(e) => return Err(e.into()),
        };
        let at = now.mono.plus(config.file_delete_delay_ms);
        let is_marked = |name: &str| matches!(names::parse_file(name), Some((_, _, Mark::Deleted)));
        let marked: Vec<_> = entries.iter().filter(|e| is_marked(&e.name)).map(|e| (at, home.path(&e.name))).collect();
        shared.doomed.lock().extend(marked);
        Ok(oldest_may_go(&home, &segments(&entries), shared.log_starts.get(partition).unwrap_or(0), config, now)?)
    }
}

impl LogDir {
    /// Whether a log that is not open may be dirty enough to be compacted: if not, it need not be opened. Costs a listing and the sizes of
    /// its segments. The caller keeps the log from being opened meanwhile.
    pub fn may_be_dirty(&self, partition: &TopicPartition, config: &LogConfig) -> Result<bool, LogError> {
        let shared = self.shared();
        if !config.compact || shared.unrecovered.lock().contains(partition) {
            return Ok(false);
        }
        let home = Home { shared: shared.clone(), partition: partition.clone() };
        let entries = match shared.disk.list(&home.dir()) {
            Ok(entries) => entries,
            Err(e) if e.is_not_found() => return Ok(false),
            Err(e) => return Err(e.into()),
        };
        let bases = segments(&entries);
        let Some((_active, finished)) = bases.split_last() else { return Ok(false) };
        let cleaned = shared.cleaner_offsets.get(partition).unwrap_or(0);
        // The segment that holds the first dirty offset; it counts as dirty if anything of it is.
        let first_dirty = bases.partition_point(|base| *base <= cleaned).saturating_sub(1);
        let (mut clean, mut dirty) = (0, 0);
        for (i, base) in finished.iter().enumerate() {
            let size = shared.disk.metadata(&home.file(*base, Kind::Log))?.map_or(0, |m| m.len);
            *(if i < first_dirty { &mut clean } else { &mut dirty }) += size;
        }
        let ratio = dirty as f64 / (clean + dirty).max(1) as f64;
        Ok(dirty > 0 && (ratio > config.min_cleanable_dirty_ratio || config.max_compaction_lag_ms < i64::MAX))
    }
}

/// Base offsets of the segments, rising.
fn segments(entries: &[Entry]) -> Vec<Offset> {
    let mut bases: Vec<Offset> = entries
        .iter()
        .filter_map(|e| match names::parse_file(&e.name) {
            Some((base, Kind::Log, Mark::None)) => Some(base),
            _ => None,
        })
        .collect();
    bases.sort_unstable();
    bases
}

/// The rules of [`super::Log::retain`] for the oldest segment: none goes before it. In doubt the answer is yes.
fn oldest_may_go(home: &Home, bases: &[Offset], start: Offset, config: &LogConfig, now: Now) -> Result<bool, DiskError> {
    let Some(oldest) = bases.first() else { return Ok(false) };
    if bases.get(1).is_some_and(|next| *next <= start) {
        return Ok(true);
    }
    let size_of = |base: &Offset| Ok(home.disk().metadata(&home.file(*base, Kind::Log))?.map_or(0, |m| m.len));
    let size = size_of(oldest)?;
    if !config.delete || size == 0 {
        return Ok(config.delete && bases.len() > 1);
    }
    if let Ok(keep) = u64::try_from(config.retention_bytes) {
        let mut total = 0;
        for base in bases {
            total += size_of(base)?;
        }
        if total.saturating_sub(keep) >= size {
            return Ok(true);
        }
    }
    let Some(largest) = (config.retention_ms >= 0).then(|| largest_timestamp(home, *oldest)).transpose()? else { return Ok(false) };
    Ok(largest.is_none_or(|largest| now.wall.0.saturating_sub(largest) > config.retention_ms))
}

/// The largest timestamp of a finished or closed segment: the last entry of its time index. `None` if that does not tell.
fn largest_timestamp(home: &Home, base: Offset) -> Result<Option<i64>, DiskError> {
    let file = match home.disk().open(&home.file(base, Kind::TimeIndex), Open::Read) {
        Ok(file) => file,
        Err(e) if e.is_not_found() => return Ok(None),
        Err(e) => return Err(e),
    };
    let mut bytes = [0; TimeEntry::SIZE];
    let whole = file.size()?.checked_sub(bytes.len() as u64).filter(|at| at % bytes.len() as u64 == 0);
    let Some(at) = whole else { return Ok(None) };
    if file.read_at(&mut bytes, at)? < bytes.len() {
        return Ok(None);
    }
    let last = TimeEntry::decode(&bytes);
    Ok((!last.is_zero() && last.timestamp >= 0).then_some(last.timestamp))
}
