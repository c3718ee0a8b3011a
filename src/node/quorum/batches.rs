//! Metadata records in record batches, and out of them.

use bytes::Bytes;

use crate::machine::controller::MetadataRecord;
use crate::machine::controller::features::MetadataVersion;
use crate::record::{BatchBuilder, BatchOptions, BatchView, ControlRecord, RecordData, control_batch};
use crate::types::{Offset, WallMs};
use crate::wire::leader_change_message::{LeaderChangeMessage, Voter};

use super::error::QuorumError;

/// No batch of this log unpacks to more: Kafka's own limit is 8 MiB, and it writes them uncompressed.
const MAX_BATCH_BYTES: usize = 64 << 20;

/// Where a batch goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub offset: Offset,
    pub epoch: i32,
    pub time: WallMs,
}

impl Place {
    fn options(self) -> BatchOptions {
        BatchOptions { base_offset: self.offset, partition_leader_epoch: self.epoch, ..BatchOptions::default() }
    }
}

/// One batch of records, at least one: all of them are there after a crash, or none.
pub(super) fn encode<'a>(
    records: impl IntoIterator<Item = &'a MetadataRecord>,
    version: MetadataVersion,
    place: Place,
) -> Result<Bytes, QuorumError> {
    let mut builder = BatchBuilder::new(place.options());
    for record in records {
        let value = record.encode(version).map_err(|e| QuorumError::Encode(format!("{}: {e}", record.name())))?;
        builder.append(place.time.0, None, Some(&value), &[]).map_err(|e| QuorumError::Encode(e.to_string()))?;
    }
    builder.finish().map_err(|e| QuorumError::Encode(e.to_string()))
}

/// One batch of control records.
pub(super) fn encode_control(records: &[ControlRecord], place: Place) -> Result<Bytes, QuorumError> {
    control_batch(place.options(), place.time.0, records).map_err(|e| QuorumError::Encode(e.to_string()))
}

/// What the only voter writes when it begins an epoch.
pub(super) fn leader_change(node: i32) -> ControlRecord {
    let voter = Voter { voter_id: node, ..Voter::default() };
    let message = LeaderChangeMessage { leader_id: node, voters: vec![voter.clone()], granting_voters: vec![voter], ..Default::default() };
    ControlRecord::LeaderChange(message)
}

/// What one batch holds.
pub(super) enum Content {
    Control(Vec<(Offset, ControlRecord)>),
    Records(Vec<(Offset, MetadataRecord)>),
}

/// Checks a batch's CRC and reads all its records.
pub(super) fn decode(view: &BatchView<'_>) -> Result<Content, QuorumError> {
    let base = view.header.base_offset;
    let damaged = |error| QuorumError::batch(base, error);
    view.check_crc().map_err(damaged)?;
    let data = view.data(MAX_BATCH_BYTES).map_err(damaged)?;
    if view.header.is_control() { decode_control(&data).map(Content::Control) } else { decode_records(&data).map(Content::Records) }
}

fn decode_control(data: &RecordData<'_>) -> Result<Vec<(Offset, ControlRecord)>, QuorumError> {
    let base = data.header.base_offset;
    let each = |record: Result<crate::record::Record<'_>, _>| {
        let record = record.map_err(|e| QuorumError::batch(base, e))?;
        let control = ControlRecord::parse(&record).map_err(|e| QuorumError::batch(record.offset, e))?;
        Ok((record.offset, control))
    };
    data.iter().map(each).collect()
}

fn decode_records(data: &RecordData<'_>) -> Result<Vec<(Offset, MetadataRecord)>, QuorumError> {
    let base = data.header.base_offset;
    let each = |record: Result<crate::record::Record<'_>, _>| {
        let record = record.map_err(|e| QuorumError::batch(base, e))?;
        let offset = record.offset;
        let value = record.value.ok_or_else(|| QuorumError::Damaged { offset, why: "a record without a value".into() })?;
        let metadata = MetadataRecord::decode(&Bytes::copy_from_slice(value)).map_err(|source| QuorumError::Record { offset, source })?;
        Ok((offset, metadata))
    };
    data.iter().map(each).collect()
}
