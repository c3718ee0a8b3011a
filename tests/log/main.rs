//! The log room through its public door: partitions on a simulated disk, and directories that Apache Kafka wrote.

mod append_read;
mod compact;
mod compact_model;
mod crash;
mod dir;
mod hints;
mod kafka_files;
mod model;
mod order;
mod recovery;
mod retention;
mod support;
mod time;
mod transactions;
