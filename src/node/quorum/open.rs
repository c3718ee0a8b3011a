//! Starting on a metadata log: load what it says, then lead a new epoch of it.

use std::path::Path;
use std::sync::Arc;

use crate::log::disk::Disk;
use crate::log::{Log, LogDir};
use crate::machine::controller::features::{ELR_VERSION, bootstrap_records};
use crate::machine::controller::{ConfigResource, Controller, MetadataRecord};
use crate::record::{ControlRecord, batches as split};
use crate::types::{NodeId, Now, Offset};
use crate::wire::abort_transaction_record::AbortTransactionRecord;
use crate::wire::begin_transaction_record::BeginTransactionRecord;
use crate::wire::config_record::ConfigRecord;
use crate::wire::end_transaction_record::EndTransactionRecord;
use crate::wire::kraft_version_record::KRaftVersionRecord;
use crate::wire::quorum_state_data::QuorumStateData;

use super::batches;
use super::checkpoint::{self, SnapshotId};
use super::error::QuorumError;
use super::format::{cluster_metadata_partition, make_metadata_dir};
use super::replay::{Replay, Voting};
use super::snapshots::SnapshotPolicy;
use super::state_file;
use super::{CLUSTER_METADATA_ID, Image, ImageCell, Quorum, Setup, log_config};

/// Bytes read from the log at a time; a larger batch is read whole.
const READ_BYTES: usize = 1 << 20;

impl Quorum {
    /// Loads the newest snapshot and the log behind it from a formatted directory (see [`super::format`]), and begins the next
    /// leader epoch. The caller's next step is [`Quorum::start_node`].
    ///
    /// Errors: a log, snapshot or `quorum-state` that cannot be trusted, other voters than this node.
    pub fn open(log_dir: &LogDir, setup: Setup, now: Now) -> Result<Quorum, QuorumError> {
        let Setup { options, rules, rng } = setup;
        let (disk, root) = (log_dir.disk().clone(), log_dir.root());
        let partition = cluster_metadata_partition();
        let dir = root.join(partition.to_string());
        make_metadata_dir(&*disk, root)?;
        let mut log = log_dir.open_log(&partition, CLUSTER_METADATA_ID, Arc::new(log_config()), now)?;
        let known = state_file::read(&*disk, &dir)?;
        let loaded = load(&*disk, &dir, &mut log, now)?;
        let Loaded { replay, snapshot, tail_bytes } = loaded;
        check_voters(options.node, known.as_ref(), &replay.voting)?;
        let epoch = known.map_or(0, |k| k.leader_epoch).max(replay.epoch).max(0).saturating_add(1);
        let image = Image::new(Arc::from(options.cluster_id.as_str()), options.node, replay.state.clone());
        let mut quorum = Quorum {
            disk,
            dir,
            log,
            controller: Controller::new(options, replay.state.clone()),
            rules,
            rng,
            voting: replay.voting.clone(),
            epoch,
            image: ImageCell::new(image),
            staged: Vec::new(),
            last_time: replay.time,
            snapshots: SnapshotPolicy::new(snapshot, tail_bytes),
            failed: None,
        };
        quorum.begin_epoch(root, replay, now)?;
        Ok(quorum)
    }

    fn begin_epoch(&mut self, root: &Path, replay: Replay, now: Now) -> Result<(), QuorumError> {
        state_file::write(&*self.disk, &self.dir, self.node(), self.epoch, self.voting.kraft_version)?;
        let mut control = vec![batches::leader_change(self.node())];
        if replay.next_offset == 0 && self.voting.kraft_version > 0 {
            control.push(ControlRecord::KRaftVersion(KRaftVersionRecord { version: 0, kraft_version: self.voting.kraft_version }));
            control.extend(self.voting.voters.clone().map(ControlRecord::KRaftVoters));
        }
        let batch = batches::encode_control(&control, self.place(now))?;
        self.append(now, &batch)?;
        if replay.in_transaction() {
            // Its end will never come; the state that was loaded is the one before it.
            let reason = Some("Controller failover".to_string());
            self.apply(vec![AbortTransactionRecord { reason }.into()])?;
        }
        if replay.is_blank() {
            let records = self.first_records(root)?;
            self.apply(records)?;
        }
        self.commit(now)
    }

