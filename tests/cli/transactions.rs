//! `kafka-transactions`: one transactional id that committed, one with a transaction open in two partitions, as an older client leaves
//! them (epochs in the recording show the first version of the protocol).

use std::cell::RefCell;
use std::sync::Mutex;

use kfk::record::{BatchBuilder, BatchOptions};
use kfk::wire::add_partitions_to_txn_request::{AddPartitionsToTxnRequest, AddPartitionsToTxnTopic};
use kfk::wire::end_txn_request::EndTxnRequest;
use kfk::wire::find_coordinator_request::FindCoordinatorRequest;
use kfk::wire::init_producer_id_request::InitProducerIdRequest;
use kfk::wire::produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData};
use kfk::wire::{ErrorCode, Records};
use regex::{Captures, Regex};

use crate::broker;
use crate::common::Client;
use crate::replay::Replay;
use crate::transcript::Case;

/// Producer ids in the recording: of `tx-done` and `tx-open`.
const RECORDED: [&str; 2] = ["107", "108"];

#[test]
fn transactions_replay() {
    let broker = broker::start();
    let dir = tempfile::tempdir().unwrap();
    let ids: Mutex<Vec<i64>> = Mutex::default();
    let replay = Replay {
        file: "kafka-transactions",
        bootstrap: Some(broker.bootstrap.clone()),
        any_order: |_| false,
        side_by_side: |_| false,
        before: &|_, case, _| adapt(case, &ids.lock().unwrap()),
    };
    for (topic, partitions) in [("tx-a", 2), ("ld-a", 1)] {
        let create = format!("kafka-topics --bootstrap-server localhost:19200 --create --topic {topic} --partitions {partitions}");
        replay.output(&create, dir.path());
    }
    let list = || replay.output("kafka-transactions --bootstrap-server localhost:19200 list", dir.path());
    *ids.lock().unwrap() = prepare(&broker.bootstrap, || until(|| list().contains("CompleteCommit")));
    replay.run();
}

/// Puts what this run has in the place of what the recording took from its own: producer ids, durations, other transactional ids.
fn adapt(case: &mut Case, ids: &[i64]) {
    for (recorded, id) in RECORDED.iter().zip(ids) {
        case.stdout = case.stdout.replace(&format!("{recorded:<10}\t"), &format!("{id:<10}\t"));
    }
    let durations = Regex::new(r"(18623|21059|163058) +\t").unwrap();
    case.stdout = durations.replace_all(&case.stdout, |_: &Captures| "<duration>\t".to_owned()).into_owned();
    // Rule E5.
    case.stdout = case.stdout.replace("tx-a-1,tx-a-0", "tx-a-0,tx-a-1");
    if case.stdout.starts_with(&format!("{:<43}\t", "TransactionalId")) {
        // The widest id is not in the recording.
        case.stdout = case.stdout.replace(&format!("{}\t", " ".repeat(28)), "\t");
    }
    // The recorder had waited for longer.
    case.command = case.command.replace("--duration-filter 1000", "--duration-filter 0");
}

