//! SyncGroup, Heartbeat, LeaveGroup: facts J7, J9, J12.

use kfk::machine::group::GroupRecord;
use kfk::node::shard::AppendError;
use kfk::wire::ErrorCode;
use kfk::wire::sync_group_request::SyncGroupRequest;

use crate::driver::{GATHER, GROUP, Join, World};

#[test]
fn j7_what_is_wrong_with_a_sync_is_told() {
    let mut w = World::new();
    let nobody = w.sync("m", 1, &[]);
    assert_eq!(w.sync_error(nobody), ErrorCode::UnknownMemberId);
    let (id, joining) = w.enter(Join::consumer());
    w.pass(3_000);
    w.joined(joining);
    let error = |w: &mut World, request: SyncGroupRequest| {
        let token = w.sync_as(SyncGroupRequest { group_id: GROUP.into(), ..request }, &[]);
        w.sync_error(token)
    };
    let good = SyncGroupRequest { generation_id: 1, member_id: id.clone(), ..Default::default() };
    assert_eq!(error(&mut w, SyncGroupRequest { member_id: "m".into(), ..good.clone() }), ErrorCode::UnknownMemberId);
    assert_eq!(error(&mut w, SyncGroupRequest { generation_id: 2, ..good.clone() }), ErrorCode::IllegalGeneration);
    let named = |kind: Option<&str>, name: Option<&str>| SyncGroupRequest {
        protocol_type: kind.map(str::to_string),
        protocol_name: name.map(str::to_string),
        ..good.clone()
    };
    assert_eq!(error(&mut w, named(Some("connect"), Some("range"))), ErrorCode::InconsistentGroupProtocol);
    assert_eq!(error(&mut w, named(Some("consumer"), Some("sticky"))), ErrorCode::InconsistentGroupProtocol);
    let instance = SyncGroupRequest { group_instance_id: Some("i".into()), ..good.clone() };
    assert_eq!(error(&mut w, instance), ErrorCode::UnknownMemberId);
    assert_eq!(error(&mut w, named(Some("consumer"), Some("range"))), ErrorCode::None);
    let (_, _) = w.enter(Join::consumer());
    assert_eq!(error(&mut w, good), ErrorCode::RebalanceInProgress);
}

#[test]
fn j7_followers_wait_for_the_leader_and_a_late_one_gets_the_stored_assignment() {
    let mut w = World::new();
    let entered: Vec<_> = (0..3).map(|_| w.enter(Join::consumer())).collect();
    w.pass(GATHER);
    let ids: Vec<&str> = entered.iter().map(|(id, _)| id.as_str()).collect();
    let follower = w.sync(ids[1], 1, &[]);
    assert!(w.waits(follower));
    let leader = w.sync(ids[0], 1, &[(ids[0], "A"), (ids[1], "B"), ("stranger", "X")]);
    assert_eq!(w.synced(leader).assignment, "A");
    let answer = w.synced(follower);
    assert_eq!((answer.assignment, answer.protocol_name.as_deref()), ("B".into(), Some("range")));
    // Nothing was said about the third one.
    let late = w.sync(ids[2], 1, &[]);
    assert_eq!(w.synced(late).assignment, "");

    let Some(GroupRecord::Group { value: Some(value), .. }) = w.shard.log().records(0).pop() else { panic!() };
    assert_eq!((value.generation, value.leader.as_deref(), value.protocol.as_deref()), (1, Some(ids[0]), Some("range")));
    let mut assignments: Vec<_> = value.members.iter().map(|m| (m.member_id.as_str(), &m.assignment[..])).collect();
    let mut expected = vec![(ids[0], &b"A"[..]), (ids[1], &b"B"[..]), (ids[2], &b""[..])];
    assignments.sort();
    expected.sort();
    assert_eq!(assignments, expected);
    assert!(value.members.iter().all(|m| m.client_host == "/127.0.0.1" && m.session_timeout == 10_000 && m.rebalance_timeout == 60_000));
}

#[test]
fn j7_a_failed_write_is_told_to_all_and_the_group_rebalances() {
    let mut w = World::new();
    let entered: Vec<_> = (0..2).map(|_| w.enter(Join::consumer())).collect();
    w.pass(GATHER);
    entered.iter().for_each(|(_, token)| drop(w.joined(*token)));
    w.shard.log_mut().fail_next = Some(AppendError::Refused(ErrorCode::NotEnoughReplicas));
    let follower = w.sync(&entered[1].0, 1, &[]);
    let leader = w.sync(&entered[0].0, 1, &[(&entered[1].0, "B")]);
    assert_eq!(w.sync_error(leader), ErrorCode::CoordinatorNotAvailable);
    assert_eq!(w.sync_error(follower), ErrorCode::CoordinatorNotAvailable);
    assert_eq!(w.state(), "PreparingRebalance");

    // Both come back under the ids they have.
    let tokens: Vec<_> = entered.iter().map(|(id, _)| w.join(&Join::consumer().id(id))).collect();
    assert!(tokens.into_iter().all(|t| w.joined(t).generation_id == 2));
    let ids: Vec<String> = entered.into_iter().map(|(id, _)| id).collect();
    w.assign(&ids, 2);
}

