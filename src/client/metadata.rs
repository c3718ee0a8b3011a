//! What is known of a cluster at one moment: brokers, topics, leaders.

use std::collections::BTreeMap;
use std::sync::Arc;

use kfk_wire::metadata_response::{MetadataResponse, MetadataResponseTopic};
use kfk_wire::{ErrorCode, Uuid};

use super::dial::join_host_port;

/// A broker's id and the address it advertises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerNode {
    /// `node.id`.
    pub id: i32,
    /// As advertised: a name or an address.
    pub host: String,
    /// As advertised.
    pub port: u16,
    /// `broker.rack`, if the broker has one.
    pub rack: Option<String>,
}

impl BrokerNode {
    /// `host:port`, with brackets around an IPv6 address.
    pub fn address(&self) -> String {
        join_host_port(&self.host, self.port)
    }
}

/// One partition of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionMetadata {
    /// Its number, from 0.
    pub partition: i32,
    /// The leader's id, -1 for none.
    pub leader: i32,
    /// Grows with every change of the leader; -1 when the broker does not tell.
    pub leader_epoch: i32,
    /// Ids of the brokers that hold a copy.
    pub replicas: Vec<i32>,
    /// Ids of those whose copy is in sync.
    pub isr: Vec<i32>,
    /// Ids of those that are not there.
    pub offline: Vec<i32>,
}

/// One topic; partitions sorted by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicMetadata {
    /// The topic's name.
    pub name: String,
    /// Zero when the broker is too old to know ids.
    pub id: Uuid,
    /// Whether Kafka keeps it for itself, as `__consumer_offsets`.
    pub is_internal: bool,
    /// Sorted by number.
    pub partitions: Vec<PartitionMetadata>,
}

impl TopicMetadata {
    /// One partition by its number.
    pub fn partition(&self, number: i32) -> Option<&PartitionMetadata> {
        let at = self.partitions.binary_search_by_key(&number, |p| p.partition).ok()?;
        Some(&self.partitions[at])
    }
}

/// What is known of the cluster at one moment.
#[derive(Debug, Clone, Default)]
pub struct Metadata {
    /// The cluster's id, if the broker tells.
    pub cluster_id: Option<String>,
    /// The id of the controller, or of a broker that passes requests on to it; -1 for none.
    pub controller: i32,
    /// All living brokers, by id.
    pub brokers: BTreeMap<i32, BrokerNode>,
    /// The topics that were asked for and exist.
    pub topics: BTreeMap<String, Arc<TopicMetadata>>,
    /// Why topics that were asked for are not among `topics`, as of the last answer.
    pub refused: BTreeMap<String, ErrorCode>,
}

impl Metadata {
    /// The leader of a partition, if there is one.
    pub fn leader(&self, topic: &str, partition: i32) -> Option<i32> {
        self.partition(topic, partition).map(|p| p.leader).filter(|l| *l >= 0)
    }

    /// One partition, if it is known.
    pub fn partition(&self, topic: &str, partition: i32) -> Option<&PartitionMetadata> {
        self.topics.get(topic)?.partition(partition)
    }

    /// This with a newer answer put over it. Topics that the answer does not name stay as they are, except that `all` means it names
    /// every topic there is.
    pub(super) fn updated(&self, answer: MetadataResponse, all: bool) -> Metadata {
        let mut next = if all { Metadata::default() } else { self.clone() };
        next.cluster_id = answer.cluster_id;
        next.controller = answer.controller_id;
        next.brokers = answer.brokers.into_iter().map(|b| (b.node_id, node(b.node_id, b.host, b.port, b.rack))).collect();
        for topic in answer.topics {
            let Some(name) = topic.name.clone() else { continue };
            match ErrorCode::from_code(topic.error_code) {
                // Some partition has no leader now; the others are as good as ever.
                ErrorCode::None | ErrorCode::LeaderNotAvailable => {
                    let fresh = topic_metadata(name.clone(), topic, self.topics.get(&name).map(Arc::as_ref));
                    next.refused.remove(&name);
                    next.topics.insert(name, Arc::new(fresh));
                }
                error => {
                    next.topics.remove(&name);
                    next.refused.insert(name, error);
                }
            }
        }
        next
    }
}

