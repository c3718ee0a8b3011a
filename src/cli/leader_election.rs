//! `kfk leader-election`, `kafka-leader-election.sh`: gives partitions their preferred leaders back, or any leader at all.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::connect::{self, ConnectionArgs, Properties};
use super::error::{CliError, stderr_line};
use super::json_file;
use super::names;
use super::out::facts::{Column, Facts, number, row, text};
use super::out::{Format, Out};
use super::tool::{Context, Entry, Exit, Tool};
use crate::client::Error;
use crate::client::admin::ElectionKind;
use crate::types::TopicPartition;
use crate::wire::ErrorCode;

const FAILED: &str = "org.apache.kafka.tools.AdminCommandFailedException";
const OPERATION: &str = "org.apache.kafka.tools.AdminOperationException";
const RUNTIME: &str = "java.lang.RuntimeException";

#[derive(Debug, Default, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// Properties file for the client.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub command_config: Option<PathBuf>,

    /// Deprecated spelling of --command-config.
    #[arg(long = "admin.config", value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub admin_config: Option<PathBuf>,

    /// preferred: the first replica leads again, where it is in sync and does not lead. unclean: any live replica leads where none does,
    /// and records that it does not have are lost.
    #[arg(long, value_name = "TYPE", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub election_type: Option<String>,

    /// Elect a leader of this topic's --partition.
    #[arg(long, value_name = "TOPIC", help_heading = "Which ones", add = names::topics())]
    pub topic: Option<String>,

    /// The partition of --topic.
    #[arg(long, value_name = "N", allow_hyphen_values = true, help_heading = "Which ones")]
    pub partition: Option<String>,

    /// Elect leaders of all partitions that need it.
    #[arg(long, help_heading = "Which ones")]
    pub all_topic_partitions: bool,

    /// Elect leaders of the partitions in this file: {"partitions": [{"topic": "t", "partition": 0}]}.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, help_heading = "Which ones")]
    pub path_to_json_file: Option<PathBuf>,

    /// How to print the result.
    #[arg(long, short = 'o', value_enum, value_name = "FORMAT")]
    pub output: Option<Format>,
}

type Results = BTreeMap<TopicPartition, Result<(), Error>>;

impl Args {
    /// Kafka's order: what is missing, then what does not go together, then values that cannot be read.
    fn check(&self, cx: &Context) -> Result<ElectionKind, CliError> {
        let refused = |text: String| Err(CliError::usage(text).exception(FAILED));
        let missing: Vec<&str> = [("bootstrap-server", self.connection.given(cx)), ("election-type", self.election_type.is_some())]
            .into_iter()
            .filter_map(|(name, given)| (!given).then_some(name))
            .collect();
        if !missing.is_empty() {
            return refused(format!("Missing required option(s): {}", missing.join(", ")));
        }
        let ways = [self.topic.is_some(), self.all_topic_partitions, self.path_to_json_file.is_some()];
        if ways.iter().filter(|given| **given).count() != 1 {
            const WAYS: &str = "topic, all-topic-partitions, path-to-json-file";
            return refused(format!("One and only one of the following options is required: {WAYS}"));
        }
        if self.topic.is_some() && self.partition.is_none() {
            return refused("Missing required option(s): partition".to_owned());
        }
        if self.topic.is_none() && self.partition.is_some() {
            return refused("Option partition is only allowed if topic is used".to_owned());
        }
        let kind = self.election_type.as_deref().unwrap_or_default();
        match kind.to_ascii_uppercase().as_str() {
            "PREFERRED" => Ok(ElectionKind::Preferred),
            "UNCLEAN" => Ok(ElectionKind::Unclean),
            _ => Err(unreadable(kind, "election-type").hint("it is preferred or unclean")),
        }
    }

