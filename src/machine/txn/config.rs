//! The settings that transactions follow, as plain numbers.

/// Defaults are Kafka's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxnConfig {
    /// `transaction.max.timeout.ms`
    pub max_timeout_ms: i32,
    /// `transaction.abort.timed.out.transaction.cleanup.interval.ms`
    pub timeout_check_interval_ms: u64,
    /// `transactional.id.expiration.ms`
    pub id_expiration_ms: i64,
    /// `transaction.remove.expired.transaction.cleanup.interval.ms`
    pub expiry_check_interval_ms: u64,
    /// How long to wait before a marker that could not be written is tried again. Not a setting in Kafka either.
    pub marker_retry_ms: u64,
    /// How many bytes of tombstones go into one batch; at least one goes, whatever its size.
    pub tombstone_batch_bytes: usize,
    /// The finalized level of the feature `transaction.version`. It says how this broker ends transactions of its own accord, and in
    /// which version records are written.
    pub transaction_version: i16,
}

impl Default for TxnConfig {
    fn default() -> Self {
        TxnConfig {
            max_timeout_ms: 900_000,
            timeout_check_interval_ms: 10_000,
            id_expiration_ms: 7 * 86_400_000,
            expiry_check_interval_ms: 3_600_000,
            marker_retry_ms: 100,
            tombstone_batch_bytes: 16_384,
            transaction_version: 2,
        }
    }
}
