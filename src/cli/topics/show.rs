//! `--list` and `--describe`: gather what the brokers say, then render it.

use std::collections::{BTreeMap, BTreeSet};

use super::Args;
use super::long;
use super::select::{must_exist, topic_id, topics};
use crate::cli::error::CliError;
use crate::cli::out::facts::{Cell, Column, Facts, number, row, text};
use crate::cli::out::{Format, Out};
use crate::cli::tool::Context;
use crate::client::Error;
use crate::client::admin::{Admin, ConfigResource, DescribedPartition, DescribedTopic, TopicListing};
use crate::types::TopicPartition;
use crate::wire::list_partition_reassignments_request::{ListPartitionReassignmentsRequest, ListPartitionReassignmentsTopics};
use crate::wire::list_partition_reassignments_response::OngoingPartitionReassignment;
use crate::wire::{ErrorCode, Uuid};

/// The number by which DescribeConfigs says that a setting is Kafka's default.
const DEFAULT_CONFIG: i8 = 5;
const MIN_ISR: &str = "min.insync.replicas";

/// Prints the names of topics.
pub(super) async fn list(admin: &Admin, args: &Args, cx: &Context) -> Result<(), CliError> {
    let found = topics(admin, args.topic.as_deref(), args.exclude_internal, cx).await?;
    let mut out = Out::stdout();
    if args.long {
        long::facts(admin, &found).await?.print_own(&mut out, Format::pick(args.output, cx))?;
        return out.flush();
    }
    const COLUMNS: &[Column] = &[text("topic"), number("partitions"), text("internal"), text("topic_id")];
    let row = |t: &TopicListing| row![&t.name, t.partitions, t.is_internal, t.id.to_string()];
    Facts::new(COLUMNS, found.iter().map(row)).print(&mut out, Format::pick(args.output, cx), |out| {
        let names: Vec<&str> = found.iter().map(|t| t.name.as_str()).collect();
        out.line(names.join("\n"))
    })?;
    out.flush()
}

/// A topic with everything that `--describe` shows of it.
struct Described {
    topic: DescribedTopic,
    /// Settings that are not Kafka's defaults, in the broker's order.
    configs: Vec<(String, String)>,
    min_isr: usize,
    moves: BTreeMap<i32, OngoingPartitionReassignment>,
}

impl Described {
    /// Replicas that a partition is meant to have; those on their way in do not count yet.
    fn replicas_meant(&self, partition: &DescribedPartition) -> usize {
        match self.moves.get(&partition.partition) {
            Some(ongoing) => ongoing.replicas.len() - ongoing.adding_replicas.len().min(ongoing.replicas.len()),
            None => partition.replicas.len(),
        }
    }
}

/// Prints topics with their partitions.
pub(super) async fn describe(admin: &Admin, args: &Args, cx: &Context) -> Result<(), CliError> {
    let topics = gather(admin, args, cx).await?;
    let mut described = Vec::new();
    if !topics.is_empty() {
        described = complete(admin, topics).await?;
    }
    let live: BTreeSet<i32> = admin.client().metadata().brokers.keys().copied().collect();
    let wanted = Wanted { args, live };
    let mut out = Out::stdout();
    facts(&described, &wanted).print(&mut out, Format::pick(args.output, cx), |out| plain(out, &described, &wanted))?;
    out.flush()
}

async fn gather(admin: &Admin, args: &Args, cx: &Context) -> Result<Vec<DescribedTopic>, CliError> {
    let id = args.topic_id.as_deref().map(topic_id).transpose()?.filter(|id| *id != Uuid::default());
    if let Some(id) = id {
        return by_id(admin, id, args.if_exists).await;
    }
    let found = topics(admin, args.topic.as_deref(), args.exclude_internal, cx).await?;
    must_exist(&found, args.topic.as_deref(), args.if_exists)?;
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = found.iter().map(|t| t.name.as_str()).collect();
    let results = match args.partition_size_limit_per_response {
        Some(limit) => admin.describe_topics_paged(&names, limit).await?,
        None => admin.describe_topics(&names).await?,
    };
    Ok(results.into_iter().map(|(_, result)| result).collect::<Result<_, _>>()?)
}

