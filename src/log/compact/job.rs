//! One pass outside of the log's lock: from the segments taken down to a map of keys, and from groups of segments to new ones.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use super::CompactOptions;
use super::batch_reader::BatchReader;
use super::cleaned::{CleanedFiles, CleanedWriter, remove_cleaned};
use super::filter::{LastBatch, Rules, Standing, Verdict};
use super::offset_map::OffsetMap;
use super::pace::Pace;
use super::run::CompactError;
use super::transactions::{Endings, Open};
use crate::log::disk::{self, DiskFile};
use crate::log::error::LogError;
use crate::log::home::Home;
use crate::log::log::Log;
use crate::log::markers;
use crate::log::names::{Kind, Mark, parse_file};
use crate::log::scan::{BadBatch, Scan};
use crate::log::settings::LogConfig;
use crate::record::{BatchView, HEADER_LEN};
use crate::types::{Now, Offset, WallMs};

/// A segment as it was when the pass began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Old {
    pub base: Offset,
    pub size: u64,
    /// Base of the next one.
    pub end: Offset,
}

/// A pass that was begun.
#[derive(Debug)]
pub struct CompactJob {
    pub(super) home: Home,
    config: Arc<LogConfig>,
    pub(super) segments: Vec<Old>,
    /// Those after them: a transaction of the last ones may end here.
    beyond: Vec<Old>,
    first_dirty: Offset,
    producers: BTreeMap<i64, LastBatch>,
    pub(super) truncations: u32,
    now: WallMs,
}

impl Log {
    /// Takes down what a pass needs; `None` if there is nothing to clean. Only what is synced is cleaned: a new segment must not outlive
    /// the records around it.
    pub fn compact_job(&mut self, now: Now, high_watermark: Offset) -> Result<Option<CompactJob>, LogError> {
        self.check_writable()?;
        let Some((first_dirty, upto)) = self.cleanable(now.wall, high_watermark)? else { return Ok(None) };
        let ends = self.segments.iter().skip(1).map(|s| s.base).chain([self.end]);
        let mut segments: Vec<Old> = self.segments.iter().zip(ends).map(|(s, end)| Old { base: s.base, size: s.size, end }).collect();
        let synced = segments[..upto].partition_point(|s| s.end <= self.recovery_point);
        let beyond = segments.split_off(synced);
        if segments.last().is_none_or(|s| s.end <= first_dirty) {
            return Ok(None);
        }
        let last_batch = |s: &crate::log::producers::ProducerState| match s.last_offset() {
            ..0 => LastBatch::Marker { epoch: s.epoch },
            last => LastBatch::Data(last),
        };
        Ok(Some(CompactJob {
            home: self.home.clone(),
            config: self.config.clone(),
            segments,
            beyond,
            first_dirty,
            producers: self.producers.iter().map(|(id, s)| (id, last_batch(s))).collect(),
            truncations: self.truncations,
            now: now.wall,
        }))
    }
}

/// What the headers of the dirty part say.
#[derive(Default)]
struct DirtyHeaders {
    records: u64,
    endings: Endings,
    /// Producers of transactions whose marker was not met yet.
    undecided: BTreeSet<i64>,
}

/// The pass after its map is built.
pub struct Cleaning {
    pub job: CompactJob,
    rules: Rules,
    endings: Endings,
    open: Open,
    io_buffer_bytes: usize,
}

impl CompactJob {
    /// Where the last segment taken down ends.
    fn range_end(&self) -> Offset {
        self.segments.last().map_or(self.first_dirty, |s| s.end)
    }

    fn open(&self, segment: &Old) -> Result<Arc<dyn DiskFile>, LogError> {
        Ok(self.home.disk().open(&self.home.file(segment.base, Kind::Log), disk::Open::Read)?)
    }

    /// Removes what a pass left that did not end: a `.cleaned` file below a later `.swap` would make that void (R3).
    pub fn tidy(&self) -> Result<(), LogError> {
        for entry in self.home.disk().list(&self.home.dir())? {
            if let Some((base, _, Mark::Cleaned)) = parse_file(&entry.name) {
                self.home.done(remove_cleaned(&self.home, base))?;
            }
        }
        Ok(())
    }

