//! Markers: written to every partition, whatever happens on the way.

use kfk::machine::txn::{MarkerOutcome, TxnState};
use kfk::wire::ErrorCode;

use super::driver::*;
use super::memory_log::Fault;

/// A commit whose markers wait for the script.
fn committing(partitions: &[&str]) -> World {
    let mut w = World::new();
    let mine = w.init("x").unwrap();
    w.add("x", mine, partitions);
    w.writes_markers = false;
    w.commit("x", mine).unwrap();
    w
}

#[test]
fn e14_markers_are_tried_again_until_they_are_written() {
    let mut w = committing(&["t-0", "t-1", "t-2"]);
    let job = w.jobs.remove(0);
    let failed = |e| MarkerOutcome::Failed(e);
    w.report_each(
        &job,
        vec![
            (partition("t-0"), failed(ErrorCode::NotLeaderOrFollower)),
            (partition("t-1"), MarkerOutcome::Written),
            (partition("t-2"), failed(ErrorCode::UnknownTopicOrPartition)),
        ],
    );
    assert!(w.jobs.is_empty(), "not at once");
    w.pass(100);
    let again = w.jobs.remove(0);
    assert_eq!(again.partitions, [partition("t-0"), partition("t-2")]);
    assert_ne!(again.job, job.job);
    assert_eq!((again.producer_epoch, again.commit), (job.producer_epoch, job.commit));
    w.report_each(&again, vec![(partition("t-0"), MarkerOutcome::Written)]);
    assert_eq!(w.state("x"), TxnState::PrepareCommit);
    w.report_each(&again, vec![(partition("t-2"), failed(ErrorCode::KafkaStorageError))]);
    w.pass(100);
    let last = w.jobs.remove(0);
    assert_eq!(last.partitions, [partition("t-2")]);
    w.report(&last, MarkerOutcome::Written);
    assert_eq!(w.state("x"), TxnState::CompleteCommit);
}

#[test]
fn e14_a_deleted_partition_does_not_block_the_transaction() {
    let mut w = committing(&["t-0", "gone-0"]);
    let job = w.jobs.remove(0);
    w.report_each(&job, vec![(partition("t-0"), MarkerOutcome::Written), (partition("gone-0"), MarkerOutcome::Gone)]);
    assert_eq!(w.state("x"), TxnState::CompleteCommit);
}

#[test]
fn e14_a_coordinator_that_was_replaced_gives_up() {
    for error in [ErrorCode::InvalidProducerEpoch, ErrorCode::TransactionCoordinatorFenced] {
        let mut w = committing(&["t-0", "t-1"]);
        let job = w.jobs.remove(0);
        w.report_each(&job, vec![(partition("t-0"), MarkerOutcome::Failed(error))]);
        w.report_each(&job, vec![(partition("t-1"), MarkerOutcome::Written)]);
        w.pass(60_000);
        assert!(w.jobs.is_empty());
        assert_eq!(w.state("x"), TxnState::PrepareCommit);
        // Whoever coordinates next starts over.
        w.crash();
        assert_eq!(w.jobs.remove(0).partitions.len(), 2);
    }
}

#[test]
fn e19_after_a_crash_the_markers_are_sent_again_and_the_outcome_stays() {
    let mut w = committing(&["t-0", "t-1"]);
    let job = w.jobs.remove(0);
    w.report_each(&job, vec![(partition("t-0"), MarkerOutcome::Written)]);
    w.crash();
    let again = w.jobs.remove(0);
    assert_eq!(again.partitions, [partition("t-0"), partition("t-1")], "what was written is not in the log");
    assert_eq!((again.commit, again.producer_epoch, again.coordinator_epoch), (true, job.producer_epoch, job.coordinator_epoch + 1));
    w.report(&again, MarkerOutcome::Written);
    assert_eq!(w.state("x"), TxnState::CompleteCommit);
    w.crash();
    assert!(w.jobs.is_empty());
    assert_eq!(w.state("x"), TxnState::CompleteCommit);
}

#[test]
fn what_is_told_of_an_old_job_says_nothing_of_the_next_transaction() {
    let mut w = World::v1();
    let mine = w.init("x").unwrap();
    w.writes_markers = false;
    w.add_v1("x", mine, &["t-0"]);
    w.end_v1("x", mine, true);
    let first = w.jobs.remove(0);
    w.report(&first, MarkerOutcome::Written);
    w.add_v1("x", mine, &["t-0"]);
    w.end_v1("x", mine, false);
    w.report(&first, MarkerOutcome::Written);
    assert_eq!(w.state("x"), TxnState::PrepareAbort, "same producer, same epoch, same partition: another transaction");
    let second = w.jobs.remove(0);
    // Nor does one of a coordinator that died.
    w.crash();
    w.report(&second, MarkerOutcome::Written);
    assert_eq!(w.state("x"), TxnState::PrepareAbort);
    let third = w.jobs.remove(0);
    w.report(&third, MarkerOutcome::Written);
    w.report(&third, MarkerOutcome::Written);
    assert_eq!(w.state("x"), TxnState::CompleteAbort);
}

#[test]
fn a_completion_that_could_not_be_written_is_tried_again() {
    let mut w = committing(&["t-0"]);
    let job = w.jobs.remove(0);
    w.shard.log_mut().fault = Some(Fault::Refused(ErrorCode::NotEnoughReplicas));
    w.report(&job, MarkerOutcome::Written);
    assert_eq!(w.state("x"), TxnState::PrepareCommit);
    w.pass(100);
    assert_eq!(w.state("x"), TxnState::CompleteCommit);
    assert!(w.jobs.is_empty(), "the marker itself was there");
}
