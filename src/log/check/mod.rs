//! Verifying a data directory without changing a byte of it: what is wrong, in which file, where, what should stand there and what helps.
//!
//! `root` reads the files that speak of all logs, `partition` goes through one log, `segment` compares its batches with their indexes,
//! `derived` with what else is derived from them. What belongs to the cluster's metadata is looked at by `node::check`, which calls all this.
//!
//! Some bytes no check can tell: nothing on the disk says the same a second time.
//! - In `.index`, an offset that is raised to another batch's end before the next entry; entries that are missing: both cost time only.
//! - In `.timeindex`, entries that are missing, except the last.
//! - In `leader-epoch-checkpoint`, an epoch under which nothing was written.
//! - In the checkpoints, a high watermark of a partition with several replicas that is too low, a log start inside the first segment,
//!   and how far compaction has come.
//! - In `meta.properties`, the cluster's id: nothing else on the disk says it. In `quorum-state`, `appliedOffset`, which nobody reads.
//! - The last character of an id in base 64 has unused bits; blanks and comments mean nothing.
//! - In a compacted log, what compaction makes normal: gaps between offsets, transactions without a beginning.

mod derived;
mod partition;
mod root;
mod segment;

use std::path::{Path, PathBuf};

use super::disk::DiskError;
use crate::types::Offset;

pub use partition::{Expected, check_partition};
pub use root::{Root, RootFiles, check_offsets, read_root};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Data are lost, or would be served wrongly, or a broker would not start, or a file contradicts another.
    Wrong,
    /// What an unclean stop leaves and the next start puts in order, or what is there without harm.
    Note,
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub severity: Severity,
    pub file: PathBuf,
    /// Byte in the file.
    pub position: Option<u64>,
    pub offset: Option<Offset>,
    pub what: String,
    /// What should stand there; empty if that is plain.
    pub expected: String,
    pub remedy: &'static str,
}

impl Finding {
    pub fn wrong(file: impl Into<PathBuf>, what: impl Into<String>, remedy: &'static str) -> Finding {
        let (file, what) = (file.into(), what.into());
        Finding { severity: Severity::Wrong, file, position: None, offset: None, what, expected: String::new(), remedy }
    }

    pub fn note(file: impl Into<PathBuf>, what: impl Into<String>, remedy: &'static str) -> Finding {
        Finding { severity: Severity::Note, ..Finding::wrong(file, what, remedy) }
    }

    pub fn at(mut self, position: u64) -> Finding {
        self.position = Some(position);
        self
    }

    pub fn offset(mut self, offset: Offset) -> Finding {
        self.offset = Some(offset);
        self
    }

    pub fn expected(mut self, expected: impl Into<String>) -> Finding {
        self.expected = expected.into();
        self
    }

    pub fn severity(mut self, severity: Severity) -> Finding {
        self.severity = severity;
        self
    }
}

/// What has been found, and how much was looked at.
#[derive(Debug, Default)]
pub struct Report {
    pub findings: Vec<Finding>,
    pub partitions: u64,
    pub segments: u64,
    pub bytes: u64,
}

impl Report {
    pub fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// A file that cannot be read is a finding; the rest is looked at all the same.
    pub fn unless_failed<T>(&mut self, file: &Path, result: Result<T, DiskError>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(e) => {
                self.add(Finding::wrong(file, e.to_string(), "look at the disk and the rights of the file"));
                None
            }
        }
    }

    pub fn wrong(&self) -> usize {
        self.findings.iter().filter(|f| f.severity == Severity::Wrong).count()
    }
}

/// Called with the bytes of log files that were read since the last call.
pub type Progress<'a> = &'a mut dyn FnMut(u64);

pub(crate) const RESTORE: &str = "restore the file from a copy or a replica";
pub(crate) const REBUILD: &str =
    "with the broker stopped remove the file and `.kafka_cleanshutdown`: the next start makes it anew from the log";
pub(crate) const NEXT_START: &str = "nothing to do: the next start puts it in order";
