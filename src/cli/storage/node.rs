//! What a server's properties file says of its directories and of the quorum.

use std::collections::BTreeSet;
use std::path::Path;

use super::thrown;
use crate::cli::connect::{self, Properties, get};
use crate::cli::error::CliError;
use crate::node::quorum::storage::FirstVoter;
use crate::wire::Uuid;

const CONFIG: &str = "org.apache.kafka.common.config.ConfigException";
const ILLEGAL: &str = "java.lang.IllegalArgumentException";

/// The part of a server's configuration that formatting goes by.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NodeConfig {
    pub node: i32,
    pub is_controller: bool,
    /// The voters stand in the configuration.
    pub static_voters: bool,
    /// All, sorted, with that of the metadata.
    pub dirs: BTreeSet<String>,
    pub metadata_dir: String,
    /// The first of `controller.listener.names`.
    pub controller_listener: String,
    /// Host and port that other controllers reach this one at.
    pub controller_address: Option<(String, u16)>,
}

impl NodeConfig {
    /// Errors: the file cannot be read, or lacks something.
    pub fn load(path: &Path) -> Result<NodeConfig, CliError> {
        NodeConfig::of(&connect::load_properties(path)?)
    }

    fn of(properties: &Properties) -> Result<NodeConfig, CliError> {
        let text = |key| get(properties, key).map(str::trim).filter(|v| !v.is_empty());
        let required = |key| {
            let missing = || thrown(CONFIG, format!("Missing required configuration \"{key}\" which has no default value."));
            text(key).ok_or_else(missing)
        };
        let roles = text("process.roles");
        let node = required("node.id")?;
        let bad = || thrown(CONFIG, format!("Invalid value {node} for configuration node.id: Not a number of type INT"));
        let node: i32 = node.parse().map_err(|_| bad())?;
        let roles = match roles {
            Some(roles) => roles,
            None => required("process.roles")?,
        };
        let list = |key| text(key).unwrap_or_default().split(',').map(str::trim).filter(|v| !v.is_empty()).map(str::to_owned);
        let mut dirs: Vec<String> = list("log.dirs").collect();
        if dirs.is_empty() {
            dirs.push(text("log.dir").unwrap_or("/tmp/kafka-logs").to_owned());
        }
        let metadata_dir = text("metadata.log.dir").unwrap_or(&dirs[0]).to_owned();
        let controller_listener = list("controller.listener.names").next().unwrap_or_default().to_ascii_uppercase();
        let listeners = list("advertised.listeners").chain(list("listeners"));
        let addresses: Vec<(String, String, u16)> = listeners.filter_map(|l| listener(&l)).collect();
        let own = addresses.into_iter().find(|(name, ..)| *name == controller_listener);
        Ok(NodeConfig {
            node,
            is_controller: roles.split(',').any(|r| r.trim() == "controller"),
            static_voters: text("controller.quorum.voters").is_some(),
            dirs: dirs.into_iter().chain([metadata_dir.clone()]).collect(),
            metadata_dir,
            controller_listener,
            controller_address: own.map(|(_, host, port)| (host, port)),
        })
    }
}

/// `NAME://host:port`; without a host it is this machine.
fn listener(text: &str) -> Option<(String, String, u16)> {
    let (name, address) = text.split_once("://")?;
    let (host, port) = address.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let host = if host.is_empty() { "localhost" } else { host };
    Some((name.to_ascii_uppercase(), host.to_owned(), port.parse().ok()?))
}

/// `1@host:9093:directory,2@[::1]:9093:directory`
pub(super) fn voters(text: &str) -> Result<Vec<FirstVoter>, CliError> {
    let mut all: Vec<FirstVoter> = Vec::new();
    for part in text.trim().split(',').filter(|p| !p.is_empty()) {
        let voter = voter(part.trim()).map_err(|why| thrown(ILLEGAL, why))?;
        if all.iter().any(|known| known.id == voter.id) {
            return Err(thrown(ILLEGAL, format!("Node id {} was specified more than once.", voter.id)));
        }
        all.push(voter);
    }
    if all.is_empty() {
        return Err(thrown(ILLEGAL, "No voters given."));
    }
    all.sort_by_key(|v| v.id);
    Ok(all)
}

fn voter(text: &str) -> Result<FirstVoter, String> {
    let (id, rest) = text.split_once('@').ok_or("No @ found in dynamic voter string.")?;
    if id.is_empty() {
        return Err("Invalid @ at beginning of dynamic voter string.".into());
    }
    let id: i32 = id.parse().map_err(|_| "Failed to parse node id in dynamic voter string.")?;
    if id < 0 {
        return Err(format!("Invalid negative node id {id} in dynamic voter string."));
    }
    if rest.is_empty() {
        return Err("No hostname found after node id.".into());
    }
    let (host, rest) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once(']').ok_or("Hostname began with left bracket, but no right bracket was found.")?,
        None => rest.split_at(rest.find(':').ok_or("No colon following hostname could be found.")?),
    };
    let rest = rest.strip_prefix(':').ok_or("Port section must start with a colon.")?;
    let (port, directory) = rest.split_once(':').ok_or("No colon following port could be found.")?;
    let port: i32 = port.parse().map_err(|_| "Failed to parse port in dynamic voter string.")?;
    let port = u16::try_from(port).map_err(|_| format!("Invalid port {port} in dynamic voter string."))?;
    let directory: Uuid = directory.parse().map_err(|_| "Failed to parse directory ID in dynamic voter string.")?;
    Ok(FirstVoter { id, host: host.to_owned(), port, directory })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn properties(text: &str) -> Properties {
        crate::config::parse_properties(text)
    }

    #[test]
    fn directories_and_the_controllers_address_are_found() {
        let config = NodeConfig::of(&properties(
            "node.id=1\nprocess.roles=broker,controller\nlog.dirs=/c, /b\nmetadata.log.dir=/a\ncontroller.listener.names=controller\n\
             listeners=PLAINTEXT://:9092,CONTROLLER://:9093\n",
        ))
        .unwrap();
        assert_eq!(config.dirs.iter().map(String::as_str).collect::<Vec<_>>(), ["/a", "/b", "/c"]);
        assert_eq!((config.metadata_dir.as_str(), config.controller_address), ("/a", Some(("localhost".to_owned(), 9093))));
        assert!(config.is_controller && !config.static_voters);
        let told = |text: &str| NodeConfig::of(&properties(text)).unwrap_err().message;
        assert_eq!(told("process.roles=broker"), "Missing required configuration \"node.id\" which has no default value.");
        assert_eq!(told("node.id=1"), "Missing required configuration \"process.roles\" which has no default value.");
    }

    #[test]
    fn voters_are_read_and_what_is_wrong_is_named() {
        let found = voters("2@[::1]:1:AQEBAQEBAQEBAQEBAQEBAQ,1@h:9093:AQEBAQEBAQEBAQEBAQEBAQ").unwrap();
        assert_eq!((found[0].id, found[0].host.as_str(), found[1].host.as_str(), found[1].port), (1, "h", "::1", 1));
        let told = |text: &str| voters(text).unwrap_err().message;
        assert_eq!(told("xx"), "No @ found in dynamic voter string.");
        assert_eq!(told("1@h"), "No colon following hostname could be found.");
        assert_eq!(told("1@h:99999:x"), "Invalid port 99999 in dynamic voter string.");
        assert_eq!(told("1@h:1:x"), "Failed to parse directory ID in dynamic voter string.");
        assert_eq!(told(","), "No voters given.");
    }
}
