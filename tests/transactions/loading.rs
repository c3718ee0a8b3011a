//! Reading the log: what Kafka wrote, what is strange, and requests that come too early.

use bytes::Bytes;
use kfk::machine::coordinator::{Context, Coordinator, Position, Producer, Skipped, Token};
use kfk::machine::txn::{AddPartitions, ListFilter, Purpose, Txn, TxnAnswer, TxnConfig, TxnRecord, TxnRequest, TxnShard, TxnState};
use kfk::node::shard::Shard;
use kfk::record::BatchView;
use kfk::wire::ErrorCode;

use super::driver::*;
use super::memory_log::MemoryLog;

/// The records of a `__transaction_state` partition that Kafka 4.3.1 wrote.
fn kafkas_log() -> MemoryLog {
    let path =
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dump-log-fixtures/transaction-state/__transaction_state-0/00000000000000000000.log");
    let bytes = std::fs::read(path).unwrap();
    let mut log = MemoryLog::default();
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let view = BatchView::parse(rest).unwrap();
        let data = view.data(1 << 20).unwrap();
        for record in data.iter().map(Result::unwrap) {
            log.push(Bytes::copy_from_slice(record.key.unwrap()), record.value.map(Bytes::copy_from_slice));
        }
        rest = &rest[view.header.size_in_bytes()..];
    }
    log
}

#[test]
fn z4_every_record_of_kafka_is_read_and_would_be_written_the_same() {
    let log = kafkas_log();
    assert!(log.batches.len() > 50);
    for (key, value) in log.batches.iter().flatten() {
        let record = TxnRecord::decode(key, value.as_ref()).unwrap();
        assert_eq!(record.encode().unwrap(), (key.clone(), value.clone()));
    }
}

#[test]
fn z4_the_history_of_a_kafka_coordinator_is_one_that_this_one_could_have_written() {
    let mut last = std::collections::BTreeMap::new();
    for record in kafkas_log().records() {
        let txn = record.txn.unwrap();
        txn.check().unwrap();
        match last.insert(record.transactional_id, txn.clone()) {
            None => assert_eq!(txn.state, TxnState::Empty),
            Some(before) => assert!(txn.state.may_follow(before.state), "{before:?} -> {txn:?}"),
        }
    }
}

#[test]
fn z4_a_kafka_log_is_taken_over() {
    let mut w = World::on(kafkas_log(), TxnConfig::default());
    let open: Vec<&str> = w.shard.machine().iter().filter(|(_, txn)| !txn.state.is_idle()).map(|(id, _)| id).collect();
    assert_eq!(open, ["ov-2"], "its producer was killed in the middle");
    w.now.wall = w.txn("ov-2").updated;
    w.pass(w.txn("ov-2").timeout_ms as u64 + 10_001);
    assert_eq!(w.state("ov-2"), TxnState::CompleteAbort);
    let (producer_id, epoch) = (w.txn("tx-1").producer_id, w.txn("tx-1").epoch);
    assert_eq!(w.init("tx-1"), Ok((producer_id, epoch + 1)));
}

#[test]
fn z6_strange_records_do_not_fail_the_partition() {
    let mut log = MemoryLog::default();
    let mut w = World::new();
    w.init("x").unwrap();
    let (key, value) = w.shard.log().batches[0][0].clone();
    log.push(Bytes::from_static(&[0, 9, 1, 2]), None);
    log.push(key.clone(), Some(Bytes::from_static(&[0, 2, 0])));
    log.push(key, value);
    log.push(Bytes::from_static(&[0]), None);
    let w = World::on(log, TxnConfig::default());
    assert_eq!(w.state("x"), TxnState::Empty);
    let report = w.shard.load_report();
    assert_eq!((report.records, report.skipped), (4, 3));
    assert_eq!(report.first_skipped[0].1, Skipped::UnknownType(9));
    assert!(matches!(report.first_skipped[1].1, Skipped::UnknownVersion { version: 2, .. }));
}

#[test]
fn z7_while_the_log_is_read_every_request_is_told_so() {
    let mut shard = Shard::new(TxnShard::new(TxnConfig::default(), 0), kafkas_log(), 5_000);
    let now = kfk::types::Now::default();
    let mut ask = |body: TxnRequest| {
        let mut released = shard.request(now, Token(1), Context { api_version: 5, ..Default::default() }, body);
        released.remove(0).answer
    };
    let loading = ErrorCode::CoordinatorLoadInProgress;
    let TxnAnswer::InitProducerId(a) = ask(TxnRequest::InitProducerId(World::init_request("x"))) else { panic!() };
    assert_eq!((a.error_code, a.producer_id, a.producer_epoch), (loading.code(), -1, -1));
    let TxnAnswer::EndTxn(a) = ask(TxnRequest::EndTxn(end_request("x", (1, 1), true))) else { panic!() };
    assert_eq!((a.error_code, a.producer_id, a.producer_epoch), (loading.code(), -1, -1));
    let add = AddPartitions {
        transactional_id: "x".into(),
        producer_id: 1,
        producer_epoch: 1,
        partitions: vec![partition("t-0"), partition("t-1")],
        purpose: Purpose::Verify,
    };
    let told = ask(TxnRequest::AddPartitions(add));
    assert_eq!(told, TxnAnswer::AddPartitions(vec![(partition("t-0"), loading), (partition("t-1"), loading)]));
    assert_eq!(ask(TxnRequest::ListTransactions(ListFilter::default())), TxnAnswer::ListTransactions(Err(loading)));
    let TxnAnswer::DescribeTransaction(a) = ask(TxnRequest::DescribeTransaction("x".into())) else { panic!() };
    assert_eq!((a.error_code, a.transactional_id.as_str()), (loading.code(), "x"));
}

#[test]
fn e20_a_coordinator_that_is_replaced_refuses_what_waits_and_what_comes() {
    let mut w = World::new();
    let mine = w.init("x").unwrap();
    w.add("x", mine, &["t-0"]);
    w.hold_log();
    let waiting = w.send(END, TxnRequest::EndTxn(end_request("x", mine, true)));
    let released = w.shard.close(w.now, ErrorCode::NotCoordinator);
    let TxnAnswer::EndTxn(answer) = &released[0].answer else { panic!() };
    assert_eq!((released[0].token, answer.error_code), (waiting, ErrorCode::NotCoordinator.code()));
    assert!(w.shard.take_effects().is_empty(), "no marker for a decision that may not last");
    assert_eq!(w.init("x"), Err(ErrorCode::NotCoordinator));
}

#[test]
fn the_state_written_out_and_read_again_is_the_same() {
    let mut w = World::new();
    let a = w.init("a").unwrap();
    let b = w.init("b").unwrap();
    w.init("c").unwrap();
    w.add("a", a, &["t-0", "t-1"]);
    w.add("b", b, &["t-0"]);
    w.writes_markers = false;
    w.commit("b", b).unwrap();
    let mut copy = TxnShard::new(TxnConfig::default(), 0);
    for record in w.shard.machine().snapshot() {
        let (key, value) = record.encode().unwrap();
        copy.apply(TxnRecord::decode(&key, value.as_ref()).unwrap(), Position { offset: 0, producer: Producer::NONE });
    }
    copy.check().unwrap();
    let stored = |shard: &TxnShard| -> Vec<(String, Txn)> {
        shard.iter().map(|(id, txn)| (id.to_string(), Txn { last_epoch: -1, ..txn.clone() })).collect()
    };
    assert_eq!(stored(&copy), stored(w.shard.machine()));
}
