//! Control records: what brokers write into a partition for themselves, in batches with the control bit.
//!
//! ```text
//! key    version i16 (0), type i16
//! value  commit, abort: version i16 (0), coordinator epoch i32
//!        others: the message of that type, in version 0
//! ```

use bytes::Bytes;

use super::build::{BatchBuilder, BatchOptions};
use super::error::RecordError;
use super::iter::Record;
use crate::wire::kraft_version_record::KRaftVersionRecord;
use crate::wire::leader_change_message::LeaderChangeMessage;
use crate::wire::snapshot_footer_record::SnapshotFooterRecord;
use crate::wire::snapshot_header_record::SnapshotHeaderRecord;
use crate::wire::voters_record::VotersRecord;
use crate::wire::{Message, Reader};

/// A control record's type, from its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlType {
    Abort,
    Commit,
    LeaderChange,
    SnapshotHeader,
    SnapshotFooter,
    KRaftVersion,
    KRaftVoters,
    /// A type of a later Kafka: readers skip it.
    Unknown(i16),
}

impl ControlType {
    const KNOWN: [ControlType; 7] = [
        ControlType::Abort,
        ControlType::Commit,
        ControlType::LeaderChange,
        ControlType::SnapshotHeader,
        ControlType::SnapshotFooter,
        ControlType::KRaftVersion,
        ControlType::KRaftVoters,
    ];

    /// The number in the key.
    pub fn id(self) -> i16 {
        match self {
            ControlType::Abort => 0,
            ControlType::Commit => 1,
            ControlType::LeaderChange => 2,
            ControlType::SnapshotHeader => 3,
            ControlType::SnapshotFooter => 4,
            ControlType::KRaftVersion => 5,
            ControlType::KRaftVoters => 6,
            ControlType::Unknown(id) => id,
        }
    }

    pub fn from_id(id: i16) -> ControlType {
        ControlType::KNOWN.into_iter().find(|t| t.id() == id).unwrap_or(ControlType::Unknown(id))
    }

    /// Kafka's name, as its tools print it.
    pub fn name(self) -> &'static str {
        match self {
            ControlType::Abort => "ABORT",
            ControlType::Commit => "COMMIT",
            ControlType::LeaderChange => "LEADER_CHANGE",
            ControlType::SnapshotHeader => "SNAPSHOT_HEADER",
            ControlType::SnapshotFooter => "SNAPSHOT_FOOTER",
            ControlType::KRaftVersion => "KRAFT_VERSION",
            ControlType::KRaftVoters => "KRAFT_VOTERS",
            ControlType::Unknown(_) => "UNKNOWN",
        }
    }

    /// Reads a control record's key. A key version above 0 is read as 0. Error: `Control`.
    pub fn from_key(key: Option<&[u8]>) -> Result<ControlType, RecordError> {
        let bad = |what: &str| RecordError::Control(what.to_string());
        let head = key.and_then(|k| k.first_chunk::<4>()).ok_or_else(|| bad("key is shorter than 4 bytes"))?;
        if i16::from_be_bytes([head[0], head[1]]) < 0 {
            return Err(bad("key has a negative version"));
        }
        Ok(ControlType::from_id(i16::from_be_bytes([head[2], head[3]])))
    }

    fn to_key(self) -> [u8; 4] {
        let [high, low] = self.id().to_be_bytes();
        [0, 0, high, low]
    }
}

/// A control record.
#[derive(Clone, Debug, PartialEq)]
pub enum ControlRecord {
    Abort { coordinator_epoch: i32 },
    Commit { coordinator_epoch: i32 },
    LeaderChange(LeaderChangeMessage),
    SnapshotHeader(SnapshotHeaderRecord),
    SnapshotFooter(SnapshotFooterRecord),
    KRaftVersion(KRaftVersionRecord),
    KRaftVoters(VotersRecord),
    Unknown(i16),
}

impl ControlRecord {
    pub fn control_type(&self) -> ControlType {
        match self {
            ControlRecord::Abort { .. } => ControlType::Abort,
            ControlRecord::Commit { .. } => ControlType::Commit,
            ControlRecord::LeaderChange(_) => ControlType::LeaderChange,
            ControlRecord::SnapshotHeader(_) => ControlType::SnapshotHeader,
            ControlRecord::SnapshotFooter(_) => ControlType::SnapshotFooter,
            ControlRecord::KRaftVersion(_) => ControlType::KRaftVersion,
            ControlRecord::KRaftVoters(_) => ControlType::KRaftVoters,
            ControlRecord::Unknown(id) => ControlType::Unknown(*id),
        }
    }

    /// Reads one record of a control batch. Error: `Control`.
    pub fn parse(record: &Record<'_>) -> Result<ControlRecord, RecordError> {
        let kind = ControlType::from_key(record.key)?;
        let value = record.value.unwrap_or_default();
        Ok(match kind {
            ControlType::Abort => ControlRecord::Abort { coordinator_epoch: marker_epoch(value)? },
            ControlType::Commit => ControlRecord::Commit { coordinator_epoch: marker_epoch(value)? },
            ControlType::LeaderChange => ControlRecord::LeaderChange(message(value)?),
            ControlType::SnapshotHeader => ControlRecord::SnapshotHeader(message(value)?),
            ControlType::SnapshotFooter => ControlRecord::SnapshotFooter(message(value)?),
            ControlType::KRaftVersion => ControlRecord::KRaftVersion(message(value)?),
            ControlType::KRaftVoters => ControlRecord::KRaftVoters(message(value)?),
            ControlType::Unknown(id) => ControlRecord::Unknown(id),
        })
    }

