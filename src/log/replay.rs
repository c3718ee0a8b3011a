//! Rebuilding what is derived from batches: producers, aborted transactions, leader epochs.

use std::sync::atomic::Ordering;

use super::disk::{DiskError, Durable, read_file, remove_if_there, replace_file};
use super::epochs::Epochs;
use super::error::LogError;
use super::log::Log;
use super::markers;
use super::names::Kind;
use super::producer_snapshot::{self, SnapshotEntry};
use super::producers::{CompletedTxn, Marker, Producers};
use super::scan::Found;
use super::segment::TxnFile;
use super::txn_index::{self, AbortedTxn};
use crate::record::HEADER_LEN;
use crate::types::{Now, Offset};

/// Snapshots of more producers than a partition can reasonably have are not read.
const MAX_SNAPSHOT_BYTES: usize = 1 << 30;
/// Records before a snapshot among which the batches are looked for that a producer may send again.
const LOOK_BACK: Offset = 20_000;

impl Log {
    /// Loads the producers from the newest usable snapshot at or below the end, and the batches after it (I15, I17).
    pub(super) fn load_producers(&mut self, now: Now) -> Result<(), LogError> {
        self.drop_snapshots_above_end()?;
        self.producers.clear();
        if self.segments.is_empty() {
            return Ok(());
        }
        let expiration_ms = self.home.shared.producer_id_expiration_ms.load(Ordering::Relaxed);
        // A transaction that was open at a snapshot may have lost its marker to compaction after that: below the cleaned offset only all
        // batches together tell the truth.
        let cleaned = self.cleaned_upto();
        let (mut producers, from) = match self.newest_snapshot(self.end)? {
            Some((at, entries)) if at >= cleaned => {
                let mut producers = Producers::from_snapshot(&entries, now.wall, expiration_ms);
                // A snapshot knows each producer's last batch only. One whose answers were lost with the connection sends those before it
                // again, and they must be known too.
                let mut before = Producers::default();
                match self.replay(&mut before, at.saturating_sub(LOOK_BACK).max(self.segments[0].base), at, |_| {}) {
                    Ok(()) => producers.remember(&before),
                    // R7: what the snapshot covers is not needed, and readers will hear of it.
                    Err(e @ LogError::Corrupt { .. }) => tracing::warn!("older batches of producers are not known: {e}"),
                    Err(e) => return Err(e),
                }
                (producers, at)
            }
            _ => (Producers::default(), self.segments[0].base),
        };
        self.replay(&mut producers, from, self.end, |_| {})?;
        self.producers = producers;
        Ok(())
    }

    /// The newest snapshot at or below `upto` that can be read. Others are deleted on the way.
    fn newest_snapshot(&mut self, upto: Offset) -> Result<Option<(Offset, Vec<SnapshotEntry>)>, LogError> {
        while let Some(i) = self.snapshots.partition_point(|s| *s <= upto).checked_sub(1) {
            let at = self.snapshots[i];
            let path = self.home.file(at, Kind::Snapshot);
            let bytes = read_file(self.home.disk(), &path, MAX_SNAPSHOT_BYTES)?.unwrap_or_default();
            match producer_snapshot::decode(&bytes) {
                Ok(entries) => return Ok(Some((at, entries))),
                Err(e) => {
                    tracing::warn!("{}: {e}; using an older one", path.display());
                    self.home.done(remove_if_there(self.home.disk(), &path))?;
                    self.snapshots.remove(i);
                }
            }
        }
        Ok(None)
    }

    /// Notes all batches in `from..to` in `producers`, and tells of transactions that ended.
    fn replay(
        &mut self,
        producers: &mut Producers,
        from: Offset,
        to: Offset,
        mut ended: impl FnMut(&CompletedTxn),
    ) -> Result<(), LogError> {
        for i in self.segment_of(from)..self.segments.len() {
            if self.segments[i].base >= to {
                break;
            }
            let file = self.segments[i].file(&self.home)?;
            let mut scan = self.scan_from(i, from)?;
            while let Some(found) = scan.next().map_err(|e| e.in_file(&*file))? {
                if found.header.base_offset >= to {
                    break;
                }
                if found.header.base_offset < from || !found.header.has_producer_id() {
                    continue;
                }
                if !found.header.is_control() {
                    producers.note(&found.header);
                } else if let Some(marker) = self.marker_at(i, &found)?
                    && let Some(txn) = producers.note_marker(&found.header, marker)
                {
                    ended(&txn);
                }
            }
        }
        Ok(())
    }

