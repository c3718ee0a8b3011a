//! The records of each internal log as one enum, and the frames they wear.
//!
//! ```text
//! __cluster_metadata   value: uvarint frame version (1) | uvarint kind | uvarint version | body
//! coordinators' logs   key:   int16 kind | body in version 0
//!                      value: int16 version | body          (its kind is that of the key)
//! ```

use bytes::Bytes;

use crate::generated::record_kinds::{GroupKey, GroupValue, MetadataRecord, ShareKey, ShareValue, TransactionKey, TransactionValue};
use crate::{DecodeError, EncodeError, Reader, Writer};

/// The one version of the frame around metadata records.
const FRAME_VERSION: u32 = 1;
/// The version of every coordinator key.
const KEY_VERSION: i16 = 0;

/// Declares an enum with one variant for each kind of record of a log.
macro_rules! record_kinds {
    ($(#[$doc:meta])* $name:ident { $($variant:ident($module:ident::$message:ident) = $kind:literal, $text:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub enum $name {
            $($variant(super::$module::$message),)*
        }

        impl $name {
            /// The number of the record's kind.
            pub fn kind(&self) -> i16 {
                match self { $($name::$variant(_) => $kind,)* }
            }

            /// Kafka's name of the kind, such as `TOPIC_RECORD` or `OFFSET_COMMIT`.
            pub fn kind_name(&self) -> &'static str {
                match self { $($name::$variant(_) => $text,)* }
            }

            /// The highest version of the record's kind.
            pub fn max_version(&self) -> i16 {
                match self { $($name::$variant(_) => <super::$module::$message as crate::Message>::MAX,)* }
            }

            /// Reads the bare body of a record of the given kind.
            pub fn decode_body(kind: i16, r: &mut crate::Reader, version: i16) -> Result<Self, crate::DecodeError> {
                match kind {
                    $($kind => crate::Message::decode(r, version).map($name::$variant),)*
                    _ => Err(crate::DecodeError::UnknownKind { kind: i64::from(kind) }),
                }
            }

            /// Appends the bare body.
            pub fn encode_body(&self, w: &mut crate::Writer, version: i16) -> Result<(), crate::EncodeError> {
                match self { $($name::$variant(record) => crate::Message::encode(record, w, version),)* }
            }
        }

        impl crate::Json for $name {
            fn to_json(&self, version: i16) -> serde_json::Value {
                match self { $($name::$variant(record) => record.to_json(version),)* }
            }
        }

        $(impl From<super::$module::$message> for $name {
            fn from(record: super::$module::$message) -> Self {
                $name::$variant(record)
            }
        })*
    };
}
pub(crate) use record_kinds;

fn complete<T>(r: &Reader, value: T) -> Result<T, DecodeError> {
    match r.remaining() {
        0 => Ok(value),
        left => Err(DecodeError::BytesLeft { left }),
    }
}

impl MetadataRecord {
    /// Reads a record's value: the record and the version it was written in.
    pub fn from_bytes(value: Bytes) -> Result<(MetadataRecord, i16), DecodeError> {
        let mut r = Reader::new(value);
        let frame = r.uvarint()?;
        if frame != FRAME_VERSION {
            return Err(DecodeError::UnknownFrame { version: frame });
        }
        let (kind, version) = (r.uvarint()?, r.uvarint()?);
        let kind = i16::try_from(kind).map_err(|_| DecodeError::UnknownKind { kind: i64::from(kind) })?;
        // A version too large for an int16 is one that no kind has.
        let version = i16::try_from(version).unwrap_or(i16::MAX);
        let record = MetadataRecord::decode_body(kind, &mut r, version)?;
        complete(&r, (record, version))
    }

    /// A record's value in the given version.
    pub fn to_bytes(&self, version: i16) -> Result<Bytes, EncodeError> {
        let mut w = Writer::new();
        w.uvarint(FRAME_VERSION);
        w.uvarint(self.kind().unsigned_abs().into());
        w.uvarint(version.unsigned_abs().into());
        self.encode_body(&mut w, version)?;
        w.into_bytes()
    }
}

/// The frames of a coordinator's keys and values.
macro_rules! coordinator_frames {
    ($($key:ident, $value:ident;)*) => {
        $(impl $key {
            /// Reads a record's key.
            pub fn from_bytes(key: Bytes) -> Result<$key, DecodeError> {
                let mut r = Reader::new(key);
                let kind = r.i16()?;
                let key = $key::decode_body(kind, &mut r, KEY_VERSION)?;
                complete(&r, key)
            }

            /// A record's key.
            pub fn to_bytes(&self) -> Result<Bytes, EncodeError> {
                let mut w = Writer::new();
                w.i16(self.kind());
                self.encode_body(&mut w, KEY_VERSION)?;
                w.into_bytes()
            }
        }

        impl $value {
            /// Reads the value beside a key of the given kind: the record and the version it was written in.
            ///
            /// Bytes after it are left alone: Kafka's own readers do so, which lets an older reader take a newer record.
            pub fn from_bytes(kind: i16, value: Bytes) -> Result<($value, i16), DecodeError> {
                let mut r = Reader::new(value);
                let version = r.i16()?;
                Ok(($value::decode_body(kind, &mut r, version)?, version))
            }

            /// A record's value in the given version.
            pub fn to_bytes(&self, version: i16) -> Result<Bytes, EncodeError> {
                let mut w = Writer::new();
                w.i16(version);
                self.encode_body(&mut w, version)?;
                w.into_bytes()
            }
        })*
    };
}

coordinator_frames! {
    GroupKey, GroupValue;
    TransactionKey, TransactionValue;
    ShareKey, ShareValue;
}
