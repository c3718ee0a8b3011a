//! `kfk transactions`, `kafka-transactions.sh`: what transactional producers do, which transactions hang, and ending them.

mod hanging;
mod sheet;
mod spec;

use std::path::PathBuf;

use clap::ValueHint;

use super::argparse::Spec;
use super::connect::{self, ConnectionArgs, Properties};
use super::error::{CliError, stderr_line};
use super::names;
use super::out::sheet::Sheet;
use super::out::{Format, Out};
use super::tool::{Context, Entry, Exit, Tool};
use crate::client::Error;
use crate::client::admin::{Admin, OpenTransaction, ProducerState, TransactionDescription, TransactionFilter};
use crate::types::TopicPartition;
use crate::wire::ErrorCode;

const UNIDENTIFIED: &str = "The transaction to abort must be identified either with --start-offset (for brokers on 3.0 or above) or with \
                            --producer-id, --producer-epoch, and --coordinator-epoch (for older brokers)";

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Brokers to contact first, separated by commas. Else bootstrap.servers of the properties file, $KFK_BROKERS, the profile's, or
    /// localhost:9092.
    #[arg(long, value_name = "HOST:PORT,...", add = names::brokers(), global = true)]
    pub bootstrap_server: Option<String>,

    /// Instead of a server, run the broker in this process on the data directory DIR (or talk to the server that owns it).
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, global = true)]
    pub embedded: Option<PathBuf>,

    /// Properties file for the client.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, global = true)]
    pub command_config: Option<PathBuf>,

    /// How to print what is found.
    #[arg(long, short = 'o', value_enum, value_name = "FORMAT", global = true)]
    pub output: Option<Format>,

    #[command(subcommand)]
    pub action: Action,
}

#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// List transactional ids with their coordinators and states.
    List {
        /// Only transactions that have been going on for longer than this, in milliseconds.
        #[arg(long, value_name = "MS", allow_hyphen_values = true)]
        duration_filter: Option<i64>,
        /// Only ids that this regular expression (RE2) matches as a whole.
        #[arg(long, value_name = "REGEX", allow_hyphen_values = true)]
        transactional_id_pattern: Option<String>,
    },
    /// Describe a transactional id: producer, state, since when, which partitions.
    Describe {
        /// The transactional id.
        #[arg(long, value_name = "ID", allow_hyphen_values = true)]
        transactional_id: String,
    },
    /// Describe the producers that a partition knows of, and where their open transactions begin.
    DescribeProducers {
        /// Ask this broker instead of the partition's leader.
        #[arg(long, value_name = "ID", allow_hyphen_values = true)]
        broker_id: Option<i32>,
        /// The topic.
        #[arg(long, value_name = "TOPIC", add = names::topics())]
        topic: String,
        /// The partition.
        #[arg(long, value_name = "N", allow_hyphen_values = true)]
        partition: i32,
    },
    /// Abort a transaction that hangs in one partition. Its coordinator is not asked: only for transactions that nobody will end.
    Abort {
        /// The topic.
        #[arg(long, value_name = "TOPIC", add = names::topics())]
        topic: String,
        /// The partition.
        #[arg(long, value_name = "N", allow_hyphen_values = true)]
        partition: i32,
        /// Where the transaction begins, as describe-producers or find-hanging tells it.
        #[arg(long, value_name = "OFFSET", allow_hyphen_values = true)]
        start_offset: Option<i64>,
        /// The producer, for brokers older than Kafka 3.0; with --producer-epoch and --coordinator-epoch.
        #[arg(long, value_name = "ID", allow_hyphen_values = true)]
        producer_id: Option<i64>,
        /// The producer's epoch.
        #[arg(long, value_name = "EPOCH", allow_hyphen_values = true)]
        producer_epoch: Option<i16>,
        /// The coordinator's epoch.
        #[arg(long, value_name = "EPOCH", allow_hyphen_values = true)]
        coordinator_epoch: Option<i32>,
    },
    /// Find transactions that no coordinator knows of any more, and that block readers of committed records until they are aborted.
    FindHanging {
        /// Look at the partitions of which this broker has a replica.
        #[arg(long, value_name = "ID", allow_hyphen_values = true)]
        broker_id: Option<i32>,
        /// Transactions may last this long, in minutes.
        #[arg(long, value_name = "MINUTES", default_value = "15", allow_hyphen_values = true)]
        max_transaction_timeout: i32,
        /// Look at the partitions of this topic.
        #[arg(long, value_name = "TOPIC", add = names::topics())]
        topic: Option<String>,
        /// Look at this partition of --topic.
        #[arg(long, value_name = "N", allow_hyphen_values = true)]
        partition: Option<i32>,
    },
    /// Take a transactional id over: its producer is fenced, and what it left open is aborted.
    #[command(alias = "forceTerminateTransaction")]
    ForceTerminate {
        /// The transactional id.
        #[arg(long, alias = "transactionalId", value_name = "ID", allow_hyphen_values = true)]
        transactional_id: String,
    },
}

