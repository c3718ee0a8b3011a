//! What can go wrong with the metadata log and the files beside it.

use std::path::PathBuf;

use crate::log::LogError;
use crate::log::disk::DiskError;
use crate::log::meta_properties::MetaPropertiesError;
use crate::machine::controller::{ApplyError, RecordError as MetadataRecordError};
use crate::record::RecordError;
use crate::types::Offset;

/// Why the metadata cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum QuorumError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    MetaProperties(#[from] MetaPropertiesError),
    /// A batch that is not what a writer of this log could have written.
    #[error("the metadata log is damaged at offset {offset}: {why}")]
    Damaged { offset: Offset, why: String },
    #[error("the metadata log cannot be read: record at offset {offset}: {source}")]
    Record { offset: Offset, source: MetadataRecordError },
    #[error("the metadata log contradicts itself at offset {offset}: {source}")]
    Apply { offset: Offset, source: ApplyError },
    #[error("{} is damaged: {why}", path.display())]
    File { path: PathBuf, why: String },
    /// What the directory says asks for something that this version cannot do.
    #[error("{0}")]
    Unsupported(String),
    #[error("metadata records cannot be written: {0}")]
    Encode(String),
    /// An earlier failure left it open what is on disk: nothing is accepted until the next start.
    #[error("metadata can no longer be changed since an earlier failure: {0}")]
    Failed(String),
}

impl QuorumError {
    pub(super) fn batch(offset: Offset, error: RecordError) -> Self {
        QuorumError::Damaged { offset, why: error.to_string() }
    }
}
