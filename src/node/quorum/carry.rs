//! Whether this version can serve what a directory's metadata says: asked before anything in the directory is changed, so that whoever wrote
//! it can still go on with it.

use std::path::Path;

use crate::log::disk::Disk;
use crate::log::meta_properties::MetaProperties;
use crate::log::names::{self, DirName};
use crate::machine::controller::ResourceKind;
use crate::machine::controller::features::{FEATURES, METADATA_VERSION, MetadataVersion};
use crate::machine::controller::state::directory;
use crate::types::{NodeId, TopicPartition, Uuid};

use super::error::QuorumError;
use super::format::cluster_metadata_partition;
use super::open::check_voters;
use super::survey::{Survey, survey};

/// Refuses by name what cannot be carried over from the directory. Changes nothing. A directory that is new or not there is fine.
pub fn preflight(disk: &dyn Disk, root: &Path, node: NodeId) -> Result<(), QuorumError> {
    let Some(properties) = MetaProperties::read(disk, root)? else { return refuse_used(disk, root) };
    properties.check(root, None, node)?;
    refuse_zookeeper(root, &properties)?;
    match survey(disk, root)? {
        Some(found) => found.carried_over(node, properties.directory_id),
        None => refuse_lost_metadata(disk, root),
    }
}

fn unsupported(text: String) -> Result<(), QuorumError> {
    Err(QuorumError::Unsupported(text))
}

pub(super) fn refuse_zookeeper(root: &Path, properties: &MetaProperties) -> Result<(), QuorumError> {
    match properties.version {
        0 => unsupported(format!("{} was written by a Kafka that kept its metadata in ZooKeeper", root.display())),
        _ => Ok(()),
    }
}

/// A directory that holds partitions but does not say whose they are has lost its `meta.properties`: formatting it anew would
/// make strangers of them.
pub(super) fn refuse_used(disk: &dyn Disk, root: &Path) -> Result<(), QuorumError> {
    match first_partition(disk, root)? {
        Some(partition) => Err(QuorumError::File {
            path: root.join(names::META_PROPERTIES),
            why: format!("it is missing although the directory holds {partition}; put it back from a copy"),
        }),
        None => Ok(()),
    }
}

/// Formatted, with partitions, and without the log that tells what they are: `metadata.log.dir` was another directory.
fn refuse_lost_metadata(disk: &dyn Disk, root: &Path) -> Result<(), QuorumError> {
    match first_partition(disk, root)? {
        Some(partition) => Err(QuorumError::File {
            path: root.join(cluster_metadata_partition().to_string()),
            why: format!("it is missing although the directory holds {partition}; is it in another metadata.log.dir?"),
        }),
        None => Ok(()),
    }
}

fn first_partition(disk: &dyn Disk, root: &Path) -> Result<Option<TopicPartition>, QuorumError> {
    let partitions = disk.list(root)?.into_iter().filter(|e| e.is_dir).filter_map(|e| match names::parse_dir(&e.name) {
        DirName::Partition(partition) => Some(partition),
        _ => None,
    });
    Ok(partitions.min())
}

impl Survey {
    /// Refuses what this version cannot do, by name.
    pub fn carried_over(&self, node: NodeId, directory_id: Option<Uuid>) -> Result<(), QuorumError> {
        check_voters(node, self.known.as_ref(), &self.voting)?;
        self.check_features()?;
        self.check_replicas(node, directory_id)?;
        self.check_tiered()
    }

    fn check_features(&self) -> Result<(), QuorumError> {
        for (name, level) in self.state.features() {
            match FEATURES.iter().find(|f| f.name == name) {
                Some(f) if (f.min..=f.max).contains(&level) || level == 0 => {}
                Some(f) if name == METADATA_VERSION => {
                    let (min, max) = (MetadataVersion(f.min).name(), MetadataVersion(f.max).name());
                    return unsupported(format!("metadata.version is {level}; this version knows {min} ({}) to {max} ({})", f.min, f.max));
                }
                Some(f) => return unsupported(format!("feature {name} is at level {level}; this version knows {} to {}", f.min, f.max)),
                None => return unsupported(format!("feature {name} is at level {level}, and this version does not know it")),
            }
        }
        Ok(())
    }

    /// All replicas must be on this node, in this directory.
    fn check_replicas(&self, node: NodeId, directory_id: Option<Uuid>) -> Result<(), QuorumError> {
        for topic in self.state.topics() {
            for (number, partition) in &topic.partitions {
                if let Some(other) = partition.replicas.iter().find(|r| **r != node) {
                    let name = format!("{}-{number}", topic.name);
                    return unsupported(format!("{name} has a replica on node {other}; only node {node} alone can serve this cluster"));
                }
                let elsewhere = |id: &&Uuid| !directory::is_reserved(**id) && directory_id != Some(**id);
                if let Some(id) = partition.directories.iter().find(elsewhere) {
                    let name = format!("{}-{number}", topic.name);
                    let own = directory_id.map_or("none".to_string(), |own| own.to_string());
                    return unsupported(format!(
                        "{name} is in directory {id}, and this one has the id {own}; only one directory in log.dirs is supported"
                    ));
                }
            }
        }
        Ok(())
    }

    /// Records that lie in a remote store cannot be read.
    fn check_tiered(&self) -> Result<(), QuorumError> {
        for (resource, overrides) in self.state.configs().filter(|(r, _)| r.kind == ResourceKind::Topic) {
            if overrides.get("remote.storage.enable").is_some_and(|v| v.eq_ignore_ascii_case("true")) {
                let name = &resource.name;
                return unsupported(format!("topic {name} has remote.storage.enable=true; tiered storage (KIP-405) is not supported"));
            }
        }
        Ok(())
    }

    /// What `quorum-state` says must fit the log. `clean`: after a clean stop it says the same.
    pub fn agrees_with_state_file(&self, node: NodeId, clean: bool) -> Result<(), String> {
        let Some(known) = &self.known else { return Ok(()) };
        if clean && known.leader_epoch != self.epoch {
            return Err(format!("leader epoch {} stands here, and {} in the log", known.leader_epoch, self.epoch));
        }
        for (what, id) in [("leader", known.leader_id), ("vote", known.voted_id)] {
            if id != -1 && id != node {
                return Err(format!("the {what} is said to be {id}, and this node is {node}"));
            }
        }
        Ok(())
    }
}
