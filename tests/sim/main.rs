//! Seeded histories of a whole broker core over a disk that lies: everything that happens follows from one number.
//!
//! ```text
//! scripts/sim --seed 42             one history, with everything that happened in it
//! scripts/sim --seeds 0..5000       many
//! scripts/sim --minutes 10          as many as fit
//! ```

mod acks;
mod check;
mod members;
mod model;
mod node;
mod ops;
mod rot;
mod shares;
mod transact;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use kfk::log::sim_disk::Fault;

use crate::world::{Stats, World};

/// Events in a history.
const EVENTS: u64 = 60;
/// Seeds that have found something.
const FOUND: [u64; 2] = [2, 10_080];

/// Runs a history. If it fails, it says how to run it again.
fn history(seed: u64, mut world: World, events: u64, again: &str) -> Stats {
    let done = catch_unwind(AssertUnwindSafe(|| world.run(events)));
    if let Err(why) = done {
        eprintln!("--- the last events of seed {seed}:");
        let from = world.trace.len().saturating_sub(40);
        world.trace[from..].iter().for_each(|line| eprintln!("    {line}"));
        eprintln!("--- it fails again with: {again}");
        resume_unwind(why);
    }
    world.stats
}

fn one(seed: u64) -> Stats {
    history(seed, World::new(seed), EVENTS, &format!("scripts/sim --seed {seed}"))
}

fn setting<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

#[test]
fn v_a_few_hundred_histories_lose_nothing_and_hang_nowhere() {
    let mut total = Stats::default();
    (0..200).chain(FOUND).for_each(|seed| total.add(&one(seed)));
    eprintln!("{total:?}");
    // What is not there cannot be tested: histories must come to all of it.
    assert!(total.crashes > 200 && total.power_losses > 50 && total.flips > 200, "{total:?}");
    assert!(total.io_errors > 20 && total.full_disks > 50 && total.transactions > 200, "{total:?}");
    assert!(total.heartbeats > 500 && total.shared > 500 && total.acknowledged > 100, "{total:?}");
}

#[test]
fn r18_a_crash_at_every_step_of_a_short_history() {
    for seed in [3, 4] {
        let events = 14;
        let again = |step: u64| format!("KFK_SIM_STEP={step} scripts/sim --seed {seed}");
        let whole = history(seed, World::with_fault_at(seed, None, Fault::Crash), events, &again(u64::MAX));
        for step in (0..whole.disk_steps).step_by(3) {
            history(seed, World::with_fault_at(seed, Some(step), Fault::Crash), events, &again(step));
        }
    }
}

/// What `scripts/sim` runs: as many histories, or as long, as it is told.
#[test]
#[ignore = "run by scripts/sim"]
fn long() {
    if std::env::var_os("KFK_SIM_TRACE").is_some() {
        let _ = tracing_subscriber::fmt().with_writer(std::io::stderr).without_time().with_target(false).with_ansi(false).try_init();
    }
    let (from, to) = (setting("KFK_SIM_FROM").unwrap_or(0_u64), setting("KFK_SIM_TO").unwrap_or(u64::MAX));
    let limit = Duration::from_secs(setting("KFK_SIM_SECONDS").unwrap_or(u64::MAX / 4));
    if let Some(step) = setting("KFK_SIM_STEP") {
        history(from, World::with_fault_at(from, Some(step), Fault::Crash), 14, "the same command");
        return;
    }
    let (begun, mut told, mut total) = (Instant::now(), Instant::now(), Stats::default());
    for seed in from..to {
        total.add(&one(seed));
        if told.elapsed() > Duration::from_secs(30) {
            told = Instant::now();
            eprintln!("{} s: {total:?}", begun.elapsed().as_secs());
        }
        if begun.elapsed() >= limit {
            break;
        }
    }
    eprintln!("no invariant was broken in {} s: {total:?}", begun.elapsed().as_secs());
}
