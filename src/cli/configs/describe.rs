//! `--describe`: asks, and prints as it goes.

use std::collections::BTreeSet;

use super::entity::Kind;
use super::render::{self, Quota, Resource, Scram};
use super::{Target, failed, illegal};
use crate::cli::error::CliError;
use crate::cli::failure::java_class;
use crate::cli::out::{Format, Out};
use crate::client::admin::{Admin, ConfigEntry, ConfigResource, QuotaMatch, ResourceType};
use crate::types::check_topic_name;
use crate::wire::ErrorCode;

pub(super) async fn describe(admin: &Admin, target: &Target, all: bool, format: Format) -> Result<(), CliError> {
    let mut out = Out::stdout();
    let done = match resource_type(target.kinds[0]) {
        Some(kind) => resources(admin, target, kind, all, format, &mut out).await,
        None => quotas_and_credentials(admin, target, format, &mut out).await,
    };
    // What has been found goes out before the error is told.
    out.flush()?;
    done
}

/// `None` for what has quotas.
pub(super) fn resource_type(kind: Kind) -> Option<ResourceType> {
    match kind {
        Kind::Topic => Some(ResourceType::Topic),
        Kind::Broker => Some(ResourceType::Broker),
        Kind::BrokerLogger => Some(ResourceType::BrokerLogger),
        Kind::ClientMetrics => Some(ResourceType::ClientMetrics),
        Kind::Group => Some(ResourceType::Group),
        Kind::User | Kind::Client | Kind::Ip => None,
    }
}

/// The source of what is set at run time for the resource itself; `None`: no matter which.
fn own_source(kind: Kind, name: &str) -> Option<i8> {
    match kind {
        Kind::Topic => Some(1),
        Kind::Broker if name.is_empty() => Some(3),
        Kind::Broker => Some(2),
        Kind::ClientMetrics => Some(7),
        Kind::Group => Some(8),
        _ => None,
    }
}

async fn resources(
    admin: &Admin,
    target: &Target,
    resource_type: ResourceType,
    all: bool,
    format: Format,
    out: &mut Out,
) -> Result<(), CliError> {
    let kind = target.kinds[0];
    let name = target.names.first();
    if kind == Kind::Topic {
        refuse_controllers(admin)?;
    }
    if let Some(name) = name.filter(|_| !all)
        && !exists(admin, kind, name).await?
    {
        let text = format!("The {} '{name}' doesn't exist and doesn't have dynamic config.", kind.singular());
        return render::missing(out, &text, format);
    }
    let names = match name {
        Some(name) => vec![name.clone()],
        None => everything(admin, kind).await?,
    };
    let mut found = Vec::new();
    for name in names {
        if format == Format::Plain {
            render::heading(out, kind, &name, all)?;
        }
        let resource = Resource { kind, entries: entries(admin, kind, resource_type, &name, all).await?, name };
        match format {
            Format::Plain => render::settings(out, &resource)?,
            _ => found.push(resource),
        }
    }
    render::resources(out, &found, format)
}

