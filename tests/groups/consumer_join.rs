//! Members come, go and are refused in a consumer group: facts K1 to K5, K8.

use kfk::machine::group::{ConsumerGroupConfig, ConsumerRecord, GroupConfig, GroupRecord, GroupSettings};
use kfk::node::shard::AppendError;
use kfk::wire::ErrorCode;
use kfk::wire::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest;

use crate::consumer_driver::{Client, names};
use crate::driver::{GROUP, World};

fn world() -> World {
    let mut w = World::new();
    w.topics(&[("t", 4), ("u", 2)]);
    w
}

/// The kinds of records in the log from `from` on, by Kafka's numbers; a tombstone is negative.
fn kinds(w: &World, from: usize) -> Vec<i16> {
    let kind = |record: &GroupRecord| {
        let (key, value) = record.encode().unwrap();
        let kind = i16::from_be_bytes([key[0], key[1]]);
        if value.is_none() { -kind } else { kind }
    };
    w.shard.log().records(from).iter().map(kind).collect()
}

#[test]
fn k1_a_member_joins_gets_its_partitions_and_leaves() {
    let mut w = world();
    let mut a = Client::new("a", &["t"]);
    let answer = w.beat(&mut a);
    assert_eq!((answer.member_id.as_deref(), answer.member_epoch, answer.heartbeat_interval_ms), (Some("a"), 2, 5_000));
    assert_eq!(a.owned, names(&["t-0", "t-1", "t-2", "t-3"]));
    assert_eq!(w.consumer_state(), "Stable");
    // In one batch and in Kafka's order.
    assert_eq!((kinds(&w, 0), w.shard.log().batches), (vec![5, 3, 7, 6, 8], 1));
    let left = w.beat_as(1, ConsumerGroupHeartbeatRequest { member_epoch: -1, ..a.brief() });
    assert_eq!((left.error_code, left.member_epoch, left.member_id.as_deref()), (0, -1, Some("a")));
    assert_eq!((kinds(&w, 5), w.shard.log().batches), (vec![-8, -7, -5, 3], 2));
    assert_eq!(w.consumer_state(), "Empty");
    assert_eq!(w.leave_consumer(&a, -1), ErrorCode::UnknownMemberId);
}

#[test]
fn k1_up_to_version_0_the_coordinator_makes_the_id() {
    let mut w = world();
    let a = Client::new("", &["t"]);
    let request = a.full(&w);
    let answer = w.beat_as(0, request);
    assert_eq!(answer.error_code, 0);
    let id = answer.member_id.unwrap();
    assert_eq!(id.len(), 22);
    let brief = ConsumerGroupHeartbeatRequest { member_epoch: answer.member_epoch, ..Client::new(&id, &["t"]).brief() };
    assert_eq!(w.beat_as(0, brief).error_code, 0);
    let request = a.full(&w);
    assert_eq!(w.beat_code(request), ErrorCode::InvalidRequest);
}

#[test]
fn k1_k2_requests_that_make_no_sense_are_refused_before_anything_else() {
    let mut w = world();
    let a = Client::new("a", &["t"]);
    let full = a.full(&w);
    let wrong: Vec<ConsumerGroupHeartbeatRequest> = vec![
        ConsumerGroupHeartbeatRequest { rebalance_timeout_ms: -1, ..full.clone() },
        ConsumerGroupHeartbeatRequest { topic_partitions: None, ..full.clone() },
        ConsumerGroupHeartbeatRequest { topic_partitions: Some(w.by_topic(&names(&["t-0"]))), ..full.clone() },
        ConsumerGroupHeartbeatRequest { subscribed_topic_names: None, ..full.clone() },
        ConsumerGroupHeartbeatRequest { member_epoch: -3, ..full.clone() },
        ConsumerGroupHeartbeatRequest { member_epoch: -2, ..full.clone() }, // without an instance id
        ConsumerGroupHeartbeatRequest { member_id: " ".into(), ..full.clone() },
        ConsumerGroupHeartbeatRequest { group_id: String::new(), ..full.clone() },
        ConsumerGroupHeartbeatRequest { instance_id: Some(String::new()), ..full.clone() },
        ConsumerGroupHeartbeatRequest { rack_id: Some("  ".into()), ..full.clone() },
    ];
    for request in wrong {
        let answer = w.beat_as(1, request.clone());
        assert_eq!(ErrorCode::from_code(answer.error_code), ErrorCode::InvalidRequest, "{request:?}");
        assert!(answer.error_message.is_some_and(|m| m.ends_with('.')));
    }
    let unsupported = ConsumerGroupHeartbeatRequest { server_assignor: Some("sticky".into()), ..full.clone() };
    let answer = w.beat_as(1, unsupported);
    assert_eq!(ErrorCode::from_code(answer.error_code), ErrorCode::UnsupportedAssignor);
    assert_eq!(answer.error_message.as_deref(), Some("ServerAssignor sticky is not supported. Supported assignors: uniform, range."));
    let regex = ConsumerGroupHeartbeatRequest { subscribed_topic_regex: Some("(".into()), ..full };
    assert_eq!(w.beat_code(regex), ErrorCode::InvalidRegularExpression);
    assert_eq!(w.described().error_code, ErrorCode::GroupIdNotFound.code());
    assert_eq!(w.shard.log().batches, 0);
}