async fn by_id(admin: &Admin, id: Uuid, if_exists: bool) -> Result<Vec<DescribedTopic>, CliError> {
    let mut topic = match admin.describe_topic_id(id).await {
        Ok(topic) => topic,
        Err(e) if e.code() == Some(ErrorCode::UnknownTopicId) && if_exists => return Ok(Vec::new()),
        Err(e) if e.code() == Some(ErrorCode::UnknownTopicId) => {
            let message = format!("TopicId '{id}' does not exist as expected");
            return Err(CliError::failed(message).exception("java.lang.IllegalArgumentException"));
        }
        Err(e) => return Err(e.into()),
    };
    for partition in &mut topic.partitions {
        // Asked for by id, Kafka's tool does not learn these.
        (partition.elr, partition.last_known_elr) = (None, None);
    }
    Ok(vec![topic])
}

/// Adds settings and ongoing reassignments.
async fn complete(admin: &Admin, topics: Vec<DescribedTopic>) -> Result<Vec<Described>, CliError> {
    let resources: Vec<ConfigResource> = topics.iter().map(|t| ConfigResource::topic(&t.name)).collect();
    let mut configs = BTreeMap::new();
    for (resource, result) in admin.describe_configs(&resources).await? {
        configs.insert(resource.name, result?);
    }
    let mut moves = reassignments(admin, &topics).await?;
    let described = |topic: DescribedTopic| {
        let entries = configs.remove(&topic.name).unwrap_or_default();
        let min_isr = entries.iter().find(|e| e.name == MIN_ISR).and_then(|e| e.value.as_deref()).and_then(|v| v.parse().ok());
        let own = entries.into_iter().filter(|e| e.config_source != DEFAULT_CONFIG);
        let moves = topic
            .partitions
            .iter()
            .filter_map(|p| moves.remove(&TopicPartition::new(&topic.name, p.partition)).map(|ongoing| (p.partition, ongoing)));
        Described {
            configs: own.map(|e| (e.name, e.value.unwrap_or_else(|| "null".to_owned()))).collect(),
            min_isr: min_isr.unwrap_or(1),
            moves: moves.collect(),
            topic,
        }
    };
    Ok(topics.into_iter().map(described).collect())
}

/// Reassignments under way. None from a broker that cannot tell, or does not want to.
async fn reassignments(
    admin: &Admin,
    topics: &[DescribedTopic],
) -> Result<BTreeMap<TopicPartition, OngoingPartitionReassignment>, CliError> {
    let topic = |t: &DescribedTopic| ListPartitionReassignmentsTopics {
        name: t.name.clone(),
        partition_indexes: t.partitions.iter().map(|p| p.partition).collect(),
    };
    let request = ListPartitionReassignmentsRequest { topics: Some(topics.iter().map(topic).collect()), ..Default::default() };
    let answer = match admin.client().call_controller(&request).await {
        Ok(answer) => answer,
        Err(Error::Unsupported { .. }) => return Ok(BTreeMap::new()),
        Err(e) => return Err(e.into()),
    };
    let mut all = BTreeMap::new();
    for topic in answer.topics {
        for ongoing in topic.partitions {
            all.insert(TopicPartition::new(&topic.name, ongoing.partition_index), ongoing);
        }
    }
    Ok(all)
}

/// What is to be shown of what was found.
struct Wanted<'a> {
    args: &'a Args,
    live: BTreeSet<i32>,
}

impl Wanted<'_> {
    /// Reports about single partitions leave out the line about the topic.
    fn report(&self) -> bool {
        let a = self.args;
        a.under_replicated_partitions || a.unavailable_partitions || a.under_min_isr_partitions || a.at_min_isr_partitions
    }

    fn topic(&self, described: &Described) -> bool {
        !self.report() && (!self.args.topics_with_overrides || !described.configs.is_empty())
    }

    fn partition(&self, described: &Described, partition: &DescribedPartition) -> bool {
        let a = self.args;
        if a.topics_with_overrides {
            return false;
        }
        let (isr, leader) = (partition.isr.len(), partition.leader >= 0);
        !self.report()
            || (a.under_replicated_partitions && isr < described.replicas_meant(partition))
            || (a.unavailable_partitions && !(leader && self.live.contains(&partition.leader)))
            || (a.under_min_isr_partitions && (!leader || isr < described.min_isr))
            || (a.at_min_isr_partitions && isr == described.min_isr)
    }

    fn partitions<'d>(&'d self, described: &'d Described) -> impl Iterator<Item = &'d DescribedPartition> {
        described.topic.partitions.iter().filter(|p| self.partition(described, p))
    }
}

