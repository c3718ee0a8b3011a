//! Records of the internal logs: their frames, kinds and names, and the one file that is JSON.

use bytes::Bytes;
use kfk_wire::feature_level_record::FeatureLevelRecord;
use kfk_wire::json::{FromJson, JsonError, to_text};
use kfk_wire::offset_commit_key::OffsetCommitKey;
use kfk_wire::offset_commit_value::OffsetCommitValue;
use kfk_wire::quorum_state_data::QuorumStateData;
use kfk_wire::{DecodeError, GroupKey, GroupValue, Json, MetadataRecord, ShareKey, TransactionKey, Uuid};
use serde_json::json;

#[test]
fn a_metadata_record_wears_its_frame() {
    let record = MetadataRecord::from(FeatureLevelRecord { name: "group.version".into(), feature_level: 1 });
    let bytes = record.to_bytes(0).unwrap();
    assert_eq!(bytes[..], *b"\x01\x0c\x00\x0egroup.version\x00\x01\x00");
    assert_eq!(MetadataRecord::from_bytes(bytes), Ok((record.clone(), 0)));
    assert_eq!((record.kind(), record.kind_name(), record.max_version()), (12, "FEATURE_LEVEL_RECORD", 0));
    assert_eq!(to_text(&record.to_json(0)), r#"{"name":"group.version","featureLevel":1}"#);
}

#[test]
fn what_is_no_metadata_record_is_refused() {
    let read = |bytes: &'static [u8]| MetadataRecord::from_bytes(Bytes::from_static(bytes)).unwrap_err();
    assert_eq!(read(&[0, 20, 0, 0]), DecodeError::UnknownFrame { version: 0 });
    assert_eq!(read(&[1, 6, 0, 0]), DecodeError::UnknownKind { kind: 6 });
    assert_eq!(read(&[1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0]), DecodeError::UnknownKind { kind: i64::from(u32::MAX) });
    assert_eq!(read(&[1, 20, 1, 0]), DecodeError::UnsupportedVersion { message: "NoOpRecord", version: 1 });
    assert_eq!(read(&[1, 20, 0, 0, 0]), DecodeError::BytesLeft { left: 1 });
    assert!(matches!(read(&[1, 20]), DecodeError::Truncated { .. }));
}

#[test]
fn a_coordinators_key_names_the_kind_of_its_value() {
    let key = GroupKey::from(OffsetCommitKey { group: "g".into(), topic: "t".into(), partition: 3 });
    let bytes = key.to_bytes().unwrap();
    assert_eq!(bytes[..], *b"\0\x01\0\x01g\0\x01t\0\0\0\x03");
    assert_eq!(GroupKey::from_bytes(bytes), Ok(key.clone()));

    let value = GroupValue::from(OffsetCommitValue { offset: 5, commit_timestamp: 9, leader_epoch: 2, ..Default::default() });
    let bytes = value.to_bytes(3).unwrap();
    assert_eq!(GroupValue::from_bytes(key.kind(), bytes.clone()), Ok((value, 3)));
    assert!(GroupValue::from_bytes(GroupKey::from(kfk_wire::group_metadata_key::GroupMetadataKey::default()).kind(), bytes).is_err());

    assert_eq!(GroupKey::from_bytes(Bytes::from_static(&[0, 99])), Err(DecodeError::UnknownKind { kind: 99 }));
    assert_eq!(TransactionKey::from_bytes(Bytes::from_static(b"\0\0\0\x01x")).unwrap().kind_name(), "TRANSACTION_LOG");
    assert!(matches!(ShareKey::from_bytes(Bytes::from_static(&[0])), Err(DecodeError::Truncated { .. })));
}

#[test]
fn the_quorum_state_is_json() {
    let id: Uuid = "nA3wYkKvQ_eRY7zvG454yw".parse().unwrap();
    let state = QuorumStateData { leader_id: 1, leader_epoch: 7, voted_directory_id: id, ..Default::default() };
    let text = r#"{"leaderId":1,"leaderEpoch":7,"votedId":-1,"votedDirectoryId":"nA3wYkKvQ_eRY7zvG454yw"}"#;
    assert_eq!(to_text(&state.to_json(1)), text);
    assert_eq!(QuorumStateData::from_json(&serde_json::from_str(text).unwrap(), 1), Ok(state));

    let read = |json| QuorumStateData::from_json(&json, 1).unwrap_err();
    assert_eq!(read(json!({"leaderId": 1})), JsonError::Missing("leaderEpoch"));
    assert_eq!(read(json!({"leaderId": "one"})), JsonError::Wrong("leaderId"));
    assert_eq!(read(json!({"leaderId": 1i64 << 40})), JsonError::Wrong("leaderId"));
    assert_eq!(read(json!([])), JsonError::Missing("leaderId"));
}
