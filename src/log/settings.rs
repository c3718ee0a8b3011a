//! The settings a log obeys: a topic's, and those of the directory it lives in.

/// A topic's settings as far as its logs are concerned. Shared by the topic's partitions; names and units are Kafka's.
#[derive(Clone, Debug, PartialEq)]
pub struct LogConfig {
    pub segment_bytes: u64,
    pub segment_ms: i64,
    pub segment_jitter_ms: i64,
    /// Largest size of an index file; a segment whose index is full is rolled.
    pub segment_index_bytes: u64,
    pub index_interval_bytes: u64,
    /// -1: no limit.
    pub retention_bytes: i64,
    /// -1: no limit.
    pub retention_ms: i64,
    /// `delete` is in cleanup.policy: old segments are dropped by size and time.
    pub delete: bool,
    /// `compact` is in cleanup.policy: gaps between offsets are normal.
    pub compact: bool,
    /// How long tombstones and markers stay after compaction could have removed them.
    pub delete_retention_ms: i64,
    /// Compaction waits until more than this part of a log is dirty.
    pub min_cleanable_dirty_ratio: f64,
    /// A segment with a younger record is not compacted.
    pub min_compaction_lag_ms: i64,
    /// A dirty segment that began longer ago than this is compacted however clean the log is.
    pub max_compaction_lag_ms: i64,
    pub file_delete_delay_ms: u64,
    /// Sync before an append returns once this many records are not synced.
    pub flush_messages: i64,
    /// Sync when records have been unsynced for this long.
    pub flush_ms: i64,
}

impl LogConfig {
    /// How long a segment takes batches. What must be compacted after some time must be out of the active segment by then.
    pub fn longest_segment_ms(&self) -> i64 {
        let lag = if self.compact && self.max_compaction_lag_ms > 0 { self.max_compaction_lag_ms } else { i64::MAX };
        self.segment_ms.min(lag)
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        LogConfig {
            segment_bytes: 1 << 30,
            segment_ms: 7 * 24 * 3_600_000,
            segment_jitter_ms: 0,
            segment_index_bytes: 10 << 20,
            index_interval_bytes: 4096,
            retention_bytes: -1,
            retention_ms: 7 * 24 * 3_600_000,
            delete: true,
            compact: false,
            delete_retention_ms: 24 * 3_600_000,
            min_cleanable_dirty_ratio: 0.5,
            min_compaction_lag_ms: 0,
            max_compaction_lag_ms: i64::MAX,
            file_delete_delay_ms: 60_000,
            flush_messages: i64::MAX,
            flush_ms: i64::MAX,
        }
    }
}

/// Settings of a data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirOptions {
    /// How many segment and index files may be open at once.
    pub max_open_files: usize,
    pub producer_id_expiration_ms: i64,
}

impl Default for DirOptions {
    fn default() -> Self {
        DirOptions { max_open_files: super::disk::default_open_files(), producer_id_expiration_ms: 86_400_000 }
    }
}
