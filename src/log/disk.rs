//! The one door to the operating system: everything `log/` does to a disk goes through [`Disk`] and [`DiskFile`].
//!
//! [`RealDisk`] is the machine's own; `sim_disk` has one that forgets what was not synced, tears writes and fails on request.
//! What a caller may rely on, in both: a completed write is seen by every later read in this process and survives the process;
//! only `sync` (bytes of a file) and `sync_dir` (names in a directory) make it survive the machine.

use std::fmt;
use std::fs::File;
use std::io::{self, IoSlice};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An operation on the disk that failed: what was tried, on which path, and why.
#[derive(Debug, thiserror::Error)]
#[error("cannot {op} {}: {source}", path.display())]
pub struct DiskError {
    /// A verb: "open", "write", "sync" ...
    pub op: &'static str,
    pub path: PathBuf,
    #[source]
    pub source: io::Error,
}

impl DiskError {
    pub fn new(op: &'static str, path: &Path, source: io::Error) -> DiskError {
        DiskError { op, path: path.to_path_buf(), source }
    }

    pub fn is_not_found(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }

    pub fn already_exists(&self) -> bool {
        self.source.kind() == io::ErrorKind::AlreadyExists
    }

    /// Disk or quota full: nothing is broken, and the same write may succeed later.
    pub fn is_no_space(&self) -> bool {
        matches!(self.source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }
}

/// How to open a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    Read,
    ReadWrite,
    /// Read and write; made if it is not there.
    Create,
    /// Read and write; an error if it is there.
    CreateNew,
    /// Read and write; emptied or made.
    Truncate,
}

/// A name in a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    pub name: String,
    pub is_dir: bool,
}

/// What the disk says of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    pub len: u64,
    /// Milliseconds since 1970.
    pub modified_ms: i64,
    pub is_dir: bool,
}

/// An open file. All positions are absolute; there is no cursor, so any number of threads may read.
pub trait DiskFile: Send + Sync + fmt::Debug {
    fn path(&self) -> &Path;
    fn size(&self) -> Result<u64, DiskError>;
    /// Fills `buf` from `position`; fewer bytes than asked only at the end of the file.
    fn read_at(&self, buf: &mut [u8], position: u64) -> Result<usize, DiskError>;
    /// Writes all slices one after the other at `position`. After an error any prefix may have been written. The slices are used up.
    fn write_at(&self, slices: &mut [IoSlice<'_>], position: u64) -> Result<(), DiskError>;
    fn set_len(&self, len: u64) -> Result<(), DiskError>;
    /// Makes the bytes and the length survive a power loss. After an error nothing may be assumed about what was written before.
    fn sync(&self) -> Result<(), DiskError>;
    /// The real file, for `sendfile`; none on a simulated disk.
    fn std_file(&self) -> Option<Arc<File>>;
}

impl dyn DiskFile {
    /// Reads exactly `buf.len()` bytes; an early end of the file is an error of kind `UnexpectedEof`.
    pub fn read_exact_at(&self, buf: &mut [u8], position: u64) -> Result<(), DiskError> {
        if self.read_at(buf, position)? == buf.len() {
            return Ok(());
        }
        Err(DiskError::new("read", self.path(), io::ErrorKind::UnexpectedEof.into()))
    }
}

/// Keeps other processes out of a directory as long as it lives.
pub trait DiskLock: Send + Sync {}

/// Files and directories.
pub trait Disk: Send + Sync + fmt::Debug {
    fn open(&self, path: &Path, how: Open) -> Result<Arc<dyn DiskFile>, DiskError>;
    /// None if there is nothing of that name.
    fn metadata(&self, path: &Path) -> Result<Option<Meta>, DiskError>;
    /// In no particular order; names that are not UTF-8 are left out.
    fn list(&self, dir: &Path) -> Result<Vec<Entry>, DiskError>;
    /// Replaces `to` if it is a file.
    fn rename(&self, from: &Path, to: &Path) -> Result<(), DiskError>;
    fn remove_file(&self, path: &Path) -> Result<(), DiskError>;
    /// The directory must be empty.
    fn remove_dir(&self, path: &Path) -> Result<(), DiskError>;
    /// One level; an error if it is there.
    fn create_dir(&self, path: &Path) -> Result<(), DiskError>;
    /// Makes created, renamed and removed names in `dir` survive a power loss.
    fn sync_dir(&self, dir: &Path) -> Result<(), DiskError>;
    /// Locks `path` (made if missing) against every other process, Apache Kafka's included, and against this one. None: someone has it.
    fn lock(&self, path: &Path) -> Result<Option<Box<dyn DiskLock>>, DiskError>;
}

/// Reads a whole small file; `None` if it is not there. A file larger than `limit` is an error of kind `FileTooLarge`.
pub fn read_file(disk: &dyn Disk, path: &Path, limit: usize) -> Result<Option<Vec<u8>>, DiskError> {
    let file = match disk.open(path, Open::Read) {
        Ok(file) => file,
        Err(e) if e.is_not_found() => return Ok(None),
        Err(e) => return Err(e),
    };
    let len = file.size()?;
    let len = usize::try_from(len)
        .ok()
        .filter(|l| *l <= limit)
        .ok_or_else(|| DiskError::new("read", path, io::ErrorKind::FileTooLarge.into()))?;
    let mut bytes = vec![0; len];
    let got = file.read_at(&mut bytes, 0)?;
    bytes.truncate(got);
    Ok(Some(bytes))
}

/// Whether a replaced file must survive a power loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durable {
    Yes,
    /// It survives the process only; whoever needs more syncs later.
    No,
}

/// Replaces `path` in one step: readers see the old content or the new one, also after a crash (with [`Durable::Yes`]).
/// Goes through `path` + ".tmp", as Kafka does.
pub fn replace_file(disk: &dyn Disk, path: &Path, bytes: &[u8], durable: Durable) -> Result<(), DiskError> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let temporary = PathBuf::from(temporary);
    let file = disk.open(&temporary, Open::Truncate)?;
    file.write_at(&mut [IoSlice::new(bytes)], 0)?;
    if durable == Durable::Yes {
        file.sync()?;
    }
    disk.rename(&temporary, path)?;
    if durable == Durable::Yes
        && let Some(dir) = path.parent()
    {
        disk.sync_dir(dir)?;
    }
    Ok(())
}

