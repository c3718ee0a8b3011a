//! The only place where cluster state changes: one metadata record at a time, live and when loading alike.

use std::sync::Arc;

use crate::types::{NodeId, Offset, TopicId};
use crate::wire::broker_registration_change_record::BrokerRegistrationChangeRecord;
use crate::wire::config_record::ConfigRecord;
use crate::wire::partition_change_record::PartitionChangeRecord;
use crate::wire::partition_record::PartitionRecord;
use crate::wire::register_broker_record::RegisterBrokerRecord;
use crate::wire::topic_record::TopicRecord;

use super::record::MetadataRecord;
use super::state::{Broker, ClusterState, ConfigResource, Partition, ResourceKind, Topic, directory};
use super::topics::unify;

/// What a record changed, for those who keep something per topic or per resource. Details are in the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    TopicCreated {
        id: TopicId,
        name: Arc<str>,
    },
    /// The topic is gone, and its configuration with it.
    TopicDeleted {
        id: TopicId,
        name: Arc<str>,
        partitions: Vec<i32>,
    },
    PartitionCreated {
        id: TopicId,
        name: Arc<str>,
        partition: i32,
    },
    /// Leader, ISR, replicas or an epoch of a partition are others now.
    PartitionChanged {
        id: TopicId,
        name: Arc<str>,
        partition: i32,
    },
    Config(ConfigResource),
    Broker(NodeId),
    Controller(NodeId),
    Feature(String),
    /// Producer ids below this one are handed out.
    ProducerIds {
        next: i64,
    },
    /// Quotas, credentials, access rules, tokens.
    Kept,
}

