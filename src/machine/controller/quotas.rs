//! Quotas of users, client ids and addresses (U1, U5): who has which limits, kept in the metadata log.

use std::collections::{BTreeMap, BTreeSet};

use crate::wire::ErrorCode;
use crate::wire::alter_client_quotas_request::{AlterClientQuotasRequest, EntityData, EntryData, OpData};
use crate::wire::alter_client_quotas_response::{AlterClientQuotasResponse, EntityData as ShownEntity, EntryData as EntryResult};
use crate::wire::client_quota_record::{ClientQuotaRecord, EntityData as RecordEntity};

use super::kept::QuotaEntity;
use super::record::MetadataRecord;
use super::{ApiError, Command, Context, Controller, Decision, MAX_RECORDS_PER_OPERATION};

/// What a part of an entity can be.
pub const USER: &str = "user";
pub const CLIENT_ID: &str = "client-id";
pub const IP: &str = "ip";

/// How a limit is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Number {
    Int,
    Long,
    Double,
}

const OF_CLIENTS: [(&str, Number); 4] = [
    ("producer_byte_rate", Number::Long),
    ("consumer_byte_rate", Number::Long),
    ("request_percentage", Number::Double),
    ("controller_mutation_rate", Number::Double),
];
const OF_ADDRESSES: [(&str, Number); 1] = [("connection_creation_rate", Number::Int)];

/// The request, and which of the host names in it do not resolve: to find that out is not for this room.
#[derive(Clone, Debug)]
pub struct AlterClientQuotas {
    pub request: AlterClientQuotasRequest,
    pub unresolved: BTreeSet<String>,
}

impl Command for AlterClientQuotas {
    type Response = AlterClientQuotasResponse;

    fn decide(&self, controller: &mut Controller, _: &mut Context<'_>) -> Decision<AlterClientQuotasResponse> {
        let mut records = Vec::new();
        let mut seen: BTreeSet<QuotaEntity> = BTreeSet::new();
        let mut results: Vec<EntryResult> = Vec::new();
        for entry in &self.request.entries {
            let twice = || ApiError::new(ErrorCode::InvalidRequest, format!("Ignoring duplicate entity {}", shown(&entry.entity)));
            let outcome = match seen.insert(key(&entry.entity)) {
                true => self.changes(controller, entry),
                false => Err(twice()),
            };
            let error = match outcome {
                Ok(new) => {
                    records.extend(new);
                    ApiError::from(ErrorCode::None)
                }
                Err(error) => error,
            };
            results.push(result(entry, error));
        }
        if records.len() > MAX_RECORDS_PER_OPERATION {
            let error = ApiError::new(ErrorCode::PolicyViolation, "Unable to perform excessively large batch operation.");
            let all = self.request.entries.iter().map(|entry| result(entry, error.clone())).collect();
            return Decision::answer(AlterClientQuotasResponse { entries: all, ..Default::default() });
        }
        let response = AlterClientQuotasResponse { entries: results, ..Default::default() };
        if self.request.validate_only { Decision::answer(response) } else { Decision { records, response } }
    }
}

impl AlterClientQuotas {
    /// The records of one entity's changes, or why none of them is made.
    fn changes(&self, controller: &Controller, entry: &EntryData) -> Result<Vec<MetadataRecord>, ApiError> {
        let limits = self.limits_of(&entry.entity)?;
        let mut keys = BTreeSet::new();
        if let Some(twice) = entry.ops.iter().find(|op| !keys.insert(op.key.as_str())) {
            let text = format!("Duplicate quota key {} not updating quota for this entity {}", twice.key, shown(&entry.entity));
            return Err(ApiError::new(ErrorCode::InvalidRequest, text));
        }
        let (kept, entity) = (controller.state().kept(), key(&entry.entity));
        let mut records = Vec::new();
        for op in &entry.ops {
            let current = kept.quota(&entity, &op.key);
            if !op.remove {
                check_value(limits, op)?;
            }
            let unchanged = if op.remove { current.is_none() } else { current == Some(op.value) };
            if !unchanged {
                records.push(record(&entry.entity, op).into());
            }
        }
        Ok(records)
    }

