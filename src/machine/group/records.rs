//! The records of `__consumer_offsets` that groups stand on (facts Z1 to Z3).
//!
//! ```text
//! key:   int16 type | fields                  0, 1 offset commit: group, topic (int16-length strings), partition int32
//!                                             2    classic group: group
//!        consumer groups (KIP-848)            3    epoch: group
//!                                             4    topics: group (up to 4.0; written as a tombstone only)
//!                                             5    member: group, member
//!                                             6    epoch of the target: group
//!                                             7    target of a member: group, member
//!                                             8    what a member has now: group, member
//!                                             16   topics of a regular expression: group, expression
//! value: int16 version | fields               null: tombstone
//! ```
//! Types 10 to 15 belong to share groups (`share/records.rs`), others to the streams protocol; a log that Kafka wrote may hold those, and
//! they are skipped.

use bytes::Bytes;

use super::share::ShareGroupRecord;

use crate::machine::coordinator::Skipped;
use crate::wire::consumer_group_current_member_assignment_key::ConsumerGroupCurrentMemberAssignmentKey;
use crate::wire::consumer_group_current_member_assignment_value::ConsumerGroupCurrentMemberAssignmentValue;
use crate::wire::consumer_group_member_metadata_key::ConsumerGroupMemberMetadataKey;
use crate::wire::consumer_group_member_metadata_value::ConsumerGroupMemberMetadataValue;
use crate::wire::consumer_group_metadata_key::ConsumerGroupMetadataKey;
use crate::wire::consumer_group_metadata_value::ConsumerGroupMetadataValue;
use crate::wire::consumer_group_partition_metadata_key::ConsumerGroupPartitionMetadataKey;
use crate::wire::consumer_group_partition_metadata_value::ConsumerGroupPartitionMetadataValue;
use crate::wire::consumer_group_regular_expression_key::ConsumerGroupRegularExpressionKey;
use crate::wire::consumer_group_regular_expression_value::ConsumerGroupRegularExpressionValue;
use crate::wire::consumer_group_target_assignment_member_key::ConsumerGroupTargetAssignmentMemberKey;
use crate::wire::consumer_group_target_assignment_member_value::ConsumerGroupTargetAssignmentMemberValue;
use crate::wire::consumer_group_target_assignment_metadata_key::ConsumerGroupTargetAssignmentMetadataKey;
use crate::wire::consumer_group_target_assignment_metadata_value::ConsumerGroupTargetAssignmentMetadataValue;
use crate::wire::group_metadata_key::GroupMetadataKey;
use crate::wire::group_metadata_value::GroupMetadataValue;
use crate::wire::offset_commit_key::OffsetCommitKey;
use crate::wire::offset_commit_value::OffsetCommitValue;
use crate::wire::{DecodeError, EncodeError, Message, Reader, Writer};

const LEGACY_OFFSET_COMMIT: i16 = 0;
const OFFSET_COMMIT: i16 = OffsetCommitKey::TYPE;
const GROUP_METADATA: i16 = GroupMetadataKey::TYPE;
const CONSUMER_EPOCH: i16 = ConsumerGroupMetadataKey::TYPE;
const CONSUMER_TOPICS: i16 = ConsumerGroupPartitionMetadataKey::TYPE;
const CONSUMER_MEMBER: i16 = ConsumerGroupMemberMetadataKey::TYPE;
const CONSUMER_TARGET_EPOCH: i16 = ConsumerGroupTargetAssignmentMetadataKey::TYPE;
const CONSUMER_TARGET: i16 = ConsumerGroupTargetAssignmentMemberKey::TYPE;
const CONSUMER_CURRENT: i16 = ConsumerGroupCurrentMemberAssignmentKey::TYPE;
const CONSUMER_REGEX: i16 = ConsumerGroupRegularExpressionKey::TYPE;

/// What 4.3 writes; the one with an own expiry time if the request asked for that.
const OFFSET_VALUE_VERSION: i16 = 4;
const OFFSET_VALUE_VERSION_WITH_EXPIRY: i16 = 1;
const GROUP_VALUE_VERSION: i16 = 3;
const CONSUMER_VALUE_VERSION: i16 = 0;

