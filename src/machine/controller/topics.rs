//! Creating, growing and deleting topics (T1 to T11).

use std::collections::{BTreeMap, BTreeSet};

use crate::types::{TopicId, Uuid, check_topic_name};
use crate::wire::ErrorCode;
use crate::wire::create_partitions_request::{CreatePartitionsRequest, CreatePartitionsTopic};
use crate::wire::create_partitions_response::{CreatePartitionsResponse, CreatePartitionsTopicResult};
use crate::wire::create_topics_request::{CreatableTopic, CreateTopicsRequest};
use crate::wire::create_topics_response::{CreatableTopicResult, CreateTopicsResponse};
use crate::wire::delete_topics_request::DeleteTopicsRequest;
use crate::wire::delete_topics_response::{DeletableTopicResult, DeleteTopicsResponse};
use crate::wire::remove_topic_record::RemoveTopicRecord;
use crate::wire::topic_record::TopicRecord;

use super::placement::{self, Placer};
use super::record::MetadataRecord;
use super::state::{ConfigResource, Overrides, Partition, Topic};
use super::{ApiError, Command, Context, Controller, Decision, MAX_RECORDS_PER_OPERATION, configs};

/// The log of the metadata itself; never a topic that a user can make.
pub const CLUSTER_METADATA_TOPIC: &str = "__cluster_metadata";

/// More partitions than this in one request are refused (T5).
const MAX_PARTITIONS_PER_REQUEST: usize = 10_000;

/// Checks a topic's name (T1); the text is Kafka's.
pub fn check_name(name: &str) -> Result<(), ApiError> {
    check_topic_name(name).map_err(|text| ApiError::new(ErrorCode::InvalidTopicException, text))
}

/// The name under which names collide (T2); `None` for a name that can collide with no other.
pub(super) fn unify(name: &str) -> Option<String> {
    name.contains(['.', '_']).then(|| name.replace('.', "_"))
}

/// The refusal of an operation whose records would not fit into one atomic change.
fn too_large() -> ApiError {
    ApiError::new(ErrorCode::PolicyViolation, "Unable to perform excessively large batch operation.")
}

impl Command for CreateTopicsRequest {
    type Response = CreateTopicsResponse;

    fn decide(&self, controller: &mut Controller, cx: &mut Context<'_>) -> Decision<CreateTopicsResponse> {
        match create_topics(self, controller, cx) {
            Ok(decision) if self.validate_only => Decision::answer(decision.response),
            Ok(decision) => decision,
            Err(error) => {
                let topics = self.topics.iter().map(|t| failed_topic(&t.name, error.clone())).collect();
                Decision::answer(CreateTopicsResponse { topics, ..Default::default() })
            }
        }
    }
}

/// Each topic alone (T6); an error here refuses them all.
fn create_topics(
    request: &CreateTopicsRequest,
    controller: &Controller,
    cx: &mut Context<'_>,
) -> Result<Decision<CreateTopicsResponse>, ApiError> {
    let asked = request.topics.iter().map(|t| asked_partitions(t, controller)).fold(0usize, usize::saturating_add);
    if asked > MAX_PARTITIONS_PER_REQUEST {
        return Err(ApiError::new(ErrorCode::PolicyViolation, "Excessively large number of partitions per request."));
    }
    let twice = duplicates(request.topics.iter().map(|t| t.name.as_str()));
    let mut records = Vec::new();
    let mut topics = Vec::new();
    for topic in request.topics.iter().filter(|t| !twice.contains(t.name.as_str())) {
        topics.push(match create_topic(topic, controller, cx, &mut records) {
            Ok(result) => result,
            Err(error) => failed_topic(&topic.name, error),
        });
    }
    if records.len() > MAX_RECORDS_PER_OPERATION {
        return Err(too_large());
    }
    topics.extend(twice.into_iter().map(|name| failed_topic(name, ApiError::new(ErrorCode::InvalidRequest, "Duplicate topic name."))));
    Ok(Decision { records, response: CreateTopicsResponse { topics, ..Default::default() } })
}

fn asked_partitions(topic: &CreatableTopic, controller: &Controller) -> usize {
    let count = match topic.num_partitions {
        _ if !topic.assignments.is_empty() => return topic.assignments.len(),
        -1 => controller.options.default_partitions,
        n => n,
    };
    usize::try_from(count).unwrap_or(0)
}

fn failed_topic(name: &str, error: ApiError) -> CreatableTopicResult {
    CreatableTopicResult { name: name.to_string(), error_code: error.code.code(), error_message: error.message, ..Default::default() }
}

