use super::*;
use crate::machine::share::Delivery;
use crate::types::{Uuid, WallMs};

/// Records that Kafka 4.3.1 wrote for partition 0 of a group `g2`: begun, 5 of 20 records accepted, the others released at the end; 5
/// rejected, the others released; reset to offset 0; deleted.
const KAFKAS: [(&str, Option<&str>); 7] = [
    (
        "000000026732a8cf2f3aafff49d49719213c8277b4e700000000",
        Some("0000000000000000000200000000ffffffffffffffff000001a1fecb2f14000001a1fecb2f140100"),
    ),
    (
        "000100026732a8cf2f3aafff49d49719213c8277b4e700000000",
        Some("00000000000000000000000000000000000002000000000000000000000000000000040200010001000400000005"),
    ),
    (
        "000100026732a8cf2f3aafff49d49719213c8277b4e700000000",
        Some("00000000000000000000000000000000000502000000000000000500000000000000130000010001000400000000"),
    ),
    (
        "000100026732a8cf2f3aafff49d49719213c8277b4e700000000",
        Some("00000000000000000000000000000000000502000000000000000500000000000000090400020001000400000005"),
    ),
    (
        "000100026732a8cf2f3aafff49d49719213c8277b4e700000000",
        Some("00000000000000000000000000000000000a02000000000000000a00000000000000130000020001000400000000"),
    ),
    (
        "000000026732a8cf2f3aafff49d49719213c8277b4e700000000",
        Some("00000000000100000006000000000000000000000000000001a1fecbb88c000001a1fecbb88c0101000400000000"),
    ),
    ("000000026732a8cf2f3aafff49d49719213c8277b4e700000000", None),
];

fn kafkas() -> Vec<(Bytes, Option<Bytes>)> {
    let bytes = |hex: &str| Bytes::from(hex::decode(hex).unwrap());
    KAFKAS.iter().map(|(k, v)| (bytes(k), v.map(bytes))).collect()
}

fn key() -> ShareKey {
    ShareKey { group: "g".into(), topic: Uuid([1; 16]), partition: 0 }
}

fn batch(first: Offset, last: Offset, delivery: Delivery, count: i16) -> StateBatch {
    StateBatch { first, last, delivery, count }
}

/// Decides, and carries it out as an executor would; also gives the records.
fn ask(shard: &mut ShareShard, body: ShareRequest) -> (ShareAnswer, Vec<ShareRecord>) {
    let now = Now { wall: WallMs(1_000), mono: MonoMs(0) };
    let mut out = Vec::new();
    shard.decide(now, Input::Request { token: Token(1), context: Context::default(), body }, &mut out);
    let (mut answer, mut written) = (None, Vec::new());
    for output in out {
        match output {
            Output::Append { records, .. } => {
                let at = Position { offset: 0, producer: crate::machine::coordinator::Producer::NONE };
                for record in records {
                    let (k, v) = record.encode().unwrap();
                    assert_eq!(ShareRecord::decode(&k, v.as_ref()).unwrap().encode().unwrap(), (k, v));
                    shard.apply(record.clone(), at);
                    written.push(record);
                }
            }
            Output::Answer { answer: given, .. } => answer = Some(given),
            Output::Effect(never) => match never {},
        }
    }
    shard.check().unwrap();
    (answer.expect("an answer"), written)
}

fn write(leader_epoch: i32, state_epoch: i32, start_offset: Offset, batches: Vec<StateBatch>) -> ShareRequest {
    ShareRequest::Write { key: key(), state_epoch, leader_epoch, start_offset, complete: 0, batches }
}

fn state(shard: &mut ShareShard) -> ShareState {
    let (Ok(Done::State(state)), _) = ask(shard, ShareRequest::Read { key: key(), leader_epoch: -1 }) else { panic!("no state") };
    state
}

fn code(answer: &ShareAnswer) -> ErrorCode {
    answer.as_ref().map_or_else(|r| r.code, |_| ErrorCode::None)
}

