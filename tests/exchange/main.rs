//! One data directory, served by kfk and by Apache Kafka 4.3.1 in turn: whatever clients see of one, they see of the other, however the one
//! before ended. Runs where `java` is, and Kafka's jars are (`KFK_KAFKA_LIBS`) or Maven can fetch them; says that it was skipped elsewhere.

#[path = "../common/mod.rs"]
mod common;

mod brokers;
mod dump;
mod workload;

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
        let broker = if kfk { site.start_kfk() } else { site.start_kafka(&kafka) };
        let now = dump(site.addr);
        if let Some(before) = &before {
            let when = format!("after {}", if kfk { "Kafka" } else { "kfk" });
            now.must_equal(before, &when);
        }
        workload.run(site.addr);
        before = Some(dump(site.addr));
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
}
