//! Recovery: what happens to a log whose last stop was not clean.
//!
//! Every segment from the recovery point on is read batch by batch; CRCs, sizes and offsets are checked and everything derived from
//! batches is made anew. At the first place that is no batch there are two cases:
//!
//! - **A torn tail**: nothing behind it in the log can be read as a batch. It is what an interrupted write leaves. It is cut off, after its
//!   bytes went to a side file with the reason.
//! - **Damage**: whole batches follow, so something between them was changed. Nothing is cut. A note (`damage.txt`) is left in the
//!   directory, so that the next start looks again; the log is served below that place and takes no writes until [`Log::cut_damage`].
//!
//! Every step can be interrupted and done again.

use super::aside;
use super::crc_scan::{CrcScan, find_batch};
use super::disk::{Durable, read_file, remove_if_there, replace_file};
use super::epochs::Epochs;
use super::error::LogError;
use super::log::{Damage, Log};
use super::names::{self, Kind, Mark};
use super::order::{Walked, noted_epoch};
use super::scan::{BadBatch, ScanError, Why};
use super::segment::TxnFile;
use crate::record::{BatchHeader, HEADER_LEN, RecordError};
use crate::types::{LeaderEpoch, Offset};

/// A good batch, for the case that the next one shows it to be wrong.
#[derive(Clone, Copy, Debug)]
struct LastGood {
    position: u64,
    /// The offset before it.
    previous: Offset,
    /// There are offsets between that and its own.
    gap: bool,
    base: Offset,
    last_offset: Offset,
    epoch: LeaderEpoch,
}

impl Log {
    /// Recovers all segments that reach beyond `from`, and finds the log's end. Gives the first one's index. `told`: where the log should
    /// end, by the word of a clean stop.
    pub(super) fn recover(&mut self, from: Offset, told: Option<Offset>) -> Result<usize, LogError> {
        self.set_unclosed();
        self.unsynced.names = true;
        let first = self.segment_of(from);
        self.end = self.segments.get(first).map_or(self.start, |s| s.base);
        for i in first..self.segments.len() {
            if let Some(bad) = self.recover_segment(i, told)?.or_else(|| self.missing_after(i)) {
                self.stop_at(i, bad)?;
                return Ok(first);
            }
            if i + 1 < self.segments.len() {
                self.home.done(self.segments[i].seal(&self.home))?;
            }
        }
        self.forget_damage()?;
        Ok(first)
    }

    /// A segment that was finished but not synced may have lost its last batches. Compaction leaves such gaps too.
    fn missing_after(&self, i: usize) -> Option<BadBatch> {
        let to = self.segments.get(i + 1)?.base;
        let lost = to > self.end && !self.config.compact && to > self.cleaned_upto();
        lost.then(|| BadBatch { position: self.segments[i].size, why: Why::Missing { from: self.end, to } })
    }

    /// Reads segment `i` from its beginning and makes its indexes anew. Gives the first place that is no batch; the segment then ends there.
    fn recover_segment(&mut self, i: usize, told: Option<Offset>) -> Result<Option<BadBatch>, LogError> {
        let before = self.end.max(self.segments[i].base);
        let epochs = self.epochs.clone();
        let (bad, last) = self.recover_up_to(i, self.segments[i].size)?;
        let next_epoch = self.first_epoch(i + 1)?;
        let moved = last.and_then(|last| {
            let why = self.why_moved(&last, bad.as_ref(), next_epoch, &epochs, told)?;
            Some(BadBatch { position: last.position, why })
        });
        if let Some(BadBatch { position, .. }) = &moved {
            self.end = before;
            self.epochs = epochs;
            self.recover_up_to(i, *position)?;
        }
        self.segments[i].walked = Walked::nothing(0);
        Ok(moved.or(bad))
    }

    /// The leader epoch of the first batch of segment `i`, if there is one.
    fn first_epoch(&mut self, i: usize) -> Result<Option<LeaderEpoch>, LogError> {
        let Some(next) = self.segments.get_mut(i) else { return Ok(None) };
        let mut head = [0; HEADER_LEN];
        let got = next.file(&self.home)?.read_at(&mut head, 0)?;
        Ok(BatchHeader::parse(&head[..got]).ok().map(|h| h.partition_leader_epoch))
    }