/// Adds the records of one topic, or none of them.
fn create_topic(
    topic: &CreatableTopic,
    controller: &Controller,
    cx: &mut Context<'_>,
    records: &mut Vec<MetadataRecord>,
) -> Result<CreatableTopicResult, ApiError> {
    check_new_name(&topic.name, controller)?;
    let overrides = creation_overrides(topic)?;
    let resource = ConfigResource::topic(topic.name.clone());
    let config_records = configs::creation_records(controller, cx, &resource, &overrides)?;
    let partitions =
        if topic.assignments.is_empty() { placed_partitions(topic, controller, cx)? } else { assigned_partitions(topic, controller)? };
    let id = fresh_id(controller, cx);
    let count = i32::try_from(partitions.len()).unwrap_or(i32::MAX);
    let factor = partitions.first().map_or(0, |p| p.replicas.len());
    records.push(TopicRecord { name: topic.name.clone(), topic_id: id }.into());
    records.extend(config_records);
    records.extend((0..).zip(&partitions).map(|(number, p)| p.to_record(id, number).into()));
    Ok(CreatableTopicResult {
        name: topic.name.clone(),
        topic_id: id,
        error_message: None,
        num_partitions: count,
        replication_factor: i16::try_from(factor).unwrap_or(i16::MAX),
        configs: Some(cx.rules.topic_configs(controller.state(), &overrides)),
        ..Default::default()
    })
}

/// T1, T2. A name that exists says so even where it also collides.
fn check_new_name(name: &str, controller: &Controller) -> Result<(), ApiError> {
    if name == CLUSTER_METADATA_TOPIC {
        let text = format!("Creation of internal topic {CLUSTER_METADATA_TOPIC} is prohibited.");
        return Err(ApiError::new(ErrorCode::InvalidRequest, text));
    }
    let state = controller.state();
    if state.topic_id(name).is_some() {
        return Err(ApiError::new(ErrorCode::TopicAlreadyExists, format!("Topic '{name}' already exists.")));
    }
    check_name(name)?;
    let alike = unify(name).and_then(|unified| state.unified_names.get(&unified)?.first());
    match alike {
        Some(other) => {
            let text = format!("Topic '{name}' collides with existing topic: {other}");
            Err(ApiError::new(ErrorCode::InvalidTopicException, text))
        }
        None => Ok(()),
    }
}

/// The overrides a new topic asks for (T5). Of a key given twice the last one counts.
fn creation_overrides(topic: &CreatableTopic) -> Result<Overrides, ApiError> {
    let null: Vec<&str> = topic.configs.iter().filter(|c| c.value.is_none()).map(|c| c.name.as_str()).collect();
    if !null.is_empty() {
        let text = format!("Null value not supported for topic configs: {}", null.join(","));
        return Err(ApiError::new(ErrorCode::InvalidConfig, text));
    }
    Ok(topic.configs.iter().filter_map(|c| Some((c.name.clone(), c.value.clone()?))).collect())
}

/// Partitions where the user said (T4).
fn assigned_partitions(topic: &CreatableTopic, controller: &Controller) -> Result<Vec<Partition>, ApiError> {
    let given = "A manual partition assignment was specified, but";
    if topic.replication_factor != -1 {
        return Err(ApiError::new(ErrorCode::InvalidRequest, format!("{given} replication factor was not set to -1.")));
    }
    if topic.num_partitions != -1 {
        return Err(ApiError::new(ErrorCode::InvalidRequest, format!("{given} numPartitions was not set to -1.")));
    }
    let refuse = |text: String| Err(ApiError::new(ErrorCode::InvalidReplicaAssignment, text));
    let mut by_number: BTreeMap<i32, Partition> = BTreeMap::new();
    let mut factor = None;
    for assignment in &topic.assignments {
        let number = assignment.partition_index;
        if by_number.contains_key(&number) {
            return refuse(format!("Found multiple manual partition assignments for partition {number}"));
        }
        placement::check_manual(controller.state(), &assignment.broker_ids, factor)?;
        factor = Some(assignment.broker_ids.len());
        let Some(partition) = placement::new_partition(controller.state(), &assignment.broker_ids) else {
            return refuse(all_fenced(number));
        };
        by_number.insert(number, partition);
    }
    if (0..).zip(by_number.keys()).any(|(expected, number)| *number != expected) {
        return refuse("partitions should be a consecutive 0-based integer sequence".into());
    }
    Ok(by_number.into_values().collect())
}

fn all_fenced(partition: i32) -> String {
    format!("All brokers specified in the manual partition assignment for partition {partition} are fenced or in controlled shutdown.")
}

