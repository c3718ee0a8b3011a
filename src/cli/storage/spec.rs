//! The command line of `kafka-storage.sh`.

use crate::cli::argparse::{OneOf, Opt, Spec, Sub, Value};

const CONFIG: Opt = Opt::new("--config", "CONFIG", Value::Text, "the server's properties file").short("-c").required();
const RELEASE: Opt =
    Opt::new("--release-version", "RELEASE_VERSION", Value::Text, "the release whose levels of features to take").short("-r");
const FEATURE: Opt = Opt::new("--feature", "FEATURE", Value::Many, "a feature's level: name=level").short("-f");

pub(super) const SPEC: Spec = Spec {
    prog: "kafka-storage",
    options: &[],
    subs: &[
        Sub { name: "info", help: "tell what the log directories are", options: &[CONFIG] },
        Sub {
            name: "format",
            help: "format the log directories",
            options: &[
                CONFIG,
                Opt::new("--cluster-id", "CLUSTER_ID", Value::Text, "the cluster's id").short("-t").required(),
                Opt::new("--add-scram", "ADD_SCRAM", Value::Many, "a SCRAM user to begin with").short("-S"),
                Opt::flag("--ignore-formatted", "leave alone what is formatted").short("-g"),
                RELEASE,
                FEATURE,
                Opt::flag("--standalone", "a dynamic quorum of this node alone").short("-s").one_of(OneOf::AtMost),
                Opt::flag("--no-initial-controllers", "no voters yet").short("-N").one_of(OneOf::AtMost),
                Opt::new("--initial-controllers", "INITIAL_CONTROLLERS", Value::Text, "voters: id@host:port:directory,...")
                    .short("-I")
                    .one_of(OneOf::AtMost),
            ],
        },
        Sub { name: "version-mapping", help: "tell the levels of features of a release", options: &[RELEASE] },
        Sub { name: "feature-dependencies", help: "tell what levels of features need", options: &[FEATURE.required()] },
        Sub { name: "random-uuid", help: "print a random id", options: &[] },
    ],
    metavar: "",
    version: false,
    help_exit: 0,
};
