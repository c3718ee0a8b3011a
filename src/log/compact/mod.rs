//! Compaction: of each key the last record stays, and the log gets shorter (facts C7 to C13).
//!
//! One pass over one log goes like this; the log's owner is asked for it three times and briefly, everything that reads or writes
//! segments happens outside:
//!
//! 1. [`Log::compact_job`] (locked) takes down the segments and how far they may be cleaned;
//! 2. the keys of the dirty part are put in a map of bounded memory (`offset_map`);
//! 3. for each group of segments that fit together a new one is written (`filter`, `cleaned`) and, locked, takes their place (`swap`):
//!    renames only. If the log was truncated or lost one of them meanwhile, the pass ends there;
//! 4. the cleaned offset is noted in `cleaner-offset-checkpoint`.
//!
//! A crash at any step leaves, for each group, the old segments or the new one. Which log is to be cleaned next, [`Dirt`] tells.

mod batch_reader;
mod cleaned;
mod dirt;
mod filter;
mod job;
mod offset_map;
mod pace;
mod run;
mod swap;
mod transactions;

pub use dirt::{Dirt, filthiest};
pub use offset_map::{OffsetMap, PLACE_BYTES};
pub use pace::{Pace, Throttle, Unhurried};
pub use run::{CompactError, Done, Owner, run};

/// What a pass may use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CompactOptions {
    /// Largest memory of the map, in bytes: 16 a key and what the load factor leaves free. Less is used when less is needed.
    pub dedupe_buffer_bytes: usize,
    /// The part of the map that is filled.
    pub load_factor: f64,
    /// Bytes a read or write.
    pub io_buffer_bytes: usize,
    /// Keeps others from choosing keys whose hashes meet.
    pub seed: u64,
}

impl Default for CompactOptions {
    fn default() -> Self {
        CompactOptions { dedupe_buffer_bytes: 128 << 20, load_factor: 0.9, io_buffer_bytes: 512 << 10, seed: 0 }
    }
}
