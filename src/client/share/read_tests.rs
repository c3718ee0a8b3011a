use super::*;
use crate::record::{BatchBuilder, BatchOptions};

const RELEASE: i8 = 2;
const REJECT: i8 = 3;

/// `count` records from offset `base`.
fn batch(base: i64, count: i64) -> Vec<u8> {
    let mut builder = BatchBuilder::new(BatchOptions { base_offset: base, ..BatchOptions::default() });
    (0..count).for_each(|n| builder.append(n, None, Some(b"value"), &[]).unwrap());
    builder.finish().unwrap().to_vec()
}

fn acquired(ranges: &[(i64, i64, i16)]) -> Vec<AcquiredRecords> {
    ranges
        .iter()
        .map(|(first_offset, last_offset, count)| AcquiredRecords {
            first_offset: *first_offset,
            last_offset: *last_offset,
            delivery_count: *count,
        })
        .collect()
}

fn taken(bytes: &[u8], ranges: &[(i64, i64, i16)]) -> Taken {
    take(&TopicPartition::new("t", 0), true, &Bytes::copy_from_slice(bytes), acquired(ranges))
}

/// Offsets with how often they were delivered.
fn offsets(taken: &Taken) -> Vec<(i64, i16)> {
    taken.chunks.iter().flat_map(|(count, chunk)| chunk.iter().map(|r| (r.offset, *count)).collect::<Vec<_>>()).collect()
}

fn said(taken: &Taken) -> Vec<(i64, i64, i8)> {
    taken.said.iter().map(|s| (s.first, s.last, s.code)).collect()
}

#[test]
fn only_what_is_locked_for_us_is_taken() {
    let found = taken(&batch(10, 6), &[(11, 12, 1), (14, 14, 3)]);
    assert_eq!((offsets(&found), said(&found)), (vec![(11, 1), (12, 1), (14, 3)], vec![]));
}

#[test]
fn a_range_may_span_batches_and_batches_many_ranges() {
    let bytes = [batch(0, 3), batch(3, 3), batch(6, 2)].concat();
    let found = taken(&bytes, &[(1, 6, 1), (7, 7, 2)]);
    assert_eq!(offsets(&found), [(1, 1), (2, 1), (3, 1), (4, 1), (5, 1), (6, 1), (7, 2)]);
    assert!(said(&found).is_empty());
}

#[test]
fn h2_offsets_without_a_record_are_gaps() {
    // Compaction took the others.
    let bytes = [batch(5, 2), batch(9, 1)].concat();
    let found = taken(&bytes, &[(3, 9, 1)]);
    assert_eq!((offsets(&found), said(&found)), (vec![(5, 1), (6, 1), (9, 1)], vec![(3, 4, 0), (7, 8, 0)]));
}

#[test]
fn a_damaged_batch_is_rejected_and_told_and_the_others_are_taken() {
    let mut bytes = [batch(0, 2), batch(2, 2), batch(4, 2)].concat();
    let at = batch(0, 2).len() + batch(2, 2).len() - 2;
    bytes[at] ^= 1;
    let found = taken(&bytes, &[(0, 5, 1)]);
    assert_eq!((offsets(&found), said(&found)), (vec![(0, 1), (1, 1), (4, 1), (5, 1)], vec![(2, 3, REJECT)]));
    assert_eq!(found.error.and_then(|e| e.code()), Some(ErrorCode::CorruptMessage));
}

#[test]
fn what_did_not_come_goes_back() {
    let found = taken(&batch(0, 2), &[(0, 9, 1)]);
    assert_eq!((offsets(&found), said(&found)), (vec![(0, 1), (1, 1)], vec![(2, 9, RELEASE)]));
    let found = taken(&[], &[(0, i64::MAX, 1)]);
    assert_eq!(said(&found), [(0, i64::MAX, RELEASE)]);
}

#[test]
fn ranges_that_make_no_sense_are_passed_over() {
    let found = taken(&batch(0, 4), &[(3, 1, 1), (-5, -1, 1), (0, 2, 1), (1, 3, 2)]);
    assert_eq!((offsets(&found), said(&found)), (vec![(0, 1), (1, 1), (2, 1), (3, 2)], vec![]));
}
