//! How described groups look: Kafka's own layouts, and facts.

use std::collections::BTreeMap;

use super::check::View;
use super::describe::OffsetRow;
use super::group::{Assigned, Group, Member};
use crate::cli::error::CliError;
use crate::cli::out::Out;
use crate::cli::out::facts::{Column, Facts, number, row, text};
use crate::cli::out::plain::row as padded;
use crate::types::TopicPartition;

const MISSING: &str = "-";

fn or_missing<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| MISSING.to_owned(), |v| v.to_string())
}

/// At least `least`, and as wide as the widest of `cells`.
fn width<'a>(least: usize, cells: impl IntoIterator<Item = &'a str>) -> usize {
    cells.into_iter().map(|c| c.chars().count()).fold(least, usize::max)
}

/// A member's id, host and client id, or dashes.
fn member_cells(group: &Group, member: Option<usize>) -> [&str; 3] {
    match member.and_then(|at| group.members.get(at)) {
        Some(m) => [&m.id, &m.host, &m.client],
        None => [MISSING; 3],
    }
}

/// Offsets and lag, in Kafka's layout.
pub(super) fn offsets(out: &mut Out, group: &Group, rows: &[OffsetRow], verbose: bool) -> Result<(), CliError> {
    let group_width = width(15, [group.id.as_str()]);
    let topic_width = width(15, rows.iter().map(|r| r.partition.topic.as_str()));
    let id_width = width(15, rows.iter().map(|r| member_cells(group, r.member)[0]));
    let host_width = width(15, rows.iter().map(|r| member_cells(group, r.member)[1]));
    out.line("")?;
    let mut line = |cells: [&str; 10]| {
        let widths = [group_width, topic_width, 10, 15, 15, 15, 15, id_width, host_width, 0];
        let shown: Vec<(&str, usize)> =
            cells.into_iter().zip(widths).enumerate().filter(|(at, _)| verbose || *at != 3).map(|(_, cell)| cell).collect();
        out.line(padded(&shown))
    };
    line(["GROUP", "TOPIC", "PARTITION", "LEADER-EPOCH", "CURRENT-OFFSET", "LOG-END-OFFSET", "LAG", "CONSUMER-ID", "HOST", "CLIENT-ID"])?;
    for r in rows {
        let [id, host, client] = member_cells(group, r.member);
        let (partition, epoch) = (r.partition.partition.to_string(), or_missing(r.leader_epoch));
        let (current, end, lag) = (or_missing(r.current), or_missing(r.end), or_missing(r.lag()));
        line([&group.id, &r.partition.topic, &partition, &epoch, &current, &end, &lag, id, host, client])?;
    }
    Ok(())
}

/// Members, in Kafka's layout.
pub(super) fn members(out: &mut Out, group: &Group, verbose: bool) -> Result<(), CliError> {
    let all = &group.members;
    let instance = |m: &Member| m.instance.clone().unwrap_or_default();
    let with_instances = all.iter().any(|m| m.instance.is_some());
    let not_upgraded = all.iter().any(|m| m.not_upgraded);
    let assigned = |m: &Member| Assigned(&m.partitions).to_string();
    let target = |m: &Member| m.target.as_ref().map_or_else(|| MISSING.to_owned(), |(_, partitions)| Assigned(partitions).to_string());
    let widths = [
        width(15, [group.id.as_str()]),
        width(15, all.iter().map(|m| m.id.as_str())),
        width(17, all.iter().map(instance).collect::<Vec<_>>().iter().map(String::as_str)),
        width(15, all.iter().map(|m| m.host.as_str())),
        width(15, all.iter().map(|m| m.client.as_str())),
        15,
        15,
        width(20, all.iter().map(assigned).collect::<Vec<_>>().iter().map(String::as_str)),
        15,
        width(20, all.iter().map(target).collect::<Vec<_>>().iter().map(String::as_str)),
    ];
    out.line("")?;
    let mut line = |cells: [&str; 10], upgraded: &str| {
        let shown: Vec<(&str, usize)> = cells
            .into_iter()
            .zip(widths)
            .enumerate()
            .filter(|(at, _)| (with_instances || *at != 2) && (verbose || *at < 6))
            .map(|(_, cell)| cell)
            .collect();
        let mut text = padded(&shown);
        match (verbose, not_upgraded) {
            (true, true) => text = format!("{text} {upgraded}"),
            (true, false) => {}
            // The short form ends with the blank that would come before the next column.
            (false, _) => text.push(' '),
        }
        out.line(text)
    };
    let head = [
        "GROUP",
        "CONSUMER-ID",
        "GROUP-INSTANCE-ID",
        "HOST",
        "CLIENT-ID",
        "#PARTITIONS",
        "CURRENT-EPOCH",
        "CURRENT-ASSIGNMENT",
        "TARGET-EPOCH",
        "TARGET-ASSIGNMENT",
    ];
    line(head, "UPGRADED")?;
    for m in all {
        let (instance, count) = (instance(m), m.partitions.len().to_string());
        let epoch = or_missing(m.target.as_ref().map(|(epoch, _)| *epoch));
        let target_epoch = or_missing(m.target.as_ref().and(group.epochs).map(|(_, target)| target));
        let cells = [&group.id, &m.id, &instance, &m.host, &m.client, &count, &epoch, &assigned(m), &target_epoch, &target(m)];
        line(cells.map(String::as_str), if m.not_upgraded { "false" } else { "true" })?;
    }
    Ok(())
}