    /// Reads the dirty part: how its transactions ended, then its keys.
    pub fn build_map(mut self, options: &CompactOptions, pace: &mut dyn Pace) -> Result<Cleaning, CompactError> {
        let headers = self.dirty_headers(pace)?;
        let budget = options.dedupe_buffer_bytes;
        let mut map = OffsetMap::new(headers.records, budget, options.load_factor, self.first_dirty, options.seed);
        for segment in self.segments.iter().filter(|s| s.end > self.first_dirty) {
            if !self.map_segment(segment, &headers.endings, &mut map, options.io_buffer_bytes, pace)? {
                break;
            }
            // Nothing follows in this segment, though its offsets may end before the next one's.
            map.covers(segment.end - 1);
        }
        if map.latest() < self.first_dirty {
            return Err(CompactError::TooManyKeys { keys: map.keys() });
        }
        let rules = Rules {
            now: self.now,
            delete_retention_ms: self.config.delete_retention_ms,
            producers: std::mem::take(&mut self.producers),
            range_end: self.range_end(),
            map,
        };
        let io_buffer_bytes = options.io_buffer_bytes;
        Ok(Cleaning { job: self, rules, endings: headers.endings, open: Open::default(), io_buffer_bytes })
    }

    fn dirty_headers(&self, pace: &mut dyn Pace) -> Result<DirtyHeaders, CompactError> {
        let mut all = DirtyHeaders::default();
        for segment in self.segments.iter().filter(|s| s.end > self.first_dirty) {
            self.read_headers(segment, true, &mut all)?;
            go_on(pace, 0)?;
        }
        for segment in &self.beyond {
            if all.undecided.is_empty() {
                break;
            }
            self.read_headers(segment, false, &mut all)?;
            go_on(pace, 0)?;
        }
        Ok(all)
    }

