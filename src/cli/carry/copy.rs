//! `kfk copy`: topics from one cluster to another.
//!
//! How far a copy has got is kept in the target cluster, as the committed offsets of a group that is named after the source cluster. So the
//! same command goes on where it was stopped, from any machine.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::sending::Sending;
use super::stop::Stop;
use super::topics::Shape;
use crate::cli::connect::{self, ConnectionArgs, Properties};
use crate::cli::error::{CliError, stderr_line};
use crate::cli::names as complete;
use crate::cli::out::progress::Progress;
use crate::cli::records::span::Spans;
use crate::cli::tool::{Context, Exit, Tool};
use crate::client::admin::{Admin, GroupOffset};
use crate::client::producer::{GroupMetadata, OutgoingRecord};
use crate::client::{Consumer, Polled};
use crate::types::TopicPartition;

const LOOK: Duration = Duration::from_millis(20);
/// How often to write down how far the copy has got.
const NOTE: Duration = Duration::from_secs(1);

#[derive(Debug, Default, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// The topic to copy. May be given several times, or hold several names with commas between them.
    #[arg(long, value_name = "TOPIC", add = complete::topics())]
    pub topic: Vec<String>,

    /// Brokers of the cluster to copy to.
    #[arg(long, value_name = "HOST:PORT,...", add = complete::brokers())]
    pub to: Option<String>,

    /// The name of the copy, if it is to be another. For one topic.
    #[arg(long, value_name = "TOPIC")]
    pub to_topic: Option<String>,

    /// Go on with what is new until Ctrl-C. Without it, what there is when copying begins is copied.
    #[arg(long)]
    pub follow: bool,

    /// Begin anew, whatever was copied before.
    #[arg(long)]
    pub restart: bool,

    /// Copy in transactions: no record comes twice, even if the command is killed.
    #[arg(long)]
    pub exactly_once: bool,

    /// Properties file for the client of the source.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub command_config: Option<PathBuf>,

    /// Properties file for the client of the target.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub to_config: Option<PathBuf>,
}

/// A copy under way.
struct Copying<'a> {
    args: &'a Args,
    consumer: Consumer,
    target: Admin,
    sending: Sending,
    /// Source topic by source topic: the name of the copy.
    names: BTreeMap<String, String>,
    group: String,
    noted: BTreeMap<TopicPartition, i64>,
    last_note: Instant,
}

impl Args {
    async fn work(&self, source: Properties, target: Properties) -> Result<Exit, CliError> {
        let stop = Stop::listen()?;
        let topics = super::names(&self.topic)?;
        let consumer = super::consumer(source)?;
        let from = consumer.client().refresh(&[]).await?;
        let cluster = from.cluster_id.clone().unwrap_or_else(|| "unknown".to_owned());
        let mut copying = self.begin(consumer, &topics, &cluster, target).await?;
        let stretches = copying.stretches(&topics).await?;
        copying.consumer.assign(&stretches.keys().cloned().collect::<Vec<_>>())?;
        let mut spans = Spans::of(&mut copying.consumer, &stretches)?;
        let mut progress = Progress::of_records(if self.follow { 0 } else { super::total(&stretches) }, "copying");
        copying.open().await?;
        while stop.asked().is_none() && !spans.all_read(&mut copying.consumer).await? {
            let polled = copying.consumer.poll(LOOK).await?;
            copying.pass_on(&polled, &spans).await?;
            progress.reached(copying.sending.sent);
            if copying.last_note.elapsed() >= NOTE {
                copying.note().await?;
                copying.open().await?;
            }
        }
        progress.finish();
        copying.note().await?;
        copying.sending.close().await;
        stderr_line(format!("copied {} records", copying.sending.sent));
        match stop.asked() {
            None => Ok(Exit::OK),
            Some(signal) => {
                stderr_line("stopped; the same command goes on from here");
                Ok(Exit(128 + signal))
            }
        }
    }

    async fn begin(&self, consumer: Consumer, topics: &[String], cluster: &str, mut target: Properties) -> Result<Copying<'_>, CliError> {
        let group = format!("kfk-copy-{cluster}");
        if self.exactly_once {
            let of = self.to_topic.as_ref().unwrap_or(&topics[0]);
            connect::set(&mut target, "transactional.id", format!("{group}-{of}"));
        }
        let sending = Sending::new(target)?;
        let to = sending.producer.client().refresh(&[]).await?;
        let same = to.cluster_id.as_deref() == Some(cluster);
        let name = |topic: &String| (topic.clone(), self.to_topic.clone().unwrap_or_else(|| topic.clone()));
        let names: BTreeMap<String, String> = topics.iter().map(name).collect();
        if same && names.iter().any(|(from, to)| from == to) {
            return Err(CliError::usage("the source and the target are the same cluster").hint("`--to-topic NAME` copies within a cluster"));
        }
        let (source, target) = (Admin::on(consumer.client().clone()), Admin::on(sending.producer.client().clone()));
        for (from, to) in &names {
            Shape { name: to.clone(), ..Shape::of(&source, from).await? }.ensure(&target).await?;
        }
        if self.exactly_once {
            sending.producer.init_transactions().await?;
        }
        Ok(Copying { args: self, consumer, target, sending, names, group, noted: BTreeMap::new(), last_note: Instant::now() })
    }
}

