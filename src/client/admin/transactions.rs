//! Transactions as their coordinators and their partitions know them, and ending those of others.

use std::collections::BTreeMap;

use kfk_wire::describe_producers_request::{DescribeProducersRequest, TopicRequest};
pub use kfk_wire::describe_producers_response::ProducerState;
use kfk_wire::describe_transactions_request::DescribeTransactionsRequest;
use kfk_wire::init_producer_id_request::InitProducerIdRequest;
use kfk_wire::list_transactions_request::ListTransactionsRequest;
use kfk_wire::write_txn_markers_request::{WritableTxnMarker, WritableTxnMarkerTopic, WriteTxnMarkersRequest};
use kfk_wire::{ErrorCode, Request};

use super::Admin;
use crate::client::cluster::Coordinator;
use crate::client::error::{Error, check};
use crate::types::TopicPartition;

/// One transactional id of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionListing {
    /// `transactional.id` of its producer.
    pub transactional_id: String,
    /// The broker that coordinates it.
    pub coordinator: i32,
    /// The id that its producer has now.
    pub producer_id: i64,
    /// `Ongoing`, `CompleteCommit`, ...
    pub state: String,
}

/// Which transactional ids to list; what is empty or missing filters nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TransactionFilter {
    /// Only those of these producers.
    pub producer_ids: Vec<i64>,
    /// Only those that have been going on for longer, in milliseconds.
    pub longer_than_ms: Option<i64>,
    /// A regular expression (RE2) for the whole id.
    pub pattern: Option<String>,
}

/// What a coordinator knows of one transactional id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionDescription {
    /// The broker that coordinates it.
    pub coordinator: i32,
    /// The id that its producer has now.
    pub producer_id: i64,
    /// Grows with every producer that takes the id over, and with every transaction where the cluster has `transaction.version` 2.
    pub producer_epoch: i16,
    /// `Ongoing`, `CompleteCommit`, ...
    pub state: String,
    /// `transaction.timeout.ms` of its producer.
    pub timeout_ms: i32,
    /// Milliseconds since 1970; `None` when none has begun.
    pub start_ms: Option<i64>,
    /// Those that take part and have no marker yet.
    pub partitions: Vec<TopicPartition>,
}

/// An open transaction in one partition, as the partition knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenTransaction {
    /// Where it is open.
    pub partition: TopicPartition,
    /// Its producer.
    pub producer_id: i64,
    /// Its producer's epoch.
    pub producer_epoch: i16,
    /// The epoch of the coordinator that ends it: not lower than the last one that wrote a marker there.
    pub coordinator_epoch: i32,
}

type Producers = BTreeMap<TopicPartition, Result<Vec<ProducerState>, Error>>;

impl Admin {
    /// All transactional ids of all brokers, by broker, then by id.
    pub async fn list_transactions(&self, filter: &TransactionFilter) -> Result<Vec<TransactionListing>, Error> {
        let request = ListTransactionsRequest {
            producer_id_filters: filter.producer_ids.clone(),
            duration_filter: filter.longer_than_ms.unwrap_or(-1),
            transactional_id_pattern: filter.pattern.clone(),
            ..Default::default()
        };
        let nodes = self.retrying("listing transactions", || async { self.client.refresh(&[]).await }).await?;
        let mut all = Vec::new();
        for node in nodes.brokers.keys() {
            let answer = self.retrying("listing transactions", || async {
                let answer = self.client.call_node(*node, &request).await?;
                check(answer.error_code, None).map(|()| answer)
            });
            all.extend(answer.await?.transaction_states.into_iter().map(|t| TransactionListing {
                transactional_id: t.transactional_id,
                coordinator: *node,
                producer_id: t.producer_id,
                state: t.transaction_state,
            }));
        }
        all.sort_by(|a, b| (a.coordinator, &a.transactional_id).cmp(&(b.coordinator, &b.transactional_id)));
        Ok(all)
    }

    /// Describes one transactional id. Errors: TRANSACTIONAL_ID_NOT_FOUND.
    pub async fn describe_transaction(&self, id: &str) -> Result<TransactionDescription, Error> {
        let request = DescribeTransactionsRequest { transactional_ids: vec![id.to_string()] };
        let asked = self.ask_coordinator(id, "describing a transaction", &request, |r| {
            r.transaction_states.first().map_or(ErrorCode::TransactionalIdNotFound.code(), |t| t.error_code)
        });
        let (coordinator, answer) = asked.await?;
        let found = answer.transaction_states.into_iter().next();
        let found = found.ok_or(Error::Broker { code: ErrorCode::TransactionalIdNotFound, message: None })?;
        let partitions = found.topics.into_iter().flat_map(|t| {
            let topic = t.topic;
            t.partitions.into_iter().map(move |p| TopicPartition::new(topic.as_str(), p))
        });
        let mut partitions: Vec<TopicPartition> = partitions.collect();
        partitions.sort();
        Ok(TransactionDescription {
            coordinator,
            producer_id: found.producer_id,
            producer_epoch: found.producer_epoch,
            state: found.transaction_state,
            timeout_ms: found.transaction_timeout_ms,
            start_ms: Some(found.transaction_start_time_ms).filter(|ms| *ms >= 0),
            partitions,
        })
    }