/// One record that changes the state of groups; a value of `None` deletes.
#[derive(Clone, Debug, PartialEq)]
pub enum GroupRecord {
    Offset { key: OffsetCommitKey, value: Option<OffsetCommitValue> },
    Group { key: GroupMetadataKey, value: Option<GroupMetadataValue> },
    Consumer(ConsumerRecord),
    Share(ShareGroupRecord),
}

/// The records of consumer groups; a value of `None` deletes.
#[derive(Clone, Debug, PartialEq)]
pub enum ConsumerRecord {
    Epoch { key: ConsumerGroupMetadataKey, value: Option<ConsumerGroupMetadataValue> },
    Topics { key: ConsumerGroupPartitionMetadataKey, value: Option<ConsumerGroupPartitionMetadataValue> },
    Member { key: ConsumerGroupMemberMetadataKey, value: Option<ConsumerGroupMemberMetadataValue> },
    TargetEpoch { key: ConsumerGroupTargetAssignmentMetadataKey, value: Option<ConsumerGroupTargetAssignmentMetadataValue> },
    Target { key: ConsumerGroupTargetAssignmentMemberKey, value: Option<ConsumerGroupTargetAssignmentMemberValue> },
    Current { key: ConsumerGroupCurrentMemberAssignmentKey, value: Option<ConsumerGroupCurrentMemberAssignmentValue> },
    Regex { key: ConsumerGroupRegularExpressionKey, value: Option<ConsumerGroupRegularExpressionValue> },
}

impl GroupRecord {
    /// The group the record belongs to.
    pub fn group_id(&self) -> &str {
        match self {
            GroupRecord::Offset { key, .. } => &key.group,
            GroupRecord::Group { key, .. } => &key.group,
            GroupRecord::Consumer(record) => record.group_id(),
            GroupRecord::Share(record) => record.group_id(),
        }
    }

    pub(super) fn offset_tombstone(group: &str, topic: &str, partition: i32) -> Self {
        GroupRecord::Offset { key: OffsetCommitKey { group: group.into(), topic: topic.into(), partition }, value: None }
    }

    pub(super) fn group_tombstone(group: &str) -> Self {
        GroupRecord::Group { key: GroupMetadataKey { group: group.into() }, value: None }
    }

    /// Key and value as they stand in the log.
    pub fn encode(&self) -> Result<(Bytes, Option<Bytes>), EncodeError> {
        Ok(match self {
            GroupRecord::Offset { key, value } => {
                let version = |v: &OffsetCommitValue| match v.expire_timestamp {
                    -1 => OFFSET_VALUE_VERSION,
                    _ => OFFSET_VALUE_VERSION_WITH_EXPIRY,
                };
                (prefixed(OFFSET_COMMIT, key, 0)?, value.as_ref().map(|v| prefixed(version(v), v, version(v))).transpose()?)
            }
            GroupRecord::Group { key, value } => {
                let value = value.as_ref().map(|v| prefixed(GROUP_VALUE_VERSION, v, GROUP_VALUE_VERSION));
                (prefixed(GROUP_METADATA, key, 0)?, value.transpose()?)
            }
            GroupRecord::Consumer(record) => record.encode()?,
            GroupRecord::Share(record) => record.encode()?,
        })
    }

    /// The record of a key and value, or why it is none of ours.
    pub fn decode(key: &Bytes, value: Option<&Bytes>) -> Result<Self, Skipped> {
        let mut key = Reader::new(key.clone());
        match key.i16().map_err(malformed)? {
            LEGACY_OFFSET_COMMIT | OFFSET_COMMIT => {
                let key = OffsetCommitKey::decode(&mut key, 0).map_err(malformed)?;
                Ok(GroupRecord::Offset { key, value: decode_value(value)? })
            }
            GROUP_METADATA => {
                let key = GroupMetadataKey::decode(&mut key, 0).map_err(malformed)?;
                Ok(GroupRecord::Group { key, value: decode_value(value)? })
            }
            kind => match ShareGroupRecord::decode(kind, &mut key, value) {
                Some(record) => record.map(GroupRecord::Share),
                None => ConsumerRecord::decode(kind, &mut key, value).map(GroupRecord::Consumer),
            },
        }
    }
}

