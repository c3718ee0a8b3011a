//! Records of `__cluster_metadata`.

use serde_json::{Map, Value};

use super::{frame, json};
use crate::cli::dump_log::records::Shown;
use crate::wire::{DecodeError, Json, MetadataRecord};

/// The value as JSON, or why it is not readable.
pub fn value(record: &Shown<'_>) -> String {
    read(record.value).unwrap_or_else(|reason| format!("Error at {}, skipping. {reason}", record.offset))
}

fn read(value: Option<&[u8]>) -> Result<String, String> {
    let (kind, version, mut r) = frame::open(value)?;
    let record = MetadataRecord::decode_body(kind, &mut r, version).map_err(|e| match e {
        DecodeError::UnknownKind { .. } => frame::unknown_kind(kind),
        _ => frame::unreadable(kind),
    })?;
    frame::close(kind, &r)?;
    let mut shown = Map::new();
    shown.insert("type".to_owned(), record.kind_name().into());
    shown.insert("version".to_owned(), version.into());
    shown.insert("data".to_owned(), record.to_json(version));
    Ok(json::text(&Value::Object(shown)))
}
