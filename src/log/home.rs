//! Where a log lives, and what all logs of one data directory share.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::checkpoint;
use super::disk::{Disk, DiskError};
use super::error::LogError;
use super::names::{self, Kind};
use super::open_files::OpenFiles;
use super::settings::DirOptions;
use crate::types::{MonoMs, Offset, TopicPartition};

/// Offsets that are kept in a checkpoint file, by partition; 0 is left out.
#[derive(Debug, Default)]
pub(super) struct Offsets(Mutex<Noted>);

#[derive(Debug, Default)]
struct Noted {
    offsets: BTreeMap<TopicPartition, Offset>,
    /// The file says something else.
    changed: bool,
    /// The file has partitions that are gone. A later one of the same name must not begin before that is mended.
    stale: bool,
}

impl Offsets {
    /// What the file said at the start.
    pub fn load(&self, mut offsets: BTreeMap<TopicPartition, Offset>) {
        offsets.retain(|_, offset| (1..=names::MAX_OFFSET).contains(offset));
        *self.0.lock() = Noted { offsets, changed: false, stale: false };
    }

    pub fn get(&self, partition: &TopicPartition) -> Option<Offset> {
        self.0.lock().offsets.get(partition).copied()
    }

    /// The partition is gone.
    pub fn forget(&self, partition: &TopicPartition) {
        let noted = &mut *self.0.lock();
        if noted.offsets.remove(partition).is_some() {
            (noted.changed, noted.stale) = (true, true);
        }
    }

    fn is_stale(&self) -> bool {
        self.0.lock().stale
    }

    /// Notes an offset for the next writing of the file.
    pub fn set(&self, partition: &TopicPartition, offset: Offset) {
        let noted = &mut *self.0.lock();
        if offset <= 0 {
            noted.changed |= noted.offsets.remove(partition).is_some();
        } else if let Some(known) = noted.offsets.get_mut(partition) {
            noted.changed |= *known != offset;
            *known = offset;
        } else {
            noted.offsets.insert(partition.clone(), offset);
            noted.changed = true;
        }
    }
}

/// What all logs of a data directory share.
#[derive(Debug)]
pub(super) struct Shared {
    pub disk: Arc<dyn Disk>,
    pub root: PathBuf,
    pub files: OpenFiles,
    pub recovery_points: Offsets,
    pub log_starts: Offsets,
    pub high_watermarks: Offsets,
    /// Up to where compaction has come.
    pub cleaner_offsets: Offsets,
    /// Files and directories to be removed, and when.
    pub doomed: Mutex<Vec<(MonoMs, PathBuf)>>,
    /// Partitions that were not opened since the last unclean stop and may need recovery.
    pub unrecovered: Mutex<std::collections::BTreeSet<TopicPartition>>,
    /// Logs that were written to and not closed since.
    pub unclosed: AtomicUsize,
    /// `producer.id.expiration.ms`, which may change at any time.
    pub producer_id_expiration_ms: AtomicI64,
    offline: AtomicBool,
    offline_reason: Mutex<Option<String>>,
}

impl Shared {
    pub fn new(disk: Arc<dyn Disk>, root: PathBuf, options: DirOptions) -> Shared {
        Shared {
            files: OpenFiles::new(disk.clone(), options.max_open_files),
            disk,
            root,
            recovery_points: Offsets::default(),
            log_starts: Offsets::default(),
            high_watermarks: Offsets::default(),
            cleaner_offsets: Offsets::default(),
            doomed: Mutex::default(),
            unrecovered: Mutex::default(),
            unclosed: AtomicUsize::new(0),
            producer_id_expiration_ms: AtomicI64::new(options.producer_id_expiration_ms),
            offline: AtomicBool::new(false),
            offline_reason: Mutex::default(),
        }
    }

    /// R16: from now on nothing is written any more. The first reason stays.
    pub fn go_offline(&self, error: &DiskError) {
        let mut reason = self.offline_reason.lock();
        if reason.is_none() {
            tracing::error!("log directory {} goes offline: {error}", self.root.display());
            *reason = Some(error.to_string());
        }
        self.offline.store(true, Ordering::Release);
    }

    pub fn offline_reason(&self) -> Option<String> {
        self.offline_reason.lock().clone()
    }

    #[inline]
    pub fn check_online(&self) -> Result<(), LogError> {
        if self.offline.load(Ordering::Acquire) { Err(self.offline_error()) } else { Ok(()) }
    }

    #[cold]
    fn offline_error(&self) -> LogError {
        LogError::Offline { root: self.root.clone(), reason: self.offline_reason().unwrap_or_default() }
    }

    /// Replaces a checkpoint file by the offsets noted for it, if any changed.
    pub fn write_checkpoint(&self, name: &str, offsets: &Offsets) -> Result<(), LogError> {
        self.check_online()?;
        // Held while writing: two writers of one file would tread on each other's temporary file.
        let mut noted = offsets.0.lock();
        if noted.changed {
            checkpoint::write_offsets(&*self.disk, &self.root.join(name), &noted.offsets).map_err(|e| self.failed(e))?;
            (noted.changed, noted.stale) = (false, false);
        }
        Ok(())
    }

    /// Takes partitions that are gone out of the files that say where a log begins and how far it is synced. What they say of one must
    /// not come true for a later one of the same name.
    pub fn mend_checkpoints(&self) -> Result<(), LogError> {
        for (name, offsets) in [(names::LOG_STARTS, &self.log_starts), (names::RECOVERY_POINTS, &self.recovery_points)] {
            if offsets.is_stale() {
                self.write_checkpoint(name, offsets)?;
            }
        }
        Ok(())
    }

    /// A change of the disk failed: unless it was only full, fail stop.
    pub fn failed(&self, error: DiskError) -> LogError {
        if !error.is_no_space() {
            self.go_offline(&error);
        }
        error.into()
    }
}

/// One log's place.
#[derive(Clone, Debug)]
pub(super) struct Home {
    pub shared: Arc<Shared>,
    pub partition: TopicPartition,
}

impl Home {
    pub fn dir(&self) -> PathBuf {
        self.shared.root.join(self.partition.to_string())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        let mut path = self.dir();
        path.push(name);
        path
    }

    pub fn file(&self, base: Offset, kind: Kind) -> PathBuf {
        self.path(&names::file_name(base, kind))
    }

    pub fn disk(&self) -> &dyn Disk {
        &*self.shared.disk
    }

    pub fn files(&self) -> &OpenFiles {
        &self.shared.files
    }

    /// Passes a result on; a failed change of the disk takes the directory offline.
    pub fn done<T>(&self, result: Result<T, DiskError>) -> Result<T, LogError> {
        result.map_err(|e| self.shared.failed(e))
    }

    /// Renames a file to `.deleted` and plans its removal. Tells whether it was there.
    pub fn doom(&self, name: &str, at: MonoMs) -> Result<bool, DiskError> {
        let from = self.path(name);
        let to = self.path(&format!("{name}{}", names::Mark::Deleted.suffix()));
        match self.disk().rename(&from, &to) {
            Ok(()) => {}
            Err(e) if e.is_not_found() => return Ok(false),
            Err(e) => return Err(e),
        }
        self.shared.doomed.lock().push((at, to));
        Ok(true)
    }
}
