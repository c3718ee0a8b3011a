//! The records of `__transaction_state` (fact Z4): one for each change of a transactional id, and a tombstone when it is forgotten.
//!
//! ```text
//! key:   int16 type 0 | transactional id (int16-length string)
//! value: int16 version | producer id int64, epoch int16, timeout ms int32, state int8,
//!        partitions [topic, [int32]] (null while Empty), last update int64, start int64
//!        version 1 has tags: 0 previous producer id, 1 next producer id, 2 version the client speaks
//! ```

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::state::{TransactionVersion, Txn, TxnState};
use crate::machine::coordinator::Skipped;
use crate::types::{TopicPartition, WallMs};
use crate::wire::transaction_log_key::TransactionLogKey;
use crate::wire::transaction_log_value::{PartitionsSchema, TransactionLogValue};
use crate::wire::{DecodeError, EncodeError, Message, Reader, TransactionKey, TransactionValue};

/// A record: the present state of a transactional id, or that it is forgotten.
#[derive(Clone, Debug, PartialEq)]
pub struct TxnRecord {
    pub transactional_id: String,
    pub txn: Option<Txn>,
    /// The level of the feature `transaction.version` under which it is written; says which version of the value to use.
    pub written_under: TransactionVersion,
}

impl TxnRecord {
    /// Key and value as they stand in the log.
    pub fn encode(&self) -> Result<(Bytes, Option<Bytes>), EncodeError> {
        let key = TransactionKey::from(TransactionLogKey { transactional_id: self.transactional_id.clone() }).to_bytes()?;
        let version = i16::from(self.written_under.0 >= 1);
        let value = self.txn.as_ref().map(|txn| TransactionValue::from(value_of(txn, version)).to_bytes(version));
        Ok((key, value.transpose()?))
    }

    /// The record of a key and value, or why it is none of ours.
    pub fn decode(key: &Bytes, value: Option<&Bytes>) -> Result<Self, Skipped> {
        let kind = Reader::new(key.clone()).i16().map_err(malformed)?;
        if kind != TransactionLogKey::TYPE {
            return Err(Skipped::UnknownType(kind));
        }
        let TransactionKey::TransactionLog(TransactionLogKey { transactional_id }) =
            TransactionKey::from_bytes(key.clone()).map_err(malformed)?;
        let Some(value) = value else {
            return Ok(TxnRecord { transactional_id, txn: None, written_under: TransactionVersion::V0 });
        };
        let version = Reader::new(value.clone()).i16().map_err(malformed)?;
        TransactionLogValue::check_version(version).ok_or(Skipped::UnknownVersion { kind: TransactionLogValue::NAME, version })?;
        let (TransactionValue::TransactionLog(value), _) = TransactionValue::from_bytes(kind, value.clone()).map_err(malformed)?;
        Ok(TxnRecord { transactional_id, txn: Some(txn_of(value)?), written_under: TransactionVersion(version) })
    }
}

fn malformed(error: DecodeError) -> Skipped {
    Skipped::Malformed(error.to_string())
}

fn value_of(txn: &Txn, version: i16) -> TransactionLogValue {
    let mut value = TransactionLogValue {
        producer_id: txn.producer_id,
        producer_epoch: txn.epoch,
        transaction_timeout_ms: txn.timeout_ms,
        transaction_status: txn.state.id(),
        transaction_partitions: (txn.state != TxnState::Empty).then(|| by_topic(&txn.partitions)),
        transaction_last_update_timestamp_ms: txn.updated.0,
        transaction_start_timestamp_ms: txn.started.0,
        ..Default::default()
    };
    if version >= 1 {
        value.previous_producer_id = txn.previous_producer_id;
        value.next_producer_id = txn.next_producer_id;
        value.client_transaction_version = txn.client_version.0;
    }
    value
}

fn by_topic(partitions: &BTreeSet<TopicPartition>) -> Vec<PartitionsSchema> {
    let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for partition in partitions {
        topics.entry(&partition.topic).or_default().push(partition.partition);
    }
    topics.into_iter().map(|(topic, partition_ids)| PartitionsSchema { topic: topic.into(), partition_ids }).collect()
}

