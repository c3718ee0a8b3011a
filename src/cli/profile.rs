//! `kfk profile`: clusters by name, and where the settings of a command come from.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use clap_complete::engine::ArgValueCompleter;

use super::connect;
use super::error::{CliError, stderr_line};
use super::names;
use super::out::facts::{Cell, Column, Facts, row, text};
use super::out::{Format, Out};
use super::settings::{Explained, Settings, store};
use super::tool::{Context, Exit, Tool};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    pub action: Action,
}

#[derive(Debug, Subcommand)]
pub enum Action {
    /// List the profiles.
    List {
        /// How to print them.
        #[arg(long, short = 'o', value_enum, value_name = "FORMAT")]
        output: Option<Format>,
    },
    /// Show what a command started here would use, or what one profile says.
    Show {
        /// Show this profile by itself.
        #[arg(value_name = "NAME", add = names::profiles())]
        name: Option<String>,

        /// Tell where each value comes from, and what stands back behind it.
        #[arg(long)]
        explain: bool,

        /// How to print it.
        #[arg(long, short = 'o', value_enum, value_name = "FORMAT")]
        output: Option<Format>,
    },
    /// Make a profile, or change what it says; an empty value takes it away.
    #[command(visible_alias = "create")]
    Set {
        #[arg(value_name = "NAME", add = names::profiles())]
        name: String,

        /// The brokers to contact first, separated by commas.
        #[arg(long, value_name = "HOST:PORT,...", value_hint = clap::ValueHint::Other)]
        bootstrap_server: Option<String>,

        /// Properties file for the clients: security and so on.
        #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
        command_config: Option<String>,

        /// How commands that print facts print them, unless they are told: table, plain, json, jsonl, csv, yaml or name.
        #[arg(long, short = 'o', value_name = "FORMAT", add = formats())]
        output: Option<String>,

        /// Use it from now on.
        #[arg(long = "use")]
        use_it: bool,
    },
    /// Use a profile from now on, in all places without another one.
    Use {
        #[arg(value_name = "NAME", add = names::profiles())]
        name: Option<String>,

        /// Use none.
        #[arg(long)]
        none: bool,
    },
    /// Delete a profile.
    Delete {
        #[arg(value_name = "NAME", add = names::profiles())]
        name: String,
    },
}

fn formats() -> ArgValueCompleter {
    names::of(|| Format::value_variants().iter().filter_map(|f| Some(f.to_possible_value()?.get_name().to_owned())).collect())
}

impl Tool for Args {
    const COMMAND: &'static str = "profile";
    const ABOUT: &'static str = "Keep clusters under names, and tell where the settings of a command come from.";

    fn run(self, cx: &Context) -> Result<Exit, CliError> {
        match self.action {
            Action::List { output } => list(Format::pick(output, cx))?,
            Action::Show { name, explain, output } => show(name.as_deref(), explain, Format::pick(output, cx))?,
            Action::Set { name, bootstrap_server, command_config, output, use_it } => {
                set(&name, bootstrap_server, command_config, output, cx)?;
                if use_it {
                    store::make_in_use(Some(&name))?;
                }
            }
            Action::Use { name: Some(name), none: false } => store::make_in_use(Some(&name))?,
            Action::Use { name: None, none: true } => store::make_in_use(None)?,
            Action::Use { .. } => return Err(CliError::usage("either a profile's name or --none")),
            Action::Delete { name } => store::delete(&name)?,
        }
        Ok(Exit::OK)
    }
}

fn list(format: Format) -> Result<(), CliError> {
    const COLUMNS: &[Column] = &[text("profile"), text("in_use"), text("bootstrap_servers"), text("command_config"), text("output")];
    let used = store::in_use();
    let mut rows = Vec::new();
    for name in store::names() {
        let values = store::profile(&name)?;
        let config = values.config.map(|path| path.display().to_string());
        rows.push(row![name.as_str(), used.as_ref() == Some(&name), values.brokers, config, values.output]);
    }
    let plain: Vec<String> =
        rows.iter().map(|row| format!("{}{}", row[0].to_text(), if row[1] == Cell::Bool(true) { " (in use)" } else { "" })).collect();
    let mut out = Out::stdout();
    Facts::new(COLUMNS, rows).print(&mut out, format, |out| plain.iter().try_for_each(|line| out.line(line)))?;
    out.flush()
}

fn show(name: Option<&str>, explain: bool, format: Format) -> Result<(), CliError> {
    const COLUMNS: &[Column] = &[text("setting"), text("value"), text("from"), text("over")];
    let settings = match name {
        Some(name) => Settings::of_profile(name)?,
        None => Settings::load()?,
    };
    let rows = settings.explained()?;
    // Of one profile, what it says; not what is there without it.
    let said = |e: &Explained| name.is_none() || e.value.as_ref().is_some_and(|(_, origin)| origin.to_string() != "default");
    let rows: Vec<&Explained> = rows.iter().filter(|e| said(e)).collect();
    let over = |e: &Explained| e.over.iter().map(|(value, from)| format!("{value} ({from})")).collect::<Vec<_>>();
    let cells = |e: &&Explained| {
        let (value, from) = e.value.as_ref().map(|(value, from)| (value.clone(), from.to_string())).unzip();
        row![e.setting, value, from, if explain { over(e) } else { Vec::new() }]
    };
    let mut out = Out::stdout();
    Facts::new(COLUMNS, rows.iter().map(cells)).print(&mut out, format, |out| {
        for e in &rows {
            let value = e.value.as_ref().map_or("", |(value, _)| value);
            out.line(format!("{}={value}", e.setting))?;
            if explain {
                e.value.iter().try_for_each(|(_, from)| out.line(format!("  from {from}")))?;
                e.over.iter().try_for_each(|(value, from)| out.line(format!("  not  {value} from {from}")))?;
            }
        }
        Ok(())
    })?;
    out.flush()
}

fn set(name: &str, brokers: Option<String>, config: Option<String>, output: Option<String>, cx: &Context) -> Result<(), CliError> {
    store::check_name(name)?;
    let mut values = if store::names().iter().any(|known| known == name) { store::profile(name)? } else { store::Values::default() };
    if let Some(list) = brokers {
        values.brokers = if list.is_empty() { None } else { Some(connect::addresses(&list, cx)?) };
    }
    if let Some(file) = config {
        values.config = if file.is_empty() { None } else { Some(readable(&file)?) };
    }
    if let Some(format) = output {
        let known = format.is_empty() || Format::from_str(&format, false).is_ok();
        if !known {
            return Err(CliError::value(format!("{format} is no output format")).hint("table, plain, json, jsonl, csv, yaml or name"));
        }
        values.output = Some(format).filter(|f| !f.is_empty());
    }
    store::save(name, &values)?;
    if values == store::Values::default() {
        stderr_line(format!("profile {name} says nothing yet: `kfk profile set {name} --bootstrap-server HOST:PORT`"));
    }
    Ok(())
}

/// The path from the root on, as the profile is used everywhere. Error: it cannot be read.
fn readable(file: &str) -> Result<PathBuf, CliError> {
    let path = PathBuf::from(file);
    connect::load_properties(&path)?;
    std::path::absolute(&path).map_err(|e| connect::unreadable(&path, &e))
}