/// A record that contradicts the records before it: the log is damaged, or not ours to read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    #[error("topic {name} is created a second time")]
    DuplicateTopic { name: String },
    #[error("{record} names topic id {id}, which does not exist")]
    UnknownTopicId { record: &'static str, id: TopicId },
    #[error("{record} names topic {name}, which does not exist")]
    UnknownTopic { record: &'static str, name: String },
    #[error("partition {partition} of topic {name} does not exist")]
    UnknownPartition { name: Arc<str>, partition: i32 },
    #[error("partition {partition} of topic {name} has {replicas} replica(s) but {directories} directories")]
    Directories { name: Arc<str>, partition: i32, replicas: usize, directories: usize },
    #[error("{record} names broker {id} at epoch {epoch}, which is not registered")]
    UnknownBroker { record: &'static str, id: NodeId, epoch: i64 },
    #[error("{record} carries the unknown value {value} for {field}")]
    BadValue { record: &'static str, field: &'static str, value: i64 },
    #[error("a metadata transaction {0} where none may")]
    Transaction(&'static str),
}

impl ClusterState {
    /// Takes in the record at `offset` and adds to `changes` what it changed. On an error the state is as before.
    pub fn apply(&mut self, record: &MetadataRecord, offset: Offset, changes: &mut Vec<Change>) -> Result<(), ApplyError> {
        match record {
            MetadataRecord::ClearElr(clear) => self.clear_elr(&clear.topic_name, changes)?,
            _ => changes.extend(self.apply_one(record, offset)?),
        }
        self.offset = offset;
        Ok(())
    }

    /// Every kind that changes at most one thing.
    fn apply_one(&mut self, record: &MetadataRecord, offset: Offset) -> Result<Option<Change>, ApplyError> {
        let change = match record {
            MetadataRecord::Topic(topic) => self.add_topic(topic)?,
            MetadataRecord::Partition(partition) => self.add_partition(partition)?,
            MetadataRecord::PartitionChange(change) => self.change_partition(change)?,
            MetadataRecord::RemoveTopic(gone) => self.remove_topic(gone.topic_id)?,
            MetadataRecord::Config(config) => self.set_config(config),
            MetadataRecord::RegisterBroker(broker) => self.register_broker(broker, offset),
            MetadataRecord::UnregisterBroker(gone) => {
                self.known_broker("UnregisterBrokerRecord", gone.broker_id, gone.broker_epoch)?;
                Arc::make_mut(&mut self.brokers).remove(&gone.broker_id);
                Change::Broker(gone.broker_id)
            }
            MetadataRecord::BrokerRegistrationChange(change) => self.change_broker(change)?,
            MetadataRecord::FenceBroker(fence) => self.set_fenced("FenceBrokerRecord", fence.id, fence.epoch, true)?,
            MetadataRecord::UnfenceBroker(unfence) => self.set_fenced("UnfenceBrokerRecord", unfence.id, unfence.epoch, false)?,
            MetadataRecord::RegisterController(controller) => {
                Arc::make_mut(&mut self.controllers).insert(controller.controller_id, controller.clone());
                Change::Controller(controller.controller_id)
            }
            MetadataRecord::FeatureLevel(feature) => {
                let features = Arc::make_mut(&mut self.features);
                match feature.feature_level {
                    0 => features.remove(&feature.name),
                    level => features.insert(feature.name.clone(), level),
                };
                Change::Feature(feature.name.clone())
            }
            MetadataRecord::ProducerIds(ids) => {
                self.next_producer_id = self.next_producer_id.max(ids.next_producer_id);
                Change::ProducerIds { next: self.next_producer_id }
            }
            MetadataRecord::NoOp(_) | MetadataRecord::ClearElr(_) => return Ok(None),
            // Whoever reads the log decides what a transaction spans; here each record stands alone.
            MetadataRecord::BeginTransaction(_) | MetadataRecord::EndTransaction(_) | MetadataRecord::AbortTransaction(_) => {
                return Ok(None);
            }
            MetadataRecord::ClientQuota(_)
            | MetadataRecord::UserScramCredential(_)
            | MetadataRecord::RemoveUserScramCredential(_)
            | MetadataRecord::AccessControlEntry(_)
            | MetadataRecord::RemoveAccessControlEntry(_)
            | MetadataRecord::DelegationToken(_)
            | MetadataRecord::RemoveDelegationToken(_)
            | MetadataRecord::ZkMigrationState(_) => {
                Arc::make_mut(&mut self.kept).apply(record);
                Change::Kept
            }
        };
        Ok(Some(change))
    }

    fn add_topic(&mut self, record: &TopicRecord) -> Result<Change, ApplyError> {
        if self.names.contains_key(record.name.as_str()) || self.topics.contains_key(&record.topic_id) {
            return Err(ApplyError::DuplicateTopic { name: record.name.clone() });
        }
        let name: Arc<str> = Arc::from(record.name.as_str());
        let topic = Topic { name: name.clone(), id: record.topic_id, partitions: Default::default() };
        Arc::make_mut(&mut self.topics).insert(record.topic_id, Arc::new(topic));
        Arc::make_mut(&mut self.names).insert(name.clone(), record.topic_id);
        if let Some(unified) = unify(&name) {
            Arc::make_mut(&mut self.unified_names).entry(unified).or_default().insert(name.clone());
        }
        Ok(Change::TopicCreated { id: record.topic_id, name })
    }

    fn remove_topic(&mut self, id: TopicId) -> Result<Change, ApplyError> {
        let Some(topic) = Arc::make_mut(&mut self.topics).remove(&id) else {
            return Err(ApplyError::UnknownTopicId { record: "RemoveTopicRecord", id });
        };
        Arc::make_mut(&mut self.names).remove(&topic.name);
        if let Some(unified) = unify(&topic.name) {
            let all = Arc::make_mut(&mut self.unified_names);
            if let Some(alike) = all.get_mut(&unified) {
                alike.remove(&topic.name);
                if alike.is_empty() {
                    all.remove(&unified);
                }
            }
        }
        let resource = ConfigResource::topic(topic.name.as_ref());
        if self.configs.contains_key(&resource) {
            Arc::make_mut(&mut self.configs).remove(&resource);
        }
        Ok(Change::TopicDeleted { id, name: topic.name.clone(), partitions: topic.partitions.keys().copied().collect() })
    }

    /// The topic, ready to be changed: copied first if a reader still holds it.
    fn topic_mut(&mut self, record: &'static str, id: TopicId) -> Result<&mut Topic, ApplyError> {
        match Arc::make_mut(&mut self.topics).get_mut(&id) {
            Some(topic) => Ok(Arc::make_mut(topic)),
            None => Err(ApplyError::UnknownTopicId { record, id }),
        }
    }

    fn add_partition(&mut self, record: &PartitionRecord) -> Result<Change, ApplyError> {
        let number = record.partition_id;
        let topic = self.topic_mut("PartitionRecord", record.topic_id)?;
        let partition = Partition {
            replicas: record.replicas.clone(),
            directories: checked_directories(&topic.name, number, record.replicas.len(), &record.directories)?,
            isr: record.isr.clone(),
            elr: record.eligible_leader_replicas.clone().unwrap_or_default(),
            last_known_elr: record.last_known_elr.clone().unwrap_or_default(),
            removing: record.removing_replicas.clone(),
            adding: record.adding_replicas.clone(),
            leader: record.leader,
            recovering: recovery_state("PartitionRecord", record.leader_recovery_state)?,
            leader_epoch: record.leader_epoch,
            partition_epoch: record.partition_epoch,
        };
        let (id, name) = (topic.id, topic.name.clone());
        let known = topic.partitions.insert(number, partition).is_some();
        Ok(if known {
            Change::PartitionChanged { id, name, partition: number }
        } else {
            Change::PartitionCreated { id, name, partition: number }
        })
    }

    fn change_partition(&mut self, record: &PartitionChangeRecord) -> Result<Change, ApplyError> {
        let number = record.partition_id;
        let topic = self.topic_mut("PartitionChangeRecord", record.topic_id)?;
        let (id, name) = (topic.id, topic.name.clone());
        let Some(partition) = topic.partitions.get_mut(&number) else {
            return Err(ApplyError::UnknownPartition { name, partition: number });
        };
        *partition = partition.changed_by(&name, record)?;
        Ok(Change::PartitionChanged { id, name, partition: number })
    }

    /// Forgets the eligible leader replicas of one topic, or with an empty name of all.
    fn clear_elr(&mut self, name: &str, changes: &mut Vec<Change>) -> Result<(), ApplyError> {
        let ids: Vec<TopicId> = if name.is_empty() {
            self.topics.keys().copied().collect()
        } else {
            let unknown = || ApplyError::UnknownTopic { record: "ClearElrRecord", name: name.to_string() };
            vec![self.topic_id(name).ok_or_else(unknown)?]
        };
        for id in ids {
            let has_elr = |p: &Partition| !p.elr.is_empty() || !p.last_known_elr.is_empty();
            if !self.topics.get(&id).is_some_and(|t| t.partitions.values().any(has_elr)) {
                continue;
            }
            let topic = self.topic_mut("ClearElrRecord", id)?;
            for (number, partition) in topic.partitions.iter_mut().filter(|(_, p)| has_elr(p)) {
                partition.elr.clear();
                partition.last_known_elr.clear();
                partition.partition_epoch = partition.partition_epoch.saturating_add(1);
                changes.push(Change::PartitionChanged { id, name: topic.name.clone(), partition: *number });
            }
        }
        Ok(())
    }

    fn set_config(&mut self, record: &ConfigRecord) -> Change {
        let resource = ConfigResource::new(ResourceKind::from_id(record.resource_type), record.resource_name.clone());
        let configs = Arc::make_mut(&mut self.configs);
        let overrides = Arc::make_mut(configs.entry(resource.clone()).or_default());
        match &record.value {
            Some(value) => overrides.insert(record.name.clone(), value.clone()),
            None => overrides.remove(&record.name),
        };
        if overrides.is_empty() {
            configs.remove(&resource);
        }
        Change::Config(resource)
    }

    fn register_broker(&mut self, record: &RegisterBrokerRecord, offset: Offset) -> Change {
        let broker = Broker {
            id: record.broker_id,
            incarnation: record.incarnation_id,
            epoch: record.broker_epoch,
            registered_at: offset,
            endpoints: record.end_points.clone(),
            features: record.features.clone(),
            rack: record.rack.clone(),
            fenced: record.fenced,
            in_controlled_shutdown: record.in_controlled_shutdown,
            migrating_zk: record.is_migrating_zk_broker,
            log_dirs: record.log_dirs.clone(),
            cordoned_log_dirs: record.cordoned_log_dirs.clone(),
        };
        Arc::make_mut(&mut self.brokers).insert(record.broker_id, Arc::new(broker));
        Change::Broker(record.broker_id)
    }

    fn known_broker(&self, record: &'static str, id: NodeId, epoch: i64) -> Result<Broker, ApplyError> {
        match self.brokers.get(&id) {
            Some(broker) if broker.epoch == epoch => Ok(broker.as_ref().clone()),
            _ => Err(ApplyError::UnknownBroker { record, id, epoch }),
        }
    }

    fn set_fenced(&mut self, record: &'static str, id: NodeId, epoch: i64, fenced: bool) -> Result<Change, ApplyError> {
        let broker = Broker { fenced, ..self.known_broker(record, id, epoch)? };
        Arc::make_mut(&mut self.brokers).insert(id, Arc::new(broker));
        Ok(Change::Broker(id))
    }

    fn change_broker(&mut self, record: &BrokerRegistrationChangeRecord) -> Result<Change, ApplyError> {
        const NAME: &str = "BrokerRegistrationChangeRecord";
        let bad = |field, value: i8| ApplyError::BadValue { record: NAME, field, value: i64::from(value) };
        let mut broker = self.known_broker(NAME, record.broker_id, record.broker_epoch)?;
        match record.fenced {
            -1 => broker.fenced = false,
            0 => {}
            1 => broker.fenced = true,
            other => return Err(bad("fenced", other)),
        }
        match record.in_controlled_shutdown {
            0 => {}
            1 => broker.in_controlled_shutdown = true,
            other => return Err(bad("inControlledShutdown", other)),
        }
        if !record.log_dirs.is_empty() {
            broker.log_dirs.clone_from(&record.log_dirs);
        }
        if record.cordoned_log_dirs.is_some() {
            broker.cordoned_log_dirs.clone_from(&record.cordoned_log_dirs);
        }
        Arc::make_mut(&mut self.brokers).insert(record.broker_id, Arc::new(broker));
        Ok(Change::Broker(record.broker_id))
    }
}

impl Partition {
    /// This partition after a change record: what the record leaves out stays, both epochs move as W8 says.
    pub(super) fn changed_by(&self, topic: &Arc<str>, record: &PartitionChangeRecord) -> Result<Partition, ApplyError> {
        const SAME_LEADER: NodeId = -2;
        let replicas = record.replicas.clone().unwrap_or_else(|| self.replicas.clone());
        let directories = record.directories.as_deref().unwrap_or(&self.directories);
        let new_leader = record.leader != SAME_LEADER;
        Ok(Partition {
            directories: checked_directories(topic, record.partition_id, replicas.len(), directories)?,
            replicas,
            isr: record.isr.clone().unwrap_or_else(|| self.isr.clone()),
            elr: record.eligible_leader_replicas.clone().unwrap_or_else(|| self.elr.clone()),
            last_known_elr: record.last_known_elr.clone().unwrap_or_else(|| self.last_known_elr.clone()),
            removing: record.removing_replicas.clone().unwrap_or_else(|| self.removing.clone()),
            adding: record.adding_replicas.clone().unwrap_or_else(|| self.adding.clone()),
            leader: if new_leader { record.leader } else { self.leader },
            recovering: match record.leader_recovery_state {
                -1 => self.recovering,
                state => recovery_state("PartitionChangeRecord", state)?,
            },
            leader_epoch: if new_leader { self.leader_epoch.saturating_add(1) } else { self.leader_epoch },
            partition_epoch: self.partition_epoch.saturating_add(1),
        })
    }
}

fn recovery_state(record: &'static str, value: i8) -> Result<bool, ApplyError> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(ApplyError::BadValue { record, field: "leaderRecoveryState", value: i64::from(other) }),
    }
}

/// One directory for each replica; none at all stands for "not known" for each.
fn checked_directories(
    topic: &Arc<str>,
    partition: i32,
    replicas: usize,
    directories: &[crate::types::Uuid],
) -> Result<Vec<crate::types::Uuid>, ApplyError> {
    if directories.iter().all(|d| *d == directory::MIGRATING) {
        return Ok(vec![directory::MIGRATING; replicas]);
    }
    if directories.len() != replicas {
        return Err(ApplyError::Directories { name: topic.clone(), partition, replicas, directories: directories.len() });
    }
    Ok(directories.to_vec())
}
