use std::sync::Arc;

use kfk_wire::metadata_response::{MetadataResponse, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic};

use super::*;
use crate::record::{BatchBuilder, BatchOptions, batches};

const EPOCH: i32 = 4;

fn tp(partition: i32) -> TopicPartition {
    TopicPartition::new("t", partition)
}

/// Topic `t` with one partition a leader; brokers 1 to 3.
fn metadata(id: u8, leaders: &[i32]) -> Metadata {
    let partition = |(i, leader_id): (usize, &i32)| MetadataResponsePartition {
        partition_index: i as i32,
        leader_id: *leader_id,
        leader_epoch: EPOCH,
        ..Default::default()
    };
    let topic = MetadataResponseTopic {
        name: Some("t".into()),
        topic_id: Uuid([id; 16]),
        partitions: leaders.iter().enumerate().map(partition).collect(),
        ..Default::default()
    };
    let brokers = (1..=3).map(|node_id| MetadataResponseBroker { node_id, host: "h".into(), port: 1, rack: None }).collect();
    Metadata::default().updated(MetadataResponse { topics: vec![topic], brokers, ..Default::default() }, false)
}

/// Partitions `0..count`, all at offset 0.
fn assigned(count: i32) -> Assignment {
    let mut a = Assignment::default();
    let all: Vec<TopicPartition> = (0..count).map(tp).collect();
    a.replace(&all);
    all.iter().for_each(|tp| assert!(a.seek(tp, Position::At(0))));
    a
}

fn rules(reset: OffsetReset) -> Rules {
    Rules::new(reset, Instant::now(), Duration::from_millis(100), Duration::from_secs(60))
}

/// What is asked for of node 1.
fn asked(a: &mut Assignment, metadata: &Metadata) -> Vec<Wanted> {
    let mut wanted = a.take_fetchable(metadata, Instant::now()).by_node.remove(&1).unwrap_or_default();
    wanted.sort_by_key(|w| w.tp.partition);
    wanted
}

/// `count` records from the offset that was asked for, and `hidden` offsets after them that no reader sees.
fn records(wanted: &Wanted, count: i64, hidden: i64) -> Fetched {
    let mut builder =
        BatchBuilder::new(BatchOptions { base_offset: wanted.offset, partition_leader_epoch: EPOCH, ..BatchOptions::default() });
    (0..count).for_each(|n| builder.append(n, None, Some(b"v"), &[]).unwrap());
    let mut chunks = VecDeque::new();
    if count > 0 {
        let bytes = builder.finish().unwrap();
        let view = batches(&bytes).next().unwrap().unwrap();
        let data = bytes.slice_ref(view.body());
        chunks.extend(RecordChunk::new(Arc::from("t"), wanted.tp.partition, view.header, data, wanted.offset).unwrap());
    }
    let next_offset = wanted.offset + count + hidden;
    let (high_watermark, log_start, last_stable_offset) = (9, 0, 9);
    let found = FetchedRecords { chunks, next_offset, last_epoch: EPOCH, high_watermark, log_start, last_stable_offset, bytes: 1 };
    Fetched { wanted: wanted.clone(), outcome: Ok(found) }
}

fn failed(wanted: &Wanted, error: FetchError) -> Fetched {
    Fetched { wanted: wanted.clone(), outcome: Err(error) }
}

fn take(a: &mut Assignment, fetched: Fetched) -> bool {
    a.take(fetched, rules(OffsetReset::Earliest)).unwrap()
}

fn offsets(polled: &Polled) -> Vec<i64> {
    polled.iter().map(|r| r.offset).collect()
}

fn position(a: &Assignment, partition: i32) -> Position {
    a.partitions[&tp(partition)].position
}

#[test]
fn records_fetched_for_an_old_position_are_dropped() {
    let (mut a, m) = (assigned(1), metadata(1, &[1]));
    let wanted = asked(&mut a, &m).remove(0);
    a.seek(&tp(0), Position::At(50));
    take(&mut a, records(&wanted, 3, 0));
    assert!(!a.has_records());
    // Also when the user has come back to where that began: something else may have been decided in between.
    a.seek(&tp(0), Position::At(0));
    take(&mut a, records(&wanted, 3, 0));
    assert!(!a.has_records());
    a.answered(1);
    let wanted = asked(&mut a, &m).remove(0);
    take(&mut a, records(&wanted, 3, 0));
    assert_eq!(offsets(&a.drain(10)), [0, 1, 2]);
}

#[test]
fn a_partition_that_came_back_does_not_take_answers_of_its_former_life() {
    let (mut a, m) = (assigned(1), metadata(1, &[1]));
    let wanted = asked(&mut a, &m).remove(0);
    a.replace(&[]);
    take(&mut a, records(&wanted, 3, 0));
    a.replace(&[tp(0)]);
    take(&mut a, records(&wanted, 3, 0));
    assert!(!a.has_records() && position(&a, 0) == Position::Unknown);
}

