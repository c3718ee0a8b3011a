//! A topic's settings in the forms that the rooms below take.

use crate::config::{CompressionType, Durability, Layers, TimestampType, TopicConfig, Values};
use crate::log::LogConfig;
use crate::node::partition::Settings;
use crate::record::{self, Codec, Compression, TopicCompression, ValidateOptions};

/// The settings in force for a topic with these overrides.
pub fn of_topic(overrides: &Values, layers: Layers<'_>, durability: Durability) -> Settings {
    let c = TopicConfig::effective(overrides, layers);
    Settings {
        min_insync_replicas: c.min_insync_replicas,
        deletes: c.cleanup_policy.delete,
        commit_when_synced: durability == Durability::GroupCommit,
        verifies_transactions: layers.get("transaction.partition.verification.enable") != Some("false"),
        validate: ValidateOptions {
            max_message_bytes: size(c.max_message_bytes.into()),
            segment_bytes: size(c.segment_bytes.into()),
            compact: c.cleanup_policy.compact,
            timestamp_type: match c.message_timestamp_type {
                TimestampType::CreateTime => record::TimestampType::CreateTime,
                TimestampType::LogAppendTime => record::TimestampType::LogAppendTime,
            },
            before_max_ms: c.message_timestamp_before_max_ms,
            after_max_ms: c.message_timestamp_after_max_ms,
            compression: compression(&c),
            ..Default::default()
        },
        log: LogConfig {
            segment_bytes: c.segment_bytes.max(1).unsigned_abs().into(),
            segment_ms: c.segment_ms,
            segment_jitter_ms: c.segment_jitter_ms,
            segment_index_bytes: c.segment_index_bytes.max(0).unsigned_abs().into(),
            index_interval_bytes: c.index_interval_bytes.max(0).unsigned_abs().into(),
            retention_bytes: c.retention_bytes,
            retention_ms: c.retention_ms,
            delete: c.cleanup_policy.delete,
            compact: c.cleanup_policy.compact,
            delete_retention_ms: c.delete_retention_ms,
            min_cleanable_dirty_ratio: c.min_cleanable_dirty_ratio,
            min_compaction_lag_ms: c.min_compaction_lag_ms,
            max_compaction_lag_ms: c.max_compaction_lag_ms,
            file_delete_delay_ms: c.file_delete_delay_ms.max(0).unsigned_abs(),
            flush_messages: c.flush_messages,
            flush_ms: c.flush_ms,
        },
    }
}

fn size(bytes: i64) -> usize {
    usize::try_from(bytes).unwrap_or(0)
}

fn compression(c: &TopicConfig) -> TopicCompression {
    let fixed = |codec, level| TopicCompression::Fixed(Compression { codec, level });
    match c.compression_type {
        CompressionType::Producer => TopicCompression::Producer,
        CompressionType::Uncompressed => fixed(Codec::None, None),
        CompressionType::Snappy => fixed(Codec::Snappy, None),
        CompressionType::Lz4 => fixed(Codec::Lz4, Some(c.compression_lz4_level)),
        CompressionType::Zstd => fixed(Codec::Zstd, Some(c.compression_zstd_level)),
        // -1 stands for the codec's own default.
        CompressionType::Gzip => fixed(Codec::Gzip, Some(c.compression_gzip_level).filter(|level| *level >= 0)),
    }
}
