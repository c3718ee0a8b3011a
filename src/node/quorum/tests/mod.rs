//! A quorum on a disk in memory.

use std::path::Path;
use std::sync::Arc;

use crate::log::disk::Disk;
use crate::log::meta_properties::MetaProperties;
use crate::log::sim_disk::SimDisk;
use crate::log::{DirOptions, LogDir};
use crate::machine::controller::{ApiError, ClusterState, ConfigResource, ConfigRules, Options, Overrides, ResourceKind};
use crate::rng::Rng;
use crate::types::{MonoMs, Now, Uuid, WallMs};
use crate::wire::broker_registration_request::Listener;
use crate::wire::create_topics_request::{CreatableTopic, CreateTopicsRequest};
use crate::wire::create_topics_response::{CreatableTopicConfigs, CreateTopicsResponse};

use super::*;

mod crash;
mod fixture;
mod running;

/// Settings that allow everything.
pub struct Rules;

impl ConfigRules for Rules {
    fn validate(&self, _: &ConfigResource, _: &Overrides, _: &Overrides) -> Result<(), ApiError> {
        Ok(())
    }

    fn is_list(&self, _: ResourceKind, _: &str) -> bool {
        false
    }

    fn default_value(&self, _: ResourceKind, _: &str) -> Option<String> {
        None
    }

    fn static_topic_value(&self, key: &str) -> Option<String> {
        (key == "min.insync.replicas").then(|| "1".to_string())
    }

    fn topic_configs(&self, _: &ClusterState, _: &Overrides) -> Vec<CreatableTopicConfigs> {
        Vec::new()
    }
}

pub fn now() -> Now {
    Now { wall: WallMs(1_700_000_000_000), mono: MonoMs(0) }
}

pub fn root() -> &'static Path {
    Path::new("/")
}

pub fn log_dir() -> std::path::PathBuf {
    root().join("__cluster_metadata-0")
}

/// Everything from an empty or used disk to a broker at work.
pub fn start(disk: &SimDisk, seed: u64) -> Result<Quorum, QuorumError> {
    start_with(disk, seed, false)
}

pub fn start_with(disk: &SimDisk, seed: u64, clean: bool) -> Result<Quorum, QuorumError> {
    let mut quorum = open(disk, seed)?;
    let directory = MetaProperties::read(disk, root())?.and_then(|m| m.directory_id);
    let listener = Listener { name: "PLAINTEXT".into(), host: "localhost".into(), port: 9092, ..Default::default() };
    let node = NodeDescription { listeners: vec![listener], rack: None, log_dirs: directory.into_iter().collect() };
    quorum.start_node(now(), node, clean)?.response.unwrap();
    quorum.controller().check().unwrap();
    Ok(quorum)
}

pub fn log_dir_of(disk: &SimDisk) -> Result<LogDir, QuorumError> {
    Ok(LogDir::open(Arc::new(disk.clone()), root(), DirOptions { max_open_files: 100, ..DirOptions::default() })?)
}

pub fn open(disk: &SimDisk, seed: u64) -> Result<Quorum, QuorumError> {
    let mut rng = Rng::new(seed);
    let dir = log_dir_of(disk)?;
    let meta = format(&dir, Wanted { node: 1, cluster_id: None }, true, now(), &mut rng)?;
    let options = Options { node: 1, cluster_id: meta.cluster_id.unwrap_or_default(), ..Options::default() };
    Quorum::open(&dir, Setup { options, rules: Arc::new(Rules), rng }, now())
}

pub fn create(quorum: &mut Quorum, name: &str, partitions: i32) -> Result<CreateTopicsResponse, QuorumError> {
    Ok(quorum.submit(now(), &topic(name, partitions))?.response)
}

pub fn topic(name: &str, partitions: i32) -> CreateTopicsRequest {
    let topic = CreatableTopic { name: name.into(), num_partitions: partitions, replication_factor: 1, ..Default::default() };
    CreateTopicsRequest { topics: vec![topic], ..Default::default() }
}

pub fn names(quorum: &Quorum) -> Vec<String> {
    quorum.image().load().topics().map(|t| t.name.to_string()).collect()
}

/// The ids of all topics, to see that a topic is the same one.
pub fn ids(quorum: &Quorum) -> Vec<(String, Uuid)> {
    quorum.image().load().topics().map(|t| (t.name.to_string(), t.id)).collect()
}

pub fn as_disk(disk: &SimDisk) -> Arc<dyn Disk> {
    Arc::new(disk.clone())
}
