//! `kfk reassign-partitions`, `kafka-reassign-partitions.sh`: moves replicas to other brokers and directories.

mod actions;
mod dirs;
mod file;
mod place;
mod throttle;

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::connect::{self, ConnectionArgs, Properties};
use super::error::{CliError, Kind, stderr_line};
use super::out::{Format, Out};
use super::tool::{Context, Entry, Exit, Tool};
use super::usage;
use crate::types::TopicPartition;

const FAILED: &str = "org.apache.kafka.tools.AdminCommandFailedException";
const OPERATION: &str = "org.apache.kafka.tools.AdminOperationException";

#[derive(Debug, Default, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// Controllers to ask instead of brokers, separated by commas; with --list and --cancel.
    #[arg(long, value_name = "HOST:PORT,...", value_hint = clap::ValueHint::Other)]
    pub bootstrap_controller: Option<String>,

    /// Properties file for the client.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub command_config: Option<PathBuf>,

    /// Propose an assignment of --topics-to-move-json-file to --broker-list. Changes nothing.
    #[arg(long, help_heading = "Action")]
    pub generate: bool,

    /// Start moving replicas to where --reassignment-json-file says.
    #[arg(long, help_heading = "Action")]
    pub execute: bool,

    /// Tell how far the moves of --reassignment-json-file are; once all are done, take the throttles away.
    #[arg(long, help_heading = "Action")]
    pub verify: bool,

    /// Cancel the moves of --reassignment-json-file.
    #[arg(long, help_heading = "Action")]
    pub cancel: bool,

    /// List the moves that go on.
    #[arg(long, help_heading = "Action")]
    pub list: bool,

    /// Where replicas are to be: {"version": 1, "partitions": [{"topic": "t", "partition": 0, "replicas": [1, 2], "log_dirs": ["any",
    /// "/data"]}]}; log_dirs may be left out.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub reassignment_json_file: Option<PathBuf>,

    /// Topics to propose an assignment of: {"topics": [{"topic": "t"}], "version": 1}.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub topics_to_move_json_file: Option<PathBuf>,

    /// The brokers to propose: 1,2,3.
    #[arg(long, value_name = "ID,...", allow_hyphen_values = true, add = super::names::ids_of_brokers())]
    pub broker_list: Option<String>,

    /// Propose without regard to racks.
    #[arg(long)]
    pub disable_rack_aware: bool,

    /// Limit the traffic between brokers to so many bytes a second. --verify takes the limit away.
    #[arg(long, value_name = "BYTES", allow_hyphen_values = true)]
    pub throttle: Option<i64>,

    /// Limit the traffic between directories of a broker to so many bytes a second.
    #[arg(long, value_name = "BYTES", allow_hyphen_values = true)]
    pub replica_alter_log_dirs_throttle: Option<i64>,

    /// How long to wait until moves to other directories have begun, in milliseconds. Default: 10000.
    #[arg(long, value_name = "MS", allow_hyphen_values = true)]
    pub timeout: Option<i64>,

    /// Execute although other moves go on; also changes their throttle.
    #[arg(long)]
    pub additional: bool,

    /// Leave throttles as they are.
    #[arg(long)]
    pub preserve_throttles: bool,

    /// Refuse to change the number of replicas.
    #[arg(long)]
    pub disallow_replication_factor_change: bool,

    /// How to print what --list finds.
    #[arg(long, short = 'o', value_enum, value_name = "FORMAT")]
    pub output: Option<Format>,
}

/// Where a partition's replicas are to be, the preferred leader first.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Target {
    partition: TopicPartition,
    replicas: Vec<i32>,
}

/// A partition on one broker.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Replica {
    broker: i32,
    partition: TopicPartition,
}

/// The directories where replicas are, or are to be.
type Moves = BTreeMap<Replica, String>;