    /// The producers that partitions know of, each partition with its own result; asked of the leaders, or of one broker.
    pub async fn describe_producers(&self, partitions: &[TopicPartition], node: Option<i32>) -> Result<Producers, Error> {
        let wanted: BTreeMap<TopicPartition, ()> = partitions.iter().map(|tp| (tp.clone(), ())).collect();
        match node {
            Some(node) => self.retrying("describing producers", || async { self.producers_of(node, wanted.keys().collect()).await }).await,
            None => {
                let ask = async |leader, some: BTreeMap<TopicPartition, ()>| self.producers_of(leader, some.keys().collect()).await;
                self.per_leader("describing producers", &wanted, ask).await
            }
        }
    }

    async fn producers_of(&self, node: i32, partitions: Vec<&TopicPartition>) -> Result<Producers, Error> {
        let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
        partitions.iter().for_each(|tp| topics.entry(&tp.topic).or_default().push(tp.partition));
        let topic = |(name, partition_indexes): (&str, _)| TopicRequest { name: name.to_string(), partition_indexes };
        let request = DescribeProducersRequest { topics: topics.into_iter().map(topic).collect() };
        let answer = self.client.call_node(node, &request).await?;
        let each = answer.topics.into_iter().flat_map(|t| {
            let name = t.name;
            t.partitions.into_iter().map(move |p| {
                let checked = check(p.error_code, p.error_message.as_deref());
                (TopicPartition::new(name.as_str(), p.partition_index), checked.map(|()| p.active_producers))
            })
        });
        Ok(each.collect())
    }

    /// Ends an open transaction in one partition by an abort marker, whatever its coordinator thinks of it: for those that hang.
    pub async fn abort_open_transaction(&self, open: &OpenTransaction) -> Result<(), Error> {
        let wanted = BTreeMap::from([(open.partition.clone(), ())]);
        let ask = async |leader, _: BTreeMap<TopicPartition, ()>| {
            let topic = WritableTxnMarkerTopic { name: open.partition.topic.clone(), partition_indexes: vec![open.partition.partition] };
            let marker = WritableTxnMarker {
                producer_id: open.producer_id,
                producer_epoch: open.producer_epoch,
                transaction_result: false,
                topics: vec![topic],
                coordinator_epoch: open.coordinator_epoch,
                ..Default::default()
            };
            let answer = self.client.call_node(leader, &WriteTxnMarkersRequest { markers: vec![marker] }).await?;
            let codes = answer.markers.iter().flat_map(|m| &m.topics).flat_map(|t| &t.partitions).map(|p| p.error_code);
            let result = codes.map(|code| check(code, None)).next();
            let none = Err(Error::Broker { code: ErrorCode::UnknownServerError, message: None });
            Ok(BTreeMap::from([(open.partition.clone(), result.unwrap_or(none))]))
        };
        let each = self.per_leader("aborting a transaction", &wanted, ask).await?;
        each.into_values().next().unwrap_or(Ok(()))
    }

    /// Takes a transactional id over: its producer is fenced, and what that one left open is aborted. An id that does not exist comes to be.
    pub async fn fence_producer(&self, id: &str) -> Result<(), Error> {
        let request = InitProducerIdRequest {
            transactional_id: Some(id.to_string()),
            transaction_timeout_ms: self.timeout_ms(),
            producer_id: -1,
            producer_epoch: -1,
            ..Default::default()
        };
        self.ask_coordinator(id, "ending a transaction", &request, |r| r.error_code).await.map(|_| ())
    }

    /// Asks the coordinator of a transactional id until `code_of` its answer is no error; tries again what may pass.
    async fn ask_coordinator<R: Request>(
        &self,
        id: &str,
        what: &str,
        request: &R,
        code_of: impl Fn(&R::Response) -> i16 + Copy,
    ) -> Result<(i32, R::Response), Error> {
        self.retrying(what, || async {
            let node = self.client.coordinator(Coordinator::Transaction, id).await?;
            let answer = self.client.call_node(node, request).await;
            let answer = answer.and_then(|a| check(code_of(&a), None).map(|()| (node, a)));
            if let Err(error) = &answer {
                self.client.forget_if_moved(Coordinator::Transaction, id, error);
            }
            answer
        })
        .await
    }
}
