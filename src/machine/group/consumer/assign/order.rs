//! The orders of Java's hash tables that the uniform assignor walks through.

use std::collections::BTreeSet;

use super::GroupSpec;
use crate::machine::assign::java_order::{bucket, filled_capacity, grown_capacity, string_hash};
use crate::types::TopicId;

/// `Uuid.hashCode()`: all four quarters folded.
fn topic_hash(topic: TopicId) -> i32 {
    let quarter = |at: usize| topic.0[at..at + 4].iter().fold(0i32, |n, byte| (n << 8) | i32::from(*byte));
    quarter(0) ^ quarter(4) ^ quarter(8) ^ quarter(12)
}

/// Positions of the members in the order of a hash map with their ids.
pub fn member_order(group: &GroupSpec) -> Vec<usize> {
    let capacity = grown_capacity(16, group.members.len());
    let mut order: Vec<usize> = (0..group.members.len()).collect();
    order.sort_by_key(|&i| bucket(string_hash(&group.members[i].id), capacity));
    order
}

/// Topics in the order of a hash set made from a collection of `size` elements.
pub fn topic_set_order(topics: impl Iterator<Item = TopicId>, size: usize) -> Vec<TopicId> {
    by_bucket(topics, filled_capacity(size))
}

/// Topics in the order of a hash map that was filled one by one.
pub fn topic_map_order(topics: impl Iterator<Item = TopicId>) -> Vec<TopicId> {
    let topics: Vec<TopicId> = topics.collect();
    let capacity = grown_capacity(16, topics.len());
    by_bucket(topics.into_iter(), capacity)
}

fn by_bucket(topics: impl Iterator<Item = TopicId>, capacity: u32) -> Vec<TopicId> {
    let mut topics: Vec<TopicId> = topics.collect();
    topics.sort_by_key(|topic| bucket(topic_hash(*topic), capacity));
    topics
}

/// Names in the order of a hash set made from a sorted list of them.
pub fn name_order<'a>(names: &BTreeSet<&'a str>) -> Vec<&'a str> {
    let capacity = filled_capacity(names.len());
    let mut names: Vec<&str> = names.iter().copied().collect();
    names.sort_by_key(|name| bucket(string_hash(name), capacity));
    names
}

/// Partition numbers in the order of a hash set made from a list of them.
pub fn partition_order(partitions: impl Iterator<Item = i32>) -> Vec<i32> {
    let mut partitions: Vec<i32> = partitions.collect();
    let capacity = filled_capacity(partitions.len());
    partitions.sort_by_key(|partition| bucket(*partition, capacity));
    partitions
}
