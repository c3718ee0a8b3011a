//! `--delete` and `--delete-offsets`.

use std::collections::{BTreeMap, BTreeSet};

use super::Args;
use super::list;
use crate::cli::consumer_groups::reset::tell_error;
use crate::cli::error::CliError;
use crate::cli::failure::java_class;
use crate::cli::out::facts::{Column, Facts, row, text};
use crate::cli::out::plain::row as padded;
use crate::cli::out::{Format, Out};
use crate::cli::tool::{Context, Exit};
use crate::client::Error;
use crate::client::admin::{Admin, GroupListing};
use crate::wire::ErrorCode;

/// Deletes groups; each succeeds or fails alone.
pub(super) async fn delete_groups(admin: &Admin, args: &Args, cx: &Context) -> Result<Exit, CliError> {
    let known = list::groups(admin, &[]).await?;
    let ids: Vec<&str> = match args.all_groups {
        true => known.iter().map(|g| g.group.as_str()).collect(),
        // In the order given, each once.
        false => {
            let mut seen = BTreeSet::new();
            args.group.iter().map(String::as_str).filter(|id| seen.insert(*id)).collect()
        }
    };
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    for id in ids {
        let result = match refusal(id, &known) {
            Some(why) => Err(why),
            None => admin.delete_groups(&[id]).await?.into_iter().try_for_each(|(_, result)| result.map_err(CliError::from)),
        };
        match result {
            Ok(()) => done.push(format!("'{id}'")),
            Err(e) => failed.push((id, e)),
        }
    }
    if failed.is_empty() {
        cx.say(format!("Deletion of requested share groups ({}) was successful.", done.join(", ")))?;
        return Ok(Exit::OK);
    }
    tell_error("Deletion of some share groups failed:", cx)?;
    for (id, e) in &failed {
        let reason = if cx.is_kafka() { e.as_java() } else { e.message.clone() };
        cx.say(format!("* Group '{id}' could not be deleted due to: {reason}"))?;
    }
    if !done.is_empty() {
        cx.say(format!("\nThese share groups were deleted successfully: {}", done.join(", ")))?;
    }
    Ok(if cx.is_kafka() { Exit::OK } else { Exit::FAILED })
}

/// Why a group cannot be deleted, as far as that is seen before it is tried: a group of another type must not be.
fn refusal(id: &str, known: &[GroupListing]) -> Option<CliError> {
    match known.iter().find(|g| g.group == id).map(|g| g.state.as_str()) {
        None => Some(CliError::failed(format!("Group '{id}' is not a share group.")).exception("java.lang.IllegalArgumentException")),
        Some("Dead") => {
            Some(CliError::failed(format!("Share group '{id}' group state is DEAD.")).exception("java.lang.IllegalStateException"))
        }
        Some("Empty" | "") => None,
        Some(_) => Some(CliError::failed(format!("Share group '{id}' is not EMPTY.")).exception(java_class(ErrorCode::NonEmptyGroup))),
    }
}

/// What became of each topic.
type Fates = BTreeMap<String, Result<(), Error>>;

/// Forgets where a group stands in topics.
pub(super) async fn delete_offsets(admin: &Admin, args: &Args, cx: &Context) -> Result<Exit, CliError> {
    let topics: BTreeSet<&str> = args.topic.iter().map(String::as_str).collect();
    let topics: Vec<&str> = topics.into_iter().collect();
    let (overall, fates) = match admin.delete_share_group_offsets(args.one_group(), &topics).await {
        Ok(fates) => (fates.values().find_map(|r| r.as_ref().err().cloned()), fates),
        Err(e) if e.code().is_some() => (Some(e.clone()), topics.iter().map(|t| (t.to_string(), Err(e.clone()))).collect()),
        Err(e) => return Err(e.into()),
    };
    let told_below = [ErrorCode::TopicAuthorizationFailed, ErrorCode::UnknownTopicOrPartition];
    let plainly = [ErrorCode::InvalidGroupId, ErrorCode::GroupIdNotFound, ErrorCode::GroupAuthorizationFailed, ErrorCode::NonEmptyGroup];
    match overall.as_ref().map(|e| (e, e.code())) {
        None => {}
        Some((_, Some(code))) if told_below.contains(&code) => {}
        Some((e, Some(code))) if plainly.contains(&code) => tell_error(&e.to_string(), cx)?,
        Some((e, _)) => tell_error(&format!("Encounter some unknown error: {}", CliError::from(e.clone()).as_java()), cx)?,
    }
    print(args, &fates, cx)?;
    Ok(if overall.is_some() && !cx.is_kafka() { Exit::FAILED } else { Exit::OK })
}

fn print(args: &Args, fates: &Fates, cx: &Context) -> Result<(), CliError> {
    let status = |result: &Result<(), Error>| result.as_ref().map_or_else(|e| format!("Error: {e}"), |()| "Successful".to_owned());
    let mut out = Out::stdout();
    const COLUMNS: &[Column] = &[text("topic"), text("error")];
    let row = |(topic, result): (&String, &Result<(), Error>)| row![topic, result.as_ref().err().map(ToString::to_string)];
    Facts::new(COLUMNS, fates.iter().map(row)).print(&mut out, Format::pick(args.output, cx), |out| {
        let wide = fates.keys().map(|topic| topic.chars().count()).fold(15, usize::max);
        out.line("")?;
        out.line(padded(&[("TOPIC", wide), ("STATUS", 0)]))?;
        fates.iter().try_for_each(|(topic, result)| out.line(padded(&[(topic, wide), (&status(result), 0)])))
    })?;
    out.flush()
}