    /// A batch's offset and epoch are not under its CRC. Whether the last good batch of a segment is where it was written, by what comes
    /// after it: a bad place, or the next segment with its `next_epoch`, or nothing.
    fn why_moved(
        &self,
        last: &LastGood,
        bad: Option<&BadBatch>,
        next_epoch: Option<LeaderEpoch>,
        known: &Epochs,
        told: Option<Offset>,
    ) -> Option<Why> {
        let (base, last_offset) = (last.base, last.last_offset);
        let sudden = |next: LeaderEpoch| next < last.epoch && known.epoch_of(base) != Some(last.epoch);
        match (bad.map(|bad| &bad.why), next_epoch) {
            // One jumps ahead and the next one does not: the first is the wrong one.
            (Some(Why::Order { base: next, .. }), _) if last.gap && *next > last.previous => Some(Why::Jump { base, last: last_offset }),
            (Some(Why::Epoch { found: next, .. }), _) if sudden(*next) => Some(Why::Epoch { found: last.epoch, expected: *next }),
            (None, Some(next)) if sudden(next) => Some(Why::Epoch { found: last.epoch, expected: next }),
            // Nothing comes after it but what is torn. Gaps are what compaction leaves, and a follower of a compacted log.
            (None, None) | (Some(Why::Record(_)), _) if last.gap => {
                let unexpected = match told {
                    Some(told) => self.end != told,
                    None => !self.config.compact && base > self.cleaned_upto(),
                };
                unexpected.then_some(Why::Ahead { base, last: last_offset, previous: last.previous })
            }
            _ => None,
        }
    }

    /// The same, up to a position. Also tells of the last good batch.
    fn recover_up_to(&mut self, i: usize, limit: u64) -> Result<(Option<BadBatch>, Option<LastGood>), LogError> {
        let interval = self.config.index_interval_bytes;
        let next_base = self.segments.get(i + 1).map_or(Offset::MAX, |s| s.base);
        let segment = &mut self.segments[i];
        self.end = self.end.max(segment.base);
        let highest = segment.base.saturating_add(i64::from(i32::MAX)).min(next_base - 1);
        let mut scan = CrcScan::new(segment.file(&self.home)?, limit, self.end - 1, highest);
        segment.start_anew(&self.home)?;
        segment.txn = TxnFile::None;
        let known = self.epochs.clone();
        let mut last: Option<LastGood> = None;
        let bad = loop {
            let header = match scan.next() {
                Ok(Some(header)) => header,
                Ok(None) => break None,
                Err(ScanError::Bad(bad)) => break Some(bad),
                Err(ScanError::Disk(e)) => return Err(e.into()),
            };
            if let Err(why) = check_epoch(&header, last.as_ref(), &known, self.start) {
                break Some(BadBatch { position: segment.size, why });
            }
            let (base, last_offset, epoch) = (header.base_offset, header.last_offset(), header.partition_leader_epoch);
            last = Some(LastGood { position: segment.size, previous: self.end - 1, gap: base > self.end, base, last_offset, epoch });
            self.home.done(segment.note(&self.home, interval, &header))?;
            self.end = header.next_offset();
            if self.epochs.latest().is_none_or(|l| header.partition_leader_epoch > l.epoch) {
                self.epochs.assign(header.partition_leader_epoch, header.base_offset);
            }
            if header.is_control() {
                // Possibly an abort: `.txnindex` is made anew once the producers before this segment are known.
                segment.txn = TxnFile::Unchecked;
            }
        };
        self.home.done(segment.write_out(&self.home))?;
        if segment.txn == TxnFile::None {
            self.home.done(remove_if_there(self.home.disk(), &self.home.file(segment.base, Kind::TxnIndex)))?;
        }
        Ok((bad, last))
    }

    /// Decides between a torn tail and damage at a bad place in segment `i` (R8).
    fn stop_at(&mut self, i: usize, bad: BadBatch) -> Result<(), LogError> {
        let base = self.segments[i].base;
        let follows = self.batch_after(i, &bad)?;
        let reason = bad.to_string();
        let later: Vec<Offset> = self.segments.drain(i + 1..).map(|s| s.base).collect();
        let Some(follows) = follows else {
            tracing::warn!("{}: segment {base}: {reason}; the torn tail is cut off and set aside", self.home.partition);
            self.set_aside(later, bad.position, &reason)?;
            return self.forget_damage();
        };
        let reason = format!("{reason}; {follows}");
        tracing::error!("{}: segment {base} is damaged: {reason}; served up to offset {} only", self.home.partition, self.end);
        let damage = Damage { offset: self.end, segment: base, position: bad.position, reason };
        let note = format!("segment {base} position {} offset {}: {}\n", damage.position, damage.offset, damage.reason);
        let path = self.home.path(names::DAMAGE);
        self.home.done(replace_file(self.home.disk(), &path, note.as_bytes(), Durable::Yes))?;
        self.damage = Some(Box::new(damage));
        Ok(())
    }

