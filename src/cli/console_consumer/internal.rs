//! The records of Kafka's internal topics as JSON: what a coordinator wrote, by the names of Kafka's formatters.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::wire::{DecodeError, GroupKey, GroupValue, Json, Reader, ShareKey, ShareValue, TransactionKey, TransactionValue};

const PACKAGE: &str = "org.apache.kafka.tools.consumer.";

/// Which records of which log to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Internal {
    Offsets,
    GroupMetadata,
    ShareGroup,
    TransactionLog,
    ShareGroupState,
}

impl Internal {
    /// The formatter of that class name, if it is one of these.
    pub fn of_class(class: &str) -> Option<Internal> {
        Some(match class.strip_prefix(PACKAGE)? {
            "OffsetsMessageFormatter" => Internal::Offsets,
            "GroupMetadataMessageFormatter" => Internal::GroupMetadata,
            "ShareGroupMessageFormatter" => Internal::ShareGroup,
            "TransactionLogMessageFormatter" => Internal::TransactionLog,
            "group.share.ShareGroupStateMessageFormatter" => Internal::ShareGroupState,
            _ => return None,
        })
    }

    fn wants(self, kind: i16) -> bool {
        match self {
            Internal::Offsets => matches!(kind, 0 | 1),
            Internal::GroupMetadata => kind == 2,
            Internal::ShareGroup => (10..=15).contains(&kind),
            Internal::TransactionLog => kind == 0,
            Internal::ShareGroupState => matches!(kind, 0 | 1),
        }
    }

    /// The record as one JSON object. `None`: it is not one of those asked for, or of no kind that is known.
    ///
    /// Errors: it is of a known kind and yet cannot be read.
    pub fn json(self, key: Option<&[u8]>, value: Option<&[u8]>) -> Result<Option<String>, DecodeError> {
        let Some(key) = key else { return Ok(None) };
        let mut key = Reader::new(Bytes::copy_from_slice(key));
        // Ordinary keys may be shorter than the two bytes of a kind.
        let Ok(kind) = key.i16() else { return Ok(None) };
        if !self.wants(kind) {
            return Ok(None);
        }
        let read = match self {
            Internal::Offsets | Internal::GroupMetadata | Internal::ShareGroup => {
                pair(kind, &mut key, value, GroupKey::decode_body, GroupValue::decode_body)
            }
            Internal::TransactionLog => pair(kind, &mut key, value, TransactionKey::decode_body, TransactionValue::decode_body),
            Internal::ShareGroupState => pair(kind, &mut key, value, ShareKey::decode_body, ShareValue::decode_body),
        };
        match read {
            Ok(document) => Ok(Some(document.to_string())),
            Err(DecodeError::UnknownKind { .. }) => Ok(None),
            Err(e) => Err(e),
        }
    }
}

/// Reads a record's body of a kind in a version.
type Decode<T> = fn(i16, &mut Reader, i16) -> Result<T, DecodeError>;

fn pair<K: Json, V: Json>(
    kind: i16,
    key: &mut Reader,
    value: Option<&[u8]>,
    decode_key: Decode<K>,
    decode_value: Decode<V>,
) -> Result<Value, DecodeError> {
    let key = decode_key(kind, key, 0)?;
    let value = match value {
        Some(bytes) => {
            let mut r = Reader::new(Bytes::copy_from_slice(bytes));
            let version = r.i16()?;
            json!({"version": version, "data": decode_value(kind, &mut r, version)?.to_json(version)})
        }
        None => Value::Null,
    };
    Ok(json!({"key": {"type": kind, "data": key.to_json(0)}, "value": value}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::offset_commit_key::OffsetCommitKey;
    use crate::wire::offset_commit_value::OffsetCommitValue;

    fn commit() -> (Bytes, Bytes) {
        let key = OffsetCommitKey { group: "g".into(), topic: "t".into(), partition: 0 };
        let value = OffsetCommitValue { offset: 5, commit_timestamp: 1_700_000_000_000, ..Default::default() };
        (GroupKey::from(key).to_bytes().unwrap(), GroupValue::from(value).to_bytes(3).unwrap())
    }

    #[test]
    fn a_commit_prints_as_kafka_has_it() {
        let (key, value) = commit();
        assert_eq!(
            Internal::Offsets.json(Some(&key), Some(&value)).unwrap().unwrap(),
            "{\"key\":{\"type\":1,\"data\":{\"group\":\"g\",\"topic\":\"t\",\"partition\":0}},\"value\":{\"version\":3,\
             \"data\":{\"offset\":5,\"leaderEpoch\":-1,\"metadata\":\"\",\"commitTimestamp\":1700000000000}}}"
        );
        assert!(Internal::Offsets.json(Some(&key), None).unwrap().unwrap().ends_with("\"value\":null}"));
    }

    #[test]
    fn other_records_are_passed_over_and_broken_ones_are_errors() {
        let (key, value) = commit();
        assert_eq!(Internal::GroupMetadata.json(Some(&key), Some(&value)), Ok(None));
        assert_eq!(Internal::Offsets.json(Some(b"k1"), Some(b"v1")), Ok(None));
        assert_eq!(Internal::Offsets.json(None, Some(b"v1")), Ok(None));
        assert!(Internal::Offsets.json(Some(&key), Some(&value[..4])).is_err());
    }
}
