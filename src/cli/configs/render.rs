//! How settings, quotas and credentials look.

use serde_json::{Value, json};

use super::entity::Kind;
use crate::cli::error::{CliError, stderr_line};
use crate::cli::out::plain::java_double;
use crate::cli::out::table::{Column, text};
use crate::cli::out::{Format, Out, json as out_json, table};
use crate::client::Error;
use crate::client::admin::{ConfigEntry, QuotaEntity, ScramCredentials, ScramMechanism};

/// The settings of one resource.
pub(super) struct Resource {
    pub kind: Kind,
    /// Empty: the defaults of the kind.
    pub name: String,
    pub entries: Vec<ConfigEntry>,
}

/// The limits of one entity.
pub(super) struct Quota {
    pub entity: QuotaEntity,
    pub values: Vec<(String, f64)>,
}

/// The credentials of one user.
pub(super) struct Scram {
    pub user: String,
    pub own: Result<ScramCredentials, Error>,
}

/// Kafka's names of where a value comes from, by number.
const SOURCES: [&str; 9] = [
    "UNKNOWN",
    "DYNAMIC_TOPIC_CONFIG",
    "DYNAMIC_BROKER_CONFIG",
    "DYNAMIC_DEFAULT_BROKER_CONFIG",
    "STATIC_BROKER_CONFIG",
    "DEFAULT_CONFIG",
    "DYNAMIC_BROKER_LOGGER_CONFIG",
    "DYNAMIC_CLIENT_METRICS_CONFIG",
    "DYNAMIC_GROUP_CONFIG",
];

fn source(id: i8) -> &'static str {
    usize::try_from(id).ok().and_then(|id| SOURCES.get(id)).unwrap_or(&SOURCES[0])
}

/// There is no such thing: no data, but no failure either.
pub(super) fn missing(out: &mut Out, text: &str, format: Format) -> Result<(), CliError> {
    match format {
        Format::Plain => out.line(text),
        Format::Table => {
            stderr_line(text);
            Ok(())
        }
        Format::Json => {
            stderr_line(text);
            resources(out, &[], format)
        }
    }
}

pub(super) fn heading(out: &mut Out, kind: Kind, name: &str, all: bool) -> Result<(), CliError> {
    match name {
        "" => out.line(format!("Default configs for {} in the cluster are:", kind.plural())),
        name => out.line(format!("{} configs for {} {name} are:", if all { "All" } else { "Dynamic" }, kind.singular())),
    }
}

/// Kafka's line for each setting.
pub(super) fn settings(out: &mut Out, resource: &Resource) -> Result<(), CliError> {
    let null = |value: &Option<String>| value.clone().unwrap_or_else(|| "null".to_owned());
    resource.entries.iter().try_for_each(|e| {
        let synonyms: Vec<String> = e.synonyms.iter().map(|s| format!("{}:{}={}", source(s.source), s.name, null(&s.value))).collect();
        out.line(format!("  {}={} sensitive={} synonyms={{{}}}", e.name, null(&e.value), e.is_sensitive, synonyms.join(", ")))
    })
}

/// Table or JSON; plain lines have been printed by then.
pub(super) fn resources(out: &mut Out, all: &[Resource], format: Format) -> Result<(), CliError> {
    match format {
        Format::Plain => Ok(()),
        Format::Table => {
            const COLUMNS: &[Column] = &[text("TYPE"), text("NAME"), text("CONFIG"), text("VALUE"), text("SOURCE")];
            let name = |name: &str| if name.is_empty() { "(default)".to_owned() } else { name.to_owned() };
            let value = |e: &ConfigEntry| match &e.value {
                _ if e.is_sensitive => "(hidden)".to_owned(),
                Some(value) => value.clone(),
                None => "-".to_owned(),
            };
            let row = |r: &Resource, e: &ConfigEntry| {
                vec![r.kind.singular().to_owned(), name(&r.name), e.name.clone(), value(e), source(e.config_source).to_owned()]
            };
            let rows: Vec<_> = all.iter().flat_map(|r| r.entries.iter().map(move |e| row(r, e))).collect();
            out.line(table::render(COLUMNS, rows))
        }
        Format::Json => {
            let synonym = |s: &kfk_wire::describe_configs_response::DescribeConfigsSynonym| json!({"name": s.name, "value": s.value, "source": source(s.source)});
            let entry = |e: &ConfigEntry| {
                json!({
                    "name": e.name, "value": e.value, "source": source(e.config_source), "sensitive": e.is_sensitive,
                    "read_only": e.read_only, "synonyms": e.synonyms.iter().map(synonym).collect::<Vec<_>>(),
                })
            };
            let resource = |r: &Resource| {
                let name = (!r.name.is_empty()).then_some(&r.name);
                json!({"type": r.kind.singular(), "name": name, "configs": r.entries.iter().map(entry).collect::<Vec<_>>()})
            };
            out_json::print(out, &Value::from(all.iter().map(resource).collect::<Vec<_>>()))
        }
    }
}

