//! `kill -9` with transactions in flight: totals hold for everyone who reads committed records, and nothing stays open for ever.
//!
//! A few deaths by default; `scripts/bank ROUNDS [SEED]` runs more.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kfk::client::admin::{NewTopic, OffsetSpec};
use kfk::client::{Error, OutgoingRecord};
use kfk::rng::Rng;
use kfk::types::TopicPartition;

use super::bank::{self, Bank};
use super::server::{Server, free_port};
use super::{check_words, number};

const SETTINGS: &[&str] = &[
    "transaction.state.log.num.partitions=3",
    "log.flush.offset.checkpoint.interval.ms=100",
    "replica.high.watermark.checkpoint.interval.ms=100",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms=100",
];

fn started(dir: &std::path::Path, port: u16) -> Server {
    let mut server = Server::spawn(dir, port, SETTINGS);
    assert!(server.wait_ready(), "the server does not start:\n{}", server.kill());
    server
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_money_is_made_or_lost_by_kill_9() {
    let rounds = number("KFK_BANK_ROUNDS").unwrap_or(3);
    let seed = number("KFK_BANK_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    let mut dir = tempfile::tempdir().unwrap();
    // After a failure it stays, to be looked into.
    dir.disable_cleanup(true);
    println!("bank: seed {seed}, directory {}", dir.path().display());
    let mut rng = Rng::new(seed);
    let port = free_port(&mut Rng::new(seed ^ u64::from(std::process::id()).rotate_left(32)));
    let mut server = started(dir.path(), port);
    let bank = Bank::open(&format!("127.0.0.1:{port}"), "accounts", 6, seed).await;
    let began = Instant::now();
    for round in 1..=rounds {
        // Each life is long enough for some transfers, and ends at any moment after.
        bank.await_more(5).await;
        tokio::time::sleep(Duration::from_millis(rng.below(400))).await;
        check_words(&server.kill());
        server = started(dir.path(), port);
        if round % 10 == 0 {
            println!("round {round} of {rounds}: {} transfers committed, {:.0?}", bank.committed(), began.elapsed());
        }
    }
    bank.await_more(5).await;
    println!("{rounds} kills: {}", bank.close().await);
    check_words(&server.kill());
    dir.disable_cleanup(false);
}

/// Three transactions are open when the broker dies: the first is ended by its timeout, the second by the next producer of its id, the
/// third by its own producer, which has lived on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transactions_that_a_killed_broker_left_open_do_not_hold_readers_back() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port(&mut Rng::new(u64::from(std::process::id()) << 1));
    let bootstrap = format!("127.0.0.1:{port}");
    let server = started(dir.path(), port);
    let topic = NewTopic { name: "open".into(), partitions: Some(3), ..NewTopic::default() };
    bank::admin(&bootstrap).create_topics(&[topic], false).await.unwrap();
    let mut producers = Vec::new();
    for (partition, timeout_ms) in ["1000", "600000", "600000"].into_iter().enumerate() {
        let producer = bank::producer(&bootstrap, &format!("x{partition}"), timeout_ms);
        producer.init_transactions().await.unwrap();
        producer.begin_transaction().unwrap();
        producer.send_and_wait(record(partition)).await.unwrap();
        producers.push(producer);
    }
    assert_eq!(stable(&bootstrap).await, [0, 0, 0]);
    check_words(&server.kill());
    let third = producers.pop().unwrap();
    let server = started(dir.path(), port);
    // E17
    await_stable(&bootstrap, [2, 0, 0]).await;
    let second = bank::producer(&bootstrap, "x1", "600000");
    second.init_transactions().await.unwrap();
    await_stable(&bootstrap, [2, 2, 0]).await;
    third.send_and_wait(record(2)).await.unwrap();
    third.commit_transaction().await.unwrap();
    await_stable(&bootstrap, [2, 2, 3]).await;
    // Those whose transactions were ended by others are told so.
    for old in producers {
        let error = old.commit_transaction().await.unwrap_err();
        assert!(matches!(error, Error::Fenced { .. }), "{error:?}");
    }
    check_words(&server.kill());
}

fn record(partition: usize) -> OutgoingRecord<'static> {
    OutgoingRecord { topic: "open", partition: Some(partition as i32), value: Some(b"x"), ..OutgoingRecord::default() }
}

/// The last stable offset of each partition.
async fn stable(bootstrap: &str) -> [i64; 3] {
    let wanted: BTreeMap<_, _> = (0..3).map(|p| (TopicPartition::new("open", p), OffsetSpec::Latest)).collect();
    let found = bank::admin(bootstrap).list_offsets(&wanted, true).await.unwrap();
    let offsets: Vec<i64> = found.into_values().map(|o| o.unwrap().offset).collect();
    offsets.try_into().unwrap()
}

async fn await_stable(bootstrap: &str, expected: [i64; 3]) {
    let began = Instant::now();
    loop {
        let found = stable(bootstrap).await;
        if found == expected {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "stuck at {found:?}, {expected:?} is due");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
