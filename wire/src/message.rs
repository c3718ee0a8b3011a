//! What every message can do, and why it may fail.

use bytes::Bytes;

use crate::{ApiKey, Reader, Writer};

/// A message as its definition has it: decodes and encodes itself in each of its versions.
pub trait Message: Sized + Default {
    /// The definition's name, such as `ProduceRequest`.
    const NAME: &'static str;
    /// The lowest version that Kafka 4.3.1 reads and writes.
    const MIN: i16;
    /// The highest version that Kafka 4.3.1 offers to others.
    const MAX: i16;
    /// The highest version that is defined: above [`MAX`](Message::MAX) where Kafka still calls it unstable.
    const LATEST: i16 = Self::MAX;

    /// Reads one message; bytes after it stay in the reader.
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError>;

    /// Appends the message. Fails if it holds something that `version` has no place for.
    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError>;

    /// `Some` if the version can be read and written.
    fn check_version(version: i16) -> Option<()> {
        (Self::MIN..=Self::LATEST).contains(&version).then_some(())
    }

    /// Reads a message that fills `bytes` to their end.
    fn from_bytes(bytes: Bytes, version: i16) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        let message = Self::decode(&mut r, version)?;
        match r.remaining() {
            0 => Ok(message),
            left => Err(DecodeError::BytesLeft { left }),
        }
    }

    /// The message as bytes of its own. It must not hold [`Records::Deferred`](crate::Records::Deferred).
    fn to_bytes(&self, version: i16) -> Result<Bytes, EncodeError> {
        let mut w = Writer::new();
        self.encode(&mut w, version)?;
        w.into_bytes()
    }
}

/// A message that asks for something.
pub trait Request: Message {
    const KEY: ApiKey;
    type Response: Message;
}

/// A struct inside a message. Its versions are those of the message around it.
pub trait Struct: Sized + Default {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError>;
    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError>;
}

/// Why bytes are not the message they should be. Positions count from the start of the reader's bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("{message} has no version {version}")]
    UnsupportedVersion { message: &'static str, version: i16 },
    #[error("unknown API key {key}")]
    UnknownApiKey { key: i16 },
    #[error("the bytes end at {at}, {wanted} more were expected")]
    Truncated { at: usize, wanted: usize },
    #[error("a length of {len} at byte {at}, with {left} bytes left")]
    LengthBeyondEnd { at: usize, len: usize, left: usize },
    #[error("a varint of more than five bytes at byte {at}")]
    VarintTooLong { at: usize },
    #[error("null at byte {at}, where this version allows none")]
    Null { at: usize },
    #[error("{field} is null, which this version does not allow")]
    NullField { field: &'static str },
    #[error("a string of {len} bytes at byte {at}, 32767 is the limit")]
    StringTooLong { at: usize, len: usize },
    #[error("a string that is not UTF-8 at byte {at}")]
    NotUtf8 { at: usize },
    #[error("tagged field {tag} says it has {size} bytes but has {read}")]
    TagSize { tag: u32, size: usize, read: usize },
    #[error("the message would take {wanted} bytes of memory more than the {left} it has left")]
    OverBudget { wanted: usize, left: usize },
    #[error("{left} bytes are left after the message")]
    BytesLeft { left: usize },
    #[error("unknown kind of record {kind}")]
    UnknownKind { kind: i64 },
    #[error("unknown version {version} of the frame around a metadata record")]
    UnknownFrame { version: u32 },
}

impl DecodeError {
    pub(crate) fn version<M: Message>(version: i16) -> Self {
        DecodeError::UnsupportedVersion { message: M::NAME, version }
    }
}

/// Why a message cannot be written in a version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    #[error("{message} has no version {version}")]
    UnsupportedVersion { message: &'static str, version: i16 },
    #[error("{field} is set, but version {version} has no place for it")]
    Absent { field: &'static str, version: i16 },
    #[error("{field} is null, which this version does not allow")]
    Null { field: &'static str },
    #[error("{len} bytes or elements do not fit the field's length")]
    TooLong { len: usize },
    #[error("records that the connection sends by itself cannot be turned into bytes here")]
    Deferred,
}

impl EncodeError {
    pub(crate) fn version<M: Message>(version: i16) -> Self {
        EncodeError::UnsupportedVersion { message: M::NAME, version }
    }

    pub(crate) fn absent(field: &'static str, version: i16) -> Self {
        EncodeError::Absent { field, version }
    }
}

/// For fields that only some versions allow to be null.
pub(crate) fn not_null(ok: bool, field: &'static str) -> Result<(), DecodeError> {
    if ok { Ok(()) } else { Err(DecodeError::NullField { field }) }
}

/// The same when writing.
pub(crate) fn may_write(ok: bool, field: &'static str) -> Result<(), EncodeError> {
    if ok { Ok(()) } else { Err(EncodeError::Null { field }) }
}
