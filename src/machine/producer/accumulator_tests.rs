//! Scripts against the accumulator: lingering, memory, retries in order, identities.

use kfk_wire::ErrorCode;

use super::super::options::Outcome;
use super::*;
use crate::record::{BatchHeader, Codec, Compression, batches};
use crate::rng::Rng;

fn options() -> Options {
    Options {
        linger_ms: 10,
        batch_size: 1000,
        buffer_memory: 100_000,
        max_in_flight_per_node: 5,
        max_request_size: 1 << 20,
        delivery_timeout_ms: 120_000,
        retries: u32::MAX,
        retry_backoff_ms: 100,
        retry_backoff_max_ms: 1000,
        compression: Compression::default(),
        idempotent: true,
        transactional: false,
    }
}

fn new(change: impl FnOnce(&mut Options)) -> Accumulator<u32> {
    let mut o = options();
    change(&mut o);
    let mut a = Accumulator::new(o);
    if a.options.idempotent {
        a.set_identity(ProducerIdentity { id: 7, epoch: 0 });
    }
    a
}

fn put(a: &mut Accumulator<u32>, now: u64, n: u32, size: usize) -> Result<Appended, AppendError<u32>> {
    put_to(a, now, 0, n, size)
}

fn put_to(a: &mut Accumulator<u32>, now: u64, partition: i32, n: u32, size: usize) -> Result<Appended, AppendError<u32>> {
    let topic = a.topic("t");
    a.append(|| MonoMs(now), topic, partition, &NewRecord::new(0, None, Some(&vec![b'x'; size]), &[]), n)
}

fn drain(a: &mut Accumulator<u32>, now: u64) -> Vec<ReadyBatch> {
    let out = a.drain(MonoMs(now), |_, _| Some(1));
    a.check();
    out.requests.into_iter().flat_map(|(_, b)| b).collect()
}

fn header(ready: &ReadyBatch) -> BatchHeader {
    let view = batches(&ready.records).next().unwrap().unwrap();
    view.check_crc().unwrap();
    assert_eq!(view.data(1 << 20).unwrap().iter().filter(|r| r.is_ok()).count() as i32, view.header.record_count);
    view.header
}

/// Producer id, first sequence number, records.
fn sequence(ready: &ReadyBatch) -> (i64, i32, i32) {
    let header = header(ready);
    (header.producer_id, header.base_sequence, header.record_count)
}

fn fail(a: &mut Accumulator<u32>, now: u64, ready: &ReadyBatch, error: ErrorCode) -> Outcome<u32> {
    let outcome = a.on_result(MonoMs(now), ready.id, Some(error), -1, -1).unwrap();
    a.request_done(1);
    a.check();
    outcome
}

/// The batch is stored; gives the numbers of its records.
fn store(a: &mut Accumulator<u32>, ready: &ReadyBatch) -> Vec<u32> {
    let outcome = a.on_result(MonoMs(0), ready.id, None, 0, -1);
    a.request_done(1);
    a.check();
    let Some(Outcome::Delivered(d)) = outcome else { panic!("{outcome:?}") };
    d.deliveries
}

/// The broker knows the identity from a first record.
fn introduce(a: &mut Accumulator<u32>) {
    put(a, 0, 99, 10).unwrap();
    let first = drain(a, 0).remove(0);
    assert_eq!(store(a, &first), [99]);
}

#[test]
fn a_batch_lingers_until_it_is_full_or_its_time_is_up() {
    let mut a = new(|_| {});
    assert_eq!(put(&mut a, 0, 0, 100).unwrap(), Appended::Began);
    assert!(drain(&mut a, 5).is_empty());
    assert_eq!(a.next_deadline(MonoMs(5)), Some(MonoMs(10)));
    let first = drain(&mut a, 10);
    store(&mut a, &first[0]);
    let told: Vec<Appended> = (1..10).map(|n| put(&mut a, 20, n, 100).unwrap()).collect();
    assert_eq!(told[0], Appended::Began);
    assert!(told[1..8].iter().all(|t| *t == Appended::Joined));
    assert_eq!(told[8], Appended::Filled, "the ninth record does not fit: the first batch is full");
    assert_eq!(put(&mut a, 20, 10, 100).unwrap(), Appended::Joined, "told once");
    let sent = drain(&mut a, 20);
    assert_eq!(sent.len(), 1);
    assert_eq!(sequence(&sent[0]), (7, 1, 8));
}

