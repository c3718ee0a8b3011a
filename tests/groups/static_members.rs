//! Static members: fact J11, and what of J4 and J10 concerns them.

use kfk::machine::group::GroupRecord;
use kfk::node::shard::AppendError;
use kfk::wire::ErrorCode;

use crate::driver::{GATHER, Join, World};

/// A stable group of static members `a` and `b`; `a` leads.
fn static_pair(w: &mut World) -> (String, String) {
    let a = w.join(&Join::consumer().instance("a"));
    let b = w.join(&Join::consumer().instance("b"));
    w.pass(GATHER);
    let (a, b) = (w.joined(a).member_id, w.joined(b).member_id);
    assert!(a.starts_with("a-") && b.starts_with("b-"));
    w.assign(&[a.clone(), b.clone()], 1);
    (a, b)
}

#[test]
fn j11_a_restarted_follower_goes_on_without_a_rebalance() {
    let mut w = World::new();
    let (leader, old) = static_pair(&mut w);
    let batches = w.shard.log().batches;
    let token = w.join(&Join::consumer().instance("b"));
    let answer = w.joined(token);
    let new = answer.member_id;
    assert_ne!(new, old);
    assert_eq!((answer.generation_id, answer.leader, answer.skip_assignment, answer.members.len()), (1, leader.clone(), false, 0));
    assert_eq!(w.state(), "Stable");
    assert_eq!(w.heartbeat_as(&old, Some("b"), 1), ErrorCode::FencedInstanceId);
    assert_eq!(w.heartbeat(&old, 1), ErrorCode::UnknownMemberId);
    assert_eq!((w.heartbeat(&leader, 1), w.heartbeat_as(&new, Some("b"), 1)), (ErrorCode::None, ErrorCode::None));
    let sync = w.sync(&new, 1, &[]);
    assert_eq!(w.synced(sync).assignment, old, "the assignment of the id before");

    // The new id is in the log.
    assert_eq!(w.shard.log().batches, batches + 1);
    w.crash();
    assert_eq!((w.heartbeat(&old, 1), w.heartbeat(&new, 1)), (ErrorCode::UnknownMemberId, ErrorCode::None));
    let sync = w.sync(&new, 1, &[]);
    assert_eq!(w.synced(sync).assignment, old);
}

#[test]
fn j11_a_restarted_leader_is_told_to_leave_the_assignment_as_it_is() {
    let mut w = World::new();
    static_pair(&mut w);
    let token = w.join(&Join::consumer().instance("a"));
    let answer = w.joined(token);
    assert_eq!((answer.generation_id, answer.skip_assignment, answer.members.len()), (1, true, 2));
    assert_eq!(answer.leader, answer.member_id);
}

#[test]
fn j11_before_version_9_a_restarted_leader_hears_of_its_former_id_as_leader() {
    let mut w = World::new();
    let (old, _) = static_pair(&mut w);
    let token = w.join(&Join::consumer().instance("a").version(8));
    let answer = w.joined(token);
    assert_eq!((answer.generation_id, answer.leader, answer.members.len()), (1, old, 0));
}

#[test]
fn j11_a_changed_choice_of_protocol_rebalances() {
    let mut w = World::new();
    let a = w.join(&Join::consumer().instance("a").protocols(&["x", "y"]));
    w.pass(3_000);
    let id = w.joined(a).member_id;
    w.assign(&[id], 1);
    let token = w.join(&Join::consumer().instance("a").protocols(&["y", "x"]));
    let answer = w.joined(token); // alone, it need not wait for anyone
    assert_eq!((answer.generation_id, answer.protocol_name.as_deref()), (2, Some("y")));
}

#[test]
fn j11_while_completing_a_restart_rebalances_and_fences_the_requests_of_the_old_id() {
    let mut w = World::new();
    let a = w.join(&Join::consumer().instance("a"));
    let b = w.join(&Join::consumer().instance("b"));
    w.pass(GATHER);
    let (a, b) = (w.joined(a).member_id, w.joined(b).member_id);
    let sync = w.sync(&b, 1, &[]);
    let restarted = w.join(&Join::consumer().instance("b"));
    assert_eq!(w.sync_error(sync), ErrorCode::FencedInstanceId);
    assert!(w.waits(restarted));
    let leader = w.join(&Join::consumer().id(&a).instance("a"));
    assert_eq!((w.joined(leader).generation_id, w.joined(restarted).generation_id), (2, 2));
}