    /// What an empty log begins with: the records that formatting left, as one metadata transaction.
    fn first_records(&self, root: &Path) -> Result<Vec<MetadataRecord>, QuorumError> {
        let formatted = checkpoint::read(&*self.disk, &root.join(checkpoint::BOOTSTRAP))?;
        let records: Vec<MetadataRecord> = formatted.map_or_else(bootstrap_records, |replay| replay.state.records().collect());
        let has_elr = |r: &MetadataRecord| matches!(r, MetadataRecord::FeatureLevel(f) if f.name == ELR_VERSION && f.feature_level > 0);
        let min_isr = records.iter().any(has_elr).then(|| {
            // Eligible leaders are only as good as the minimum they are measured by, so it is fixed for the whole cluster.
            let value = self.rules.static_topic_value("min.insync.replicas").unwrap_or_else(|| "1".to_string());
            let resource = ConfigResource::cluster_default();
            let name = "min.insync.replicas".to_string();
            ConfigRecord { resource_type: resource.kind.id(), resource_name: resource.name, name, value: Some(value) }.into()
        });
        let begin = BeginTransactionRecord { name: Some("Bootstrap records".to_string()) }.into();
        let end = EndTransactionRecord {}.into();
        Ok([begin].into_iter().chain(records).chain(min_isr).chain([end]).collect())
    }
}

struct Loaded {
    replay: Replay,
    /// The snapshot it began with, and its size.
    snapshot: Option<(SnapshotId, u64)>,
    /// Bytes of the log behind that.
    tail_bytes: u64,
}

/// The newest snapshot that can be read, and the log from there to its end.
fn load(disk: &dyn Disk, dir: &Path, log: &mut Log, now: Now) -> Result<Loaded, QuorumError> {
    if let Some(damage) = log.damage() {
        return Err(QuorumError::Damaged { offset: damage.offset, why: damage.reason.clone() });
    }
    let (mut replay, snapshot) = newest_snapshot(disk, dir, log.start_offset())?;
    if replay.next_offset > log.end_offset() {
        // The snapshot is ahead of its log: it was fetched from another voter, and the log goes on behind it.
        log.restart_at(now, replay.next_offset)?;
    }
    let mut tail_bytes = 0;
    let end = log.end_offset();
    while replay.next_offset < end {
        let slice = log.read(replay.next_offset, READ_BYTES, true, end)?;
        let nothing = || QuorumError::Damaged { offset: replay.next_offset, why: format!("nothing to read before the end at {end}") };
        let bytes = slice.ok_or_else(nothing)?.read()?;
        tail_bytes += bytes.len() as u64;
        take_all(&mut replay, &bytes)?;
    }
    replay.abort_if_open();
    Ok(Loaded { replay, snapshot, tail_bytes })
}

fn take_all(replay: &mut Replay, bytes: &[u8]) -> Result<(), QuorumError> {
    let from = replay.next_offset;
    for view in split(bytes) {
        let view = view.map_err(|e| QuorumError::batch(replay.next_offset, e))?;
        // A snapshot may end inside a batch only if Kafka is wrong about its own rules; a batch before it is simply behind us.
        if view.header.last_offset() >= replay.next_offset {
            replay.batch(&view)?;
        }
    }
    if replay.next_offset == from {
        return Err(QuorumError::Damaged { offset: from, why: "a batch is cut off".into() });
    }
    Ok(())
}

pub(super) fn newest_snapshot(disk: &dyn Disk, dir: &Path, log_start: Offset) -> Result<(Replay, Option<(SnapshotId, u64)>), QuorumError> {
    let mut first_error = None;
    for id in checkpoint::list(disk, dir)?.into_iter().rev().filter(|id| id.offset >= log_start) {
        let path = dir.join(id.file_name());
        match checkpoint::read(disk, &path) {
            Ok(Some(replay)) => {
                let size = disk.metadata(&path)?.map_or(0, |m| m.len);
                return Ok((replay.after_snapshot(id.offset, id.epoch), Some((id, size))));
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!("{error}; reading the metadata from an older one or from the log");
                first_error.get_or_insert(error);
            }
        }
    }
    match first_error {
        Some(error) if log_start > 0 => Err(error),
        _ if log_start > 0 => {
            let why = format!("the log starts at {log_start}, and no snapshot stands for what came before");
            Err(QuorumError::Damaged { offset: 0, why })
        }
        _ => Ok((Replay::new(), None)),
    }
}

/// This node must be the only voter: it could not commit alone otherwise.
pub(super) fn check_voters(node: NodeId, known: Option<&QuorumStateData>, voting: &Voting) -> Result<(), QuorumError> {
    let voters: Vec<NodeId> = match (&voting.voters, known) {
        (Some(voters), _) if voting.kraft_version > 0 => voters.voters.iter().map(|v| v.voter_id).collect(),
        (_, Some(known)) => known.current_voters.iter().flatten().map(|v| v.voter_id).collect(),
        _ => Vec::new(),
    };
    match voters.iter().all(|v| *v == node) {
        true => Ok(()),
        false => {
            Err(QuorumError::Unsupported(format!("the metadata quorum has the voters {voters:?}; only node {node} alone can serve it")))
        }
    }
}
