use super::*;

fn led_by(me: NodeId, isr: &[NodeId], epoch: LeaderEpoch) -> Assignment {
    Assignment { replicas: isr.to_vec(), isr: isr.to_vec(), leader: me, leader_epoch: epoch, partition_epoch: epoch }
}

fn step(p: &mut PartitionMachine, input: Input) -> Vec<Output> {
    let mut out = Vec::new();
    p.decide(Now::default(), input, &mut out);
    p.check();
    out
}

fn end(end: Offset) -> Input {
    Input::LogEnd { end, first_unstable: None }
}

fn lone_leader(log_end: Offset) -> PartitionMachine {
    let mut p = PartitionMachine::new(1, 0, log_end, None);
    p.apply(&led_by(1, &[1], 0));
    p.advance(&mut Vec::new());
    p.check();
    p
}

#[test]
fn f15_a_lone_leader_commits_at_once() {
    let mut p = lone_leader(10);
    assert_eq!(p.offsets().high_watermark(), 10);
    assert!(!p.end_is_uncertain());
    assert_eq!(step(&mut p, end(15)), [Output::HighWatermark { from: 10, to: 15 }, Output::LastStable { from: 10, to: 15 }]);
    assert_eq!(step(&mut p, end(15)), []);
}

#[test]
fn f13_the_last_stable_offset_waits_for_open_transactions() {
    let mut p = lone_leader(10);
    step(&mut p, Input::LogEnd { end: 20, first_unstable: Some(12) });
    assert_eq!(p.visible_end(Reader::Committed), 12);
    assert_eq!(p.visible_end(Reader::Uncommitted), 20);
    assert_eq!(step(&mut p, end(21)), [Output::HighWatermark { from: 20, to: 21 }, Output::LastStable { from: 12, to: 21 }]);
}

#[test]
fn w2_the_high_watermark_is_the_smallest_end_in_the_isr() {
    let mut p = PartitionMachine::new(1, 0, 100, None);
    p.apply(&led_by(1, &[1, 2, 3], 4));
    assert_eq!(step(&mut p, end(120)), []);
    step(&mut p, Input::FollowerFetched { node: 2, offset: 110 });
    assert_eq!(p.offsets().high_watermark(), 0);
    step(&mut p, Input::FollowerFetched { node: 3, offset: 90 });
    assert_eq!(p.offsets().high_watermark(), 90);
    step(&mut p, Input::FollowerFetched { node: 9, offset: 0 });
    assert_eq!(p.offsets().high_watermark(), 90);
}

#[test]
fn o7_the_end_is_uncertain_until_the_watermark_reaches_the_epochs_begin() {
    let mut p = PartitionMachine::new(1, 0, 100, None);
    p.apply(&led_by(1, &[1, 2], 4));
    p.advance(&mut Vec::new());
    assert!(p.end_is_uncertain());
    step(&mut p, Input::FollowerFetched { node: 2, offset: 99 });
    assert!(p.end_is_uncertain());
    step(&mut p, Input::FollowerFetched { node: 2, offset: 100 });
    assert!(!p.end_is_uncertain());
}

#[test]
fn p8_p10_p11_appends_need_valid_acks_the_leader_and_enough_replicas() {
    assert_eq!(Acks::from_wire(2), Err(ErrorCode::InvalidRequiredAcks));
    let p = lone_leader(0);
    assert_eq!(p.check_append(Acks::All, 2), Ok(()), "min.insync.replicas is capped by the replication factor");
    let mut p = PartitionMachine::new(1, 0, 0, None);
    assert_eq!(p.check_append(Acks::Leader, 1), Err(ErrorCode::NotLeaderOrFollower));
    p.apply(&Assignment { isr: vec![1], ..led_by(1, &[1, 2, 3], 1) });
    assert_eq!(p.check_append(Acks::All, 2), Err(ErrorCode::NotEnoughReplicas));
    assert_eq!(p.check_append(Acks::Leader, 2), Ok(()));
    assert_eq!(p.check_append(Acks::None, 2), Ok(()));
}

#[test]
fn f3_leader_epochs_of_readers_are_checked() {
    let mut p = lone_leader(0);
    p.apply(&led_by(1, &[1], 5));
    assert_eq!(p.check_read(4), Err(ErrorCode::FencedLeaderEpoch));
    assert_eq!(p.check_read(6), Err(ErrorCode::UnknownLeaderEpoch));
    assert_eq!(p.check_read(5), Ok(()));
    assert_eq!(p.check_read(-1), Ok(()));
    p.apply(&led_by(2, &[1, 2], 6));
    assert_eq!(p.check_read(-1), Err(ErrorCode::NotLeaderOrFollower));
}

#[test]
fn older_assignments_change_nothing() {
    let mut p = lone_leader(0);
    p.apply(&led_by(1, &[1], 5));
    p.apply(&led_by(2, &[2], 4));
    assert!(p.is_leader());
    assert_eq!(p.leader_epoch(), 5);
}

#[test]
fn v1_the_order_of_offsets_survives_truncation_and_deletion() {
    let mut p = lone_leader(100);
    step(&mut p, Input::LogStart { start: 40 });
    assert_eq!(p.offsets().log_start(), 40);
    let mut p = lone_leader(10);
    step(&mut p, Input::LogStart { start: 40 });
    assert_eq!((p.offsets().high_watermark(), p.offsets().log_end()), (40, 40));
    p.offsets.set_log_end(20);
    p.offsets.check();
}
