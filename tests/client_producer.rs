//! The producer against a broker that fails on purpose: every record is stored once and in order, and its fate is told once.

#[path = "common/fake.rs"]
mod fake;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fake::{Answer, Call, FakeBroker};
use kfk::client::producer::Refused;
use kfk::client::{Cause, Delivery, Error, OutgoingRecord, Producer};
use kfk::record::batches;
use kfk::wire::produce_request::ProduceRequest;
use kfk::wire::produce_response::{BatchIndexAndErrorMessage, PartitionProduceResponse, ProduceResponse, TopicProduceResponse};
use kfk::wire::{ApiKey, ErrorCode, Records};

/// The log of partition `t-0` as a leader keeps it: batches come in by sequence number, a repeated one is not stored twice.
#[derive(Default)]
struct Log {
    values: Vec<String>,
    next_sequence: i32,
    batches: usize,
}

impl Log {
    /// Error code and base offset.
    fn append(&mut self, records: &[u8], most: usize) -> (ErrorCode, i64) {
        if records.len() > most {
            return (ErrorCode::MessageTooLarge, -1);
        }
        let view = batches(records).next().unwrap().unwrap();
        view.check_crc().unwrap();
        let (sequence, count) = (view.header.base_sequence, view.header.record_count);
        if sequence >= 0 && sequence + count <= self.next_sequence {
            return (ErrorCode::DuplicateSequenceNumber, -1);
        }
        if sequence >= 0 && sequence != self.next_sequence {
            return (ErrorCode::OutOfOrderSequenceNumber, -1);
        }
        let base = self.values.len() as i64;
        let data = view.data(1 << 30).unwrap();
        self.values.extend(data.iter().map(|r| String::from_utf8(r.unwrap().value.unwrap().to_vec()).unwrap()));
        self.next_sequence += count;
        self.batches += 1;
        (ErrorCode::None, base)
    }
}

fn records(call: &Call) -> bytes::Bytes {
    let request: ProduceRequest = call.read();
    match &request.topic_data[0].partition_data[0].records {
        Some(Records::Bytes(bytes)) => bytes.clone(),
        other => panic!("{other:?}"),
    }
}

fn verdict(call: &Call, response: PartitionProduceResponse) -> Answer {
    let topic: ProduceRequest = call.read();
    let of = TopicProduceResponse {
        name: topic.topic_data[0].name.clone(),
        topic_id: topic.topic_data[0].topic_id,
        partition_responses: vec![response],
    };
    call.answer(&ProduceResponse { responses: vec![of], ..Default::default() })
}

fn stored(call: &Call, log: &Mutex<Log>, most: usize) -> Answer {
    let (code, base_offset) = log.lock().unwrap().append(&records(call), most);
    verdict(call, PartitionProduceResponse { error_code: code.code(), base_offset, ..Default::default() })
}

fn record(value: &str) -> OutgoingRecord<'_> {
    OutgoingRecord { topic: "t", value: Some(value.as_bytes()), ..Default::default() }
}

/// Sends numbers from 0, all at once, and waits for all of them. Gives their offsets.
async fn send_numbers(producer: &Producer, count: usize) -> Vec<Result<i64, Error>> {
    let mut fates = Vec::new();
    for n in 0..count {
        fates.push(producer.send(record(&n.to_string())).await.unwrap());
    }
    let mut out = Vec::new();
    for fate in fates {
        out.push(fate.await.map(|m| m.offset));
    }
    out
}

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|n| n.to_string()).collect()
}

const QUICK: [(&str, &str); 3] = [("retry.backoff.ms", "1"), ("reconnect.backoff.ms", "1"), ("linger.ms", "1")];

