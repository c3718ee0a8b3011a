//! What can be wrong with batch and record bytes.

use super::codec::Codec;

/// Why bytes are not a valid batch, record or compressed payload. Positions and sizes are in bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Fewer bytes than a batch header, or than the batch's own length field claims.
    #[error("batch is cut short: it needs {needed} bytes, {available} are there")]
    Truncated { needed: u64, available: u64 },
    /// The batch's length field is below the smallest possible batch (it may be negative).
    #[error("batch length field {0} is less than the smallest possible batch")]
    BatchTooSmall(i32),
    /// The format version byte is not the one expected here.
    #[error("unsupported batch format version (magic) {0}")]
    BadMagic(i8),
    /// CRC-32C over attributes..end differs from the stored one.
    #[error("batch is corrupt (stored crc = {stored}, computed crc = {computed})")]
    BadCrc { stored: u32, computed: u32 },
    /// The compression bits name no codec.
    #[error("unknown compression type id {0}")]
    UnknownCodec(u8),
    /// A record's length, count or varint does not add up.
    #[error("{0}")]
    InvalidRecord(&'static str),
    /// The compressed payload does not decode.
    #[error("{codec} payload does not decode: {reason}")]
    Undecodable { codec: Codec, reason: String },
    /// The payload decodes to more than the caller allows.
    #[error("{codec} payload is larger than {limit} bytes when decompressed")]
    TooLarge { codec: Codec, limit: usize },
    /// A control record's key or value is not what its type says.
    #[error("invalid control record: {0}")]
    Control(String),
    /// A batch cannot hold this: its length or count would pass 2^31 - 1.
    #[error("batch would be larger than 2 GiB")]
    BatchTooLarge,
}

// What can be wrong with a record, said the same way by the iterator and by the walk.
pub(super) const INVALID_LENGTH: RecordError = RecordError::InvalidRecord("invalid length inside a record");
pub(super) const INVALID_VARINT: RecordError = RecordError::InvalidRecord("malformed varint in a record");
pub(super) const ENDS_EARLY: RecordError = RecordError::InvalidRecord("records end early: fewer records or bytes than declared");
pub(super) const LEFTOVER: RecordError = RecordError::InvalidRecord("incorrect declared batch size, records still remaining in file");
pub(super) const SIZE_MISMATCH: RecordError = RecordError::InvalidRecord("record size does not match its content");
pub(super) const NEGATIVE_HEADER_COUNT: RecordError = RecordError::InvalidRecord("invalid negative number of record headers");
pub(super) const NEGATIVE_HEADER_KEY: RecordError = RecordError::InvalidRecord("invalid negative header key size");
pub(super) const TOO_MANY_HEADERS: RecordError = RecordError::InvalidRecord("more record headers declared than bytes remain");
