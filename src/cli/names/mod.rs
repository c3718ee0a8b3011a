//! Names for completions: of what is in the cluster, of where clusters are, of settings. Quick or not at all, and never a word of complaint.

mod settings;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};

use super::completions::typed_words;
use super::connect::{self, ConnectionArgs, Properties};
use super::embedded;
use super::error::CliError;
use super::settings::{BROKERS_VARIABLE, DEFAULT_BROKERS, store};
use super::tool::{Context, Personality};
use crate::client::Admin;

pub use settings::{entities, kinds, setting_names, settings, topic_settings};

/// A person in the middle of a line does not wait longer.
const PATIENCE: Duration = Duration::from_millis(250);
/// No more directories are looked into for the address of a server.
const MANY: usize = 200;

/// Completes the names of topics.
pub fn topics() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| from_broker(current, topic_names))
}

/// Completes the names of consumer groups.
pub fn groups() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| from_broker(current, group_names))
}

/// Completes the names of profiles.
pub fn profiles() -> ArgValueCompleter {
    of(store::names)
}

/// Completes what `names` gives.
pub fn of(names: fn() -> Vec<String>) -> ArgValueCompleter {
    ArgValueCompleter::new(move |current: &OsStr| {
        let start = current.to_string_lossy();
        names().into_iter().filter(|name| name.starts_with(&*start)).map(CompletionCandidate::new).collect()
    })
}

/// Completes the ids of brokers, one or several separated by commas.
pub fn ids_of_brokers() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let (connection, properties) = typed_connection();
        let known = ask(&connection, properties, |admin| broker_ids(admin, String::new())).unwrap_or_default();
        after_comma(&current.to_string_lossy(), &known).into_iter().map(CompletionCandidate::new).collect()
    })
}

/// Completes `HOST:PORT,...`: what the environment and properties name, servers that run on directories here, and the brokers that one of
/// these knows.
pub fn brokers() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let current = current.to_string_lossy();
        let (_, properties) = typed_connection();
        let mut known = named(&properties, std::env::var(BROKERS_VARIABLE).ok().as_deref());
        known.extend(running_here(Path::new(".")));
        let elsewhere = ConnectionArgs { bootstrap_server: Some(known.join(",")), ..Default::default() };
        known.extend(ask(&elsewhere, properties, broker_addresses).unwrap_or_default());
        after_comma(&current, &known).into_iter().map(CompletionCandidate::new).collect()
    })
}

/// Addresses from the properties file, then those of the environment, else the default one.
fn named(properties: &Properties, environment: Option<&str>) -> Vec<String> {
    let lists = [connect::get(properties, "bootstrap.servers"), environment];
    let all = lists.into_iter().flatten().flat_map(|list| list.split(',')).map(str::trim).filter(|a| !a.is_empty());
    let all: Vec<String> = all.map(str::to_owned).collect();
    if all.is_empty() { vec![DEFAULT_BROKERS.to_owned()] } else { all }
}

/// The servers that run on directories in `place`.
fn running_here(place: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(place).into_iter().flatten().take(MANY).flatten();
    entries.filter_map(|entry| embedded::announced(&entry.path())).map(|address| address.to_string()).collect()
}

/// The list with another one of `known` behind its last comma; each once, and none that the list has already.
fn after_comma(current: &str, known: &[String]) -> Vec<String> {
    let (before, start) = current.rfind(',').map_or(("", current), |at| current.split_at(at + 1));
    let mut told: BTreeSet<&str> = before.split(',').collect();
    let new = known.iter().filter(|address| address.starts_with(start) && told.insert(address));
    new.map(|address| format!("{before}{address}")).collect()
}

async fn topic_names(admin: Admin, start: String) -> Result<Vec<String>, CliError> {
    let internal = start.starts_with('_');
    Ok(admin.list_topics(internal).await?.into_iter().map(|t| t.name).collect())
}

