//! What the choice of durability costs: records of 100 bytes with `acks=all`, each producer waiting for its own before it sends the next.
//!
//! `cargo bench --bench durability`; the data directory lies in `KFK_BENCH_DIR`, or else in the build directory, so that it is on a disk.
//! All modes run in one process, in turns; a table of records a second and of the 99th percentile of one wait comes out.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use kfk::broker::{Running, start};
use kfk::client::{OutgoingRecord, Producer, ProducerConfig};
use kfk::config::BrokerConfig;

const MODES: [(&str, &str, &str); 3] = [
    ("page cache", "kfk.durability", "page-cache"),
    ("flush.messages=1", "log.flush.interval.messages", "1"),
    ("group commit", "kfk.durability", "group-commit"),
];
const PRODUCERS: [usize; 3] = [1, 16, 256];
const ROUNDS: usize = 3;
const SPAN: Duration = Duration::from_secs(2);

fn main() {
    // `cargo test --benches` only wants to know that it runs.
    let (rounds, span) = if std::env::args().any(|a| a == "--bench") { (ROUNDS, SPAN) } else { (1, Duration::from_millis(20)) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads");
    println!("{:<18} {:>9} {:>12} {:>12}", "durability", "producers", "records/s", "p99 ms");
    for producers in PRODUCERS {
        let mut results = vec![Vec::new(); MODES.len()];
        for _ in 0..rounds {
            for (mode, result) in MODES.iter().zip(&mut results) {
                result.push(runtime.block_on(round(mode, producers, span)));
            }
        }
        for (mode, mut result) in MODES.iter().zip(results) {
            result.sort_by(|a, b| a.0.total_cmp(&b.0));
            let (rate, p99) = result[result.len() / 2];
            println!("{:<18} {producers:>9} {rate:>12.0} {p99:>12.2}", mode.0);
        }
    }
}

/// Records a second, and the 99th percentile of a wait in milliseconds.
async fn round(mode: &(&str, &str, &str), producers: usize, span: Duration) -> (f64, f64) {
    let base = std::env::var_os("KFK_BENCH_DIR").map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    let dir = tempfile::tempdir_in(base).expect("a directory");
    let broker = broker(&dir, mode).await;
    let bootstrap = broker.addr().to_string();
    let begin = Instant::now();
    let tasks: Vec<_> = (0..producers).map(|_| tokio::spawn(produce(bootstrap.clone(), begin + span))).collect();
    let mut waits = Vec::new();
    for task in tasks {
        waits.extend(task.await.expect("no panic"));
    }
    let rate = waits.len() as f64 / begin.elapsed().as_secs_f64();
    broker.stop().await;
    waits.sort_unstable();
    let p99 = waits.get(waits.len().saturating_sub(1) * 99 / 100).copied().unwrap_or_default();
    (rate, p99.as_secs_f64() * 1e3)
}

async fn broker(dir: &tempfile::TempDir, (_, key, value): &(&str, &str, &str)) -> Running {
    let dir = dir.path().to_str().expect("UTF-8");
    let pairs = [("listeners", "PLAINTEXT://127.0.0.1:0"), ("log.dirs", dir), (*key, *value)];
    let (config, _) = BrokerConfig::parse(pairs.map(|(k, v)| (k.to_string(), v.to_string()))).expect("settings");
    start(config).await.expect("a broker")
}

async fn produce(bootstrap: String, end: Instant) -> Vec<Duration> {
    let settings = [("bootstrap.servers", bootstrap), ("linger.ms", "0".into()), ("acks", "all".into())];
    let config = ProducerConfig::parse(&settings.map(|(k, v)| (k.to_string(), v)).into()).expect("settings");
    let producer = Producer::new(config).expect("a producer");
    let mut waits = Vec::new();
    while Instant::now() < end {
        let sent = Instant::now();
        producer.send_and_wait(OutgoingRecord { topic: "t", value: Some(&[b'x'; 100]), ..Default::default() }).await.expect("acknowledged");
        waits.push(sent.elapsed());
    }
    waits
}
