//! One pass from beginning to end.

use super::CompactOptions;
use super::cleaned::remove_cleaned;
use super::job::Cleaning;
use super::pace::Pace;
use crate::log::error::LogError;
use crate::log::log::Log;
use crate::log::names;
use crate::types::{Now, Offset};

/// Whoever has the log. `with` locks it for as long as `f` runs; `None`: it is gone.
pub trait Owner {
    fn with<T>(&self, f: impl FnOnce(&mut Log) -> T) -> Option<T>;
}

/// Why a pass did not come to its end. Groups that were swapped in before that stay.
#[derive(Debug, thiserror::Error)]
pub enum CompactError {
    #[error(transparent)]
    Log(#[from] LogError),
    /// The map cannot hold the keys of a single batch: the dedupe buffer is too small.
    #[error("one batch has more keys than the map can hold ({keys}): log.cleaner.dedupe.buffer.size is too small")]
    TooManyKeys { keys: usize },
    /// The log was truncated, lost old segments or was deleted meanwhile: there will be another pass.
    #[error("the log was changed meanwhile")]
    Changed,
    /// The pace said so.
    #[error("stopped")]
    Stopped,
}

impl CompactError {
    /// C13: whether trying again will fail again, so that this log had better be left alone.
    pub fn is_lasting(&self) -> bool {
        match self {
            CompactError::Log(e) => !matches!(e, LogError::NoSpace(_) | LogError::Offline { .. }),
            CompactError::TooManyKeys { .. } => true,
            CompactError::Changed | CompactError::Stopped => false,
        }
    }
}

/// What a pass did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// The first offset that is dirty now.
    pub cleaned_upto: Offset,
    pub segments_before: usize,
    pub segments_after: usize,
    pub bytes_before: u64,
    pub bytes_after: u64,
    /// Bytes that the map of keys took.
    pub map_memory: usize,
}

/// Compacts a log as far as it can be; `None` if there is nothing to do. `high_watermark` may be a little old. Runs on a thread that may
/// block.
pub fn run<O: Owner>(
    owner: &O,
    options: &CompactOptions,
    now: Now,
    high_watermark: Offset,
    pace: &mut dyn Pace,
) -> Result<Option<Done>, CompactError> {
    let job = owner.with(|log| log.compact_job(now, high_watermark)).ok_or(CompactError::Changed)??;
    let Some(job) = job else { return Ok(None) };
    let home = job.home.clone();
    let truncations = job.truncations;
    // A log that was truncated, dropped old segments or was deleted meanwhile may show as any error. Swaps keep the first base.
    let first = job.segments.first().map(|s| s.base);
    let excuse = |e: CompactError| {
        let unchanged = owner.with(|log| log.truncations == truncations && log.segments.first().map(|s| s.base) == first).unwrap_or(false);
        if unchanged || !e.is_lasting() { e } else { CompactError::Changed }
    };
    job.tidy()?;
    let mut cleaning = job.build_map(options, pace).map_err(excuse)?;
    let done = clean_groups(owner, &mut cleaning, now, pace).map_err(excuse)?;
    home.done(home.disk().sync_dir(&home.dir()))?;
    if owner.with(|log| log.set_cleaned(truncations, done.cleaned_upto)) != Some(true) {
        return Err(CompactError::Changed);
    }
    home.shared.write_checkpoint(names::CLEANER_OFFSETS, &home.shared.cleaner_offsets)?;
    Ok(Some(done))
}

fn clean_groups<O: Owner>(owner: &O, cleaning: &mut Cleaning, now: Now, pace: &mut dyn Pace) -> Result<Done, CompactError> {
    let mut done = Done { cleaned_upto: cleaning.cleaned_upto(), map_memory: cleaning.map_memory(), ..Done::default() };
    let home = cleaning.job.home.clone();
    for group in cleaning.job.groups(done.cleaned_upto)? {
        let old = cleaning.job.segments[group].to_vec();
        let base = old.first().map_or(0, |s| s.base);
        let truncations = cleaning.job.truncations;
        let swapped = cleaning.clean(&old, pace).and_then(|new| {
            let swapped = owner.with(|log| log.swap_in(now, truncations, &old, &new)).transpose()?;
            if swapped == Some(true) { Ok(new) } else { Err(CompactError::Changed) }
        });
        let new = match swapped {
            Ok(new) => new,
            Err(e) => {
                // What is left here goes away at the next pass or start at the latest.
                let _ = remove_cleaned(&home, base);
                return Err(e);
            }
        };
        done.segments_before += old.len();
        done.segments_after += 1;
        done.bytes_before += old.iter().map(|s| s.size).sum::<u64>();
        done.bytes_after += new.size;
    }
    Ok(done)
}
