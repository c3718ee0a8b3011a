//! `kfk console-producer`, `kafka-console-producer.sh`: what standard input holds becomes records, a line each if nothing else is said.

mod input;
mod options;
mod overlay;
mod reader;
mod send;
mod source;

use std::path::PathBuf;

use super::connect::{self, ConnectionArgs};
use super::error::{CliError, Kind, stderr_line};
use super::names;
use super::tool::{Context, Entry, Exit, Tool};
use super::usage;

/// `--input`
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Input {
    /// Every line is a record; the default.
    Lines,
    /// Every line is a record as JSON.
    #[value(alias = "jsonl")]
    Json,
}

#[derive(Debug, Default, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// The topic to write to. With --input json each line may name its own; this one wins.
    #[arg(long, value_name = "TOPIC", add = names::topics())]
    pub topic: Option<String>,

    /// What standard input holds: lines (--reader-property says how to take them apart), or json: one record a line, as
    /// `kfk console-consumer -o json` prints them (docs/formats.md).
    #[arg(long, value_enum, value_name = "FORMAT", help_heading = "Input")]
    pub input: Option<Input>,

    /// Read records by a format string: '%k\t%v\n', '%K{big32}%k%V{big32}%v' (rpk's and kcl's; docs/formats.md).
    #[arg(long, short = 'f', value_name = "FORMAT", help_heading = "Input", allow_hyphen_values = true)]
    pub format: Option<String>,

    /// Write this file as one record, in place of standard input; - is standard input as one record. May be given several times.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, help_heading = "Input")]
    pub file: Vec<PathBuf>,

    /// Turn empty values into nulls, which delete their key from compacted topics.
    #[arg(long, short = 'Z', help_heading = "Record")]
    pub tombstone: bool,

    /// The key of every record.
    #[arg(long, short = 'k', value_name = "KEY", help_heading = "Record", allow_hyphen_values = true)]
    pub key: Option<String>,

    /// A header for every record, after those of its own. May be given several times.
    #[arg(long, short = 'H', value_name = "NAME:VALUE", help_heading = "Record", allow_hyphen_values = true)]
    pub header: Vec<String>,

    /// The partition of every record; any: the partitioner chooses, whatever the input says.
    #[arg(long, short = 'p', value_name = "N|any", help_heading = "Record")]
    pub partition: Option<String>,

    /// The timestamp of every record: 2026-01-31T10:00:00 (UTC unless it says otherwise), 1700000000000, 1h (ago), now.
    #[arg(long, value_name = "TIME", help_heading = "Record", allow_hyphen_values = true)]
    pub timestamp: Option<String>,

    /// Write at most this many records a second.
    #[arg(long, value_name = "N", help_heading = "Producer")]
    pub rate: Option<f64>,

    /// Wait for each record before sending the next.
    #[arg(long)]
    pub sync: bool,

    /// none, gzip, snappy, lz4 or zstd; gzip if there is no value.
    #[arg(long, value_name = "CODEC", num_args = 0..=1, require_equals = true, default_missing_value = "gzip", help_heading = "Producer")]
    pub compression_codec: Option<String>,

    /// How many bytes of records to one partition make a full batch (batch.size). Default 16384.
    #[arg(long, value_name = "BYTES", allow_hyphen_values = true, help_heading = "Producer")]
    pub batch_size: Option<i32>,

    /// How often to send a record again after an error (retries). Default 3.
    #[arg(long, value_name = "N", allow_hyphen_values = true, help_heading = "Producer")]
    pub message_send_max_retries: Option<i32>,

    /// How long to wait before sending again (retry.backoff.ms). Default 100.
    #[arg(long, value_name = "MS", allow_hyphen_values = true, help_heading = "Producer")]
    pub retry_backoff_ms: Option<i64>,

    /// How long a record may wait for its batch to fill (linger.ms). Default 1000; the end of the input ends the wait.
    #[arg(long, value_name = "MS", allow_hyphen_values = true, help_heading = "Producer")]
    pub timeout: Option<i64>,

    /// Who must have a record before it counts as written: 0 nobody, 1 the leader, all or -1 all replicas in sync (acks). Default -1.
    #[arg(long, value_name = "ACKS", allow_hyphen_values = true, help_heading = "Producer")]
    pub request_required_acks: Option<String>,

    /// How long to wait for the response to one request (request.timeout.ms). Default 1500.
    #[arg(long, value_name = "MS", allow_hyphen_values = true, help_heading = "Producer")]
    pub request_timeout_ms: Option<i32>,

    /// After how long to ask again where partitions are (metadata.max.age.ms). Default 300000.
    #[arg(long, value_name = "MS", allow_hyphen_values = true, help_heading = "Producer")]
    pub metadata_expiry_ms: Option<i64>,

    /// How long a record may wait for metadata or memory (max.block.ms). Default 60000.
    #[arg(long, value_name = "MS", allow_hyphen_values = true, help_heading = "Producer")]
    pub max_block_ms: Option<i64>,

    /// How much memory unsent records may take (buffer.memory). Default 33554432.
    #[arg(long, value_name = "BYTES", allow_hyphen_values = true, help_heading = "Producer")]
    pub max_memory_bytes: Option<i64>,

    /// Deprecated spelling of --batch-size.
    #[arg(long, value_name = "BYTES", allow_hyphen_values = true, help_heading = "Deprecated")]
    pub max_partition_memory_bytes: Option<i32>,

    /// The socket's send buffer (send.buffer.bytes). Default 102400.
    #[arg(long, value_name = "BYTES", allow_hyphen_values = true, help_heading = "Producer")]
    pub socket_buffer_size: Option<i32>,

    /// Kafka's class that turns lines into records; only org.apache.kafka.tools.LineMessageReader.
    #[arg(long, value_name = "CLASS", help_heading = "Input")]
    pub line_reader: Option<String>,

    /// How to read lines: parse.key, key.separator (tab), parse.headers, headers.delimiter (tab), headers.separator (,),
    /// headers.key.separator (:), ignore.error, null.marker. May be given several times.
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Input")]
    pub reader_property: Vec<String>,

    /// Properties file with the same keys; --reader-property wins.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, help_heading = "Input")]
    pub reader_config: Option<PathBuf>,

    /// A client setting. May be given several times.
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Producer")]
    pub command_property: Vec<String>,

    /// Properties file with client settings; --command-property wins.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, help_heading = "Producer")]
    pub command_config: Option<PathBuf>,

    /// Deprecated spelling of --reader-property.
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Deprecated")]
    pub property: Vec<String>,

    /// Deprecated spelling of --command-property.
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Deprecated")]
    pub producer_property: Vec<String>,

    /// Deprecated spelling of --command-config.
    #[arg(long = "producer.config", value_name = "FILE", value_hint = clap::ValueHint::FilePath, help_heading = "Deprecated")]
    pub producer_config: Option<PathBuf>,
}

impl Tool for Args {
    const COMMAND: &'static str = "console-producer";
    const KAFKA: &'static str = "kafka-console-producer";
    const ABOUT: &'static str = "Read lines from standard input and write them to a topic.";

    fn run(self, cx: &Context) -> Result<Exit, CliError> {
        options::check(&self, cx)?;
        options::warn_deprecated(&self, cx)?;
        let properties = options::client_properties(&self)?;
        let plan = send::Plan {
            topic: self.topic.as_deref(),
            source: source::Source::read(&self)?,
            overlay: overlay::Overlay::read(&self)?,
            sync: self.sync,
            rate: self.rate,
        };
        connect::run(&self.connection, properties, cx, connect::PRODUCER, async |properties| send::send_all(&plan, &properties, cx).await)
    }

    fn report_as_kafka(error: &CliError, entry: &Entry) -> Exit {
        match error.kind {
            Kind::Usage | Kind::Parse => usage::report(error, entry),
            Kind::Value => stderr_line(&error.message),
            Kind::Config | Kind::Failed | Kind::Told | Kind::Stopped(_) | Kind::BrokenPipe => stderr_line(error.as_java()),
        }
        Exit::FAILED
    }
}
