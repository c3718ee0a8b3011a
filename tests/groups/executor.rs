//! The executor: answers wait for commits, failed appends become retriable codes (facts X5, E20), and what follows a lost append.

use kfk::machine::coordinator::Token;
use kfk::machine::group::GroupRequest;
use kfk::node::shard::AppendError;
use kfk::wire::ErrorCode;
use kfk::wire::heartbeat_request::HeartbeatRequest;

use crate::driver::{GROUP, Join, World, commit_request};

const NO_MEMBER: (&str, i32) = ("", -1);

fn send_commit(w: &mut World, offset: i64) -> Token {
    w.send(9, GroupRequest::OffsetCommit(commit_request(NO_MEMBER, "t", 0, offset)))
}

fn commit_to(w: &mut World, committed: i64) {
    w.shard.log_mut().committed_at = Some(committed);
    let released = w.shard.committed(w.now);
    w.take(released);
}

#[test]
fn x5_an_answer_leaves_when_its_record_is_committed() {
    let mut w = World::new();
    commit_to(&mut w, 0);
    let (first, second) = (send_commit(&mut w, 5), send_commit(&mut w, 6));
    assert!(w.waits(first) && w.waits(second));
    commit_to(&mut w, 1);
    assert_eq!(w.commit_codes(first), [ErrorCode::None]);
    assert!(w.waits(second));
    commit_to(&mut w, 2);
    assert_eq!(w.commit_codes(second), [ErrorCode::None]);
}

#[test]
fn x5_a_reader_is_not_shown_what_may_be_lost() {
    let mut w = World::new();
    commit_to(&mut w, 0);
    send_commit(&mut w, 5);
    let group = kfk::wire::offset_fetch_request::OffsetFetchRequestGroup { group_id: GROUP.into(), ..Default::default() };
    let fetch = w.send(9, GroupRequest::OffsetFetch { group, require_stable: false });
    assert!(w.waits(fetch));
    commit_to(&mut w, 1);
    assert!(!w.waits(fetch));
}

#[test]
fn x5_after_five_seconds_the_coordinator_is_not_available() {
    let mut w = World::new();
    commit_to(&mut w, 0);
    let token = send_commit(&mut w, 5);
    w.pass(4_999);
    assert!(w.waits(token));
    w.pass(1);
    assert_eq!(w.commit_codes(token), [ErrorCode::CoordinatorNotAvailable]);
}

#[test]
fn e20_append_errors_become_codes_that_clients_retry() {
    let cases = [
        (ErrorCode::NotEnoughReplicas, ErrorCode::CoordinatorNotAvailable),
        (ErrorCode::NotEnoughReplicasAfterAppend, ErrorCode::CoordinatorNotAvailable),
        (ErrorCode::RequestTimedOut, ErrorCode::CoordinatorNotAvailable),
        (ErrorCode::UnknownTopicOrPartition, ErrorCode::CoordinatorNotAvailable),
        (ErrorCode::NotLeaderOrFollower, ErrorCode::NotCoordinator),
        (ErrorCode::KafkaStorageError, ErrorCode::NotCoordinator),
        (ErrorCode::RecordListTooLarge, ErrorCode::InvalidCommitOffsetSize),
        (ErrorCode::MessageTooLarge, ErrorCode::InvalidCommitOffsetSize),
        (ErrorCode::UnknownServerError, ErrorCode::CoordinatorNotAvailable),
    ];
    for (from_log, to_client) in cases {
        let mut w = World::new();
        w.shard.log_mut().fail_next = Some(AppendError::Refused(from_log));
        assert_eq!(w.commit(NO_MEMBER, 0, 5), to_client, "{from_log:?}");
        assert_eq!(w.fetch(0), -1);
        assert_eq!(w.commit(NO_MEMBER, 0, 6), ErrorCode::None);
    }
}

