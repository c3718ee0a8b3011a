//! InitProducerId: who has the transactional id.

use kfk::machine::txn::{LAST_CLIENT_EPOCH, TxnState};
use kfk::types::WallMs;
use kfk::wire::ErrorCode;
use kfk::wire::init_producer_id_request::InitProducerIdRequest;

use super::driver::*;
use super::memory_log::Fault;

#[test]
fn e1_what_is_wrong_with_the_request_itself() {
    let mut w = World::new();
    let mut refused = |change: fn(&mut InitProducerIdRequest)| {
        let mut request = World::init_request("x");
        change(&mut request);
        w.init_with(INIT, request).unwrap_err()
    };
    assert_eq!(refused(|r| r.transactional_id = Some(String::new())), ErrorCode::InvalidRequest);
    assert_eq!(refused(|r| r.producer_id = 5), ErrorCode::InvalidRequest);
    assert_eq!(refused(|r| r.producer_epoch = 5), ErrorCode::InvalidRequest);
    for timeout in [i32::MIN, 0, 900_001] {
        let request = InitProducerIdRequest { transaction_timeout_ms: timeout, ..World::init_request("x") };
        assert_eq!(w.init_with(INIT, request), Err(ErrorCode::InvalidTransactionTimeout));
    }
    assert!(w.shard.log().batches.is_empty());
    let request = InitProducerIdRequest { transaction_timeout_ms: 900_000, ..World::init_request("x") };
    assert_eq!(w.init_with(INIT, request), Ok((100, 0)));
}

#[test]
fn e2_each_new_producer_gets_the_next_epoch() {
    let mut w = World::new();
    assert_eq!(w.init("x"), Ok((100, 0)));
    assert_eq!(w.init("x"), Ok((100, 1)));
    assert_eq!(w.init("x"), Ok((100, 2)));
    assert_eq!(w.init("y"), Ok((101, 0)));
    w.crash();
    assert_eq!(w.init("x"), Ok((100, 3)));
}

#[test]
fn e2_an_open_transaction_is_aborted_first_and_the_caller_comes_again() {
    let mut w = World::new();
    let old = w.init("x").unwrap();
    assert_eq!(w.add("x", old, &["t-0", "t-1"]), ErrorCode::None);
    w.writes_markers = false;
    assert_eq!(w.init("x"), Err(ErrorCode::ConcurrentTransactions));
    assert_eq!((w.state("x"), w.txn("x").epoch), (TxnState::PrepareAbort, 1));
    let job = w.jobs.remove(0);
    assert_eq!((job.commit, job.producer_epoch, job.partitions.len()), (false, 1, 2));
    // The old producer is out from now on, and the new one is not in before the markers are written.
    assert_eq!(w.init("x"), Err(ErrorCode::ConcurrentTransactions));
    assert_eq!(w.verify("x", old, &["t-0"]), [ErrorCode::ProducerFenced]);
    w.report(&job, kfk::machine::txn::MarkerOutcome::Written);
    assert_eq!(w.state("x"), TxnState::CompleteAbort);
    assert_eq!(w.add("x", old, &["t-0"]), ErrorCode::ProducerFenced);
    assert_eq!(w.init("x"), Ok((100, 2)));
}

#[test]
fn e2_below_level_2_fencing_raises_the_epoch_as_well() {
    let mut w = World::v1();
    let old = w.init("x").unwrap();
    assert_eq!(w.add_v1("x", old, &["t-0"]), ErrorCode::None);
    assert_eq!(w.init("x"), Err(ErrorCode::ConcurrentTransactions));
    assert_eq!((w.state("x"), w.txn("x").epoch), (TxnState::CompleteAbort, 1));
    assert_eq!(w.end_v1("x", old, true), ErrorCode::ProducerFenced);
    assert_eq!(w.init("x"), Ok((100, 2)));
}

