//! Making a data directory: what Kafka's `storage format` does, done at the first start.
//!
//! A directory is formatted once `meta.properties` is there, which is written last. A crash before that leaves nothing that
//! the next start would not write again.

use std::path::Path;

use crate::log::disk::{Disk, Durable, replace_file};
use crate::log::meta_properties::MetaProperties;
use crate::log::{LogDir, names, partition_meta};
use crate::machine::controller::features::{MetadataVersion, bootstrap_records};
use crate::machine::controller::topics::CLUSTER_METADATA_TOPIC;
use crate::rng::Rng;
use crate::types::{NodeId, Now, TopicId, TopicPartition, Uuid, WallMs};

use super::carry::{refuse_used, refuse_zookeeper};
use super::checkpoint::{self, Snapshot};
use super::error::QuorumError;
use super::replay::Voting;

/// The id of the metadata log, as of a topic. Fixed by Kafka.
pub const CLUSTER_METADATA_ID: TopicId = Uuid([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);

/// The metadata log's only partition.
pub fn cluster_metadata_partition() -> TopicPartition {
    TopicPartition::new(CLUSTER_METADATA_TOPIC, 0)
}

/// To which cluster the directories of a node belong.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    pub node: NodeId,
    /// `None`: that of the directory, or of a new one a new id.
    pub cluster_id: Option<&'a str>,
}

/// Tells to whom a directory belongs, and formats it if it belongs to nobody yet (L13).
///
/// Only the directory that holds the metadata log gets what a new cluster begins with: `with_metadata`.
pub fn format(dir: &LogDir, wanted: Wanted<'_>, with_metadata: bool, now: Now, rng: &mut Rng) -> Result<MetaProperties, QuorumError> {
    let (disk, root) = (&**dir.disk(), dir.root());
    if let Some(mut known) = MetaProperties::read(disk, root)? {
        known.check(root, wanted.cluster_id, wanted.node)?;
        refuse_zookeeper(root, &known)?;
        if known.directory_id.is_none() {
            known.directory_id = Some(rng.uuid());
            known.write(disk, root)?;
        }
        return Ok(known);
    }
    refuse_used(disk, root)?;
    if with_metadata {
        write_bootstrap(disk, root, now)?;
    }
    let cluster_id = wanted.cluster_id.map_or_else(|| rng.uuid().to_string(), str::to_string);
    let new = MetaProperties::new(&cluster_id, wanted.node, rng.uuid());
    new.write(disk, root)?;
    Ok(new)
}

fn write_bootstrap(disk: &dyn Disk, root: &Path, now: Now) -> Result<(), QuorumError> {
    let snapshot = Snapshot {
        records: bootstrap_records().into_iter(),
        voting: &Voting::default(),
        version: MetadataVersion::LATEST,
        last_time: WallMs(0),
        epoch: 0,
        now: now.wall,
    };
    // The name is synced with that of `meta.properties`. Should only the latter survive, the same records are taken from the code.
    checkpoint::write_whole(disk, &root.join(checkpoint::BOOTSTRAP), snapshot).map(drop)
}

/// Makes the directory of the metadata log durably, with the id that every partition's directory carries: the log must be known
/// for what it is whatever part of its first batches survives a power loss.
pub(super) fn make_metadata_dir(disk: &dyn Disk, root: &Path) -> Result<(), QuorumError> {
    let dir = root.join(cluster_metadata_partition().to_string());
    let path = dir.join(names::PARTITION_METADATA);
    let known = match disk.metadata(&dir)? {
        Some(_) => disk.metadata(&path)?.is_some_and(|m| m.len > 0),
        None => {
            disk.create_dir(&dir)?;
            false
        }
    };
    if !known {
        disk.sync_dir(root)?;
        replace_file(disk, &path, &partition_meta::encode(CLUSTER_METADATA_ID), Durable::Yes)?;
    }
    Ok(())
}