#[test]
fn e20_a_group_too_large_to_be_written_is_told_so_for_good() {
    let mut w = World::new();
    let (id, joining) = w.enter(Join::consumer());
    w.pass(3_000);
    w.joined(joining);
    w.shard.log_mut().fail_next = Some(AppendError::Refused(ErrorCode::RecordListTooLarge));
    let sync = w.sync(&id, 1, &[(&id, "much")]);
    assert_eq!(w.sync_error(sync), ErrorCode::GroupMaxSizeReached);
}

#[test]
fn e20_when_it_is_not_known_what_the_log_did_everything_is_read_again() {
    let mut w = World::new();
    let ids = w.stable(1);
    w.commit((&ids[0], 1), 0, 5);
    let (_, joining) = w.enter(Join::consumer());
    w.shard.log_mut().fail_next = Some(AppendError::Unknown(ErrorCode::KafkaStorageError));
    assert_eq!(w.commit((&ids[0], 1), 0, 6), ErrorCode::NotCoordinator);
    assert_eq!(w.join_error(joining), ErrorCode::NotCoordinator);

    // J9, Z7: while it reads, heartbeats are taken on trust and all else has to wait.
    assert_eq!(w.heartbeat("anyone", 9), ErrorCode::None);
    let token = w.join(&Join::consumer());
    assert_eq!(w.join_error(token), ErrorCode::CoordinatorLoadInProgress);
    assert_eq!(w.commit((&ids[0], 1), 0, 6), ErrorCode::CoordinatorLoadInProgress);
    w.pass(0);
    assert!(w.shard.is_active());
    assert_eq!((w.heartbeat(&ids[0], 1), w.fetch(0)), (ErrorCode::None, 5));
}

#[test]
fn a_shard_that_is_closed_refuses_what_waits_and_what_comes() {
    let mut w = World::new();
    let (_, joining) = w.enter(Join::consumer());
    commit_to(&mut w, 0);
    let commit = w.send(
        9,
        GroupRequest::OffsetCommit({
            let mut request = commit_request(NO_MEMBER, "t", 0, 5);
            request.group_id = "other".into();
            request
        }),
    );
    let released = w.shard.close(w.now, ErrorCode::NotCoordinator);
    w.take(released);
    assert_eq!(w.join_error(joining), ErrorCode::NotCoordinator);
    assert_eq!(w.commit_codes(commit), [ErrorCode::NotCoordinator]);
    assert_eq!(w.heartbeat("m", 1), ErrorCode::NotCoordinator);
    assert_eq!((w.waiting(), w.shard.next_deadline()), (0, None));
    w.shard.log_mut().committed_at = None;
    let now = w.now;
    w.shard.open(now);
    w.pass(0);
    assert_eq!(w.heartbeat("m", 1), ErrorCode::UnknownMemberId);
}

#[test]
fn every_request_is_refused_in_its_own_shape_while_loading() {
    let mut w = World::new();
    let now = w.now;
    w.shard.open(now);
    // The driver checks that each answer fits its version.
    for version in 0..=4 {
        let request = HeartbeatRequest { group_id: GROUP.into(), ..Default::default() };
        let token = w.send(version, GroupRequest::Heartbeat(request));
        w.answer(token);
    }
    for version in 0..=9 {
        let token = w.join(&Join::consumer().version(version));
        assert_eq!(w.join_error(token), ErrorCode::CoordinatorLoadInProgress);
    }
    for version in 0..=5 {
        assert_eq!(w.leave(version, &[("m", None)]).error_code, ErrorCode::CoordinatorLoadInProgress.code());
    }
    for version in 2..=10 {
        assert_eq!(w.commit_as(version, commit_request(NO_MEMBER, "t", 0, 1)), [ErrorCode::CoordinatorLoadInProgress]);
    }
    assert_eq!(w.delete(GROUP), ErrorCode::CoordinatorLoadInProgress);
    assert_eq!(w.describe(GROUP).error_code, ErrorCode::CoordinatorLoadInProgress.code());
}
