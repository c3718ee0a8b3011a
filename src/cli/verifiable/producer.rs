//! The options of `verifiable-producer`.

use std::path::PathBuf;

use super::{from_file, send, spec};
use crate::cli::argparse::Spec;
use crate::cli::connect::{self, ConnectionArgs, Properties, set_default};
use crate::cli::error::CliError;
use crate::cli::names;
use crate::cli::tool::{Context, Entry, Exit, Tool};
use crate::cli::usage::require;

#[derive(Debug, Default, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// The topic to write to.
    #[arg(long, value_name = "TOPIC", add = names::topics())]
    pub topic: Option<String>,

    /// How many records to write; -1: go on until a signal comes. Default -1.
    #[arg(long, value_name = "COUNT", allow_hyphen_values = true)]
    pub max_messages: Option<i32>,

    /// How many records a second to write at most, on the average; -1: as many as there can be. Default -1.
    #[arg(long, value_name = "RATE", allow_hyphen_values = true)]
    pub throughput: Option<i32>,

    /// Who must have a record before it counts as written: 0 nobody, 1 the leader, -1 all replicas in sync. Default -1.
    #[arg(long, value_name = "ACKS", allow_hyphen_values = true)]
    pub acks: Option<i32>,

    /// The first record's timestamp, in milliseconds since 1970.
    #[arg(long, value_name = "MS", allow_hyphen_values = true, help_heading = "Records")]
    pub message_create_time: Option<i64>,

    /// A number that each value begins with, before a point.
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true, help_heading = "Records")]
    pub value_prefix: Option<i32>,

    /// Keys 0, 1 ... up to this number (exclusive), and again from 0.
    #[arg(long, value_name = "COUNT", allow_hyphen_values = true, help_heading = "Records")]
    pub repeating_keys: Option<i32>,

    /// Properties file with client settings; they beat the options.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub command_config: Option<PathBuf>,

    /// Deprecated spelling of --command-config.
    #[arg(long = "producer.config", value_name = "FILE", value_hint = clap::ValueHint::FilePath, help_heading = "Deprecated")]
    pub producer_config: Option<PathBuf>,
}

impl Tool for Args {
    const COMMAND: &'static str = "verifiable-producer";
    const KAFKA: &'static str = "kafka-verifiable-producer";
    const ABOUT: &'static str = "Write numbers to a topic and tell of each, as a line of JSON, whether it was written.";
    const ARGPARSE: Option<&'static Spec> = Some(&spec::PRODUCER);

    fn run(self, cx: &Context) -> Result<Exit, CliError> {
        require(&[("topic", self.topic.is_some())])?;
        let properties = self.properties(cx)?;
        connect::run(&self.connection, properties, cx, connect::MEASURED_PRODUCER, async |properties| {
            send::send_all(&self, &properties, cx).await
        })
    }

    fn report_as_kafka(error: &CliError, _: &Entry) -> Exit {
        super::report(&spec::PRODUCER, error)
    }
}

impl Args {
    fn properties(&self, cx: &Context) -> Result<Properties, CliError> {
        let mut all = from_file(("--producer.config", self.producer_config.as_ref()), self.command_config.as_ref(), cx)?;
        set_default(&mut all, "acks", self.acks.unwrap_or(-1).to_string());
        // A record that is sent twice might be stored twice, and nobody could tell.
        set_default(&mut all, "retries", "0");
        Ok(all)
    }
}