fn ids(brokers: &[i32]) -> String {
    brokers.iter().map(i32::to_string).collect::<Vec<_>>().join(",")
}

fn leader(partition: &DescribedPartition) -> String {
    if partition.leader < 0 { "none".to_owned() } else { partition.leader.to_string() }
}

fn factor(described: &Described) -> usize {
    described.topic.partitions.first().map_or(0, |p| described.replicas_meant(p))
}

fn config_text(described: &Described) -> String {
    described.configs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",")
}

fn plain(out: &mut Out, all: &[Described], wanted: &Wanted<'_>) -> Result<(), CliError> {
    for described in all {
        let topic = &described.topic;
        if wanted.topic(described) {
            let id = if topic.id == Uuid::default() { String::new() } else { format!("\tTopicId: {}", topic.id) };
            out.line(format!(
                "Topic: {}{id}\tPartitionCount: {}\tReplicationFactor: {}\tConfigs: {}",
                topic.name,
                topic.partitions.len(),
                factor(described),
                config_text(described)
            ))?;
        }
        for p in wanted.partitions(described) {
            let moving = described.moves.get(&p.partition).map_or(String::new(), |m| {
                format!("\tAdding Replicas: {}\tRemoving Replicas: {}", ids(&m.adding_replicas), ids(&m.removing_replicas))
            });
            let elr = |known: &Option<Vec<i32>>| known.as_deref().map_or("N/A".to_owned(), ids);
            out.line(format!(
                "\tTopic: {}\tPartition: {}\tLeader: {}\tReplicas: {}\tIsr: {}{moving}\tElr: {}\tLastKnownElr: {}",
                topic.name,
                p.partition,
                leader(p),
                ids(&p.replicas),
                ids(&p.isr),
                elr(&p.elr),
                elr(&p.last_known_elr)
            ))?;
        }
    }
    Ok(())
}

/// Topics, with what is theirs alone.
const TOPICS: &[Column] =
    &[text("topic"), number("partition_count"), number("replication_factor"), text("configs"), text("topic_id"), text("internal").detail()];

const PARTITIONS: &[Column] = &[
    text("topic"),
    number("partition"),
    number("leader"),
    text("replicas"),
    text("isr"),
    text("adding_replicas").if_any(),
    text("removing_replicas").if_any(),
    number("leader_epoch").detail(),
    text("elr").detail(),
    text("last_known_elr").detail(),
    number("partition_count").detail(),
    number("replication_factor").detail(),
    text("configs").detail(),
    text("topic_id").detail(),
    text("internal").detail(),
];

/// A row for each partition; with `--topics-with-overrides` for each topic.
fn facts(all: &[Described], wanted: &Wanted<'_>) -> Facts {
    let topic = |d: &Described| {
        let configs = Cell::Map(d.configs.iter().map(|(name, value)| (name.clone(), value.into())).collect());
        row![d.topic.partitions.len(), factor(d), configs, d.topic.id.to_string(), d.topic.is_internal]
    };
    let rows = all.iter().filter(|d| wanted.topic(d)).map(|d| [row![&d.topic.name], topic(d)].concat());
    let topics = Facts::new(TOPICS, rows);
    if wanted.args.topics_with_overrides {
        return topics;
    }
    let partition = |d: &Described, p: &DescribedPartition| {
        let moves = d.moves.get(&p.partition);
        let (adding, removing) = (moves.map(|m| &m.adding_replicas), moves.map(|m| &m.removing_replicas));
        let leader = (p.leader >= 0).then_some(p.leader);
        let (elr, last) = (p.elr.clone(), p.last_known_elr.clone());
        let own = row![&d.topic.name, p.partition, leader, &p.replicas, &p.isr, adding, removing, p.leader_epoch, elr, last];
        [own, topic(d)].concat()
    };
    let rows = all.iter().flat_map(|d| wanted.partitions(d).map(move |p| partition(d, p)));
    let partitions = Facts::new(PARTITIONS, rows);
    if topics.rows.is_empty() { partitions } else { partitions.below(topics) }
}
