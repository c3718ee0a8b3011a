//! One partition on one broker: its machine and its log behind plain methods. What a leader is asked, in the order of its checks.

use std::sync::Arc;

use crate::log::{Dropped, EpochEnd, FlushJob, Flushed, Log, LogConfig, LogError, NewBatch, ProducerCheck, ProducerError, ReadSlice};
use crate::machine::partition::txn::{Guard, Verifications};
use crate::machine::partition::{Acks, Assignment, Input, Offsets, Output, PartitionMachine, Reader};
use crate::record::{BatchHeader, ProducedBatch, Refusal, ValidateOptions, validate};
use crate::types::{LeaderEpoch, NodeId, Now, Offset, TopicPartition};
use crate::wire::ErrorCode;

/// A topic's settings as its partitions obey them.
#[derive(Clone, Debug)]
pub struct Settings {
    pub log: LogConfig,
    /// `now` is filled in with each append.
    pub validate: ValidateOptions,
    pub min_insync_replicas: i32,
    /// `delete` is in cleanup.policy.
    pub deletes: bool,
    /// Records count as committed only once they are synced: the answer to `acks=all` waits for that, and so do readers.
    pub commit_when_synced: bool,
    /// A transaction's first batch needs the word of the transaction coordinator (`transaction.partition.verification.enable`).
    pub verifies_transactions: bool,
}

/// A batch that is in the log, or was already (a producer's retry).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    pub base_offset: Offset,
    /// -1 where the records keep their own time.
    pub log_append_time: i64,
    pub log_start: Offset,
}

/// Why an append was refused, in the words of the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub code: ErrorCode,
    pub message: Option<String>,
    /// Records at fault, by their place in the batch.
    pub records: Vec<(i32, String)>,
}

impl From<ErrorCode> for Refused {
    fn from(code: ErrorCode) -> Self {
        Refused { code, message: None, records: Vec::new() }
    }
}

impl Refused {
    /// What validation refuses; records at fault are told with the name of their partition.
    pub fn by_validation(refusal: &Refusal, partition: Option<&TopicPartition>) -> Self {
        let told = |p| refusal.bad_records().iter().map(|r| (r.index, r.message(p))).collect();
        let records = partition.map_or_else(Vec::new, told);
        Refused { code: refusal.error_code(), message: Some(refusal.to_string()), records }
    }
}

/// What an append or another event made visible, for those who wait for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Bytes that were added.
    pub bytes: i64,
    pub high_watermark: bool,
    pub last_stable: bool,
    pub log_end: bool,
}

impl Moved {
    /// Whether the end that `reader` may read to has moved.
    pub fn shows_more_to(&self, reader: Reader) -> bool {
        match reader {
            Reader::Uncommitted => self.high_watermark,
            Reader::Committed => self.last_stable,
            Reader::Replica => self.log_end,
        }
    }
}

/// A look at one partition on behalf of a fetch.
#[derive(Clone, Copy, Debug)]
pub struct ReadAsk {
    pub reader: Reader,
    pub offset: Offset,
    /// -1: not given.
    pub current_leader_epoch: LeaderEpoch,
    /// -1: not given.
    pub last_fetched_epoch: LeaderEpoch,
    pub max_bytes: usize,
    /// Give a whole batch even if it is larger than `max_bytes`.
    pub at_least_one_batch: bool,
}

/// What a look found.
#[derive(Clone, Debug)]
pub struct Read {
    pub high_watermark: Offset,
    pub last_stable: Offset,
    pub log_start: Offset,
    /// Whole batches, perhaps followed by a part of one; none when there is nothing yet.
    pub records: Option<ReadSlice>,
    /// There is more behind these records, on a later segment.
    pub on_older_segment: bool,
    /// (producer id, first offset) of aborted transactions that may reach into the records.
    pub aborted: Vec<(i64, Offset)>,
    /// The reader's log has parted from this one.
    pub diverging: Option<EpochEnd>,
}

/// What ListOffsets looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// The end of what the reader may see.
    Latest,
    Earliest,
    /// The record with the largest timestamp.
    MaxTimestamp,
    /// The first record at or after a time.
    AtOrAfter(i64),
}

/// An offset that was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    pub offset: Offset,
    pub timestamp: i64,
    pub leader_epoch: LeaderEpoch,
}

impl Found {
    /// Nothing was found, which is no error.
    pub const NONE: Found = Found { offset: -1, timestamp: -1, leader_epoch: -1 };
}

