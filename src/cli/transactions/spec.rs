//! The command line of `kafka-transactions.sh`.

use crate::cli::argparse::{Opt, Spec, Sub, Value};

const fn opt(name: &'static str, metavar: &'static str, value: Value, help: &'static str) -> Opt {
    Opt::new(name, metavar, value, help)
}

const fn required(name: &'static str, metavar: &'static str, value: Value, help: &'static str) -> Opt {
    opt(name, metavar, value, help).required()
}

pub(super) const SPEC: Spec = Spec {
    prog: "kafka-transactions.sh",
    options: &[
        opt("--command-config", "FILE", Value::Text, "properties file for the client"),
        required("--bootstrap-server", "host:port", Value::Text, "brokers to contact first, separated by commas"),
    ],
    subs: &[
        Sub {
            name: "list",
            help: "list transactional ids",
            options: &[
                opt("--duration-filter", "DURATION_FILTER", Value::Long, "only what has been going on for longer, in ms"),
                opt("--transactional-id-pattern", "TRANSACTIONAL_ID_PATTERN", Value::Text, "only ids that this expression (RE2) matches"),
            ],
        },
        Sub {
            name: "describe",
            help: "describe a transactional id",
            options: &[required("--transactional-id", "TRANSACTIONAL_ID", Value::Text, "the id")],
        },
        Sub {
            name: "describe-producers",
            help: "describe the producers that a partition knows of",
            options: &[
                opt("--broker-id", "BROKER_ID", Value::Integer, "ask this broker instead of the leader"),
                required("--topic", "TOPIC", Value::Text, "topic"),
                required("--partition", "PARTITION", Value::Integer, "partition"),
            ],
        },
        Sub {
            name: "abort",
            help: "abort a hanging transaction in one partition",
            options: &[
                required("--topic", "TOPIC", Value::Text, "topic"),
                required("--partition", "PARTITION", Value::Integer, "partition"),
                opt("--start-offset", "START_OFFSET", Value::Long, "the transaction's first offset"),
                opt("--producer-id", "PRODUCER_ID", Value::Long, "producer id, for brokers older than 3.0"),
                opt("--producer-epoch", "PRODUCER_EPOCH", Value::Short, "producer epoch, for brokers older than 3.0"),
                opt("--coordinator-epoch", "COORDINATOR_EPOCH", Value::Integer, "coordinator epoch, for brokers older than 3.0"),
            ],
        },
        Sub {
            name: "find-hanging",
            help: "find transactions that nobody will end",
            options: &[
                opt("--broker-id", "BROKER_ID", Value::Integer, "look at this broker's partitions"),
                opt("--max-transaction-timeout", "MAX_TRANSACTION_TIMEOUT", Value::Integer, "minutes a transaction may last; 15"),
                opt("--topic", "TOPIC", Value::Text, "look at this topic's partitions"),
                opt("--partition", "PARTITION", Value::Integer, "look at this partition"),
            ],
        },
        Sub {
            name: "forceTerminateTransaction",
            help: "take a transactional id over and abort what it left open",
            options: &[required("--transactionalId", "TRANSACTIONALID", Value::Text, "the id")],
        },
    ],
    metavar: "COMMAND",
    version: true,
    help_exit: 1,
};
