//! One data directory, served by kfk and by Apache Kafka 4.3.1 in turn: whatever clients see of one, they see of the other, however the one
//! before ended. Runs where `java` is, and Kafka's jars are (`KFK_KAFKA_LIBS`) or Maven can fetch them; says that it was skipped elsewhere.

#[path = "../common/mod.rs"]
mod common;

mod brokers;
mod dump;
mod workload;

use std::time::{Duration, Instant};

use brokers::{Kafka, Site};
use dump::dump;
use kfk::node::check;
use workload::Workload;

/// How a broker's run ends.
#[derive(Clone, Copy)]
enum End {
    Stop,
    Kill,
}

#[test]
fn kafka_and_kfk_serve_one_directory_in_turn() {
    let Some(kafka) = Kafka::find() else { return };
    let temp = tempfile::tempdir().unwrap();
    let site = Site::new(temp.path());
    let mut workload = Workload::default();
    let mut before = None;
    // Clean and unclean, both ways.
    for (kfk, end) in [(true, End::Stop), (false, End::Stop), (true, End::Kill), (false, End::Kill), (true, End::Stop), (false, End::Stop)]
    {
        let snapshot = site.newest_snapshot();
        let broker = if kfk { site.start_kfk() } else { site.start_kafka(&kafka) };
        let now = dump(site.addr);
        if let Some(before) = &before {
            let when = format!("after {}", if kfk { "Kafka" } else { "kfk" });
            now.must_equal(before, &when);
        }
        workload.run(site.addr);
        before = Some(dump(site.addr));
        if matches!(end, End::Kill) {
            // What the other one starts from.
            await_snapshot_after(&site, snapshot);
        }
        match end {
            End::Stop => broker.stop(),
            End::Kill => broker.kill(),
        }
        let (report, clean) = check::check(&check::RealDisk, &site.data(), &mut |_| {}).unwrap();
        let name = if kfk { "kfk" } else { "Kafka" };
        assert_eq!(clean, matches!(end, End::Stop), "{name}");
        let noted = |f: &&check::Finding| clean || f.severity == check::Severity::Wrong;
        assert_eq!(report.findings.iter().filter(noted).collect::<Vec<_>>(), [] as [&check::Finding; 0], "found by a check after {name}");
    }
    kafkas_own_tool_finds_the_logs_in_order(&kafka, &site);
}

fn await_snapshot_after(site: &Site, older: Option<String>) {
    let begun = Instant::now();
    while site.newest_snapshot() <= older {
        assert!(begun.elapsed() < Duration::from_secs(30), "no snapshot of the metadata after {older:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// kafka-dump-log reads all batches of all logs, compacted ones of both brokers among them, and compares the indexes with them.
fn kafkas_own_tool_finds_the_logs_in_order(kafka: &Kafka, site: &Site) {
    let files: Vec<String> = [".log", ".index", ".timeindex"].iter().flat_map(|s| site.files(s)).map(|f| f.display().to_string()).collect();
    assert!(files.iter().any(|f| f.contains("/compacted-1-0/")) && files.iter().any(|f| f.contains("/compacted-2-0/")));
    let output = kafka.java(site, "org.apache.kafka.tools.DumpLogSegments").arg("--files").arg(files.join(",")).output().unwrap();
    let (said, complaints) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{complaints}");
    assert_eq!(said.lines().filter(|l| l.starts_with("Dumping ")).count(), files.len());
    assert!(said.matches("isvalid: true").count() > 100, "{said}");
    let bad = |l: &&str| {
        ["isvalid: false", "Mismatches", "Index timestamp", "invalid bytes", "out of order", "does not match"].iter().any(|b| l.contains(b))
    };
    assert_eq!(said.lines().filter(bad).collect::<Vec<_>>(), [] as [&str; 0]);
}
