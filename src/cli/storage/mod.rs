//! `kfk storage`, `kafka-storage.sh`: formats the directories of a server, kfk's or Kafka's, and tells what they are.

pub(super) mod features;
mod node;
mod scram;
mod spec;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use self::features::Levels;
use self::node::NodeConfig;
use super::argparse::Spec;
use super::connect;
use super::error::{CliError, stderr_line};
use super::out::facts::{Cell, Column, Facts, number, row, text};
use super::out::{Format, Out};
use super::tool::{Context, Entry, Exit, Tool};
use crate::node::quorum::storage::{FirstVoter, Formatting};
use crate::types::WallMs;
use crate::wire::Uuid;
use crate::wire::user_scram_credential_record::UserScramCredentialRecord;
use clap::ValueHint;

const META: &str = "meta.properties";

#[derive(Debug, clap::Args)]
pub struct Args {
    /// How to print what is found.
    #[arg(long, short = 'o', value_enum, value_name = "FORMAT", global = true)]
    pub output: Option<Format>,

    #[command(subcommand)]
    pub action: Action,
}

#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Tell what the directories of a server are: formatted or not, and whose.
    Info {
        /// The server's properties file.
        #[arg(long, short = 'c', value_name = "FILE", value_hint = ValueHint::FilePath)]
        config: PathBuf,
    },
    /// Format the directories of a server.
    Format(FormatArgs),
    /// Tell the levels of features that a release has.
    VersionMapping {
        /// The release: 4.3, 4.0-IV1. Default: the newest.
        #[arg(long, short = 'r', value_name = "RELEASE")]
        release_version: Option<String>,
    },
    /// Tell what levels of features need.
    FeatureDependencies {
        /// A feature and its level: name=level. Repeatable.
        #[arg(long, short = 'f', value_name = "NAME=LEVEL")]
        feature: Vec<String>,
    },
    /// Print a random id, for a cluster or a directory.
    RandomUuid,
}

#[derive(Debug, clap::Args)]
pub struct FormatArgs {
    /// The server's properties file.
    #[arg(long, short = 'c', value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: PathBuf,

    /// The cluster's id; all its nodes must have the same. Default: a random one.
    #[arg(long, short = 't', value_name = "ID", allow_hyphen_values = true)]
    pub cluster_id: Option<String>,

    /// A user that the cluster begins with: SCRAM-SHA-256=[name=alice,password=secret]. Repeatable.
    #[arg(long, short = 'S', value_name = "USER")]
    pub add_scram: Vec<String>,

    /// Leave directories alone that are formatted already.
    #[arg(long, short = 'g')]
    pub ignore_formatted: bool,

    /// Take the levels of features of this release: 4.3, 4.0-IV1. Default: the newest.
    #[arg(long, short = 'r', value_name = "RELEASE")]
    pub release_version: Option<String>,

    /// The level of a feature: name=level. Repeatable.
    #[arg(long, short = 'f', value_name = "NAME=LEVEL")]
    pub feature: Vec<String>,

    /// The voters of the quorum stand in its log and can be changed; this node is the first one.
    #[arg(long, short = 's')]
    pub standalone: bool,

    /// The voters of the quorum stand in its log; this node is none, or will be made one.
    #[arg(long, short = 'N')]
    pub no_initial_controllers: bool,

    /// The voters of the quorum stand in its log and are these, on all nodes: id@host:port:directory,...
    #[arg(long, short = 'I', value_name = "VOTER,...")]
    pub initial_controllers: Option<String>,
}

/// A failure that Kafka's tool ends with as an exception that it does not expect.
fn thrown(class: &'static str, text: impl Into<String>) -> CliError {
    CliError::value(text).exception(class)
}

impl Tool for Args {
    const COMMAND: &'static str = "storage";
    const KAFKA: &'static str = "kafka-storage";
    const ABOUT: &'static str = "Format the directories of a server, and tell what they are.";
    const ARGPARSE: Option<&'static Spec> = Some(&spec::SPEC);

