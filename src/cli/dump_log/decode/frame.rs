//! The frame around records of `__cluster_metadata` and `__remote_log_metadata`.
//!
//! ```text
//! frame version uvarint (1) | kind uvarint | version uvarint | body
//! ```

use bytes::Bytes;

use crate::wire::Reader;

const FRAME_VERSION: i16 = 1;

/// What the frame says, and the reader behind it. Errors are in the words of Kafka's tool.
pub fn open(value: Option<&[u8]>) -> Result<(i16, i16, Reader), String> {
    let mut r = Reader::new(Bytes::copy_from_slice(value.unwrap_or_default()));
    match short(&mut r, "frame version")? {
        FRAME_VERSION => {}
        0 => {
            return Err(
                "Could not deserialize metadata record with frame version 0. Note that upgrades from the preview release of KRaft in \
                        2.8 to newer versions are not supported."
                    .to_owned(),
            );
        }
        other => {
            return Err(format!(
                "Could not deserialize metadata record due to unknown frame version {other}(only frame version 1 is supported)"
            ));
        }
    }
    let kind = short(&mut r, "type")?;
    let version = short(&mut r, "version")?;
    Ok((kind, version, r))
}

/// A kind of which nothing is known.
pub fn unknown_kind(kind: i16) -> String {
    format!("org.apache.kafka.common.errors.UnsupportedVersionException: Unknown metadata id {kind}")
}

/// A body that cannot be read.
pub fn unreadable(kind: i16) -> String {
    format!("Failed to deserialize record with type {kind}")
}

/// Error: bytes are left behind the body.
pub fn close(kind: i16, r: &Reader) -> Result<(), String> {
    match r.remaining() {
        0 => Ok(()),
        left => Err(format!("Found {left} byte(s) of garbage after {kind}")),
    }
}

/// An unsigned varint that should fit a short. Java has it as an int, whose negative values pass.
fn short(r: &mut Reader, what: &str) -> Result<i16, String> {
    let value = r.uvarint().map_err(|_| format!("Error while reading {what}"))? as i32;
    if value > i32::from(i16::MAX) {
        return Err(format!("Value for {what} was too large."));
    }
    Ok(value as i16)
}
