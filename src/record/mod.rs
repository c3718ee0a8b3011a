//! Record batches, records and codecs: plain data over bytes. No files, no sockets, no clock.
//!
//! Reading goes `batches(bytes)` -> [`BatchView`] (header checked, CRC on demand) -> [`BatchView::data`] (decompressed) ->
//! [`RecordData::iter`]. Writing goes through [`BatchBuilder`].

mod batch;
mod build;
pub mod codec;
mod control;
mod error;
mod iter;
mod ratio;
mod refusal;
mod validate;
mod walk;

pub use batch::{
    Attributes, BATCH_PREFIX_LEN, BatchHeader, BatchPrefix, BatchView, Batches, HEADER_LEN, HeaderRewrite, LOG_OVERHEAD, NO_PRODUCER_EPOCH,
    NO_PRODUCER_ID, NO_SEQUENCE, NO_TIMESTAMP, TimestampType, batches, increment_sequence, patched_header,
};
pub use build::{BatchBuilder, BatchOptions, record_size, record_size_upper_bound};
pub use codec::{Codec, Compression};
pub use control::{ControlRecord, ControlType, control_batch};
pub use error::RecordError;
pub use iter::{Header, Headers, Record, RecordData, RecordIter};
pub use ratio::CompressionRatio;
pub use refusal::{BadRecord, BadRecords, RecordFault, Refusal};
pub use validate::{Origin, ProducedBatch, TopicCompression, ValidateOptions, Validated, single_batch, validate};
pub use walk::{RecordShape, walk, walk_payload};
