//! The power goes at every single step of a first start and of the changes after it.

use super::*;
use crate::log::sim_disk::{Fault, Survives};

/// Starts and creates topics until the disk dies. Gives the ids of those whose creation was answered.
fn work(disk: &SimDisk, seed: u64, prefix: &str) -> Vec<(String, Uuid)> {
    let mut answered = Vec::new();
    let Ok(mut quorum) = start(disk, seed) else { return answered };
    for i in 0..3 {
        let name = format!("{prefix}{i}");
        match create(&mut quorum, &name, 2) {
            Ok(response) => answered.push((name, response.topics[0].topic_id)),
            Err(_) => return answered,
        }
    }
    answered
}

fn steps_of_a_run() -> u64 {
    let disk = SimDisk::new();
    work(&disk, 1, "a");
    disk.steps()
}

fn survives(kind: u64, seed: u64) -> Survives {
    match kind {
        0 => Survives::Everything,
        1 => Survives::Synced,
        _ => Survives::Some(Rng::new(seed)),
    }
}

/// What is there after a crash must hold everything that was answered, and be a cluster in working order.
fn check(disk: &SimDisk, answered: &[(String, Uuid)], context: &str) -> Vec<(String, Uuid)> {
    let quorum = start(disk, 99).unwrap_or_else(|e| panic!("{context}: {e}"));
    let image = quorum.image().load();
    for (name, id) in answered {
        assert_eq!(image.topic_id(name), Some(*id), "{context}: {name}");
        assert_eq!(image.topic(name).unwrap().partition_count(), 2, "{context}");
    }
    assert_eq!(image.metadata_version().0, 30, "{context}");
    assert!(image.config(&ConfigResource::cluster_default()).is_some(), "{context}");
    assert!(image.topics().all(|t| t.partition_count() == 2 && t.partitions.values().all(|p| p.leader == 1)), "{context}");
    ids(&quorum)
}

#[test]
fn t8_v11_a_crash_at_every_step_of_the_first_start_and_of_changes_loses_nothing_answered() {
    for step in 0..steps_of_a_run() {
        for kind in 0..5 {
            let context = format!("step {step} kind {kind}");
            let disk = SimDisk::new();
            disk.fail_at(step, Fault::Crash);
            let answered = work(&disk, 1, "a");
            assert!(disk.is_dead(), "{context}");
            disk.crash(survives(kind, step * 7 + kind));
            let known = check(&disk, &answered, &context);
            disk.crash(survives(kind, step));
            let again = check(&disk, &known, &context);
            assert_eq!(again, known, "{context}: a second start finds the same");
        }
    }
}

#[test]
fn r18_a_crash_at_every_step_of_a_later_start_changes_nothing() {
    let base = SimDisk::new();
    let first = work(&base, 1, "a");
    let before = base.steps();
    let mut step = 0;
    loop {
        let disk = SimDisk::new();
        let again = work(&disk, 1, "a");
        assert_eq!((again, disk.steps()), (first.clone(), before));
        disk.crash(Survives::Synced);
        disk.fail_at(disk.steps() + step, Fault::Crash);
        let mut answered = first.clone();
        answered.extend(work(&disk, 2, "b"));
        if !disk.is_dead() {
            break;
        }
        disk.crash(survives(2 + step % 3, step));
        check(&disk, &answered, &format!("second start, step {step}"));
        step += 1;
    }
    assert!(step > 3);
}