    /// The marker in a control batch of segment `i`.
    fn marker_at(&mut self, i: usize, found: &Found) -> Result<Option<Marker>, LogError> {
        let len = found.header.size_in_bytes().saturating_sub(HEADER_LEN);
        if len > markers::MAX_BODY {
            return Ok(None);
        }
        let mut body = vec![0; len];
        self.segments[i].file(&self.home)?.read_exact_at(&mut body, found.position + HEADER_LEN as u64)?;
        Ok(markers::parse(&found.header, &body))
    }

    /// The aborted transactions whose marker is in segment `i`. A file from an earlier run is first compared with the batches, and
    /// replaced if it says something else: it has no checksum, and a reader believes it. After a compaction that is nothing to warn of:
    /// the first offset of a transaction may be gone.
    pub(super) fn aborted_in(&mut self, i: usize) -> Result<Vec<AbortedTxn>, LogError> {
        if self.segments[i].txn == TxnFile::None {
            return Ok(Vec::new());
        }
        let path = self.home.file(self.segments[i].base, Kind::TxnIndex);
        let bytes = read_file(self.home.disk(), &path, i32::MAX as usize)?.unwrap_or_default();
        let on_disk = txn_index::decode(&bytes);
        if let (TxnFile::Good, Some(txns)) = (self.segments[i].txn, &on_disk) {
            return Ok(txns.clone());
        }
        let txns = self.aborted_by_batches(i)?;
        if on_disk.as_ref() != Some(&txns) {
            if self.segments[i].base >= self.cleaned_upto() {
                tracing::warn!("{} does not fit its segment: making it anew", path.display());
            }
            match self.replace_aborted(i, &txns) {
                // Readers get what the batches say also while the disk is full.
                Err(LogError::NoSpace(_)) => self.segments[i].txn = TxnFile::Behind,
                done => done?,
            }
            return Ok(txns);
        }
        self.segments[i].txn = if txns.is_empty() { TxnFile::None } else { TxnFile::Good };
        Ok(txns)
    }

    /// Makes a segment's `.txnindex` from its batches, whatever it says now.
    pub(super) fn make_aborted_anew(&mut self, i: usize) -> Result<(), LogError> {
        let txns = self.aborted_by_batches(i)?;
        self.replace_aborted(i, &txns)?;
        self.unsynced.names = true;
        Ok(())
    }

    fn aborted_by_batches(&mut self, i: usize) -> Result<Vec<AbortedTxn>, LogError> {
        let base = self.segments[i].base;
        let to = self.segments.get(i + 1).map_or(self.end, |s| s.base);
        let (mut producers, from) = match self.newest_snapshot(base)? {
            Some((at, entries)) => (Producers::from_snapshot(&entries, crate::types::WallMs(0), i64::MAX), at),
            None => (Producers::default(), self.segments[0].base),
        };
        let mut aborted = Vec::new();
        self.replay(&mut producers, from, to, |txn| {
            if txn.aborted && txn.last_offset >= base {
                aborted.push(AbortedTxn::of(txn));
            }
        })?;
        Ok(aborted)
    }

    /// Compares the leader epochs (`read` from the file, completed by recovery) with the batches around their first offsets; makes them
    /// anew from all batches if they do not fit. `clean`: a clean stop has written the file. They decide what a follower cuts off, and the file has no checksum.
    pub(super) fn check_epochs(&mut self, read: Option<Epochs>, clean: bool) -> Result<(), LogError> {
        self.epochs.truncate_end(self.end);
        self.epochs.truncate_start(self.start);
        if self.segments.is_empty() || (read.is_some() && self.epochs_fit()?) {
            // L9: entries that are only too many are cut again at the next opening; the file is worth writing for new ones.
            let found_new =
                self.epochs.latest().is_some_and(|l| read.as_ref().is_none_or(|r| r.latest().is_none_or(|old| old.epoch < l.epoch)));
            return if found_new { self.write_epochs() } else { Ok(()) };
        }
        let found = self.epochs_of_batches()?;
        if clean && read.is_some() && found.entries().len() > self.epochs.entries().len() {
            // A rotten bit of the file does not make an epoch disappear; one of a batch makes one up.
            tracing::warn!("{}: a batch has a leader epoch that the checkpoint does not know", self.home.partition);
            return Ok(());
        }
        tracing::warn!("{}: leader epochs are made anew from the batches", self.home.partition);
        self.epochs = found;
        self.write_epochs()
    }