    fn run(self, cx: &Context) -> Result<Exit, CliError> {
        let mut out = Out::stdout();
        let format = Format::pick(self.output, cx);
        let mut exit = Exit::OK;
        match &self.action {
            Action::Info { config } => exit = info(&NodeConfig::load(config)?, &mut out, format)?,
            Action::Format(args) => args.run(&mut out, cx)?,
            Action::VersionMapping { release_version } => features::print_mapping(&mut out, format, release_version.as_deref())?,
            Action::FeatureDependencies { feature } => features::print_needs(&mut out, format, &features::known_levels(feature)?)?,
            Action::RandomUuid => {
                let uuid = random_uuid()?.to_string();
                Facts::new(&[UUID], [row![&uuid]]).print(&mut out, format, |out| out.line(&uuid))?;
            }
        }
        out.flush()?;
        Ok(exit)
    }

    fn report_as_kafka(error: &CliError, _: &Entry) -> Exit {
        match error.java.class.is_empty() {
            true => stderr_line(&error.message),
            false => stderr_line(format!("Exception in thread \"main\" {}", error.as_java())),
        }
        Exit::FAILED
    }
}

/// One that is neither a mark of Kafka's nor looks like an option.
fn random_uuid() -> Result<Uuid, CliError> {
    loop {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|e| CliError::failed("the system has no random numbers").cause(e.to_string()))?;
        // As RFC 4122 marks random ids.
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let id = Uuid(bytes);
        if !id.to_string().starts_with('-') {
            return Ok(id);
        }
    }
}

/// The properties that say whose a directory is; `None` if it is not formatted.
fn meta(dir: &Path) -> Result<Option<BTreeMap<String, String>>, CliError> {
    let path = dir.join(META);
    match path.try_exists() {
        Ok(false) => Ok(None),
        _ => Ok(Some(connect::load_properties(&path)?.into_iter().collect())),
    }
}

const UUID: Column = text("uuid");
const DIRECTORIES: &[Column] = &[
    text("directory"),
    text("formatted"),
    text("cluster_id"),
    number("node_id"),
    text("directory_id"),
    number("version"),
    text("problem").if_any(),
];

/// A directory, what its properties say, and what is wrong with it.
fn told(dir: &str, meta: Option<&BTreeMap<String, String>>, problem: Option<&str>) -> Vec<Cell> {
    let text = |name: &str| meta.and_then(|m| m.get(name));
    let number = |name: &str| text(name).and_then(|n| n.parse::<i64>().ok());
    // Version 0 is of the time of ZooKeeper.
    let old = (number("version") == Some(0)).then_some("formatted for legacy mode");
    let id = number("node.id").or_else(|| number("broker.id"));
    row![dir, meta.is_some(), text("cluster.id"), id, text("directory.id"), number("version"), problem.or(old)]
}

