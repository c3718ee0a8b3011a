//! `--alter`.

use std::collections::BTreeSet;

use super::describe::{quotas, resource_type};
use super::entity::Kind;
use super::given::Given;
use super::{Target, failed, illegal};
use crate::cli::error::CliError;
use crate::cli::failure::java_class;
use crate::client::admin::{Admin, AlterOp, ConfigChange, ConfigResource, QuotaEntity, ResourceType, ScramChange, ScramMechanism};
use crate::wire::ErrorCode;

const CLIENT_QUOTAS: [&str; 4] = ["producer_byte_rate", "consumer_byte_rate", "request_percentage", "controller_mutation_rate"];
const IP_QUOTA: &str = "connection_creation_rate";
/// Of a credential, where nothing else is given.
const ITERATIONS: i32 = 4096;

pub(super) async fn alter(admin: &Admin, target: &Target, given: &Given) -> Result<(), CliError> {
    let name = target.names.first().map(String::as_str).unwrap_or_default();
    match (target.kinds[0], resource_type(target.kinds[0])) {
        (Kind::BrokerLogger, _) => {
            must_be_there(admin, name).await?;
            loggers(admin, name, given).await
        }
        (Kind::Broker, Some(kind)) if !name.is_empty() => {
            must_be_there(admin, name).await?;
            resource(admin, kind, name, given).await
        }
        (_, Some(kind)) => resource(admin, kind, name, given).await,
        (Kind::Ip, None) => {
            let unknown: Vec<&str> = keys(given).filter(|key| *key != IP_QUOTA).collect();
            if !unknown.is_empty() {
                return Err(illegal(format!(
                    "Only connection quota configs can be added for 'ips' using --bootstrap-server. Unexpected config names: {}",
                    unknown.join(",")
                )));
            }
            change_quotas(admin, target, given).await
        }
        (_, None) => of_clients(admin, target, given).await,
    }
}

fn keys(given: &Given) -> impl Iterator<Item = &str> {
    given.set.keys().chain(&given.delete).map(String::as_str)
}

/// Settings of a broker are told to that broker; where there is none, nobody would ever answer.
async fn must_be_there(admin: &Admin, name: &str) -> Result<(), CliError> {
    let there: Vec<String> = admin.describe_cluster().await.map_err(failed)?.brokers.iter().map(|b| b.id.to_string()).collect();
    if there.iter().any(|id| id == name) {
        return Ok(());
    }
    let error = CliError::failed(format!("broker {name} does not exist")).hint(format!("there is: {}", there.join(", ")));
    Err(error.exception(java_class(ErrorCode::RequestTimedOut)).wrapped_in(super::EXECUTION))
}

async fn resource(admin: &Admin, kind: ResourceType, name: &str, given: &Given) -> Result<(), CliError> {
    let set = given.set.iter().map(|(name, value)| ConfigChange { name: name.clone(), op: AlterOp::Set, value: Some(value.clone()) });
    let delete = given.delete.iter().map(|name| ConfigChange { name: name.clone(), op: AlterOp::Delete, value: None });
    let resource = ConfigResource { kind, name: name.to_owned() };
    let results = admin.alter_configs(&[(resource, set.chain(delete).collect())]).await.map_err(failed)?;
    results.into_iter().try_for_each(|(_, result)| result.map_err(failed))
}

async fn loggers(admin: &Admin, name: &str, given: &Given) -> Result<(), CliError> {
    let resource_ = ConfigResource { kind: ResourceType::BrokerLogger, name: name.to_owned() };
    let described = admin.describe_configs(&[resource_]).await.map_err(failed)?;
    let mut known = BTreeSet::new();
    for (_, entries) in described {
        known.extend(entries.map_err(failed)?.into_iter().map(|e| e.name));
    }
    let unknown: Vec<&str> = given.delete.iter().chain(given.set.keys()).map(String::as_str).filter(|key| !known.contains(*key)).collect();
    if !unknown.is_empty() {
        return Err(illegal(format!("Invalid broker logger(s): {}", unknown.join(","))));
    }
    resource(admin, ResourceType::BrokerLogger, name, given).await
}

