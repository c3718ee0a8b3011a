//! What the metadata log says: topics, configs, brokers, features and the rest, as one cheaply copied value.
//!
//! Every map sits behind an `Arc`. A copy shares them all; a change copies only the map it touches, and of a map of topics
//! only the pointers. That makes one value serve as the controller's state, as the readers' image and as the point to
//! return to when a metadata transaction is aborted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::types::{NodeId, Offset, TopicId, Uuid};
use crate::wire::partition_record::PartitionRecord;
use crate::wire::register_broker_record::{BrokerEndpoint, BrokerFeature};
use crate::wire::register_controller_record::RegisterControllerRecord;

use super::features::{METADATA_VERSION, MetadataVersion};
use super::kept::Kept;

/// The leader of a partition that has none.
pub const NO_LEADER: NodeId = -1;

/// Marks in a partition's `directories`: ids below 100 are never those of a real directory.
pub mod directory {
    use crate::types::Uuid;

    /// Not known: written before directories were recorded.
    pub const MIGRATING: Uuid = Uuid::ZERO;
    /// Not chosen yet: the broker has several.
    pub const UNASSIGNED: Uuid = Uuid([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    /// The directory is gone.
    pub const LOST: Uuid = Uuid([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);

    /// True for the ids that are marks and not directories.
    pub fn is_reserved(id: Uuid) -> bool {
        u128::from_be_bytes(id.0) < 100
    }
}

/// One partition as the controller has decided it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// In order of preference.
    pub replicas: Vec<NodeId>,
    /// The log directory of each replica, in the order of `replicas`.
    pub directories: Vec<Uuid>,
    pub isr: Vec<NodeId>,
    /// Eligible leader replicas: left the ISR while it was below the minimum, so they hold everything committed.
    pub elr: Vec<NodeId>,
    pub last_known_elr: Vec<NodeId>,
    pub removing: Vec<NodeId>,
    pub adding: Vec<NodeId>,
    /// -1: none.
    pub leader: NodeId,
    /// True after an unclean election until the leader says it has recovered.
    pub recovering: bool,
    /// Grows with every change of leadership.
    pub leader_epoch: i32,
    /// Grows with every change of any kind.
    pub partition_epoch: i32,
}

impl Partition {
    pub fn has_leader(&self) -> bool {
        self.leader != NO_LEADER
    }

    /// The record that creates this partition as it stands.
    pub fn to_record(&self, topic: TopicId, partition: i32) -> PartitionRecord {
        let some_unless_empty = |list: &Vec<NodeId>| if list.is_empty() { None } else { Some(list.clone()) };
        PartitionRecord {
            partition_id: partition,
            topic_id: topic,
            replicas: self.replicas.clone(),
            isr: self.isr.clone(),
            removing_replicas: self.removing.clone(),
            adding_replicas: self.adding.clone(),
            leader: self.leader,
            leader_recovery_state: i8::from(self.recovering),
            leader_epoch: self.leader_epoch,
            partition_epoch: self.partition_epoch,
            directories: self.directories.clone(),
            eligible_leader_replicas: some_unless_empty(&self.elr),
            last_known_elr: some_unless_empty(&self.last_known_elr),
        }
    }
}

/// One topic with all its partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    pub name: Arc<str>,
    pub id: TopicId,
    /// By partition number; 0..n without gaps once the records of one operation are applied.
    pub partitions: BTreeMap<i32, Partition>,
}

impl Topic {
    pub fn partition(&self, number: i32) -> Option<&Partition> {
        self.partitions.get(&number)
    }

