//! What `.index` and `.timeindex` have in common: a file of equal entries in rising order, of which the newest are also in memory.
//!
//! A running segment keeps its newest entries in memory and writes them out some dozens at a time, so that an append costs no system
//! call for its indexes, and readers near the end of the log need none either. Older entries are found by binary search with small
//! reads. Nothing is mapped or allocated ahead; files that Kafka left with a tail of zeros are accepted.
//!
//! An index is a hint. Losing its end costs time, not truth: whoever uses an entry checks it against the batch it points to.

use std::marker::PhantomData;
use std::path::PathBuf;

use super::disk::{DiskError, DiskFile, Open};
use super::home::Home;
use super::names::Kind;
use super::open_files::FileSlot;
use crate::types::Offset;
use std::io::IoSlice;
use std::sync::Arc;

/// An entry of an index file.
pub trait IndexEntry: Copy + std::fmt::Debug + PartialEq {
    const SIZE: usize;
    const KIND: Kind;
    /// `bytes` has `SIZE` bytes.
    fn decode(bytes: &[u8]) -> Self;
    fn encode(&self, out: &mut Vec<u8>);
    /// A place that was allocated and never written.
    fn is_zero(&self) -> bool;
}

/// Entries are written out when this many wait.
const WRITE_AT: usize = 64;
/// More than this many are not kept in memory; then the older half goes.
const KEEP: usize = 256;
/// A binary search in the file ends with one read of at most this many entries.
const LAST_READ: u32 = 256;

/// The entries of one segment's index, oldest first.
#[derive(Debug)]
pub struct IndexFile<E> {
    slot: FileSlot,
    /// Entries that stand in the file.
    written: u32,
    /// The newest entries; the last `waiting` of them are not in the file yet.
    recent: Vec<E>,
    waiting: usize,
    entry: PhantomData<E>,
}

impl<E> Default for IndexFile<E> {
    fn default() -> Self {
        IndexFile { slot: FileSlot::default(), written: 0, recent: Vec::new(), waiting: 0, entry: PhantomData }
    }
}

impl<E: IndexEntry> IndexFile<E> {
    /// Looks at a file that is there. `None`: its size is not that of an index, or it is missing.
    pub(super) fn load(home: &Home, base: Offset) -> Result<Option<Self>, DiskError> {
        let mut index = Self::default();
        let size = match index.file(home, base) {
            Ok(file) => file.size()?,
            Err(e) if e.is_not_found() => return Ok(None),
            Err(e) => return Err(e),
        };
        let (Ok(entries), 0) = (u32::try_from(size / E::SIZE as u64), size % E::SIZE as u64) else { return Ok(None) };
        index.written = entries;
        if entries > 0 && index.read(home, base, entries - 1, 1)?.first().is_none_or(E::is_zero) {
            index.written = index.search_file(home, base, entries, &|e: &E| !e.is_zero())?;
        }
        if index.written > 0 {
            index.recent = index.read(home, base, index.written - 1, 1)?;
        }
        Ok(Some(index))
    }

    /// Empties the file, or makes it.
    pub(super) fn create(home: &Home, base: Offset) -> Result<Self, DiskError> {
        // Not through a slot: most new index files are not written for a while.
        home.disk().open(&home.file(base, E::KIND), Open::Truncate)?;
        Ok(Self::default())
    }

