//! A controller to add, as its own configuration file describes it.

use std::path::Path;

use crate::cli::connect::{Properties, get};
use crate::cli::error::CliError;
use crate::config;
use crate::wire::Uuid;

/// What the quorum must know of a new voter.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NewController {
    pub id: i32,
    pub directory: Uuid,
    /// Name, host and port of its listeners.
    pub endpoints: Vec<(String, String, u16)>,
}

impl NewController {
    /// From the properties of a controller whose metadata directory is on this machine.
    ///
    /// Errors: they are none of a controller, or its directory is not formatted.
    pub fn from(properties: &Properties) -> Result<NewController, CliError> {
        let id = id(properties)?;
        let directory = directory_id(&metadata_directory(properties)?)?;
        Ok(NewController { id, directory, endpoints: endpoints(properties)? })
    }

    /// `CONTROLLER://host:9093, ...`
    pub fn shown_endpoints(&self) -> String {
        let one = |(name, host, port): &(String, String, u16)| match host.contains(':') {
            true => format!("{name}://[{host}]:{port}"),
            false => format!("{name}://{host}:{port}"),
        };
        self.endpoints.iter().map(one).collect::<Vec<_>>().join(", ")
    }
}

fn invalid(what: impl Into<String>) -> CliError {
    CliError::failed(what)
}

fn id(properties: &Properties) -> Result<i32, CliError> {
    const WHICH: &str = "in configuration file. Is this a valid controller configuration file?";
    let text = get(properties, "node.id").ok_or_else(|| invalid(format!("node.id not found {WHICH}")))?;
    let id: i32 = text.trim().parse().map_err(|_| {
        invalid(format!("For input string: \"{text}\"")).exception("java.lang.NumberFormatException").hint("node.id must be a number")
    })?;
    if id < 0 {
        return Err(invalid(format!("node.id was negative {WHICH}")));
    }
    match get(properties, "process.roles").unwrap_or_default().contains("controller") {
        true => Ok(id),
        false => Err(invalid(format!("process.roles did not contain 'controller' {WHICH}"))),
    }
}

fn metadata_directory(properties: &Properties) -> Result<String, CliError> {
    let first = |key| get(properties, key).and_then(|dirs| dirs.trim().split(',').next()).filter(|d| !d.is_empty());
    get(properties, "metadata.log.dir")
        .or_else(|| first("log.dirs"))
        .map(str::to_owned)
        .ok_or_else(|| invalid("Neither metadata.log.dir nor log.dirs were found. Is this a valid controller configuration file?"))
}

fn directory_id(directory: &str) -> Result<Uuid, CliError> {
    let unread = || invalid(format!("Unable to read meta.properties from {directory}"));
    let text = std::fs::read_to_string(Path::new(directory).join("meta.properties")).map_err(|_| unread())?;
    let found = config::parse_properties(&text);
    let id = get(&found, "directory.id").ok_or_else(|| invalid(format!("No directory id found in {directory}")))?;
    id.parse().map_err(|_| unread())
}

/// Those that `controller.listener.names` names, as advertised or else as listened on.
fn endpoints(properties: &Properties) -> Result<Vec<(String, String, u16)>, CliError> {
    const NAMES: &str = "controller.listener.names";
    let list = |key| get(properties, key).unwrap_or_default().split(',').map(str::trim).filter(|e| !e.is_empty());
    let names =
        get(properties, NAMES).ok_or_else(|| invalid(format!("{NAMES} was not found. Is this a valid controller configuration file?")))?;
    let known: Vec<(String, String, u16)> =
        list("advertised.listeners").chain(list("listeners")).map(endpoint).collect::<Result<_, CliError>>()?;
    let wanted = names.split(',').map(|name| name.trim().to_ascii_uppercase());
    let find = |name: String| {
        let missing = || invalid(format!("Cannot find information about controller listener name: {name}"));
        known.iter().find(|(known, ..)| *known == name).cloned().ok_or_else(missing)
    };
    wanted.map(find).collect()
}

/// `NAME://host:port`; without a host it is this machine.
fn endpoint(text: &str) -> Result<(String, String, u16), CliError> {
    let bad = || invalid(format!("Unable to parse {text} to a broker endpoint")).exception("org.apache.kafka.common.KafkaException");
    let (name, address) = text.split_once("://").ok_or_else(bad)?;
    let (host, port) = address.rsplit_once(':').ok_or_else(bad)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let host = if host.is_empty() { "localhost" } else { host };
    Ok((name.to_ascii_uppercase(), host.to_owned(), port.parse().map_err(|_| bad())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn properties(pairs: &[(&str, &str)]) -> Properties {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn advertised_listeners_come_before_those_listened_on() {
        let found = endpoints(&properties(&[
            ("controller.listener.names", "controller,second"),
            ("listeners", "PLAINTEXT://:9092,CONTROLLER://0.0.0.0:9093,SECOND://[::1]:9094"),
            ("advertised.listeners", "CONTROLLER://c1:9093"),
        ]));
        let found = NewController { id: 1, directory: Uuid::ZERO, endpoints: found.unwrap() };
        assert_eq!(found.shown_endpoints(), "CONTROLLER://c1:9093, SECOND://[::1]:9094");
    }

    #[test]
    fn what_is_no_controller_is_refused() {
        let told = |pairs| NewController::from(&properties(pairs)).unwrap_err().message;
        assert_eq!(told(&[]), "node.id not found in configuration file. Is this a valid controller configuration file?");
        assert!(told(&[("node.id", "-1")]).starts_with("node.id was negative"));
        assert!(told(&[("node.id", "1"), ("process.roles", "broker")]).starts_with("process.roles did not contain"));
        assert!(told(&[("node.id", "1"), ("process.roles", "controller")]).starts_with("Neither metadata.log.dir nor log.dirs"));
        assert_eq!(
            told(&[("node.id", "1"), ("process.roles", "controller"), ("log.dirs", "/nowhere,/b")]),
            "Unable to read meta.properties from /nowhere"
        );
    }
}