    /// Which limits the entity may have. Errors: there is no such entity.
    fn limits_of(&self, entity: &[EntityData]) -> Result<&'static [(&'static str, Number)], ApiError> {
        let invalid = |text: String| Err(ApiError::new(ErrorCode::InvalidRequest, text));
        let mut parts: BTreeMap<&str, Option<&str>> = BTreeMap::new();
        for part in entity {
            let kind = part.entity_type.as_str();
            if ![USER, CLIENT_ID, IP].contains(&kind) {
                return invalid(format!("Unhandled client quota entity type: {kind}"));
            }
            if part.entity_name.as_deref() == Some("") {
                return invalid(format!("Empty {kind} not supported"));
            }
            if parts.insert(kind, part.entity_name.as_deref()).is_some() {
                return invalid(format!("Invalid client quota entity, duplicate entity entry {kind}"));
            }
        }
        match parts.get(IP) {
            _ if parts.is_empty() => invalid("Invalid empty client quota entity".into()),
            None => Ok(&OF_CLIENTS),
            Some(_) if parts.len() > 1 => {
                invalid("Invalid quota entity combination, IP entity should not be combined with User or ClientId".into())
            }
            Some(Some(name)) if self.unresolved.contains(*name) => invalid(format!("{name} is not a valid IP or resolvable host.")),
            Some(_) => Ok(&OF_ADDRESSES),
        }
    }
}

fn check_value(limits: &[(&str, Number)], op: &OpData) -> Result<(), ApiError> {
    let (key, value) = (&op.key, op.value);
    let invalid = |text: String| Err(ApiError::new(ErrorCode::InvalidRequest, text));
    let Some((_, number)) = limits.iter().find(|(name, _)| name == key) else {
        return invalid(format!("Invalid configuration key {key}"));
    };
    if value.is_nan() || value <= 0.0 {
        return invalid(format!("Quota {key} must be greater than 0"));
    }
    let (most, what) = match number {
        Number::Double => return Ok(()),
        Number::Int => (f64::from(i32::MAX), "an INT"),
        // The nearest there is: the comparison is Kafka's.
        Number::Long => (i64::MAX as f64, "a LONG"),
    };
    if value > most {
        return invalid(format!("Proposed value for {key} is too large for {what}."));
    }
    if (value % 1.0).abs() > 1e-6 {
        return invalid(format!("{key} cannot be a fractional value."));
    }
    Ok(())
}

fn record(entity: &[EntityData], op: &OpData) -> ClientQuotaRecord {
    let part = |p: &EntityData| RecordEntity { entity_type: p.entity_type.clone(), entity_name: p.entity_name.clone() };
    ClientQuotaRecord {
        entity: entity.iter().map(part).collect(),
        key: op.key.clone(),
        value: if op.remove { 0.0 } else { op.value },
        remove: op.remove,
    }
}

fn key(entity: &[EntityData]) -> QuotaEntity {
    let mut key: QuotaEntity = entity.iter().map(|part| (part.entity_type.clone(), part.entity_name.clone())).collect();
    key.sort();
    key
}

/// As Kafka prints an entity.
fn shown(entity: &[EntityData]) -> String {
    let part = |p: &EntityData| format!("{}={}", p.entity_type, p.entity_name.as_deref().unwrap_or("null"));
    format!("ClientQuotaEntity(entries={{{}}})", entity.iter().map(part).collect::<Vec<_>>().join(", "))
}

fn result(entry: &EntryData, error: ApiError) -> EntryResult {
    let part = |p: &EntityData| ShownEntity { entity_type: p.entity_type.clone(), entity_name: p.entity_name.clone() };
    EntryResult { error_code: error.code.code(), error_message: error.message, entity: entry.entity.iter().map(part).collect() }
}