#[test]
fn j11_a_second_start_while_preparing_fences_the_first() {
    let mut w = World::new();
    let first = w.join(&Join::consumer().instance("a"));
    let second = w.join(&Join::consumer().instance("a"));
    assert_eq!(w.join_error(first), ErrorCode::FencedInstanceId);
    w.pass(3_000);
    assert_eq!(w.joined(second).members.len(), 1);
}

#[test]
fn j11_a_replacement_that_cannot_be_written_leaves_the_old_id_in_place() {
    let mut w = World::new();
    let (leader, old) = static_pair(&mut w);
    w.shard.log_mut().fail_next = Some(AppendError::Refused(ErrorCode::RequestTimedOut));
    let token = w.join(&Join::consumer().instance("b"));
    assert_eq!(w.join_error(token), ErrorCode::CoordinatorNotAvailable);
    assert_eq!((w.heartbeat_as(&old, Some("b"), 1), w.heartbeat(&leader, 1)), (ErrorCode::None, ErrorCode::None));
}

#[test]
fn j4_a_static_member_that_does_not_rejoin_stays_until_its_session_ends() {
    let mut w = World::new();
    let a = w.join(&Join::consumer().instance("a"));
    let b = w.join(&Join::consumer().instance("b").session_ms(100_000));
    w.pass(GATHER);
    let (a, b) = (w.joined(a).member_id, w.joined(b).member_id);
    w.assign(&[a.clone(), b.clone()], 1);
    let leader = w.join(&Join::consumer().id(&a).instance("a"));
    w.pass(60_000);
    let answer = w.joined(leader);
    assert_eq!((answer.generation_id, answer.members.len()), (2, 2));
    let sync = w.sync(&a, 2, &[(&a, "A"), (&b, "B")]);
    assert_eq!(w.sync_error(sync), ErrorCode::None);
    // J10: static or not, a session that ends removes the member. (It was renewed when the join phase ended.)
    while w.heartbeat_as(&b, Some("b"), -1) == ErrorCode::IllegalGeneration {
        w.heartbeat(&a, 2);
        w.pass(5_000);
    }
    assert_eq!(w.heartbeat(&a, 2), ErrorCode::RebalanceInProgress);
}

#[test]
fn a_group_of_static_members_none_of_whom_rejoins_keeps_waiting_for_them() {
    let mut w = World::new();
    let a = w.join(&Join::consumer().instance("a").session_ms(300_000));
    let b = w.join(&Join::consumer().instance("b").session_ms(300_000));
    w.pass(GATHER);
    let (a, b) = (w.joined(a).member_id, w.joined(b).member_id);
    w.assign(&[a.clone(), b.clone()], 1);
    let (gone, joining) = w.enter(Join::consumer());
    w.leave(3, &[(&gone, None)]);
    assert_eq!(w.join_error(joining), ErrorCode::UnknownMemberId);
    w.pass(120_000);
    assert_eq!(w.state(), "PreparingRebalance");
    let (one, two) = (w.join(&Join::consumer().id(&b).instance("b")), w.join(&Join::consumer().id(&a).instance("a")));
    assert_eq!((w.joined(one).generation_id, w.joined(two).generation_id), (2, 2));
}

#[test]
fn the_instance_id_is_stored() {
    let mut w = World::new();
    static_pair(&mut w);
    let Some(GroupRecord::Group { value: Some(value), .. }) = w.shard.log().records(0).pop() else { panic!() };
    let instances: Vec<_> = value.members.iter().map(|m| m.group_instance_id.as_deref()).collect();
    assert_eq!(instances, [Some("a"), Some("b")]);
    w.crash();
    let members = w.describe(crate::driver::GROUP).members;
    assert_eq!(members[1].group_instance_id.as_deref(), Some("b"));
}
