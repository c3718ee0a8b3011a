//! A data directory: the logs in it, and the files that speak of all of them.
//!
//! ```text
//! .lock  meta.properties  .kafka_cleanshutdown
//! recovery-point-offset-checkpoint  log-start-offset-checkpoint  replication-offset-checkpoint (high watermarks)
//! cleaner-offset-checkpoint (how far compaction has come)
//! orders-0/  orders-1/  ...  orders-2.<hex>-delete/
//! ```
//! Opening one reads names only; a log is looked at when it is first opened, also after an unclean stop. Until the last of them has been
//! opened, and so recovered, a later stop does not count as clean.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::checkpoint::{self, CheckpointError};
use super::clean_shutdown::{self, CleanShutdown};
use super::disk::{Disk, DiskLock, remove_if_there, remove_tree};
use super::error::LogError;
use super::home::{Home, Offsets, Shared};
use super::log::Log;
use super::names::{self, DirName};
use super::open::Opening;
use super::settings::{DirOptions, LogConfig};
use crate::rng::Rng;
use crate::types::{MonoMs, Now, Offset, TopicId, TopicPartition};

/// An open, locked data directory. Cheap to share behind an `Arc`; all methods take `&self`.
pub struct LogDir {
    shared: Arc<Shared>,
    clean: Option<CleanShutdown>,
    found: Vec<TopicPartition>,
    _lock: Box<dyn DiskLock>,
}

impl std::fmt::Debug for LogDir {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogDir").field("root", &self.shared.root).field("clean", &self.clean).finish_non_exhaustive()
    }
}

impl LogDir {
    /// Locks the directory (made if missing, one level), takes the clean-stop file and reads the checkpoints.
    ///
    /// Errors: `Locked` if another process has it.
    pub fn open(disk: Arc<dyn Disk>, root: &Path, options: DirOptions) -> Result<LogDir, LogError> {
        LogDir::open_if(disk, root, options, |_, _| Ok(()))
    }

    /// The same, if `check` agrees: it sees the directory locked and otherwise untouched.
    pub fn open_if<E: From<LogError>>(
        disk: Arc<dyn Disk>,
        root: &Path,
        options: DirOptions,
        check: impl FnOnce(&dyn Disk, &Path) -> Result<(), E>,
    ) -> Result<LogDir, E> {
        let lock = LogDir::lock(&*disk, root)?;
        check(&*disk, root)?;
        Ok(LogDir::open_locked(disk, root, options, lock)?)
    }

    fn lock(disk: &dyn Disk, root: &Path) -> Result<Box<dyn DiskLock>, LogError> {
        if disk.metadata(root)?.is_none() {
            disk.create_dir(root)?;
            if let Some(parent) = root.parent() {
                disk.sync_dir(if parent.as_os_str().is_empty() { Path::new(".") } else { parent })?;
            }
        }
        disk.lock(&root.join(names::LOCK))?.ok_or_else(|| LogError::Locked(root.to_path_buf()))
    }

    fn open_locked(disk: Arc<dyn Disk>, root: &Path, options: DirOptions, lock: Box<dyn DiskLock>) -> Result<LogDir, LogError> {
        let clean = clean_shutdown::take(&*disk, root)?;
        let shared = Arc::new(Shared::new(disk, root.to_path_buf(), options));
        let mut found = Vec::new();
        for entry in shared.disk.list(root)?.into_iter().filter(|e| e.is_dir) {
            match names::parse_dir(&entry.name) {
                DirName::Partition(partition) => found.push(partition),
                DirName::Deleted => shared.doomed.lock().push((MonoMs(0), root.join(entry.name))),
                DirName::SetAside | DirName::Other => {}
            }
        }
        found.sort();
        read_checkpoint(&shared, names::RECOVERY_POINTS, &shared.recovery_points)?;
        read_checkpoint(&shared, names::LOG_STARTS, &shared.log_starts)?;
        read_checkpoint(&shared, names::HIGH_WATERMARKS, &shared.high_watermarks)?;
        read_checkpoint(&shared, names::CLEANER_OFFSETS, &shared.cleaner_offsets)?;
        if clean.is_none() {
            *shared.unrecovered.lock() = found.iter().cloned().collect::<BTreeSet<_>>();
        }
        Ok(LogDir { shared, clean, found, _lock: lock })
    }

