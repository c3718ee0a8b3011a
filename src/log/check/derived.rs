//! What is derived from batches, computed again while a log is read: producers and their snapshots, aborted transactions, leader epochs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::disk::{Disk, DiskError, DiskFile, read_file};
use super::super::epochs::Epochs;
use super::super::markers;
use super::super::names::{self, Kind};
use super::super::producer_snapshot::{self, SnapshotEntry};
use super::super::producers::Producers;
use super::super::txn_index::{self, ENTRY_LEN};
use super::{Finding, REBUILD, Report};
use crate::record::{BatchHeader, HEADER_LEN};
use crate::types::{Offset, WallMs};

const MAX_FILE_BYTES: usize = 1 << 30;

/// State that follows the batches of one log.
pub(super) struct Derived<'a> {
    disk: &'a dyn Disk,
    dir: &'a Path,
    producers: Producers,
    /// Snapshots that lie ahead.
    snapshots: BTreeMap<Offset, Vec<SnapshotEntry>>,
    /// False once something was missed: compaction, a bad spot, a beginning that retention took. Then only some comparisons hold.
    exact: bool,
    epochs: Option<Epochs>,
    epoch_told: bool,
    start: Offset,
    /// Aborted transactions whose markers were met in this segment.
    aborted: Vec<txn_index::AbortedTxn>,
}