fn txn_of(value: TransactionLogValue) -> Result<Txn, Skipped> {
    let status = value.transaction_status;
    let state = TxnState::stored(status).ok_or_else(|| Skipped::Malformed(format!("state {status} is never stored")))?;
    let topics = value.transaction_partitions.filter(|_| state != TxnState::Empty).unwrap_or_default();
    let partitions = topics.iter().flat_map(|t| t.partition_ids.iter().map(|p| TopicPartition::new(t.topic.clone(), *p)));
    Ok(Txn {
        producer_id: value.producer_id,
        previous_producer_id: value.previous_producer_id,
        next_producer_id: value.next_producer_id,
        epoch: value.producer_epoch,
        last_epoch: -1,
        timeout_ms: value.transaction_timeout_ms,
        state,
        partitions: partitions.collect(),
        started: WallMs(value.transaction_start_timestamp_ms),
        updated: WallMs(value.transaction_last_update_timestamp_ms),
        client_version: TransactionVersion(value.client_transaction_version),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(txn: Txn, level: i16) -> TxnRecord {
        TxnRecord { transactional_id: "tx-1".into(), txn: Some(txn), written_under: TransactionVersion(level) }
    }

    #[test]
    fn z4_an_open_transaction_is_written_as_kafka_4_3_1_writes_it() {
        // The second record of the fixture `transaction-state`.
        let mut txn = Txn::new(2, 60_000, WallMs(1_795_252_601_428));
        txn = txn.joined_by(&[TopicPartition::new("txn", 0)], TransactionVersion::V2, WallMs(1_795_252_601_548));
        let (key, value) = record(txn, 2).encode().unwrap();
        assert_eq!(hex::encode(&key), "0000000474782d31");
        let fields = "00000000000000020000" /* id, epoch */.to_string() + "0000ea6001" /* timeout, state */;
        let partitions = "02".to_string() + "0474786e" + "0200000000" + "00";
        let times = "000001a1fd64c2cc".repeat(2);
        let tags = "02".to_string() + "00080000000000000002" + "02020002";
        assert_eq!(hex::encode(value.unwrap()), format!("0001{fields}{partitions}{times}{tags}"));
    }

    #[test]
    fn z4_what_was_written_is_read_again() {
        let mut txn = Txn::new(7, 1_000, WallMs(10));
        for at in [20, 30] {
            let (key, value) = record(txn.clone(), 2).encode().unwrap();
            assert_eq!(TxnRecord::decode(&key, value.as_ref()).unwrap().txn, Some(txn.clone()));
            let partitions = [TopicPartition::new("b", 3), TopicPartition::new("a", 1), TopicPartition::new("b", 2)];
            txn = txn.joined_by(&partitions, TransactionVersion::V2, WallMs(at));
        }
        let decided = txn.decided(true, TransactionVersion::V2, Some(9), WallMs(40));
        let (key, value) = record(decided.clone(), 1).encode().unwrap();
        let read = TxnRecord::decode(&key, value.as_ref()).unwrap().txn.unwrap();
        assert_eq!(read, Txn { last_epoch: -1, ..decided }, "the epoch before is not in the log");
        let gone = TxnRecord { transactional_id: "tx-1".into(), txn: None, written_under: TransactionVersion::V0 };
        assert_eq!(gone.encode().unwrap(), (key.clone(), None));
        assert_eq!(TxnRecord::decode(&key, None).unwrap(), gone);
    }

    #[test]
    fn z4_below_level_1_values_have_version_0() {
        let txn = Txn::new(7, 1_000, WallMs(10)).joined_by(&[], TransactionVersion::V2, WallMs(11));
        let (key, value) = record(txn.clone(), 0).encode().unwrap();
        let value = value.unwrap();
        assert_eq!(value[..2], [0, 0]);
        let read = TxnRecord::decode(&key, Some(&value)).unwrap().txn.unwrap();
        assert_eq!((read.previous_producer_id, read.client_version), (-1, TransactionVersion::V0));
        assert_eq!((read.producer_id, read.state, read.started), (7, TxnState::Ongoing, WallMs(11)));
    }

    #[test]
    fn z6_unknown_types_newer_versions_and_rubbish_are_skipped() {
        let decode = |key: &'static [u8], value: &[u8]| {
            TxnRecord::decode(&Bytes::from_static(key), Some(&Bytes::copy_from_slice(value))).unwrap_err()
        };
        assert_eq!(decode(&[0, 1, 0, 1, b'x'], &[]), Skipped::UnknownType(1));
        assert_eq!(decode(&[0, 0, 0, 1, b'x'], &[0, 2]), Skipped::UnknownVersion { kind: "TransactionLogValue", version: 2 });
        assert!(matches!(decode(&[0], &[]), Skipped::Malformed(_)));
        assert!(matches!(decode(&[0, 0, 0, 9, b'x'], &[0, 1]), Skipped::Malformed(_)));
        let (_, value) = record(Txn::new(7, 1_000, WallMs(10)), 1).encode().unwrap();
        let mut dead = value.unwrap().to_vec();
        dead[16] = 6;
        assert_eq!(decode(&[0, 0, 0, 1, b'x'], &dead), Skipped::Malformed("state 6 is never stored".into()));
    }
}
