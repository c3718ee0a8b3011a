//! `kfk producer-perf-test`, `kafka-producer-perf-test.sh`: how fast records are written.

mod payload;
mod send;
mod spec;
mod stats;

use std::path::PathBuf;

use self::payload::Payloads;
use super::argparse::Spec;
use super::connect::{self, ConnectionArgs, Properties, get, load_properties, set};
use super::error::{CliError, Kind, stderr_line};
use super::names;
use super::tool::{Context, Entry, Exit, Tool};
use crate::rng::Rng;

const CLIENT_ID: &str = "perf-producer-client";
const DEFAULT_TRANSACTION_MS: u64 = 3000;

#[derive(Debug, Default, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// The topic to write to.
    #[arg(long, value_name = "TOPIC", add = names::topics())]
    pub topic: Option<String>,

    /// How many records to write.
    #[arg(long, value_name = "COUNT", allow_hyphen_values = true)]
    pub num_records: Option<i64>,

    /// How many records a second to write at most, on the average; -1: as many as there can be. Default -1.
    #[arg(long, value_name = "RATE", allow_hyphen_values = true)]
    pub throughput: Option<f64>,

    /// Records of random letters, so many bytes each.
    #[arg(long, value_name = "BYTES", allow_hyphen_values = true, help_heading = "What to write")]
    pub record_size: Option<i32>,

    /// Records from this file (UTF-8), in random order.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, help_heading = "What to write")]
    pub payload_file: Option<PathBuf>,

    /// What stands between the records of --payload-file: a regular expression. Default: a line's end.
    #[arg(long, value_name = "REGEX", help_heading = "What to write")]
    pub payload_delimiter: Option<String>,

    /// Records 0, 1, 2 ...
    #[arg(long, help_heading = "What to write")]
    pub payload_monotonic: bool,

    /// Write in transactions, with this id.
    #[arg(long, value_name = "ID", help_heading = "Transactions")]
    pub transactional_id: Option<String>,

    /// Write in transactions that take as long as this. Default 3000 with a transactional id.
    #[arg(long, value_name = "MS", allow_hyphen_values = true, help_heading = "Transactions")]
    pub transaction_duration_ms: Option<i64>,

    /// Tell the figures of what comes after the first so many records, too.
    #[arg(long, value_name = "COUNT", allow_hyphen_values = true, help_heading = "What to print")]
    pub warmup_records: Option<i64>,

    /// How often to tell the progress. Default 5000.
    #[arg(long, value_name = "MS", allow_hyphen_values = true, help_heading = "What to print")]
    pub reporting_interval: Option<i64>,

    /// Print what the client counted, too.
    #[arg(long, help_heading = "What to print")]
    pub print_metrics: bool,

    /// Client settings.
    #[arg(long, value_name = "NAME=VALUE", num_args = 1.., help_heading = "Producer")]
    pub command_property: Vec<String>,

    /// Properties file with client settings; --command-property wins.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, help_heading = "Producer")]
    pub command_config: Option<PathBuf>,

    /// Deprecated spelling of --command-property.
    #[arg(long, value_name = "NAME=VALUE", num_args = 1.., help_heading = "Deprecated")]
    pub producer_props: Vec<String>,

    /// Deprecated spelling of --command-config.
    #[arg(long = "producer.config", value_name = "FILE", value_hint = clap::ValueHint::FilePath, help_heading = "Deprecated")]
    pub producer_config: Option<PathBuf>,
}

/// The options, read.
struct Plan {
    topic: String,
    records: u64,
    warmup: u64,
    throughput: f64,
    interval_ms: u64,
    /// How long a transaction takes; `None`: there are none.
    transaction_ms: Option<u64>,
    print_metrics: bool,
    properties: Properties,
}

impl Tool for Args {
    const COMMAND: &'static str = "producer-perf-test";
    const KAFKA: &'static str = "kafka-producer-perf-test";
    const ABOUT: &'static str = "Measure how fast records are written.";
    const ARGPARSE: Option<&'static Spec> = Some(&spec::SPEC);

    fn run(self, cx: &Context) -> Result<Exit, CliError> {
        self.check(cx)?;
        let payloads = self.payloads(cx)?;
        self.warn_deprecated(cx)?;
        let plan = self.plan(cx)?;
        let properties = plan.properties.clone();
        connect::run(&self.connection, properties, cx, connect::MEASURED_PRODUCER, async |properties| {
            send::measure(&plan, payloads, &properties, cx).await
        })
    }

    fn report_as_kafka(error: &CliError, _: &Entry) -> Exit {
        match error.kind {
            Kind::Usage => stderr_line(spec::SPEC.unfit(&error.message)),
            _ => stderr_line(format!("Exception in thread \"main\" {}", error.as_java())),
        }
        Exit::FAILED
    }
}

