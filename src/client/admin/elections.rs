//! Elections of partition leaders.

use std::collections::BTreeMap;

use kfk_wire::elect_leaders_request::{ElectLeadersRequest, TopicPartitions};

use super::Admin;
use crate::client::error::{Error, check};
use crate::types::TopicPartition;

/// Which leader to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ElectionKind {
    /// The first of the replicas, where another one leads.
    Preferred,
    /// Any replica where none leads, at the price of records that it does not have.
    Unclean,
}

impl Admin {
    /// Elects leaders of `partitions`, or of all that need one (`None`; then only those are in the result).
    pub async fn elect_leaders(
        &self,
        kind: ElectionKind,
        partitions: Option<&[TopicPartition]>,
    ) -> Result<BTreeMap<TopicPartition, Result<(), Error>>, Error> {
        let request = ElectLeadersRequest {
            election_type: if kind == ElectionKind::Preferred { 0 } else { 1 },
            topic_partitions: partitions.map(by_topic),
            timeout_ms: self.timeout_ms(),
        };
        let answer = self.retrying("electing leaders", || async {
            let answer = self.client.call_controller(&request).await?;
            self.not_controller(std::iter::once(answer.error_code)).await?;
            check(answer.error_code, None).map(|()| answer)
        });
        let mut results = BTreeMap::new();
        for topic in answer.await?.replica_election_results {
            for p in topic.partition_result {
                let result = check(p.error_code, p.error_message.as_deref());
                results.insert(TopicPartition::new(topic.topic.as_str(), p.partition_id), result);
            }
        }
        Ok(results)
    }
}

fn by_topic(partitions: &[TopicPartition]) -> Vec<TopicPartitions> {
    let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    partitions.iter().for_each(|tp| topics.entry(&tp.topic).or_default().push(tp.partition));
    topics.into_iter().map(|(topic, partitions)| TopicPartitions { topic: topic.to_owned(), partitions }).collect()
}
