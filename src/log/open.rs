//! Opening a log: from a directory to a [`Log`].

use std::collections::{BTreeMap, BTreeSet};
use std::io::IoSlice;
use std::sync::Arc;

use super::disk::{DiskError, Entry, Open, read_file, remove_if_there};
use super::epochs::Epochs;
use super::error::LogError;
use super::home::Home;
use super::log::Log;
use super::names::{self, Kind, Mark};
use super::partition_meta;
use super::scan::{Scan, ScanError};
use super::segment::{Segment, TxnFile};
use super::settings::LogConfig;
use crate::types::{Now, Offset, TopicId};

/// What the data directory knows of a log that is being opened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opening {
    /// The last stop was clean: files are trusted.
    pub clean: bool,
    /// From the checkpoint file.
    pub recovery_point: Offset,
    pub start: Option<Offset>,
}

/// What lies in a partition's directory.
#[derive(Debug, Default)]
struct Listing {
    logs: BTreeSet<Offset>,
    indexes: Vec<(Offset, Kind)>,
    txn_indexes: BTreeSet<Offset>,
    snapshots: BTreeSet<Offset>,
    damaged: bool,
}

impl Log {
    /// Opens the directory, or makes it.
    pub(super) fn open(home: Home, topic_id: TopicId, config: Arc<LogConfig>, opening: Opening, now: Now) -> Result<Log, LogError> {
        let mut log = Log::new(home, topic_id, config, opening.start.unwrap_or(0));
        match log.home.disk().list(&log.home.dir()) {
            Ok(entries) => log.load(entries, opening, now)?,
            Err(e) if e.is_not_found() => {
                log.home.shared.mend_checkpoints()?;
                // Most logs begin like this: two names are made, and nothing is read.
                log.home.done(log.home.disk().create_dir(&log.home.dir()))?;
                log.write_partition_metadata()?;
            }
            Err(e) => return Err(e.into()),
        }
        Ok(log)
    }

    fn write_partition_metadata(&mut self) -> Result<(), LogError> {
        let path = self.home.path(names::PARTITION_METADATA);
        let write = || -> Result<(), DiskError> {
            // Not synced before the first record is: a lost or empty file belongs to a log without records, and is written again.
            let file = self.home.disk().open(&path, Open::Truncate)?;
            file.write_at(&mut [IoSlice::new(&partition_meta::encode(self.topic_id))], 0)
        };
        self.home.done(write())?;
        self.unsynced.directory = true;
        Ok(())
    }

    fn load(&mut self, entries: Vec<Entry>, opening: Opening, now: Now) -> Result<(), LogError> {
        let listing = self.tidy(entries)?;
        self.check_topic_id(listing.logs.is_empty() || opening.recovery_point == 0)?;
        for base in &listing.logs {
            let size = self.home.disk().metadata(&self.home.file(*base, Kind::Log))?.map_or(0, |m| m.len);
            let mut segment = Segment::existing(*base, size);
            segment.created = now.wall;
            if listing.txn_indexes.contains(base) {
                segment.txn = TxnFile::Unchecked;
            }
            self.segments.push(segment);
        }
        self.snapshots = listing.snapshots.into_iter().collect();
        self.start = opening.start.unwrap_or(0).max(self.segments.first().map_or(0, |s| s.base));
        self.end = self.start;
        // Without a recovery point nothing was synced yet, not even the directory.
        self.unsynced.directory |= opening.recovery_point == 0;
        let epochs = self.read_epochs()?;
        self.epochs = epochs.clone().unwrap_or_default();
        let recovered = if listing.damaged {
            let damaged = self.noted_damage()?;
            Some(self.recover(if opening.clean { damaged } else { damaged.min(opening.recovery_point) }, None)?)
        } else if opening.clean {
            self.trust(opening.recovery_point)?
        } else {
            Some(self.recover(opening.recovery_point, None)?)
        };
        if self.end < self.start {
            // R11: all that is left was deleted before.
            let start = self.start;
            self.damage = None;
            self.restart_at(now, start)?;
        }
        // R10: never ahead of what was really synced.
        self.recovery_point = if recovered.is_none() { self.end } else { opening.recovery_point.clamp(0, self.end) };
        self.keep_recovery_point();
        self.check_epochs(epochs, recovered.is_none())?;
        self.load_producers(now)?;
        for i in recovered.unwrap_or(usize::MAX)..self.segments.len() {
            self.aborted_in(i)?;
        }
        self.drop_stray_snapshots()?;
        self.flush_recovered(now)
    }

