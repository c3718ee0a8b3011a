//! The real disk, but syncs of some files wait until the test lets them through.

use std::fs::File;
use std::io::IoSlice;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};

use kfk::log::disk::{Disk, DiskError, DiskFile, DiskLock, Entry, Meta, Open, RealDisk};

/// Whether syncs have to wait. Dropping it lets them through, so that a test that fails does not hang.
#[derive(Debug, Default)]
struct Gate {
    is_shut: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn set(&self, shut: bool) {
        *self.is_shut.lock().unwrap_or_else(|e| e.into_inner()) = shut;
        self.opened.notify_all();
    }

    fn pass(&self) {
        let shut = self.is_shut.lock().unwrap();
        drop(self.opened.wait_while(shut, |shut| *shut).unwrap());
    }
}

/// Syncs of the files of one partition can be held back.
#[derive(Clone, Debug)]
pub struct HeldDisk {
    partition: &'static str,
    gate: Arc<Gate>,
}

/// As long as it lives, syncs wait.
pub struct Held(Arc<Gate>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

impl HeldDisk {
    pub fn new(partition: &'static str) -> HeldDisk {
        HeldDisk { partition, gate: Arc::default() }
    }

    pub fn hold(&self) -> Held {
        self.gate.set(true);
        Held(self.gate.clone())
    }

    fn gate_of(&self, path: &Path) -> Option<Arc<Gate>> {
        let is_held = path.components().any(|c| c.as_os_str() == self.partition);
        is_held.then(|| self.gate.clone())
    }
}

#[derive(Debug)]
struct HeldFile {
    file: Arc<dyn DiskFile>,
    gate: Arc<Gate>,
}

impl DiskFile for HeldFile {
    fn path(&self) -> &Path {
        self.file.path()
    }
    fn size(&self) -> Result<u64, DiskError> {
        self.file.size()
    }
    fn read_at(&self, buf: &mut [u8], position: u64) -> Result<usize, DiskError> {
        self.file.read_at(buf, position)
    }
    fn write_at(&self, slices: &mut [IoSlice<'_>], position: u64) -> Result<(), DiskError> {
        self.file.write_at(slices, position)
    }
    fn set_len(&self, len: u64) -> Result<(), DiskError> {
        self.file.set_len(len)
    }
    fn sync(&self) -> Result<(), DiskError> {
        self.gate.pass();
        self.file.sync()
    }
    fn std_file(&self) -> Option<Arc<File>> {
        self.file.std_file()
    }
}

impl Disk for HeldDisk {
    fn open(&self, path: &Path, how: Open) -> Result<Arc<dyn DiskFile>, DiskError> {
        let file = RealDisk.open(path, how)?;
        Ok(match self.gate_of(path) {
            Some(gate) => Arc::new(HeldFile { file, gate }),
            None => file,
        })
    }
    fn metadata(&self, path: &Path) -> Result<Option<Meta>, DiskError> {
        RealDisk.metadata(path)
    }
    fn list(&self, dir: &Path) -> Result<Vec<Entry>, DiskError> {
        RealDisk.list(dir)
    }
    fn rename(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        RealDisk.rename(from, to)
    }
    fn remove_file(&self, path: &Path) -> Result<(), DiskError> {
        RealDisk.remove_file(path)
    }
    fn remove_dir(&self, path: &Path) -> Result<(), DiskError> {
        RealDisk.remove_dir(path)
    }
    fn create_dir(&self, path: &Path) -> Result<(), DiskError> {
        RealDisk.create_dir(path)
    }
    fn sync_dir(&self, dir: &Path) -> Result<(), DiskError> {
        if let Some(gate) = self.gate_of(dir) {
            gate.pass();
        }
        RealDisk.sync_dir(dir)
    }
    fn lock(&self, path: &Path) -> Result<Option<Box<dyn DiskLock>>, DiskError> {
        RealDisk.lock(path)
    }
}
