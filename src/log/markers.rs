//! Transaction markers as the log sees them: the one record of a control batch.

use std::borrow::Cow;

use super::producers::Marker;
use crate::record::{BatchHeader, ControlRecord, RecordData};

/// A marker's batch has some 80 bytes; a control batch with a larger body is none.
pub const MAX_BODY: usize = 4096;

/// The marker in a control batch; `None` if it is another kind of control batch, or empty (compaction leaves such).
pub fn parse(header: &BatchHeader, body: &[u8]) -> Option<Marker> {
    if !header.is_control() || header.attributes.codec_id() != 0 {
        return None;
    }
    let data = RecordData { header: *header, bytes: Cow::Borrowed(body) };
    let record = data.iter().next()?.ok()?;
    match ControlRecord::parse(&record).ok()? {
        ControlRecord::Commit { coordinator_epoch } => Some(Marker { commit: true, coordinator_epoch }),
        ControlRecord::Abort { coordinator_epoch } => Some(Marker { commit: false, coordinator_epoch }),
        _ => None,
    }
}