/// Exit code 1 if something is wrong.
fn info(config: &NodeConfig, out: &mut Out, format: Format) -> Result<Exit, CliError> {
    let (mut found, mut problems, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    let mut first: Option<BTreeMap<String, String>> = None;
    for dir in &config.dirs {
        let path = Path::new(dir);
        if !path.is_dir() {
            let problem = format!("{dir} {}", if path.exists() { "is not a directory" } else { "does not exist" });
            rows.push(told(dir, None, Some(&problem)));
            problems.push(problem);
            continue;
        }
        found.push(dir.as_str());
        let own = meta(path)?;
        let differs = |name: &str| own.as_ref().zip(first.as_ref()).is_some_and(|(own, other)| own.get(name) != other.get(name));
        let problem = match &own {
            None => Some(format!("{dir} is not formatted.")),
            Some(_) if differs("cluster.id") => Some("Mismatched cluster IDs between storage directories.".to_owned()),
            Some(_) if differs("node.id") => Some("Mismatched node IDs between storage directories.".to_owned()),
            Some(_) => None,
        };
        rows.push(told(dir, own.as_ref(), problem.as_deref()));
        problems.extend(problem);
        first = first.or(own);
    }
    if first.as_ref().and_then(|m| m.get("version")).is_some_and(|v| v == "0") {
        const OLD: &str =
            "The kafka configuration file appears to be for a cluster in KRaft mode, but the directories are formatted for legacy mode.";
        problems.push(OLD.to_owned());
    }
    Facts::new(DIRECTORIES, rows).print(out, format, |out| {
        block(out, "Found log director", &["y", "ies"], &found)?;
        if let Some(first) = first {
            let pairs: Vec<String> = first.iter().map(|(k, v)| format!("{k}={v}")).collect();
            out.line(format!("Found metadata: {{{}}}\n", pairs.join(", ")))?;
        }
        block(out, "Found problem", &["", "s"], &problems)
    })?;
    Ok(if problems.is_empty() { Exit::OK } else { Exit::FAILED })
}

/// A header, in the plural if need be, lines and an empty one.
fn block<T: AsRef<str>>(out: &mut Out, header: &str, endings: &[&str; 2], lines: &[T]) -> Result<(), CliError> {
    if lines.is_empty() {
        return Ok(());
    }
    out.line(format!("{header}{}:", endings[usize::from(lines.len() > 1)]))?;
    lines.iter().try_for_each(|line| out.line(format!("  {}", line.as_ref())))?;
    out.line("")
}

impl FormatArgs {
    fn run(&self, out: &mut Out, cx: &Context) -> Result<(), CliError> {
        let config = NodeConfig::load(&self.config)?;
        // Refused as early as in Kafka's tool.
        let release = self.release_version.as_deref();
        release.map(|r| features::version(r, false)).transpose()?;
        let voters = self.voters(&config)?;
        let levels = features::levels(release, &self.feature, voters.is_some() || self.no_initial_controllers)?;
        let users: Vec<UserScramCredentialRecord> = self.add_scram.iter().map(|u| scram::user(u)).collect::<Result<_, _>>()?;
        if !users.is_empty() && levels.version < features::SCRAM {
            return Err(CliError::usage("SCRAM is only supported in metadata.version 3.5-IV2 or later."));
        }
        let known = self.formatted(&config)?;
        let cluster = known.values().find_map(|m| m.get("cluster.id").cloned());
        let cluster_id = match (&self.cluster_id, cluster) {
            (Some(asked), _) => asked.clone(),
            (None, Some(known)) => known,
            (None, None) => random_uuid()?.to_string(),
        };
        let new: BTreeSet<&String> = config.dirs.iter().filter(|dir| !known.contains_key(*dir)).collect();
        if new.is_empty() {
            return out.line("All of the log directories are already formatted.");
        }
        if cx.is_kafka() {
            out.line(bootstrap(&levels, &users))?;
        }
        let voters = voters.map(|all| (all, config.controller_listener.clone()));
        let Levels { version, written } = levels;
        let formatting = Formatting { cluster_id, node: config.node, version, features: written, users, voters };
        new.into_iter().try_for_each(|dir| self.write(dir, &config, &formatting, out))
    }

    fn write(&self, dir: &str, config: &NodeConfig, formatting: &Formatting, out: &mut Out) -> Result<(), CliError> {
        let holds_metadata = dir == config.metadata_dir;
        let own = formatting.voters.iter().flat_map(|(all, _)| all).find(|v| v.id == config.node && holds_metadata);
        let what = match (holds_metadata, &formatting.voters, own) {
            (false, ..) => "data directory",
            (true, None, _) => "metadata directory",
            (true, Some(_), None) => "dynamic metadata directory",
            (true, Some(_), Some(_)) => "dynamic metadata voter directory",
        };
        out.line(format!("Formatting {what} {dir} with metadata.version {}.", features::version_name(formatting.version)))?;
        out.flush()?;
        let unwritten = |e: String| CliError::failed(format!("cannot format {dir}")).cause(e);
        std::fs::create_dir_all(dir).map_err(|e| unwritten(e.to_string()))?;
        let id = own.map_or_else(random_uuid, |v| Ok(v.directory))?;
        let now = WallMs(jiff::Timestamp::now().as_millisecond());
        formatting.write(Path::new(dir), id, holds_metadata, now).map_err(|e| unwritten(e.to_string()))
    }

    /// The voters that stand in the log; `None` if there are none.
    fn voters(&self, config: &NodeConfig) -> Result<Option<Vec<FirstVoter>>, CliError> {
        let usage = |text: &str| Err(CliError::usage(text));
        if [self.standalone, self.no_initial_controllers, self.initial_controllers.is_some()].iter().filter(|g| **g).count() > 1 {
            return usage("only one of --standalone, --no-initial-controllers and --initial-controllers can be given");
        }
        if config.static_voters && (self.standalone || self.initial_controllers.is_some()) {
            return usage(
                "You cannot specify controller.quorum.voters and format the node with --initial-controllers or --standalone. If you want to \
                 use dynamic quorum, please remove controller.quorum.voters and specify controller.quorum.bootstrap.servers instead.",
            );
        }
        if let Some(text) = &self.initial_controllers {
            return node::voters(text).map(Some);
        }
        if self.standalone {
            if !config.is_controller {
                return usage("You can only use --standalone on a controller.");
            }
            let none = || thrown("java.lang.RuntimeException", "No controller listeners found.");
            let (host, port) = config.controller_address.clone().ok_or_else(none)?;
            return Ok(Some(vec![FirstVoter { id: config.node, host, port, directory: random_uuid()? }]));
        }
        if config.is_controller && !config.static_voters && !self.no_initial_controllers {
            return usage(
                "Because controller.quorum.voters is not set on this controller, you must specify one of the following: --standalone, \
                 --initial-controllers, or --no-initial-controllers.",
            );
        }
        Ok(None)
    }

    /// The directories that are formatted, with what they say. Errors: one is another's, or may not be formatted again.
    fn formatted<'a>(&self, config: &'a NodeConfig) -> Result<BTreeMap<&'a String, BTreeMap<String, String>>, CliError> {
        let mut known = BTreeMap::new();
        for dir in &config.dirs {
            let Some(own) = meta(Path::new(dir))? else { continue };
            let check = |key: &str, expected: Option<&String>| match (own.get(key), expected) {
                (Some(read), Some(expected)) if read != expected => {
                    let text = format!("Invalid {key} in: {dir}/{META}. Expected {expected}, but read {read}");
                    Err(thrown("java.lang.RuntimeException", text))
                }
                _ => Ok(()),
            };
            check("cluster.id", self.cluster_id.as_ref())?;
            check("node.id", Some(&config.node.to_string()))?;
            known.insert(dir, own);
        }
        match known.keys().next().filter(|_| !self.ignore_formatted) {
            Some(dir) => Err(CliError::usage(format!(
                "Log directory {dir} is already formatted. Use --ignore-formatted to ignore this directory and format the others."
            ))),
            None => Ok(known),
        }
    }
}

/// What the cluster begins with, as Java writes it; but not the keys of users.
fn bootstrap(levels: &Levels, users: &[UserScramCredentialRecord]) -> String {
    let level = |(name, level): &(String, i16)| format!("FeatureLevelRecord(name='{name}', featureLevel={level})");
    let user = |u: &UserScramCredentialRecord| {
        let (name, mechanism, iterations) = (&u.name, u.mechanism, u.iterations);
        format!(
            "UserScramCredentialRecord(name='{name}', mechanism={mechanism}, salt=[hidden], storedKey=[hidden], serverKey=[hidden], iterations={iterations})"
        )
    };
    let records: Vec<String> = levels
        .written
        .iter()
        .map(level)
        .chain(users.iter().map(user))
        .map(|record| format!("ApiMessageAndVersion({record} at version 0)"))
        .collect();
    let (records, version) = (records.join(", "), levels.version);
    format!("Bootstrap metadata: BootstrapMetadata(records=[{records}], metadataVersionLevel={version}, source=format command)")
}