/// Users and client ids: quotas, and of single users credentials.
async fn of_clients(admin: &Admin, target: &Target, given: &Given) -> Result<(), CliError> {
    let is_quota = |key: &str| CLIENT_QUOTAS.contains(&key);
    let is_scram = |key: &str| ScramMechanism::of_name(key).is_some();
    let with_clients = target.kinds.contains(&Kind::Client);
    let unexpected = |key: &&String| !is_quota(key) && (with_clients || !is_scram(key));
    let refuse = |what: &str, list: String| {
        let (quotas, whom) = if with_clients { ("quota", "clients") } else { ("quota and SCRAM credential", "users") };
        let text = format!("Only {quotas} configs can be {what} for '{whom}' using --bootstrap-server. Unexpected config names: {list}");
        Err(illegal(text))
    };
    let added: Vec<&str> = given.set.keys().filter(unexpected).map(String::as_str).collect();
    if !added.is_empty() {
        return refuse("added", format!("Set({})", added.join(", ")));
    }
    let deleted: Vec<&str> = given.delete.iter().filter(unexpected).map(String::as_str).collect();
    if !deleted.is_empty() {
        return refuse("deleted", format!("ArrayBuffer({})", deleted.join(", ")));
    }
    let quotas = keys(given).any(is_quota);
    if keys(given).any(is_scram) {
        if target.names.iter().any(String::is_empty) {
            return Err(illegal(
                "The use of --entity-default or --user-defaults is not allowed with User SCRAM Credentials using --bootstrap-server.",
            ));
        }
        if quotas {
            return Err(illegal(
                "Cannot alter both quota and SCRAM credential configs simultaneously for 'users' using --bootstrap-server.",
            ));
        }
    }
    if quotas { change_quotas(admin, target, given).await } else { change_credentials(admin, &target.names[0], given).await }
}

async fn change_quotas(admin: &Admin, target: &Target, given: &Given) -> Result<(), CliError> {
    let old: BTreeSet<String> = quotas(admin, target).await?.into_iter().flat_map(|q| q.values).map(|(key, _)| key).collect();
    let missing: Vec<&str> = given.delete.iter().map(String::as_str).filter(|key| !old.contains(*key)).collect();
    if !missing.is_empty() {
        return Err(illegal(format!("Invalid config(s): {}", missing.join(","))));
    }
    let mut changes = Vec::new();
    for (key, value) in &given.set {
        let number = value.parse().map_err(|_| illegal(format!("Cannot parse quota configuration value for {key}: {value}")))?;
        changes.push((key.clone(), Some(number)));
    }
    changes.extend(given.delete.iter().map(|key| (key.clone(), None)));
    let part = |(kind, name): (&Kind, &String)| Some((kind.in_quotas()?.to_owned(), Some(name.clone()).filter(|n| !n.is_empty())));
    let entity: QuotaEntity = target.kinds.iter().zip(&target.names).filter_map(part).collect();
    admin.alter_quotas(&entity, &changes).await.map_err(failed)
}

async fn change_credentials(admin: &Admin, user: &str, given: &Given) -> Result<(), CliError> {
    let mut changes: Vec<ScramChange> =
        given.delete.iter().filter_map(|key| ScramMechanism::of_name(key)).map(ScramChange::Delete).collect();
    for (key, value) in &given.set {
        let Some(mechanism) = ScramMechanism::of_name(key) else { continue };
        let (iterations, password) = credential(mechanism, value)?;
        changes.push(ScramChange::Set { mechanism, iterations, password });
    }
    admin.alter_scram(user, &changes).await.map_err(failed)
}

/// `iterations=N,password=SECRET`; the iterations may be left out. The secret is never part of an error.
fn credential(mechanism: ScramMechanism, text: &str) -> Result<(i32, String), CliError> {
    let name = mechanism.name();
    let malformed = || {
        let shown = if text.contains("password=") { "(hidden)" } else { text };
        illegal(format!("Invalid credential property {}={shown}", name.replace('-', "_")))
    };
    let (iterations, rest) = match text.strip_prefix("iterations=") {
        Some(rest) => {
            let (number, rest) = rest.split_once(',').ok_or_else(malformed)?;
            (if matches!(number, "" | "-1") { Some(ITERATIONS) } else { number.parse().ok() }, rest)
        }
        None => (Some(ITERATIONS), text),
    };
    let (Some(iterations), Some(password)) = (iterations, rest.strip_prefix("password=")) else { return Err(malformed()) };
    if iterations < ITERATIONS {
        return Err(illegal(format!("Iterations {iterations} is less than the minimum {ITERATIONS} required for {name}")));
    }
    Ok((iterations, password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a5_a_credential_is_read_and_its_password_never_told() {
        let read = |text: &str| credential(ScramMechanism::Sha256, text).map_err(|e| e.message);
        assert_eq!(read("password=a,b=c"), Ok((4096, "a,b=c".into())));
        assert_eq!(read("iterations=8192,password=x"), Ok((8192, "x".into())));
        assert_eq!(read("iterations=-1,password=x"), Ok((4096, "x".into())));
        assert_eq!(read("x"), Err("Invalid credential property SCRAM_SHA_256=x".into()));
        assert_eq!(read("iterations=9z,password=secret"), Err("Invalid credential property SCRAM_SHA_256=(hidden)".into()));
        assert_eq!(read("iterations=10,password=x"), Err("Iterations 10 is less than the minimum 4096 required for SCRAM-SHA-256".into()));
    }
}