#[test]
fn e3_a_producer_that_goes_on_gets_the_next_epoch_once() {
    let mut w = World::new();
    let (id, epoch) = w.init("x").unwrap();
    assert_eq!(w.reinit("x", id, epoch), Ok((id, 1)));
    assert_eq!(w.reinit("x", id, epoch), Ok((id, 1)), "the answer was lost");
    assert_eq!(w.reinit("x", id, 1), Ok((id, 2)));
    assert_eq!(w.reinit("x", id, epoch), Err(ErrorCode::ProducerFenced));
    assert_eq!(w.reinit("x", id + 1, 2), Err(ErrorCode::ProducerFenced));
    // A new producer takes the right to ask again away.
    assert_eq!(w.init("x"), Ok((id, 3)));
    assert_eq!(w.reinit("x", id, 2), Err(ErrorCode::ProducerFenced));
}

#[test]
fn e3_a_claim_to_an_id_that_is_not_known_any_more_is_as_good_as_none() {
    let mut w = World::new();
    assert_eq!(w.reinit("x", 55, 7), Ok((100, 0)));
}

#[test]
fn e3_a_producer_that_is_out_of_date_does_not_disturb_the_open_transaction_of_another() {
    let mut w = World::new();
    let old = w.init("x").unwrap();
    let new = w.init("x").unwrap();
    assert_eq!(w.add("x", new, &["t-0"]), ErrorCode::None);
    assert_eq!(w.reinit("x", old.0, old.1), Err(ErrorCode::ProducerFenced));
    assert_eq!(w.state("x"), TxnState::Ongoing);
    assert!(w.commit("x", new).is_ok());
}

#[test]
fn e3_a_producer_goes_on_in_the_middle_of_its_transaction() {
    let mut w = World::new();
    let mine = w.init("x").unwrap();
    assert_eq!(w.add("x", mine, &["t-0"]), ErrorCode::None);
    assert_eq!(w.reinit("x", mine.0, mine.1), Err(ErrorCode::ConcurrentTransactions));
    assert_eq!(w.state("x"), TxnState::CompleteAbort);
    // Nobody was there in between, so it gets the epoch with which the abort was written.
    assert_eq!(w.reinit("x", mine.0, mine.1), Ok((100, 1)));
}

#[test]
fn e4_after_the_last_epoch_comes_a_new_producer_id() {
    let mut w = World::new();
    w.init("x").unwrap();
    w.rewrite("x", |txn| txn.epoch = LAST_CLIENT_EPOCH - 1);
    assert_eq!(w.init("x"), Ok((100, LAST_CLIENT_EPOCH)));
    assert_eq!(w.init("x"), Ok((101, 0)));
    assert_eq!(w.txn("x").previous_producer_id, 100);
    assert_eq!(w.reinit("x", 100, LAST_CLIENT_EPOCH), Err(ErrorCode::ProducerFenced), "it was replaced by a new producer");
}

#[test]
fn e4_the_holder_of_the_last_epoch_may_ask_twice_for_the_new_id() {
    let mut w = World::new();
    w.init("x").unwrap();
    w.rewrite("x", |txn| txn.epoch = LAST_CLIENT_EPOCH);
    assert_eq!(w.reinit("x", 100, LAST_CLIENT_EPOCH), Ok((101, 0)));
    assert_eq!(w.reinit("x", 100, LAST_CLIENT_EPOCH), Ok((101, 0)));
    assert_eq!(w.reinit("x", 100, LAST_CLIENT_EPOCH - 1), Err(ErrorCode::ProducerFenced));
}

