//! The coordinators of groups, one for each partition of the offsets topic.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;

use super::Broker;
use super::cluster::OFFSETS_TOPIC;
use super::shards::{Kind, ShardOf, Shards};
use crate::config::{BrokerConfig, ConsumerGroupSettings, DynamicConfig, ShareGroupSettings};
use crate::machine::controller::{Change, ConfigResource, ResourceKind};
use crate::machine::group::consumer::assign::ServerAssignor;
use crate::machine::group::{ConsumerGroupConfig, GroupAnswer, GroupConfig, GroupEvent, GroupShard, MigrationPolicy, ShareGroupConfig};
use crate::node::shard::Released;
use crate::rng::Rng;
use crate::types::{LeaderEpoch, TopicId};

/// All groups of this broker.
pub struct Groups {
    config: Mutex<GroupConfig>,
    pub shards: Shards<GroupShard>,
    rng: Mutex<Rng>,
}

impl Groups {
    pub fn new(config: &BrokerConfig, rng: Rng) -> Self {
        let commit_timeout_ms = u64::try_from(config.offsets_commit_timeout_ms).unwrap_or(0);
        Groups { config: Mutex::new(group_config(config)), shards: Shards::new(commit_timeout_ms), rng: Mutex::new(rng) }
    }
}

impl Kind for GroupShard {
    const TOPIC: &'static str = OFFSETS_TOPIC;
    const WHAT: &'static str = "groups";

    fn shards(broker: &Broker) -> &Shards<Self> {
        &broker.groups.shards
    }

    fn machine(broker: &Broker, _leader_epoch: LeaderEpoch) -> Self {
        let config = broker.groups.config.lock().clone();
        let mut machine = GroupShard::new(config, Rng::new(broker.groups.rng.lock().next_u64()));
        // Whoever changes the picture tells every shard that is listed; this one is about to be.
        machine.set_cluster(broker.image(), &[]);
        machine
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
        consumer: consumer_config(&config.group_consumer),
        share: share_config(&config.group_share),
        ..GroupConfig::default()
    }
}

fn consumer_config(settings: &ConsumerGroupSettings) -> ConsumerGroupConfig {
    ConsumerGroupConfig {
        session_timeout_ms: settings.session_timeout_ms,
        heartbeat_interval_ms: settings.heartbeat_interval_ms,
        max_size: usize::try_from(settings.max_size).unwrap_or(usize::MAX),
        assignors: settings.assignors.iter().filter_map(|name| ServerAssignor::from_name(name)).collect(),
        migration: MigrationPolicy::from_name(&settings.migration_policy),
        regex_refresh_interval_ms: settings.regex_refresh_interval_ms.into(),
        ..ConsumerGroupConfig::default()
    }
}

fn share_config(settings: &ShareGroupSettings) -> ShareGroupConfig {
    ShareGroupConfig {
        session_timeout_ms: settings.session_timeout_ms,
        heartbeat_interval_ms: settings.heartbeat_interval_ms,
        max_size: usize::try_from(settings.max_size).unwrap_or(usize::MAX),
        initialize_retry_ms: u64::try_from(settings.initialize_retry_interval_ms).unwrap_or(0),
        ..ShareGroupConfig::default()
    }
}

impl Broker {
    /// Takes over the settings of groups that may have changed.
    pub(super) fn configure_groups(&self, dynamic: &DynamicConfig) {
        let mut config = self.groups.config.lock();
        let intervals = (dynamic.group_consumer_assignment_interval_ms, dynamic.group_share_assignment_interval_ms);
        if (config.consumer.assignment_interval_ms, config.share.assignment_interval_ms) == intervals {
            return;
        }
        (config.consumer.assignment_interval_ms, config.share.assignment_interval_ms) = intervals;
        let new = config.clone();
        drop(config);
        self.groups.shards.tell_each(self, |_, shard| {
            shard.machine_mut().configure(new.clone());
            Vec::new()
        });
    }

    /// Shows all coordinators the newest picture of the cluster, if it is another one for groups. Changes have to be followed in their order.
    pub(super) fn groups_look(&self, changes: &[Change]) {
        let mut matters = false;
        let mut topics = BTreeSet::new();
        for change in changes {
            matters |= matches!(change, Change::Config(ConfigResource { kind: ResourceKind::Group, .. }) | Change::Broker(_));
            match change {
                Change::TopicCreated { name, .. }
                | Change::TopicDeleted { name, .. }
                | Change::PartitionCreated { name, .. }
                | Change::PartitionChanged { name, .. } => _ = topics.insert(name.to_string()),
                _ => {}
            }
        }
        if !matters && topics.is_empty() {
            return;
        }
        let image = self.image();
        let topics: Vec<String> = topics.into_iter().collect();
        self.groups.shards.tell_each(self, |now, shard| {
            shard.machine_mut().set_cluster(image.clone(), &topics);
            shard.committed(now)
        });
    }

    /// Tells all coordinators that topics are gone.
    pub fn groups_forget(&self, topics: &[(String, TopicId)]) {
        self.groups.shards.tell_each(self, |now, shard| shard.event(now, GroupEvent::TopicsDeleted(topics.to_vec())));
    }
}
