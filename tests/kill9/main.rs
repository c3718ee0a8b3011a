//! `kill -9` under load, again and again: every acknowledged record, offset and topic is there afterwards, once and in order.
//!
//! The broker is a process of its own; the producers, their retries and the list of what was acknowledged live here. A few rounds by
//! default; `scripts/kill9 ROUNDS [SEED]` runs more. The seed decides load and moments of death, not how the threads take turns.

mod bank;
mod check;
mod ledger;
mod load;
mod server;
mod transactions;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use check::Seen;
use kfk::rng::Rng;
use ledger::Ledger;
use load::Load;
use server::Server;

/// Small caches and short intervals, so that a death meets checkpoints and rolls too.
const SETTINGS: &[&str] = &[
    "offsets.topic.num.partitions=3",
    "log.flush.offset.checkpoint.interval.ms=100",
    "log.flush.start.offset.checkpoint.interval.ms=100",
    "replica.high.watermark.checkpoint.interval.ms=100",
    "log.flush.scheduler.interval.ms=50",
    "log.segment.delete.delay.ms=100",
];

struct Ordeal<'a> {
    dir: &'a Path,
    port: u16,
    rng: Rng,
    seen: Seen,
    ledger: Arc<Ledger>,
    deaths: usize,
    early_deaths: usize,
}

impl Ordeal<'_> {
    fn spawn(&self) -> Server {
        Server::spawn(self.dir, self.port, SETTINGS)
    }

    /// Starts a server that lives long enough to answer. Some die while they start.
    fn start(&mut self) -> Server {
        while self.rng.below(6) == 0 {
            let server = self.spawn();
            std::thread::sleep(Duration::from_millis(self.rng.below(60)));
            check_words(&server.kill());
            self.early_deaths += 1;
        }
        let mut server = self.spawn();
        assert!(server.wait_ready(), "the server does not start:\n{}", server.kill());
        server
    }

    /// A life: start, look at what the last one left, some load, death.
    async fn round(&mut self, all: bool) {
        let promised = self.ledger.promised();
        let server = self.start();
        if let Err(e) = self.seen.look(self.port, &promised, all).await {
            panic!("{e}\nthe server said:\n{}", server.kill());
        }
        tokio::time::sleep(Duration::from_millis(self.rng.below(300))).await;
        check_words(&server.kill());
        self.deaths += 1;
    }

    /// The last life: the load ends in peace, and everything is looked at once more, on sockets and in the files.
    async fn settle(&mut self, load: Load) {
        let server = self.start();
        let sent = tokio::time::timeout(Duration::from_secs(60), load.stop()).await.expect("the load comes to an end");
        self.seen.look(self.port, &self.ledger.promised(), true).await.unwrap();
        assert_eq!(self.seen.distinct(), sent, "every record sent is there, and no other");
        let (status, words, took) = server.terminate();
        check_words(&words);
        assert!(status.success(), "a clean stop ends with {status}:\n{words}");
        assert!(took < Duration::from_secs(5), "a clean stop took {took:?}");
        let (segments, batches) = check::check_segments(self.dir).unwrap();
        let (acknowledged, records) = (self.ledger.note(|p| p.records.values().map(|m| m.len()).sum::<usize>()), self.seen.count());
        println!(
            "{} kills (and {} during the start): {acknowledged} records acknowledged, {records} in the logs, {batches} batches in {segments} segments",
            self.deaths, self.early_deaths
        );
        let mut again = self.spawn();
        assert!(again.wait_ready());
        self.seen.look(self.port, &self.ledger.promised(), true).await.unwrap();
        check_words(&again.kill());
    }
}

/// What a server may not say: that it panicked, or that it found damage. A torn tail is what a kill leaves now and then.
fn check_words(words: &str) {
    for bad in ["panicked", "ERROR"] {
        assert!(!words.contains(bad), "the server said:\n{words}");
    }
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kill_9_once_and_in_order() {
    let rounds = number("KFK_KILL9_ROUNDS").unwrap_or(5);
    let seed = number("KFK_KILL9_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    let mut dir = tempfile::tempdir().unwrap();
    // After a failure it stays, to be looked into.
    dir.disable_cleanup(true);
    println!("seed {seed}, directory {}", dir.path().display());
    let mut rng = Rng::new(seed);
    // Other processes may take the same numbers: which port is free is not the seed's matter.
    let port = server::free_port(&mut Rng::new(seed ^ u64::from(std::process::id())));
    let ledger = Arc::new(Ledger::default());
    let mut first = Server::spawn(dir.path(), port, SETTINGS);
    assert!(first.wait_ready(), "{}", first.kill());
    load::create_topics(&load::admin(port)).await;
    let load = Load::start(port, &ledger, &mut rng);
    tokio::time::sleep(Duration::from_millis(150)).await;
    check_words(&first.kill());
    let mut ordeal = Ordeal { dir: dir.path(), port, rng, seen: Seen::default(), ledger, deaths: 1, early_deaths: 0 };
    let began = Instant::now();
    for round in 1..rounds {
        ordeal.round(round % 20 == 0).await;
        if round % 10 == 0 {
            println!("round {round} of {rounds}: {} records, {:.0?}", ordeal.seen.count(), began.elapsed());
        }
    }
    ordeal.settle(load).await;
    dir.disable_cleanup(false);
}
