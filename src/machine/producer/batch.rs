//! One batch on its way: open, sealed, in flight, back in the queue.

use bytes::Bytes;

use super::accumulator::ProducerIdentity;
use crate::record::{BatchBuilder, RecordError};
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
    pub created: MonoMs,
    pub size: usize,
    pub attempts: u32,
    /// Set with the first send of an idempotent producer and kept through retries.
    pub sequence: Option<(ProducerIdentity, i32)>,
}

pub(super) enum Body {
    Open(Box<BatchBuilder>),
    Sealed(Bytes),
}

impl<D> Batch<D> {
    pub fn records(&self) -> i32 {
        i32::try_from(self.deliveries.len()).unwrap_or(i32::MAX)
    }

    /// Compresses and closes the batch with the given identity and first sequence. The bytes stay for retries; they are made anew
    /// only when the identity changes.
    pub fn seal(&mut self, identity: Option<(ProducerIdentity, i32)>) -> Result<Bytes, RecordError> {
        if let Body::Sealed(bytes) = &self.body {
            if self.sequence == identity {
                return Ok(bytes.clone());
            }
            let stamped = restamp(bytes, identity)?;
            self.sequence = identity;
            self.body = Body::Sealed(stamped.clone());
            return Ok(stamped);
        }
        let Body::Open(builder) = std::mem::replace(&mut self.body, Body::Sealed(Bytes::new())) else { unreachable!("sealed above") };
        let mut builder = *builder;
        if let Some((producer, sequence)) = identity {
            builder.options.producer_id = producer.id;
            builder.options.producer_epoch = producer.epoch;
            builder.options.base_sequence = sequence;
        }
        let bytes = builder.finish()?;
        self.sequence = identity;
        self.body = Body::Sealed(bytes.clone());
        Ok(bytes)
    }
}

/// The same records under another producer identity: header and CRC anew.
fn restamp(bytes: &Bytes, identity: Option<(ProducerIdentity, i32)>) -> Result<Bytes, RecordError> {
    let mut header = crate::record::BatchHeader::parse(bytes)?;
    if let Some((producer, sequence)) = identity {
        header.producer_id = producer.id;
        header.producer_epoch = producer.epoch;
        header.base_sequence = sequence;
    }
    let body = &bytes[crate::record::HEADER_LEN..];
    header.crc = header.compute_crc(body);
    let mut out = Vec::with_capacity(bytes.len());
    out.extend_from_slice(&header.to_bytes());
    out.extend_from_slice(body);
    Ok(Bytes::from(out))
}
