//! The log room through its public door: partitions on a simulated disk, and directories that Apache Kafka wrote.

mod append_read;
mod crash;
mod hints;
mod kafka_files;
mod recovery;
mod support;
