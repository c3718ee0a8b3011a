//! EndTxn, in both transaction versions.

use kfk::machine::txn::{LAST_CLIENT_EPOCH, MarkerOutcome, TransactionVersion, TxnState};
use kfk::types::WallMs;
use kfk::wire::ErrorCode;

use super::driver::*;
use super::memory_log::Fault;

const COMMIT: bool = true;
const ABORT: bool = false;

#[test]
fn e9_version_1_keeps_the_epoch() {
    let mut w = World::new();
    let mine = w.init("x").unwrap();
    for committed in [COMMIT, ABORT] {
        assert_eq!(w.add_v1("x", mine, &["t-0"]), ErrorCode::None);
        assert_eq!(w.end_in(END_V1, "x", mine, committed), Ok((-1, -1)), "such a client is told no epoch");
        let state = if committed { TxnState::CompleteCommit } else { TxnState::CompleteAbort };
        assert_eq!((w.state("x"), w.txn("x").epoch), (state, mine.1));
        assert_eq!(w.end_v1("x", mine, committed), ErrorCode::None, "a repetition");
        assert_eq!(w.end_v1("x", mine, !committed), ErrorCode::InvalidTxnState);
    }
}

#[test]
fn e9_version_1_while_markers_are_written_and_before_anything_was_begun() {
    let mut w = World::new();
    let (id, epoch) = w.init("x").unwrap();
    for committed in [COMMIT, ABORT] {
        assert_eq!(w.end_v1("x", (id, epoch), committed), ErrorCode::InvalidTxnState);
        assert_eq!(w.end_v1("x", (id, epoch + 1), committed), ErrorCode::ProducerFenced);
        assert_eq!(w.end_v1("x", (id + 1, epoch), committed), ErrorCode::InvalidProducerIdMapping);
        assert_eq!(w.end_v1("y", (id, epoch), committed), ErrorCode::InvalidProducerIdMapping);
        assert_eq!(w.end_v1("", (id, epoch), committed), ErrorCode::InvalidRequest);
    }
    w.add_v1("x", (id, epoch), &["t-0"]);
    w.writes_markers = false;
    assert_eq!(w.end_v1("x", (id, epoch), COMMIT), ErrorCode::None);
    for committed in [COMMIT, ABORT] {
        assert_eq!(w.end_v1("x", (id, epoch), committed), ErrorCode::ConcurrentTransactions);
    }
    assert_eq!(w.end_v1("x", (id, epoch + 1), COMMIT), ErrorCode::ProducerFenced);
}

#[test]
fn e10_version_2_raises_the_epoch_with_every_end_and_tells_it() {
    let mut w = World::new();
    let mut mine = w.init("x").unwrap();
    for (round, committed) in (1..).zip([COMMIT, ABORT, COMMIT]) {
        assert_eq!(w.add("x", mine, &["t-0", "t-1"]), ErrorCode::None);
        let next = w.end_in(END, "x", mine, committed).unwrap();
        assert_eq!(next, (mine.0, round));
        assert_eq!(w.end_in(END, "x", mine, committed), Ok(next), "a repetition");
        assert_eq!(w.end_in(END, "x", mine, !committed), Err(ErrorCode::InvalidTxnState));
        mine = next;
    }
}

/// One row of the table: what an idle id answers.
fn told(history: &[(bool, i16)], committed: bool, epochs_back: i16) -> Given {
    let mut w = World::new();
    let mut mine = w.init("x").unwrap();
    // One more producer, so that "the epoch before" is there from the start.
    mine = w.init("x").unwrap_or(mine);
    for (committed, _) in history {
        w.add("x", mine, &["t-0"]);
        mine = w.end_in(END, "x", mine, *committed).unwrap();
    }
    let before = w.shard.log().batches.len();
    let given = w.end_in(END, "x", (mine.0, mine.1 - epochs_back), committed);
    match given {
        Ok(next) if next.1 == mine.1 + 1 => {
            assert_eq!(w.state("x"), TxnState::CompleteAbort);
            assert_eq!(w.shard.log().batches.len(), before + 2, "a decision and its completion");
        }
        _ => assert_eq!(w.shard.log().batches.len(), before),
    }
    given
}

