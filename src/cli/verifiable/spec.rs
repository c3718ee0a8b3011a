//! The command lines of `kafka-verifiable-producer.sh` and `kafka-verifiable-consumer.sh`.

use crate::cli::argparse::{Opt, Spec, Value};

const BROKERS: Opt =
    Opt::new("--bootstrap-server", "HOST1:PORT1[,HOST2:PORT2[...]]", Value::Text, "brokers to contact first, separated by commas")
        .required();

pub(super) const PRODUCER: Spec = Spec {
    prog: "verifiable-producer",
    options: &[
        Opt::new("--topic", "TOPIC", Value::Text, "the topic to write to").required(),
        Opt::new("--max-messages", "MAX-MESSAGES", Value::Integer, "how many records to write; -1: go on until a signal comes"),
        Opt::new("--throughput", "THROUGHPUT", Value::Integer, "records a second at most, on the average; -1: no limit"),
        Opt::new("--acks", "ACKS", Value::Choice(&[0, 1, -1]), "who must have a record before it counts as written; -1"),
        Opt::new("--producer.config", "CONFIG-FILE", Value::Text, "deprecated spelling of --command-config"),
        Opt::new("--message-create-time", "CREATE-TIME", Value::Long, "timestamp of the first record, in ms since 1970"),
        Opt::new("--value-prefix", "VALUE-PREFIX", Value::Integer, "number that each value begins with, before a point"),
        Opt::new("--repeating-keys", "REPEATING-KEYS", Value::Integer, "keys 0 to this (exclusive), and again from 0"),
        Opt::new("--command-config", "CONFIG-FILE", Value::Text, "properties file with client settings"),
        BROKERS,
    ],
    subs: &[],
    metavar: "",
    version: false,
    help_exit: 1,
};

pub(super) const CONSUMER: Spec = Spec {
    prog: "verifiable-consumer",
    options: &[
        Opt::new("--topic", "TOPIC", Value::Text, "the topic to read").required(),
        Opt::new("--group-protocol", "GROUP-PROTOCOL", Value::Text, "classic or consumer; classic"),
        Opt::new("--group-remote-assignor", "GROUP-REMOTE-ASSIGNOR", Value::Text, "the coordinator's assignor, with the protocol consumer"),
        Opt::new("--group-id", "GROUP-ID", Value::Text, "the group to read as").required(),
        Opt::new("--group-instance-id", "GROUP-INSTANCE-ID", Value::Text, "the id of a static member"),
        Opt::new("--max-messages", "MAX-MESSAGES", Value::Integer, "how many records to read; -1: go on until a signal comes"),
        Opt::new("--session-timeout", "TIMEOUT-MS", Value::Integer, "session.timeout.ms"),
        Opt::flag("--verbose", "tell of every record"),
        Opt::flag("--enable-autocommit", "commit in the background"),
        Opt::new("--reset-policy", "RESET-POLICY", Value::Text, "earliest, latest or none; earliest"),
        Opt::new("--assignment-strategy", "ASSIGNMENT-STRATEGY", Value::Text, "the assignor's class, with the protocol classic"),
        Opt::new("--consumer.config", "CONFIG-FILE", Value::Text, "deprecated spelling of --command-config"),
        Opt::new("--command-config", "CONFIG-FILE", Value::Text, "properties file with client settings"),
        BROKERS,
    ],
    subs: &[],
    metavar: "",
    version: false,
    help_exit: 1,
};
