//! The command line of `kafka-producer-perf-test.sh`.

use crate::cli::argparse::{OneOf, Opt, Spec, Value};

const PROPERTY: &str = "PROP-NAME=PROP-VALUE";

pub(super) const SPEC: Spec = Spec {
    prog: "kafka-producer-perf-test",
    options: &[
        Opt::new("--bootstrap-server", "BOOTSTRAP-SERVER", Value::Text, "brokers to contact first, separated by commas"),
        Opt::new("--topic", "TOPIC", Value::Text, "the topic to write to").required(),
        Opt::new("--num-records", "NUM-RECORDS", Value::Long, "how many records to write").required(),
        Opt::new("--payload-delimiter", "PAYLOAD-DELIMITER", Value::Text, "what stands between the payloads of a file; a line's end"),
        Opt::new("--throughput", "THROUGHPUT", Value::Double, "records a second at most, on the average; -1: no limit").required(),
        Opt::new("--producer-props", PROPERTY, Value::Several, "deprecated spelling of --command-property"),
        Opt::new("--command-property", PROPERTY, Value::Several, "client settings; they beat those of a file"),
        Opt::new("--producer.config", "CONFIG-FILE", Value::Text, "deprecated spelling of --command-config"),
        Opt::new("--command-config", "CONFIG-FILE", Value::Text, "properties file with client settings"),
        Opt::flag("--print-metrics", "print what the client counted, too"),
        Opt::new("--transactional-id", "TRANSACTIONAL-ID", Value::Text, "write in transactions, with this id"),
        Opt::new("--transaction-duration-ms", "TRANSACTION-DURATION", Value::Long, "write in transactions that are as long as this; 3000"),
        Opt::new("--warmup-records", "WARMUP-RECORDS", Value::Long, "tell the figures after as many records, too; 0"),
        Opt::new("--reporting-interval", "INTERVAL-MS", Value::Long, "how often to tell the progress, in ms; 5000"),
        Opt::new("--record-size", "RECORD-SIZE", Value::Integer, "random payloads of so many bytes").one_of(OneOf::Exactly),
        Opt::new("--payload-file", "PAYLOAD-FILE", Value::Text, "payloads from this file, in random order").one_of(OneOf::Exactly),
        Opt::flag("--payload-monotonic", "payloads 0, 1, 2 ...").one_of(OneOf::Exactly),
    ],
    subs: &[],
    metavar: "",
    version: false,
    help_exit: 1,
};
