use super::super::election::{Election, PartitionChange, without};
use super::super::state::{NO_LEADER, Partition};
use super::*;

fn partition(replicas: &[i32], isr: &[i32], elr: &[i32], last_known: &[i32], leader: i32) -> Partition {
    Partition {
        replicas: replicas.to_vec(),
        directories: vec![Uuid::ZERO; replicas.len()],
        isr: isr.to_vec(),
        elr: elr.to_vec(),
        last_known_elr: last_known.to_vec(),
        removing: vec![],
        adding: vec![],
        leader,
        recovering: false,
        leader_epoch: 5,
        partition_epoch: 9,
    }
}

struct Case<'a> {
    live: &'a [i32],
    isr: &'a [i32],
    unclean_stop: Option<i32>,
    election: Election,
    min_isr: usize,
}

const CASE: Case<'_> = Case { live: &[], isr: &[], unclean_stop: None, election: Election::Clean, min_isr: 1 };

fn changed(p: &Partition, case: &Case<'_>) -> Partition {
    let change = PartitionChange {
        partition: p,
        topic: Uuid::ZERO,
        number: 0,
        isr: case.isr.to_vec(),
        unclean_stop: case.unclean_stop,
        may_lead: &|r| case.live.contains(&r),
        election: case.election,
        elr_enabled: true,
        min_isr: case.min_isr,
    };
    match change.record() {
        Some(record) => p.changed_by(&"t".into(), &record).unwrap(),
        None => p.clone(),
    }
}

#[test]
fn w13_a_valid_leader_stays() {
    let p = partition(&[1, 2, 3], &[1, 2, 3], &[], &[], 2);
    let after = changed(&p, &Case { live: &[1, 2], isr: &without(&p.isr, 3), ..CASE });
    assert_eq!((after.leader, after.leader_epoch, after.partition_epoch, &after.isr[..]), (2, 5, 10, &[1, 2][..]));
}

#[test]
fn w13_otherwise_the_first_live_isr_member_in_replica_order() {
    let p = partition(&[3, 1, 2], &[1, 2, 3], &[], &[], 3);
    let after = changed(&p, &Case { live: &[1, 2], isr: &without(&p.isr, 3), ..CASE });
    assert_eq!((after.leader, after.leader_epoch), (1, 6));
}

#[test]
fn w13_with_an_empty_isr_a_live_eligible_leader() {
    let p = partition(&[1, 2], &[], &[1, 2], &[1], NO_LEADER);
    let after = changed(&p, &Case { live: &[2], min_isr: 2, ..CASE });
    assert_eq!((after.leader, &after.isr[..], &after.elr[..], after.recovering), (2, &[2][..], &[1][..], false));
    assert!(after.last_known_elr.is_empty());
}

#[test]
fn w13_then_the_last_known_leader_if_it_alone_is_listed() {
    let p = partition(&[1, 2], &[], &[], &[1], NO_LEADER);
    let after = changed(&p, &Case { live: &[1, 2], ..CASE });
    assert_eq!((after.leader, &after.isr[..], after.recovering), (1, &[1][..], true));
    assert_eq!(changed(&p, &Case { live: &[2], ..CASE }).leader, NO_LEADER);
}

#[test]
fn w13_any_live_replica_only_when_unclean_election_is_on() {
    let p = partition(&[1, 2], &[1], &[], &[], 1);
    let case = Case { live: &[2], ..CASE };
    let clean = changed(&p, &case);
    assert_eq!((clean.leader, &clean.isr[..], &clean.elr[..], &clean.last_known_elr[..]), (NO_LEADER, &[][..], &[1][..], &[1][..]));
    let unclean = changed(&p, &Case { election: Election::Unclean, ..case });
    assert_eq!((unclean.leader, &unclean.isr[..], unclean.recovering), (2, &[2][..], true));
    assert!(unclean.elr.is_empty());
}

#[test]
fn w14_leaving_a_too_small_isr_makes_an_eligible_leader() {
    let p = partition(&[1, 2, 3], &[1, 2], &[], &[], 1);
    let case = Case { live: &[1, 3], isr: &[1], min_isr: 2, ..CASE };
    assert_eq!(changed(&p, &case).elr, [2]);
    assert!(changed(&p, &Case { min_isr: 1, ..case }).elr.is_empty());
    assert!(changed(&p, &Case { unclean_stop: Some(2), ..case }).elr.is_empty(), "after an unclean stop it may have lost records");
}

#[test]
fn a_change_without_effect_is_no_record() {
    let p = partition(&[1], &[1], &[], &[], 1);
    assert_eq!(changed(&p, &Case { live: &[1], isr: &[1], ..CASE }), p);
}