    /// `inside`: the segment is to be cleaned; else only markers of undecided transactions count.
    fn read_headers(&self, segment: &Old, inside: bool, all: &mut DirtyHeaders) -> Result<(), LogError> {
        let file = self.open(segment)?;
        let mut scan = Scan::new(file.clone(), 0, segment.size, segment.base - 1).below(segment.end);
        while let Some(found) = scan.next().map_err(|e| e.in_file(&*file))? {
            let header = found.header;
            if header.last_offset() < self.first_dirty {
                continue;
            }
            if !header.is_control() {
                if inside {
                    all.records += u64::try_from(header.record_count).unwrap_or(0);
                    all.undecided.extend(header.is_transactional().then_some(header.producer_id));
                }
                continue;
            }
            if !inside && !all.undecided.contains(&header.producer_id) {
                continue;
            }
            let len = header.size_in_bytes().saturating_sub(HEADER_LEN);
            if len > markers::MAX_BODY {
                continue;
            }
            let mut body = vec![0; len];
            file.read_exact_at(&mut body, found.position + HEADER_LEN as u64)?;
            if let Some(marker) = markers::parse(&header, &body) {
                all.undecided.remove(&header.producer_id);
                all.endings.note(header.producer_id, header.base_offset, !marker.commit);
                if !inside && all.undecided.is_empty() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Maps the keys of one segment. False: the map is full.
    fn map_segment(
        &self,
        segment: &Old,
        endings: &Endings,
        map: &mut OffsetMap,
        chunk: usize,
        pace: &mut dyn Pace,
    ) -> Result<bool, CompactError> {
        let file = self.open(segment)?;
        let mut position = 0;
        let mut batches = BatchReader::new(file.clone(), segment.size, segment.base..segment.end, chunk);
        while let Some(batch) = batches.next()? {
            let header = batch.header;
            let dirty = header.last_offset() >= self.first_dirty;
            if dirty && !header.is_control() && !endings.is_aborted(&header) {
                let full = self.map_batch(&batch, map).map_err(|e| BadBatch { position, why: e.into() }.in_file(&*file))?;
                if full {
                    return Ok(false);
                }
            }
            if dirty {
                map.covers(header.last_offset());
            }
            position += batch.bytes.len() as u64;
            go_on(pace, batch.bytes.len() as u64)?;
        }
        Ok(true)
    }

    fn map_batch(&self, batch: &BatchView<'_>, map: &mut OffsetMap) -> Result<bool, crate::record::RecordError> {
        for record in batch.data(super::filter::MAX_DECOMPRESSED)?.iter() {
            let record = record?;
            if let Some(key) = record.key.filter(|_| record.offset >= self.first_dirty)
                && map.put(key, record.offset).is_err()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Neighbours whose batches and indexes fit one segment, up to the one that holds the last mapped offset.
    pub fn groups(&self, upto: Offset) -> Result<Vec<Range<usize>>, LogError> {
        let index_size =
            |s: &Old, kind| -> Result<u64, LogError> { Ok(self.home.disk().metadata(&self.home.file(s.base, kind))?.map_or(0, |m| m.len)) };
        let limit = self.config.segment_bytes.min(i32::MAX as u64);
        let mut groups: Vec<Range<usize>> = Vec::new();
        let mut room = (0, 0, 0);
        for (i, s) in self.segments.iter().enumerate().take_while(|(_, s)| s.base < upto) {
            let cost = (s.size, index_size(s, Kind::OffsetIndex)?, index_size(s, Kind::TimeIndex)?);
            let sum = (room.0 + cost.0, room.1 + cost.1, room.2 + cost.2);
            let within = sum.0 <= limit && sum.1.max(sum.2) <= self.config.segment_index_bytes;
            match groups.last_mut() {
                Some(group) if within && (s.size == 0 || s.end - 1 - self.segments[group.start].base <= i64::from(i32::MAX)) => {
                    group.end = i + 1;
                    room = sum;
                }
                _ => {
                    groups.push(i..i + 1);
                    room = cost;
                }
            }
        }
        Ok(groups)
    }
}

impl Cleaning {
    /// The first offset that is dirty after this pass.
    pub fn cleaned_upto(&self) -> Offset {
        self.rules.map.latest() + 1
    }

    pub fn map_memory(&self) -> usize {
        self.rules.map.memory()
    }

    /// Writes the segment that takes the place of a group. Groups must come in order.
    pub fn clean(&mut self, group: &[Old], pace: &mut dyn Pace) -> Result<CleanedFiles, CompactError> {
        let base = group.first().map_or(0, |s| s.base);
        let home = self.job.home.clone();
        let interval = self.job.config.index_interval_bytes;
        let mut writer = home.done(CleanedWriter::create(&home, base, interval, self.io_buffer_bytes))?;
        for segment in group {
            self.clean_segment(segment, &mut writer, pace)?;
        }
        Ok(home.done(writer.finish())?)
    }

    fn clean_segment(&mut self, segment: &Old, writer: &mut CleanedWriter, pace: &mut dyn Pace) -> Result<(), CompactError> {
        let file = self.job.open(segment)?;
        let mut batches = BatchReader::new(file.clone(), segment.size, segment.base..segment.end, self.io_buffer_bytes);
        let mut position = 0;
        while let Some(batch) = batches.next()? {
            let header = batch.header;
            let marker = markers::parse(&header, batch.body());
            let disposable = if header.is_control() {
                marker.is_some() && !self.open.has(header.producer_id)
            } else {
                header.base_offset >= self.job.first_dirty && self.endings.is_aborted(&header)
            };
            let verdict = self.rules.judge(&batch, Standing { disposable });
            let verdict = verdict.map_err(|e| BadBatch { position, why: e.into() }.in_file(&*file))?;
            self.open.batch(&header, !matches!(verdict, Verdict::Drop));
            if let Some(marker) = marker
                && let Some(txn) = self.open.marker(&header, !marker.commit)
            {
                writer.aborted(txn);
            }
            let size = batch.bytes.len() as u64;
            let written = match &verdict {
                Verdict::Drop => 0,
                Verdict::Same => {
                    self.job.home.done(writer.batch(&header, batch.bytes))?;
                    size
                }
                Verdict::Changed(bytes) => {
                    let view = BatchView::parse(bytes).map_err(|e| BadBatch { position, why: e.into() }.in_file(&*file))?;
                    self.job.home.done(writer.batch(&view.header, bytes))?;
                    bytes.len() as u64
                }
            };
            position += size;
            go_on(pace, size + written)?;
        }
        Ok(())
    }
}

fn go_on(pace: &mut dyn Pace, bytes: u64) -> Result<(), CompactError> {
    if pace.spent(bytes) { Ok(()) } else { Err(CompactError::Stopped) }
}