async fn group_names(admin: Admin, _: String) -> Result<Vec<String>, CliError> {
    Ok(admin.list_groups(&[], &[]).await?.into_iter().map(|g| g.group).collect())
}

async fn broker_ids(admin: Admin, _: String) -> Result<Vec<String>, CliError> {
    Ok(admin.client().metadata().brokers.keys().map(i32::to_string).collect())
}

async fn broker_addresses(admin: Admin) -> Result<Vec<String>, CliError> {
    Ok(admin.client().metadata().brokers.values().map(|b| b.address()).collect())
}

/// What the broker knows that begins as typed.
fn from_broker<F>(current: &OsStr, names: impl FnOnce(Admin, String) -> F) -> Vec<CompletionCandidate>
where
    F: Future<Output = Result<Vec<String>, CliError>>,
{
    let start = current.to_string_lossy().into_owned();
    let (connection, properties) = typed_connection();
    let found = ask(&connection, properties, |admin| names(admin, start.clone())).unwrap_or_default();
    found.into_iter().filter(|name| name.starts_with(&start)).map(CompletionCandidate::new).collect()
}

fn ask<F>(connection: &ConnectionArgs, properties: Properties, work: impl FnOnce(Admin) -> F) -> Result<Vec<String>, CliError>
where
    F: Future<Output = Result<Vec<String>, CliError>>,
{
    let cx = Context { personality: Personality::Modern, invoked_as: String::new() };
    connect::run_on_existing(connection, properties, &cx, async |properties| {
        let work = async { work(connect::admin(&properties, &cx).await?).await };
        tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| Ok(Vec::new()))
    })
}
/// Where the broker is, as far as that has been typed.
fn typed_connection() -> (ConnectionArgs, Properties) {
    let words: Vec<String> = typed_words().into_iter().map(|w| w.to_string_lossy().into_owned()).collect();
    let value_of = |name: &str| {
        let attached = format!("{name}=");
        words.iter().enumerate().find_map(|(at, word)| match word.strip_prefix(&attached) {
            Some(value) => Some(value.to_owned()),
            None => words.get(at + 1).filter(|_| word == name).cloned(),
        })
    };
    let connection = ConnectionArgs {
        bootstrap_server: value_of("--bootstrap-server"),
        embedded: value_of("--embedded").map(PathBuf::from),
        ..Default::default()
    };
    let file = value_of("--command-config").map(PathBuf::from);
    let properties = file.and_then(|path| connect::load_properties(&path).ok()).unwrap_or_default();
    (connection, properties)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(all: &[&str]) -> Vec<String> {
        all.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn addresses_come_from_the_file_the_environment_or_nowhere() {
        let file: Properties = vec![("bootstrap.servers".into(), "f:1, f:2".into())];
        assert_eq!(named(&file, Some("e:1")), ["f:1", "f:2", "e:1"]);
        assert_eq!(named(&Properties::new(), Some("")), [DEFAULT_BROKERS]);
    }

    #[test]
    fn addresses_follow_the_last_comma_each_once() {
        let known = texts(&["a:1", "ab:2", "a:1", "c:3"]);
        assert_eq!(after_comma("a", &known), ["a:1", "ab:2"]);
        assert_eq!(after_comma("a:1,", &known), ["a:1,ab:2", "a:1,c:3"]);
        assert_eq!(after_comma("x", &known), [""; 0]);
    }

    #[test]
    fn a_server_on_a_directory_here_is_found() {
        let place = tempfile::tempdir().unwrap();
        for (dir, text) in [("data", "127.0.0.1:4711\n"), ("other", "no address")] {
            std::fs::create_dir(place.path().join(dir)).unwrap();
            std::fs::write(place.path().join(dir).join("kfk-server.address"), text).unwrap();
        }
        assert_eq!(running_here(place.path()), ["127.0.0.1:4711"]);
        assert_eq!(running_here(&place.path().join("nowhere")), [""; 0]);
    }
}
