//! Replicas on their way to other brokers, and to other directories of theirs.

use std::collections::{BTreeMap, BTreeSet};

use kfk_wire::alter_partition_reassignments_request::{AlterPartitionReassignmentsRequest, ReassignablePartition, ReassignableTopic};
use kfk_wire::alter_replica_log_dirs_request::{AlterReplicaLogDir, AlterReplicaLogDirTopic, AlterReplicaLogDirsRequest};
use kfk_wire::list_partition_reassignments_request::{ListPartitionReassignmentsRequest, ListPartitionReassignmentsTopics};

use super::Admin;
use crate::client::error::{Error, check};
use crate::types::TopicPartition;

/// A reassignment that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reassignment {
    /// All replicas, old and new.
    pub replicas: Vec<i32>,
    /// Those that come.
    pub adding: Vec<i32>,
    /// Those that go.
    pub removing: Vec<i32>,
}

/// Where a broker keeps a replica.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplicaPlace {
    /// The directory it is in; `None` if it is in none that lives.
    pub current: Option<String>,
    /// The directory it is on its way to.
    pub future: Option<String>,
}

type Each = BTreeMap<TopicPartition, Result<(), Error>>;

impl Admin {
    /// The reassignments that go on, of `partitions` or of all.
    pub async fn list_reassignments(&self, partitions: Option<&[TopicPartition]>) -> Result<BTreeMap<TopicPartition, Reassignment>, Error> {
        let topic = |(name, partition_indexes): (String, Vec<i32>)| ListPartitionReassignmentsTopics { name, partition_indexes };
        let topics = partitions.map(|p| by_topic(p.iter()).into_iter().map(topic).collect());
        let request = ListPartitionReassignmentsRequest { timeout_ms: self.timeout_ms(), topics };
        let answer = self.retrying("listing reassignments", || async {
            let answer = self.client.call_controller(&request).await?;
            self.not_controller(std::iter::once(answer.error_code)).await?;
            check(answer.error_code, answer.error_message.as_deref()).map(|()| answer)
        });
        let mut found = BTreeMap::new();
        for topic in answer.await?.topics {
            for p in topic.partitions {
                let ongoing = Reassignment { replicas: p.replicas, adding: p.adding_replicas, removing: p.removing_replicas };
                found.insert(TopicPartition::new(topic.name.as_str(), p.partition_index), ongoing);
            }
        }
        Ok(found)
    }

    /// Starts moving partitions to these replicas, the preferred leader first; `None` cancels a move that goes on.
    pub async fn alter_reassignments(
        &self,
        targets: &BTreeMap<TopicPartition, Option<Vec<i32>>>,
        another_factor: bool,
    ) -> Result<Each, Error> {
        let partition = |topic: &str, partition_index: i32| ReassignablePartition {
            partition_index,
            replicas: targets.get(&TopicPartition::new(topic, partition_index)).cloned().flatten(),
        };
        let topics = by_topic(targets.keys())
            .into_iter()
            .map(|(name, numbers)| ReassignableTopic { partitions: numbers.into_iter().map(|n| partition(&name, n)).collect(), name });
        let request = AlterPartitionReassignmentsRequest {
            timeout_ms: self.timeout_ms(),
            allow_replication_factor_change: another_factor,
            topics: topics.collect(),
        };
        let answer = self.retrying("moving partitions", || async {
            let answer = self.client.call_controller(&request).await?;
            self.not_controller(std::iter::once(answer.error_code)).await?;
            check(answer.error_code, answer.error_message.as_deref()).map(|()| answer)
        });
        let mut results = Each::new();
        for topic in answer.await?.responses {
            for p in topic.partitions {
                let result = check(p.error_code, p.error_message.as_deref());
                results.insert(TopicPartition::new(topic.name.as_str(), p.partition_index), result);
            }
        }
        Ok(results)
    }

    /// Where `broker` keeps its replicas of `partitions`; those that it does not have are missing.
    pub async fn replica_places(
        &self,
        broker: i32,
        partitions: &BTreeSet<TopicPartition>,
    ) -> Result<BTreeMap<TopicPartition, ReplicaPlace>, Error> {
        let topics: Vec<(String, Vec<i32>)> = by_topic(partitions.iter()).into_iter().collect();
        let mut places: BTreeMap<TopicPartition, ReplicaPlace> = BTreeMap::new();
        for dir in self.describe_log_dirs(broker, Some(&topics)).await? {
            for topic in dir.topics {
                for p in topic.partitions {
                    let place = places.entry(TopicPartition::new(topic.name.as_str(), p.partition_index)).or_default();
                    let side = if p.is_future_key { &mut place.future } else { &mut place.current };
                    *side = Some(dir.log_dir.clone());
                }
            }
        }
        Ok(places)
    }

    /// Has `broker` move replicas to other directories of its own.
    pub async fn alter_replica_dirs(&self, broker: i32, targets: &BTreeMap<TopicPartition, String>) -> Result<Each, Error> {
        let mut dirs: BTreeMap<&str, Vec<&TopicPartition>> = BTreeMap::new();
        targets.iter().for_each(|(tp, dir)| dirs.entry(dir).or_default().push(tp));
        let topic = |(name, partitions): (String, Vec<i32>)| AlterReplicaLogDirTopic { name, partitions };
        let dir = |(path, some): (&str, Vec<&TopicPartition>)| AlterReplicaLogDir {
            path: path.to_owned(),
            topics: by_topic(some.into_iter()).into_iter().map(topic).collect(),
        };
        let request = AlterReplicaLogDirsRequest { dirs: dirs.into_iter().map(dir).collect() };
        let answer = self.retrying("moving replicas to other directories", || async { self.client.call_node(broker, &request).await });
        let mut results = Each::new();
        for topic in answer.await?.results {
            for p in topic.partitions {
                results.insert(TopicPartition::new(topic.topic_name.as_str(), p.partition_index), check(p.error_code, None));
            }
        }
        Ok(results)
    }
}

fn by_topic<'a>(partitions: impl Iterator<Item = &'a TopicPartition>) -> BTreeMap<String, Vec<i32>> {
    let mut topics: BTreeMap<String, Vec<i32>> = BTreeMap::new();
    partitions.for_each(|tp| topics.entry(tp.topic.clone()).or_default().push(tp.partition));
    topics
}
