//! Records of `__remote_log_metadata`: which segments are in tiered storage, and in what state.
//!
//! ```text
//! 0 segment            segment id | start i64 | end i64 | broker i32 | max time i64 | event time i64 | epochs | size i32 | custom | state i8
//! 1 segment update     segment id | broker i32 | event time i64 | custom | state i8
//! 2 partition deletion topic partition | broker i32 | event time i64 | state i8
//! 3 segment snapshot   uuid | as 0
//!
//! segment id       topic partition | uuid | tags
//! topic partition  name | uuid | partition i32 | tags
//! epochs           count | each: leader epoch i32, start offset i64, tags
//! ```
//!
//! All in version 0, with compact lengths; each ends with tags, of which 0 and 3 know number 0: the segment has no aborted transactions.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::frame;
use crate::cli::dump_log::records::Shown;
use crate::wire::{DecodeError, Reader};

const SEGMENT_STATES: [&str; 4] = ["COPY_SEGMENT_STARTED", "COPY_SEGMENT_FINISHED", "DELETE_SEGMENT_STARTED", "DELETE_SEGMENT_FINISHED"];
const PARTITION_STATES: [&str; 3] = ["DELETE_PARTITION_MARKED", "DELETE_PARTITION_STARTED", "DELETE_PARTITION_FINISHED"];

/// The value as Java prints it, or why it is not readable.
pub fn value(record: &Shown<'_>) -> String {
    read(record.value).unwrap_or_else(|reason| format!("Error at offset {}, skipping. {reason}", record.offset))
}

fn read(value: Option<&[u8]>) -> Result<String, String> {
    let value = value.ok_or("the record has no value")?;
    let (kind, _, mut r) = frame::open(Some(value))?;
    let body: fn(&mut Reader) -> Result<Result<String, String>, DecodeError> = match kind {
        0 => |r| segment(r, "RemoteLogSegmentMetadata", "remoteLogSegmentId", segment_id, true),
        1 => segment_update,
        2 => partition_delete,
        3 => |r| segment(r, "RemoteLogSegmentMetadataSnapshot", "segmentId", |r| Ok(r.uuid()?.to_string()), false),
        _ => return Err(frame::unknown_kind(kind)),
    };
    let shown = body(&mut r).map_err(|_| frame::unreadable(kind))?;
    frame::close(kind, &r)?;
    shown
}

fn segment(
    r: &mut Reader,
    name: &str,
    id_name: &str,
    id: fn(&mut Reader) -> Result<String, DecodeError>,
    shows_broker: bool,
) -> Result<Result<String, String>, DecodeError> {
    let id = id(r)?;
    let (start, end, broker, max_time, event_time) = (r.i64()?, r.i64()?, r.i32()?, r.i64()?, r.i64()?);
    let (epochs, size, custom, state) = (epochs(r)?, r.i32()?, custom_metadata(r)?, r.i8()?);
    let mut no_aborted = false;
    r.tags(|r, tag| {
        if tag == 0 {
            no_aborted = r.bool()?;
        }
        Ok(tag == 0)
    })?;
    let broker = if shows_broker { format!(", brokerId={broker}") } else { String::new() };
    let event_time = if shows_broker { format!(", eventTimestampMs={event_time}") } else { String::new() };
    Ok(state_name(&SEGMENT_STATES, state).map(|state| {
        format!(
            "{name}{{{id_name}={id}, startOffset={start}, endOffset={end}{broker}, maxTimestampMs={max_time}{event_time}, \
             segmentLeaderEpochs={epochs}, segmentSizeInBytes={size}, customMetadata={custom}, state={state}, txnIdxEmpty={no_aborted}}}"
        )
    }))
}

fn segment_update(r: &mut Reader) -> Result<Result<String, String>, DecodeError> {
    let id = segment_id(r)?;
    let (broker, time, custom, state) = (r.i32()?, r.i64()?, custom_metadata(r)?, r.i8()?);
    r.skip_tags()?;
    Ok(state_name(&SEGMENT_STATES, state).map(|state| {
        format!(
            "RemoteLogSegmentMetadataUpdate{{remoteLogSegmentId={id}, customMetadata={custom}, state={state}, eventTimestampMs={time}, \
             brokerId={broker}}}"
        )
    }))
}

fn partition_delete(r: &mut Reader) -> Result<Result<String, String>, DecodeError> {
    let partition = topic_partition(r)?;
    let (broker, time, state) = (r.i32()?, r.i64()?, r.i8()?);
    r.skip_tags()?;
    Ok(state_name(&PARTITION_STATES, state).map(|state| {
        format!("RemotePartitionDeleteMetadata{{topicPartition={partition}, state={state}, eventTimestampMs={time}, brokerId={broker}}}")
    }))
}

/// Error: Java has no message for a state that does not exist.
fn state_name(names: &[&'static str], state: i8) -> Result<&'static str, String> {
    usize::try_from(state).ok().and_then(|n| names.get(n)).copied().ok_or_else(|| "null".to_owned())
}

fn segment_id(r: &mut Reader) -> Result<String, DecodeError> {
    let (partition, id) = (topic_partition(r)?, r.uuid()?);
    r.skip_tags()?;
    Ok(format!("RemoteLogSegmentId{{topicIdPartition={partition}, id={id}}}"))
}

fn topic_partition(r: &mut Reader) -> Result<String, DecodeError> {
    let (name, id, partition) = (r.string(true)?, r.uuid()?, r.i32()?);
    r.skip_tags()?;
    Ok(format!("{id}:{name}-{partition}"))
}

/// `{0=0, 2=57}`
fn epochs(r: &mut Reader) -> Result<String, DecodeError> {
    let mut epochs = BTreeMap::new();
    // Every turn takes bytes or fails, so the count needs no check of its own.
    for _ in 1..r.uvarint()? {
        let (epoch, offset) = (r.i32()?, r.i64()?);
        r.skip_tags()?;
        epochs.insert(epoch, offset);
    }
    let shown: Vec<String> = epochs.iter().map(|(epoch, offset)| format!("{epoch}={offset}")).collect();
    Ok(format!("{{{}}}", shown.join(", ")))
}

fn custom_metadata(r: &mut Reader) -> Result<String, DecodeError> {
    Ok(match r.opt_bytes(true)? {
        Some(bytes) => format!("Optional[CustomMetadata{{{} bytes}}]", Bytes::len(&bytes)),
        None => "Optional.empty".to_owned(),
    })
}