#[test]
fn no_more_requests_are_in_flight_to_a_node_than_max_in_flight() {
    for most in [1, 3] {
        let mut a = new(|o| (o.max_in_flight_per_node, o.idempotent) = (most, false));
        // Two batches for each of ten partitions; a request takes one of each.
        for n in (0..10).chain(0..10) {
            put_to(&mut a, 0, n, n.unsigned_abs(), 990).unwrap();
        }
        let mut sent = 0;
        while !a.drain(MonoMs(50), |_, _| Some(1)).requests.is_empty() {
            sent += 1;
            put_to(&mut a, 0, 0, 99, 990).unwrap();
        }
        assert_eq!(sent, most);
        a.request_done(1);
        assert_eq!(a.drain(MonoMs(50), |_, _| Some(1)).requests.len(), 1);
    }
}

#[test]
fn memory_is_bounded_and_comes_back() {
    let mut a = new(|o| o.buffer_memory = 2500);
    let mut n = 0;
    while put(&mut a, 0, n, 100).is_ok() {
        n += 1;
    }
    assert!(a.used_bytes() <= 2500 && n > 10);
    assert!(matches!(put(&mut a, 0, n, 100), Err(AppendError::Full(d)) if d == n));
    assert!(matches!(put(&mut a, 0, 99, 1 << 21), Err(AppendError::TooLarge { delivery: 99, .. })));
    while !a.is_empty() {
        for ready in drain(&mut a, 1000) {
            assert!(matches!(a.on_result(MonoMs(0), ready.id, None, 5, -1), Some(Outcome::Delivered(_))));
        }
        a.in_flight_of_node.clear();
    }
    assert_eq!(a.used_bytes(), 0);
}

#[test]
fn a_failed_batch_is_sent_again_before_later_ones_with_its_own_sequence() {
    let mut a = new(|o| o.linger_ms = 0);
    introduce(&mut a);
    put(&mut a, 0, 0, 10).unwrap();
    let first = drain(&mut a, 0).remove(0);
    put(&mut a, 0, 1, 10).unwrap();
    let second = drain(&mut a, 0).remove(0);
    put(&mut a, 0, 2, 10).unwrap();
    assert!(matches!(
        a.on_result(MonoMs(1), first.id, Some(ErrorCode::NotLeaderOrFollower), -1, -1),
        Some(Outcome::Retrying { refresh: true })
    ));
    // The second one fails too, because the first is missing; it is retried after the first.
    assert!(drain(&mut a, 1).is_empty());
    assert!(matches!(
        a.on_result(MonoMs(1), second.id, Some(ErrorCode::OutOfOrderSequenceNumber), -1, -1),
        Some(Outcome::Retrying { refresh: false })
    ));
    a.check();
}

#[test]
fn an_identity_is_renewed_when_the_oldest_batch_is_out_of_order() {
    let mut a = new(|o| o.linger_ms = 0);
    put(&mut a, 0, 0, 10).unwrap();
    let first = drain(&mut a, 0).remove(0);
    a.on_result(MonoMs(1), first.id, Some(ErrorCode::OutOfOrderSequenceNumber), -1, -1);
    assert!(a.needs_identity() && drain(&mut a, 500).is_empty());
    a.set_identity(ProducerIdentity { id: 8, epoch: 0 });
    let again = drain(&mut a, 500).remove(0);
    assert_eq!(sequence(&again), (8, 0, 1));
}

