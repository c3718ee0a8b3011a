//! Which options of `consumer-groups` fit together: Kafka's checks, in its order and words.

use super::Args;
use crate::cli::error::{CliError, stderr_line};
use crate::cli::out::Format;
use crate::cli::tool::Context;
use crate::cli::usage::{Given, refuse, require};

const ONE_ACTION: &str =
    "Command must include exactly one action: --list, --describe, --delete, --reset-offsets, --delete-offsets, --validate-regex";
const NO_ACTION: &str = "WARN: No action will be performed as the --execute option is missing. In version 5.0, this command will require \
    either --dry-run or --execute to be specified. You should add the --dry-run option explicitly if you are scripting this command and \
    want to keep the current default behavior without prompting.";
const SCENARIOS: &str = "[[to-datetime], [by-duration], [to-latest], [to-current], [to-earliest], [to-offset], [shift-by], [from-file]]";

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    List,
    Describe(View),
    Delete,
    ResetOffsets,
    DeleteOffsets,
    ValidateRegex(String),
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
    if args.validate_regex.is_none() {
        require(&[("bootstrap-server", args.connection.given(cx))])?;
    }
    let group = ("group", !args.group.is_empty());
    let all_groups = ("all-groups", args.all_groups);
    let some_group = group.1 || all_groups.1;
    let view = describe(args, some_group)?;
    watched(args)?;
    if args.delete {
        need_group("delete", some_group, "[group], [all-groups]")?;
        if !args.topic.is_empty() {
            return Err(CliError::usage("The consumer does not support topic-specific offset deletion from a consumer group."));
        }
    }
    if args.delete_offsets && (!group.1 || args.topic.is_empty()) {
        return Err(CliError::usage("Option [delete-offsets] takes the following options: [group], [topic]"));
    }
    if args.reset_offsets {
        reset(args, some_group)?;
    }
    let topic = ("topic", !args.topic.is_empty());
    refuse(group, &[all_groups, ("list", args.list)])?;
    refuse(topic, &[("list", args.list), ("describe", args.describe)])?;
    let chosen = [
        args.list.then_some(Action::List),
        args.describe.then_some(Action::Describe(view)),
        args.delete.then_some(Action::Delete),
        args.reset_offsets.then_some(Action::ResetOffsets),
        args.delete_offsets.then_some(Action::DeleteOffsets),
        args.validate_regex.clone().map(Action::ValidateRegex),
    ];
    let mut chosen = chosen.into_iter().flatten();
    match (chosen.next(), chosen.next()) {
        (Some(action), None) => Ok(action),
        _ => Err(CliError::usage(ONE_ACTION)),
    }
}

/// Options that only exist beside another one.
fn available(args: &Args) -> Result<(), CliError> {
    let bound: [(Given, bool); 6] = [
        (("members", args.members), args.describe),
        (("offsets", args.offsets), args.describe),
        (("state", args.state.is_some()), args.describe || args.list),
        (("type", args.kind.is_some()), args.list),
        (("verbose", args.verbose), args.describe),
        (("watch", args.watch.is_some()), args.describe),
    ];
    let alone: Vec<&str> = bound.iter().filter(|((_, given), there)| *given && !*there).map(|((name, _), _)| *name).collect();
    if alone.is_empty() {
        return Ok(());
    }
    let text = format!("Option(s) [{}] are unavailable given other options on the command line", alone.join(", "));
    Err(CliError::parse(text).exception("joptsimple.UnavailableOptionException"))
}

/// `--watch` is kfk's own.
fn watched(args: &Args) -> Result<(), CliError> {
    let watch = ("watch", args.watch.is_some());
    refuse(watch, &[("members", args.members), ("state", args.state.is_some())])?;
    match args.output {
        Some(Format::Json | Format::Name) if watch.1 => {
            Err(CliError::usage("--watch does not end, and -o json and -o name do").hint("`-o jsonl` has an object a line"))
        }
        _ => Ok(()),
    }
}

fn need_group(action: &str, some_group: bool, which: &str) -> Result<(), CliError> {
    if some_group {
        return Ok(());
    }
    Err(CliError::usage(format!("Option [{action}] takes one of these options: {which}")))
}

fn describe(args: &Args, some_group: bool) -> Result<View, CliError> {
    if !args.describe {
        return Ok(View::Offsets);
    }
    need_group("describe", some_group, "[group], [all-groups]")?;
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

fn reset(args: &Args, some_group: bool) -> Result<(), CliError> {
    if args.dry_run && args.execute {
        return Err(CliError::usage("Option [reset-offsets] only accepts one of [execute] and [dry-run]"));
    }
    if !args.dry_run && !args.execute {
        stderr_line(NO_ACTION);
    }
    need_group("reset-offsets", some_group, "[all-groups], [group]")?;
    let scenarios: [Given; 8] = [
        ("to-offset", args.to_offset.is_some()),
        ("to-datetime", args.to_datetime.is_some()),
        ("by-duration", args.by_duration.is_some()),
        ("to-earliest", args.to_earliest),
        ("to-latest", args.to_latest),
        ("to-current", args.to_current),
        ("shift-by", args.shift_by.is_some()),
        ("from-file", args.from_file.is_some()),
    ];
    for (at, scenario) in scenarios.iter().enumerate() {
        let others: Vec<Given> = scenarios.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, s)| *s).collect();
        refuse(*scenario, &others)?;
    }
    if args.from_file.is_none() && args.topic.is_empty() && !args.all_topics {
        return Err(CliError::usage("One of the reset scopes should be defined: --all-topics, --topic."));
    }
    if !scenarios.iter().any(|(_, given)| *given) {
        return Err(CliError::usage(format!("Option '[reset-offsets]' requires one of the following scenarios: {SCENARIOS}")));
    }
    Ok(())
}