    /// R14: what only the page cache has kept, with the last process dead, is no more synced than an append is. Whoever asks for it again
    /// (a producer that had no answer, a coordinator that reads its records) takes it for durable, so it has to be made so first.
    fn flush_recovered(&mut self, now: Now) -> Result<(), LogError> {
        if self.recovery_point >= self.end {
            return Ok(());
        }
        // R1: the next clean stop vouches for it.
        self.set_unclosed();
        self.unsynced.names = true;
        self.unsynced.since = Some(now.mono);
        if self.end - self.recovery_point >= self.config.flush_messages { self.flush() } else { Ok(()) }
    }

    /// R2: a clean stop left the indexes complete; only the batches after the last index entry are looked at. If even these are not
    /// there, or the log does not end where the stop has noted it (`synced`, 0 if it noted nothing), the last segment is recovered; gives
    /// its index then.
    fn trust(&mut self, synced: Offset) -> Result<Option<usize>, LogError> {
        let interval = self.config.index_interval_bytes;
        let Some(active) = self.segments.last_mut() else { return Ok(None) };
        let base = active.base;
        match active.load_tail(&self.home, interval)? {
            Ok(end) if synced == 0 || end == synced => {
                self.end = end;
                return Ok(None);
            }
            Ok(end) => tracing::warn!("{}: ends at {end}, and the last stop, which was clean, at {synced}", self.home.partition),
            Err(bad) => tracing::warn!("{}: {bad}, although the last stop was clean", self.home.partition),
        }
        self.recover(base, (synced > 0).then_some(synced)).map(Some)
    }

    fn read_epochs(&self) -> Result<Option<Epochs>, LogError> {
        let bytes = read_file(self.home.disk(), &self.home.path(names::LEADER_EPOCHS), 64 << 20)?;
        Ok(bytes.and_then(|b| Epochs::decode(&b)))
    }

    /// L12: the directory must be this topic's. The file is synced with the first records, so before that a power loss may tear it.
    fn check_topic_id(&mut self, never_synced: bool) -> Result<(), LogError> {
        let path = self.home.path(names::PARTITION_METADATA);
        let bytes = read_file(self.home.disk(), &path, 1 << 16)?;
        match bytes.as_deref().map(partition_meta::decode) {
            Some(Some(found)) if found == self.topic_id => Ok(()),
            Some(Some(found)) => Err(LogError::Stray { path: self.home.dir(), found, expected: self.topic_id }),
            Some(None) if !(never_synced && self.is_torn(bytes.as_deref().unwrap_or_default())) => {
                Err(LogError::Malformed { path, reason: "not a partition.metadata file of version 0".into() })
            }
            _ => self.write_partition_metadata(),
        }
    }

    /// Whether these can be what is left of this topic's `partition.metadata`.
    fn is_torn(&self, bytes: &[u8]) -> bool {
        partition_meta::encode(self.topic_id).starts_with(bytes) || bytes.iter().all(|b| *b == 0)
    }

