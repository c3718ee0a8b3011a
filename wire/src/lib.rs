//! Kafka's protocol as plain data.

mod uuid;
pub use uuid::{ParseUuidError, Uuid};
