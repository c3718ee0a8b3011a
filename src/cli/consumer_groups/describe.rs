//! `--describe`: what the brokers know of groups, gathered per group and then rendered.

use std::collections::{BTreeMap, BTreeSet};

use super::Args;
use super::check::View;
use super::group::{self, Group};
use super::list::{self, Filter};
use super::render;
use crate::cli::error::{CliError, stderr_line};
use crate::cli::out::{Format, Out};
use crate::cli::tool::Context;
use crate::client::admin::{Admin, GroupOffset, OffsetSpec};
use crate::types::TopicPartition;

/// How far a group is in one partition, and which member reads it. `None`: not known.
#[derive(Debug)]
pub(super) struct OffsetRow {
    pub partition: TopicPartition,
    pub leader_epoch: Option<i32>,
    pub current: Option<i64>,
    pub end: Option<i64>,
    /// Index into the group's members.
    pub member: Option<usize>,
}

impl OffsetRow {
    pub fn lag(&self) -> Option<i64> {
        Some(self.end? - self.current?)
    }
}

/// Prints groups.
pub(super) async fn describe(admin: &Admin, args: &Args, view: View, cx: &Context) -> Result<(), CliError> {
    let groups = gather(admin, args).await?;
    let mut rows = BTreeMap::new();
    if view == View::Offsets {
        for group in &groups {
            rows.insert(group.id.clone(), offsets(admin, group).await?);
        }
    }
    let mut out = Out::stdout();
    let format = Format::pick(args.output, cx);
    render::facts(&groups, &rows, view).print(&mut out, format, |out| plain(out, &groups, &rows, view, args.verbose))?;
    out.flush()
}

/// The groups asked for, sorted by name; any that does not exist is an error.
pub(super) async fn gather(admin: &Admin, args: &Args) -> Result<Vec<Group>, CliError> {
    let ids: BTreeSet<String> = match args.all_groups {
        true => list::groups(admin, &Filter::default()).await?.into_iter().map(|g| g.group).collect(),
        false => args.group.iter().cloned().collect(),
    };
    let mut groups = Vec::new();
    for id in ids {
        groups.push(group::describe(admin, &id).await.map_err(|e| e.wrapped_in("java.util.concurrent.ExecutionException"))?);
    }
    Ok(groups)
}

/// Partitions of members first, in the order of members; then those that only have a committed offset.
pub(super) async fn offsets(admin: &Admin, group: &Group) -> Result<Vec<OffsetRow>, CliError> {
    let committed = committed(admin, &group.id).await?;
    let mut rows = Vec::new();
    let mut assigned = BTreeSet::new();
    for (at, member) in group.members.iter().enumerate() {
        for partition in &member.partitions {
            assigned.insert(partition.clone());
            rows.push((partition.clone(), Some(at)));
        }
    }
    rows.extend(committed.keys().filter(|tp| !assigned.contains(tp)).map(|tp| (tp.clone(), None)));
    let ends = ends(admin, rows.iter().map(|(tp, _)| tp)).await?;
    let row = |(partition, member): (TopicPartition, Option<usize>)| {
        let offset = committed.get(&partition);
        OffsetRow {
            leader_epoch: offset.map(|o| o.leader_epoch).filter(|epoch| *epoch >= 0),
            current: offset.map(|o| o.offset),
            end: ends.get(&partition).copied(),
            partition,
            member,
        }
    };
    Ok(rows.into_iter().map(row).collect())
}

/// The offsets that a group has committed.
pub(super) async fn committed(admin: &Admin, group: &str) -> Result<BTreeMap<TopicPartition, GroupOffset>, CliError> {
    let mut all = BTreeMap::new();
    for (partition, result) in admin.group_offsets(group, None).await? {
        all.insert(partition, result?);
    }
    Ok(all)
}

/// Log ends; partitions whose leader cannot tell are left out.
async fn ends(admin: &Admin, partitions: impl Iterator<Item = &TopicPartition>) -> Result<BTreeMap<TopicPartition, i64>, CliError> {
    let wanted = partitions.map(|tp| (tp.clone(), OffsetSpec::Latest)).collect();
    let found = admin.list_offsets(&wanted, false).await?;
    Ok(found.into_iter().filter_map(|(tp, result)| result.ok().map(|listed| (tp, listed.offset))).collect())
}

fn plain(out: &mut Out, groups: &[Group], rows: &BTreeMap<String, Vec<OffsetRow>>, view: View, verbose: bool) -> Result<(), CliError> {
    for group in groups {
        // Each stream in its own order, and both as close together as they are in Kafka's tool.
        out.flush()?;
        tell_state(group);
        match (view, rows.get(&group.id)) {
            (View::Offsets, Some(rows)) if !rows.is_empty() => render::offsets(out, group, rows, verbose)?,
            (View::Offsets, _) => {}
            (View::Members, _) => render::members(out, group, verbose)?,
            (View::State, _) => render::state(out, group, verbose)?,
        }
    }
    Ok(())
}

fn tell_state(group: &Group) {
    match group.state.as_str() {
        "Empty" => stderr_line(format!("\nConsumer group '{}' has no active members.", group.id)),
        "PreparingRebalance" | "CompletingRebalance" | "Assigning" | "Reconciling" => {
            stderr_line(format!("\nWarning: Consumer group '{}' is rebalancing.", group.id));
        }
        _ => {}
    }
}
