//! JoinGroup and the course of a rebalance: facts J1 to J6, J8, J10.

use kfk::machine::group::GroupConfig;
use kfk::wire::ErrorCode;

use crate::driver::{GATHER, GROUP, Join, World};

#[test]
fn j1_a_group_goes_through_its_states() {
    let mut w = World::new();
    let (id, joining) = w.enter(Join::consumer());
    assert_eq!(w.state(), "PreparingRebalance");
    w.pass(3_000);
    assert_eq!(w.joined(joining).generation_id, 1);
    assert_eq!(w.state(), "CompletingRebalance");
    w.assign(std::slice::from_ref(&id), 1);
    assert_eq!(w.state(), "Stable");
    w.leave(3, &[(&id, None)]);
    assert_eq!(w.state(), "Empty");
    assert_eq!(w.describe("other").group_state, "Dead");
}

#[test]
fn j2_what_is_wrong_with_a_request_is_told() {
    let mut w = World::with_config(GroupConfig { max_size: 2, ..Default::default() });
    let error = |w: &mut World, join: &Join| {
        let token = w.join(join);
        w.join_error(token)
    };
    assert_eq!(error(&mut w, &Join { group: String::new(), ..Join::consumer() }), ErrorCode::InvalidGroupId);
    assert_eq!(error(&mut w, &Join::consumer().session_ms(5_999)), ErrorCode::InvalidSessionTimeout);
    assert_eq!(error(&mut w, &Join::consumer().session_ms(1_800_001)), ErrorCode::InvalidSessionTimeout);
    assert_eq!(error(&mut w, &Join::consumer().protocol_type("")), ErrorCode::InconsistentGroupProtocol);
    assert_eq!(error(&mut w, &Join::consumer().protocols(&[])), ErrorCode::InconsistentGroupProtocol);

    let ids = w.stable(2);
    assert_eq!(error(&mut w, &Join::consumer()), ErrorCode::GroupMaxSizeReached);
    w.leave(3, &[(&ids[1], None)]);
    assert_eq!(error(&mut w, &Join::consumer().protocols(&["other"])), ErrorCode::InconsistentGroupProtocol);
    assert_eq!(error(&mut w, &Join::consumer().protocol_type("connect")), ErrorCode::InconsistentGroupProtocol);
}

#[test]
fn j3_a_new_dynamic_member_is_sent_away_with_an_id() {
    let mut w = World::new();
    let id = w.member_id(&Join { client: "app".into(), ..Join::consumer() });
    let (client, uuid) = id.split_at(4);
    assert_eq!((client, uuid.len(), uuid.matches('-').count()), ("app-", 36, 4));
    assert_eq!(w.describe(GROUP).members.len(), 0);

    // Within the session timeout it may come back.
    w.pass(9_999);
    let joining = w.join(&Join::consumer().id(&id));
    assert!(w.waits(joining));
    let token = w.join(&Join::consumer().id("stranger"));
    assert_eq!(w.join_error(token), ErrorCode::UnknownMemberId);
}

#[test]
fn j3_an_id_that_is_not_used_lapses() {
    let mut w = World::new();
    let id = w.member_id(&Join::consumer());
    w.pass(10_000);
    let token = w.join(&Join::consumer().id(&id));
    assert_eq!(w.join_error(token), ErrorCode::UnknownMemberId);
    // Nothing is left of the group either.
    assert_eq!(w.state(), "Dead");
}

#[test]
fn j3_versions_below_4_join_without_an_id() {
    let mut w = World::new();
    let tokens: Vec<_> = (0..4).map(|version| w.join(&Join::consumer().version(version))).collect();
    w.pass(GATHER);
    let answers: Vec<_> = tokens.into_iter().map(|t| w.joined(t)).collect();
    assert!(answers.iter().all(|a| a.error_code == 0 && a.generation_id == 1 && a.protocol_name.as_deref() == Some("range")));
}

#[test]
fn j4_a_first_join_waits_and_every_newcomer_extends_the_wait() {
    let mut w = World::new();
    let (_, first) = w.enter(Join::consumer().rebalance_ms(7_000));
    w.pass(2_000);
    let (_, second) = w.enter(Join::consumer());
    w.pass(1_000); // 3 s: extended by 3 s
    assert!(w.waits(first));
    let (_, third) = w.enter(Join::consumer());
    w.pass(3_000); // 6 s: extended by what is left of the first member's 7 s
    assert!(w.waits(first));
    w.pass(1_000);
    assert!([first, second, third].into_iter().all(|t| !w.waits(t)));
    assert_eq!(w.joined(first).members.len(), 3);
}

