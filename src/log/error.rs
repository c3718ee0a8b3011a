//! What can go wrong in a log.

use std::path::PathBuf;

use super::checkpoint::CheckpointError;
use super::disk::DiskError;
use super::meta_properties::MetaPropertiesError;
use super::producers::ProducerError;
use super::scan::BadBatch;
use crate::types::{Offset, TopicId};

/// Why a log did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The disk failed; after a failed write or sync the whole directory is offline from now on.
    #[error(transparent)]
    Disk(DiskError),
    /// Disk full. What was half written is cut back, so that a later append may succeed.
    #[error(transparent)]
    NoSpace(DiskError),
    /// An earlier failure took the log directory offline.
    #[error("log directory {} is offline: {reason}", root.display())]
    Offline { root: PathBuf, reason: String },
    /// The log has rot in the middle: it can be read below `offset`, and not be written.
    #[error("log is damaged from offset {offset} on: {reason}")]
    Damaged { offset: Offset, reason: String },
    #[error("offset {offset} is outside of {start}..={end}")]
    OffsetOutOfRange { offset: Offset, start: Offset, end: Offset },
    /// The batches of one append are larger than a segment may be.
    #[error("{size} bytes of batches do not fit a segment of {limit} bytes")]
    RecordListTooLarge { size: u64, limit: u64 },
    /// Bytes in a log file are not the batches they should be.
    #[error("{}: {bad}", path.display())]
    Corrupt { path: PathBuf, bad: BadBatch },
    /// Batches given to a follower's log do not follow it.
    #[error("batches to append: {0}")]
    BadAppend(BadBatch),
    #[error(transparent)]
    Producer(#[from] ProducerError),
    /// The directory belongs to another topic of the same name.
    #[error("{} belongs to topic id {found}, not {expected}", path.display())]
    Stray { path: PathBuf, found: TopicId, expected: TopicId },
    /// A file that must be there and readable is not.
    #[error("{}: {reason}", path.display())]
    Malformed { path: PathBuf, reason: String },
    #[error("{} is in use by another process", .0.display())]
    Locked(PathBuf),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    MetaProperties(#[from] MetaPropertiesError),
}

impl From<DiskError> for LogError {
    fn from(e: DiskError) -> Self {
        if e.is_no_space() { LogError::NoSpace(e) } else { LogError::Disk(e) }
    }
}