impl Args {
    /// Kafka's checks, in its order. Gives the action.
    fn check(&self, cx: &Context) -> Result<&'static str, CliError> {
        let actions =
            [("generate", self.generate), ("execute", self.execute), ("verify", self.verify), ("cancel", self.cancel), ("list", self.list)];
        let mut asked = actions.iter().filter(|(_, given)| *given).map(|(name, _)| *name);
        let (Some(action), None) = (asked.next(), asked.next()) else {
            const ACTIONS: &str = "--generate, --execute, --verify, --cancel, --list";
            return Err(CliError::usage(format!("Command must include exactly one action: {ACTIONS}")));
        };
        if self.connection.bootstrap_server.is_some() && self.bootstrap_controller.is_some() {
            return Err(CliError::usage("Please don't specify both --bootstrap-server and --bootstrap-controller"));
        }
        if !self.connection.given(cx) && self.bootstrap_controller.is_none() {
            return Err(CliError::usage("Please specify either --bootstrap-server or --bootstrap-controller"));
        }
        let topics = ("topics-to-move-json-file", self.topics_to_move_json_file.is_some());
        let brokers = ("broker-list", self.broker_list.is_some());
        let file = ("reassignment-json-file", self.reassignment_json_file.is_some());
        match action {
            "generate" => usage::require(&[topics, brokers])?,
            "list" => {}
            _ => usage::require(&[file])?,
        }
        // Each option with the actions that it goes with.
        let options: [(usage::Given, &[&str]); 12] = [
            (("bootstrap-controller", self.bootstrap_controller.is_some()), &["cancel", "list"]),
            (file, &["execute", "verify", "cancel"]),
            (topics, &["generate"]),
            (brokers, &["generate"]),
            (("disable-rack-aware", self.disable_rack_aware), &["generate"]),
            (("throttle", self.throttle.is_some()), &["execute"]),
            (("replica-alter-log-dirs-throttle", self.replica_alter_log_dirs_throttle.is_some()), &["execute"]),
            (("timeout", self.timeout.is_some()), &["execute", "cancel"]),
            (("additional", self.additional), &["execute"]),
            (("preserve-throttles", self.preserve_throttles), &["verify", "cancel"]),
            (("disallow-replication-factor-change", self.disallow_replication_factor_change), &["execute"]),
            (("output", self.output.is_some()), &["list"]),
        ];
        match options.iter().find(|((_, given), with)| *given && !with.contains(&action)) {
            Some(((name, _), _)) => Err(CliError::usage(format!("Option \"[{name}]\" can't be used with action \"[{action}]\""))),
            None => Ok(action),
        }
    }

    async fn work(&self, action: &str, properties: &Properties, cx: &Context) -> Result<(), CliError> {
        let admin = connect::admin(properties, cx).await?;
        let mut out = Out::stdout();
        let done = match action {
            "generate" => self.generate(&admin, &mut out).await,
            "execute" => self.execute(&admin, &mut out).await,
            "verify" => self.verify(&admin, &mut out).await,
            "cancel" => self.cancel(&admin, &mut out).await,
            _ => self.list(&admin, Format::pick(self.output, cx), &mut out).await,
        };
        // What was done before a failure is told, too.
        out.flush().and(done)
    }
}

impl Tool for Args {
    const COMMAND: &'static str = "reassign-partitions";
    const KAFKA: &'static str = "kafka-reassign-partitions";
    const ABOUT: &'static str = "Move replicas of partitions to other brokers and directories.";

    fn run(self, cx: &Context) -> Result<Exit, CliError> {
        let action = self.check(cx)?;
        let properties = self.command_config.as_deref().map(connect::load_properties).transpose()?.unwrap_or_default();
        let connection = ConnectionArgs { bootstrap_controller: self.bootstrap_controller.clone(), ..self.connection.clone() };
        let done = connect::run(&connection, properties, cx, connect::ADMIN, async |properties| self.work(action, &properties, cx).await);
        done.map(|()| Exit::OK).map_err(|e| match e.kind {
            // What a broker refused came out of a future of Java's; what the tool itself refused did not.
            Kind::Failed if e.java.class.starts_with("org.apache.kafka.common.errors.") && !is_own(&e) => {
                e.wrapped_in("java.util.concurrent.ExecutionException")
            }
            _ => e,
        })
    }

    /// On standard output, and except for terse ones with the exception.
    fn report_as_kafka(error: &CliError, entry: &Entry) -> Exit {
        match error.kind {
            Kind::Usage => usage::report(error, entry),
            Kind::Parse => stderr_line(format!("Exception in thread \"main\" {}", error.as_java())),
            _ => {
                let mut out = Out::stdout();
                let text = match error.java.class.is_empty() {
                    true => error.message.clone(),
                    false => format!("Error: {}\n{}\n", error.kafka_message(), error.as_java()),
                };
                // Nobody reads it any more: nothing left to tell.
                let _ = out.line(text).and_then(|()| out.flush());
            }
        }
        Exit::FAILED
    }
}

/// Thrown where replicas are placed, without a broker having been asked.
fn is_own(error: &CliError) -> bool {
    error.java.class.ends_with(".InvalidReplicationFactorException")
}
