//! `kfk consumer-groups`, `kafka-consumer-groups.sh`: list, describe and delete groups, move and delete their offsets.

mod check;
mod delete;
mod describe;
pub(super) mod group;
mod list;
pub mod plan;
mod regex;
mod render;
pub(super) mod reset;
mod trend;
mod watch;
pub(super) mod when;

use std::path::PathBuf;

use super::connect::{self, ConnectionArgs, Properties};
use super::error::{CliError, Kind, stderr_line};
use super::names;
use super::out::{Format, Out};
use super::tool::{Context, Entry, Exit, Tool};
use super::usage;
use check::Action;

const DEFAULT_TIMEOUT_MS: i64 = 30_000;

#[derive(Debug, Default, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// Properties file for the client.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub command_config: Option<PathBuf>,

    /// How long one request may take, in milliseconds. Default 30000.
    #[arg(long, value_name = "MS", allow_hyphen_values = true)]
    pub timeout: Option<String>,

    /// List groups.
    #[arg(long, help_heading = "Action")]
    pub list: bool,

    /// Show groups: offsets and lag, or with --members or --state these.
    #[arg(long, help_heading = "Action")]
    pub describe: bool,

    /// Delete groups that have no members.
    #[arg(long, help_heading = "Action")]
    pub delete: bool,

    /// Move the committed offsets of groups that have no members. Only shows them unless there is --execute.
    #[arg(long, help_heading = "Action")]
    pub reset_offsets: bool,

    /// Forget the offsets that a group committed for topics.
    #[arg(long, help_heading = "Action")]
    pub delete_offsets: bool,

    /// Say whether a regular expression is valid for a broker (RE2 syntax); needs no broker.
    #[arg(long, value_name = "REGEX", allow_hyphen_values = true, help_heading = "Action")]
    pub validate_regex: Option<String>,

    /// The group. May be given several times.
    #[arg(long, value_name = "GROUP", help_heading = "Which ones", add = names::groups())]
    pub group: Vec<String>,

    /// All groups.
    #[arg(long, help_heading = "Which ones")]
    pub all_groups: bool,

    /// The topic, or some of its partitions: TOPIC:0,1,2. May be given several times.
    #[arg(long, value_name = "TOPIC[:N,...]", help_heading = "Which ones", add = names::topics())]
    pub topic: Vec<String>,

    /// All topics that the group has offsets for.
    #[arg(long, help_heading = "Which ones")]
    pub all_topics: bool,

    /// With --describe: the members of the group.
    #[arg(long, help_heading = "What to show")]
    pub members: bool,

    /// With --describe: more columns.
    #[arg(long, help_heading = "What to show")]
    pub verbose: bool,

    /// With --describe: offsets and lag, as without it.
    #[arg(long, help_heading = "What to show")]
    pub offsets: bool,

    /// With --describe: look again every SECONDS (2), and show how fast the group reads, how fast its lag grows, and when it will have caught
    /// up. With --verbose each partition. Ctrl-C ends.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "2", help_heading = "What to show")]
    pub watch: Option<String>,

    /// With --describe: the state of the group. With --list: states too, or only groups in these (Stable, Empty, ...).
    #[arg(long, value_name = "STATE,...", num_args = 0..=1, require_equals = true, default_missing_value = "", help_heading = "What to show")]
    pub state: Option<String>,

    /// With --list: types too, or only groups of these (Classic, Consumer).
    #[arg(long = "type", value_name = "TYPE,...", num_args = 0..=1, require_equals = true, default_missing_value = "", help_heading = "What to show")]
    pub kind: Option<String>,

    /// Only show what --reset-offsets would do.
    #[arg(long, help_heading = "Reset")]
    pub dry_run: bool,

    /// Really do what --reset-offsets shows.
    #[arg(long, help_heading = "Reset")]
    pub execute: bool,

    /// Print the new offsets as CSV, for --from-file.
    #[arg(long, help_heading = "Reset")]
    pub export: bool,

    /// To this offset.
    #[arg(long, value_name = "OFFSET", allow_hyphen_values = true, help_heading = "Reset")]
    pub to_offset: Option<String>,

    /// To the offsets in a CSV file: topic,partition,offset or group,topic,partition,offset.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, help_heading = "Reset")]
    pub from_file: Option<PathBuf>,

    /// To the first record not older than this moment: YYYY-MM-DDThh:mm:ss.sss, then perhaps a zone (Z, +02:00).
    #[arg(long, value_name = "DATETIME", allow_hyphen_values = true, help_heading = "Reset")]
    pub to_datetime: Option<String>,

    /// To the first record not older than this, counted back from now: PnDTnHnMnS.
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, help_heading = "Reset")]
    pub by_duration: Option<String>,

    /// To the start of the partition.
    #[arg(long, help_heading = "Reset")]
    pub to_earliest: bool,

    /// To the end of the partition.
    #[arg(long, help_heading = "Reset")]
    pub to_latest: bool,

    /// To where the group is now; to the end where it has committed nothing.
    #[arg(long, help_heading = "Reset")]
    pub to_current: bool,

    /// By this many offsets, forward or (negative) back.
    #[arg(long, value_name = "N", allow_hyphen_values = true, help_heading = "Reset")]
    pub shift_by: Option<String>,

    /// How to print --list, --describe, --reset-offsets and --delete-offsets.
    #[arg(long, short = 'o', value_enum, value_name = "FORMAT")]
    pub output: Option<Format>,
}

