//! Changes of the cluster's metadata, and what follows from them on this broker.

use std::sync::Arc;

use tracing::{error, info, warn};

use super::Broker;
use super::cluster::{OFFSETS_TOPIC, SHARE_TOPIC, TRANSACTION_TOPIC};
use super::hosted::assignment;
use super::settings;
use crate::config::{CleanerConfig, DynamicConfig};
use crate::log::LogError;
use crate::machine::controller::{AllocateProducerIds, Change, ClusterState, Command, ConfigResource, Overrides, ResourceKind};
use crate::node::partition::Settings;
use crate::node::quorum::{Quorum, QuorumError, Standing, cluster_metadata_partition};
use crate::types::{TopicId, TopicPartition};
use crate::wire::ErrorCode;
use crate::wire::create_topics_request::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest};

impl Broker {
    /// Has a command decided, made durable and applied here. May block. An error means that it may or may not have happened.
    pub fn submit<C: Command>(&self, command: &C) -> Result<C::Response, ErrorCode> {
        let mut quorum = self.quorum.lock();
        let done = quorum.as_mut().ok_or(ErrorCode::NotController)?.submit(self.clock.now(), command);
        match done {
            Ok(outcome) => {
                // Still under the lock, so that changes are followed in their order.
                self.follow(&outcome.changes);
                Ok(outcome.response)
            }
            Err(e) => {
                error!("cluster metadata cannot be changed: {e}");
                Err(ErrorCode::KafkaStorageError)
            }
        }
    }

    /// How the metadata quorum stands; `None` once the broker is closed.
    pub fn quorum_standing(&self) -> Option<Standing> {
        self.quorum.lock().as_ref().map(Quorum::standing)
    }

    /// Does on this broker what the changes ask for.
    fn follow(&self, changes: &[Change]) {
        let image = self.image();
        self.groups_look(changes);
        let mut deleted = Vec::new();
        for change in changes {
            match change {
                Change::TopicDeleted { id, name, partitions } => {
                    self.drop_topic(*id, name, partitions);
                    deleted.push((name.to_string(), *id));
                }
                Change::PartitionChanged { id, partition, .. } => self.lead(&image, *id, *partition),
                Change::Config(resource) => self.reconfigure(&image, resource),
                Change::Feature(_) => self.configure_transactions(),
                _ => {}
            }
        }
        if !deleted.is_empty() {
            self.groups_forget(&deleted);
            let ids: Vec<TopicId> = deleted.iter().map(|(_, id)| *id).collect();
            self.share_forget(&ids);
        }
    }

    fn lead(&self, image: &ClusterState, id: TopicId, index: i32) {
        let Some(known) = image.topic_by_id(id).and_then(|t| t.partition(index)) else { return };
        for hosted in self.partitions.of_topic(id).into_iter().filter(|h| h.index() == index) {
            let done = hosted.if_open(|p| p.follow_controller(&assignment(known), self.clock.now()));
            if let Some(Err(e)) = done {
                error!("partition {}: {e}", hosted.name());
            }
            hosted.waiting.wake_all();
        }
    }

    fn reconfigure(&self, image: &ClusterState, resource: &ConfigResource) {
        let affected: Vec<_> = match resource.kind {
            ResourceKind::Topic => image.topic(&resource.name).into_iter().flat_map(|t| self.partitions.of_topic(t.id)).collect(),
            ResourceKind::Broker => {
                self.obey_dynamic_settings();
                self.partitions.all()
            }
            _ => return,
        };
        for hosted in affected {
            let settings = self.topic_settings(image, hosted.topic());
            hosted.if_open(|p| p.configure(settings));
        }
    }

    /// Takes over the broker's own settings as they are now.
    pub(super) fn obey_dynamic_settings(&self) {
        let config = self.rules.with_layers(&self.image(), DynamicConfig::effective);
        self.limits.configure(&config);
        let cleaning = self.rules.with_layers(&self.image(), CleanerConfig::effective);
        self.cleaning.send_if_modified(|known| std::mem::replace(known, cleaning) != cleaning);
        self.configure_groups(&config);
        self.logs.set_producer_id_expiration_ms(config.producer_id_expiration_ms.into());
    }