#[tokio::test]
async fn connections_that_break_in_the_middle_lose_and_repeat_nothing() {
    let (log, calls) = (Arc::new(Mutex::new(Log::default())), AtomicUsize::new(0));
    let kept = log.clone();
    let broker = FakeBroker::start(move |call| {
        if call.key != ApiKey::Produce {
            return None;
        }
        let answer = |log: &Mutex<Log>| stored(call, log, 1 << 20);
        Some(match calls.fetch_add(1, Ordering::SeqCst) % 7 {
            // Not stored; stored without an answer; stored with a torn one; late.
            1 => Answer::Cut,
            2 => {
                answer(&kept);
                Answer::Cut
            }
            4 => Answer::CutAfter(6, Box::new(answer(&kept))),
            5 => Answer::Later(Duration::from_millis(5), Box::new(answer(&kept))),
            _ => answer(&kept),
        })
    });
    let broker = broker.await;
    let producer = Producer::new(broker.producer(&[&QUICK[..], &[("batch.size", "200")]].concat())).unwrap();
    let fates = send_numbers(&producer, 500).await;
    assert!(fates.iter().all(Result::is_ok), "{fates:?}");
    assert_eq!(log.lock().unwrap().values, numbers(500));
    assert!(broker.connections() > 5);
    producer.close(Duration::from_secs(5)).await;
}

/// A flush that looks while a callback runs must not take its record for done.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_flush_waits_for_the_callbacks_of_what_was_sent_before() {
    let log = Arc::new(Mutex::new(Log::default()));
    let broker = FakeBroker::start(move |call| (call.key == ApiKey::Produce).then(|| stored(call, &log, 1 << 20))).await;
    let producer = Producer::new(broker.producer(&QUICK)).unwrap();
    let (entered, has_entered) = tokio::sync::oneshot::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let done = Arc::new(AtomicUsize::new(0));
    let told = done.clone();
    let callback = move |fate: Result<_, Error>| {
        entered.send(fate.is_ok()).unwrap();
        released.recv().unwrap();
        told.fetch_add(1, Ordering::SeqCst);
    };
    producer.send_with(record("0"), Delivery::Callback(Box::new(callback))).await.unwrap();
    assert!(has_entered.await.unwrap());
    let mut flush = Box::pin(producer.flush());
    assert!(tokio::time::timeout(Duration::from_millis(20), &mut flush).await.is_err(), "the callback has not returned");
    release.send(()).unwrap();
    flush.await;
    assert_eq!(done.load(Ordering::SeqCst), 1);
    producer.close(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn p13_a_batch_that_the_broker_calls_too_large_is_cut_until_it_fits() {
    let log = Arc::new(Mutex::new(Log::default()));
    let kept = log.clone();
    let broker = FakeBroker::start(move |call| (call.key == ApiKey::Produce).then(|| stored(call, &kept, 200))).await;
    let producer = Producer::new(broker.producer(&[("linger.ms", "20")])).unwrap();
    let fates = send_numbers(&producer, 100).await;
    let offsets: Vec<i64> = fates.into_iter().map(Result::unwrap).collect();
    assert_eq!(offsets, (0..100).collect::<Vec<i64>>());
    assert_eq!(log.lock().unwrap().values, numbers(100));
    // One record that can never fit fails, and the next one is fine.
    let large = "x".repeat(300);
    let error = producer.send_and_wait(record(&large)).await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::MessageTooLarge));
}

#[tokio::test]
async fn each_record_of_a_refused_batch_hears_what_is_wrong_with_it() {
    let broker = FakeBroker::start(|call| {
        let bad = |batch_index, text: &str| BatchIndexAndErrorMessage { batch_index, batch_index_error_message: Some(text.into()) };
        let refused = || PartitionProduceResponse {
            error_code: ErrorCode::InvalidRecord.code(),
            base_offset: -1,
            record_errors: vec![bad(1, "no key"), bad(3, "also none")],
            error_message: Some("some are bad".into()),
            ..Default::default()
        };
        (call.key == ApiKey::Produce).then(|| verdict(call, refused()))
    });
    let broker = broker.await;
    let producer = Producer::new(broker.producer(&[("linger.ms", "20")])).unwrap();
    let fates = send_numbers(&producer, 4).await;
    let texts: Vec<String> = fates.into_iter().map(|f| f.unwrap_err().to_string()).collect();
    let others = "Failed to append record because it was part of a batch which had one more more invalid records";
    assert_eq!(texts, [others, "no key", others, "also none"]);
}

