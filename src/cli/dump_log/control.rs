//! Control records: transaction markers and what a controller writes into its own log.
//!
//! ```text
//! key    version i16 | type i16
//! value  of a transaction marker: version i16 | coordinator epoch i32
//! ```

use super::error::DumpError;
use super::printer::Printer;
use super::walk::field;
use crate::record::Record;

const ABORT: i16 = 0;
const COMMIT: i16 = 1;

/// Prints what a control record says.
pub fn print(out: &mut Printer<'_>, record: &Record<'_>) -> Result<(), DumpError> {
    let invalid = |what: &str| DumpError::Undecodable(format!("control record at offset {}: {what}", record.offset));
    let key = record.key.filter(|key| key.len() >= 4).ok_or_else(|| invalid("its key is shorter than 4 bytes"))?;
    if i16::from_be_bytes(field(key, 0)) < 0 {
        return Err(invalid("the version of its key is negative"));
    }
    let kind = i16::from_be_bytes(field(key, 2));
    let value = record.value.unwrap_or_default();
    match kind {
        ABORT | COMMIT => {
            if value.len() < 6 || i16::from_be_bytes(field(value, 0)) < 0 {
                return Err(invalid("not the value of a transaction marker"));
            }
            let epoch = i32::from_be_bytes(field(value, 2));
            out.text(if kind == COMMIT { " endTxnMarker: COMMIT" } else { " endTxnMarker: ABORT" });
            out.text(" coordinatorEpoch: ").int(epoch);
        }
        _ => {
            out.text(" controlType: UNKNOWN(").int(kind).text(")");
        }
    }
    Ok(())
}
