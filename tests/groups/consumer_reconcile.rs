//! Partitions move from member to member: facts K6, K7, K9, K10, V8.

use kfk::machine::group::{ConsumerRecord, GroupRecord};
use kfk::wire::ErrorCode;
use kfk::wire::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest;

use crate::consumer_driver::{Client, Names, names};
use crate::driver::World;

fn world(partitions: i32) -> World {
    let mut w = World::new();
    w.topics(&[("t", partitions)]);
    w
}

fn all(topic: &str, partitions: i32) -> Names {
    (0..partitions).map(|p| format!("{topic}-{p}")).collect()
}

#[test]
fn k6_partitions_move_only_after_they_were_given_up() {
    let mut w = world(4);
    let (mut a, mut b) = (Client::new("a", &["t"]), Client::new("b", &["t"]));
    w.beat(&mut a);
    w.pass(1_000);
    w.beat(&mut b);
    assert_eq!((b.epoch, b.owned.len()), (3, 0), "it is at the epoch of the target, and waits");
    // The first one hears that it shall give up two, and takes its time.
    let request = a.full(&w);
    let answer = w.beat_as(1, request);
    a.hear(&w, &answer);
    assert_eq!((a.epoch, a.told.len()), (2, 2));
    w.beat(&mut b);
    assert_eq!(b.owned.len(), 0);
    let described = w.described_member("a");
    assert_eq!(w.assignment_names(&described.assignment), all("t", 4), "it holds what it has not given up");
    a.owned.clone_from(&a.told);
    w.beat(&mut a);
    assert_eq!(a.epoch, 3);
    w.beat(&mut b);
    assert_eq!(&(&a.owned | &b.owned), &all("t", 4));
    assert!(a.owned.is_disjoint(&b.owned));
}

#[test]
fn k6_a_member_that_never_heard_of_a_partition_need_not_give_it_up() {
    let mut w = world(2);
    let (mut a, mut b) = (Client::new("a", &["t"]), Client::new("b", &["t"]));
    // The reply with both partitions is lost.
    let request = a.full(&w);
    w.beat_as(1, request);
    w.pass(1_000);
    w.beat(&mut b);
    a.epoch = 2;
    w.beat(&mut a);
    assert_eq!(a.epoch, 3, "it says it owns nothing, so nothing has to be awaited");
    w.beat(&mut b);
    assert_eq!((a.owned.len(), b.owned.len()), (1, 1));
}

#[test]
fn k7_a_member_that_does_not_give_up_in_time_is_fenced() {
    let mut w = world(4);
    let (mut a, mut b) = (Client::new("a", &["t"]).rebalance_ms(20_000), Client::new("b", &["t"]));
    w.beat(&mut a);
    w.pass(1_000);
    w.beat(&mut b);
    let stuck = ConsumerGroupHeartbeatRequest { topic_partitions: None, ..a.full(&w) };
    assert_eq!(w.beat_code(stuck.clone()), ErrorCode::None);
    w.pass(19_999);
    assert_eq!(w.beat_code(stuck.clone()), ErrorCode::None);
    w.beat(&mut b);
    assert_eq!(b.owned.len(), 0);
    w.pass(1);
    assert_eq!(w.beat_code(stuck), ErrorCode::UnknownMemberId);
    w.beat(&mut b);
    assert_eq!(b.owned, all("t", 4));
}

#[test]
fn k7_a_member_that_gave_up_in_time_is_left_alone() {
    let mut w = world(4);
    let mut clients = [Client::new("a", &["t"]).rebalance_ms(20_000), Client::new("b", &["t"])];
    w.settle(&mut clients);
    for _ in 0..4 {
        w.pass(19_999);
        clients.iter_mut().for_each(|client| _ = w.beat(client));
    }
    assert_eq!(w.described().members.len(), 2);
}

#[test]
fn k9_the_assignor_that_most_members_ask_for_is_taken() {
    let mut w = World::new();
    w.topics(&[("t", 3), ("u", 3)]);
    let mut clients = [
        Client::new("a", &["t", "u"]).assignor("range"),
        Client::new("b", &["t", "u"]).assignor("range"),
        Client::new("c", &["t", "u"]).assignor("uniform"),
    ];
    w.settle(&mut clients);
    assert_eq!(w.described().assignor_name, "range");
    for (client, partition) in clients.iter().zip(0..) {
        assert_eq!(client.owned, names(&[&format!("t-{partition}"), &format!("u-{partition}")]), "keys meet at one member");
    }
}

