//! A coordinator and the internal partition it writes: decide, append, apply, release answers.
//!
//! An answer leaves when everything that was appended before it is committed; where the partition has one replica that is at once,
//! otherwise [`Shard::committed`] and [`Shard::tick`] release it or give it up after a while (fact X5).
//!
//! If the log refuses a batch, the answers that hang on it become retriable errors and the machine is told. If it is not known what
//! the log did, everything that waits is refused, the machine forgets all it knows, and the partition is read again from its start.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::machine::coordinator::{
    Context, Coordinator, Input, Marker, Output, Position, Producer, Skipped, Token, append_error_to_client,
};
use crate::types::{MonoMs, Now, Offset};
use crate::wire::ErrorCode;

/// How much of the partition one [`Shard::tick`] reads while loading.
const LOAD_BYTES_PER_TICK: usize = 4 << 20;
/// How long to wait before reading again after the partition could not be read.
const LOAD_RETRY_MS: u64 = 1_000;
/// How many deadlines one call carries out; whoever calls comes again at once for the rest.
const DEADLINES_PER_CALL: usize = 1_000;
/// How many skipped records are reported one by one; the others are counted.
const SKIPPED_REPORTED: usize = 16;

/// Key and value of a record.
pub type KeyValue = (Bytes, Option<Bytes>);

/// Why a batch is not in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Nothing was written, and the log is as it was.
    #[error("the append was refused: {}", .0.name())]
    Refused(ErrorCode),
    /// It may have been written or not, in part or whole.
    #[error("the append failed: {}", .0.name())]
    Unknown(ErrorCode),
}

/// What a read of the partition brings.
#[derive(Clone, Debug)]
pub enum LogItem {
    Record { position: Position, key: Option<Bytes>, value: Option<Bytes> },
    Marker(Marker),
}

/// Part of the partition, in order.
#[derive(Clone, Debug, Default)]
pub struct Page {
    pub items: Vec<LogItem>,
    /// Where the next page starts.
    pub next: Offset,
    /// This is all there is.
    pub at_end: bool,
}

/// The partition of an internal topic, as narrow as a coordinator needs it.
pub trait InternalPartition {
    /// Appends one batch, all or nothing; returns the offset of its first record.
    fn append(&mut self, now: Now, producer: Producer, records: &[KeyValue]) -> Result<Offset, AppendError>;

    /// Everything below this offset is committed.
    fn committed(&self) -> Offset;

    /// Reads from the first offset not below `from`, about `max_bytes`.
    fn read(&mut self, from: Offset, max_bytes: usize) -> Result<Page, ErrorCode>;
}

/// An answer on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Released<A> {
    pub token: Token,
    pub answer: A,
}

/// What loading found, for the log of the broker.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoadReport {
    pub records: u64,
    /// Records that say nothing to this broker; their number, and the first ones.
    pub skipped: u64,
    pub first_skipped: Vec<(Offset, Skipped)>,
}

enum State {
    Loading { next: Offset, not_before: MonoMs },
    Active,
    Closed { error: ErrorCode },
}

struct Waiting<A> {
    /// The answer leaves when the partition is committed up to here.
    until: Offset,
    deadline: MonoMs,
    answer: Released<A>,
}

pub struct Shard<M: Coordinator, L> {
    machine: M,
    log: L,
    state: State,
    /// The end of what was appended and applied.
    end: Offset,
    waiting: VecDeque<Waiting<M::Answer>>,
    released: Vec<Released<M::Answer>>,
    /// What the machine wants done outside, each with the offset up to which the partition has to be committed before.
    effects: VecDeque<(Offset, M::Effect)>,
    commit_timeout_ms: u64,
    report: LoadReport,
}

impl<M: Coordinator, L: InternalPartition> Shard<M, L> {
    /// A shard that has still to read its partition: the next calls of [`tick`](Self::tick) do that.
    /// `commit_timeout_ms` bounds how long an answer waits for its records to be committed (`offsets.commit.timeout.ms`).
    pub fn new(machine: M, log: L, commit_timeout_ms: u64) -> Self {
        Shard {
            machine,
            log,
            state: State::Loading { next: 0, not_before: MonoMs::default() },
            end: 0,
            waiting: VecDeque::new(),
            released: Vec::new(),
            effects: VecDeque::new(),
            commit_timeout_ms,
            report: LoadReport::default(),
        }
    }

    pub fn machine(&self) -> &M {
        &self.machine
    }

    pub fn machine_mut(&mut self) -> &mut M {
        &mut self.machine
    }

    pub fn log(&self) -> &L {
        &self.log
    }

    pub fn log_mut(&mut self) -> &mut L {
        &mut self.log
    }

    /// It has read its partition and takes requests.
    pub fn is_active(&self) -> bool {
        matches!(self.state, State::Active)
    }

    /// Everything that was appended and applied is committed.
    pub fn is_committed(&self) -> bool {
        self.is_active() && self.log.committed() >= self.end
    }

