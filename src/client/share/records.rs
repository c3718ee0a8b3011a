//! Records of a share group as they are handed out, and what may be said of them.

use std::ops::Deref;

use kfk_wire::Uuid;

use crate::client::consumer::{ConsumerRecord, RecordChunk};

/// What is said of a record that was delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Acknowledge {
    /// It is done with: nobody gets it again.
    Accept,
    /// Somebody shall get it again, unless it has been delivered as often as the group allows.
    Release,
    /// It cannot be worked on: nobody gets it again.
    Reject,
    /// The work on it goes on: it is locked for another while, and is acknowledged later. Brokers know that from Kafka 4.2 on.
    Renew,
}

/// As on the wire: there is no record at this offset.
pub(super) const GAP: i8 = 0;

impl Acknowledge {
    /// As on the wire.
    pub(super) fn code(self) -> i8 {
        match self {
            Acknowledge::Accept => 1,
            Acknowledge::Release => 2,
            Acknowledge::Reject => 3,
            Acknowledge::Renew => 4,
        }
    }
}

/// A record that this consumer holds, until it is acknowledged or its lock runs out.
#[derive(Debug, Clone)]
pub struct ShareRecord<'a> {
    record: ConsumerRecord<'a>,
    /// How often it has been delivered, this time included.
    pub delivery_count: i16,
}

impl<'a> Deref for ShareRecord<'a> {
    type Target = ConsumerRecord<'a>;

    fn deref(&self) -> &ConsumerRecord<'a> {
        &self.record
    }
}

/// Some consecutive records of one batch, delivered equally often.
#[derive(Debug, Clone)]
pub(super) struct ShareChunk {
    pub topic_id: Uuid,
    /// The broker that they were fetched from.
    pub node: i32,
    pub delivery_count: i16,
    pub records: RecordChunk,
}

/// What one `poll` brought.
#[derive(Debug, Clone, Default)]
pub struct SharePolled {
    pub(super) chunks: Vec<ShareChunk>,
}

impl SharePolled {
    /// How many records there are.
    pub fn len(&self) -> usize {
        self.chunks.iter().map(|c| c.records.len()).sum()
    }

    /// Nothing came in time.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// All records; those of one partition in order, except that some may come late again.
    pub fn iter(&self) -> impl Iterator<Item = ShareRecord<'_>> {
        let of = |chunk: &'_ ShareChunk| chunk.delivery_count;
        self.chunks.iter().flat_map(move |chunk| {
            let delivery_count = of(chunk);
            chunk.records.iter().map(move |record| ShareRecord { record, delivery_count })
        })
    }
}
