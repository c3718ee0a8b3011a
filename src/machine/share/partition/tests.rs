use std::collections::BTreeMap;

use super::*;
use crate::rng::Rng;

const TERMS: Terms = Terms { lock_ms: 100, max_deliveries: 3, max_locks: 50, may_renew: true };

fn member(name: &str) -> Arc<str> {
    name.into()
}

fn want(max_records: i64) -> Want {
    Want { max_records, batch_size: 1_000, strict: false }
}

fn batch(first: Offset, last: Offset) -> FetchedBatch {
    FetchedBatch { first, last, delivers: true }
}

fn take(p: &mut SharePartition, who: &str, records: i64, batches: &[FetchedBatch]) -> Vec<(Offset, Offset, i16)> {
    let from = p.next_offset();
    let got = p.acquire(MonoMs(0), &member(who), &TERMS, want(records), from, batches);
    p.check().unwrap();
    got.into_iter().map(|a| (a.first, a.last, a.count)).collect()
}

fn ack(p: &mut SharePartition, who: &str, first: Offset, last: Offset, types: &[AckType]) -> Result<Option<Write>, AckError> {
    let done = p.acknowledge(MonoMs(0), who, &TERMS, &[AckBatch { first, last, types: types.to_vec() }]);
    p.check().unwrap();
    done
}

#[test]
fn h2_records_go_to_one_member_at_a_time_and_move_the_start_when_done() {
    let mut p = SharePartition::new(0, &[]);
    assert_eq!(take(&mut p, "a", 5, &[batch(0, 9), batch(10, 19)]), [(0, 9, 1)]);
    assert_eq!(take(&mut p, "b", 5, &[batch(10, 19)]), [(10, 19, 1)]);
    assert_eq!(take(&mut p, "b", 5, &[]), []);
    let write = ack(&mut p, "b", 10, 14, &[AckType::Accept]).unwrap().unwrap();
    let done = StateBatch { first: 10, last: 14, delivery: Delivery::Acknowledged, count: 1 };
    assert_eq!(write, Write { start: 0, complete: 5, batches: vec![done] });
    // What lies below the new start need not be told.
    let write = ack(&mut p, "a", 0, 9, &[AckType::Accept]).unwrap().unwrap();
    assert_eq!(write, Write { start: 15, complete: 0, batches: vec![] });
}

#[test]
fn h2_a_released_record_goes_to_another_member_and_a_rejected_one_to_nobody() {
    let mut p = SharePartition::new(0, &[]);
    take(&mut p, "a", 3, &[batch(0, 2)]);
    ack(&mut p, "a", 0, 2, &[AckType::Release, AckType::Reject, AckType::Accept]).unwrap();
    assert_eq!((p.start(), p.next_offset()), (0, 0));
    assert_eq!(take(&mut p, "b", 9, &[batch(0, 2)]), [(0, 0, 2)]);
    ack(&mut p, "b", 0, 0, &[AckType::Accept]).unwrap();
    assert_eq!((p.start(), p.end()), (3, 3));
}

#[test]
fn h2_a_lock_that_runs_out_frees_its_records_and_renewing_puts_that_off() {
    let mut p = SharePartition::new(0, &[]);
    take(&mut p, "a", 4, &[batch(0, 3)]);
    assert_eq!(p.next_deadline(), Some(MonoMs(100)));
    let renew = AckBatch { first: 2, last: 3, types: vec![AckType::Renew] };
    assert_eq!(p.acknowledge(MonoMs(50), "a", &TERMS, std::slice::from_ref(&renew)).unwrap(), None);
    assert_eq!(p.expire(MonoMs(99), &TERMS), None);
    let write = p.expire(MonoMs(100), &TERMS).unwrap();
    assert_eq!(write.batches, [StateBatch { first: 0, last: 1, delivery: Delivery::Available, count: 1 }]);
    assert_eq!(p.next_deadline(), Some(MonoMs(150)));
    let strict = Terms { may_renew: false, ..TERMS };
    assert_eq!(p.acknowledge(MonoMs(60), "a", &strict, &[renew]), Err(AckError::MayNotRenew));
    p.check().unwrap();
}

#[test]
fn h3_a_record_is_given_out_so_often_and_the_last_time_alone() {
    let mut p = SharePartition::new(0, &[]);
    for count in 1..=2 {
        assert_eq!(take(&mut p, "a", 9, &[batch(0, 2)]), [(0, 2, count)]);
        p.release("a", &TERMS).unwrap();
    }
    assert_eq!(take(&mut p, "a", 9, &[batch(0, 2), batch(3, 5)]), [(0, 0, 3)]);
    let write = p.release("a", &TERMS).unwrap();
    assert_eq!((write.start, write.batches.len()), (1, 0), "the record is archived, and the start moves over it");
    assert_eq!(take(&mut p, "a", 9, &[batch(0, 2), batch(3, 5)]), [(1, 1, 3)]);
}

