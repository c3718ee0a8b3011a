//! Appending: the produce hot path, and what followers and rolls do.

use std::io::IoSlice;

use super::disk::{DiskError, remove_if_there};
use super::error::LogError;
use super::log::Log;
use super::producers::Marker;
use super::scan::{BadBatch, Why, in_order};
use super::segment::{Segment, TxnFile};
use super::settings::LogConfig;
use super::txn_index::{self, AbortedTxn};
use super::{markers, names};
use crate::record::{BatchHeader, BatchView, HEADER_LEN, NO_TIMESTAMP, batches};
use crate::types::{LeaderEpoch, Now, Offset};

/// A checked batch to append as leader: its header as it will be stored but for base offset and leader epoch, and the bytes after it.
#[derive(Clone, Copy, Debug)]
pub struct NewBatch<'a> {
    pub header: BatchHeader,
    pub body: &'a [u8],
}

/// Where batches went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Of the first record.
    pub base_offset: Offset,
    /// Of the last record.
    pub last_offset: Offset,
    /// A new segment was begun for it: there is something to flush in the background.
    pub rolled: bool,
}

/// What decides whether batches still fit the active segment.
#[derive(Clone, Copy, Debug)]
struct Incoming {
    bytes: u64,
    max_timestamp: i64,
    first_offset: Offset,
    last_offset: Offset,
}

