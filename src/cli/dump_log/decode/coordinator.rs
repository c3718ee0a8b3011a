//! Records of the coordinators' logs: `__consumer_offsets`, `__transaction_state`, `__share_group_state`.
//!
//! What cannot be read does not stop the dump: the reason stands in place of the key.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::json;
use crate::cli::dump_log::records::Shown;
use crate::wire::consumer_protocol_assignment::ConsumerProtocolAssignment;
use crate::wire::consumer_protocol_subscription::ConsumerProtocolSubscription;
use crate::wire::group_metadata_value::GroupMetadataValue;
use crate::wire::{DecodeError, GroupKey, GroupValue, Json, Message, Reader, ShareKey, ShareValue, TransactionKey, TransactionValue};

/// A key and a value as text.
pub type Pair = (String, Option<String>);

/// `__consumer_offsets`.
pub fn group(record: &Shown<'_>, key: &[u8]) -> Pair {
    pair(record, key, GroupKey::decode_body, GroupValue::decode_body, |value, version| match value {
        GroupValue::GroupMetadata(group) => classic_group(group, version),
        other => other.to_json(version),
    })
}

/// `__transaction_state`.
pub fn transaction(record: &Shown<'_>, key: &[u8]) -> Pair {
    pair(record, key, TransactionKey::decode_body, TransactionValue::decode_body, Json::to_json)
}

/// `__share_group_state`.
pub fn share(record: &Shown<'_>, key: &[u8]) -> Pair {
    pair(record, key, ShareKey::decode_body, ShareValue::decode_body, Json::to_json)
}

/// Reads the body of a record of a kind in a version.
type Decode<T> = fn(i16, &mut Reader, i16) -> Result<T, DecodeError>;

fn pair<K: Json, V>(
    record: &Shown<'_>,
    key: &[u8],
    decode_key: Decode<K>,
    decode_value: Decode<V>,
    value_json: impl Fn(&V, i16) -> Value,
) -> Pair {
    let read = || -> Result<Pair, Problem> {
        let mut r = Reader::new(Bytes::copy_from_slice(key));
        let kind = r.i16().map_err(|_| Problem::other("Could not read version from key's buffer."))?;
        let key = decode_key(kind, &mut r, 0).map_err(|e| unreadable(kind, "key", kind, &e))?;
        let key = object([("type", kind.to_string().into()), ("data", key.to_json(0))]);
        let Some(value) = record.value else {
            return Ok((key, Some("<DELETE>".to_owned())));
        };
        let mut r = Reader::new(Bytes::copy_from_slice(value));
        let version = r.i16().map_err(|_| Problem::other("Could not read version from value's buffer."))?;
        let value = decode_value(kind, &mut r, version).map_err(|e| unreadable(kind, "value", version, &e))?;
        let value = object([("version", version.to_string().into()), ("data", value_json(&value, version))]);
        Ok((key, Some(value)))
    };
    let offset = record.offset;
    read().unwrap_or_else(|problem| match problem {
        Problem::UnknownKind(kind) => (format!("Unknown record type {kind} at offset {offset}, skipping."), None),
        Problem::Other(reason) => (format!("Error at offset {offset}, skipping. {reason}"), None),
    })
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> String {
    let fields: Map<String, Value> = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    json::text(&Value::Object(fields))
}

enum Problem {
    UnknownKind(i16),
    Other(String),
}

impl Problem {
    fn other(reason: &str) -> Problem {
        Problem::Other(reason.to_owned())
    }
}

/// In the words of Kafka's tool, up to the reason: Java often has none but "null". For a key Kafka gives its kind as the version.
fn unreadable(kind: i16, part: &str, version: i16, error: &DecodeError) -> Problem {
    match error {
        DecodeError::UnknownKind { .. } => Problem::UnknownKind(kind),
        DecodeError::UnsupportedVersion { .. } => Problem::Other(format!("Found an unknown record version {version} for {kind} type")),
        reason => Problem::Other(format!("Could not read record with version {version} from {part}'s buffer due to: {reason}.")),
    }
}

/// A classic group. Where its members are consumers, their subscription and assignment are read too; what they are otherwise is known only
/// to the clients, and stays base64.
fn classic_group(group: &GroupMetadataValue, version: i16) -> Value {
    let mut shown = group.to_json(version);
    if shown.get("protocolType").and_then(Value::as_str) != Some("consumer") {
        return shown;
    }
    if let Some(members) = shown.get_mut("members").and_then(Value::as_array_mut) {
        for (shown, member) in members.iter_mut().zip(&group.members) {
            replace::<ConsumerProtocolSubscription>(shown, "subscription", &member.subscription);
            replace::<ConsumerProtocolAssignment>(shown, "assignment", &member.assignment);
        }
    }
    shown
}

/// Puts the message in `bytes` in place of their base64. Bytes that are no such message stay as they are.
fn replace<M: Message + Json>(member: &mut Value, field: &str, bytes: &Bytes) {
    let mut r = Reader::new(bytes.clone());
    let Ok(version) = r.i16() else { return };
    // Later versions add fields at the end.
    let version = version.clamp(M::MIN, M::LATEST);
    if let (Ok(message), Some(shown)) = (M::decode(&mut r, version), member.get_mut(field)) {
        *shown = message.to_json(version);
    }
}
