//! ListTransactions and DescribeTransactions.

use kfk::machine::txn::{ListFilter, MarkerOutcome, TxnState};
use kfk::wire::ErrorCode;

use super::driver::*;

/// Three ids: one empty, one open for a second, one committed.
fn world() -> World {
    let mut w = World::new();
    w.init("empty").unwrap();
    let open = w.init("open").unwrap();
    let done = w.init("done").unwrap();
    w.add("open", open, &["b-1", "a-0", "b-0"]);
    w.add("done", done, &["t-0"]);
    w.commit("done", done).unwrap();
    w.pass(1_000);
    w
}

#[test]
fn e21_lists_by_state_producer_age_and_name() {
    let mut w = world();
    assert_eq!(w.list(ListFilter::default()), ["done", "empty", "open"]);
    let states = Some([TxnState::Ongoing, TxnState::Empty].into());
    assert_eq!(w.list(ListFilter { states, ..Default::default() }), ["empty", "open"]);
    assert_eq!(w.list(ListFilter { states: Some([].into()), ..Default::default() }), [""; 0]);
    assert_eq!(w.list(ListFilter { producer_ids: [101].into(), ..Default::default() }), ["open"]);
    let older = |ms| ListFilter { longer_than_ms: Some(ms), ..Default::default() };
    assert_eq!(w.list(older(999)), ["done", "empty", "open"]);
    assert_eq!(w.list(older(1_000)), ["empty"], "what has never begun counts as old as time, as Kafka counts it");
    let pattern = Some(regex::Regex::new(r"\A(?:o.*|done)\z").unwrap());
    assert_eq!(w.list(ListFilter { pattern, ..Default::default() }), ["done", "open"]);
}

#[test]
fn e21_describes_an_open_transaction() {
    let mut w = world();
    let shown = w.describe("open");
    assert_eq!((shown.error_code, shown.transaction_state.as_str()), (0, "Ongoing"));
    assert_eq!((shown.producer_id, shown.producer_epoch), (101, 0));
    assert_eq!((shown.transaction_timeout_ms, shown.transaction_start_time_ms), (60_000, START));
    let topics: Vec<(&str, &[i32])> = shown.topics.iter().map(|t| (t.topic.as_str(), &t.partitions[..])).collect();
    assert_eq!(topics, [("a", &[0][..]), ("b", &[0, 1])]);
    let empty = w.describe("empty");
    assert_eq!((empty.transaction_state.as_str(), empty.transaction_start_time_ms, empty.topics.len()), ("Empty", -1, 0));
}

#[test]
fn e21_describes_what_is_not_there() {
    let mut w = world();
    let unknown = w.describe("nobody");
    assert_eq!((unknown.error_code, unknown.transactional_id.as_str()), (ErrorCode::TransactionalIdNotFound.code(), "nobody"));
    assert_eq!(w.describe("").error_code, ErrorCode::InvalidRequest.code());
}

#[test]
fn e21_of_a_decided_transaction_the_partitions_without_marker_are_shown() {
    let mut w = world();
    w.writes_markers = false;
    w.abort("open", (101, 0)).unwrap();
    let job = w.jobs.remove(0);
    w.report_each(&job, vec![(partition("b-0"), MarkerOutcome::Written), (partition("a-0"), MarkerOutcome::Gone)]);
    let shown = w.describe("open");
    assert_eq!(shown.transaction_state, "PrepareAbort");
    let topics: Vec<(&str, &[i32])> = shown.topics.iter().map(|t| (t.topic.as_str(), &t.partitions[..])).collect();
    assert_eq!(topics, [("b", &[1][..])]);
}
