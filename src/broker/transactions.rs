//! The coordinators of transactions, one for each partition of the transaction topic, and the markers they have written.

use std::sync::Arc;

use parking_lot::Mutex;
use tracing::{error, warn};

use super::Broker;
use super::cluster::{OFFSETS_TOPIC, TRANSACTION_TOPIC};
use super::hosted::Hosted;
use super::shards::{Kind, ShardOf, Shards};
use crate::config::BrokerConfig;
use crate::machine::controller::{ClusterState, Topic};
use crate::machine::coordinator::Marker;
use crate::machine::group::GroupShard;
use crate::machine::txn::{MarkerOutcome, TxnConfig, TxnEffect, TxnEvent, TxnRequest, TxnShard, WriteMarkers};
use crate::node::transactions::EndMarker;
use crate::types::{LeaderEpoch, Now, Offset, TopicPartition};
use crate::wire::ErrorCode;

/// The feature that says how transactions are ended.
const TRANSACTION_VERSION: &str = "transaction.version";

/// All transactions of this broker.
pub struct Transactions {
    config: TxnConfig,
    pub shards: Shards<TxnShard>,
}

impl Transactions {
    pub fn new(config: &BrokerConfig) -> Self {
        // Kafka gives an append the transaction's own timeout, which is at most this.
        let commit_timeout_ms = u64::try_from(config.transaction_max_timeout_ms).unwrap_or(0);
        Transactions { config: txn_config(config), shards: Shards::new(commit_timeout_ms) }
    }
}

fn txn_config(config: &BrokerConfig) -> TxnConfig {
    let ms = |ms: i32| u64::try_from(ms).unwrap_or(u64::MAX);
    TxnConfig {
        max_timeout_ms: config.transaction_max_timeout_ms,
        timeout_check_interval_ms: ms(config.transaction_abort_timed_out_transaction_cleanup_interval_ms),
        id_expiration_ms: config.transactional_id_expiration_ms.into(),
        expiry_check_interval_ms: ms(config.transaction_remove_expired_transaction_cleanup_interval_ms),
        ..TxnConfig::default()
    }
}

impl Kind for TxnShard {
    const TOPIC: &'static str = TRANSACTION_TOPIC;
    const WHAT: &'static str = "transactions";

    fn shards(broker: &Broker) -> &Shards<Self> {
        &broker.transactions.shards
    }

    fn machine(broker: &Broker, leader_epoch: LeaderEpoch) -> Self {
        TxnShard::new(broker.txn_config(&broker.image()), leader_epoch)
    }

    /// What ends a transaction writes to all its partitions, which should be open; what takes a producer id should find one.
    fn is_quick(broker: &Broker, shard: &ShardOf<Self>, body: &TxnRequest) -> bool {
        let Some(id) = body.transactional_id().filter(|_| body.may_take_producer_id()) else { return true };
        let image = broker.image();
        let is_open = |p: &TopicPartition| broker.hosted(&image, p).is_none_or(|hosted| hosted.is_open());
        let ready = shard.machine().get(id).is_none_or(|txn| txn.partitions.iter().all(is_open));
        ready && (!shard.machine().wants_producer_ids() || broker.producer_ids.has_one())
    }

    fn prepare(broker: &Arc<Broker>, shard: &Mutex<ShardOf<Self>>, body: Option<&TxnRequest>) {
        if body.is_some_and(|body| !body.may_take_producer_id()) || !shard.lock().machine().wants_producer_ids() {
            return;
        }
        match broker.next_producer_id() {
            Ok(first) => {
                // Ids change nothing that anyone waits for.
                shard.lock().event(broker.clock.now(), TxnEvent::ProducerIds { first, count: 1 });
            }
            Err(code) => warn!("there is no producer id for a transaction: {}", code.name()),
        }
    }

    fn carry_out(broker: &Arc<Broker>, partition: i32, effect: TxnEffect) {
        let TxnEffect::WriteMarkers(job) = effect;
        let marker = marker_of(&job);
        let write = |p: TopicPartition| {
            let outcome = broker.write_marker(&p, &marker);
            (p, outcome)
        };
        let results = job.partitions.into_iter().map(write).collect();
        broker.tell::<TxnShard>(partition, TxnEvent::Markers { transactional_id: job.transactional_id, job: job.job, results });
    }
}

