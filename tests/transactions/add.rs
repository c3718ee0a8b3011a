//! AddPartitionsToTxn and verification.

use kfk::machine::txn::{MarkerOutcome, Purpose, TransactionVersion, TxnState};
use kfk::types::WallMs;
use kfk::wire::ErrorCode;

use super::driver::*;
use super::memory_log::Fault;

#[test]
fn e6_the_first_partition_begins_the_transaction() {
    let mut w = World::new();
    let mine = w.init("x").unwrap();
    w.pass(500);
    assert_eq!(w.add("x", mine, &["t-0"]), ErrorCode::None);
    w.pass(500);
    assert_eq!(w.add("x", mine, &["t-1", "u-0"]), ErrorCode::None);
    let txn = w.txn("x");
    assert_eq!((txn.state, txn.partitions.len()), (TxnState::Ongoing, 3));
    assert_eq!((txn.started, txn.updated), (WallMs(START + 500), WallMs(START + 1000)));
    assert_eq!(txn.client_version, TransactionVersion::V2);
}

#[test]
fn e6_what_is_there_already_is_not_written_again() {
    let mut w = World::new();
    let mine = w.init("x").unwrap();
    w.add("x", mine, &["t-0", "t-1"]);
    let batches = w.shard.log().batches.len();
    assert_eq!(w.add("x", mine, &["t-1"]), ErrorCode::None);
    assert_eq!(w.shard.log().batches.len(), batches);
    assert_eq!(w.add("x", mine, &["t-1", "t-2"]), ErrorCode::None);
    assert_eq!(w.shard.log().batches.len(), batches + 1);
}

#[test]
fn e6_checks_in_their_order() {
    let mut w = World::new();
    assert_eq!(w.add("", (1, 1), &["t-0"]), ErrorCode::InvalidRequest);
    assert_eq!(w.add("x", (1, 1), &["t-0"]), ErrorCode::InvalidProducerIdMapping);
    let (id, epoch) = w.init("x").unwrap();
    assert_eq!(w.add("x", (id + 1, epoch + 1), &["t-0"]), ErrorCode::InvalidProducerIdMapping);
    assert_eq!(w.add("x", (id, epoch + 1), &["t-0"]), ErrorCode::ProducerFenced);
    assert_eq!(w.add("x", (id, epoch - 1), &["t-0"]), ErrorCode::ProducerFenced);
    w.add("x", (id, epoch), &["t-0"]);
    w.writes_markers = false;
    w.commit("x", (id, epoch)).unwrap();
    for producer in [(id + 1, 0), (id, epoch), (id, epoch + 1)] {
        assert_eq!(w.add("x", producer, &["t-0"]), ErrorCode::ConcurrentTransactions, "the pending change comes first");
    }
}

#[test]
fn e5_old_clients_hear_another_word_for_fenced() {
    let mut w = World::new();
    let (id, epoch) = w.init("x").unwrap();
    for (version, error) in [(0, ErrorCode::InvalidProducerEpoch), (1, ErrorCode::InvalidProducerEpoch), (2, ErrorCode::ProducerFenced)] {
        let told = w.ask_partitions(version, "x", (id, epoch + 1), &["t-0"], Purpose::Add(TransactionVersion::V0));
        assert_eq!(told, [error], "version {version}");
    }
}

#[test]
fn e7_verification_tells_each_partition() {
    let mut w = World::v1();
    let mine = w.init("x").unwrap();
    assert_eq!(w.verify("x", mine, &["t-0"]), [ErrorCode::TransactionAbortable]);
    w.add_v1("x", mine, &["t-0", "t-2"]);
    let told = w.verify("x", mine, &["t-0", "t-1", "t-2"]);
    assert_eq!(told, [ErrorCode::None, ErrorCode::TransactionAbortable, ErrorCode::None]);
    assert_eq!(w.verify("y", mine, &["t-0"]), [ErrorCode::InvalidProducerIdMapping]);
    assert_eq!(w.verify("", mine, &["t-0"]), [ErrorCode::InvalidRequest]);
    assert_eq!(w.verify("x", (mine.0 + 1, 0), &["t-0"]), [ErrorCode::InvalidProducerIdMapping]);
    assert_eq!(w.verify("x", (mine.0, mine.1 + 1), &["t-0"]), [ErrorCode::ProducerFenced]);
    w.writes_markers = false;
    w.end_v1("x", mine, true);
    assert_eq!(w.verify("x", mine, &["t-0"]), [ErrorCode::ConcurrentTransactions]);
    let job = w.jobs.remove(0);
    w.report(&job, MarkerOutcome::Written);
    assert_eq!(w.verify("x", mine, &["t-0"]), [ErrorCode::TransactionAbortable], "it belonged to the last transaction");
    assert_eq!(w.txn("x").state, TxnState::CompleteCommit, "to verify changes nothing");
}

#[test]
fn e20_a_partition_that_could_not_be_added_is_not_there() {
    let mut w = World::new();
    let mine = w.init("x").unwrap();
    w.shard.log_mut().fault = Some(Fault::Refused(ErrorCode::NotEnoughReplicas));
    assert_eq!(w.add("x", mine, &["t-0"]), ErrorCode::CoordinatorNotAvailable);
    assert_eq!(w.state("x"), TxnState::Empty);
    assert_eq!(w.verify("x", mine, &["t-0"]), [ErrorCode::TransactionAbortable]);
}

#[test]
fn an_answer_waits_until_the_record_it_stands_on_is_committed() {
    let mut w = World::new();
    let mine = w.init("x").unwrap();
    w.hold_log();
    let add = |w: &mut World| {
        let add = kfk::machine::txn::AddPartitions {
            transactional_id: "x".into(),
            producer_id: mine.0,
            producer_epoch: mine.1,
            partitions: vec![partition("t-0")],
            purpose: Purpose::Add(TransactionVersion::V2),
        };
        w.send(5, kfk::machine::txn::TxnRequest::AddPartitions(add))
    };
    let first = add(&mut w);
    let again = add(&mut w);
    assert!(w.try_answer(first).is_none() && w.try_answer(again).is_none(), "also what needs no record of its own");
    w.commit_log();
    assert!(w.try_answer(first).is_some() && w.try_answer(again).is_some());
}
