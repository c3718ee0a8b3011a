//! `--reset-offsets`: where each partition of each group would go, and with `--execute` the move itself.

use std::collections::{BTreeMap, BTreeSet};

use super::Args;
use super::describe::committed;
use super::group;
use super::list::{self, Filter};
use super::plan::{self, Plan, TopicArg};
use super::when;
use crate::cli::error::{CliError, log4j_line, stderr_line};
use crate::cli::out::facts::{Column, Facts, number, row, text};
use crate::cli::out::plain::row as padded;
use crate::cli::out::{Format, Out};
use crate::cli::tool::{Context, Exit};
use crate::client::admin::{Admin, GroupOffset, OffsetSpec};
use crate::types::TopicPartition;

/// Where offsets go.
#[derive(Debug)]
pub(super) enum Scenario {
    Offset(i64),
    /// The first record not older than this, milliseconds since 1970.
    Time(i64),
    /// As `Time`, counted back from now, in milliseconds.
    Ago(i64),
    Earliest,
    Latest,
    Current,
    ShiftBy(i64),
    File(Plan),
}

/// What to reset, with every value read that needs no broker.
#[derive(Debug)]
pub(super) struct Reset {
    scenario: Scenario,
    /// `None`: all topics that a group has offsets for.
    topics: Option<Vec<TopicArg>>,
}

pub(in crate::cli) type Offsets = BTreeMap<TopicPartition, i64>;

impl Reset {
    /// Reads the values of the options. Errors: one of them is wrong.
    pub fn read(args: &Args) -> Result<Reset, CliError> {
        let topics = if args.all_topics { None } else { Some(TopicArg::read_all(&args.topic)?) };
        let scenario = if let Some(offset) = long("to-offset", args.to_offset.as_deref())? {
            Scenario::Offset(offset)
        } else if let Some(by) = long("shift-by", args.shift_by.as_deref())? {
            Scenario::ShiftBy(by)
        } else if let Some(at) = &args.to_datetime {
            Scenario::Time(when::datetime(at)?)
        } else if let Some(ago) = &args.by_duration {
            Scenario::Ago(when::duration(ago)?)
        } else if let Some(path) = &args.from_file {
            let only = if args.group.len() == 1 { args.group.first().map(String::as_str) } else { None };
            Scenario::File(plan::load(path, only)?)
        } else if args.to_earliest {
            Scenario::Earliest
        } else if args.to_latest {
            Scenario::Latest
        } else {
            Scenario::Current
        };
        Ok(Reset { scenario, topics })
    }
}

/// The value of an option that is a whole number.
pub(in crate::cli) fn long(option: &str, value: Option<&str>) -> Result<Option<i64>, CliError> {
    let read = |text: &str| {
        text.parse().map_err(|_| {
            let error = CliError::failed(format!("Cannot parse argument '{text}' of option {option}"));
            error.exception("joptsimple.OptionArgumentConversionException")
        })
    };
    value.map(read).transpose()
}

/// Shows where the offsets of groups go, and moves them if that was asked for. A group with members is told and left alone.
pub(super) async fn reset(admin: &Admin, args: &Args, what: &Reset, cx: &Context) -> Result<Exit, CliError> {
    let ids: BTreeSet<String> = match args.all_groups {
        true => list::groups(admin, &Filter::default()).await?.into_iter().map(|g| g.group).collect(),
        false => args.group.iter().cloned().collect(),
    };
    let mut plan = Plan::new();
    let mut exit = Exit::OK;
    for id in ids {
        let active = group::find(admin, &id).await?.filter(|group| !group.is_idle());
        if let Some(group) = active {
            let text = format!("Assignments can only be reset if the group '{id}' is inactive, but the current state is {}.", group.state);
            tell_error(&text, cx)?;
            exit = if cx.is_kafka() { Exit::OK } else { Exit::FAILED };
            plan.insert(id, Offsets::new());
            continue;
        }
        let offsets = prepare(admin, &id, what, cx).await?;
        if args.execute && !offsets.is_empty() {
            commit(admin, &id, &offsets).await?;
        }
        plan.insert(id, offsets);
    }
    print(args, &plan, cx)?;
    Ok(exit)
}

/// An error that does not end the command: on standard output where Kafka's tool has it there.
pub(in crate::cli) fn tell_error(text: &str, cx: &Context) -> Result<(), CliError> {
    if cx.is_kafka() { cx.say(format!("\nError: {text}")) } else { cx.say(format!("error: {text}")) }
}