    fn drop_topic(&self, id: TopicId, name: &Arc<str>, partitions: &[i32]) {
        let now = self.clock.now();
        let mut taken = self.partitions.forget(id);
        let names: Vec<TopicPartition> = partitions.iter().map(|index| TopicPartition::new(&**name, *index)).collect();
        self.logs.forget(names.iter());
        for (index, partition) in partitions.iter().zip(&names) {
            let open = taken.iter_mut().find(|(hosted, _)| hosted.index() == *index).and_then(|(_, partition)| partition.take());
            let mut rng = self.rng.lock();
            let done = match open {
                Some(open) => self.logs.delete_log(open.into_log(), &mut rng, now),
                None => {
                    let delay = self.config_of(&self.image(), name).log.file_delete_delay_ms;
                    self.logs.delete_partition(partition, &mut rng, now.mono.plus(delay))
                }
            };
            if let Err(e) = done {
                error!("cannot delete partition {name}-{index}: {e}");
            }
        }
    }

    /// Renames a partition's directory that belongs to no topic of this cluster.
    pub fn set_aside(&self, partition: &TopicPartition) -> Result<(), LogError> {
        self.logs.set_aside(partition, &mut self.rng.lock())
    }

    /// After a start: what does not belong here is set aside, and logs that an unclean stop left are recovered and closed again, so that
    /// the next stop can be clean. May block, and ends early when the broker stops.
    pub fn look_over(&self) {
        let image = self.image();
        let own = cluster_metadata_partition();
        for partition in self.logs.partitions().iter().filter(|p| **p != own) {
            if image.partition(&partition.topic, partition.partition).is_none() {
                warn!("partition {partition} belongs to no topic: it is set aside");
                if let Err(e) = self.set_aside(partition) {
                    error!("{e}");
                }
            }
        }
        let (mut looked_over, all) = (0, self.logs.unrecovered());
        for partition in &all {
            if self.is_stopping() {
                return;
            }
            let Some(hosted) = image.topic(&partition.topic).and_then(|t| self.partitions.get(t, partition.partition).ok()) else {
                continue;
            };
            match hosted.visit(self, |_| Ok(())) {
                Ok(()) => looked_over += 1,
                Err(e) => error!("partition {partition} is not looked over: {e}"),
            }
            self.partitions.release(hosted);
        }
        if !all.is_empty() {
            info!("{looked_over} partitions were looked over after the last, unclean stop");
        }
    }

    /// Writes a snapshot of the cluster's metadata if one is due. May block.
    pub fn snapshot_metadata(&self) -> Result<(), QuorumError> {
        let job = self.quorum.lock().as_mut().and_then(|q| q.snapshot_job(self.clock.now()));
        let Some(job) = job else { return Ok(()) };
        let written = job.run();
        match self.quorum.lock().as_mut() {
            Some(quorum) => quorum.snapshot_done(written, self.clock.now()),
            None => written.map(drop),
        }
    }

    /// The settings in force for a topic.
    pub fn topic_settings(&self, image: &ClusterState, topic: &str) -> Arc<Settings> {
        Arc::new(self.config_of(image, topic))
    }

    fn config_of(&self, image: &ClusterState, topic: &str) -> Settings {
        let none = Overrides::new();
        let own = image.config(&ConfigResource::topic(topic)).map_or(&none, |values| &**values);
        self.rules.with_layers(image, |layers| settings::of_topic(own, layers, self.config.durability))
    }

