//! P7: before a transaction's first batch enters a partition, its coordinator has to know of the partition.

use std::sync::Arc;
use std::time::Duration;

use super::Broker;
use super::shards::Asked;
use crate::machine::coordinator::{Context, Coordinator};
use crate::machine::partition::txn::{Guard, Incoming, Support};
use crate::machine::txn::{AddPartitions, Purpose, TransactionVersion, TxnAnswer, TxnRequest, TxnShard};
use crate::types::TopicPartition;
use crate::wire::ErrorCode;

/// The version of AddPartitionsToTxn that brokers speak.
const BETWEEN_BROKERS: i16 = 5;

/// Whoever wants to write in a transaction.
pub struct Writer<'a> {
    pub transactional_id: &'a str,
    pub producer_id: i64,
    pub epoch: i16,
    pub support: Support,
}

/// The guard under which a partition's batch may be appended, if it needs one; or why it must not be.
pub type Verified = Result<Option<Guard>, ErrorCode>;

impl Writer<'_> {
    /// Sees to it that these partitions are part of the transaction. Waits a little for the last transaction of a producer that makes
    /// them so by writing, whose markers may still be on their way. May block.
    pub fn verify(&self, broker: &Arc<Broker>, batches: Vec<(TopicPartition, Incoming)>) -> Vec<(TopicPartition, Verified)> {
        let (backoff_ms, patience_ms) =
            (broker.config.add_partitions_to_txn_retry_backoff_ms, broker.config.add_partitions_to_txn_retry_backoff_max_ms);
        let begun = broker.clock.now().mono;
        loop {
            let verified = self.verify_once(broker, &batches);
            let busy = verified.iter().any(|(_, outcome)| *outcome == Err(ErrorCode::ConcurrentTransactions));
            let waited = broker.clock.now().mono.since(begun);
            if !busy || self.support != Support::Adds || waited >= u64::try_from(patience_ms).unwrap_or(0) {
                return verified;
            }
            std::thread::sleep(Duration::from_millis(u64::try_from(backoff_ms).unwrap_or(0)));
        }
    }

    fn verify_once(&self, broker: &Arc<Broker>, batches: &[(TopicPartition, Incoming)]) -> Vec<(TopicPartition, Verified)> {
        let begun: Vec<Verified> = batches.iter().map(|(partition, batch)| self.begin(broker, partition, batch)).collect();
        let asking = batches.iter().zip(&begun).filter(|(_, outcome)| matches!(outcome, Ok(Some(_))));
        let asking: Vec<TopicPartition> = asking.map(|((partition, _), _)| partition.clone()).collect();
        let mut told = if asking.is_empty() { Vec::new() } else { self.ask(broker, asking) }.into_iter();
        let outcome = |begun: Verified| match begun {
            Ok(Some(guard)) => match told.next() {
                Some((_, ErrorCode::None)) => Ok(Some(guard)),
                Some((_, code)) => Err(self.support.refusal(code)),
                None => Err(ErrorCode::CoordinatorNotAvailable),
            },
            other => other,
        };
        let outcomes: Vec<Verified> = begun.into_iter().map(outcome).collect();
        batches.iter().map(|(partition, _)| partition.clone()).zip(outcomes).collect()
    }

    fn begin(&self, broker: &Broker, partition: &TopicPartition, batch: &Incoming) -> Verified {
        let image = broker.image();
        let topic = image.topic(&partition.topic).ok_or(ErrorCode::UnknownTopicOrPartition)?;
        let hosted = broker.partitions.get(topic, partition.partition)?;
        let now = broker.clock.now();
        hosted.with_open(broker, |p| p.begin_transaction(now, batch, self.support))?.map_err(|why| why.code())
    }

    fn ask(&self, broker: &Arc<Broker>, partitions: Vec<TopicPartition>) -> Vec<(TopicPartition, ErrorCode)> {
        let context = Context { api_version: BETWEEN_BROKERS, ..Context::default() };
        let purpose = if self.support == Support::Adds { Purpose::Add(TransactionVersion::V2) } else { Purpose::Verify };
        let body = TxnRequest::AddPartitions(AddPartitions {
            transactional_id: self.transactional_id.to_string(),
            producer_id: self.producer_id,
            producer_epoch: self.epoch,
            partitions,
            purpose,
        });
        let asked = match broker.partition_of::<TxnShard>(self.transactional_id) {
            Some(partition) => broker.ask::<TxnShard>(partition, &context, None, body),
            None => Asked::Here(TxnShard::refuse(&context, &body, ErrorCode::CoordinatorNotAvailable)),
        };
        match asked.wait() {
            Some(TxnAnswer::AddPartitions(errors)) => errors,
            _ => Vec::new(),
        }
    }
}
