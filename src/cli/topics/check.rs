//! Which options of `topics` fit together: Kafka's checks, in its order and words.

use super::{Action, Args};
use crate::cli::error::{CliError, stderr_line};
use crate::cli::tool::Context;
use crate::cli::usage::{Given, refuse, require};

const ONE_ACTION: &str = "Command must include exactly one action: --list, --describe, --create, --alter or --delete";

/// The action asked for, if the options make sense together.
pub(super) fn check(args: &Args, cx: &Context) -> Result<Action, CliError> {
    let flags = [
        (args.list, Action::List),
        (args.create, Action::Create),
        (args.delete, Action::Delete),
        (args.alter, Action::Alter),
        (args.describe, Action::Describe),
    ];
    let mut chosen = flags.iter().filter(|(given, _)| *given).map(|(_, action)| *action);
    let (Some(action), None) = (chosen.next(), chosen.next()) else { return Err(CliError::usage(ONE_ACTION)) };
    if args.delete_config.is_some() {
        stderr_line(
            "delete-config option is no longer supported and deprecated since version 4.0. \
             The config will be fully removed in future releases.",
        );
    }
    required(args, action, cx)?;
    allowed(args, action)?;
    Ok(action)
}

fn required(args: &Args, action: Action, cx: &Context) -> Result<(), CliError> {
    if !args.connection.given(cx) {
        return Err(CliError::parse("--bootstrap-server must be specified").exception("java.lang.IllegalArgumentException"));
    }
    if action == Action::Describe && args.if_exists && args.topic.is_none() && args.topic_id.is_none() {
        return Err(CliError::usage("--topic or --topic-id is required to describe a topic"));
    }
    if !matches!(action, Action::List | Action::Describe) {
        require(&[("topic", args.topic.is_some())])?;
    }
    if action == Action::Alter {
        if !args.config.is_empty() {
            return Err(CliError::usage(
                "Option combination \"[[config], [bootstrap-server]]\" can't be used with option \"[alter]\" \
                 (To alter topic configurations, the kafka-configs tool can be used.)",
            ));
        }
        require(&[("partitions", args.partitions.is_some())])?;
    }
    Ok(())
}

/// Each option, and the actions it may stand with.
fn allowed(args: &Args, action: Action) -> Result<(), CliError> {
    use Action::*;
    let partitions = ("partitions", args.partitions.is_some());
    let factor = ("replication-factor", args.replication_factor.is_some());
    let assignment = ("replica-assignment", args.replica_assignment.is_some());
    let with = |used: Given, actions: &[Action]| refuse(used, &[(name(action), !actions.contains(&action))]);
    with(("config", !args.config.is_empty()), &[Alter, Create])?;
    with(partitions, &[Alter, Create])?;
    with(factor, &[Create])?;
    with(assignment, &[Alter, Create])?;
    if action == Create {
        refuse(assignment, &[partitions, factor])?;
    }
    let reports = [
        ("under-replicated-partitions", args.under_replicated_partitions),
        ("under-min-isr-partitions", args.under_min_isr_partitions),
        ("at-min-isr-partitions", args.at_min_isr_partitions),
        ("unavailable-partitions", args.unavailable_partitions),
    ];
    let overrides = ("topics-with-overrides", args.topics_with_overrides);
    for report in reports {
        with(report, &[Describe])?;
        refuse(report, &[overrides])?;
    }
    with(overrides, &[Describe])?;
    with(("long", args.long), &[List])?;
    with(("if-exists", args.if_exists), &[Alter, Delete, Describe])?;
    with(("if-not-exists", args.if_not_exists), &[Create])?;
    with(("exclude-internal", args.exclude_internal), &[List, Describe])
}

fn name(action: Action) -> &'static str {
    match action {
        Action::List => "list",
        Action::Create => "create",
        Action::Delete => "delete",
        Action::Alter => "alter",
        Action::Describe => "describe",
    }
}