async fn commit(admin: &Admin, group: &str, offsets: &Offsets) -> Result<(), CliError> {
    let committed = |offset: i64| GroupOffset { offset, leader_epoch: -1, metadata: String::new() };
    let wanted = offsets.iter().map(|(tp, offset)| (tp.clone(), committed(*offset))).collect();
    for (_, result) in admin.alter_group_offsets(group, &wanted).await? {
        result?;
    }
    Ok(())
}

async fn prepare(admin: &Admin, group: &str, what: &Reset, cx: &Context) -> Result<Offsets, CliError> {
    if let Scenario::File(plan) = &what.scenario {
        return match plan.get(group) {
            Some(offsets) => in_range(admin, offsets.clone(), cx).await,
            None => {
                tell_error(&format!("No reset plan for group {group} found"), cx)?;
                Ok(Offsets::new())
            }
        };
    }
    let partitions = partitions(admin, group, what).await?;
    match &what.scenario {
        Scenario::Offset(offset) => in_range(admin, partitions.into_iter().map(|tp| (tp, *offset)).collect(), cx).await,
        Scenario::Earliest => listed(admin, &partitions, OffsetSpec::Earliest).await,
        Scenario::Latest => listed(admin, &partitions, OffsetSpec::Latest).await,
        Scenario::Time(at) => since(admin, &partitions, *at, cx).await,
        Scenario::Ago(ms) => since(admin, &partitions, jiff::Timestamp::now().as_millisecond().saturating_sub(*ms), cx).await,
        Scenario::ShiftBy(by) => {
            let current = committed(admin, group).await?;
            let shifted = |tp: TopicPartition| match current.get(&tp) {
                Some(offset) => Ok((tp, offset.offset.saturating_add(*by))),
                None => {
                    let text = format!("Cannot shift offset for partition {tp} since there is no current committed offset");
                    Err(CliError::usage(text))
                }
            };
            in_range(admin, partitions.into_iter().map(shifted).collect::<Result<_, _>>()?, cx).await
        }
        Scenario::Current => {
            let current = committed(admin, group).await?;
            let (known, unknown): (Vec<_>, Vec<_>) = partitions.into_iter().partition(|tp| current.contains_key(tp));
            let mut all = listed(admin, &unknown, OffsetSpec::Latest).await?;
            all.extend(known.into_iter().filter_map(|tp| current.get(&tp).map(|o| o.offset).map(|offset| (tp, offset))));
            Ok(all)
        }
        Scenario::File(_) => Ok(Offsets::new()),
    }
}

/// The partitions to reset. Errors: one of them does not exist.
async fn partitions(admin: &Admin, group: &str, what: &Reset) -> Result<Vec<TopicPartition>, CliError> {
    let Some(topics) = &what.topics else { return Ok(committed(admin, group).await?.into_keys().collect()) };
    all_partitions(admin, topics).await
}

/// The partitions that values of `--topic` mean. Errors: one of them does not exist.
pub(in crate::cli) async fn all_partitions(admin: &Admin, topics: &[TopicArg]) -> Result<Vec<TopicPartition>, CliError> {
    let mut names = BTreeSet::new();
    for arg in topics {
        match arg {
            TopicArg::All(topic) => _ = names.insert(topic.as_str()),
            TopicArg::Some(some) => names.extend(some.iter().map(|tp| tp.topic.as_str())),
        }
    }
    let names: Vec<&str> = names.into_iter().collect();
    let mut known: BTreeMap<String, BTreeSet<i32>> = BTreeMap::new();
    for (name, result) in admin.describe_topics(&names).await? {
        known.insert(name, result?.partitions.iter().map(|p| p.partition).collect());
    }
    let mut all = BTreeSet::new();
    let mut missing = Vec::new();
    for arg in topics {
        match arg {
            TopicArg::All(topic) => all.extend(known.get(topic).into_iter().flatten().map(|p| TopicPartition::new(topic, *p))),
            TopicArg::Some(some) => {
                let exists = |tp: &&TopicPartition| known.get(&tp.topic).is_some_and(|all| all.contains(&tp.partition));
                missing.extend(some.iter().filter(|tp| !exists(tp)).map(TopicPartition::to_string));
                all.extend(some.iter().cloned());
            }
        }
    }
    if missing.is_empty() {
        return Ok(all.into_iter().collect());
    }
    Err(CliError::failed(format!("The partitions \"{}\" do not exist", missing.join(", ")))
        .exception("org.apache.kafka.common.errors.UnknownTopicOrPartitionException"))
}

