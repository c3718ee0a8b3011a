//! The command line of `kafka-features.sh`.

use crate::cli::argparse::{OneOf, Opt, Spec, Sub, Value};

const METADATA: Opt = Opt::new("--metadata", "METADATA", Value::Text, "the level of metadata.version; --release-version is newer");
const RELEASE: Opt = Opt::new("--release-version", "RELEASE_VERSION", Value::Text, "the release whose levels to take");
const FEATURE: Opt = Opt::new("--feature", "FEATURE", Value::Many, "feature=level");
const UNSAFE: Opt = Opt::flag("--unsafe", "even if metadata are lost");
const DRY_RUN: Opt = Opt::flag("--dry-run", "only check");

pub(super) const SPEC: Spec = Spec {
    prog: "kafka-features",
    options: &[
        Opt::new("--command-config", "COMMAND_CONFIG", Value::Text, "properties file for the client"),
        Opt::new("--bootstrap-server", "BOOTSTRAP_SERVER", Value::Text, "brokers to contact first, separated by commas")
            .one_of(OneOf::AtMost),
        Opt::new("--bootstrap-controller", "BOOTSTRAP_CONTROLLER", Value::Text, "controllers to ask instead of brokers")
            .one_of(OneOf::AtMost),
    ],
    subs: &[
        Sub {
            name: "describe",
            help: "describe what is supported and what is on",
            options: &[Opt::new("--node-id", "NODE_ID", Value::Integer, "ask this node")],
        },
        Sub { name: "upgrade", help: "raise levels", options: &[METADATA, RELEASE, FEATURE, DRY_RUN] },
        Sub { name: "downgrade", help: "lower levels", options: &[METADATA, RELEASE, FEATURE, UNSAFE, DRY_RUN] },
        Sub { name: "disable", help: "turn features off", options: &[FEATURE, UNSAFE, DRY_RUN] },
        Sub { name: "version-mapping", help: "show which levels a release has", options: &[RELEASE] },
        Sub {
            name: "feature-dependencies",
            help: "show what a level needs",
            options: &[Opt::new("--feature", "FEATURE", Value::Many, "feature=level").required()],
        },
    ],
    metavar: "",
    version: false,
    help_exit: 0,
};
