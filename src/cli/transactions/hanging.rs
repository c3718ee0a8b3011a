//! `find-hanging`: open in a partition for longer than a transaction may last, and no coordinator will end it.

use std::collections::BTreeMap;

use super::failed;
use crate::cli::error::CliError;
use crate::cli::tool::Context;
use crate::client::Error;
use crate::client::admin::{Admin, ProducerState, TransactionDescription, TransactionFilter};
use crate::types::TopicPartition;
use crate::wire::ErrorCode;

/// Partitions or topics named in one request.
const AT_ONCE: usize = 500;

/// Where to look.
pub(super) struct Scope<'a> {
    pub broker: Option<i32>,
    pub topic: Option<&'a str>,
    pub partition: Option<i32>,
}

/// An open transaction in a partition.
#[derive(Debug, Clone)]
pub(super) struct Hanging {
    pub partition: TopicPartition,
    pub producer: ProducerState,
}

pub(super) async fn find(admin: &Admin, scope: &Scope<'_>, longest_ms: i64, cx: &Context) -> Result<Vec<Hanging>, CliError> {
    let partitions = partitions(admin, scope, cx).await?;
    let old = old(admin, &partitions, scope.broker, longest_ms, cx).await?;
    if old.is_empty() {
        return Ok(old);
    }
    let producer_ids: Vec<i64> = old.iter().map(|h| h.producer.producer_id).collect();
    let filter = TransactionFilter { producer_ids, ..TransactionFilter::default() };
    let count = filter.producer_ids.len();
    let listed = admin.list_transactions(&filter).await;
    let listed = listed.map_err(|e| failed(cx, &format!("Failed to list transactions for {count} producers"), e, None))?;
    let mut known: BTreeMap<i64, TransactionDescription> = BTreeMap::new();
    for listing in listed {
        match admin.describe_transaction(&listing.transactional_id).await {
            Ok(description) => drop(known.insert(listing.producer_id, description)),
            Err(e) if e.code() == Some(ErrorCode::TransactionalIdNotFound) => {}
            Err(e) => return Err(failed(cx, &format!("Failed to describe {count} transactions"), e, None)),
        }
    }
    // A coordinator that has the partition on its list will still write the marker.
    let awaited = |h: &Hanging| known.get(&h.producer.producer_id).is_some_and(|t| t.partitions.contains(&h.partition));
    Ok(old.into_iter().filter(|h| !awaited(h)).collect())
}

async fn partitions(admin: &Admin, scope: &Scope<'_>, cx: &Context) -> Result<Vec<TopicPartition>, CliError> {
    if let (Some(topic), Some(partition)) = (scope.topic, scope.partition) {
        return Ok(vec![TopicPartition::new(topic, partition)]);
    }
    let topics: Vec<String> = match scope.topic {
        Some(topic) => vec![topic.to_owned()],
        None => {
            let all = admin.list_topics(true).await.map_err(|e| failed(cx, "Failed to list topics", e, None))?;
            all.into_iter().map(|t| t.name).collect()
        }
    };
    let undescribed = |e: Error| failed(cx, &format!("Failed to describe {} topics", topics.len()), e, None);
    let mut out = Vec::new();
    for some in topics.chunks(AT_ONCE) {
        let names: Vec<&str> = some.iter().map(String::as_str).collect();
        for (name, described) in admin.describe_topics(&names).await.map_err(undescribed)? {
            let described = described.map_err(undescribed)?;
            let here = described.partitions.iter().filter(|p| scope.broker.is_none_or(|id| p.replicas.contains(&id)));
            out.extend(here.map(|p| TopicPartition::new(name.as_str(), p.partition)));
        }
    }
    Ok(out)
}

/// Transactions whose last record is older than a transaction may be.
async fn old(
    admin: &Admin,
    partitions: &[TopicPartition],
    broker: Option<i32>,
    longest_ms: i64,
    cx: &Context,
) -> Result<Vec<Hanging>, CliError> {
    let whom = broker.map_or("their leaders".to_owned(), |id| format!("broker {id}"));
    let undescribed = |e| failed(cx, &format!("Failed to describe producers for {} partitions on {whom}", partitions.len()), e, None);
    let mut out = Vec::new();
    for some in partitions.chunks(AT_ONCE) {
        let found = admin.describe_producers(some, broker).await.map_err(undescribed)?;
        let now = jiff::Timestamp::now().as_millisecond();
        for (partition, producers) in found {
            let open = producers.map_err(undescribed)?.into_iter().filter(|p| p.current_txn_start_offset >= 0);
            let old = open.filter(|p| now - p.last_timestamp > longest_ms);
            out.extend(old.map(|producer| Hanging { partition: partition.clone(), producer }));
        }
    }
    Ok(out)
}
