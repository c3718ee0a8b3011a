//! Choosing a partition: by key as Java does, sticky for records without one, round robin, or the caller's own.

use std::collections::BTreeMap;

use crate::rng::Rng;

/// What a partitioner may look at.
#[derive(Debug, Clone, Copy)]
pub struct PartitionContext<'a> {
    pub topic: &'a str,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    /// Partitions of the topic, at least 1.
    pub partitions: i32,
    /// Bytes this record will take in a batch, about.
    pub size: usize,
}

/// Chooses the partition of a record, in `0..partitions`.
pub trait Partitioner: Send {
    fn partition(&mut self, record: PartitionContext<'_>, rng: &mut Rng) -> i32;
}

/// The Java client's hash of keys (murmur2 with its own seed), so that both put a key into the same partition.
pub fn murmur2(data: &[u8]) -> i32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    let mut h = SEED ^ (data.len() as u32);
    let mut chunks = data.chunks_exact(4);
    for c in &mut chunks {
        let mut k = u32::from_le_bytes([c[0], c[1], c[2], c[3]]).wrapping_mul(M);
        k ^= k >> 24;
        h = h.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    let rest = chunks.remainder();
    if !rest.is_empty() {
        for (i, b) in rest.iter().enumerate() {
            h ^= u32::from(*b) << (8 * i);
        }
        h = h.wrapping_mul(M);
    }
    h ^= h >> 13;
    h = h.wrapping_mul(M);
    (h ^ (h >> 15)) as i32
}

/// The partition of a key among `partitions`, as Java's default partitioner gives it.
pub fn partition_of_key(key: &[u8], partitions: i32) -> i32 {
    (murmur2(key) & i32::MAX) % partitions.max(1)
}

/// Java's default: keys by hash, records without a key stick to one partition until about a batch's worth of bytes went there
/// (KIP-794), so that they travel in full batches.
pub struct KeyPartitioner {
    sticky: StickyPartitioner,
}

impl KeyPartitioner {
    /// `stick_bytes`: the batch size.
    pub fn new(stick_bytes: usize) -> Self {
        KeyPartitioner { sticky: StickyPartitioner::new(stick_bytes) }
    }
}

impl Partitioner for KeyPartitioner {
    fn partition(&mut self, record: PartitionContext<'_>, rng: &mut Rng) -> i32 {
        match record.key {
            Some(key) => partition_of_key(key, record.partitions),
            None => self.sticky.partition(record, rng),
        }
    }
}

/// All records of a topic stick to one partition for a batch's worth of bytes, then to another, keys or not.
pub struct StickyPartitioner {
    stick_bytes: usize,
    current: BTreeMap<String, Stuck>,
}

struct Stuck {
    partition: i32,
    partitions: i32,
    bytes: usize,
}

impl StickyPartitioner {
    pub fn new(stick_bytes: usize) -> Self {
        StickyPartitioner { stick_bytes: stick_bytes.max(1), current: BTreeMap::new() }
    }
}

impl Partitioner for StickyPartitioner {
    fn partition(&mut self, record: PartitionContext<'_>, rng: &mut Rng) -> i32 {
        let count = record.partitions.max(1);
        if let Some(stuck) = self.current.get_mut(record.topic)
            && stuck.partitions == count
        {
            if stuck.bytes >= self.stick_bytes && count > 1 {
                let step = 1 + rng.below(count as u64 - 1) as i32;
                stuck.partition = (stuck.partition + step) % count;
                stuck.bytes = 0;
            }
            stuck.bytes += record.size;
            return stuck.partition;
        }
        let partition = rng.below(count as u64) as i32;
        self.current.insert(record.topic.to_string(), Stuck { partition, partitions: count, bytes: record.size });
        partition
    }
}

/// One partition after the other, keys or not.
#[derive(Default)]
pub struct RoundRobinPartitioner {
    next: BTreeMap<String, i32>,
}

impl Partitioner for RoundRobinPartitioner {
    fn partition(&mut self, record: PartitionContext<'_>, _: &mut Rng) -> i32 {
        let count = record.partitions.max(1);
        if let Some(next) = self.next.get_mut(record.topic) {
            let partition = *next % count;
            *next = (partition + 1) % count;
            return partition;
        }
        self.next.insert(record.topic.to_string(), 1 % count);
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_hash_as_in_java() {
        // Values printed by org.apache.kafka.common.utils.Utils.murmur2 of Apache Kafka 4.3.1.
        let java = [
            ("21", -973932308),
            ("foobar", -790332482),
            ("a-little-bit-long-string", -985981536),
            ("a-little-bit-longer-string", -1486304829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
            ("abc", 479470107),
        ];
        for (key, hash) in java {
            assert_eq!(murmur2(key.as_bytes()), hash, "{key}");
        }
    }

    fn record(key: Option<&'static [u8]>) -> PartitionContext<'static> {
        PartitionContext { topic: "t", key, value: None, partitions: 4, size: 60 }
    }

    #[test]
    fn records_without_a_key_stick_for_a_batch_and_then_move() {
        let mut p = KeyPartitioner::new(100);
        let mut rng = Rng::new(1);
        let chosen: Vec<i32> = (0..8).map(|_| p.partition(record(None), &mut rng)).collect();
        for pair in chosen.chunks(2) {
            assert_eq!(pair[0], pair[1], "{chosen:?}");
        }
        assert!(chosen.chunks(2).zip(chosen.chunks(2).skip(1)).all(|(a, b)| a[0] != b[0]), "{chosen:?}");
        assert_eq!(p.partition(record(Some(b"abc")), &mut rng), 479470107 % 4);
    }

    #[test]
    fn round_robin_takes_turns() {
        let mut p = RoundRobinPartitioner::default();
        let mut rng = Rng::new(1);
        let chosen: Vec<i32> = (0..5).map(|_| p.partition(record(Some(b"k")), &mut rng)).collect();
        assert_eq!(chosen, [0, 1, 2, 3, 0]);
    }
}
