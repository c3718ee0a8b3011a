//! How described share groups look: Kafka's own layouts, tables for people, JSON.

use serde_json::{Value, json};

use super::check::View;
use super::describe::{Group, partitions};
use crate::cli::consumer_groups::group::Assigned;
use crate::cli::error::CliError;
use crate::cli::out::plain::row as padded;
use crate::cli::out::table::{Column, number, text};
use crate::cli::out::{Out, json as out_json, table};
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

/// One table for all groups.
pub(super) fn tables(out: &mut Out, groups: &[Group], view: View) -> Result<(), CliError> {
    const OFFSETS: &[Column] = &[text("GROUP"), text("TOPIC"), number("PARTITION"), number("START-OFFSET"), number("LAG")];
    const MEMBERS: &[Column] = &[text("GROUP"), text("CONSUMER-ID"), text("HOST"), text("CLIENT-ID"), text("ASSIGNMENT")];
    const STATES: &[Column] =
        &[text("GROUP"), text("STATE"), number("MEMBERS"), text("ASSIGNOR"), text("COORDINATOR"), number("COORDINATOR-ID")];
    let offset_row = |g: &Group, (tp, offset): &(TopicPartition, Option<ShareGroupOffset>)| {
        let [_, start, lag] = numbers(offset.as_ref());
        vec![g.found.group_id.clone(), tp.topic.clone(), tp.partition.to_string(), start, lag]
    };
    let member_row = |g: &Group, m: &ShareGroupMember| {
        vec![
            g.found.group_id.clone(),
            m.member_id.clone(),
            m.client_host.clone(),
            m.client_id.clone(),
            Assigned(&partitions(m)).to_string(),
        ]
    };
    let state_row = |g: &Group| {
        let (found, c) = (&g.found, &g.coordinator);
        let (members, assignor) = (found.members.len().to_string(), found.assignor_name.clone());
        vec![found.group_id.clone(), found.group_state.clone(), members, assignor, c.address.clone(), c.id.to_string()]
    };
    out.line(match view {
        View::Offsets => table::render(OFFSETS, groups.iter().flat_map(|g| g.offsets.iter().map(move |o| offset_row(g, o)))),
        View::Members => table::render(MEMBERS, groups.iter().flat_map(|g| g.found.members.iter().map(move |m| member_row(g, m)))),
        View::State => table::render(STATES, groups.iter().map(state_row)),
    })
}

/// One document for all groups.
pub(super) fn json(out: &mut Out, groups: &[Group], view: View) -> Result<(), CliError> {
    let offset = |(tp, offset): &(TopicPartition, Option<ShareGroupOffset>)| {
        json!({
            "topic": tp.topic,
            "partition": tp.partition,
            "leader_epoch": offset.map(|o| o.leader_epoch),
            "start_offset": offset.map(|o| o.start_offset),
            "lag": offset.and_then(|o| o.lag),
        })
    };
    let member = |m: &ShareGroupMember| {
        let assigned: Vec<Value> = partitions(m).iter().map(|tp| json!({"topic": tp.topic, "partition": tp.partition})).collect();
        json!({
            "consumer_id": m.member_id,
            "host": m.client_host,
            "client_id": m.client_id,
            "epoch": m.member_epoch,
            "subscription": m.subscribed_topic_names,
            "assignment": assigned,
        })
    };
    let entry = |g: &Group| {
        let (id, state) = (&g.found.group_id, &g.found.group_state);
        match view {
            View::Offsets => json!({"group": id, "state": state, "offsets": g.offsets.iter().map(offset).collect::<Vec<_>>()}),
            View::Members => json!({"group": id, "state": state, "members": g.found.members.iter().map(member).collect::<Vec<_>>()}),
            View::State => json!({
                "group": id,
                "state": state,
                "assignor": g.found.assignor_name,
                "coordinator": {"id": g.coordinator.id, "address": g.coordinator.address},
                "members": g.found.members.len(),
                "group_epoch": g.found.group_epoch,
                "target_assignment_epoch": g.found.assignment_epoch,
            }),
        }
    };
    out_json::print(out, &Value::from(groups.iter().map(entry).collect::<Vec<_>>()))
}
