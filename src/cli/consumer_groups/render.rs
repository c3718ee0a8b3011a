//! How described groups look: Kafka's own layouts, tables for people, JSON.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::check::View;
use super::describe::OffsetRow;
use super::group::{Assigned, Group, Member};
use crate::cli::error::CliError;
use crate::cli::out::plain::row as padded;
use crate::cli::out::table::{Column, number, text};
use crate::cli::out::{Out, json as out_json, table};
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

/// One table for all groups.
pub(super) fn tables(out: &mut Out, groups: &[Group], rows: &BTreeMap<String, Vec<OffsetRow>>, view: View) -> Result<(), CliError> {
    const OFFSETS: &[Column] = &[
        text("GROUP"),
        text("TOPIC"),
        number("PARTITION"),
        number("CURRENT-OFFSET"),
        number("LOG-END-OFFSET"),
        number("LAG"),
        text("CONSUMER-ID"),
        text("HOST"),
        text("CLIENT-ID"),
    ];
    const MEMBERS: &[Column] =
        &[text("GROUP"), text("CONSUMER-ID"), text("GROUP-INSTANCE-ID"), text("HOST"), text("CLIENT-ID"), text("ASSIGNMENT")];
    const STATES: &[Column] =
        &[text("GROUP"), text("STATE"), number("MEMBERS"), text("ASSIGNMENT-STRATEGY"), text("COORDINATOR"), number("COORDINATOR-ID")];
    let offset_row = |g: &Group, r: &OffsetRow| {
        let [id, host, client] = member_cells(g, r.member).map(str::to_owned);
        let tp = &r.partition;
        let numbers = [or_missing(r.current), or_missing(r.end), or_missing(r.lag())];
        let [current, end, lag] = numbers;
        vec![g.id.clone(), tp.topic.clone(), tp.partition.to_string(), current, end, lag, id, host, client]
    };
    let member_row = |g: &Group, m: &Member| {
        let instance = or_missing(m.instance.clone());
        vec![g.id.clone(), m.id.clone(), instance, m.host.clone(), m.client.clone(), Assigned(&m.partitions).to_string()]
    };
    let state_row = |g: &Group| {
        let c = &g.coordinator;
        vec![g.id.clone(), g.state.clone(), g.members.len().to_string(), g.assignor.clone(), c.address.clone(), c.id.to_string()]
    };
    let drawn = match view {
        View::Offsets => {
            let all = groups.iter().flat_map(|g| rows.get(&g.id).into_iter().flatten().map(move |r| offset_row(g, r)));
            table::render(OFFSETS, all)
        }
        View::Members => table::render(MEMBERS, groups.iter().flat_map(|g| g.members.iter().map(move |m| member_row(g, m)))),
        View::State => table::render(STATES, groups.iter().map(state_row)),
    };
    out.line(drawn)
}

/// One document for all groups.
pub(super) fn json(out: &mut Out, groups: &[Group], rows: &BTreeMap<String, Vec<OffsetRow>>, view: View) -> Result<(), CliError> {
    let partitions =
        |all: &[TopicPartition]| -> Vec<Value> { all.iter().map(|tp| json!({"topic": tp.topic, "partition": tp.partition})).collect() };
    let offset = |g: &Group, r: &OffsetRow| {
        let member = r.member.and_then(|at| g.members.get(at));
        json!({
            "topic": r.partition.topic,
            "partition": r.partition.partition,
            "leader_epoch": r.leader_epoch,
            "current_offset": r.current,
            "log_end_offset": r.end,
            "lag": r.lag(),
            "consumer_id": member.map(|m| &m.id),
            "host": member.map(|m| &m.host),
            "client_id": member.map(|m| &m.client),
        })
    };
    let member = |m: &Member| {
        json!({
            "consumer_id": m.id,
            "group_instance_id": m.instance,
            "host": m.host,
            "client_id": m.client,
            "assignment": partitions(&m.partitions),
            "epoch": m.target.as_ref().map(|(epoch, _)| epoch),
            "target_assignment": m.target.as_ref().map(|(_, target)| partitions(target)),
        })
    };
    let entry = |g: &Group| match view {
        View::Offsets => {
            let offsets: Vec<Value> = rows.get(&g.id).into_iter().flatten().map(|r| offset(g, r)).collect();
            json!({"group": g.id, "state": g.state, "offsets": offsets})
        }
        View::Members => json!({"group": g.id, "state": g.state, "members": g.members.iter().map(member).collect::<Vec<_>>()}),
        View::State => json!({
            "group": g.id,
            "state": g.state,
            "assignment_strategy": g.assignor,
            "coordinator": {"id": g.coordinator.id, "address": g.coordinator.address},
            "members": g.members.len(),
            "group_epoch": g.epochs.map(|e| e.0),
            "target_assignment_epoch": g.epochs.map(|e| e.1),
        }),
    };
    out_json::print(out, &Value::from(groups.iter().map(entry).collect::<Vec<_>>()))
}