/// One partition of this broker.
#[derive(Debug)]
pub struct Partition {
    machine: PartitionMachine,
    log: Log,
    settings: Arc<Settings>,
    pub(super) verifications: Verifications,
    outputs: Vec<Output>,
}

impl Partition {
    /// A partition over its log, in the state that the controller's records give it. What a stop that was not clean has left unsynced
    /// is synced first, where only that counts: readers have seen it, and a coordinator that reads its partition must not miss it.
    pub fn new(me: NodeId, mut log: Log, settings: Arc<Settings>, assignment: &Assignment, now: Now) -> Result<Self, LogError> {
        if settings.commit_when_synced && log.recovery_point() < log.end_offset() {
            log.flush()?;
        }
        let first_unstable = log.producers().first_unstable_offset(log.start_offset());
        let machine = PartitionMachine::new(me, log.start_offset(), log.end_offset(), first_unstable);
        let mut partition =
            Partition { machine, log, settings: settings.clone(), verifications: Verifications::default(), outputs: Vec::new() };
        partition.configure(settings);
        partition.follow_controller(assignment, now)?;
        Ok(partition)
    }

    /// Takes over what the controller decided: leadership, replicas, in-sync replicas.
    pub fn follow_controller(&mut self, assignment: &Assignment, now: Now) -> Result<Moved, LogError> {
        let epoch = self.machine.leader_epoch();
        self.machine.apply(assignment);
        if self.machine.is_leader() && self.machine.leader_epoch() != epoch {
            self.log.assign_epoch(self.machine.leader_epoch())?;
        }
        Ok(self.log_moved(now, 0))
    }

    /// Holds from the next request on.
    pub fn configure(&mut self, settings: Arc<Settings>) {
        self.log.set_config(Arc::new(settings.log.clone()));
        self.machine.commit_when_synced(settings.commit_when_synced.then(|| self.log.recovery_point()));
        self.settings = settings;
    }

    /// Gives the log back, for closing or deleting it.
    pub fn into_log(self) -> Log {
        self.log
    }

    pub fn offsets(&self) -> Offsets {
        self.machine.offsets()
    }

    pub fn log(&self) -> &Log {
        &self.log
    }

    pub fn log_mut(&mut self) -> &mut Log {
        &mut self.log
    }

    /// Appends a producer's batch (P10 to P24, I2 to I8, E8). A batch that is there already is answered as the first time. `guard` is
    /// what [`begin_transaction`](Self::begin_transaction) gave for it.
    pub fn append(&mut self, now: Now, acks: Acks, batch: &ProducedBatch, guard: Option<Guard>) -> Result<(Appended, Moved), Refused> {
        self.check_append(acks)?;
        let options = ValidateOptions { now, ..self.settings.validate };
        let batch = validate(batch, &options).map_err(|refusal| Refused::by_validation(&refusal, Some(self.log.partition())))?;
        let log_start = self.log.start_offset();
        let checked = self.log.check_producer(&batch.header);
        if !matches!(checked, Ok(ProducerCheck::Duplicate(_))) {
            self.check_transaction(&batch.header, guard)?;
        }
        if let ProducerCheck::Duplicate(known) = checked.map_err(refused_producer)? {
            let log_append_time = if batch.log_append_time >= 0 { known.timestamp } else { -1 };
            return Ok((Appended { base_offset: known.first_offset(), log_append_time, log_start }, Moved::default()));
        }
        let (base_offset, moved) = self.append_checked(now, batch.header, &batch.body).map_err(refused_by_log)?;
        Ok((Appended { base_offset, log_append_time: batch.log_append_time, log_start }, moved))
    }

    /// Writes a batch that was checked; gives the offset of its first record.
    pub(super) fn append_checked(&mut self, now: Now, header: BatchHeader, body: &[u8]) -> Result<(Offset, Moved), LogError> {
        let placed = self.log.append(now, self.machine.leader_epoch(), &[NewBatch { header, body }])?;
        if header.is_transactional() && !header.is_control() {
            self.verifications.appended(header.producer_id);
        }
        let moved = self.log_moved(now, i64::try_from(header.size_in_bytes()).unwrap_or(i64::MAX));
        Ok((placed.base_offset, moved))
    }

    pub(super) fn check_append(&self, acks: Acks) -> Result<(), ErrorCode> {
        self.machine.check_append(acks, self.settings.min_insync_replicas)
    }

