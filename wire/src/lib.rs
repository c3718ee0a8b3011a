//! Kafka's protocol as plain data.
//!
//! One module per message, named after it in snake_case and holding its structs: [`produce_request::ProduceRequest`],
//! [`topic_record::TopicRecord`], [`offset_commit_key::OffsetCommitKey`]. They are written by `kfk-codegen` from Kafka's own
//! definitions; what is written by hand is what they stand on: [`Reader`] and [`Writer`], [`varint`], [`ErrorCode`], [`ApiKey`],
//! [`Uuid`], [`frame`].

pub mod api_key;
pub mod error_code;
pub mod frame;
pub mod json;
mod message;
mod prelude;
mod reader;
mod record_frames;
mod uuid;
pub mod varint;
mod writer;

#[allow(clippy::all, dead_code, unused_imports, unused_mut, unused_variables)]
mod generated;

pub use api_key::ApiKey;
pub use error_code::ErrorCode;
pub use generated::record_kinds::{GroupKey, GroupValue, MetadataRecord, ShareKey, ShareValue, TransactionKey, TransactionValue};
pub use generated::*;
pub use json::Json;
pub use message::{DecodeError, EncodeError, Message, Request, Struct};
pub use reader::{Element, Reader};
pub use uuid::{ParseUuidError, Uuid};
pub use writer::{Piece, Records, Writer};
