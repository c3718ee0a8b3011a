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
    /// A batch cannot hold this: its length or count would pass 2^31 - 1.
    #[error("batch would be larger than 2 GiB")]
    BatchTooLarge,
}