    pub(super) fn len(&self) -> u32 {
        self.written + self.waiting as u32
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn last(&self) -> Option<E> {
        self.recent.last().copied()
    }

    /// Adds an entry, which must come after all others.
    pub(super) fn push(&mut self, home: &Home, base: Offset, entry: E) -> Result<(), DiskError> {
        if self.recent.len() >= KEEP && self.recent.len() / 2 <= self.recent.len() - self.waiting {
            self.recent.drain(..KEEP / 2);
        }
        self.recent.push(entry);
        self.waiting += 1;
        if self.waiting >= WRITE_AT { self.write_out(home, base) } else { Ok(()) }
    }

    /// Writes the entries that wait. A full disk loses them from the index and is no error.
    pub(super) fn write_out(&mut self, home: &Home, base: Offset) -> Result<(), DiskError> {
        if self.waiting == 0 {
            return Ok(());
        }
        let mut bytes = Vec::with_capacity(self.waiting * E::SIZE);
        self.recent[self.recent.len() - self.waiting..].iter().for_each(|e| e.encode(&mut bytes));
        let file = self.file(home, base)?;
        let at = u64::from(self.written) * E::SIZE as u64;
        match file.write_at(&mut [IoSlice::new(&bytes)], at) {
            Ok(()) => self.written += self.waiting as u32,
            Err(e) if e.is_no_space() => {
                file.set_len(at)?;
                self.recent.truncate(self.recent.len() - self.waiting);
            }
            Err(e) => return Err(e),
        }
        self.waiting = 0;
        Ok(())
    }

    /// The segment is finished: writes what waits, cuts a tail of zeros, gives memory and descriptor back.
    pub(super) fn seal(&mut self, home: &Home, base: Offset) -> Result<Arc<dyn DiskFile>, DiskError> {
        self.write_out(home, base)?;
        let file = self.trim(home, base)?;
        self.recent = self.last().into_iter().collect();
        self.slot.close();
        Ok(file)
    }

    /// Cuts what follows the last entry.
    pub(super) fn trim(&mut self, home: &Home, base: Offset) -> Result<Arc<dyn DiskFile>, DiskError> {
        let file = self.file(home, base)?;
        let size = u64::from(self.written) * E::SIZE as u64;
        if file.size()? != size {
            file.set_len(size)?;
        }
        Ok(file)
    }

    /// Keeps the first `count` entries.
    pub(super) fn truncate(&mut self, home: &Home, base: Offset, count: u32) -> Result<(), DiskError> {
        if count >= self.len() {
            return Ok(());
        }
        let gone = (self.len() - count) as usize;
        self.recent.truncate(self.recent.len().saturating_sub(gone));
        self.waiting = self.waiting.saturating_sub(gone);
        if count < self.written {
            self.written = count;
            self.trim(home, base)?;
        }
        if self.recent.is_empty() && self.written > 0 {
            self.recent = self.read(home, base, self.written - 1, 1)?;
        }
        Ok(())
    }

    /// How many entries at the beginning satisfy `before`, which must be true up to some entry and false from there on. If the file
    /// is not in order, some number.
    pub(super) fn count_while(&mut self, home: &Home, base: Offset, before: impl Fn(&E) -> bool) -> Result<u32, DiskError> {
        let in_memory = self.len() - self.recent.len() as u32;
        if in_memory == 0 || self.recent.first().is_some_and(&before) {
            return Ok(in_memory + self.recent.partition_point(before) as u32);
        }
        self.search_file(home, base, in_memory, &before)
    }

    /// The entry at `i`, which must be below `len()`.
    pub(super) fn get(&mut self, home: &Home, base: Offset, i: u32) -> Result<Option<E>, DiskError> {
        let in_memory = self.len() - self.recent.len() as u32;
        match i.checked_sub(in_memory) {
            Some(i) => Ok(self.recent.get(i as usize).copied()),
            None => Ok(self.read(home, base, i, 1)?.first().copied()),
        }
    }

    fn search_file(&mut self, home: &Home, base: Offset, entries: u32, before: &dyn Fn(&E) -> bool) -> Result<u32, DiskError> {
        let (mut low, mut high) = (0, entries);
        while high - low > LAST_READ {
            let middle = low + (high - low) / 2;
            match self.read(home, base, middle, 1)?.first() {
                Some(e) if before(e) => low = middle + 1,
                _ => high = middle,
            }
        }
        Ok(low + self.read(home, base, low, high - low)?.partition_point(before) as u32)
    }

    fn read(&mut self, home: &Home, base: Offset, from: u32, count: u32) -> Result<Vec<E>, DiskError> {
        let mut bytes = vec![0; count as usize * E::SIZE];
        let got = self.file(home, base)?.read_at(&mut bytes, u64::from(from) * E::SIZE as u64)?;
        Ok(bytes[..got].chunks_exact(E::SIZE).map(E::decode).collect())
    }

    fn file(&mut self, home: &Home, base: Offset) -> Result<Arc<dyn DiskFile>, DiskError> {
        let path = || -> PathBuf { home.file(base, E::KIND) };
        self.slot.get(home.files(), path, Open::ReadWrite)
    }
}