#[test]
fn j7_a_new_rebalance_sends_those_who_wait_back() {
    let mut w = World::new();
    let entered: Vec<_> = (0..2).map(|_| w.enter(Join::consumer())).collect();
    w.pass(GATHER);
    let follower = w.sync(&entered[1].0, 1, &[]);
    w.enter(Join::consumer());
    assert_eq!(w.sync_error(follower), ErrorCode::RebalanceInProgress);
}

#[test]
fn j9_heartbeats() {
    let mut w = World::new();
    assert_eq!(w.heartbeat("m", 1), ErrorCode::UnknownMemberId);
    let (id, joining) = w.enter(Join::consumer());
    w.pass(3_000);
    w.joined(joining);
    assert_eq!(w.heartbeat(&id, 1), ErrorCode::None, "completing");
    w.assign(std::slice::from_ref(&id), 1);
    assert_eq!(w.heartbeat(&id, 1), ErrorCode::None, "stable");
    assert_eq!(w.heartbeat(&id, 0), ErrorCode::IllegalGeneration);
    assert_eq!(w.heartbeat("m", 1), ErrorCode::UnknownMemberId);
    w.enter(Join::consumer());
    w.pass(9_999);
    assert_eq!(w.heartbeat(&id, 1), ErrorCode::RebalanceInProgress, "preparing");
    w.pass(9_999);
    assert_eq!(w.heartbeat(&id, 1), ErrorCode::RebalanceInProgress, "and it has kept the member alive");
}

#[test]
fn j12_many_members_leave_each_with_its_own_error() {
    let mut w = World::new();
    let (fixed, joining) = {
        let token = w.join(&Join::consumer().instance("i"));
        w.pass(3_000);
        (w.joined(token).member_id, token)
    };
    assert!(!w.waits(joining));
    w.assign(std::slice::from_ref(&fixed), 1);
    let pending = w.member_id(&Join::consumer());
    let members =
        [("", Some("i")), ("", Some("other")), (fixed.as_str(), Some("other")), ("stranger", None), (pending.as_str(), None), ("", None)];
    let answer = w.leave(4, &members);
    let codes: Vec<i16> = answer.members.iter().map(|m| m.error_code).collect();
    let unknown = ErrorCode::UnknownMemberId.code();
    assert_eq!((answer.error_code, codes), (0, vec![0, unknown, unknown, unknown, 0, unknown]));
    assert_eq!(w.state(), "Empty");
}

#[test]
fn j12_a_fenced_instance_does_not_take_its_successor_along() {
    let mut w = World::new();
    let token = w.join(&Join::consumer().instance("i"));
    w.pass(3_000);
    let old = w.joined(token).member_id;
    w.assign(std::slice::from_ref(&old), 1);
    let token = w.join(&Join::consumer().instance("i"));
    let new = w.joined(token).member_id;
    assert_ne!(old, new);
    assert_eq!(w.leave(3, &[(&old, Some("i"))]).members[0].error_code, ErrorCode::FencedInstanceId.code());
    assert_eq!(w.leave(3, &[(&new, Some("i"))]).members[0].error_code, 0);
}

#[test]
fn j12_below_version_3_one_member_leaves_and_the_error_is_that_of_the_request() {
    let mut w = World::new();
    let ids = w.stable(2);
    assert_eq!(w.leave(2, &[("stranger", None)]).error_code, ErrorCode::UnknownMemberId.code());
    let answer = w.leave(2, &[(&ids[1], None)]);
    assert_eq!((answer.error_code, answer.members.len()), (0, 0));
    assert_eq!(w.heartbeat(&ids[0], 1), ErrorCode::RebalanceInProgress);
}

#[test]
fn j12_an_unknown_group_is_told_member_by_member() {
    let mut w = World::new();
    let answer = w.leave(3, &[("a", None), ("b", None)]);
    assert_eq!((answer.error_code, answer.members.len()), (0, 2));
    assert!(answer.members.iter().all(|m| m.error_code == ErrorCode::UnknownMemberId.code()));
    assert_eq!(w.leave(1, &[("a", None)]).error_code, ErrorCode::UnknownMemberId.code());
}

#[test]
fn a_member_that_leaves_has_its_waiting_join_answered() {
    let mut w = World::new();
    let (id, joining) = w.enter(Join::consumer());
    w.leave(3, &[(&id, None)]);
    assert_eq!(w.join_error(joining), ErrorCode::UnknownMemberId);
    w.pass(3_000);
    assert_eq!(w.state(), "Empty");
}