    pub fn root(&self) -> &Path {
        &self.shared.root
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.shared.disk
    }

    /// Set if the last stop was clean.
    pub fn clean_shutdown(&self) -> Option<CleanShutdown> {
        self.clean
    }

    /// The partition directories that were there when this was opened, in order.
    pub fn partitions(&self) -> &[TopicPartition] {
        &self.found
    }

    /// Partitions whose logs were not opened since an unclean stop; opening one recovers it.
    pub fn unrecovered(&self) -> Vec<TopicPartition> {
        self.shared.unrecovered.lock().iter().cloned().collect()
    }

    /// R16: why nothing can be written here any more.
    pub fn offline_reason(&self) -> Option<String> {
        self.shared.offline_reason()
    }

    /// I12: holds from the next look at producers on.
    pub fn set_producer_id_expiration_ms(&self, expiration_ms: i64) {
        self.shared.producer_id_expiration_ms.store(expiration_ms, Ordering::Relaxed);
    }

    /// How many segment and index files are open now.
    pub fn open_files(&self) -> usize {
        self.shared.files.count()
    }

    /// Opens a partition's log, recovers it if need be, or makes a new one: two names and no reading. A log must be open once only.
    ///
    /// Errors: `Stray` if the directory belongs to another topic id: see [`LogDir::set_aside`].
    pub fn open_log(&self, partition: &TopicPartition, topic_id: TopicId, config: Arc<LogConfig>, now: Now) -> Result<Log, LogError> {
        self.shared.check_online()?;
        let clean = !self.shared.unrecovered.lock().contains(partition);
        let recovery_point = self.shared.recovery_points.get(partition).unwrap_or(0);
        let opening = Opening { clean, recovery_point, start: self.shared.log_starts.get(partition) };
        let home = Home { shared: self.shared.clone(), partition: partition.clone() };
        let log = Log::open(home, topic_id, config, opening, now)?;
        if !clean {
            self.shared.unrecovered.lock().remove(partition);
        }
        Ok(log)
    }

    /// T11: renames the log's directory so that the name is free at once; [`LogDir::purge`] removes it after the delay of its topic.
    pub fn delete_log(&self, mut log: Log, rng: &mut Rng, now: Now) -> Result<(), LogError> {
        log.set_closed();
        let partition = log.partition().clone();
        let at = now.mono.plus(log.config().file_delete_delay_ms);
        drop(log);
        self.delete_partition(&partition, rng, at)
    }

    /// The same for a partition that is not open. Nothing happens if there is no such directory.
    pub fn delete_partition(&self, partition: &TopicPartition, rng: &mut Rng, at: MonoMs) -> Result<(), LogError> {
        if let Some(to) = self.rename_marked(partition, rng, "-delete")? {
            self.shared.doomed.lock().push((at, to));
        }
        Ok(())
    }

