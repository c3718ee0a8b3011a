//! Where commands take from what is not on the command line: variables of the environment, the project's file, the profile.
//!
//! Whoever names the brokers decides which file of settings goes with them: one from a weaker source is not used, so that passwords of one
//! cluster are not sent to another.

pub mod store;

use std::fmt;
use std::path::PathBuf;

use super::connect::{get, load_properties};
use super::error::CliError;
use store::Values;

/// The variables.
pub const BROKERS_VARIABLE: &str = "KFK_BROKERS";
pub const CONFIG_VARIABLE: &str = "KFK_COMMAND_CONFIG";
pub const OUTPUT_VARIABLE: &str = "KFK_OUTPUT";
pub const PROFILE_VARIABLE: &str = "KFK_PROFILE";
pub const DEFAULT_BROKERS: &str = "localhost:9092";

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Variable(&'static str),
    Project(PathBuf),
    Profile(String),
    /// `bootstrap.servers` of a file of settings, and who names that.
    ConfigFile(PathBuf, Box<Origin>),
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Variable(name) => write!(f, "${name}"),
            Origin::Project(path) => write!(f, "{}", path.display()),
            Origin::Profile(name) => write!(f, "profile {name}"),
            Origin::ConfigFile(path, by) => write!(f, "{}, which {by} names", path.display()),
            Origin::Default => write!(f, "default"),
        }
    }
}

/// A value, and where it comes from.
pub type Found<T> = (T, Origin);

/// What one source says.
#[derive(Clone, Debug)]
struct Layer {
    brokers: Option<Found<String>>,
    config: Option<Found<PathBuf>>,
    output: Option<Found<String>>,
}

impl Layer {
    fn of(values: Values, origin: &Origin) -> Layer {
        Layer {
            brokers: values.brokers.map(|v| (v, origin.clone())),
            config: values.config.map(|v| (v, origin.clone())),
            output: values.output.map(|v| (v, origin.clone())),
        }
    }

    fn of_environment() -> Layer {
        let of = |name| variable(name).map(|value| (value, Origin::Variable(name)));
        Layer {
            brokers: of(BROKERS_VARIABLE),
            config: of(CONFIG_VARIABLE).map(|(path, origin)| (PathBuf::from(path), origin)),
            output: of(OUTPUT_VARIABLE),
        }
    }

    /// Its brokers, or those of the file that it names.
    fn brokers(&self) -> Result<Vec<Found<String>>, CliError> {
        let mut found: Vec<Found<String>> = self.brokers.iter().cloned().collect();
        if let Some((path, by)) = &self.config {
            let properties = load_properties(path)?;
            if let Some(list) = get(&properties, "bootstrap.servers").filter(|list| !list.trim().is_empty()) {
                found.push((list.to_owned(), Origin::ConfigFile(path.clone(), Box::new(by.clone()))));
            }
        }
        Ok(found)
    }
}

/// The value of a variable; one that is empty says nothing.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// All sources, the strongest first.
#[derive(Clone, Debug)]
pub struct Settings {
    layers: Vec<Layer>,
}

/// One setting for `kfk profile show`.
#[derive(Clone, Debug)]
pub struct Explained {
    pub setting: &'static str,
    pub value: Option<Found<String>>,
    /// What stands back, strongest first, and why if that is not plain.
    pub over: Vec<(String, String)>,
}

impl Settings {
    /// Errors: a profile that is not there; a file that cannot be read.
    pub fn load() -> Result<Settings, CliError> {
        let project = store::project()?;
        let wanted = project.as_ref().and_then(|(_, values)| values.profile.clone());
        let profile = |name: &str| store::profile(name).map(|values| Layer::of(values, &Origin::Profile(name.to_owned())));
        let mut layers = vec![Layer::of_environment()];
        // An empty variable: no profile.
        let variable = std::env::var(PROFILE_VARIABLE).ok();
        if let Some(name) = variable.as_deref().filter(|name| !name.is_empty()) {
            layers.push(profile(name)?);
        }
        if let Some((path, values)) = project {
            layers.push(Layer::of(values, &Origin::Project(path)));
        }
        if let Some(name) = wanted.or_else(store::in_use).filter(|_| variable.is_none()) {
            layers.push(profile(&name)?);
        }
        Ok(Settings { layers })
    }

    /// One profile by itself.
    pub fn of_profile(name: &str) -> Result<Settings, CliError> {
        Ok(Settings { layers: vec![Layer::of(store::profile(name)?, &Origin::Profile(name.to_owned()))] })
    }

    /// The brokers, and the file of settings that goes with them.
    pub fn target(&self) -> Result<(Found<String>, Option<Found<PathBuf>>), CliError> {
        for (at, layer) in self.layers.iter().enumerate() {
            if let Some(found) = layer.brokers()?.into_iter().next() {
                return Ok((found, self.config_down_to(at)));
            }
        }
        Ok(((DEFAULT_BROKERS.to_owned(), Origin::Default), self.config_down_to(self.layers.len())))
    }

    fn config_down_to(&self, level: usize) -> Option<Found<PathBuf>> {
        self.layers.iter().take(level + 1).find_map(|layer| layer.config.clone())
    }

    pub fn output(&self) -> Option<Found<String>> {
        self.layers.iter().find_map(|layer| layer.output.clone())
    }

    /// All settings, and what stands back behind them.
    pub fn explained(&self) -> Result<Vec<Explained>, CliError> {
        let texts = |found: &Found<PathBuf>| (found.0.display().to_string(), found.1.clone());
        let (brokers, config) = self.target()?;
        let mut named = Vec::new();
        for layer in &self.layers {
            named.extend(layer.brokers()?);
        }
        let configs: Vec<Found<String>> = self.layers.iter().filter_map(|layer| layer.config.as_ref().map(texts)).collect();
        let outputs: Vec<Found<String>> = self.layers.iter().filter_map(|layer| layer.output.clone()).collect();
        let behind = |all: &[Found<String>], used: usize| -> Vec<(String, String)> {
            all.iter().skip(used).map(|(value, origin)| (value.clone(), origin.to_string())).collect()
        };
        let used = usize::from(config.is_some());
        let mut unused = behind(&configs, used);
        if used == 0 {
            for (_, why) in &mut unused {
                why.push_str(&format!(", which does not name the brokers; {} does", brokers.1));
            }
        }
        let mut over = behind(&named, usize::from(brokers.1 != Origin::Default));
        if brokers.1 != Origin::Default {
            over.push((DEFAULT_BROKERS.to_owned(), Origin::Default.to_string()));
        }
        Ok(vec![
            Explained { setting: store::BROKERS, value: Some(brokers), over },
            Explained { setting: store::CONFIG, value: config.as_ref().map(texts), over: unused },
            Explained { setting: store::OUTPUT, value: outputs.first().cloned(), over: behind(&outputs, 1) },
        ])
    }
}