    /// Number of partitions, as the wire counts them.
    pub fn partition_count(&self) -> i32 {
        i32::try_from(self.partitions.len()).unwrap_or(i32::MAX)
    }
}

/// A broker's registration.
#[derive(Clone, Debug, PartialEq)]
pub struct Broker {
    pub id: NodeId,
    /// New with every start of the broker's process.
    pub incarnation: Uuid,
    /// Metadata offset of the registration of this incarnation.
    pub epoch: i64,
    /// Offset of the newest registration record, which the broker must have read before it is let in.
    pub registered_at: Offset,
    pub endpoints: Vec<BrokerEndpoint>,
    pub features: Vec<BrokerFeature>,
    pub rack: Option<String>,
    pub fenced: bool,
    pub in_controlled_shutdown: bool,
    pub migrating_zk: bool,
    pub log_dirs: Vec<Uuid>,
    /// `None` until the broker told which of its directories take no new partitions.
    pub cordoned_log_dirs: Option<Vec<Uuid>>,
}

impl Broker {
    /// May it lead partitions and be in an ISR?
    pub fn is_active(&self) -> bool {
        !self.fenced && !self.in_controlled_shutdown
    }

    /// The endpoint of a listener, by the listener's name.
    pub fn endpoint(&self, listener: &str) -> Option<&BrokerEndpoint> {
        self.endpoints.iter().find(|e| e.name == listener)
    }

    /// Where a new partition goes on this broker: its only directory, or "to be chosen".
    pub fn default_directory(&self) -> Uuid {
        match self.log_dirs.as_slice() {
            [] => directory::MIGRATING,
            [only] => *only,
            _ => directory::UNASSIGNED,
        }
    }
}

/// What a configuration belongs to. Numbers are Kafka's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceKind {
    Topic,
    Broker,
    BrokerLogger,
    ClientMetrics,
    Group,
    /// A number this version does not know: kept as it is.
    Other(i8),
}

impl ResourceKind {
    pub fn id(self) -> i8 {
        match self {
            ResourceKind::Topic => 2,
            ResourceKind::Broker => 4,
            ResourceKind::BrokerLogger => 8,
            ResourceKind::ClientMetrics => 16,
            ResourceKind::Group => 32,
            ResourceKind::Other(n) => n,
        }
    }

    pub fn from_id(id: i8) -> Self {
        match id {
            2 => ResourceKind::Topic,
            4 => ResourceKind::Broker,
            8 => ResourceKind::BrokerLogger,
            16 => ResourceKind::ClientMetrics,
            32 => ResourceKind::Group,
            n => ResourceKind::Other(n),
        }
    }
}

/// A topic, a broker (an empty name: all of them), a group ...: something that has dynamic configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigResource {
    pub kind: ResourceKind,
    pub name: String,
}

impl ConfigResource {
    pub fn new(kind: ResourceKind, name: impl Into<String>) -> Self {
        ConfigResource { kind, name: name.into() }
    }

    pub fn topic(name: impl Into<String>) -> Self {
        ConfigResource::new(ResourceKind::Topic, name)
    }

    pub fn broker(id: NodeId) -> Self {
        ConfigResource::new(ResourceKind::Broker, id.to_string())
    }

    /// The defaults of all brokers.
    pub fn cluster_default() -> Self {
        ConfigResource::new(ResourceKind::Broker, "")
    }
}

/// The overrides of one resource, by key.
pub type Overrides = BTreeMap<String, String>;

/// Everything the metadata log says, up to and with `offset`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterState {
    /// Offset of the last record applied; -1 before the first.
    pub(super) offset: Offset,
    pub(super) topics: Arc<BTreeMap<TopicId, Arc<Topic>>>,
    pub(super) names: Arc<BTreeMap<Arc<str>, TopicId>>,
    /// Names that hold a `.` or `_`, under the name with every dot turned into an underscore (T2).
    pub(super) unified_names: Arc<BTreeMap<String, BTreeSet<Arc<str>>>>,
    pub(super) configs: Arc<BTreeMap<ConfigResource, Arc<Overrides>>>,
    pub(super) brokers: Arc<BTreeMap<NodeId, Arc<Broker>>>,
    pub(super) controllers: Arc<BTreeMap<NodeId, RegisterControllerRecord>>,
    pub(super) features: Arc<BTreeMap<String, i16>>,
    /// First producer id not handed out yet.
    pub(super) next_producer_id: i64,
    pub(super) kept: Arc<Kept>,
}