    /// What the last complete load found.
    pub fn load_report(&self) -> &LoadReport {
        &self.report
    }

    /// When to call [`tick`](Self::tick) next; in the past if it has work now.
    pub fn next_deadline(&self) -> Option<MonoMs> {
        match &self.state {
            State::Loading { not_before, .. } => Some(*not_before),
            State::Active => self.waiting.front().map(|w| w.deadline).into_iter().chain(self.machine.next_deadline()).min(),
            State::Closed { .. } => None,
        }
    }

    /// Takes a request. Its answer is among those this or a later call returns, exactly once.
    pub fn request(&mut self, now: Now, token: Token, context: Context, body: M::Request) -> Vec<Released<M::Answer>> {
        match &self.state {
            State::Active => self.step(now, Input::Request { token, context, body }),
            State::Loading { .. } => self.refuse(token, &context, &body, ErrorCode::CoordinatorLoadInProgress),
            State::Closed { error } => self.refuse(token, &context, &body, *error),
        }
        self.done(now)
    }

    fn refuse(&mut self, token: Token, context: &Context, body: &M::Request, error: ErrorCode) {
        self.released.push(Released { token, answer: M::refuse(context, body, error) });
    }

    /// Tells the coordinator of something; nothing happens while it is not active.
    pub fn event(&mut self, now: Now, event: M::Event) -> Vec<Released<M::Answer>> {
        if self.is_active() {
            self.step(now, Input::Event(event));
        }
        self.done(now)
    }

    /// Writes the end of a transaction into the partition; `write` gives the marker's offset.
    pub fn end_transaction(
        &mut self,
        now: Now,
        marker: Marker,
        write: impl FnOnce(&mut L) -> Result<Offset, AppendError>,
    ) -> Result<Vec<Released<M::Answer>>, ErrorCode> {
        match &self.state {
            State::Active => {}
            State::Loading { .. } => return Err(ErrorCode::CoordinatorLoadInProgress),
            State::Closed { error } => return Err(*error),
        }
        match write(&mut self.log) {
            Ok(offset) => {
                self.machine.apply_marker(marker);
                self.end = offset + 1;
                Ok(self.done(now))
            }
            Err(AppendError::Refused(error)) => Err(error),
            Err(AppendError::Unknown(error)) => {
                self.restart(now, append_error_to_client(error));
                Err(error)
            }
        }
    }

    /// Loads, and does what is due.
    pub fn tick(&mut self, now: Now) -> Vec<Released<M::Answer>> {
        self.load_some(now);
        self.give_up(now);
        self.done(now)
    }

    /// Reads the whole partition; `Err` if that is not possible now.
    pub fn load(&mut self, now: Now) -> Result<Vec<Released<M::Answer>>, ErrorCode> {
        while matches!(self.state, State::Loading { .. }) {
            self.load_page(now)?;
        }
        Ok(self.done(now))
    }

    /// The partition is committed further than before.
    pub fn committed(&mut self, now: Now) -> Vec<Released<M::Answer>> {
        self.done(now)
    }

    /// What the machine wants done outside, as far as it may be done now. To be asked for after every other call.
    pub fn take_effects(&mut self) -> Vec<M::Effect> {
        let committed = self.log.committed();
        let ready = self.effects.iter().take_while(|(until, _)| *until <= committed).count();
        self.effects.drain(..ready).map(|(_, effect)| effect).collect()
    }

    /// The partition is led by someone else now: all that waits is refused, and so is all that comes.
    pub fn close(&mut self, now: Now, error: ErrorCode) -> Vec<Released<M::Answer>> {
        self.drop_all(now, error);
        self.state = State::Closed { error };
        std::mem::take(&mut self.released)
    }

    /// The partition is led by us again: it has to be read anew.
    pub fn open(&mut self, now: Now) {
        self.state = State::Loading { next: 0, not_before: now.mono };
    }

    pub fn check(&self) -> Result<(), String> {
        self.machine.check()
    }

    /// Carries out what is due, and returns what may leave.
    fn done(&mut self, now: Now) -> Vec<Released<M::Answer>> {
        for _ in 0..DEADLINES_PER_CALL {
            let due = self.is_active() && self.machine.next_deadline().is_some_and(|at| at <= now.mono);
            if !due {
                break;
            }
            self.step(now, Input::Deadline);
        }
        let committed = self.log.committed();
        while self.waiting.front().is_some_and(|w| w.until <= committed) {
            self.released.extend(self.waiting.pop_front().map(|w| w.answer));
        }
        std::mem::take(&mut self.released)
    }

    fn step(&mut self, now: Now, input: Input<M::Request, M::Event>) {
        let mut input = input;
        // A machine that hears of a failed append may want to append something else. If that fails as well, it has to start afresh.
        for _ in 0..3 {
            match self.carry_out(now, input) {
                Ok(()) => return,
                Err(AppendError::Unknown(error)) => return self.restart(now, append_error_to_client(error)),
                Err(AppendError::Refused(error)) => input = Input::AppendFailed { error: append_error_to_client(error) },
            }
        }
        self.restart(now, ErrorCode::CoordinatorNotAvailable);
    }

