//! A bound on open files. Thousands of partitions share a few hundred descriptors: a slot opens its file when it is asked for, and
//! the files least recently asked for are closed to make room.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::disk::{Disk, DiskError, DiskFile, Open};

/// The open files of one data directory.
#[derive(Debug)]
pub struct OpenFiles {
    disk: Arc<dyn Disk>,
    limit: usize,
    /// Every open slot once, in the order of a clock's hand.
    ring: Mutex<VecDeque<Weak<Slot>>>,
}

/// A place for one file, open or not. A small empty slot costs one pointer.
#[derive(Debug, Default)]
pub struct FileSlot(Option<Arc<Slot>>);

#[derive(Debug, Default)]
struct Slot {
    file: Mutex<Option<Arc<dyn DiskFile>>>,
    /// Asked for since the hand passed last.
    used: AtomicBool,
}

impl OpenFiles {
    /// At most `limit` files stay open, one at least; files in the middle of a call or handed out to a reader come on top.
    pub fn new(disk: Arc<dyn Disk>, limit: usize) -> OpenFiles {
        OpenFiles { disk, limit: limit.max(1), ring: Mutex::default() }
    }

    /// How many are open now, as far as this knows.
    pub fn count(&self) -> usize {
        self.ring.lock().len()
    }

    fn admit(&self, slot: &Arc<Slot>) {
        let mut ring = self.ring.lock();
        let mut turns = ring.len() * 2;
        while ring.len() >= self.limit && turns > 0 {
            turns -= 1;
            let Some(oldest) = ring.pop_front() else { break };
            let Some(slot) = oldest.upgrade() else { continue };
            if slot.used.swap(false, Ordering::Relaxed) {
                ring.push_back(oldest);
                continue;
            }
            // A slot that is locked is in use this moment: pass it by rather than wait.
            match slot.file.try_lock() {
                Some(mut file) => *file = None,
                None => ring.push_back(oldest),
            }
        }
        ring.push_back(Arc::downgrade(slot));
    }
}

impl FileSlot {
    /// The file, opened if it is not. `path` is only called for opening.
    pub fn get(&mut self, files: &OpenFiles, path: impl FnOnce() -> PathBuf, how: Open) -> Result<Arc<dyn DiskFile>, DiskError> {
        let slot = self.0.get_or_insert_default();
        let mut file = slot.file.lock();
        slot.used.store(true, Ordering::Relaxed);
        if let Some(open) = &*file {
            return Ok(open.clone());
        }
        let opened = files.disk.open(&path(), how)?;
        *file = Some(opened.clone());
        // Not under this slot's lock: making room looks at other slots, which may be making room themselves.
        drop(file);
        files.admit(slot);
        Ok(opened)
    }

    /// Closes the file once nobody uses it any more.
    pub fn close(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::super::sim_disk::SimDisk;
    use super::*;

    #[test]
    fn the_files_least_recently_used_are_closed() {
        let disk = SimDisk::new();
        let files = OpenFiles::new(Arc::new(disk), 3);
        let mut slots: Vec<FileSlot> = (0..10).map(|_| FileSlot::default()).collect();
        for (i, slot) in slots.iter_mut().enumerate() {
            slot.get(&files, || format!("/{i}").into(), Open::Create).unwrap();
            assert!(files.count() <= 3);
        }
        let open = |s: &FileSlot| s.0.as_ref().unwrap().file.lock().is_some();
        assert_eq!(slots.iter().filter(|s| open(s)).count(), 3);
        // A closed one opens again, and what was handed out stays usable.
        let file = slots[0].get(&files, || "/0".into(), Open::ReadWrite).unwrap();
        for (i, slot) in slots.iter_mut().enumerate().skip(1) {
            slot.get(&files, || format!("/{i}").into(), Open::ReadWrite).unwrap();
        }
        assert_eq!(file.size().unwrap(), 0);
        assert!(files.count() <= 3);
        slots.clear();
        FileSlot::default().get(&files, || "/0".into(), Open::Read).unwrap();
        assert!(files.count() <= 3, "dropped slots leave the ring");
    }
}
