//! The log room through its public door: partitions on a simulated disk, and directories that Apache Kafka wrote.

mod append_read;
mod support;
