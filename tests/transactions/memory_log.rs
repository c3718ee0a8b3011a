//! A partition of `__transaction_state` in memory. It can refuse or lose the next append, and hold back what is committed.

use bytes::Bytes;
use kfk::machine::coordinator::{Position, Producer};
use kfk::machine::txn::TxnRecord;
use kfk::node::shard::{AppendError, InternalPartition, KeyValue, LogItem, Page};
use kfk::types::{Now, Offset};
use kfk::wire::ErrorCode;

/// What goes wrong with an append.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    Refused(ErrorCode),
    /// An error, and yet the batch is there.
    UnknownWritten(ErrorCode),
    UnknownLost(ErrorCode),
}

#[derive(Default)]
pub struct MemoryLog {
    pub batches: Vec<Vec<KeyValue>>,
    pub fault: Option<Fault>,
    /// Records from here on are not committed.
    pub committed_at: Option<Offset>,
}

impl MemoryLog {
    pub fn end(&self) -> Offset {
        self.batches.iter().map(Vec::len).sum::<usize>() as Offset
    }

    /// Cuts the log off at an offset where a batch begins; at the next one before it otherwise.
    pub fn truncate(&mut self, to: Offset) {
        while self.end() > to {
            self.batches.pop();
        }
    }

    pub fn push(&mut self, key: Bytes, value: Option<Bytes>) {
        self.batches.push(vec![(key, value)]);
    }

    pub fn records(&self) -> Vec<TxnRecord> {
        self.batches.iter().flatten().map(|(key, value)| TxnRecord::decode(key, value.as_ref()).unwrap()).collect()
    }
}

impl InternalPartition for MemoryLog {
    fn append(&mut self, _now: Now, producer: Producer, records: &[KeyValue]) -> Result<Offset, AppendError> {
        assert_eq!(producer, Producer::NONE);
        let base = self.end();
        match self.fault.take() {
            Some(Fault::Refused(error)) => return Err(AppendError::Refused(error)),
            Some(Fault::UnknownLost(error)) => return Err(AppendError::Unknown(error)),
            Some(Fault::UnknownWritten(error)) => {
                self.batches.push(records.to_vec());
                return Err(AppendError::Unknown(error));
            }
            None => self.batches.push(records.to_vec()),
        }
        Ok(base)
    }

    fn committed(&self) -> Offset {
        self.committed_at.unwrap_or(self.end())
    }

    fn read(&mut self, from: Offset, _max_bytes: usize) -> Result<Page, ErrorCode> {
        // Small pages, so that loading takes several.
        let all = (0..).zip(self.batches.iter().flatten());
        let item = |(offset, (key, value)): (Offset, &KeyValue)| LogItem::Record {
            position: Position { offset, producer: Producer::NONE },
            key: Some(key.clone()),
            value: value.clone(),
        };
        let items: Vec<LogItem> = all.skip(from as usize).take(3).map(item).collect();
        let next = from + items.len() as Offset;
        Ok(Page { at_end: next == self.end(), items, next })
    }
}
