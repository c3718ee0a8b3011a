//! Where the broker is and how to talk to it: the options that every client command has, and properties files.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use tokio::signal::unix::{SignalKind, signal};

use super::embedded::{self, Embedded};
use super::error::{CliError, stderr_line};
use super::failure::not_created;
use super::settings::{BROKERS_VARIABLE, DEFAULT_BROKERS, Origin, Settings, variable};
use super::tool::Context;
use super::usage::refuse;
use crate::client::{Admin, Cause, ClientConfig, Error};
use crate::config;

const SERVERS: &str = "bootstrap.servers";
const CONTROLLERS: &str = "bootstrap.controllers";
const DEFAULT_PORT: u16 = 9092;
/// A broker that does not answer is told within this time, however many addresses there are.
const UNREACHABLE_AFTER_MS: u64 = 4200;

/// Keys and values, in order; a later one of the same key wins.
pub type Properties = Vec<(String, String)>;

// No doc comment: clap would take it for the command's own description.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ConnectionArgs {
    /// Brokers to contact first, separated by commas. Else bootstrap.servers of the properties file, $KFK_BROKERS, the profile's, or
    /// localhost:9092.
    #[arg(long, value_name = "HOST:PORT,...", add = super::names::brokers())]
    pub bootstrap_server: Option<String>,

    /// Instead of a server, run the broker in this process on the data directory DIR (or talk to the server that owns it).
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub embedded: Option<PathBuf>,

    /// Controllers to ask instead of brokers: for the few tools that can, which have the option themselves.
    #[arg(skip)]
    pub bootstrap_controller: Option<String>,
}

/// Where to find the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Addresses as given, separated by commas.
    Brokers(String),
    /// Addresses of controllers.
    Controllers(String),
    /// A data directory to run on.
    Embedded(PathBuf),
}

impl ConnectionArgs {
    /// False if Kafka's own tool would complain that `--bootstrap-server` is missing.
    pub fn given(&self, cx: &Context) -> bool {
        !cx.is_kafka()
            || self.bootstrap_server.is_some()
            || self.bootstrap_controller.is_some()
            || self.embedded.is_some()
            || from_environment().is_some()
    }

    /// `--embedded`, `--bootstrap-server`, `bootstrap.servers` of the properties: the first that is there; `None`: none is.
    ///
    /// Controllers to ask stand above all. Errors: two of these options at once.
    pub fn target(&self, properties: &Properties) -> Result<Option<Target>, CliError> {
        if let Some(controllers) = &self.bootstrap_controller {
            let other = [("embedded", self.embedded.is_some()), ("bootstrap-server", self.bootstrap_server.is_some())];
            return refuse(("bootstrap-controller", true), &other).map(|()| Some(Target::Controllers(controllers.clone())));
        }
        match (&self.embedded, &self.bootstrap_server) {
            (Some(_), Some(_)) => Err(CliError::usage("Option \"[embedded]\" can't be used with option \"[bootstrap-server]\"")),
            (Some(dir), None) => Ok(Some(Target::Embedded(dir.clone()))),
            (None, Some(brokers)) => Ok(Some(Target::Brokers(brokers.clone()))),
            (None, None) => {
                let from_file = get(properties, SERVERS).map(str::to_owned).filter(|v| !v.trim().is_empty());
                Ok(from_file.map(Target::Brokers))
            }
        }
    }

    /// The target that is given, or the one that the environment, the project or the profile names; `properties` are completed with the
    /// settings that belong to that. Under Kafka's names only `KFK_BROKERS` counts, and there is no profile.
    fn locate(&self, properties: &mut Properties, cx: &Context) -> Result<Target, CliError> {
        if let Some(target) = self.target(properties)? {
            return Ok(target);
        }
        if cx.is_kafka() {
            return Ok(Target::Brokers(from_environment().unwrap_or_else(|| DEFAULT_BROKERS.to_owned())));
        }
        let ((brokers, origin), config) = Settings::load()?.target()?;
        if let Some((path, _)) = config {
            for (key, value) in load_properties(&path)? {
                set_default(properties, &key, value);
            }
        }
        let completing = std::env::var_os("KFK_COMPLETE").is_some();
        if matches!(origin, Origin::Project(_)) && io::stderr().is_terminal() && !completing {
            stderr_line(format!("brokers {brokers}, as {origin} says"));
        }
        Ok(Target::Brokers(brokers))
    }
}

/// What kind of client a command works with.
#[derive(Clone, Copy, Debug)]
pub struct ClientKind {
    /// What Kafka's tools say when it cannot be made.
    refusal: &'static str,
    /// It moves records: fetching and sending go on beside the command's own work.
    busy: bool,
    /// The command looks after SIGINT and SIGTERM itself.
    minds_signals: bool,
}

