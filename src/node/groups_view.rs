//! The picture of the cluster as groups look at it.

use std::collections::BTreeSet;

use super::image::Image;
use super::topic_regex;
use crate::machine::controller::{ConfigResource, ResourceKind};
use crate::machine::group::{ClusterView, GroupSettings, ShareSettings, TopicInfo};
use crate::types::TopicId;

impl ClusterView for Image {
    fn version(&self) -> i64 {
        self.offset()
    }

    fn topic(&self, name: &str) -> Option<TopicInfo> {
        self.state().topic(name).map(|topic| TopicInfo { id: topic.id, partitions: topic.partition_count() })
    }

    fn topic_name(&self, id: TopicId) -> Option<&str> {
        self.topic_by_id(id).map(|topic| &*topic.name)
    }

    fn racks(&self, topic: &str, partition: i32) -> Vec<String> {
        let replicas = self.partition(topic, partition).map(|p| p.replicas.as_slice()).unwrap_or_default();
        replicas.iter().filter_map(|id| self.broker(*id)?.rack.clone()).collect()
    }

    fn check_regex(&self, regex: &str) -> Result<(), String> {
        topic_regex::compile(regex).map(drop)
    }

    fn topics_matching(&self, regex: &str) -> BTreeSet<String> {
        let Ok(regex) = topic_regex::compile(regex) else { return BTreeSet::new() };
        self.topics().map(|topic| &*topic.name).filter(|name| regex.is_match(name)).map(str::to_string).collect()
    }

    fn group_settings(&self, group: &str) -> GroupSettings {
        let Some(values) = self.config(&ConfigResource::new(ResourceKind::Group, group)) else { return GroupSettings::default() };
        // They were checked when they were set.
        let number = |name: &str| values.get(name).and_then(|value| value.trim().parse().ok());
        GroupSettings {
            session_timeout_ms: number("consumer.session.timeout.ms"),
            heartbeat_interval_ms: number("consumer.heartbeat.interval.ms"),
            assignment_interval_ms: number("consumer.assignment.interval.ms"),
            share: ShareSettings {
                session_timeout_ms: number("share.session.timeout.ms"),
                heartbeat_interval_ms: number("share.heartbeat.interval.ms"),
                assignment_interval_ms: number("share.assignment.interval.ms"),
            },
        }
    }
}