#[test]
fn a_broker_is_asked_for_everything_at_once_and_for_one_thing_at_a_time() {
    let (mut a, m) = (assigned(3), metadata(1, &[1, 1, 2]));
    let first = a.take_fetchable(&m, Instant::now()).by_node;
    assert_eq!(first.iter().map(|(node, w)| (*node, w.len())).collect::<Vec<_>>(), [(1, 2), (2, 1)]);
    assert!(asked(&mut a, &m).is_empty(), "node 1 has not answered");
    take(&mut a, records(&first[&1][0], 2, 0));
    a.answered(1);
    // Read ahead by two answers, then wait for the user, also with the partition that has none.
    let second = asked(&mut a, &m);
    assert_eq!(second.len(), 2);
    take(&mut a, records(second.iter().find(|w| w.offset == 2).unwrap(), 2, 0));
    a.answered(1);
    assert!(asked(&mut a, &m).is_empty());
    a.drain(2);
    assert_eq!(asked(&mut a, &m).len(), 2);
}

#[test]
fn a_paused_partition_keeps_what_it_has_and_holds_nobody_up() {
    let (mut a, m) = (assigned(2), metadata(1, &[1, 1]));
    for _ in 0..2 {
        let wanted = asked(&mut a, &m);
        take(&mut a, records(&wanted[0], 2, 0));
        a.answered(1);
    }
    a.partitions.get_mut(&tp(0)).unwrap().paused = true;
    assert!(!a.has_records() && a.drain(10).is_empty());
    assert_eq!(asked(&mut a, &m).iter().map(|w| w.tp.partition).collect::<Vec<_>>(), [1]);
    a.partitions.get_mut(&tp(0)).unwrap().paused = false;
    assert_eq!(offsets(&a.drain(10)), [0, 1, 2, 3]);
}

#[test]
fn the_position_is_behind_the_last_record_given_out_and_past_what_is_hidden_after_it() {
    let (mut a, m) = (assigned(1), metadata(1, &[1]));
    let wanted = asked(&mut a, &m).remove(0);
    take(&mut a, records(&wanted, 4, 0));
    a.answered(1);
    assert_eq!(offsets(&a.drain(3)), [0, 1, 2]);
    assert_eq!(a.positions()[&tp(0)], (3, EPOCH));
    // A control batch comes by itself, while a record waits.
    let wanted = asked(&mut a, &m).remove(0);
    assert_eq!((wanted.offset, wanted.fetched_epoch), (4, EPOCH));
    take(&mut a, records(&wanted, 0, 1));
    a.answered(1);
    assert_eq!(a.positions()[&tp(0)], (3, EPOCH));
    assert_eq!(offsets(&a.drain(3)), [3]);
    assert_eq!(a.positions()[&tp(0)], (5, EPOCH));
    // And with nothing waiting.
    let wanted = asked(&mut a, &m).remove(0);
    take(&mut a, records(&wanted, 0, 2));
    assert_eq!(a.positions()[&tp(0)], (7, EPOCH));
}

#[test]
fn an_offset_out_of_range_is_reset_after_what_is_buffered_or_told() {
    let (mut a, m) = (assigned(1), metadata(1, &[1]));
    let wanted = asked(&mut a, &m).remove(0);
    take(&mut a, records(&wanted, 2, 0));
    a.answered(1);
    let wanted = asked(&mut a, &m).remove(0);
    take(&mut a, failed(&wanted, FetchError::OutOfRange));
    assert_eq!(offsets(&a.drain(9)), [0, 1]);
    take(&mut a, failed(&wanted, FetchError::OutOfRange));
    assert_eq!(position(&a, 0), Position::Reset(OffsetReset::Earliest));

    let (mut a, m) = (assigned(1), metadata(1, &[1]));
    let wanted = asked(&mut a, &m).remove(0);
    let told = a.take(failed(&wanted, FetchError::OutOfRange), rules(OffsetReset::None)).unwrap_err();
    assert_eq!(told.code(), Some(ErrorCode::OffsetOutOfRange));
    assert_eq!(position(&a, 0), Position::At(0), "the user decides where to go on");
}

#[test]
fn a_log_that_was_cut_is_read_again_from_where_it_parted() {
    let (mut a, m) = (assigned(1), metadata(1, &[1]));
    let wanted = asked(&mut a, &m).remove(0);
    take(&mut a, records(&wanted, 6, 0));
    a.answered(1);
    a.drain(5);
    let wanted = asked(&mut a, &m).remove(0);
    assert!(take(&mut a, failed(&wanted, FetchError::Diverged { end: 3, epoch: 2 })));
    assert!(!a.has_records(), "the sixth record is not there any more");
    a.answered(1);
    let wanted = asked(&mut a, &m).remove(0);
    assert_eq!((wanted.offset, wanted.fetched_epoch), (3, 2));
    // Without a policy the user is told and nothing moves.
    let told = a.take(failed(&wanted, FetchError::Diverged { end: 1, epoch: 2 }), rules(OffsetReset::None)).unwrap_err();
    assert!(told.to_string().contains("truncated"), "{told}");
    assert_eq!(position(&a, 0), Position::At(3));
}