impl Args {
    /// Refuses what does not fit together, in Kafka's words and order; what is missing has been told by then under Kafka's name.
    fn check(&self, cx: &Context) -> Result<(), CliError> {
        let refuse = |wrong: bool, text: &str| if wrong { Err(CliError::usage(text)) } else { Ok(()) };
        let payloads = [self.record_size.is_some(), self.payload_file.is_some(), self.payload_monotonic];
        let props = (!self.command_property.is_empty(), !self.producer_props.is_empty());
        let configs = (self.command_config.is_some(), self.producer_config.is_some());
        let somewhere = props.0 || props.1 || configs.0 || configs.1 || self.connection.given(cx);
        refuse(self.topic.is_none(), "Missing required argument \"[topic]\"")?;
        refuse(self.num_records.is_none(), "Missing required argument \"[num-records]\"")?;
        refuse(
            payloads.iter().filter(|given| **given).count() != 1,
            "Exactly one of the following arguments is required: [record-size], [payload-file], [payload-monotonic]",
        )?;
        refuse(self.num_records.is_some_and(|n| n <= 0), "--num-records should be greater than zero.")?;
        refuse(
            self.warmup_records.unwrap_or(0).max(0) >= self.num_records.unwrap_or(i64::MAX),
            "The value for --warmup-records must be strictly fewer than the number of records in the test, --num-records.",
        )?;
        refuse(self.record_size.is_some_and(|n| n <= 0), "--record-size should be greater than zero.")?;
        refuse(
            !somewhere,
            "At least one of --bootstrap-server, --command-property, --producer-props, --producer.config or --command-config must be \
             specified.",
        )?;
        refuse(props == (true, true), "--command-property and --producer-props cannot be specified together.")?;
        refuse(configs == (true, true), "--command-config and --producer.config cannot be specified together.")?;
        refuse(self.transaction_duration_ms.is_some_and(|ms| ms <= 0), "--transaction-duration-ms should be greater than zero.")?;
        refuse(self.reporting_interval.is_some_and(|ms| ms <= 0), "--reporting-interval should be greater than zero.")
    }

    fn payloads(&self, cx: &Context) -> Result<Payloads, CliError> {
        if let Some(path) = &self.payload_file {
            let delimiter = self.payload_delimiter.as_deref().filter(|d| *d != "\\n").unwrap_or("\n");
            return payload::from_file(path, delimiter, cx);
        }
        Ok(match self.record_size.and_then(|size| usize::try_from(size).ok()) {
            Some(size) => Payloads::Random(vec![0; size]),
            None => Payloads::Counted(Vec::new()),
        })
    }

    fn warn_deprecated(&self, cx: &Context) -> Result<(), CliError> {
        let old = [
            ("--producer-props", "--command-property", !self.producer_props.is_empty()),
            ("--producer.config", "--command-config", self.producer_config.is_some()),
        ];
        old.iter().filter(|(_, _, given)| *given).try_for_each(|(old, new, _)| {
            cx.say(format!("Option {old} has been deprecated and will be removed in a future version. Use {new} instead."))
        })
    }

    fn plan(&self, cx: &Context) -> Result<Plan, CliError> {
        let mut properties = self.properties(cx)?;
        let in_properties = get(&properties, "transactional.id").map(str::to_owned);
        let transactional = self.transaction_duration_ms.is_some() || self.transactional_id.is_some() || in_properties.is_some();
        if transactional {
            let id = self.transactional_id.clone().or(in_properties);
            let id = id.unwrap_or_else(|| format!("performance-producer-{}", some_rng().uuid()));
            set(&mut properties, "transactional.id", id);
        }
        let positive = |n: i64| u64::try_from(n).unwrap_or(0);
        Ok(Plan {
            topic: self.topic.clone().unwrap_or_default(),
            records: positive(self.num_records.unwrap_or(0)),
            warmup: positive(self.warmup_records.unwrap_or(0)),
            throughput: self.throughput.unwrap_or(-1.0),
            interval_ms: positive(self.reporting_interval.unwrap_or(5000)),
            transaction_ms: transactional.then(|| self.transaction_duration_ms.map_or(DEFAULT_TRANSACTION_MS, positive)),
            print_metrics: self.print_metrics,
            properties,
        })
    }

    /// The client's settings.
    fn properties(&self, cx: &Context) -> Result<Properties, CliError> {
        let file = self.command_config.as_ref().or(self.producer_config.as_ref());
        let mut all = file.map(|path| load_properties(path)).transpose()?.unwrap_or_default();
        for pair in self.command_property.iter().chain(&self.producer_props) {
            let (key, value) = pair
                .split_once('=')
                // Kafka's tool takes a pair apart at every equals sign.
                .filter(|(key, value)| !cx.is_kafka() || !(key.is_empty() || value.trim_end_matches('=').is_empty() || value.contains('=')))
                .ok_or_else(|| CliError::value(format!("Invalid property: {pair}")).exception("java.lang.IllegalArgumentException"))?;
            set(&mut all, key, value);
        }
        if get(&all, "client.id").is_none() {
            set(&mut all, "client.id", CLIENT_ID);
        }
        Ok(all)
    }
}

/// Chance that is another one in every run.
fn some_rng() -> Rng {
    let mut seed = [0; 8];
    // Without any the runs are like each other.
    let _ = getrandom::fill(&mut seed);
    Rng::new(u64::from_ne_bytes(seed))
}