#[test]
fn k3_only_the_present_epoch_and_after_a_lost_reply_the_one_before_are_accepted() {
    let mut w = world();
    let mut a = Client::new("a", &["t"]);
    w.beat(&mut a);
    let at = |epoch: i32, owned: Option<&[&str]>, w: &World| ConsumerGroupHeartbeatRequest {
        member_epoch: epoch,
        topic_partitions: owned.map(|o| w.by_topic(&names(o))),
        ..a.brief()
    };
    // Of a group that makes progress: the reply with epoch 3 is lost.
    let mut b = Client::new("b", &["t"]);
    w.pass(1_000);
    w.beat(&mut b);
    let request = at(2, Some(&["t-0", "t-1", "t-2", "t-3"]), &w);
    let told = w.beat_as(1, request).assignment.unwrap().topic_partitions[0].partitions.len();
    assert_eq!((told, w.described_member("a").member_epoch), (2, 2), "it has to give up two before its epoch moves on");
    let target = w.described_member("a").target_assignment;
    let kept: Vec<String> = w.assignment_names(&target).into_iter().collect();
    let kept: Vec<&str> = kept.iter().map(String::as_str).collect();
    let request = at(2, Some(&kept), &w);
    assert_eq!(w.beat_as(1, request.clone()).member_epoch, 3);
    assert_eq!(w.beat_as(1, request).member_epoch, 3, "the same again, because the answer never came");
    for (epoch, owned) in [(1, Some(&kept[..])), (2, None), (2, Some(&["t-0", "t-1", "t-2", "t-3"][..])), (4, Some(&kept[..]))] {
        let request = at(epoch, owned, &w);
        assert_eq!(w.beat_code(request), ErrorCode::FencedMemberEpoch, "{epoch} {owned:?}");
    }
    // A fenced client drops everything and joins again with its id: it gets back what it has.
    let mut a = Client::new("a", &["t"]);
    w.beat(&mut a);
    assert_eq!((a.epoch, a.owned.len()), (3, 2));
}

#[test]
fn k4_unknown_groups_and_members() {
    let mut w = world();
    let mut a = Client::new("a", &["t"]);
    for epoch in [1, -1] {
        let answer = w.beat_as(1, ConsumerGroupHeartbeatRequest { member_epoch: epoch, ..a.brief() });
        assert_eq!(ErrorCode::from_code(answer.error_code), ErrorCode::GroupIdNotFound);
        assert_eq!(answer.error_message.as_deref(), Some("Group g not found."));
    }
    w.beat(&mut a);
    let stranger = Client::new("stranger", &["t"]);
    for epoch in [2, -1] {
        assert_eq!(w.leave_consumer(&stranger, epoch), ErrorCode::UnknownMemberId);
    }
    let stranger = stranger.instance("i");
    for epoch in [2, -1, -2] {
        assert_eq!(w.leave_consumer(&stranger, epoch), ErrorCode::UnknownMemberId);
    }
}

