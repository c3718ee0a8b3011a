//! `kfk get-offsets`, `kafka-get-offsets.sh`: the offsets of partitions, at an end or by time.

mod filter;

use std::path::PathBuf;

use super::connect::{self, ConnectionArgs, Properties};
use super::error::{CliError, Kind, stderr_line};
use super::names;
use super::out::facts::{Column, Facts, number, row, text};
use super::out::{Format, Out};
use super::tool::{Context, Entry, Exit, Tool};
use super::usage;
use crate::client::admin::{ListedOffset, OffsetSpec};
use crate::types::TopicPartition;
use filter::Filter;

const COLUMNS: &[Column] = &[text("topic"), number("partition"), number("offset"), number("timestamp").detail()];

/// Names of offsets beside their numbers.
const NAMED: [(&str, OffsetSpec); 6] = [
    ("latest", OffsetSpec::Latest),
    ("earliest", OffsetSpec::Earliest),
    ("max-timestamp", OffsetSpec::MaxTimestamp),
    ("earliest-local", OffsetSpec::EarliestLocal),
    ("latest-tiered", OffsetSpec::LatestTiered),
    ("earliest-pending-upload", OffsetSpec::EarliestPendingUpload),
];

#[derive(Debug, Default, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// Properties file for the client.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub command_config: Option<PathBuf>,

    /// The topic: a regular expression that must match the whole name. Default: all topics.
    #[arg(long, value_name = "TOPIC", help_heading = "Which ones", add = names::topics())]
    pub topic: Option<String>,

    /// Only these partitions of the topics. Default: all.
    #[arg(long, value_name = "N,...", allow_hyphen_values = true, help_heading = "Which ones")]
    pub partitions: Option<String>,

    /// In place of --topic and --partitions: rules TOPIC:PARTITIONS. The partitions are one number, FROM-TO (without TO), FROM- or -TO; either
    /// part may be missing.
    #[arg(long, value_name = "TOPIC:1,TOPIC:0-3,...", allow_hyphen_values = true, help_heading = "Which ones")]
    pub topic_partitions: Option<String>,

    /// Leave out Kafka's internal topics.
    #[arg(long, help_heading = "Which ones")]
    pub exclude_internal_topics: bool,

    /// Which offset: latest (-1), earliest (-2), max-timestamp (-3), earliest-local (-4), latest-tiered (-5), earliest-pending-upload (-6), or
    /// that of the first record not older than this time, in milliseconds since 1970. Default latest.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub time: Option<String>,

    /// How to print the offsets.
    #[arg(long, short = 'o', value_enum, value_name = "FORMAT")]
    pub output: Option<Format>,
}

impl Args {
    /// Kafka's checks, in its order.
    fn check(&self, cx: &Context) -> Result<(OffsetSpec, Filter), CliError> {
        usage::require(&[("bootstrap-server", self.connection.given(cx))])?;
        if let Some(list) = self.connection.bootstrap_server.as_deref().filter(|_| cx.is_kafka()) {
            connect::addresses(list, cx).map_err(|_| CliError::usage("Please provide valid host:port like host1:9091,host2:9092\n"))?;
        }
        if self.topic_partitions.is_some() && (self.topic.is_some() || self.partitions.is_some()) {
            return Err(CliError::value("--topic-partitions cannot be used with --topic or --partitions"));
        }
        Ok((spec(self.time.as_deref().unwrap_or("latest"))?, Filter::read(self)?))
    }

