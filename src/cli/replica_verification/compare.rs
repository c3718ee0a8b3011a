//! Batches of several replicas, side by side.

use std::collections::BTreeMap;
use std::fmt;

use crate::record::batches;
use crate::types::TopicPartition;

/// What one replica gave of a partition.
#[derive(Clone, Debug)]
pub(super) struct Fetched {
    pub replica: i32,
    pub high_watermark: i64,
    pub records: Vec<u8>,
}

/// A replica that differs from another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// It holds another batch.
    Offset { tp: TopicPartition, of: [(i32, i64); 2] },
    /// It holds the batch with other content.
    Checksum { tp: TopicPartition, offset: i64, of: [(i32, u32); 2] },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::Offset { tp, of: [(first, at), (second, other)] } => {
                write!(f, "partition {tp}: replica {first}'s offset {at} doesn't match replica {second}'s offset {other}")
            }
            Finding::Checksum { tp, offset, of: [(first, sum), (second, other)] } => write!(
                f,
                "partition {tp} has unmatched checksum at offset {offset}; replica {first}'s checksum {sum}; replica {second}'s checksum {other}"
            ),
        }
    }
}

/// How far the replicas have been compared.
#[derive(Debug)]
pub(super) struct Verification {
    offsets: BTreeMap<TopicPartition, i64>,
    /// The partition that is farthest behind its high watermark, as of the last round.
    behind: Option<(i64, TopicPartition)>,
    differs: bool,
}

impl Verification {
    pub fn new(offsets: BTreeMap<TopicPartition, i64>) -> Verification {
        Verification { offsets, behind: None, differs: false }
    }

    /// From where to fetch.
    pub fn offsets(&self) -> &BTreeMap<TopicPartition, i64> {
        &self.offsets
    }

    /// Something was found at some time.
    pub fn differs(&self) -> bool {
        self.differs
    }

    /// Compares what was fetched of each partition, as far as all replicas have it.
    pub fn compare(&mut self, fetched: BTreeMap<TopicPartition, Vec<Fetched>>) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.behind = None;
        for (tp, replicas) in fetched {
            let Some(at) = self.offsets.get_mut(&tp) else { continue };
            if let Some(next) = compare_partition(&tp, &replicas, &mut findings) {
                *at = next;
            }
            let lag = replicas.iter().map(|r| r.high_watermark).max().unwrap_or(-1) - *at;
            if self.behind.as_ref().is_none_or(|(most, _)| lag > *most) {
                self.behind = Some((lag, tp));
            }
        }
        self.differs |= !findings.is_empty();
        findings
    }

    /// What to report now and then. Of partitions that are behind by as much the first one.
    pub fn lag(&self) -> Option<String> {
        let (lag, tp) = self.behind.as_ref().filter(|(lag, _)| *lag > -1)?;
        let (offset, count) = (self.offsets.get(tp)?, self.offsets.len());
        Some(format!("max lag is {lag} for partition {tp} at offset {offset} among {count} partitions"))
    }
}

/// Goes on batch by batch while every replica has a whole one below its high watermark. Gives where that ended.
fn compare_partition(tp: &TopicPartition, replicas: &[Fetched], findings: &mut Vec<Finding>) -> Option<i64> {
    let mut logs: Vec<_> = replicas.iter().map(|r| (r, batches(&r.records))).collect();
    let mut next = None;
    loop {
        let mut first: Option<(i32, i64, i64, u32)> = None;
        for (replica, log) in &mut logs {
            let batch = log.next().and_then(Result::ok).filter(|batch| batch.header.last_offset() < replica.high_watermark);
            let Some(batch) = batch else { return next };
            let (last, crc) = (batch.header.last_offset(), batch.header.crc);
            let Some((other, other_last, _, other_crc)) = first else {
                first = Some((replica.replica, last, batch.header.next_offset(), crc));
                continue;
            };
            if other_last != last {
                findings.push(Finding::Offset { tp: tp.clone(), of: [(other, other_last), (replica.replica, last)] });
                return next;
            }
            if other_crc != crc {
                let of = [(other, other_crc), (replica.replica, crc)];
                findings.push(Finding::Checksum { tp: tp.clone(), offset: last, of });
            }
        }
        let (_, _, after, _) = first?;
        next = Some(after);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{BatchBuilder, BatchOptions};

    fn log(values: &[&[u8]]) -> Vec<u8> {
        let mut all = Vec::new();
        for (offset, value) in (0..).zip(values) {
            let mut batch = BatchBuilder::new(BatchOptions { base_offset: offset, ..Default::default() });
            batch.append(1, None, Some(value), &[]).unwrap();
            all.extend_from_slice(&batch.finish().unwrap());
        }
        all
    }

    fn verification() -> (Verification, TopicPartition) {
        let tp = TopicPartition::new("t", 0);
        (Verification::new([(tp.clone(), 0)].into()), tp)
    }

    fn round(logs: &[(&[&[u8]], i64)]) -> (Vec<String>, i64, Option<String>) {
        let (mut verification, tp) = verification();
        let fetched = (1..).zip(logs).map(|(replica, (values, hw))| Fetched { replica, high_watermark: *hw, records: log(values) });
        let findings = verification.compare([(tp.clone(), fetched.collect())].into());
        assert_eq!(verification.differs(), !findings.is_empty());
        (findings.iter().map(Finding::to_string).collect(), verification.offsets()[&tp], verification.lag())
    }

    #[test]
    fn replicas_are_compared_as_far_as_all_have_them() {
        let (findings, at, lag) = round(&[(&[b"a", b"b", b"c"], 3), (&[b"a", b"b"], 2)]);
        assert_eq!((findings.len(), at), (0, 2));
        assert_eq!(lag.unwrap(), "max lag is 1 for partition t-0 at offset 2 among 1 partitions");
    }

    #[test]
    fn what_is_above_a_high_watermark_is_left_for_later() {
        assert_eq!(round(&[(&[b"a", b"b"], 2), (&[b"a", b"x"], 1)]).1, 1);
    }

    #[test]
    fn other_content_is_found_and_passed_over() {
        let (findings, at, _) = round(&[(&[b"a", b"b", b"c"], 3), (&[b"a", b"x", b"c"], 3)]);
        assert_eq!((findings.len(), at), (1, 3));
        let start = "partition t-0 has unmatched checksum at offset 1; replica 1's checksum ";
        assert!(findings[0].starts_with(start) && findings[0].contains("; replica 2's checksum "), "{findings:?}");
    }

    #[test]
    fn another_batch_ends_the_comparison() {
        let (mut verification, tp) = verification();
        let mut other = BatchBuilder::new(BatchOptions { base_offset: 5, ..Default::default() });
        other.append(1, None, None, &[]).unwrap();
        let of = |replica, records: Vec<u8>| Fetched { replica, high_watermark: 9, records };
        let fetched = vec![of(1, log(&[b"a"])), of(2, other.finish().unwrap().to_vec())];
        let findings = verification.compare([(tp, fetched)].into());
        assert_eq!(findings[0].to_string(), "partition t-0: replica 1's offset 0 doesn't match replica 2's offset 5");
    }
}