#[test]
fn k9_members_with_different_subscriptions_are_even_among_those_who_share_a_topic() {
    let mut w = World::new();
    w.topics(&[("t", 4), ("u", 2)]);
    let mut clients = [Client::new("a", &["t"]), Client::new("b", &["t", "u"]), Client::new("c", &["u"])];
    w.settle(&mut clients);
    let sizes: Vec<usize> = clients.iter().map(|c| c.owned.len()).collect();
    assert_eq!(sizes, [3, 2, 1]);
    assert!(clients[2].owned.is_subset(&all("u", 2)));
}

#[test]
fn k9_who_stays_keeps_what_it_has() {
    let mut w = world(6);
    let mut clients = [Client::new("a", &["t"]), Client::new("b", &["t"]), Client::new("c", &["t"])];
    w.settle(&mut clients);
    let before = [clients[0].owned.clone(), clients[1].owned.clone()];
    w.leave_consumer(&clients[2], -1);
    w.settle(&mut clients[..2]);
    assert!(before[0].is_subset(&clients[0].owned) && before[1].is_subset(&clients[1].owned));
}

#[test]
fn k9_a_new_target_is_made_at_most_once_in_the_assignment_interval() {
    let mut w = world(8);
    let mut clients: Vec<Client> = (0..8).map(|i| Client::new(&format!("m{i}"), &["t"])).collect();
    clients.iter_mut().for_each(|client| _ = w.beat(client));
    let targets = |w: &World| {
        let is_target = |r: &&GroupRecord| matches!(r, GroupRecord::Consumer(ConsumerRecord::TargetEpoch { .. }));
        w.shard.log().records(0).iter().filter(is_target).count()
    };
    assert_eq!((targets(&w), w.described().group_epoch), (1, 9));
    w.settle(&mut clients);
    assert_eq!(targets(&w), 2);
    assert!(clients.iter().all(|c| c.owned.len() == 1));
    // A clock that was set back does not keep the group waiting.
    w.now.wall.0 -= 3_600_000;
    w.beat(&mut Client::new("late", &["t"]));
    assert_eq!(targets(&w), 3);
}

#[test]
fn k10_new_and_deleted_topics_and_partitions_are_a_new_epoch() {
    let mut w = world(2);
    let mut a = Client::new("a", &["t", "u"]);
    w.beat(&mut a);
    assert_eq!((a.epoch, a.owned.len()), (2, 2));
    w.topics(&[("other", 1)]);
    w.pass(1_000);
    w.beat(&mut a);
    assert_eq!(a.epoch, 2, "nobody subscribes to that one");
    w.cluster.grow("t", 3);
    w.tell_of_topics(&["t"]);
    w.beat(&mut a);
    assert_eq!((a.epoch, a.owned.clone()), (3, all("t", 3)));
    w.topics(&[("u", 1)]);
    w.pass(1_000);
    w.beat(&mut a);
    assert_eq!((a.epoch, a.owned.len()), (4, 4));
    w.cluster.delete("t");
    w.tell_of_topics(&["t"]);
    w.pass(1_000);
    w.beat(&mut a);
    w.beat(&mut a);
    assert_eq!((a.epoch, a.owned.clone()), (5, all("u", 1)));
    // A topic of the same name is another topic.
    w.topics(&[("u", 2)]);
    w.pass(1_000);
    w.settle(std::slice::from_mut(&mut a));
    assert_eq!(a.owned, all("u", 2));
}

#[test]
fn k10_topics_that_changed_while_the_coordinator_was_away_are_noticed() {
    let mut w = world(2);
    let mut a = Client::new("a", &["t"]);
    w.beat(&mut a);
    w.cluster.grow("t", 4);
    w.crash();
    w.pass(1_000);
    w.beat(&mut a);
    assert_eq!((a.epoch, a.owned.clone()), (3, all("t", 4)));
    // And if nothing changed, nothing happens.
    w.crash();
    let batches = w.shard.log().batches;
    w.beat(&mut a);
    assert_eq!((w.shard.log().batches, w.described().group_epoch), (batches, 3));
}

#[test]
fn v8_a_crash_in_the_middle_of_a_move_gives_no_partition_to_two() {
    let mut w = world(4);
    let (mut a, mut b) = (Client::new("a", &["t"]), Client::new("b", &["t"]));
    w.beat(&mut a);
    w.pass(1_000);
    w.beat(&mut b);
    let request = ConsumerGroupHeartbeatRequest { topic_partitions: None, ..a.full(&w) };
    w.beat_as(1, request);
    w.crash();
    w.beat(&mut b);
    assert_eq!(b.owned.len(), 0);
    // The time it has for giving up starts anew.
    for _ in 0..2 {
        w.pass(29_000);
        w.beat(&mut b);
        let request = ConsumerGroupHeartbeatRequest { topic_partitions: None, ..a.full(&w) };
        assert_eq!(w.beat_code(request), ErrorCode::None);
    }
    w.pass(2_000);
    w.beat(&mut b);
    assert_eq!(b.owned, all("t", 4));
}
