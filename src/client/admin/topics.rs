//! Topics: create, list, describe, grow, delete.

use std::collections::BTreeMap;

use kfk_wire::create_partitions_request::{CreatePartitionsAssignment, CreatePartitionsRequest, CreatePartitionsTopic};
use kfk_wire::create_topics_request::{CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig, CreateTopicsRequest};
use kfk_wire::create_topics_response::CreatableTopicResult;
use kfk_wire::delete_topics_request::{DeleteTopicState, DeleteTopicsRequest};
use kfk_wire::describe_topic_partitions_request::{Cursor, DescribeTopicPartitionsRequest, TopicRequest};
use kfk_wire::describe_topic_partitions_response::DescribeTopicPartitionsResponseTopic;
use kfk_wire::metadata_response::MetadataResponseTopic;
use kfk_wire::{ApiKey, ErrorCode, Uuid};

use super::Admin;
use crate::client::error::{Error, check};

/// A topic to create. `None` leaves the count or factor to the broker.
#[derive(Debug, Clone, Default)]
pub struct NewTopic {
    /// As it will be called.
    pub name: String,
    /// How many.
    pub partitions: Option<i32>,
    /// Copies of each partition.
    pub replication_factor: Option<i16>,
    /// Brokers by partition; excludes `partitions` and `replication_factor`.
    pub assignments: BTreeMap<i32, Vec<i32>>,
    /// Settings that differ from the broker's.
    pub configs: BTreeMap<String, String>,
}

/// A topic to grow to `count` partitions. `assignments`: the brokers of each new partition.
#[derive(Debug, Clone)]
pub struct NewPartitions {
    /// Its name.
    pub topic: String,
    /// How many partitions there will be in all.
    pub count: i32,
    /// Brokers of each new partition; `None` leaves them to the cluster.
    pub assignments: Option<Vec<Vec<i32>>>,
}

/// One topic of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicListing {
    /// Its name.
    pub name: String,
    /// Its id; another topic of this name would have another one.
    pub id: Uuid,
    /// The cluster's own bookkeeping.
    pub is_internal: bool,
    /// How many.
    pub partitions: usize,
}

/// A topic with its partitions, sorted by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedTopic {
    /// Its name.
    pub name: String,
    /// Its id; another topic of this name would have another one.
    pub id: Uuid,
    /// The cluster's own bookkeeping.
    pub is_internal: bool,
    /// All, or those of a page.
    pub partitions: Vec<DescribedPartition>,
}

/// One partition; leader -1 when there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedPartition {
    /// Its number.
    pub partition: i32,
    /// The leader's id.
    pub leader: i32,
    /// Grows with every change of the leader.
    pub leader_epoch: i32,
    /// Ids of the brokers that hold a copy, the preferred leader first.
    pub replicas: Vec<i32>,
    /// Ids of those whose copy is in sync.
    pub isr: Vec<i32>,
    /// `None` where the broker does not tell.
    pub elr: Option<Vec<i32>>,
    /// Those that were eligible when nobody was left; `None` where the broker does not tell.
    pub last_known_elr: Option<Vec<i32>>,
}

impl Admin {
    /// Creates topics; each succeeds or fails alone. `validate_only`: only says what would happen.
    pub async fn create_topics(
        &self,
        topics: &[NewTopic],
        validate_only: bool,
    ) -> Result<Vec<(String, Result<CreatableTopicResult, Error>)>, Error> {
        let request = CreateTopicsRequest { topics: topics.iter().map(creatable).collect(), timeout_ms: self.timeout_ms(), validate_only };
        let answer = self.retrying("creating topics", || async {
            let answer = self.client.call_controller(&request).await?;
            self.not_controller(answer.topics.iter().map(|t| t.error_code)).await.map(|()| answer)
        });
        let each = answer.await?.topics.into_iter().map(|t| {
            let result = check(t.error_code, t.error_message.as_deref());
            (t.name.clone(), result.map(|()| t))
        });
        Ok(each.collect())
    }