/// Partitions where the controller sees fit (T3).
fn placed_partitions(topic: &CreatableTopic, controller: &Controller, cx: &mut Context<'_>) -> Result<Vec<Partition>, ApiError> {
    let factor = match topic.replication_factor {
        -1 => controller.options.default_replication_factor,
        n if n > 0 => n,
        _ => {
            let text = "Replication factor must be larger than 0, or -1 to use the default value.";
            return Err(ApiError::new(ErrorCode::InvalidReplicationFactor, text));
        }
    };
    let count = match topic.num_partitions {
        -1 => controller.options.default_partitions,
        n if n > 0 => n,
        _ => {
            let text = "Number of partitions was set to an invalid non-positive value.";
            return Err(ApiError::new(ErrorCode::InvalidPartitions, text));
        }
    };
    place(controller, cx, count, factor)
}

fn place(controller: &Controller, cx: &mut Context<'_>, count: i32, factor: i16) -> Result<Vec<Partition>, ApiError> {
    let mut placer = Placer::new(controller.state(), cx.rng);
    placer.check(factor)?;
    let all_inactive = || {
        let text =
            format!("Unable to replicate the partition {factor} time(s): All brokers are currently fenced or in controlled shutdown.");
        ApiError::new(ErrorCode::InvalidReplicationFactor, text)
    };
    (0..count).map(|_| placement::new_partition(controller.state(), &placer.place(factor)).ok_or_else(all_inactive)).collect()
}

/// An id no topic has (T7). Chance alone makes a repetition absurd; looking is free.
fn fresh_id(controller: &Controller, cx: &mut Context<'_>) -> TopicId {
    loop {
        let id = cx.rng.uuid();
        if controller.state().topic_by_id(id).is_none() {
            return id;
        }
    }
}

/// Values that occur more than once.
fn duplicates<T: Ord + Copy>(all: impl Iterator<Item = T>) -> BTreeSet<T> {
    let mut seen = BTreeSet::new();
    all.filter(|value| !seen.insert(*value)).collect()
}

impl Command for CreatePartitionsRequest {
    type Response = CreatePartitionsResponse;

    fn decide(&self, controller: &mut Controller, cx: &mut Context<'_>) -> Decision<CreatePartitionsResponse> {
        let twice = duplicates(self.topics.iter().map(|t| t.name.as_str()));
        let result = |name: &str, error: ApiError| CreatePartitionsTopicResult {
            name: name.to_string(),
            error_code: error.code.code(),
            error_message: error.message,
        };
        let mut records = Vec::new();
        let mut results: Vec<CreatePartitionsTopicResult> =
            twice.iter().map(|name| result(name, ApiError::new(ErrorCode::InvalidRequest, "Duplicate topic name."))).collect();
        for topic in self.topics.iter().filter(|t| !twice.contains(t.name.as_str())) {
            results.push(match added_partitions(topic, controller, cx, &mut records) {
                Ok(()) => result(&topic.name, ErrorCode::None.into()),
                Err(error) => result(&topic.name, error),
            });
        }
        if records.len() > MAX_RECORDS_PER_OPERATION {
            records.clear();
            results = self.topics.iter().map(|t| result(&t.name, too_large())).collect();
        }
        if self.validate_only {
            records.clear();
        }
        Decision { records, response: CreatePartitionsResponse { results, ..Default::default() } }
    }
}

/// T9: the count can only grow.
fn added_partitions(
    asked: &CreatePartitionsTopic,
    controller: &Controller,
    cx: &mut Context<'_>,
    records: &mut Vec<MetadataRecord>,
) -> Result<(), ApiError> {
    let state = controller.state();
    let topic = state.topic(&asked.name).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    let current = topic.partition_count();
    let name = &asked.name;
    let invalid = |text: String| Err(ApiError::new(ErrorCode::InvalidPartitions, text));
    if asked.count == current {
        return invalid(format!("Topic already has {current} partition(s)."));
    }
    if asked.count < current {
        return invalid(format!("The topic {name} currently has {current} partition(s); {} would not be an increase.", asked.count));
    }
    let additional = asked.count - current;
    let partitions = match &asked.assignments {
        Some(assignments) => {
            if i32::try_from(assignments.len()) != Ok(additional) {
                let text = format!(
                    "Attempted to add {additional} additional partition(s), but only {} assignment(s) were specified.",
                    assignments.len()
                );
                return Err(ApiError::new(ErrorCode::InvalidReplicaAssignment, text));
            }
            let lists: Vec<&[i32]> = assignments.iter().map(|a| a.broker_ids.as_slice()).collect();
            chosen_partitions(controller, topic, &lists)?
        }
        // More than one operation may hold is refused before it is built.
        None if usize::try_from(additional).is_ok_and(|n| n > MAX_RECORDS_PER_OPERATION) => return Err(too_large()),
        None => place(controller, cx, additional, factor_of(topic))?,
    };
    records.extend((current..).zip(&partitions).map(|(number, p)| p.to_record(topic.id, number).into()));
    Ok(())
}