#[test]
fn e11_the_table_of_version_2() {
    let empty: &[(bool, i16)] = &[];
    let aborted = &[(ABORT, 1)];
    let committed = &[(COMMIT, 1)];
    let (current, retry) = (0, 1);
    let invalid = Err(ErrorCode::InvalidTxnState);
    let fenced = Err(ErrorCode::ProducerFenced);
    let bumps = |epoch: i16| Ok((100, epoch + 1));
    let same = |epoch: i16| Ok((100, epoch));

    assert_eq!(told(empty, ABORT, current), bumps(1));
    assert_eq!(told(empty, ABORT, retry), fenced);
    assert_eq!(told(empty, COMMIT, current), invalid);
    assert_eq!(told(empty, COMMIT, retry), fenced);

    assert_eq!(told(aborted, ABORT, current), bumps(2));
    assert_eq!(told(aborted, ABORT, retry), same(2));
    assert_eq!(told(aborted, COMMIT, current), invalid);
    assert_eq!(told(aborted, COMMIT, retry), invalid);

    assert_eq!(told(committed, ABORT, current), bumps(2));
    assert_eq!(told(committed, ABORT, retry), invalid);
    assert_eq!(told(committed, COMMIT, current), invalid);
    assert_eq!(told(committed, COMMIT, retry), same(2));

    for history in [empty, aborted, committed] {
        for committed in [COMMIT, ABORT] {
            assert_eq!(told(history, committed, -1), fenced, "an epoch from the future");
            assert_eq!(told(history, committed, 2), fenced);
        }
    }
}

#[test]
fn e11_a_pending_change_comes_before_the_epoch() {
    let mut w = World::new();
    let mine = w.init("x").unwrap();
    w.add("x", mine, &["t-0"]);
    w.writes_markers = false;
    let next = w.commit("x", mine).unwrap();
    for epoch in [mine.1 - 1, mine.1, next.1, next.1 + 1] {
        for committed in [COMMIT, ABORT] {
            assert_eq!(w.end_in(END, "x", (mine.0, epoch), committed), Err(ErrorCode::ConcurrentTransactions));
        }
    }
    let job = w.jobs.remove(0);
    w.report(&job, MarkerOutcome::Written);
    assert_eq!(w.commit("x", mine), Ok(next));
}

#[test]
fn e12_a_late_request_of_one_transaction_cannot_touch_the_next() {
    let mut w = World::new();
    let first = w.init("x").unwrap();
    w.add("x", first, &["t-0"]);
    let second = w.commit("x", first).unwrap();
    w.add("x", second, &["t-0"]);
    for committed in [COMMIT, ABORT] {
        assert_eq!(w.end_in(END, "x", first, committed), Err(ErrorCode::ProducerFenced));
    }
    assert_eq!(w.add("x", first, &["t-1"]), ErrorCode::ProducerFenced);
    assert_eq!(w.state("x"), TxnState::Ongoing);
    assert!(w.commit("x", second).is_ok());
}

#[test]
fn e13_the_client_hears_of_the_decision_before_the_markers_are_written() {
    let mut w = World::new();
    let mine = w.init("x").unwrap();
    w.add("x", mine, &["t-0", "u-3"]);
    w.writes_markers = false;
    assert_eq!(w.commit("x", mine), Ok((100, 1)));
    assert_eq!(w.state("x"), TxnState::PrepareCommit);
    let [job] = &w.jobs[..] else { panic!() };
    assert_eq!((job.commit, job.producer_id, job.producer_epoch, job.version), (true, 100, 1, TransactionVersion::V2));
    assert_eq!(job.partitions, [partition("t-0"), partition("u-3")]);
    assert_eq!(job.coordinator_epoch, 3);
}

#[test]
fn e13_neither_the_client_nor_the_partitions_hear_of_a_decision_that_is_not_committed() {
    let mut w = World::new();
    let mine = w.init("x").unwrap();
    w.add("x", mine, &["t-0"]);
    w.writes_markers = false;
    w.hold_log();
    let token = w.send(END, kfk::machine::txn::TxnRequest::EndTxn(end_request("x", mine, COMMIT)));
    w.pass(1_000);
    assert!(w.jobs.is_empty() && w.try_answer(token).is_none());
    w.commit_log();
    assert!(w.jobs.len() == 1 && w.try_answer(token).is_some());
}

#[test]
fn e20_a_decision_that_cannot_be_written_is_none() {
    let mut w = World::new();
    let mine = w.init("x").unwrap();
    w.add("x", mine, &["t-0"]);
    w.shard.log_mut().fault = Some(Fault::Refused(ErrorCode::NotEnoughReplicas));
    assert_eq!(w.commit("x", mine), Err(ErrorCode::CoordinatorNotAvailable));
    assert_eq!(w.state("x"), TxnState::Ongoing);
    // It can still go either way.
    assert_eq!(w.abort("x", mine), Ok((100, 1)));
    assert_eq!(w.state("x"), TxnState::CompleteAbort);
}