pub(in crate::cli) async fn listed(admin: &Admin, partitions: &[TopicPartition], spec: OffsetSpec) -> Result<Offsets, CliError> {
    let wanted = partitions.iter().map(|tp| (tp.clone(), spec)).collect();
    let mut all = Offsets::new();
    for (tp, result) in admin.list_offsets(&wanted, false).await? {
        all.insert(tp, result?.offset);
    }
    Ok(all)
}

/// The first record not older than `at`; the end where there is none.
pub(in crate::cli) async fn since(admin: &Admin, partitions: &[TopicPartition], at: i64, cx: &Context) -> Result<Offsets, CliError> {
    let mut all = listed(admin, partitions, OffsetSpec::Timestamp(at)).await?;
    let none: Vec<TopicPartition> = all.iter().filter(|(_, offset)| **offset < 0).map(|(tp, _)| tp.clone()).collect();
    for tp in &none {
        let text = format!("Partition {} from topic {} is empty. Falling back to latest known offset.", tp.partition, tp.topic);
        cx.say(if cx.is_kafka() { format!("\nWarn: {text}") } else { format!("warning: {text}") })?;
    }
    all.extend(listed(admin, &none, OffsetSpec::Latest).await?);
    Ok(all)
}

/// Moves what lies outside a partition to its start or end, and says so.
async fn in_range(admin: &Admin, wanted: Offsets, cx: &Context) -> Result<Offsets, CliError> {
    let partitions: Vec<TopicPartition> = wanted.keys().cloned().collect();
    let starts = listed(admin, &partitions, OffsetSpec::Earliest).await?;
    let ends = listed(admin, &partitions, OffsetSpec::Latest).await?;
    let mut all = Offsets::new();
    for (tp, offset) in wanted {
        let (start, end) = (starts.get(&tp).copied().unwrap_or(offset), ends.get(&tp).copied().unwrap_or(offset));
        let (bound, how) = match offset {
            o if o > end => (end, "higher than latest"),
            o if o < start => (start, "lower than earliest"),
            o => (o, ""),
        };
        if !how.is_empty() {
            let text = format!("New offset ({offset}) is {how} offset for topic partition {tp}. Value will be set to {bound}");
            if cx.is_kafka() {
                log4j_line("WARN", &text, "org.apache.kafka.tools.OffsetsUtils")
            } else {
                stderr_line(format!("warning: {text}"))
            }
        }
        all.insert(tp, bound);
    }
    Ok(all)
}

fn print(args: &Args, plan: &Plan, cx: &Context) -> Result<(), CliError> {
    if args.export {
        let mut out = Out::stdout();
        let text = plan::csv(plan, args.group.len() != 1);
        // Kafka's tool ends with an empty line.
        out.bytes(text.as_bytes())?;
        if cx.is_kafka() {
            out.line("")?;
        }
        return out.flush();
    }
    print_plan(args.output, plan, cx)
}

/// Where offsets go, or went.
pub(in crate::cli) fn print_plan(output: Option<Format>, plan: &Plan, cx: &Context) -> Result<(), CliError> {
    let mut out = Out::stdout();
    let rows = || plan.iter().flat_map(|(group, offsets)| offsets.iter().map(move |(tp, offset)| (group, tp, offset)));
    const COLUMNS: &[Column] = &[text("group"), text("topic"), number("partition"), number("new_offset")];
    let facts = Facts::new(COLUMNS, rows().map(|(group, tp, offset)| row![group, &tp.topic, tp.partition, *offset]));
    facts.print(&mut out, Format::pick(output, cx), |out| {
        let wide = |cells: &mut dyn Iterator<Item = usize>| cells.fold(15, usize::max);
        let group_width = wide(&mut rows().map(|(group, _, _)| group.chars().count()));
        let topic_width = wide(&mut rows().map(|(_, tp, _)| tp.topic.chars().count()));
        let line = |group: &str, topic: &str, partition: &str, offset: &str| {
            padded(&[(group, group_width), (topic, topic_width), (partition, 10), (offset, 0)])
        };
        if !plan.is_empty() {
            out.line("")?;
            out.line(line("GROUP", "TOPIC", "PARTITION", "NEW-OFFSET"))?;
        }
        rows().try_for_each(|(group, tp, offset)| out.line(line(group, &tp.topic, &tp.partition.to_string(), &offset.to_string())))
    })?;
    out.flush()
}
