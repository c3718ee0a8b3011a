//! Snapshots of the metadata log: `<20 digits: offset behind the last record>-<10 digits: its epoch>.checkpoint` beside the
//! segments, and `bootstrap.checkpoint` in the data directory, which holds what a new cluster begins with.
//!
//! ```text
//! control batch   SnapshotHeader (time of the last record), then KRaftVersion and KRaftVoters if the voters stand in the log
//! batches         the records that rebuild the state
//! control batch   SnapshotFooter
//! ```
//! Offsets inside count from 0. A file without its footer is no snapshot.

use std::io::IoSlice;
use std::path::{Path, PathBuf};

use crate::log::disk::{Disk, DiskError, Open, read_file};
use crate::machine::controller::MetadataRecord;
use crate::machine::controller::features::MetadataVersion;
use crate::record::{ControlRecord, batches as split};
use crate::types::{Offset, WallMs};
use crate::wire::kraft_version_record::KRaftVersionRecord;
use crate::wire::snapshot_footer_record::SnapshotFooterRecord;
use crate::wire::snapshot_header_record::SnapshotHeaderRecord;

use super::batches::{self, Content, Place};
use super::error::QuorumError;
use super::replay::{Replay, Voting};

pub(super) const BOOTSTRAP: &str = "bootstrap.checkpoint";
const SUFFIX: &str = ".checkpoint";
/// A snapshot larger than this is not one.
const MAX_BYTES: usize = 1 << 30;
/// Records in one batch of a snapshot.
const RECORDS_PER_BATCH: usize = 1024;

/// Which part of the log a snapshot stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SnapshotId {
    /// The offset behind the last record it holds.
    pub offset: Offset,
    /// The leader epoch of that record.
    pub epoch: i32,
}

impl SnapshotId {
    pub(super) fn file_name(self) -> String {
        format!("{:020}-{:010}{SUFFIX}", self.offset, self.epoch)
    }

    fn parse(name: &str) -> Option<SnapshotId> {
        let (offset, epoch) = name.strip_suffix(SUFFIX)?.split_once('-')?;
        (offset.len() == 20 && epoch.len() == 10).then_some(())?;
        Some(SnapshotId { offset: offset.parse().ok()?, epoch: epoch.parse().ok()? })
    }
}

/// All snapshots in `dir`, oldest first.
pub(super) fn list(disk: &dyn Disk, dir: &Path) -> Result<Vec<SnapshotId>, DiskError> {
    let mut all: Vec<SnapshotId> = disk.list(dir)?.iter().filter_map(|entry| SnapshotId::parse(&entry.name)).collect();
    all.sort();
    Ok(all)
}

/// Everything a snapshot is made of.
pub(super) struct Snapshot<'a, R> {
    pub records: R,
    pub voting: &'a Voting,
    pub version: MetadataVersion,
    /// The time of the last record it holds.
    pub last_time: WallMs,
    /// The leader epoch on its batches.
    pub epoch: i32,
    pub now: WallMs,
}

/// Writes a snapshot under `path` durably. Tells its size in bytes.
pub(super) fn write<R: Iterator<Item = MetadataRecord>>(
    disk: &dyn Disk,
    path: &Path,
    snapshot: Snapshot<'_, R>,
) -> Result<u64, QuorumError> {
    let size = write_whole(disk, path, snapshot)?;
    if let Some(dir) = path.parent() {
        disk.sync_dir(dir)?;
    }
    Ok(size)
}

/// Writes a snapshot under `path`: after a power loss it is there whole or not at all. It is there for sure once the directory is synced.
pub(super) fn write_whole<R: Iterator<Item = MetadataRecord>>(
    disk: &dyn Disk,
    path: &Path,
    snapshot: Snapshot<'_, R>,
) -> Result<u64, QuorumError> {
    let Snapshot { records, voting, version, last_time, epoch, now } = snapshot;
    let mut place = Place { offset: 0, epoch, time: now };
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let file = disk.open(&part, Open::Truncate)?;
    let mut position = 0;
    let mut put = |batch: bytes::Bytes| -> Result<(), QuorumError> {
        file.write_at(&mut [IoSlice::new(&batch)], position)?;
        position += batch.len() as u64;
        Ok(())
    };
    let header = header_records(voting, last_time);
    put(batches::encode_control(&header, place)?)?;
    place.offset += header.len() as i64;
    let mut records = records.peekable();
    while records.peek().is_some() {
        let chunk: Vec<MetadataRecord> = records.by_ref().take(RECORDS_PER_BATCH).collect();
        put(batches::encode(&chunk, version, place)?)?;
        place.offset += chunk.len() as i64;
    }
    put(batches::encode_control(&[ControlRecord::SnapshotFooter(SnapshotFooterRecord::default())], place)?)?;
    file.sync()?;
    disk.rename(&part, path)?;
    Ok(position)
}

fn header_records(voting: &Voting, last_time: WallMs) -> Vec<ControlRecord> {
    let mut all = vec![ControlRecord::SnapshotHeader(SnapshotHeaderRecord { version: 0, last_contained_log_timestamp: last_time.0 })];
    if voting.kraft_version > 0 {
        all.push(ControlRecord::KRaftVersion(KRaftVersionRecord { version: 0, kraft_version: voting.kraft_version }));
        all.extend(voting.voters.clone().map(ControlRecord::KRaftVoters));
    }
    all
}

/// All batches of a snapshot carry one leader epoch.
pub(super) fn epochs_agree(disk: &dyn Disk, path: &Path) -> Result<bool, DiskError> {
    let bytes = read_file(disk, path, MAX_BYTES)?.unwrap_or_default();
    let mut epochs: Vec<i32> = split(&bytes).flatten().map(|view| view.header.partition_leader_epoch).collect();
    epochs.dedup();
    Ok(epochs.len() < 2)
}

/// Reads a whole snapshot; `None` if there is no such file. Every CRC is checked, and header and footer must be there.
pub(super) fn read(disk: &dyn Disk, path: &Path) -> Result<Option<Replay>, QuorumError> {
    let Some(bytes) = read_file(disk, path, MAX_BYTES)? else { return Ok(None) };
    let bad = |why: String| QuorumError::File { path: path.to_path_buf(), why };
    let mut replay = Replay::new();
    let (mut header, mut footer) = (None, false);
    let mut expected = 0;
    for batch in split(&bytes) {
        let view = batch.map_err(|e| bad(e.to_string()))?;
        if footer || view.header.base_offset != expected {
            return Err(bad(format!("a batch of offset {} where {expected} was expected", view.header.base_offset)));
        }
        expected = view.header.next_offset();
        let content = batches::decode(&view).map_err(|e| bad(e.to_string()))?;
        if let Content::Control(records) = &content {
            for (_, record) in records {
                match record {
                    ControlRecord::SnapshotHeader(h) => header = Some(h.last_contained_log_timestamp),
                    ControlRecord::SnapshotFooter(_) => footer = true,
                    _ => {}
                }
            }
        }
        if header.is_none() {
            return Err(bad("it does not begin with a header".into()));
        }
        replay.content(content).map_err(|e| bad(e.to_string()))?;
    }
    let time = header.ok_or_else(|| bad("it is empty".into()))?;
    if !footer {
        return Err(bad("its end is missing".into()));
    }
    replay.time = WallMs(time);
    Ok(Some(replay))
}
