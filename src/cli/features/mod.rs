//! `kfk features`, `kafka-features.sh`: feature levels of a cluster, and changing them.

mod spec;

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::ValueHint;

use super::argparse::{Refused, Spec};
use super::connect::{self, ConnectionArgs, Properties};
use super::error::{CliError, stderr_line};
use super::out::facts::{Column, Facts, number, row, text};
use super::out::{Format, Out};
use super::storage::features as releases;
use super::tool::{Context, Entry, Exit, Tool};
use crate::client::admin::{Feature, Features, UpdateKind};

const METADATA: &str = "metadata.version";

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Brokers to contact first, separated by commas. Else bootstrap.servers of the properties file, $KFK_BROKERS, the profile's, or
    /// localhost:9092.
    #[arg(long, value_name = "HOST:PORT,...", add = super::names::brokers(), global = true)]
    pub bootstrap_server: Option<String>,

    /// Controllers to ask instead of brokers, separated by commas.
    #[arg(long, value_name = "HOST:PORT,...", value_hint = ValueHint::Other, global = true)]
    pub bootstrap_controller: Option<String>,

    /// Instead of a server, run the broker in this process on the data directory DIR (or talk to the server that owns it).
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, global = true)]
    pub embedded: Option<PathBuf>,

    /// Properties file for the client.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, global = true)]
    pub command_config: Option<PathBuf>,

    /// How to print what is found.
    #[arg(long, short = 'o', value_enum, value_name = "FORMAT", global = true)]
    pub output: Option<Format>,

    #[command(subcommand)]
    pub action: Action,
}

/// Which levels to go to.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Levels {
    /// The level of metadata.version: 4.3-IV0, 4.3 ... --release-version is newer.
    #[arg(long, value_name = "VERSION")]
    metadata: Option<String>,
    /// All features as this release has them: 4.3-IV0, 4.3 ...
    #[arg(long, value_name = "VERSION")]
    release_version: Option<String>,
    /// One feature. May be repeated.
    #[arg(long, value_name = "FEATURE=LEVEL")]
    feature: Vec<String>,
}

#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Show which levels are supported, and which are on.
    Describe {
        /// As this node knows it.
        #[arg(long, value_name = "ID", allow_hyphen_values = true)]
        node_id: Option<i32>,
    },
    /// Raise levels.
    Upgrade {
        #[command(flatten)]
        levels: Levels,
        /// Only check.
        #[arg(long)]
        dry_run: bool,
    },
    /// Lower levels.
    Downgrade {
        #[command(flatten)]
        levels: Levels,
        /// Even if metadata are lost.
        #[arg(long = "unsafe")]
        unsafe_: bool,
        /// Only check.
        #[arg(long)]
        dry_run: bool,
    },
    /// Turn features off.
    Disable {
        /// The feature. May be repeated.
        #[arg(long, value_name = "FEATURE")]
        feature: Vec<String>,
        /// Even if metadata are lost.
        #[arg(long = "unsafe")]
        unsafe_: bool,
        /// Only check.
        #[arg(long)]
        dry_run: bool,
    },
    /// Show which levels belong to a release.
    VersionMapping {
        /// The release: 4.3-IV0, 4.3 ... Default: the newest.
        #[arg(long, value_name = "VERSION")]
        release_version: Option<String>,
    },
    /// Show which levels of other features a level needs.
    FeatureDependencies {
        /// The feature. May be repeated.
        #[arg(long, value_name = "FEATURE=LEVEL", required = true)]
        feature: Vec<String>,
    },
}

/// An update of levels.
struct Update {
    /// `upgrade`, `downgrade`, `disable`
    verb: &'static str,
    kind: UpdateKind,
    levels: BTreeMap<String, i16>,
    dry_run: bool,
}

fn name_and_level(text: &str) -> Result<(String, i16), CliError> {
    let wrong = |why: String| CliError::value(format!("Can't parse feature=level string {text}: {why}"));
    let (name, level) = text.split_once('=').ok_or_else(|| wrong("equals sign not found.".to_owned()))?;
    let level = level.trim();
    let number = level.parse().map_err(|_| wrong(format!("unable to parse {level} as a short.")))?;
    Ok((name.trim().to_owned(), number))
}

