//! The share coordinators, one for each partition of the state topic.

use std::sync::Arc;

use tracing::error;

use super::super::Broker;
use super::super::cluster::SHARE_TOPIC;
use super::super::shards::{Kind, ShardOf, Shards};
use crate::machine::coordinator::{Context, Coordinator};
use crate::machine::share::state::{ShareAnswer, ShareEvent, ShareRequest, ShareShard};
use crate::node::shard::Released;
use crate::types::{LeaderEpoch, TopicId};
use crate::wire::ErrorCode;

impl Kind for ShareShard {
    const TOPIC: &'static str = SHARE_TOPIC;
    const WHAT: &'static str = "states of share groups";

    fn shards(broker: &Broker) -> &Shards<Self> {
        &broker.share.shards
    }

    fn machine(broker: &Broker, _leader_epoch: LeaderEpoch) -> Self {
        ShareShard::new(usize::try_from(broker.share.settings.updates_per_snapshot).unwrap_or(0))
    }

    /// Topics may have been deleted while nobody could tell this coordinator.
    fn loaded(broker: &Broker, shard: &mut ShardOf<Self>) -> Vec<Released<<Self as Coordinator>::Answer>> {
        let image = broker.image();
        let gone: Vec<TopicId> = shard.machine().topics().into_iter().filter(|id| image.topic_by_id(*id).is_none()).collect();
        if gone.is_empty() { Vec::new() } else { shard.event(broker.clock.now(), ShareEvent::TopicsDeleted(gone)) }
    }

    fn carry_out(_broker: &Arc<Broker>, _partition: i32, effect: Self::Effect) {
        match effect {}
    }
}

impl Broker {
    /// Asks the share coordinator of a partition; its topic is made if need be. May block.
    pub fn share_state(self: &Arc<Self>, body: ShareRequest) -> ShareAnswer {
        let key = body.key();
        if self.image().topic_by_id(key.topic).and_then(|t| t.partition(key.partition)).is_none() {
            return Err(ErrorCode::UnknownTopicOrPartition.into());
        }
        self.ensure_internal_topic(SHARE_TOPIC);
        let partition = self.partition_of::<ShareShard>(&key.coordinator_key()).ok_or(ErrorCode::CoordinatorNotAvailable)?;
        let asked = self.ask::<ShareShard>(partition, &Context::default(), None, body);
        asked.wait().unwrap_or(Err(ErrorCode::CoordinatorNotAvailable.into()))
    }

    /// Tells all share coordinators that topics are gone, and lets go of their partitions.
    pub fn share_forget(&self, topics: &[TopicId]) {
        self.share.shards.tell_each(self, |now, shard| shard.event(now, ShareEvent::TopicsDeleted(topics.to_vec())));
        self.share.parts.forget(|key| topics.contains(&key.topic));
    }

    /// Drops what later snapshots have made superfluous from the logs of share coordinators. May block.
    pub fn prune_share_states(&self) {
        let cold_ms = i64::from(self.share.settings.cold_snapshot_interval_ms);
        self.share.shards.tell_each(self, |now, shard| {
            let released = shard.event(now, ShareEvent::SnapshotCold { older_than: now.wall.0.saturating_sub(cold_ms) });
            // What a snapshot makes superfluous may go once the snapshot itself cannot be lost any more.
            if shard.is_committed()
                && let Some(needed) = shard.machine().first_needed()
                && let Err(code) = shard.log().drop_below(now, needed)
            {
                error!("a log of share groups cannot be pruned: {}", code.name());
            }
            released
        });
    }
}