#[test]
fn e20_a_decision_of_which_it_is_not_known_whether_it_was_written_is_what_the_log_says() {
    let mut w = World::new();
    let mine = w.init("x").unwrap();
    w.add("x", mine, &["t-0"]);
    w.shard.log_mut().fault = Some(Fault::UnknownWritten(ErrorCode::RequestTimedOut));
    assert_eq!(w.commit("x", mine), Err(ErrorCode::CoordinatorNotAvailable));
    w.pass(0);
    assert_eq!(w.state("x"), TxnState::CompleteCommit);
    assert_eq!(w.abort("x", mine), Err(ErrorCode::InvalidTxnState));
    assert_eq!(w.commit("x", mine), Ok((100, 1)));
}

#[test]
fn e4_the_last_epoch_ends_with_a_new_producer_id() {
    let mut w = World::new();
    w.init("x").unwrap();
    w.rewrite("x", |txn| txn.epoch = LAST_CLIENT_EPOCH);
    let mine = (100, LAST_CLIENT_EPOCH);
    w.add("x", mine, &["t-0"]);
    w.writes_markers = false;
    assert_eq!(w.commit("x", mine), Ok((101, 0)));
    let job = w.jobs.remove(0);
    assert_eq!((job.producer_id, job.producer_epoch), (100, i16::MAX), "the marker shuts out the old id");
    w.report(&job, MarkerOutcome::Written);
    assert_eq!(w.commit("x", mine), Ok((101, 0)), "a repetition over the change of ids");
    assert_eq!(w.abort("x", mine), Err(ErrorCode::InvalidTxnState));
    assert_eq!(w.commit("x", (100, LAST_CLIENT_EPOCH - 1)), Err(ErrorCode::InvalidProducerIdMapping));
    w.writes_markers = true;
    assert_eq!(w.add("x", (101, 0), &["t-0"]), ErrorCode::None);
    assert_eq!(w.commit("x", mine), Err(ErrorCode::InvalidProducerIdMapping));
    assert_eq!(w.commit("x", (101, 0)), Ok((101, 1)));
}

#[test]
fn e4_the_new_producer_id_survives_a_crash_between_decision_and_completion() {
    let mut w = World::new();
    w.init("x").unwrap();
    w.rewrite("x", |txn| txn.epoch = LAST_CLIENT_EPOCH);
    let mine = (100, LAST_CLIENT_EPOCH);
    w.add("x", mine, &["t-0"]);
    w.writes_markers = false;
    assert_eq!(w.commit("x", mine), Ok((101, 0)));
    w.writes_markers = true;
    w.crash();
    assert_eq!(w.commit("x", mine), Ok((101, 0)));
    assert_eq!(w.init("x"), Ok((101, 1)));
}

#[test]
fn e5_old_clients_hear_another_word_for_fenced() {
    for (version, error) in [(0, ErrorCode::InvalidProducerEpoch), (1, ErrorCode::InvalidProducerEpoch), (2, ErrorCode::ProducerFenced)] {
        let mut w = World::new();
        let (id, epoch) = w.init("x").unwrap();
        assert_eq!(w.end_in(version, "x", (id, epoch + 1), COMMIT), Err(error), "version {version}");
    }
}

#[test]
fn a_client_may_change_from_version_1_to_2_between_transactions() {
    let mut w = World::new();
    let mine = w.init("x").unwrap();
    w.add_v1("x", mine, &["t-0"]);
    assert_eq!(w.end_v1("x", mine, COMMIT), ErrorCode::None);
    assert_eq!(w.add("x", mine, &["t-0"]), ErrorCode::None);
    assert_eq!(w.commit("x", mine), Ok((100, 1)));
}

#[test]
fn the_abort_of_nothing_is_two_records_and_no_marker() {
    let mut w = World::new();
    let mine = w.init("x").unwrap();
    w.pass(50);
    w.writes_markers = false;
    assert_eq!(w.abort("x", mine), Ok((100, 1)));
    assert!(w.jobs.is_empty());
    assert_eq!((w.state("x"), w.txn("x").started), (TxnState::CompleteAbort, WallMs(START + 50)));
    let states: Vec<TxnState> = w.shard.log().records().iter().map(|r| r.txn.as_ref().unwrap().state).collect();
    assert_eq!(states, [TxnState::Empty, TxnState::PrepareAbort, TxnState::CompleteAbort]);
}