#[test]
fn j4_without_newcomers_the_first_join_takes_its_delay_only() {
    let mut w = World::new();
    let (_, first) = w.enter(Join::consumer());
    w.pass(2_999);
    assert!(w.waits(first));
    w.pass(1);
    assert_eq!(w.joined(first).generation_id, 1);
}

#[test]
fn j4_no_delay_if_none_is_configured() {
    let mut w = World::with_config(GroupConfig { initial_rebalance_delay_ms: 0, ..Default::default() });
    let (_, first) = w.enter(Join::consumer());
    assert_eq!(w.joined(first).generation_id, 1);
}

#[test]
fn j4_a_rebalance_ends_when_all_have_rejoined() {
    let mut w = World::new();
    let ids = w.stable(2);
    let (_, newcomer) = w.enter(Join::consumer());
    let first = w.join(&Join::consumer().id(&ids[0]));
    assert!(w.waits(newcomer) && w.waits(first));
    let second = w.join(&Join::consumer().id(&ids[1]));
    assert!([newcomer, first, second].into_iter().all(|t| !w.waits(t)));
    assert_eq!(w.joined(first).members.len(), 3);
}

#[test]
fn j4_an_id_that_was_given_out_is_waited_for() {
    let mut w = World::new();
    let ids = w.stable(1);
    let pending = w.member_id(&Join::consumer());
    let rejoined = w.join(&Join::consumer().id(&ids[0])); // the leader: a rebalance
    assert!(w.waits(rejoined));
    let joining = w.join(&Join::consumer().id(&pending));
    assert_eq!(w.joined(rejoined).members.len(), 2);
    assert_eq!(w.joined(joining).generation_id, 2);
}

#[test]
fn j4_who_does_not_rejoin_in_time_is_removed() {
    let mut w = World::new();
    let ids = w.stable(2);
    let (newcomer, joining) = w.enter(Join::consumer());
    for _ in 0..12 {
        w.heartbeat(&ids[0], 1);
        w.heartbeat(&ids[1], 1);
        w.pass(4_999);
    }
    assert!(w.waits(joining));
    w.pass(12);
    let answer = w.joined(joining);
    assert_eq!((answer.generation_id, answer.leader.as_str(), answer.members.len()), (2, newcomer.as_str(), 1));
    assert_eq!(w.heartbeat(&ids[0], 1), ErrorCode::UnknownMemberId);
}

#[test]
fn j5_the_protocol_with_most_votes_that_all_know_wins() {
    let mut w = World::new();
    let protocols: [&[&str]; 3] = [&["own", "a", "b"], &["b", "a"], &["b", "a"]];
    let entered: Vec<_> = protocols.iter().map(|names| w.enter(Join::consumer().protocols(names))).collect();
    w.pass(GATHER);
    let answers: Vec<_> = entered.iter().map(|(_, token)| w.joined(*token)).collect();
    assert!(answers.iter().all(|a| a.protocol_name.as_deref() == Some("b") && a.protocol_type.as_deref() == Some("consumer")));
    assert!(answers.iter().all(|a| a.leader == entered[0].0 && a.generation_id == 1));
    assert_eq!(answers.iter().map(|a| a.members.len()).collect::<Vec<_>>(), [3, 0, 0]);
}

#[test]
fn j5_a_group_that_everyone_left_is_written_as_empty_with_a_new_generation() {
    let mut w = World::new();
    let ids = w.stable(1);
    let before = w.shard.log().items.len();
    w.leave(3, &[(&ids[0], None)]);
    let records = w.shard.log().records(before);
    let [kfk::machine::group::GroupRecord::Group { value: Some(value), .. }] = &records[..] else { panic!("{records:?}") };
    assert_eq!((value.generation, value.members.len(), &value.protocol, &value.leader), (2, 0, &None, &None));
    assert_eq!(value.protocol_type, "consumer");
}

#[test]
fn j6_a_rejoin_that_changes_nothing_gets_the_present_generation() {
    let mut w = World::new();
    let ids = w.stable(2);
    let follower = w.join(&Join::consumer().id(&ids[1]));
    let answer = w.joined(follower);
    assert_eq!((answer.generation_id, answer.leader.as_str(), answer.members.len()), (1, ids[0].as_str(), 0));
    assert_eq!(w.state(), "Stable");
}

