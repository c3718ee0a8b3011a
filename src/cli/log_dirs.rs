//! `kfk log-dirs`, `kafka-log-dirs.sh`: what the brokers' data directories hold, and how much of it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::connect::{self, ConnectionArgs, Properties};
use super::error::CliError;
use super::failure::java_class;
use super::names;
use super::out::facts::{Cell, Column, Facts, number, row, text};
use super::out::{Format, Out};
use super::tool::{Context, Entry, Exit, Tool};
use super::usage;
use crate::types::TopicPartition;
use crate::wire::ErrorCode;
use crate::wire::describe_log_dirs_response::DescribeLogDirsResult;

#[derive(Debug, Default, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// Properties file for the client.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub command_config: Option<PathBuf>,

    /// Show what the directories hold.
    #[arg(long, help_heading = "Action")]
    pub describe: bool,

    /// Only these topics. Default: all.
    #[arg(long, value_name = "TOPIC,...", help_heading = "Which ones", add = names::topics())]
    pub topic_list: Option<String>,

    /// Only these brokers. Default: all.
    #[arg(long, value_name = "ID,...", allow_hyphen_values = true, help_heading = "Which ones", add = names::ids_of_brokers())]
    pub broker_list: Option<String>,

    /// How to print it.
    #[arg(long, short = 'o', value_enum, value_name = "FORMAT")]
    pub output: Option<Format>,
}

const COLUMNS: &[Column] = &[
    number("broker"),
    text("log_dir"),
    text("topic"),
    number("partition"),
    number("size"),
    number("offset_lag"),
    text("future"),
    text("error").if_any(),
    number("total_bytes").detail(),
    number("usable_bytes").detail(),
];

/// A data directory of a broker.
struct Dir {
    broker: i32,
    path: String,
    error: ErrorCode,
    /// -1 where the broker does not tell.
    total_bytes: i64,
    usable_bytes: i64,
    replicas: Vec<Replica>,
}

struct Replica {
    partition: TopicPartition,
    size: i64,
    lag: i64,
    /// On its way here from another directory.
    future: bool,
}

impl Dir {
    /// `topics`: only these; none: all.
    fn new(broker: i32, found: DescribeLogDirsResult, topics: &BTreeSet<&str>) -> Dir {
        let mut replicas = Vec::new();
        for topic in found.topics.into_iter().filter(|t| topics.is_empty() || topics.contains(t.name.as_str())) {
            replicas.extend(topic.partitions.into_iter().map(|p| Replica {
                partition: TopicPartition::new(&topic.name, p.partition_index),
                size: p.partition_size,
                lag: p.offset_lag,
                future: p.is_future_key,
            }));
        }
        replicas.sort_by(|a, b| a.partition.cmp(&b.partition));
        let (total_bytes, usable_bytes) = (found.total_bytes, found.usable_bytes);
        Dir { broker, path: found.log_dir, error: ErrorCode::from_code(found.error_code), total_bytes, usable_bytes, replicas }
    }

    /// A row for each replica; of a directory without any, one without.
    fn rows(&self) -> Vec<Vec<Cell>> {
        let known = |bytes: i64| (bytes >= 0).then_some(bytes);
        let row = |r: Option<&Replica>| {
            let tp = r.map(|r| &r.partition);
            let error = self.failure().map(|code| code.message());
            let (size, lag, future) = (r.map(|r| r.size), r.map(|r| r.lag), r.map(|r| r.future));
            let (topic, partition) = (tp.map(|tp| &tp.topic), tp.map(|tp| tp.partition));
            let (total, usable) = (known(self.total_bytes), known(self.usable_bytes));
            row![self.broker, &self.path, topic, partition, size, lag, future, error, total, usable]
        };
        match self.replicas.is_empty() {
            true => vec![row(None)],
            false => self.replicas.iter().map(|r| row(Some(r))).collect(),
        }
    }

    fn failure(&self) -> Option<ErrorCode> {
        (self.error != ErrorCode::None).then_some(self.error)
    }
}