/// Removes a file; that it is not there is no error. Tells whether it was.
pub fn remove_if_there(disk: &dyn Disk, path: &Path) -> Result<bool, DiskError> {
    match disk.remove_file(path) {
        Ok(()) => Ok(true),
        Err(e) if e.is_not_found() => Ok(false),
        Err(e) => Err(e),
    }
}

/// Removes a directory and everything below it; that it is not there is no error.
pub fn remove_tree(disk: &dyn Disk, dir: &Path) -> Result<(), DiskError> {
    let entries = match disk.list(dir) {
        Ok(entries) => entries,
        Err(e) if e.is_not_found() => return Ok(()),
        Err(e) => return Err(e),
    };
    for entry in entries {
        let path = dir.join(&entry.name);
        if entry.is_dir {
            remove_tree(disk, &path)?;
        } else {
            remove_if_there(disk, &path)?;
        }
    }
    disk.remove_dir(dir)
}

/// The machine's own disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

#[derive(Debug)]
struct RealFile {
    file: Arc<File>,
    path: Box<Path>,
}

impl RealFile {
    fn error(&self, op: &'static str, source: impl Into<io::Error>) -> DiskError {
        DiskError::new(op, &self.path, source.into())
    }
}

impl DiskFile for RealFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn size(&self) -> Result<u64, DiskError> {
        self.file.metadata().map(|m| m.len()).map_err(|e| self.error("stat", e))
    }

    fn read_at(&self, buf: &mut [u8], position: u64) -> Result<usize, DiskError> {
        let mut done = 0;
        while done < buf.len() {
            match self.file.read_at(&mut buf[done..], position + done as u64) {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(self.error("read", e)),
            }
        }
        Ok(done)
    }

    fn write_at(&self, mut slices: &mut [IoSlice<'_>], mut position: u64) -> Result<(), DiskError> {
        IoSlice::advance_slices(&mut slices, 0);
        while !slices.is_empty() {
            // The kernel takes at most 1024 slices in one call.
            let batch = &slices[..slices.len().min(1024)];
            match rustix::io::pwritev(&*self.file, batch, position) {
                Ok(0) => return Err(self.error("write", io::ErrorKind::WriteZero)),
                Ok(n) => {
                    position += n as u64;
                    IoSlice::advance_slices(&mut slices, n);
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(e) => return Err(self.error("write", e)),
            }
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<(), DiskError> {
        self.file.set_len(len).map_err(|e| self.error("resize", e))
    }

    fn sync(&self) -> Result<(), DiskError> {
        self.file.sync_data().map_err(|e| self.error("sync", e))
    }

    fn std_file(&self) -> Option<Arc<File>> {
        Some(self.file.clone())
    }
}

/// Dropping it closes the file, which gives both kinds of lock back.
struct RealLock(#[expect(dead_code, reason = "held for its lock")] File);
impl DiskLock for RealLock {}

impl Disk for RealDisk {
    fn open(&self, path: &Path, how: Open) -> Result<Arc<dyn DiskFile>, DiskError> {
        let mut options = File::options();
        options.read(true).write(how != Open::Read);
        match how {
            Open::Read | Open::ReadWrite => {}
            Open::Create => _ = options.create(true),
            Open::CreateNew => _ = options.create_new(true),
            Open::Truncate => _ = options.create(true).truncate(true),
        }
        let file = options.open(path).map_err(|e| DiskError::new("open", path, e))?;
        Ok(Arc::new(RealFile { file: Arc::new(file), path: path.into() }))
    }

    fn metadata(&self, path: &Path) -> Result<Option<Meta>, DiskError> {
        match std::fs::metadata(path) {
            Ok(m) => Ok(Some(Meta { len: m.len(), modified_ms: modified_ms(&m), is_dir: m.is_dir() })),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(DiskError::new("stat", path, e)),
        }
    }

    fn list(&self, dir: &Path) -> Result<Vec<Entry>, DiskError> {
        let fail = |e| DiskError::new("list", dir, e);
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(dir).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let kind = entry.file_type().map_err(fail)?;
            let is_dir = kind.is_dir() || kind.is_symlink() && std::fs::metadata(entry.path()).is_ok_and(|m| m.is_dir());
            if let Ok(name) = entry.file_name().into_string() {
                entries.push(Entry { name, is_dir });
            }
        }
        Ok(entries)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        std::fs::rename(from, to).map_err(|e| DiskError::new("rename", from, e))
    }

    fn remove_file(&self, path: &Path) -> Result<(), DiskError> {
        std::fs::remove_file(path).map_err(|e| DiskError::new("remove", path, e))
    }

    fn remove_dir(&self, path: &Path) -> Result<(), DiskError> {
        std::fs::remove_dir(path).map_err(|e| DiskError::new("remove directory", path, e))
    }

    fn create_dir(&self, path: &Path) -> Result<(), DiskError> {
        std::fs::create_dir(path).map_err(|e| DiskError::new("create directory", path, e))
    }

    fn sync_dir(&self, dir: &Path) -> Result<(), DiskError> {
        File::open(dir).and_then(|d| d.sync_all()).map_err(|e| DiskError::new("sync directory", dir, e))
    }

    fn lock(&self, path: &Path) -> Result<Option<Box<dyn DiskLock>>, DiskError> {
        use rustix::fs::{FlockOperation::NonBlockingLockExclusive, fcntl_lock, flock};
        use rustix::io::Errno;
        let fail = |e: io::Error| DiskError::new("lock", path, e);
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path).map_err(fail)?;
        // Java locks with fcntl, which does not see a second lock of one's own process; flock does, but Java does not look at it.
        for locked in [flock(&file, NonBlockingLockExclusive), fcntl_lock(&file, NonBlockingLockExclusive)] {
            match locked {
                Ok(()) => {}
                Err(Errno::AGAIN | Errno::ACCESS) => return Ok(None),
                Err(e) => return Err(fail(e.into())),
            }
        }
        Ok(Some(Box::new(RealLock(file))))
    }
}

/// Whether some process has the lock of [`Disk::lock`] on `path`, Apache Kafka included. Leaves no lock and no file.
pub fn is_locked(path: &Path) -> Result<bool, DiskError> {
    use rustix::fs::{FlockOperation::NonBlockingLockShared, fcntl_lock, flock};
    use rustix::io::Errno;
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(e) => return Err(DiskError::new("open", path, e)),
    };
    for locked in [flock(&file, NonBlockingLockShared), fcntl_lock(&file, NonBlockingLockShared)] {
        match locked {
            Ok(()) => {}
            Err(Errno::AGAIN | Errno::ACCESS) => return Ok(true),
            Err(e) => return Err(DiskError::new("look at the lock", path, e.into())),
        }
    }
    Ok(false)
}

fn modified_ms(meta: &std::fs::Metadata) -> i64 {
    use std::os::unix::fs::MetadataExt;
    meta.mtime().saturating_mul(1000).saturating_add(meta.mtime_nsec() / 1_000_000)
}

/// How many files the logs may keep open at once: a half of what the process may open, so that sockets have the other half.
pub fn default_open_files() -> usize {
    let soft = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(soft / 2).unwrap_or(usize::MAX).clamp(16, 4096)
}