impl<'a> Derived<'a> {
    /// Reads the snapshots at `snapshots` and the leader epochs. `base`: where the log's first segment begins; `compacted`: gaps are normal.
    pub fn new(
        disk: &'a dyn Disk,
        dir: &'a Path,
        snapshots: &[Offset],
        (base, start): (Offset, Offset),
        compacted: bool,
        report: &mut Report,
    ) -> Result<Derived<'a>, DiskError> {
        let mut known = BTreeMap::new();
        for at in snapshots {
            let path = dir.join(names::file_name(*at, Kind::Snapshot));
            let bytes = read_file(disk, &path, MAX_FILE_BYTES)?.unwrap_or_default();
            match producer_snapshot::decode(&bytes) {
                Ok(entries) => _ = known.insert(*at, entries),
                Err(e) => report.add(Finding::wrong(path, e.to_string(), "remove the file: the next start makes it anew from the log")),
            }
        }
        let mut derived = Derived {
            disk,
            dir,
            producers: Producers::default(),
            exact: base == 0 && !compacted,
            snapshots: known,
            epochs: None,
            epoch_told: false,
            start,
            aborted: Vec::new(),
        };
        derived.read_epochs(report)?;
        if let Some(entries) = derived.snapshots.remove(&base).filter(|_| base > 0) {
            derived.producers = Producers::from_snapshot(&entries, WallMs(0), i64::MAX);
            derived.exact = !compacted;
        }
        Ok(derived)
    }

    fn read_epochs(&mut self, report: &mut Report) -> Result<(), DiskError> {
        let path = self.dir.join(names::LEADER_EPOCHS);
        let Some(bytes) = read_file(self.disk, &path, MAX_FILE_BYTES)? else { return Ok(()) };
        self.epochs = Epochs::decode(&bytes);
        if self.epochs.is_none() {
            self.epoch_told = true;
            let finding =
                Finding::wrong(path, "not a checkpoint of leader epochs: version 0, a count, lines of two rising numbers", REBUILD);
            report.add(finding);
        }
        Ok(())
    }

    /// The next good batch of the log.
    pub fn batch(&mut self, file: &Arc<dyn DiskFile>, position: u64, header: &BatchHeader, report: &mut Report) {
        self.compare_snapshots(header.base_offset, report);
        self.compare_epoch(header, report);
        if !header.has_producer_id() {
            return;
        }
        if !header.is_control() {
            self.producers.note(header);
            return;
        }
        let len = header.size_in_bytes().saturating_sub(HEADER_LEN).min(markers::MAX_BODY);
        let mut body = vec![0; len];
        if report.unless_failed(file.path(), file.read_exact_at(&mut body, position + HEADER_LEN as u64)).is_none() {
            return;
        }
        let Some(marker) = markers::parse(header, &body) else { return };
        if let Some(txn) = self.producers.note_marker(header, marker).filter(|t| t.aborted) {
            self.aborted.push(txn_index::AbortedTxn::of(&txn));
        }
    }

    /// A part of the log could not be read.
    pub fn lost_track(&mut self) {
        self.exact = false;
    }

    /// All snapshots at or below `offset` are compared with the producers as they stand.
    pub fn compare_snapshots(&mut self, offset: Offset, report: &mut Report) {
        while let Some(entry) = self.snapshots.first_entry().filter(|e| *e.key() <= offset) {
            let (at, entries) = entry.remove_entry();
            if !self.exact {
                continue;
            }
            let ours: BTreeMap<i64, SnapshotEntry> = self.producers.to_snapshot().map(|e| (e.producer_id, e)).collect();
            // Producers that had expired may be missing; their marker's coordinator may be forgotten.
            let differs = |e: &&SnapshotEntry| {
                ours.get(&e.producer_id)
                    .is_some_and(|o| SnapshotEntry { coordinator_epoch: 0, ..*o } != SnapshotEntry { coordinator_epoch: 0, ..**e })
            };
            if let Some(wrong) = entries.iter().find(differs) {
                let path = self.dir.join(names::file_name(at, Kind::Snapshot));
                let what = format!("producer {} does not stand as its batches say: {wrong:?}", wrong.producer_id);
                let expected = format!("{:?}", ours[&wrong.producer_id]);
                report.add(Finding::wrong(path, what, "remove the file: the next start makes it anew from the log").expected(expected));
            }
        }
    }

    /// Snapshots above `end`, the end of a log that could be read whole, speak of records that are not there.
    pub fn no_snapshots_behind(&self, end: Offset, report: &mut Report) {
        for at in self.snapshots.keys().filter(|at| **at > end) {
            let path = self.dir.join(names::file_name(*at, Kind::Snapshot));
            report.add(Finding::note(
                path,
                format!("a snapshot at offset {at}, and the log ends at {end}"),
                "nothing to do: the next start removes it",
            ));
        }
    }

    /// The epoch on a batch must be the one that the checkpoint gives for its offset.
    fn compare_epoch(&mut self, header: &BatchHeader, report: &mut Report) {
        let epoch = header.partition_leader_epoch;
        if self.epoch_told || epoch < 0 || header.last_offset() < self.start {
            return;
        }
        let offset = header.base_offset.max(self.start);
        let known = self.epochs.as_ref().and_then(|e| e.epoch_of(offset));
        if known != Some(epoch) {
            self.epoch_told = true;
            let what = match known {
                Some(known) => format!("offset {offset} is said to be of leader epoch {known}"),
                None => format!("no leader epoch is known for offset {offset}"),
            };
            let finding = Finding::wrong(self.dir.join(names::LEADER_EPOCHS), what, REBUILD).offset(offset);
            report.add(finding.expected(format!("epoch {epoch}, which the batch carries")));
        }
    }

    /// A segment ends: its `.txnindex` must name the transactions that were aborted in it.
    pub fn segment_ends(&mut self, base: Offset, may_be_torn: bool, report: &mut Report) -> Result<(), DiskError> {
        let aborted = std::mem::take(&mut self.aborted);
        let path = self.dir.join(names::file_name(base, Kind::TxnIndex));
        let bytes = read_file(self.disk, &path, MAX_FILE_BYTES)?;
        let Some(stored) = txn_index::decode(bytes.as_deref().unwrap_or_default()) else {
            let what = format!("not entries of {ENTRY_LEN} bytes, of version 0, with rising last offsets");
            report.add(self.txn_finding(path, what, may_be_torn));
            return Ok(());
        };
        let same = if self.exact {
            stored == aborted
        } else {
            // First offsets may be gone with what was before them; markers are not.
            let ends = |txns: &[txn_index::AbortedTxn]| -> Vec<Offset> { txns.iter().map(|t| t.last_offset).collect() };
            ends(&aborted).iter().all(|end| ends(&stored).contains(end)) && stored.iter().all(|t| t.first_offset <= t.last_offset)
        };
        if !same {
            let i = stored.iter().zip(&aborted).take_while(|(a, b)| a == b).count();
            let what = match stored.get(i) {
                Some(wrong) => format!("entry {i} is not what the batches say: {wrong:?}"),
                None => format!("an aborted transaction is missing, so readers of committed records see it: {:?}", aborted.get(i)),
            };
            let expected = aborted.get(i).map_or("no such entry".to_string(), |t| format!("{t:?}"));
            report.add(self.txn_finding(path, what, may_be_torn).at((i * ENTRY_LEN) as u64).expected(expected));
        }
        Ok(())
    }

    fn txn_finding(&self, path: PathBuf, what: String, may_be_torn: bool) -> Finding {
        if may_be_torn { Finding::note(path, what, super::NEXT_START) } else { Finding::wrong(path, what, REBUILD) }
    }
}