fn down(unsafe_: bool) -> UpdateKind {
    if unsafe_ { UpdateKind::UnsafeDowngrade } else { UpdateKind::SafeDowngrade }
}

impl Levels {
    fn read(&self, kind: UpdateKind, cx: &Context) -> Result<BTreeMap<String, i16>, CliError> {
        let mut levels = BTreeMap::new();
        if let Some(version) = &self.release_version {
            if self.metadata.is_some() || !self.feature.is_empty() {
                return Err(CliError::usage("Can not specify `release-version` with other feature flags."));
            }
            let metadata = releases::version(version, true)?;
            levels.insert(METADATA.to_owned(), metadata);
            // Nothing is upgraded to 0.
            let wanted = releases::others(metadata).filter(|(_, level)| kind != UpdateKind::Upgrade || *level > 0);
            levels.extend(wanted.map(|(name, level)| (name.to_owned(), level)));
            return Ok(levels);
        }
        if let Some(version) = &self.metadata {
            cx.say(" `metadata` flag is deprecated and may be removed in a future release.")?;
            levels.insert(METADATA.to_owned(), releases::version(version, true)?);
        }
        for text in &self.feature {
            let (name, level) = name_and_level(text)?;
            once(&mut levels, name, level)?;
        }
        Ok(levels)
    }
}

fn once(levels: &mut BTreeMap<String, i16>, name: String, level: i16) -> Result<(), CliError> {
    match levels.insert(name.clone(), level) {
        Some(_) => Err(CliError::value(format!("Feature {name} was specified more than once."))),
        None => Ok(()),
    }
}

impl Action {
    /// The change that is asked for; `None`: nothing is to be changed.
    fn update(&self, cx: &Context) -> Result<Option<Update>, CliError> {
        let (verb, kind, levels, dry_run) = match self {
            Action::Upgrade { levels, dry_run } => ("upgrade", UpdateKind::Upgrade, levels.read(UpdateKind::Upgrade, cx)?, *dry_run),
            Action::Downgrade { levels, unsafe_, dry_run } => ("downgrade", down(*unsafe_), levels.read(down(*unsafe_), cx)?, *dry_run),
            Action::Disable { feature, unsafe_, dry_run } => {
                let mut levels = BTreeMap::new();
                feature.iter().try_for_each(|name| once(&mut levels, name.clone(), 0))?;
                ("disable", down(*unsafe_), levels, *dry_run)
            }
            _ => return Ok(None),
        };
        if levels.is_empty() {
            return Err(CliError::usage(format!("You must specify at least one feature to {verb}")));
        }
        Ok(Some(Update { verb, kind, levels, dry_run }))
    }