#[test]
fn a_topic_created_anew_is_read_by_the_reset_policy() {
    let (mut a, old, new) = (assigned(1), metadata(1, &[1]), metadata(2, &[1]));
    let now = Instant::now();
    a.notice_new_topics(&old, rules(OffsetReset::Earliest), now).unwrap();
    a.notice_new_topics(&old, rules(OffsetReset::Earliest), now).unwrap();
    assert_eq!(position(&a, 0), Position::At(0));
    assert!(a.notice_new_topics(&new, rules(OffsetReset::None), now).unwrap_err().to_string().contains("created anew"));
    let later = now + Duration::from_secs(1);
    a.notice_new_topics(&new, rules(OffsetReset::Earliest), later).unwrap();
    assert_eq!(position(&a, 0), Position::Reset(OffsetReset::Earliest));
    // A position that the user chose since is taken for one in the new topic.
    a.seek(&tp(0), Position::At(7));
    a.notice_new_topics(&new, rules(OffsetReset::Earliest), later).unwrap();
    assert_eq!(position(&a, 0), Position::At(7));
}

#[test]
fn a_preferred_replica_is_asked_until_it_fails_or_is_gone() {
    let (mut a, m) = (assigned(1), metadata(1, &[1]));
    let wanted = asked(&mut a, &m).remove(0);
    assert!(!take(&mut a, failed(&wanted, FetchError::Preferred(2))));
    a.answered(1);
    let of_two = a.take_fetchable(&m, Instant::now()).by_node.remove(&2).unwrap().remove(0);
    assert!(of_two.of_replica);
    // F17: it serves only what it knows; the leader knows more.
    take(&mut a, failed(&of_two, FetchError::OutOfRange));
    a.answered(2);
    assert_eq!(position(&a, 0), Position::At(0));
    let later = Instant::now() + Duration::from_secs(1);
    assert!(a.take_fetchable(&m, later).by_node.contains_key(&1));
}

#[test]
fn a_partition_whose_leader_moved_backs_off_and_is_asked_of_the_new_one() {
    let (mut a, m) = (assigned(1), metadata(1, &[1]));
    let wanted = asked(&mut a, &m).remove(0);
    assert!(take(&mut a, failed(&wanted, FetchError::Moved)), "metadata is wanted");
    a.answered(1);
    let moved = metadata(1, &[3]);
    assert!(a.take_fetchable(&moved, Instant::now()).by_node.is_empty());
    let later = a.next_retry(Instant::now()).unwrap();
    assert!(a.take_fetchable(&moved, later).by_node.contains_key(&3));
    assert!(a.take_fetchable(&metadata(1, &[-1]), later).unknown_leaders);
}

#[test]
fn a_lookup_is_made_once_and_not_for_a_position_that_was_left() {
    let mut a = Assignment::default();
    a.replace(&[tp(0), tp(1)]);
    let unknown = |p: Position| (p == Position::Unknown).then_some(());
    let now = Instant::now();
    let looked = a.take_unplaced(now, unknown);
    assert_eq!(looked.len(), 2);
    assert!(a.take_unplaced(now, unknown).is_empty());
    a.seek(&tp(0), Position::At(5));
    a.place(&looked[0].0, looked[0].1, Ok((Position::At(99), 1)));
    assert_eq!(position(&a, 0), Position::At(5));
    // One that failed is made again later.
    a.place(&looked[1].0, looked[1].1, Err(now + Duration::from_millis(5)));
    assert!(a.take_unplaced(now, unknown).is_empty());
    let again = a.take_unplaced(now + Duration::from_millis(5), unknown);
    a.place(&again[0].0, again[0].1, Ok((Position::At(8), EPOCH)));
    assert_eq!(a.positions()[&tp(1)], (8, EPOCH));
    assert_eq!(a.take_unplaced(now, Some).len(), 2, "and a new one may be made then");
}

#[test]
fn partitions_take_turns_and_max_poll_records_is_kept() {
    let (mut a, m) = (assigned(3), metadata(1, &[1, 1, 1]));
    for wanted in asked(&mut a, &m) {
        take(&mut a, records(&wanted, 4, 0));
    }
    let mut first = Vec::new();
    for _ in 0..3 {
        let polled = a.drain(3);
        assert_eq!(polled.len(), 3);
        first.push(polled.chunks[0].partition());
    }
    assert_eq!(first, [0, 1, 2]);
    assert_eq!(a.drain(100).len(), 3);
}
