//! `kfk configs`, `kafka-configs.sh`: settings of topics, brokers, groups and client metrics, quotas, SCRAM credentials, log levels.

mod alter;
mod check;
mod describe;
pub(super) mod entity;
mod given;
mod render;

use std::path::PathBuf;

use entity::{EntityArgs, Kind as EntityKind};
use given::Given;

use super::connect::{self, ConnectionArgs, Properties};
use super::error::{CliError, Kind, stderr_line};
use super::names;
use super::out::Format;
use super::tool::{Context, Entry, Exit, Tool};
use super::usage;
use crate::client::Error;

/// Java wraps what a future failed with.
const EXECUTION: &str = "java.util.concurrent.ExecutionException";

#[derive(Debug, Default, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// Controllers to contact, in place of brokers: for brokers' settings while no broker runs.
    #[arg(long, value_name = "HOST:PORT,...", value_hint = clap::ValueHint::Other)]
    pub bootstrap_controller: Option<String>,

    /// Properties file for the client.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub command_config: Option<PathBuf>,

    /// Show settings, quotas and credentials.
    #[arg(long, help_heading = "Action")]
    pub describe: bool,

    /// Change settings, quotas or credentials.
    #[arg(long, help_heading = "Action")]
    pub alter: bool,

    /// Show all settings, also those that are not set at run time (--describe).
    #[arg(long)]
    pub all: bool,

    /// What to set: KEY=VALUE,KEY=[VALUE,VALUE]. Of a user also SCRAM-SHA-256=[iterations=N,password=SECRET].
    #[arg(long, value_name = "KEY=VALUE,...", allow_hyphen_values = true, add = names::settings())]
    pub add_config: Option<String>,

    /// A properties file with what to set.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub add_config_file: Option<PathBuf>,

    /// What to take away, so that the default holds again.
    #[arg(long, value_name = "KEY,...", add = names::setting_names())]
    pub delete_config: Vec<String>,

    #[command(flatten)]
    pub entity: EntityArgs,

    /// This topic.
    #[arg(long, value_name = "TOPIC", allow_hyphen_values = true, help_heading = "Which ones", add = names::topics())]
    pub topic: Option<String>,

    /// This client id.
    #[arg(long, value_name = "CLIENT-ID", allow_hyphen_values = true, help_heading = "Which ones")]
    pub client: Option<String>,

    /// Client ids that have no quotas of their own.
    #[arg(long, help_heading = "Which ones")]
    pub client_defaults: bool,

    /// This user.
    #[arg(long, value_name = "USER", allow_hyphen_values = true, help_heading = "Which ones")]
    pub user: Option<String>,

    /// Users that have no quotas of their own.
    #[arg(long, help_heading = "Which ones")]
    pub user_defaults: bool,

    /// The broker of this id.
    #[arg(long, value_name = "ID", allow_hyphen_values = true, help_heading = "Which ones", add = names::ids_of_brokers())]
    pub broker: Option<String>,

    /// All brokers.
    #[arg(long, help_heading = "Which ones")]
    pub broker_defaults: bool,

    /// The log levels of the broker of this id.
    #[arg(long, value_name = "ID", allow_hyphen_values = true, help_heading = "Which ones", add = names::ids_of_brokers())]
    pub broker_logger: Option<String>,

    /// Addresses that have no quotas of their own.
    #[arg(long, help_heading = "Which ones")]
    pub ip_defaults: bool,

    /// This address, or the one that this host name stands for.
    #[arg(long, value_name = "ADDRESS", help_heading = "Which ones")]
    pub ip: Option<String>,

    /// This group.
    #[arg(long, value_name = "GROUP", allow_hyphen_values = true, help_heading = "Which ones", add = names::groups())]
    pub group: Option<String>,

    /// This subscription to client metrics.
    #[arg(long, value_name = "NAME", allow_hyphen_values = true, help_heading = "Which ones")]
    pub client_metrics: Option<String>,

    /// How to print --describe.
    #[arg(long, short = 'o', value_enum, value_name = "FORMAT")]
    pub output: Option<Format>,
}

/// What the command is about: kinds, and for each a name (empty: the defaults); without names all of the kind.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Target {
    kinds: Vec<EntityKind>,
    names: Vec<String>,
}

impl Args {
    async fn work(&self, target: &Target, given: &Given, properties: &Properties, cx: &Context) -> Result<(), CliError> {
        let admin = connect::admin(properties, cx).await?;
        if !self.alter {
            return describe::describe(&admin, target, self.all, Format::pick(self.output, cx)).await;
        }
        alter::alter(&admin, target, given).await?;
        let kind = target.kinds[0];
        match target.names[0].as_str() {
            "" => cx.say(format!("Completed updating default config for {} in the cluster.", kind.plural())),
            name => cx.say(format!("Completed updating config for {} {name}.", kind.singular())),
        }
    }
}

/// A failure of the client, as Kafka's tool shows it.
fn failed(e: Error) -> CliError {
    CliError::from(e).wrapped_in(EXECUTION)
}

/// Something in a request makes no sense; Kafka's tool prints nothing but the message.
fn illegal(message: impl Into<String>) -> CliError {
    CliError::value(message)
}

impl Tool for Args {
    const COMMAND: &'static str = "configs";
    const KAFKA: &'static str = "kafka-configs";
    const ABOUT: &'static str = "Show and change settings of topics, brokers, groups and client metrics, quotas, credentials, log levels.";

    fn run(self, cx: &Context) -> Result<Exit, CliError> {
        let target = check::check(&self, cx)?;
        let properties = self.command_config.as_deref().map(connect::load_properties).transpose()?.unwrap_or_default();
        if self.alter && target.kinds.len() != target.names.len() {
            return Err(illegal("An entity name must be specified for every entity type"));
        }
        let given = Given::read(&self)?;
        let connection = ConnectionArgs { bootstrap_controller: self.bootstrap_controller.clone(), ..self.connection.clone() };
        connect::run(&connection, properties, cx, connect::ADMIN, async |properties| self.work(&target, &given, &properties, cx).await)?;
        Ok(Exit::OK)
    }

    fn report_as_kafka(error: &CliError, entry: &Entry) -> Exit {
        match error.kind {
            Kind::Usage => usage::report(error, entry),
            Kind::Config | Kind::Failed if !error.java.class.is_empty() => {
                stderr_line(format!("Error while executing config command with args '{}'", words(entry)));
                stderr_line(error.as_java());
            }
            _ => stderr_line(&error.message),
        }
        Exit::FAILED
    }
}

/// The command line behind the tool's name.
fn words(entry: &Entry) -> String {
    let all: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let named = |word: &String| std::path::Path::new(word).file_name().is_some_and(|file| file.to_string_lossy().starts_with(entry.kafka));
    let at = all.iter().take(2).position(named).map_or(1, |at| at + 1);
    all.get(at..).unwrap_or_default().join(" ")
}
