//! The command line of `kafka-metadata-quorum.sh`.

use crate::cli::argparse::{OneOf, Opt, Spec, Sub, Value};

pub(super) const SPEC: Spec = Spec {
    prog: "kafka-metadata-quorum",
    options: &[
        Opt::new("--bootstrap-server", "BOOTSTRAP_SERVER", Value::Text, "brokers to contact first, separated by commas")
            .one_of(OneOf::Exactly),
        Opt::new("--bootstrap-controller", "BOOTSTRAP_CONTROLLER", Value::Text, "controllers to ask instead of brokers")
            .one_of(OneOf::Exactly),
        Opt::new("--command-config", "COMMAND_CONFIG", Value::Text, "properties file for the client; for add-controller the controller's"),
    ],
    subs: &[
        Sub {
            name: "describe",
            help: "describe the quorum",
            options: &[
                Opt::flag("--status", "leader, epoch, high watermark, voters and observers"),
                Opt::flag("--replication", "how far every node is"),
                Opt::flag("--human-readable", "times as how long ago"),
            ],
        },
        Sub {
            name: "add-controller",
            help: "make a controller a voter",
            options: &[Opt::flag("--dry-run", "only tell what would be done")],
        },
        Sub {
            name: "remove-controller",
            help: "take a voter out of the quorum",
            options: &[
                Opt::new("--controller-id", "CONTROLLER_ID", Value::Integer, "the controller's id").short("-i").required(),
                Opt::new("--controller-directory-id", "CONTROLLER_DIRECTORY_ID", Value::Text, "the id of its metadata directory")
                    .short("-d")
                    .required(),
                Opt::flag("--dry-run", "only tell what would be done"),
            ],
        },
    ],
    metavar: "",
    version: false,
    help_exit: 0,
};
