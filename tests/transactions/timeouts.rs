//! Transactions that stay open too long, and ids that stay idle too long.

use kfk::machine::txn::{LAST_CLIENT_EPOCH, TxnConfig, TxnState};
use kfk::wire::ErrorCode;

use super::driver::*;
use super::memory_log::Fault;

const DAY: u64 = 86_400_000;

#[test]
fn e17_a_transaction_that_is_open_too_long_is_aborted_and_its_producer_shut_out() {
    let mut w = World::new();
    let mine = w.init("x").unwrap();
    w.add("x", mine, &["t-0"]);
    w.pass(60_000);
    assert_eq!(w.state("x"), TxnState::Ongoing, "not before the time is over");
    w.pass(10_000);
    assert_eq!((w.state("x"), w.txn("x").epoch), (TxnState::CompleteAbort, 1));
    assert_eq!(w.add("x", mine, &["t-0"]), ErrorCode::ProducerFenced);
    assert_eq!(w.commit("x", mine), Err(ErrorCode::InvalidTxnState));
    assert_eq!(w.init("x"), Ok((100, 2)));
}

#[test]
fn e17_time_runs_from_the_first_partition_and_stops_with_the_decision() {
    let mut w = World::new();
    let mine = w.init("x").unwrap();
    w.pass(50_000);
    w.add("x", mine, &["t-0"]);
    w.pass(50_000);
    w.add("x", mine, &["t-1"]);
    assert_eq!(w.state("x"), TxnState::Ongoing);
    w.writes_markers = false;
    let next = w.commit("x", mine).unwrap();
    w.pass(10 * 60_000);
    assert_eq!((w.state("x"), w.txn("x").epoch), (TxnState::PrepareCommit, next.1));
}

#[test]
fn e17_below_level_2_as_well() {
    let mut w = World::v1();
    let mine = w.init("x").unwrap();
    w.add_v1("x", mine, &["t-0"]);
    w.pass(70_000);
    assert_eq!((w.state("x"), w.txn("x").epoch), (TxnState::CompleteAbort, 1));
    assert_eq!(w.end_v1("x", mine, true), ErrorCode::ProducerFenced);
    assert_eq!(w.end_v1("x", mine, false), ErrorCode::ProducerFenced);
}

#[test]
fn e17_a_transaction_that_was_open_when_the_broker_died_is_aborted_when_its_time_is_over() {
    let mut w = World::new();
    let mine = w.init("x").unwrap();
    w.add("x", mine, &["t-0"]);
    w.now.wall.0 += 3_600_000;
    w.crash();
    assert_eq!(w.state("x"), TxnState::Ongoing, "its producer may come back first");
    w.pass(10_000);
    assert_eq!(w.state("x"), TxnState::CompleteAbort);
}

#[test]
fn e17_an_abort_that_could_not_be_written_is_tried_at_the_next_check() {
    let mut w = World::new();
    for id in ["x", "y"] {
        let mine = w.init(id).unwrap();
        w.add(id, mine, &["t-0"]);
    }
    w.pass(60_000);
    w.shard.log_mut().fault = Some(Fault::Refused(ErrorCode::NotEnoughReplicas));
    w.pass(10_000);
    assert_eq!((w.state("x"), w.state("y")), (TxnState::Ongoing, TxnState::Ongoing));
    w.pass(10_000);
    assert_eq!((w.state("x"), w.state("y")), (TxnState::CompleteAbort, TxnState::CompleteAbort));
}

#[test]
fn e17_an_exhausted_id_waits_for_a_fresh_producer_id() {
    let mut w = World::new();
    w.init("x").unwrap();
    w.rewrite("x", |txn| txn.epoch = LAST_CLIENT_EPOCH);
    w.add("x", (100, LAST_CLIENT_EPOCH), &["t-0"]);
    w.brings_producer_ids = false;
    w.pass(100_000);
    assert_eq!(w.state("x"), TxnState::Ongoing);
    w.brings_producer_ids = true;
    w.pass(20_000);
    assert_eq!((w.state("x"), w.txn("x").producer_id), (TxnState::CompleteAbort, 101));
}

#[test]
fn e17_idle_ids_are_forgotten_after_seven_days() {
    let mut w = World::new();
    w.init("empty").unwrap();
    for id in ["committed", "aborted", "used"] {
        let mine = w.init(id).unwrap();
        w.add(id, mine, &["t-0"]);
        w.end_in(END, id, mine, id != "aborted").unwrap();
    }
    w.pass(6 * DAY);
    let mine = w.init("used").unwrap();
    w.writes_markers = false;
    let stuck = w.init("stuck").unwrap();
    w.add("stuck", stuck, &["t-0"]);
    w.commit("stuck", stuck).unwrap();
    w.pass(DAY - 3_600_000);
    assert_eq!(w.shard.machine().iter().len(), 5);
    w.pass(2 * 3_600_000);
    let left: Vec<&str> = w.shard.machine().iter().map(|(id, _)| id).collect();
    assert_eq!(left, ["stuck", "used"]);
    let tombstones = w.shard.log().records().iter().filter(|r| r.txn.is_none()).count();
    assert_eq!(tombstones, 3);
    w.crash();
    assert!(w.shard.machine().get("empty").is_none());
    let (new_id, epoch) = w.reinit("committed", 101, 1).unwrap();
    assert!(new_id > 104 && epoch == 0, "as if it had never been there");
    assert_eq!(w.reinit("used", mine.0, mine.1), Ok((mine.0, mine.1 + 1)));
    w.pass(30 * DAY);
    assert_eq!(w.state("stuck"), TxnState::PrepareCommit, "never while markers are missing");
}

#[test]
fn e17_tombstones_go_in_batches_of_bounded_size() {
    let mut w = World::with(TxnConfig { tombstone_batch_bytes: 100, ..Default::default() });
    for i in 0..10 {
        w.init(&format!("{i}-{}", "x".repeat(20))).unwrap();
    }
    w.init(&"y".repeat(500)).unwrap();
    let before = w.shard.log().batches.len();
    w.pass(8 * DAY);
    assert_eq!(w.shard.machine().iter().len(), 0);
    let sizes: Vec<usize> = w.shard.log().batches[before..].iter().map(Vec::len).collect();
    assert_eq!(sizes, [2, 2, 2, 2, 2, 1]);
    assert_eq!(w.shard.next_deadline(), None, "an empty shard has nothing to wait for");
}

#[test]
fn an_idle_shard_wakes_rarely() {
    let mut w = World::new();
    assert_eq!(w.shard.next_deadline(), None);
    let mine = w.init("x").unwrap();
    let hourly = w.shard.next_deadline().unwrap().since(w.now.mono);
    assert_eq!(hourly, 3_600_000);
    w.add("x", mine, &["t-0"]);
    assert_eq!(w.shard.next_deadline().unwrap().since(w.now.mono), 10_000);
    w.commit("x", mine).unwrap();
    assert_eq!(w.shard.next_deadline().unwrap().since(w.now.mono), hourly);
}
