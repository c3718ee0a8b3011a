//! Scripts against the accumulator: lingering, memory, retries in order, identities.

use super::*;
use crate::record::batches;
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

fn put(a: &mut Accumulator<u32>, now: u64, n: u32, size: usize) -> Result<bool, AppendError<u32>> {
    a.append(MonoMs(now), "t", 0, 0, None, Some(&vec![b'x'; size]), &[], n)
}

fn drain(a: &mut Accumulator<u32>, now: u64) -> Vec<ReadyBatch> {
    let out = a.drain(MonoMs(now), |_, _| Some(1));
    a.check();
    out.requests.into_iter().flat_map(|(_, b)| b).collect()
}

fn sequence(ready: &ReadyBatch) -> (i64, i32, i32) {
    let view = batches(&ready.records).next().unwrap().unwrap();
    view.check_crc().unwrap();
    (view.header.producer_id, view.header.base_sequence, view.header.record_count)
}

#[test]
fn a_batch_lingers_until_it_is_full_or_its_time_is_up() {
    let mut a = new(|_| {});
    assert!(!put(&mut a, 0, 0, 100).unwrap());
    assert!(drain(&mut a, 5).is_empty());
    assert_eq!(a.next_deadline(), Some(MonoMs(10)));
    assert_eq!(drain(&mut a, 10).len(), 1);
    for n in 1..9 {
        put(&mut a, 20, n, 100).unwrap();
    }
    assert!(put(&mut a, 20, 9, 100).unwrap(), "the ninth record does not fit: the first batch is full");
    let sent = drain(&mut a, 20);
    assert_eq!(sent.len(), 1);
    assert_eq!(sequence(&sent[0]), (7, 1, 8));
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
    assert!(matches!(&out[..], [Outcome::Failed { error: ErrorCode::RequestTimedOut, deliveries, .. }] if deliveries == &[3]));
    a.check();
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
