//! `kfk console-consumer`, `kafka-console-consumer.sh`: the records of topics, one after the other, on standard output.

mod deserialize;
pub(super) mod format;
mod internal;
pub(super) mod options;
mod read;
pub(super) mod stop;
mod tail;
mod whole;
mod window;

use std::path::PathBuf;

use super::connect::{self, ConnectionArgs};
use super::error::{CliError, Kind, log4j_line, stderr_line};
use super::names;
use super::tool::{Context, Entry, Exit, Tool};
use super::usage;

/// `-o`
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// As Kafka's formatters; the default.
    Plain,
    /// One JSON object a line.
    #[value(alias = "jsonl")]
    Json,
}

const CLASS: &str = "org.apache.kafka.tools.consumer.ConsoleConsumer";
#[derive(Debug, Default, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// The topic to read. May be given several times, or hold several names with commas between them.
    #[arg(long, value_name = "TOPIC", help_heading = "What to read", add = names::topics())]
    pub topic: Vec<String>,

    /// Read all topics whose whole name matches this regular expression.
    #[arg(long, value_name = "REGEX", help_heading = "What to read", add = names::topics())]
    pub include: Option<String>,

    /// Read one partition, without a group. Starts at the end, or at --offset.
    #[arg(long, value_name = "N", allow_hyphen_values = true, help_heading = "What to read")]
    pub partition: Option<i32>,

    /// Where to start in each partition, and where to end: N, earliest, latest; -N (before the end), +N (after the start), A:B, :end,
    /// @TIME, @TIME:TIME. Under Kafka's name only N, earliest and latest, with --partition. Default latest.
    #[arg(long, value_name = "OFFSET", allow_hyphen_values = true, help_heading = "What to read")]
    pub offset: Option<String>,

    /// Start at the first record that is not older than this: 2026-01-31, 2026-01-31T10:00:00 (UTC unless it says otherwise), 1700000000,
    /// 1h30m, '2 hours ago', yesterday.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, help_heading = "What to read")]
    pub since: Option<String>,

    /// Stop before the first record of each partition that is not older than this. Without a start, reads from the beginning.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, help_heading = "What to read")]
    pub until: Option<String>,

    /// Start with the last N records, of all partitions together.
    #[arg(long, value_name = "N", help_heading = "What to read")]
    pub tail: Option<usize>,

    /// Stop at what is the end now. Without a start, reads from the beginning.
    #[arg(long, help_heading = "What to read")]
    pub until_end: bool,

    /// Only records that match: REGEX (in key, value or a header's value), k:REGEX, v:REGEX, h:NAME=REGEX, hk:REGEX and hv:REGEX (header
    /// keys and values), t:REGEX; with ! before it, those that do not. If given several times, all must hold.
    #[arg(long, value_name = "[!][PART:]REGEX", allow_hyphen_values = true, help_heading = "What to read")]
    pub grep: Vec<String>,

    /// Start at the earliest record where the group has no committed offset.
    #[arg(long, help_heading = "What to read")]
    pub from_beginning: bool,

    /// Stop after this many records.
    #[arg(long, value_name = "N", allow_hyphen_values = true, help_heading = "What to read")]
    pub max_messages: Option<String>,

    /// Stop when no record came for this long.
    #[arg(long, value_name = "MS", allow_hyphen_values = true, help_heading = "What to read")]
    pub timeout_ms: Option<i64>,

    /// read_committed leaves out records of transactions that are not committed. Default read_uncommitted.
    #[arg(long, value_name = "LEVEL", help_heading = "What to read")]
    pub isolation_level: Option<String>,

    /// The consumer group to read as. Without it all partitions are read here, and nothing is committed.
    #[arg(long, value_name = "GROUP", help_heading = "What to read", add = names::groups())]
    pub group: Option<String>,

    /// Print records by a format string: '%t %p %o %d{strftime[%F %T]} %k %v{base64} %h{%k=%v }\n' (rpk's and kcl's; docs/formats.md).
    #[arg(long, short = 'f', value_name = "FORMAT", help_heading = "How to print", allow_hyphen_values = true)]
    pub format: Option<String>,

    /// json: each record as one line of JSON, which `kfk console-producer --input json` reads back (docs/formats.md).
    #[arg(long, short = 'o', value_enum, value_name = "FORMAT", help_heading = "How to print")]
    pub output: Option<Output>,

    /// Kafka's class that prints records: DefaultMessageFormatter, LoggingMessageFormatter, NoOpMessageFormatter, OffsetsMessageFormatter,
    /// GroupMetadataMessageFormatter, ShareGroupMessageFormatter, TransactionLogMessageFormatter, group.share.ShareGroupStateMessageFormatter,
    /// each after org.apache.kafka.tools.consumer and a point.
    #[arg(long, value_name = "CLASS", help_heading = "How to print")]
    pub formatter: Option<String>,

    /// How to print records: print.timestamp, print.partition, print.offset, print.epoch, print.delivery, print.headers, print.key,
    /// print.value (each true or false), key.separator (tab), line.separator, headers.separator (,), null.literal (null),
    /// key.deserializer, value.deserializer, headers.deserializer. May be given several times.
    #[arg(long, value_name = "NAME=VALUE", help_heading = "How to print")]
    pub formatter_property: Vec<String>,

    /// Properties file with the same keys; --formatter-property wins.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, help_heading = "How to print")]
    pub formatter_config: Option<PathBuf>,

    /// Kafka's class that turns keys into text, such as org.apache.kafka.common.serialization.LongDeserializer.
    #[arg(long, value_name = "CLASS", help_heading = "How to print")]
    pub key_deserializer: Option<String>,

    /// Kafka's class that turns values into text.
    #[arg(long, value_name = "CLASS", help_heading = "How to print")]
    pub value_deserializer: Option<String>,

    /// Go on after a record that cannot be printed.
    #[arg(long, help_heading = "How to print")]
    pub skip_message_on_error: bool,

    /// A client setting. May be given several times.
    #[arg(long, value_name = "NAME=VALUE")]
    pub command_property: Vec<String>,

    /// Properties file with client settings; --command-property wins.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub command_config: Option<PathBuf>,

    /// Also print when the consumer has shut down (for Kafka's system tests).
    #[arg(long, hide = true)]
    pub enable_systest_events: bool,

    /// Deprecated spelling of --formatter-property.
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Deprecated")]
    pub property: Vec<String>,

    /// Deprecated spelling of --command-property.
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Deprecated")]
    pub consumer_property: Vec<String>,

    /// Deprecated spelling of --command-config.
    #[arg(long = "consumer.config", value_name = "FILE", value_hint = clap::ValueHint::FilePath, help_heading = "Deprecated")]
    pub consumer_config: Option<PathBuf>,
}

impl Tool for Args {
    const COMMAND: &'static str = "console-consumer";
    const KAFKA: &'static str = "kafka-console-consumer";
    const ABOUT: &'static str = "Read records from topics and print them on standard output.";

    fn run(self, cx: &Context) -> Result<Exit, CliError> {
        options::check(&self, cx)?;
        options::warn_deprecated(&self, cx)?;
        let plan = options::plan(&self, cx)?;
        let properties = plan.properties.clone();
        connect::run(&self.connection, properties, cx, connect::CONSUMER, async |properties| read::read(&self, plan, &properties, cx).await)
    }

    fn report_as_kafka(error: &CliError, entry: &Entry) -> Exit {
        let twice = error.message.starts_with("Found multiple arguments");
        match error.kind {
            Kind::Usage | Kind::Parse => usage::report(error, entry),
            Kind::Value if !twice => stderr_line(format!("Exception in thread \"main\" {}", error.as_java())),
            Kind::Value | Kind::Config | Kind::Failed | Kind::Told | Kind::Stopped(_) | Kind::BrokenPipe => {
                log4j_line("ERROR", "Unknown error when running consumer: ", CLASS);
                stderr_line(error.as_java());
            }
        }
        Exit::FAILED
    }
}
