//! Groups change between the classic and the consumer protocol: fact K11.

use bytes::Bytes;
use kfk::machine::assign::consumer_protocol;
use kfk::machine::coordinator::Token;
use kfk::machine::group::{ConsumerGroupConfig, GroupConfig, GroupRecord, MigrationPolicy};
use kfk::node::shard::AppendError;
use kfk::types::TopicPartition;
use kfk::wire::ErrorCode;
use kfk::wire::join_group_response::JoinGroupResponse;
use kfk::wire::sync_group_request::{SyncGroupRequest, SyncGroupRequestAssignment};

use crate::consumer_driver::{Client, Names, names};
use crate::driver::{GATHER, GROUP, Join, World};

fn world_with(migration: MigrationPolicy) -> World {
    let consumer = ConsumerGroupConfig { migration, ..Default::default() };
    let mut w = World::with_config(GroupConfig { consumer, ..Default::default() });
    w.topics(&[("t", 4)]);
    w
}

fn world() -> World {
    world_with(MigrationPolicy::Bidirectional)
}

fn encoded(partitions: &[i32]) -> Bytes {
    let list: Vec<TopicPartition> = partitions.iter().map(|p| TopicPartition::new("t", *p)).collect();
    consumer_protocol::encode_assignment(&list, None, 3).unwrap()
}

fn decoded(assignment: &Bytes) -> Names {
    consumer_protocol::decode_assignment(assignment).unwrap().0.iter().map(TopicPartition::to_string).collect()
}

/// A stable classic group whose members have these partitions of `t`.
fn classic_group(w: &mut World, joins: &[Join], partitions: &[&[i32]]) -> Vec<String> {
    let entered: Vec<(String, Token)> = joins.iter().map(|join| enter(w, join)).collect();
    w.pass(GATHER);
    let joined: Vec<JoinGroupResponse> = entered.iter().map(|(_, token)| w.joined(*token)).collect();
    let ids: Vec<String> = joined.iter().map(|j| j.member_id.clone()).collect();
    let assignments: Vec<SyncGroupRequestAssignment> =
        (ids.iter().zip(partitions)).map(|(id, p)| SyncGroupRequestAssignment { member_id: id.clone(), assignment: encoded(p) }).collect();
    for answer in joined {
        let leads = answer.leader == answer.member_id;
        let request = SyncGroupRequest {
            group_id: GROUP.into(),
            generation_id: answer.generation_id,
            member_id: answer.member_id,
            assignments: if leads { assignments.clone() } else { Vec::new() },
            ..Default::default()
        };
        w.send(5, kfk::machine::group::GroupRequest::SyncGroup(request));
    }
    assert_eq!(w.state(), "Stable");
    ids
}

fn enter(w: &mut World, join: &Join) -> (String, Token) {
    match join.instance {
        Some(_) => (String::new(), w.join(join)),
        None => w.enter(join.clone()),
    }
}

/// A member of the classic protocol comes back and asks for its assignment.
fn rejoin(w: &mut World, join: &Join) -> (JoinGroupResponse, Names) {
    let token = w.join(join);
    let joined = w.joined(token);
    assert_eq!(joined.error_code, 0, "{joined:?}");
    let sync = w.sync(&joined.member_id, joined.generation_id, &[]);
    let synced = w.synced(sync);
    assert_eq!(synced.error_code, 0);
    (joined, decoded(&synced.assignment))
}

/// The same join with what the member says it has.
fn owning(join: Join, partitions: &Names) -> Join {
    let owned = partitions.iter().map(|name| name.rsplit_once('-').unwrap());
    let owned_partitions = owned.map(|(topic, p)| TopicPartition::new(topic, p.parse().unwrap())).collect();
    let subscription =
        kfk::machine::assign::Subscription { topics: vec!["t".into()], owned_partitions, generation: 1, ..Default::default() };
    Join { protocols: vec![("range".into(), consumer_protocol::encode_subscription(&subscription, 3).unwrap())], ..join }
}

#[test]
fn k11_empty_groups_change_freely() {
    for policy in [MigrationPolicy::Bidirectional, MigrationPolicy::Disabled] {
        let mut w = world_with(policy);
        let ids = w.stable(1);
        w.commit((&ids[0], 1), 0, 5);
        w.leave(5, &[(&ids[0], None)]);
        let mut a = Client::new("a", &["t"]);
        w.beat(&mut a);
        assert_eq!((a.owned.len(), w.fetch(0), w.consumer_state().as_str()), (4, 5, "Stable"));
        w.crash();
        assert_eq!((w.consumer_state().as_str(), w.fetch(0)), ("Stable", 5));
        w.leave_consumer(&a, -1);
        let ids = w.stable(1);
        assert_eq!((w.state().as_str(), w.fetch(0)), ("Stable", 5));
        w.crash();
        assert_eq!((w.state().as_str(), w.heartbeat(&ids[0], 1), w.fetch(0)), ("Stable", ErrorCode::None, 5));
    }
}

