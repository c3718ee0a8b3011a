//! Records and bytes through a partition, or through all: Kafka's BrokerTopicMetrics.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counters that only grow. Every number is right by itself; two of them read together may lie a request apart.
#[derive(Debug, Default)]
pub struct Traffic {
    messages_in: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    produces: AtomicU64,
    failed_produces: AtomicU64,
    fetches: AtomicU64,
    failed_fetches: AtomicU64,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub messages_in: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub produces: u64,
    pub failed_produces: u64,
    pub fetches: u64,
    pub failed_fetches: u64,
}

impl Traffic {
    /// A batch was appended.
    pub fn produced(&self, records: i32, bytes: usize) {
        self.produces.fetch_add(1, Relaxed);
        self.messages_in.fetch_add(u64::try_from(records).unwrap_or(0), Relaxed);
        self.bytes_in.fetch_add(bytes as u64, Relaxed);
    }

    /// A batch was refused.
    pub fn produce_failed(&self) {
        self.produces.fetch_add(1, Relaxed);
        self.failed_produces.fetch_add(1, Relaxed);
    }

    /// A fetch was answered with so many bytes of records.
    pub fn fetched(&self, bytes: usize) {
        self.fetches.fetch_add(1, Relaxed);
        self.bytes_out.fetch_add(bytes as u64, Relaxed);
    }

    /// A fetch was answered with an error.
    pub fn fetch_failed(&self) {
        self.fetches.fetch_add(1, Relaxed);
        self.failed_fetches.fetch_add(1, Relaxed);
    }

    pub fn counts(&self) -> Counts {
        Counts {
            messages_in: self.messages_in.load(Relaxed),
            bytes_in: self.bytes_in.load(Relaxed),
            bytes_out: self.bytes_out.load(Relaxed),
            produces: self.produces.load(Relaxed),
            failed_produces: self.failed_produces.load(Relaxed),
            fetches: self.fetches.load(Relaxed),
            failed_fetches: self.failed_fetches.load(Relaxed),
        }
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.messages_in += other.messages_in;
        self.bytes_in += other.bytes_in;
        self.bytes_out += other.bytes_out;
        self.produces += other.produces;
        self.failed_produces += other.failed_produces;
        self.fetches += other.fetches;
        self.failed_fetches += other.failed_fetches;
    }
}
