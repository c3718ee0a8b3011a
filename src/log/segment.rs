//! One segment: a `.log` file of batches back to back, no header or footer, and its indexes.
//!
//! ```text
//! position 0            316                  707
//!          | batch 0..2 | batch 3..5         | batch 6 ...          .log
//!                         (5, 316) (time, 5)                        .index, .timeindex
//! ```

use std::io::IoSlice;
use std::sync::Arc;

use super::disk::{DiskError, DiskFile, Open};
use super::error::LogError;
use super::home::Home;
use super::index_file::IndexFile;
use super::names::Kind;
use super::offset_index::{OffsetEntry, OffsetIndex};
use super::open_files::FileSlot;
use super::order::Walked;
use super::scan::{BadBatch, Found, Scan, ScanError, Why};
use super::time_index::{TimeEntry, TimeIndex};
use crate::record::{BatchHeader, HEADER_LEN, NO_TIMESTAMP};
use crate::types::{Offset, WallMs};

/// A lookup that walked over more bytes than this without an index entry makes the index anew, once.
const SPARSE: u64 = 4 << 20;

/// What is known of a segment's `.txnindex`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TxnFile {
    /// No transaction was aborted in this segment.
    None,
    /// There is a file from an earlier run, not yet compared with the batches.
    Unchecked,
    /// The disk was full when an entry was due: the file, if there is one, lacks it. It must be made anew before anything vouches for
    /// this segment, because a later start asks the directory, and a file that is not there says that nothing was aborted.
    Behind,
    /// The file says what the batches say.
    Good,
}

#[derive(Debug)]
pub(super) struct Segment {
    pub base: Offset,
    /// Bytes of whole batches in the `.log` file.
    pub size: u64,
    pub created: WallMs,
    pub txn: TxnFile,
    /// Where batches are known to be in order.
    pub walked: Walked,
    log: FileSlot,
    /// Loaded when first needed; the active segment always has them.
    indexes: Option<Box<Indexes>>,
    largest: Option<Largest>,
    /// Largest timestamp of the first batch, once known.
    first_timestamp: Option<i64>,
    /// Bytes since the batch of the last offset index entry, that batch included.
    since_index: u64,
    rebuilt: bool,
}

#[derive(Debug, Default)]
struct Indexes {
    offsets: OffsetIndex,
    times: TimeIndex,
}

/// The largest timestamp in a segment and the last offset of the first batch that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Largest {
    pub timestamp: i64,
    pub offset: Offset,
}

/// The index led to something that is not what it says.
struct IndexWrong;

impl Segment {
    /// A new empty segment; makes its three files.
    pub fn create(home: &Home, base: Offset, now: WallMs) -> Result<Segment, DiskError> {
        let mut segment = Segment::existing(base, 0);
        segment.created = now;
        segment.log.get(home.files(), || home.file(base, Kind::Log), Open::Truncate)?;
        segment.indexes = Some(Box::new(Indexes { offsets: IndexFile::create(home, base)?, times: IndexFile::create(home, base)? }));
        segment.largest = Some(Largest { timestamp: NO_TIMESTAMP, offset: base });
        Ok(segment)
    }

    /// A segment found on disk, nothing read yet.
    pub fn existing(base: Offset, size: u64) -> Segment {
        Segment {
            base,
            size,
            created: WallMs(0),
            txn: TxnFile::None,
            walked: Walked::nothing(size),
            log: FileSlot::default(),
            indexes: None,
            largest: None,
            first_timestamp: None,
            since_index: 0,
            rebuilt: false,
        }
    }

    pub fn file(&mut self, home: &Home) -> Result<Arc<dyn DiskFile>, DiskError> {
        let base = self.base;
        self.log.get(home.files(), || home.file(base, Kind::Log), Open::ReadWrite)
    }

    /// Whether no more index entries fit `segment.index.bytes`.
    pub fn index_is_full(&self, segment_index_bytes: u64) -> bool {
        let Some(indexes) = &self.indexes else { return false };
        let full = |entries: u32, size: u64, keep_free: u64| u64::from(entries) + keep_free >= segment_index_bytes / size;
        // One place of the time index stays free for the roll.
        full(indexes.offsets.len(), 8, 0) || full(indexes.times.len(), 12, 1)
    }