#[test]
fn j6_a_leader_that_rejoins_or_a_changed_subscription_rebalances() {
    let mut w = World::new();
    let ids = w.stable(2);
    let leader = w.join(&Join::consumer().id(&ids[0]));
    assert!(w.waits(leader));
    let follower = w.join(&Join::consumer().id(&ids[1]));
    assert_eq!(w.joined(leader).generation_id, 2);
    // While completing, even the leader may repeat itself, and gets the member list again.
    let again = w.join(&Join::consumer().id(&ids[0]));
    let answer = w.joined(again);
    assert_eq!((answer.generation_id, answer.members.len()), (2, 2));
    w.joined(follower);
    let changed = w.join(&Join::consumer().id(&ids[1]).topics(&["t", "u"]));
    assert!(w.waits(changed));
    assert_eq!(w.state(), "PreparingRebalance");
}

#[test]
fn j8_who_does_not_sync_in_time_is_removed() {
    let mut w = World::new();
    let entered: Vec<_> = (0..2).map(|_| w.enter(Join::consumer().rebalance_ms(8_000))).collect();
    w.pass(8_000);
    let (leader, idle) = (entered[0].0.clone(), entered[1].0.clone());
    let sync = w.sync(&leader, 1, &[(&leader, "all")]);
    assert_eq!(w.sync_error(sync), ErrorCode::None);
    w.pass(3_000);
    assert_eq!((w.heartbeat(&leader, 1), w.heartbeat(&idle, 1)), (ErrorCode::None, ErrorCode::None));
    w.pass(5_000);
    assert_eq!(w.heartbeat(&idle, 1), ErrorCode::UnknownMemberId);
    assert_eq!(w.heartbeat(&leader, 1), ErrorCode::RebalanceInProgress);
}

#[test]
fn j10_a_silent_member_is_removed_and_the_group_rebalances() {
    let mut w = World::new();
    let ids = w.stable(2);
    w.pass(9_999);
    assert_eq!(w.heartbeat(&ids[0], 1), ErrorCode::None);
    w.pass(1);
    assert_eq!(w.heartbeat(&ids[0], 1), ErrorCode::RebalanceInProgress);
    assert_eq!(w.heartbeat(&ids[1], 1), ErrorCode::UnknownMemberId);
    w.pass(10_000);
    assert_eq!(w.state(), "Empty");
}

#[test]
fn j10_a_new_member_has_five_minutes_for_its_first_rebalance() {
    let mut w = World::new();
    let ids = w.stable(1);
    let (newcomer, joining) = w.enter(Join::consumer().rebalance_ms(400_000));
    // The old member stays alive but does not rejoin.
    for _ in 0..59 {
        assert_eq!(w.heartbeat(&ids[0], 1), ErrorCode::RebalanceInProgress);
        w.pass(5_000);
    }
    assert!(w.waits(joining));
    w.heartbeat(&ids[0], 1);
    w.pass(5_000);
    assert_eq!(w.join_error(joining), ErrorCode::UnknownMemberId);
    let token = w.join(&Join::consumer().id(&newcomer));
    assert_eq!(w.join_error(token), ErrorCode::UnknownMemberId);
}

#[test]
fn a_member_that_repeats_its_join_has_the_older_request_answered() {
    let mut w = World::new();
    let (id, first) = w.enter(Join::consumer());
    let second = w.join(&Join::consumer().id(&id));
    assert_eq!(w.join_error(first), ErrorCode::RebalanceInProgress);
    w.pass(GATHER);
    assert_eq!(w.joined(second).generation_id, 1);
}

#[test]
fn a_limit_that_was_lowered_keeps_those_who_rejoin_first() {
    let mut w = World::new();
    let ids = w.stable(3);
    w.config.max_size = 2;
    w.crash();
    assert_eq!(w.state(), "PreparingRebalance");
    let first = w.join(&Join::consumer().id(&ids[2]));
    let second = w.join(&Join::consumer().id(&ids[1]));
    let third = w.join(&Join::consumer().id(&ids[0]));
    assert_eq!(w.join_error(third), ErrorCode::GroupMaxSizeReached);
    assert_eq!((w.joined(first).generation_id, w.joined(second).generation_id), (2, 2));
}