impl ConsumerRecord {
    pub(super) fn group_id(&self) -> &str {
        match self {
            ConsumerRecord::Epoch { key, .. } => &key.group_id,
            ConsumerRecord::Topics { key, .. } => &key.group_id,
            ConsumerRecord::Member { key, .. } => &key.group_id,
            ConsumerRecord::TargetEpoch { key, .. } => &key.group_id,
            ConsumerRecord::Target { key, .. } => &key.group_id,
            ConsumerRecord::Current { key, .. } => &key.group_id,
            ConsumerRecord::Regex { key, .. } => &key.group_id,
        }
    }

    fn encode(&self) -> Result<(Bytes, Option<Bytes>), EncodeError> {
        fn pair<K: Message, V: Message>(kind: i16, key: &K, value: &Option<V>) -> Result<(Bytes, Option<Bytes>), EncodeError> {
            let value = value.as_ref().map(|v| prefixed(CONSUMER_VALUE_VERSION, v, CONSUMER_VALUE_VERSION));
            Ok((prefixed(kind, key, 0)?, value.transpose()?))
        }
        match self {
            ConsumerRecord::Epoch { key, value } => pair(CONSUMER_EPOCH, key, value),
            ConsumerRecord::Topics { key, value } => pair(CONSUMER_TOPICS, key, value),
            ConsumerRecord::Member { key, value } => pair(CONSUMER_MEMBER, key, value),
            ConsumerRecord::TargetEpoch { key, value } => pair(CONSUMER_TARGET_EPOCH, key, value),
            ConsumerRecord::Target { key, value } => pair(CONSUMER_TARGET, key, value),
            ConsumerRecord::Current { key, value } => pair(CONSUMER_CURRENT, key, value),
            ConsumerRecord::Regex { key, value } => pair(CONSUMER_REGEX, key, value),
        }
    }

    fn decode(kind: i16, key: &mut Reader, value: Option<&Bytes>) -> Result<Self, Skipped> {
        fn pair<K: Message, V: Message>(key: &mut Reader, value: Option<&Bytes>) -> Result<(K, Option<V>), Skipped> {
            Ok((K::decode(key, 0).map_err(malformed)?, decode_value(value)?))
        }
        Ok(match kind {
            CONSUMER_EPOCH => pair(key, value).map(|(key, value)| ConsumerRecord::Epoch { key, value })?,
            CONSUMER_TOPICS => pair(key, value).map(|(key, value)| ConsumerRecord::Topics { key, value })?,
            CONSUMER_MEMBER => pair(key, value).map(|(key, value)| ConsumerRecord::Member { key, value })?,
            CONSUMER_TARGET_EPOCH => pair(key, value).map(|(key, value)| ConsumerRecord::TargetEpoch { key, value })?,
            CONSUMER_TARGET => pair(key, value).map(|(key, value)| ConsumerRecord::Target { key, value })?,
            CONSUMER_CURRENT => pair(key, value).map(|(key, value)| ConsumerRecord::Current { key, value })?,
            CONSUMER_REGEX => pair(key, value).map(|(key, value)| ConsumerRecord::Regex { key, value })?,
            other => return Err(Skipped::UnknownType(other)),
        })
    }
}

/// Key and value of a record whose value has one version only.
pub(super) fn encode_pair<K: Message, V: Message>(kind: i16, key: &K, value: &Option<V>) -> Result<(Bytes, Option<Bytes>), EncodeError> {
    Ok((prefixed(kind, key, 0)?, value.as_ref().map(|v| prefixed(0, v, 0)).transpose()?))
}

/// The opposite; the key's type has been read.
pub(super) fn decode_pair<K: Message, V: Message>(key: &mut Reader, value: Option<&Bytes>) -> Result<(K, Option<V>), Skipped> {
    Ok((K::decode(key, 0).map_err(malformed)?, decode_value(value)?))
}