    /// What has to be synced before everything appended so far counts as committed; `None` if nothing waits for that.
    pub fn sync_job(&mut self) -> Result<Option<FlushJob>, LogError> {
        if self.machine.awaits_sync() { self.log.flush_job() } else { Ok(None) }
    }

    /// Whether [`sync_job`](Self::sync_job) has something to do.
    pub fn awaits_sync(&self) -> bool {
        self.machine.awaits_sync()
    }

    /// A job of this partition was run, or there was none to run: somebody else has synced.
    pub fn synced(&mut self, now: Now, done: Option<Flushed>) -> Moved {
        if let Some(done) = done {
            self.log.flushed(done);
        }
        // A large number: nobody has counted the bytes that can be read now, and a fetch that looks in vain sleeps again.
        self.log_moved(now, i64::MAX)
    }

    pub(super) fn leader_epoch(&self) -> LeaderEpoch {
        self.machine.leader_epoch()
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn max_message_bytes(&self) -> usize {
        self.settings.validate.max_message_bytes
    }

    /// Looks for records on behalf of a fetch (F3 to F7, F12, F16).
    pub fn read(&mut self, ask: &ReadAsk) -> Result<Read, ErrorCode> {
        self.machine.check_read(ask.current_leader_epoch)?;
        let offsets = self.machine.offsets();
        let mut read = Read {
            high_watermark: offsets.high_watermark(),
            last_stable: offsets.last_stable(),
            log_start: offsets.log_start(),
            records: None,
            on_older_segment: false,
            aborted: Vec::new(),
            diverging: self.divergence(ask)?,
        };
        if read.diverging.is_some() {
            return Ok(read);
        }
        let upper = self.machine.visible_end(ask.reader);
        read.records = self.log.read(ask.offset, ask.max_bytes, ask.at_least_one_batch, upper).map_err(|e| read_error(&e))?;
        if let Some(slice) = &read.records {
            read.on_older_segment = ask.offset < self.log.active_base();
            if ask.reader == Reader::Committed {
                let aborted = self.log.aborted_transactions(ask.offset, slice.end_offset).map_err(|e| read_error(&e))?;
                read.aborted = aborted.iter().map(|t| (t.producer_id, t.first_offset)).collect();
            }
        }
        Ok(read)
    }

    /// F16: where the logs of reader and leader part, if the reader has what this log has not. An epoch that this log does not know at all
    /// cannot be placed.
    fn divergence(&self, ask: &ReadAsk) -> Result<Option<EpochEnd>, ErrorCode> {
        if ask.last_fetched_epoch < 0 {
            return Ok(None);
        }
        let end = self.log.end_offset_for_epoch(ask.last_fetched_epoch);
        if end == EpochEnd::UNKNOWN {
            return Err(ErrorCode::OffsetOutOfRange);
        }
        let parted = end.end < ask.offset || end.epoch < ask.last_fetched_epoch;
        Ok(parted.then_some(end))
    }

    /// Finds an offset by time or by name (O3 to O8).
    pub fn find(&mut self, what: Lookup, reader: Reader, current_leader_epoch: LeaderEpoch) -> Result<Found, ErrorCode> {
        self.machine.check_read(current_leader_epoch)?;
        let upper = self.machine.visible_end(reader);
        let certain = |found| {
            if reader != Reader::Replica && self.machine.end_is_uncertain() { Err(ErrorCode::OffsetNotAvailable) } else { Ok(found) }
        };
        let start = self.log.start_offset();
        let hit = match what {
            Lookup::Latest => return certain(Found { offset: upper, timestamp: -1, leader_epoch: self.machine.leader_epoch() }),
            Lookup::Earliest => {
                let leader_epoch = self.log.epochs().epoch_of(start).unwrap_or(-1);
                return Ok(Found { offset: start, timestamp: -1, leader_epoch });
            }
            Lookup::MaxTimestamp => self.log.max_timestamp(Offset::MAX),
            Lookup::AtOrAfter(timestamp) => self.log.offset_for_timestamp(timestamp, Offset::MAX),
        };
        match hit.map_err(|e| read_error(&e))? {
            Some(hit) if hit.offset < upper => Ok(Found { offset: hit.offset, timestamp: hit.timestamp, leader_epoch: hit.leader_epoch }),
            Some(_) => certain(Found::NONE),
            None => Ok(Found::NONE),
        }
    }

    /// O9: where a leader epoch ends.
    pub fn end_of_epoch(&self, epoch: LeaderEpoch, current_leader_epoch: LeaderEpoch) -> Result<EpochEnd, ErrorCode> {
        self.machine.check_read(current_leader_epoch)?;
        // An epoch that began here but has no batch yet is in the log's list already.
        Ok(self.log.end_offset_for_epoch(epoch))
    }

    /// C6: makes records below `offset` unreadable and gives the new begin. -1 stands for the high watermark. The caller makes it last.
    pub fn delete_records(&mut self, now: Now, offset: Offset) -> Result<Offset, ErrorCode> {
        if !self.machine.is_leader() {
            return Err(ErrorCode::NotLeaderOrFollower);
        }
        if !self.settings.deletes && self.settings.validate.compact {
            return Err(ErrorCode::PolicyViolation);
        }
        let high_watermark = self.machine.offsets().high_watermark();
        let offset = if offset == -1 { high_watermark } else { offset };
        if !(0..=high_watermark).contains(&offset) {
            return Err(ErrorCode::OffsetOutOfRange);
        }
        self.log.advance_start(offset).map_err(|e| log_error(&e))?;
        self.log_moved(now, 0);
        Ok(self.log.start_offset())
    }

    /// C1 to C5: drops old segments.
    pub fn retain(&mut self, now: Now) -> Result<Dropped, LogError> {
        let dropped = self.log.retain(now, self.machine.offsets().high_watermark())?;
        self.log_moved(now, 0);
        Ok(dropped)
    }

    /// The log has changed at one of its ends: what is committed and stable follows.
    fn log_moved(&mut self, now: Now, bytes: i64) -> Moved {
        let before = self.machine.offsets();
        self.outputs.clear();
        self.machine.decide(now, Input::LogStart { start: self.log.start_offset() }, &mut self.outputs);
        self.machine.decide(now, self.log_end(), &mut self.outputs);
        self.machine.decide(now, Input::Synced { upto: self.log.recovery_point() }, &mut self.outputs);
        let high_watermark = self.machine.offsets().high_watermark();
        if high_watermark != before.high_watermark() {
            // Transactions that ended below it are stable now, which may move the last stable offset once more.
            self.log.high_watermark_moved(high_watermark);
            self.machine.decide(now, self.log_end(), &mut self.outputs);
        }
        let after = self.machine.offsets();
        Moved {
            bytes,
            high_watermark: after.high_watermark() != before.high_watermark(),
            last_stable: after.last_stable() != before.last_stable(),
            log_end: after.log_end() != before.log_end(),
        }
    }

    fn log_end(&self) -> Input {
        let high_watermark = self.machine.offsets().high_watermark();
        Input::LogEnd { end: self.log.end_offset(), first_unstable: self.log.producers().first_unstable_offset(high_watermark) }
    }
}

fn refused_producer(e: ProducerError) -> Refused {
    Refused { code: producer_error(&e), message: Some(e.to_string()), records: Vec::new() }
}

/// The protocol's word for what a producer did wrong.
pub fn producer_error(e: &ProducerError) -> ErrorCode {
    match e {
        ProducerError::InvalidProducerEpoch { .. } => ErrorCode::InvalidProducerEpoch,
        ProducerError::OutOfOrderSequence { .. } => ErrorCode::OutOfOrderSequenceNumber,
        ProducerError::InvalidTxnState { .. } => ErrorCode::InvalidTxnState,
        ProducerError::TransactionCoordinatorFenced { .. } => ErrorCode::TransactionCoordinatorFenced,
    }
}

/// The protocol's word for what went wrong in a log.
pub fn log_error(e: &LogError) -> ErrorCode {
    match e {
        LogError::OffsetOutOfRange { .. } => ErrorCode::OffsetOutOfRange,
        LogError::RecordListTooLarge { .. } => ErrorCode::RecordListTooLarge,
        LogError::Producer(_) => ErrorCode::InvalidProducerEpoch,
        _ => ErrorCode::KafkaStorageError,
    }
}

fn read_error(e: &LogError) -> ErrorCode {
    let code = log_error(e);
    if code == ErrorCode::KafkaStorageError {
        tracing::error!("read failed: {e}");
    }
    code
}

fn refused_by_log(e: LogError) -> Refused {
    let code = log_error(&e);
    if code == ErrorCode::KafkaStorageError {
        tracing::error!("append failed: {e}");
    }
    Refused { code, message: None, records: Vec::new() }
}
