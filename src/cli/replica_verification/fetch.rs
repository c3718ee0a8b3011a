//! Asks every broker for what it has of the partitions, leader or not.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::compare::Fetched;
use crate::cli::error::CliError;
use crate::client::{Client, TopicMetadata};
use crate::types::TopicPartition;
use crate::wire::fetch_request::{FetchPartition, FetchRequest, FetchTopic, ReplicaState};
use crate::wire::{Records, Uuid};

/// Who asks: nobody that is a replica or a consumer, so that followers answer, too.
const DEBUGGING: i32 = -2;
/// The first version of Fetch in which the asking replica has an epoch, and another place.
const WITH_REPLICA_STATE: i16 = 15;

/// Partitions and who has them.
pub(super) struct Replicas {
    topics: BTreeMap<String, Uuid>,
    partitions: Vec<TopicPartition>,
    by_broker: BTreeMap<i32, Vec<TopicPartition>>,
    fetch_size: i32,
    max_wait_ms: i32,
}

impl Replicas {
    pub fn new(topics: &[Arc<TopicMetadata>], fetch_size: i32, max_wait_ms: i32) -> Replicas {
        let mut by_broker: BTreeMap<i32, Vec<TopicPartition>> = BTreeMap::new();
        let mut partitions = Vec::new();
        for topic in topics {
            for partition in &topic.partitions {
                let tp = TopicPartition::new(topic.name.as_str(), partition.partition);
                partition.replicas.iter().for_each(|broker| by_broker.entry(*broker).or_default().push(tp.clone()));
                partitions.push(tp);
            }
        }
        let topics = topics.iter().map(|t| (t.name.clone(), t.id)).collect();
        Replicas { topics, partitions, by_broker, fetch_size, max_wait_ms }
    }

    pub fn partitions(&self) -> impl Iterator<Item = &TopicPartition> {
        self.partitions.iter()
    }

    /// One round: what every replica has from these offsets on. A replica that refuses has nothing.
    ///
    /// Errors: a broker cannot be asked.
    pub async fn fetch(
        &self,
        client: &Client,
        offsets: &BTreeMap<TopicPartition, i64>,
    ) -> Result<BTreeMap<TopicPartition, Vec<Fetched>>, CliError> {
        let mut under_way = Vec::new();
        for (broker, partitions) in &self.by_broker {
            let version = client.version_of::<FetchRequest>(*broker).await?;
            let (client, broker, request) = (client.clone(), *broker, self.request(partitions, offsets, version));
            under_way.push((broker, tokio::spawn(async move { client.call_node(broker, &request).await })));
        }
        let names: BTreeMap<Uuid, &str> = self.topics.iter().map(|(name, id)| (*id, name.as_str())).collect();
        let mut fetched: BTreeMap<TopicPartition, Vec<Fetched>> = BTreeMap::new();
        for (broker, answer) in under_way {
            let answer = answer.await.map_err(|e| CliError::failed("a fetch was given up").cause(e.to_string()))??;
            for topic in answer.responses {
                let name = if topic.topic.is_empty() { names.get(&topic.topic_id).copied().unwrap_or_default() } else { &topic.topic };
                for partition in topic.partitions {
                    let records = match partition.records {
                        Some(Records::Bytes(bytes)) => bytes.to_vec(),
                        _ => Vec::new(),
                    };
                    let tp = TopicPartition::new(name, partition.partition_index);
                    fetched.entry(tp).or_default().push(Fetched { replica: broker, high_watermark: partition.high_watermark, records });
                }
            }
        }
        Ok(fetched)
    }

    fn request(&self, partitions: &[TopicPartition], offsets: &BTreeMap<TopicPartition, i64>, version: i16) -> FetchRequest {
        let mut topics: Vec<FetchTopic> = Vec::new();
        for tp in partitions {
            let partition = FetchPartition {
                partition: tp.partition,
                current_leader_epoch: -1,
                fetch_offset: offsets.get(tp).copied().unwrap_or(0),
                last_fetched_epoch: -1,
                partition_max_bytes: self.fetch_size,
                ..Default::default()
            };
            match topics.last_mut().filter(|t| t.topic == tp.topic) {
                Some(topic) => topic.partitions.push(partition),
                None => {
                    let topic_id = self.topics.get(&tp.topic).copied().unwrap_or_default();
                    topics.push(FetchTopic { topic: tp.topic.clone(), topic_id, partitions: vec![partition] });
                }
            }
        }
        let nobody = FetchRequest::default();
        let (replica_id, in_state) = match version {
            WITH_REPLICA_STATE.. => (nobody.replica_id, DEBUGGING),
            _ => (DEBUGGING, nobody.replica_state.replica_id),
        };
        FetchRequest {
            replica_id,
            replica_state: ReplicaState { replica_id: in_state, ..nobody.replica_state },
            max_wait_ms: self.max_wait_ms,
            min_bytes: 1,
            max_bytes: i32::MAX,
            session_epoch: -1,
            topics,
            ..Default::default()
        }
    }
}
