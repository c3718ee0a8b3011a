//! `kafka-console-producer`: the recording was made on topics that an earlier run of the same commands had written to already.

use std::collections::BTreeSet;

use crate::broker;
use crate::replay::{self, Replay, hurry};

#[test]
fn console_producer_replays() {
    let broker = broker::start();
    let replay = Replay {
        file: "kafka-console-producer",
        bootstrap: Some(broker.bootstrap.clone()),
        any_order: |case| case.command.contains("--topic cp-multi"),
        side_by_side: |_| false,
        before: &|_, case, _| {
            hurry(case);
            if case.remarked("CR LF") {
                case.stdin = "crlf line\r\n".to_owned();
            }
        },
    };
    let dir = tempfile::tempdir().unwrap();
    let cases = replay::load(replay.file);
    let topics: BTreeSet<String> =
        cases.iter().flat_map(|case| case.words()).filter(|word| word.starts_with("cp-") && word != "cp-auto").collect();
    for topic in topics {
        let partitions = if topic == "cp-multi" { 3 } else { 1 };
        let limit = if topic == "cp-big" { "--config max.message.bytes=100" } else { "" };
        let create = format!("kafka-topics --bootstrap-server localhost:19200 --create --topic {topic} --partitions {partitions} {limit}");
        replay.output(&create, dir.path());
    }
    for case in cases.iter().filter(|case| case.words()[0] == "kafka-console-producer" && written_before(case)) {
        for (name, text) in &case.files {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        replay.execute(case, dir.path());
    }
    replay.run();
}

/// Commands of the earlier run whose records show.
fn written_before(case: &crate::transcript::Case) -> bool {
    ["cp-keys", "cp-hdr", "cp-null", "cp-multi"].iter().any(|topic| case.command.contains(topic))
}
