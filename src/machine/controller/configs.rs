//! Dynamic configuration: IncrementalAlterConfigs and AlterConfigs for topics, brokers, groups and client metrics (G1 to G7).

use std::collections::{BTreeMap, BTreeSet};

use crate::wire::ErrorCode;
use crate::wire::alter_configs_request::AlterConfigsRequest;
use crate::wire::alter_configs_response::{AlterConfigsResourceResponse as LegacyResult, AlterConfigsResponse};
use crate::wire::clear_elr_record::ClearElrRecord;
use crate::wire::config_record::ConfigRecord;
use crate::wire::incremental_alter_configs_request::IncrementalAlterConfigsRequest;
use crate::wire::incremental_alter_configs_response::{AlterConfigsResourceResponse, IncrementalAlterConfigsResponse};

use super::record::MetadataRecord;
use super::state::{ConfigResource, Overrides, ResourceKind};
use super::topics::check_name;
use super::{ApiError, Command, Context, Controller, Decision, MAX_RECORDS_PER_OPERATION};

const MIN_ISR: &str = "min.insync.replicas";
/// Kafka's string limit: a value beyond it could not be written.
const MAX_VALUE_LENGTH: usize = 32767;

/// What IncrementalAlterConfigs can do to a key (G2).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Op {
    Set,
    Delete,
    Append,
    Subtract,
}

impl Op {
    fn from_id(id: i8) -> Result<Op, ApiError> {
        match id {
            0 => Ok(Op::Set),
            1 => Ok(Op::Delete),
            2 => Ok(Op::Append),
            3 => Ok(Op::Subtract),
            other => Err(ApiError::new(ErrorCode::InvalidRequest, format!("Unknown operations type {other}"))),
        }
    }
}

/// One key of one resource as a request names it. A legacy request is one where every operation is SET.
struct KeyChange<'a> {
    key: &'a str,
    op: i8,
    value: Option<&'a str>,
}

impl Command for IncrementalAlterConfigsRequest {
    type Response = IncrementalAlterConfigsResponse;

    fn decide(&self, controller: &mut Controller, cx: &mut Context<'_>) -> Decision<IncrementalAlterConfigsResponse> {
        let resources = self.resources.iter().map(|r| {
            let keys = r.configs.iter().map(|c| KeyChange { key: &c.name, op: c.config_operation, value: c.value.as_deref() });
            (r.resource_type, r.resource_name.as_str(), keys.collect())
        });
        let mut change = ConfigChange { controller, cx, legacy: false };
        let (records, results) = change.all(resources.collect(), self.validate_only);
        let responses = results.into_iter().map(|(id, name, error)| AlterConfigsResourceResponse {
            error_code: error.code.code(),
            error_message: error.message,
            resource_type: id,
            resource_name: name.to_string(),
        });
        Decision { records, response: IncrementalAlterConfigsResponse { responses: responses.collect(), ..Default::default() } }
    }
}

impl Command for AlterConfigsRequest {
    type Response = AlterConfigsResponse;

    fn decide(&self, controller: &mut Controller, cx: &mut Context<'_>) -> Decision<AlterConfigsResponse> {
        let resources = self.resources.iter().map(|r| {
            let keys = r.configs.iter().map(|c| KeyChange { key: &c.name, op: 0, value: c.value.as_deref() });
            (r.resource_type, r.resource_name.as_str(), keys.collect())
        });
        let mut change = ConfigChange { controller, cx, legacy: true };
        let (records, results) = change.all(resources.collect(), self.validate_only);
        let responses = results.into_iter().map(|(id, name, error)| LegacyResult {
            error_code: error.code.code(),
            error_message: error.message,
            resource_type: id,
            resource_name: name.to_string(),
        });
        Decision { records, response: AlterConfigsResponse { responses: responses.collect(), ..Default::default() } }
    }
}

/// Type number, name and changes of one resource of a request.
type Asked<'a> = (i8, &'a str, Vec<KeyChange<'a>>);

struct ConfigChange<'a, 'c> {
    controller: &'a Controller,
    cx: &'a mut Context<'c>,
    /// AlterConfigs: the keys named are the whole set from now on (G7).
    legacy: bool,
}

