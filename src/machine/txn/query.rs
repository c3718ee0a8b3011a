//! ListTransactions and DescribeTransactions (fact E21).

use std::collections::BTreeMap;

use super::requests::{ListFilter, described};
use super::state::Txn;
use super::{Entry, TxnShard};
use crate::types::{Now, TopicPartition};
use crate::wire::ErrorCode;
use crate::wire::describe_transactions_response::{TopicData, TransactionState as Described};
use crate::wire::list_transactions_response::TransactionState as Listed;

impl ListFilter {
    fn lets_through(&self, now: Now, transactional_id: &str, txn: &Txn) -> bool {
        let age = now.wall.0.saturating_sub(txn.started.0);
        (self.producer_ids.is_empty() || self.producer_ids.contains(&txn.producer_id))
            && self.states.as_ref().is_none_or(|states| states.contains(&txn.state))
            && self.longer_than_ms.is_none_or(|longer_than| age > longer_than)
            && self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(transactional_id))
    }
}

impl TxnShard {
    pub(super) fn list(&self, now: Now, filter: &ListFilter) -> Vec<Listed> {
        let listed = |(id, txn): (&str, &Txn)| Listed {
            transactional_id: id.into(),
            producer_id: txn.producer_id,
            transaction_state: txn.state.name().into(),
        };
        self.iter().filter(|(id, txn)| filter.lets_through(now, id, txn)).map(listed).collect()
    }

    pub(super) fn describe(&self, transactional_id: &str) -> Described {
        if transactional_id.is_empty() {
            return described(transactional_id, ErrorCode::InvalidRequest);
        }
        let Some(entry) = self.ids.get(transactional_id) else {
            return described(transactional_id, ErrorCode::TransactionalIdNotFound);
        };
        let txn = &entry.txn;
        Described {
            transaction_state: txn.state.name().into(),
            transaction_timeout_ms: txn.timeout_ms,
            transaction_start_time_ms: txn.started.0,
            producer_id: txn.producer_id,
            producer_epoch: txn.epoch,
            topics: topics(entry),
            ..described(transactional_id, ErrorCode::None)
        }
    }
}

/// The partitions of a transaction; of one that is decided, those without a marker.
fn topics<'a>(entry: &'a Entry) -> Vec<TopicData> {
    let mut topics: BTreeMap<&'a str, Vec<i32>> = BTreeMap::new();
    let mut add = |partition: &'a TopicPartition| topics.entry(&partition.topic).or_default().push(partition.partition);
    match &entry.ending {
        Some(ending) => ending.partitions().for_each(&mut add),
        None => entry.txn.partitions.iter().for_each(&mut add),
    }
    topics.into_iter().map(|(topic, partitions)| TopicData { topic: topic.into(), partitions }).collect()
}
