//! One batch on its way: open, sealed, in flight, back in the queue, perhaps cut in two.

use bytes::Bytes;

use super::options::{NewRecord, ProducerIdentity};
use crate::record::{
    BatchBuilder, BatchHeader, BatchOptions, BatchView, CompressionRatio, HEADER_LEN, Header, RecordError, increment_sequence,
    record_size_upper_bound,
};
use crate::types::MonoMs;

/// Names a batch in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BatchId(pub u64);

/// The good end of a batch: its records have offsets `base_offset..`, in the order of `deliveries`.
#[derive(Debug, PartialEq, Eq)]
pub struct Delivered<D> {
    pub topic: String,
    pub partition: i32,
    /// -1 when the broker did not say (acks=0, or a duplicate).
    pub base_offset: i64,
    /// The broker's time on LogAppendTime topics, else -1.
    pub log_append_time: i64,
    pub deliveries: Vec<D>,
}

pub(super) struct Batch<D> {
    pub body: Body,
    pub deliveries: Vec<D>,
    /// Counts the batches of an accumulator in the order in which they were begun; the parts of one that was cut share its number.
    pub number: u64,
    pub created: MonoMs,
    /// What it holds of the buffer memory.
    pub size: usize,
    pub attempts: u32,
    pub last_error: Option<kfk_wire::ErrorCode>,
    /// Set with the first send of an idempotent producer and kept through retries.
    pub sequence: Option<(ProducerIdentity, i32)>,
}

pub(super) enum Body {
    Open(Box<BatchBuilder>),
    Sealed(Bytes),
}

impl<D> Batch<D> {
    pub fn open(number: u64, now: MonoMs, options: BatchOptions, capacity: usize) -> Batch<D> {
        Batch {
            body: Body::Open(Box::new(BatchBuilder::with_capacity(options, capacity))),
            deliveries: Vec::new(),
            number,
            created: now,
            size: 0,
            attempts: 0,
            last_error: None,
            sequence: None,
        }
    }

    /// Whether a record of `size` bytes may join. `ratio`: how well records of this partition compress.
    pub fn has_room(&self, size: usize, batch_size: usize, ratio: CompressionRatio) -> bool {
        matches!(&self.body, Body::Open(b) if b.estimated_size(ratio) + size <= batch_size)
    }

    pub fn is_full(&self, batch_size: usize, ratio: CompressionRatio) -> bool {
        match &self.body {
            Body::Open(b) => b.estimated_size(ratio) >= batch_size,
            Body::Sealed(_) => true,
        }
    }

    pub fn push(&mut self, record: &NewRecord<'_>, takes: usize, delivery: D) {
        let Body::Open(builder) = &mut self.body else { unreachable!("only open batches have room") };
        if let Err(error) = builder.append(record.timestamp, record.key, record.value, record.headers) {
            unreachable!("{error}: sizes were checked against max.request.size");
        }
        self.size += takes;
        self.deliveries.push(delivery);
    }

    pub fn records(&self) -> i32 {
        i32::try_from(self.deliveries.len()).unwrap_or(i32::MAX)
    }

    /// Compresses and closes the batch with the given identity and first sequence. The bytes stay for retries; they are made anew
    /// only when the identity changes. `ratio` learns how well it compressed.
    pub fn seal(&mut self, identity: Option<(ProducerIdentity, i32)>, ratio: &mut CompressionRatio) -> Result<Bytes, RecordError> {
        let bytes = match std::mem::replace(&mut self.body, Body::Sealed(Bytes::new())) {
            Body::Sealed(bytes) if self.sequence == identity => bytes,
            Body::Sealed(bytes) => restamp(&bytes, identity)?,
            Body::Open(mut builder) => {
                if let Some((producer, sequence)) = identity {
                    builder.options.producer_id = producer.id;
                    builder.options.producer_epoch = producer.epoch;
                    builder.options.base_sequence = sequence;
                }
                let plain = builder.uncompressed_size() - HEADER_LEN;
                let bytes = builder.finish()?;
                ratio.observe(plain, bytes.len() - HEADER_LEN);
                bytes
            }
        };
        self.sequence = identity;
        self.body = Body::Sealed(bytes.clone());
        Ok(bytes)
    }

    /// Cuts a sealed batch that the broker calls too large in two of about the same size; they keep its sequence numbers. Gives it back
    /// if that cannot be done.
    pub fn split(self, options: BatchOptions) -> Result<[Batch<D>; 2], Box<Batch<D>>> {
        let Body::Sealed(bytes) = &self.body else { return Err(Box::new(self)) };
        match halves(bytes, options) {
            Ok((builders, sizes)) if self.deliveries.len() == usize::try_from(builders[0].count() + builders[1].count()).unwrap_or(0) => {
                let [first, second] = builders;
                let count = first.count();
                let mut deliveries = self.deliveries;
                let rest = deliveries.split_off(usize::try_from(count).unwrap_or(0));
                let half = |builder: BatchBuilder, deliveries, size, skipped| Batch {
                    body: Body::Open(Box::new(builder)),
                    deliveries,
                    number: self.number,
                    created: self.created,
                    size,
                    attempts: self.attempts,
                    last_error: self.last_error,
                    sequence: self.sequence.map(|(who, at)| (who, increment_sequence(at, skipped))),
                };
                Ok([half(first, deliveries, sizes[0], 0), half(second, rest, sizes[1], count)])
            }
            _ => Err(Box::new(self)),
        }
    }
}

/// The records of a batch in two builders, with the memory each holds. Error: the batch has one record only, or cannot be read.
fn halves(bytes: &Bytes, options: BatchOptions) -> Result<([BatchBuilder; 2], [usize; 2]), RecordError> {
    let view = BatchView::parse(bytes)?;
    // These are our own records, so they fit in memory.
    let data = view.data(usize::MAX)?;
    let half = data.bytes.len() / 2;
    let mut builders = [BatchBuilder::new(options), BatchBuilder::new(options)];
    let mut sizes = [HEADER_LEN; 2];
    let mut read = 0;
    for record in &data {
        let record = record?;
        let last = read + record.size_in_bytes >= data.bytes.len();
        let second = !builders[0].is_empty() && (read >= half || last);
        read += record.size_in_bytes;
        let headers: Vec<Header<'_>> = record.headers().collect();
        let into = usize::from(second);
        builders[into].append(record.timestamp, record.key, record.value, &headers)?;
        sizes[into] += record_size_upper_bound(record.key, record.value, &headers);
    }
    if builders[1].is_empty() { Err(RecordError::BatchTooLarge) } else { Ok((builders, sizes)) }
}

/// The same records under another producer identity: header and CRC anew.
fn restamp(bytes: &Bytes, identity: Option<(ProducerIdentity, i32)>) -> Result<Bytes, RecordError> {
    let mut header = BatchHeader::parse(bytes)?;
    if let Some((producer, sequence)) = identity {
        header.producer_id = producer.id;
        header.producer_epoch = producer.epoch;
        header.base_sequence = sequence;
    }
    let body = &bytes[HEADER_LEN..];
    header.crc = header.compute_crc(body);
    let mut out = Vec::with_capacity(bytes.len());
    out.extend_from_slice(&header.to_bytes());
    out.extend_from_slice(body);
    Ok(Bytes::from(out))
}