/// State and coordinator, in Kafka's layout.
pub(super) fn state(out: &mut Out, group: &Group, verbose: bool) -> Result<(), CliError> {
    let coordinator = format!("{}  ({})", group.coordinator.address, group.coordinator.id);
    let widths = [width(15, [group.id.as_str()]), width(25, [coordinator.as_str()]), 20, 20, 15, 25, 0];
    out.line("")?;
    let mut line = |cells: [&str; 7]| {
        let all = cells.into_iter().zip(widths).enumerate();
        let shown: Vec<(&str, usize)> = all.filter(|(at, _)| verbose || !(4..6).contains(at)).map(|(_, cell)| cell).collect();
        out.line(padded(&shown))
    };
    line(["GROUP", "COORDINATOR (ID)", "ASSIGNMENT-STRATEGY", "STATE", "GROUP-EPOCH", "TARGET-ASSIGNMENT-EPOCH", "#MEMBERS"])?;
    let strategy = if group.assignor.is_empty() { MISSING } else { &group.assignor };
    let (epoch, target) = (or_missing(group.epochs.map(|e| e.0)), or_missing(group.epochs.map(|e| e.1)));
    line([&group.id, &coordinator, strategy, &group.state, &epoch, &target, &group.members.len().to_string()])
}

const OFFSETS: &[Column] = &[
    text("group"),
    text("topic"),
    number("partition"),
    number("current_offset"),
    number("log_end_offset"),
    number("lag"),
    text("consumer_id"),
    text("host"),
    text("client_id"),
    number("leader_epoch").detail(),
    text("state").detail(),
];

const MEMBERS: &[Column] = &[
    text("group"),
    text("consumer_id"),
    text("group_instance_id").if_any(),
    text("host"),
    text("client_id"),
    text("assignment"),
    number("epoch").detail(),
    text("target_assignment").detail(),
    text("state").detail(),
];

const STATES: &[Column] = &[
    text("group"),
    text("state"),
    number("members"),
    text("assignment_strategy"),
    text("coordinator"),
    number("coordinator_id"),
    number("group_epoch").detail(),
    number("target_assignment_epoch").detail(),
];

/// The facts of all groups together.
pub(super) fn facts(groups: &[Group], rows: &BTreeMap<String, Vec<OffsetRow>>, view: View) -> Facts {
    let offset = |g: &Group, r: &OffsetRow| {
        let (tp, lag) = (&r.partition, r.lag());
        let member = r.member.and_then(|at| g.members.get(at));
        let (id, host, client) = (member.map(|m| &m.id), member.map(|m| &m.host), member.map(|m| &m.client));
        row![&g.id, &tp.topic, tp.partition, r.current, r.end, lag, id, host, client, r.leader_epoch, &g.state]
    };
    let member = |g: &Group, m: &Member| {
        let (epoch, target) = (m.target.as_ref().map(|t| t.0), m.target.as_ref().map(|t| names(&t.1)));
        row![&g.id, &m.id, m.instance.clone(), &m.host, &m.client, names(&m.partitions), epoch, target, &g.state]
    };
    let state = |g: &Group| {
        let (epoch, target) = (g.epochs.map(|e| e.0), g.epochs.map(|e| e.1));
        row![&g.id, &g.state, g.members.len(), &g.assignor, &g.coordinator.address, g.coordinator.id, epoch, target]
    };
    match view {
        View::Offsets => {
            let all = groups.iter().flat_map(|g| rows.get(&g.id).into_iter().flatten().map(move |r| offset(g, r)));
            Facts::new(OFFSETS, all)
        }
        View::Members => Facts::new(MEMBERS, groups.iter().flat_map(|g| g.members.iter().map(move |m| member(g, m)))),
        View::State => Facts::new(STATES, groups.iter().map(state)),
    }
}

fn names(partitions: &[TopicPartition]) -> Vec<String> {
    partitions.iter().map(ToString::to_string).collect()
}