#[test]
fn k11_a_member_that_never_was_does_not_change_an_empty_group() {
    let mut w = world();
    let mut a = Client::new("a", &["t"]);
    w.beat(&mut a);
    w.leave_consumer(&a, -1);
    let batches = w.shard.log().batches;
    let token = w.join(&Join::consumer().id("stranger"));
    assert_eq!(w.join_error(token), ErrorCode::UnknownMemberId);
    assert_eq!((w.consumer_state().as_str(), w.shard.log().batches), ("Empty", batches));
    // If the change cannot be written, whoever asked hears of it and the group is what it was.
    for error in [AppendError::Refused(ErrorCode::NotEnoughReplicas), AppendError::Unknown(ErrorCode::NotEnoughReplicas)] {
        w.shard.log_mut().fail_next = Some(error);
        let token = w.join(&Join::consumer().version(3));
        w.pass(1);
        assert_eq!((w.join_error(token), w.consumer_state().as_str()), (ErrorCode::CoordinatorNotAvailable, "Empty"));
    }
}

#[test]
fn k11_a_classic_group_becomes_a_consumer_group_when_a_new_member_joins() {
    let mut w = world();
    let joins = [Join::consumer(), Join::consumer()];
    let ids = classic_group(&mut w, &joins, &[&[0, 1], &[2, 3]]);
    w.commit((&ids[0], 1), 0, 5);
    let from = w.shard.log().items.len();
    let mut c = Client::new("c", &["t"]);
    w.beat(&mut c);
    let records = w.shard.log().records(from);
    assert!(matches!(records[0], GroupRecord::Group { value: None, .. }), "the classic group is taken out first");
    let group = w.described();
    assert_eq!((group.group_epoch, group.assignment_epoch, group.members.len(), w.fetch(0)), (2, 2, 3, 5));
    let types: Vec<i8> = group.members.iter().map(|m| m.member_type).collect();
    assert_eq!(types.iter().filter(|t| **t == 0).count(), 2);

    // The members go on with the generation they have, until they are told to rejoin.
    assert_eq!(w.commit((&ids[0], 1), 0, 6), ErrorCode::None);
    for id in &ids {
        assert_eq!(w.heartbeat(id, 1), ErrorCode::RebalanceInProgress);
    }
    assert_eq!(c.owned.len(), 0);
    let first = rejoin(&mut w, &owning(joins[0].clone().id(&ids[0]), &names(&["t-0", "t-1"])));
    let second = rejoin(&mut w, &owning(joins[1].clone().id(&ids[1]), &names(&["t-2", "t-3"])));
    assert_eq!((first.1.len() + second.1.len(), first.0.leader.as_str(), first.0.members.len()), (3, "", 0));
    // One of them had to give up a partition first; it comes back to say so.
    w.beat(&mut c);
    let unrevoked = if first.0.generation_id == 1 { (0, &first) } else { (1, &second) };
    assert_eq!(w.heartbeat(&ids[unrevoked.0], 1), ErrorCode::RebalanceInProgress);
    let (joined, kept) = rejoin(&mut w, &owning(joins[unrevoked.0].clone().id(&ids[unrevoked.0]), &unrevoked.1.1));
    assert_eq!((joined.generation_id, kept.len()), (2, 1));
    w.beat(&mut c);
    assert_eq!((c.owned.len(), w.consumer_state().as_str()), (1, "Stable"));
    for id in &ids {
        assert_eq!(w.heartbeat(id, 2), ErrorCode::None);
    }
}

#[test]
fn k11_who_waits_in_the_classic_group_is_sent_back_to_join() {
    let mut w = world();
    let ids = classic_group(&mut w, &[Join::consumer()], &[&[0, 1, 2, 3]]);
    let (newcomer, waits) = w.enter(Join::consumer());
    assert!(w.waits(waits));
    w.beat(&mut Client::new("c", &["t"]));
    assert_eq!(w.join_error(waits), ErrorCode::RebalanceInProgress);
    assert_eq!(w.described().members.len(), 3);
    rejoin(&mut w, &Join::consumer().id(&newcomer));
    rejoin(&mut w, &owning(Join::consumer().id(&ids[0]), &names(&["t-0", "t-1", "t-2", "t-3"])));
}

