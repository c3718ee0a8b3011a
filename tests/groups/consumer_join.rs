//! Members come and go in a consumer group: facts K1 to K8.

use kfk::wire::ErrorCode;

use crate::consumer_driver::{Client, names};
use crate::driver::World;

#[test]
fn k1_a_member_joins_gets_its_partitions_and_leaves() {
    let mut w = World::new();
    w.topics(&[("t", 2)]);
    let mut a = Client::new("a", &["t"]);
    let answer = w.beat(&mut a);
    assert_eq!((answer.member_id.as_deref(), answer.member_epoch, answer.heartbeat_interval_ms), (Some("a"), 2, 5_000));
    assert_eq!(a.owned, names(&["t-0", "t-1"]));
    assert_eq!(w.consumer_state(), "Stable");
    assert_eq!(w.leave_consumer(&a, -1), ErrorCode::None);
    assert_eq!(w.consumer_state(), "Empty");
}

#[test]
fn k6_partitions_move_only_after_they_were_given_up() {
    let mut w = World::new();
    w.topics(&[("t", 4)]);
    let mut clients = [Client::new("a", &["t"]), Client::new("b", &["t"])];
    w.settle(&mut clients[..1]);
    assert_eq!(clients[0].owned.len(), 4);
    w.settle(&mut clients);
    assert_eq!((clients[0].owned.len(), clients[1].owned.len()), (2, 2));
    assert!(clients[0].owned.is_disjoint(&clients[1].owned));
}