fn factor_of(topic: &Topic) -> i16 {
    let factor = topic.partitions.values().next().map_or(0, |p| p.replicas.len());
    i16::try_from(factor).unwrap_or(i16::MAX)
}

fn chosen_partitions(controller: &Controller, topic: &Topic, lists: &[&[i32]]) -> Result<Vec<Partition>, ApiError> {
    let factor = topic.partitions.values().next().map(|p| p.replicas.len());
    let state = controller.state();
    let build = |(number, replicas): (i32, &&[i32])| {
        placement::check_manual(state, replicas, factor)?;
        let fenced = || ApiError::new(ErrorCode::InvalidReplicaAssignment, all_fenced(number));
        placement::new_partition(state, replicas).ok_or_else(fenced)
    };
    (topic.partition_count()..).zip(lists).map(build).collect()
}

impl Command for DeleteTopicsRequest {
    type Response = DeleteTopicsResponse;

    fn decide(&self, controller: &mut Controller, _: &mut Context<'_>) -> Decision<DeleteTopicsResponse> {
        let mut deletion = Deletion { controller, results: Vec::new(), doomed: BTreeMap::new() };
        deletion.by_id(self);
        deletion.by_name(self);
        let Deletion { mut results, doomed, .. } = deletion;
        let records = doomed.keys().map(|id| RemoveTopicRecord { topic_id: *id }.into()).collect();
        results.extend(doomed.into_iter().map(|(id, name)| deleted(Some(name), id, ErrorCode::None.into())));
        Decision { records, response: DeleteTopicsResponse { responses: results, ..Default::default() } }
    }
}

/// Topics found so far, and the refusals (T10).
struct Deletion<'a> {
    controller: &'a Controller,
    results: Vec<DeletableTopicResult>,
    doomed: BTreeMap<TopicId, String>,
}

fn deleted(name: Option<String>, id: TopicId, error: ApiError) -> DeletableTopicResult {
    DeletableTopicResult { name, topic_id: id, error_code: error.code.code(), error_message: error.message }
}

impl Deletion<'_> {
    fn refuse(&mut self, name: Option<&str>, id: TopicId, error: ApiError) {
        self.results.push(deleted(name.map(str::to_string), id, error));
    }

    fn by_id(&mut self, request: &DeleteTopicsRequest) {
        let invalid = |text: &str| ApiError::new(ErrorCode::InvalidRequest, text);
        let mut ids = Vec::new();
        for topic in &request.topics {
            match (&topic.name, topic.topic_id) {
                (None, Uuid::ZERO) => self.refuse(None, Uuid::ZERO, invalid("Neither topic name nor id were specified.")),
                (None, id) => ids.push(id),
                (Some(_), Uuid::ZERO) => {}
                (Some(name), id) => self.refuse(Some(name), id, invalid("You may not specify both topic name and topic id.")),
            }
        }
        let twice = duplicates(ids.iter().copied());
        for id in &twice {
            self.refuse(None, *id, invalid("Duplicate topic id."));
        }
        for id in ids.into_iter().filter(|id| !twice.contains(id)) {
            match self.controller.state().topic_by_id(id) {
                Some(topic) => {
                    self.doomed.insert(id, topic.name.to_string());
                }
                None => self.refuse(None, id, ApiError::spelled_out(ErrorCode::UnknownTopicId)),
            }
        }
    }

    /// Names come from two places: the list of the old versions and the topics of the new ones.
    fn by_name(&mut self, request: &DeleteTopicsRequest) {
        let new = request.topics.iter().filter(|t| t.topic_id.is_zero()).filter_map(|t| t.name.as_deref());
        let names: Vec<&str> = request.topic_names.iter().map(String::as_str).chain(new).collect();
        let twice = duplicates(names.iter().copied());
        for name in &twice {
            self.refuse(Some(name), Uuid::ZERO, ApiError::new(ErrorCode::InvalidRequest, "Duplicate topic name."));
        }
        for name in names.into_iter().filter(|name| !twice.contains(name)) {
            let Some(id) = self.controller.state().topic_id(name) else {
                self.refuse(Some(name), Uuid::ZERO, ApiError::spelled_out(ErrorCode::UnknownTopicOrPartition));
                continue;
            };
            if self.doomed.remove(&id).is_some() {
                let text = "The provided topic name maps to an ID that was already supplied.";
                self.refuse(Some(name), id, ApiError::new(ErrorCode::InvalidRequest, text));
            } else {
                self.doomed.insert(id, name.to_string());
            }
        }
    }
}
