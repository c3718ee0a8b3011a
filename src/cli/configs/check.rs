//! Which options of `configs` fit together: Kafka's checks, in its order and words.

use std::net::{IpAddr, ToSocketAddrs};

use super::entity::Kind;
use super::{Args, Target, illegal};
use crate::cli::error::CliError;
use crate::cli::tool::Context;
use crate::cli::usage::refuse;

/// What the command is about, if the options make sense together.
pub(super) fn check(args: &Args, cx: &Context) -> Result<Target, CliError> {
    if args.alter == args.describe {
        return Err(CliError::usage("Command must include exactly one action: --describe, --alter"));
    }
    let changes = [("add-config", args.add_config.is_some()), ("delete-config", !args.delete_config.is_empty())];
    refuse(("describe", args.describe), &changes)?;
    let shorts = shorts(args);
    let types: Vec<&str> = args.entity.types.iter().map(String::as_str).chain(shorts.iter().map(|(kind, _)| kind.plural())).collect();
    let mut once: Vec<&str> = Vec::new();
    let twice: Vec<&str> = types.iter().copied().filter(|t| once.contains(t) || !push(&mut once, t)).collect();
    if !twice.is_empty() {
        return Err(illegal(format!("Duplicate entity type(s) specified: {}", twice.join(","))));
    }
    if args.bootstrap_controller.is_none() && !args.connection.given(cx) {
        return Err(illegal("Either --bootstrap-server or --bootstrap-controller must be specified."));
    }
    let kinds: Vec<Kind> = types.iter().map(|t| kind(t)).collect::<Result<_, _>>()?;
    match kinds.as_slice() {
        [] => return Err(illegal("At least one entity type must be specified")),
        [_] | [Kind::User, Kind::Client] | [Kind::Client, Kind::User] => {}
        _ => return Err(illegal("Only 'users' and 'clients' entity types may be specified together")),
    }
    if args.entity != Default::default() && !shorts.is_empty() {
        return Err(illegal("--entity-{type,name,default} should not be used in conjunction with specific entity flags"));
    }
    if args.bootstrap_controller.is_some() && args.connection.bootstrap_server.is_some() {
        return Err(illegal("Only one of --bootstrap-server or --bootstrap-controller can be specified"));
    }
    let names = args.entity.names.iter().cloned().chain(shorts.into_iter().map(|(_, name)| name)).collect();
    let target = Target { kinds, names };
    check_names(&target)?;
    if args.describe { check_describe(args, &target) } else { check_alter(args, &target) }?;
    Ok(target)
}

/// Adds `word`; true.
fn push<'a>(words: &mut Vec<&'a str>, word: &&'a str) -> bool {
    words.push(word);
    true
}

/// The short forms that were given, in Kafka's order; an empty name stands for the defaults.
fn shorts(args: &Args) -> Vec<(Kind, String)> {
    let named = [
        (Kind::Topic, &args.topic),
        (Kind::Client, &args.client),
        (Kind::User, &args.user),
        (Kind::Broker, &args.broker),
        (Kind::BrokerLogger, &args.broker_logger),
        (Kind::Ip, &args.ip),
        (Kind::ClientMetrics, &args.client_metrics),
        (Kind::Group, &args.group),
    ];
    let defaults = [
        (Kind::Client, args.client_defaults),
        (Kind::User, args.user_defaults),
        (Kind::Broker, args.broker_defaults),
        (Kind::Ip, args.ip_defaults),
    ];
    let named = named.into_iter().filter_map(|(kind, name)| Some((kind, name.clone()?)));
    named.chain(defaults.into_iter().filter(|(_, given)| *given).map(|(kind, _)| (kind, String::new()))).collect()
}

fn kind(name: &str) -> Result<Kind, CliError> {
    Kind::ALL.into_iter().find(|kind| kind.plural() == name).ok_or_else(|| {
        illegal(format!(
            "Invalid entity type {name}, the entity type must be one of {} with a --bootstrap-server or --bootstrap-controller argument",
            Kind::ALL.map(Kind::plural).join(", ")
        ))
    })
}

/// Brokers have numbers, addresses must be some.
fn check_names(target: &Target) -> Result<(), CliError> {
    let kind = target.kinds[0];
    let mut named = target.names.iter().filter(|name| !name.is_empty());
    match kind {
        Kind::Broker | Kind::BrokerLogger => named.find(|name| name.parse::<i32>().is_err()).map_or(Ok(()), |name| {
            Err(illegal(format!("The entity name for {} must be a valid integer broker id, but it is: {name}", kind.plural())))
        }),
        Kind::Ip => named.find(|name| !is_address(name)).map_or(Ok(()), |name| {
            Err(illegal(format!("The entity name for ips must be a valid IP or resolvable host, but it is: {name}")))
        }),
        _ => Ok(()),
    }
}

fn is_address(name: &str) -> bool {
    name.parse::<IpAddr>().is_ok() || (name, 0u16).to_socket_addrs().is_ok_and(|mut found| found.next().is_some())
}

fn has_defaults(kind: Kind) -> bool {
    matches!(kind, Kind::User | Kind::Client | Kind::Broker | Kind::Ip)
}

fn check_describe(args: &Args, target: &Target) -> Result<(), CliError> {
    let (kind, named) = (target.kinds[0], target.names.iter().any(|name| !name.is_empty()));
    if !has_defaults(kind) && args.entity.has_default {
        return Err(illegal(format!("--entity-default must not be specified with --describe of {}", kind.plural())));
    }
    if kind == Kind::BrokerLogger && !named {
        return Err(illegal(format!("An entity name must be specified with --describe of {}", kind.plural())));
    }
    Ok(())
}

fn check_alter(args: &Args, target: &Target) -> Result<(), CliError> {
    let (kind, named) = (target.kinds[0], target.names.iter().any(|name| !name.is_empty()));
    if has_defaults(kind) && target.names.is_empty() {
        return Err(illegal("An entity-name or default entity must be specified with --alter of users, clients, brokers or ips"));
    }
    if !has_defaults(kind) && !named {
        return Err(illegal(format!("An entity name must be specified with --alter of {}", kind.plural())));
    }
    if args.add_config.is_some() && args.add_config_file.is_some() {
        return Err(illegal("Only one of --add-config or --add-config-file must be specified"));
    }
    if args.add_config.is_none() && args.add_config_file.is_none() && args.delete_config.is_empty() {
        return Err(illegal("At least one of --add-config, --add-config-file, or --delete-config must be specified with --alter"));
    }
    Ok(())
}
