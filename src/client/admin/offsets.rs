//! Offsets of partitions, and removing records before one.

use std::collections::BTreeMap;

use kfk_wire::ErrorCode;
use kfk_wire::delete_records_request::{DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic};
use kfk_wire::list_offsets_request::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};

use super::Admin;
use crate::client::error::{Error, check};
use crate::types::TopicPartition;

/// Which offset is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffsetSpec {
    /// The end as a reader sees it.
    Latest,
    /// The first record there is.
    Earliest,
    /// Of the record with the largest timestamp.
    MaxTimestamp,
    /// The first record on the broker's own disks.
    EarliestLocal,
    /// The last record in tiered storage.
    LatestTiered,
    /// The first record that is yet to go to tiered storage.
    EarliestPendingUpload,
    /// The first record at or after this time, milliseconds since 1970.
    Timestamp(i64),
}

impl OffsetSpec {
    /// As in a ListOffsets request.
    pub fn code(self) -> i64 {
        match self {
            OffsetSpec::Latest => -1,
            OffsetSpec::Earliest => -2,
            OffsetSpec::MaxTimestamp => -3,
            OffsetSpec::EarliestLocal => -4,
            OffsetSpec::LatestTiered => -5,
            OffsetSpec::EarliestPendingUpload => -6,
            OffsetSpec::Timestamp(ms) => ms,
        }
    }
}

/// An offset found; -1 where there is none, as for the other fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListedOffset {
    /// The record's place in the partition.
    pub offset: i64,
    /// Of the record, where one was looked for by time.
    pub timestamp: i64,
    /// Under which the record was written.
    pub leader_epoch: i32,
}

pub(super) type PerPartition<T> = BTreeMap<TopicPartition, Result<T, Error>>;

impl Admin {
    /// Asks the leaders of the partitions; each has its own result. `read_committed`: "latest" is the last stable offset.
    pub async fn list_offsets(
        &self,
        wanted: &BTreeMap<TopicPartition, OffsetSpec>,
        read_committed: bool,
    ) -> Result<PerPartition<ListedOffset>, Error> {
        self.per_leader("listing offsets", wanted, |node, some| async move {
            let mut topics: BTreeMap<&str, Vec<ListOffsetsPartition>> = BTreeMap::new();
            for (tp, spec) in &some {
                let partition = ListOffsetsPartition { partition_index: tp.partition, timestamp: spec.code(), ..Default::default() };
                topics.entry(&tp.topic).or_default().push(partition);
            }
            let topic = |(name, partitions): (&str, Vec<ListOffsetsPartition>)| ListOffsetsTopic { name: name.to_string(), partitions };
            let request = ListOffsetsRequest {
                replica_id: -1,
                isolation_level: i8::from(read_committed),
                topics: topics.into_iter().map(topic).collect(),
                timeout_ms: self.timeout_ms(),
            };
            let answer = self.client.call_node(node, &request).await?;
            let each = answer.topics.into_iter().flat_map(|t| {
                t.partitions.into_iter().map(move |p| {
                    let found = ListedOffset { offset: p.offset, timestamp: p.timestamp, leader_epoch: p.leader_epoch };
                    (TopicPartition::new(t.name.clone(), p.partition_index), check(p.error_code, None).map(|()| found))
                })
            });
            Ok(each.collect())
        })
        .await
    }

    /// Removes the records before each offset (-1: all that are committed); gives the new first offsets.
    pub async fn delete_records(&self, before: &BTreeMap<TopicPartition, i64>) -> Result<PerPartition<i64>, Error> {
        self.per_leader("deleting records", before, |node, some| async move {
            let mut topics: BTreeMap<&str, Vec<DeleteRecordsPartition>> = BTreeMap::new();
            for (tp, offset) in &some {
                let partition = DeleteRecordsPartition { partition_index: tp.partition, offset: *offset };
                topics.entry(&tp.topic).or_default().push(partition);
            }
            let topic = |(name, partitions): (&str, Vec<DeleteRecordsPartition>)| DeleteRecordsTopic { name: name.to_string(), partitions };
            let request = DeleteRecordsRequest { topics: topics.into_iter().map(topic).collect(), timeout_ms: self.timeout_ms() };
            let answer = self.client.call_node(node, &request).await?;
            let each = answer.topics.into_iter().flat_map(|t| {
                t.partitions.into_iter().map(move |p| {
                    let name = TopicPartition::new(t.name.clone(), p.partition_index);
                    (name, check(p.error_code, None).map(|()| p.low_watermark))
                })
            });
            Ok(each.collect())
        })
        .await
    }

    /// Splits the partitions by leader and asks each; asks again, with fresh metadata, for those whose leader moved or is unknown.
    pub(super) async fn per_leader<S: Copy, T, F: Future<Output = Result<PerPartition<T>, Error>>>(
        &self,
        what: &str,
        wanted: &BTreeMap<TopicPartition, S>,
        ask: impl Fn(i32, BTreeMap<TopicPartition, S>) -> F,
    ) -> Result<PerPartition<T>, Error> {
        let mut out: PerPartition<T> = BTreeMap::new();
        let start = std::time::Instant::now();
        for tries in 0.. {
            let open: BTreeMap<TopicPartition, S> =
                wanted.iter().filter(|(tp, _)| !settled(&out, tp)).map(|(tp, s)| (tp.clone(), *s)).collect();
            if open.is_empty() || (tries > 0 && start.elapsed() >= self.client.api_timeout()) {
                break;
            }
            if tries > 0 {
                tokio::time::sleep(self.client.backoff(tries - 1)).await;
            }
            let mut topics: Vec<&str> = open.keys().map(|tp| tp.topic.as_str()).collect();
            topics.dedup();
            let metadata = self.retrying(what, || async { self.client.refresh(&topics).await }).await?;
            let mut by_leader: BTreeMap<i32, BTreeMap<TopicPartition, S>> = BTreeMap::new();
            for (tp, s) in &open {
                match metadata.leader(&tp.topic, tp.partition) {
                    Some(leader) => drop(by_leader.entry(leader).or_default().insert(tp.clone(), *s)),
                    None => drop(out.insert(tp.clone(), Err(no_leader(&metadata, tp)))),
                }
            }
            for (leader, some) in by_leader {
                match ask(leader, some.clone()).await {
                    Ok(results) => out.extend(results),
                    Err(error) => out.extend(some.into_keys().map(|tp| (tp, Err(error.clone())))),
                }
            }
        }
        Ok(out)
    }
}

/// Has a result that trying again will not change. A topic that does not exist is not waited for.
fn settled<T>(out: &PerPartition<T>, tp: &TopicPartition) -> bool {
    match out.get(tp) {
        None => false,
        Some(Ok(_)) => true,
        Some(Err(error)) => !error.is_retriable() || error.code() == Some(ErrorCode::UnknownTopicOrPartition),
    }
}

fn no_leader(metadata: &crate::client::Metadata, tp: &TopicPartition) -> Error {
    let exists = metadata.topics.get(&tp.topic).is_some_and(|t| t.partitions.iter().any(|p| p.partition == tp.partition));
    let code = if exists { ErrorCode::LeaderNotAvailable } else { ErrorCode::UnknownTopicOrPartition };
    Error::Broker { code, message: None }
}