pub const ADMIN: ClientKind = ClientKind { refusal: "Failed to create new KafkaAdminClient", busy: false, minds_signals: false };
/// As [`ADMIN`], for a command that goes on until a signal ends it.
pub const WATCHING: ClientKind = ClientKind { minds_signals: true, ..ADMIN };
pub const PRODUCER: ClientKind = ClientKind { refusal: "Failed to construct kafka producer", busy: true, minds_signals: false };
pub const SHARE_CONSUMER: ClientKind = ClientKind { refusal: "Failed to construct Kafka share consumer", busy: true, minds_signals: true };
/// As [`PRODUCER`], for commands that have something to tell after a signal.
pub const MEASURED_PRODUCER: ClientKind = ClientKind { minds_signals: true, ..PRODUCER };
pub const CONSUMER: ClientKind = ClientKind { refusal: "Failed to construct kafka consumer", busy: true, minds_signals: true };

/// Runs `work` with the client properties completed: where the broker is, and how long to wait for it.
///
/// Errors: the addresses are wrong; what `work` gives.
pub fn run<T>(
    args: &ConnectionArgs,
    mut properties: Properties,
    cx: &Context,
    kind: ClientKind,
    work: impl AsyncFnOnce(Properties) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let (brokers, embedded) = match args.locate(&mut properties, cx)? {
        Target::Brokers(list) => (list, None),
        Target::Controllers(list) => {
            properties.retain(|(key, _)| key != SERVERS);
            (list, None)
        }
        Target::Embedded(dir) => {
            let embedded = Embedded::open(&dir)?;
            (embedded.address.clone(), Some(embedded))
        }
    };
    let key = if args.bootstrap_controller.is_some() { CONTROLLERS } else { SERVERS };
    set(&mut properties, key, brokers);
    let prepared = prepared(properties, key, cx).map_err(|e| not_created(e, kind.refusal))?;
    let runtime = runtime(kind)?;
    let result = match (&embedded, kind.minds_signals) {
        (Some(_), false) => runtime.block_on(unless_stopped(work(prepared))),
        _ => runtime.block_on(work(prepared)),
    };
    // Connections go before the broker does.
    runtime.shutdown_background();
    if let Some(embedded) = embedded {
        embedded.close();
    }
    result
}

/// A signal ends the work, so that the embedded broker can be stopped properly.
async fn unless_stopped<T>(work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let listen = |kind| signal(kind).map_err(|e| CliError::failed("cannot listen for signals").cause(e.to_string()));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    let number = tokio::select! {
        result = work => return result,
        _ = interrupt.recv() => 2,
        _ = terminate.recv() => 15,
    };
    Err(CliError::stopped(number))
}

/// As [`run`] for an admin client, but never starts a broker: an embedded one is only talked to if it runs already.
pub fn run_on_existing<T>(
    args: &ConnectionArgs,
    properties: Properties,
    cx: &Context,
    work: impl AsyncFnOnce(Properties) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let Some(dir) = &args.embedded else { return run(args, properties, cx, ADMIN, work) };
    let none = || CliError::failed(format!("no broker runs on {}", dir.display()));
    let running = ConnectionArgs { bootstrap_server: Some(embedded::owner(dir).ok_or_else(none)?), embedded: None, ..Default::default() };
    run(&running, properties, cx, ADMIN, work)
}

/// The properties of a client of another cluster than that of [`run`].
pub fn towards(brokers: &str, mut properties: Properties, cx: &Context) -> Result<Properties, CliError> {
    set(&mut properties, "bootstrap.servers", brokers);
    prepared(properties, "bootstrap.servers", cx)
}

/// Addresses checked, and a limit for connecting that tells a person within seconds what cannot be reached.
fn prepared(mut properties: Properties, key: &str, cx: &Context) -> Result<Properties, CliError> {
    let list = addresses(get(&properties, key).unwrap_or_default(), cx)?;
    let each = UNREACHABLE_AFTER_MS / (list.split(',').count() as u64);
    set(&mut properties, key, list);
    set_default(&mut properties, "socket.connection.setup.timeout.ms", each.max(500).to_string());
    Ok(properties)
}

fn runtime(kind: ClientKind) -> Result<tokio::runtime::Runtime, CliError> {
    let mut builder = match kind.busy {
        true => tokio::runtime::Builder::new_multi_thread(),
        false => tokio::runtime::Builder::new_current_thread(),
    };
    let built = builder.worker_threads(1).enable_all().build();
    built.map_err(|e| CliError::failed("cannot start the runtime").cause(e.to_string()))
}

/// An admin client that has reached a broker.
///
/// Errors: a setting is wrong; no broker can be reached.
pub async fn admin(properties: &Properties, cx: &Context) -> Result<Admin, CliError> {
    let values = properties.iter().cloned().collect();
    let config = ClientConfig::parse(&values).map_err(|e| CliError::config(e.to_string()))?;
    let admin = Admin::new(config);
    match admin.client().refresh(&[]).await {
        Ok(_) => Ok(admin),
        Err(e) if cx.is_kafka() && nothing_resolves(&e) => Err(not_created(unresolvable(), ADMIN.refusal)),
        Err(e) => Err(e.into()),
    }
}

