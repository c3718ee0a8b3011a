//! Topics and settings as a test wants them.

use std::collections::{BTreeMap, BTreeSet};

use kfk::machine::group::{ClusterView, GroupSettings, TopicInfo};
use kfk::types::Uuid;

#[derive(Clone, Debug, Default)]
pub struct FakeCluster {
    pub version: i64,
    pub topics: BTreeMap<String, TopicInfo>,
    pub settings: BTreeMap<String, GroupSettings>,
    /// Of every topic ever made, so that none gets the id of another.
    made: u8,
}

impl FakeCluster {
    /// Makes a topic, or a new one in place of the one of this name.
    pub fn create(&mut self, name: &str, partitions: i32) -> Uuid {
        self.made += 1;
        let id = Uuid([self.made; 16]);
        self.topics.insert(name.into(), TopicInfo { id, partitions });
        id
    }

    pub fn grow(&mut self, name: &str, partitions: i32) {
        self.topics.get_mut(name).unwrap().partitions = partitions;
    }

    pub fn delete(&mut self, name: &str) {
        self.topics.remove(name);
    }

    pub fn id(&self, name: &str) -> Uuid {
        self.topics[name].id
    }
}

impl ClusterView for FakeCluster {
    fn version(&self) -> i64 {
        self.version
    }

    fn topic(&self, name: &str) -> Option<TopicInfo> {
        self.topics.get(name).copied()
    }

    fn topic_name(&self, id: Uuid) -> Option<&str> {
        self.topics.iter().find(|(_, topic)| topic.id == id).map(|(name, _)| name.as_str())
    }

    fn racks(&self, _: &str, _: i32) -> Vec<String> {
        Vec::new()
    }

    fn check_regex(&self, regex: &str) -> Result<(), String> {
        regex::Regex::new(regex).map(drop).map_err(|error| error.to_string())
    }

    fn topics_matching(&self, regex: &str) -> BTreeSet<String> {
        let Ok(regex) = regex::Regex::new(&format!("^(?:{regex})$")) else { return BTreeSet::new() };
        self.topics.keys().filter(|name| regex.is_match(name)).cloned().collect()
    }

    fn group_settings(&self, group: &str) -> GroupSettings {
        self.settings.get(group).cloned().unwrap_or_default()
    }
}