impl ClusterState {
    pub fn new() -> Self {
        ClusterState { offset: -1, ..ClusterState::default() }
    }

    /// Offset of the last record applied; -1 before the first.
    pub fn offset(&self) -> Offset {
        self.offset
    }

    /// Says that this is the state as of `offset`: a snapshot's records carry offsets of their own.
    pub fn set_offset(&mut self, offset: Offset) {
        self.offset = offset;
    }

    pub fn topic(&self, name: &str) -> Option<&Arc<Topic>> {
        self.names.get(name).and_then(|id| self.topics.get(id))
    }

    pub fn topic_by_id(&self, id: TopicId) -> Option<&Arc<Topic>> {
        self.topics.get(&id)
    }

    pub fn topic_id(&self, name: &str) -> Option<TopicId> {
        self.names.get(name).copied()
    }

    /// All topics, sorted by name.
    pub fn topics(&self) -> impl Iterator<Item = &Arc<Topic>> {
        self.names.values().filter_map(|id| self.topics.get(id))
    }

    /// All topics whose name comes at or after `from`, sorted by name.
    pub fn topics_from(&self, from: &str) -> impl Iterator<Item = &Arc<Topic>> {
        let from: Arc<str> = Arc::from(from);
        self.names.range(from..).filter_map(|(_, id)| self.topics.get(id))
    }

    pub fn topic_count(&self) -> usize {
        self.topics.len()
    }

    pub fn partition(&self, topic: &str, partition: i32) -> Option<&Partition> {
        self.topic(topic)?.partition(partition)
    }

    /// The dynamic overrides of one resource; `None` when it has none.
    pub fn config(&self, resource: &ConfigResource) -> Option<&Arc<Overrides>> {
        self.configs.get(resource)
    }

    /// Every resource that has overrides, in order.
    pub fn configs(&self) -> impl Iterator<Item = (&ConfigResource, &Arc<Overrides>)> {
        self.configs.iter()
    }

    pub fn broker(&self, id: NodeId) -> Option<&Arc<Broker>> {
        self.brokers.get(&id)
    }

    /// All registered brokers by id, fenced ones too.
    pub fn brokers(&self) -> impl Iterator<Item = &Arc<Broker>> {
        self.brokers.values()
    }

    pub fn is_active(&self, broker: NodeId) -> bool {
        self.brokers.get(&broker).is_some_and(|b| b.is_active())
    }

    pub fn controllers(&self) -> impl Iterator<Item = &RegisterControllerRecord> {
        self.controllers.values()
    }

    /// The finalized level of a feature; 0 when it is off.
    pub fn feature(&self, name: &str) -> i16 {
        self.features.get(name).copied().unwrap_or(0)
    }

    /// Finalized features other than those that are off, by name.
    pub fn features(&self) -> impl Iterator<Item = (&str, i16)> {
        self.features.iter().map(|(name, level)| (name.as_str(), *level))
    }

    /// The level that decides which record versions may be written.
    pub fn metadata_version(&self) -> MetadataVersion {
        self.features.get(METADATA_VERSION).map_or(MetadataVersion::OLDEST, |level| MetadataVersion(*level))
    }

    /// First producer id not handed out yet.
    pub fn next_producer_id(&self) -> i64 {
        self.next_producer_id
    }

    /// Quotas, credentials, access rules and tokens.
    pub fn kept(&self) -> &Kept {
        &self.kept
    }

    /// The dynamic value of a topic setting whose broker setting has the same name: topic, then broker, then cluster default.
    pub(super) fn dynamic_topic_value(&self, topic: &str, broker: NodeId, key: &str) -> Option<&str> {
        let layers = [ConfigResource::topic(topic), ConfigResource::broker(broker), ConfigResource::cluster_default()];
        layers.iter().find_map(|resource| self.configs.get(resource)?.get(key)).map(String::as_str)
    }
}