    /// R3: sorts the files, and finishes what an interrupted deletion or compaction had begun.
    fn tidy(&mut self, entries: Vec<Entry>) -> Result<Listing, LogError> {
        let mut listing = Listing::default();
        let mut swaps: Vec<(Offset, Kind)> = Vec::new();
        let mut first_cleaned = Offset::MAX;
        let mut useless: Vec<String> = Vec::new();
        for Entry { name, is_dir } in entries {
            listing.damaged |= name == names::DAMAGE;
            if is_dir {
                continue;
            }
            match names::parse_file(&name) {
                Some((base, kind, Mark::None)) => listing.add(base, kind),
                Some((base, kind, Mark::Swap)) => swaps.push((base, kind)),
                Some((base, _, Mark::Cleaned)) => {
                    first_cleaned = first_cleaned.min(base);
                    useless.push(name);
                }
                Some((_, _, Mark::Deleted)) => useless.push(name),
                None if name.ends_with(".tmp") || names::parse_cut(&name).is_some() && name.ends_with(".deleted") => useless.push(name),
                None => {}
            }
        }
        let (void, swaps): (Vec<_>, Vec<_>) = swaps.into_iter().partition(|(base, _)| *base >= first_cleaned);
        useless.extend(void.into_iter().map(|(base, kind)| names::marked_name(base, kind, Mark::Swap)));
        for name in useless {
            self.remove(&name)?;
        }
        self.complete_swaps(&swaps, &mut listing)?;
        for (base, kind) in std::mem::take(&mut listing.indexes) {
            if !listing.logs.contains(&base) {
                self.remove(&names::file_name(base, kind))?;
                listing.txn_indexes.remove(&base);
            }
        }
        Ok(listing)
    }

    fn remove(&self, name: &str) -> Result<(), LogError> {
        self.home.done(remove_if_there(self.home.disk(), &self.home.path(name))).map(|_| ())
    }

    /// Compaction had written these segments completely: the originals in their range go, then they take their place.
    fn complete_swaps(&mut self, swaps: &[(Offset, Kind)], listing: &mut Listing) -> Result<(), LogError> {
        let mut ends: BTreeMap<Offset, Offset> = BTreeMap::new();
        for (base, _) in swaps.iter().filter(|(_, kind)| *kind == Kind::Log) {
            ends.insert(*base, self.end_of_swap(*base)?);
        }
        for (first, end) in &ends {
            let replaced: Vec<Offset> = listing.logs.iter().copied().filter(|b| (*first..*end).contains(b)).collect();
            for base in replaced {
                for kind in [Kind::Log, Kind::OffsetIndex, Kind::TimeIndex, Kind::TxnIndex] {
                    self.remove(&names::file_name(base, kind))?;
                }
                listing.logs.remove(&base);
                listing.txn_indexes.remove(&base);
                listing.indexes.retain(|(b, _)| *b != base);
            }
        }
        // Indexes first: a segment that is in place has its own.
        let mut order: Vec<_> = swaps.to_vec();
        order.sort_by_key(|(base, kind)| (*kind == Kind::Log, *base));
        for (base, kind) in order {
            let from = self.home.path(&names::marked_name(base, kind, Mark::Swap));
            self.home.done(self.home.disk().rename(&from, &self.home.file(base, kind)))?;
            listing.add(base, kind);
        }
        Ok(())
    }

    fn end_of_swap(&self, base: Offset) -> Result<Offset, LogError> {
        let path = self.home.path(&names::marked_name(base, Kind::Log, Mark::Swap));
        let file = self.home.disk().open(&path, Open::Read)?;
        let mut scan = Scan::new(file.clone(), 0, file.size()?, base - 1);
        let mut end = base;
        loop {
            match scan.next() {
                Ok(Some(found)) => end = found.header.next_offset(),
                Ok(None) | Err(ScanError::Bad(_)) => return Ok(end),
                Err(ScanError::Disk(e)) => return Err(e.into()),
            }
        }
    }

    /// Keeps the snapshots at segment bases and the newest one.
    fn drop_stray_snapshots(&mut self) -> Result<(), LogError> {
        let newest = self.snapshots.last().copied();
        let (keep, stray): (Vec<_>, Vec<_>) =
            self.snapshots.iter().partition(|s| Some(**s) == newest || self.segments.binary_search_by_key(*s, |g| g.base).is_ok());
        self.snapshots = keep;
        for offset in stray {
            self.remove(&names::file_name(offset, Kind::Snapshot))?;
        }
        Ok(())
    }
}

impl Listing {
    fn add(&mut self, base: Offset, kind: Kind) {
        match kind {
            Kind::Log => _ = self.logs.insert(base),
            Kind::Snapshot => _ = self.snapshots.insert(base),
            Kind::OffsetIndex | Kind::TimeIndex => self.indexes.push((base, kind)),
            Kind::TxnIndex => {
                self.indexes.push((base, kind));
                self.txn_indexes.insert(base);
            }
        }
    }
}