fn prefixed<M: Message>(prefix: i16, message: &M, version: i16) -> Result<Bytes, EncodeError> {
    let mut w = Writer::with_capacity(64);
    w.i16(prefix);
    message.encode(&mut w, version)?;
    w.into_bytes()
}

fn decode_value<M: Message>(value: Option<&Bytes>) -> Result<Option<M>, Skipped> {
    let Some(value) = value else { return Ok(None) };
    let mut value = Reader::new(value.clone());
    let version = value.i16().map_err(malformed)?;
    M::check_version(version).ok_or(Skipped::UnknownVersion { kind: M::NAME, version })?;
    M::decode(&mut value, version).map(Some).map_err(malformed)
}

fn malformed(error: DecodeError) -> Skipped {
    Skipped::Malformed(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Uuid;
    use crate::wire::group_metadata_value::MemberMetadata;

    #[test]
    fn z2_an_offset_is_written_in_version_4_and_in_1_with_an_expiry_time() {
        let key = OffsetCommitKey { group: "g".into(), topic: "t".into(), partition: 3 };
        let mut value = OffsetCommitValue { offset: 7, metadata: "m".into(), commit_timestamp: 5, ..Default::default() };
        value.topic_id = Uuid([1; 16]);
        let record = GroupRecord::Offset { key: key.clone(), value: Some(value.clone()) };
        let (k, v) = record.encode().unwrap();
        assert_eq!(hex::encode(&k), "0001000167000174".to_string() + "00000003");
        let tagged = "01".to_string() + "0010" + &"01".repeat(16);
        assert_eq!(
            hex::encode(v.as_ref().unwrap()),
            "0004".to_string() + "0000000000000007" + "ffffffff" + "026d" + "0000000000000005" + &tagged
        );
        assert_eq!(GroupRecord::decode(&k, v.as_ref()).unwrap(), record);

        value.expire_timestamp = 9;
        let (k, v) = GroupRecord::Offset { key, value: Some(value) }.encode().unwrap();
        assert_eq!(v.as_ref().unwrap()[..2], [0, 1]);
        let GroupRecord::Offset { value: Some(back), .. } = GroupRecord::decode(&k, v.as_ref()).unwrap() else { panic!() };
        assert_eq!((back.expire_timestamp, back.topic_id), (9, Uuid::default()));
    }

    #[test]
    fn z3_a_group_is_written_in_version_3() {
        let member = MemberMetadata { member_id: "m".into(), group_instance_id: Some("i".into()), ..Default::default() };
        let value = GroupMetadataValue { protocol_type: "consumer".into(), generation: 1, members: vec![member], ..Default::default() };
        let record = GroupRecord::Group { key: GroupMetadataKey { group: "g".into() }, value: Some(value) };
        let (k, v) = record.encode().unwrap();
        assert_eq!((&k[..], &v.as_ref().unwrap()[..2]), (&[0, 2, 0, 1, b'g'][..], &[0, 3][..]));
        assert_eq!(GroupRecord::decode(&k, v.as_ref()).unwrap(), record);
        let gone = GroupRecord::group_tombstone("g");
        assert_eq!(GroupRecord::decode(&gone.encode().unwrap().0, None).unwrap(), gone);
    }

    #[test]
    fn z6_unknown_types_newer_versions_and_rubbish_are_skipped() {
        let decode = |key: &'static [u8], value: &'static [u8]| {
            GroupRecord::decode(&Bytes::from_static(key), Some(&Bytes::from_static(value))).unwrap_err()
        };
        assert_eq!(decode(&[0, 9, 0, 1, b'g'], &[0, 0]), Skipped::UnknownType(9));
        assert_eq!(decode(&[0, 2, 0, 1, b'g'], &[0, 9]), Skipped::UnknownVersion { kind: "GroupMetadataValue", version: 9 });
        assert!(matches!(decode(&[0], &[]), Skipped::Malformed(_)));
        assert!(matches!(decode(&[0, 1, 0, 9, b'g'], &[0, 4]), Skipped::Malformed(_)));
    }
}
