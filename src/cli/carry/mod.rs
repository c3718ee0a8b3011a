//! `kfk record`, `kfk replay`, `kfk copy`: topics into a file and back, and from one cluster to another.

pub mod copy;
mod file;
pub mod record;
pub mod replay;
mod sending;
mod stop;
mod topics;

use std::collections::BTreeMap;

use super::connect::Properties;
use super::error::CliError;
use crate::cli::connect::set_default;
use crate::client::{Consumer, ConsumerConfig};
use crate::types::TopicPartition;

/// A consumer for whole topics. Records of transactions that were aborted are left out: they never happened.
fn consumer(mut properties: Properties) -> Result<Consumer, CliError> {
    for (key, value) in [
        ("isolation.level", "read_committed"),
        ("auto.offset.reset", "earliest"),
        ("enable.auto.commit", "false"),
        ("max.poll.records", "5000"),
        ("allow.auto.create.topics", "false"),
    ] {
        set_default(&mut properties, key, value);
    }
    properties.retain(|(key, _)| key != "group.id");
    let config = ConsumerConfig::parse(&properties.into_iter().collect()).map_err(|e| CliError::config(e.to_string()))?;
    Ok(Consumer::new(config)?)
}

/// All partitions of topics, which must exist.
async fn partitions(consumer: &Consumer, topics: &[String]) -> Result<Vec<TopicPartition>, CliError> {
    let mut all = Vec::new();
    for topic in topics {
        let found = consumer.client().topic(topic, false).await.map_err(|e| topics::missing(e, topic))?;
        all.extend(found.partitions.iter().map(|p| TopicPartition::new(topic, p.partition)));
    }
    Ok(all)
}

/// The names in `--topic`, which may be given several times and hold commas.
fn names(given: &[String]) -> Result<Vec<String>, CliError> {
    let names: Vec<String> = given.iter().flat_map(|t| t.split(',')).filter(|t| !t.is_empty()).map(str::to_owned).collect();
    if names.is_empty() { Err(CliError::usage("Missing required argument \"[topic]\"")) } else { Ok(names) }
}

/// How many records there are in stretches, at most.
fn total(stretches: &BTreeMap<TopicPartition, (i64, i64)>) -> u64 {
    stretches.values().map(|(start, end)| u64::try_from(end - start).unwrap_or(0)).sum()
}
