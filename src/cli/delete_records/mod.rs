//! `kfk delete-records`, `kafka-delete-records.sh`: removes the records of partitions before an offset.

mod plan;

use std::path::PathBuf;

use super::connect::{self, ConnectionArgs, Properties};
use super::error::CliError;
use super::out::facts::{Column, Facts, number, row, text};
use super::out::{Format, Out};
use super::tool::{Context, Entry, Exit, Tool};
use super::usage;
use crate::types::TopicPartition;
use plan::Plan;

#[derive(Debug, Default, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// Properties file for the client.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub command_config: Option<PathBuf>,

    /// What to remove, as JSON: {"partitions": [{"topic": "t", "partition": 0, "offset": 5}], "version": 1} removes the records before offset 5;
    /// -1 stands for the end.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub offset_json_file: Option<PathBuf>,

    /// How to print the result.
    #[arg(long, short = 'o', value_enum, value_name = "FORMAT")]
    pub output: Option<Format>,
}

const COLUMNS: &[Column] = &[text("topic"), number("partition"), number("low_watermark"), text("error")];

/// Each partition with its first offset from now on.
type Results = Vec<(TopicPartition, Result<i64, CliError>)>;

impl Args {
    async fn work(&self, plan: &Plan, properties: &Properties, cx: &Context) -> Result<Exit, CliError> {
        let admin = connect::admin(properties, cx).await?;
        cx.say("Executing records delete operation")?;
        let done = admin.delete_records(plan).await?;
        let results: Results = done.into_iter().map(|(tp, result)| (tp, result.map_err(CliError::from))).collect();
        cx.say("Records delete operation completed:")?;
        let failed = results.iter().any(|(_, result)| result.is_err());
        render(&results, Format::pick(self.output, cx))?;
        // Kafka's tool calls that a success.
        Ok(if failed && !cx.is_kafka() { Exit::FAILED } else { Exit::OK })
    }
}

fn render(results: &Results, format: Format) -> Result<(), CliError> {
    let error = |result: &Result<i64, CliError>| result.as_ref().err().map(|e| e.message.clone());
    let row = |(tp, result): &(TopicPartition, Result<i64, CliError>)| {
        row![&tp.topic, tp.partition, result.as_ref().ok().copied(), error(result)]
    };
    let mut out = Out::stdout();
    Facts::new(COLUMNS, results.iter().map(row)).print(&mut out, format, |out| {
        results.iter().try_for_each(|(tp, result)| match result {
            Ok(start) => out.line(format!("partition: {tp}\tlow_watermark: {start}")),
            Err(e) => out.line(format!("partition: {tp}\terror: {}", e.as_java())),
        })
    })?;
    out.flush()
}

impl Tool for Args {
    const COMMAND: &'static str = "delete-records";
    const KAFKA: &'static str = "kafka-delete-records";
    const ABOUT: &'static str = "Remove the records of partitions before an offset.";

    fn run(self, cx: &Context) -> Result<Exit, CliError> {
        usage::require(&[("bootstrap-server", self.connection.given(cx)), ("offset-json-file", self.offset_json_file.is_some())])?;
        let properties = self.command_config.as_deref().map(connect::load_properties).transpose()?.unwrap_or_default();
        let plan = plan::load(self.offset_json_file.as_deref().unwrap_or_else(|| "".as_ref()))?;
        connect::run(&self.connection, properties, cx, connect::ADMIN, async |properties| self.work(&plan, &properties, cx).await)
    }

    fn report_as_kafka(error: &CliError, entry: &Entry) -> Exit {
        usage::report_with_trace("", error, entry);
        Exit::FAILED
    }
}