    /// The leader epochs as the batches have them. Batches may be wrong as well: an epoch that a single one has, and those after it have
    /// lower ones, is none.
    fn epochs_of_batches(&mut self) -> Result<Epochs, LogError> {
        let mut epochs = Epochs::default();
        // What was known before the newest epoch, as long as only one batch has that.
        let mut lone: Option<Epochs> = None;
        // Where batches lie that come before the first epoch and have none of their own.
        let mut first: Option<Offset> = None;
        for i in 0..self.segments.len() {
            let file = self.segments[i].file(&self.home)?;
            let mut scan = self.scan_from(i, self.start)?;
            while let Some(found) = scan.next().map_err(|e| e.in_file(&*file))? {
                let (epoch, start) = (found.header.partition_leader_epoch, found.header.base_offset.max(self.start));
                if epoch < -1 {
                    first.get_or_insert(start);
                    continue;
                }
                if epochs.latest().is_some_and(|l| epoch < l.epoch)
                    && let Some(before) = lone.take()
                {
                    first = epochs.entries().first().map(|e| e.start);
                    epochs = before;
                }
                if epochs.latest().is_none_or(|l| epoch > l.epoch) {
                    lone = Some(epochs.clone());
                    epochs.assign(epoch, first.filter(|_| epochs == Epochs::default()).unwrap_or(start));
                } else {
                    lone = None;
                }
            }
        }
        Ok(epochs)
    }

    fn epochs_fit(&mut self) -> Result<bool, LogError> {
        let entries = self.epochs.entries().to_vec();
        let first = self.epoch_around(self.start)?;
        if entries
            .first()
            .map_or(first.is_some_and(|(_, epoch)| epoch >= 0), |e| e.start > self.start && first.is_some_and(|(at, _)| at < e.start))
        {
            return Ok(false);
        }
        for (i, entry) in entries.iter().enumerate() {
            let next = entries.get(i + 1).map_or(self.end, |n| n.start);
            // Compaction may have taken all records of an epoch; then there is nothing to compare.
            if let Some((at, epoch)) = self.epoch_around(entry.start)?
                && at < next
                && epoch != entry.epoch
            {
                return Ok(false);
            }
            if entry.start > self.start
                && let Some((at, epoch)) = self.epoch_around(entry.start - 1)?
                && at < entry.start
                && epoch >= entry.epoch
            {
                return Ok(false);
            }
        }
        let last = entries.last().map_or(-1, |e| e.epoch);
        Ok(self.epoch_around(self.end - 1)?.is_none_or(|(_, epoch)| epoch <= last))
    }

    /// Offset and leader epoch of the batch that contains `offset`, or of the next one.
    fn epoch_around(&mut self, offset: Offset) -> Result<Option<(Offset, i32)>, LogError> {
        for i in self.segment_of(offset)..self.segments.len() {
            let segment = &mut self.segments[i];
            let size = segment.size;
            if let Some(found) = segment.find(&self.home, self.config.index_interval_bytes, offset, size)? {
                return Ok(Some((found.header.base_offset.max(offset), found.header.partition_leader_epoch)));
            }
        }
        Ok(None)
    }

    /// Replaces a recovered segment's `.txnindex`.
    pub(super) fn replace_aborted(&mut self, i: usize, txns: &[AbortedTxn]) -> Result<(), LogError> {
        let path = self.home.file(self.segments[i].base, Kind::TxnIndex);
        let write = || -> Result<TxnFile, DiskError> {
            if txns.is_empty() {
                remove_if_there(self.home.disk(), &path)?;
                return Ok(TxnFile::None);
            }
            replace_file(self.home.disk(), &path, &txn_index::encode(txns), Durable::No)?;
            Ok(TxnFile::Good)
        };
        self.segments[i].txn = self.home.done(write())?;
        Ok(())
    }
}