#[test]
fn k11_an_upgrade_that_could_not_be_written_leaves_the_classic_group() {
    let mut w = world();
    let ids = classic_group(&mut w, &[Join::consumer()], &[&[0, 1, 2, 3]]);
    let (_, waits) = w.enter(Join::consumer());
    w.shard.log_mut().fail_next = Some(AppendError::Refused(ErrorCode::NotEnoughReplicas));
    let request = Client::new("c", &["t"]).full(&w);
    assert_eq!(w.beat_code(request), ErrorCode::CoordinatorNotAvailable);
    assert_eq!(w.join_error(waits), ErrorCode::CoordinatorNotAvailable);
    assert_eq!((w.state().as_str(), w.heartbeat(&ids[0], 1)), ("Stable", ErrorCode::None));
}

#[test]
fn k11_the_policy_and_the_group_may_forbid_the_change() {
    for policy in [MigrationPolicy::Downgrade, MigrationPolicy::Disabled] {
        let mut w = world_with(policy);
        classic_group(&mut w, &[Join::consumer()], &[&[0]]);
        let request = Client::new("c", &["t"]).full(&w);
        let answer = w.beat_as(1, request);
        assert_eq!(ErrorCode::from_code(answer.error_code), ErrorCode::GroupIdNotFound);
        let message = "Cannot upgrade classic group g to consumer group because online upgrade is disabled.";
        assert_eq!(answer.error_message.as_deref(), Some(message));
        assert_eq!(w.state(), "Stable");
    }
    let mut w = world();
    let join = Join::consumer().protocol_type("connect");
    let (_, token) = w.enter(join);
    w.pass(GATHER);
    w.joined(token);
    let request = Client::new("c", &["t"]).full(&w);
    assert_eq!(w.beat_code(request), ErrorCode::GroupIdNotFound);
    // A member that is there already cannot be one of a classic group.
    let request = Client { epoch: 1, ..Client::new("c", &["t"]) }.brief();
    assert_eq!(w.beat_code(request), ErrorCode::GroupIdNotFound);
}

#[test]
fn k11_an_assignor_with_data_of_its_own_cannot_be_upgraded() {
    let mut w = world();
    let (id, token) = w.enter(Join::consumer());
    w.pass(GATHER);
    w.joined(token);
    let assignment = consumer_protocol::encode_assignment(&[], Some(Bytes::from_static(b"mine")), 3).unwrap();
    let request = SyncGroupRequest {
        group_id: GROUP.into(),
        generation_id: 1,
        member_id: id.clone(),
        assignments: vec![SyncGroupRequestAssignment { member_id: id.clone(), assignment }],
        ..Default::default()
    };
    w.send(5, kfk::machine::group::GroupRequest::SyncGroup(request));
    let request = Client::new("c", &["t"]).full(&w);
    assert_eq!(w.beat_code(request), ErrorCode::GroupIdNotFound);
    assert_eq!(w.heartbeat(&id, 1), ErrorCode::None);
}

#[test]
fn k11_a_classic_member_joins_a_consumer_group() {
    let mut w = world();
    let mut clients = [Client::new("a", &["t"])];
    w.settle(&mut clients);
    let id = w.member_id(&Join::consumer());
    assert_eq!(id.len(), 22);
    w.pass(1_000);
    let (joined, assigned) = rejoin(&mut w, &Join::consumer().id(&id));
    assert_eq!((joined.generation_id, assigned.len()), (3, 0));
    assert_eq!((joined.protocol_type.as_deref(), joined.protocol_name.as_deref()), (Some("consumer"), Some("range")));
    assert_eq!(w.heartbeat(&id, 3), ErrorCode::None, "it waits for others");
    w.beat(&mut clients[0]);
    w.beat(&mut clients[0]);
    assert_eq!(w.heartbeat(&id, 3), ErrorCode::RebalanceInProgress, "there is something for it");
    let (joined, assigned) = rejoin(&mut w, &Join::consumer().id(&id));
    assert_eq!((joined.generation_id, assigned.len(), w.consumer_state().as_str()), (3, 2, "Stable"));
    assert_eq!(w.heartbeat(&id, 3), ErrorCode::None);
    // The checks of the classic protocol.
    assert_eq!(w.heartbeat(&id, 2), ErrorCode::IllegalGeneration);
    assert_eq!(w.heartbeat("a", 3), ErrorCode::UnknownMemberId);
    assert_eq!(w.heartbeat("stranger", 3), ErrorCode::UnknownMemberId);
    let sync = w.sync(&id, 2, &[]);
    assert_eq!(w.sync_error(sync), ErrorCode::IllegalGeneration);
    let request = SyncGroupRequest {
        group_id: GROUP.into(),
        generation_id: 3,
        member_id: id.clone(),
        protocol_name: Some("sticky".into()),
        ..Default::default()
    };
    let sync = w.sync_as(request, &[]);
    assert_eq!(w.sync_error(sync), ErrorCode::InconsistentGroupProtocol);
    let token = w.join(&Join::consumer().protocol_type("connect"));
    assert_eq!(w.join_error(token), ErrorCode::InconsistentGroupProtocol);
    let token = w.join(&Join::consumer().protocols(&["roundrobin"]));
    assert_eq!(w.join_error(token), ErrorCode::InconsistentGroupProtocol, "classic members must have a protocol in common");
}