    async fn work(&self, spec: OffsetSpec, filter: &Filter, properties: &Properties, cx: &Context) -> Result<Exit, CliError> {
        let admin = connect::admin(properties, cx).await?;
        let partitions = filter.select(&admin.list_topics(!self.exclude_internal_topics).await?, cx);
        if partitions.is_empty() {
            let error = CliError::failed("Could not match any topic-partitions with the specified filters");
            return Err(error.hint("`kfk topics --list` shows what there is"));
        }
        let wanted = partitions.values().map(|tp| (tp.clone(), spec)).collect();
        let mut results = admin.list_offsets(&wanted, false).await?;
        let (mut found, mut skipped) = (Vec::new(), false);
        for tp in partitions.into_values() {
            match results.remove(&tp) {
                Some(Ok(listed)) if listed.offset >= 0 => found.push((tp, listed)),
                Some(Ok(_)) | None => {}
                Some(Err(e)) => {
                    skipped = true;
                    skip(&tp, &e.into(), cx);
                }
            }
        }
        render(&found, Format::pick(self.output, cx))?;
        // Kafka's tool calls that a success.
        Ok(if skipped && !cx.is_kafka() { Exit::FAILED } else { Exit::OK })
    }
}

/// Reads `--time`.
fn spec(text: &str) -> Result<OffsetSpec, CliError> {
    if let Some((_, spec)) = NAMED.iter().find(|(name, _)| *name == text) {
        return Ok(*spec);
    }
    let time: i64 = text.parse().map_err(|_| {
        let names: Vec<String> = NAMED.iter().map(|(name, spec)| format!("{} or {name}", spec.code())).collect();
        let names = names.join(" / ");
        CliError::value(format!("Malformed time argument {text}. Please use {names}, or a specified long format timestamp"))
    })?;
    Ok(NAMED.iter().find(|(_, spec)| spec.code() == time).map_or(OffsetSpec::Timestamp(time), |(_, spec)| *spec))
}

fn skip(tp: &TopicPartition, error: &CliError, cx: &Context) {
    if cx.is_kafka() {
        return stderr_line(format!("Skip getting offsets for topic-partition {tp} due to error: {}", error.as_java()));
    }
    let told = CliError::failed(format!("no offset of {tp}: {}", error.message));
    match &error.cause {
        Some(cause) => told.cause(cause).print(),
        None => told.print(),
    }
}

fn render(found: &[(TopicPartition, ListedOffset)], format: Format) -> Result<(), CliError> {
    let timestamp = |listed: &ListedOffset| (listed.timestamp >= 0).then_some(listed.timestamp);
    let facts = Facts::new(COLUMNS, found.iter().map(|(tp, listed)| row![&tp.topic, tp.partition, listed.offset, timestamp(listed)]));
    let mut out = Out::stdout();
    facts.print(&mut out, format, |out| {
        found.iter().try_for_each(|(tp, listed)| out.line(format!("{}:{}:{}", tp.topic, tp.partition, listed.offset)))
    })?;
    out.flush()
}

impl Tool for Args {
    const COMMAND: &'static str = "get-offsets";
    const KAFKA: &'static str = "kafka-get-offsets";
    const ABOUT: &'static str = "Print the offsets of partitions: the latest, the earliest, or by time.";

    fn run(self, cx: &Context) -> Result<Exit, CliError> {
        let (spec, filter) = self.check(cx)?;
        let properties = self.command_config.as_deref().map(connect::load_properties).transpose()?.unwrap_or_default();
        connect::run(&self.connection, properties, cx, connect::ADMIN, async |properties| self.work(spec, &filter, &properties, cx).await)
    }

    fn report_as_kafka(error: &CliError, entry: &Entry) -> Exit {
        match error.kind {
            Kind::Parse => stderr_line(format!("Error occurred: {}", error.message)),
            _ => usage::report_with_trace("Error occurred: ", error, entry),
        }
        Exit::FAILED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_have_names_and_numbers() {
        assert_eq!((spec("earliest").unwrap(), spec("-2").unwrap()), (OffsetSpec::Earliest, OffsetSpec::Earliest));
        assert_eq!(spec("-7").unwrap(), OffsetSpec::Timestamp(-7));
        assert_eq!(spec("1700000000000").unwrap(), OffsetSpec::Timestamp(1_700_000_000_000));
        let refused = spec("now").unwrap_err();
        assert!(refused.message.contains("-1 or latest / -2 or earliest / "), "{}", refused.message);
        assert_eq!(refused.exit_code(), 2);
    }
}
