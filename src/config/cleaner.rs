//! How compaction goes about its work: settings that act from the moment they change.

use super::{Layers, broker_key};

/// What is in force now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CleanerConfig {
    /// How long to rest when nothing is dirty enough.
    pub backoff_ms: i64,
    pub dedupe_buffer_size: i64,
    pub io_buffer_load_factor: f64,
    pub io_buffer_size: i32,
    pub io_max_bytes_per_second: f64,
}

impl CleanerConfig {
    /// The settings that this reads.
    pub const NAMES: [&'static str; 5] = [
        "log.cleaner.backoff.ms",
        "log.cleaner.dedupe.buffer.size",
        "log.cleaner.io.buffer.load.factor",
        "log.cleaner.io.buffer.size",
        "log.cleaner.io.max.bytes.per.second",
    ];

    /// Values were checked when they were set; one that cannot be read all the same counts as not set.
    pub fn effective(layers: Layers<'_>) -> CleanerConfig {
        fn read<T: std::str::FromStr>(layers: Layers<'_>, name: &str, otherwise: T) -> T {
            let set = layers.get(name).and_then(|v| v.trim().parse().ok());
            set.or_else(|| broker_key(name)?.default?.parse().ok()).unwrap_or(otherwise)
        }
        let [backoff, dedupe, load_factor, buffer, rate] = CleanerConfig::NAMES;
        CleanerConfig {
            backoff_ms: read(layers, backoff, 15_000),
            dedupe_buffer_size: read(layers, dedupe, 128 << 20),
            io_buffer_load_factor: read(layers, load_factor, 0.9),
            io_buffer_size: read(layers, buffer, 512 << 10),
            io_max_bytes_per_second: read(layers, rate, f64::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Values;

    #[test]
    fn g1_defaults_are_kafkas_and_the_strongest_layer_wins() {
        let none = Values::new();
        let config = CleanerConfig::effective(Layers { per_broker: &none, cluster: &none, file: &none });
        assert_eq!((config.backoff_ms, config.dedupe_buffer_size, config.io_buffer_size), (15_000, 134_217_728, 524_288));
        assert_eq!((config.io_buffer_load_factor, config.io_max_bytes_per_second), (0.9, f64::MAX));
        let one = |value: &str| Values::from([("log.cleaner.backoff.ms".to_string(), value.to_string())]);
        let (own, cluster) = (one("1"), one("2"));
        assert_eq!(CleanerConfig::effective(Layers { per_broker: &own, cluster: &cluster, file: &none }).backoff_ms, 1);
    }
}