#[test]
fn e4_fencing_an_exhausted_id_brings_a_new_one_that_the_old_producer_never_sees() {
    let mut w = World::new();
    w.init("x").unwrap();
    w.rewrite("x", |txn| txn.epoch = LAST_CLIENT_EPOCH);
    let old = (100, LAST_CLIENT_EPOCH);
    assert_eq!(w.add("x", old, &["t-0"]), ErrorCode::None);
    w.writes_markers = false;
    assert_eq!(w.init("x"), Err(ErrorCode::ConcurrentTransactions));
    assert_eq!((w.txn("x").epoch, w.txn("x").next_producer_id), (i16::MAX, 101));
    let job = w.jobs.remove(0);
    assert_eq!((job.producer_id, job.producer_epoch), (100, i16::MAX));
    w.report(&job, kfk::machine::txn::MarkerOutcome::Written);
    assert_eq!(w.init("x"), Ok((101, 1)));
}

#[test]
fn e5_old_clients_hear_another_word_for_fenced() {
    for (version, error) in [(0, ErrorCode::InvalidProducerEpoch), (3, ErrorCode::InvalidProducerEpoch), (4, ErrorCode::ProducerFenced)] {
        let mut w = World::new();
        let (id, _) = w.init("x").unwrap();
        let request = InitProducerIdRequest { producer_id: id, producer_epoch: 9, ..World::init_request("x") };
        assert_eq!(w.init_with(version, request), Err(error), "version {version}");
    }
}

#[test]
fn e20_a_failed_append_changes_nothing_and_is_never_a_success() {
    let mut w = World::new();
    let faults = [
        (ErrorCode::NotEnoughReplicas, ErrorCode::CoordinatorNotAvailable),
        (ErrorCode::RequestTimedOut, ErrorCode::CoordinatorNotAvailable),
        (ErrorCode::UnknownTopicOrPartition, ErrorCode::CoordinatorNotAvailable),
        (ErrorCode::NotLeaderOrFollower, ErrorCode::NotCoordinator),
        (ErrorCode::KafkaStorageError, ErrorCode::NotCoordinator),
        (ErrorCode::MessageTooLarge, ErrorCode::UnknownServerError),
    ];
    for (fault, told) in faults {
        w.shard.log_mut().fault = Some(Fault::Refused(fault));
        assert_eq!(w.init("x"), Err(told), "{fault:?}");
        assert!(w.shard.machine().get("x").is_none());
    }
    let (id, epoch) = w.init("x").unwrap();
    assert_eq!((id, epoch), (106, 0), "ids that were lost with failed appends are never given again");
    // It is not known whether it was written: the log is read again, which tells.
    w.shard.log_mut().fault = Some(Fault::UnknownWritten(ErrorCode::RequestTimedOut));
    assert_eq!(w.init("x"), Err(ErrorCode::CoordinatorNotAvailable));
    w.pass(0);
    assert_eq!(w.init("x"), Ok((106, 2)));
    w.shard.log_mut().fault = Some(Fault::UnknownLost(ErrorCode::RequestTimedOut));
    assert_eq!(w.init("x"), Err(ErrorCode::CoordinatorNotAvailable));
    w.pass(0);
    assert_eq!(w.init("x"), Ok((106, 3)));
}

#[test]
fn q8_without_a_fresh_producer_id_the_client_comes_again() {
    let mut w = World::new();
    w.brings_producer_ids = false;
    assert_eq!(w.init("x"), Err(ErrorCode::CoordinatorLoadInProgress));
    w.event(kfk::machine::txn::TxnEvent::ProducerIds { first: 7, count: 2 });
    assert_eq!(w.init("x"), Ok((7, 0)));
    assert_eq!(w.init("y"), Ok((8, 0)));
    assert_eq!(w.init("z"), Err(ErrorCode::CoordinatorLoadInProgress));
    assert_eq!(w.init("x"), Ok((7, 1)), "a known id needs none");
}

#[test]
fn a_new_producer_brings_its_own_timeout() {
    let mut w = World::new();
    w.init("x").unwrap();
    let request = InitProducerIdRequest { transaction_timeout_ms: 5, ..World::init_request("x") };
    w.init_with(INIT, request).unwrap();
    assert_eq!((w.txn("x").timeout_ms, w.txn("x").started, w.txn("x").updated), (5, WallMs(-1), WallMs(START)));
}