#[test]
fn k11_without_migration_no_classic_member_gets_in() {
    let mut w = world_with(MigrationPolicy::Disabled);
    w.beat(&mut Client::new("a", &["t"]));
    let token = w.join(&Join::consumer());
    assert_eq!(w.join_error(token), ErrorCode::InconsistentGroupProtocol);
}

#[test]
fn k11_classic_members_are_taken_out_by_their_own_clocks() {
    let mut w = world();
    let mut clients = [Client::new("a", &["t"])];
    w.settle(&mut clients);
    w.pass(1_000);
    let join = |w: &mut World| {
        let id = w.member_id(&Join::consumer().session_ms(10_000).rebalance_ms(20_000));
        let token = w.join(&Join::consumer().session_ms(10_000).rebalance_ms(20_000).id(&id));
        let generation = w.joined(token).generation_id;
        (id, generation)
    };
    let is_member = |w: &mut World, id: &str| w.described().members.iter().any(|m| m.member_id == id);
    // Its session.
    let (id, _) = join(&mut w);
    w.pass(9_999);
    assert!(is_member(&mut w, &id));
    w.pass(1);
    assert!(!is_member(&mut w, &id));
    // No SyncGroup.
    let (id, generation) = join(&mut w);
    for _ in 0..2 {
        w.pass(9_999);
        w.heartbeat(&id, generation);
        w.beat(&mut clients[0]);
    }
    assert!(is_member(&mut w, &id));
    w.pass(2);
    assert!(!is_member(&mut w, &id));
    // Told to rejoin, and did not.
    let (id, generation) = join(&mut w);
    let sync = w.sync(&id, generation, &[]);
    w.synced(sync);
    w.pass(1_000);
    w.beat(&mut Client::new("b", &["t"]));
    assert_eq!(w.heartbeat(&id, generation), ErrorCode::RebalanceInProgress);
    for _ in 0..2 {
        w.pass(9_999);
        w.beat(&mut clients[0]);
        assert_eq!(w.heartbeat(&id, generation), ErrorCode::RebalanceInProgress);
    }
    w.pass(2);
    assert!(!is_member(&mut w, &id));
}

#[test]
fn k11_the_last_new_member_leaves_and_the_group_is_classic_again() {
    let mut w = world();
    let joins = [Join::consumer(), Join::consumer()];
    let ids = classic_group(&mut w, &joins, &[&[0, 1], &[2, 3]]);
    let c = Client::new("c", &["t"]);
    w.beat(&mut c.clone());
    w.commit((&ids[0], 1), 0, 5);
    w.leave_consumer(&c, -1);
    assert_eq!((w.state().as_str(), w.fetch(0)), ("PreparingRebalance", 5));
    let group = w.describe(GROUP);
    assert_eq!(group.members.len(), 2);
    // What was written is a stable group: a crash now costs no rebalance more than the one under way.
    let tokens: Vec<Token> = joins.iter().zip(&ids).map(|(join, id)| w.join(&join.clone().id(id))).collect();
    let joined: Vec<JoinGroupResponse> = tokens.into_iter().map(|token| w.joined(token)).collect();
    assert_eq!((joined[0].error_code, joined[0].generation_id), (0, 3));
    assert!(joined.iter().any(|j| j.members.len() == 2));
    w.crash();
    assert_eq!(w.state(), "Stable");
}

#[test]
fn k11_the_last_new_member_dies_and_the_group_is_classic_again() {
    let mut w = world();
    let ids = classic_group(&mut w, &[Join::consumer()], &[&[0, 1, 2, 3]]);
    w.beat(&mut Client::new("c", &["t"]));
    for _ in 0..5 {
        w.pass(9_000);
        w.heartbeat(&ids[0], 1);
    }
    assert_eq!(w.state(), "PreparingRebalance");
}