#[tokio::test]
async fn a_leader_that_moved_is_looked_up_again() {
    let (log, calls) = (Arc::new(Mutex::new(Log::default())), AtomicUsize::new(0));
    let kept = log.clone();
    let broker = FakeBroker::start(move |call| {
        (call.key == ApiKey::Produce).then(|| match calls.fetch_add(1, Ordering::SeqCst) {
            0 => {
                let moved = ErrorCode::NotLeaderOrFollower.code();
                verdict(call, PartitionProduceResponse { error_code: moved, base_offset: -1, ..Default::default() })
            }
            _ => stored(call, &kept, 1 << 20),
        })
    });
    let broker = broker.await;
    let producer = Producer::new(broker.producer(&QUICK)).unwrap();
    producer.send_and_wait(record("0")).await.unwrap();
    assert_eq!((broker.count(ApiKey::Produce), broker.count(ApiKey::Metadata)), (2, 2));
    assert_eq!(log.lock().unwrap().values, ["0"]);
}

#[tokio::test]
async fn metadata_is_renewed_when_it_is_old() {
    let broker = FakeBroker::start(|_| None).await;
    let producer = Producer::new(broker.producer(&[("metadata.max.age.ms", "100")])).unwrap();
    producer.partitions("t").await.unwrap();
    let before = broker.count(ApiKey::Metadata);
    tokio::time::sleep(Duration::from_millis(550)).await;
    let renewed = broker.count(ApiKey::Metadata) - before;
    assert!((3..=6).contains(&renewed), "{renewed}");
}

#[tokio::test]
async fn a_record_that_is_given_up_says_what_was_in_the_way() {
    let broker = FakeBroker::start(|call| (call.key == ApiKey::Produce).then_some(Answer::Cut)).await;
    let settings = [&QUICK[..], &[("request.timeout.ms", "100"), ("delivery.timeout.ms", "200")]].concat();
    let producer = Producer::new(broker.producer(&settings)).unwrap();
    let start = Instant::now();
    let error = producer.send_and_wait(record("0")).await.unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(2));
    let Error::TimedOut { last: Some(last), .. } = &error else { panic!("{error:?}") };
    assert!(matches!(&**last, Error::Node { node: 1, cause: Cause::Closed(_), .. }), "{last:?}");
}

#[tokio::test]
async fn a_topic_that_does_not_exist_is_waited_for_and_named() {
    let broker = FakeBroker::start(|_| None).await;
    let producer = Producer::new(broker.producer(&[("max.block.ms", "150"), ("retry.backoff.ms", "20")])).unwrap();
    let missing = OutgoingRecord { topic: "nosuch", ..Default::default() };
    let error = producer.send_and_wait(missing).await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::UnknownTopicOrPartition));
    assert!(error.to_string().contains("finding topic nosuch"), "{error}");
    let beyond = OutgoingRecord { topic: "t", partition: Some(1), ..Default::default() };
    assert_eq!(producer.send_and_wait(beyond).await.unwrap_err().code(), Some(ErrorCode::UnknownTopicOrPartition));
    let negative = OutgoingRecord { topic: "t", partition: Some(-1), ..Default::default() };
    assert!(matches!(producer.send_and_wait(negative).await, Err(Error::Usage(_))));
}

#[tokio::test]
async fn memory_is_waited_for_and_comes_back() {
    let log = Arc::new(Mutex::new(Log::default()));
    let kept = log.clone();
    let broker = FakeBroker::start(move |call| {
        (call.key == ApiKey::Produce).then(|| Answer::Later(Duration::from_millis(2), Box::new(stored(call, &kept, 1 << 20))))
    });
    let broker = broker.await;
    let producer = Producer::new(broker.producer(&[("buffer.memory", "2000"), ("batch.size", "500")])).unwrap();
    let fates = send_numbers(&producer, 300).await;
    assert!(fates.iter().all(Result::is_ok));
    assert_eq!(log.lock().unwrap().values, numbers(300));
    let large = "x".repeat(3000);
    assert!(matches!(producer.send_and_wait(record(&large)).await, Err(Error::RecordTooLarge { limit: 2000, .. })));
}

