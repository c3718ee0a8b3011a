//! What a coordinator's machine (groups, transactions) and its executor (`node::shard`) have in common.
//!
//! A coordinator owns one partition of an internal topic: everything it must not forget is a record there. [`Coordinator::decide`] looks
//! at the state and says what to append and what to answer; [`Coordinator::apply`] is the only place where durable state changes, live
//! and when the partition is read at the start. [`Output`]s are carried out in order, and an answer leaves only when everything that
//! the coordinator had appended up to that point is committed.

use std::convert::Infallible;

use bytes::Bytes;

use crate::types::{MonoMs, Now, Offset};
use crate::wire::ErrorCode;

/// Stands for a request that waits for its answer. Given out by whoever took the request; means nothing to the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// Who asks, and in which version of the request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context {
    pub client_id: String,
    /// The client's address as Kafka shows it: with a leading slash (`/127.0.0.1`).
    pub client_host: String,
    pub api_version: i16,
}

/// What a coordinator is told.
#[derive(Clone, Debug)]
pub enum Input<Q, E> {
    Request {
        token: Token,
        context: Context,
        body: Q,
    },
    /// Something of the coordinator's own kind happened elsewhere.
    Event(E),
    /// [`Coordinator::next_deadline`] has come.
    Deadline,
    /// The partition has been read to its end: clocks start now.
    Loaded,
    /// The records of the last decision are not in the log, and its answers have been refused. What the decision assumed is void.
    AppendFailed {
        error: ErrorCode,
    },
    /// The partition is no longer ours, or its log failed: every request that still waits has to be refused with this.
    Unloaded {
        error: ErrorCode,
    },
}

/// The producer of a transactional batch; none for all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Producer {
    pub id: i64,
    pub epoch: i16,
}

impl Producer {
    pub const NONE: Producer = Producer { id: -1, epoch: -1 };
}

/// What a coordinator wants done, in order.
#[derive(Clone, Debug)]
pub enum Output<R, A, E = Infallible> {
    /// Append these records as one batch: all or nothing.
    Append { records: Vec<R>, producer: Producer },
    /// Answer a request.
    Answer { token: Token, answer: A },
    /// Have something done outside. As with an answer, not before everything that was appended up to here is committed.
    Effect(E),
}

/// What a decision of `C` comes to.
pub type OutputOf<C> = Output<<C as Coordinator>::Record, <C as Coordinator>::Answer, <C as Coordinator>::Effect>;

impl<R, A, E> Output<R, A, E> {
    /// Records outside any transaction.
    pub fn append(records: Vec<R>) -> Self {
        Output::Append { records, producer: Producer::NONE }
    }
}

/// Where a record stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub offset: Offset,
    pub producer: Producer,
}

/// The end of a transaction in the log of an internal partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marker {
    pub producer_id: i64,
    pub committed: bool,
}

/// Why a record of an internal partition says nothing to this machine. Never a reason to fail the partition (facts Z6, Z7).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Skipped {
    #[error("record type {0}, which this broker does not know")]
    UnknownType(i16),
    #[error("version {version} of {kind}, which this broker does not know")]
    UnknownVersion { kind: &'static str, version: i16 },
    #[error("a record that cannot be read: {0}")]
    Malformed(String),
}

/// A coordinator as its executor sees it.
pub trait Coordinator {
    type Request;
    type Event;
    type Record;
    type Answer;
    /// What it wants done outside; [`Infallible`] if nothing ever.
    type Effect;

    /// Sees all state, changes only what may be lost.
    fn decide(&mut self, now: Now, input: Input<Self::Request, Self::Event>, out: &mut Vec<OutputOf<Self>>);

    /// Makes a record of the log part of the durable state. Applying a log twice gives the same state.
    fn apply(&mut self, record: Self::Record, at: Position);

    /// Forgets everything: the log is read from its start again.
    fn forget(&mut self);

    /// Makes the end of a transaction part of the durable state.
    fn apply_marker(&mut self, marker: Marker);

    /// When to call with [`Input::Deadline`].
    fn next_deadline(&self) -> Option<MonoMs>;

    /// Every invariant; `Err` tells the first one that is broken.
    fn check(&self) -> Result<(), String>;

    /// Key and value as they stand in the log.
    fn encode(record: &Self::Record) -> Result<(Bytes, Option<Bytes>), crate::wire::EncodeError>;

    /// The opposite of [`encode`](Coordinator::encode).
    fn decode(key: &Bytes, value: Option<&Bytes>) -> Result<Self::Record, Skipped>;

    /// The answer when the coordinator cannot look at the request at all (not ours, still loading).
    fn refuse(context: &Context, body: &Self::Request, error: ErrorCode) -> Self::Answer;

    /// Turns an answer that was made for a successful append into the one for a failed append.
    fn fail(answer: Self::Answer, error: ErrorCode) -> Self::Answer;
}

/// The code a client gets for a failure to append (facts X5, E20): one that makes it look for the coordinator again.
/// Sizes stay what they are: only the machine knows which code says that to which request.
pub fn append_error_to_client(error: ErrorCode) -> ErrorCode {
    match error {
        ErrorCode::UnknownTopicOrPartition
        | ErrorCode::NotEnoughReplicas
        | ErrorCode::NotEnoughReplicasAfterAppend
        | ErrorCode::RequestTimedOut => ErrorCode::CoordinatorNotAvailable,
        ErrorCode::NotLeaderOrFollower | ErrorCode::KafkaStorageError | ErrorCode::FencedLeaderEpoch => ErrorCode::NotCoordinator,
        ErrorCode::MessageTooLarge | ErrorCode::InvalidRecord => ErrorCode::RecordListTooLarge,
        ErrorCode::RecordListTooLarge | ErrorCode::CoordinatorNotAvailable | ErrorCode::NotCoordinator => error,
        // The producer of a transactional commit is at fault, not the log.
        ErrorCode::InvalidProducerEpoch | ErrorCode::InvalidTxnState => error,
        _ => ErrorCode::CoordinatorNotAvailable,
    }
}