    fn carry_out(&mut self, now: Now, input: Input<M::Request, M::Event>) -> Result<(), AppendError> {
        let mut outputs = Vec::new();
        self.machine.decide(now, input, &mut outputs);
        let mut outcome = Ok(());
        for output in outputs {
            match (output, outcome) {
                (Output::Append { records, producer }, Ok(())) => outcome = self.append(now, producer, records),
                (Output::Append { .. }, Err(_)) => {} // the machine decided this one in the belief that the one before it succeeds
                (Output::Answer { token, answer }, Ok(())) => self.hold(now, Released { token, answer }),
                (Output::Answer { token, answer }, Err(AppendError::Refused(error) | AppendError::Unknown(error))) => {
                    let answer = M::fail(answer, append_error_to_client(error));
                    self.released.push(Released { token, answer });
                }
                (Output::Effect(effect), Ok(())) => self.effects.push_back((self.end, effect)),
                (Output::Effect(_), Err(_)) => {} // wanted in the same belief
            }
        }
        outcome
    }

    fn append(&mut self, now: Now, producer: Producer, records: Vec<M::Record>) -> Result<(), AppendError> {
        let encoded: Result<Vec<KeyValue>, _> = records.iter().map(M::encode).collect();
        let encoded = encoded.map_err(|_| AppendError::Refused(ErrorCode::RecordListTooLarge))?;
        let mut offset = self.log.append(now, producer, &encoded)?;
        for record in records {
            self.machine.apply(record, Position { offset, producer });
            offset += 1;
        }
        self.end = offset;
        Ok(())
    }

    fn hold(&mut self, now: Now, answer: Released<M::Answer>) {
        if self.waiting.is_empty() && self.log.committed() >= self.end {
            self.released.push(answer);
        } else {
            self.waiting.push_back(Waiting { until: self.end, deadline: now.mono.plus(self.commit_timeout_ms), answer });
        }
    }

    /// Answers that have waited too long for their records to be committed.
    fn give_up(&mut self, now: Now) {
        while self.waiting.front().is_some_and(|w| w.deadline <= now.mono) {
            let Some(Waiting { answer: Released { token, answer }, .. }) = self.waiting.pop_front() else { break };
            let answer = M::fail(answer, append_error_to_client(ErrorCode::RequestTimedOut));
            self.released.push(Released { token, answer });
        }
    }

    fn drop_all(&mut self, now: Now, error: ErrorCode) {
        let mut outputs = Vec::new();
        self.machine.decide(now, Input::Unloaded { error }, &mut outputs);
        for output in outputs {
            if let Output::Answer { token, answer } = output {
                self.released.push(Released { token, answer });
            }
        }
        for Waiting { answer: Released { token, answer }, .. } in std::mem::take(&mut self.waiting) {
            self.released.push(Released { token, answer: M::fail(answer, error) });
        }
        self.effects.clear();
        self.machine.forget();
    }

    fn restart(&mut self, now: Now, error: ErrorCode) {
        self.drop_all(now, error);
        self.open(now);
    }

    fn load_some(&mut self, now: Now) {
        if let State::Loading { not_before, .. } = &self.state
            && *not_before <= now.mono
        {
            // The next try comes by itself; what went wrong is the log's to tell.
            let _ = self.load_page(now);
        }
    }

    fn load_page(&mut self, now: Now) -> Result<(), ErrorCode> {
        let State::Loading { next, not_before } = &mut self.state else { return Ok(()) };
        let page = self.log.read(*next, LOAD_BYTES_PER_TICK);
        // A log that neither ends nor goes on is as good as one that cannot be read.
        let page = page.and_then(|page| if page.at_end || page.next > *next { Ok(page) } else { Err(ErrorCode::KafkaStorageError) });
        let page = page.inspect_err(|_| *not_before = now.mono.plus(LOAD_RETRY_MS))?;
        if *next == 0 {
            self.report = LoadReport::default();
        }
        *next = page.next;
        self.end = page.next;
        for item in page.items {
            self.replay(item);
        }
        if page.at_end {
            self.state = State::Active;
            self.step(now, Input::Loaded);
        }
        Ok(())
    }

    fn replay(&mut self, item: LogItem) {
        let (position, key, value) = match item {
            LogItem::Marker(marker) => return self.machine.apply_marker(marker),
            LogItem::Record { position, key, value } => (position, key, value),
        };
        let record = key.ok_or(Skipped::Malformed("it has no key".into())).and_then(|key| M::decode(&key, value.as_ref()));
        self.report.records += 1;
        match record {
            Ok(record) => self.machine.apply(record, position),
            Err(skipped) => {
                self.report.skipped += 1;
                if self.report.first_skipped.len() < SKIPPED_REPORTED {
                    self.report.first_skipped.push((position.offset, skipped));
                }
            }
        }
    }
}