/// Asks until it is so; a broker answers a commit before its markers are written.
fn until(so: impl Fn() -> bool) {
    for _ in 0..100 {
        if so() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("not within 5 s");
}

/// Gives the producer ids of `tx-done` and `tx-open`.
fn prepare(bootstrap: &str, committed: impl Fn()) -> Vec<i64> {
    let old = OldClient { connection: RefCell::new(Client::connect(resolved(bootstrap))) };
    let done = old.init("tx-done", 60_000);
    old.add("tx-done", done, &[0]);
    old.write("tx-done", done, 0, now_ms());
    old.commit("tx-done", done);
    committed();
    let open = old.init("tx-open", 600_000);
    old.add("tx-open", open, &[0, 1]);
    old.write("tx-open", open, 0, now_ms());
    old.write("tx-open", open, 1, now_ms());
    vec![done, open]
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// A broker that does not verify takes a transaction's records although its coordinator does not know of them: nobody will end it.
#[test]
fn a_hanging_transaction_is_found_and_can_be_aborted() {
    let broker = broker::start_with(&["transaction.partition.verification.enable=false"]);
    let dir = tempfile::tempdir().unwrap();
    let replay = Replay {
        file: "kafka-transactions",
        bootstrap: Some(broker.bootstrap.clone()),
        any_order: |_| false,
        side_by_side: |_| false,
        before: &|_, _, _| {},
    };
    let run = |tool: &str, rest: &str| replay.output(&format!("{tool} --bootstrap-server localhost:19200 {rest}"), dir.path());
    run("kafka-topics", "--create --topic tx-a --partitions 2");
    let old = OldClient { connection: RefCell::new(Client::connect(resolved(&broker.bootstrap))) };
    let producer = old.init("tx-hangs", 60_000);
    let an_hour_ago = now_ms() - 3_600_000;
    old.write("tx-hangs", producer, 1, an_hour_ago);
    let header = "Topic\tPartition\tProducerId\tProducerEpoch\tCoordinatorEpoch\tStartOffset\tLastTimestamp\tDuration(min)\t\n";
    let row = format!("tx-a \t1        \t{producer:<10}\t0            \t-1              \t0          \t{an_hour_ago}\t60           \t\n");
    assert_eq!(run("kafka-transactions", "find-hanging --broker-id 1"), format!("{header}{row}"));
    assert_eq!(run("kafka-transactions", "find-hanging --topic tx-a --max-transaction-timeout 100"), header, "not old enough");
    assert_eq!(run("kafka-transactions", "abort --topic tx-a --partition 1 --start-offset 0"), "");
    assert_eq!(run("kafka-transactions", "find-hanging --topic tx-a"), header);
    // One that its coordinator knows of does not hang, however old it is.
    old.add("tx-hangs", producer, &[0]);
    old.write("tx-hangs", producer, 0, an_hour_ago);
    assert_eq!(run("kafka-transactions", "find-hanging --topic tx-a"), header);
}

fn resolved(bootstrap: &str) -> std::net::SocketAddr {
    let mut all = std::net::ToSocketAddrs::to_socket_addrs(bootstrap).unwrap();
    all.find(|a| std::net::TcpStream::connect(a).is_ok()).unwrap()
}

/// Speaks the first version of the protocol; every producer has epoch 0.
struct OldClient {
    connection: RefCell<Client>,
}

impl OldClient {
    /// Asks until the coordinator has nothing else to do.
    fn patiently(&self, mut ask: impl FnMut(&mut Client) -> i16) {
        for _ in 0..500 {
            match ErrorCode::from_code(ask(&mut self.connection.borrow_mut())) {
                ErrorCode::None => return,
                code => assert!(code.is_retriable(), "{code}"),
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("the coordinator never has time");
    }

    fn init(&self, id: &str, transaction_timeout_ms: i32) -> i64 {
        let find = FindCoordinatorRequest { key_type: 1, coordinator_keys: vec![id.into()], ..Default::default() };
        self.patiently(|c| c.call(4, &find).coordinators[0].error_code);
        let request = InitProducerIdRequest { transactional_id: Some(id.into()), transaction_timeout_ms, ..Default::default() };
        let mut producer = -1;
        self.patiently(|c| {
            let answer = c.call(4, &request);
            producer = answer.producer_id;
            answer.error_code
        });
        producer
    }

    fn add(&self, id: &str, producer: i64, partitions: &[i32]) {
        let request = AddPartitionsToTxnRequest {
            v3_and_below_transactional_id: id.into(),
            v3_and_below_producer_id: producer,
            v3_and_below_topics: vec![AddPartitionsToTxnTopic { name: "tx-a".into(), partitions: partitions.to_vec() }],
            ..Default::default()
        };
        self.patiently(|c| c.call(3, &request).results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code);
    }

    fn write(&self, id: &str, producer: i64, partition: i32, timestamp: i64) {
        let options =
            BatchOptions { producer_id: producer, producer_epoch: 0, base_sequence: 0, transactional: true, ..Default::default() };
        let mut batch = BatchBuilder::new(options);
        batch.append(timestamp, None, Some(b"x"), &[]).unwrap();
        let records = Some(Records::Bytes(batch.finish().unwrap()));
        let data = TopicProduceData {
            name: "tx-a".into(),
            partition_data: vec![PartitionProduceData { index: partition, records }],
            ..Default::default()
        };
        let request = ProduceRequest { transactional_id: Some(id.into()), acks: -1, timeout_ms: 10_000, topic_data: vec![data] };
        self.patiently(|c| c.call(11, &request).responses[0].partition_responses[0].error_code);
    }

    fn commit(&self, id: &str, producer: i64) {
        let request = EndTxnRequest { transactional_id: id.into(), producer_id: producer, producer_epoch: 0, committed: true };
        self.patiently(|c| c.call(3, &request).error_code);
    }
}