impl ConfigChange<'_, '_> {
    /// The records of all resources that pass, and a result for each in the order of the request (G3).
    fn all<'r>(&mut self, asked: Vec<Asked<'r>>, validate_only: bool) -> (Vec<MetadataRecord>, Vec<(i8, &'r str, ApiError)>) {
        let mut count: BTreeMap<(i8, &str), usize> = BTreeMap::new();
        for (id, name, _) in &asked {
            *count.entry((*id, *name)).or_default() += 1;
        }
        let mut records = Vec::new();
        let mut results = Vec::new();
        for (id, name, keys) in &asked {
            let outcome = match count.get(&(*id, *name)) {
                Some(1) => self.one(*id, name, keys),
                _ => Err(ApiError::new(ErrorCode::InvalidRequest, "Each resource must appear at most once.")),
            };
            let error = match outcome {
                Ok(new) => {
                    records.extend(new);
                    ErrorCode::None.into()
                }
                Err(error) => error,
            };
            results.push((*id, *name, error));
        }
        records.extend(clear_elr_records(self.controller, &records));
        if records.len() > MAX_RECORDS_PER_OPERATION {
            let error = ApiError::new(ErrorCode::PolicyViolation, "Unable to perform excessively large batch operation.");
            return (Vec::new(), asked.iter().map(|(id, name, _)| (*id, *name, error.clone())).collect());
        }
        (if validate_only { Vec::new() } else { records }, results)
    }

    /// All changes of one resource, or the reason why none is made.
    fn one(&mut self, id: i8, name: &str, keys: &[KeyChange<'_>]) -> Result<Vec<MetadataRecord>, ApiError> {
        let resource = ConfigResource::new(ResourceKind::from_id(id), name);
        check_keys(keys)?;
        check_resource(self.controller, &resource)?;
        let current = self.controller.state().config(&resource).map(|o| o.as_ref().clone()).unwrap_or_default();
        let mut changes: Vec<(String, Option<String>)> = Vec::new();
        for key in keys {
            let old = current.get(key.key).map(String::as_str);
            let new = self.new_value(&resource, key, old)?;
            // A broker reloads what its record names, so its record is written even if nothing changes.
            if new.as_deref() != old || resource.kind == ResourceKind::Broker {
                changes.push((key.key.to_string(), new));
            }
        }
        if self.legacy {
            let named: BTreeSet<&str> = keys.iter().map(|k| k.key).collect();
            changes.extend(current.keys().filter(|key| !named.contains(key.as_str())).map(|key| (key.clone(), None)));
        }
        let records = checked_records(self.controller, self.cx, &resource, &current, changes)?;
        self.check_exists(&resource)?;
        Ok(records)
    }

    fn new_value(&self, resource: &ConfigResource, change: &KeyChange<'_>, old: Option<&str>) -> Result<Option<String>, ApiError> {
        let given = change.value.unwrap_or_default();
        let (key, rules) = (change.key, self.cx.rules);
        let op = Op::from_id(change.op)?;
        match op {
            Op::Set => return Ok(Some(given.to_string())),
            Op::Delete => return Ok(None),
            Op::Append | Op::Subtract => {}
        }
        if !rules.is_list(resource.kind, key) {
            let (verb, word) = if op == Op::Append { ("APPEND", "append") } else { ("SUBTRACT", "subtract") };
            let text = match resource.kind {
                ResourceKind::Broker => format!("Config value {word} is not allowed for config key: {key}"),
                _ => format!("Can't {verb} to key {key} because its type is not LIST."),
            };
            return Err(ApiError::new(ErrorCode::InvalidConfig, text));
        }
        let start = old.map(str::to_string).or_else(|| rules.default_value(resource.kind, key)).unwrap_or_default();
        let mut list: Vec<&str> = start.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
        for part in given.split(',').map(str::trim) {
            let at = list.iter().position(|known| *known == part);
            match (op, at) {
                (Op::Append, None) => list.push(part),
                (Op::Subtract, Some(at)) => drop(list.remove(at)),
                _ => {}
            }
        }
        Ok(Some(list.join(",")))
    }

    fn check_exists(&self, resource: &ConfigResource) -> Result<(), ApiError> {
        let state = self.controller.state();
        match resource.kind {
            ResourceKind::Topic if state.topic_id(&resource.name).is_none() => {
                let text = format!("The topic '{}' does not exist.", resource.name);
                Err(ApiError::new(ErrorCode::UnknownTopicOrPartition, text))
            }
            ResourceKind::Broker if !resource.name.is_empty() => {
                let known = resource.name.parse().is_ok_and(|id| state.broker(id).is_some() || state.controllers.contains_key(&id));
                let text = || format!("No node with id {} found.", resource.name);
                if known { Ok(()) } else { Err(ApiError::new(ErrorCode::BrokerIdNotRegistered, text())) }
            }
            _ => Ok(()),
        }
    }
}

/// The config records of a topic about to be created, and with them the note to forget eligible leaders that Kafka writes.
pub(super) fn creation_records(
    controller: &Controller,
    cx: &Context<'_>,
    resource: &ConfigResource,
    overrides: &Overrides,
) -> Result<Vec<MetadataRecord>, ApiError> {
    if overrides.is_empty() {
        return Ok(Vec::new());
    }
    let changes = overrides.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
    let mut records = checked_records(controller, cx, resource, &Overrides::new(), changes)?;
    records.extend(clear_elr_records(controller, &records));
    Ok(records)
}

fn check_keys(keys: &[KeyChange<'_>]) -> Result<(), ApiError> {
    let invalid = |text: String| Err(ApiError::new(ErrorCode::InvalidRequest, text));
    let mut seen = BTreeSet::new();
    if keys.iter().any(|k| !seen.insert(k.key)) {
        return invalid("Error due to duplicate config keys".into());
    }
    let null: Vec<&str> = keys.iter().filter(|k| k.value.is_none() && k.op != 1).map(|k| k.key).collect();
    if !null.is_empty() {
        return invalid(format!("Null value not supported for : {}", null.join(", ")));
    }
    Ok(())
}

/// May this resource be configured here at all (G4)?
fn check_resource(controller: &Controller, resource: &ConfigResource) -> Result<(), ApiError> {
    let invalid = |text: String| Err(ApiError::new(ErrorCode::InvalidRequest, text));
    let name = &resource.name;
    match resource.kind {
        ResourceKind::Topic if name.is_empty() => invalid("Default topic resources are not allowed.".into()),
        ResourceKind::Topic => check_name(name),
        ResourceKind::Group if name.is_empty() => invalid("Default group resources are not allowed.".into()),
        ResourceKind::Broker if name.is_empty() => Ok(()),
        ResourceKind::Broker => match name.parse::<i32>() {
            Err(_) => invalid(format!("Node id must be an integer, but it is: {name}")),
            Ok(id) if id != controller.options.node => {
                invalid(format!("Unexpected broker id, expected {}, but received {name}", controller.options.node))
            }
            Ok(_) => Ok(()),
        },
        ResourceKind::Group | ResourceKind::ClientMetrics => Ok(()),
        ResourceKind::BrokerLogger | ResourceKind::Other(_) => invalid(format!("Unknown resource type {}", resource.kind.id())),
    }
}

/// The records of the changes, once the whole resulting set has passed (G5).
fn checked_records(
    controller: &Controller,
    cx: &Context<'_>,
    resource: &ConfigResource,
    current: &Overrides,
    changes: Vec<(String, Option<String>)>,
) -> Result<Vec<MetadataRecord>, ApiError> {
    let refuse = |text: &str| Err(ApiError::new(ErrorCode::InvalidConfig, text));
    let mut new = current.clone();
    for (key, value) in &changes {
        if key == MIN_ISR && resource.kind == ResourceKind::Broker && controller.elr_enabled() {
            if !resource.name.is_empty() {
                return refuse("Broker-level min.insync.replicas cannot be altered while ELR is enabled.");
            } else if value.is_none() {
                return refuse("Cluster-level min.insync.replicas cannot be removed while ELR is enabled.");
            }
        }
        match value {
            Some(value) if value.encode_utf16().count() > MAX_VALUE_LENGTH => {
                return refuse("The configuration value cannot be added because it exceeds the maximum value size of 32767 bytes.");
            }
            Some(value) => new.insert(key.clone(), value.clone()),
            None => new.remove(key),
        };
    }
    cx.rules.validate(resource, &new, current)?;
    let record =
        |(name, value)| ConfigRecord { resource_type: resource.kind.id(), resource_name: resource.name.clone(), name, value }.into();
    Ok(changes.into_iter().map(record).collect())
}

/// A new minimum of in-sync replicas makes the eligible leaders kept so far meaningless: they are forgotten with it.
fn clear_elr_records(controller: &Controller, records: &[MetadataRecord]) -> Vec<MetadataRecord> {
    if !controller.elr_enabled() {
        return Vec::new();
    }
    let mut topics = BTreeSet::new();
    for record in records {
        match record {
            MetadataRecord::Config(c) if c.name == MIN_ISR && c.resource_type == ResourceKind::Broker.id() => {
                return vec![ClearElrRecord { topic_name: String::new() }.into()];
            }
            MetadataRecord::Config(c) if c.name == MIN_ISR && c.resource_type == ResourceKind::Topic.id() => {
                topics.insert(c.resource_name.clone());
            }
            _ => {}
        }
    }
    topics.into_iter().map(|topic_name| ClearElrRecord { topic_name }.into()).collect()
}
