//! `kfk consumer-perf-test`, `kafka-consumer-perf-test.sh`: how fast records are read.

mod read;
mod report;

use std::path::PathBuf;

use super::connect::{self, ConnectionArgs, Properties, get, load_properties, parse_pairs, set};
use super::error::{CliError, Kind, stderr_line};
use super::names;
use super::out::Out;
use super::perf::dates::Pattern;
use super::perf::options::number;
use super::tool::{Context, Entry, Exit, Tool};
use super::usage::{self, refuse, require};

const CLIENT_ID: &str = "perf-consumer-client";

#[derive(Debug, Default, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// The topic to read.
    #[arg(long, value_name = "TOPIC", help_heading = "What to read", add = names::topics())]
    pub topic: Option<String>,

    /// Read all topics whose whole name matches this regular expression.
    #[arg(long, value_name = "REGEX", help_heading = "What to read", add = names::topics())]
    pub include: Option<String>,

    /// How many records to read.
    #[arg(long, value_name = "COUNT", allow_hyphen_values = true, help_heading = "What to read")]
    pub num_records: Option<String>,

    /// The consumer group to read as. Default: perf-consumer- and a random number.
    #[arg(long, value_name = "GROUP", help_heading = "What to read", add = names::groups())]
    pub group: Option<String>,

    /// Start at the end where the group has no committed offset, not at the earliest record.
    #[arg(long, help_heading = "What to read")]
    pub from_latest: bool,

    /// Give up when no record came for this long. Default 10000.
    #[arg(long, value_name = "MS", num_args = 0..=1, require_equals = true, help_heading = "What to read")]
    pub timeout: Option<Option<String>>,

    /// How many bytes to fetch of one partition at once (max.partition.fetch.bytes). Default 1048576.
    #[arg(long, value_name = "BYTES", allow_hyphen_values = true, help_heading = "Consumer")]
    pub fetch_size: Option<String>,

    /// The socket's receive buffer (receive.buffer.bytes). Default 2097152.
    #[arg(long, value_name = "BYTES", allow_hyphen_values = true, help_heading = "Consumer")]
    pub socket_buffer_size: Option<String>,

    /// A client setting. May be given several times.
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Consumer")]
    pub command_property: Vec<String>,

    /// Properties file with client settings; --command-property wins.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, help_heading = "Consumer")]
    pub command_config: Option<PathBuf>,

    /// Print a line every interval and no summary.
    #[arg(long, help_heading = "What to print")]
    pub show_detailed_stats: bool,

    /// How long an interval is, in milliseconds. Default 5000.
    #[arg(long, value_name = "MS", allow_hyphen_values = true, help_heading = "What to print")]
    pub reporting_interval: Option<String>,

    /// How to print times: a pattern of Java's SimpleDateFormat. Default yyyy-MM-dd HH:mm:ss:SSS.
    #[arg(long, value_name = "PATTERN", help_heading = "What to print")]
    pub date_format: Option<String>,

    /// Leave the line with the names of the columns out.
    #[arg(long, help_heading = "What to print")]
    pub hide_header: bool,

    /// Print what the client counted, too.
    #[arg(long, help_heading = "What to print")]
    pub print_metrics: bool,

    /// Deprecated spelling of --num-records.
    #[arg(long, value_name = "COUNT", allow_hyphen_values = true, help_heading = "Deprecated")]
    pub messages: Option<String>,

    /// Deprecated spelling of --command-config.
    #[arg(long = "consumer.config", value_name = "FILE", value_hint = clap::ValueHint::FilePath, help_heading = "Deprecated")]
    pub consumer_config: Option<PathBuf>,
}

/// The options, read.
struct Plan {
    properties: Properties,
    wanted: i64,
    timeout_ms: i64,
    interval_ms: u64,
    dates: Pattern,
}

impl Tool for Args {
    const COMMAND: &'static str = "consumer-perf-test";
    const KAFKA: &'static str = "kafka-consumer-perf-test";
    const ABOUT: &'static str = "Measure how fast records are read.";

    fn run(self, cx: &Context) -> Result<Exit, CliError> {
        self.check(cx)?;
        self.warn_deprecated(cx)?;
        if cx.is_kafka() {
            self.print_header()?;
        }
        let plan = self.plan()?;
        let properties = plan.properties.clone();
        connect::run(&self.connection, properties, cx, connect::CONSUMER, async |properties| {
            read::measure(&self, &plan, &properties, cx).await
        })
    }