    /// `None`: all.
    fn partitions(&self) -> Result<Option<Vec<TopicPartition>>, CliError> {
        if let Some(path) = &self.path_to_json_file {
            return load(path).map(Some);
        }
        let (Some(topic), Some(partition)) = (&self.topic, &self.partition) else { return Ok(None) };
        let partition = partition.parse().map_err(|_| unreadable(partition, "partition"))?;
        Ok(Some(vec![TopicPartition::new(topic.as_str(), partition)]))
    }

    fn properties(&self, cx: &Context) -> Result<Properties, CliError> {
        if self.admin_config.is_some() {
            if self.command_config.is_some() {
                return Err(CliError::usage("Option \"[admin.config]\" can't be used with option \"[command-config]\"").exception(FAILED));
            }
            cx.say("Option --admin.config has been deprecated and will be removed in a future version. Use --command-config instead.")?;
        }
        let path = self.admin_config.as_deref().or(self.command_config.as_deref());
        Ok(path.map(connect::load_properties).transpose()?.unwrap_or_default())
    }

    async fn work(
        &self,
        kind: ElectionKind,
        partitions: Option<&[TopicPartition]>,
        properties: &Properties,
        cx: &Context,
    ) -> Result<Exit, CliError> {
        let admin = connect::admin(properties, cx).await?;
        let results = admin.elect_leaders(kind, partitions).await?;
        render(&results, kind, Format::pick(self.output, cx))?;
        let failed: Vec<CliError> = failures(&results).map(|(_, e)| CliError::from(e.clone())).collect();
        if failed.is_empty() {
            return Ok(Exit::OK);
        }
        let text = format!("{} replica(s) could not be elected", failed.len());
        if !cx.is_kafka() {
            return Err(CliError::failed(text).cause(failed.iter().map(|e| e.message.clone()).collect::<Vec<_>>().join("; ")));
        }
        stderr_line(&text);
        stderr_line(format!("{FAILED}: {text}"));
        failed.iter().for_each(|e| stderr_line(format!("\tSuppressed: {}", e.as_java())));
        stderr_line("");
        Err(CliError::told())
    }
}

fn unreadable(value: &str, option: &str) -> CliError {
    CliError::value(format!("Cannot parse argument '{value}' of option {option}")).exception("joptsimple.OptionArgumentConversionException")
}

fn load(path: &Path) -> Result<Vec<TopicPartition>, CliError> {
    parse(&json_file::read(path).map_err(|e| e.wrapped_in(RUNTIME))?)
}

