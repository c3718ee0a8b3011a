//! Batches of internal partitions as coordinators write them, and what a coordinator reads out of any batch.
//!
//! Kafka's coordinators number the records of a batch from sequence 0, also where there is no producer; so do we.

use bytes::Bytes;

use super::shard::{KeyValue, LogItem};
use crate::machine::coordinator::{Marker, Position, Producer};
use crate::record::{BatchBuilder, BatchOptions, BatchView, ControlType, RecordError, batches};
use crate::types::{LeaderEpoch, Now};

/// More than any batch of an internal topic takes in memory.
const MAX_UNCOMPRESSED: usize = 128 << 20;

/// One batch with these records, at offset 0 until the log gives it its own. Error: `BatchTooLarge`.
pub fn build_batch(now: Now, producer: Producer, leader_epoch: LeaderEpoch, records: &[KeyValue]) -> Result<Bytes, RecordError> {
    let mut batch = BatchBuilder::new(BatchOptions {
        partition_leader_epoch: leader_epoch,
        producer_id: producer.id,
        producer_epoch: producer.epoch,
        base_sequence: 0,
        transactional: producer != Producer::NONE,
        ..Default::default()
    });
    for (key, value) in records {
        batch.append(now.wall.0, Some(key), value.as_deref(), &[])?;
    }
    batch.finish()
}

/// Records and markers of whole batches, in order. Their CRCs are the log's to check.
pub fn items_of(bytes: &[u8]) -> Result<Vec<LogItem>, RecordError> {
    let mut items = Vec::new();
    for batch in batches(bytes) {
        items_of_batch(&batch?, &mut items)?;
    }
    Ok(items)
}

fn items_of_batch(batch: &BatchView, items: &mut Vec<LogItem>) -> Result<(), RecordError> {
    let header = &batch.header;
    let producer = match header.is_transactional() {
        true => Producer { id: header.producer_id, epoch: header.producer_epoch },
        false => Producer::NONE,
    };
    for record in &batch.data(MAX_UNCOMPRESSED)? {
        let record = record?;
        if header.is_control() {
            let committed = match ControlType::from_key(record.key)? {
                ControlType::Commit => true,
                ControlType::Abort => false,
                _ => continue,
            };
            items.push(LogItem::Marker(Marker { producer_id: header.producer_id, committed }));
        } else {
            let position = Position { offset: record.offset, producer };
            let copy = |bytes: Option<&[u8]>| bytes.map(Bytes::copy_from_slice);
            items.push(LogItem::Record { position, key: copy(record.key), value: copy(record.value) });
        }
    }
    Ok(())
}
