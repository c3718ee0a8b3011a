//! The order in which Java's hash maps and sets hand out their entries, without the hashing containers themselves.
//!
//! A table of capacity c (a power of two) puts an entry into bucket `spread(hash) & (c - 1)`; iteration goes bucket by bucket and inside
//! a bucket in order of insertion, which growing the table keeps. So the order is a stable sort by bucket number.
//! Buckets of eight and more entries turn into trees in Java; that far the likeness does not go.

const DEFAULT_CAPACITY: u32 = 16;

/// `String.hashCode()`.
pub(in crate::machine) fn string_hash(s: &str) -> i32 {
    s.encode_utf16().fold(0i32, |h, unit| h.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

/// `TopicPartition.hashCode()`.
pub(super) fn topic_partition_hash(topic: &str, partition: i32) -> i32 {
    31i32.wrapping_add(partition).wrapping_mul(31).wrapping_add(string_hash(topic))
}

/// The bucket of an entry with this hash.
pub(in crate::machine) fn bucket(hash: i32, capacity: u32) -> u32 {
    let h = hash as u32; // the bits are what counts
    (h ^ (h >> 16)) & (capacity - 1)
}

/// The capacity of a table that started at the default and took `len` entries one by one: it doubles above three quarters full.
pub(in crate::machine) fn grown_capacity(mut capacity: u32, len: usize) -> u32 {
    while len > (capacity / 4 * 3) as usize && capacity < 1 << 30 {
        capacity *= 2;
    }
    capacity
}

/// The capacity of a table that is made to hold a given collection.
pub(in crate::machine) fn filled_capacity(len: usize) -> u32 {
    let wanted = (len as f32 / 0.75) as usize + 1; // in single precision, as Java reckons
    u32::try_from(wanted.max(DEFAULT_CAPACITY as usize).next_power_of_two()).unwrap_or(1 << 30)
}

/// Positions of `keys` in the order a new hash map filled in the given order iterates.
pub(super) fn map_order<'a>(keys: impl Iterator<Item = &'a str>) -> Vec<usize> {
    let hashes: Vec<i32> = keys.map(string_hash).collect();
    let capacity = grown_capacity(DEFAULT_CAPACITY, hashes.len());
    let mut order: Vec<usize> = (0..hashes.len()).collect();
    order.sort_by_key(|&i| bucket(hashes[i], capacity));
    order
}

/// A hash set of partitions as far as its first element goes; a partition stands as its hash and a number of the caller's.
/// Holds few elements; every step is linear.
#[derive(Debug)]
pub(super) struct JavaPartitionSet {
    capacity: u32,
    entries: Vec<(i32, usize)>,
}

impl JavaPartitionSet {
    pub(super) fn new() -> Self {
        JavaPartitionSet { capacity: DEFAULT_CAPACITY, entries: Vec::new() }
    }

    pub(super) fn insert(&mut self, hash: i32, partition: usize) {
        if self.entries.iter().all(|&(_, present)| present != partition) {
            self.entries.push((hash, partition));
            // The table never shrinks again.
            self.capacity = grown_capacity(self.capacity, self.entries.len());
        }
    }

    pub(super) fn remove(&mut self, partition: usize) {
        self.entries.retain(|&(_, present)| present != partition);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What `iterator().next()` would give.
    pub(super) fn first(&self) -> Option<usize> {
        self.entries.iter().min_by_key(|(hash, _)| bucket(*hash, self.capacity)).map(|&(_, partition)| partition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_javas() {
        assert_eq!(string_hash(""), 0);
        assert_eq!(string_hash("orders"), -1_008_770_331);
        assert_eq!(string_hash("grüße"), 98_768_023);
        assert_eq!(topic_partition_hash("orders", 3), 31 * 34 - 1_008_770_331);
    }

    #[test]
    fn a_table_doubles_above_three_quarters() {
        assert_eq!(grown_capacity(16, 12), 16);
        assert_eq!(grown_capacity(16, 13), 32);
        assert_eq!(grown_capacity(16, 25), 64);
    }
}
