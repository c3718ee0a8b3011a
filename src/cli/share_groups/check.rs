//! Which options of `share-groups` fit together: Kafka's checks, in its order and words.

use super::Args;
use crate::cli::error::CliError;
use crate::cli::tool::Context;
use crate::cli::usage::{Given, refuse, require};

const ONE_ACTION: &str = "Command must include exactly one action: --list, --describe, --delete, --reset-offsets, --delete-offsets.";

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    List,
    Describe(View),
    Delete,
    ResetOffsets,
    DeleteOffsets,
}

/// What `--describe` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    Offsets,
    Members,
    State,
}

/// The action asked for, if the options make sense together.
pub(super) fn check(args: &Args, cx: &Context) -> Result<Action, CliError> {
    available(args)?;
    require(&[("bootstrap-server", args.connection.given(cx))])?;
    let group = ("group", !args.group.is_empty());
    let all_groups = ("all-groups", args.all_groups);
    let topic = ("topic", !args.topic.is_empty());
    let view = describe(args, group.1 || all_groups.1)?;
    if args.delete {
        delete(group.1, all_groups.1, topic.1)?;
    }
    if args.delete_offsets && !(group.1 && topic.1) {
        return Err(CliError::usage("Option [delete-offsets] takes the following options: [group], [topic]"));
    }
    if args.reset_offsets {
        reset(args, cx)?;
    }
    refuse(group, &[all_groups, ("list", args.list)])?;
    refuse(topic, &[("list", args.list), ("describe", args.describe)])?;
    let chosen = [
        args.list.then_some(Action::List),
        args.describe.then_some(Action::Describe(view)),
        args.delete.then_some(Action::Delete),
        args.reset_offsets.then_some(Action::ResetOffsets),
        args.delete_offsets.then_some(Action::DeleteOffsets),
    ];
    let mut chosen = chosen.into_iter().flatten();
    match (chosen.next(), chosen.next()) {
        (Some(action), None) => Ok(action),
        _ => Err(CliError::usage(ONE_ACTION)),
    }
}

/// Options that only exist beside another one.
fn available(args: &Args) -> Result<(), CliError> {
    let bound: [(Given, bool); 4] = [
        (("members", args.members), args.describe),
        (("offsets", args.offsets), args.describe),
        (("state", args.state.is_some()), args.describe || args.list),
        (("verbose", args.verbose), args.describe),
    ];
    let alone: Vec<&str> = bound.iter().filter(|((_, given), there)| *given && !*there).map(|((name, _), _)| *name).collect();
    if alone.is_empty() {
        return Ok(());
    }
    let text = format!("Option(s) [{}] are unavailable given other options on the command line", alone.join(", "));
    Err(CliError::parse(text).exception("joptsimple.UnavailableOptionException"))
}

fn describe(args: &Args, some_group: bool) -> Result<View, CliError> {
    if !args.describe {
        return Ok(View::Offsets);
    }
    if !some_group {
        return Err(CliError::usage("Option [describe] takes one of these options: [all-groups], [group]"));
    }
    let state = args.state.is_some();
    if usize::from(args.members) + usize::from(args.offsets) + usize::from(state) > 1 {
        return Err(CliError::usage("Option [describe] takes at most one of these options: [members], [offsets], [state]"));
    }
    if args.state.as_deref().is_some_and(|value| !value.is_empty()) {
        return Err(CliError::usage("Option [describe] does not take a value for [state]"));
    }
    Ok(match (args.members, state) {
        (true, _) => View::Members,
        (_, true) => View::State,
        _ => View::Offsets,
    })
}

fn delete(group: bool, all_groups: bool, topic: bool) -> Result<(), CliError> {
    match (group, all_groups) {
        (false, false) => Err(CliError::usage("Option [delete] takes the options [group] or [all-groups]")),
        (true, true) => Err(CliError::usage("Option [delete] takes either [group] or [all-groups], not both.")),
        _ if topic => Err(CliError::usage("Option [delete] does not take the option: [topic]")),
        _ => Ok(()),
    }
}

fn reset(args: &Args, cx: &Context) -> Result<(), CliError> {
    if args.dry_run && args.execute {
        return Err(CliError::usage("Option [reset-offsets] only accepts one of [execute] and [dry-run]"));
    }
    // Under kfk's own name nothing is done without --execute, and that goes without saying.
    if !args.dry_run && !args.execute && cx.is_kafka() {
        return Err(CliError::usage("Option [reset-offsets] takes the option: [execute] or [dry-run]"));
    }
    if args.group.is_empty() {
        return Err(CliError::usage("Option [reset-offsets] takes the option: [group]"));
    }
    if args.topic.is_empty() && !args.all_topics {
        return Err(CliError::usage("Option [reset-offsets] takes one of these options: [all-topics], [topic]"));
    }
    let scenarios: [Given; 3] =
        [("to-datetime", args.to_datetime.is_some()), ("to-earliest", args.to_earliest), ("to-latest", args.to_latest)];
    if !scenarios.iter().any(|(_, given)| *given) {
        return Err(CliError::usage("Option [reset-offsets] takes one of these options: [to-datetime], [to-earliest], [to-latest]"));
    }
    for (at, scenario) in scenarios.iter().enumerate() {
        let others: Vec<Given> = scenarios.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, s)| *s).collect();
        refuse(*scenario, &others)?;
    }
    Ok(())
}