impl Tool for Args {
    const COMMAND: &'static str = "transactions";
    const KAFKA: &'static str = "kafka-transactions";
    const ABOUT: &'static str = "Show transactional producers and their transactions, find those that hang, and end them.";
    const ARGPARSE: Option<&'static Spec> = Some(&spec::SPEC);

    fn run(self, cx: &Context) -> Result<Exit, CliError> {
        self.check()?;
        let connection =
            ConnectionArgs { bootstrap_server: self.bootstrap_server.clone(), embedded: self.embedded.clone(), ..Default::default() };
        let properties = self.command_config.as_deref().map(connect::load_properties).transpose()?.unwrap_or_default();
        connect::run(&connection, properties, cx, connect::ADMIN, async |properties| self.work(&properties, cx).await)?;
        Ok(Exit::OK)
    }

    /// One line, whatever it is.
    fn report_as_kafka(error: &CliError, _: &Entry) -> Exit {
        stderr_line(&error.message);
        Exit::FAILED
    }
}

impl Args {
    /// What does not fit together.
    fn check(&self) -> Result<(), CliError> {
        let missing = |name: &str| Err(CliError::usage(format!("Missing required argument {name}")));
        match &self.action {
            Action::FindHanging { broker_id: None, topic: None, .. } => {
                Err(CliError::usage("The `find-hanging` command requires either --topic or --broker-id to limit the scope of the search"))
            }
            Action::FindHanging { topic: None, partition: Some(_), .. } => {
                Err(CliError::usage("The --partition argument requires --topic to be provided"))
            }
            Action::Abort { start_offset: None, producer_id: None, .. } => Err(CliError::usage(UNIDENTIFIED)),
            Action::Abort { start_offset: None, producer_epoch: None, .. } => missing("--producer-epoch"),
            Action::Abort { start_offset: None, coordinator_epoch: None, .. } => missing("--coordinator-epoch"),
            _ => Ok(()),
        }
    }

    async fn work(&self, properties: &Properties, cx: &Context) -> Result<(), CliError> {
        let admin = connect::admin(properties, cx).await?;
        let sheet = match &self.action {
            Action::List { duration_filter, transactional_id_pattern } => {
                let filter = TransactionFilter {
                    longer_than_ms: *duration_filter,
                    pattern: transactional_id_pattern.clone(),
                    ..TransactionFilter::default()
                };
                list(&admin, &filter, cx).await?
            }
            Action::Describe { transactional_id } => describe(&admin, transactional_id, cx).await?,
            Action::DescribeProducers { broker_id, topic, partition } => {
                let found = producers(&admin, &TopicPartition::new(topic.as_str(), *partition), *broker_id, cx).await?;
                sheet::producers(&found)
            }
            Action::FindHanging { broker_id, max_transaction_timeout, topic, partition } => {
                let scope = hanging::Scope { broker: *broker_id, topic: topic.as_deref(), partition: *partition };
                sheet::hanging(&hanging::find(&admin, &scope, i64::from(*max_transaction_timeout) * 60_000, cx).await?)
            }
            Action::Abort { .. } => return self.abort(&admin, cx).await,
            Action::ForceTerminate { transactional_id } => {
                let done = admin.fence_producer(transactional_id).await;
                return done.map_err(|e| failed(cx, &format!("Failed to force terminate transactionalId `{transactional_id}`"), e, None));
            }
        };
        let mut out = Out::stdout();
        sheet.print(&mut out, Format::pick(self.output, cx))?;
        out.flush()
    }

