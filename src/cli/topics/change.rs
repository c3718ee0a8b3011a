//! `--create`, `--alter` and `--delete`.

use std::collections::{BTreeMap, BTreeSet};

use super::Args;
use super::select::{must_exist, topics};
use crate::cli::error::CliError;
use crate::cli::tool::Context;
use crate::client::Error;
use crate::client::admin::{Admin, NewPartitions, NewTopic};
use crate::config::{Values, validate_topic};
use crate::wire::ErrorCode;

const ILLEGAL: &str = "java.lang.IllegalArgumentException";
const COLLISION: &str = "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could collide. To avoid \
    issues it is best to use either, but not both.";

/// What `--create` asks for, checked as far as that goes without a broker.
pub(super) fn new_topic(args: &Args, cx: &Context) -> Result<NewTopic, CliError> {
    let name = args.topic.clone().unwrap_or_default();
    let assignments = assignments(args)?;
    let configs = configs(&args.config)?;
    if name.contains(['.', '_']) {
        cx.say(COLLISION)?;
    }
    let illegal = |text: &str| CliError::failed(text).exception(ILLEGAL);
    let replication_factor = args
        .replication_factor
        .map(|n| i16::try_from(n).ok().filter(|n| *n >= 1))
        .map(|n| n.ok_or_else(|| illegal("The replication factor must be between 1 and 32767 inclusive")))
        .transpose()?;
    if args.partitions.is_some_and(|n| n < 1) {
        return Err(illegal("The partitions must be greater than 0"));
    }
    if name.is_empty() {
        return Err(CliError::failed("The given topic name '' cannot be represented in a request.")
            .exception("org.apache.kafka.common.errors.InvalidTopicException"));
    }
    let assignments = (0..).zip(assignments).collect();
    Ok(NewTopic { name, partitions: args.partitions, replication_factor, assignments, configs })
}

/// The brokers of each partition, from `1:2,2:1`. Empty if the option was not given.
fn assignments(args: &Args) -> Result<Vec<Vec<i32>>, CliError> {
    let text = args.replica_assignment.as_deref().unwrap_or_default().trim_end_matches(',');
    let mut all: Vec<Vec<i32>> = Vec::new();
    for (at, partition) in text.split(',').filter(|_| !text.is_empty()).enumerate() {
        let brokers: Vec<i32> = partition.trim_end_matches(':').split(':').map(broker_id).collect::<Result<_, _>>()?;
        let mut seen = BTreeSet::new();
        let twice: BTreeSet<i32> = brokers.iter().copied().filter(|b| !seen.insert(*b)).collect();
        if !twice.is_empty() {
            let shown: Vec<String> = twice.iter().map(i32::to_string).collect();
            let message = format!("Partition replica lists may not contain duplicate entries: {}", shown.join(","));
            return Err(CliError::failed(message).exception("org.apache.kafka.tools.AdminCommandFailedException"));
        }
        if all.first().is_some_and(|first| first.len() != brokers.len()) {
            let message = format!("Partition {at} has different replication factor: {brokers:?}");
            return Err(CliError::failed(message).exception("org.apache.kafka.server.common.AdminOperationException"));
        }
        all.push(brokers);
    }
    Ok(all)
}

fn broker_id(text: &str) -> Result<i32, CliError> {
    let text = text.trim();
    text.parse().map_err(|_| CliError::failed(format!("For input string: \"{text}\"")).exception("java.lang.NumberFormatException"))
}

/// `name=value` settings, checked against Kafka's topic settings.
fn configs(given: &[String]) -> Result<BTreeMap<String, String>, CliError> {
    let mut all = Values::new();
    for text in given {
        match text.split_once('=') {
            Some((name, value)) if !value.trim().is_empty() => all.insert(name.trim().to_owned(), value.trim().to_owned()),
            _ => {
                let message = "requirement failed: Invalid topic config: all configs to be added must be in the format \"key=val\".";
                return Err(CliError::failed(message).exception(ILLEGAL));
            }
        };
    }
    validate_topic(&all).map_err(|e| {
        let text = e.to_string();
        let unknown = text.starts_with("Unknown topic config name");
        let class = if unknown { "errors.InvalidConfigurationException" } else { "config.ConfigException" };
        CliError::failed(text).exception(format!("org.apache.kafka.common.{class}"))
    })?;
    Ok(all)
}