#[test]
fn k4_a_full_group_takes_no_more_members() {
    let consumer = ConsumerGroupConfig { max_size: 2, ..Default::default() };
    let mut w = World::with_config(GroupConfig { consumer, ..Default::default() });
    w.topics(&[("t", 4)]);
    let (mut a, mut b) = (Client::new("a", &["t"]), Client::new("b", &["t"]));
    w.beat(&mut a);
    w.beat(&mut b);
    let request = Client::new("c", &["t"]).full(&w);
    assert_eq!(w.beat_code(request), ErrorCode::GroupMaxSizeReached);
    w.beat(&mut a);
    w.leave_consumer(&b, -1);
    w.beat(&mut Client::new("c", &["t"]));
}

#[test]
fn k4_static_members_give_their_place_to_whoever_comes_after_them() {
    let mut w = world();
    let mut clients = [Client::new("a", &["t"]).instance("one"), Client::new("b", &["t"]).instance("two")];
    w.settle(&mut clients);
    let group_epoch = w.described().group_epoch;
    let held = clients[0].owned.clone();
    let mut again = Client::new("a2", &["t"]).instance("one");
    let request = again.full(&w);
    assert_eq!(w.beat_code(request), ErrorCode::UnreleasedInstanceId);
    // Of its own id too: whoever joins has not left.
    let request = Client { id: "a".into(), ..again.clone() }.full(&w);
    assert_eq!(w.beat_code(request), ErrorCode::UnreleasedInstanceId);

    let answer = w.beat_as(1, ConsumerGroupHeartbeatRequest { member_epoch: -2, ..clients[0].brief() });
    assert_eq!((answer.error_code, answer.member_epoch), (0, -2));
    assert_eq!((w.described_member("a").member_epoch, w.described().group_epoch), (-2, group_epoch));
    // Nobody gets what it had while it is away.
    w.pass(2_000);
    w.beat(&mut clients[1]);
    assert!(clients[1].owned.is_disjoint(&held));

    w.beat(&mut again);
    assert_eq!((again.owned.clone(), w.described().group_epoch), (held, group_epoch), "no rebalance");
    assert_eq!(again.epoch, group_epoch);
    assert_eq!(w.leave_consumer(&clients[0], clients[0].epoch), ErrorCode::FencedInstanceId);
    assert_eq!(w.leave_consumer(&clients[0], -1), ErrorCode::FencedInstanceId);
    let ids: Vec<String> = w.described().members.into_iter().map(|m| m.member_id).collect();
    assert_eq!(ids, ["a2", "b"]);
    // It leaves for good: now the other one gets all.
    assert_eq!(w.leave_consumer(&again, -1), ErrorCode::None);
    w.settle(&mut clients[1..]);
    assert_eq!(clients[1].owned.len(), 4);
}

#[test]
fn k4_a_static_member_that_stays_away_is_taken_out() {
    let mut w = world();
    let mut clients = [Client::new("a", &["t"]).instance("one"), Client::new("b", &["t"])];
    w.settle(&mut clients);
    w.leave_consumer(&clients[0], -2);
    for _ in 0..5 {
        w.pass(10_000);
        w.beat(&mut clients[1]);
    }
    w.settle(&mut clients[1..]);
    assert_eq!(clients[1].owned.len(), 4);
    w.beat(&mut Client::new("c", &["t"]).instance("one"));
}

#[test]
fn k5_the_epochs_of_group_target_and_member_follow_each_other() {
    let mut w = world();
    let mut a = Client::new("a", &["t"]);
    w.beat(&mut a);
    let epochs = |w: &mut World| {
        let group = w.described();
        (group.group_epoch, group.assignment_epoch, group.members.iter().map(|m| m.member_epoch).collect::<Vec<_>>())
    };
    assert_eq!(epochs(&mut w), (2, 2, vec![2]));
    // A second member within the assignment interval: the group knows, the target does not yet.
    let mut b = Client::new("b", &["t"]);
    w.beat(&mut b);
    assert_eq!((epochs(&mut w), b.owned.len(), w.consumer_state().as_str()), ((3, 2, vec![2, 2]), 0, "Assigning"));
    w.pass(1_000);
    w.beat(&mut b);
    assert_eq!((epochs(&mut w), w.consumer_state().as_str()), ((3, 3, vec![2, 3]), "Reconciling"));
    w.beat(&mut a);
    w.beat(&mut a);
    w.beat(&mut b);
    assert_eq!((epochs(&mut w), w.consumer_state().as_str()), ((3, 3, vec![3, 3]), "Stable"));
    // Nothing new: nothing written.
    let before = w.shard.log().batches;
    w.beat(&mut a);
    assert_eq!(w.shard.log().batches, before);
}