#[test]
fn z1_kafkas_records_are_read_and_written_to_the_byte() {
    let mut shard = ShareShard::new(500);
    let key = ShareKey { group: "g2".into(), topic: "qM8vOq__SdSXGSE8gne05w".parse().unwrap(), partition: 0 };
    let mut seen = Vec::new();
    for (offset, (k, v)) in (0..).zip(kafkas()) {
        let record = ShareRecord::decode(&k, v.as_ref()).unwrap();
        assert_eq!(record.encode().unwrap(), (k, v));
        shard.apply(record, Position { offset, producer: crate::machine::coordinator::Producer::NONE });
        shard.check().unwrap();
        seen.push(shard.get(&key).map(|s| (s.state_epoch, s.start_offset, s.complete, s.batches.clone())));
    }
    let free = |first, count| vec![batch(first, 19, Delivery::Available, count)];
    let rejected = [batch(5, 9, Delivery::Archived, 2), batch(10, 19, Delivery::Available, 1)];
    let expected = [
        Some((2, -1, -1, vec![])),
        Some((2, 0, 5, vec![batch(0, 4, Delivery::Acknowledged, 1)])),
        Some((2, 5, 0, free(5, 1))),
        Some((2, 5, 5, rejected.to_vec())),
        Some((2, 10, 0, free(10, 2))),
        Some((6, 0, 0, vec![])),
        None,
    ];
    assert_eq!(seen, expected);
}

#[test]
fn h1_only_what_was_begun_may_be_read_and_written() {
    let mut shard = ShareShard::new(500);
    let (answer, _) = ask(&mut shard, write(0, 0, 5, vec![]));
    assert_eq!(answer.unwrap_err().message(), "Write operation on uninitialized share partition not allowed.");
    let (answer, _) = ask(&mut shard, ShareRequest::Read { key: key(), leader_epoch: 0 });
    assert_eq!(code(&answer), ErrorCode::InvalidRequest);
    let (answer, _) = ask(&mut shard, ShareRequest::Summary { key: key() });
    assert_eq!(answer, Ok(Done::Summary(Summary { state_epoch: 0, leader_epoch: 0, start_offset: -1, complete: -1 })));
    let (answer, records) = ask(&mut shard, ShareRequest::Delete { key: key() });
    assert_eq!((code(&answer), records.len()), (ErrorCode::None, 0));
}

#[test]
fn h1_epochs_fence() {
    let mut shard = ShareShard::new(500);
    ask(&mut shard, ShareRequest::Initialize { key: key(), state_epoch: 3, start_offset: -1 }).0.unwrap();
    let (answer, records) = ask(&mut shard, ShareRequest::Read { key: key(), leader_epoch: 7 });
    assert_eq!((code(&answer), records.len()), (ErrorCode::None, 1), "the new leader is written down");
    for (leader, epoch, expected) in
        [(6, 3, ErrorCode::FencedLeaderEpoch), (7, 2, ErrorCode::FencedStateEpoch), (7, 3, ErrorCode::None), (-1, -1, ErrorCode::None)]
    {
        let (answer, records) = ask(&mut shard, write(leader, epoch, 1, vec![]));
        assert_eq!((code(&answer), records.len()), (expected, usize::from(expected == ErrorCode::None)));
    }
    assert_eq!(code(&ask(&mut shard, ShareRequest::Read { key: key(), leader_epoch: 6 }).0), ErrorCode::FencedLeaderEpoch);
    let again = |state_epoch| ShareRequest::Initialize { key: key(), state_epoch, start_offset: 9 };
    assert_eq!(code(&ask(&mut shard, again(2)).0), ErrorCode::FencedStateEpoch);
    assert_eq!(code(&ask(&mut shard, again(4)).0), ErrorCode::None);
    let state = state(&mut shard);
    assert_eq!((state.start_offset, state.state_epoch, state.leader_epoch, state.snapshot_epoch), (9, 4, 0, 1));
}