fn parse(text: &str) -> Result<Vec<TopicPartition>, CliError> {
    let refused =
        |text: &str| CliError::failed(text).exception(OPERATION).hint(r#"it looks like {"partitions": [{"topic": "t", "partition": 0}]}"#);
    let file: Value = serde_json::from_str(text).map_err(|e| refused("Replica election data is empty").cause(e.to_string()))?;
    let mapped = || -> Result<Option<Vec<TopicPartition>>, CliError> {
        let Some(list) = json_file::object(&file)?.get("partitions") else { return Ok(None) };
        let entry = |entry: &Value| {
            let topic = json_file::text(json_file::field(entry, "topic")?)?;
            Ok(TopicPartition::new(topic, json_file::int(json_file::field(entry, "partition")?)?))
        };
        json_file::array(list)?.iter().map(entry).collect::<Result<_, CliError>>().map(Some)
    };
    let found = mapped().map_err(|e| e.wrapped_in(RUNTIME))?;
    let mut found = found.ok_or_else(|| refused("Replica election data is missing \"partitions\" field"))?;
    found.sort();
    let twice: Vec<String> = found.windows(2).filter(|w| w[0] == w[1]).map(|w| w[0].to_string()).collect();
    if !twice.is_empty() {
        return Err(refused(&format!("Replica election data contains duplicate partitions: [{}]", twice.join(", "))));
    }
    Ok(found)
}

/// Nothing was to be done: not told as a failure.
fn is_needless(error: &Error) -> bool {
    error.code() == Some(ErrorCode::ElectionNotNeeded)
}

fn failures(results: &Results) -> impl Iterator<Item = (&TopicPartition, &Error)> {
    results.iter().filter_map(|(tp, result)| Some((tp, result.as_ref().err()?))).filter(|(_, e)| !is_needless(e))
}

const COLUMNS: &[Column] = &[text("topic"), number("partition"), text("result"), text("error")];

fn render(results: &Results, kind: ElectionKind, format: Format) -> Result<(), CliError> {
    let mut out = Out::stdout();
    let outcome = |result: &Result<(), Error>| match result {
        Ok(()) => "elected",
        Err(e) if is_needless(e) => "not needed",
        Err(_) => "failed",
    };
    let error = |result: &Result<(), Error>| result.as_ref().err().filter(|e| !is_needless(e)).map(ToString::to_string);
    let row = |(tp, result): (&TopicPartition, &Result<(), Error>)| row![&tp.topic, tp.partition, outcome(result), error(result)];
    Facts::new(COLUMNS, results.iter().map(row))
        .print(&mut out, format, |out| plain(out, results, if kind == ElectionKind::Preferred { "PREFERRED" } else { "UNCLEAN" }))?;
    out.flush()
}

fn plain(out: &mut Out, results: &Results, kind: &str) -> Result<(), CliError> {
    let list = |wanted: &dyn Fn(&Result<(), Error>) -> bool| {
        let names: Vec<String> = results.iter().filter(|(_, r)| wanted(r)).map(|(tp, _)| tp.to_string()).collect();
        names.join(", ")
    };
    let elected = list(&|r| r.is_ok());
    if !elected.is_empty() {
        out.line(format!("Successfully completed leader election ({kind}) for partitions {elected}"))?;
    }
    let needless = list(&|r| r.as_ref().is_err_and(is_needless));
    if !needless.is_empty() {
        out.line(format!("Valid replica already elected for partitions {needless}"))?;
    }
    for (tp, e) in failures(results) {
        out.line(format!("Error completing leader election ({kind}) for partition: {tp}: {}", CliError::from(e.clone()).as_java()))?;
    }
    Ok(())
}

impl Tool for Args {
    const COMMAND: &'static str = "leader-election";
    const KAFKA: &'static str = "kafka-leader-election";
    const ABOUT: &'static str = "Give partitions their preferred leaders back, or any leader where there is none.";

    fn run(self, cx: &Context) -> Result<Exit, CliError> {
        let kind = self.check(cx)?;
        let partitions = self.partitions()?;
        let properties = self.properties(cx)?;
        connect::run(&self.connection, properties, cx, connect::ADMIN, async |properties| {
            self.work(kind, partitions.as_deref(), &properties, cx).await
        })
    }

    /// Whatever it is: the message, then the exception.
    fn report_as_kafka(error: &CliError, _: &Entry) -> Exit {
        stderr_line(error.kafka_message());
        stderr_line(format!("{}\n", error.as_java()));
        Exit::FAILED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_partitions_is_read_and_what_is_wrong_is_named() {
        let found = parse(r#"{"partitions": [{"topic": "t", "partition": 1}, {"topic": "t", "partition": 0}]}"#).unwrap();
        assert_eq!(found, [TopicPartition::new("t", 0), TopicPartition::new("t", 1)]);
        let told = |text: &str| parse(text).unwrap_err().kafka_message();
        assert_eq!(told("nothing"), "Replica election data is empty");
        assert_eq!(told("{}"), "Replica election data is missing \"partitions\" field");
        assert_eq!(told("[]"), "com.fasterxml.jackson.databind.JsonMappingException: Expected JSON object, received []");
        let twice = r#"{"partitions": [{"topic": "t", "partition": 0}, {"topic": "t", "partition": 0}]}"#;
        assert_eq!(told(twice), "Replica election data contains duplicate partitions: [t-0]");
    }
}
