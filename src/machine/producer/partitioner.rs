//! Choosing a partition: by key as Java does, sticky for records without one, round robin, or the caller's own.

use crate::rng::Rng;

/// What a partitioner may look at.
#[derive(Debug, Clone, Copy)]
pub struct PartitionContext<'a> {
    pub topic: &'a str,
    /// Stands for the topic: counts up from 0 in the order in which a producer first saw its topics.
    pub topic_number: usize,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    /// Partitions of the topic, at least 1.
    pub partitions: i32,
    /// Those of them that have a leader now, sorted; empty when all have one, or none.
    pub available: &'a [i32],
    /// Bytes this record will take in a batch, about.
    pub size: usize,
}

impl PartitionContext<'_> {
    /// How many partitions can take records now.
    pub fn choices(&self) -> i32 {
        if self.available.is_empty() { self.partitions.max(1) } else { i32::try_from(self.available.len()).unwrap_or(i32::MAX) }
    }

    /// The `n`-th partition that can take records now; `n` below `choices`.
    pub fn choice(&self, n: i32) -> i32 {
        let at = usize::try_from(n).unwrap_or(0);
        self.available.get(at).copied().unwrap_or(n)
    }

    fn can_take(&self, partition: i32) -> bool {
        partition < self.partitions && (self.available.is_empty() || self.available.binary_search(&partition).is_ok())
    }
}

/// Chooses the partition of a record, in `0..partitions`.
///
/// ```
/// use kfk::machine::producer::{PartitionContext, Partitioner};
/// use kfk::rng::Rng;
///
/// /// Everything of one size class together.
/// struct BySize;
///
/// impl Partitioner for BySize {
///     fn partition(&mut self, record: PartitionContext<'_>, _: &mut Rng) -> i32 {
///         (record.size / 1024).min(record.partitions as usize - 1) as i32
///     }
/// }
/// ```
pub trait Partitioner: Send {
    /// The partition; what is outside `0..partitions` is taken for the nearest that exists.
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
    /// By topic number.
    current: Vec<Option<Stuck>>,
}

#[derive(Clone)]
struct Stuck {
    partition: i32,
    bytes: usize,
}

impl StickyPartitioner {
    /// `stick_bytes`: the batch size.
    pub fn new(stick_bytes: usize) -> Self {
        StickyPartitioner { stick_bytes: stick_bytes.max(1), current: Vec::new() }
    }
}

impl Partitioner for StickyPartitioner {
    fn partition(&mut self, record: PartitionContext<'_>, rng: &mut Rng) -> i32 {
        if self.current.len() <= record.topic_number {
            self.current.resize(record.topic_number + 1, None);
        }
        let slot = &mut self.current[record.topic_number];
        if let Some(stuck) = slot
            && stuck.bytes < self.stick_bytes
            && record.can_take(stuck.partition)
        {
            stuck.bytes += record.size;
            return stuck.partition;
        }
        let before = slot.take().map(|s| s.partition);
        let partition = another(&record, before, rng);
        *slot = Some(Stuck { partition, bytes: record.size });
        partition
    }
}

/// Some partition that can take records, another than `before` where there are several.
fn another(record: &PartitionContext<'_>, before: Option<i32>, rng: &mut Rng) -> i32 {
    let count = record.choices();
    let mut n = rng.below(u64::from(count.unsigned_abs())) as i32;
    if Some(record.choice(n)) == before && count > 1 {
        n = (n + 1 + rng.below(u64::from(count.unsigned_abs()) - 1) as i32) % count;
    }
    record.choice(n)
}

/// One partition after the other, keys or not.
#[derive(Default)]
pub struct RoundRobinPartitioner {
    /// By topic number.
    next: Vec<i32>,
}

impl Partitioner for RoundRobinPartitioner {
    fn partition(&mut self, record: PartitionContext<'_>, _: &mut Rng) -> i32 {
        if self.next.len() <= record.topic_number {
            self.next.resize(record.topic_number + 1, 0);
        }
        let count = record.choices();
        let turn = self.next[record.topic_number] % count;
        self.next[record.topic_number] = (turn + 1) % count;
        record.choice(turn)
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
        PartitionContext { topic: "t", topic_number: 0, key, value: None, partitions: 4, available: &[], size: 60 }
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

    #[test]
    fn records_without_a_key_go_where_there_is_a_leader() {
        let mut rng = Rng::new(1);
        let some = PartitionContext { available: &[1, 3], ..record(None) };
        let mut sticky = StickyPartitioner::new(1);
        let stuck: Vec<i32> = (0..4).map(|_| sticky.partition(some, &mut rng)).collect();
        assert!(stuck == [1, 3, 1, 3] || stuck == [3, 1, 3, 1], "{stuck:?}");
        let mut turns = RoundRobinPartitioner::default();
        assert_eq!([(); 3].map(|()| turns.partition(some, &mut rng)), [1, 3, 1]);
        // One that lost its leader is left at once.
        let mut long = StickyPartitioner::new(1 << 20);
        let first = long.partition(some, &mut rng);
        let only = [if first == 1 { 3 } else { 1 }];
        assert_eq!(long.partition(PartitionContext { available: &only, ..some }, &mut rng), only[0]);
        // A key stays where it belongs, leader or not.
        assert_eq!(KeyPartitioner::new(9).partition(PartitionContext { key: Some(b"abc"), ..some }, &mut rng), 479470107 % 4);
    }
}
