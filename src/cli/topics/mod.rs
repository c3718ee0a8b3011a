//! `kfk topics`, `kafka-topics.sh`: create, list, describe, alter and delete topics.

mod change;
mod check;
mod long;
mod select;
mod show;

use std::path::PathBuf;

use super::connect::{self, ConnectionArgs, Properties};
use super::error::{CliError, Kind, log4j_line, stderr_line};
use super::names;
use super::out::{Format, Out};
use super::tool::{Context, Entry, Exit, Tool};
use super::usage;

const CLASS: &str = "org.apache.kafka.tools.TopicCommand";

#[derive(Debug, Default, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// Properties file for the client.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub command_config: Option<PathBuf>,

    /// List topic names.
    #[arg(long, help_heading = "Action")]
    pub list: bool,

    /// Create a topic.
    #[arg(long, help_heading = "Action")]
    pub create: bool,

    /// Delete topics.
    #[arg(long, help_heading = "Action")]
    pub delete: bool,

    /// Add partitions to topics.
    #[arg(long, help_heading = "Action")]
    pub alter: bool,

    /// Show topics and their partitions.
    #[arg(long, help_heading = "Action")]
    pub describe: bool,

    /// The topic. Except with --create a regular expression that must match the whole name, or several separated by commas; as long as no
    /// topic has exactly this name.
    #[arg(long, value_name = "TOPIC", add = names::topics())]
    pub topic: Option<String>,

    /// With --describe: the id of the topic, which then counts instead of --topic.
    #[arg(long, value_name = "ID")]
    pub topic_id: Option<String>,

    /// With --create: a setting of the new topic. May be given several times.
    #[arg(long, value_name = "NAME=VALUE", add = names::topic_settings())]
    pub config: Vec<String>,

    /// No longer supported by Kafka; ignored.
    #[arg(long, value_name = "NAME", hide = true)]
    pub delete_config: Option<String>,

    /// How many partitions: of the new topic, or with --alter the new total.
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub partitions: Option<i32>,

    /// How many replicas each partition of the new topic gets.
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub replication_factor: Option<i32>,

    /// The brokers of each partition: partitions separated by commas, the brokers of one by colons (1:2,2:1).
    #[arg(long, value_name = "BROKER:BROKER,...")]
    pub replica_assignment: Option<String>,

    /// With --describe: only partitions that have fewer replicas in sync than they should have.
    #[arg(long, help_heading = "Which ones")]
    pub under_replicated_partitions: bool,

    /// With --describe: only partitions whose leader is not available.
    #[arg(long, help_heading = "Which ones")]
    pub unavailable_partitions: bool,

    /// With --describe: only partitions that have fewer replicas in sync than min.insync.replicas.
    #[arg(long, help_heading = "Which ones")]
    pub under_min_isr_partitions: bool,

    /// With --describe: only partitions that have exactly min.insync.replicas replicas in sync.
    #[arg(long, help_heading = "Which ones")]
    pub at_min_isr_partitions: bool,

    /// With --describe: only topics that have settings of their own, without their partitions.
    #[arg(long, help_heading = "Which ones")]
    pub topics_with_overrides: bool,

    /// Do not fail if the topic does not exist (--alter, --delete, --describe).
    #[arg(long)]
    pub if_exists: bool,

    /// Do not fail if the topic exists already (--create).
    #[arg(long)]
    pub if_not_exists: bool,

    /// Leave out Kafka's internal topics (--list, --describe).
    #[arg(long, help_heading = "Which ones")]
    pub exclude_internal: bool,

    /// How many partitions the broker describes in one response.
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub partition_size_limit_per_response: Option<i32>,

    /// With --list: how many partitions, replicas, records and bytes, and which groups read the topic.
    #[arg(long, help_heading = "What to show")]
    pub long: bool,

    /// How to print --list and --describe.
    #[arg(long, short = 'o', value_enum, value_name = "FORMAT")]
    pub output: Option<Format>,
}

/// What to do; exactly one of the flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    List,
    Create,
    Delete,
    Alter,
    Describe,
}

impl Args {
    async fn work(&self, action: Action, properties: &Properties, cx: &Context) -> Result<(), CliError> {
        let admin = connect::admin(properties, cx).await?;
        match action {
            Action::List => show::list(&admin, self, cx).await,
            Action::Describe => show::describe(&admin, self, cx).await,
            Action::Create => {
                let topic = change::new_topic(self, cx)?;
                change::create(&admin, &topic, self, cx).await
            }
            Action::Alter => change::alter(&admin, self, cx).await,
            Action::Delete => change::delete(&admin, self, cx).await,
        }
    }
}

impl Tool for Args {
    const COMMAND: &'static str = "topics";
    const KAFKA: &'static str = "kafka-topics";
    const ABOUT: &'static str = "Create, list, describe, change or delete topics.";

    fn run(self, cx: &Context) -> Result<Exit, CliError> {
        let action = check::check(&self, cx)?;
        let properties = self.command_config.as_deref().map(connect::load_properties).transpose()?.unwrap_or_default();
        connect::run(&self.connection, properties, cx, connect::ADMIN, async |properties| self.work(action, &properties, cx).await)?;
        Ok(Exit::OK)
    }

    fn report_as_kafka(error: &CliError, entry: &Entry) -> Exit {
        match error.kind {
            Kind::Usage => usage::report(error, entry),
            // Found before Kafka's tool starts its work.
            Kind::Parse | Kind::Config => stderr_line(format!("{}\n{}\n", error.kafka_message(), error.as_java())),
            Kind::Value | Kind::Failed | Kind::Told | Kind::Stopped(_) | Kind::BrokenPipe => {
                let mut out = Out::stdout();
                let told = out.line(format!("Error while executing topic command : {}", error.kafka_message())).and_then(|()| out.flush());
                if told.is_err() {
                    return Exit::FAILED;
                }
                log4j_line("ERROR", &format!("{}\n", error.as_java()), CLASS);
            }
        }
        Exit::FAILED
    }
}