    /// Creates topics that a client asked about, with the broker's defaults; gives those that cannot be created, with the reason.
    pub fn auto_create(&self, names: &[String]) -> Vec<(String, ErrorCode)> {
        let topics = names.iter().map(|name| self.wanted_topic(name));
        let request = CreateTopicsRequest { topics: topics.collect(), ..Default::default() };
        match self.submit(&request) {
            Ok(response) => {
                let refused = response.topics.into_iter().filter_map(|t| match ErrorCode::from_code(t.error_code) {
                    // Created by someone else meanwhile, or as asked: either way the client will find it when it asks again.
                    ErrorCode::None | ErrorCode::TopicAlreadyExists => None,
                    code => Some((t.name, code)),
                });
                refused.collect()
            }
            Err(_) => names.iter().map(|name| (name.clone(), ErrorCode::LeaderNotAvailable)).collect(),
        }
    }

    /// Creates a topic in which coordinators keep their state, if it is not there.
    pub fn ensure_internal_topic(&self, name: &str) {
        if self.image().topic(name).is_none() {
            for (topic, code) in self.auto_create(&[name.to_string()]) {
                error!("cannot create {topic}: {code:?}");
            }
        }
    }

    fn wanted_topic(&self, name: &str) -> CreatableTopic {
        let c = &self.config;
        let (partitions, factor, configs) = match name {
            OFFSETS_TOPIC => {
                let segment_bytes = c.offsets_topic_segment_bytes.to_string();
                let configs =
                    vec![("cleanup.policy", "compact".into()), ("compression.type", "producer".into()), ("segment.bytes", segment_bytes)];
                (c.offsets_topic_num_partitions, c.offsets_topic_replication_factor, configs)
            }
            TRANSACTION_TOPIC => {
                let factor = self.at_most_all_brokers(c.transaction_state_log_replication_factor);
                let configs = vec![
                    ("cleanup.policy", "compact".into()),
                    ("compression.type", "uncompressed".into()),
                    ("min.insync.replicas", c.transaction_state_log_min_isr.min(factor.into()).to_string()),
                    ("segment.bytes", c.transaction_state_log_segment_bytes.to_string()),
                    ("unclean.leader.election.enable", "false".into()),
                ];
                (c.transaction_state_log_num_partitions, factor, configs)
            }
            SHARE_TOPIC => {
                let share = &c.group_share;
                let factor = self.at_most_all_brokers(i16::try_from(share.state_topic_replication_factor).unwrap_or(i16::MAX));
                let configs = vec![
                    ("cleanup.policy", "delete".into()),
                    ("compression.type", "producer".into()),
                    ("min.insync.replicas", share.state_topic_min_isr.min(factor.into()).to_string()),
                    ("retention.ms", "-1".into()),
                    ("segment.bytes", share.state_topic_segment_bytes.to_string()),
                ];
                (share.state_topic_num_partitions, factor, configs)
            }
            _ => (-1, -1, Vec::new()),
        };
        let config = |(name, value): (&str, String)| CreatableTopicConfig { name: name.to_string(), value: Some(value) };
        CreatableTopic {
            name: name.to_string(),
            num_partitions: partitions,
            replication_factor: if factor == -1 { -1 } else { self.at_most_all_brokers(factor) },
            configs: configs.into_iter().map(config).collect(),
            ..Default::default()
        }
    }

    /// No more replicas than there are brokers, so that a lone one needs no settings.
    fn at_most_all_brokers(&self, replication_factor: i16) -> i16 {
        let nodes = i16::try_from(self.image().brokers().filter(|b| !b.fenced).count()).unwrap_or(i16::MAX);
        replication_factor.min(nodes)
    }

    /// The next producer id, from a new block if the present one is used up. May block.
    pub fn next_producer_id(&self) -> Result<i64, ErrorCode> {
        loop {
            if let Some(id) = self.producer_ids.at_hand() {
                return Ok(id);
            }
            let asked = AllocateProducerIds { broker: self.node_id, broker_epoch: self.broker_epoch };
            let block = self.submit(&asked)?.map_err(|e| e.code)?;
            self.producer_ids.refill(block);
        }
    }
}