#[test]
fn delivery_timeout_gives_up() {
    let mut a = new(|o| o.delivery_timeout_ms = 50);
    put(&mut a, 0, 3, 10).unwrap();
    assert!(a.expire(MonoMs(49)).is_empty());
    let out = a.expire(MonoMs(50));
    assert!(matches!(&out[..], [Outcome::Expired { last: None, deliveries }] if deliveries == &[3]));
    a.check();

    put(&mut a, 100, 4, 10).unwrap();
    let ready = drain(&mut a, 110).remove(0);
    fail(&mut a, 111, &ready, ErrorCode::NotLeaderOrFollower);
    assert_eq!(a.next_deadline(MonoMs(111)), Some(MonoMs(150)), "given up before the pause is over");
    let out = a.expire(MonoMs(150));
    assert!(matches!(&out[..], [Outcome::Expired { last: Some(ErrorCode::NotLeaderOrFollower), .. }]));
    assert!(a.needs_identity(), "its sequence numbers are lost");
}

#[test]
fn a_batch_that_is_too_large_is_cut_and_its_parts_are_sent_in_order() {
    for codec in [Codec::None, Codec::Lz4] {
        let mut a = new(|o| o.compression = Compression::from(codec));
        for n in 0..5 {
            put(&mut a, 0, n, 100).unwrap();
        }
        let whole = drain(&mut a, 10).remove(0);
        assert_eq!(sequence(&whole), (7, 0, 5));
        put(&mut a, 10, 5, 100).unwrap();
        let mark = a.mark();
        assert!(matches!(fail(&mut a, 10, &whole, ErrorCode::MessageTooLarge), Outcome::Retrying { refresh: false }));

        let first = drain(&mut a, 10);
        assert_eq!(first.len(), 1, "one part at a time");
        assert_eq!(sequence(&first[0]), (7, 0, 3));
        // Still too large: cut again.
        fail(&mut a, 10, &first[0], ErrorCode::MessageTooLarge);
        let mut stored = Vec::new();
        for expected in [(7, 0, 2), (7, 2, 1), (7, 3, 2), (7, 5, 1)] {
            assert!(!a.is_over(mark));
            let ready = drain(&mut a, 20).remove(0);
            assert_eq!(sequence(&ready), expected);
            stored.extend(store(&mut a, &ready));
        }
        assert_eq!(stored, [0, 1, 2, 3, 4, 5]);
        assert!(a.is_over(mark) && a.is_empty() && a.used_bytes() == 0);
    }
}

#[test]
fn a_single_record_that_is_too_large_fails() {
    let mut a = new(|o| o.linger_ms = 0);
    put(&mut a, 0, 0, 100).unwrap();
    let ready = drain(&mut a, 0).remove(0);
    assert!(matches!(fail(&mut a, 0, &ready, ErrorCode::MessageTooLarge), Outcome::Failed { error: ErrorCode::MessageTooLarge, .. }));
    assert!(a.is_empty());
}

#[test]
fn a_lost_number_costs_its_own_partition_the_identity_and_no_other() {
    let mut a = new(|o| o.linger_ms = 0);
    put_to(&mut a, 0, 0, 0, 10).unwrap();
    put_to(&mut a, 0, 1, 1, 10).unwrap();
    let sent = drain(&mut a, 0);
    // The answer for partition 1 is lost, the batch for partition 0 is refused for good.
    fail(&mut a, 0, &sent[1], ErrorCode::NetworkException);
    fail(&mut a, 0, &sent[0], ErrorCode::InvalidRecord);
    assert!(a.needs_identity());
    put_to(&mut a, 0, 0, 2, 10).unwrap();
    let again = drain(&mut a, 500);
    assert_eq!(again.len(), 1, "partition 0 waits for its new identity, partition 1 does not");
    assert_eq!((again[0].partition, sequence(&again[0])), (1, (7, 0, 1)), "the broker would know a duplicate");
    a.set_identity(ProducerIdentity { id: 8, epoch: 0 });
    let fresh = drain(&mut a, 500).remove(0);
    assert_eq!((fresh.partition, sequence(&fresh)), (0, (8, 0, 1)));
    store(&mut a, &again[0]);
    put_to(&mut a, 600, 1, 3, 10).unwrap();
    assert_eq!(sequence(&drain(&mut a, 600)[0]), (7, 1, 1), "partition 1 goes on as before");
}