/// `user-principal 'alice', the default client-id`
fn shown(entity: &QuotaEntity) -> String {
    let part = |(kind, name): &(String, Option<String>)| {
        let kind = if kind == "user" { "user-principal" } else { kind };
        match name {
            Some(name) => format!("{kind} '{name}'"),
            None => format!("the default {kind}"),
        }
    };
    entity.iter().map(part).collect::<Vec<_>>().join(", ")
}

/// Kafka's line for each entity.
pub(super) fn quotas(out: &mut Out, all: &[Quota]) -> Result<(), CliError> {
    all.iter().try_for_each(|quota| {
        let values: Vec<String> = quota.values.iter().map(|(key, value)| format!("{key}={}", java_double(*value))).collect();
        out.line(format!("Quota configs for {} are {}", shown(&quota.entity), values.join(", ")))
    })
}

fn mechanism(id: i8) -> &'static str {
    ScramMechanism::ALL.into_iter().find(|m| *m as i8 == id).map_or("UNKNOWN", ScramMechanism::name)
}

/// Kafka's line for each user.
pub(super) fn credentials(out: &mut Out, all: &[Scram]) -> Result<(), CliError> {
    all.iter().try_for_each(|scram| match &scram.own {
        Ok(own) => {
            let shown: Vec<String> = own.iter().map(|(id, iterations)| format!("{}=iterations={iterations}", mechanism(*id))).collect();
            out.line(format!("SCRAM credential configs for user-principal '{}' are {}", scram.user, shown.join(", ")))
        }
        Err(e) => {
            let error = CliError::from(e.clone());
            let class = error.java.class.rsplit('.').next().unwrap_or_default();
            let user = &scram.user;
            out.line(format!("Error retrieving SCRAM credential configs for user-principal '{user}': ExecutionException: {class}: {e}"))
        }
    })
}

pub(super) fn quotas_and_credentials(out: &mut Out, quotas: &[Quota], all: &[Scram], format: Format) -> Result<(), CliError> {
    if format == Format::Table {
        const COLUMNS: &[Column] = &[text("ENTITY"), text("CONFIG"), text("VALUE")];
        let limits = quotas.iter().flat_map(|q| q.values.iter().map(|(key, value)| vec![shown(&q.entity), key.clone(), value.to_string()]));
        let own = all.iter().flat_map(|s| {
            match &s.own {
                Ok(own) => own.iter().map(|(id, n)| (mechanism(*id).to_owned(), format!("{n} iterations"))).collect(),
                Err(e) => vec![("-".to_owned(), e.to_string())],
            }
            .into_iter()
            .map(|(key, value)| vec![format!("user-principal '{}'", s.user), key, value])
        });
        return out.line(table::render(COLUMNS, limits.chain(own)));
    }
    let part = |(kind, name): &(String, Option<String>)| json!({"type": kind, "name": name});
    let quota = |q: &Quota| {
        let values: serde_json::Map<String, Value> = q.values.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
        json!({"entity": q.entity.iter().map(part).collect::<Vec<_>>(), "quotas": values})
    };
    let scram = |s: &Scram| {
        let own = s.own.as_ref().map_or(&[][..], Vec::as_slice);
        let credential = |(id, iterations): &(i8, i32)| json!({"mechanism": mechanism(*id), "iterations": iterations});
        let error = s.own.as_ref().err().map(Error::to_string);
        json!({"user": s.user, "credentials": own.iter().map(credential).collect::<Vec<_>>(), "error": error})
    };
    let document = json!({
        "quotas": quotas.iter().map(quota).collect::<Vec<_>>(),
        "scram": all.iter().map(scram).collect::<Vec<_>>(),
    });
    out_json::print(out, &document)
}
