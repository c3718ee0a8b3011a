//! Control records: transaction markers, and what controllers write into their own log and snapshots.
//!
//! ```text
//! key    version i16 | type i16
//! value  of a transaction marker: version i16 | coordinator epoch i32
//!        of the others: a message in version 0
//! ```

use bytes::Bytes;

use super::decode::json_text;
use super::error::DumpError;
use super::printer::Printer;
use super::walk::field;
use crate::record::Record;
use crate::wire::kraft_version_record::KRaftVersionRecord;
use crate::wire::leader_change_message::LeaderChangeMessage;
use crate::wire::snapshot_footer_record::SnapshotFooterRecord;
use crate::wire::snapshot_header_record::SnapshotHeaderRecord;
use crate::wire::voters_record::VotersRecord;
use crate::wire::{Json, Message, Reader};

/// Prints what a control record says.
pub fn print(out: &mut Printer<'_>, record: &Record<'_>) -> Result<(), DumpError> {
    let invalid = |what: &str| DumpError::Undecodable(format!("control record at offset {}: {what}", record.offset));
    let key = record.key.filter(|key| key.len() >= 4).ok_or_else(|| invalid("its key is shorter than 4 bytes"))?;
    if i16::from_be_bytes(field(key, 0)) < 0 {
        return Err(invalid("the version of its key is negative"));
    }
    let value = record.value.ok_or_else(|| invalid("it has no value"))?;
    let message = match i16::from_be_bytes(field(key, 2)) {
        kind @ (0 | 1) => {
            if value.len() < 6 || i16::from_be_bytes(field(value, 0)) < 0 {
                return Err(invalid("not the value of a transaction marker"));
            }
            out.text(if kind == 1 { " endTxnMarker: COMMIT" } else { " endTxnMarker: ABORT" });
            out.text(" coordinatorEpoch: ").int(i32::from_be_bytes(field(value, 2)));
            return Ok(());
        }
        2 => message::<LeaderChangeMessage>(" LeaderChange: ", value),
        3 => message::<SnapshotHeaderRecord>(" SnapshotHeader ", value),
        4 => message::<SnapshotFooterRecord>(" SnapshotFooter ", value),
        5 => message::<KRaftVersionRecord>(" KRaftVersion ", value),
        6 => message::<VotersRecord>(" KRaftVoters ", value),
        kind => {
            out.text(" controlType: UNKNOWN(").int(kind).text(")");
            return Ok(());
        }
    };
    out.text(&message.map_err(|e| invalid(&e.to_string()))?);
    Ok(())
}

fn message<M: Message + Json>(title: &str, value: &[u8]) -> Result<String, crate::wire::DecodeError> {
    let message = M::decode(&mut Reader::new(Bytes::copy_from_slice(value)), 0)?;
    Ok(format!("{title}{}", json_text(&message.to_json(0))))
}