    /// The indexes were made anew by this process.
    pub fn is_rebuilt(&self) -> bool {
        self.rebuilt
    }

    /// Whether `offset` can stand in this segment's indexes.
    pub fn can_index(&self, offset: Offset) -> bool {
        (0..=i64::from(i32::MAX)).contains(&(offset - self.base))
    }

    /// Writes slices at the end, without index. The caller calls [`Segment::note`] for each batch, and [`Segment::cut_back`] if this fails.
    pub fn write(&mut self, home: &Home, slices: &mut [IoSlice<'_>]) -> Result<(), DiskError> {
        let size = self.size;
        self.file(home)?.write_at(slices, size)
    }

    /// R17: takes away what a failed write left behind the last whole batch.
    pub fn cut_back(&mut self, home: &Home) -> Result<(), DiskError> {
        let size = self.size;
        self.file(home)?.set_len(size)
    }

    /// A batch now stands at the end (`header` with its real offsets): indexes and largest timestamp follow.
    pub fn note(&mut self, home: &Home, interval: u64, header: &BatchHeader) -> Result<(), DiskError> {
        let (base, position, last) = (self.base, self.size, header.last_offset());
        if position == 0 {
            self.first_timestamp = Some(header.max_timestamp);
        }
        let largest = self.largest.get_or_insert(Largest { timestamp: NO_TIMESTAMP, offset: base });
        if header.max_timestamp > largest.timestamp {
            *largest = Largest { timestamp: header.max_timestamp, offset: last };
        }
        if self.since_index > interval
            && let Some(indexes) = &mut self.indexes
            && let (Ok(relative), Ok(position)) = (u32::try_from(last - base), u32::try_from(position))
        {
            indexes.offsets.push(home, base, OffsetEntry { relative, position })?;
            indexes.note_largest(home, base, *largest)?;
            self.since_index = 0;
        }
        let size = header.size_in_bytes() as u64;
        self.since_index += size;
        self.size += size;
        Ok(())
    }

    /// The segment gets no more batches: completes its indexes and gives its memory and descriptors back.
    pub fn seal(&mut self, home: &Home) -> Result<(), DiskError> {
        let (base, largest) = (self.base, self.largest);
        if let Some(mut indexes) = self.indexes.take() {
            if let Some(largest) = largest {
                indexes.note_largest(home, base, largest)?;
            }
            indexes.offsets.seal(home, base)?;
            indexes.times.seal(home, base)?;
        }
        Ok(())
    }

    /// Completes the index files on disk, as at a clean stop, and gives them for syncing.
    pub fn write_out(&mut self, home: &Home) -> Result<[Arc<dyn DiskFile>; 2], DiskError> {
        let (base, largest) = (self.base, self.largest);
        let indexes = self.indexes.get_or_insert_default();
        if let Some(largest) = largest {
            indexes.note_largest(home, base, largest)?;
        }
        indexes.offsets.write_out(home, base)?;
        indexes.times.write_out(home, base)?;
        Ok([indexes.offsets.trim(home, base)?, indexes.times.trim(home, base)?])
    }

    /// The first batch whose last offset is at least `target`, below position `limit`.
    pub fn find(&mut self, home: &Home, interval: u64, target: Offset, limit: u64) -> Result<Option<Found>, LogError> {
        self.load(home, interval)?;
        match self.find_by_index(home, target, limit, true)? {
            Ok((found, walked)) => {
                if walked > SPARSE.max(8 * interval) && !self.rebuilt {
                    self.rebuild(home, interval)?;
                }
                Ok(found)
            }
            Err(IndexWrong) => {
                tracing::warn!("index of segment {} of {} does not fit its batches: making it anew", self.base, home.partition);
                self.rebuild(home, interval)?;
                let again = self.find_by_index(home, target, limit, false)?;
                Ok(again.ok().and_then(|(found, _)| found))
            }
        }
    }

    /// With `doubt`, anything wrong after following an index entry is taken for the index's fault.
    fn find_by_index(
        &mut self,
        home: &Home,
        target: Offset,
        limit: u64,
        doubt: bool,
    ) -> Result<Result<(Option<Found>, u64), IndexWrong>, LogError> {
        let file = self.file(home)?;
        let base = self.base;
        let entry = match self.indexes.as_deref_mut() {
            Some(indexes) => indexes.at_or_before(home, base, target)?,
            None => None,
        };
        let start = entry.map_or(0, |e| u64::from(e.position));
        let doubt = doubt && entry.is_some();
        if start >= self.size && entry.is_some() {
            return Ok(Err(IndexWrong));
        }
        let mut scan = Scan::new(file.clone(), start, limit, base - 1);
        let mut promised = entry.map(|e| base + i64::from(e.relative));
        loop {
            match scan.next() {
                Ok(Some(found)) => {
                    if let Some(last) = promised.take()
                        && (found.header.last_offset() > last || found.header.base_offset > target)
                    {
                        return Ok(Err(IndexWrong));
                    }
                    if found.header.last_offset() >= target {
                        return Ok(Ok((Some(found), found.position - start)));
                    }
                }
                Ok(None) => return Ok(Ok((None, limit.saturating_sub(start)))),
                Err(ScanError::Bad(_)) if doubt => return Ok(Err(IndexWrong)),
                Err(e) => return Err(e.in_file(&*file)),
            }
        }
    }

    /// The last batch boundary known to the index at or below `position`, if it lies above `above`: where that batch is.
    pub fn boundary(&mut self, home: &Home, interval: u64, position: u64, above: u64) -> Result<Option<Found>, LogError> {
        self.load(home, interval)?;
        for _ in 0..2 {
            let base = self.base;
            let Some(indexes) = self.indexes.as_deref_mut() else { return Ok(None) };
            let count = indexes.offsets.count_while(home, base, |e| u64::from(e.position) <= position)?;
            let Some(last) = count.checked_sub(1) else { return Ok(None) };
            let Some(entry) = indexes.offsets.get(home, base, last)? else { return Ok(None) };
            let at = u64::from(entry.position);
            if at <= above {
                return Ok(None);
            }
            let mut scan = Scan::new(self.file(home)?, at, self.size, base - 1);
            match scan.next() {
                Ok(Some(found)) if found.header.base_offset <= base + i64::from(entry.relative) => return Ok(Some(found)),
                Err(ScanError::Disk(e)) => return Err(e.into()),
                _ => self.rebuild(home, interval)?,
            }
        }
        Ok(None)
    }

    /// Where a batch before the one at `position` begins, the nearest that the index knows; 0 if it knows none.
    pub fn position_before(&mut self, home: &Home, interval: u64, position: u64) -> Result<u64, LogError> {
        self.load(home, interval)?;
        let base = self.base;
        let Some(indexes) = self.indexes.as_deref_mut() else { return Ok(0) };
        let count = indexes.offsets.count_while(home, base, |e| u64::from(e.position) < position)?;
        let Some(last) = count.checked_sub(1) else { return Ok(0) };
        Ok(indexes.offsets.get(home, base, last)?.map_or(0, |e| u64::from(e.position)))
    }

    /// Makes sure that the indexes are at hand; makes them anew if they are missing or cannot be index files.
    fn load(&mut self, home: &Home, interval: u64) -> Result<(), LogError> {
        if self.indexes.is_some() {
            return Ok(());
        }
        let (offsets, times) = (OffsetIndex::load(home, self.base)?, TimeIndex::load(home, self.base)?);
        if let (Some(offsets), Some(times)) = (offsets, times)
            && offsets.last().is_none_or(|e| u64::from(e.position) < self.size)
        {
            self.indexes = Some(Box::new(Indexes { offsets, times }));
            return Ok(());
        }
        self.rebuild(home, interval)
    }

    /// Makes both indexes anew from the batch headers, up to the first place where there is no batch.
    fn rebuild(&mut self, home: &Home, interval: u64) -> Result<(), LogError> {
        let size = self.size;
        let result = self.note_all(home, interval);
        self.size = size;
        result?;
        home.done(self.write_out(home))?;
        self.rebuilt = true;
        Ok(())
    }

    fn note_all(&mut self, home: &Home, interval: u64) -> Result<(), LogError> {
        let mut scan = Scan::new(self.file(home)?, 0, self.size, self.base - 1);
        self.start_anew(home)?;
        loop {
            match scan.next() {
                Ok(Some(found)) => home.done(self.note(home, interval, &found.header))?,
                Ok(None) | Err(ScanError::Bad(_)) => return Ok(()),
                Err(ScanError::Disk(e)) => return Err(e.into()),
            }
        }
    }

    /// Empties the indexes and forgets what was derived from batches, size included: every batch is about to be noted again.
    pub fn start_anew(&mut self, home: &Home) -> Result<(), LogError> {
        let create = || -> Result<Indexes, DiskError> {
            Ok(Indexes { offsets: IndexFile::create(home, self.base)?, times: IndexFile::create(home, self.base)? })
        };
        self.indexes = Some(Box::new(home.done(create())?));
        self.largest = Some(Largest { timestamp: NO_TIMESTAMP, offset: self.base });
        self.first_timestamp = None;
        self.since_index = 0;
        self.size = 0;
        Ok(())
    }

    /// Reads what an active segment must know: the batches after the last index entry. Gives the offset after the last batch, or where
    /// the chain of batches breaks.
    pub fn load_tail(&mut self, home: &Home, interval: u64) -> Result<Result<Offset, BadBatch>, LogError> {
        self.load(home, interval)?;
        let largest = match self.size {
            0 => Some(Largest { timestamp: NO_TIMESTAMP, offset: self.base }),
            _ if self.rebuilt => self.largest,
            _ => self.checked_largest(home)?,
        };
        if largest.is_some() {
            self.largest = largest;
            if let Ok(end) = self.walk_tail(home)? {
                return Ok(Ok(end));
            }
        }
        self.rebuild(home, interval)?;
        self.walk_tail(home)
    }

    fn walk_tail(&mut self, home: &Home) -> Result<Result<Offset, BadBatch>, LogError> {
        let last = self.indexes.as_ref().and_then(|i| i.offsets.last());
        let start = last.map_or(0, |e| u64::from(e.position));
        let mut scan = Scan::new(self.file(home)?, start, self.size, self.base - 1);
        let mut end = self.base;
        self.since_index = self.size - start;
        let mut promised = last.map(|e| self.base + i64::from(e.relative));
        loop {
            match scan.next() {
                Ok(Some(found)) => {
                    let header = found.header;
                    if promised.take().is_some_and(|p| header.last_offset() > p) {
                        let why = Why::Order { base: header.base_offset, last: header.last_offset(), previous: end };
                        return Ok(Err(BadBatch { position: start, why }));
                    }
                    end = header.next_offset();
                    self.outdo_largest(&header);
                }
                Ok(None) => return Ok(Ok(end)),
                Err(ScanError::Bad(bad)) => return Ok(Err(bad)),
                Err(ScanError::Disk(e)) => return Err(e.into()),
            }
        }
    }

    fn outdo_largest(&mut self, header: &BatchHeader) {
        let largest = self.largest.get_or_insert(Largest { timestamp: NO_TIMESTAMP, offset: self.base });
        if header.max_timestamp > largest.timestamp {
            *largest = Largest { timestamp: header.max_timestamp, offset: header.last_offset() };
        }
    }

    /// The time index's last entry, if the batch it names says the same. An empty index of a segment with batches proves nothing.
    fn checked_largest(&mut self, home: &Home) -> Result<Option<Largest>, LogError> {
        let (base, size) = (self.base, self.size);
        let Some(entry) = self.indexes.as_ref().and_then(|i| i.times.last()) else {
            // A small segment that was not rolled or closed yet.
            let small = self.indexes.as_ref().is_some_and(|i| i.offsets.is_empty());
            return Ok(small.then_some(Largest { timestamp: NO_TIMESTAMP, offset: base }));
        };
        let offset = base + i64::from(entry.relative);
        match self.find_by_index(home, offset, size, true) {
            Ok(Ok((Some(found), _))) if found.header.max_timestamp == entry.timestamp && found.header.base_offset <= offset => {
                Ok(Some(Largest { timestamp: entry.timestamp, offset: found.header.last_offset() }))
            }
            Ok(_) | Err(LogError::Corrupt { .. }) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// The segment's largest timestamp, -1 if its records have none.
    pub fn largest(&mut self, home: &Home, interval: u64) -> Result<Largest, LogError> {
        if let Some(largest) = self.largest {
            return Ok(largest);
        }
        self.load(home, interval)?;
        let empty = self.indexes.as_ref().is_none_or(|i| i.times.is_empty());
        match self.checked_largest(home)? {
            Some(largest) if !empty => self.largest = Some(largest),
            _ => self.rebuild(home, interval)?,
        }
        Ok(self.largest.unwrap_or(Largest { timestamp: NO_TIMESTAMP, offset: self.base }))
    }

    /// The largest timestamp of the first batch, which the age of a segment is counted from. -1: no batch, or it has no timestamp.
    pub fn first_timestamp(&mut self, home: &Home) -> Result<i64, LogError> {
        if self.first_timestamp.is_none() && self.size > 0 {
            let mut head = [0; HEADER_LEN];
            let got = self.file(home)?.read_at(&mut head, 0)?;
            self.first_timestamp = BatchHeader::parse(&head[..got]).ok().map(|h| h.max_timestamp);
        }
        Ok(self.first_timestamp.unwrap_or(NO_TIMESTAMP))
    }

    /// An offset before which no batch has a timestamp of `timestamp` or more, according to the time index.
    pub fn before_timestamp(&mut self, home: &Home, interval: u64, timestamp: i64) -> Result<Offset, LogError> {
        self.load(home, interval)?;
        let base = self.base;
        let Some(indexes) = self.indexes.as_deref_mut() else { return Ok(base) };
        let below = indexes.times.count_while(home, base, |e| e.timestamp < timestamp)?;
        // An entry is a hint. Starting at the one before the last means that one wrong entry cannot hide a record: the stretch that
        // it vouches for is looked at anyway.
        let Some(i) = below.checked_sub(2) else { return Ok(base) };
        let (first, second) = (indexes.times.get(home, base, i)?, indexes.times.get(home, base, i + 1)?);
        match (first, second) {
            (Some(a), Some(b)) if a.timestamp < b.timestamp && a.relative < b.relative && b.timestamp < timestamp => {
                Ok(base + i64::from(a.relative))
            }
            _ => {
                self.rebuild(home, interval)?;
                Ok(base)
            }
        }
    }

    /// Cuts the file and its indexes at the batch that begins at `position` and whose successors all have offsets from `offset` on.
    pub fn truncate(&mut self, home: &Home, interval: u64, position: u64, offset: Offset) -> Result<(), LogError> {
        self.load(home, interval)?;
        let base = self.base;
        if let Some(indexes) = self.indexes.as_deref_mut() {
            let relative = u32::try_from(offset - base).unwrap_or(0);
            let offsets = indexes.offsets.count_while(home, base, |e| e.relative < relative && u64::from(e.position) < position)?;
            let times = indexes.times.count_while(home, base, |e| e.relative < relative)?;
            home.done(indexes.offsets.truncate(home, base, offsets).and_then(|()| indexes.times.truncate(home, base, times)))?;
        }
        let file = self.file(home)?;
        home.done(file.set_len(position))?;
        self.size = position;
        self.walked.cut(position);
        self.largest = None;
        if position == 0 {
            self.first_timestamp = None;
        }
        Ok(())
    }
}

impl Indexes {
    fn at_or_before(&mut self, home: &Home, base: Offset, target: Offset) -> Result<Option<OffsetEntry>, DiskError> {
        let count = self.offsets.count_while(home, base, |e| base + i64::from(e.relative) <= target)?;
        match count.checked_sub(1) {
            Some(i) => Ok(self.offsets.get(home, base, i)?.filter(|e| base + i64::from(e.relative) <= target)),
            None => Ok(None),
        }
    }

    fn note_largest(&mut self, home: &Home, base: Offset, largest: Largest) -> Result<(), DiskError> {
        let last = self.times.last();
        let Ok(relative) = u32::try_from(largest.offset - base) else { return Ok(()) };
        let grew = last.is_none_or(|e| largest.timestamp > e.timestamp && relative > e.relative);
        if grew && largest.timestamp > NO_TIMESTAMP {
            self.times.push(home, base, TimeEntry { timestamp: largest.timestamp, relative })?;
        }
        Ok(())
    }
}
