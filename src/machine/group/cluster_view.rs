//! What groups know of the cluster around them: topics, and the settings of single groups.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use twox_hash::xxhash3_64::Hasher as Xxh3;

use crate::types::TopicId;

/// A topic as far as it matters to groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicInfo {
    pub id: TopicId,
    /// They are numbered from 0.
    pub partitions: i32,
}

/// Settings of one group; `None`: the broker's setting counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupSettings {
    /// `consumer.session.timeout.ms`
    pub session_timeout_ms: Option<i32>,
    /// `consumer.heartbeat.interval.ms`
    pub heartbeat_interval_ms: Option<i32>,
    /// `consumer.assignment.interval.ms`
    pub assignment_interval_ms: Option<i32>,
    pub share: ShareSettings,
}

/// Those of a share group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShareSettings {
    /// `share.session.timeout.ms`
    pub session_timeout_ms: Option<i32>,
    /// `share.heartbeat.interval.ms`
    pub heartbeat_interval_ms: Option<i32>,
    /// `share.assignment.interval.ms`
    pub assignment_interval_ms: Option<i32>,
}

/// A picture of the cluster that does not change. When the cluster does, [`GroupShard`](super::GroupShard) is given another one.
pub trait ClusterView: Send + Sync {
    /// Grows from picture to picture.
    fn version(&self) -> i64;

    fn topic(&self, name: &str) -> Option<TopicInfo>;

    fn topic_name(&self, id: TopicId) -> Option<&str>;

    /// The racks of a partition's replicas, as far as they are known; in any order.
    fn racks(&self, topic: &str, partition: i32) -> Vec<String>;

    /// `Err` says what is wrong with a regular expression (RE2 syntax).
    fn check_regex(&self, regex: &str) -> Result<(), String>;

    /// The topics whose whole name matches; none if the expression is no good.
    fn topics_matching(&self, regex: &str) -> BTreeSet<String>;

    fn group_settings(&self, group: &str) -> GroupSettings;
}

/// A cluster without topics.
struct Nothing;

impl ClusterView for Nothing {
    fn version(&self) -> i64 {
        -1
    }

    fn topic(&self, _: &str) -> Option<TopicInfo> {
        None
    }

    fn topic_name(&self, _: TopicId) -> Option<&str> {
        None
    }

    fn racks(&self, _: &str, _: i32) -> Vec<String> {
        Vec::new()
    }

    fn check_regex(&self, _: &str) -> Result<(), String> {
        Ok(())
    }

    fn topics_matching(&self, _: &str) -> BTreeSet<String> {
        BTreeSet::new()
    }

    fn group_settings(&self, _: &str) -> GroupSettings {
        GroupSettings::default()
    }
}

/// The newest picture, and what was computed from it.
#[derive(Clone)]
pub(super) struct Cluster {
    view: Arc<dyn ClusterView>,
    /// Hashes of topics, by name.
    hashes: BTreeMap<String, i64>,
    /// The version that brought the newest topics: regular expressions that were resolved before have to be resolved again.
    newest_topics: i64,
}

impl Cluster {
    pub fn unknown() -> Self {
        Cluster { view: Arc::new(Nothing), hashes: BTreeMap::new(), newest_topics: -1 }
    }

    /// Takes another picture; `changed` names the topics that are new, gone, or not what they were.
    pub fn replace(&mut self, view: Arc<dyn ClusterView>, changed: &[String]) {
        let is_new = |name: &String| view.topic(name).is_some_and(|topic| self.view.topic(name).is_none_or(|known| known.id != topic.id));
        let has_new = changed.iter().any(is_new);
        if self.newest_topics < 0 || has_new {
            self.newest_topics = view.version();
        }
        changed.iter().for_each(|name| _ = self.hashes.remove(name));
        self.view = view;
    }

    pub fn newest_topics(&self) -> i64 {
        self.newest_topics
    }

    /// One number for all that matters of these topics; another one if a topic comes, goes, grows, or moves to other racks.
    /// Bit for bit Kafka's (xxh3 of the topics' hashes in the order of their names), for it stands in the log.
    pub fn hash<'a>(&mut self, topics: impl Iterator<Item = &'a str>) -> i64 {
        let names: BTreeSet<&str> = topics.collect();
        let hashes: Vec<u8> = names.into_iter().filter_map(|name| self.topic_hash(name)).flat_map(i64::to_le_bytes).collect();
        if hashes.is_empty() { 0 } else { signed(Xxh3::oneshot(&hashes)) }
    }

    fn topic_hash(&mut self, name: &str) -> Option<i64> {
        if let Some(hash) = self.hashes.get(name) {
            return Some(*hash);
        }
        let hash = topic_hash(&*self.view, name)?;
        self.hashes.insert(name.to_string(), hash);
        Some(hash)
    }
}

