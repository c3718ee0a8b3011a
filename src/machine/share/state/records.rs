//! The records of `__share_group_state` (fact Z1).
//!
//! ```text
//! key:   int16 type | group string, topic uuid, partition int32     0 snapshot, 1 update
//! value: int16 version | fields                                     null: tombstone, in a snapshot's place
//! ```

use bytes::Bytes;

use super::{ShareKey, ShareState};
use crate::machine::coordinator::Skipped;
use crate::machine::share::{Delivery, StateBatch};
use crate::wire::share_snapshot_key::ShareSnapshotKey;
use crate::wire::share_snapshot_value::{ShareSnapshotValue, StateBatch as SnapshotBatch};
use crate::wire::share_update_key::ShareUpdateKey;
use crate::wire::share_update_value::{ShareUpdateValue, StateBatch as UpdateBatch};
use crate::wire::{DecodeError, EncodeError, Message, Reader, Writer};

const SNAPSHOT: i16 = ShareSnapshotKey::TYPE;
const UPDATE: i16 = ShareUpdateKey::TYPE;
const VALUE_VERSION: i16 = 0;

/// One record that changes what is known of a partition.
#[derive(Clone, Debug, PartialEq)]
pub enum ShareRecord {
    Snapshot {
        key: ShareKey,
        state: Option<ShareState>,
    },
    /// Of the state it has what an update tells: the batches are those that are new.
    Update {
        key: ShareKey,
        state: ShareState,
    },
}

impl ShareRecord {
    pub(super) fn tombstone(key: &ShareKey) -> Self {
        ShareRecord::Snapshot { key: key.clone(), state: None }
    }

    /// Key and value as they stand in the log.
    pub fn encode(&self) -> Result<(Bytes, Option<Bytes>), EncodeError> {
        match self {
            ShareRecord::Snapshot { key, state } => {
                let value = state.as_ref().map(|s| prefixed(VALUE_VERSION, &snapshot(s))).transpose()?;
                let key = ShareSnapshotKey { group_id: key.group.clone(), topic_id: key.topic, partition: key.partition };
                Ok((prefixed(SNAPSHOT, &key)?, value))
            }
            ShareRecord::Update { key, state } => {
                let key = ShareUpdateKey { group_id: key.group.clone(), topic_id: key.topic, partition: key.partition };
                Ok((prefixed(UPDATE, &key)?, Some(prefixed(VALUE_VERSION, &update(state))?)))
            }
        }
    }

    /// The record of a key and value, or why it is none of ours.
    pub fn decode(key: &Bytes, value: Option<&Bytes>) -> Result<Self, Skipped> {
        let mut key = Reader::new(key.clone());
        match key.i16().map_err(malformed)? {
            SNAPSHOT => {
                let key = ShareSnapshotKey::decode(&mut key, 0).map_err(malformed)?;
                let key = ShareKey { group: key.group_id, topic: key.topic_id, partition: key.partition };
                let value: Option<ShareSnapshotValue> = decode_value(value)?;
                Ok(ShareRecord::Snapshot { key, state: value.map(of_snapshot) })
            }
            UPDATE => {
                let key = ShareUpdateKey::decode(&mut key, 0).map_err(malformed)?;
                let key = ShareKey { group: key.group_id, topic: key.topic_id, partition: key.partition };
                let value: Option<ShareUpdateValue> = decode_value(value)?;
                let value = value.ok_or_else(|| Skipped::Malformed("an update without a value".into()))?;
                Ok(ShareRecord::Update { key, state: of_update(value) })
            }
            other => Err(Skipped::UnknownType(other)),
        }
    }
}

fn snapshot(s: &ShareState) -> ShareSnapshotValue {
    let batch = |b: &StateBatch| SnapshotBatch {
        first_offset: b.first,
        last_offset: b.last,
        delivery_state: b.delivery.code(),
        delivery_count: b.count,
    };
    ShareSnapshotValue {
        snapshot_epoch: s.snapshot_epoch,
        state_epoch: s.state_epoch,
        leader_epoch: s.leader_epoch,
        start_offset: s.start_offset,
        delivery_complete_count: s.complete,
        create_timestamp: s.created,
        write_timestamp: s.written,
        state_batches: s.batches.iter().map(batch).collect(),
    }
}

fn of_snapshot(v: ShareSnapshotValue) -> ShareState {
    let batch = |b: &SnapshotBatch| (b.first_offset, b.last_offset, b.delivery_state, b.delivery_count);
    ShareState {
        snapshot_epoch: v.snapshot_epoch,
        state_epoch: v.state_epoch,
        leader_epoch: v.leader_epoch,
        start_offset: v.start_offset,
        complete: v.delivery_complete_count,
        created: v.create_timestamp,
        written: v.write_timestamp,
        batches: batches(v.start_offset, v.state_batches.iter().map(batch)),
    }
}

fn update(s: &ShareState) -> ShareUpdateValue {
    let batch = |b: &StateBatch| UpdateBatch {
        first_offset: b.first,
        last_offset: b.last,
        delivery_state: b.delivery.code(),
        delivery_count: b.count,
    };
    ShareUpdateValue {
        snapshot_epoch: s.snapshot_epoch,
        leader_epoch: s.leader_epoch,
        start_offset: s.start_offset,
        delivery_complete_count: s.complete,
        state_batches: s.batches.iter().map(batch).collect(),
    }
}

fn of_update(v: ShareUpdateValue) -> ShareState {
    let batch = |b: &UpdateBatch| (b.first_offset, b.last_offset, b.delivery_state, b.delivery_count);
    ShareState {
        snapshot_epoch: v.snapshot_epoch,
        state_epoch: -1,
        leader_epoch: v.leader_epoch,
        start_offset: v.start_offset,
        complete: v.delivery_complete_count,
        created: -1,
        written: -1,
        batches: batches(v.start_offset, v.state_batches.iter().map(batch)),
    }
}

/// In order and without overlaps, whatever the log has.
fn batches(start: i64, found: impl Iterator<Item = (i64, i64, i8, i16)>) -> Vec<StateBatch> {
    let found: Vec<StateBatch> = found
        .filter(|(first, last, ..)| *first >= 0 && *last < i64::MAX && first <= last)
        .map(|(first, last, delivery, count)| StateBatch { first, last, delivery: Delivery::from_code(delivery), count })
        .collect();
    super::merge::merge(start, &[], &found)
}

fn prefixed<M: Message>(prefix: i16, message: &M) -> Result<Bytes, EncodeError> {
    let mut w = Writer::with_capacity(64);
    w.i16(prefix);
    message.encode(&mut w, 0)?;
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
