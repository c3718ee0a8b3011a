//! Subscriptions by regular expression: fact K10.

use kfk::machine::group::{ConsumerRecord, GroupRecord};
use kfk::node::shard::AppendError;
use kfk::wire::ErrorCode;

use crate::consumer_driver::{Client, names};
use crate::driver::World;

fn world() -> World {
    let mut w = World::new();
    w.topics(&[("foo", 1), ("foo2", 1), ("bar", 1)]);
    w
}

fn by_regex(id: &str, regex: &str) -> Client {
    Client::new(id, &[]).regex(regex)
}

/// The regular expressions in the log with their topics; `None` for those that were taken out.
fn resolved(w: &World) -> Vec<(String, Option<Vec<String>>)> {
    let one = |record: GroupRecord| match record {
        GroupRecord::Consumer(ConsumerRecord::Regex { key, value }) => Some((key.regular_expression, value.map(|v| v.topics))),
        _ => None,
    };
    w.shard.log().records(0).into_iter().filter_map(one).collect()
}

#[test]
fn k10_an_expression_is_resolved_after_the_join_and_counts_from_the_next_heartbeat() {
    let mut w = world();
    let mut a = by_regex("a", "foo.*");
    w.beat(&mut a);
    assert_eq!((a.epoch, a.owned.len()), (1, 0));
    assert_eq!(resolved(&w), [("foo.*".to_string(), Some(vec!["foo".to_string(), "foo2".to_string()]))]);
    w.beat(&mut a);
    assert_eq!((a.epoch, a.owned.clone()), (2, names(&["foo-0", "foo2-0"])));
    assert_eq!(w.described_member("a").subscribed_topic_regex.as_deref(), Some("foo.*"));
    // The whole name has to match.
    let mut b = by_regex("b", "oo");
    w.pass(11_000);
    w.beat(&mut b);
    w.beat(&mut b);
    assert_eq!(b.owned.len(), 0);
}

#[test]
fn k10_members_with_the_same_expression_need_it_resolved_once() {
    let mut w = world();
    let mut clients = [by_regex("a", "foo.*"), by_regex("b", "foo.*")];
    w.settle(&mut clients);
    assert_eq!((clients[0].owned.len(), clients[1].owned.len(), resolved(&w).len()), (1, 1, 1));
    // It goes with the last one.
    w.leave_consumer(&clients[1], -1);
    assert_eq!(resolved(&w).len(), 1);
    w.leave_consumer(&clients[0], -1);
    assert_eq!(resolved(&w).last(), Some(&("foo.*".to_string(), None)));
    assert_eq!(w.consumer_state(), "Empty");
}

#[test]
fn k10_new_topics_are_found_but_not_more_often_than_every_ten_seconds() {
    let mut w = world();
    let mut a = by_regex("a", "foo.*");
    w.settle(std::slice::from_mut(&mut a));
    w.topics(&[("foo3", 1)]);
    w.beat(&mut a);
    w.beat(&mut a);
    assert_eq!(a.owned.len(), 2);
    w.pass(10_000);
    w.settle(std::slice::from_mut(&mut a));
    assert_eq!(a.owned, names(&["foo-0", "foo2-0", "foo3-0"]));
    // A topic that is gone is given up without resolving anything.
    w.cluster.delete("foo");
    w.tell_of_topics(&["foo"]);
    w.settle(std::slice::from_mut(&mut a));
    assert_eq!((a.owned.clone(), resolved(&w).len()), (names(&["foo2-0", "foo3-0"]), 2));
}

#[test]
fn k10_expressions_are_resolved_again_after_the_refresh_interval() {
    let mut w = world();
    let mut a = by_regex("a", "foo.*");
    w.settle(std::slice::from_mut(&mut a));
    let epoch = w.described().group_epoch;
    for _ in 0..20 {
        w.pass(29_000);
        w.beat(&mut a);
    }
    assert_eq!(resolved(&w).len(), 1);
    w.pass(29_000);
    w.beat(&mut a);
    assert_eq!((resolved(&w).len(), w.described().group_epoch), (2, epoch), "and if nothing changed, nothing else happens");
}

#[test]
fn k10_a_member_may_change_from_names_to_an_expression_and_back() {
    let mut w = world();
    let mut a = Client::new("a", &["bar"]);
    w.settle(std::slice::from_mut(&mut a));
    assert_eq!(a.owned, names(&["bar-0"]));
    // Both count.
    a.regex = Some("foo".into());
    w.settle(std::slice::from_mut(&mut a));
    assert_eq!(a.owned, names(&["bar-0", "foo-0"]));
    a.regex = Some("foo2".into());
    w.pass(11_000);
    w.settle(std::slice::from_mut(&mut a));
    assert_eq!(a.owned, names(&["bar-0", "foo2-0"]));
    a.regex = Some(String::new());
    w.settle(std::slice::from_mut(&mut a));
    assert_eq!(a.owned, names(&["bar-0"]));
    assert!(resolved(&w).iter().filter(|(_, topics)| topics.is_none()).count() == 2);
}

#[test]
fn k10_an_expression_that_could_not_be_written_is_resolved_again() {
    let mut w = world();
    let mut a = Client::new("a", &["bar"]);
    w.settle(std::slice::from_mut(&mut a));
    w.crash();
    let mut b = by_regex("b", "foo");
    w.beat(&mut b);
    assert_eq!(resolved(&w).len(), 1);
    b.regex = Some("foo2".into());
    w.pass(11_000);
    w.shard.log_mut().fail_next = Some(AppendError::Refused(ErrorCode::NotEnoughReplicas));
    let request = b.full(&w);
    assert_eq!(w.beat_code(request), ErrorCode::CoordinatorNotAvailable);
    w.beat(&mut b);
    w.settle(&mut [a, b.clone()]);
    assert_eq!(resolved(&w).last().unwrap().0, "foo2");
}

#[test]
fn z1_expressions_survive_a_restart() {
    let mut w = world();
    let mut clients = [by_regex("a", "foo.*"), by_regex("b", "bar|foo")];
    w.settle(&mut clients);
    w.pass(10_000);
    w.settle(&mut clients);
    let before = [clients[0].owned.clone(), clients[1].owned.clone()];
    w.crash();
    w.settle(&mut clients);
    assert_eq!(before, [clients[0].owned.clone(), clients[1].owned.clone()]);
    assert_eq!(&clients[0].owned | &clients[1].owned, names(&["bar-0", "foo-0", "foo2-0"]));
}
