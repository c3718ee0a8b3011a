//! The state as the shortest list of records that builds it again: what a snapshot holds, in Kafka's order.

use crate::wire::config_record::ConfigRecord;
use crate::wire::feature_level_record::FeatureLevelRecord;
use crate::wire::producer_ids_record::ProducerIdsRecord;
use crate::wire::register_broker_record::RegisterBrokerRecord;
use crate::wire::topic_record::TopicRecord;

use super::features::METADATA_VERSION;
use super::record::MetadataRecord;
use super::state::{Broker, ClusterState, Topic};

impl ClusterState {
    /// Records that rebuild this state when applied in order to an empty one (Q4). `metadata.version` comes first because it
    /// decides how the rest is read.
    pub fn records(&self) -> impl Iterator<Item = MetadataRecord> + '_ {
        self.feature_records()
            .chain(self.kept.zk_migration())
            .chain(self.brokers.values().map(|b| broker_record(b).into()))
            .chain(self.controllers.values().cloned().map(MetadataRecord::from))
            .chain(self.topics.values().flat_map(|t| topic_records(t)))
            .chain(self.config_records())
            .chain(self.kept.quotas())
            .chain(self.producer_id_record())
            .chain(self.kept.security())
    }

    fn feature_records(&self) -> impl Iterator<Item = MetadataRecord> + '_ {
        let version = self.features.get_key_value(METADATA_VERSION).into_iter();
        let rest = self.features.iter().filter(|(name, _)| *name != METADATA_VERSION);
        version.chain(rest).map(|(name, level)| FeatureLevelRecord { name: name.clone(), feature_level: *level }.into())
    }

    fn config_records(&self) -> impl Iterator<Item = MetadataRecord> + '_ {
        self.configs.iter().flat_map(|(resource, overrides)| {
            overrides.iter().map(|(key, value)| {
                MetadataRecord::from(ConfigRecord {
                    resource_type: resource.kind.id(),
                    resource_name: resource.name.clone(),
                    name: key.clone(),
                    value: Some(value.clone()),
                })
            })
        })
    }

    fn producer_id_record(&self) -> Option<MetadataRecord> {
        let ids = ProducerIdsRecord { broker_id: -1, broker_epoch: -1, next_producer_id: self.next_producer_id };
        (self.next_producer_id > 0).then(|| ids.into())
    }
}

fn topic_records(topic: &Topic) -> impl Iterator<Item = MetadataRecord> + '_ {
    let head = TopicRecord { name: topic.name.to_string(), topic_id: topic.id };
    let partitions = topic.partitions.iter().map(|(number, partition)| partition.to_record(topic.id, *number).into());
    std::iter::once(MetadataRecord::from(head)).chain(partitions)
}

fn broker_record(broker: &Broker) -> RegisterBrokerRecord {
    RegisterBrokerRecord {
        broker_id: broker.id,
        is_migrating_zk_broker: broker.migrating_zk,
        incarnation_id: broker.incarnation,
        broker_epoch: broker.epoch,
        end_points: broker.endpoints.clone(),
        features: broker.features.clone(),
        rack: broker.rack.clone(),
        fenced: broker.fenced,
        in_controlled_shutdown: broker.in_controlled_shutdown,
        log_dirs: broker.log_dirs.clone(),
        cordoned_log_dirs: broker.cordoned_log_dirs.clone(),
    }
}