#[test]
fn a_broken_partition_waits_until_nothing_of_it_is_in_flight() {
    let mut a = new(|o| o.linger_ms = 0);
    introduce(&mut a);
    put(&mut a, 0, 0, 10).unwrap();
    let first = drain(&mut a, 0).remove(0);
    put(&mut a, 0, 1, 10).unwrap();
    let second = drain(&mut a, 0).remove(0);
    fail(&mut a, 0, &first, ErrorCode::InvalidRecord);
    a.set_identity(ProducerIdentity { id: 8, epoch: 0 });
    put(&mut a, 0, 2, 10).unwrap();
    assert!(drain(&mut a, 500).is_empty());
    fail(&mut a, 500, &second, ErrorCode::OutOfOrderSequenceNumber);
    let again = drain(&mut a, 1000).remove(0);
    assert_eq!(sequence(&again), (8, 0, 1));
    assert!(drain(&mut a, 1000).is_empty(), "the broker does not know this identity yet: what comes first counts as its beginning");
    assert_eq!(store(&mut a, &again), [1]);
    assert_eq!(sequence(&drain(&mut a, 1000)[0]), (8, 1, 1));
}

#[test]
fn a_flush_waits_for_what_was_taken_before_it_only() {
    let mut a = new(|o| o.linger_ms = 0);
    put(&mut a, 0, 0, 10).unwrap();
    let first = drain(&mut a, 0).remove(0);
    let mark = a.mark();
    put(&mut a, 0, 1, 10).unwrap();
    assert!(!a.is_over(mark));
    store(&mut a, &first);
    assert!(a.is_over(mark) && !a.is_empty());
}

#[test]
fn batches_that_compress_well_take_more_records() {
    let mut a = new(|o| o.compression = Codec::Gzip.into());
    let mut counts = Vec::new();
    for round in 0..200 {
        let mut told = Appended::Began;
        while told != Appended::Filled {
            told = put(&mut a, round, 0, 100).unwrap();
        }
        for ready in drain(&mut a, round) {
            counts.push(header(&ready).record_count);
            store(&mut a, &ready);
        }
    }
    assert!(counts[0] < 10 && *counts.last().unwrap() > 20, "{counts:?}");
}

#[test]
fn a_batch_out_of_order_is_not_the_cause_if_an_older_one_was_sent_beside_it() {
    let mut a = new(|o| o.linger_ms = 0);
    introduce(&mut a);
    put(&mut a, 0, 0, 10).unwrap();
    let first = drain(&mut a, 0).remove(0);
    put(&mut a, 0, 1, 10).unwrap();
    let second = drain(&mut a, 0).remove(0);
    // The connection dies with the first, the second is sent on the next one; then the first again. Its answer is looked at first.
    fail(&mut a, 0, &first, ErrorCode::NetworkException);
    assert!(drain(&mut a, 500).is_empty());
    fail(&mut a, 500, &second, ErrorCode::OutOfOrderSequenceNumber);
    let first = drain(&mut a, 1000).remove(0);
    assert_eq!(sequence(&first), (7, 1, 1));
    store(&mut a, &first);
    assert_eq!(sequence(&drain(&mut a, 2000)[0]), (7, 2, 1));
    let mut a = new(|o| o.linger_ms = 0);
    introduce(&mut a);
    put(&mut a, 0, 0, 10).unwrap();
    let first = drain(&mut a, 0).remove(0);
    put(&mut a, 0, 1, 10).unwrap();
    let second = drain(&mut a, 0).remove(0);
    store(&mut a, &first);
    fail(&mut a, 0, &second, ErrorCode::OutOfOrderSequenceNumber);
    assert!(!a.needs_identity(), "nothing is lost");
    assert_eq!(sequence(&drain(&mut a, 500)[0]), (7, 2, 1));
}