#[test]
fn h5_updates_add_up_and_a_snapshot_follows_after_so_many() {
    let mut shard = ShareShard::new(2);
    ask(&mut shard, ShareRequest::Initialize { key: key(), state_epoch: 0, start_offset: 0 }).0.unwrap();
    let mut snapshots = Vec::new();
    for i in 0..5 {
        let (_, records) = ask(&mut shard, write(0, 0, 0, vec![batch(i * 10, i * 10 + 4, Delivery::Acknowledged, 1)]));
        snapshots.push(matches!(records[0], ShareRecord::Snapshot { .. }));
    }
    assert_eq!(snapshots, [false, false, true, false, false]);
    assert_eq!(state(&mut shard).batches.len(), 5);
    ask(&mut shard, write(0, 0, 32, vec![])).0.unwrap();
    assert_eq!(state(&mut shard).batches, [batch(32, 34, Delivery::Acknowledged, 1), batch(40, 44, Delivery::Acknowledged, 1)]);
    assert_eq!(state(&mut shard).snapshot_epoch, 2);
}

#[test]
fn t11_topics_that_are_gone_are_forgotten() {
    let mut shard = ShareShard::new(2);
    ask(&mut shard, ShareRequest::Initialize { key: key(), state_epoch: 0, start_offset: 0 }).0.unwrap();
    let mut out = Vec::new();
    shard.decide(Now::default(), Input::Event(ShareEvent::TopicsDeleted(vec![Uuid([2; 16])])), &mut out);
    assert!(out.is_empty());
    shard.decide(Now::default(), Input::Event(ShareEvent::TopicsDeleted(vec![Uuid([1; 16])])), &mut out);
    let [Output::Append { records, .. }] = out.as_slice() else { panic!("one append") };
    assert_eq!(records, &[ShareRecord::tombstone(&key())]);
}

#[test]
fn an_old_snapshot_does_not_keep_the_log_from_being_pruned() {
    let mut shard = ShareShard::new(3);
    let other = ShareKey { partition: 1, ..key() };
    let mut log = Vec::new();
    log.extend(ask(&mut shard, ShareRequest::Initialize { key: other.clone(), state_epoch: 0, start_offset: 0 }).1);
    log.extend(ask(&mut shard, ShareRequest::Initialize { key: key(), state_epoch: 0, start_offset: 0 }).1);
    for i in 0..20 {
        log.extend(ask(&mut shard, write(0, 0, i, vec![])).1);
    }
    let mut shard = ShareShard::new(3);
    for (offset, record) in (0..).zip(log) {
        shard.apply(record, Position { offset, producer: crate::machine::coordinator::Producer::NONE });
    }
    assert_eq!(shard.first_needed(), Some(0));
    let mut out = Vec::new();
    shard.decide(Now::default(), Input::Event(ShareEvent::SnapshotCold { older_than: 1_000 }), &mut out);
    assert!(out.is_empty(), "they were all written just now");
    shard.decide(Now { wall: WallMs(5_000), ..Now::default() }, Input::Event(ShareEvent::SnapshotCold { older_than: 1_001 }), &mut out);
    for (offset, output) in (22..).zip(out) {
        let Output::Append { records, .. } = output else { panic!("an append") };
        records.into_iter().for_each(|r| shard.apply(r, Position { offset, producer: crate::machine::coordinator::Producer::NONE }));
    }
    assert_eq!(shard.first_needed(), Some(22));
    assert_eq!(state(&mut shard).start_offset, 19);
    let mut out = Vec::new();
    shard.decide(Now::default(), Input::Event(ShareEvent::SnapshotCold { older_than: 9_000 }), &mut out);
    assert!(out.is_empty(), "nothing is superfluous now");
}

#[test]
fn a_batch_without_records_is_refused() {
    let mut shard = ShareShard::new(2);
    ask(&mut shard, ShareRequest::Initialize { key: key(), state_epoch: 0, start_offset: 0 }).0.unwrap();
    for (first, last) in [(5, 4), (-1, 3), (0, Offset::MAX)] {
        let (answer, _) = ask(&mut shard, write(0, 0, 0, vec![batch(first, last, Delivery::Acknowledged, 1)]));
        assert_eq!(code(&answer), ErrorCode::InvalidRequest);
    }
}
