//! Names from the broker for completions: topics and groups. Quick or not at all, and never a word of complaint.

use std::ffi::OsStr;
use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};

use super::completions::typed_words;
use super::connect::{self, ConnectionArgs, Properties};
use super::error::CliError;
use super::tool::{Context, Personality};
use crate::client::Admin;

/// A person in the middle of a line does not wait longer.
const PATIENCE: Duration = Duration::from_millis(250);

/// Completes the names of topics.
pub fn topics() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let internal = current.to_string_lossy().starts_with('_');
        candidates(current, async move |admin| Ok(admin.list_topics(internal).await?.into_iter().map(|t| t.name).collect()))
    })
}

/// Completes the names of consumer groups.
pub fn groups() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        candidates(current, async |admin| Ok(admin.list_groups(&[], &[]).await?.into_iter().map(|g| g.group).collect()))
    })
}

fn candidates<F>(current: &OsStr, ask: impl FnOnce(Admin) -> F) -> Vec<CompletionCandidate>
where
    F: Future<Output = Result<Vec<String>, CliError>>,
{
    let start = current.to_string_lossy();
    let found = ask_broker(ask).unwrap_or_default();
    found.into_iter().filter(|name| name.starts_with(&*start)).map(CompletionCandidate::new).collect()
}

fn ask_broker<F>(ask: impl FnOnce(Admin) -> F) -> Result<Vec<String>, CliError>
where
    F: Future<Output = Result<Vec<String>, CliError>>,
{
    let cx = Context { personality: Personality::Modern, invoked_as: String::new() };
    let (connection, properties) = typed_connection();
    connect::run_on_existing(&connection, properties, &cx, async |properties| {
        let work = async { ask(connect::admin(&properties, &cx).await?).await };
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