    /// Whether anything behind a bad place is a batch, in words.
    fn batch_after(&mut self, i: usize, bad: &BadBatch) -> Result<Option<String>, LogError> {
        let above = self.end - 1;
        match bad.why {
            Why::Record(RecordError::BadMagic(magic @ 0..=1)) => {
                return Ok(Some(format!("batches of format version {magic} are not supported")));
            }
            Why::Record(_) | Why::Missing { .. } => {}
            Why::Order { .. } | Why::TooFar { .. } | Why::Jump { .. } | Why::Ahead { .. } | Why::Epoch { .. } => {
                return Ok(Some("its CRC is good, so it is not torn".to_string()));
            }
        }
        for k in i..self.segments.len() {
            let file = self.segments[k].file(&self.home)?;
            let (base, end) = (self.segments[k].base, file.size()?);
            let from = if k == i { bad.position + 1 } else { 0 };
            if let Some(position) = find_batch(file, from, end, above)? {
                return Ok(Some(format!("whole batches follow at position {position} of segment {base}")));
            }
        }
        Ok(None)
    }

    /// R9: moves what lies behind `position` of the last segment, and later segments, to side files.
    fn set_aside(&mut self, mut later: Vec<Offset>, position: u64, reason: &str) -> Result<(), LogError> {
        // The newest first: whenever this is interrupted, what is left is a log with a bad end.
        later.sort_unstable_by_key(|base| std::cmp::Reverse(*base));
        for base in later {
            for kind in [Kind::OffsetIndex, Kind::TimeIndex, Kind::TxnIndex] {
                self.home.done(remove_if_there(self.home.disk(), &self.home.file(base, kind)))?;
            }
            self.home.done(aside::move_segment(&self.home, base, reason))?;
        }
        let Some(segment) = self.segments.last_mut() else { return Ok(()) };
        let file = segment.file(&self.home)?;
        self.home.done(aside::move_tail(&self.home, &*file, segment.base, position, reason))
    }

    /// Gives up what lies behind the damage: it goes to side files, the log ends before it and takes writes again. For an operator, or
    /// for a replica that has the records elsewhere.
    pub fn cut_damage(&mut self) -> Result<(), LogError> {
        self.home.shared.check_online()?;
        let Some(damage) = self.damage.clone() else { return Ok(()) };
        let mut later = Vec::new();
        for entry in self.home.disk().list(&self.home.dir())? {
            if let Some((base, Kind::Log, Mark::None)) = names::parse_file(&entry.name) {
                later.extend((base > damage.segment).then_some(base));
            }
        }
        self.set_aside(later, damage.position, &damage.reason)?;
        self.forget_damage()?;
        self.damage = None;
        self.set_unclosed();
        self.unsynced.names = true;
        Ok(())
    }

    fn forget_damage(&mut self) -> Result<(), LogError> {
        let path = self.home.path(names::DAMAGE);
        if self.home.done(remove_if_there(self.home.disk(), &path))? {
            self.home.done(self.home.disk().sync_dir(&self.home.dir()))?;
        }
        Ok(())
    }

    /// The segment that an earlier start found damaged; 0 if the note cannot be read.
    pub(super) fn noted_damage(&self) -> Result<Offset, LogError> {
        let bytes = read_file(self.home.disk(), &self.home.path(names::DAMAGE), 1 << 20)?.unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        Ok(text.split(' ').nth(1).and_then(|base| base.parse().ok()).unwrap_or(0))
    }
}

/// Epochs rise with offsets. The checkpoint may not know the newest yet; what it knows otherwise is so.
fn check_epoch(header: &BatchHeader, last: Option<&LastGood>, known: &Epochs, start: Offset) -> Result<(), Why> {
    let found = header.partition_leader_epoch;
    let noted = noted_epoch(known, start, header);
    let may_be_newer = noted.is_none() || noted == known.latest().map(|l| l.epoch);
    match noted.max(last.map(|l| l.epoch)) {
        Some(expected) if found < expected && found != -1 => Err(Why::Epoch { found, expected }),
        Some(expected) if found > expected && !may_be_newer => Err(Why::Epoch { found, expected }),
        _ => Ok(()),
    }
}