impl Args {
    async fn work(&self, asked: &BTreeSet<i32>, properties: &Properties, cx: &Context) -> Result<Exit, CliError> {
        let admin = connect::admin(properties, cx).await?;
        let there: BTreeSet<i32> = admin.describe_cluster().await?.brokers.iter().map(|b| b.id).collect();
        let missing: BTreeSet<i32> = asked.difference(&there).copied().collect();
        if !missing.is_empty() {
            let start = if cx.is_kafka() { "ERROR: The" } else { "the" };
            return Err(CliError::failed(format!(
                "{start} given brokers do not exist from --broker-list: {}. Current existent brokers: {}",
                ids(&missing),
                ids(&there)
            )));
        }
        let brokers = if asked.is_empty() { &there } else { asked };
        cx.say("Querying brokers for log directories information")?;
        let topics: BTreeSet<&str> = elements(self.topic_list.as_deref()).collect();
        let mut dirs = Vec::new();
        for broker in brokers {
            let found = admin.describe_log_dirs(*broker, None).await?;
            dirs.extend(found.into_iter().map(|found| Dir::new(*broker, found, &topics)));
        }
        cx.say(format!("Received log directory information from brokers {}", ids(brokers)))?;
        render(&dirs, brokers, Format::pick(self.output, cx))?;
        Ok(Exit::OK)
    }
}

fn elements(list: Option<&str>) -> impl Iterator<Item = &str> {
    list.unwrap_or_default().split(',').filter(|e| !e.is_empty())
}

fn ids(brokers: &BTreeSet<i32>) -> String {
    brokers.iter().map(i32::to_string).collect::<Vec<_>>().join(",")
}

fn render(dirs: &[Dir], brokers: &BTreeSet<i32>, format: Format) -> Result<(), CliError> {
    let mut out = Out::stdout();
    Facts::new(COLUMNS, dirs.iter().flat_map(Dir::rows)).print(&mut out, format, |out| out.line(kafkas(dirs, brokers).to_string()))?;
    out.flush()
}

/// Kafka's document, its keys in the order in which its tool prints them.
fn kafkas(dirs: &[Dir], brokers: &BTreeSet<i32>) -> Value {
    let replica = |r: &Replica| json!({"partition": r.partition.to_string(), "size": r.size, "offsetLag": r.lag, "isFuture": r.future});
    let dir = |d: &Dir| {
        let partitions: Vec<Value> = d.replicas.iter().map(replica).collect();
        json!({"partitions": partitions, "error": d.failure().map(java_class), "logDir": d.path})
    };
    let broker = |id: &i32| {
        let dirs: Vec<Value> = dirs.iter().filter(|d| d.broker == *id).map(dir).collect();
        json!({"broker": id, "logDirs": dirs})
    };
    json!({"brokers": brokers.iter().map(broker).collect::<Vec<_>>(), "version": 1})
}

impl Tool for Args {
    const COMMAND: &'static str = "log-dirs";
    const KAFKA: &'static str = "kafka-log-dirs";
    const ABOUT: &'static str = "Show what the brokers' data directories hold, and how much of it.";

    fn run(self, cx: &Context) -> Result<Exit, CliError> {
        let describe = ("describe", self.describe || !cx.is_kafka());
        usage::require(&[("bootstrap-server", self.connection.given(cx)), describe])?;
        let properties = self.command_config.as_deref().map(connect::load_properties).transpose()?.unwrap_or_default();
        let asked: Result<BTreeSet<i32>, CliError> = elements(self.broker_list.as_deref())
            .map(|id| {
                id.parse().map_err(|_| {
                    CliError::value(format!("For input string: \"{id}\""))
                        .hint("--broker-list takes ids: 1,2,3")
                        .exception("java.lang.NumberFormatException")
                })
            })
            .collect();
        let asked = asked?;
        connect::run(&self.connection, properties, cx, connect::ADMIN, async |properties| self.work(&asked, &properties, cx).await)
    }

    fn report_as_kafka(error: &CliError, entry: &Entry) -> Exit {
        usage::report_with_trace("", error, entry);
        Exit::FAILED
    }
}
