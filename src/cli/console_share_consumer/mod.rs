//! `kfk console-share-consumer`, `kafka-console-share-consumer.sh`: records of a topic, taken as a member of a share group, on standard
//! output.

mod options;
mod read;

use std::path::PathBuf;

use super::connect::{self, ConnectionArgs};
use super::error::{CliError, Kind, log4j_line, stderr_line};
use super::names;
use super::tool::{Context, Entry, Exit, Tool};
use super::usage;

const CLASS: &str = "org.apache.kafka.tools.consumer.ConsoleShareConsumer";

#[derive(Debug, Default, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// The topic to read.
    #[arg(long, value_name = "TOPIC", help_heading = "What to read", add = names::topics())]
    pub topic: Option<String>,

    /// The share group to read as. Default share.
    #[arg(long, value_name = "GROUP", help_heading = "What to read", add = names::groups())]
    pub group: Option<String>,

    /// Stop after this many records.
    #[arg(long, value_name = "N", allow_hyphen_values = true, help_heading = "What to read")]
    pub max_messages: Option<String>,

    /// Stop when no record came for this long.
    #[arg(long, value_name = "MS", allow_hyphen_values = true, help_heading = "What to read")]
    pub timeout_ms: Option<i32>,

    /// Reject the records: nobody gets them again. Else they are accepted.
    #[arg(long, help_heading = "What becomes of records")]
    pub reject: bool,

    /// Release the records: somebody gets them again.
    #[arg(long, help_heading = "What becomes of records")]
    pub release: bool,

    /// Reject a record that cannot be printed, and go on.
    #[arg(long, help_heading = "What becomes of records")]
    pub reject_message_on_error: bool,

    /// Kafka's class that prints records, as of console-consumer.
    #[arg(long, value_name = "CLASS", help_heading = "How to print")]
    pub formatter: Option<String>,

    /// How to print records: print.timestamp, print.partition, print.offset, print.delivery, print.epoch, print.headers, print.key,
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
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, help_heading = "Deprecated")]
    pub consumer_config: Option<PathBuf>,
}

impl Tool for Args {
    const COMMAND: &'static str = "console-share-consumer";
    const KAFKA: &'static str = "kafka-console-share-consumer";
    const ABOUT: &'static str = "Take records from a topic as a member of a share group and print them on standard output.";

    fn run(self, cx: &Context) -> Result<Exit, CliError> {
        options::check(&self, cx)?;
        let plan = options::plan(&self, cx)?;
        let properties = plan.properties.clone();
        connect::run(&self.connection, properties, cx, connect::SHARE_CONSUMER, async |properties| {
            read::read(&self, plan, &properties, cx).await
        })
    }

    fn report_as_kafka(error: &CliError, entry: &Entry) -> Exit {
        match error.kind {
            Kind::Usage | Kind::Parse => usage::report(error, entry),
            Kind::Value | Kind::Config | Kind::Failed | Kind::Told | Kind::Stopped(_) | Kind::BrokenPipe => {
                log4j_line("ERROR", "Unknown error when running consumer: ", CLASS);
                stderr_line(error.as_java());
            }
        }
        Exit::FAILED
    }
}