/// A broker as after a restart, with requests of dead connections on new ones: requests and answers overtake each other, and what comes
/// first of an unknown producer is taken.
#[test]
fn p31_order_and_uniqueness_survive_requests_and_answers_that_overtake() {
    for seed in 0..200 {
        let mut rng = Rng::new(seed);
        let mut a = new(|o| (o.linger_ms, o.batch_size, o.retry_backoff_ms, o.retry_backoff_max_ms) = (0, 150, 1, 4));
        let (mut flying, mut answers, mut stored) = (Vec::<ReadyBatch>::new(), Vec::new(), Vec::<(i64, i32)>::new());
        let mut next: BTreeMap<i64, i32> = BTreeMap::new();
        let (mut now, mut sent, mut identity) = (0, 0, 7);
        while sent < 100 || !a.is_empty() {
            now += 1;
            assert!(now < 100_000, "seed {seed} does not end");
            if sent < 100 && rng.below(2) == 0 && put(&mut a, now, sent, 20).is_ok() {
                sent += 1;
            }
            if a.needs_identity() {
                identity += 1;
                a.set_identity(ProducerIdentity { id: identity, epoch: 0 });
            }
            flying.extend(drain(&mut a, now));
            if !flying.is_empty() && rng.below(2) == 0 {
                let ready = flying.remove(rng.below(flying.len() as u64) as usize);
                let (producer, first, count) = sequence(&ready);
                let due = next.get(&producer).copied();
                let error = match due {
                    _ if rng.below(6) == 0 => Some(ErrorCode::NetworkException),
                    Some(due) if first < due => None,
                    Some(due) if first > due => Some(ErrorCode::OutOfOrderSequenceNumber),
                    _ => {
                        next.insert(producer, first + count);
                        stored.extend((first..first + count).map(|n| (producer, n)));
                        (rng.below(6) == 0).then_some(ErrorCode::NetworkException)
                    }
                };
                answers.push((ready.id, error));
            }
            if !answers.is_empty() && rng.below(2) == 0 {
                let (id, error) = answers.remove(rng.below(answers.len() as u64) as usize);
                a.on_result(MonoMs(now), id, error, 0, -1);
                a.request_done(1);
                a.check();
            }
        }
        assert_eq!(stored, (0..100).map(|n| (7, n)).collect::<Vec<_>>(), "seed {seed}: no number was lost, so there is one identity");
    }
}

/// A broker that checks sequences as Kafka does, answers late, fails and loses answers at random: every record arrives once, in order.
#[test]
fn p31_order_and_uniqueness_survive_random_failures() {
    for seed in 0..200 {
        let mut rng = Rng::new(seed);
        let mut a = new(|o| {
            o.linger_ms = 0;
            o.batch_size = 150;
            o.retry_backoff_ms = 1;
        });
        let (mut stored, mut expected, mut next_seq) = (Vec::new(), Vec::new(), 0);
        let mut flying: Vec<(ReadyBatch, Vec<u32>)> = Vec::new();
        let (mut now, mut sent) = (0, 0);
        let mut answers: Vec<(BatchId, Option<ErrorCode>)> = Vec::new();
        while sent < 200 || !a.is_empty() {
            now += 1;
            if sent < 200 && rng.below(2) == 0 && put(&mut a, now, sent, 20).is_ok() {
                expected.push(sent);
                sent += 1;
            }
            for ready in drain(&mut a, now) {
                let view = batches(&ready.records).next().unwrap().unwrap();
                let count = view.header.record_count;
                flying.push((ready, vec![0; count as usize]));
            }
            if !flying.is_empty() && rng.below(2) == 0 {
                let (ready, _) = flying.remove(0);
                let (_, seq, count) = sequence(&ready);
                let error = if rng.below(5) == 0 {
                    Some(ErrorCode::NotLeaderOrFollower)
                } else if seq == next_seq {
                    stored.extend(seq..seq + count);
                    next_seq += count;
                    (rng.below(8) == 0).then_some(ErrorCode::RequestTimedOut)
                } else if seq < next_seq {
                    None
                } else {
                    Some(ErrorCode::OutOfOrderSequenceNumber)
                };
                answers.push((ready.id, error));
            }
            for (id, error) in answers.drain(..) {
                a.on_result(MonoMs(now), id, error, 0, -1);
                a.request_done(1);
                a.check();
            }
            assert!(now < 100_000, "seed {seed} does not end");
        }
        assert_eq!(stored.len(), expected.len(), "seed {seed}");
        assert!(stored.iter().enumerate().all(|(i, s)| i as i32 == *s), "seed {seed}");
    }
}

fn transactional() -> Accumulator<u32> {
    new(|o| o.transactional = true)
}

