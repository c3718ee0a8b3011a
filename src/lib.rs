//! kfk: a Kafka broker on Kafka's own protocol and files, a client library, and Kafka's command-line tools.
//!
//! The rooms and who may name whom: `docs/ARCHITECTURE.md`.

pub use kfk_wire as wire;

pub mod broker;
pub mod cli;
pub mod client;
pub mod config;
pub mod log;
pub mod machine;
pub mod net;
pub mod node;
pub mod record;
pub mod rng;
pub mod types;