    async fn abort(&self, admin: &Admin, cx: &Context) -> Result<(), CliError> {
        let Action::Abort { topic, partition, start_offset, producer_id, producer_epoch, coordinator_epoch } = &self.action else {
            return Ok(());
        };
        let partition = TopicPartition::new(topic.as_str(), *partition);
        let open = match (start_offset, producer_id, producer_epoch, coordinator_epoch) {
            (Some(offset), ..) => open_at(admin, &partition, *offset, cx).await?,
            (None, Some(producer_id), Some(producer_epoch), Some(coordinator_epoch)) => OpenTransaction {
                partition,
                producer_id: *producer_id,
                producer_epoch: *producer_epoch,
                // -1: no marker of this coordinator yet; no epoch of one is lower than 0.
                coordinator_epoch: (*coordinator_epoch).max(0),
            },
            // `check` has refused this.
            _ => return Err(CliError::usage(UNIDENTIFIED)),
        };
        let what = format!("Failed to abort the transaction of producer {} in {}", open.producer_id, open.partition);
        admin.abort_open_transaction(&open).await.map_err(|e| failed(cx, &what, e, None))
    }
}

async fn list(admin: &Admin, filter: &TransactionFilter, cx: &Context) -> Result<Sheet, CliError> {
    let found = admin.list_transactions(filter).await.map_err(|e| {
        let broker = admin.client().metadata().brokers.keys().next().copied().unwrap_or(-1);
        let refused = (e.code() == Some(ErrorCode::InvalidRegularExpression))
            .then(|| format!("ListTransactions request sent to broker {broker} failed with an unexpected exception"));
        failed(cx, "Failed to list transactions", e, refused)
    })?;
    Ok(sheet::listing(&found))
}

async fn describe(admin: &Admin, id: &str, cx: &Context) -> Result<Sheet, CliError> {
    let found: TransactionDescription = admin.describe_transaction(id).await.map_err(|e| {
        let missing = (e.code() == Some(ErrorCode::TransactionalIdNotFound))
            .then(|| format!("DescribeTransactions request for transactionalId `{id}` failed because the ID could not be found"));
        failed(cx, &format!("Failed to describe transaction state of transactional-id `{id}`"), e, missing)
    })?;
    Ok(sheet::description(id, &found))
}

/// The producers of one partition. A partition that does not exist is told at once.
async fn producers(admin: &Admin, tp: &TopicPartition, broker: Option<i32>, cx: &Context) -> Result<Vec<ProducerState>, CliError> {
    let asked = async {
        let topic = admin.client().topic(&tp.topic, false).await?;
        if !topic.partitions.iter().any(|p| p.partition == tp.partition) {
            return Err(Error::Broker { code: ErrorCode::UnknownTopicOrPartition, message: None });
        }
        let mut all = admin.describe_producers(std::slice::from_ref(tp), broker).await?;
        all.remove(tp).unwrap_or(Err(Error::Broker { code: ErrorCode::UnknownTopicOrPartition, message: None }))
    };
    let whom = broker.map_or("leader".to_owned(), |id| format!("broker {id}"));
    let mut found = asked.await.map_err(|e| failed(cx, &format!("Failed to describe producers for partition {tp} on {whom}"), e, None))?;
    found.sort_by_key(|p| p.producer_id);
    Ok(found)
}

/// The transaction that begins at `offset`.
async fn open_at(admin: &Admin, partition: &TopicPartition, offset: i64, cx: &Context) -> Result<OpenTransaction, CliError> {
    let all = producers(admin, partition, None, cx).await?;
    let missing = || CliError::failed(format!("Could not find any open transactions starting at offset {offset} on partition {partition}"));
    let found = all.into_iter().find(|p| p.current_txn_start_offset == offset).ok_or_else(missing)?;
    Ok(OpenTransaction {
        partition: partition.clone(),
        producer_id: found.producer_id,
        producer_epoch: i16::try_from(found.producer_epoch).unwrap_or(i16::MAX),
        coordinator_epoch: found.coordinator_epoch.max(0),
    })
}

/// A failure in the words of Kafka's tool, `java` being what Java's client says where that is something else; or in kfk's own.
fn failed(cx: &Context, what: &str, e: Error, java: Option<String>) -> CliError {
    if cx.is_kafka() {
        let why = java.unwrap_or_else(|| e.to_string());
        return CliError::failed(format!("{what}: {}. Enable debug logging for additional detail.", why.trim_end_matches('.')));
    }
    let mut error = CliError::from(e);
    let why = match &error.cause {
        Some(cause) => format!("{}: {cause}", error.message),
        None => error.message.clone(),
    };
    let mut letters = what.chars();
    error.message = letters.next().map(|c| c.to_lowercase().chain(letters).collect()).unwrap_or_default();
    error.cause(why)
}
