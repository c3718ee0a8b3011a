//! The five actions.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Args, FAILED, Moves, OPERATION, Replica, Target, dirs, file, place, throttle};
use crate::cli::error::CliError;
use crate::cli::failure::java_class;
use crate::cli::json_file;
use crate::cli::out::facts::{Column, Facts, number, row, text};
use crate::cli::out::{Format, Out};
use crate::client::admin::{DescribedTopic, Reassignment};
use crate::client::{Admin, Error};
use crate::types::TopicPartition;
use crate::wire::ErrorCode;

const ONE_AT_A_TIME: &str = "Cannot execute because there is an existing partition assignment.  Use --additional to override this and \
                             create a new partition assignment in addition to the existing one. The --additional flag can also be used to \
                             change the throttle by resubmitting the current reassignment.";
const VERIFY: &str = "Warning: You must run --verify periodically, until the reassignment completes, to ensure the throttle is removed.";

fn joined<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// Topics by name. Errors: one does not exist.
async fn topics(admin: &Admin, names: &BTreeSet<String>) -> Result<Vec<DescribedTopic>, CliError> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let found = admin.describe_topics(&names).await?;
    let known = |(name, result): (String, Result<DescribedTopic, Error>)| {
        result.map_err(|e| match e.code() {
            Some(code @ ErrorCode::UnknownTopicOrPartition) => {
                CliError::failed(format!("Topic {name} not found.")).exception(java_class(code))
            }
            _ => e.into(),
        })
    };
    found.into_iter().map(known).collect()
}

fn assignment(topics: &[DescribedTopic]) -> BTreeMap<TopicPartition, Vec<i32>> {
    let each =
        topics.iter().flat_map(|t| t.partitions.iter().map(|p| (TopicPartition::new(t.name.as_str(), p.partition), p.replicas.clone())));
    each.collect()
}

/// The directories of all these replicas, as far as their brokers live and tell.
async fn known_places(admin: &Admin, assignment: &BTreeMap<TopicPartition, Vec<i32>>) -> Result<Moves, CliError> {
    let live: BTreeSet<i32> = admin.describe_cluster().await?.brokers.iter().map(|b| b.id).collect();
    let of = |(tp, ids): (&TopicPartition, &Vec<i32>)| {
        let replica = |broker: &i32| Replica { broker: *broker, partition: tp.clone() };
        ids.iter().filter(|id| live.contains(id)).map(replica).collect::<Vec<_>>()
    };
    let replicas: Vec<Replica> = assignment.iter().flat_map(of).collect();
    let places = dirs::places(admin, replicas.iter()).await?;
    Ok(places.into_iter().filter_map(|(replica, place)| Some((replica, place.current?))).collect())
}

impl Args {
    fn reassignment_file(&self) -> Result<String, CliError> {
        json_file::read(self.reassignment_json_file.as_deref().unwrap_or_else(|| "".as_ref()))
    }

    pub(super) async fn list(&self, admin: &Admin, format: Format, out: &mut Out) -> Result<(), CliError> {
        let found = admin.list_reassignments(None).await?;
        const COLUMNS: &[Column] = &[text("topic"), number("partition"), text("replicas"), text("adding"), text("removing")];
        let row = |(tp, r): (&TopicPartition, &Reassignment)| row![&tp.topic, tp.partition, &r.replicas, &r.adding, &r.removing];
        Facts::new(COLUMNS, found.iter().map(row)).print(out, format, |out| {
            if found.is_empty() {
                return out.line("No partition reassignments found.");
            }
            out.line("Current partition reassignments:")?;
            let part = |what: &str, ids: &[i32]| if ids.is_empty() { String::new() } else { format!(" {what}: {}.", joined(ids)) };
            found.iter().try_for_each(|(tp, r)| {
                let (adding, removing) = (part("adding", &r.adding), part("removing", &r.removing));
                out.line(format!("{tp}: replicas: {}.{adding}{removing}", joined(&r.replicas)))
            })
        })
    }