#[test]
fn k11_a_downgrade_that_could_not_be_written_is_tried_again() {
    let mut w = world();
    let ids = classic_group(&mut w, &[Join::consumer()], &[&[0, 1, 2, 3]]);
    w.beat(&mut Client::new("c", &["t"]));
    for _ in 0..4 {
        w.pass(9_000);
        w.heartbeat(&ids[0], 1);
    }
    w.pass(8_999);
    w.heartbeat(&ids[0], 1);
    w.shard.log_mut().fail_next = Some(AppendError::Refused(ErrorCode::NotEnoughReplicas));
    w.pass(1);
    assert_eq!(w.described().members.len(), 2);
    w.pass(500);
    assert_eq!(w.state(), "PreparingRebalance");
}

#[test]
fn k11_without_downgrade_the_group_stays_a_consumer_group() {
    for policy in [MigrationPolicy::Upgrade, MigrationPolicy::Disabled] {
        let mut w = world_with(MigrationPolicy::Bidirectional);
        let ids = classic_group(&mut w, &[Join::consumer()], &[&[0, 1, 2, 3]]);
        let c = Client::new("c", &["t"]);
        w.beat(&mut c.clone());
        w.config.consumer.migration = policy;
        w.crash();
        w.leave_consumer(&c, -1);
        let members = w.described().members;
        assert_eq!((members.len(), members[0].member_id.as_str(), members[0].member_type), (1, ids[0].as_str(), 0));
    }
}

#[test]
fn k11_a_static_member_changes_its_protocol_both_ways() {
    let mut w = world();
    let joins = [Join::consumer().instance("one"), Join::consumer().instance("two")];
    let ids = classic_group(&mut w, &joins, &[&[0, 1], &[2, 3]]);
    // It comes back with the new protocol, and keeps what it had.
    let mut a = Client::new("a", &["t"]).instance("one");
    w.beat(&mut a);
    assert_eq!((a.owned.clone(), w.described().members.len()), (names(&["t-0", "t-1"]), 2));
    assert_eq!(w.heartbeat_as(&ids[0], Some("one"), 1), ErrorCode::FencedInstanceId);
    assert_eq!(w.heartbeat_as(&ids[1], Some("two"), 1), ErrorCode::None, "the other one has nothing to do");
    // And again with the classic one: it was the last, so the group is classic, and stable, for nothing has changed.
    let token = w.join(&joins[0]);
    let joined = w.joined(token);
    assert_eq!((joined.error_code, joined.generation_id), (0, 1));
    assert_eq!(w.state(), "Stable");
    let sync = w.sync_as(
        SyncGroupRequest {
            group_id: GROUP.into(),
            generation_id: 1,
            member_id: joined.member_id.clone(),
            group_instance_id: Some("one".into()),
            ..Default::default()
        },
        &[],
    );
    assert_eq!(decoded(&w.synced(sync).assignment), names(&["t-0", "t-1"]));
    assert_eq!(w.heartbeat_as(&ids[1], Some("two"), 1), ErrorCode::None);
    w.crash();
    assert_eq!((w.state().as_str(), w.heartbeat_as(&joined.member_id, Some("one"), 1)), ("Stable", ErrorCode::None));
}

#[test]
fn k11_classic_members_leave_a_consumer_group() {
    let mut w = world();
    let joins = [Join::consumer().instance("one"), Join::consumer(), Join::consumer()];
    let ids = classic_group(&mut w, &joins, &[&[0], &[1], &[2, 3]]);
    w.beat(&mut Client::new("c", &["t"]));
    let left = w.leave(5, &[("", Some("one")), (&ids[1], None), ("stranger", None), ("wrong", Some("one")), ("", Some("none"))]);
    let codes: Vec<ErrorCode> = left.members.iter().map(|m| ErrorCode::from_code(m.error_code)).collect();
    let expected = [ErrorCode::None, ErrorCode::None, ErrorCode::UnknownMemberId, ErrorCode::FencedInstanceId, ErrorCode::UnknownMemberId];
    assert_eq!(codes, expected);
    let members: Vec<String> = w.described().members.into_iter().map(|m| m.member_id).collect();
    assert_eq!(members.len(), 2);
    assert!(members.contains(&ids[2]) && members.contains(&"c".to_string()));
    // In old versions there is one member, and its error is that of the request.
    assert_eq!(w.leave(2, &[("stranger", None)]).error_code, ErrorCode::UnknownMemberId.code());
}
