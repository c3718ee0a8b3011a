//! The coordinators of groups, one for each partition of the offsets topic.

use std::sync::Arc;

use parking_lot::Mutex;

use super::Broker;
use super::cluster::OFFSETS_TOPIC;
use super::shards::{Kind, ShardOf, Shards};
use crate::config::BrokerConfig;
use crate::machine::group::{GroupAnswer, GroupConfig, GroupEvent, GroupShard};
use crate::node::shard::Released;
use crate::rng::Rng;
use crate::types::{LeaderEpoch, TopicId};

/// All groups of this broker.
pub struct Groups {
    config: GroupConfig,
    pub shards: Shards<GroupShard>,
    rng: Mutex<Rng>,
}

impl Groups {
    pub fn new(config: &BrokerConfig, rng: Rng) -> Self {
        let commit_timeout_ms = u64::try_from(config.offsets_commit_timeout_ms).unwrap_or(0);
        Groups { config: group_config(config), shards: Shards::new(commit_timeout_ms), rng: Mutex::new(rng) }
    }
}

impl Kind for GroupShard {
    const TOPIC: &'static str = OFFSETS_TOPIC;
    const WHAT: &'static str = "groups";

    fn shards(broker: &Broker) -> &Shards<Self> {
        &broker.groups.shards
    }

    fn machine(broker: &Broker, _leader_epoch: LeaderEpoch) -> Self {
        GroupShard::new(broker.groups.config.clone(), Rng::new(broker.groups.rng.lock().next_u64()))
    }

    /// Topics may have been deleted while nobody could tell this coordinator.
    fn loaded(broker: &Broker, shard: &mut ShardOf<Self>) -> Vec<Released<GroupAnswer>> {
        let image = broker.image();
        let topics = shard.machine().topics_with_offsets().into_iter();
        let gone: Vec<(String, TopicId)> = topics.filter(|(name, _)| image.topic(name).is_none()).collect();
        if gone.is_empty() {
            return Vec::new();
        }
        shard.event(broker.clock.now(), GroupEvent::TopicsDeleted(gone))
    }

    fn carry_out(_broker: &Arc<Broker>, _partition: i32, effect: Self::Effect) {
        match effect {}
    }
}

fn group_config(config: &BrokerConfig) -> GroupConfig {
    GroupConfig {
        min_session_timeout_ms: config.group_min_session_timeout_ms,
        max_session_timeout_ms: config.group_max_session_timeout_ms,
        initial_rebalance_delay_ms: u64::try_from(config.group_initial_rebalance_delay_ms).unwrap_or(0),
        max_size: usize::try_from(config.group_max_size).unwrap_or(usize::MAX),
        offset_metadata_max: usize::try_from(config.offset_metadata_max_bytes).unwrap_or(0),
        offsets_retention_ms: i64::from(config.offsets_retention_minutes) * 60_000,
        offsets_retention_check_interval_ms: u64::try_from(config.offsets_retention_check_interval_ms).unwrap_or(u64::MAX),
        ..GroupConfig::default()
    }
}

impl Broker {
    /// Tells all coordinators that topics are gone.
    pub fn groups_forget(&self, topics: &[(String, TopicId)]) {
        self.groups.shards.tell_each(self, |now, shard| shard.event(now, GroupEvent::TopicsDeleted(topics.to_vec())));
    }
}