#[tokio::test]
async fn a_flush_ends_although_others_go_on_sending() {
    let log = Arc::new(Mutex::new(Log::default()));
    let kept = log.clone();
    let broker = FakeBroker::start(move |call| {
        (call.key == ApiKey::Produce).then(|| Answer::Later(Duration::from_millis(5), Box::new(stored(call, &kept, 1 << 20))))
    });
    let broker = broker.await;
    let producer = Producer::new(broker.producer(&[("linger.ms", "0")])).unwrap();
    let busy = producer.clone();
    let others = tokio::spawn(async move {
        loop {
            busy.send_with(record("other"), Delivery::Forget).await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    tokio::time::sleep(Duration::from_millis(30)).await;
    let mine = producer.send(record("mine")).await.unwrap();
    tokio::time::timeout(Duration::from_secs(2), producer.flush()).await.unwrap();
    assert!(log.lock().unwrap().values.contains(&"mine".to_string()));
    assert!(mine.await.is_ok());
    others.abort();
}

#[tokio::test]
async fn a_flush_that_is_given_up_leaves_lingering_as_it_was() {
    let broker = FakeBroker::start(|call| (call.key == ApiKey::Produce).then_some(Answer::Silence)).await;
    let producer = Producer::new(broker.producer(&[("linger.ms", "10000")])).unwrap();
    producer.send_with(record("0"), Delivery::Forget).await.unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(50), producer.flush()).await.is_err());
    producer.send_with(record("1"), Delivery::Forget).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(broker.count(ApiKey::Produce), 1, "the second record lingers");
}

#[tokio::test]
async fn closing_and_dropping_tell_every_fate() {
    let broker = FakeBroker::start(|call| (call.key == ApiKey::Produce).then_some(Answer::Silence)).await;
    for close in [true, false] {
        let producer = Producer::new(broker.producer(&[("linger.ms", "10000")])).unwrap();
        let fate = producer.send(record("0")).await.unwrap();
        if close {
            producer.close(Duration::from_millis(50)).await;
            assert!(matches!(producer.send(record("1")).await, Err(Error::Closed)));
        }
        drop(producer);
        assert_eq!(fate.await, Err(Error::Closed));
    }
}

#[tokio::test]
async fn without_acks_a_record_is_sent_when_the_system_has_it() {
    let log = Arc::new(Mutex::new(Log::default()));
    let kept = log.clone();
    let broker = FakeBroker::start(move |call| {
        (call.key == ApiKey::Produce).then(|| {
            stored(call, &kept, 1 << 20);
            // No answer at all.
            Answer::Bytes(bytes::Bytes::new())
        })
    });
    let broker = broker.await;
    let producer = Producer::new(broker.producer(&[("acks", "0"), ("linger.ms", "0")])).unwrap();
    for n in numbers(20) {
        assert_eq!(producer.send_and_wait(record(&n)).await.unwrap().offset, -1);
    }
    producer.close(Duration::from_secs(1)).await;
    let start = Instant::now();
    while log.lock().unwrap().values.len() < 20 && start.elapsed() < Duration::from_secs(2) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(log.lock().unwrap().values, numbers(20));
}

#[tokio::test]
async fn callbacks_hear_of_offsets_and_listeners_of_failures_only() {
    let (log, calls) = (Arc::new(Mutex::new(Log::default())), AtomicUsize::new(0));
    let broker = FakeBroker::start(move |call| {
        (call.key == ApiKey::Produce).then(|| match calls.fetch_add(1, Ordering::SeqCst) {
            0 => stored(call, &log, 1 << 20),
            _ => verdict(call, PartitionProduceResponse { error_code: ErrorCode::InvalidRecord.code(), ..Default::default() }),
        })
    });
    let broker = broker.await;
    let producer = Producer::new(broker.producer(&[("linger.ms", "0")])).unwrap();
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    for n in 0..2 {
        let (callback, listener) = (heard.clone(), heard.clone());
        let told = move |fate: Result<kfk::client::RecordMetadata, Error>| {
            let text = fate.map_or_else(|e| e.code().unwrap().name().to_string(), |m| format!("at {}", m.offset));
            callback.lock().unwrap().push(text);
        };
        producer.send_with(record("x"), Delivery::Callback(Box::new(told))).await.unwrap();
        let failed = move |number: u64, _: Error| listener.lock().unwrap().push(format!("lost {number}"));
        producer.send_with(record("y"), Delivery::OnFailure(n, Arc::new(failed))).await.unwrap();
        producer.flush().await;
    }
    assert_eq!(*heard.lock().unwrap(), ["at 0", "INVALID_RECORD", "lost 1"]);
}

#[tokio::test]
async fn room_in_memory_is_waited_for_max_block_ms_and_no_longer() {
    let broker = FakeBroker::start(|call| (call.key == ApiKey::Produce).then_some(Answer::Silence)).await;
    let settings = [("buffer.memory", "1000"), ("batch.size", "500"), ("linger.ms", "0"), ("max.block.ms", "150")];
    let producer = Producer::new(broker.producer(&settings)).unwrap();
    let large = "x".repeat(600);
    producer.send_with(record(&large), Delivery::Forget).await.unwrap();
    let start = Instant::now();
    let error = producer.send(record(&large)).await.err().unwrap();
    assert!(error.to_string().contains("waiting for room in buffer.memory"), "{error}");
    assert!((150..1500).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    // Who does not want to wait is told at once, and gets the record's listener back.
    assert!(matches!(producer.try_send(&record(&large), Delivery::Forget), Err(Refused::Wait(Delivery::Forget))));
}

#[tokio::test]
async fn a_record_is_tried_once_and_then_as_often_as_retries_says() {
    let broker = FakeBroker::start(|call| {
        let busy = || PartitionProduceResponse { error_code: ErrorCode::NotEnoughReplicas.code(), base_offset: -1, ..Default::default() };
        (call.key == ApiKey::Produce).then(|| verdict(call, busy()))
    });
    let broker = broker.await;
    for retries in [0, 2] {
        let before = broker.count(ApiKey::Produce);
        let number = retries.to_string();
        let settings = [&QUICK[..], &[("retries", number.as_str()), ("enable.idempotence", "false")]].concat();
        let producer = Producer::new(broker.producer(&settings)).unwrap();
        let error = producer.send_and_wait(record("0")).await.unwrap_err();
        assert_eq!(error.code(), Some(ErrorCode::NotEnoughReplicas));
        assert_eq!(broker.count(ApiKey::Produce) - before, 1 + retries);
    }
}

#[tokio::test]
async fn one_request_in_flight_keeps_the_order_also_without_idempotence() {
    let (log, calls) = (Arc::new(Mutex::new(Log::default())), AtomicUsize::new(0));
    let kept = log.clone();
    let broker = FakeBroker::start(move |call| {
        (call.key == ApiKey::Produce).then(|| match calls.fetch_add(1, Ordering::SeqCst) % 3 {
            1 => {
                let busy = ErrorCode::NotEnoughReplicas.code();
                verdict(call, PartitionProduceResponse { error_code: busy, base_offset: -1, ..Default::default() })
            }
            _ => stored(call, &kept, 1 << 20),
        })
    });
    let broker = broker.await;
    let one = [("max.in.flight.requests.per.connection", "1"), ("enable.idempotence", "false"), ("batch.size", "100")];
    let producer = Producer::new(broker.producer(&[&QUICK[..], &one[..]].concat())).unwrap();
    let fates = send_numbers(&producer, 200).await;
    assert!(fates.iter().all(Result::is_ok));
    assert_eq!(log.lock().unwrap().values, numbers(200));
}

#[tokio::test]
async fn acks_and_timeouts_stand_in_the_request() {
    let asked: Arc<Mutex<Vec<(i16, i32)>>> = Arc::default();
    let (seen, log) = (asked.clone(), Mutex::new(Log::default()));
    let broker = FakeBroker::start(move |call| {
        (call.key == ApiKey::Produce).then(|| {
            let request: ProduceRequest = call.read();
            seen.lock().unwrap().push((request.acks, request.timeout_ms));
            stored(call, &log, 1 << 20)
        })
    });
    let broker = broker.await;
    for acks in ["1", "all", "-1"] {
        let settings = [("acks", acks), ("request.timeout.ms", "4321"), ("enable.idempotence", if acks == "1" { "false" } else { "true" })];
        let producer = Producer::new(broker.producer(&settings)).unwrap();
        let _ = producer.send_and_wait(record("0")).await;
    }
    assert_eq!(*asked.lock().unwrap(), [(1, 4321), (-1, 4321), (-1, 4321)]);
}