pub(super) fn node(id: i32, host: String, port: i32, rack: Option<String>) -> BrokerNode {
    BrokerNode { id, host, port: u16::try_from(port).unwrap_or(0), rack }
}

/// A broker that is behind may tell of a leader that has been replaced: what has the higher epoch stays.
fn topic_metadata(name: String, topic: MetadataResponseTopic, known: Option<&TopicMetadata>) -> TopicMetadata {
    let known = known.filter(|k| k.id == topic.topic_id);
    let newest = |fresh: PartitionMetadata| match known.and_then(|k| k.partition(fresh.partition)) {
        Some(k) if fresh.leader_epoch >= 0 && k.leader_epoch > fresh.leader_epoch => k.clone(),
        _ => fresh,
    };
    let fresh = topic.partitions.into_iter().map(|p| PartitionMetadata {
        partition: p.partition_index,
        leader: p.leader_id,
        leader_epoch: p.leader_epoch,
        replicas: p.replica_nodes,
        isr: p.isr_nodes,
        offline: p.offline_replicas,
    });
    let mut partitions: Vec<PartitionMetadata> = fresh.map(newest).collect();
    partitions.sort_by_key(|p| p.partition);
    TopicMetadata { name, id: topic.topic_id, is_internal: topic.is_internal, partitions }
}

#[cfg(test)]
mod tests {
    use kfk_wire::metadata_response::{MetadataResponseBroker, MetadataResponsePartition};

    use super::*;

    fn answer(error: ErrorCode, leaders: &[(i32, i32)]) -> MetadataResponse {
        let partition = |(i, (leader_id, leader_epoch)): (usize, &(i32, i32))| MetadataResponsePartition {
            partition_index: i as i32,
            leader_id: *leader_id,
            leader_epoch: *leader_epoch,
            ..Default::default()
        };
        let topic = MetadataResponseTopic {
            error_code: error.code(),
            name: Some("t".into()),
            partitions: leaders.iter().enumerate().map(partition).collect(),
            ..Default::default()
        };
        let broker = MetadataResponseBroker { node_id: 1, host: "::1".into(), port: 9092, rack: None };
        MetadataResponse { topics: vec![topic], brokers: vec![broker], ..Default::default() }
    }

    #[test]
    fn an_older_leader_epoch_does_not_replace_a_newer_one() {
        let known = Metadata::default().updated(answer(ErrorCode::None, &[(1, 5), (2, 5)]), false);
        let next = known.updated(answer(ErrorCode::None, &[(3, 4), (3, 6)]), false);
        assert_eq!((next.leader("t", 0), next.leader("t", 1), next.leader("t", 2)), (Some(1), Some(3), None));
        assert_eq!(next.brokers[&1].address(), "[::1]:9092");
    }

    #[test]
    fn a_refused_topic_goes_and_its_error_stays() {
        let known = Metadata::default().updated(answer(ErrorCode::None, &[(1, 0)]), false);
        let gone = known.updated(answer(ErrorCode::UnknownTopicOrPartition, &[]), false);
        assert!(gone.topics.is_empty());
        assert_eq!(gone.refused["t"], ErrorCode::UnknownTopicOrPartition);
        let back = gone.updated(answer(ErrorCode::LeaderNotAvailable, &[(-1, 1)]), false);
        assert!(back.refused.is_empty() && back.leader("t", 0).is_none() && back.partition("t", 0).is_some());
        let none = MetadataResponse { topics: vec![], ..answer(ErrorCode::None, &[]) };
        assert_eq!((back.updated(none.clone(), false).topics.len(), back.updated(none, true).topics.len()), (1, 0));
    }
}