/// Creates the topic.
pub(super) async fn create(admin: &Admin, topic: &NewTopic, args: &Args, cx: &Context) -> Result<(), CliError> {
    let results = admin.create_topics(std::slice::from_ref(topic), false).await?;
    for (name, result) in results {
        match result {
            Ok(_) => cx.say(format!("Created topic {name}."))?,
            Err(e) if args.if_not_exists && e.code() == Some(ErrorCode::TopicAlreadyExists) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
}

/// Adds partitions.
pub(super) async fn alter(admin: &Admin, args: &Args, cx: &Context) -> Result<(), CliError> {
    let assignments = assignments(args)?;
    let found = topics(admin, args.topic.as_deref(), args.exclude_internal, cx).await?;
    must_exist(&found, args.topic.as_deref(), args.if_exists)?;
    let count = args.partitions.unwrap_or_default();
    // The assignment names all partitions, those that are there included.
    let new = |t: &crate::client::admin::TopicListing| NewPartitions {
        topic: t.name.clone(),
        count,
        assignments: (!assignments.is_empty()).then(|| assignments.iter().skip(t.partitions).cloned().collect()),
    };
    let wanted: Vec<NewPartitions> = found.iter().map(new).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    each_succeeded(admin.create_partitions(&wanted).await?, "cannot add partitions to")
}

/// Deletes topics.
pub(super) async fn delete(admin: &Admin, args: &Args, cx: &Context) -> Result<(), CliError> {
    let found = topics(admin, args.topic.as_deref(), args.exclude_internal, cx).await?;
    must_exist(&found, args.topic.as_deref(), args.if_exists)?;
    if found.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = found.iter().map(|t| t.name.as_str()).collect();
    each_succeeded(admin.delete_topics(&names).await?, "cannot delete")
}

/// The first failure; further ones become its cause, so that none is lost.
fn each_succeeded(results: Vec<(String, Result<(), Error>)>, what: &str) -> Result<(), CliError> {
    let mut failed = results.into_iter().filter_map(|(name, result)| result.err().map(|e| (name, e)));
    let Some((_, first)) = failed.next() else { return Ok(()) };
    let others: Vec<String> = failed.map(|(name, e)| format!("{what} {name}: {e}")).collect();
    let error = CliError::from(first);
    Err(if others.is_empty() { error } else { error.cause(others.join("; ")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(assignment: &str) -> Args {
        Args { replica_assignment: Some(assignment.into()), ..Args::default() }
    }

    #[test]
    fn assignments_are_read_and_checked() {
        assert_eq!(assignments(&args("1:2,2:1")).unwrap(), [[1, 2], [2, 1]]);
        assert!(assignments(&Args::default()).unwrap().is_empty());
        assert_eq!(assignments(&args("a:b")).unwrap_err().message, "For input string: \"a\"");
        assert!(assignments(&args("1,1:1")).unwrap_err().message.ends_with("duplicate entries: 1"));
        assert!(assignments(&args("1,1:2")).unwrap_err().message.contains("different replication factor: [1, 2]"));
    }

    #[test]
    fn settings_are_checked_before_the_broker_is_asked() {
        assert!(configs(&["retention.ms".into()]).unwrap_err().message.contains("key=val"));
        let unknown = configs(&["no.such=1".into()]).unwrap_err();
        assert_eq!(unknown.java.class, "org.apache.kafka.common.errors.InvalidConfigurationException");
        assert_eq!(configs(&["retention.ms = 5".into()]).unwrap()["retention.ms"], "5");
    }
}