    /// Prints what can be told without asking anybody. False for the other actions.
    fn tell(&self, out: &mut Out, format: Format) -> Result<bool, CliError> {
        match self {
            Action::VersionMapping { release_version } => releases::print_mapping(out, format, release_version.as_deref())?,
            Action::FeatureDependencies { feature } => {
                let levels = feature.iter().map(|text| known_level(text)).collect::<Result<Vec<_>, _>>()?;
                releases::print_needs(out, format, &levels)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// A level that can be asked about.
fn known_level(text: &str) -> Result<(String, i16), CliError> {
    let (name, level) = name_and_level(text)?;
    if name == METADATA {
        releases::known_name(level).ok_or_else(|| CliError::value(format!("Unknown metadata.version {level}")))?;
        return Ok((name, level));
    }
    let highest = releases::highest(&name).ok_or_else(|| CliError::value(format!("Unknown feature: {name}")))?;
    match (0..=highest).contains(&level) {
        true => Ok((name, level)),
        false => Err(CliError::value(format!("No feature:{name} with feature level {level}"))),
    }
}

impl Args {
    async fn work(&self, update: Option<&Update>, properties: &Properties, cx: &Context) -> Result<(), CliError> {
        let admin = connect::admin(properties, cx).await?;
        let mut out = Out::stdout();
        let Some(update) = update else {
            let Action::Describe { node_id } = self.action else { return Ok(()) };
            render(&mut out, &admin.describe_features(node_id).await?, Format::pick(self.output, cx))?;
            return out.flush();
        };
        let results = admin.update_features(&update.levels, update.kind, update.dry_run).await?;
        let mut failures = 0;
        for (name, result) in &results {
            let level = update.levels.get(name).copied().unwrap_or_default();
            match result {
                Ok(()) => {
                    let how = if update.dry_run { "can be" } else { "was" };
                    let done = if update.verb == "disable" { "disabled.".to_owned() } else { format!("{}d to {level}.", update.verb) };
                    out.line(format!("{name} {how} {}", done))?;
                }
                Err(e) => {
                    failures += 1;
                    let how = if update.dry_run { "Can not" } else { "Could not" };
                    let to = if update.verb == "disable" { String::new() } else { format!(" to {level}") };
                    out.line(format!("{how} {} {name}{to}. {e}", update.verb))?;
                }
            }
        }
        out.flush()?;
        match failures {
            0 => Ok(()),
            n => Err(CliError::failed(format!("{n} out of {} operation(s) failed.", results.len()))),
        }
    }
}

/// A level as Kafka shows it.
fn shown(feature: &str, level: i16) -> String {
    match feature {
        METADATA => releases::known_name(level).map_or_else(|| format!("UNKNOWN [{level}]"), str::to_owned),
        _ => level.to_string(),
    }
}

fn render(out: &mut Out, found: &Features, format: Format) -> Result<(), CliError> {
    const COLUMNS: &[Column] = &[text("feature"), number("min"), number("max"), number("level"), text("release").if_any(), number("epoch")];
    let release = |f: &Feature| releases::known_name(f.finalized).filter(|_| f.name == METADATA);
    let row = |f: &Feature| row![&f.name, f.supported.0, f.supported.1, f.finalized, release(f), found.epoch];
    Facts::new(COLUMNS, found.features.iter().map(row)).print(out, format, |out| {
        let epoch = found.epoch.map_or_else(|| "-".to_owned(), |epoch| epoch.to_string());
        found.features.iter().try_for_each(|f| {
            let [min, max, on] = [f.supported.0, f.supported.1, f.finalized].map(|level| shown(&f.name, level));
            out.line(format!(
                "Feature: {:<42}SupportedMinVersion: {min:<17}SupportedMaxVersion: {max:<17}FinalizedVersionLevel: {on:<17}Epoch: {epoch}",
                f.name
            ))
        })
    })
}

impl Tool for Args {
    const COMMAND: &'static str = "features";
    const KAFKA: &'static str = "kafka-features";
    const ABOUT: &'static str = "Show and change the feature levels of a cluster.";
    const ARGPARSE: Option<&'static Spec> = Some(&spec::SPEC);

    fn run(self, cx: &Context) -> Result<Exit, CliError> {
        // In a block of its own: whoever holds standard output keeps others from it.
        {
            let mut out = Out::stdout();
            if self.action.tell(&mut out, Format::pick(self.output, cx))? {
                out.flush()?;
                return Ok(Exit::OK);
            }
        }
        let connection = ConnectionArgs {
            bootstrap_server: self.bootstrap_server.clone(),
            embedded: self.embedded.clone(),
            bootstrap_controller: self.bootstrap_controller.clone(),
        };
        if !connection.given(cx) {
            const NONE: &str =
                "Command line error: You must specify either --bootstrap-controller or --bootstrap-server.. Type --help for help.";
            eprint_without_newline(NONE);
            return Ok(Exit::FAILED);
        }
        let properties = self.command_config.as_deref().map(connect::load_properties).transpose()?.unwrap_or_default();
        let update = self.action.update(cx)?;
        connect::run(&connection, properties, cx, connect::ADMIN, async |properties| self.work(update.as_ref(), &properties, cx).await)?;
        Ok(Exit::OK)
    }

    /// One line, whatever it is.
    fn report_as_kafka(error: &CliError, _: &Entry) -> Exit {
        stderr_line(if error.java.class.is_empty() { error.message.clone() } else { error.inner_as_java() });
        Exit::FAILED
    }

    /// Kafka's tool prints no usage, and no newline.
    fn refuse_as_kafka(refused: &Refused) {
        eprint_without_newline(&format!("Command line error: {}. Type --help for help.", refused.text));
    }
}

/// A closed standard error is nobody's problem.
fn eprint_without_newline(text: &str) {
    use std::io::Write;
    let _ = std::io::stderr().write_all(text.as_bytes());
}
