//! One look for records that a member can have, over all partitions of its session.

use std::sync::Arc;

use bytes::Bytes;

use super::super::Broker;
use super::led::Visit;
use crate::machine::share::partition::{AckBatch, AckError, Acquired, FetchedBatch, Want};
use crate::machine::share::session::{Part, SessionKey};
use crate::machine::share::state::ShareKey;
use crate::node::partition::ReadAsk;
use crate::node::share_batches::fetched;
use crate::types::Offset;
use crate::wire::ErrorCode;

/// How often one look reads on in a partition whose first batches had nothing for consumers.
const READS_PER_LOOK: usize = 16;

/// How much is read of a partition at once. More would be thrown away mostly: members want so many records, not so many bytes.
const BYTES_PER_READ: usize = 1 << 20;

/// What a member wants.
#[derive(Clone)]
pub struct LookFor {
    pub who: SessionKey,
    pub max_bytes: usize,
    pub max_records: i64,
    pub batch_size: i64,
    /// `max_records` is a limit also within a batch.
    pub strict: bool,
}

/// Records of one partition.
pub struct Taken {
    pub records: Bytes,
    pub acquired: Vec<Acquired>,
}

/// What was found, partition by partition; those with nothing are left out.
#[derive(Default)]
pub struct Look {
    pub found: Vec<(Part, Result<Taken, ErrorCode>)>,
    pub bytes: usize,
    records: i64,
}

pub fn key_of(group: &str, part: &Part) -> ShareKey {
    ShareKey { group: group.to_string(), topic: part.0, partition: part.1 }
}

impl Broker {
    /// Looks once at each partition. May block.
    pub fn share_look(self: &Arc<Self>, parts: &[Part], wanted: &LookFor) -> Look {
        let member: Arc<str> = wanted.who.1.as_str().into();
        let mut look = Look::default();
        for part in parts {
            let (records_left, bytes_left) = (wanted.max_records - look.records, wanted.max_bytes.saturating_sub(look.bytes));
            if records_left <= 0 || (bytes_left == 0 && look.bytes > 0) {
                break;
            }
            let want = Want { max_records: records_left, batch_size: wanted.batch_size, strict: wanted.strict };
            let at_least_one = look.bytes == 0;
            let taken = self.visit_share(&key_of(&wanted.who.0, part), |v| take(self, v, &member, want, bytes_left, at_least_one));
            match taken.and_then(|taken| taken) {
                Ok(Some(taken)) => {
                    look.bytes += taken.records.len();
                    look.records += taken.acquired.iter().map(|a| a.last - a.first + 1).sum::<i64>();
                    look.found.push((*part, Ok(taken)));
                }
                Ok(None) => {}
                Err(code) => look.found.push((*part, Err(code))),
            }
        }
        look
    }

    /// What a member says of records of one partition. May block.
    pub fn share_acknowledge(self: &Arc<Self>, who: &SessionKey, part: &Part, batches: &[AckBatch]) -> Result<(), (ErrorCode, String)> {
        let done = self.visit_share(&key_of(&who.0, part), |v| {
            let done = v.machine.acknowledge(v.now.mono, &who.1, &v.terms.terms, batches);
            done.map(|write| v.write = write)
        });
        match done {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err((acknowledge_error(error), error.to_string())),
            Err(code) => Err((code, code.message().to_string())),
        }
    }

    /// A member gives back what it holds of these partitions. May block.
    pub fn share_release(self: &Arc<Self>, who: &SessionKey, parts: &[Part]) {
        for part in parts {
            // What cannot be written is free all the same: the partition is forgotten.
            let _ = self.visit_share(&key_of(&who.0, part), |v| v.write = v.machine.release(&who.1, &v.terms.terms));
        }
    }

    /// A connection is gone, and the sessions that it opened with it. May block.
    pub fn share_disconnected(self: &Arc<Self>, connection: u64) {
        let gone = self.share.sessions.lock().disconnected(connection);
        gone.iter().for_each(|(who, parts)| self.share_release(who, parts));
    }
}

fn acknowledge_error(error: AckError) -> ErrorCode {
    match error {
        AckError::Malformed => ErrorCode::InvalidRequest,
        AckError::NotHeld | AckError::MayNotRenew => ErrorCode::InvalidRecordState,
    }
}

fn take(
    broker: &Broker,
    visit: &mut Visit,
    member: &Arc<str>,
    want: Want,
    max_bytes: usize,
    at_least_one: bool,
) -> Result<Option<Taken>, ErrorCode> {
    let log_start = visit.hosted.with_open(broker, |p| p.offsets().log_start())?;
    visit.write = visit.machine.log_starts_at(log_start);
    for _ in 0..READS_PER_LOOK {
        if !visit.machine.may_acquire(&visit.terms.terms) {
            return Ok(None);
        }
        let from = visit.machine.next_offset();
        let ask = ReadAsk {
            reader: visit.terms.reader,
            offset: from,
            current_leader_epoch: -1,
            last_fetched_epoch: -1,
            max_bytes: max_bytes.min(BYTES_PER_READ),
            at_least_one_batch: at_least_one,
        };
        let read = visit.hosted.with_open(broker, |p| p.read(&ask))??;
        let Some(slice) = &read.records else { return Ok(None) };
        let bytes = slice.read().map_err(|_| ErrorCode::KafkaStorageError)?;
        let fetched = fetched(&bytes, &read.aborted, visit.terms.reader);
        let only: Vec<FetchedBatch> = fetched.iter().map(|(batch, _)| *batch).collect();
        let acquired = visit.machine.acquire(visit.now.mono, member, &visit.terms.terms, want, from, &only);
        if let (Some(first), Some(last)) = (acquired.first(), acquired.last()) {
            return Ok(Some(Taken { records: cut(&bytes, &fetched, first.first, last.last), acquired }));
        }
        if visit.machine.next_offset() <= from {
            return Ok(None);
        }
    }
    Ok(None)
}

/// The batches that have records from `first` to `last`.
fn cut(bytes: &Bytes, fetched: &[(FetchedBatch, usize)], first: Offset, last: Offset) -> Bytes {
    let start = fetched.iter().take_while(|(batch, _)| batch.last < first).last().map_or(0, |(_, end)| *end);
    let end = fetched.iter().take_while(|(batch, _)| batch.first <= last).last().map_or(start, |(_, end)| *end);
    bytes.slice(start..end.max(start))
}
