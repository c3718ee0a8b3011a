//! `--delete` and `--delete-offsets`.

use std::collections::BTreeSet;

use super::Args;
use super::list::{self, Filter};
use super::plan::TopicArg;
use super::reset::tell_error;
use crate::cli::error::CliError;
use crate::cli::out::facts::{Column, Facts, number, row, text};
use crate::cli::out::plain::row as padded;
use crate::cli::out::{Format, Out};
use crate::cli::tool::{Context, Exit};
use crate::client::Error;
use crate::client::admin::Admin;
use crate::types::TopicPartition;
use crate::wire::ErrorCode;

/// Deletes groups; each succeeds or fails alone.
pub(super) async fn delete_groups(admin: &Admin, args: &Args, cx: &Context) -> Result<Exit, CliError> {
    let ids: Vec<String> = match args.all_groups {
        true => list::groups(admin, &Filter::default()).await?.into_iter().map(|g| g.group).collect(),
        // In the order given, each once.
        false => {
            let mut seen = BTreeSet::new();
            args.group.iter().filter(|id| seen.insert((*id).clone())).cloned().collect()
        }
    };
    let names: Vec<&str> = ids.iter().map(String::as_str).collect();
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    for (id, result) in admin.delete_groups(&names).await? {
        match result {
            Ok(()) => done.push(format!("'{id}'")),
            Err(e) => failed.push((id, CliError::from(e))),
        }
    }
    if failed.is_empty() {
        cx.say(format!("Deletion of requested consumer groups ({}) was successful.", done.join(", ")))?;
        return Ok(Exit::OK);
    }
    tell_error("Deletion of some consumer groups failed:", cx)?;
    for (id, e) in &failed {
        let reason = if cx.is_kafka() { e.as_java() } else { e.message.clone() };
        cx.say(format!("* Group '{id}' could not be deleted due to: {reason}"))?;
    }
    if !done.is_empty() {
        cx.say(format!("\nThese consumer groups were deleted successfully: {}", done.join(", ")))?;
    }
    Ok(if cx.is_kafka() { Exit::OK } else { Exit::FAILED })
}

/// What became of a partition, `None` for a topic that has none.
type Fate = (String, Option<i32>, Result<(), Error>);

/// Forgets the offsets of a group for topics.
pub(super) async fn delete_offsets(admin: &Admin, args: &Args, cx: &Context) -> Result<Exit, CliError> {
    let group = args.group.first().map(String::as_str).unwrap_or_default();
    let (partitions, mut fates) = partitions(admin, &TopicArg::read_all(&args.topic)?).await?;
    let (overall, each) = match admin.delete_group_offsets(group, &partitions).await {
        Ok(results) => {
            let worst = results.values().find_map(|r| r.as_ref().err().cloned());
            (worst, results)
        }
        Err(e) if e.code().is_some() => (Some(e.clone()), partitions.iter().map(|tp| (tp.clone(), Err(e.clone()))).collect()),
        Err(e) => return Err(e.into()),
    };
    fates.extend(each.into_iter().map(|(tp, result)| (tp.topic, Some(tp.partition), result)));
    fates.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    let failed = overall.is_some() || fates.iter().any(|(_, _, result)| result.is_err());
    let partial = [ErrorCode::GroupSubscribedToTopic, ErrorCode::TopicAuthorizationFailed, ErrorCode::UnknownTopicOrPartition];
    match overall {
        None => cx.say(format!("Request succeeded for deleting offsets from group {group}."))?,
        Some(e) if e.code().is_some_and(|code| partial.contains(&code)) => {
            tell_error("Encountered some partition-level error, see the follow-up details.", cx)?;
        }
        Some(e) => tell_error(&e.to_string(), cx)?,
    }
    print(args, &fates, cx)?;
    Ok(if failed && !cx.is_kafka() { Exit::FAILED } else { Exit::OK })
}

/// The partitions meant, and the topics that do not exist.
async fn partitions(admin: &Admin, topics: &[TopicArg]) -> Result<(Vec<TopicPartition>, Vec<Fate>), CliError> {
    let (mut all, mut missing) = (BTreeSet::new(), Vec::new());
    let mut whole: Vec<&str> = Vec::new();
    for arg in topics {
        match arg {
            TopicArg::All(topic) => whole.push(topic),
            TopicArg::Some(some) => all.extend(some.iter().cloned()),
        }
    }
    let described = if whole.is_empty() { Vec::new() } else { admin.describe_topics(&whole).await? };
    for (name, result) in described {
        match result {
            Ok(topic) => all.extend(topic.partitions.iter().map(|p| TopicPartition::new(&name, p.partition))),
            Err(e) => missing.push((name, None, Err(e))),
        }
    }
    Ok((all.into_iter().collect(), missing))
}

fn print(args: &Args, fates: &[Fate], cx: &Context) -> Result<(), CliError> {
    let status = |result: &Result<(), Error>| match result {
        Ok(()) => "Successful".to_owned(),
        Err(e) if cx.is_kafka() => format!("Error: {}", CliError::from(e.clone()).as_java()),
        Err(e) => format!("Error: {e}"),
    };
    let partition = |number: &Option<i32>| number.map_or_else(|| "-".to_owned(), |n| n.to_string());
    let mut out = Out::stdout();
    const COLUMNS: &[Column] = &[text("topic"), number("partition"), text("error")];
    let row = |(topic, number, result): &Fate| row![topic, *number, result.as_ref().err().map(ToString::to_string)];
    Facts::new(COLUMNS, fates.iter().map(row)).print(&mut out, Format::pick(args.output, cx), |out| {
        let wide = fates.iter().map(|(topic, _, _)| topic.chars().count()).fold(15, usize::max);
        let line = |topic: &str, partition: &str, status: &str| padded(&[(topic, wide), (partition, 10), (status, 15)]);
        out.line("")?;
        out.line(line("TOPIC", "PARTITION", "STATUS"))?;
        fates.iter().try_for_each(|(topic, number, result)| out.line(line(topic, &partition(number), &status(result))))
    })?;
    out.flush()
}