impl std::ops::Deref for Cluster {
    type Target = dyn ClusterView;

    fn deref(&self) -> &Self::Target {
        &*self.view
    }
}

/// The hash covers these bytes, numbers in little endian and strings as UTF-16:
///
/// ```text
/// 0: byte | id: two longs | name, length: int | partition count: int | for each partition: number: int | for each rack, sorted:
/// length: int | rack, length: int
/// ```
fn topic_hash(view: &dyn ClusterView, name: &str) -> Option<i64> {
    let topic = view.topic(name)?;
    let mut bytes = vec![0u8];
    let (most, least) = topic.id.0.split_at(8);
    bytes.extend(most.iter().rev().chain(least.iter().rev()));
    put_string(&mut bytes, name);
    bytes.extend(topic.partitions.to_le_bytes());
    for partition in 0..topic.partitions {
        bytes.extend(partition.to_le_bytes());
        let mut racks = view.racks(name, partition);
        racks.sort();
        for rack in &racks {
            bytes.extend(utf16_length(rack).to_le_bytes());
            put_string(&mut bytes, rack);
        }
    }
    Some(signed(Xxh3::oneshot(&bytes)))
}

fn put_string(bytes: &mut Vec<u8>, s: &str) {
    s.encode_utf16().for_each(|unit| bytes.extend(unit.to_le_bytes()));
    bytes.extend(utf16_length(s).to_le_bytes());
}

fn utf16_length(s: &str) -> u32 {
    u32::try_from(s.encode_utf16().count()).unwrap_or(u32::MAX)
}

/// The same bits.
fn signed(hash: u64) -> i64 {
    i64::from_le_bytes(hash.to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct One {
        name: &'static str,
        info: TopicInfo,
        racks: &'static [&'static str],
    }

    impl ClusterView for One {
        fn version(&self) -> i64 {
            1
        }
        fn topic(&self, name: &str) -> Option<TopicInfo> {
            (name == self.name).then_some(self.info)
        }
        fn topic_name(&self, _: TopicId) -> Option<&str> {
            Some(self.name)
        }
        fn racks(&self, _: &str, _: i32) -> Vec<String> {
            self.racks.iter().map(|r| r.to_string()).collect()
        }
        fn check_regex(&self, _: &str) -> Result<(), String> {
            Ok(())
        }
        fn topics_matching(&self, _: &str) -> BTreeSet<String> {
            BTreeSet::new()
        }
        fn group_settings(&self, _: &str) -> GroupSettings {
            GroupSettings::default()
        }
    }

    fn id_of(most: u64, least: u64) -> TopicId {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&most.to_be_bytes());
        bytes[8..].copy_from_slice(&least.to_be_bytes());
        crate::types::Uuid(bytes)
    }

    fn cluster(name: &'static str, id: TopicId, partitions: i32, racks: &'static [&'static str]) -> Cluster {
        let mut cluster = Cluster::unknown();
        cluster.replace(Arc::new(One { name, info: TopicInfo { id, partitions }, racks }), &[]);
        cluster
    }

    #[test]
    fn k10_topics_hash_as_in_kafka() {
        // The first one stands in a log that Kafka 4.3.1 wrote.
        let id = "Q4-GXiVhSf-K1ldDfk81DQ".parse().unwrap();
        let hash = |partitions| cluster("orders", id, partitions, &[]).hash(["orders", "unknown"].into_iter());
        assert_eq!([hash(1), hash(2), hash(3)], [-3998636032189532305, 4189709772118285569, 644208696469885991]);
        assert_eq!(cluster("orders", id, 1, &[]).hash(["unknown"].into_iter()), 0);

        let id = id_of(1, 2);
        let with_racks = cluster("grüße", id, 300, &["zürich", "a"]);
        assert_eq!(topic_hash(&*with_racks, "grüße"), Some(4160559343846327466));
    }

    #[test]
    fn k10_a_hash_is_computed_anew_when_its_topic_changed() {
        let id = id_of(1, 2);
        let mut cluster = cluster("t", id, 1, &[]);
        let before = cluster.hash(["t"].into_iter());
        let grown = || Arc::new(One { name: "t", info: TopicInfo { id, partitions: 2 }, racks: &[] });
        cluster.replace(grown(), &["t".to_string()]);
        assert_ne!(cluster.hash(["t"].into_iter()), before);
        assert_eq!(cluster.newest_topics(), 1);
    }
}
