//! The two sparse indexes of a segment, read entry by entry and never written.
//!
//! ```text
//! .index      relative offset i32 | position i32              8 bytes an entry
//! .timeindex  timestamp i64 | relative offset i32            12 bytes an entry
//! ```
//!
//! Offsets are relative to the offset in the file's name. A live broker's index is longer than its entries: the rest is zeros.

use super::error::DumpError;
use super::text;
use super::walk::field;
use super::window::FileWindow;

/// Entries are read here and there, so all of them are kept: `segment.index.bytes` is 10 MB unless somebody changed it.
const STEP: usize = 16 * 1024 * 1024;
/// The entries at the end of an index in which Kafka searches first, to stay within pages that are in memory.
const WARM_BYTES: u64 = 8192;

/// The paths of a segment's files and the offset in their name.
#[derive(Clone, Debug)]
pub struct SegmentName {
    pub base_offset: i64,
    stem: String,
}

impl SegmentName {
    /// From the path of any file of the segment. Error: `NoOffsetInName`.
    pub fn of(path: &str) -> Result<SegmentName, DumpError> {
        let found = text::file_name(path).split('.').next().unwrap_or_default();
        let Ok(base_offset) = found.parse::<i64>() else {
            return Err(DumpError::NoOffsetInName { path: path.to_owned(), found: found.to_owned() });
        };
        let absolute = text::absolute_path(path);
        let dir = &absolute[..absolute.len() - text::file_name(&absolute).len()];
        Ok(SegmentName { base_offset, stem: format!("{dir}{found}") })
    }

    /// The absolute path of the segment's file with this suffix.
    pub fn sibling(&self, suffix: &str) -> String {
        format!("{}{suffix}", self.stem)
    }
}

/// One entry of an `.index`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetEntry {
    pub offset: i64,
    pub position: i32,
}

/// One entry of a `.timeindex`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeEntry {
    pub timestamp: i64,
    pub offset: i64,
}

/// An `.index`.
pub struct OffsetIndex {
    file: FileWindow,
    base_offset: i64,
}

impl OffsetIndex {
    pub const ENTRY: u64 = 8;

    pub fn open(path: &str, base_offset: i64) -> Result<OffsetIndex, DumpError> {
        Ok(OffsetIndex { file: FileWindow::with_step(path, STEP)?, base_offset })
    }

    pub fn base_offset(&self) -> i64 {
        self.base_offset
    }

    /// Whole entries in the file, zeros at the end included.
    pub fn entries(&self) -> u64 {
        self.file.size() / Self::ENTRY
    }

    /// Entry `n`, of zeros if the file was cut meanwhile.
    pub fn entry(&mut self, n: u64) -> Result<OffsetEntry, DumpError> {
        let bytes = self.file.bytes(n * Self::ENTRY, Self::ENTRY as usize)?.unwrap_or_default();
        let relative = i32::from_be_bytes(field(bytes, 0));
        Ok(OffsetEntry { offset: self.base_offset.wrapping_add(i64::from(relative)), position: i32::from_be_bytes(field(bytes, 4)) })
    }

    /// The position of the last entry at or before `offset`; 0 if there is none. Searches in Kafka's order, which matters where zeros
    /// follow the entries.
    pub fn lookup(&mut self, offset: i64) -> Result<i32, DumpError> {
        let entries = self.entries();
        if entries == 0 {
            return Ok(0);
        }
        let warm = entries.saturating_sub(1 + WARM_BYTES / Self::ENTRY);
        let (mut low, mut high) = if self.entry(warm)?.offset < offset {
            (warm, entries - 1)
        } else if self.entry(0)?.offset > offset {
            return Ok(0);
        } else {
            (0, warm)
        };
        while low < high {
            let middle = (low + high).div_ceil(2);
            let entry = self.entry(middle)?;
            match entry.offset.cmp(&offset) {
                std::cmp::Ordering::Greater => high = middle - 1,
                std::cmp::Ordering::Less => low = middle,
                std::cmp::Ordering::Equal => return Ok(entry.position),
            }
        }
        Ok(self.entry(low)?.position)
    }

    /// The check of a starting broker. Error: `CorruptIndex`, in Kafka's words.
    pub fn sanity_check(&mut self) -> Result<(), DumpError> {
        let path = text::absolute_path(self.file.path());
        if let Some(last) = self.entries().checked_sub(1) {
            let (last, base) = (self.entry(last)?.offset, self.base_offset);
            if last < base {
                return corrupt(format!(
                    "Corrupt index found, index file ({path}) has non-zero size but the last offset is {last} which is less than the base \
                     offset {base}"
                ));
            }
        }
        whole_entries("Index file", &path, self.file.size(), Self::ENTRY)
    }
}

/// A `.timeindex`.
pub struct TimeIndex {
    file: FileWindow,
    base_offset: i64,
}

impl TimeIndex {
    pub const ENTRY: u64 = 12;

    pub fn open(path: &str, base_offset: i64) -> Result<TimeIndex, DumpError> {
        Ok(TimeIndex { file: FileWindow::with_step(path, STEP)?, base_offset })
    }

    pub fn base_offset(&self) -> i64 {
        self.base_offset
    }

    /// Whole entries in the file, zeros at the end included.
    pub fn entries(&self) -> u64 {
        self.file.size() / Self::ENTRY
    }

    /// Entry `n`, of zeros if the file was cut meanwhile.
    pub fn entry(&mut self, n: u64) -> Result<TimeEntry, DumpError> {
        let bytes = self.file.bytes(n * Self::ENTRY, Self::ENTRY as usize)?.unwrap_or_default();
        let relative = i32::from_be_bytes(field(bytes, 8));
        Ok(TimeEntry { timestamp: i64::from_be_bytes(field(bytes, 0)), offset: self.base_offset.wrapping_add(i64::from(relative)) })
    }

    /// The check of a starting broker. Error: `CorruptIndex`, in Kafka's words.
    pub fn sanity_check(&mut self) -> Result<(), DumpError> {
        let path = text::absolute_path(self.file.path());
        if let Some(last) = self.entries().checked_sub(1) {
            let (first, last, base) = (self.entry(0)?, self.entry(last)?, self.base_offset);
            let found = format!("Corrupt time index found, time index file ({path}) has non-zero size but the last");
            if last.timestamp < first.timestamp {
                let (last, first) = (last.timestamp, first.timestamp);
                return corrupt(format!("{found} timestamp is {last} which is less than the first timestamp {first}"));
            }
            if last.offset < base {
                return corrupt(format!("{found} offset is {} which is less than the first offset {base}", last.offset));
            }
        }
        whole_entries("Time index file", &path, self.file.size(), Self::ENTRY)
    }
}

fn corrupt(text: String) -> Result<(), DumpError> {
    Err(DumpError::CorruptIndex(text))
}

fn whole_entries(what: &str, path: &str, size: u64, entry: u64) -> Result<(), DumpError> {
    if size.is_multiple_of(entry) {
        return Ok(());
    }
    corrupt(format!("{what} {path} is corrupt, found {size} bytes which is neither positive nor a multiple of {entry}"))
}
