//! `--describe`: what the brokers know of share groups, gathered per group and then rendered.

use std::collections::BTreeSet;

use super::Args;
use super::check::View;
use super::{list, render};
use crate::cli::consumer_groups::group::Coordinator;
use crate::cli::error::{CliError, stderr_line};
use crate::cli::failure::java_class;
use crate::cli::out::{Format, Out};
use crate::cli::tool::Context;
use crate::client::Error;
use crate::client::admin::{Admin, ShareGroup, ShareGroupMember, ShareGroupOffset};
use crate::types::TopicPartition;
use crate::wire::ErrorCode;

const EXECUTION: &str = "java.util.concurrent.ExecutionException";

/// A described group.
#[derive(Debug)]
pub(super) struct Group {
    pub found: ShareGroup,
    pub coordinator: Coordinator,
    /// Where it is in partitions, `None` where it has not begun. Only gathered where it is shown.
    pub offsets: Vec<(TopicPartition, Option<ShareGroupOffset>)>,
}

/// Prints groups.
pub(super) async fn describe(admin: &Admin, args: &Args, view: View, cx: &Context) -> Result<(), CliError> {
    let groups = gather(admin, args, view).await?;
    let mut out = Out::stdout();
    let format = Format::pick(args.output, cx);
    render::facts(&groups, view).print(&mut out, format, |out| plain(out, &groups, view, args.verbose))?;
    out.flush()
}

/// The groups asked for, sorted by name; any that does not exist is an error.
async fn gather(admin: &Admin, args: &Args, view: View) -> Result<Vec<Group>, CliError> {
    let ids: BTreeSet<String> = match args.all_groups {
        true => list::groups(admin, &[]).await?.into_iter().map(|g| g.group).collect(),
        false => args.group.iter().cloned().collect(),
    };
    let mut groups = Vec::new();
    for id in ids {
        let coordinator = Coordinator::of(admin, &id).await?;
        let mut found = find(admin, &id).await.map_err(|e| e.wrapped_in(EXECUTION))?;
        found.members.sort_by(|a, b| a.member_id.cmp(&b.member_id));
        let mut offsets = Vec::new();
        if view == View::Offsets {
            for (tp, result) in admin.share_group_offsets(&id, None).await? {
                offsets.push((tp, result?));
            }
        }
        groups.push(Group { found, coordinator, offsets });
    }
    Ok(groups)
}

/// The group. Errors: it does not exist, or is no share group.
pub(super) async fn find(admin: &Admin, id: &str) -> Result<ShareGroup, CliError> {
    match admin.describe_share_group(id).await {
        Ok(found) => Ok(found),
        Err(Error::Broker { code: ErrorCode::GroupIdNotFound, message }) => {
            let message = message.unwrap_or_else(|| format!("Group {id} not found."));
            Err(CliError::failed(message)
                .cause(format!("{} ({})", ErrorCode::GroupIdNotFound.name(), ErrorCode::GroupIdNotFound.code()))
                .exception(java_class(ErrorCode::GroupIdNotFound))
                .hint("`kfk share-groups --list` shows the share groups there are"))
        }
        Err(e) => Err(e.into()),
    }
}

/// Partitions of a member, sorted.
pub(super) fn partitions(member: &ShareGroupMember) -> Vec<TopicPartition> {
    let each = member.assignment.topic_partitions.iter();
    let mut all: Vec<_> = each.flat_map(|t| t.partitions.iter().map(|p| TopicPartition::new(&t.topic_name, *p))).collect();
    all.sort();
    all
}

fn plain(out: &mut Out, groups: &[Group], view: View, verbose: bool) -> Result<(), CliError> {
    for group in groups {
        // Each stream in its own order, and both as close together as they are in Kafka's tool.
        out.flush()?;
        let id = &group.found.group_id;
        if view != View::Offsets && group.found.group_state == "Empty" {
            stderr_line(format!("\nShare group '{id}' has no active members."));
        }
        match view {
            View::Offsets if group.offsets.is_empty() => out.line(format!("\nShare group '{id}' has no offset information."))?,
            View::Offsets => render::offsets(out, group, verbose)?,
            View::Members if group.found.members.is_empty() => {}
            View::Members => render::members(out, group, verbose)?,
            View::State => render::state(out, group, verbose)?,
        }
    }
    Ok(())
}