    fn value(&self) -> Result<Bytes, RecordError> {
        let encoded = match self {
            ControlRecord::Abort { coordinator_epoch } | ControlRecord::Commit { coordinator_epoch } => {
                let [a, b, c, d] = coordinator_epoch.to_be_bytes();
                return Ok(Bytes::copy_from_slice(&[0, 0, a, b, c, d]));
            }
            ControlRecord::LeaderChange(m) => m.to_bytes(0),
            ControlRecord::SnapshotHeader(m) => m.to_bytes(0),
            ControlRecord::SnapshotFooter(m) => m.to_bytes(0),
            ControlRecord::KRaftVersion(m) => m.to_bytes(0),
            ControlRecord::KRaftVoters(m) => m.to_bytes(0),
            ControlRecord::Unknown(id) => return Err(RecordError::Control(format!("no value known for type {id}"))),
        };
        encoded.map_err(|e| RecordError::Control(e.to_string()))
    }
}

/// One batch of control records. `options` says where it goes; its control bit is set here.
/// A transaction marker also wants `producer_id`, `producer_epoch` and `transactional`; its sequence stays -1.
pub fn control_batch(options: BatchOptions, timestamp: i64, records: &[ControlRecord]) -> Result<Bytes, RecordError> {
    let mut builder = BatchBuilder::new(BatchOptions { control: true, ..options });
    for record in records {
        builder.append(timestamp, Some(&record.control_type().to_key()), Some(&record.value()?), &[])?;
    }
    builder.finish()
}

/// The coordinator epoch of a commit or abort marker. A version above 0 is read as 0.
fn marker_epoch(value: &[u8]) -> Result<i32, RecordError> {
    match value.first_chunk::<6>() {
        Some([version_high, ..]) if *version_high >= 0x80 => Err(RecordError::Control("marker has a negative version".to_string())),
        Some([_, _, a, b, c, d]) => Ok(i32::from_be_bytes([*a, *b, *c, *d])),
        None => Err(RecordError::Control(format!("marker needs 6 bytes, {} are there", value.len()))),
    }
}

fn message<M: Message>(value: &[u8]) -> Result<M, RecordError> {
    M::decode(&mut Reader::new(Bytes::copy_from_slice(value)), 0).map_err(|e| RecordError::Control(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::BatchView;

    fn back(records: &[ControlRecord]) -> Vec<ControlRecord> {
        let bytes = control_batch(BatchOptions { partition_leader_epoch: 4, ..Default::default() }, 77, records).unwrap();
        let view = BatchView::parse(&bytes).unwrap();
        view.check_crc().unwrap();
        assert!(view.header.is_control());
        let data = view.data(1 << 20).unwrap();
        data.iter().map(|r| ControlRecord::parse(&r.unwrap()).unwrap()).collect()
    }

    #[test]
    fn every_type_round_trips() {
        let all = [
            ControlRecord::Abort { coordinator_epoch: 0 },
            ControlRecord::Commit { coordinator_epoch: -7 },
            ControlRecord::LeaderChange(LeaderChangeMessage { leader_id: 3, ..Default::default() }),
            ControlRecord::SnapshotHeader(SnapshotHeaderRecord { last_contained_log_timestamp: 99, ..Default::default() }),
            ControlRecord::SnapshotFooter(SnapshotFooterRecord::default()),
            ControlRecord::KRaftVersion(KRaftVersionRecord { kraft_version: 1, ..Default::default() }),
            ControlRecord::KRaftVoters(VotersRecord::default()),
        ];
        assert_eq!(back(&all), all);
    }

    #[test]
    fn a_marker_is_ten_bytes_as_kafka_writes_them() {
        let bytes = control_batch(BatchOptions::default(), 0, &[ControlRecord::Commit { coordinator_epoch: 5 }]).unwrap();
        let data = BatchView::parse(&bytes).unwrap().data(100).unwrap();
        let record = data.iter().next().unwrap().unwrap();
        assert_eq!(record.key, Some(&[0, 0, 0, 1][..]));
        assert_eq!(record.value, Some(&[0, 0, 0, 0, 0, 5][..]));
    }

    #[test]
    fn short_keys_and_values_are_errors_and_later_types_are_unknown() {
        assert!(ControlType::from_key(None).is_err());
        assert!(ControlType::from_key(Some(&[0, 0, 1])).is_err());
        assert!(ControlType::from_key(Some(&[0xff, 0, 0, 1])).is_err());
        assert_eq!(ControlType::from_key(Some(&[0, 9, 0, 42])), Ok(ControlType::Unknown(42)));
        assert!(marker_epoch(&[0, 0, 0]).is_err());
        assert!(message::<LeaderChangeMessage>(&[0]).is_err());
    }
}
