//! kfk under the names of Kafka's tools, against recorded runs of the real ones (`tests/transcripts`).

mod acls;
mod broker;
mod carry;
mod cluster;
#[path = "../common/mod.rs"]
mod common;
mod configs;
mod console;
mod consumer;
mod differences;
mod doctor;
mod dump_log;
mod elections;
mod examples;
mod groups;
mod manners;
mod offsets;
mod output;
mod pattern;
mod perf;
mod producer;
mod profile;
mod quorum;
mod reassign;
mod replay;
mod share;
mod storage;
mod three;
mod topics;
mod transactions;
mod transcript;
mod versions;
mod watch;

use replay::Replay;

/// The usage errors of all tools need no broker.
#[test]
fn usage_errors_are_kafkas() {
    for tool in replay::TOOLS {
        // One recording is of both tools of share groups.
        let file = if tool.contains("share") { "kafka-share" } else { tool };
        Replay { file, bootstrap: None, any_order: |_| false, side_by_side: |_| true, before: &|_, _, _| {} }.run();
    }
}