#[test]
fn k5_another_subscription_is_a_new_epoch_and_takes_away_at_once() {
    let mut w = world();
    let mut a = Client::new("a", &["t", "u"]);
    w.beat(&mut a);
    assert_eq!(a.owned.len(), 6);
    a.topics = vec!["u".into()];
    w.beat(&mut a);
    assert_eq!(a.told, names(&["u-0", "u-1"]), "also within the assignment interval");
    w.pass(1_000);
    w.beat(&mut a);
    assert_eq!((a.owned.clone(), w.consumer_state().as_str()), (names(&["u-0", "u-1"]), "Stable"));
    // Who subscribes to nothing, or to what there is not, is a member all the same.
    w.beat(&mut Client::new("b", &[]));
    w.beat(&mut Client::new("c", &["nothing"]));
    assert_eq!(w.described().members.len(), 3);
}

#[test]
fn k8_an_assignment_is_told_on_join_on_a_full_request_and_when_it_changed() {
    let mut w = world();
    let mut a = Client::new("a", &["t"]);
    w.beat(&mut a);
    assert!(w.beat_as(1, a.brief()).assignment.is_none());
    let full = a.full(&w);
    assert!(w.beat_as(1, full.clone()).assignment.is_some());
    assert!(w.beat_as(1, ConsumerGroupHeartbeatRequest { rebalance_timeout_ms: -1, ..full }).assignment.is_none());
    w.beat(&mut Client::new("b", &["t"]));
    w.pass(1_000);
    assert!(w.beat_as(1, a.brief()).assignment.is_some(), "two less");
    assert!(w.beat_as(1, a.brief()).assignment.is_none());
}

#[test]
fn k8_a_silent_member_is_taken_out_after_its_session_timeout() {
    let mut w = world();
    let mut clients = [Client::new("a", &["t"]), Client::new("b", &["t"])];
    w.settle(&mut clients);
    w.pass(44_999);
    w.beat(&mut clients[0]);
    assert_eq!(w.described().members.len(), 2);
    w.pass(1);
    assert_eq!(w.described().members.len(), 1);
    assert_eq!(w.leave_consumer(&clients[1], clients[1].epoch), ErrorCode::UnknownMemberId);
    w.settle(&mut clients[..1]);
    assert_eq!(clients[0].owned.len(), 4);
    w.pass(45_000);
    assert_eq!(w.consumer_state(), "Empty");
}

#[test]
fn k8_groups_may_have_settings_of_their_own() {
    let mut w = world();
    let settings = GroupSettings {
        session_timeout_ms: Some(50_000),
        heartbeat_interval_ms: Some(7_000),
        assignment_interval_ms: Some(0),
        ..Default::default()
    };
    w.cluster.settings.insert(GROUP.into(), settings);
    w.tell_of_topics(&[]);
    let (mut a, mut b) = (Client::new("a", &["t"]), Client::new("b", &["t"]));
    assert_eq!(w.beat(&mut a).heartbeat_interval_ms, 7_000);
    w.beat(&mut b);
    assert_eq!(w.described().assignment_epoch, 3, "no waiting for the next target");
    w.pass(49_999);
    assert_eq!(w.described().members.len(), 2);
    w.pass(1);
    assert_eq!(w.described().members.len(), 0);
}