#[test]
fn partitions_that_are_not_in_the_transaction_yet_wait() {
    let mut a = transactional();
    put_to(&mut a, 0, 0, 1, 10).unwrap();
    put_to(&mut a, 0, 1, 2, 10).unwrap();
    let out = a.drain_where(MonoMs(10), |_, partition| partition == 1, |_, _| Some(1));
    let sent: Vec<i32> = out.requests.iter().flat_map(|(_, batches)| batches.iter().map(|b| b.partition)).collect();
    assert_eq!((sent, out.unknown_leaders), (vec![1], false));
    a.check();
    assert_eq!(drain(&mut a, 10).len(), 1);
}

#[test]
fn a_transactional_batch_that_overtook_a_failed_one_is_sent_again_and_the_first_of_all_is_not() {
    let mut a = transactional();
    put(&mut a, 0, 1, 10).unwrap();
    let first = drain(&mut a, 10).remove(0);
    a.on_result(MonoMs(11), first.id, None, 0, -1);
    put(&mut a, 12, 2, 10).unwrap();
    let second = drain(&mut a, 22).remove(0);
    put(&mut a, 23, 3, 10).unwrap();
    let third = drain(&mut a, 33).remove(0);
    let moved = a.on_result(MonoMs(34), second.id, Some(ErrorCode::NotEnoughReplicas), -1, -1);
    assert!(matches!(moved, Some(Outcome::Retrying { .. })));
    let overtook = a.on_result(MonoMs(34), third.id, Some(ErrorCode::OutOfOrderSequenceNumber), -1, -1);
    assert!(matches!(overtook, Some(Outcome::Retrying { .. })));
    let again = drain(&mut a, 1000).remove(0);
    assert_eq!(sequence(&again), (7, 1, 1));
    let lost = a.on_result(MonoMs(1001), again.id, Some(ErrorCode::OutOfOrderSequenceNumber), -1, -1);
    assert!(matches!(lost, Some(Outcome::Failed { error: ErrorCode::OutOfOrderSequenceNumber, .. })));
    assert!(a.take_lost_sequences() && !a.take_lost_sequences());
}

#[test]
fn giving_up_drops_what_waits_and_does_not_try_again_what_is_in_flight() {
    let mut a = transactional();
    put(&mut a, 0, 1, 10).unwrap();
    let sent = drain(&mut a, 10).remove(0);
    put(&mut a, 11, 2, 10).unwrap();
    a.set_giving_up(true);
    let dropped = a.give_up_waiting(ErrorCode::TransactionAbortable);
    assert!(matches!(&dropped[..], [Outcome::Failed { deliveries, .. }] if deliveries == &[2]));
    a.check();
    assert!(!a.is_empty() && !a.take_lost_sequences(), "what was never sent has no number");
    let outcome = a.on_result(MonoMs(12), sent.id, Some(ErrorCode::NetworkException), -1, -1);
    assert!(matches!(outcome, Some(Outcome::Failed { .. })));
    assert!(a.is_empty() && a.take_lost_sequences());
    a.check();
}

#[test]
fn a_new_epoch_numbers_every_partition_from_0() {
    let mut a = transactional();
    for partition in 0..2 {
        put_to(&mut a, 0, partition, 1, 10).unwrap();
    }
    for ready in drain(&mut a, 10) {
        a.on_result(MonoMs(11), ready.id, None, 0, -1);
    }
    a.change_identity(ProducerIdentity { id: 7, epoch: 0 });
    put_to(&mut a, 12, 0, 2, 10).unwrap();
    let same = drain(&mut a, 22).remove(0);
    assert_eq!((sequence(&same), header(&same).producer_epoch), ((7, 1, 1), 0), "the same identity goes on");
    a.on_result(MonoMs(23), same.id, None, 0, -1);
    a.change_identity(ProducerIdentity { id: 7, epoch: 1 });
    put_to(&mut a, 24, 0, 3, 10).unwrap();
    let next = drain(&mut a, 34).remove(0);
    assert_eq!((sequence(&next), header(&next).producer_epoch), ((7, 0, 1), 1));
}