#[test]
fn h3_no_more_than_so_many_records_are_under_way() {
    let mut p = SharePartition::new(0, &[]);
    assert_eq!(take(&mut p, "a", 500, &[batch(0, 99)]), [(0, 49, 1)]);
    assert!(!p.may_acquire(&TERMS));
    assert_eq!(take(&mut p, "b", 500, &[batch(0, 99)]), []);
    // Records that come back may go out again all the same.
    ack(&mut p, "a", 10, 19, &[AckType::Release]).unwrap();
    assert!(p.may_acquire(&TERMS));
    assert_eq!(take(&mut p, "b", 500, &[batch(0, 99)]), [(10, 19, 2)]);
}

#[test]
fn h4_acknowledging_what_one_does_not_hold_changes_nothing() {
    let mut p = SharePartition::new(0, &[]);
    take(&mut p, "a", 2, &[batch(0, 1)]);
    take(&mut p, "b", 2, &[batch(2, 3)]);
    let before = p.clone();
    assert_eq!(ack(&mut p, "a", 0, 2, &[AckType::Accept]), Err(AckError::NotHeld));
    assert_eq!(ack(&mut p, "a", 0, 9, &[AckType::Accept]), Err(AckError::NotHeld));
    assert_eq!(ack(&mut p, "a", 7, Offset::MAX, &[AckType::Accept]), Err(AckError::NotHeld));
    assert_eq!(ack(&mut p, "a", 0, 1, &[AckType::Accept; 3]), Err(AckError::Malformed));
    assert_eq!(ack(&mut p, "a", 1, 0, &[AckType::Accept]), Err(AckError::Malformed));
    assert_eq!(ack(&mut p, "a", 0, Offset::MAX, &[]), Err(AckError::Malformed));
    assert_eq!(p, before);
    ack(&mut p, "a", 0, 1, &[AckType::Accept]).unwrap();
    assert_eq!(ack(&mut p, "a", 0, 1, &[AckType::Accept]), Ok(None), "twice is once: all that is below the start is done with");
}

#[test]
fn offsets_without_records_are_done_with() {
    let mut p = SharePartition::new(5, &[]);
    let control = FetchedBatch { first: 12, last: 12, delivers: false };
    // The first batch begins before the start; 10 and 11 were compacted away.
    assert_eq!(take(&mut p, "a", 9, &[batch(3, 9), control, batch(13, 13)]), [(5, 9, 1), (13, 13, 1)]);
    ack(&mut p, "a", 5, 9, &[AckType::Accept]).unwrap();
    assert_eq!(p.start(), 13);
}

#[test]
fn a_strict_want_cuts_batches() {
    let mut p = SharePartition::new(0, &[]);
    let want = Want { max_records: 3, batch_size: 2, strict: true };
    let got = p.acquire(MonoMs(0), &member("a"), &TERMS, want, 0, &[batch(0, 9)]);
    assert_eq!(got, [Acquired { first: 0, last: 2, count: 1 }]);
    assert_eq!(p.next_offset(), 3);
    p.check().unwrap();
}

#[test]
fn what_the_log_has_lost_is_done_with_but_for_what_is_held() {
    let mut p = SharePartition::new(0, &[]);
    take(&mut p, "a", 5, &[batch(0, 4)]);
    take(&mut p, "b", 5, &[batch(5, 9)]);
    p.release("b", &TERMS).unwrap();
    let write = p.log_starts_at(8).unwrap();
    assert_eq!((write.start, write.complete), (0, 3));
    p.check().unwrap();
    ack(&mut p, "a", 0, 4, &[AckType::Accept]).unwrap();
    assert_eq!(p.start(), 8);
    assert_eq!(p.log_starts_at(100).unwrap().start, 100);
    assert_eq!(p.next_offset(), 100);
    p.check().unwrap();
}

#[test]
fn h5_what_was_written_is_enough_to_go_on() {
    let mut p = SharePartition::new(0, &[]);
    take(&mut p, "a", 9, &[batch(0, 9)]);
    let write = ack(&mut p, "a", 3, 6, &[AckType::Accept, AckType::Reject, AckType::Release, AckType::Accept]).unwrap().unwrap();
    let mut again = SharePartition::new(write.start, &write.batches);
    again.check().unwrap();
    // What was held is free again; it is not known how often it was given out.
    assert_eq!(take(&mut again, "b", 99, &[batch(0, 9)]), [(0, 2, 1), (5, 5, 2), (7, 9, 1)]);
}