    /// Partitions that are about to be deleted, so that one writing of the checkpoint files does for all.
    pub fn forget<'a>(&self, partitions: impl Iterator<Item = &'a TopicPartition>) {
        for partition in partitions {
            self.shared.log_starts.forget(partition);
            self.shared.recovery_points.forget(partition);
        }
    }

    /// L12: renames a directory that belongs to no known topic; it is kept for an operator.
    pub fn set_aside(&self, partition: &TopicPartition, rng: &mut Rng) -> Result<(), LogError> {
        self.rename_marked(partition, rng, "-stray").map(|_| ())
    }

    fn rename_marked(&self, partition: &TopicPartition, rng: &mut Rng, mark: &str) -> Result<Option<PathBuf>, LogError> {
        self.shared.check_online()?;
        let id = (u128::from(rng.next_u64()) << 64) | u128::from(rng.next_u64());
        let from = self.shared.root.join(partition.to_string());
        let to = self.shared.root.join(names::marked_dir(partition, id, mark));
        for offsets in [&self.shared.recovery_points, &self.shared.log_starts, &self.shared.high_watermarks, &self.shared.cleaner_offsets] {
            offsets.forget(partition);
        }
        self.shared.unrecovered.lock().remove(partition);
        // Before the directory goes: after a crash in between, the next start finds it and asks again. A full disk is no reason to keep what
        // fills it; the partition that next takes the name then waits for room.
        match self.shared.mend_checkpoints() {
            Err(LogError::NoSpace(_)) => {}
            mended => mended?,
        }
        match self.shared.disk.rename(&from, &to) {
            Ok(()) => {}
            Err(e) if e.is_not_found() => return Ok(None),
            Err(e) => return Err(self.shared.failed(e)),
        }
        // The old directory must not come back under a name that may belong to another topic by then.
        self.shared.disk.sync_dir(&self.shared.root).map_err(|e| self.shared.failed(e))?;
        Ok(Some(to))
    }

    /// Removes files and directories whose time has come. Tells when the next one is due.
    pub fn purge(&self, now: MonoMs) -> Result<Option<MonoMs>, LogError> {
        self.shared.check_online()?;
        let due: Vec<PathBuf> = {
            let mut doomed = self.shared.doomed.lock();
            let (due, later) = std::mem::take(&mut *doomed).into_iter().partition(|(at, _)| *at <= now);
            *doomed = later;
            let due: Vec<(MonoMs, PathBuf)> = due;
            due.into_iter().map(|(_, path)| path).collect()
        };
        for path in due {
            let is_dir = self.shared.disk.metadata(&path)?.is_some_and(|m| m.is_dir);
            let removed =
                if is_dir { remove_tree(&*self.shared.disk, &path) } else { remove_if_there(&*self.shared.disk, &path).map(|_| ()) };
            removed.map_err(|e| self.shared.failed(e))?;
        }
        Ok(self.shared.doomed.lock().iter().map(|(at, _)| *at).min())
    }

    /// The high watermark that was last checkpointed, 0 if none was (L11: it may be older than what clients saw).
    pub fn high_watermark(&self, partition: &TopicPartition) -> Offset {
        self.shared.high_watermarks.get(partition).unwrap_or(0)
    }

    /// Notes a high watermark for [`LogDir::write_high_watermarks`].
    pub fn set_high_watermark(&self, partition: &TopicPartition, high_watermark: Offset) {
        self.shared.high_watermarks.set(partition, high_watermark);
    }

    pub fn write_high_watermarks(&self) -> Result<(), LogError> {
        self.shared.write_checkpoint(names::HIGH_WATERMARKS, &self.shared.high_watermarks)
    }

    /// Makes all log starts durable; a DeleteRecords request is answered after this (L11).
    pub fn write_log_starts(&self) -> Result<(), LogError> {
        self.shared.write_checkpoint(names::LOG_STARTS, &self.shared.log_starts)
    }

    pub fn write_recovery_points(&self) -> Result<(), LogError> {
        self.shared.write_checkpoint(names::RECOVERY_POINTS, &self.shared.recovery_points)
    }

    /// R1: the last step of a clean stop, after every open log was closed ([`Log::close`]). Tells whether the stop counts as clean: not if
    /// some log was not recovered since an unclean stop, or was written to and not closed.
    pub fn close(self, broker_epoch: i64) -> Result<bool, LogError> {
        self.write_recovery_points()?;
        self.write_log_starts()?;
        self.write_high_watermarks()?;
        self.shared.write_checkpoint(names::CLEANER_OFFSETS, &self.shared.cleaner_offsets)?;
        if !self.shared.unrecovered.lock().is_empty() || self.shared.unclosed.load(Ordering::Acquire) > 0 {
            return Ok(false);
        }
        clean_shutdown::write(&*self.shared.disk, &self.shared.root, broker_epoch).map_err(|e| self.shared.failed(e))?;
        Ok(true)
    }
}

/// R12: a checkpoint that cannot be read is as if it were not there.
fn read_checkpoint(shared: &Shared, name: &str, into: &Offsets) -> Result<(), LogError> {
    match checkpoint::read_offsets(&*shared.disk, &shared.root.join(name)) {
        Ok(offsets) => {
            into.load(offsets.unwrap_or_default());
            Ok(())
        }
        Err(CheckpointError::Malformed { path, line, text }) => {
            tracing::warn!("{path} is not used: line {line} is {text:?}");
            Ok(())
        }
        Err(CheckpointError::Disk(e)) => Err(e.into()),
    }
}
