//! `kafka-topics`: starts on an empty cluster.

use crate::broker;
use crate::replay::Replay;

#[test]
fn topics_replay() {
    let broker = broker::start();
    Replay {
        file: "kafka-topics",
        bootstrap: Some(broker.bootstrap.clone()),
        // All topics are described in the order of a Java hash map.
        any_order: |case| case.command.contains("--describe"),
        side_by_side: |_| false,
        before: &|replay, case, dir| {
            if case.command.contains("<TopicId>") {
                let described = replay.output("kafka-topics --bootstrap-server localhost:19200 --describe --topic orders", dir);
                let id = described.split("TopicId: ").nth(1).and_then(|rest| rest.split('\t').next()).expect("an id");
                case.command = case.command.replace("<TopicId>", id);
            }
        },
    }
    .run();
}