impl Log {
    /// Appends checked batches as leader in one write: offsets from [`Log::end_offset`] on, `epoch` in every header. When this returns, the
    /// bytes are in the page cache (P32), or synced if `flush.messages` says so. On an error nothing was appended.
    pub fn append(&mut self, now: Now, epoch: LeaderEpoch, new: &[NewBatch<'_>]) -> Result<Appended, LogError> {
        self.check_writable()?;
        let mut incoming = Incoming { bytes: 0, max_timestamp: NO_TIMESTAMP, first_offset: self.end, last_offset: self.end - 1 };
        for batch in new {
            incoming.bytes += batch.header.size_in_bytes() as u64;
            incoming.max_timestamp = incoming.max_timestamp.max(batch.header.max_timestamp);
            incoming.last_offset = self.after(incoming.last_offset, batch.header.last_offset_delta)?;
        }
        let rolled = self.make_room(now, incoming)?;
        if self.latest_epoch() != Some(epoch) {
            self.assign_epoch(epoch)?;
        }
        let placed = |at: Offset, b: &NewBatch<'_>| BatchHeader { base_offset: at, partition_leader_epoch: epoch, ..b.header };
        if let [batch] = new {
            let header = placed(self.end, batch);
            let head = header.to_bytes();
            self.write(&mut [IoSlice::new(&head), IoSlice::new(batch.body)])?;
            self.note(&header, batch.body)?;
        } else {
            let mut at = self.end;
            let mut headers = Vec::with_capacity(new.len());
            for batch in new {
                let header = placed(at, batch);
                at = header.next_offset();
                headers.push((header, header.to_bytes(), batch.body));
            }
            let mut slices: Vec<IoSlice<'_>> =
                headers.iter().flat_map(|(_, head, body)| [IoSlice::new(head), IoSlice::new(body)]).collect();
            self.write(&mut slices)?;
            for (header, _, body) in &headers {
                self.note(header, body)?;
            }
        }
        self.appended(now)?;
        Ok(Appended { base_offset: incoming.first_offset, last_offset: incoming.last_offset, rolled })
    }

    /// The last offset of a batch behind `last`; batches that would pass the largest offset are refused.
    fn after(&self, last: Offset, last_offset_delta: i32) -> Result<Offset, LogError> {
        let base = last + 1;
        match base.checked_add(i64::from(last_offset_delta)) {
            Some(new) if last_offset_delta >= 0 && new <= names::MAX_OFFSET => Ok(new),
            _ => {
                let why = Why::Order { base, last: base.wrapping_add(i64::from(last_offset_delta)), previous: last };
                Err(LogError::BadAppend(BadBatch { position: 0, why }))
            }
        }
    }

    /// Appends batches as a leader stored them, with their offsets and epochs (follower, I11; metadata quorum). CRCs are checked before
    /// anything is written (W12); offsets must not be below the end, and may leave gaps. More bytes than a segment may have go to several
    /// segments: only then may an error come after a part was appended, see [`Log::end_offset`].
    pub fn append_stored(&mut self, now: Now, bytes: &[u8]) -> Result<Option<Appended>, LogError> {
        self.check_writable()?;
        let found = checked_batches(bytes, self.end - 1).map_err(LogError::BadAppend)?;
        let limit = segment_limit(&self.config);
        let mut all: Option<Appended> = None;
        let mut rest = &found[..];
        let mut from = 0;
        while let Some(first) = rest.first() {
            let mut len = first.bytes.len();
            let mut count = 1;
            while let Some(next) = rest.get(count).filter(|b| (len + b.bytes.len()) as u64 <= limit) {
                len += next.bytes.len();
                count += 1;
            }
            let (run, later) = rest.split_at(count);
            let got = self.append_run(now, run, &bytes[from..from + len])?;
            all = Some(all.map_or(got, |a| Appended { base_offset: a.base_offset, rolled: a.rolled | got.rolled, ..got }));
            rest = later;
            from += len;
        }
        Ok(all)
    }

    /// Appends `run`, which is what `bytes` holds, to one segment.
    fn append_run(&mut self, now: Now, run: &[BatchView<'_>], bytes: &[u8]) -> Result<Appended, LogError> {
        let incoming = Incoming {
            bytes: bytes.len() as u64,
            max_timestamp: run.iter().map(|b| b.header.max_timestamp).max().unwrap_or(NO_TIMESTAMP),
            first_offset: run.first().map_or(self.end, |b| b.header.base_offset),
            last_offset: run.last().map_or(self.end, |b| b.header.last_offset()),
        };
        let rolled = self.make_room(now, incoming)?;
        for BatchView { header, .. } in run {
            if header.partition_leader_epoch >= 0 && self.epochs.assign(header.partition_leader_epoch, header.base_offset) {
                self.write_epochs()?;
            }
        }
        self.write(&mut [IoSlice::new(bytes)])?;
        for batch in run {
            self.note(&batch.header, batch.body())?;
        }
        self.appended(now)?;
        Ok(Appended { base_offset: incoming.first_offset, last_offset: incoming.last_offset, rolled })
    }

    /// One write at the end of the active segment, all or nothing (R17).
    fn write(&mut self, slices: &mut [IoSlice<'_>]) -> Result<(), LogError> {
        let Some(active) = self.segments.last_mut() else { return Ok(()) };
        match active.write(&self.home, slices) {
            Ok(()) => Ok(()),
            Err(e) => Err(self.write_failed(e)),
        }
    }

    #[cold]
    fn write_failed(&mut self, error: DiskError) -> LogError {
        let cut = self.segments.last_mut().map_or(Ok(()), |active| active.cut_back(&self.home));
        if let Err(e) = cut {
            // A torn batch stays behind, so nothing may be written after it.
            self.home.shared.go_offline(&e);
            return LogError::Disk(error);
        }
        self.home.shared.failed(error)
    }

    /// A batch was written: everything that is derived from batches follows.
    fn note(&mut self, header: &BatchHeader, body: &[u8]) -> Result<(), LogError> {
        let Some(active) = self.segments.last_mut() else { return Ok(()) };
        self.home.done(active.note(&self.home, self.config.index_interval_bytes, header))?;
        self.end = header.next_offset();
        if header.has_producer_id() { self.note_producer(header, body) } else { Ok(()) }
    }

    fn note_producer(&mut self, header: &BatchHeader, body: &[u8]) -> Result<(), LogError> {
        if !header.is_control() {
            self.producers.note(header);
            return Ok(());
        }
        match markers::parse(header, body) {
            Some(marker) => self.note_marker(header, marker),
            None => Ok(()),
        }
    }

    fn note_marker(&mut self, header: &BatchHeader, marker: Marker) -> Result<(), LogError> {
        let Some(txn) = self.producers.note_marker(header, marker) else { return Ok(()) };
        if !txn.aborted {
            return Ok(());
        }
        self.add_aborted(&AbortedTxn::of(&txn))
    }

    /// Adds to the active segment's `.txnindex`. Unlike the other indexes it must not lose entries.
    pub(super) fn add_aborted(&mut self, txn: &AbortedTxn) -> Result<(), LogError> {
        let home = self.home.clone();
        let Some(active) = self.segments.last_mut() else { return Ok(()) };
        let path = home.file(active.base, names::Kind::TxnIndex);
        let write = || -> Result<(), DiskError> {
            let file = home.disk().open(&path, super::disk::Open::Create)?;
            let whole = file.size()? / txn_index::ENTRY_LEN as u64 * txn_index::ENTRY_LEN as u64;
            file.write_at(&mut [IoSlice::new(&txn.encode())], whole)
        };
        match write() {
            Ok(()) => {
                if active.txn == TxnFile::None {
                    active.txn = TxnFile::Good;
                }
                self.unsynced.names = true;
                Ok(())
            }
            Err(e) => {
                // The marker is in the log already. The file will be made anew from the batches, at the next flush at the latest.
                active.txn = TxnFile::Behind;
                if e.is_no_space() { Ok(()) } else { Err(home.shared.failed(e)) }
            }
        }
    }

    /// After an append: `flush.messages`, and the clock for `flush.ms`.
    fn appended(&mut self, now: Now) -> Result<(), LogError> {
        self.set_unclosed();
        if self.unsynced.since.is_none() {
            self.unsynced.since = Some(now.mono);
        }
        if self.end - self.recovery_point >= self.config.flush_messages { self.flush() } else { Ok(()) }
    }

    /// Begins a new segment if the batches do not belong in the active one (L3). Tells whether one was finished.
    fn make_room(&mut self, now: Now, incoming: Incoming) -> Result<bool, LogError> {
        let limit = segment_limit(&self.config);
        if incoming.bytes > limit {
            return Err(LogError::RecordListTooLarge { size: incoming.bytes, limit });
        }
        if self.segments.is_empty() {
            self.begin_segment(now, self.first_base(incoming))?;
            return Ok(false);
        }
        if !self.must_roll(now, incoming)? {
            return Ok(false);
        }
        if self.segments.last().is_some_and(|s| s.size == 0) {
            // An empty segment that cannot take these offsets: another base will.
            self.drop_active(now)?;
            self.begin_segment(now, self.first_base(incoming))?;
            return Ok(false);
        }
        self.roll(now)?;
        Ok(true)
    }

    /// Normally the end; but a follower's first batch may lie too far above it for 31 bits.
    fn first_base(&self, incoming: Incoming) -> Offset {
        if incoming.last_offset - self.end > i64::from(i32::MAX) { incoming.first_offset } else { self.end }
    }

    fn must_roll(&mut self, now: Now, incoming: Incoming) -> Result<bool, LogError> {
        let config = &self.config;
        let Some(active) = self.segments.last_mut() else { return Ok(true) };
        if active.size + incoming.bytes > segment_limit(config)
            || active.index_is_full(config.segment_index_bytes)
            || !active.can_index(incoming.last_offset)
        {
            return Ok(true);
        }
        if active.size == 0 {
            return Ok(false);
        }
        let first = active.first_timestamp(&self.home)?;
        let waited = if incoming.max_timestamp >= 0 && first >= 0 {
            incoming.max_timestamp.saturating_sub(first)
        } else {
            now.wall.0 - active.created.0
        };
        let jitter = jitter(config.segment_jitter_ms, &self.home.partition, active.base);
        Ok(waited > config.longest_segment_ms().saturating_sub(jitter))
    }

    /// Finishes the active segment and begins a new one at the end of the log. The finished one is synced by the next flush.
    pub fn roll(&mut self, now: Now) -> Result<(), LogError> {
        self.check_writable()?;
        if self.segments.last().is_some_and(|s| s.size == 0 && s.base == self.end) {
            return Ok(());
        }
        if let Some(active) = self.segments.last_mut() {
            self.home.done(active.seal(&self.home))?;
        }
        let written = self.write_snapshot();
        self.home.done(written)?;
        self.begin_segment(now, self.end)
    }

    pub(super) fn begin_segment(&mut self, now: Now, base: Offset) -> Result<(), LogError> {
        self.set_unclosed();
        self.unsynced.names = true;
        let made = Segment::create(&self.home, base, now.wall);
        if made.is_err() {
            self.unmake_segment(base);
        }
        let segment = self.home.done(made)?;
        self.segments.push(segment);
        Ok(())
    }

    /// The disk was full half-way: the names that were made go again. One that stayed would end the segment before it at the next start,
    /// whatever is appended to that one meanwhile.
    #[cold]
    fn unmake_segment(&mut self, base: Offset) {
        for kind in [names::Kind::Log, names::Kind::OffsetIndex, names::Kind::TimeIndex] {
            if let Err(e) = remove_if_there(self.home.disk(), &self.home.file(base, kind)) {
                self.home.shared.go_offline(&e);
            }
        }
    }

    fn drop_active(&mut self, now: Now) -> Result<(), LogError> {
        if let Some(active) = self.segments.pop() {
            self.doom_segment(now, active.base)?;
        }
        Ok(())
    }
}

/// Positions in a segment are 31 bits wide in its index.
fn segment_limit(config: &LogConfig) -> u64 {
    config.segment_bytes.min(i32::MAX as u64)
}

/// The batches in `bytes`, all whole, with good CRCs and rising offsets.
fn checked_batches(bytes: &[u8], previous: Offset) -> Result<Vec<BatchView<'_>>, BadBatch> {
    let mut previous = previous;
    let mut found = Vec::new();
    let mut position = 0;
    for batch in batches(bytes) {
        let bad = |why: Why| BadBatch { position, why };
        let batch = batch.map_err(|e| bad(e.into()))?;
        batch.check_crc().map_err(|e| bad(e.into()))?;
        in_order(&batch.header, previous).map_err(bad)?;
        previous = batch.header.last_offset();
        position += (HEADER_LEN + batch.body().len()) as u64;
        found.push(batch);
    }
    Ok(found)
}

/// `segment.jitter.ms` spreads the rolls of partitions that began together: a number below it that depends on the segment alone.
fn jitter(jitter_ms: i64, partition: &crate::types::TopicPartition, base: Offset) -> i64 {
    if jitter_ms <= 0 {
        return 0;
    }
    let mut hash = crc32c::crc32c(partition.topic.as_bytes());
    hash = crc32c::crc32c_append(hash, &partition.partition.to_be_bytes());
    i64::from(crc32c::crc32c_append(hash, &base.to_be_bytes())) % jitter_ms
}