impl Args {
    fn properties(&self) -> Result<Properties, CliError> {
        let file = self.command_config.as_deref().map(connect::load_properties).transpose();
        let mut properties = file.map_err(|e| e.wrapped_in("java.lang.RuntimeException"))?.unwrap_or_default();
        let timeout = reset::long("timeout", self.timeout.as_deref())?.unwrap_or(DEFAULT_TIMEOUT_MS);
        connect::set(&mut properties, "default.api.timeout.ms", timeout.to_string());
        Ok(properties)
    }

    async fn work(&self, action: &Action, reset: Option<&reset::Reset>, properties: &Properties, cx: &Context) -> Result<Exit, CliError> {
        let admin = connect::admin(properties, cx).await?;
        match (action, reset) {
            (Action::List, _) => list::list(&admin, self, cx).await?,
            (Action::Describe(view), _) => match &self.watch {
                Some(seconds) => return watch::watch(&admin, self, watch::every(seconds)?, cx).await,
                None => describe::describe(&admin, self, *view, cx).await?,
            },
            (Action::Delete, _) => return delete::delete_groups(&admin, self, cx).await,
            (Action::DeleteOffsets, _) => return delete::delete_offsets(&admin, self, cx).await,
            (Action::ResetOffsets, Some(reset)) => return reset::reset(&admin, self, reset, cx).await,
            (Action::ResetOffsets, None) | (Action::ValidateRegex(_), _) => {}
        }
        Ok(Exit::OK)
    }
}

impl Tool for Args {
    const COMMAND: &'static str = "consumer-groups";
    const KAFKA: &'static str = "kafka-consumer-groups";
    const ABOUT: &'static str = "List, describe and delete consumer groups, move and delete their offsets.";

    fn run(self, cx: &Context) -> Result<Exit, CliError> {
        let action = check::check(&self, cx)?;
        if let Action::ValidateRegex(pattern) = &action {
            return regex::validate(pattern);
        }
        // Values that are wrong are told before a broker is asked.
        let reset = if action == Action::ResetOffsets { Some(reset::Reset::read(&self)?) } else { None };
        plan::TopicArg::read_all(&self.topic)?;
        list::Filter::read(&self)?;
        self.watch.as_deref().map(watch::every).transpose()?;
        let properties = self.properties()?;
        let kind = if self.watch.is_some() { connect::WATCHING } else { connect::ADMIN };
        connect::run(&self.connection, properties, cx, kind, async |properties| self.work(&action, reset.as_ref(), &properties, cx).await)
    }

    /// A failure ends Kafka's own tool with exit code 0.
    fn report_as_kafka(error: &CliError, entry: &Entry) -> Exit {
        match error.kind {
            Kind::Usage => usage::report(error, entry),
            Kind::Parse | Kind::Value => stderr_line(format!("Exception in thread \"main\" {}", error.as_java())),
            Kind::Config | Kind::Failed | Kind::Told | Kind::Stopped(_) | Kind::BrokenPipe => {
                let mut out = Out::stdout();
                let text = format!("\nError: Executing consumer group command failed due to {}", error.kafka_message());
                let told = out.line(text).and_then(|()| out.flush());
                if told.is_ok() {
                    stderr_line(error.as_java());
                }
                return Exit::OK;
            }
        }
        Exit::FAILED
    }
}
