//! What a broker says it has locked for us, taken out of the batches it sent.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use kfk_wire::ErrorCode;
use kfk_wire::share_fetch_response::AcquiredRecords;

use super::held::Said;
use super::records::{Acknowledge, GAP};
use crate::client::consumer::RecordChunk;
use crate::client::consumer::fetch::decompressed;
use crate::client::error::Error;
use crate::record::{BatchView, RecordError, batches};
use crate::types::TopicPartition;

/// What came of one partition.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Stretches that were delivered equally often, with how often that was.
    pub chunks: Vec<(i16, RecordChunk)>,
    /// What is to be said without asking the user: offsets without a record, records that cannot be read.
    pub said: Vec<Said>,
    /// For the user: some batch cannot be read.
    pub error: Option<Error>,
}

/// A batch, or what is left of it.
enum Piece {
    Records(RecordChunk),
    /// Its bytes are damaged.
    Bad,
}

struct Batch {
    first: i64,
    last: i64,
    piece: Piece,
}

/// Takes the records in `acquired` out of `bytes`. Of other records there the group is done, or somebody else has them.
pub(super) fn take(tp: &TopicPartition, check_crcs: bool, bytes: &Bytes, mut acquired: Vec<AcquiredRecords>) -> Taken {
    let mut taken = Taken::default();
    let (mut pieces, end) = pieces(tp, check_crcs, bytes, &mut taken.error);
    acquired.retain(|range| range.first_offset >= 0 && range.first_offset <= range.last_offset);
    acquired.sort_by_key(|range| range.first_offset);
    let mut from = 0;
    for range in acquired {
        // Ranges that overlap would be a mistake of the broker's.
        let first = range.first_offset.max(from);
        if first > range.last_offset {
            continue;
        }
        from = range.last_offset.saturating_add(1);
        let next = take_range(&mut taken, &mut pieces, first, &range);
        let gap_end = range.last_offset.min(end - 1);
        taken.say(next, gap_end, GAP);
        // Beyond the last batch nothing is known: somebody else may have better luck.
        taken.say(next.max(end), range.last_offset, Acknowledge::Release.code());
    }
    taken
}

impl Taken {
    fn say(&mut self, first: i64, last: i64, code: i8) {
        if first <= last {
            self.said.push(Said { first, last, code });
        }
    }
}

/// Gives the offset after the last one that something was found for.
fn take_range(taken: &mut Taken, pieces: &mut VecDeque<Batch>, first: i64, range: &AcquiredRecords) -> i64 {
    let mut at = first;
    while let Some(mut batch) = pieces.pop_front() {
        if batch.last < at {
            continue;
        }
        if batch.first > range.last_offset {
            pieces.push_front(batch);
            break;
        }
        let goes_on = batch.last > range.last_offset;
        let Piece::Records(records) = &mut batch.piece else {
            taken.say(at, batch.first - 1, GAP);
            taken.say(at.max(batch.first), batch.last.min(range.last_offset), Acknowledge::Reject.code());
            at = batch.last.min(range.last_offset) + 1;
            if goes_on {
                pieces.push_front(batch);
                break;
            }
            continue;
        };
        if let Some(found) = between(records, at, range.last_offset) {
            for record in found.iter() {
                taken.say(at, record.offset - 1, GAP);
                at = record.offset + 1;
            }
            taken.chunks.push((range.delivery_count, found));
        }
        if goes_on {
            pieces.push_front(batch);
            break;
        }
    }
    at
}

/// Cuts the records from `first` to `last` off the front, with those before. What is left behind may be empty.
fn between(records: &mut RecordChunk, first: i64, last: i64) -> Option<RecordChunk> {
    let before = records.iter().take_while(|r| r.offset < first).count();
    let wanted = records.iter().skip(before).take_while(|r| r.offset <= last).count();
    records.split_front(before);
    Some(records.split_front(wanted)).filter(|found| !found.is_empty())
}

/// All data batches, and the offset after the last batch of any kind.
fn pieces(tp: &TopicPartition, check_crcs: bool, bytes: &Bytes, error: &mut Option<Error>) -> (VecDeque<Batch>, i64) {
    let topic: Arc<str> = Arc::from(tp.topic.as_str());
    let (mut all, mut end) = (VecDeque::new(), 0);
    for view in batches(bytes) {
        let view = match view {
            Ok(view) => view,
            Err(RecordError::Truncated { .. }) => break,
            Err(why) => {
                *error = Some(corrupt(tp, end, &why));
                break;
            }
        };
        let (first, last) = (view.header.base_offset, view.header.last_offset());
        if first < end || last < first {
            break;
        }
        end = last.saturating_add(1);
        if view.header.is_control() {
            continue;
        }
        match records(&topic, tp.partition, check_crcs, &view, bytes) {
            Ok(None) => {}
            Ok(Some(chunk)) => all.push_back(Batch { first, last, piece: Piece::Records(chunk) }),
            Err(why) => {
                *error = Some(corrupt(tp, first, &why));
                all.push_back(Batch { first, last, piece: Piece::Bad });
            }
        }
    }
    (all, end)
}

fn records(
    topic: &Arc<str>,
    partition: i32,
    check_crcs: bool,
    view: &BatchView<'_>,
    all: &Bytes,
) -> Result<Option<RecordChunk>, RecordError> {
    if check_crcs {
        view.check_crc()?;
    }
    let data = decompressed(view, all)?;
    RecordChunk::new(topic.clone(), partition, view.header, data, i64::MIN)
}

fn corrupt(tp: &TopicPartition, offset: i64, why: &dyn std::fmt::Display) -> Error {
    let message = format!("Record batch for partition {tp} at offset {offset} is invalid, cause: {why}");
    Error::Broker { code: ErrorCode::CorruptMessage, message: Some(message) }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