    pub(super) async fn generate(&self, admin: &Admin, out: &mut Out) -> Result<(), CliError> {
        let path = self.topics_to_move_json_file.as_deref().unwrap_or_else(|| "".as_ref());
        let wanted = file::topics(&json_file::read(path)?)?;
        let ids = file::brokers(self.broker_list.as_deref().unwrap_or_default())?;
        let found = topics(admin, &wanted).await?;
        let brokers = self.places(admin, &ids).await?;
        let mut seed = [0u8; 8];
        // Where it begins does not matter; it only should not always be the same broker.
        let _ = getrandom::fill(&mut seed);
        let seed = u64::from_ne_bytes(seed) as usize;
        let mut proposed = BTreeMap::new();
        for topic in &found {
            let factor = topic.partitions.first().map_or(0, |p| p.replicas.len());
            let count = brokers.len().max(1);
            let placed = place::replicas(&brokers, topic.partitions.len(), factor, seed % count, (seed >> 8) % count)?;
            let rows = topic.partitions.iter().zip(placed);
            proposed.extend(rows.map(|(p, ids)| (TopicPartition::new(topic.name.as_str(), p.partition), ids)));
        }
        let current = assignment(&found);
        let places = known_places(admin, &current).await?;
        out.line(format!("Current partition replica assignment\n{}\n", file::written(&current, &places)))?;
        out.line(format!("Proposed partition reassignment configuration\n{}", file::written(&proposed, &Moves::new())))
    }

    /// The brokers of the list that are there, with their racks if these count.
    async fn places(&self, admin: &Admin, ids: &[i32]) -> Result<Vec<place::Place>, CliError> {
        let there = admin.describe_cluster().await?.brokers;
        let rack = |rack: Option<String>| rack.filter(|_| !self.disable_rack_aware);
        let brokers: Vec<place::Place> = there.into_iter().filter(|b| ids.contains(&b.id)).map(|b| (b.id, rack(b.rack))).collect();
        let without = brokers.iter().filter(|(_, rack)| rack.is_none()).count();
        if !self.disable_rack_aware && without != 0 && without != brokers.len() {
            const MIXED: &str = "Not all brokers have rack information. Add --disable-rack-aware in command line to make replica assignment \
                                 without rack information.";
            return Err(CliError::failed(MIXED).exception(OPERATION));
        }
        Ok(brokers)
    }

    pub(super) async fn execute(&self, admin: &Admin, out: &mut Out) -> Result<(), CliError> {
        let (proposed, moves) = file::executable(&self.reassignment_file()?)?;
        let ongoing = admin.list_reassignments(None).await?;
        if !self.additional && !ongoing.is_empty() {
            return Err(CliError::failed(ONE_AT_A_TIME));
        }
        let known: BTreeSet<i32> = admin.describe_cluster().await?.brokers.iter().map(|b| b.id).collect();
        if let Some(unknown) = proposed.values().flatten().find(|id| !known.contains(id)) {
            return Err(CliError::failed(format!("Unknown broker id {unknown}")).exception(FAILED));
        }
        let mut current = assignment(&topics(admin, &proposed.keys().map(|tp| tp.topic.clone()).collect()).await?);
        current.retain(|tp, _| proposed.contains_key(tp));
        let missing: Vec<String> = proposed.keys().filter(|tp| !current.contains_key(tp)).map(ToString::to_string).collect();
        if !missing.is_empty() {
            let error = CliError::failed(format!("Unable to find partition: {}", missing.join(", ")));
            return Err(error.exception(java_class(ErrorCode::UnknownTopicOrPartition)));
        }
        let places = known_places(admin, &current).await?;
        out.line(format!("Current partition replica assignment\n\n{}\n", file::written(&current, &places)))?;
        out.line("Save this to use as the --reassignment-json-file option during rollback")?;
        let (between_brokers, between_dirs) = (self.throttle.unwrap_or(-1), self.replica_alter_log_dirs_throttle.unwrap_or(-1));
        if between_brokers >= 0 || between_dirs >= 0 {
            out.line(VERIFY)?;
        }
        if between_brokers >= 0 {
            throttle::between_brokers(admin, &throttle::ways(&ongoing, &proposed, &current), between_brokers, out).await?;
        }
        if between_dirs >= 0 {
            throttle::between_dirs(admin, &moves.keys().map(|r| r.broker).collect(), between_dirs, out).await?;
        }
        let targets = proposed.into_iter().map(|(tp, replicas)| (tp, Some(replicas))).collect();
        let names = alter(admin, &targets, !self.disallow_replication_factor_change, "Error reassigning partition(s):").await?;
        let s = if names.len() == 1 { "" } else { "s" };
        out.line(format!("Successfully started partition reassignment{s} for {}", names.join(",")))?;
        match moves.is_empty() {
            true => Ok(()),
            false => dirs::send(admin, &moves, self.patience(), out).await,
        }
    }