    /// All topics, sorted by name; internal ones only if asked for.
    pub async fn list_topics(&self, internal: bool) -> Result<Vec<TopicListing>, Error> {
        let answer = self.retrying("listing topics", || async { self.client.ask_metadata(None, false).await }).await?;
        let listing = |t: MetadataResponseTopic| {
            let listed = TopicListing { name: t.name?, id: t.topic_id, is_internal: t.is_internal, partitions: t.partitions.len() };
            (internal || !listed.is_internal).then_some(listed)
        };
        let mut all: Vec<TopicListing> = answer.topics.into_iter().filter_map(listing).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    /// Describes topics by name, each with its own error, in the order given.
    pub async fn describe_topics(&self, names: &[&str]) -> Result<Vec<(String, Result<DescribedTopic, Error>)>, Error> {
        self.describe_topics_paged(names, DescribeTopicPartitionsRequest::default().response_partition_limit).await
    }

    /// As `describe_topics`, asking for at most `page` partitions in one response.
    pub async fn describe_topics_paged(&self, names: &[&str], page: i32) -> Result<Vec<(String, Result<DescribedTopic, Error>)>, Error> {
        let found = self.retrying("describing topics", || async {
            match self.describe_by_partitions(names, page).await {
                Err(Error::Unsupported { .. }) => self.describe_by_metadata(names).await,
                other => other,
            }
        });
        let mut found = found.await?;
        let missing = || Err(Error::Broker { code: ErrorCode::UnknownTopicOrPartition, message: None });
        Ok(names.iter().map(|n| (n.to_string(), found.remove(*n).unwrap_or_else(missing))).collect())
    }

    /// Describes one topic by its id.
    pub async fn describe_topic_id(&self, id: Uuid) -> Result<DescribedTopic, Error> {
        use kfk_wire::metadata_request::{MetadataRequest, MetadataRequestTopic};
        let wanted = MetadataRequestTopic { topic_id: id, name: None };
        let request = MetadataRequest { topics: Some(vec![wanted]), allow_auto_topic_creation: false, ..Default::default() };
        let answer = self.retrying("describing a topic", || async { self.client.call_any(&request).await }).await?;
        let unknown = Error::Broker { code: ErrorCode::UnknownTopicId, message: None };
        let topic = answer.topics.into_iter().next().ok_or(unknown)?;
        check(topic.error_code, None)?;
        let name = topic.name.clone().unwrap_or_default();
        match self.describe_topics(&[&name]).await?.pop() {
            Some((_, described)) => described,
            None => Ok(from_metadata(topic)),
        }
    }

    async fn describe_by_partitions(&self, names: &[&str], page: i32) -> Result<BTreeMap<String, Result<DescribedTopic, Error>>, Error> {
        let mut out: BTreeMap<String, Result<DescribedTopic, Error>> = BTreeMap::new();
        let mut cursor = None;
        loop {
            let request = DescribeTopicPartitionsRequest {
                topics: names.iter().map(|n| TopicRequest { name: n.to_string() }).collect(),
                cursor: cursor.take(),
                response_partition_limit: page,
            };
            let answer = self.client.call_any(&request).await?;
            for topic in answer.topics {
                let Some(name) = topic.name.clone() else { continue };
                if let Err(error) = check(topic.error_code, None) {
                    out.insert(name, Err(error));
                    continue;
                }
                match out.get_mut(&name) {
                    Some(Ok(known)) => known.partitions.extend(from_partitions(topic).partitions),
                    _ => drop(out.insert(name, Ok(from_partitions(topic)))),
                }
            }
            match answer.next_cursor {
                Some(next) => cursor = Some(Cursor { topic_name: next.topic_name, partition_index: next.partition_index }),
                None => break,
            }
        }
        out.values_mut().flatten().for_each(|t| t.partitions.sort_by_key(|p| p.partition));
        Ok(out)
    }

    async fn describe_by_metadata(&self, names: &[&str]) -> Result<BTreeMap<String, Result<DescribedTopic, Error>>, Error> {
        let answer = self.client.ask_metadata(Some(names), false).await?;
        let each = answer.topics.into_iter().filter_map(|t| {
            let name = t.name.clone()?;
            Some((name, check(t.error_code, None).map(|()| from_metadata(t))))
        });
        Ok(each.collect())
    }

    /// Adds partitions to topics; each succeeds or fails alone.
    pub async fn create_partitions(&self, topics: &[NewPartitions]) -> Result<Vec<(String, Result<(), Error>)>, Error> {
        let assignment = |broker_ids: &Vec<i32>| CreatePartitionsAssignment { broker_ids: broker_ids.clone() };
        let topic = |t: &NewPartitions| CreatePartitionsTopic {
            name: t.topic.clone(),
            count: t.count,
            assignments: t.assignments.as_ref().map(|b| b.iter().map(assignment).collect()),
        };
        let request =
            CreatePartitionsRequest { topics: topics.iter().map(topic).collect(), timeout_ms: self.timeout_ms(), validate_only: false };
        let answer = self.retrying("adding partitions", || async {
            let answer = self.client.call_controller(&request).await?;
            self.not_controller(answer.results.iter().map(|r| r.error_code)).await.map(|()| answer)
        });
        Ok(answer.await?.results.into_iter().map(|r| (r.name, check(r.error_code, r.error_message.as_deref()))).collect())
    }

    /// Deletes topics by name.
    pub async fn delete_topics(&self, names: &[&str]) -> Result<Vec<(String, Result<(), Error>)>, Error> {
        let answer = self.retrying("deleting topics", || async {
            let any = self.client.refresh(&[]).await?.brokers.keys().next().copied().unwrap_or(-1);
            let by_state = self.client.version_of::<DeleteTopicsRequest>(any).await? >= 6;
            let state = |n: &&str| DeleteTopicState { name: Some(n.to_string()), ..Default::default() };
            let request = DeleteTopicsRequest {
                topics: if by_state { names.iter().map(state).collect() } else { vec![] },
                topic_names: if by_state { vec![] } else { names.iter().map(|n| n.to_string()).collect() },
                timeout_ms: self.timeout_ms(),
            };
            let answer = self.client.call_node(any, &request).await?;
            self.not_controller(answer.responses.iter().map(|r| r.error_code)).await.map(|()| answer)
        });
        let each = answer.await?.responses.into_iter();
        Ok(each.map(|r| (r.name.unwrap_or_default(), check(r.error_code, r.error_message.as_deref()))).collect())
    }

    /// Whether the cluster's brokers can describe topics with their eligible leader replicas.
    pub async fn tells_elr(&self) -> Result<bool, Error> {
        let any = self.client.refresh(&[]).await?.brokers.keys().next().copied().unwrap_or(-1);
        Ok(self.client.versions(any).await?.contains_key(&ApiKey::DescribeTopicPartitions.code()))
    }
}

fn creatable(topic: &NewTopic) -> CreatableTopic {
    let manual = !topic.assignments.is_empty();
    CreatableTopic {
        name: topic.name.clone(),
        num_partitions: if manual { -1 } else { topic.partitions.unwrap_or(-1) },
        replication_factor: if manual { -1 } else { topic.replication_factor.unwrap_or(-1) },
        assignments: topic
            .assignments
            .iter()
            .map(|(p, brokers)| CreatableReplicaAssignment { partition_index: *p, broker_ids: brokers.clone() })
            .collect(),
        configs: topic.configs.iter().map(|(k, v)| CreatableTopicConfig { name: k.clone(), value: Some(v.clone()) }).collect(),
    }
}

fn from_partitions(topic: DescribeTopicPartitionsResponseTopic) -> DescribedTopic {
    let partitions = topic.partitions.into_iter().map(|p| DescribedPartition {
        partition: p.partition_index,
        leader: p.leader_id,
        leader_epoch: p.leader_epoch,
        replicas: p.replica_nodes,
        isr: p.isr_nodes,
        elr: p.eligible_leader_replicas,
        last_known_elr: p.last_known_elr,
    });
    let name = topic.name.unwrap_or_default();
    DescribedTopic { name, id: topic.topic_id, is_internal: topic.is_internal, partitions: partitions.collect() }
}

fn from_metadata(topic: MetadataResponseTopic) -> DescribedTopic {
    let partition = |p: kfk_wire::metadata_response::MetadataResponsePartition| DescribedPartition {
        partition: p.partition_index,
        leader: p.leader_id,
        leader_epoch: p.leader_epoch,
        replicas: p.replica_nodes,
        isr: p.isr_nodes,
        elr: None,
        last_known_elr: None,
    };
    let mut partitions: Vec<DescribedPartition> = topic.partitions.into_iter().map(partition).collect();
    partitions.sort_by_key(|p| p.partition);
    DescribedTopic { name: topic.name.unwrap_or_default(), id: topic.topic_id, is_internal: topic.is_internal, partitions }
}
