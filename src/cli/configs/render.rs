//! How settings, quotas and credentials look.

use super::entity::Kind;
use crate::cli::error::{CliError, stderr_line};
use crate::cli::out::facts::{Cell, Column, Facts, number, row, text};
use crate::cli::out::plain::java_double;
use crate::cli::out::{Format, Out};
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
    if format == Format::Plain {
        return out.line(text);
    }
    stderr_line(text);
    resources(out, &[], format)
}

pub(super) fn heading(out: &mut Out, kind: Kind, name: &str, all: bool) -> Result<(), CliError> {
    match name {
        "" => out.line(format!("Default configs for {} in the cluster are:", kind.plural())),
        name => out.line(format!("{} configs for {} {name} are:", if all { "All" } else { "Dynamic" }, kind.singular())),
    }
}

/// Kafka's line for each setting.
pub(super) fn settings(out: &mut Out, resource: &Resource) -> Result<(), CliError> {
    resource.entries.iter().try_for_each(|e| {
        out.line(format!("  {}={} sensitive={} synonyms={{{}}}", e.name, or_null(&e.value), e.is_sensitive, synonyms(e).join(", ")))
    })
}

/// Everything but Kafka's lines, which have been printed by then.
pub(super) fn resources(out: &mut Out, all: &[Resource], format: Format) -> Result<(), CliError> {
    const COLUMNS: &[Column] = &[
        text("name"),
        text("type"),
        text("config"),
        text("value"),
        text("source"),
        text("sensitive").detail(),
        text("read_only").detail(),
        text("synonyms").detail(),
    ];
    let row = |r: &Resource, e: &ConfigEntry| {
        let name = (!r.name.is_empty()).then_some(&r.name);
        let synonyms = synonyms(e);
        row![name, r.kind.singular(), &e.name, e.value.clone(), source(e.config_source), e.is_sensitive, e.read_only, synonyms]
    };
    Facts::new(COLUMNS, all.iter().flat_map(|r| r.entries.iter().map(move |e| row(r, e)))).print(out, format, |_| Ok(()))
}

/// Where a value may come from, strongest first: `DEFAULT_CONFIG:retention.ms=604800000`.
fn synonyms(e: &ConfigEntry) -> Vec<String> {
    e.synonyms.iter().map(|s| format!("{}:{}={}", source(s.source), s.name, or_null(&s.value))).collect()
}

fn or_null(value: &Option<String>) -> String {
    value.clone().unwrap_or_else(|| "null".to_owned())
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

/// Everything but Kafka's lines, which have been printed by then. Credentials are told as settings: how many iterations of which mechanism.
pub(super) fn quotas_and_credentials(out: &mut Out, quotas: &[Quota], all: &[Scram], format: Format) -> Result<(), CliError> {
    const COLUMNS: &[Column] = &[
        text("entity"),
        text("config"),
        number("value"),
        text("error").if_any(),
        text("entity_types").detail(),
        text("entity_names").detail(),
    ];
    let limits = quotas.iter().flat_map(|q| {
        let kinds: Vec<&str> = q.entity.iter().map(|(kind, _)| kind.as_str()).collect();
        let names: Vec<Option<String>> = q.entity.iter().map(|(_, name)| name.clone()).collect();
        q.values.iter().map(move |(key, value)| row![shown(&q.entity), key, *value, Cell::Null, &kinds, &names])
    });
    let own = all.iter().flat_map(|s| {
        let entity = vec![("user".to_owned(), Some(s.user.clone()))];
        let row =
            |config: Cell, value: Cell, error: Option<String>| row![shown(&entity), config, value, error, vec!["user"], vec![&s.user]];
        match &s.own {
            Ok(own) => own.iter().map(|(id, iterations)| row(mechanism(*id).into(), (*iterations).into(), None)).collect(),
            Err(e) => vec![row(Cell::Null, Cell::Null, Some(e.to_string()))],
        }
    });
    Facts::new(COLUMNS, limits.chain(own)).print(out, format, |_| Ok(()))
}
