//! Why a leader refuses produced records, as the protocol says it: an error code, a message, and which records were at fault.

use std::fmt;

use super::error::RecordError;
use crate::types::TopicPartition;
use crate::wire::ErrorCode;

/// Why a partition's produce data was not appended. Nothing of it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("A produce request must have at least one record batch per partition")]
    NoBatch,
    #[error("A produce request may only contain record batches with magic version 2, not {0}")]
    WrongMagic(i8),
    #[error("A produce request may only contain one record batch per partition")]
    MoreThanOneBatch,
    #[error("This version of produce requests may not use ZStandard compression")]
    ZstdNotAllowed,
    #[error("The base offset of the record batch should be 0, but it is {0}")]
    BaseOffset(i64),
    #[error("The record batch size is {size} bytes, which exceeds the maximum configured value of {max}")]
    TooLarge { size: usize, max: usize },
    /// The length field or the CRC is wrong.
    #[error("Record is corrupt: {0}")]
    Corrupt(RecordError),
    #[error("Inconsistent batch: last offset delta {last_offset_delta} and record count {count}")]
    Count { count: i32, last_offset_delta: i32 },
    #[error("Clients are not allowed to write control records")]
    ControlBatch,
    #[error("Invalid sequence number {base_sequence} in record batch with producerId {producer_id}")]
    Sequence { producer_id: i64, base_sequence: i32 },
    /// The records do not decode, or do not add up.
    #[error("{0}")]
    Records(RecordError),
    #[error("{0}")]
    BadRecords(BadRecords),
    #[error("The record batch is {size} bytes, which exceeds the maximum configured segment size of {max}")]
    LargerThanSegment { size: usize, max: usize },
}

impl Refusal {
    /// The partition's error code in the response.
    pub fn error_code(&self) -> ErrorCode {
        match self {
            Refusal::ZstdNotAllowed => ErrorCode::UnsupportedCompressionType,
            Refusal::TooLarge { .. } => ErrorCode::MessageTooLarge,
            // A producer's answer to this is to split the batch, which helps an honest one.
            Refusal::Records(RecordError::TooLarge { .. } | RecordError::BatchTooLarge) => ErrorCode::MessageTooLarge,
            Refusal::Corrupt(_) => ErrorCode::CorruptMessage,
            Refusal::BadRecords(bad) if bad.by_time => ErrorCode::InvalidTimestamp,
            Refusal::LargerThanSegment { .. } => ErrorCode::RecordListTooLarge,
            Refusal::NoBatch
            | Refusal::WrongMagic(_)
            | Refusal::MoreThanOneBatch
            | Refusal::BaseOffset(_)
            | Refusal::Count { .. }
            | Refusal::ControlBatch
            | Refusal::Sequence { .. }
            | Refusal::Records(_)
            | Refusal::BadRecords(_) => ErrorCode::InvalidRecord,
        }
    }

    /// The records at fault, for the response (v8 and later); empty if it is not about single records.
    pub fn bad_records(&self) -> &[BadRecord] {
        match self {
            Refusal::BadRecords(bad) => &bad.first,
            _ => &[],
        }
    }
}

/// Records that P17 to P19 refuse.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BadRecords {
    /// The first of them: a reply must not grow with what a small compressed batch can hold.
    pub first: Vec<BadRecord>,
    /// How many there are.
    pub total: usize,
    /// One of them at least failed on its time.
    pub by_time: bool,
    looked_at: i32,
}

impl BadRecords {
    const REPORT_MOST: usize = 1000;

    pub(super) fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// Takes note of the next record.
    pub(super) fn add_if(&mut self, fault: Option<RecordFault>) {
        let index = self.looked_at;
        self.looked_at += 1;
        let Some(fault) = fault else { return };
        self.total += 1;
        self.by_time |= fault != RecordFault::NullKey;
        if self.first.len() < Self::REPORT_MOST {
            self.first.push(BadRecord { index, fault });
        }
    }
}

impl fmt::Display for BadRecords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.by_time {
            return f.write_str("One or more records have been rejected due to invalid timestamp");
        }
        let total = self.total;
        write!(f, "One or more records have been rejected due to {total} record errors in total")
    }
}

/// One record at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadRecord {
    /// Its place in the batch, from 0.
    pub index: i32,
    pub fault: RecordFault,
}

impl BadRecord {
    /// Kafka's words for the response.
    pub fn message(&self, partition: &TopicPartition) -> String {
        match self.fault {
            RecordFault::NullKey => format!("Compacted topic cannot accept message without key in topic partition {partition}"),
            RecordFault::Timestamp { timestamp, offset, first, last } => format!(
                "Timestamp {timestamp} of message with offset {offset} is out of range. The timestamp should be within [{first}, {last}]"
            ),
            RecordFault::LogAppendTimeSet => {
                "Invalid timestamp type in message. Producer should not set timestamp type to LogAppendTime.".to_string()
            }
        }
    }
}

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordFault {
    /// P17: no key, on a compacted topic.
    NullKey,
    /// P18: not within `first..=last`.
    Timestamp { timestamp: i64, offset: i64, first: i64, last: i64 },
    /// P19: the batch claims a time only brokers set.
    LogAppendTimeSet,
}
