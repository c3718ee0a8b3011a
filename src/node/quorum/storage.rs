//! Formatting a directory as somebody asks for it in detail, for kfk or for Kafka: what Kafka's `storage format` writes.
//!
//! ```text
//! bootstrap.checkpoint                                                 levels of features and SCRAM users that the cluster begins with
//! __cluster_metadata-0/00000000000000000000-0000000000.checkpoint      the voters, if they do not stand in the configuration
//! meta.properties                                                      whose the directory is; written last
//! ```

use std::path::Path;

use crate::log::disk::{Disk, RealDisk};
use crate::log::meta_properties::MetaProperties;
use crate::machine::controller::MetadataRecord;
use crate::machine::controller::features::MetadataVersion;
use crate::types::{NodeId, Uuid, WallMs};
use crate::wire::feature_level_record::FeatureLevelRecord;
use crate::wire::user_scram_credential_record::UserScramCredentialRecord;
use crate::wire::voters_record::{Endpoint, KRaftVersionFeature, Voter, VotersRecord};

use super::carry::refuse_used;
use super::checkpoint::{self, Snapshot, SnapshotId};
use super::error::QuorumError;
use super::format::cluster_metadata_partition;
use super::replay::Voting;

pub use crate::machine::controller::features::{ELR_VERSION, KRAFT_VERSION, METADATA_VERSION};

/// A controller that is a voter from the beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstVoter {
    pub id: NodeId,
    pub host: String,
    pub port: u16,
    pub directory: Uuid,
}

/// What the directories of a node begin with.
#[derive(Clone, Debug)]
pub struct Formatting {
    pub cluster_id: String,
    pub node: NodeId,
    /// The level of `metadata.version`, in which everything is written.
    pub version: i16,
    /// All features with a level above 0, `metadata.version` first.
    pub features: Vec<(String, i16)>,
    pub users: Vec<UserScramCredentialRecord>,
    /// The voters, if they stand in the log, and the name of their listener.
    pub voters: Option<(Vec<FirstVoter>, String)>,
}

impl Formatting {
    /// Formats `root`, which must exist, with the id `directory`. `holds_metadata`: the metadata log will be in it.
    ///
    /// Errors: it holds partitions already; it cannot be written.
    pub fn write(&self, root: &Path, directory: Uuid, holds_metadata: bool, now: WallMs) -> Result<(), QuorumError> {
        self.write_on(&RealDisk, root, directory, holds_metadata, now)
    }

    fn write_on(&self, disk: &dyn Disk, root: &Path, directory: Uuid, holds_metadata: bool, now: WallMs) -> Result<(), QuorumError> {
        refuse_used(disk, root)?;
        let version = MetadataVersion(self.version);
        let level = |(name, level): &(String, i16)| FeatureLevelRecord { name: name.clone(), feature_level: *level }.into();
        let users = self.users.iter().cloned().map(MetadataRecord::from);
        let records = self.features.iter().map(level).chain(users);
        let voting = Voting::default();
        let bootstrap = Snapshot { records, voting: &voting, version, last_time: WallMs(0), epoch: 0, now };
        checkpoint::write(disk, &root.join(checkpoint::BOOTSTRAP), bootstrap)?;
        if let Some((voters, listener)) = self.voters.as_ref().filter(|_| holds_metadata) {
            let dir = root.join(cluster_metadata_partition().to_string());
            if disk.metadata(&dir)?.is_none() {
                disk.create_dir(&dir)?;
                disk.sync_dir(root)?;
            }
            let voting = Voting { kraft_version: 1, voters: Some(record(voters, listener)) };
            let first = Snapshot { records: std::iter::empty(), voting: &voting, version, last_time: now, epoch: 0, now };
            checkpoint::write(disk, &dir.join(SnapshotId { offset: 0, epoch: 0 }.file_name()), first)?;
        }
        Ok(MetaProperties::new(&self.cluster_id, self.node, directory).write(disk, root)?)
    }
}

fn record(voters: &[FirstVoter], listener: &str) -> VotersRecord {
    let voter = |v: &FirstVoter| Voter {
        voter_id: v.id,
        voter_directory_id: v.directory,
        endpoints: vec![Endpoint { name: listener.to_string(), host: v.host.clone(), port: v.port }],
        kraft_version_feature: KRaftVersionFeature { min_supported_version: 0, max_supported_version: 1 },
    };
    VotersRecord { version: 0, voters: voters.iter().map(voter).collect() }
}

#[cfg(test)]
mod tests {
    use crate::log::sim_disk::SimDisk;

    use super::*;

    #[test]
    fn voters_and_levels_are_found_again() {
        let disk = SimDisk::new();
        let root = Path::new("/");
        let voter = FirstVoter { id: 1, host: "h".into(), port: 9093, directory: Uuid([7; 16]) };
        let formatting = Formatting {
            cluster_id: "c".into(),
            node: 1,
            version: 29,
            features: vec![(METADATA_VERSION.to_string(), 29), ("group.version".to_string(), 1)],
            users: vec![],
            voters: Some((vec![voter], "CONTROLLER".into())),
        };
        formatting.write_on(&disk, root, Uuid([7; 16]), true, WallMs(5)).unwrap();
        let begun = checkpoint::read(&disk, &root.join(checkpoint::BOOTSTRAP)).unwrap().unwrap();
        assert_eq!((begun.state.feature("group.version"), begun.state.metadata_version()), (1, MetadataVersion(29)));
        let first =
            checkpoint::read(&disk, Path::new("/__cluster_metadata-0/00000000000000000000-0000000000.checkpoint")).unwrap().unwrap();
        assert_eq!((first.voting.kraft_version, first.time), (1, WallMs(5)));
        assert_eq!(first.voting.voters.unwrap().voters[0].endpoints[0].port, 9093);
        let properties = MetaProperties::read(&disk, root).unwrap().unwrap();
        assert_eq!(properties, MetaProperties::new("c", 1, Uuid([7; 16])));
    }
}