    fn patience(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.timeout.unwrap_or(10_000)).unwrap_or(0))
    }

    pub(super) async fn verify(&self, admin: &Admin, out: &mut Out) -> Result<(), CliError> {
        let (targets, moves) = file::assignment(&self.reassignment_file()?)?;
        let ongoing = admin.list_reassignments(None).await?;
        let asked: BTreeSet<String> =
            targets.iter().filter(|t| !ongoing.contains_key(&t.partition)).map(|t| t.partition.topic.clone()).collect();
        let current = current(admin, &asked).await?;
        out.line("Status of partition reassignment:")?;
        // Of a partition that is there twice the last target counts.
        let targets_by_name: BTreeMap<&TopicPartition, &Target> = targets.iter().map(|t| (&t.partition, t)).collect();
        for (tp, target) in targets_by_name {
            let replicas = current.get(tp).cloned().unwrap_or_default();
            out.line(match ongoing.contains_key(tp) {
                true => format!("Reassignment of partition {tp} is still in progress."),
                false if replicas == target.replicas => format!("Reassignment of partition {tp} is completed."),
                false => {
                    let (is, wanted) = (joined(&replicas), joined(&target.replicas));
                    format!("There is no active reassignment of partition {tp}, but replica set is {is} rather than {wanted}.")
                }
            })?;
        }
        let places = dirs::places(admin, moves.keys()).await?;
        let told: Vec<(String, bool)> = moves.iter().map(|(replica, dir)| dirs::told(replica, places.get(replica), dir)).collect();
        out.line(told.iter().map(|(line, _)| line.as_str()).collect::<Vec<_>>().join("\n"))?;
        match ongoing.is_empty() && !told.iter().any(|(_, moving)| *moving) && !self.preserve_throttles {
            true => throttle::clear(admin, &targets, out).await,
            false => Ok(()),
        }
    }

    pub(super) async fn cancel(&self, admin: &Admin, out: &mut Out) -> Result<(), CliError> {
        let (targets, moves) = file::assignment(&self.reassignment_file()?)?;
        let named: Vec<TopicPartition> = targets.iter().map(|t| t.partition.clone()).collect();
        let ongoing = admin.list_reassignments(Some(&named)).await?;
        if ongoing.is_empty() {
            out.line("None of the specified partition reassignments are active.")?;
        } else {
            let s = if ongoing.len() == 1 { "" } else { "s" };
            let none = ongoing.into_keys().map(|tp| (tp, None)).collect();
            let names = alter(admin, &none, true, &format!("Error cancelling partition reassignment{s} for:")).await?;
            out.line(format!("Successfully cancelled partition reassignment{s} for: {}", names.join(",")))?;
        }
        let places = dirs::places(admin, moves.keys()).await?;
        let back = |(replica, place): (&Replica, &crate::client::admin::ReplicaPlace)| {
            place.future.as_ref().and(place.current.clone()).map(|current| (replica.clone(), current))
        };
        let back: Moves = places.iter().filter_map(back).collect();
        if back.is_empty() {
            // Kafka's tool ends no line here.
            out.bytes(b"None of the specified partition moves are active.")?;
        } else {
            dirs::send(admin, &back, self.patience(), out).await?;
        }
        if self.preserve_throttles {
            return Ok(());
        }
        throttle::clear(admin, &targets, out).await
    }
}

/// Where the replicas of topics are; a topic that does not exist has none.
async fn current(admin: &Admin, names: &BTreeSet<String>) -> Result<BTreeMap<TopicPartition, Vec<i32>>, CliError> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut found = Vec::new();
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    for (_, result) in admin.describe_topics(&names).await? {
        match result {
            Ok(topic) => found.push(topic),
            Err(e) if e.code() == Some(ErrorCode::UnknownTopicOrPartition) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(assignment(&found))
}

/// Gives the names of the partitions, in order. Errors: what was refused, a line each, after `what`.
async fn alter(
    admin: &Admin,
    targets: &BTreeMap<TopicPartition, Option<Vec<i32>>>,
    another_factor: bool,
    what: &str,
) -> Result<Vec<String>, CliError> {
    let results = admin.alter_reassignments(targets, another_factor).await?;
    let failed: Vec<String> = results.iter().filter_map(|(tp, r)| Some(format!("{tp}: {}", r.as_ref().err()?))).collect();
    match failed.is_empty() {
        true => Ok(targets.keys().map(ToString::to_string).collect()),
        false => Err(CliError::failed(format!("{what}\n{}", failed.join("\n")))),
    }
}