impl Copying<'_> {
    fn copy_of(&self, tp: &TopicPartition) -> TopicPartition {
        TopicPartition::new(self.names.get(&tp.topic).unwrap_or(&tp.topic), tp.partition)
    }

    /// From where to where each partition is to be copied.
    async fn stretches(&mut self, topics: &[String]) -> Result<BTreeMap<TopicPartition, (i64, i64)>, CliError> {
        let partitions = super::partitions(&self.consumer, topics).await?;
        let (first, ends) = (self.consumer.beginning_offsets(&partitions).await?, self.consumer.end_offsets(&partitions).await?);
        let copies: Vec<TopicPartition> = partitions.iter().map(|tp| self.copy_of(tp)).collect();
        let mut done = match self.args.restart {
            true => BTreeMap::new(),
            false => self.target.group_offsets(&self.group, Some(&copies)).await?,
        };
        let mut stretches = BTreeMap::new();
        for (tp, copy) in partitions.iter().zip(&copies) {
            let (Some(first), Some(end)) = (first.get(tp), ends.get(tp)) else { continue };
            let start = match done.remove(copy) {
                Some(Ok(noted)) => noted.offset,
                Some(Err(e)) => return Err(e.into()),
                None => *first,
            };
            if start > *end {
                let text = format!("{tp} was copied up to offset {start}, but ends at {end} now");
                return Err(CliError::failed(text).hint("if it was created anew, `--restart` copies it from its beginning"));
            }
            if start < *first {
                stderr_line(format!("warning: {} records of {tp} were gone before they were copied", first - start));
            }
            self.noted.insert(tp.clone(), start);
            stretches.insert(tp.clone(), (start.max(*first), if self.args.follow { i64::MAX } else { *end }));
        }
        Ok(stretches)
    }

    async fn pass_on(&mut self, polled: &Polled, spans: &Spans) -> Result<(), CliError> {
        for chunk in &polled.chunks {
            let end = spans.end_of(chunk.topic(), chunk.partition());
            let topic = self.names.get(chunk.topic()).map_or(chunk.topic(), String::as_str);
            for record in chunk.iter().take_while(|r| r.offset < end) {
                let headers: Vec<_> = record.headers().collect();
                let out = OutgoingRecord {
                    topic,
                    partition: Some(record.partition),
                    timestamp: Some(record.timestamp).filter(|t| *t >= 0),
                    key: record.key,
                    value: record.value,
                    headers: &headers,
                };
                self.sending.send(out).await?;
            }
        }
        Ok(())
    }

    /// Begins a transaction, if there are to be some.
    async fn open(&mut self) -> Result<(), CliError> {
        if self.args.exactly_once {
            self.sending.producer.begin_transaction()?;
        }
        Ok(())
    }

    /// Waits until all that was sent is stored, and writes down how far that is.
    async fn note(&mut self) -> Result<(), CliError> {
        self.sending.settle().await?;
        self.last_note = Instant::now();
        let now = self.consumer.positions();
        let moved = now.iter().filter(|(tp, at)| self.noted.get(tp) != Some(&at.offset));
        let offsets: BTreeMap<TopicPartition, GroupOffset> = moved
            .map(|(tp, at)| (self.copy_of(tp), GroupOffset { offset: at.offset, leader_epoch: -1, metadata: String::new() }))
            .collect();
        if self.args.exactly_once {
            if !offsets.is_empty() {
                let group = GroupMetadata::of_group(&self.group);
                self.sending.producer.send_offsets_to_transaction(&offsets, &group).await?;
            }
            self.sending.producer.commit_transaction().await?;
        } else if !offsets.is_empty() {
            for (_, committed) in self.target.alter_group_offsets(&self.group, &offsets).await? {
                committed?;
            }
        }
        self.noted.extend(now.into_iter().map(|(tp, at)| (tp, at.offset)));
        Ok(())
    }
}

impl Tool for Args {
    const COMMAND: &'static str = "copy";
    const ABOUT: &'static str =
        "Copy topics to another cluster: keys, headers, timestamps, partitions, settings. Goes on where it was stopped.";

    fn run(self, cx: &Context) -> Result<Exit, CliError> {
        let topics = super::names(&self.topic)?;
        let to = self.to.as_deref().ok_or_else(|| CliError::usage("Missing required argument \"[to]\""))?;
        if self.to_topic.is_some() && topics.len() != 1 {
            return Err(CliError::usage("--to-topic is for one topic."));
        }
        let load = |path: &Option<PathBuf>| path.as_deref().map(connect::load_properties).transpose().map(Option::unwrap_or_default);
        let (source, target) = (load(&self.command_config)?, load(&self.to_config)?);
        let target = connect::towards(to, target, cx)?;
        connect::run(&self.connection, source, cx, connect::CONSUMER, async |source| self.work(source, target).await)
    }
}
