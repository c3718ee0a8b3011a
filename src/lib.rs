//! kfk: a Kafka broker on Kafka's own protocol and files, a client library, and Kafka's command-line tools.
//!
//! The binary `kfk` is a thin shell around this crate. As a library it offers two things:
//!
//! - [`Server`]: the broker itself, as many as you like in one process: in tests, or as an embedded log.
//! - [`client`]: an admin client, a producer, a consumer and a share consumer for any Kafka cluster, with the settings of the Java
//!   clients.
//!
//! Both together:
//!
//! ```
//! use std::time::Duration;
//!
//! use kfk::client::{Consumer, ConsumerConfig, OutgoingRecord, Producer, ProducerConfig};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A broker on a free port, with a temporary directory.
//! let server = kfk::Server::builder().topic("greetings", 1).start().await?;
//!
//! let settings = [("bootstrap.servers".to_string(), server.bootstrap())].into();
//! let producer = Producer::new(ProducerConfig::parse(&settings)?)?;
//! let record = OutgoingRecord { topic: "greetings", key: Some(b"en"), value: Some(b"hello"), ..Default::default() };
//! let stored = producer.send_and_wait(record).await?;
//! assert_eq!(stored.offset, 0);
//! producer.close(Duration::from_secs(5)).await;
//!
//! let bootstrap = server.bootstrap();
//! let settings = [("bootstrap.servers", bootstrap.as_str()), ("group.id", "readers"), ("auto.offset.reset", "earliest")];
//! let settings = settings.map(|(k, v)| (k.to_string(), v.to_string())).into();
//! let mut consumer = Consumer::new(ConsumerConfig::parse(&settings)?)?;
//! consumer.subscribe(&["greetings"])?;
//! let polled = loop {
//!     let polled = consumer.poll(Duration::from_secs(1)).await?;
//!     if !polled.is_empty() {
//!         break polled;
//!     }
//! };
//! let record = polled.iter().next().unwrap();
//! assert_eq!((record.key, record.value), (Some(&b"en"[..]), Some(&b"hello"[..])));
//!
//! consumer.close(Duration::from_secs(5)).await?;
//! server.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! The rooms and who may name whom: `docs/ARCHITECTURE.md`.

pub use embed::{Server, ServerBuilder, ServerError};
pub use kfk_wire as wire;

pub mod broker;
pub mod cli;
pub mod client;
pub mod config;
mod embed;
pub mod log;
pub mod machine;
pub mod net;
pub mod node;
pub mod record;
pub mod rng;
pub mod scram;
pub mod types;
