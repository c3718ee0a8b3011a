//! What compaction keeps of a batch (C8 to C11), in the forms that Kafka's own cleaner writes.
//!
//! A batch keeps its base offset, last offset and sequence whatever it loses. One that loses records is written anew with the same
//! codec. One that has to stay without records becomes a header alone. A batch with tombstones, or a marker whose records are all gone,
//! gets a delete horizon the first time it is met; from that time on the tombstones or the marker may go.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::offset_map::OffsetMap;
use crate::record::{
    Attributes, BatchBuilder, BatchHeader, BatchOptions, BatchView, Compression, HEADER_LEN, LOG_OVERHEAD, NO_TIMESTAMP, Record,
    RecordError, TimestampType,
};
use crate::types::{Offset, WallMs};

/// A batch whose records take more than this when decompressed is not looked into.
pub const MAX_DECOMPRESSED: usize = 1 << 30;

/// The batch that keeps a live producer's state alive (C11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastBatch {
    /// Its last batch of records ends here.
    Data(Offset),
    /// Only markers are known of it, the latest with this epoch.
    Marker { epoch: i16 },
}

/// The rules of one pass.
#[derive(Debug)]
pub struct Rules {
    pub now: WallMs,
    pub delete_retention_ms: i64,
    pub map: OffsetMap,
    pub producers: BTreeMap<i64, LastBatch>,
    /// The cleaned range ends before this offset; a batch that ends there stays.
    pub range_end: Offset,
}

/// What becomes of a batch.
#[derive(Debug)]
pub enum Verdict {
    Drop,
    Same,
    Changed(Bytes),
}

/// What the pass knows of a batch beyond its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// A marker without records left, or records of an aborted transaction.
    pub disposable: bool,
}

impl Rules {
    pub fn judge(&self, batch: &BatchView<'_>, standing: Standing) -> Result<Verdict, RecordError> {
        let header = &batch.header;
        let disposable_marker = standing.disposable && header.is_control();
        let passed = header.delete_horizon_ms().is_some_and(|at| at <= self.now.0);
        let no_records = standing.disposable && (!header.is_control() || passed);
        let must_stay = self.must_stay(header);
        if no_records || header.record_count == 0 {
            return if must_stay { Ok(Verdict::Changed(empty(header))) } else { Ok(Verdict::Drop) };
        }
        let data = batch.data(MAX_DECOMPRESSED)?;
        let mut kept = 0;
        let mut tombstones = false;
        for record in data.iter() {
            let record = record?;
            if self.stays(header, &record, passed) {
                kept += 1;
                tombstones |= record.value.is_none();
            }
        }
        if kept == 0 {
            return if must_stay { Ok(Verdict::Changed(empty(header))) } else { Ok(Verdict::Drop) };
        }
        let new_horizon = (tombstones || disposable_marker) && !header.has_delete_horizon();
        if kept == header.record_count && !new_horizon {
            return Ok(Verdict::Same);
        }
        let horizon = if new_horizon { Some(self.now.0.saturating_add(self.delete_retention_ms)) } else { header.delete_horizon_ms() };
        let mut builder = BatchBuilder::with_capacity(options(header, horizon)?, data.bytes.len());
        for record in data.iter() {
            let record = record?;
            if self.stays(header, &record, passed) {
                let headers: Vec<_> = record.headers().collect();
                builder.append_at(record.offset_delta, record.timestamp, record.key, record.value, &headers)?;
            }
        }
        builder.ends_at(header.last_offset_delta);
        builder.finish().map(Verdict::Changed)
    }

    fn must_stay(&self, header: &BatchHeader) -> bool {
        let lasts = header.has_producer_id()
            && match self.producers.get(&header.producer_id) {
                Some(LastBatch::Data(last)) => header.last_offset() == *last,
                Some(LastBatch::Marker { epoch }) => header.is_control() && header.producer_epoch == *epoch,
                None => false,
            };
        lasts || header.next_offset() == self.range_end
    }

    fn stays(&self, header: &BatchHeader, record: &Record<'_>, horizon_passed: bool) -> bool {
        if header.is_control() || record.offset > self.map.latest() {
            return true;
        }
        let Some(key) = record.key else { return false };
        let newest = self.map.get(key).is_none_or(|newest| record.offset >= newest);
        newest && (record.value.is_some() || !horizon_passed)
    }
}

fn options(header: &BatchHeader, delete_horizon_ms: Option<i64>) -> Result<BatchOptions, RecordError> {
    Ok(BatchOptions {
        base_offset: header.base_offset,
        partition_leader_epoch: header.partition_leader_epoch,
        compression: Compression { codec: header.codec()?, level: None },
        append_time: (header.timestamp_type() == TimestampType::LogAppendTime).then_some(header.max_timestamp),
        producer_id: header.producer_id,
        producer_epoch: header.producer_epoch,
        base_sequence: header.base_sequence,
        transactional: header.is_transactional(),
        control: header.is_control(),
        delete_horizon_ms,
    })
}

/// The batch without its records.
fn empty(header: &BatchHeader) -> Bytes {
    let attributes = Attributes::default()
        .with_timestamp_type(header.timestamp_type())
        .with_transactional(header.is_transactional())
        .with_control(header.is_control());
    let mut empty = BatchHeader {
        batch_length: (HEADER_LEN - LOG_OVERHEAD) as i32,
        attributes,
        base_timestamp: NO_TIMESTAMP,
        record_count: 0,
        ..*header
    };
    empty.crc = empty.compute_crc(&[]);
    Bytes::copy_from_slice(&empty.to_bytes())
}
