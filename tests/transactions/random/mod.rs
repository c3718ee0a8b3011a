//! Random histories: two producers, partitions with the real checks of a leader, and a coordinator that loses appends, dies, and whose
//! markers fail. Requests are lost, late and (where the protocol allows it, in transaction version 2) repeated.
//!
//! After every step the machine's own invariants hold, and
//! - only the producer that was initialized last is let do anything under its transactional id;
//! - a transaction that is open in a partition is known to the coordinator (none hangs).
//!
//! At the end, when all has come to rest:
//! - what was answered as committed can be read, once, and what was answered as aborted cannot;
//! - of a commit that was never answered all can be read, or nothing;
//! - no partition's last stable offset is held back.
//!
//! `KFK_SEED=n` repeats one history, `KFK_SEEDS=n` runs so many.

mod client;
mod partition;
mod sim;

use self::sim::{Rules, Sim};

fn run(seed: u64) {
    let rules = Rules::of(seed);
    let outcome = std::panic::catch_unwind(|| {
        let mut sim = Sim::new(seed, rules.clone());
        for _ in 0..2_000 {
            sim.step();
        }
        sim.come_to_rest();
        sim.counts()
    });
    match outcome {
        Ok(counts) => TOTAL.lock().unwrap().add(counts),
        Err(_) => panic!("history {seed} broke a rule under {rules:?}: KFK_SEED={seed} cargo test --test transactions random"),
    }
}

/// What the histories came to, so that they do not pass by doing nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub committed: u64,
    pub aborted: u64,
    pub undecided: u64,
    pub crashes: u64,
    pub failed_appends: u64,
    pub failed_markers: u64,
    pub fenced: u64,
    pub timed_out: u64,
    pub repeated: u64,
}

impl Counts {
    fn add(&mut self, other: Counts) {
        self.committed += other.committed;
        self.aborted += other.aborted;
        self.undecided += other.undecided;
        self.crashes += other.crashes;
        self.failed_appends += other.failed_appends;
        self.failed_markers += other.failed_markers;
        self.fenced += other.fenced;
        self.timed_out += other.timed_out;
        self.repeated += other.repeated;
    }
}

static TOTAL: std::sync::Mutex<Counts> = std::sync::Mutex::new(Counts {
    committed: 0,
    aborted: 0,
    undecided: 0,
    crashes: 0,
    failed_appends: 0,
    failed_markers: 0,
    fenced: 0,
    timed_out: 0,
    repeated: 0,
});

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn e12_random_histories_keep_what_transactions_promise() {
    if let Some(seed) = number("KFK_SEED") {
        return run(seed);
    }
    for seed in 0..number("KFK_SEEDS").unwrap_or(150) {
        run(seed);
    }
    let t = *TOTAL.lock().unwrap();
    eprintln!("{t:?}");
    let seen = [t.committed, t.aborted, t.undecided, t.crashes, t.failed_appends, t.failed_markers, t.fenced, t.timed_out, t.repeated];
    assert!(seen.iter().all(|count| *count > 20), "the histories leave something out: {t:?}");
}
