//! kfk under the names of Kafka's tools, against recorded runs of the real ones (`tests/transcripts`).

mod broker;
mod differences;
mod pattern;
mod replay;
mod topics;
mod transcript;

use replay::Replay;

/// The usage errors of all four tools need no broker.
#[test]
fn usage_errors_are_kafkas() {
    for file in ["kafka-topics", "kafka-console-producer", "kafka-console-consumer", "kafka-consumer-groups"] {
        Replay { file, bootstrap: None, any_order: |_| false, before: |_, _, _| {} }.run();
    }
}