/// One record, as simple as can be.
#[derive(Clone, Debug, PartialEq)]
struct Plain {
    holder: Option<(usize, u64)>,
    delivery: Delivery,
    count: i16,
}

/// Random histories against a model that keeps a line for every record.
#[test]
fn h2_h3_h4_random_histories_agree_with_a_plain_model() {
    const MEMBERS: [&str; 3] = ["a", "b", "c"];
    for seed in 0..200 {
        let mut rng = Rng::new(seed);
        let mut pick = |n: u64| rng.below(n);
        let terms = Terms { max_deliveries: 4, max_locks: 1_000, ..TERMS };
        let mut p = SharePartition::new(0, &[]);
        let mut model: BTreeMap<Offset, Plain> = BTreeMap::new();
        let mut now = 0u64;
        let free = |plain: &mut Plain| {
            plain.holder = None;
            plain.delivery = if plain.count >= 4 { Delivery::Archived } else { Delivery::Available };
        };
        for _ in 0..120 {
            let who = usize::try_from(pick(3)).unwrap();
            match pick(10) {
                0..4 => {
                    let from = p.next_offset();
                    let base = from - from % 8;
                    let batches: Vec<_> = (0..3).map(|i| batch(base + i * 8, base + i * 8 + 7)).collect();
                    let most = i64::try_from(pick(20)).unwrap() + 1;
                    for a in p.acquire(MonoMs(now), &member(MEMBERS[who]), &terms, want(most), from, &batches) {
                        for offset in a.first..=a.last {
                            let fresh = Plain { holder: None, delivery: Delivery::Available, count: 0 };
                            let plain = model.entry(offset).or_insert(fresh);
                            assert_eq!((plain.holder, plain.delivery), (None, Delivery::Available), "seed {seed}, offset {offset}");
                            plain.count += 1;
                            plain.holder = Some((who, now + terms.lock_ms));
                            assert_eq!(plain.count, a.count);
                        }
                    }
                }
                4..8 => {
                    let first = p.start() + i64::try_from(pick(12)).unwrap();
                    let size = i64::try_from(pick(6)).unwrap() + 1;
                    let codes: Vec<i8> = (0..size).map(|_| i8::try_from(pick(5)).unwrap()).collect();
                    let types: Vec<AckType> = codes.iter().map(|c| AckType::from_code(*c).unwrap()).collect();
                    let holds = |offset: Offset| model.get(&offset).and_then(|m| m.holder).is_some_and(|(h, _)| h == who);
                    let all = (first..first + size).all(holds);
                    let done = p.acknowledge(
                        MonoMs(now),
                        MEMBERS[who],
                        &terms,
                        &[AckBatch { first, last: first + size - 1, types: types.clone() }],
                    );
                    assert_eq!(done.is_ok(), all, "seed {seed}");
                    for (offset, kind) in (first..).zip(types).filter(|_| all) {
                        let plain = model.get_mut(&offset).unwrap();
                        match kind {
                            AckType::Accept => (plain.holder, plain.delivery) = (None, Delivery::Acknowledged),
                            AckType::Gap | AckType::Reject => (plain.holder, plain.delivery) = (None, Delivery::Archived),
                            AckType::Release => free(plain),
                            AckType::Renew => plain.holder = Some((who, now + terms.lock_ms)),
                        }
                    }
                }
                8 => {
                    p.release(MEMBERS[who], &terms);
                    model.values_mut().filter(|m| m.holder.is_some_and(|(h, _)| h == who)).for_each(free);
                }
                _ => {
                    now += pick(80);
                    p.expire(MonoMs(now), &terms);
                    model.values_mut().filter(|m| m.holder.is_some_and(|(_, until)| until <= now)).for_each(free);
                }
            }
            p.check().unwrap_or_else(|e| panic!("seed {seed}: {e}"));
            let start = model.iter().find(|(_, m)| m.holder.is_some() || m.delivery == Delivery::Available);
            assert_eq!(p.start(), start.map_or(p.end(), |(offset, _)| *offset), "seed {seed}");
            let next = model.iter().find(|(_, m)| m.holder.is_none() && m.delivery == Delivery::Available);
            assert_eq!(p.next_offset(), next.map_or(p.end(), |(offset, _)| *offset), "seed {seed}");
            let deadline = model.values().filter_map(|m| m.holder.map(|(_, until)| until)).min();
            assert_eq!(p.next_deadline(), deadline.map(MonoMs), "seed {seed}");
        }
    }
}
