//! Reading what a directory's metadata says without opening its log: nothing is recovered, made or changed.

use std::path::Path;

use crate::log::disk::{Disk, DiskError, Open};
use crate::log::names::{self, Kind, Mark};
use crate::machine::controller::ClusterState;
use crate::record::{BatchHeader, BatchView, HEADER_LEN};
use crate::types::Offset;
use crate::wire::quorum_state_data::QuorumStateData;

use super::checkpoint;
use super::error::QuorumError;
use super::format::cluster_metadata_partition;
use super::open::newest_snapshot;
use super::replay::{Replay, Voting};
use super::state_file;

/// A batch of this log that claims more is none.
const MAX_BATCH_BYTES: usize = 64 << 20;

/// The metadata as far as it can be read.
#[derive(Clone, Debug)]
pub struct Survey {
    pub state: ClusterState,
    /// The offset behind the last batch that was read.
    pub end: Offset,
    /// The leader epoch of that batch.
    pub epoch: i32,
    pub(super) voting: Voting,
    pub(super) known: Option<QuorumStateData>,
}

/// `None`: the directory has no metadata yet. A bad end of the log is not looked behind: it may be what an interrupted write left.
///
/// Errors: a snapshot, record or `quorum-state` that cannot be read or is not known here.
pub fn survey(disk: &dyn Disk, root: &Path) -> Result<Option<Survey>, QuorumError> {
    let dir = root.join(cluster_metadata_partition().to_string());
    if disk.metadata(&dir)?.is_none() {
        return Ok(None);
    }
    let known = state_file::read(disk, &dir)?;
    let segments = segments(disk, &dir)?;
    let (mut replay, _) = newest_snapshot(disk, &dir, segments.first().copied().unwrap_or(0))?;
    for base in segments {
        if !read_segment(disk, &dir.join(names::file_name(base, Kind::Log)), &mut replay)? {
            break;
        }
    }
    replay.abort_if_open();
    Ok(Some(Survey { state: replay.state, end: replay.next_offset, epoch: replay.epoch, voting: replay.voting, known }))
}

/// All snapshots of the log, and `bootstrap.checkpoint`: the file and what is wrong with it.
pub fn damaged_snapshots(disk: &dyn Disk, root: &Path) -> Result<Vec<(std::path::PathBuf, String)>, DiskError> {
    let dir = root.join(cluster_metadata_partition().to_string());
    let mut paths = vec![root.join(checkpoint::BOOTSTRAP)];
    if disk.metadata(&dir)?.is_some() {
        paths.extend(checkpoint::list(disk, &dir)?.into_iter().map(|id| dir.join(id.file_name())));
    }
    let mut damaged = Vec::new();
    for path in paths {
        match checkpoint::read(disk, &path) {
            Ok(_) => {
                // Not under the CRC, and looked at by nobody who reads the snapshot.
                if !checkpoint::epochs_agree(disk, &path)? {
                    damaged.push((path, "its batches have different leader epochs".to_string()));
                }
            }
            Err(QuorumError::File { why, .. }) => damaged.push((path, why)),
            Err(QuorumError::Disk(e)) => return Err(e),
            Err(e) => damaged.push((path, e.to_string())),
        }
    }
    Ok(damaged)
}

fn segments(disk: &dyn Disk, dir: &Path) -> Result<Vec<Offset>, DiskError> {
    let mut bases: Vec<Offset> = Vec::new();
    for entry in disk.list(dir)? {
        if let Some((base, Kind::Log, Mark::None)) = names::parse_file(&entry.name) {
            bases.push(base);
        }
    }
    bases.sort_unstable();
    Ok(bases)
}

/// Takes in a segment's batches. False: its end is bad, and what follows is not read.
fn read_segment(disk: &dyn Disk, path: &Path, replay: &mut Replay) -> Result<bool, QuorumError> {
    let file = disk.open(path, Open::Read)?;
    let size = file.size()?;
    let mut position = 0;
    let mut bytes = Vec::new();
    while position < size {
        let mut head = [0; HEADER_LEN];
        let got = file.read_at(&mut head, position)?;
        let Ok(header) = BatchHeader::parse(&head[..got]) else { return Ok(false) };
        let len = header.size_in_bytes();
        if len as u64 > size - position || len > MAX_BATCH_BYTES {
            return Ok(false);
        }
        if header.last_offset() >= replay.next_offset {
            bytes.resize(len, 0);
            file.read_exact_at(&mut bytes, position)?;
            match BatchView::parse(&bytes) {
                Ok(view) if view.check_crc().is_ok() => replay.batch(&view)?,
                _ => return Ok(false),
            }
        }
        position += len as u64;
    }
    Ok(true)
}