    fn report_as_kafka(error: &CliError, entry: &Entry) -> Exit {
        match error.kind {
            Kind::Usage | Kind::Parse => usage::report(error, entry),
            _ => {
                stderr_line(error.kafka_message());
                stderr_line(format!("{}\n", error.as_java()));
            }
        }
        Exit::FAILED
    }
}

impl Args {
    /// Refuses options that do not fit together, in Kafka's words and order.
    fn check(&self, cx: &Context) -> Result<(), CliError> {
        require(&[("bootstrap-server", self.connection.given(cx))])?;
        one_of(&[("topic", self.topic.is_some()), ("include", self.include.is_some())])?;
        one_of(&[("messages", self.messages.is_some()), ("num-records", self.num_records.is_some())])?;
        refuse(("consumer.config", self.consumer_config.is_some()), &[("command-config", self.command_config.is_some())])
    }

    fn warn_deprecated(&self, cx: &Context) -> Result<(), CliError> {
        if self.messages.is_some() {
            cx.say("Warning: --messages is deprecated. Use --num-records instead.")?;
        }
        if self.consumer_config.is_some() {
            cx.say("Warning: --consumer.config is deprecated. Use --command-config instead.")?;
        }
        Ok(())
    }

    fn print_header(&self) -> Result<(), CliError> {
        if self.hide_header {
            return Ok(());
        }
        let mut out = Out::stdout();
        out.line(report::header(self.show_detailed_stats))?;
        out.flush()
    }

    /// What Kafka's tool reads only when it needs it, in that order.
    fn plan(&self) -> Result<Plan, CliError> {
        let file = self.consumer_config.as_ref().or(self.command_config.as_ref());
        let mut properties = file.map(|path| load_properties(path)).transpose()?.unwrap_or_default();
        for (key, value) in parse_pairs(&self.command_property) {
            set(&mut properties, &key, value);
        }
        let size = |name, given: &Option<String>, default| given.as_deref().map_or(Ok(default), |text| number::<i32>(name, text));
        let options = [
            ("group.id", self.group.clone().map_or_else(some_group, Ok)?),
            ("receive.buffer.bytes", size("socket-buffer-size", &self.socket_buffer_size, 2 * 1024 * 1024)?.to_string()),
            ("max.partition.fetch.bytes", size("fetch-size", &self.fetch_size, 1024 * 1024)?.to_string()),
            ("auto.offset.reset", if self.from_latest { "latest" } else { "earliest" }.to_owned()),
            ("check.crcs", "false".to_owned()),
        ];
        options.into_iter().for_each(|(key, value)| set(&mut properties, key, value));
        if get(&properties, "client.id").is_none() {
            set(&mut properties, "client.id", CLIENT_ID);
        }
        let wanted = match (&self.messages, &self.num_records) {
            (Some(text), _) => number("messages", text)?,
            (None, text) => number("num-records", text.as_deref().unwrap_or_default())?,
        };
        let timeout_ms = self.timeout.iter().flatten().next().map_or(Ok(10_000), |text| number("timeout", text))?;
        let interval_ms = self.reporting_interval.as_deref().map_or(Ok(5000), |text| number("reporting-interval", text))?;
        if interval_ms == 0 {
            let error = CliError::value("Reporting interval must be greater than 0.");
            return Err(error.exception("java.lang.IllegalArgumentException"));
        }
        let dates = Pattern::read(self.date_format.as_deref().unwrap_or("yyyy-MM-dd HH:mm:ss:SSS"))?;
        Ok(Plan { properties, wanted, timeout_ms, interval_ms, dates })
    }
}

/// Refuses a command line on which none or several of these are given.
fn one_of(options: &[usage::Given]) -> Result<(), CliError> {
    if options.iter().filter(|(_, given)| *given).count() == 1 {
        return Ok(());
    }
    let names: Vec<String> = options.iter().map(|(name, _)| format!("[{name}]")).collect();
    Err(CliError::usage(format!("Exactly one of the following arguments is required: {}", names.join(", "))))
}

fn some_group() -> Result<String, CliError> {
    let chance = getrandom::u32().map_err(|e| CliError::failed("cannot make up a group's name").cause(e.to_string()))?;
    Ok(format!("perf-consumer-{}", chance % 100_000))
}
