//! Records as a consumer hands them out: borrowed from the bytes that arrived (or were decompressed), batch by batch.

use std::sync::Arc;

use bytes::Bytes;

use crate::record::{BatchHeader, Header, Headers, Record, RecordError, RecordIter, TimestampType};

/// One record. `offset` is its place in the partition; `timestamp` milliseconds since 1970, -1 for none.
#[derive(Debug, Clone)]
pub struct ConsumerRecord<'a> {
    /// Where it is from.
    pub topic: &'a str,
    /// Where it is from.
    pub partition: i32,
    /// Its place in the partition.
    pub offset: i64,
    /// Milliseconds since 1970, -1 for none.
    pub timestamp: i64,
    /// Whose clock `timestamp` is of: the producer's or the broker's.
    pub timestamp_type: TimestampType,
    /// -1 when not known.
    pub leader_epoch: i32,
    /// `None` is not the same as empty.
    pub key: Option<&'a [u8]>,
    /// `None`: a tombstone.
    pub value: Option<&'a [u8]>,
    headers: Headers<'a>,
    batch: &'a BatchHeader,
}

impl<'a> ConsumerRecord<'a> {
    /// A record of a batch.
    pub(crate) fn of(topic: &'a str, partition: i32, batch: &'a BatchHeader, record: &Record<'a>) -> ConsumerRecord<'a> {
        ConsumerRecord {
            topic,
            partition,
            offset: record.offset,
            timestamp: record.timestamp,
            timestamp_type: batch.timestamp_type(),
            leader_epoch: batch.partition_leader_epoch,
            key: record.key,
            value: record.value,
            headers: record.headers(),
            batch,
        }
    }

    /// The header of the batch that it came in: the producer, its compression. How many records there are is not told by it.
    pub fn batch(&self) -> &'a BatchHeader {
        self.batch
    }

    /// Its headers, in order.
    pub fn headers(&self) -> impl Iterator<Item = Header<'a>> + use<'a> {
        self.headers.clone()
    }
}

/// Some consecutive records of one batch.
#[derive(Debug, Clone)]
pub struct RecordChunk {
    pub(super) topic: Arc<str>,
    pub(super) partition: i32,
    pub(super) header: BatchHeader,
    /// The records, decompressed.
    pub(super) data: Bytes,
    pub(super) count: usize,
    pub(super) next_offset: i64,
    /// The last one of a fetch answer.
    pub(super) ends_answer: bool,
}

impl RecordChunk {
    /// The topic of all its records.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// The partition of all its records.
    pub fn partition(&self) -> i32 {
        self.partition
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Never true of what `poll` gives.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The records in order. Their structure was checked when they arrived.
    pub fn iter(&self) -> impl Iterator<Item = ConsumerRecord<'_>> {
        let records = RecordIter::new(&self.header, &self.data).take(self.count).map_while(Result::ok);
        records.map(|r| ConsumerRecord::of(&self.topic, self.partition, &self.header, &r))
    }

    /// Checks every record of a batch and drops those before `from`. `None` when none is left.
    pub(in crate::client) fn new(
        topic: Arc<str>,
        partition: i32,
        header: BatchHeader,
        data: Bytes,
        from: i64,
    ) -> Result<Option<RecordChunk>, RecordError> {
        let (mut skipped_bytes, mut count) = (0, 0);
        for record in RecordIter::new(&header, &data) {
            let record = record?;
            if record.offset < from {
                skipped_bytes += record.size_in_bytes;
            } else {
                count += 1;
            }
        }
        let next_offset = header.next_offset();
        let mut rest = header;
        rest.record_count = count;
        let data = data.slice(skipped_bytes.min(data.len())..);
        let count = usize::try_from(count).unwrap_or(0);
        Ok((count > 0).then_some(RecordChunk { topic, partition, header: rest, data, count, next_offset, ends_answer: false }))
    }

    /// Cuts off the first `n` records (of no more than there are); the rest, perhaps nothing, stays here.
    pub(in crate::client) fn split_front(&mut self, n: usize) -> RecordChunk {
        let (mut bytes, mut next) = (0, self.next_offset);
        for (i, record) in RecordIter::new(&self.header, &self.data).map_while(Result::ok).enumerate() {
            if i == n {
                next = record.offset;
                break;
            }
            bytes += record.size_in_bytes;
        }
        let mut front = self.clone();
        front.count = n;
        front.next_offset = next;
        front.ends_answer = false;
        self.data = self.data.slice(bytes.min(self.data.len())..);
        self.count -= n;
        self.header.record_count = i32::try_from(self.count).unwrap_or(i32::MAX);
        front
    }
}

/// What one `poll` brought.
#[derive(Debug, Clone, Default)]
pub struct Polled {
    /// Stretches of one partition each; those of one partition in order.
    pub chunks: Vec<RecordChunk>,
}

impl Polled {
    /// How many records there are.
    pub fn len(&self) -> usize {
        self.chunks.iter().map(|c| c.count).sum()
    }

    /// Nothing came in time.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// All records; those of one partition in order.
    pub fn iter(&self) -> impl Iterator<Item = ConsumerRecord<'_>> {
        self.chunks.iter().flat_map(RecordChunk::iter)
    }
}