async fn entries(admin: &Admin, kind: Kind, resource_type: ResourceType, name: &str, all: bool) -> Result<Vec<ConfigEntry>, CliError> {
    let resource = ConfigResource { kind: resource_type, name: name.to_owned() };
    let mut described = admin.describe_configs(&[resource]).await.map_err(failed)?;
    let Some((_, result)) = described.pop() else { return Ok(Vec::new()) };
    let mut entries = result.map_err(failed)?;
    let wanted = own_source(kind, name).filter(|_| !all);
    entries.retain(|e| wanted.is_none_or(|source| e.config_source == source));
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

async fn exists(admin: &Admin, kind: Kind, name: &str) -> Result<bool, CliError> {
    let listed = |names: Vec<String>| names.iter().any(|n| n == name);
    match kind {
        Kind::Topic => {
            check_topic_name(name).map_err(illegal)?;
            Ok(listed(everything(admin, kind).await?))
        }
        Kind::Broker | Kind::BrokerLogger if name.is_empty() => Ok(true),
        Kind::Broker | Kind::BrokerLogger | Kind::ClientMetrics | Kind::Group => Ok(listed(everything(admin, kind).await?)),
        Kind::User | Kind::Client | Kind::Ip => Ok(true),
    }
}

/// The names of all there are of a kind; of brokers also the name of their defaults.
async fn everything(admin: &Admin, kind: Kind) -> Result<Vec<String>, CliError> {
    match kind {
        Kind::Topic => Ok(admin.list_topics(true).await.map_err(failed)?.into_iter().map(|t| t.name).collect()),
        Kind::Broker | Kind::BrokerLogger => {
            let brokers = admin.describe_cluster().await.map_err(failed)?.brokers;
            Ok(brokers.iter().map(|b| b.id.to_string()).chain([String::new()]).collect())
        }
        Kind::ClientMetrics => admin.list_config_resources(ResourceType::ClientMetrics).await.map_err(failed),
        Kind::Group => {
            let listed = admin.list_groups(&[], &[]).await.map_err(failed)?;
            let mut names: BTreeSet<String> = listed.into_iter().map(|g| g.group).collect();
            // Older brokers cannot tell which groups have settings.
            names.extend(admin.list_config_resources(ResourceType::Group).await.unwrap_or_default());
            Ok(names.into_iter().collect())
        }
        Kind::User | Kind::Client | Kind::Ip => Ok(Vec::new()),
    }
}

/// Topics are a matter of brokers.
fn refuse_controllers(admin: &Admin) -> Result<(), CliError> {
    if !admin.client().config().controllers {
        return Ok(());
    }
    let text = "This Admin API is not yet supported when communicating directly with the controller quorum.";
    let error = CliError::failed(text).exception(java_class(ErrorCode::UnsupportedEndpointType)).wrapped_in(super::EXECUTION);
    Err(error.hint("--bootstrap-server in place of --bootstrap-controller asks a broker"))
}

async fn quotas_and_credentials(admin: &Admin, target: &Target, format: Format, out: &mut Out) -> Result<(), CliError> {
    let quotas = quotas(admin, target).await?;
    if format == Format::Plain {
        render::quotas(out, &quotas)?;
    }
    let mut credentials = Vec::new();
    let users_only = target.kinds == [Kind::User] && !target.names.iter().any(String::is_empty);
    if users_only {
        let names: Vec<&str> = target.names.iter().map(String::as_str).collect();
        let described = admin.describe_scram(&names).await.map_err(failed)?;
        credentials = described.into_iter().map(|(user, own)| Scram { user, own }).collect();
    }
    match format {
        Format::Plain => render::credentials(out, &credentials),
        _ => render::quotas_and_credentials(out, &quotas, &credentials, format),
    }
}

/// The quotas of what the command is about, named entities first.
pub(super) async fn quotas(admin: &Admin, target: &Target) -> Result<Vec<Quota>, CliError> {
    if target.names.len() > target.kinds.len() {
        return Err(illegal("More entity names specified than entity types"));
    }
    let parts = target.kinds.iter().enumerate().filter_map(|(at, kind)| {
        let wanted = match target.names.get(at).map(String::as_str) {
            Some("") => QuotaMatch::Default,
            Some(name) => QuotaMatch::Named(name.to_owned()),
            None => QuotaMatch::Any,
        };
        Some((kind.in_quotas()?, wanted))
    });
    let parts: Vec<_> = parts.collect();
    let found = admin.describe_quotas(&parts).await.map_err(failed)?;
    let mut all: Vec<Quota> = found.into_iter().map(|(entity, values)| Quota { entity: sorted(entity), values }).collect();
    let order = |quota: &Quota| quota.entity.iter().map(|(_, name)| (name.is_none(), name.clone())).collect::<Vec<_>>();
    all.sort_by_key(order);
    Ok(all)
}

/// The user before the client id.
fn sorted(mut entity: Vec<(String, Option<String>)>) -> Vec<(String, Option<String>)> {
    entity.sort_by_key(|(kind, _)| kind != "user");
    entity
}