fn unresolvable() -> CliError {
    CliError::config("No resolvable bootstrap urls given in bootstrap.servers")
}

fn nothing_resolves(e: &Error) -> bool {
    matches!(e, Error::NoBroker { tried, .. } if tried.iter().all(|(_, cause)| matches!(cause, Cause::Unresolved(_))))
}

/// Checks and completes a list of addresses: a missing port is 9092, except under Kafka's name, where it is an error.
pub fn addresses(list: &str, cx: &Context) -> Result<String, CliError> {
    let mut all = Vec::new();
    for entry in list.split(',').map(str::trim).filter(|e| !e.is_empty()) {
        let bare = entry.split_once("://").map_or(entry, |(_, rest)| rest);
        let port = bare.rsplit_once(':').filter(|(host, _)| !host.contains(':') || host.ends_with(']')).map(|(_, port)| port);
        match port {
            Some(port) if port.parse::<u16>().is_ok() => all.push(bare.to_owned()),
            None if !cx.is_kafka() => all.push(format!("{bare}:{DEFAULT_PORT}")),
            _ => {
                let error = CliError::config(format!("Invalid url in bootstrap.servers: {entry}"));
                return Err(error.hint("addresses look like host1:9092,host2:9092"));
            }
        }
    }
    match all.is_empty() {
        true => Err(unresolvable()),
        false => Ok(all.join(",")),
    }
}

fn from_environment() -> Option<String> {
    variable(BROKERS_VARIABLE)
}

/// The value of `key`, if it is there.
pub fn get<'a>(properties: &'a Properties, key: &str) -> Option<&'a str> {
    properties.iter().rev().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
}

/// Sets `key`, whatever it was before.
pub fn set(properties: &mut Properties, key: &str, value: impl Into<String>) {
    properties.retain(|(k, _)| k != key);
    properties.push((key.to_owned(), value.into()));
}

/// Sets `key` if it is not there.
pub fn set_default(properties: &mut Properties, key: &str, value: impl Into<String>) {
    if get(properties, key).is_none() {
        set(properties, key, value);
    }
}

/// Reads a properties file. Errors: it cannot be read.
pub fn load_properties(path: &Path) -> Result<Properties, CliError> {
    let text = std::fs::read(path).map_err(|e| unreadable(path, &e))?;
    Ok(config::parse_properties(&String::from_utf8_lossy(&text)))
}

/// A file that cannot be read; Java names missing ones by their path alone.
pub fn unreadable(path: &Path, e: &io::Error) -> CliError {
    let shown = path.display().to_string();
    let class = if e.kind() == io::ErrorKind::NotFound { "java.nio.file.NoSuchFileException" } else { "java.io.IOException" };
    let hint = "the path is taken from the working directory";
    let error = CliError::config(format!("cannot read {shown}")).cause(e.to_string()).exception(class).java_message(shown);
    if path.is_relative() { error.hint(hint) } else { error }
}

/// `key=value` arguments; a missing value is empty, a value may contain `=`.
pub fn parse_pairs(args: &[String]) -> Properties {
    args.iter().map(|arg| arg.split_once('=').unwrap_or((arg, ""))).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tool::Personality;

    #[test]
    fn the_flag_beats_the_file() {
        let file: Properties = vec![("bootstrap.servers".into(), "f:1".into())];
        let args = ConnectionArgs { bootstrap_server: Some("a:1".into()), embedded: None, ..Default::default() };
        assert_eq!(args.target(&file).unwrap(), Some(Target::Brokers("a:1".into())));
        assert_eq!(ConnectionArgs::default().target(&file).unwrap(), Some(Target::Brokers("f:1".into())));
        assert_eq!(ConnectionArgs::default().target(&Properties::new()).unwrap(), None);
        let both = ConnectionArgs { embedded: Some("d".into()), ..args };
        assert!(both.target(&file).is_err());
    }

    #[test]
    fn addresses_need_a_port_only_under_kafkas_name() {
        let cx = |personality| Context { personality, invoked_as: String::new() };
        let (modern, kafka) = (cx(Personality::Modern), cx(Personality::Kafka));
        assert_eq!(addresses("a, b:1,PLAINTEXT://c:2,[::1],[::1]:3", &modern).unwrap(), "a:9092,b:1,c:2,[::1]:9092,[::1]:3");
        assert_eq!(addresses("localhost", &kafka).unwrap_err().message, "Invalid url in bootstrap.servers: localhost");
        assert!(addresses("localhost:abc", &modern).is_err());
        assert!(addresses("", &modern).is_err());
    }

    #[test]
    fn pairs_keep_what_follows_the_first_equals_sign() {
        let pairs = parse_pairs(&["a=b=c".into(), "d".into(), "e=".into()]);
        assert_eq!((get(&pairs, "a"), get(&pairs, "d"), get(&pairs, "e"), get(&pairs, "f")), (Some("b=c"), Some(""), Some(""), None));
    }
}
