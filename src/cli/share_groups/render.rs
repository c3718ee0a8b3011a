//! How described share groups look: Kafka's own layouts, and facts.

use super::check::View;
use super::describe::{Group, partitions};
use crate::cli::consumer_groups::group::Assigned;
use crate::cli::error::CliError;
use crate::cli::out::Out;
use crate::cli::out::facts::{Column, Facts, number, row, text};
use crate::cli::out::plain::row as padded;
use crate::client::admin::{ShareGroupMember, ShareGroupOffset};
use crate::types::TopicPartition;

const MISSING: &str = "-";

/// The columns of a Kafka layout: the longest cell, `least` at least.
fn width<'a>(least: usize, cells: impl IntoIterator<Item = &'a str>) -> usize {
    cells.into_iter().map(|c| c.chars().count()).fold(least, usize::max)
}

fn or_missing<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| MISSING.to_owned(), |v| v.to_string())
}

/// A line of the cells whose column is shown.
fn line<const N: usize>(out: &mut Out, cells: [&str; N], widths: [usize; N], shown: impl Fn(usize) -> bool) -> Result<(), CliError> {
    let all = cells.into_iter().zip(widths).enumerate();
    out.line(padded(&all.filter(|(at, _)| shown(*at)).map(|(_, cell)| cell).collect::<Vec<_>>()))
}

/// Offsets and lag, in Kafka's layout.
pub(super) fn offsets(out: &mut Out, group: &Group, verbose: bool) -> Result<(), CliError> {
    let id = group.found.group_id.as_str();
    let topics = width(15, group.offsets.iter().map(|(tp, _)| tp.topic.as_str()));
    let widths = [width(15, [id]), topics, 10, 13, 13, 0];
    let shown = |at| verbose || at != 3;
    out.line("")?;
    line(out, ["GROUP", "TOPIC", "PARTITION", "LEADER-EPOCH", "START-OFFSET", "LAG"], widths, shown)?;
    for (tp, offset) in &group.offsets {
        let [epoch, start, lag] = numbers(offset.as_ref());
        line(out, [id, &tp.topic, &tp.partition.to_string(), &epoch, &start, &lag], widths, shown)?;
    }
    Ok(())
}

/// Leader epoch, start and lag.
fn numbers(offset: Option<&ShareGroupOffset>) -> [String; 3] {
    [
        or_missing(offset.map(|o| o.leader_epoch).filter(|epoch| *epoch >= 0)),
        or_missing(offset.map(|o| o.start_offset)),
        or_missing(offset.and_then(|o| o.lag)),
    ]
}

/// Members, in Kafka's layout.
pub(super) fn members(out: &mut Out, group: &Group, verbose: bool) -> Result<(), CliError> {
    let id = group.found.group_id.as_str();
    let all = &group.found.members;
    let widths = [
        width(15, [id]),
        width(15, all.iter().map(|m| m.member_id.as_str())),
        width(15, all.iter().map(|m| m.client_host.as_str())),
        width(15, all.iter().map(|m| m.client_id.as_str())),
        12,
        13,
        0,
    ];
    let shown = |at| verbose || at != 5;
    out.line("")?;
    line(out, ["GROUP", "CONSUMER-ID", "HOST", "CLIENT-ID", "#PARTITIONS", "MEMBER-EPOCH", "ASSIGNMENT"], widths, shown)?;
    for m in all {
        let (count, assignment) = assignment(m);
        let epoch = m.member_epoch.to_string();
        line(out, [id, &m.member_id, &m.client_host, &m.client_id, &count, &epoch, &assignment], widths, shown)?;
    }
    Ok(())
}

/// How many partitions a member fetches from, and which.
fn assignment(member: &ShareGroupMember) -> (String, String) {
    let all = partitions(member);
    let shown = if all.is_empty() { String::new() } else { Assigned(&all).to_string() };
    (all.len().to_string(), shown)
}

/// State and coordinator, in Kafka's layout.
pub(super) fn state(out: &mut Out, group: &Group, verbose: bool) -> Result<(), CliError> {
    let (id, found) = (group.found.group_id.as_str(), &group.found);
    let coordinator = format!("{}  ({})", group.coordinator.address, group.coordinator.id);
    let widths = [width(15, [id]), width(25, [coordinator.as_str()]), 15, 12, 17, 0];
    let shown = |at| verbose || !(3..5).contains(&at);
    out.line("")?;
    line(out, ["GROUP", "COORDINATOR (ID)", "STATE", "GROUP-EPOCH", "ASSIGNMENT-EPOCH", "#MEMBERS"], widths, shown)?;
    let (epoch, target) = (found.group_epoch.to_string(), found.assignment_epoch.to_string());
    line(out, [id, &coordinator, &found.group_state, &epoch, &target, &found.members.len().to_string()], widths, shown)
}

const OFFSETS: &[Column] = &[
    text("group"),
    text("topic"),
    number("partition"),
    number("start_offset"),
    number("lag"),
    number("leader_epoch").detail(),
    text("state").detail(),
];

const MEMBERS: &[Column] = &[
    text("group"),
    text("consumer_id"),
    text("host"),
    text("client_id"),
    text("assignment"),
    number("epoch").detail(),
    text("subscription").detail(),
    text("state").detail(),
];

const STATES: &[Column] = &[
    text("group"),
    text("state"),
    number("members"),
    text("assignor"),
    text("coordinator"),
    number("coordinator_id"),
    number("group_epoch").detail(),
    number("target_assignment_epoch").detail(),
];

/// The facts of all groups together.
pub(super) fn facts(groups: &[Group], view: View) -> Facts {
    let offset = |g: &Group, (tp, offset): &(TopicPartition, Option<ShareGroupOffset>)| {
        let (start, lag) = (offset.as_ref().map(|o| o.start_offset), offset.as_ref().and_then(|o| o.lag));
        let epoch = offset.as_ref().map(|o| o.leader_epoch).filter(|epoch| *epoch >= 0);
        row![&g.found.group_id, &tp.topic, tp.partition, start, lag, epoch, &g.found.group_state]
    };
    let member = |g: &Group, m: &ShareGroupMember| {
        let assigned: Vec<String> = partitions(m).iter().map(ToString::to_string).collect();
        let (host, client, topics) = (&m.client_host, &m.client_id, &m.subscribed_topic_names);
        row![&g.found.group_id, &m.member_id, host, client, assigned, m.member_epoch, topics, &g.found.group_state]
    };
    let state = |g: &Group| {
        let (found, c) = (&g.found, &g.coordinator);
        let (members, epochs) = (found.members.len(), (found.group_epoch, found.assignment_epoch));
        row![&found.group_id, &found.group_state, members, &found.assignor_name, &c.address, c.id, epochs.0, epochs.1]
    };
    match view {
        View::Offsets => Facts::new(OFFSETS, groups.iter().flat_map(|g| g.offsets.iter().map(move |o| offset(g, o)))),
        View::Members => Facts::new(MEMBERS, groups.iter().flat_map(|g| g.found.members.iter().map(move |m| member(g, m)))),
        View::State => Facts::new(STATES, groups.iter().map(state)),
    }
}