fn marker_of(job: &WriteMarkers) -> EndMarker {
    EndMarker {
        producer_id: job.producer_id,
        producer_epoch: job.producer_epoch,
        coordinator_epoch: job.coordinator_epoch,
        commit: job.commit,
        version: job.version.0,
    }
}

impl Hosted {
    /// Writes the end of a transaction; gives the marker's offset once that is committed. May block.
    pub fn end_transaction(&self, broker: &Arc<Broker>, now: Now, marker: &EndMarker) -> Result<Offset, ErrorCode> {
        let (offset, moved) = self.with_open(broker, |p| p.append_marker(now, marker))??;
        self.waiting.arrived(moved.bytes, |reader| moved.shows_more_to(reader));
        // Whoever calls may hold the coordinator that waits for this partition, so that one is not told: it looks for itself.
        self.sync(now).map_err(|e| {
            error!("a marker in {} cannot be synced: {e}", self.name());
            ErrorCode::KafkaStorageError
        })?;
        let committed = self.if_open(|p| p.offsets().high_watermark()).unwrap_or(0);
        // It may be committed later; to write it again does no harm.
        if offset < committed { Ok(offset) } else { Err(ErrorCode::RequestTimedOut) }
    }
}

impl Broker {
    fn txn_config(&self, image: &ClusterState) -> TxnConfig {
        let level = image.features().find(|(name, _)| *name == TRANSACTION_VERSION).map_or(0, |(_, level)| level);
        TxnConfig { transaction_version: level, ..self.transactions.config.clone() }
    }

    /// Features may have changed: coordinators go by their levels.
    pub fn configure_transactions(&self) {
        let config = self.txn_config(&self.image());
        self.transactions.shards.tell_each(self, |_, shard| {
            shard.machine_mut().configure(config.clone());
            Vec::new()
        });
    }

    fn hosted(&self, image: &ClusterState, partition: &TopicPartition) -> Option<Arc<Hosted>> {
        let topic = image.topic(&partition.topic)?;
        self.partitions.get(topic, partition.partition).ok()
    }

    fn write_marker(self: &Arc<Self>, partition: &TopicPartition, marker: &EndMarker) -> MarkerOutcome {
        let image = self.image();
        let Some(topic) = image.topic(&partition.topic).filter(|t| t.partition(partition.partition).is_some()) else {
            return MarkerOutcome::Gone;
        };
        match self.end_transaction(topic, partition.partition, marker) {
            Ok(()) => MarkerOutcome::Written,
            Err(code) => {
                warn!("the marker of producer {} for {partition} is not written: {}", marker.producer_id, code.name());
                MarkerOutcome::Failed(code)
            }
        }
    }

    /// Writes a marker to a partition of this broker. May block.
    pub fn end_transaction(self: &Arc<Self>, topic: &Topic, index: i32, marker: &EndMarker) -> Result<(), ErrorCode> {
        let now = self.clock.now();
        if &*topic.name != OFFSETS_TOPIC {
            return self.partitions.get(topic, index)?.end_transaction(self, now, marker).map(drop);
        }
        // What groups committed in the transaction becomes visible, or goes.
        let shard = self.shard::<GroupShard>(index).map_err(|_| ErrorCode::NotLeaderOrFollower)?;
        let ends = Marker { producer_id: marker.producer_id, committed: marker.commit };
        let ended = shard.lock().end_transaction(now, ends, |log| log.append_marker(now, marker));
        match ended {
            Ok(released) => {
                self.groups.shards.deliver(released, None);
                Ok(())
            }
            Err(ErrorCode::CoordinatorLoadInProgress | ErrorCode::CoordinatorNotAvailable | ErrorCode::NotCoordinator) => {
                Err(ErrorCode::NotLeaderOrFollower)
            }
            Err(code) => Err(code),
        }
    }
}
