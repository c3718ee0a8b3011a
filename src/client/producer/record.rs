//! A record on its way out, and how its fate is told.

use tokio::sync::oneshot;

use crate::client::error::Error;
use crate::record::Header;

/// A record to send. Borrowed: its bytes are copied once, into the batch.
#[derive(Debug, Clone, Copy, Default)]
pub struct OutgoingRecord<'a> {
    /// Its topic; created on the way if the broker is set up to do that.
    pub topic: &'a str,
    /// `None`: the partitioner chooses.
    pub partition: Option<i32>,
    /// Milliseconds since 1970; `None`: now.
    pub timestamp: Option<i64>,
    /// Records of the same key go to the same partition, unless a partition is given.
    pub key: Option<&'a [u8]>,
    /// `None`: a tombstone.
    pub value: Option<&'a [u8]>,
    /// Pairs that travel with the record, in order; keys may repeat.
    pub headers: &'a [Header<'a>],
}

/// Where a record was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordMetadata {
    /// As sent.
    pub topic: String,
    /// The partition it went to.
    pub partition: i32,
    /// -1 when the broker did not say (acks=0).
    pub offset: i64,
    /// The broker's time on LogAppendTime topics, else -1.
    pub log_append_time: i64,
}

/// Whom to tell what became of a record.
pub enum Delivery {
    /// Nobody.
    Forget,
    /// Whoever holds the other end.
    Future(oneshot::Sender<Result<RecordMetadata, Error>>),
    /// Called once from the sending task: must not block.
    Callback(Box<dyn FnOnce(Result<RecordMetadata, Error>) + Send>),
    /// Called only on failure, with the number: for many records that share one listener.
    OnFailure(u64, std::sync::Arc<dyn Fn(u64, Error) + Send + Sync>),
}

impl Delivery {
    pub(super) fn delivered(self, metadata: impl FnOnce() -> RecordMetadata) {
        match self {
            Delivery::Forget | Delivery::OnFailure(..) => {}
            Delivery::Future(tell) => drop(tell.send(Ok(metadata()))),
            Delivery::Callback(call) => call(Ok(metadata())),
        }
    }

    pub(super) fn failed(self, error: &Error) {
        match self {
            Delivery::Forget => {}
            Delivery::Future(tell) => drop(tell.send(Err(error.clone()))),
            Delivery::Callback(call) => call(Err(error.clone())),
            Delivery::OnFailure(number, call) => call(number, error.clone()),
        }
    }
}
