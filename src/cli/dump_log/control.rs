//! Control records: transaction markers, and what controllers write into their own log and snapshots.
//!
//! ```text
//! key    version i16 | type i16
//! value  of a transaction marker: version i16 | coordinator epoch i32
//!        of the others: a message in version 0
//! ```

use bytes::Bytes;
use serde_json::Value;

use super::decode::json_text;
use super::error::DumpError;
use super::printer::Printer;
use super::walk::field;
use crate::record::{ControlRecord, Record, RecordError};
use crate::wire::kraft_version_record::KRaftVersionRecord;
use crate::wire::leader_change_message::LeaderChangeMessage;
use crate::wire::snapshot_footer_record::SnapshotFooterRecord;
use crate::wire::snapshot_header_record::SnapshotHeaderRecord;
use crate::wire::voters_record::VotersRecord;
use crate::wire::{DecodeError, Json, Message, Reader};

const ABORT: i16 = 0;
const COMMIT: i16 = 1;

/// Prints what a control record says.
pub fn print(out: &mut Printer<'_>, record: &Record<'_>) -> Result<(), DumpError> {
    let invalid = |what: &str| DumpError::Undecodable(format!("control record at offset {}: {what}", record.offset));
    let key = record.key.filter(|key| key.len() >= 4).ok_or_else(|| invalid("its key is shorter than 4 bytes"))?;
    if i16::from_be_bytes(field(key, 0)) < 0 {
        return Err(invalid("the version of its key is negative"));
    }
    let value = record.value.ok_or_else(|| invalid("it has no value"))?;
    let kind = i16::from_be_bytes(field(key, 2));
    if let ABORT | COMMIT = kind {
        if value.len() < 6 || i16::from_be_bytes(field(value, 0)) < 0 {
            return Err(invalid("not the value of a transaction marker"));
        }
        out.text(if kind == COMMIT { " endTxnMarker: COMMIT" } else { " endTxnMarker: ABORT" });
        out.text(" coordinatorEpoch: ").int(i32::from_be_bytes(field(value, 2)));
        return Ok(());
    }
    match message(kind, value) {
        Some(message) => out.text(" ").text(&message.map_err(|e| invalid(&e.to_string()))?),
        None => out.text(" controlType: UNKNOWN(").int(kind).text(")"),
    };
    Ok(())
}

/// A control record as JSON: `{"type":"COMMIT","coordinator_epoch":0}`, `{"type":"LEADER_CHANGE","data":{...}}`. Error: it is none.
pub fn json(record: &Record<'_>) -> Result<Value, RecordError> {
    let parsed = ControlRecord::parse(record)?;
    let kind = parsed.control_type();
    let (name, value) = match parsed {
        ControlRecord::Abort { coordinator_epoch } | ControlRecord::Commit { coordinator_epoch } => {
            ("coordinator_epoch", Value::from(coordinator_epoch))
        }
        ControlRecord::LeaderChange(m) => ("data", m.to_json(0)),
        ControlRecord::SnapshotHeader(m) => ("data", m.to_json(0)),
        ControlRecord::SnapshotFooter(m) => ("data", m.to_json(0)),
        ControlRecord::KRaftVersion(m) => ("data", m.to_json(0)),
        ControlRecord::KRaftVoters(m) => ("data", m.to_json(0)),
        ControlRecord::Unknown(id) => ("id", Value::from(id)),
    };
    Ok(serde_json::json!({"type": kind.name(), name: value}))
}

/// The message in a control record, with its title; `None` for a kind that has none or is unknown.
pub fn message(kind: i16, value: &[u8]) -> Option<Result<String, DecodeError>> {
    match kind {
        2 => Some(titled::<LeaderChangeMessage>("LeaderChange: ", value)),
        3 => Some(titled::<SnapshotHeaderRecord>("SnapshotHeader ", value)),
        4 => Some(titled::<SnapshotFooterRecord>("SnapshotFooter ", value)),
        5 => Some(titled::<KRaftVersionRecord>("KRaftVersion ", value)),
        6 => Some(titled::<VotersRecord>("KRaftVoters ", value)),
        _ => None,
    }
}

fn titled<M: Message + Json>(title: &str, value: &[u8]) -> Result<String, DecodeError> {
    let message = M::decode(&mut Reader::new(Bytes::copy_from_slice(value)), 0)?;
    Ok(format!("{title}{}", json_text(&message.to_json(0))))
}
