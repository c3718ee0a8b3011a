use std::sync::Arc;

use kfk_wire::Uuid;

use super::*;
use crate::client::consumer::RecordChunk;
use crate::record::{BatchBuilder, BatchOptions, batches};

const T: Uuid = Uuid([1; 16]);

fn tp() -> TopicPartition {
    TopicPartition::new("t", 0)
}

fn part() -> SharePart {
    (T, tp())
}

/// `count` records from offset `base` of broker 1.
fn chunk(base: i64, count: i64) -> ShareChunk {
    let mut builder = BatchBuilder::new(BatchOptions { base_offset: base, ..BatchOptions::default() });
    (0..count).for_each(|n| builder.append(n, None, Some(b"v"), &[]).unwrap());
    let bytes = builder.finish().unwrap();
    let view = batches(&bytes).next().unwrap().unwrap();
    let records = RecordChunk::new(Arc::from("t"), 0, view.header, bytes.slice_ref(view.body()), base).unwrap().unwrap();
    ShareChunk { topic_id: T, node: 1, delivery_count: 1, records }
}

fn given(base: i64, count: i64) -> Held {
    let mut held = Held::default();
    held.buffer(chunk(base, count));
    assert_eq!(held.give(usize::MAX).len(), usize::try_from(count).unwrap());
    held
}

fn said(first: i64, last: i64, code: i8) -> Said {
    Said { first, last, code }
}

fn sent(held: &mut Held) -> Vec<Said> {
    held.take_unsent(1, false).remove(&part()).unwrap_or_default()
}

#[test]
fn a_limit_cuts_batches_and_keeps_the_rest() {
    let mut held = Held::default();
    held.buffer(chunk(10, 3));
    held.buffer(chunk(20, 2));
    let offsets = |polled: SharePolled| polled.iter().map(|r| (r.offset, r.delivery_count)).collect::<Vec<_>>();
    assert_eq!(offsets(held.give(2)), [(10, 1), (11, 1)]);
    assert_eq!(offsets(held.give(2)), [(12, 1), (20, 1)]);
    assert_eq!(offsets(held.give(2)), [(21, 1)]);
    assert!(!held.has_records() && held.unacknowledged() == 5);
}

#[test]
fn h2_neighbours_travel_together_and_what_was_sent_is_said() {
    let mut held = given(0, 6);
    for (offset, what) in [(0, Acknowledge::Accept), (1, Acknowledge::Accept), (2, Acknowledge::Reject), (4, Acknowledge::Accept)] {
        assert!(held.acknowledge(&tp(), offset, what));
    }
    assert!(held.acknowledge(&tp(), 1, Acknowledge::Release), "changed in time");
    assert_eq!(held.unacknowledged(), 2);
    assert_eq!(sent(&mut held), [said(0, 0, 1), said(1, 1, 2), said(2, 2, 3), said(4, 4, 1)]);
    assert!(!held.acknowledge(&tp(), 1, Acknowledge::Accept), "it has been sent");
    assert!(!held.acknowledge(&tp(), 9, Acknowledge::Accept), "nobody has it");
    held.accept_all();
    assert_eq!((sent(&mut held), held.unacknowledged()), (vec![said(3, 3, 1), said(5, 5, 1)], 0));
    assert!(held.listeners().is_empty());
}

#[test]
fn what_need_not_be_asked_joins_what_the_user_says() {
    let mut held = given(0, 2);
    held.say(1, &part(), &[said(2, 7, 0)]);
    held.accept_all();
    assert_eq!(sent(&mut held), [said(0, 1, 1), said(2, 7, 0)]);
}

#[test]
fn what_was_sent_in_vain_does_not_outweigh_what_was_said_since() {
    let mut held = given(0, 1);
    assert!(held.acknowledge(&tp(), 0, Acknowledge::Renew));
    let renewals = held.take_unsent(1, true).remove(&part()).unwrap();
    assert!(held.acknowledge(&tp(), 0, Acknowledge::Accept));
    held.say(1, &part(), &renewals);
    assert_eq!(sent(&mut held), [said(0, 0, 1)]);
    assert!(!held.renews(1));
}

#[test]
fn a_renewed_record_stays_to_be_acknowledged_until_the_renewal_is_refused() {
    let mut held = given(0, 2);
    assert!(held.acknowledge(&tp(), 0, Acknowledge::Renew) && held.renews(1));
    assert_eq!(held.unacknowledged(), 1);
    assert!(held.acknowledge(&tp(), 1, Acknowledge::Accept));
    assert_eq!(sent(&mut held), [said(1, 1, 1)], "renewals travel alone");
    let renewals = held.take_unsent(1, true).remove(&part()).unwrap();
    assert_eq!(renewals, [said(0, 0, 4)]);
    assert!(held.acknowledge(&tp(), 0, Acknowledge::Renew), "again");
    held.forget(&part(), &renewals);
    held.take_unsent(1, true);
    assert!(!held.acknowledge(&tp(), 0, Acknowledge::Accept));
}

#[test]
fn what_nobody_has_seen_goes_with_its_broker() {
    let mut held = given(0, 1);
    held.buffer(chunk(1, 1));
    held.drop_buffered(2);
    assert!(held.has_records());
    held.drop_buffered(1);
    assert!(!held.has_records() && held.unacknowledged() == 1);
}