#[test]
fn k8_what_could_not_be_written_did_not_happen() {
    let mut w = world();
    let mut a = Client::new("a", &["t"]);
    w.shard.log_mut().fail_next = Some(AppendError::Refused(ErrorCode::NotEnoughReplicas));
    let request = a.full(&w);
    assert_eq!(w.beat_code(request), ErrorCode::CoordinatorNotAvailable);
    assert_eq!(w.described().error_code, ErrorCode::GroupIdNotFound.code());
    w.beat(&mut a);
    // A session that ran out is tried again until it is written.
    w.pass(44_999);
    w.shard.log_mut().fail_next = Some(AppendError::Refused(ErrorCode::NotEnoughReplicas));
    w.pass(1);
    assert_eq!(w.described().members.len(), 1);
    w.pass(500);
    assert_eq!(w.described().members.len(), 0);
    // So is an epoch for topics that have changed.
    let mut a = Client::new("a", &["t"]);
    w.beat(&mut a);
    w.cluster.grow("t", 5);
    w.tell_of_topics(&["t"]);
    w.pass(1_000);
    w.shard.log_mut().fail_next = Some(AppendError::Refused(ErrorCode::NotEnoughReplicas));
    let request = a.full(&w);
    assert_eq!(w.beat_code(request), ErrorCode::CoordinatorNotAvailable);
    w.beat(&mut a);
    assert_eq!(a.owned.len(), 5);
}

#[test]
fn k12_describe_shows_epochs_and_assignments_of_every_member() {
    let mut w = world();
    let mut a = Client::new("a", &["t"]).instance("one").assignor("range");
    w.beat(&mut a);
    let group = w.described();
    assert_eq!((group.group_state.as_str(), group.assignor_name.as_str()), ("Stable", "range"));
    assert_eq!((group.group_epoch, group.assignment_epoch), (2, 2));
    let member = &group.members[0];
    assert_eq!((member.member_id.as_str(), member.instance_id.as_deref(), member.member_epoch), ("a", Some("one"), 2));
    assert_eq!((member.client_id.as_str(), member.client_host.as_str(), member.member_type), ("client", "/127.0.0.1", 1));
    assert_eq!(member.subscribed_topic_names, ["t"]);
    assert_eq!(w.assignment_names(&member.assignment), names(&["t-0", "t-1", "t-2", "t-3"]));
    assert_eq!(w.assignment_names(&member.target_assignment), w.assignment_names(&member.assignment));
    assert_eq!(member.assignment.topic_partitions[0].topic_name, "t");
    // A topic that is gone has no name to show.
    w.cluster.delete("t");
    w.tell_of_topics(&["t"]);
    assert!(w.described().members[0].assignment.topic_partitions.is_empty());

    let unknown = w.described_as(0, "nobody");
    assert_eq!((unknown.error_code, unknown.error_message.as_deref()), (69, Some("Group nobody not found.")));
    assert_eq!(w.described_as(1, "").error_code, ErrorCode::InvalidGroupId.code());
}

#[test]
fn k12_a_classic_group_is_no_consumer_group_and_the_other_way_round() {
    let mut w = world();
    w.stable(1);
    let answer = w.described();
    assert_eq!((answer.error_code, answer.error_message.as_deref()), (69, Some("Group g is not a consumer group.")));
    let mut w = world();
    w.beat(&mut Client::new("a", &["t"]));
    let answer = w.describe(GROUP);
    assert_eq!((answer.error_code, answer.group_state.as_str()), (69, "Dead"));
    assert_eq!(answer.error_message.as_deref(), Some("Group g is not a classic group."));
}

#[test]
fn z1_the_records_of_a_member_say_what_kafkas_say() {
    let mut w = world();
    w.beat(&mut Client::new("a", &["u"]).rebalance_ms(300_000));
    let records = w.shard.log().records(0);
    let GroupRecord::Consumer(ConsumerRecord::Member { value: Some(member), .. }) = &records[0] else { panic!() };
    assert_eq!((member.subscribed_topic_regex.as_deref(), member.rebalance_timeout_ms), (Some(""), 300_000));
    let GroupRecord::Consumer(ConsumerRecord::TargetEpoch { value: Some(target), .. }) = &records[3] else { panic!() };
    assert_eq!((target.assignment_epoch, target.assignment_timestamp), (2, w.now.wall.0));
    let GroupRecord::Consumer(ConsumerRecord::Current { value: Some(current), .. }) = &records[4] else { panic!() };
    assert_eq!((current.member_epoch, current.previous_member_epoch, current.state), (2, 0, 0));
    assert_eq!(current.assigned_partitions[0].assignment_epochs, Some(vec![2, 2]));
}
